import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { isZero } from './sums.ts';
import { moneyText } from './texts.ts';

type Receivable = operations['listReceivables']['responses'][200]['content']['application/json']['items'][number];

/** Who owes back what was taken back after it had been given. */
export function Receivables() {
  const t = useText(moneyText);
  const { api, account, may } = useAccount();
  const { money, day } = useFormat();
  const [shown, setShown] = useState<Receivable | null>(null);
  const inCurrency = (one: Receivable, amount: string) => ({ amount, currency: one.reward.money?.currency ?? 'EUR' });
  return (
    <>
      <PagedTable
        label={t('receivables')}
        queryKey={[account.id, 'receivables']}
        load={async (cursor) => {
          const { data } = await api.GET('/receivables', { params: { query: cursor === undefined ? {} : { cursor } } });
          return data ?? { items: [], nextCursor: null };
        }}
        empty={<Empty title={t('noReceivables')} />}
        columns={[
          { key: 'name', title: t('name'), cell: (one) => one.name ?? t('unknownName') },
          { key: 'at', title: t('takenBack'), cell: (one) => day(one.reward.updatedAt) },
          { key: 'why', title: t('why'), cell: (one) => <Text size="sm">{one.reward.reason.text}</Text> },
          {
            key: 'claimed',
            title: t('claimed'),
            align: 'right',
            cell: (one) => money(inCurrency(one, one.claimed)),
          },
          {
            key: 'owed',
            title: t('owed'),
            align: 'right',
            cell: (one) => (isZero(inCurrency(one, one.owed)) ? t('settled') : money(inCurrency(one, one.owed))),
          },
          {
            key: 'do',
            title: t('writeOff'),
            isTitleHidden: true,
            align: 'right',
            cell: (one) =>
              may('money.write') &&
              !isZero(inCurrency(one, one.owed)) && (
                <Button size="xs" variant="subtle" color="red" onClick={() => setShown(one)}>
                  {t('writeOff')}
                </Button>
              ),
          },
        ]}
      />
      <Dialog
        opened={shown !== null}
        onClose={() => setShown(null)}
        title={shown ? t('writeOffTitle', { amount: money(inCurrency(shown, shown.owed)) }) : ''}
      >
        {shown && <WriteOff key={shown.id} one={shown} onDone={() => setShown(null)} />}
      </Dialog>
    </>
  );
}

function WriteOff({ one, onDone }: { one: Receivable; onDone: () => void }) {
  const t = useText(moneyText);
  const c = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [why, setWhy] = useState('');
  const [by, setBy] = useState('');
  const [wrong, setWrong] = useState<{ why?: string; by?: string }>({});
  const writeOff = useMutation({
    mutationFn: () =>
      api.POST('/rewards/{rewardId}/write-off', {
        params: { path: { rewardId: one.id } },
        body: { authorisedBy: by.trim(), why: why.trim() },
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [account.id, 'receivables'] });
      void client.invalidateQueries({ queryKey: [account.id, 'ledger-sums'] });
      onDone();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const problems = {
      ...(why.trim() === '' ? { why: t('neededWhy') } : {}),
      ...(by.trim() === '' ? { by: t('neededBy') } : {}),
    };
    setWrong(problems);
    if (Object.keys(problems).length === 0 && !writeOff.isPending) writeOff.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('writeOffWhat', { name: one.name ?? t('unknownName') })}</Text>
        <TextInput
          label={t('authorisedBy')}
          value={by}
          required
          maxLength={100}
          error={wrong.by}
          data-autofocus
          onChange={(event) => setBy(event.currentTarget.value)}
        />
        <TextInput
          label={t('why')}
          description={t('whyWhat')}
          value={why}
          required
          maxLength={300}
          error={wrong.why}
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        {writeOff.isError && <ProblemNote thrown={writeOff.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            {c('cancel')}
          </Button>
          <Button type="submit" color="red.9" loading={writeOff.isPending}>
            {t('writeOff')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
