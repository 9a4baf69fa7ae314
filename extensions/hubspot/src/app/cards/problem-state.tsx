import { EmptyState, ErrorState, LoadingButton, Text } from '@hubspot/ui-extensions';
import type { CardError } from './card-view.generated.ts';

interface ProblemStateProps {
  readonly problem: CardError;
  readonly retrying: boolean;
  readonly onRetry: () => void;
  /** What the record is called. */
  readonly noun: 'contact' | 'deal' | 'company';
}

export function ProblemState({ problem, retrying, onRetry, noun }: ProblemStateProps) {
  const retry = (
    <LoadingButton loading={retrying} onClick={onRetry}>
      {problem.code === 'not_connected' ? 'Check again' : 'Try again'}
    </LoadingButton>
  );
  if (problem.code === 'not_connected') {
    return (
      <EmptyState title="Connect Wonward to this HubSpot account" imageName="integrations" layout="vertical">
        <Text>{problem.message}</Text>
        <Text>
          Ask an admin to open Wonward, choose Connections and connect HubSpot. Nothing was lost: referrals that happen
          now are found later.
        </Text>
        <Reference problem={problem} />
        {retry}
      </EmptyState>
    );
  }
  return (
    <ErrorState
      title={problem.code === 'not_found' ? `This ${noun} is not known to Wonward` : 'Referrals could not be loaded'}
      type={problem.code === 'forbidden' ? 'lock' : 'error'}
    >
      <Text>{problem.message}</Text>
      {problem.code === 'not_found' && (
        <Text>A {noun} that was just created or merged appears within a few minutes.</Text>
      )}
      <Reference problem={problem} />
      {retry}
    </ErrorState>
  );
}

/** What a rep reads out to support. */
function Reference({ problem }: { readonly problem: CardError }) {
  return <Text variant="microcopy">Reference: {problem.ref ?? problem.code}</Text>;
}
