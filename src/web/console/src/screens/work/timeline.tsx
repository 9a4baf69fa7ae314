import { Button, Chip, Group, Timeline as Line, List, Stack, Text } from '@mantine/core';
import {
  IconBuildingBank,
  IconCoins,
  IconFlag,
  IconGavel,
  IconHandStop,
  IconLink,
  IconScale,
  IconSend,
  IconUserCheck,
} from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ComponentType, ReactNode } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loading, ProblemNote } from '../../parts/states.tsx';
import { DecisionDetails } from './decision.tsx';
import { Mark, To } from './marks.tsx';
import { More } from './panel.tsx';
import { nameOf, sumsOf } from './people.ts';
import { Postings } from './postings.tsx';
import { workText } from './texts.ts';
import { fieldWords, type Person, type TimelineEvent } from './words.ts';

/** What somebody looks for, in kinds of facts as the API has them. */
const SHOWN = {
  all: undefined,
  evidence: 'submitted,touch,attribution',
  stages: 'stage,deal',
  decisions: 'decision',
  money: 'journal,payout',
  cases: 'case',
} as const;
type Shown = keyof typeof SHOWN;

const ICONS: Readonly<Record<TimelineEvent['kind'], ComponentType<{ size?: number }>>> = {
  submitted: IconSend,
  stage: IconFlag,
  touch: IconLink,
  attribution: IconUserCheck,
  deal: IconBuildingBank,
  decision: IconScale,
  journal: IconCoins,
  payout: IconHandStop,
  case: IconGavel,
};

const PAGE = 25;

/** Everything that is recorded of a referral, newest first. */
export function Timeline({
  referralId,
  friend,
  value,
  onChange,
}: {
  referralId: string;
  friend: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const t = useText(workText);
  const { api, account, may } = useAccount();
  const choices = (Object.keys(SHOWN) as Shown[]).filter((one) => one !== 'money' || may('money.read'));
  const shown = choices.find((one) => one === value) ?? 'all';
  const kinds = SHOWN[shown];
  const query = useInfiniteQuery({
    queryKey: [account.id, 'timeline', referralId, shown],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam }) => {
      const { data } = await api.GET('/referrals/{referralId}/timeline', {
        params: {
          path: { referralId },
          query: {
            limit: PAGE,
            ...(kinds === undefined ? {} : { kinds }),
            ...(pageParam === null ? {} : { cursor: pageParam }),
          },
        },
      });
      return data ?? { items: [], people: [], nextCursor: null };
    },
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
  const pages = query.data?.pages ?? [];
  const events = pages.flatMap(({ items }) => items);
  const people = new Map(pages.flatMap((page) => page.people).map((one) => [one.id, one]));
  return (
    <Stack>
      <Chip.Group value={shown} onChange={(next) => onChange(next === 'all' ? undefined : next)}>
        <Group gap={6} role="radiogroup" aria-label={t('show')}>
          {choices.map((one) => (
            <Chip key={one} value={one} size="xs" variant="outline">
              {t(`kind_${one}`)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      {query.isError && <ProblemNote thrown={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading rows={8} />}
      {query.isSuccess && events.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('nothingOfKind')}
        </Text>
      )}
      {events.length > 0 && (
        <Line bulletSize={26} lineWidth={2} aria-label={t('timeline')}>
          {events.map((event) => (
            <Event key={event.id} event={event} friend={friend} people={people} />
          ))}
        </Line>
      )}
      {query.hasNextPage && (
        <Group>
          <Button
            variant="default"
            size="xs"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            {t('earlier')}
          </Button>
        </Group>
      )}
      {events.length > PAGE && !query.hasNextPage && (
        <Text size="xs" c="dimmed">
          {t('end')}
        </Text>
      )}
    </Stack>
  );
}

function Event({
  event,
  friend,
  people,
}: {
  event: TimelineEvent;
  friend: string;
  people: ReadonlyMap<string, Person>;
}) {
  const { moment } = useFormat();
  const Icon = ICONS[event.kind];
  const { title, body } = useTold(event, friend, people);
  return (
    <Line.Item
      mt="md"
      bullet={<Icon size={14} />}
      title={
        <Text size="sm" fw={600} component="div" style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Text>
      }
    >
      <Text size="xs" c="dimmed" component="div">
        <time dateTime={event.at}>{moment(event.at)}</time>
      </Text>
      {body}
    </Line.Item>
  );
}

function useTold(
  event: TimelineEvent,
  friend: string,
  people: ReadonlyMap<string, Person>,
): { title: ReactNode; body?: ReactNode } {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { money, moment } = useFormat();
  const named = (id: string | null) => (id === null ? '' : nameOf(people.get(id), t('nameless')));
  switch (event.kind) {
    case 'submitted':
      return { title: t('tSubmitted', { friend, source: word(`source_${event.source}`) }) };
    case 'stage':
      return { title: t('tStage', { stage: word(`stage_${event.stage}`) }), body: <Plain>{event.reason.text}</Plain> };
    case 'touch': {
      const { kind, memberId, evidence } = event.touch;
      return {
        title: t('tTouch', { member: named(memberId), kind: word(`source_${kind}`) }),
        body: <Plain>{evidence}</Plain>,
      };
    }
    case 'attribution': {
      const { kind, memberId, fromMemberId, reason, candidates } = event.attribution;
      const title =
        kind === 'moved'
          ? t('tMoved', { from: named(fromMemberId), member: named(memberId) })
          : t('tAttributed', { member: named(memberId) });
      return {
        title,
        body: (
          <>
            <Plain>{reason.text}</Plain>
            {candidates.length > 0 && (
              <More label={t('candidates')}>
                <List size="sm">
                  {candidates.map((one) => (
                    <List.Item key={`${one.memberId} ${one.source} ${one.at}`}>
                      {named(one.memberId)} · {word(`source_${one.source}`)}
                      {one.at !== null && ` · ${moment(one.at)}`} · {word(`verdict_${one.verdict}`)}
                    </List.Item>
                  ))}
                </List>
              </More>
            )}
          </>
        ),
      };
    }
    case 'deal': {
      const { deal, stageLabel, stage, pipeline } = event;
      const means = stage === null ? t('notMapped') : t('means', { stage: word(`stage_${stage}`) });
      return {
        title: t('tDeal', { deal: deal.name ?? t('unnamedDeal', { id: deal.id }), stage: stageLabel }),
        body: (
          <Plain>
            {[pipeline, means, event.money && money(event.money)].filter((part) => part !== null).join(' · ')}
          </Plain>
        ),
      };
    }
    case 'decision': {
      const { decision } = event;
      return {
        title: decision.reason.text,
        body: (
          <>
            <Group gap="xs" pt={4}>
              <Mark color="gray">{word(`outcome_${decision.outcome}`)}</Mark>
              <Text size="sm">
                {decision.ruleKey} · {word(`party_${decision.party}`)}
                {decision.money && ` · ${money(decision.money)}`}
              </Text>
              {decision.rewardId !== null && <To path={`rewards/${decision.rewardId}`}>{t('toReward')}</To>}
            </Group>
            <More label={t('details')}>
              <DecisionDetails decision={decision} />
            </More>
          </>
        ),
      };
    }
    case 'journal': {
      const { journal } = event;
      return {
        // What moved: each amount stands on both sides of the books.
        title: `${word(`journal_${journal.kind}`)} · ${sumsOf(
          journal.postings.filter(({ amount }) => !amount.startsWith('-')),
        )
          .map(money)
          .join(', ')}`,
        body: (
          <>
            <To path={`rewards/${journal.rewardId}`}>{t('toReward')}</To>
            <More label={t('postings')}>
              <Postings journal={journal} />
            </More>
          </>
        ),
      };
    }
    case 'payout': {
      const { provider, state, rewardId } = event.payout;
      return {
        title: `${provider} ${PAYOUT_STATES.has(state) ? word(`payout_${state}` as 'payout_issued') : state}`,
        body: <To path={`rewards/${rewardId}`}>{t('toReward')}</To>,
      };
    }
    case 'case': {
      const { kind, summary } = event.case;
      const { kind: what, by, words } = event.event;
      return {
        title: t('tCase', { kind: word(`case_${kind}`), event: word(`event_${what}`) }),
        body: (
          <Plain>
            {what === 'opened' ? summary : words} {t('caseBy', { by })}
          </Plain>
        ),
      };
    }
  }
}

/** Those that the catalogue has words for. */
const PAYOUT_STATES: ReadonlySet<string> = new Set([
  'asked',
  'refused',
  'issued',
  'paid',
  'failed',
  'returned',
  'unclaimed',
  'redeemed',
  'cancelled',
  'refunded',
]);

function Plain({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" component="div" pt={2} style={{ overflowWrap: 'anywhere' }}>
      {children}
    </Text>
  );
}
