import { Anchor, Button, Checkbox, Group, Stack, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { type Amount, useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { dated } from '../../parts/export-button.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { useProgramName } from '../../parts/programs.ts';
import { saveFile } from '../../parts/save-file.ts';
import { Empty, ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { type Asked, byRule, type Decision, type Rule, useHistoryTotals } from './history-parts.ts';
import { AskRelease } from './history-release.tsx';
import { historyText } from './history-texts.ts';
import { ReferralName } from './referral-name.tsx';

/** The API takes as many by hand. */
const PICKED_MAX = 500;

/** A name is asked for by itself for each of them. */
const ROWS_PER_PAGE = 25;

/** Each reward that one rule would have paid; some of them can be picked, or all released. */
export function HistoryOfRule({
  of,
  onBack,
  onReleased,
}: {
  of: Rule;
  onBack: () => void;
  onReleased: (id: string) => void;
}) {
  const t = useText(historyText);
  const { api, account, may } = useAccount();
  const { money, dayInUtc } = useFormat();
  const programName = useProgramName();
  const [picked, setPicked] = useState<ReadonlyMap<string, Amount>>(new Map());
  const [asked, setAsked] = useState<Asked | null>(null);
  const { programId, ruleKey } = of;
  const totals = useHistoryTotals(of);
  const [sum] = byRule(totals.data ?? []);
  const mayWrite = may('money.write');
  function pick(items: readonly Decision[], isPicked: boolean) {
    const next = new Map(picked);
    for (const { id, money: amount } of items) {
      if (!isPicked) next.delete(id);
      else if (amount !== null) next.set(id, amount);
    }
    setPicked(next);
  }
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} size="h4">
            {ruleKey} · {programName(programId)}
          </Title>
          {sum && (
            <Text size="sm">
              {t('wouldPay')}:{' '}
              {sum.sums.map((one) => t('upToLine', { sum: money(one.money), count: one.count })).join(', ')}
            </Text>
          )}
          <Anchor component="button" type="button" size="sm" onClick={onBack}>
            {t('allRules')}
          </Anchor>
        </div>
        <Group gap="sm" align="flex-start">
          <SaveHistory of={of} />
          {mayWrite && sum && picked.size === 0 && (
            <Button onClick={() => setAsked({ ...of, picked: null })}>{t('releaseAll')}</Button>
          )}
          {mayWrite && picked.size > 0 && (
            <Button disabled={picked.size > PICKED_MAX} onClick={() => setAsked({ ...of, picked })}>
              {t('releasePicked', { count: picked.size })}
            </Button>
          )}
        </Group>
      </Group>
      {picked.size > PICKED_MAX && (
        <Text size="sm" role="alert">
          {t('tooMany', { max: PICKED_MAX })}
        </Text>
      )}
      <PagedTable
        label={t('rewards')}
        queryKey={[account.id, 'history', 'list', programId, ruleKey]}
        load={async (cursor) => {
          const query = { ...of, limit: ROWS_PER_PAGE, ...(cursor === undefined ? {} : { cursor }) };
          return (await api.GET('/history', { params: { query } })).data ?? { items: [], nextCursor: null };
        }}
        empty={<Empty title={t('noneOfRule')} />}
        columns={[
          ...(mayWrite
            ? [
                {
                  key: 'pick',
                  title: t('pickAll'),
                  head: (items: readonly Decision[]) => (
                    <Checkbox
                      aria-label={t('pickAll')}
                      checked={items.length > 0 && items.every(({ id }) => picked.has(id))}
                      onChange={({ currentTarget }) => pick(items, currentTarget.checked)}
                    />
                  ),
                  cell: (one: Decision) => (
                    <Checkbox
                      aria-label={t('pick', { what: t('deal', { id: one.deal.id }) })}
                      checked={picked.has(one.id)}
                      onChange={({ currentTarget }) => pick([one], currentTarget.checked)}
                    />
                  ),
                },
              ]
            : []),
          {
            key: 'referral',
            title: t('referral'),
            cell: (one) => (
              <>
                <ReferralName referralId={one.referralId} />
                <Text size="xs" c="dimmed">
                  {t('deal', { id: one.deal.id })}
                </Text>
              </>
            ),
          },
          { key: 'party', title: t('party'), cell: (one) => t(`party_${one.party}`) },
          { key: 'won', title: t('wonAt'), cell: (one) => dayInUtc(one.effectiveAt) },
          { key: 'why', title: t('why'), cell: (one) => one.reason.text },
          {
            key: 'amount',
            title: t('amount'),
            align: 'right',
            cell: (one) => <span style={{ whiteSpace: 'nowrap' }}>{one.money && money(one.money)}</span>,
          },
        ]}
      />
      <AskRelease asked={asked} onClose={() => setAsked(null)} onReleased={onReleased} />
    </Stack>
  );
}

/** Everything of the program or the rule as one file. */
export function SaveHistory({ of }: { of: Partial<Rule> }) {
  const t = useText(historyText);
  const c = useText(common);
  const { api } = useAccount();
  const download = useMutation({
    async mutationFn() {
      const { data } = await api.GET('/history/csv', { params: { query: of } });
      if (data) saveFile(`${dated(['history', of.programId, of.ruleKey].filter(Boolean).join('-'))}.csv`, data.csv);
      return data?.isWhole ?? true;
    },
  });
  return (
    <Stack gap={4} align="flex-end">
      <Button variant="default" loading={download.isPending} onClick={() => download.mutate()}>
        {c('csv')}
      </Button>
      {download.data === false && (
        <Text size="xs" role="status">
          {t('partOfFile')}
        </Text>
      )}
      {download.isError && <ProblemNote thrown={download.error} />}
    </Stack>
  );
}
