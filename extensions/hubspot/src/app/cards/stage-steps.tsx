import { StepIndicator } from '@hubspot/ui-extensions';
import type { Stage } from './card-view.generated.ts';
import { STAGE_LABELS, STAGE_PATH } from './words.ts';

/** How far a referral has come; nothing for one that ended elsewhere. */
export function StageSteps({ stage }: { readonly stage: Stage }) {
  const step = STAGE_PATH.indexOf(stage);
  if (step < 0) return null;
  return (
    <StepIndicator
      stepNames={STAGE_PATH.map((one) => STAGE_LABELS[one])}
      currentStep={step}
      circleSize="xs"
      variant="compact"
    />
  );
}
