import { Flex, Tag, Text } from '@hubspot/ui-extensions';
import type { Reward } from './card-view.generated.ts';
import { Conditions } from './conditions.tsx';
import type { Format } from './format.ts';
import { PAID_STATES, REWARD_LABELS, STUCK_STATES } from './words.ts';

interface RewardRowProps {
  readonly reward: Reward;
  readonly format: Format;
}

/** What one rule makes of the referral: state and money first, then why, then what is missing and what comes. */
export function RewardRow({ reward, format }: RewardRowProps) {
  const label = REWARD_LABELS[reward.state];
  const paid = PAID_STATES.includes(reward.state);
  return (
    <Flex direction="column" gap="xs">
      <Flex direction="row" gap="sm" align="center" wrap="wrap">
        <Tag variant={label.variant}>{label.text}</Tag>
        <Text format={{ fontWeight: 'demibold' }}>
          {reward.money === null ? 'Reward' : format.money(reward.money)} for {reward.beneficiary}
        </Text>
        <Text variant="microcopy">
          {reward.rule} · {format.date(reward.at)}
        </Text>
      </Flex>
      <Text>{reward.reason.text}</Text>
      {reward.wouldPay !== null && <Labelled label="What would make it pay:" text={reward.wouldPay} />}
      {reward.next !== null && (
        <Labelled
          label="What happens next:"
          text={reward.nextAt === undefined ? reward.next : `${reward.next} (${format.date(reward.nextAt)})`}
        />
      )}
      {reward.conditions.length > 0 && (
        <Conditions
          conditions={reward.conditions}
          format={format}
          open={!paid && STUCK_STATES.includes(reward.state)}
        />
      )}
    </Flex>
  );
}

function Labelled({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <Text>
      <Text inline={true} format={{ fontWeight: 'demibold' }}>
        {label}
      </Text>{' '}
      {text}
    </Text>
  );
}
