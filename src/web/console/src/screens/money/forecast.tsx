import { Alert, Anchor, Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { Empty, Loaded, Loading, ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tile } from '../../parts/tile.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { Wide } from '../../parts/wide.tsx';
import { forecastText } from './forecast-texts.ts';
import { ForecastTrend } from './forecast-trend.tsx';
import { isZero } from './sums.ts';

type Answer = operations['getForecast']['responses'][200]['content']['application/json'];
type Counted = NonNullable<Answer['done']>;
type Total = Counted['totals'][number];
type Month = Counted['months'][number];

const ForecastChart = lazy(() => import('./forecast-chart.tsx'));

const CHART_HEIGHT = 240;
const LOOK_AGAIN_MS = 1_500;

export function useForecast() {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'forecast'],
    queryFn: async () => (await api.GET('/forecast')).data,
    refetchInterval: ({ state }) => (state.data?.running ? LOOK_AGAIN_MS : false),
  });
}

/** Beside what is owed now: what open deals may still cost, and when. */
export function Forecast() {
  const t = useText(forecastText);
  const { api, account } = useAccount();
  const { moment } = useFormat();
  const client = useQueryClient();
  const query = useForecast();
  const start = useMutation({
    mutationFn: () => api.POST('/forecast'),
    onSuccess: () => client.invalidateQueries({ queryKey: [account.id, 'forecast'] }),
  });
  const running = query.data?.running ?? null;
  const done = query.data?.done ?? null;
  return (
    <Stack gap="md" component="section" aria-labelledby="forecast">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={2} size="h4" id="forecast">
            {t('title')}
          </Title>
          <Text size="sm" c="dimmed" maw={720}>
            {t('what')}
          </Text>
        </div>
        <Group gap="sm" align="flex-start">
          {done && done.months.length > 0 && (
            <ExportButton
              fileName={dated('forecast')}
              load={async () => (await api.GET('/forecast/csv')).data}
              pagesMax={1}
            />
          )}
          <Button loading={start.isPending || running !== null} onClick={() => start.mutate()}>
            {t(done ? 'countAgain' : 'countNow')}
          </Button>
        </Group>
      </Group>
      {running && (
        <Text size="sm" role="status">
          {t('counting', { count: running.referrals })}
        </Text>
      )}
      {start.isError && <ProblemNote thrown={start.error} />}
      <Loaded query={query}>
        {() =>
          done === null ? (
            running === null && (
              <Empty title={t('none')}>
                <Text size="sm">{t('noneWhat')}</Text>
              </Empty>
            )
          ) : (
            <Stack gap="lg">
              <Text size="sm">{t('asOf', { at: moment(done.countedAt), count: done.deals })}</Text>
              {done.deals === 0 && (
                <Empty title={t('nothing')}>
                  <Text size="sm">{t('nothingWhat')}</Text>
                </Empty>
              )}
              {done.totals.map((total) => (
                <InCurrency
                  key={total.currency}
                  total={total}
                  months={done.months.filter(({ currency }) => currency === total.currency)}
                />
              ))}
              <Gaps of={done} />
              {done.totals.length > 0 && <Moved />}
            </Stack>
          )
        }
      </Loaded>
    </Stack>
  );
}

function InCurrency({ total, months }: { total: Total; months: readonly Month[] }) {
  const t = useText(forecastText);
  const { money, number } = useFormat();
  const { currency } = total;
  const monthName = useMonthName();
  const shown = (amount: string) => money({ amount, currency });
  // What there is nothing of takes no room.
  const apart = (['overdue', 'unknown'] as const).filter((key) => !isZero({ amount: total[key], currency }));
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm">
        <Tile title={t('weightedIn', { currency })} value={shown(total.weighted)} notes={[t('weightedWhat')]} />
        <Tile
          title={t('expectedIn', { currency })}
          value={shown(total.expected)}
          notes={[t('expectedWhat', { count: total.deals })]}
        />
        {total.overdueDeals > 0 && (
          <Tile
            title={t('overdueIn', { currency })}
            value={shown(total.overdue)}
            notes={[t('overdueWhat', { count: total.overdueDeals })]}
          />
        )}
        {total.unknownDeals > 0 && (
          <Tile
            title={t('unknownIn', { currency })}
            value={shown(total.unknown)}
            notes={[t('unknownWhat', { count: total.unknownDeals })]}
          />
        )}
      </SimpleGrid>
      <Suspense fallback={<Loading rows={Math.round(CHART_HEIGHT / 44)} />}>
        <ForecastChart
          label={t('chart', { currency })}
          titles={[t('weighted'), t('beyond'), ...(apart.includes('unknown') ? [t('unknown')] : [])]}
          number={number}
          bars={months.map((month) => {
            // For drawing alone.
            const [all, weighted, unknown] = [month.expected, month.weighted, month.unknown].map(Number) as [
              number,
              number,
              number,
            ];
            return { name: monthName(month.month), parts: [weighted, all - weighted - unknown, unknown] };
          })}
        />
      </Suspense>
      <Wide label={t('inCurrency', { currency })}>
        <Table aria-label={t('inCurrency', { currency })} verticalSpacing="xs" miw={620} highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('month')}</Table.Th>
              {(['deals', 'weighted', 'expected', ...apart] as const).map((key) => (
                <Table.Th key={key} ta="right">
                  {t(key)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {months.map((month) => (
              <Row key={month.month ?? 'none'} month={month} name={monthName(month.month)} apart={apart} />
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr>
              <Table.Th scope="row">{t('total')}</Table.Th>
              <Table.Th ta="right">{number(total.deals)}</Table.Th>
              {(['weighted', 'expected', ...apart] as const).map((key) => (
                <Table.Th key={key} ta="right">
                  {shown(total[key])}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Wide>
      <Text size="xs" c="dimmed">
        {t('rounding')}
        {total.lackingDeals > 0 && ` ${t('lacking', { amount: shown(total.lacking) })}`}
      </Text>
    </Stack>
  );
}

function Row({ month, name, apart }: { month: Month; name: string; apart: ReadonlyArray<'overdue' | 'unknown'> }) {
  const t = useText(forecastText);
  const { money, number } = useFormat();
  const [, setUrl] = useUrlState();
  const { currency } = month;
  const shown = (amount: string) => (isZero({ amount, currency }) ? '–' : money({ amount, currency }));
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        {month.overdueDeals > 0 ? t('pastThis', { month: name }) : name}
      </Table.Th>
      <Table.Td ta="right">
        <Anchor
          component="button"
          type="button"
          fz="sm"
          aria-label={`${t('showDeals', { month: name })}: ${number(month.deals)}`}
          onClick={() => setUrl({ month: month.month ?? 'none', currency })}
        >
          {number(month.deals)}
        </Anchor>
      </Table.Td>
      <Table.Td ta="right" fw={600}>
        {money({ amount: month.weighted, currency })}
      </Table.Td>
      <Table.Td ta="right">{money({ amount: month.expected, currency })}</Table.Td>
      {apart.map((key) => (
        <Table.Td key={key} ta="right">
          {shown(month[key])}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function Gaps({ of }: { of: Counted }) {
  const t = useText(forecastText);
  const [, setUrl] = useUrlState();
  const { withoutChance, withoutCloseDate, withoutAmount } = of;
  if (withoutChance + withoutCloseDate + withoutAmount === 0) return null;
  return (
    <Alert color="yellow" title={t('gaps')} role="status">
      <Stack gap={4} align="flex-start">
        {withoutChance > 0 && <Text size="sm">{t('withoutChance', { count: withoutChance })}</Text>}
        {withoutCloseDate > 0 && <Text size="sm">{t('withoutCloseDate', { count: withoutCloseDate })}</Text>}
        {withoutAmount > 0 && (
          <Group gap="xs">
            <Text size="sm">{t('withoutAmount', { count: withoutAmount })}</Text>
            <Button size="compact-xs" variant="default" onClick={() => setUrl({ month: 'none', currency: 'none' })}>
              {t('look')}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}

/** Asked for when somebody wants to see it. */
function Moved() {
  const t = useText(forecastText);
  const [opened, { toggle }] = useDisclosure();
  return (
    <Stack gap="sm" align="stretch">
      <div>
        <Button variant="subtle" size="compact-sm" aria-expanded={opened} onClick={toggle}>
          {t(opened ? 'hideTrend' : 'showTrend')}
        </Button>
      </div>
      {opened && <ForecastTrend />}
    </Stack>
  );
}

export function useMonthName(): (month: string | null) => string {
  const t = useText(forecastText);
  const { month: name } = useFormat();
  return (month) => (month === null ? t('noMonth') : name(`${month}-01`));
}
