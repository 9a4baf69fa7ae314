import {
  Alert,
  Anchor,
  Button,
  Group,
  List,
  Paper,
  Progress,
  SimpleGrid,
  Stack,
  Tabs,
  Text,
  Title,
} from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useLocale, useText } from '../../i18n/text.ts';
import { Loaded, ProblemNote, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { Wide } from '../../parts/wide.tsx';
import { Backfills } from './backfills.tsx';
import { CallShare } from './call-share.tsx';
import { VERDICT_COLOURS } from './list.tsx';
import { type Connection, crmName, type Health, useConnection, useHealth } from './queries.ts';
import { RecordLink } from './record-link.tsx';
import { Reports } from './reports.tsx';
import { connectionText } from './texts.ts';

const REFETCH_MS = 10_000;

const TABS = ['now', 'reports', 'history'] as const;

export default function HealthScreen() {
  const t = useText(connectionText);
  const { account } = useAccount();
  const { connectionId = '' } = useParams({ strict: false }) as { connectionId?: string };
  const [url, setUrl] = useUrlState<'tab' | 'report' | 'list'>();
  const connection = useConnection(connectionId);
  const tab = TABS.find((one) => one === url.tab) ?? 'now';
  return (
    <Loaded query={connection}>
      {(found) =>
        found && (
          <Screen
            title={t('healthTitle', { crm: `${crmName(found)} ${found.externalId}` })}
            actions={
              <Anchor component={Link} to={`/${account.id}/connections` as string} size="sm">
                {t('back')}
              </Anchor>
            }
          >
            <Tabs
              value={tab}
              onChange={(next) => setUrl({ tab: next ?? undefined, report: undefined, list: undefined })}
              keepMounted={false}
            >
              <Tabs.List mb="md">
                <Tabs.Tab value="now">{t('tabNow')}</Tabs.Tab>
                <Tabs.Tab value="reports">{t('tabReports')}</Tabs.Tab>
                <Tabs.Tab value="history">{t('tabBackfill')}</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="now">
                <Now connection={found} />
              </Tabs.Panel>
              <Tabs.Panel value="reports">
                <Reports
                  connection={found}
                  shown={url.report}
                  list={url.list}
                  onShow={(report, list) => setUrl({ report, list })}
                />
              </Tabs.Panel>
              <Tabs.Panel value="history">
                <Backfills connectionId={found.id} />
              </Tabs.Panel>
            </Tabs>
          </Screen>
        )
      }
    </Loaded>
  );
}

/** "2.4 seconds", "3 minutes": how long something took, as the language writes it. */
function useDuration(): (ms: number) => string {
  const locale = useLocale();
  return (ms) => {
    const units = [
      ['day', 86_400_000],
      ['hour', 3_600_000],
      ['minute', 60_000],
      ['second', 1_000],
    ] as const;
    const [unit, length] = units.find(([, size]) => ms >= size) ?? (['second', 1_000] as const);
    const style = {
      style: 'unit',
      unit,
      unitDisplay: 'long',
      maximumFractionDigits: ms < 10 * length ? 1 : 0,
    } as const;
    return new Intl.NumberFormat(locale, style).format(ms / length);
  };
}

function Now({ connection }: { connection: Connection }) {
  const query = useHealth(connection.id, REFETCH_MS);
  return <Loaded query={query}>{(health) => health && <Figures connection={connection} health={health} />}</Loaded>;
}

function Figures({ connection, health }: { connection: Connection; health: Health }) {
  const t = useText(connectionText);
  const { api, account, may } = useAccount();
  const { moment, since, number } = useFormat();
  const duration = useDuration();
  const client = useQueryClient();
  const { backlog, api: calls, sweep, loss, token } = health;
  const path = { path: { connectionId: connection.id } };
  const refresh = () => client.invalidateQueries({ queryKey: [account.id, 'connections'] });
  const retry = useMutation({
    mutationFn: async () => (await api.POST('/connections/{connectionId}/retry', { params: path })).data,
    onSettled: refresh,
  });
  const search = useMutation({
    mutationFn: (full: boolean) => api.POST('/connections/{connectionId}/sweep', { params: path, body: { full } }),
    onSettled: refresh,
  });
  const lagText = (lag: Health['lag']['toDecision']) =>
    lag === null
      ? t('lagNone')
      : t('lagLine', {
          median: lag.medianMs === null ? t('longerThanDay') : duration(lag.medianMs),
          p95: lag.p95Ms === null ? t('longerThanDay') : duration(lag.p95Ms),
        });
  const backlogText = ({ oldestMs, parked }: Health['backlog']['decisions']) =>
    [
      oldestMs === null ? null : t('oldest', { age: duration(oldestMs) }),
      parked > 0 ? t('parked', { count: parked }) : null,
    ]
      .filter(Boolean)
      .join(', ');
  const tokenText = { valid: t('tokenValid'), renews: t('tokenRenews'), none: t('tokenNone') }[token.state];
  const parked = backlog.decisions.parked + backlog.mirror.parked + backlog.tasks.parked + backlog.timelines.parked;
  return (
    <Stack gap="md">
      <Alert color={VERDICT_COLOURS[health.verdict]} title={t(health.verdict)} role="status">
        {health.problems.length > 0 && (
          <List size="sm">
            {health.problems.map(({ code, words }) => (
              <List.Item key={code}>{words}</List.Item>
            ))}
          </List>
        )}
        {may('connections.write') && (
          <Group gap="xs" mt="xs">
            {parked > 0 && (
              <Button size="xs" loading={retry.isPending} onClick={() => retry.mutate()}>
                {t('retry')}
              </Button>
            )}
            <Button
              size="xs"
              variant="default"
              loading={search.isPending}
              disabled={connection.status !== 'connected'}
              onClick={() => search.mutate(false)}
            >
              {t('sweepNow')}
            </Button>
            <Button
              size="xs"
              variant="default"
              loading={search.isPending}
              disabled={connection.status !== 'connected'}
              onClick={() => search.mutate(true)}
            >
              {t('sweepFull')}
            </Button>
          </Group>
        )}
      </Alert>
      {retry.data && (
        <Alert color="green" role="status">
          {t('retried', { count: retry.data.retried })}
        </Alert>
      )}
      {search.isSuccess && (
        <Alert color="green" role="status">
          {t('sweepAsked')}
        </Alert>
      )}
      {(retry.isError || search.isError) && <ProblemNote thrown={retry.error ?? search.error} />}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
        <Figure label={t('toDecision')} value={health.lag.toDecision ? number(health.lag.toDecision.count) : '0'}>
          {lagText(health.lag.toDecision)}
        </Figure>
        <Figure label={t('toMirror')} value={health.lag.toMirror ? number(health.lag.toMirror.count) : '0'}>
          {lagText(health.lag.toMirror)}
        </Figure>
        <Figure
          label={t('lastWebhook')}
          value={health.lastReceivedAt === null ? t('never') : since(health.lastReceivedAt)}
        >
          {health.lastReceivedAt !== null && moment(health.lastReceivedAt)}
        </Figure>
        <Figure label={t('waitingRecords')} value={number(backlog.decisions.waiting)}>
          {backlogText(backlog.decisions)}
        </Figure>
        <Figure label={t('waitingMirror')} value={number(backlog.mirror.waiting)}>
          {backlogText(backlog.mirror)}
        </Figure>
        <Figure label={t('token')} value={tokenText}>
          {token.expiresAt !== null && moment(token.expiresAt)}
        </Figure>
        <Figure label={t('lastSweep')} value={sweep.last === null ? t('never') : since(sweep.last.beganAt)}>
          {sweep.last !== null &&
            (sweep.last.problem ?? t('sweepLine', { changed: sweep.last.changed, missed: sweep.last.missed }))}
        </Figure>
        <Figure label={t('loss')} value={t('lossLine', { missed: loss.missed, all: loss.heard + loss.missed })} />
        <Figure label={t('calls')} value={number(Object.values(calls.calls).reduce((sum, one) => sum + one, 0))}>
          {t('callsLine', calls.calls)}
          {calls.use && (
            <>
              <Progress
                mt={6}
                value={Math.min(100, (calls.use.used / Math.max(1, calls.use.limit)) * 100)}
                aria-label={t('limit')}
              />
              <Text size="xs" c="dimmed">
                {t('limit')}: {t('limitLine', { used: calls.use.used, limit: calls.use.limit })}
              </Text>
            </>
          )}
        </Figure>
      </SimpleGrid>
      {connection.provider === 'salesforce' && <CallShare connection={connection} />}
      {health.failing.length > 0 && (
        <Rows
          title={t('failing')}
          head={[t('queue'), t('cause'), t('error'), t('count')]}
          rows={health.failing.map((one) => [
            `${one.queue} ${one.cause} ${one.error}`,
            t(one.queue),
            one.cause,
            one.error,
            one.isParked ? t('parked', { count: one.count }) : number(one.count),
          ])}
        />
      )}
      {connection.sync.parked.length > 0 && (
        <Rows
          title={t('parkedRecords')}
          head={[t('record'), t('error'), t('attempts')]}
          rows={connection.sync.parked.map((one) => [
            `${one.object} ${one.id}`,
            <RecordLink key={one.id} connection={connection} object={one.object} id={one.id} />,
            one.error,
            number(one.attempts),
          ])}
        />
      )}
      {health.failures.length > 0 && (
        <Rows
          title={t('failures')}
          head={[t('cause'), t('count')]}
          rows={health.failures.map(({ cause, count }) => [cause, cause, number(count)])}
        />
      )}
      {health.events.length > 0 && (
        <Rows
          title={t('events')}
          head={[t('when'), t('what'), t('details')]}
          rows={health.events.map((one) => [
            `${one.kind} ${one.at}`,
            moment(one.at),
            t(`event.${one.kind}`),
            one.detail,
          ])}
        />
      )}
    </Stack>
  );
}

function Figure({ label, value, children }: { label: string; value: string; children?: ReactNode }) {
  return (
    <Paper withBorder p="sm" component="section" aria-label={label}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fw={650} size="lg">
        {value}
      </Text>
      {children && (
        <Text size="xs" c="dimmed" component="div">
          {children}
        </Text>
      )}
    </Paper>
  );
}

/** A small table; the first cell of each row is its key and not shown. */
function Rows({
  title,
  head,
  rows,
}: {
  title: string;
  head: readonly string[];
  rows: readonly (readonly [string, ...ReactNode[]])[];
}) {
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      <Wide label={title}>
        <Table aria-label={title} verticalSpacing="xs" miw={520}>
          <Table.Thead>
            <Table.Tr>
              {head.map((one) => (
                <Table.Th key={one}>{one}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(([key, ...cells]) => (
              <Table.Tr key={key}>
                {cells.map((cell, at) => (
                  <Table.Td key={head[at]}>{cell}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
    </Paper>
  );
}
