import { Alert, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Loading, ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import type { Connection, Report } from './queries.ts';
import { RecordLink } from './record-link.tsx';
import { connectionText } from './texts.ts';

const LISTS = ['decided', 'explained', 'unexplained', 'mirrored', 'different', 'pending'] as const;
type ListName = (typeof LISTS)[number];

/** All that the CRM has, compared with what was decided: the reports, and the records behind each number. */
export function Reports({
  connection,
  shown,
  list,
  onShow,
}: {
  connection: Connection;
  shown: string | undefined;
  list: string | undefined;
  onShow: (report: string | undefined, list: string | undefined) => void;
}) {
  const t = useText(connectionText);
  const { api, account, may } = useAccount();
  const { moment, number } = useFormat();
  const client = useQueryClient();
  const path = { path: { connectionId: connection.id } };
  const queryKey = [account.id, 'connections', connection.id, 'reports'];
  const compare = useMutation({
    mutationFn: () => api.POST('/connections/{connectionId}/reports', { params: path }),
    onSettled: () => client.invalidateQueries({ queryKey }),
  });
  const verify = useMutation({
    mutationFn: async () => (await api.GET('/connections/{connectionId}/reports/verification', { params: path })).data,
  });
  const listed = LISTS.find((one) => one === list) ?? 'unexplained';
  const figure = (report: Report, name: ListName) => (
    <Button
      size="compact-sm"
      variant={shown === report.id && listed === name ? 'light' : 'subtle'}
      color={name === 'unexplained' && report.counts[name] > 0 ? 'red' : undefined}
      aria-label={`${t(name)}: ${report.counts[name]}, ${t('rowsOf', { list: '', number: report.number })}`}
      onClick={() => onShow(report.id, name)}
    >
      {number(report.counts[name])}
    </Button>
  );
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={720}>
        {t('compareWhat')}
      </Text>
      <Group>
        {may('connections.write') && (
          <Button
            loading={compare.isPending}
            disabled={connection.status !== 'connected'}
            onClick={() => compare.mutate()}
          >
            {t('compare')}
          </Button>
        )}
        <Button variant="default" loading={verify.isPending} onClick={() => verify.mutate()}>
          {t('verify')}
        </Button>
      </Group>
      {compare.isPending && (
        <Alert color="brand" role="status">
          {t('comparing')}
        </Alert>
      )}
      {(compare.isError || verify.isError) && <ProblemNote thrown={compare.error ?? verify.error} />}
      {verify.data &&
        (verify.data.problems.length === 0 ? (
          <Alert color="green" role="status">
            {t('verified', { count: verify.data.reports })}
          </Alert>
        ) : (
          <Alert color="red" role="alert">
            {verify.data.problems.map(({ reportId, number: at, words }) => (
              <Text size="sm" key={`${reportId} ${words}`}>
                {t('report')} {at}: {words}
              </Text>
            ))}
          </Alert>
        ))}
      <PagedTable
        label={t('tabReports')}
        queryKey={queryKey}
        load={async (cursor) => {
          const query = cursor === undefined ? { limit: 10 } : { limit: 10, cursor };
          const { data } = await api.GET('/connections/{connectionId}/reports', { params: { ...path, query } });
          return data ?? { items: [], nextCursor: null };
        }}
        empty={<Empty title={t('noReports')} />}
        columns={[
          { key: 'number', title: t('number'), cell: (report) => report.number },
          { key: 'when', title: t('when'), cell: ({ madeAt }) => moment(madeAt) },
          {
            key: 'qualifying',
            title: t('qualifying'),
            align: 'right',
            cell: ({ counts }) => number(counts.qualifying),
          },
          ...LISTS.map((name) => ({
            key: name,
            title: t(name),
            align: 'right' as const,
            cell: (report: Report) => figure(report, name),
          })),
        ]}
      />
      {shown !== undefined && <ReportRows connection={connection} reportId={shown} list={listed} />}
    </Stack>
  );
}

function ReportRows({ connection, reportId, list }: { connection: Connection; reportId: string; list: ListName }) {
  const t = useText(connectionText);
  const { api, account } = useAccount();
  const query = useInfiniteQuery({
    queryKey: [account.id, 'sync-report', reportId, list],
    initialPageParam: null as number | null,
    queryFn: async ({ pageParam }) => {
      const after = pageParam === null ? {} : { after: pageParam };
      const params = { path: { syncReportId: reportId }, query: { list, ...after } };
      return (await api.GET('/sync-reports/{syncReportId}/rows', { params })).data ?? { items: [], next: null };
    },
    getNextPageParam: ({ next }) => next,
  });
  const rows = query.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h5" mb="xs">
        {t(list)}
      </Title>
      {query.isPending && <Loading />}
      {query.isError && <ProblemNote thrown={query.error} />}
      {query.isSuccess && rows.length === 0 && <Text size="sm">{t('noRows')}</Text>}
      {rows.length > 0 && (
        <Wide label={t(list)} maxHeight={420}>
          <Table aria-label={t(list)} verticalSpacing="xs" miw={520} stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('record')}</Table.Th>
                <Table.Th>{t('reason')}</Table.Th>
                <Table.Th>{t('details')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={row.number}>
                  <Table.Td>
                    <RecordLink connection={connection} object={row.object} id={row.id} />
                  </Table.Td>
                  <Table.Td>{row.reason}</Table.Td>
                  <Table.Td>{row.detail}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
      {query.hasNextPage && (
        <Button
          mt="xs"
          size="xs"
          variant="default"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {t('more')}
        </Button>
      )}
    </Paper>
  );
}
