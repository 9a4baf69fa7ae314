import { Alert } from '@hubspot/ui-extensions';

/** For a reader who may not act: why, and whom to ask. */
export function WhyNot({ whyNot }: { readonly whyNot: string | undefined }) {
  if (whyNot === undefined) return null;
  return (
    <Alert title="You may look, and not act" variant="info">
      {whyNot}
    </Alert>
  );
}
