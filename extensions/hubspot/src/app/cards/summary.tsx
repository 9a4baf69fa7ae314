import { Alert, Flex, List, ProgressBar, Statistics, StatisticsItem, Tag, Text } from '@hubspot/ui-extensions';
import type { CardView, Member } from './card-view.generated.ts';
import type { Format } from './format.ts';
import { sumOfStates } from './sum-money.ts';
import {
  COMING_STATES,
  count,
  PAID_STATES,
  REWARD_LABELS,
  ROLE_LABELS,
  STUCK_STATES,
  TAKEN_BACK_STATES,
} from './words.ts';

interface SummaryProps {
  readonly view: CardView;
  readonly format: Format;
}

/** More than these would push the referrals themselves out of sight. */
const MAX_MISSING_SHOWN = 3;

/** The first glance: who referred whom, what was paid, what is missing. */
export function Summary({ view, format }: SummaryProps) {
  return (
    <Flex direction="column" gap="sm">
      <Flex direction="row" gap="sm" align="center" wrap="wrap">
        <Tag variant={view.role === 'none' ? 'default' : 'info'}>{ROLE_LABELS[view.role]}</Tag>
        <Text format={{ fontWeight: 'demibold' }}>{sentenceOf(view)}</Text>
      </Flex>
      {view.member !== null && <Totals member={view.member} format={format} />}
      <Missing view={view} />
    </Flex>
  );
}

/** Who referred whom, and how that went. */
export function sentenceOf({ contact, member, referredBy }: CardView): string {
  const parts: string[] = [];
  if (referredBy !== null) parts.push(`${contact.name} was referred by ${referredBy.name}.`);
  if (member !== null) {
    const who = parts.length === 0 ? contact.name : 'Since then this contact';
    parts.push(
      member.referrals === 0
        ? `${who} can refer friends and has not referred anyone yet.`
        : `${who} has referred ${count(member.referrals, 'friend', 'friends')}, ${member.wonReferrals} won.`,
    );
  }
  return parts.join(' ');
}

function Totals({ member, format }: { readonly member: Member; readonly format: Format }) {
  const takenBack = sumOfStates(member.rewards, TAKEN_BACK_STATES);
  const last = member.lastReward;
  return (
    <Flex direction="column" gap="xs">
      <Statistics>
        <StatisticsItem label="Friends referred" number={member.referrals} />
        <StatisticsItem label="Won" number={member.wonReferrals} />
        <StatisticsItem label="Paid" number={format.sum(sumOfStates(member.rewards, PAID_STATES)) || '–'} />
        <StatisticsItem label="On the way" number={format.sum(sumOfStates(member.rewards, COMING_STATES)) || '–'} />
        {member.tier !== undefined && <StatisticsItem label="Tier" number={member.tier.name} />}
        {takenBack.length > 0 && <StatisticsItem label="Taken back" number={format.sum(takenBack)} />}
      </Statistics>
      {member.nextTier !== undefined && (
        <ProgressBar
          title={`Next tier: ${member.nextTier.name}`}
          value={member.nextTier.percent}
          maxValue={100}
          valueDescription={`${member.nextTier.score} of ${member.nextTier.needed}`}
        />
      )}
      {member.tier !== undefined && (
        <Text variant="microcopy">
          Tier {member.tier.name} since {format.date(member.tier.since)}. {member.tier.reason}
        </Text>
      )}
      {last !== null && (
        <Text variant="microcopy">
          Last reward: {format.money(last)}, {REWARD_LABELS[last.state].text.toLowerCase()} on {format.date(last.at)}.{' '}
          {last.reason}
        </Text>
      )}
    </Flex>
  );
}

function Missing({ view }: { readonly view: CardView }) {
  const stuck = view.referrals.flatMap(({ rewards }) => rewards).filter(({ state }) => STUCK_STATES.includes(state));
  if (stuck.length === 0) return null;
  const todo = [...new Set(stuck.flatMap(({ wouldPay }) => wouldPay ?? []))];
  return (
    <Alert
      title={`${count(stuck.length, 'reward waits', 'rewards wait')} for something to be put right`}
      variant="warning"
    >
      {todo.length > 0 && (
        <List variant="unordered-styled">
          {todo.slice(0, MAX_MISSING_SHOWN).map((text) => (
            <Text key={text}>{text}</Text>
          ))}
        </List>
      )}
    </Alert>
  );
}
