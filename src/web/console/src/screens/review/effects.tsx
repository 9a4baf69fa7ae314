import { List, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { useWords } from './desk-words.ts';
import type { Outcome } from './queue.ts';
import { reviewText } from './texts.ts';

type CaseEffects = operations['tryCaseDecision']['responses'][200]['content']['application/json'];

/** What would follow from the outcome, as the service tells before anything is decided. */
export function useEffects(caseId: string, outcome: Outcome, memberId: string | undefined) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'case-effects', caseId, outcome, memberId ?? null],
    // What somebody else has done meanwhile changes it: never shown from before.
    gcTime: 0,
    queryFn: async () => {
      const { data } = await api.POST('/cases/{caseId}/effects', {
        params: { path: { caseId } },
        body: { outcome, ...(memberId === undefined ? {} : { memberId }) },
      });
      return data;
    },
  });
}

export function Effects({ query, nextName }: { query: ReturnType<typeof useEffects>; nextName: string | null }) {
  const t = useText(reviewText);
  return (
    <Stack gap="xs" role="group" aria-label={t('effects')}>
      <Title order={3} size="h6">
        {t('effects')}
      </Title>
      <Loaded query={query}>{(effects) => effects && <Told effects={effects} nextName={nextName} />}</Loaded>
    </Stack>
  );
}

function Told({ effects, nextName }: { effects: CaseEffects; nextName: string | null }) {
  const t = useText(reviewText);
  const { word } = useWords();
  const { money, moment } = useFormat();
  const { rewards, orders, journals, withdrawnOrders, judgedAgain, movesTo } = effects;
  const isNothing = rewards.length + orders.length + journals.length + withdrawnOrders === 0 && !judgedAgain;
  const orderText = { issue: 'orderIssue', cancel: 'orderCancel', expire: 'orderExpire' } as const;
  return (
    <>
      <List size="sm" spacing={4}>
        {isNothing && <List.Item>{t('noEffects')}</List.Item>}
        {movesTo !== null && <List.Item>{t('movesTo', { name: nextName ?? movesTo })}</List.Item>}
        {rewards.map((reward) => (
          <List.Item key={reward.rewardId}>
            {t('rewardMoves', {
              amount: reward.money ? money(reward.money) : '',
              party: word(reward.party),
              before: word(reward.before),
              after: reward.reversalPending ? t('pendingAnswer') : word(reward.after),
            })}
          </List.Item>
        ))}
        {orders.map(({ rewardId, provider, kind, at }) => (
          <List.Item key={`${rewardId} ${kind}`}>
            {t(orderText[kind], { provider, at: at === null ? t('atOnce') : t('on', { when: moment(at) }) })}
          </List.Item>
        ))}
        {withdrawnOrders > 0 && <List.Item>{t('withdrawn', { count: withdrawnOrders })}</List.Item>}
        {judgedAgain && <List.Item>{t('judgedAgain')}</List.Item>}
      </List>
      {journals.length > 0 && (
        <Postings postings={journals.flatMap((journal) => journal.postings)} label={t('postings')} />
      )}
    </>
  );
}

interface PostingShown {
  readonly account: string;
  readonly amount: string;
  readonly currency: string;
}

/** Debits and credits in columns of their own, as books have them. */
export function Postings({ postings, label }: { postings: readonly PostingShown[]; label: string }) {
  const t = useText(reviewText);
  const { money } = useFormat();
  const isCredit = ({ amount }: PostingShown) => amount.startsWith('-');
  const without = ({ amount, currency }: PostingShown) => money({ amount: amount.replace(/^-/, ''), currency });
  return (
    <Table aria-label={label} verticalSpacing={4} fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('account')}</Table.Th>
          <Table.Th ta="right">{t('debit')}</Table.Th>
          <Table.Th ta="right">{t('credit')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {postings.map((posting, line) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of a journal never move
          <Table.Tr key={`${posting.account} ${line}`}>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              <Text size="sm" ff="monospace" fz="xs">
                {posting.account}
              </Text>
            </Table.Td>
            <Table.Td ta="right">{isCredit(posting) ? '' : without(posting)}</Table.Td>
            <Table.Td ta="right">{isCredit(posting) ? without(posting) : ''}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
