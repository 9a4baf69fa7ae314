import {
  Alert,
  DescriptionList,
  DescriptionListItem,
  Divider,
  EmptyState,
  Flex,
  Heading,
  hubspot,
  LoadingSpinner,
  StatusTag,
  Text,
} from '@hubspot/ui-extensions';
import type { DealCardView, DealReferral, Warning } from './card-view.generated.ts';
import { type CardProps, Connected, type ConnectedProps, useNews } from './connected.tsx';
import { ConsoleLink } from './console-link.tsx';
import { DisputeButton } from './dispute-button.tsx';
import type { Format } from './format.ts';
import { Freshness } from './freshness.tsx';
import { NEWS_OF_DEAL } from './news.ts';
import { PersonLink } from './person-link.tsx';
import { ProblemState } from './problem-state.tsx';
import { RewardRow } from './reward-row.tsx';
import { StageSteps } from './stage-steps.tsx';
import { useCard } from './use-card.ts';
import { useDone } from './use-done.ts';
import { WhyNot } from './why-not.tsx';
import { SOURCE_LABELS, STAGE_LABELS, STAGE_VARIANTS } from './words.ts';

hubspot.extend<'crm.record.tab'>(({ context, actions }) => <DealCard context={context} actions={actions} />);

export function DealCard(props: CardProps) {
  return <Connected {...props}>{(connected) => <OpenDeal {...connected} />}</Connected>;
}

function OpenDeal({ record, actions, format }: ConnectedProps) {
  const card = useCard('deal', record);
  const { refresh, state } = card;
  useNews(actions, NEWS_OF_DEAL, refresh);
  const done = useDone(actions, refresh);

  if (state.kind === 'loading') return <LoadingSpinner label="Loading referral…" showLabel={true} layout="centered" />;
  if (state.kind === 'problem') {
    return <ProblemState problem={state.problem} retrying={state.retrying} onRetry={refresh} noun="deal" />;
  }
  const { view } = state;
  const { referral } = view;
  return (
    <Flex direction="column" gap="md">
      <Warnings warnings={view.warnings} />
      {referral === null ? (
        <EmptyState title="No referral behind this deal" imageName="contacts" layout="vertical">
          <Text>None of its contacts was referred, as far as Wonward knows.</Text>
          <Text>Was one of them? Open the contact and say there by whom.</Text>
        </EmptyState>
      ) : (
        <Behind referral={referral} view={view} format={format} />
      )}
      {referral !== null && view.mayAct && (
        <DisputeButton
          api={record.api}
          referralId={referral.referralId}
          about={`the referral of ${referral.friend.name}`}
          onDone={done}
        />
      )}
      <WhyNot whyNot={view.whyNot} />
      <ConsoleLink url={referral?.consoleUrl} what="this referral" />
      <Freshness generatedAt={view.generatedAt} syncedAt={view.deal.syncedAt} card={card} format={format} />
    </Flex>
  );
}

/** First, because each of them keeps a reward from being paid. */
function Warnings({ warnings }: { readonly warnings: readonly Warning[] }) {
  return (
    <>
      {warnings.map(({ code, text, remedy }) => (
        <Alert key={`${code} ${text}`} title={text} variant="warning">
          {remedy}
        </Alert>
      ))}
    </>
  );
}

interface BehindProps {
  readonly referral: DealReferral;
  readonly view: DealCardView;
  readonly format: Format;
}

function Behind({ referral, view, format }: BehindProps) {
  const { member, friend, stage } = referral;
  return (
    <Flex direction="column" gap="sm">
      <Flex direction="row" gap="sm" justify="between" align="center" wrap="wrap">
        <Heading>
          {friend.name} was referred by {member.name}
        </Heading>
        <StatusTag variant={STAGE_VARIANTS[stage]}>{STAGE_LABELS[stage]}</StatusTag>
      </Flex>
      <StageSteps stage={stage} />
      <DescriptionList direction="row">
        <DescriptionListItem label="Member">
          <PersonLink person={member} />
        </DescriptionListItem>
        <DescriptionListItem label="Friend">
          <PersonLink person={friend} />
        </DescriptionListItem>
        <DescriptionListItem label="Known from">
          <Text>
            {SOURCE_LABELS[referral.source]}: {referral.reason}
          </Text>
        </DescriptionListItem>
        <DescriptionListItem label="Where it stands">
          <Text>
            {referral.stageReason} ({format.date(referral.since)})
          </Text>
        </DescriptionListItem>
      </DescriptionList>
      <Divider size="xs" />
      <Heading>Rewards of this deal</Heading>
      {view.rewards.length === 0 && <Text>No rule of the program pays for this deal.</Text>}
      {view.rewards.map((reward, index) => (
        <Flex key={reward.rewardId ?? `${reward.rule} ${index}`} direction="column" gap="sm">
          {index > 0 && <Divider size="xs" />}
          <RewardRow reward={reward} format={format} />
        </Flex>
      ))}
    </Flex>
  );
}
