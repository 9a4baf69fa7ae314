import { Anchor, NativeSelect, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Empty, Loaded } from '../../parts/states.tsx';
import { useAsked } from './asked.ts';
import { Chart } from './charts.tsx';
import { Amounts, FigureTable } from './figure-table.tsx';
import { useFunnel } from './queries.ts';
import { analyticsText } from './texts.ts';

const STAGES = {
  submitted: 'stageSubmitted',
  accepted: 'stageAccepted',
  qualified: 'stageQualified',
  opportunity: 'stageOpportunity',
  won: 'stageWon',
  lost: 'stageLost',
  declined: 'stageDeclined',
  expired: 'stageExpired',
} as const;

const SOURCES = ['explicit', 'label', 'code', 'email', 'company'] as const;

function useWords() {
  const t = useText(analyticsText);
  const { percent } = useFormat();
  return {
    t,
    stage: (name: string) => (Object.hasOwn(STAGES, name) ? t(STAGES[name as keyof typeof STAGES]) : name),
    source: (name: string) => {
      const known = SOURCES.find((one) => one === name);
      return known ? t(known) : name;
    },
    share: (value: number | null) => (value === null ? '–' : percent(value)),
    days: (value: number | null) => (value === null ? '–' : t('days', { days: value })),
  };
}

function Nothing() {
  const t = useText(analyticsText);
  return (
    <Empty title={t('none')}>
      <Text size="sm">{t('noneWhat')}</Text>
    </Empty>
  );
}

export function Funnel() {
  const { t, stage, share, days } = useWords();
  const { api, account } = useAccount();
  const { number } = useFormat();
  const { query } = useAsked();
  const funnel = useFunnel(query);
  const times = useQuery({
    queryKey: [account.id, 'figures', 'times', query],
    queryFn: async () => (await api.GET('/figures/times', { params: { query } })).data ?? null,
  });
  return (
    <Stack gap="xl">
      <Loaded query={funnel}>
        {(data) => {
          if (!data || data.stages[0]?.reached === 0) return <Nothing />;
          const ended = data.ended.map((one) => ({ ...one, reached: null, share: null, ofBefore: null }));
          return (
            <Stack gap="xs">
              <Chart
                kind="bars"
                label={t('chartOf', { what: t('funnel') })}
                number={number}
                series={[{ key: 'reached', title: t('reached') }]}
                points={data.stages.map(({ stage: name, reached }) => ({ name: stage(name), reached }))}
              />
              <FigureTable
                label={t('funnel')}
                rows={[...data.stages, ...ended.filter(({ standing }) => standing > 0)]}
                rowKey={(row) => row.stage}
                columns={[
                  { key: 'stage', title: t('stage'), cell: (row) => stage(row.stage) },
                  {
                    key: 'reached',
                    title: t('reached'),
                    isNumber: true,
                    cell: (row) => (row.reached === null ? '–' : number(row.reached)),
                  },
                  { key: 'share', title: t('share'), isNumber: true, cell: (row) => share(row.share) },
                  { key: 'ofBefore', title: t('ofBefore'), isNumber: true, cell: (row) => share(row.ofBefore) },
                  { key: 'standing', title: t('standing'), isNumber: true, cell: (row) => number(row.standing) },
                ]}
              />
            </Stack>
          );
        }}
      </Loaded>
      <Stack gap="xs" component="section">
        <Title order={2} size="h4">
          {t('times')}
        </Title>
        <Text size="sm" c="dimmed" maw={720}>
          {t('timesWhat')}
        </Text>
        <Loaded query={times}>
          {(data) => (
            <FigureTable
              label={t('times')}
              rows={data?.items ?? []}
              rowKey={({ from, to }) => `${from} ${to}`}
              columns={[
                {
                  key: 'step',
                  title: t('step'),
                  cell: ({ from, to }) => t('stepOf', { from: stage(from), to: stage(to) }),
                },
                { key: 'n', title: t('count'), isNumber: true, cell: (row) => number(row.days.n) },
                { key: 'first', title: t('first'), isNumber: true, cell: (row) => days(row.days.first) },
                { key: 'median', title: t('median'), isNumber: true, cell: (row) => days(row.days.median) },
                { key: 'third', title: t('third'), isNumber: true, cell: (row) => days(row.days.third) },
              ]}
            />
          )}
        </Loaded>
      </Stack>
    </Stack>
  );
}

export function Channels() {
  const { t, source, share } = useWords();
  const { api, account } = useAccount();
  const { number } = useFormat();
  const { query } = useAsked();
  const channels = useQuery({
    queryKey: [account.id, 'figures', 'channels', query],
    queryFn: async () => (await api.GET('/figures/channels', { params: { query } })).data ?? null,
  });
  return (
    <Loaded query={channels}>
      {(data) => {
        const items = data?.items ?? [];
        if (items.every(({ submitted, won, revenue }) => submitted === 0 && won === 0 && revenue.length === 0))
          return <Nothing />;
        return (
          <Stack gap="xs">
            <Chart
              kind="bars"
              label={t('chartOf', { what: t('channels') })}
              number={number}
              series={[
                { key: 'submitted', title: t('submitted') },
                { key: 'converted', title: t('converted') },
              ]}
              points={items.map((one) => ({
                name: source(one.source),
                submitted: one.submitted,
                converted: one.converted,
              }))}
            />
            <FigureTable
              label={t('channels')}
              rows={items}
              rowKey={(row) => row.source}
              columns={[
                { key: 'source', title: t('source'), cell: (row) => source(row.source) },
                { key: 'submitted', title: t('submitted'), isNumber: true, cell: (row) => number(row.submitted) },
                { key: 'converted', title: t('converted'), isNumber: true, cell: (row) => number(row.converted) },
                { key: 'conversion', title: t('conversion'), isNumber: true, cell: (row) => share(row.conversion) },
                { key: 'revenue', title: t('revenue'), isNumber: true, cell: (row) => <Amounts of={row.revenue} /> },
              ]}
            />
          </Stack>
        );
      }}
    </Loaded>
  );
}

export function TopMembers() {
  const { t } = useWords();
  const { api, account, may } = useAccount();
  const { number } = useFormat();
  const { query, url, setUrl } = useAsked();
  const order = url.order === 'referrals' ? 'referrals' : 'won';
  const members = useQuery({
    queryKey: [account.id, 'figures', 'members', query, order],
    queryFn: async () => (await api.GET('/figures/members', { params: { query: { ...query, order } } })).data ?? null,
  });
  return (
    <Stack gap="sm">
      <NativeSelect
        label={t('members')}
        w={220}
        value={order}
        data={[
          { value: 'won', label: t('won') },
          { value: 'referrals', label: t('submitted') },
        ]}
        onChange={(event) => setUrl({ order: event.currentTarget.value === 'referrals' ? 'referrals' : undefined })}
      />
      <Loaded query={members}>
        {(data) => {
          const items = data?.items ?? [];
          if (items.length === 0) return <Nothing />;
          return (
            <FigureTable
              label={t('members')}
              rows={items}
              rowKey={({ memberId }) => memberId}
              columns={[
                {
                  key: 'member',
                  title: t('member'),
                  cell: ({ memberId, name }) =>
                    may('referrals.read') ? (
                      <Anchor
                        size="sm"
                        renderRoot={(props) => <Link {...props} to={`/${account.id}/members/${memberId}` as never} />}
                      >
                        {name ?? t('forgotten')}
                      </Anchor>
                    ) : (
                      (name ?? t('forgotten'))
                    ),
                },
                { key: 'submitted', title: t('submitted'), isNumber: true, cell: (row) => number(row.submitted) },
                { key: 'won', title: t('won'), isNumber: true, cell: (row) => number(row.won) },
                { key: 'revenue', title: t('revenue'), isNumber: true, cell: (row) => <Amounts of={row.revenue} /> },
              ]}
            />
          );
        }}
      </Loaded>
    </Stack>
  );
}

export function Cohorts() {
  const { t, share } = useWords();
  const { api, account } = useAccount();
  const { number, month } = useFormat();
  const { query } = useAsked();
  const cohorts = useQuery({
    queryKey: [account.id, 'figures', 'cohorts', query],
    queryFn: async () => (await api.GET('/figures/cohorts', { params: { query } })).data ?? null,
  });
  return (
    <Loaded query={cohorts}>
      {(data) => {
        const items = data?.items ?? [];
        if (items.every(({ submitted, revenue }) => submitted === 0 && revenue.length === 0)) return <Nothing />;
        return (
          <Stack gap="xs">
            <Chart
              kind="bars"
              label={t('chartOf', { what: t('cohorts') })}
              number={number}
              series={[
                { key: 'submitted', title: t('submitted') },
                { key: 'won', title: t('converted') },
              ]}
              points={items.map((one) => ({ name: month(one.month), submitted: one.submitted, won: one.won }))}
            />
            <FigureTable
              label={t('cohorts')}
              rows={items}
              rowKey={(row) => row.month}
              columns={[
                { key: 'month', title: t('cohort'), cell: (row) => month(row.month) },
                { key: 'submitted', title: t('submitted'), isNumber: true, cell: (row) => number(row.submitted) },
                { key: 'qualified', title: t('qualified'), isNumber: true, cell: (row) => number(row.qualified) },
                { key: 'opportunity', title: t('opportunity'), isNumber: true, cell: (row) => number(row.opportunity) },
                { key: 'won', title: t('converted'), isNumber: true, cell: (row) => number(row.won) },
                { key: 'conversion', title: t('conversion'), isNumber: true, cell: (row) => share(row.conversion) },
                { key: 'wonBy', title: t('wonBy'), isNumber: true, cell: (row) => row.wonBy.join(' · ') || '–' },
                { key: 'revenue', title: t('revenue'), isNumber: true, cell: (row) => <Amounts of={row.revenue} /> },
              ]}
            />
            <Text size="xs" c="dimmed">
              {t('wonBy')}: {t('wonByWhat')}
            </Text>
          </Stack>
        );
      }}
    </Loaded>
  );
}

export function Returns() {
  const { t } = useWords();
  const { api, account } = useAccount();
  const { number, money } = useFormat();
  const { query } = useAsked();
  const returns = useQuery({
    queryKey: [account.id, 'figures', 'returns', query],
    queryFn: async () => (await api.GET('/figures/returns', { params: { query } })).data ?? null,
  });
  return (
    <Loaded query={returns}>
      {(data) => {
        const items = data?.items ?? [];
        if (items.length === 0) return <Nothing />;
        return (
          <Stack gap="lg">
            {[...Map.groupBy(items, ({ currency }) => currency)].map(([currency, own]) => (
              <Chart
                key={currency}
                kind="bars"
                label={t('chartOf', { what: t('chartReturns', { currency }) })}
                number={number}
                series={[
                  { key: 'revenue', title: t('revenue') },
                  { key: 'cost', title: t('cost') },
                ]}
                points={own.map((one) => ({
                  name: one.programId,
                  revenue: Number(one.revenue),
                  cost: Number(one.cost),
                }))}
              />
            ))}
            <FigureTable
              label={t('returns')}
              rows={items}
              rowKey={(row) => `${row.programId} ${row.currency}`}
              columns={[
                { key: 'program', title: t('program'), cell: (row) => row.programId },
                { key: 'deals', title: t('deals'), isNumber: true, cell: (row) => number(row.deals) },
                {
                  key: 'revenue',
                  title: t('revenue'),
                  isNumber: true,
                  cell: ({ revenue: amount, currency }) => money({ amount, currency }),
                },
                {
                  key: 'cost',
                  title: t('cost'),
                  isNumber: true,
                  cell: ({ cost: amount, currency }) => money({ amount, currency }),
                },
                {
                  key: 'returned',
                  title: t('returned'),
                  isNumber: true,
                  cell: ({ returned }) => (returned === null ? '–' : number(returned)),
                },
              ]}
            />
          </Stack>
        );
      }}
    </Loaded>
  );
}

export function Comparison() {
  const { t, share, days } = useWords();
  const { api, account } = useAccount();
  const { number, money } = useFormat();
  const { query } = useAsked();
  const comparison = useQuery({
    queryKey: [account.id, 'figures', 'comparison', query],
    queryFn: async () => (await api.GET('/figures/comparison', { params: { query } })).data ?? null,
  });
  return (
    <Loaded query={comparison}>
      {(data) => {
        if (!data || data.referred.deals + data.other.deals === 0) return <Nothing />;
        const both = [data.referred, data.other] as const;
        const currencies = [...new Set(both.flatMap((one) => one.money.map(({ currency }) => currency)))].sort();
        const line = (title: string, of: (one: (typeof both)[number]) => string) => ({
          title,
          referred: of(data.referred),
          other: of(data.other),
        });
        const rows = [
          line(t('customers'), ({ customers }) => number(customers)),
          line(t('repeatRate'), ({ repeatRate }) => share(repeatRate)),
          line(t('timeToClose'), ({ timeToClose }) => days(timeToClose.median)),
          ...currencies.flatMap((currency) => {
            const inIt = (one: (typeof both)[number]) => one.money.find((sum) => sum.currency === currency);
            const amount = (value: string | null | undefined) => (value ? money({ amount: value, currency }) : '–');
            return [
              line(t('lifetimeValue', { currency }), (one) => amount(inIt(one)?.lifetimeValue)),
              line(t('refundRate', { currency }), (one) => share(inIt(one)?.refundRate ?? null)),
              line(t('revenueIn', { currency }), (one) => amount(inIt(one)?.revenue)),
            ];
          }),
          line(t('dealsWon'), ({ deals }) => number(deals)),
          line(t('unread'), ({ unread }) => number(unread)),
        ];
        return (
          <Stack gap="sm">
            <FigureTable
              label={t('comparison')}
              rows={rows}
              rowKey={({ title }) => title}
              columns={[
                { key: 'figure', title: t('figure'), cell: ({ title }) => title },
                { key: 'referred', title: t('referred'), isNumber: true, cell: ({ referred }) => referred },
                { key: 'other', title: t('other'), isNumber: true, cell: ({ other }) => other },
              ]}
            />
            <Text size="sm" c="dimmed" maw={720}>
              {t('comparisonBasis', {
                count: data.referred.deals + data.other.deals,
                referred: data.referred.deals,
              })}{' '}
              {query.programId === undefined ? '' : t('ofOthers')}
            </Text>
          </Stack>
        );
      }}
    </Loaded>
  );
}
