import { Button, Group, Paper, Text } from '@mantine/core';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { isCurrency } from '../../parts/money-text.ts';
import { Screen } from '../../parts/states.tsx';
import { Choice, OfMember } from './filters.tsx';
import { ColumnChoice, Views } from './list-tools.tsx';
import { sumsOf } from './people.ts';
import { type RewardRow, RewardTable, USUAL_OF_REWARDS, useRewardColumns } from './reward-table.tsx';
import { useListSearch } from './search.ts';
import { workText } from './texts.ts';
import { type Verdict, VerdictDialog } from './verdict.tsx';
import { fieldWords, PARTIES, type Party, STATES, type State } from './words.ts';

const KEYS = ['state', 'party', 'currency', 'memberId', 'referralId', 'columns'] as const;

/** In which an account pays; another one is reached by its address. */
const CURRENCIES = ['EUR', 'USD', 'GBP', 'CHF', 'JPY', 'CAD', 'AUD', 'SEK', 'NOK', 'DKK', 'PLN', 'INR', 'BRL'];

/** What the service judges at once. */
const MARKED_MAX = 100;

export default function Rewards() {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { api, may } = useAccount();
  const { money } = useFormat();
  const { values, text, set, show } = useListSearch(KEYS);
  const [marked, setMarked] = useState<ReadonlyMap<string, RewardRow>>(new Map());
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const { columns: shown, state, party, currency, ...rest } = values;
  const filters = {
    ...rest,
    ...(STATES.some((one) => one === state) ? { state: state as State } : {}),
    ...(PARTIES.some((one) => one === party) ? { party: party as Party } : {}),
    ...(currency !== undefined && isCurrency(currency) ? { currency } : {}),
  };
  const columns = useRewardColumns();
  const rows = [...marked.values()];
  const currencies = [...new Set([...CURRENCIES, ...(filters.currency ? [filters.currency] : [])])];
  function mark(changed: readonly RewardRow[], isMarked: boolean) {
    const next = new Map(marked);
    for (const one of changed) {
      if (!isMarked) next.delete(one.id);
      else if (next.size < MARKED_MAX) next.set(one.id, one);
    }
    setMarked(next);
  }
  return (
    <Screen
      title={t('rewards')}
      description={t('rewardsWhat')}
      actions={
        <>
          <Views list="rewards" text={text} onShow={show} />
          <ColumnChoice
            all={columns}
            usual={USUAL_OF_REWARDS}
            value={shown}
            onChange={(next) => set({ columns: next }, { replace: true })}
          />
          <ExportButton
            fileName={dated('rewards')}
            load={async (cursor) => {
              const query = { ...filters, limit: 100, ...(cursor === undefined ? {} : { cursor }) };
              return (await api.GET('/rewards/csv', { params: { query } })).data;
            }}
          />
        </>
      }
    >
      <Group align="flex-end">
        <Choice
          label={t('state')}
          any={t('anyState')}
          options={STATES.map((one) => ({ value: one, label: word(`state_${one}`) }))}
          value={filters.state}
          onChange={(next) => set({ state: next })}
        />
        <Choice
          label={t('party')}
          any={t('anyParty')}
          options={PARTIES.map((one) => ({ value: one, label: word(`party_${one}`) }))}
          value={filters.party}
          onChange={(next) => set({ party: next })}
        />
        <Choice
          label={t('currency')}
          any={t('anyCurrency')}
          options={currencies.map((one) => ({ value: one, label: one }))}
          value={filters.currency}
          onChange={(next) => set({ currency: next })}
        />
        {values.memberId !== undefined && (
          <OfMember memberId={values.memberId} onRemove={() => set({ memberId: undefined })} />
        )}
      </Group>
      {rows.length > 0 && (
        <Paper withBorder p="xs" role="region" aria-label={t('marked', { count: rows.length })}>
          <Group gap="sm">
            <Text size="sm" fw={600} role="status">
              {t('marked', { count: rows.length })} ·{' '}
              {sumsOf(rows.map((one) => one.money))
                .map(money)
                .join(', ')}
            </Text>
            <Button size="xs" onClick={() => setVerdict('approve')}>
              {t('approve')}
            </Button>
            <Button size="xs" variant="default" onClick={() => setVerdict('reject')}>
              {t('reject')}
            </Button>
            <Button size="xs" variant="subtle" onClick={() => setMarked(new Map())}>
              {t('unmark')}
            </Button>
          </Group>
        </Paper>
      )}
      <RewardTable
        filters={filters}
        columns={shown}
        {...(may('review.decide') ? { marking: { marked, onMark: mark } } : {})}
        onClear={() =>
          set({
            state: undefined,
            party: undefined,
            currency: undefined,
            memberId: undefined,
            referralId: undefined,
          })
        }
      />
      {verdict && (
        <VerdictDialog
          verdict={verdict}
          rewards={rows}
          onClose={(decided) => {
            setVerdict(null);
            if (decided) setMarked(new Map());
          }}
        />
      )}
    </Screen>
  );
}
