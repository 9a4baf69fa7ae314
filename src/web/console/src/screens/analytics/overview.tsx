import { Button, SimpleGrid, Stack, Title } from '@mantine/core';
import { type ReactNode, useId, useState } from 'react';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded } from '../../parts/states.tsx';
import { Tile } from '../../parts/tile.tsx';
import { useAsked } from './asked.ts';
import { Chart } from './charts.tsx';
import { FigureTable } from './figure-table.tsx';
import { stepFor } from './period.ts';
import { useOverview, useTrend } from './queries.ts';
import { analyticsText } from './texts.ts';

const SUMS = ['wonRevenue', 'cost', 'liability'] as const;

/** The period's figures beside those of the one before, and how they came about. */
export function Overview() {
  const t = useText(analyticsText);
  const { number, percent, money } = useFormat();
  const { query } = useAsked();
  const overview = useOverview(query);
  const share = (value: number | null) => (value === null ? '–' : percent(value));
  return (
    <Stack gap="lg">
      <Loaded query={overview}>
        {(data) =>
          data && (
            <SimpleGrid cols={{ base: 2, md: 3 }} spacing="sm">
              {(['submitted', 'won'] as const).map((key) => (
                <Tile
                  key={key}
                  title={t(key)}
                  value={number(data[key].now)}
                  notes={[t('before', { value: number(data[key].before) }), t(`${key}What`)]}
                />
              ))}
              <Tile
                title={t('conversion')}
                value={share(data.conversion.now)}
                notes={[
                  data.conversion.before === null
                    ? t('nothingBefore')
                    : t('before', { value: share(data.conversion.before) }),
                  t('conversionWhat'),
                ]}
              />
              {data.money.flatMap(({ currency, ...one }) =>
                SUMS.map((key) => (
                  <Tile
                    key={`${key} ${currency}`}
                    title={t(key)}
                    value={money({ amount: one[key].now, currency })}
                    notes={[t('before', { value: money({ amount: one[key].before, currency }) }), t(`${key}What`)]}
                  />
                )),
              )}
            </SimpleGrid>
          )
        }
      </Loaded>
      <Trend />
    </Stack>
  );
}

function Trend() {
  const t = useText(analyticsText);
  const { dayInUtc: day, number, money } = useFormat();
  const { query, period } = useAsked();
  const by = stepFor(period);
  const trend = useTrend(query, by);
  return (
    <Loaded query={trend}>
      {(data) => {
        if (!data) return null;
        const currencies = [
          ...new Set(data.items.flatMap((item) => item.money.map(({ currency }) => currency))),
        ].sort();
        const first = { key: 'from', title: t(by), cell: ({ from }: { from: string }) => day(from) };
        return (
          <Stack gap="xl">
            <Picture
              title={t('trend')}
              chart={
                <Chart
                  kind="lines"
                  label={t('chartOf', { what: t('trend') })}
                  number={number}
                  series={[
                    { key: 'submitted', title: t('submitted') },
                    { key: 'won', title: t('won') },
                  ]}
                  points={data.items.map(({ from, submitted, won }) => ({ name: day(from), submitted, won }))}
                />
              }
            >
              <FigureTable
                label={t('trend')}
                rows={data.items}
                rowKey={({ from }) => from}
                columns={[
                  first,
                  {
                    key: 'submitted',
                    title: t('submitted'),
                    isNumber: true,
                    cell: ({ submitted }) => number(submitted),
                  },
                  { key: 'won', title: t('won'), isNumber: true, cell: ({ won }) => number(won) },
                ]}
              />
            </Picture>
            {currencies.map((currency) => {
              const rows = data.items.map(({ from, money: all }) => ({
                from,
                ...(all.find((one) => one.currency === currency) ?? NO_MONEY),
              }));
              const title = t('trendMoney', { currency });
              return (
                <Picture
                  key={currency}
                  title={title}
                  chart={
                    <Chart
                      kind="lines"
                      label={t('chartOf', { what: title })}
                      number={number}
                      series={[
                        { key: 'wonRevenue', title: t('wonRevenue') },
                        { key: 'cost', title: t('cost') },
                      ]}
                      points={rows.map(({ from, wonRevenue, cost }) => ({
                        name: day(from),
                        wonRevenue: Number(wonRevenue),
                        cost: Number(cost),
                      }))}
                    />
                  }
                >
                  <FigureTable
                    label={title}
                    rows={rows}
                    rowKey={({ from }) => from}
                    columns={[
                      first,
                      ...(['wonRevenue', 'granted', 'issued', 'clawedBack', 'cost'] as const).map((key) => ({
                        key,
                        title: t(key),
                        isNumber: true,
                        cell: (row: (typeof rows)[number]) => money({ amount: row[key], currency }),
                      })),
                    ]}
                  />
                </Picture>
              );
            })}
          </Stack>
        );
      }}
    </Loaded>
  );
}

const NO_MONEY = { wonRevenue: '0', granted: '0', issued: '0', clawedBack: '0', cost: '0' };

/** A chart with its table, which is long and waits to be asked for. */
function Picture({ title, chart, children }: { title: string; chart: ReactNode; children: ReactNode }) {
  const t = useText(analyticsText);
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <Stack gap="xs" component="section">
      <Title order={2} size="h4">
        {title}
      </Title>
      {chart}
      <Button
        variant="subtle"
        size="xs"
        w="fit-content"
        aria-expanded={isOpen}
        aria-controls={id}
        aria-label={`${isOpen ? t('hideTable') : t('table')}: ${title}`}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? t('hideTable') : t('table')}
      </Button>
      <div id={id}>{isOpen && children}</div>
    </Stack>
  );
}
