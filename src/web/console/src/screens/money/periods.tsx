import { Alert, Anchor, Button, Code, Group, Paper, Progress, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ExportButton } from '../../parts/export-button.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Empty, Loaded, ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { common } from '../../parts/texts.ts';
import { useUrlState } from '../../parts/url-state.ts';
import { Wide } from '../../parts/wide.tsx';
import { ChartButton } from './chart.tsx';
import { ClosePeriod, ReopenPeriod } from './period-dialogs.tsx';
import { Checklist, useMonth } from './period-parts.tsx';
import { periodText } from './period-texts.ts';
import { KINDS, sumOf } from './sums.ts';
import { moneyText } from './texts.ts';

type Period = operations['listPeriods']['responses'][200]['content']['application/json']['items'][number];
type Detail = operations['getPeriod']['responses'][200]['content']['application/json'];
type Line = operations['listPeriodAccounts']['responses'][200]['content']['application/json']['items'][number];

/** Pages of the file; a hundred thousand lines are as many as a spreadsheet opens gladly. */
const EXPORT_PAGES_MAX = 500;
/** While a month is added up. */
const CLOSING_LOOK_MS = 2_000;

/** Months of the books: the one to close next with what to look at before, and those that are closed. */
export function Periods() {
  const [url] = useUrlState<'period' | 'kind' | 'currency'>();
  const kind = KINDS.find((one) => one === url.kind);
  if (url.period && kind && url.currency) return <Accounts periodId={url.period} kind={kind} currency={url.currency} />;
  if (url.period) return <OnePeriod periodId={url.period} />;
  return <Months />;
}

function Months() {
  const t = useText(periodText);
  const { api, account } = useAccount();
  const { moment, number } = useFormat();
  const month = useMonth();
  const [, setUrl] = useUrlState();
  return (
    <Stack gap="lg">
      <Next />
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">
            {t('closedMonths')}
          </Title>
          <Group gap="sm">
            <Verify />
            <ChartButton />
          </Group>
        </Group>
        <PagedTable<Period>
          label={t('closedMonths')}
          queryKey={[account.id, 'periods']}
          load={async (cursor) => {
            const { data } = await api.GET('/periods', { params: { query: cursor === undefined ? {} : { cursor } } });
            return data ?? { items: [], nextCursor: null };
          }}
          empty={<Empty title={t('noneClosed')} />}
          columns={[
            { key: 'month', title: t('month'), cell: (one) => month(one.month) },
            { key: 'at', title: t('closedAt'), cell: (one) => moment(one.closedAt) },
            { key: 'by', title: t('closedBy'), cell: (one) => one.closedBy },
            { key: 'journals', title: t('journals'), align: 'right', cell: (one) => number(one.journals) },
            {
              key: 'state',
              title: t('state'),
              cell: (one) => (
                <Text size="sm" c={one.reopened ? 'dimmed' : undefined}>
                  {t(one.reopened ? 'takenBack' : 'stands')}
                </Text>
              ),
            },
            {
              key: 'show',
              title: t('show'),
              isTitleHidden: true,
              align: 'right',
              cell: (one) => (
                <Button
                  size="xs"
                  variant="subtle"
                  aria-label={t('showOf', { month: month(one.month) })}
                  onClick={() => setUrl({ period: one.id })}
                >
                  {t('show')}
                </Button>
              ),
            },
          ]}
        />
      </Stack>
    </Stack>
  );
}

function Next() {
  const t = useText(periodText);
  const { api, account, may } = useAccount();
  const { moment, number } = useFormat();
  const client = useQueryClient();
  const month = useMonth();
  const query = useQuery({
    queryKey: [account.id, 'next-period'],
    queryFn: async () => (await api.GET('/periods/next')).data ?? null,
    refetchInterval: ({ state }) => (state.data?.period?.closing ? CLOSING_LOOK_MS : false),
  });
  const closingOf = query.data?.period?.closing ? query.data.period.month : null;
  const wasClosing = useRef<string | null>(null);
  // The list below is another question: it is asked again when the month has been closed.
  useEffect(() => {
    if (wasClosing.current !== null && closingOf === null)
      void client.invalidateQueries({ queryKey: [account.id, 'periods'] });
    wasClosing.current = closingOf;
  }, [closingOf, client, account.id]);
  return (
    <Loaded query={query}>
      {(data) => {
        const next = data?.period ?? null;
        if (next === null) return <Empty title={t('nothingBooked')} />;
        const title = t(next.closing ? 'isClosing' : 'next', { month: month(next.month) });
        return (
          <Paper withBorder p="md" component="section" aria-label={title}>
            <Stack gap="sm">
              <Group justify="space-between" align="flex-start" gap="sm">
                <div>
                  <Title order={2} size="h4">
                    {title}
                  </Title>
                  {next.closing === null && (
                    <Text size="sm" c="dimmed">
                      {t('nextWhat')}{' '}
                      {next.isClosable ? t('closableNow') : t('closableLater', { at: moment(next.closableFrom) })}
                    </Text>
                  )}
                </div>
                {may('money.write') && next.closing === null && <ClosePeriod next={next} />}
              </Group>
              {next.closing && (
                <Stack gap={4} role="status">
                  <Text size="sm">
                    {t('closingBy', { by: next.closing.by, at: moment(next.closing.since) })}{' '}
                    {next.closing.total > 0 &&
                      t('closingFar', { done: number(next.closing.journals), total: number(next.closing.total) })}
                  </Text>
                  <Progress
                    aria-label={t('closingName')}
                    value={next.closing.total === 0 ? 0 : (100 * next.closing.journals) / next.closing.total}
                  />
                </Stack>
              )}
              {next.closing === null && <Checklist warnings={next.warnings} />}
            </Stack>
          </Paper>
        );
      }}
    </Loaded>
  );
}

function Verify() {
  const t = useText(periodText);
  const { api } = useAccount();
  const month = useMonth();
  const verify = useMutation({ mutationFn: async () => (await api.GET('/periods/verification')).data });
  const { data } = verify;
  return (
    <Stack gap={4} align="flex-end">
      <Button variant="default" loading={verify.isPending} onClick={() => verify.mutate()}>
        {t('verify')}
      </Button>
      {data && data.problems.length === 0 && (
        <Text size="xs" role="status">
          {t('verifiedOk', { count: data.periods })}
        </Text>
      )}
      {data && data.problems.length > 0 && (
        <Alert color="red" title={t('verifiedWrong')} role="alert">
          {data.problems.map(({ periodId, month: of, words }) => (
            <Text key={`${periodId} ${words}`} size="sm">
              <b>{month(of)}</b> {words}
            </Text>
          ))}
        </Alert>
      )}
      {verify.isError && <ProblemNote thrown={verify.error} />}
    </Stack>
  );
}

function usePeriod(periodId: string) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'period', periodId],
    queryFn: async () => (await api.GET('/periods/{periodId}', { params: { path: { periodId } } })).data,
  });
}

function OnePeriod({ periodId }: { periodId: string }) {
  const t = useText(periodText);
  const [, setUrl] = useUrlState();
  const query = usePeriod(periodId);
  return (
    <Stack gap="md">
      <Group>
        <Anchor component="button" type="button" size="sm" onClick={() => setUrl({ period: undefined })}>
          {t('back')}
        </Anchor>
      </Group>
      <Loaded query={query}>{(period) => period && <Closed period={period} />}</Loaded>
    </Stack>
  );
}

function Closed({ period }: { period: Detail }) {
  const t = useText(periodText);
  const m = useText(moneyText);
  const { may } = useAccount();
  const { moment, money } = useFormat();
  const month = useMonth();
  const [, setUrl] = useUrlState();
  const { reopened, replaces, late } = period;
  // What the corrections have cost, or spared, is what they come to for whoever closed the month.
  const cost = late.sums.filter(({ kind }) => kind === 'expense');
  const sums = (cost.length > 0 ? cost : late.sums).map(money).join(', ');
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={2} size="h3">
            {month(period.month)}
          </Title>
          <Text size="sm" c="dimmed">
            {t('detailWhat', {
              at: moment(period.closedAt),
              by: period.closedBy,
              journals: period.journals,
              accounts: period.accounts,
            })}
          </Text>
        </div>
        {may('periods.reopen') && period.isLast && <ReopenPeriod period={period} />}
      </Group>
      {reopened && (
        <Alert color="yellow" title={t('takenBack')}>
          {t('takenBackSaid', { at: moment(reopened.at), by: reopened.by, reason: reopened.reason })}
        </Alert>
      )}
      {period.reason !== null && <Text size="sm">{t('reasonSaid', { reason: period.reason })}</Text>}
      {replaces && (
        <Text size="sm">
          {t('replacesSaid', { at: moment(replaces.at), by: replaces.by, reason: replaces.reason })}
        </Text>
      )}
      <Paper withBorder p="sm" role="note">
        <Text size="sm">{late.journals === 0 ? t('lateNone') : t('late', { count: late.journals, sums })}</Text>
      </Paper>
      {[...Map.groupBy(period.totals, ({ currency }) => currency)].map(([currency, own]) => (
        <Stack key={currency} gap="xs" component="section">
          <Title order={3} size="h5">
            {t('totalsIn', { currency })}
          </Title>
          <Wide label={t('totalsIn', { currency })}>
            <Table aria-label={t('totalsIn', { currency })} verticalSpacing="xs" miw={640}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('kind')}</Table.Th>
                  {(['opening', 'debits', 'credits', 'closing'] as const).map((column) => (
                    <Table.Th key={column} ta="right">
                      {t(column)}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {own.map((total) => (
                  <Table.Tr key={total.kind}>
                    <Table.Td>
                      <Anchor
                        component="button"
                        type="button"
                        fz="sm"
                        onClick={() => setUrl({ kind: total.kind, currency })}
                      >
                        {m(total.kind)}
                      </Anchor>
                    </Table.Td>
                    {(['opening', 'debits', 'credits', 'closing'] as const).map((column) => (
                      <Table.Td key={column} ta="right">
                        {money({ amount: total[column], currency })}
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
              <Table.Tfoot>
                <Table.Tr>
                  <Table.Th>{t('together')}</Table.Th>
                  {(['opening', 'debits', 'credits', 'closing'] as const).map((column) => {
                    const sum = sumOf(own.map((total) => ({ amount: total[column], currency })));
                    return (
                      <Table.Th key={column} ta="right">
                        {sum ? money(sum) : ''}
                      </Table.Th>
                    );
                  })}
                </Table.Tr>
              </Table.Tfoot>
            </Table>
          </Wide>
        </Stack>
      ))}
      <Text size="xs" c="dimmed">
        {t('signs')}
      </Text>
      {reopened === null && <Exports period={period} />}
      <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {t('fingerprint')} <Code>{period.hash}</Code>
      </Text>
    </Stack>
  );
}

function Exports({ period }: { period: Detail }) {
  const t = useText(periodText);
  const c = useText(common);
  const { api } = useAccount();
  const params = { path: { periodId: period.id } };
  const totals = useMutation({
    async mutationFn() {
      const { data } = await api.GET('/periods/{periodId}/totals/csv', { params });
      if (data) saveFile(`totals-${period.month}.csv`, data.csv);
    },
  });
  return (
    <Stack gap="xs" component="section">
      <Title order={3} size="h5">
        {t('forBookkeeping')}
      </Title>
      <Group gap="lg" align="flex-start">
        <Group gap="xs" role="group" aria-label={t('exportTotals')}>
          <Text size="sm">{t('exportTotals')}</Text>
          <Button variant="default" size="xs" loading={totals.isPending} onClick={() => totals.mutate()}>
            {c('csv')}
          </Button>
        </Group>
        <Group gap="xs" role="group" aria-label={t('exportJournals')}>
          <Text size="sm">{t('exportJournals')}</Text>
          <ExportButton
            size="xs"
            fileName={`journals-${period.month}`}
            pagesMax={EXPORT_PAGES_MAX}
            load={async (cursor) => {
              const query = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
              return (await api.GET('/periods/{periodId}/journals/csv', { params: { ...params, query } })).data;
            }}
          />
        </Group>
      </Group>
      {totals.isError && <ProblemNote thrown={totals.error} />}
    </Stack>
  );
}

/** The accounts of a kind that moved in the month; each leads to its journals of the month. */
function Accounts({ periodId, kind, currency }: { periodId: string; kind: (typeof KINDS)[number]; currency: string }) {
  const t = useText(periodText);
  const m = useText(moneyText);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const month = useMonth();
  const [, setUrl] = useUrlState();
  const period = usePeriod(periodId).data;
  const title = t('accountsOf', { kind: m(kind), currency });
  const lastDay = period ? new Date(Date.parse(period.to) - 1).toISOString().slice(0, 10) : undefined;
  return (
    <Stack gap="sm">
      <Group>
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => setUrl({ kind: undefined, currency: undefined })}
        >
          {period ? month(period.month) : t('backToMonth')}
        </Anchor>
      </Group>
      <Title order={2} size="h4">
        {title}
      </Title>
      <PagedTable<Line>
        label={title}
        queryKey={[account.id, 'period-accounts', periodId, kind, currency]}
        load={async (cursor) => {
          const params = {
            path: { periodId, ledgerKind: kind, currency },
            query: cursor === undefined ? {} : { cursor },
          };
          const { data } = await api.GET('/periods/{periodId}/ledger/{ledgerKind}/{currency}/accounts', { params });
          return data ?? { items: [], nextCursor: null };
        }}
        columns={[
          {
            key: 'account',
            title: t('account'),
            cell: (one) => (
              <Text size="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
                {one.account}
              </Text>
            ),
          },
          ...(['opening', 'debits', 'credits', 'closing'] as const).map((column) => ({
            key: column,
            title: t(column),
            align: 'right' as const,
            cell: (one: Line) => money({ amount: one[column], currency }),
          })),
          {
            key: 'open',
            title: t('toJournals'),
            isTitleHidden: true,
            align: 'right',
            cell: (one) => (
              <Button
                size="xs"
                variant="subtle"
                aria-label={t('journalsOf', { account: one.account })}
                onClick={() =>
                  setUrl({
                    tab: 'ledger',
                    account: one.account,
                    currency,
                    kind: undefined,
                    period: undefined,
                    from: period?.from.slice(0, 10),
                    to: lastDay,
                  })
                }
              >
                {t('toJournals')}
              </Button>
            ),
          },
        ]}
      />
    </Stack>
  );
}
