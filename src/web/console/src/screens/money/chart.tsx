import { ActionIcon, Button, Group, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Loaded, ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
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
  const c = useText(common);
  const { api, account: own, may } = useAccount();
  const client = useQueryClient();
  const [lines, setLines] = useState(() => linesOf(chart).map((line, key) => ({ ...line, key })));
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
  const change = (key: number, part: Partial<(typeof lines)[number]>) =>
    setLines(lines.map((line) => (line.key === key ? { ...line, ...part } : line)));
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('chartWhat')}</Text>
        <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
          <Table aria-label={t('chart')}>
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
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={t('removeLine', { account })}
                        onClick={() => setLines(lines.filter((line) => line.key !== key))}
                      >
                        <IconTrash size={16} />
                      </ActionIcon>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        {save.isError && <ProblemNote thrown={save.error} />}
        {may('money.write') && (
          <Group justify="space-between">
            <Button
              variant="subtle"
              onClick={() =>
                setLines([
                  ...lines,
                  { account: '', number: '', label: '', key: Math.max(-1, ...lines.map(({ key }) => key)) + 1 },
                ])
              }
            >
              {t('addLine')}
            </Button>
            <Group gap="sm">
              <Button variant="default" onClick={onDone}>
                {c('cancel')}
              </Button>
              <Button type="submit" loading={save.isPending}>
                {t('save')}
              </Button>
            </Group>
          </Group>
        )}
      </Stack>
    </form>
  );
}
