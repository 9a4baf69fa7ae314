import { Divider, Flex, Heading, Link, StatusTag, Text, Tile } from '@hubspot/ui-extensions';
import type { Deal, Referral } from './card-view.generated.ts';
import { ConsoleLink } from './console-link.tsx';
import { DisputeButton } from './dispute-button.tsx';
import type { Format } from './format.ts';
import { RewardRow } from './reward-row.tsx';
import { StageSteps } from './stage-steps.tsx';
import { STAGE_LABELS, STAGE_PATH, STAGE_VARIANTS } from './words.ts';

interface ReferralRowProps {
  readonly referral: Referral;
  readonly format: Format;
  /** Absent for a reader who may not act. */
  readonly disputes?: { readonly api: string; readonly onDone: (message: string) => void };
}

export function ReferralRow({ referral, format, disputes }: ReferralRowProps) {
  const { person } = referral;
  const hasEnded = !STAGE_PATH.includes(referral.stage);
  return (
    <Tile compact={true}>
      <Flex direction="column" gap="sm">
        <Flex direction="row" gap="sm" justify="between" align="center" wrap="wrap">
          <Heading>{person.url === undefined ? person.name : <Link href={person.url}>{person.name}</Link>}</Heading>
          <StatusTag variant={STAGE_VARIANTS[referral.stage]}>{STAGE_LABELS[referral.stage]}</StatusTag>
        </Flex>
        <Text variant="microcopy">
          {referral.direction === 'made' ? 'Friend referred by this contact' : 'Referred this contact'} ·{' '}
          {STAGE_LABELS[referral.stage].toLowerCase()} since {format.date(referral.since)}
        </Text>
        <StageSteps stage={referral.stage} />
        {hasEnded && referral.stageReason !== undefined && <Text>{referral.stageReason}</Text>}
        {referral.deals.map((deal) => (
          <DealLine key={deal.id} deal={deal} format={format} />
        ))}
        {referral.rewards.map((reward, index) => (
          // One rule may stand here twice, for two deals, and neither need have a reward id yet.
          <Flex key={reward.rewardId ?? `${reward.rule} ${index}`} direction="column" gap="sm">
            <Divider size="xs" />
            <RewardRow reward={reward} format={format} />
          </Flex>
        ))}
        <ConsoleLink url={referral.consoleUrl} what={`the referral with ${person.name}`} />
        {disputes !== undefined && (
          <DisputeButton
            api={disputes.api}
            referralId={referral.referralId}
            about={`the referral with ${person.name}`}
            onDone={disputes.onDone}
          />
        )}
      </Flex>
    </Tile>
  );
}

function DealLine({ deal, format }: { readonly deal: Deal; readonly format: Format }) {
  const { amount, currency } = deal;
  const worth = amount === null || currency === null ? (amount ?? 'no amount') : format.money({ amount, currency });
  return (
    <Text>
      Deal {deal.url === undefined ? deal.name : <Link href={deal.url}>{deal.name}</Link>} · {deal.stageLabel} · {worth}
      {deal.syncedAt === undefined ? '' : ` · read ${format.dateTime(deal.syncedAt)}`}
    </Text>
  );
}
