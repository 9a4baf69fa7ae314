import { Button, Group, NativeSelect, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import { moneyText } from './texts.ts';

type Report = operations['getReconciliation']['responses'][200]['content']['application/json'];

const DAY_MS = 86_400_000;

/** A report goes up to, and not into, its end. */
function lastDayOf({ to }: Report): string {
  return new Date(Date.parse(to) - 1).toISOString();
}

/** What a provider says it gave, compared with the ledger. */
export function Reconciliation() {
  const t = useText(moneyText);
  const { api, account, may } = useAccount();
  const { moment, day, number } = useFormat();
  const [shown, setShown] = useState<Report | null>(null);
  return (
    <Stack gap="md">
      {may('money.write') && <Compare onMade={setShown} />}
      <PagedTable
        label={t('reconciliation')}
        queryKey={[account.id, 'reconciliations']}
        load={async (cursor) => {
          const params = { query: cursor === undefined ? {} : { cursor } };
          return (await api.GET('/reconciliations', { params })).data ?? { items: [], nextCursor: null };
        }}
        empty={<Empty title={t('noReports')} />}
        columns={[
          { key: 'at', title: t('at'), cell: (one) => moment(one.madeAt) },
          { key: 'provider', title: t('providerName'), cell: (one) => one.provider },
          { key: 'period', title: t('period'), cell: (one) => `${day(one.from)} – ${day(lastDayOf(one))}` },
          { key: 'orders', title: t('orders'), align: 'right', cell: (one) => number(one.orders) },
          { key: 'agree', title: t('agree'), align: 'right', cell: (one) => number(one.agree) },
          { key: 'findings', title: t('findings'), align: 'right', cell: (one) => number(one.findings.length) },
          {
            key: 'show',
            title: t('show'),
            isTitleHidden: true,
            align: 'right',
            cell: (one) => (
              <Button size="xs" variant="subtle" onClick={() => setShown(one)}>
                {t('show')}
              </Button>
            ),
          },
        ]}
      />
      <Dialog
        opened={shown !== null}
        onClose={() => setShown(null)}
        title={shown ? `${shown.provider} · ${day(shown.from)} – ${day(lastDayOf(shown))}` : ''}
        size="xl"
      >
        {shown && <Findings report={shown} />}
      </Dialog>
    </Stack>
  );
}

function Compare({ onMade }: { onMade: (report: Report) => void }) {
  const t = useText(moneyText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [provider, setProvider] = useState('');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [isWrong, setIsWrong] = useState(false);
  const providers = useQuery({
    queryKey: [account.id, 'providers'],
    queryFn: async () => (await api.GET('/providers')).data,
  });
  const names = providers.data?.items ?? [];
  const chosen = provider || (names[0]?.name ?? '');
  const compare = useMutation({
    mutationFn: async () => {
      const body = {
        provider: chosen,
        from: `${from}T00:00:00.000Z`,
        to: new Date(Date.parse(`${to}T00:00:00.000Z`) + DAY_MS).toISOString(),
      };
      return (await api.POST('/reconciliations', { body })).data;
    },
    onSuccess: (report) => {
      void client.invalidateQueries({ queryKey: [account.id, 'reconciliations'] });
      if (report) onMade(report);
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const isPeriod = from !== '' && to !== '' && from <= to;
    setIsWrong(!isPeriod);
    if (isPeriod && chosen !== '' && !compare.isPending) compare.mutate();
  }
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit} noValidate aria-label={t('compare')}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h5">
            {t('compare')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('compareWhat')}
          </Text>
        </div>
        <Group align="flex-end" gap="sm">
          <NativeSelect
            label={t('providerName')}
            value={chosen}
            data={names.map(({ name, label }) => ({ value: name, label }))}
            onChange={(event) => setProvider(event.currentTarget.value)}
          />
          <TextInput
            type="date"
            label={t('filterFrom')}
            value={from}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <TextInput
            type="date"
            label={t('filterTo')}
            value={to}
            onChange={(event) => setTo(event.currentTarget.value)}
          />
          <Button type="submit" loading={compare.isPending}>
            {t('compareNow')}
          </Button>
        </Group>
        {isWrong && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {t('neededPeriod')}
          </Text>
        )}
        {compare.isError && <ProblemNote thrown={compare.error} />}
      </Stack>
    </Paper>
  );
}

function Findings({ report }: { report: Report }) {
  const t = useText(moneyText);
  const { money } = useFormat();
  return (
    <Stack gap="sm">
      <Text size="sm">{t('totals', { sums: report.agreed.map(money).join(', ') || '–' })}</Text>
      {report.findings.length === 0 ? (
        <Text size="sm">{t('noFindings')}</Text>
      ) : (
        <Wide label={t('findings')} role="group">
          <Table aria-label={t('findings')} miw={640}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('findings')}</Table.Th>
                <Table.Th>{t('ours')}</Table.Th>
                <Table.Th>{t('theirs')}</Table.Th>
                <Table.Th>{t('remedy')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {report.findings.map((one) => (
                <Table.Tr key={`${one.kind} ${one.orderId} ${one.reference}`}>
                  <Table.Td>
                    {one.kind === 'open' ? t('open_') : t(one.kind)}
                    <Text size="xs" ff="monospace" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                      {one.rewardId ?? one.reference ?? one.orderId}
                    </Text>
                  </Table.Td>
                  <Table.Td>{one.ours}</Table.Td>
                  <Table.Td>{one.theirs}</Table.Td>
                  <Table.Td>{one.remedy}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
    </Stack>
  );
}
