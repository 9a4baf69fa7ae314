import { Anchor, Button, Checkbox, FileButton, Group, List, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Empty, Loaded, ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tag } from '../../parts/tag.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { Wide } from '../../parts/wide.tsx';
import { moneyText } from './texts.ts';

type Whole = operations['getPayoutBatch']['responses'][200]['content']['application/json'];
type Batch = Whole['batch'];

const COLOURS = { open: 'gray', cut: 'orange', approved: 'green' } as const;
const ROW_COLOURS = { waiting: 'gray', paid: 'green', refused: 'red', withdrawn: 'gray' } as const;
/** As many as the service takes in one request. */
const MARKS_MAX = 500;

export function Batches() {
  const [url] = useUrlState<'batch'>();
  return url.batch ? <OneBatch batchId={url.batch} /> : <AllBatches />;
}

function StateBadge({ state }: { state: Batch['state'] }) {
  const t = useText(moneyText);
  return <Tag tone={COLOURS[state]}>{t(`state_${state}`)}</Tag>;
}

function AllBatches() {
  const t = useText(moneyText);
  const { api, account } = useAccount();
  const { day } = useFormat();
  const [, setUrl] = useUrlState();
  const query = useQuery({
    queryKey: [account.id, 'payout-batches'],
    queryFn: async () => (await api.GET('/payout-batches')).data,
  });
  return (
    <Loaded query={query}>
      {(batches) =>
        batches && batches.items.length > 0 ? (
          <Wide label={t('batches')}>
            <Table aria-label={t('batches')} verticalSpacing="xs" miw={640} highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('batch')}</Table.Th>
                  <Table.Th>{t('state')}</Table.Th>
                  <Table.Th>{t('openedAt')}</Table.Th>
                  <Table.Th>{t('rows')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {batches.items.map((batch) => (
                  <Table.Tr key={batch.id}>
                    <Table.Td>
                      <Anchor component="button" type="button" onClick={() => setUrl({ batch: batch.id })}>
                        {t('number', { provider: batch.provider, number: String(batch.number) })}
                      </Anchor>
                    </Table.Td>
                    <Table.Td>
                      <StateBadge state={batch.state} />
                    </Table.Td>
                    <Table.Td>{day(batch.openedAt)}</Table.Td>
                    <Table.Td>{t('waitingOf', batch.counts)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        ) : (
          <Empty title={t('noBatches')}>
            <Text size="sm">{t('noBatchesWhat')}</Text>
          </Empty>
        )
      }
    </Loaded>
  );
}

function OneBatch({ batchId }: { batchId: string }) {
  const t = useText(moneyText);
  const { api, account } = useAccount();
  const [, setUrl] = useUrlState();
  const query = useQuery({
    queryKey: [account.id, 'payout-batch', batchId],
    queryFn: async () => (await api.GET('/payout-batches/{batchId}', { params: { path: { batchId } } })).data,
  });
  const settings = useQuery({
    queryKey: [account.id, 'payout-schedules'],
    queryFn: async () => (await api.GET('/payout-schedules')).data,
  });
  return (
    <Stack gap="md">
      <Group>
        <Anchor component="button" type="button" size="sm" onClick={() => setUrl({ batch: undefined })}>
          {t('backToBatches')}
        </Anchor>
      </Group>
      <Loaded query={query}>
        {(whole) => {
          if (!whole) return null;
          const approval = settings.data?.items.find(({ provider }) => provider === whole.batch.provider)?.approval;
          return <Shown key={whole.batch.id} whole={whole} approval={approval ?? 'none'} />;
        }}
      </Loaded>
    </Stack>
  );
}

function Shown({
  whole: { batch, items, totals },
  approval,
}: {
  whole: Whole;
  approval: 'none' | 'required' | 'four_eyes';
}) {
  const t = useText(moneyText);
  const { api, account, session, may } = useAccount();
  const { money, moment } = useFormat();
  const client = useQueryClient();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [why, setWhy] = useState('');
  const params = { path: { batchId: batch.id } };
  const refresh = () => {
    void client.invalidateQueries({ queryKey: [account.id, 'payout-batch', batch.id] });
    void client.invalidateQueries({ queryKey: [account.id, 'payout-batches'] });
    void client.invalidateQueries({ queryKey: [account.id, 'ledger-sums'] });
  };
  const cut = useMutation({
    mutationFn: () => api.POST('/payout-batches/{batchId}/cut', { params, body: {} }),
    onSettled: refresh,
  });
  const approve = useMutation({
    mutationFn: () => api.POST('/payout-batches/{batchId}/approve', { params, body: {} }),
    onSettled: refresh,
  });
  const exported = useMutation({
    async mutationFn() {
      const { data } = await api.POST('/payout-batches/{batchId}/export', { params });
      if (data) saveFile(data.fileName, data.csv);
    },
    onSettled: refresh,
  });
  const mark = useMutation({
    async mutationFn(state: 'paid' | 'refused') {
      const ids = [...picked];
      const results = [];
      for (let at = 0; at < ids.length; at += MARKS_MAX) {
        const marks = ids
          .slice(at, at + MARKS_MAX)
          .map((orderId) => ({ orderId, state, ...(why.trim() === '' ? {} : { why: why.trim() }) }));
        const { data } = await api.POST('/payout-batches/{batchId}/marks', { params, body: { items: marks } });
        results.push(...(data?.items ?? []));
      }
      return results;
    },
    onSuccess: () => {
      setPicked(new Set());
      setWhy('');
    },
    onSettled: refresh,
  });
  const read = useMutation({
    async mutationFn(file: File) {
      const csv = await file.text();
      return (await api.POST('/payout-batches/{batchId}/marks/csv', { params, body: { csv } })).data;
    },
    onSettled: refresh,
  });
  const mayWrite = may('money.write');
  const isByHand = batch.provider === 'manual';
  const canMark = mayWrite && isByHand && (batch.state === 'approved' || approval === 'none');
  const waiting = items.filter(({ state }) => state === 'waiting');
  const sums = totals.map(money).join(', ');
  const isOwnCut = approval === 'four_eyes' && batch.cutBy === session.user.email;
  const failed = cut.error ?? approve.error ?? exported.error ?? mark.error ?? read.error;
  function toggle(id: string) {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    setPicked(next);
  }
  return (
    <>
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Group gap="sm">
            <Title order={2} size="h4">
              {t('number', { provider: batch.provider, number: String(batch.number) })}
            </Title>
            <StateBadge state={batch.state} />
          </Group>
          <Text size="sm">{t('totals', { sums })}</Text>
        </div>
        {mayWrite && (
          <Group gap="sm">
            {batch.state === 'open' && (
              <ConfirmButton
                label={t('cut')}
                title={t('cut')}
                color="brand"
                size="sm"
                loading={cut.isPending}
                onConfirm={() => cut.mutate()}
              >
                {t('cutWhat')}
              </ConfirmButton>
            )}
            {batch.state === 'cut' &&
              (isOwnCut ? (
                <Text size="sm" c="dimmed">
                  {t('youCut')}
                </Text>
              ) : (
                <ConfirmButton
                  label={t('approve')}
                  title={t('approve')}
                  color="brand"
                  size="sm"
                  loading={approve.isPending}
                  onConfirm={() => approve.mutate()}
                >
                  {t('approveWhat', { rows: waiting.length, sums })}
                </ConfirmButton>
              ))}
            {isByHand && batch.state !== 'open' && (batch.state === 'approved' || approval === 'none') && (
              <Button variant="default" loading={exported.isPending} onClick={() => exported.mutate()}>
                {batch.exportedAt === null ? t('export') : t('exportAgain')}
              </Button>
            )}
            {canMark && waiting.length > 0 && (
              <FileButton accept="text/csv,.csv" onChange={(file) => file && read.mutate(file)}>
                {(props) => (
                  <Button variant="default" loading={read.isPending} {...props}>
                    {t('marksFile')}
                  </Button>
                )}
              </FileButton>
            )}
          </Group>
        )}
      </Group>
      <List size="sm" spacing={2}>
        <List.Item>{t(`needs_${approval}`)}</List.Item>
        {batch.cutAt !== null && (
          <List.Item>{t('byCut', { who: batch.cutBy ?? '', when: moment(batch.cutAt) })}</List.Item>
        )}
        {batch.approvedAt !== null && (
          <List.Item>{t('byApproved', { who: batch.approvedBy ?? '', when: moment(batch.approvedAt) })}</List.Item>
        )}
        {batch.exportedAt !== null && <List.Item>{t('exported', { when: moment(batch.exportedAt) })}</List.Item>}
      </List>
      {failed && <ProblemNote thrown={failed} />}
      {mark.data && (
        <Text size="sm" role="status">
          {t('marked', {
            marked: mark.data.filter(({ result }) => result === 'marked').length,
            settled: mark.data.filter(({ result }) => result === 'settled').length,
          })}
        </Text>
      )}
      {read.data && (
        <Paper withBorder p="sm" role="status">
          <Text size="sm" fw={600}>
            {t('marksRead')}
          </Text>
          <List size="sm">
            {read.data.items.map(({ line, result, problem }) => (
              <List.Item key={line}>
                {t('line', { line })}: {t(`result_${result}`)}
                {problem === null ? '' : ` – ${problem}`}
              </List.Item>
            ))}
          </List>
        </Paper>
      )}
      {canMark && picked.size > 0 && (
        <Group gap="sm" align="flex-end">
          <Text size="sm" pb={8}>
            {t('selectedRows', { count: picked.size })}
          </Text>
          <Button size="sm" loading={mark.isPending} onClick={() => mark.mutate('paid')}>
            {t('markPaid')}
          </Button>
          <TextInput
            label={t('refusedWhy')}
            value={why}
            maxLength={200}
            onChange={(event) => setWhy(event.currentTarget.value)}
          />
          <Button size="sm" variant="light" color="red" loading={mark.isPending} onClick={() => mark.mutate('refused')}>
            {t('markRefused')}
          </Button>
        </Group>
      )}
      <Wide label={t('rows')}>
        <Table aria-label={t('rows')} verticalSpacing="xs" miw={640}>
          <Table.Thead>
            <Table.Tr>
              {canMark && (
                <Table.Th w={40}>
                  <Checkbox
                    aria-label={t('selectAll')}
                    checked={waiting.length > 0 && picked.size === waiting.length}
                    disabled={waiting.length === 0}
                    onChange={() =>
                      setPicked(
                        picked.size === waiting.length ? new Set() : new Set(waiting.map(({ orderId }) => orderId)),
                      )
                    }
                  />
                </Table.Th>
              )}
              <Table.Th>{t('name')}</Table.Th>
              <Table.Th ta="right">{t('amount')}</Table.Th>
              <Table.Th>{t('rowState')}</Table.Th>
              <Table.Th>{t('reward')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((row) => {
              const name = row.name ?? row.email ?? t('unknownName');
              return (
                <Table.Tr key={row.orderId}>
                  {canMark && (
                    <Table.Td>
                      <Checkbox
                        aria-label={t('selectRow', { name })}
                        checked={picked.has(row.orderId)}
                        disabled={row.state !== 'waiting'}
                        onChange={() => toggle(row.orderId)}
                      />
                    </Table.Td>
                  )}
                  <Table.Td>
                    {name}
                    {row.name !== null && row.email !== null && (
                      <Text size="xs" c="dimmed">
                        {row.email}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td ta="right">{money(row)}</Table.Td>
                  <Table.Td>
                    <Tag tone={ROW_COLOURS[row.state]}>{t(`row_${row.state}`)}</Tag>
                    {row.why && (
                      <Text size="xs" c="dimmed">
                        {row.why}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    <Text size="xs" ff="monospace">
                      {row.rewardId}
                    </Text>
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Wide>
    </>
  );
}
