import { Flex, StatusTag, Tag, Text } from '@hubspot/ui-extensions';
import type { Reward, RewardState, Stage } from './card-view.generated.ts';
import type { Format } from './format.ts';
import { COMING_STATES, PAID_STATES, REWARD_LABELS, STAGE_LABELS, STAGE_VARIANTS, STUCK_STATES } from './words.ts';

/** What a reader can still do something about comes first, then what is on its way, then what has happened. */
const ORDER: readonly (readonly RewardState[])[] = [STUCK_STATES, ['expected'], COMING_STATES, PAID_STATES];

interface HeadlineProps {
  readonly words: string;
  readonly stage: Stage;
  readonly rewards: readonly Reward[];
  readonly format: Format;
}

/** One referral in three lines: who and where it stands, the reward, and what comes next. */
export function Headline({ words, stage, rewards, format }: HeadlineProps) {
  const reward = mostTelling(rewards);
  return (
    <Flex direction="column" gap="xs">
      <Text>{words}</Text>
      <Flex direction="row" gap="xs" align="center" wrap="wrap">
        <StatusTag variant={STAGE_VARIANTS[stage]}>{STAGE_LABELS[stage]}</StatusTag>
        {reward !== undefined && (
          <Tag variant={REWARD_LABELS[reward.state].variant}>
            {REWARD_LABELS[reward.state].text}
            {reward.money === null ? '' : `: ${format.money(reward.money)}`}
          </Tag>
        )}
      </Flex>
      {reward !== undefined && <Next reward={reward} format={format} />}
    </Flex>
  );
}

function Next({ reward, format }: { readonly reward: Reward; readonly format: Format }) {
  const { wouldPay, next, nextAt } = reward;
  const text = wouldPay ?? next;
  if (text === null) return <Text variant="microcopy">{reward.reason.text}</Text>;
  const at = wouldPay === null && nextAt !== undefined ? ` (${format.date(nextAt)})` : '';
  return (
    <Text variant="microcopy">
      <Text inline={true} variant="microcopy" format={{ fontWeight: 'demibold' }}>
        Next:
      </Text>{' '}
      {text}
      {at}
    </Text>
  );
}

function mostTelling(rewards: readonly Reward[]): Reward | undefined {
  for (const states of ORDER) {
    const found = rewards.find(({ state }) => states.includes(state));
    if (found !== undefined) return found;
  }
  return rewards[0];
}
