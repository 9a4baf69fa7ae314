import { Anchor, Group, Progress, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tile } from '../../parts/tile.tsx';
import { lastDays, type Period, stepFor } from '../analytics/period.ts';
import { useFunnel, useOverview, useTrend } from '../analytics/queries.ts';
import { homeText } from './texts.ts';

const Chart = lazy(async () => ({ default: (await import('../analytics/charts.tsx')).Chart }));

const CHART_HEIGHT = 240;

const STAGES = ['submitted', 'accepted', 'qualified', 'opportunity', 'won'] as const;

const MONEY = ['wonRevenue', 'cost', 'liability'] as const;

/** The last days beside as many before them, how far referrals came, and the curve. Days are those of UTC, as figures count them. */
export function Figures({ days }: { days: number }) {
  const t = useText(homeText);
  const { account } = useAccount();
  const { number, percent, money } = useFormat();
  const query = lastDays(days);
  const overview = useOverview(query);
  const share = (value: number | null) => (value === null ? '–' : percent(value));
  return (
    <Stack gap="sm" component="section" aria-labelledby="figures">
      <Group justify="space-between" align="baseline">
        <div>
          <Title order={2} size="h4" id="figures">
            {t('figures')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('figuresWhat', { days })}
          </Text>
        </div>
        <Anchor component={Link} to={`/${account.id}/analytics` as string} size="sm">
          {t('all')}
        </Anchor>
      </Group>
      <Loaded query={overview}>
        {(data) => {
          if (!data) return null;
          const { submitted, won, conversion } = data;
          if (submitted.now + submitted.before + won.now + won.before === 0 && data.money.length === 0)
            return <Empty title={t('none')} />;
          return (
            <>
              <SimpleGrid cols={{ base: 2, md: 3 }} spacing="sm">
                <Tile title={t('submitted')} value={number(submitted.now)} notes={[changeOf(submitted)]} />
                <Tile title={t('won')} value={number(won.now)} notes={[changeOf(won)]} />
                <Tile
                  title={t('conversion')}
                  value={share(conversion.now)}
                  notes={[conversion.before === null ? '–' : t('before', { value: share(conversion.before) })]}
                />
                {data.money.flatMap(({ currency, ...sums }) =>
                  MONEY.map((key) => (
                    <Tile
                      key={`${key} ${currency}`}
                      title={`${t(key)} (${currency})`}
                      value={money({ amount: sums[key].now, currency })}
                      notes={[t('before', { value: money({ amount: sums[key].before, currency }) })]}
                    />
                  )),
                )}
              </SimpleGrid>
              <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl" mt="md">
                <Funnel query={query} />
                <Trend query={query} />
              </SimpleGrid>
            </>
          );
        }}
      </Loaded>
    </Stack>
  );

  /** In counts of things; what there was nothing of before has no share. */
  function changeOf({ now, before }: { now: number; before: number }): string {
    if (now === before) return t('same');
    if (before === 0) return t('before', { value: number(0) });
    const change = percent(Math.abs(now - before) / before);
    return `${t(now > before ? 'up' : 'down', { change })} · ${t('before', { value: number(before) })}`;
  }
}

function Funnel({ query }: { query: Period }) {
  const t = useText(homeText);
  const { number, percent } = useFormat();
  const funnel = useFunnel(query);
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {t('funnel')}
      </Title>
      <Text size="sm" c="dimmed">
        {t('funnelWhat')}
      </Text>
      <Loaded query={funnel}>
        {(data) =>
          data && (
            <Table aria-label={t('funnel')} verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('stage')}</Table.Th>
                  <Table.Th ta="right">{t('reached')}</Table.Th>
                  <Table.Th ta="right">{t('share')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {STAGES.map((stage) => {
                  const { reached = 0, share = null } = data.stages.find((one) => one.stage === stage) ?? {};
                  return (
                    <Table.Tr key={stage}>
                      <Table.Td>
                        {t(stage)}
                        <Progress value={(share ?? 0) * 100} size="sm" mt={4} aria-label={t(stage)} />
                      </Table.Td>
                      <Table.Td ta="right">{number(reached)}</Table.Td>
                      <Table.Td ta="right">{share === null ? '–' : percent(share)}</Table.Td>
                    </Table.Tr>
                  );
                })}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
    </Stack>
  );
}

function Trend({ query }: { query: Period }) {
  const t = useText(homeText);
  const { number, dayInUtc } = useFormat();
  const trend = useTrend(query, stepFor(query));
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {t('trend')}
      </Title>
      <Loaded query={trend}>
        {(data) =>
          data && (
            <Suspense fallback={<Skeleton height={CHART_HEIGHT} />}>
              <Chart
                kind="lines"
                label={t('trendChart')}
                number={number}
                series={[
                  { key: 'submitted', title: t('submitted') },
                  { key: 'won', title: t('won') },
                ]}
                points={data.items.map(({ from, submitted, won }) => ({ name: dayInUtc(from), submitted, won }))}
              />
            </Suspense>
          )
        }
      </Loaded>
    </Stack>
  );
}
