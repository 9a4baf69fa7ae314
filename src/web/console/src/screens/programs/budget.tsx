import { Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Loaded, ProblemNote, problemIn } from '../../parts/states.tsx';
import { trialText } from './trial-texts.ts';

type Fill = operations['fillBudget']['requestBody']['content']['application/json'];

const NOTE_LENGTH_MAX = 300;

/** What was put into a program's budget, and what is left of it. */
export function Budget({ programId }: { programId: string }) {
  const t = useText(trialText);
  const { api, account, may } = useAccount();
  const { money, moment } = useFormat();
  const key = [account.id, 'budget', programId];
  const page = async (cursor?: string) => {
    const query = cursor === undefined ? {} : { cursor };
    const { data } = await api.GET('/programs/{programId}/budget', { params: { path: { programId }, query } });
    return data ?? { items: [], nextCursor: null, left: [] };
  };
  const left = useQuery({ queryKey: [...key, 'left'], queryFn: () => page() });
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t('budgetWhat')}
      </Text>
      <Loaded query={left}>
        {(found) =>
          found.left.length > 0 && (
            <Group>
              {found.left
                .flatMap((one) => one ?? [])
                .map((one) => (
                  <Paper withBorder p="sm" key={one.currency}>
                    <Text size="xs" c="dimmed">
                      {t('left')}
                    </Text>
                    <Text fw={700} size="xl">
                      {money(one)}
                    </Text>
                  </Paper>
                ))}
            </Group>
          )
        }
      </Loaded>
      {may('programs.publish') && <FillBudget programId={programId} queryKey={key} />}
      <PagedTable
        label={t('tabBudget')}
        queryKey={key}
        load={page}
        empty={<Empty title={t('noBudgetYet')} />}
        columns={[
          { key: 'at', title: t('at'), cell: ({ at }) => moment(at) },
          { key: 'money', title: t('amount'), align: 'right', cell: (one) => one.money && money(one.money) },
          { key: 'note', title: t('fillNote'), cell: ({ note }) => note },
          { key: 'by', title: t('by'), cell: ({ by }) => by },
          { key: 'id', title: t('entry'), cell: ({ id }) => id },
        ]}
      />
    </Stack>
  );
}

function FillBudget({ programId, queryKey }: { programId: string; queryKey: readonly unknown[] }) {
  const t = useText(trialText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [id, setId] = useState('');
  const [amount, setAmount] = useState('');
  const [currency, setCurrency] = useState('EUR');
  const [note, setNote] = useState('');
  const fill = useMutation({
    mutationFn: () =>
      api.POST('/programs/{programId}/budget', {
        params: { path: { programId } },
        body: { id, money: { amount, currency } as Fill['money'], note },
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey });
      void client.invalidateQueries({ queryKey: [account.id, 'budget-left', programId] });
      setId('');
      setAmount('');
      setNote('');
    },
  });
  const errors = fill.isError ? (problemIn(fill.error).errors ?? []) : [];
  const wrong = (field: string) => errors.find((one) => one.field.startsWith(field))?.problem;
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!fill.isPending) fill.mutate();
  }
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit} noValidate aria-label={t('fill')}>
      <Stack gap="sm">
        <Title order={2} size="h5">
          {t('fill')}
        </Title>
        <Group align="flex-start">
          <TextInput
            label={t('amount')}
            inputMode="decimal"
            w={130}
            value={amount}
            error={wrong('money')}
            onChange={({ currentTarget }) => setAmount(currentTarget.value)}
          />
          <TextInput
            label={t('currency')}
            w={90}
            maxLength={3}
            value={currency}
            onChange={({ currentTarget }) => setCurrency(currentTarget.value.toUpperCase())}
          />
          <TextInput
            label={t('fillId')}
            description={t('fillIdWhat')}
            w={220}
            maxLength={60}
            value={id}
            error={wrong('id')}
            onChange={({ currentTarget }) => setId(currentTarget.value)}
          />
          <TextInput
            label={t('fillNote')}
            w={280}
            maxLength={NOTE_LENGTH_MAX}
            value={note}
            error={wrong('note')}
            onChange={({ currentTarget }) => setNote(currentTarget.value)}
          />
        </Group>
        <Group>
          <Button type="submit" loading={fill.isPending}>
            {t('fill')}
          </Button>
        </Group>
        {fill.isError && errors.length === 0 && <ProblemNote thrown={fill.error} />}
      </Stack>
    </Paper>
  );
}
