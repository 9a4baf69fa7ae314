import { Badge, Button, Group, Paper, Progress, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Empty, Loaded, ProblemNote } from '../../parts/states.tsx';
import { HistoryLink } from '../money/history-link.tsx';
import type { Backfill } from './queries.ts';
import { connectionText } from './texts.ts';

/** While one is under way; its figures are the service's, so leaving the page loses nothing. */
const REFETCH_MS = 3_000;
/** What one finds that would have paid, which is summed up anew each time. */
const HISTORY_REFETCH_MS = 15_000;
const LISTED_MAX = 20;
const YEAR_MS = 365 * 86_400_000;

/** What lay in the CRM before, read by hand's word: begin, watch, pause, end. */
export function Backfills({ connectionId }: { connectionId: string }) {
  const t = useText(connectionText);
  const { api, account, may } = useAccount();
  const queryKey = [account.id, 'backfills', connectionId];
  const query = useQuery({
    queryKey,
    refetchInterval: REFETCH_MS,
    queryFn: async () => {
      const params = { query: { connectionId, limit: LISTED_MAX } };
      return (await api.GET('/backfills', { params })).data?.items ?? [];
    },
  });
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={720}>
        {t('backfillWhat')}
      </Text>
      <HistoryLink refetchMs={HISTORY_REFETCH_MS} />
      <Loaded query={query}>
        {(backfills) => (
          <>
            {may('connections.write') && !backfills.some(({ state }) => state === 'running' || state === 'paused') && (
              <Start connectionId={connectionId} queryKey={queryKey} />
            )}
            {backfills.length === 0 && <Empty title={t('noBackfill')} />}
            {backfills.map((backfill) => (
              <OneBackfill key={backfill.id} backfill={backfill} queryKey={queryKey} />
            ))}
          </>
        )}
      </Loaded>
    </Stack>
  );
}

function Start({ connectionId, queryKey }: { connectionId: string; queryKey: readonly unknown[] }) {
  const t = useText(connectionText);
  const { api } = useAccount();
  const client = useQueryClient();
  const [since, setSince] = useState(() => new Date(Date.now() - YEAR_MS).toISOString().slice(0, 10));
  const start = useMutation({
    mutationFn: () => api.POST('/backfills', { body: { connectionId, since: `${since}T00:00:00Z` } }),
    onSettled: () => client.invalidateQueries({ queryKey }),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!start.isPending) start.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Group align="flex-end">
        <TextInput
          type="date"
          label={t('backfillSince')}
          value={since}
          onChange={({ currentTarget }) => setSince(currentTarget.value)}
        />
        <Button type="submit" loading={start.isPending} disabled={since === ''}>
          {t('backfillStart')}
        </Button>
      </Group>
      {start.isError && <ProblemNote thrown={start.error} />}
    </form>
  );
}

const STATE_COLOURS = { running: 'brand', paused: 'yellow', done: 'green', cancelled: 'gray' } as const;

function OneBackfill({ backfill: listed, queryKey }: { backfill: Backfill; queryKey: readonly unknown[] }) {
  const t = useText(connectionText);
  const { api, account, may } = useAccount();
  const { moment, day, number } = useFormat();
  const client = useQueryClient();
  const params = { path: { backfillId: listed.id } };
  const isOpen = listed.state === 'running' || listed.state === 'paused';
  // What waits is counted for one at a time.
  const whole = useQuery({
    queryKey: [account.id, 'backfill', listed.id],
    enabled: isOpen,
    refetchInterval: REFETCH_MS,
    queryFn: async () => (await api.GET('/backfills/{backfillId}', { params })).data,
  });
  const backfill = isOpen ? (whole.data ?? listed) : listed;
  const turn = useMutation({
    mutationFn: async (to: 'pause' | 'resume' | 'cancel') => {
      if (to === 'pause') await api.POST('/backfills/{backfillId}/pause', { params, body: {} });
      else if (to === 'resume') await api.POST('/backfills/{backfillId}/resume', { params, body: {} });
      else await api.POST('/backfills/{backfillId}/cancel', { params, body: {} });
    },
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: [account.id, 'backfill', listed.id] });
      await client.invalidateQueries({ queryKey });
    },
  });
  const { found, read, waiting, total } = backfill;
  const percent = backfill.state === 'done' ? 100 : total ? Math.min(100, (found / total) * 100) : 0;
  const line = t('progress', { found: number(found), read: number(read), waiting: number(waiting) });
  const title = `${t('backfillSince')} ${day(backfill.since)}`;
  const begun = t('startedBy', { who: backfill.startedBy, moment: moment(backfill.startedAt) });
  return (
    <Paper withBorder p="md" component="section" aria-label={`${title}: ${begun}`}>
      <Stack gap="xs">
        <Group justify="space-between" align="flex-start">
          <div>
            <Group gap="xs">
              <Title order={2} size="h5">
                {title}
              </Title>
              <Badge variant="light" tt="none" color={STATE_COLOURS[backfill.state]}>
                {t(backfill.state)}
              </Badge>
            </Group>
            <Text size="xs" c="dimmed">
              {begun}
            </Text>
          </div>
          {may('connections.write') && isOpen && (
            <Group gap="xs">
              <Button
                size="xs"
                variant="default"
                loading={turn.isPending}
                onClick={() => turn.mutate(backfill.state === 'paused' ? 'resume' : 'pause')}
              >
                {backfill.state === 'paused' ? t('resume') : t('pause')}
              </Button>
              <ConfirmButton
                label={t('cancel')}
                title={title}
                loading={turn.isPending}
                onConfirm={() => turn.mutate('cancel')}
              >
                {t('cancelWhat')}
              </ConfirmButton>
            </Group>
          )}
        </Group>
        <Progress value={percent} aria-label={line} animated={backfill.state === 'running'} />
        <Text size="sm">
          {line}
          {backfill.endsAt !== null && isOpen && ` · ${t('ends', { at: moment(backfill.endsAt) })}`}
        </Text>
        {backfill.problem !== null && <Text size="sm">{t('putOff', { problem: backfill.problem })}</Text>}
        {turn.isError && <ProblemNote thrown={turn.error} />}
      </Stack>
    </Paper>
  );
}
