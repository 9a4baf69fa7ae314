import {
  Alert,
  type CrmContext,
  Divider,
  EmptyState,
  type ExtensionPointApiActions,
  Flex,
  Heading,
  hubspot,
  List,
  LoadingButton,
  LoadingSpinner,
  Text,
} from '@hubspot/ui-extensions';
import { useEffect, useMemo } from 'react';
import type { CardView } from './card-view.generated.ts';
import { createFormat, type Format } from './format.ts';
import { ProblemState } from './problem-state.tsx';
import { ReferralRow } from './referral-row.tsx';
import { ReferredBy } from './referred-by.tsx';
import { ShareLink } from './share-link.tsx';
import { Summary } from './summary.tsx';
import { type Card, useCard } from './use-card.ts';

interface ReferralCardProps {
  readonly context: CrmContext;
  readonly actions: ExtensionPointApiActions<'crm.record.tab'>;
}

/** Wonward writes these after every decision, so their change is the sign that the card is out of date. */
const NEWS_PROPERTIES = [
  'wonward_referrals',
  'wonward_won_referrals',
  'wonward_last_reward',
  'wonward_last_reward_at',
  'wonward_last_reward_reason',
  'wonward_referred_by',
];

hubspot.extend<'crm.record.tab'>(({ context, actions }) => <ReferralCard context={context} actions={actions} />);

export function ReferralCard({ context, actions }: ReferralCardProps) {
  const api = context.variables?.API;
  if (typeof api !== 'string' || api === '') {
    return (
      <Alert title="This card does not know where Wonward is" variant="error">
        The app was uploaded without the profile variable API. Upload it again with a profile.
      </Alert>
    );
  }
  return <ConnectedCard api={api.replace(/\/$/, '')} context={context} actions={actions} />;
}

function ConnectedCard({ api, context, actions }: ReferralCardProps & { readonly api: string }) {
  const { objectId, objectTypeId } = context.crm;
  const { locale } = context.user;
  const { timezone } = context.portal;
  const format = useMemo(() => createFormat({ locale, timeZone: timezone }), [locale, timezone]);
  const card = useCard({ api, objectId, objectTypeId });
  const { refresh, state } = card;

  useEffect(() => {
    // HubSpot has no way to stop listening; a card that is gone answers nothing.
    let listening = true;
    actions.onCrmPropertiesUpdate(NEWS_PROPERTIES, (_properties, error) => {
      if (listening && error === undefined) refresh();
    });
    return () => {
      listening = false;
    };
  }, [actions, refresh]);

  if (state.kind === 'loading') return <LoadingSpinner label="Loading referrals…" showLabel={true} layout="centered" />;
  if (state.kind === 'problem') {
    return <ProblemState problem={state.problem} retrying={state.retrying} onRetry={refresh} />;
  }
  if (state.view.role === 'none') return <NoReferral view={state.view} card={card} format={format} />;
  return <ReferralHistory view={state.view} card={card} actions={actions} format={format} />;
}

interface HistoryProps {
  readonly view: CardView;
  readonly card: Card;
  readonly actions: ReferralCardProps['actions'];
  readonly format: Format;
}

function ReferralHistory({ view, card, actions, format }: HistoryProps) {
  const busy = card.state.kind === 'ready' ? card.state.busy : null;
  return (
    <Flex direction="column" gap="md">
      <Summary view={view} format={format} />
      {view.referredBy !== null && <ReferredBy referredBy={view.referredBy} />}
      {view.member !== null && <ShareLink member={view.member} actions={actions} />}
      <Divider size="xs" />
      <Heading>Referrals</Heading>
      {view.referrals.length === 0 && (
        <Text>No friend yet. Send the share link to this contact, or ask for a name in your next call.</Text>
      )}
      {view.referrals.map((referral) => (
        <ReferralRow key={`${referral.direction} ${referral.referralId}`} referral={referral} format={format} />
      ))}
      {view.nextCursor !== null && (
        <LoadingButton loading={busy === 'more'} onClick={card.loadMore}>
          Show more referrals
        </LoadingButton>
      )}
      <Freshness view={view} card={card} format={format} />
    </Flex>
  );
}

function NoReferral({ view, card, format }: { readonly view: CardView; readonly card: Card; readonly format: Format }) {
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
      <Freshness view={view} card={card} format={format} />
    </Flex>
  );
}

function Freshness({ view, card, format }: { readonly view: CardView; readonly card: Card; readonly format: Format }) {
  const { state } = card;
  const problem = state.kind === 'ready' ? state.problem : null;
  return (
    <Flex direction="column" gap="xs">
      {problem !== null && (
        <Alert title="What you see may be out of date" variant="warning">
          {problem.message} Reference: {problem.ref ?? problem.code}
        </Alert>
      )}
      <Flex direction="row" gap="sm" justify="between" align="center" wrap="wrap">
        <Text variant="microcopy">As of {format.dateTime(view.generatedAt)}</Text>
        <LoadingButton size="xs" loading={state.kind === 'ready' && state.busy === 'refresh'} onClick={card.refresh}>
          Refresh
        </LoadingButton>
      </Flex>
    </Flex>
  );
}
