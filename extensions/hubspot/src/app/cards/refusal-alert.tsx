import { Alert } from '@hubspot/ui-extensions';
import type { ActionRefused } from './card-view.generated.ts';

export function RefusalAlert({ refusal }: { readonly refusal: ActionRefused | null }) {
  if (refusal === null) return null;
  return (
    <Alert title="This was not done" variant="warning">
      {refusal.message} Reference: {refusal.ref ?? refusal.code}
    </Alert>
  );
}
