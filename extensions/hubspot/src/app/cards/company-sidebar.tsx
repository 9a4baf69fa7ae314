import { Flex, hubspot, LoadingSpinner, Text, Tile } from '@hubspot/ui-extensions';
import { AskRow } from './ask-row.tsx';
import type { CompanyCardView, CompanyReferral } from './card-view.generated.ts';
import { type CardProps, Connected, type ConnectedProps } from './connected.tsx';
import { Headline } from './headline.tsx';
import { ProblemState } from './problem-state.tsx';
import { SidebarEnd } from './sidebar-end.tsx';
import { useCard } from './use-card.ts';
import { count } from './words.ts';

hubspot.extend<'crm.record.sidebar'>(({ context, actions }) => <CompanySidebar context={context} actions={actions} />);

/** A company at a glance: how many referrals in and out, the newest, and whom to ask. */
export function CompanySidebar(props: CardProps) {
  return <Connected {...props}>{(connected) => <Glance {...connected} />}</Connected>;
}

function Glance({ record, format }: ConnectedProps) {
  const card = useCard('company', record);
  const { refresh, state } = card;
  if (state.kind === 'loading') return <LoadingSpinner label="Loading referrals…" showLabel={true} layout="centered" />;
  if (state.kind === 'problem') {
    return <ProblemState problem={state.problem} retrying={state.retrying} onRetry={refresh} noun="company" />;
  }
  const { view } = state;
  const [newest] = view.referrals;
  const [ask] = view.asks ?? [];
  return (
    <Flex direction="column" gap="sm">
      <Text>{countsOf(view)}</Text>
      {newest !== undefined && <Headline words={wordsOf(newest)} stage={newest.stage} rewards={[]} format={format} />}
      {ask !== undefined && (
        <Tile compact={true}>
          <AskRow ask={ask} format={format} isNamed={true} isShort={true} />
        </Tile>
      )}
      <SidebarEnd tab="Company referrals" generatedAt={view.generatedAt} card={card} format={format} />
    </Flex>
  );
}

function countsOf({ referrals, nextCursor, contacts }: CompanyCardView): string {
  const known = `${count(contacts, 'contact', 'contacts')} known`;
  if (referrals.length === 0) return `No referral in or out yet · ${known}`;
  const number = count(referrals.length, 'referral', 'referrals');
  return `${nextCursor === null ? number : `More than ${number}`} in or out · ${known}`;
}

function wordsOf({ member, friend }: CompanyReferral): string {
  return `Latest: ${friend.name} was referred by ${member.name}`;
}
