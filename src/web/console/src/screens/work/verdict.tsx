import { Button, Group, List, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { common } from '../../parts/texts.ts';
import { nameOf, sumsOf } from './people.ts';
import type { RewardRow } from './reward-table.tsx';
import { workText } from './texts.ts';
import { fieldWords } from './words.ts';

export type Verdict = 'approve' | 'reject';

/** A sentence, which stands in cards and reports. */
const WHY_LENGTH_MAX = 300;

/** What will follow is told before; what became of each reward after. */
export function VerdictDialog({
  verdict,
  rewards,
  onClose,
}: {
  verdict: Verdict;
  rewards: readonly RewardRow[];
  onClose: (decided: boolean) => void;
}) {
  const t = useText(workText);
  const word = useText(fieldWords);
  const own = useText(common);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const client = useQueryClient();
  const [why, setWhy] = useState('');
  const [wrong, setWrong] = useState(false);
  const judge = useMutation({
    mutationFn: async () => {
      const rewardIds = rewards.map(({ id }) => id);
      const { data } = await api.POST('/rewards/verdicts', { body: { rewardIds, verdict, why: why.trim() } });
      return data?.items ?? [];
    },
    // Referrals, balances and members show what became of their rewards.
    onSettled: () => client.invalidateQueries({ queryKey: [account.id] }),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setWrong(why.trim() === '');
    if (why.trim() !== '' && !judge.isPending) judge.mutate();
  }
  const count = rewards.length;
  const decided = judge.data?.filter(({ result }) => result === 'decided').length ?? 0;
  const close = () => onClose(judge.isSuccess);
  return (
    <Dialog opened onClose={close} title={t(`${verdict}Title`, { count })} size="lg">
      {judge.isSuccess ? (
        <Stack>
          <Text size="sm" role="status" data-autofocus tabIndex={-1}>
            {t('results', { done: decided, left: judge.data.length - decided })}
          </Text>
          <Table aria-label={t('rewards')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('amount')}</Table.Th>
                <Table.Th>{t('paidTo')}</Table.Th>
                <Table.Th>{t('state')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {judge.data.map(({ rewardId, result, reward }) => {
                const before = rewards.find(({ id }) => id === rewardId);
                return (
                  <Table.Tr key={rewardId}>
                    <Table.Td>{before && money(before.money)}</Table.Td>
                    <Table.Td>{nameOf(before?.beneficiary, t('nameless'))}</Table.Td>
                    <Table.Td>
                      {result === 'decided' && reward
                        ? word(`state_${reward.state}`)
                        : t(`result_${result}`, { state: reward ? word(`state_${reward.state}`) : '' })}
                    </Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
          <Group justify="flex-end">
            <Button onClick={close}>{t('done')}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit} noValidate>
          <Stack>
            <Effects verdict={verdict} rewards={rewards} />
            <Textarea
              label={t('why')}
              description={t('whyWhat')}
              value={why}
              maxLength={WHY_LENGTH_MAX}
              autosize
              minRows={2}
              required
              data-autofocus
              error={wrong && t('whyNeeded')}
              onChange={(event) => setWhy(event.currentTarget.value)}
            />
            {judge.isError && <ProblemNote thrown={judge.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {own('cancel')}
              </Button>
              <Button type="submit" color={verdict === 'reject' ? 'red' : 'brand'} loading={judge.isPending}>
                {t(verdict)}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}

/** What a verdict does to the money, in a sentence for each of a few rewards, in sums for many. */
function Effects({ verdict, rewards }: { verdict: Verdict; rewards: readonly RewardRow[] }) {
  const t = useText(workText);
  const { money, day } = useFormat();
  const [only] = rewards;
  const amount = sumsOf(rewards.map((one) => one.money))
    .map(money)
    .join(', ');
  const count = rewards.length;
  if (verdict === 'reject') return <Text size="sm">{t('rejectEffect', { amount, count })}</Text>;
  if (count !== 1 || !only)
    return (
      <Stack gap="xs">
        <Text size="sm">{t('approveEffect', { amount, count })}</Text>
        <List size="sm">
          {rewards.slice(0, SHOWN_MAX).map((one) => (
            <List.Item key={one.id}>
              {money(one.money)} · {nameOf(one.beneficiary, t('nameless'))} · {one.payout}
            </List.Item>
          ))}
          {count > SHOWN_MAX && <List.Item>…</List.Item>}
        </List>
      </Stack>
    );
  const { payout, releaseAt, orderAt } = only;
  const name = nameOf(only.beneficiary, t('nameless'));
  const isAhead = (at: string | null): at is string => at !== null && Date.parse(at) > Date.now();
  const sentence = isAhead(releaseAt)
    ? t('approveHeld', { amount, name, payout, day: day(releaseAt) })
    : isAhead(orderAt)
      ? t('approveBatch', { amount, name, payout, day: day(orderAt) })
      : t('approveNow', { amount, name, payout });
  return <Text size="sm">{sentence}</Text>;
}

/** The rest is in the sums. */
const SHOWN_MAX = 8;
