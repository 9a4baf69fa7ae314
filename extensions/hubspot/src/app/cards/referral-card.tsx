import {
  Divider,
  EmptyState,
  Flex,
  Heading,
  hubspot,
  List,
  LoadingButton,
  LoadingSpinner,
  Text,
} from '@hubspot/ui-extensions';
import { ActionsPanel } from './actions-panel.tsx';
import { AskPanel } from './ask-panel.tsx';
import type { CardView } from './card-view.generated.ts';
import { type CardProps, Connected, type ConnectedProps, useNews } from './connected.tsx';
import { ConsoleLink } from './console-link.tsx';
import { Freshness } from './freshness.tsx';
import { NEWS_OF_CONTACT } from './news.ts';
import { ProblemState } from './problem-state.tsx';
import { ReferralRow } from './referral-row.tsx';
import { ReferredBy } from './referred-by.tsx';
import { ShareLink } from './share-link.tsx';
import { Summary } from './summary.tsx';
import { useAction } from './use-action.ts';
import { type Card, useCard } from './use-card.ts';
import { useDone } from './use-done.ts';
import { WhyNot } from './why-not.tsx';

hubspot.extend<'crm.record.tab'>(({ context, actions }) => <ReferralCard context={context} actions={actions} />);

export function ReferralCard(props: CardProps) {
  return <Connected {...props}>{(connected) => <ContactCard {...connected} />}</Connected>;
}

function ContactCard({ record, actions, format }: ConnectedProps) {
  const card = useCard('contact', record);
  const { refresh, state } = card;
  useNews(actions, NEWS_OF_CONTACT, refresh);

  if (state.kind === 'loading') return <LoadingSpinner label="Loading referrals…" showLabel={true} layout="centered" />;
  if (state.kind === 'problem') {
    return <ProblemState problem={state.problem} retrying={state.retrying} onRetry={refresh} noun="contact" />;
  }
  const shown = { view: state.view, card, actions, format, api: record.api };
  if (state.view.role === 'none') return <NoReferral {...shown} />;
  return <ReferralHistory {...shown} />;
}

interface HistoryProps {
  readonly view: CardView;
  readonly card: Card<CardView>;
  readonly actions: CardProps['actions'];
  readonly format: ConnectedProps['format'];
  readonly api: string;
}

function ReferralHistory({ view, card, actions, format, api }: HistoryProps) {
  const busy = card.state.kind === 'ready' ? card.state.busy : null;
  const done = useDone(actions, card.refresh);
  const noted = useAction(api, 'asked', card.refresh);
  const onInvited = view.mayAct === true && (() => noted.run({ contactId: view.contact.id, way: 'copied' }));
  return (
    <Flex direction="column" gap="md">
      <Summary view={view} format={format} />
      {view.referredBy !== null && <ReferredBy referredBy={view.referredBy} />}
      <AskPanel view={view} api={api} actions={actions} format={format} onDone={done} />
      {view.member !== null && (
        <ShareLink member={view.member} actions={actions} {...(onInvited ? { onInvited } : {})} />
      )}
      <WhyNot whyNot={view.whyNot} />
      {view.mayAct === true && <ActionsPanel view={view} api={api} onDone={done} />}
      <Divider size="xs" />
      <Heading>Referrals</Heading>
      {view.referrals.length === 0 && (
        <Text>No friend yet. Send the share link to this contact, or ask for a name in your next call.</Text>
      )}
      {view.referrals.map((referral) => (
        <ReferralRow
          key={`${referral.direction} ${referral.referralId}`}
          referral={referral}
          format={format}
          {...(view.mayAct === true ? { disputes: { api, onDone: done } } : {})}
        />
      ))}
      {view.nextCursor !== null && (
        <LoadingButton loading={busy === 'more'} onClick={card.loadMore}>
          Show more referrals
        </LoadingButton>
      )}
      <ConsoleLink url={view.member?.consoleUrl} what="this member" />
      <Freshness generatedAt={view.generatedAt} syncedAt={view.contact.syncedAt} card={card} format={format} />
    </Flex>
  );
}

function NoReferral({ view, card, actions, format, api }: HistoryProps) {
  const done = useDone(actions, card.refresh);
  return (
    <Flex direction="column" gap="md">
      <EmptyState title={`No referral for ${view.contact.name} yet`} imageName="contacts" layout="vertical">
        <Text>Did somebody refer this contact? Either is enough:</Text>
        <List variant="ordered-styled">
          <Text>Under Contacts, add the member with the association label “Referred by”.</Text>
          <Text>Enter the member’s code in the property “Referral code used”.</Text>
        </List>
        <Text>Wonward sees the change by itself and shows it here.</Text>
      </EmptyState>
      <AskPanel view={view} api={api} actions={actions} format={format} onDone={done} />
      <WhyNot whyNot={view.whyNot} />
      {view.mayAct === true && <ActionsPanel view={view} api={api} onDone={done} />}
      <Freshness generatedAt={view.generatedAt} syncedAt={view.contact.syncedAt} card={card} format={format} />
    </Flex>
  );
}
