import { Anchor, Group, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { useForecast, useMonthName } from './forecast.tsx';
import { forecastText } from './forecast-texts.ts';

type Line = operations['listForecastLines']['responses'][200]['content']['application/json']['items'][number];

const NONE = 'none';
/** What is said of the usual reasons; others are conditions of the program's own, told on the referral's page. */
const LACKS: Readonly<Record<string, 'lacksAmount' | 'lacksCurrency' | 'lacksRate'>> = {
  amount_missing: 'lacksAmount',
  currency_missing: 'lacksCurrency',
  rate_missing: 'lacksRate',
};
const EXPORT_PAGES_MAX = 500;

/** The deals behind one figure of the forecast, the largest amounts first. */
export function ForecastLines({ currency, month }: { currency: string; month: string }) {
  const t = useText(forecastText);
  const { api, account } = useAccount();
  const { money, percent, dayInUtc } = useFormat();
  const [, setUrl] = useUrlState();
  const monthName = useMonthName();
  const path = { currencyOrNone: currency, monthOrNone: month };
  const forecast = useForecast();
  const sum = forecast.data?.done?.months.find((one) => one.currency === currency && (one.month ?? NONE) === month);
  const title =
    currency === NONE
      ? t('linesNoAmount')
      : month === NONE
        ? t('linesNoMonth', { currency })
        : t('linesOf', { currency, month: monthName(month) });
  const parties = { member: t('member'), friend: t('friendParty'), recruiter: t('recruiter'), assist: t('assist') };
  return (
    <Stack gap="sm">
      <div>
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => setUrl({ month: undefined, currency: undefined })}
        >
          {t('back')}
        </Anchor>
      </div>
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={2} size="h4">
            {title}
          </Title>
          {sum && (
            <Text size="sm">
              {t('inSum', {
                expected: money({ amount: sum.expected, currency }),
                weighted: money({ amount: sum.weighted, currency }),
              })}
            </Text>
          )}
        </div>
        <ExportButton
          fileName={dated(`forecast-${currency}-${month}`)}
          pagesMax={EXPORT_PAGES_MAX}
          load={async (cursor) => {
            const query = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
            return (await api.GET('/forecast/{currencyOrNone}/{monthOrNone}/lines/csv', { params: { path, query } }))
              .data;
          }}
        />
      </Group>
      <PagedTable<Line>
        label={title}
        queryKey={[account.id, 'forecast-lines', currency, month]}
        load={async (cursor) => {
          const query = cursor === undefined ? {} : { cursor };
          const { data } = await api.GET('/forecast/{currencyOrNone}/{monthOrNone}/lines', { params: { path, query } });
          return data ?? { items: [], nextCursor: null };
        }}
        empty={
          <Empty title={t('linesEmpty')}>
            <Text size="sm">{t('linesEmptyWhat')}</Text>
          </Empty>
        }
        columns={[
          {
            key: 'friend',
            title: t('friend'),
            cell: ({ referralId, friend }) => (
              <Anchor
                component={Link}
                to={`/${account.id}/referrals/${referralId}` as string}
                size="sm"
                aria-label={t('openReferral', { friend: friend ?? t('unnamed') })}
              >
                {friend ?? t('unnamed')}
              </Anchor>
            ),
          },
          {
            key: 'deal',
            title: t('deal'),
            cell: ({ dealId, dealName, dealUrl }) =>
              dealUrl === null ? (
                (dealName ?? dealId)
              ) : (
                <Anchor
                  href={dealUrl}
                  target="_blank"
                  rel="noreferrer"
                  size="sm"
                  aria-label={t('openDeal', { deal: dealName ?? dealId })}
                >
                  {dealName ?? dealId}
                </Anchor>
              ),
          },
          {
            key: 'rule',
            title: t('rule'),
            cell: ({ ruleKey, party, lacks }) => (
              <>
                <Text size="sm">{ruleKey}</Text>
                <Text size="xs" c="dimmed">
                  {lacks === null ? parties[party] : `${parties[party]}; ${t(LACKS[lacks] ?? 'lacks')}`}
                </Text>
              </>
            ),
          },
          {
            key: 'amount',
            title: t('amount'),
            align: 'right',
            cell: ({ amount, currency: in_ }) =>
              amount === null || in_ === null ? t('noAmount') : money({ amount, currency: in_ }),
          },
          {
            key: 'probability',
            title: t('probability'),
            align: 'right',
            cell: ({ probability, probabilityFrom }) =>
              probability === null ? (
                <Tag tone="yellow">{t('isUnknown')}</Tag>
              ) : (
                <>
                  <Text size="sm">{percent(Number(probability))}</Text>
                  {probabilityFrom === 'stage' && (
                    <Text size="xs" c="dimmed">
                      {t('fromStage')}
                    </Text>
                  )}
                </>
              ),
          },
          {
            key: 'closes',
            title: t('closes'),
            cell: ({ closesAt, isOverdue }) => (
              <Group gap={6}>
                <Text size="sm">{closesAt === null ? t('noDate') : dayInUtc(closesAt)}</Text>
                {isOverdue && <Tag tone="orange">{t('isOverdue')}</Tag>}
              </Group>
            ),
          },
          {
            key: 'paid',
            title: t('paid'),
            cell: ({ expectedOn }) => (expectedOn === null ? '–' : dayInUtc(expectedOn)),
          },
        ]}
      />
    </Stack>
  );
}
