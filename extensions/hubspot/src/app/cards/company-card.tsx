import {
  Alert,
  EmptyState,
  Flex,
  Heading,
  hubspot,
  LoadingButton,
  LoadingSpinner,
  StatusTag,
  Tag,
  Text,
  Tile,
} from '@hubspot/ui-extensions';
import { AskRow } from './ask-row.tsx';
import type { CompanyReferral } from './card-view.generated.ts';
import { type CardProps, Connected, type ConnectedProps } from './connected.tsx';
import { ConsoleLink } from './console-link.tsx';
import type { Format } from './format.ts';
import { Freshness } from './freshness.tsx';
import { PersonLink } from './person-link.tsx';
import { ProblemState } from './problem-state.tsx';
import { StageSteps } from './stage-steps.tsx';
import { useCard } from './use-card.ts';
import { count, DIRECTION_LABELS, STAGE_LABELS, STAGE_VARIANTS } from './words.ts';

hubspot.extend<'crm.record.tab'>(({ context, actions }) => <CompanyCard context={context} actions={actions} />);

export function CompanyCard(props: CardProps) {
  return <Connected {...props}>{(connected) => <OpenCompany {...connected} />}</Connected>;
}

function OpenCompany({ record, format }: ConnectedProps) {
  const card = useCard('company', record);
  const { refresh, state } = card;
  if (state.kind === 'loading') return <LoadingSpinner label="Loading referrals…" showLabel={true} layout="centered" />;
  if (state.kind === 'problem') {
    return <ProblemState problem={state.problem} retrying={state.retrying} onRetry={refresh} noun="company" />;
  }
  const { view, busy } = state;
  return (
    <Flex direction="column" gap="md">
      {view.notice !== null && (
        <Alert title="This may not be everything" variant="info">
          {view.notice}
        </Alert>
      )}
      {view.referrals.length === 0 ? (
        <EmptyState title="No referral in or out of this company yet" imageName="companies" layout="vertical">
          <Text>
            {view.contacts === 0
              ? 'Wonward has not read a contact of this company yet.'
              : `Wonward knows ${count(view.contacts, 'contact', 'contacts')} of this company.`}
          </Text>
        </EmptyState>
      ) : (
        <Heading>Referrals in and out · {count(view.contacts, 'contact', 'contacts')} known</Heading>
      )}
      {view.asks !== undefined && view.asks.length > 0 && (
        <Tile compact={true}>
          <Flex direction="column" gap="sm">
            <Heading>Whom you could ask here now</Heading>
            {view.asks.map((ask) => (
              <AskRow key={ask.contactId} ask={ask} format={format} isNamed={true} />
            ))}
          </Flex>
        </Tile>
      )}
      {view.referrals.map((referral) => (
        <CompanyRow key={referral.referralId} referral={referral} format={format} />
      ))}
      {view.nextCursor !== null && (
        <LoadingButton loading={busy === 'more'} onClick={card.loadMore}>
          Show more referrals
        </LoadingButton>
      )}
      <Freshness generatedAt={view.generatedAt} card={card} format={format} isRecordRead={false} />
    </Flex>
  );
}

function CompanyRow({ referral, format }: { readonly referral: CompanyReferral; readonly format: Format }) {
  const { member, friend, stage } = referral;
  return (
    <Tile compact={true}>
      <Flex direction="column" gap="xs">
        <Flex direction="row" gap="sm" justify="between" align="center" wrap="wrap">
          <Flex direction="row" gap="xs" align="center" wrap="wrap">
            <Tag variant="info">{DIRECTION_LABELS[referral.direction]}</Tag>
            <PersonLink person={member} />
            <Text>referred</Text>
            <PersonLink person={friend} />
          </Flex>
          <StatusTag variant={STAGE_VARIANTS[stage]}>{STAGE_LABELS[stage]}</StatusTag>
        </Flex>
        <StageSteps stage={stage} />
        <Text>{referral.stageReason}</Text>
        <Text variant="microcopy">
          Submitted {format.date(referral.submittedAt)} · {STAGE_LABELS[stage].toLowerCase()} since{' '}
          {format.date(referral.since)}
        </Text>
        <ConsoleLink url={referral.consoleUrl} what={`the referral of ${friend.name}`} />
      </Flex>
    </Tile>
  );
}
