import { Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { Loaded, Loading } from '../../parts/states.tsx';
import { FigureTable } from '../analytics/figure-table.tsx';
import { forecastText } from './forecast-texts.ts';

const Chart = lazy(async () => ({ default: (await import('../analytics/charts.tsx')).Chart }));

const CHART_HEIGHT = 240;

/** The forecast day by day, beside what was granted meanwhile. */
export function ForecastTrend() {
  const t = useText(forecastText);
  const { api, account } = useAccount();
  const { dayInUtc, money, number } = useFormat();
  const query = useQuery({
    queryKey: [account.id, 'forecast-trend'],
    queryFn: async () => (await api.GET('/forecast/trend')).data,
  });
  return (
    <Stack gap="sm">
      <div>
        <Title order={3} size="h5">
          {t('trend')}
        </Title>
        <Text size="sm" c="dimmed">
          {t('trendWhat')}
        </Text>
      </div>
      <Loaded query={query}>
        {(data) =>
          [...Map.groupBy(data?.items ?? [], ({ currency }) => currency)].map(([currency, points]) => (
            <Stack key={currency} gap="xs">
              {points.length > 1 && (
                <Suspense fallback={<Loading rows={Math.round(CHART_HEIGHT / 44)} />}>
                  <Chart
                    kind="lines"
                    label={t('trendChart', { currency })}
                    number={number}
                    series={[
                      { key: 'weighted', title: t('weighted') },
                      { key: 'granted', title: t('granted') },
                    ]}
                    points={points.map(({ countedAt, weighted, granted }) => ({
                      name: dayInUtc(countedAt),
                      // For drawing alone.
                      weighted: Number(weighted),
                      granted: Number(granted),
                    }))}
                  />
                </Suspense>
              )}
              <FigureTable
                label={t('trendOf', { currency })}
                rows={points.toReversed()}
                rowKey={({ countedAt }) => countedAt}
                columns={[
                  { key: 'day', title: t('day'), cell: ({ countedAt }) => dayInUtc(countedAt) },
                  ...(['weighted', 'expected', 'granted'] as const).map((key) => ({
                    key,
                    title: t(key),
                    isNumber: true,
                    cell: (point: (typeof points)[number]) => money({ amount: point[key], currency }),
                  })),
                ]}
              />
            </Stack>
          ))
        }
      </Loaded>
      <div>
        <ExportButton
          fileName={dated('forecast-trend')}
          load={async () => (await api.GET('/forecast/trend/csv')).data}
          pagesMax={1}
          size="xs"
        />
      </div>
    </Stack>
  );
}
