import { Alert, Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ExportButton } from '../../parts/export-button.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Guarded, Loaded, ProblemNote } from '../../parts/states.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { TaxSettingsButton } from './tax-settings.tsx';
import { taxText } from './tax-texts.ts';

type Row = operations['listTaxRows']['responses'][200]['content']['application/json']['items'][number];

const LISTS = ['above', 'near', 'unknown_country', 'other_currency', 'no_threshold', 'below'] as const;
type List = (typeof LISTS)[number];

/** Years that are offered: what has to be filed lies in the last few. */
const YEARS_OFFERED = 5;
const LOOK_AGAIN_MS = 1_500;
const EXPORT_PAGES_MAX = 500;

/** Who was given how much in a year, against thresholds by country. For finance and owners: it names people. */
export function Tax() {
  return (
    <Guarded permission="money.write">
      <Year />
    </Guarded>
  );
}

function Year() {
  const t = useText(taxText);
  const { api, account } = useAccount();
  const { moment, percent } = useFormat();
  const client = useQueryClient();
  const [url, setUrl] = useUrlState<'year' | 'list'>();
  const thisYear = new Date().getUTCFullYear();
  const year = /^[0-9]{4}$/.test(url.year ?? '') ? (url.year as string) : String(thisYear);
  const years = [...new Set([...Array.from({ length: YEARS_OFFERED }, (_, back) => String(thisYear - back)), year])];
  const list: List = LISTS.find((one) => one === url.list) ?? 'above';
  const settings = useQuery({
    queryKey: [account.id, 'tax-settings'],
    queryFn: async () => (await api.GET('/tax/settings')).data,
  });
  const report = useQuery({
    queryKey: [account.id, 'tax-report', year],
    queryFn: async () => (await api.GET('/tax/{year}/report', { params: { path: { year } } })).data,
    refetchInterval: ({ state }) => (state.data?.running ? LOOK_AGAIN_MS : false),
  });
  const start = useMutation({
    mutationFn: () => api.POST('/tax/{year}/report', { params: { path: { year } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: [account.id, 'tax-report', year] }),
  });
  const running = report.data?.running ?? null;
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={760}>
        {t('what')} {t('neverKept')}
      </Text>
      <Group align="flex-end" gap="sm">
        <NativeSelect
          label={t('year')}
          value={year}
          data={years}
          onChange={(event) => setUrl({ year: event.currentTarget.value })}
        />
        <Button loading={start.isPending || running !== null} onClick={() => start.mutate()}>
          {t('addUp', { year })}
        </Button>
        {settings.data && <TaxSettingsButton settings={settings.data} />}
      </Group>
      {running && (
        <Text size="sm" role="status">
          {t('running', { count: running.journals })}
        </Text>
      )}
      {start.isError && <ProblemNote thrown={start.error} />}
      <Loaded query={report}>
        {(data) => {
          const done = data?.done ?? null;
          if (done === null) return <Empty title={t('none', { year })} />;
          return (
            <Stack gap="md">
              <Text size="sm">
                {t('asOf', { at: moment(done.finishedAt ?? done.startedAt), count: done.journals })}
              </Text>
              {settings.data && settings.data.version !== done.settingsVersion && (
                <Alert color="yellow" p="xs">
                  {t('oldThresholds')}
                </Alert>
              )}
              <NativeSelect
                label={t('lists')}
                w={260}
                value={list}
                data={LISTS.map((one) => ({ value: one, label: `${t(one)} (${done.counts[one] ?? 0})` }))}
                onChange={(event) => setUrl({ list: event.currentTarget.value })}
              />
              <Group justify="space-between" align="flex-start" gap="sm">
                <Text size="sm" maw={620}>
                  {list === 'near'
                    ? t('nearWhat', { share: percent((settings.data?.warnAtPercent ?? 0) / 100) })
                    : t(`${list}What`)}
                </Text>
                <ExportButton
                  fileName={`tax-${year}-${list}`}
                  pagesMax={EXPORT_PAGES_MAX}
                  load={async (cursor) => {
                    const query = { list, limit: 100, ...(cursor === undefined ? {} : { cursor }) };
                    return (await api.GET('/tax/{year}/rows/csv', { params: { path: { year }, query } })).data;
                  }}
                />
              </Group>
              <Rows year={year} list={list} reportId={done.id} />
            </Stack>
          );
        }}
      </Loaded>
    </Stack>
  );
}

function Rows({ year, list, reportId }: { year: string; list: List; reportId: string }) {
  const t = useText(taxText);
  const { api, account } = useAccount();
  const { money } = useFormat();
  return (
    <PagedTable<Row>
      label={t(list)}
      queryKey={[account.id, 'tax-rows', reportId, list]}
      load={async (cursor) => {
        const query = { list, ...(cursor === undefined ? {} : { cursor }) };
        const { data } = await api.GET('/tax/{year}/rows', { params: { path: { year }, query } });
        return data ?? { items: [], nextCursor: null };
      }}
      empty={<Empty title={t('nobody')} />}
      columns={[
        {
          key: 'who',
          title: t('who'),
          cell: (one) => (
            <>
              <Text size="sm">{one.name ?? one.email ?? one.beneficiaryId}</Text>
              <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {one.name === null ? '' : (one.email ?? '')}
              </Text>
            </>
          ),
        },
        { key: 'country', title: t('country'), cell: (one) => one.country ?? '–' },
        { key: 'given', title: t('given'), align: 'right', cell: (one) => money(one.given) },
        {
          key: 'threshold',
          title: t('threshold'),
          align: 'right',
          cell: (one) => (one.threshold ? money(one.threshold) : '–'),
        },
        { key: 'form', title: t('form'), cell: (one) => <Text size="sm">{one.threshold?.form ?? '–'}</Text> },
        {
          key: 'missing',
          title: t('missing'),
          cell: (one) => <Text size="sm">{one.missing.map((what) => t(`missing_${what}`)).join(', ') || '–'}</Text>,
        },
      ]}
    />
  );
}
