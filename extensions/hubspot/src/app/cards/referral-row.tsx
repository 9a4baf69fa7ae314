import { Divider, Flex, Heading, Link, StatusTag, StepIndicator, Text, Tile } from '@hubspot/ui-extensions';
import type { Deal, Referral } from './card-view.generated.ts';
import type { Format } from './format.ts';
import { RewardRow } from './reward-row.tsx';
import { STAGE_LABELS, STAGE_PATH, STAGE_VARIANTS } from './words.ts';

interface ReferralRowProps {
  readonly referral: Referral;
  readonly format: Format;
}

export function ReferralRow({ referral, format }: ReferralRowProps) {
  const { person } = referral;
  const step = STAGE_PATH.indexOf(referral.stage);
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
        {step >= 0 && (
          <StepIndicator
            stepNames={STAGE_PATH.map((stage) => STAGE_LABELS[stage])}
            currentStep={step}
            circleSize="xs"
            variant="compact"
          />
        )}
        {step < 0 && referral.stageReason !== undefined && <Text>{referral.stageReason}</Text>}
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
    </Text>
  );
}
