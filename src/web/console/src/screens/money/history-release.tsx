import { Alert, Anchor, Button, Group, List, Progress, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { useProgramName } from '../../parts/programs.ts';
import { Loaded, ProblemNote } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { common } from '../../parts/texts.ts';
import {
  type Asked,
  byRule,
  type CountedSum,
  type Release,
  type Rule,
  TONES,
  useHistoryTotals,
} from './history-parts.ts';
import { historyText } from './history-texts.ts';
import { sumsOf } from './sums.ts';

/** While it is under way: how far it has come is the service's, so leaving the page loses nothing. */
const REFETCH_MS = 2_000;

export function AskRelease({
  asked,
  onClose,
  onReleased,
}: {
  asked: Asked | null;
  onClose: () => void;
  onReleased: (id: string) => void;
}) {
  const t = useText(historyText);
  return (
    <Dialog opened={asked !== null} onClose={onClose} title={asked ? t('releaseOf', { rule: asked.ruleKey }) : ''}>
      {asked && (
        <WhatIsReleased
          key={`${asked.programId} ${asked.ruleKey}`}
          asked={asked}
          onClose={onClose}
          onReleased={onReleased}
        />
      )}
    </Dialog>
  );
}

/** Asked of the service as it is now: somebody else may have released part of it since the page was loaded. */
function WhatIsReleased({
  asked,
  onClose,
  onReleased,
}: {
  asked: Asked;
  onClose: () => void;
  onReleased: (id: string) => void;
}) {
  const { api, account } = useAccount();
  const { programId, ruleKey, picked } = asked;
  const query = useQuery({
    queryKey: [account.id, 'history', 'totals', programId, ruleKey, 'to-release'],
    enabled: picked === null,
    staleTime: 0,
    queryFn: async () =>
      (await api.GET('/history/totals', { params: { query: { programId, ruleKey } } })).data?.items ?? [],
  });
  if (picked !== null) {
    const amounts = [...picked.values()];
    const sums = sumsOf(amounts).map((money) => ({
      money,
      count: amounts.filter(({ currency }) => currency === money.currency).length,
    }));
    return <ReleaseForm asked={asked} sums={sums} onClose={onClose} onReleased={onReleased} />;
  }
  return (
    <Loaded query={query}>
      {(totals) => (
        <ReleaseForm asked={asked} sums={byRule(totals)[0]?.sums ?? []} onClose={onClose} onReleased={onReleased} />
      )}
    </Loaded>
  );
}

function ReleaseForm({
  asked: { programId, ruleKey, picked },
  sums,
  onClose,
  onReleased,
}: {
  asked: Asked;
  sums: readonly CountedSum[];
  onClose: () => void;
  onReleased: (id: string) => void;
}) {
  const t = useText(historyText);
  const c = useText(common);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const client = useQueryClient();
  // The same word said twice, as by a double click, is one release.
  const [id] = useState(() => crypto.randomUUID());
  const [why, setWhy] = useState('');
  const [isMissing, setIsMissing] = useState(false);
  const release = useMutation({
    mutationFn: async () => {
      const decisionIds = picked === null ? {} : { decisionIds: [...picked.keys()] };
      return (
        await api.POST('/history/releases', { body: { id, programId, ruleKey, ...decisionIds, why: why.trim() } })
      ).data;
    },
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: [account.id, 'history'] });
      onClose();
      if (made) onReleased(made.id);
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setIsMissing(why.trim() === '');
    if (why.trim() !== '' && !release.isPending) release.mutate();
  }
  const count = sums.reduce((sum, one) => sum + one.count, 0);
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <div>
          <Text size="sm">{count === 0 ? t('noneOfRule') : t('upTo')}</Text>
          <List size="sm" fw={600}>
            {sums.map((one) => (
              <List.Item key={one.money.currency}>
                {t('upToLine', { sum: money(one.money), count: one.count })}
              </List.Item>
            ))}
          </List>
        </div>
        <Text size="sm">
          {t('judgedAgain')} {t('second')}
        </Text>
        <TextInput
          label={t('reason')}
          description={t('reasonWhat')}
          value={why}
          required
          maxLength={500}
          error={isMissing ? t('neededReason') : undefined}
          data-autofocus
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        {release.isError && <ProblemNote thrown={release.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {c('cancel')}
          </Button>
          <Button type="submit" loading={release.isPending} disabled={count === 0}>
            {t('release')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** One release: who wanted it, how far it is, and what came of it. */
export function ReleaseDetail({
  releaseId,
  onBack,
  onShow,
}: {
  releaseId: string;
  onBack: () => void;
  onShow: (of: Rule) => void;
}) {
  const t = useText(historyText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const query = useQuery({
    queryKey: [account.id, 'history', 'release', releaseId],
    queryFn: async () =>
      (await api.GET('/history/releases/{releaseId}', { params: { path: { releaseId } } })).data ?? null,
    refetchInterval: ({ state }) =>
      state.data?.state === 'asked' || state.data?.state === 'running' ? REFETCH_MS : false,
  });
  const state = query.data?.state;
  // What waits is less when it has come on.
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when its state is another one
  useEffect(() => {
    void client.invalidateQueries({ queryKey: [account.id, 'history', 'totals'] });
  }, [state]);
  return (
    <Stack gap="md">
      <div>
        <Anchor component="button" type="button" size="sm" onClick={onBack}>
          {t('back')}
        </Anchor>
      </div>
      <Loaded query={query}>{(release) => release && <Shown release={release} onShow={onShow} />}</Loaded>
    </Stack>
  );
}

function Shown({ release, onShow }: { release: Release; onShow: (of: Rule) => void }) {
  const t = useText(historyText);
  const { api, account, may, session } = useAccount();
  const { money, moment } = useFormat();
  const client = useQueryClient();
  const programName = useProgramName();
  const { id, programId, ruleKey, state, released, passedOver, askedBy, approvedBy, decisionIds } = release;
  const params = { path: { releaseId: id } };
  const onSettled = () => client.invalidateQueries({ queryKey: [account.id, 'history'] });
  const approve = useMutation({
    mutationFn: () => api.POST('/history/releases/{releaseId}/approve', { params, body: {} }),
    onSettled,
  });
  const end = useMutation({
    mutationFn: () => api.POST('/history/releases/{releaseId}/cancel', { params, body: {} }),
    onSettled,
  });
  const totals = useHistoryTotals({ programId, ruleKey });
  const left = byRule(totals.data ?? [])[0]?.count ?? 0;
  const count = release.askedFor.reduce((sum, one) => sum + one.count, 0);
  const looked = released + passedOver;
  const line = t('progressOf', { looked, count, released, passed: passedOver });
  const failed = approve.error ?? end.error;
  const isOwn = askedBy === session.user.email;
  const facts: ReadonlyArray<readonly [string, string]> = [
    [t('program'), programName(programId)],
    [t('scope'), decisionIds === null ? t('scopeAll') : t('scopePicked', { count: decisionIds.length })],
    [
      t('askedFor'),
      release.askedFor
        .flatMap((one) => (one.money ? t('upToLine', { sum: money(one.money), count: one.count }) : []))
        .join(', '),
    ],
    [t('askedByWord'), `${askedBy}, ${moment(release.askedAt)}`],
    ...(approvedBy === null ? [] : [[t('approvedByWord'), approvedBy] as const]),
    [t('reason'), release.why],
  ];
  return (
    <>
      <Group justify="space-between" align="flex-start">
        <Group gap="sm">
          <Title order={2} size="h4">
            {t('releaseOfRule', { rule: ruleKey })}
          </Title>
          <Tag tone={TONES[state]} isWhole>
            {t(`state_${state}`)}
          </Tag>
        </Group>
        {may('money.write') && (state === 'asked' || state === 'running') && (
          <Group gap="sm">
            <ConfirmButton
              label={t('end')}
              title={t('releaseOfRule', { rule: ruleKey })}
              size="sm"
              loading={end.isPending}
              onConfirm={() => end.mutate()}
            >
              {t('endWhat')}
            </ConfirmButton>
            {state === 'asked' && !isOwn && (
              <ConfirmButton
                label={t('approve')}
                title={t('releaseOfRule', { rule: ruleKey })}
                size="sm"
                color="brand"
                variant="filled"
                loading={approve.isPending}
                onConfirm={() => approve.mutate()}
              >
                {facts[2]?.[1]}. {t('approveWhat')}
              </ConfirmButton>
            )}
          </Group>
        )}
      </Group>
      {failed && <ProblemNote thrown={failed} />}
      {state === 'asked' ? (
        isOwn && (
          <Alert color="orange" p="sm" role="status">
            {t('youAsked')}
          </Alert>
        )
      ) : (
        <div role="status">
          <Progress
            value={state === 'done' ? 100 : count === 0 ? 0 : Math.min(100, (looked / count) * 100)}
            aria-label={line}
            animated={state === 'running'}
          />
          <Text size="sm" pt={4}>
            {line}
          </Text>
        </div>
      )}
      <dl style={{ display: 'grid', gridTemplateColumns: 'max-content 1fr', gap: '4px 16px', margin: 0 }}>
        {facts.map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <Text size="sm" c="dimmed" component="dt">
              {name}
            </Text>
            <Text size="sm" component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>
              {value}
            </Text>
          </div>
        ))}
      </dl>
      {state !== 'asked' && (
        <Text size="sm">
          {passedOver > 0 && `${t('passedWhat')} `}
          {released > 0 && `${t('resultWhat')} `}
          {released > 0 && may('referrals.read') && (
            <Anchor component={Link} to={`/${account.id}/rewards` as string} size="sm" underline="always">
              {t('toRewards')}
            </Anchor>
          )}
        </Text>
      )}
      {totals.isSuccess && (
        <Text size="sm">
          {t('left', { count: left })}{' '}
          {left > 0 && (
            <Anchor
              component="button"
              type="button"
              size="sm"
              underline="always"
              onClick={() => onShow({ programId, ruleKey })}
            >
              {t('toLeft')}
            </Anchor>
          )}
        </Text>
      )}
    </>
  );
}
