import { Anchor, Box, Button, Checkbox, Group, NativeSelect, Paper, Stack, Text } from '@mantine/core';
import { IconKeyboard } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Empty, Loading, ProblemNote, Screen } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { common } from '../../parts/texts.ts';
import { useWords } from './desk-words.ts';
import type { Word } from './dialogs.tsx';
import { BulkDialog, DecideDialog, HoldDialog } from './dialogs-on-demand.tsx';
import { KeysDialog, useKeys, useKeysChoice } from './keys.tsx';
import { aboutOf, KINDS, outcomesFor, type QueuedCase, SEVERITIES, useQueue } from './queue.ts';
import { reviewText } from './texts.ts';

const COLOURS = { urgent: 'red', high: 'orange', normal: 'gray', low: 'gray' } as const;

export default function Review() {
  const t = useText(reviewText);
  const c = useText(common);
  const { account } = useAccount();
  const { query, items, filters, setUrl } = useQueue();
  const [at, setAt] = useState(0);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [word, setWord] = useState<Word | null>(null);
  const [held, setHeld] = useState<QueuedCase | null>(null);
  const [bulk, setBulk] = useState<{ of: readonly QueuedCase[]; isNo: boolean } | null>(null);
  const [isHelp, setIsHelp] = useState(false);
  const [keysOn, setKeysOn] = useKeysChoice();
  const rows = useRef(new Map<string, HTMLAnchorElement>());
  const chosen = items.filter(({ id }) => picked.has(id));
  const here = items[Math.min(at, items.length - 1)];

  const to = (id: string) => `/${account.id}/review/${id}`;
  const search = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as never;
  function toggle(id: string) {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    setPicked(next);
  }
  function say(isNo: boolean) {
    if (chosen.length > 0) setBulk({ of: chosen, isNo });
    else if (here) setWord(wordOn(here, isNo));
  }
  function goTo(index: number) {
    const next = items[Math.max(0, Math.min(index, items.length - 1))];
    if (!next) return;
    setAt(items.indexOf(next));
    rows.current.get(next.id)?.focus();
  }
  const isDialog = word !== null || held !== null || bulk !== null || isHelp;
  const handlers = {
    j: () => goTo(document.activeElement === rows.current.get(here?.id ?? '') ? at + 1 : at),
    k: () => goTo(at - 1),
    x: () => here && toggle(here.id),
    a: () => say(false),
    d: () => say(true),
    h: () => here && setHeld(here),
    '?': () => setIsHelp(true),
  };
  useKeys(keysOn ? handlers : { '?': handlers['?'] }, !isDialog);

  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  const done = () => {
    setWord(null);
    setHeld(null);
  };
  return (
    <Screen
      title={t('review')}
      description={t('reviewWhat')}
      actions={
        <>
          <Button variant="default" component={Link} to={`/${account.id}/review/signals`}>
            {t('measured')}
          </Button>
          <Button variant="default" component={Link} to={`/${account.id}/review/escalation`}>
            {t('escalation')}
          </Button>
          <Button
            variant="default"
            leftSection={<IconKeyboard size={18} stroke={1.6} />}
            onClick={() => setIsHelp(true)}
          >
            {t('keys')}
          </Button>
        </>
      }
    >
      <Group gap="sm" align="flex-end">
        <NativeSelect
          label={t('kind')}
          value={filters.kind ?? ''}
          data={[
            { value: '', label: c('all') },
            ...KINDS.map((kind) => ({ value: kind, label: kind === 'review' ? t('review_') : t(kind) })),
          ]}
          onChange={(event) => setUrl({ kind: event.currentTarget.value || undefined })}
        />
        <NativeSelect
          label={t('severity')}
          value={filters.severity ?? ''}
          data={[{ value: '', label: c('all') }, ...SEVERITIES.map((one) => ({ value: one, label: t(one) }))]}
          onChange={(event) => setUrl({ severity: event.currentTarget.value || undefined })}
        />
        <NativeSelect
          label={t('whose')}
          value={filters.whose ?? ''}
          data={[
            { value: '', label: t('everybody') },
            { value: 'roles', label: t('myRoles') },
            { value: 'mine', label: t('mine') },
          ]}
          onChange={(event) => setUrl({ whose: event.currentTarget.value || undefined })}
        />
      </Group>
      {query.isError && <ProblemNote thrown={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading />}
      {query.isSuccess && items.length === 0 && (
        <Empty title={isFiltered ? t('noneFiltered') : t('clear')}>
          {isFiltered ? (
            <Button
              variant="default"
              onClick={() => setUrl({ kind: undefined, severity: undefined, whose: undefined })}
            >
              {t('showAll')}
            </Button>
          ) : (
            <Text size="sm">{t('clearWhat')}</Text>
          )}
        </Empty>
      )}
      {items.length > 0 && (
        <Stack gap="xs">
          <Group gap="sm" mih={36}>
            <Checkbox
              label={chosen.length > 0 ? t('selected', { count: chosen.length }) : t('selectAll')}
              checked={chosen.length === items.length}
              indeterminate={chosen.length > 0 && chosen.length < items.length}
              onChange={() =>
                setPicked(chosen.length === items.length ? new Set() : new Set(items.map(({ id }) => id)))
              }
            />
            {chosen.length > 0 && (
              <>
                <Button size="xs" onClick={() => say(false)}>
                  {t('approve')}
                </Button>
                <Button size="xs" variant="light" color="red" onClick={() => say(true)}>
                  {t('deny')}
                </Button>
              </>
            )}
          </Group>
          <Stack gap={6} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
            {items.map((one, index) => (
              <Row
                key={one.id}
                one={one}
                isPicked={picked.has(one.id)}
                onPick={() => toggle(one.id)}
                onFocus={() => setAt(index)}
                to={to(one.id)}
                search={search}
                keep={(link) => {
                  if (link) rows.current.set(one.id, link);
                  else rows.current.delete(one.id);
                }}
              />
            ))}
          </Stack>
          {query.hasNextPage && (
            <Group>
              <Button
                variant="default"
                size="xs"
                loading={query.isFetchingNextPage}
                onClick={() => void query.fetchNextPage()}
              >
                {t('more')}
              </Button>
            </Group>
          )}
        </Stack>
      )}
      <DecideDialog word={word} onClose={done} onDecided={done} />
      <HoldDialog of={held} onClose={done} onHeld={done} />
      <BulkDialog
        of={bulk?.of ?? null}
        isNo={bulk?.isNo ?? false}
        onClose={(isDone) => {
          setBulk(null);
          if (isDone) setPicked(new Set());
        }}
      />
      <KeysDialog opened={isHelp} onClose={() => setIsHelp(false)} isOn={keysOn} onChange={setKeysOn} />
    </Screen>
  );
}

export function wordOn(
  one: Pick<QueuedCase, 'id' | 'kind' | 'topic' | 'facts' | 'rewardId' | 'owner' | 'chain'>,
  isNo: boolean,
  outcomes: readonly Word['outcome'][] = [],
): Word {
  const { yes, no } = outcomesFor(one);
  const outcome = isNo ? no : yes;
  return { of: one, outcome, isNo, others: isNo ? [] : outcomes.filter((other) => other !== outcome && other !== no) };
}

function Row({
  one,
  isPicked,
  onPick,
  onFocus,
  to,
  search,
  keep,
}: {
  one: QueuedCase;
  isPicked: boolean;
  onPick: () => void;
  onFocus: () => void;
  to: string;
  search: never;
  keep: (link: HTMLAnchorElement | null) => void;
}) {
  const t = useText(reviewText);
  const { word, owner } = useWords();
  const { money, since, number } = useFormat();
  const about = aboutOf(one, t);
  const signals = signalsOf(one);
  return (
    <Paper component="li" withBorder px="sm" py={8} bg={isPicked ? 'var(--mantine-primary-color-light)' : undefined}>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <Checkbox mt={2} checked={isPicked} onChange={onPick} aria-label={t('select', { what: about })} />
        <Box flex={1} miw={0}>
          <Group justify="space-between" gap="xs" align="baseline">
            <Anchor
              component={Link}
              to={to as string}
              search={search}
              ref={keep}
              onFocus={onFocus}
              fw={600}
              c="var(--mantine-color-text)"
            >
              {about}
            </Anchor>
            <Text fw={600} size="sm">
              {one.value ? money(one.value) : ''}{' '}
              {typeof one.facts.party === 'string' && (
                <Text span size="sm" fw={400} c="dimmed">
                  {t('forParty', { party: word(one.facts.party) })}
                </Text>
              )}
            </Text>
          </Group>
          <Group justify="space-between" gap="xs" mt={4}>
            <Group gap={6}>
              <Tag tone={COLOURS[one.severity]}>{t(one.severity)}</Tag>
              <Tag>{word(one.topic)}</Tag>
              {signals.map(({ signal, weight }) => (
                <Tag key={signal} tone="orange">
                  {word(signal)} · {number(weight)}
                </Tag>
              ))}
            </Group>
            <Text size="xs" c={one.overdue ? 'var(--mantine-color-error)' : 'dimmed'}>
              {t('with', { owner: owner(one.owner) })} ·{' '}
              {one.dueAt === null ? t('overdue') : t('due', { when: since(one.dueAt) })}
            </Text>
          </Group>
        </Box>
      </Group>
    </Paper>
  );
}

interface RaisedSignal {
  readonly signal: string;
  readonly weight: number;
  readonly evidence: string;
}

/** Of a review: what spoke against paying. */
export function signalsOf({ facts }: Pick<QueuedCase, 'facts'>): readonly RaisedSignal[] {
  return Array.isArray(facts.signals) ? (facts.signals as RaisedSignal[]) : [];
}
