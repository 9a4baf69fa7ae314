import { Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { isAmount, isCurrency } from '../../parts/money-text.ts';
import { PagedTable } from '../../parts/paged-table.tsx';
import { usePublishedPrograms } from '../../parts/programs.ts';
import { Empty, Loaded, ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { moneyText } from './texts.ts';

/** The service knows which there are, and says so. */
type Currency = NonNullable<
  operations['fillBudget']['requestBody']
>['content']['application/json']['money']['currency'];

/** What each program may still grant, and who put in how much. */
export function Budgets() {
  const t = useText(moneyText);
  const query = usePublishedPrograms();
  return (
    <Loaded query={query}>
      {(programs) => {
        if (programs.length === 0) return <Empty title={t('noPrograms')} />;
        return (
          <Stack>
            {programs.map(({ value, label }) => (
              <Budget key={value} programId={value} name={label} />
            ))}
          </Stack>
        );
      }}
    </Loaded>
  );
}

function Budget({ programId, name }: { programId: string; name: string }) {
  const t = useText(moneyText);
  const { api, account, may } = useAccount();
  const { money, moment } = useFormat();
  const [isFilling, setIsFilling] = useState(false);
  const queryKey = [account.id, 'budget', programId];
  const query = useQuery({
    queryKey,
    queryFn: async () =>
      (await api.GET('/programs/{programId}/budget', { params: { path: { programId }, query: { limit: 1 } } })).data,
  });
  const left = (query.data?.left ?? []).flatMap((one) => (one ? [money(one)] : []));
  return (
    <Paper withBorder p="md" component="section">
      <Stack gap="sm">
        <Group justify="space-between">
          <div>
            <Title order={2} size="h5">
              {name}
            </Title>
            <Text size="sm">
              {t('left')}: {left.length === 0 ? t('noBudget') : left.join(', ')}
            </Text>
          </div>
          {may('programs.publish') && (
            <Button size="xs" variant="default" onClick={() => setIsFilling(true)}>
              {t('fill')}
            </Button>
          )}
        </Group>
        {left.length > 0 && (
          <PagedTable
            label={`${t('entries')}: ${name}`}
            queryKey={[...queryKey, 'entries']}
            load={async (cursor) => {
              const params = { path: { programId }, query: { limit: 10, ...(cursor === undefined ? {} : { cursor }) } };
              const { data } = await api.GET('/programs/{programId}/budget', { params });
              return data ?? { items: [], nextCursor: null };
            }}
            columns={[
              { key: 'at', title: t('at'), cell: (one) => moment(one.at) },
              { key: 'id', title: t('entryId'), cell: (one) => one.id },
              { key: 'note', title: t('note'), cell: (one) => one.note },
              { key: 'by', title: t('filledBy'), cell: (one) => one.by },
              { key: 'amount', title: t('amount'), align: 'right', cell: (one) => (one.money ? money(one.money) : '') },
            ]}
          />
        )}
        <Dialog opened={isFilling} onClose={() => setIsFilling(false)} title={`${t('fill')}: ${name}`}>
          {isFilling && <Fill programId={programId} queryKey={queryKey} onDone={() => setIsFilling(false)} />}
        </Dialog>
      </Stack>
    </Paper>
  );
}

function Fill({
  programId,
  queryKey,
  onDone,
}: {
  programId: string;
  queryKey: readonly unknown[];
  onDone: () => void;
}) {
  const t = useText(moneyText);
  const c = useText(common);
  const { api } = useAccount();
  const client = useQueryClient();
  const [form, setForm] = useState({ amount: '', currency: '', id: '', note: '' });
  const [wrong, setWrong] = useState<Partial<typeof form>>({});
  const fill = useMutation({
    mutationFn: () =>
      api.POST('/programs/{programId}/budget', {
        params: { path: { programId } },
        body: {
          id: form.id,
          money: { amount: form.amount, currency: form.currency as Currency },
          note: form.note.trim(),
        },
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey });
      onDone();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const problems = {
      ...(isAmount(form.amount) ? {} : { amount: t('wrongAmount') }),
      ...(isCurrency(form.currency) ? {} : { currency: t('wrongCurrency') }),
      ...(/^[a-z0-9-]{1,60}$/.test(form.id) ? {} : { id: t('wrongId') }),
      ...(form.note.trim() === '' ? { note: t('neededWhy') } : {}),
    };
    setWrong(problems);
    if (Object.keys(problems).length === 0 && !fill.isPending) fill.mutate();
  }
  const field = (name: keyof typeof form) => ({
    value: form[name],
    error: wrong[name],
    required: true,
    onChange: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('fillWhat')}</Text>
        <Group grow align="flex-start">
          <TextInput label={t('amount')} inputMode="decimal" data-autofocus {...field('amount')} />
          <TextInput label={t('currency')} maxLength={3} {...field('currency')} />
        </Group>
        <TextInput label={t('entryId')} description={t('entryIdWhat')} {...field('id')} />
        <TextInput label={t('note')} maxLength={200} {...field('note')} />
        {fill.isError && <ProblemNote thrown={fill.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            {c('cancel')}
          </Button>
          <Button type="submit" loading={fill.isPending}>
            {t('fill')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
