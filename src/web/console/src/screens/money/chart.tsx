import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Loaded, ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import { LinesEnd, RemoveLine, useLines } from './lines.tsx';
import { periodText } from './period-texts.ts';
import { KINDS } from './sums.ts';

type Chart = operations['getChartOfAccounts']['responses'][200]['content']['application/json'];

/** Where our accounts go in the company's books; used by the files for the bookkeeping. */
export function ChartButton() {
  const t = useText(periodText);
  const { api, account } = useAccount();
  const [opened, { open, close }] = useDisclosure();
  const query = useQuery({
    enabled: opened,
    queryKey: [account.id, 'chart-of-accounts'],
    queryFn: async () => (await api.GET('/chart-of-accounts')).data,
  });
  return (
    <>
      <Button variant="default" onClick={open}>
        {t('chart')}
      </Button>
      <Dialog opened={opened} onClose={close} title={t('chart')} size="lg">
        <Loaded query={query}>{(chart) => chart && <Entries chart={chart} onDone={close} />}</Loaded>
      </Dialog>
    </>
  );
}

/** The saved lines, and one for each kind that has none. */
function linesOf({ entries }: Chart) {
  const missing = KINDS.map((kind) => `${kind}:*`).filter((account) => !entries.some((one) => one.account === account));
  return [...entries, ...missing.map((account) => ({ account, number: '', label: '' }))];
}

function Entries({ chart, onDone }: { chart: Chart; onDone: () => void }) {
  const t = useText(periodText);
  const { api, account: own, may } = useAccount();
  const client = useQueryClient();
  const { lines, change, add, remove } = useLines(() => linesOf(chart));
  const save = useMutation({
    mutationFn: async () => {
      // A line without a number says nothing.
      const entries = lines
        .filter(({ account, number }) => account.trim() !== '' && number.trim() !== '')
        .map(({ account, number, label }) => ({
          account: account.trim(),
          number: number.trim(),
          label: label.trim() === '' ? account.trim() : label.trim(),
        }));
      return (await api.PUT('/chart-of-accounts', { body: { version: chart.version, entries } })).data;
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [own.id, 'chart-of-accounts'] });
      onDone();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('chartWhat')}</Text>
        <Wide label={t('chart')} role="group">
          <Table miw={520} aria-label={t('chart')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('account')}</Table.Th>
                <Table.Th>{t('yourNumber')}</Table.Th>
                <Table.Th>{t('yourLabel')}</Table.Th>
                <Table.Td />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {lines.map(({ key, account, number, label }) => (
                <Table.Tr key={key}>
                  <Table.Td>
                    <TextInput
                      size="xs"
                      ff="monospace"
                      aria-label={t('account')}
                      value={account}
                      readOnly={!may('money.write')}
                      onChange={(event) => change(key, { account: event.currentTarget.value })}
                    />
                  </Table.Td>
                  <Table.Td>
                    <TextInput
                      size="xs"
                      aria-label={`${t('yourNumber')}: ${account}`}
                      value={number}
                      maxLength={40}
                      readOnly={!may('money.write')}
                      onChange={(event) => change(key, { number: event.currentTarget.value })}
                    />
                  </Table.Td>
                  <Table.Td>
                    <TextInput
                      size="xs"
                      aria-label={`${t('yourLabel')}: ${account}`}
                      value={label}
                      maxLength={120}
                      readOnly={!may('money.write')}
                      onChange={(event) => change(key, { label: event.currentTarget.value })}
                    />
                  </Table.Td>
                  <Table.Td>
                    {may('money.write') && (
                      <RemoveLine label={t('removeLine', { account })} onRemove={() => remove(key)} />
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
        {save.isError && <ProblemNote thrown={save.error} />}
        {may('money.write') && (
          <LinesEnd
            addText={t('addLine')}
            saveText={t('save')}
            isPending={save.isPending}
            onAdd={() => add({ account: '', number: '', label: '' })}
            onCancel={onDone}
          />
        )}
      </Stack>
    </form>
  );
}
