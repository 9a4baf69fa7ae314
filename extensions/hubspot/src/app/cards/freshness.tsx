import { Alert, Flex, LoadingButton, Text } from '@hubspot/ui-extensions';
import type { Format } from './format.ts';
import type { Card } from './use-card.ts';

interface FreshnessProps {
  readonly generatedAt: string;
  /** When the record itself was last read from HubSpot; absent when it never was. */
  readonly syncedAt?: string | undefined;
  /** False where the figures come from other records than the one that is open. */
  readonly isRecordRead?: boolean;
  readonly card: Card<unknown>;
  readonly format: Format;
}

/** As of when all figures are, and since when the record behind them is known. */
export function Freshness({ generatedAt, syncedAt, isRecordRead = true, card, format }: FreshnessProps) {
  const { state } = card;
  const problem = state.kind === 'ready' ? state.problem : null;
  const read = syncedAt === undefined ? 'not read from HubSpot yet' : `read from HubSpot ${format.dateTime(syncedAt)}`;
  return (
    <Flex direction="column" gap="xs">
      {problem !== null && (
        <Alert title="What you see may be out of date" variant="warning">
          {problem.message} Reference: {problem.ref ?? problem.code}
        </Alert>
      )}
      <Flex direction="row" gap="sm" justify="between" align="center" wrap="wrap">
        <Text variant="microcopy">
          As of {format.dateTime(generatedAt)}
          {isRecordRead ? ` · record ${read}` : ''}
        </Text>
        <LoadingButton size="xs" loading={state.kind === 'ready' && state.busy === 'refresh'} onClick={card.refresh}>
          Refresh
        </LoadingButton>
      </Flex>
    </Flex>
  );
}
