import { Flex, hubspot, LoadingSpinner, Tag, Text } from '@hubspot/ui-extensions';
import { AskPanel } from './ask-panel.tsx';
import type { CardView, Referral } from './card-view.generated.ts';
import { type CardProps, Connected, type ConnectedProps, useNews } from './connected.tsx';
import { Headline } from './headline.tsx';
import { NEWS_OF_CONTACT } from './news.ts';
import { ProblemState } from './problem-state.tsx';
import { SidebarEnd } from './sidebar-end.tsx';
import { sentenceOf } from './summary.tsx';
import { useCard } from './use-card.ts';
import { useDone } from './use-done.ts';
import { WhyNot } from './why-not.tsx';
import { count, ROLE_LABELS } from './words.ts';

hubspot.extend<'crm.record.sidebar'>(({ context, actions }) => <ContactSidebar context={context} actions={actions} />);

/** A contact at a glance: role, stage, reward, next step, and whether to ask. */
export function ContactSidebar(props: CardProps) {
  return <Connected {...props}>{(connected) => <Glance {...connected} />}</Connected>;
}

function Glance({ record, actions, format }: ConnectedProps) {
  const card = useCard('contact', record);
  const { refresh, state } = card;
  useNews(actions, NEWS_OF_CONTACT, refresh);
  const done = useDone(actions, refresh);
  if (state.kind === 'loading') return <LoadingSpinner label="Loading referrals…" showLabel={true} layout="centered" />;
  if (state.kind === 'problem') {
    return <ProblemState problem={state.problem} retrying={state.retrying} onRetry={refresh} noun="contact" />;
  }
  const { view } = state;
  const [newest] = view.referrals;
  return (
    <Flex direction="column" gap="sm">
      <Flex direction="column" gap="xs" align="start">
        <Tag variant={view.role === 'none' ? 'default' : 'info'}>{ROLE_LABELS[view.role]}</Tag>
        <Text>
          {view.role === 'none' ? 'Nobody referred this contact, and it has referred nobody.' : sentenceOf(view)}
        </Text>
      </Flex>
      {newest !== undefined && (
        <Headline words={wordsOf(newest)} stage={newest.stage} rewards={newest.rewards} format={format} />
      )}
      <More view={view} />
      <AskPanel view={view} api={record.api} actions={actions} format={format} onDone={done} isShort={true} />
      <WhyNot whyNot={view.whyNot} />
      <SidebarEnd tab="Referrals" generatedAt={view.generatedAt} card={card} format={format} />
    </Flex>
  );
}

function wordsOf({ direction, person }: Referral): string {
  return direction === 'made' ? `Latest: referred ${person.name}` : `Latest: referred by ${person.name}`;
}

function More({ view }: { readonly view: CardView }) {
  const others = view.referrals.length - 1;
  if (others < 1) return null;
  const many =
    view.nextCursor === null ? count(others, 'other referral', 'other referrals') : `More than ${others} others`;
  return <Text variant="microcopy">{many} in the tab.</Text>;
}
