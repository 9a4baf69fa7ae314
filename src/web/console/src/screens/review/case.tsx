import { Anchor, Button, Code, Grid, Group, Paper, Stack, Text, Timeline } from '@mantine/core';
import { IconKeyboard } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConditionsTable } from '../../parts/conditions-table.tsx';
import { Loaded, Screen } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { useWords } from './desk-words.ts';
import type { Word } from './dialogs.tsx';
import { DecideDialog, HoldDialog } from './dialogs-on-demand.tsx';
import { Evidence } from './evidence.tsx';
import { KeysDialog, useKeys, useKeysChoice } from './keys.tsx';
import { Part } from './part.tsx';
import { People } from './people.tsx';
import { caseKey, outcomesFor, useQueue, type WholeCase } from './queue.ts';
import { signalsOf, wordOn } from './review.tsx';
import { useMeasured } from './signals.tsx';
import { reviewText } from './texts.ts';

/** Somebody else may be looking at the same case; what they decide is shown within this time. */
const REFRESH_MS = 15_000;

export default function CasePage() {
  const t = useText(reviewText);
  const { caseId = '' } = useParams({ strict: false }) as { caseId?: string };
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: caseKey(account.id, caseId),
    refetchInterval: REFRESH_MS,
    queryFn: async () => (await api.GET('/cases/{caseId}', { params: { path: { caseId } } })).data,
  });
  return (
    <Loaded query={query}>
      {(whole) => (whole ? <OneCase key={caseId} whole={whole} /> : <Screen title={t('review')}>{null}</Screen>)}
    </Loaded>
  );
}

function OneCase({ whole: { case: one, events, outcomes } }: { whole: WholeCase }) {
  const t = useText(reviewText);
  const { account } = useAccount();
  const { money, moment, since } = useFormat();
  const { word, owner } = useWords();
  const navigate = useNavigate();
  const { items, filters, query } = useQueue();
  const [said, setSaid] = useState<Word | null>(null);
  const [isHold, setIsHold] = useState(false);
  const [isHelp, setIsHelp] = useState(false);
  const [keysOn, setKeysOn] = useKeysChoice();
  // Where it stands in the list; one that has just been decided has left it, and its place is where the next one is.
  const [place] = useState(() =>
    Math.max(
      0,
      items.findIndex(({ id }) => id === one.id),
    ),
  );
  const index = items.findIndex(({ id }) => id === one.id);
  const previous = items[(index === -1 ? place : index) - 1];
  const next = index === -1 ? items[place] : items[index + 1];
  const isOpen = one.state === 'open';
  const { yes } = outcomesFor(one);

  const search = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as never;
  const list = `/${account.id}/review`;
  const goTo = (id: string | undefined) =>
    void navigate({ to: (id === undefined ? list : `${list}/${id}`) as string, search });
  const say = (isNo: boolean) => isOpen && setSaid(wordOn(one, isNo, outcomes));
  const handlers = {
    j: () => next && goTo(next.id),
    k: () => previous && goTo(previous.id),
    u: () => goTo(undefined),
    a: () => say(false),
    d: () => say(true),
    h: () => isOpen && setIsHold(true),
    '?': () => setIsHelp(true),
  };
  useKeys(keysOn ? handlers : { '?': handlers['?'] }, said === null && !isHold && !isHelp);

  return (
    <Screen title={`${word(one.topic)}${one.value ? ` · ${money(one.value)}` : ''}`} description={one.summary}>
      <Group justify="space-between" gap="sm">
        <Group gap="xs">
          <Anchor component={Link} to={list as string} search={search} size="sm">
            {t('back')}
          </Anchor>
          <Button size="xs" variant="default" disabled={!previous} onClick={() => goTo(previous?.id)}>
            {t('previous')}
          </Button>
          <Button size="xs" variant="default" disabled={!next || query.isPending} onClick={() => goTo(next?.id)}>
            {t('next')}
          </Button>
          <Button
            size="xs"
            variant="subtle"
            leftSection={<IconKeyboard size={16} stroke={1.6} />}
            onClick={() => setIsHelp(true)}
          >
            {t('keys')}
          </Button>
        </Group>
        {isOpen && (
          <Group gap="xs">
            <Button onClick={() => say(false)}>{t(yes === 'approved' ? 'approve' : `do_${yes}`)}</Button>
            <Button variant="default" onClick={() => setIsHold(true)}>
              {t('hold')}
            </Button>
            <Button variant="light" color="red" onClick={() => say(true)}>
              {t('deny')}
            </Button>
          </Group>
        )}
      </Group>
      {!isOpen && one.outcome !== null && (
        <Paper withBorder p="md" role="status">
          <Text fw={600}>{t('decidedAs', { outcome: word(one.outcome) })}</Text>
          <Text size="sm">
            {t('decidedBy', { who: one.decidedBy ?? '', when: one.decidedAt === null ? '' : moment(one.decidedAt) })}
            {one.decidedWhy ? `: ${one.decidedWhy}` : ''}
          </Text>
        </Paper>
      )}
      <Group gap={6}>
        <Tag tone={one.severity === 'urgent' ? 'red' : one.severity === 'high' ? 'orange' : 'gray'}>
          {t(one.severity)}
        </Tag>
        <Tag>{one.kind === 'review' ? t('review_') : t(one.kind)}</Tag>
        <Text size="sm" c={one.overdue ? 'var(--mantine-color-error)' : 'dimmed'}>
          {isOpen && (
            <>
              {t('with', { owner: owner(one.owner) })} ({t('stepOf', { step: one.step + 1, steps: one.chain.length })})
              · {one.dueAt === null ? t('overdue') : t('due', { when: since(one.dueAt) })} ·{' '}
            </>
          )}
          {t('opened')} {moment(one.openedAt)} {t('openedBy', { who: one.openedBy })}
        </Text>
      </Group>
      {one.referralId !== null && <People referralId={one.referralId} />}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="md">
            {one.kind === 'review' && <Signals one={one} />}
            {one.kind === 'alert' && <Facts facts={one.facts} />}
            {one.kind === 'dispute' && one.referralId !== null && (
              <Evidence
                referralId={one.referralId}
                namedId={typeof one.facts.memberId === 'string' ? one.facts.memberId : null}
                onGive={
                  isOpen ? (to) => setSaid({ of: one, outcome: 'reattributed', isNo: false, others: [], to }) : null
                }
              />
            )}
            {one.kind !== 'alert' && one.referralId !== null && (
              <Judged referralId={one.referralId} rewardId={one.rewardId} ruleKey={one.facts.ruleKey} />
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Part title={t('history')}>
            <Timeline active={events.length - 1} bulletSize={12} lineWidth={2}>
              {events.map(({ number, kind, by, words, at }) => (
                <Timeline.Item
                  key={number}
                  title={
                    <Text size="sm" fw={600}>
                      {word(kind)}
                    </Text>
                  }
                >
                  <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                    {kind === 'assigned' ? owner(words) : words}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {by} · {moment(at)}
                  </Text>
                </Timeline.Item>
              ))}
            </Timeline>
          </Part>
        </Grid.Col>
      </Grid>
      <DecideDialog
        word={said}
        onClose={() => setSaid(null)}
        onDecided={() => {
          setSaid(null);
          goTo(next?.id);
        }}
      />
      <HoldDialog
        of={isHold ? one : null}
        onClose={() => setIsHold(false)}
        onHeld={() => {
          setIsHold(false);
          goTo(next?.id ?? one.id);
        }}
      />
      <KeysDialog opened={isHelp} onClose={() => setIsHelp(false)} isOn={keysOn} onChange={setKeysOn} />
    </Screen>
  );
}

function Signals({ one }: { one: WholeCase['case'] }) {
  const t = useText(reviewText);
  const { word } = useWords();
  const { number, percent } = useFormat();
  const measured = useMeasured();
  const raised = signalsOf(one);
  const rateOf = (signal: string) => measured.data?.signals.find((each) => each.signal === signal)?.falsePositiveRate;
  return (
    <Part
      title={t('signals')}
      {...(typeof one.facts.score === 'number' ? { what: t('score', { score: one.facts.score }) } : {})}
    >
      {raised.length === 0 && <Text size="sm">{t('noSignals')}</Text>}
      {raised.map(({ signal, weight, evidence }) => {
        const rate = rateOf(signal);
        return (
          <div key={signal}>
            <Group gap="xs">
              <Tag tone="orange">{word(signal)}</Tag>
              <Text size="xs" c="dimmed">
                {t('weight', { weight: number(weight) })} ·{' '}
                {rate === undefined || rate === null ? t('neverJudged') : t('wrongIn', { share: percent(rate) })}
              </Text>
            </Group>
            <Text size="sm">{evidence}</Text>
          </div>
        );
      })}
    </Part>
  );
}

function Facts({ facts }: { facts: Readonly<Record<string, unknown>> }) {
  const t = useText(reviewText);
  return (
    <Part title={t('facts')}>
      <Code block tabIndex={0}>
        {JSON.stringify(facts, null, 2)}
      </Code>
    </Part>
  );
}

/** The decision that the case is about, with its conditions and how the amount came about. */
function Judged({ referralId, rewardId, ruleKey }: { referralId: string; rewardId: string | null; ruleKey: unknown }) {
  const t = useText(reviewText);
  const { word } = useWords();
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'decisions', referralId],
    queryFn: async () => (await api.GET('/decisions', { params: { query: { referralId, limit: 50 } } })).data,
  });
  return (
    <Part title={t('decision')}>
      <Loaded query={query}>
        {(page) => {
          const items = page?.items ?? [];
          const decision =
            items.find((each) => rewardId !== null && each.rewardId === rewardId) ??
            items.find((each) => each.ruleKey === ruleKey) ??
            items[0];
          if (!decision) return <Text size="sm">{t('none')}</Text>;
          return (
            <Stack gap="xs">
              <Text size="sm">{decision.told.finance}</Text>
              {decision.conditions.length > 0 && (
                <ConditionsTable label={t('decision')} conditions={decision.conditions} />
              )}
              {decision.calculation.map(({ step, text }) => (
                <Text key={`${step} ${text}`} size="sm" c="dimmed">
                  {text}
                </Text>
              ))}
              {decision.risk && decision.risk.unknown.length > 0 && (
                <Text size="sm" c="dimmed">
                  {t('notChecked', { signals: decision.risk.unknown.map(word).join(', ') })}
                </Text>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </Part>
  );
}
