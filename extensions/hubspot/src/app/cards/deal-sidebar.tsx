import { Alert, Flex, hubspot, LoadingSpinner, Text } from '@hubspot/ui-extensions';
import { type CardProps, Connected, type ConnectedProps, useNews } from './connected.tsx';
import { Headline } from './headline.tsx';
import { NEWS_OF_DEAL } from './news.ts';
import { ProblemState } from './problem-state.tsx';
import { SidebarEnd } from './sidebar-end.tsx';
import { useCard } from './use-card.ts';
import { WhyNot } from './why-not.tsx';
import { count } from './words.ts';

hubspot.extend<'crm.record.sidebar'>(({ context, actions }) => <DealSidebar context={context} actions={actions} />);

/** A deal at a glance: the referral behind it, its reward, what comes next and what is in the way. */
export function DealSidebar(props: CardProps) {
  return <Connected {...props}>{(connected) => <Glance {...connected} />}</Connected>;
}

function Glance({ record, actions, format }: ConnectedProps) {
  const card = useCard('deal', record);
  const { refresh, state } = card;
  useNews(actions, NEWS_OF_DEAL, refresh);
  if (state.kind === 'loading') return <LoadingSpinner label="Loading referral…" showLabel={true} layout="centered" />;
  if (state.kind === 'problem') {
    return <ProblemState problem={state.problem} retrying={state.retrying} onRetry={refresh} noun="deal" />;
  }
  const { referral, rewards, warnings, whyNot, generatedAt } = state.view;
  const [warning] = warnings;
  return (
    <Flex direction="column" gap="sm">
      {warning !== undefined && (
        <Alert title={warning.text} variant="warning">
          {warning.remedy}
          {warnings.length === 1 ? '' : ` There ${moreWarnings(warnings.length - 1)} in the tab.`}
        </Alert>
      )}
      {referral === null ? (
        <Text>No referral behind this deal, as far as Wonward knows.</Text>
      ) : (
        <Headline
          words={`${referral.friend.name} was referred by ${referral.member.name}`}
          stage={referral.stage}
          rewards={rewards}
          format={format}
        />
      )}
      <WhyNot whyNot={whyNot} />
      <SidebarEnd tab="Deal referral" generatedAt={generatedAt} card={card} format={format} />
    </Flex>
  );
}

function moreWarnings(number: number): string {
  return number === 1 ? 'is another warning' : `are ${count(number, 'other warning', 'other warnings')}`;
}
