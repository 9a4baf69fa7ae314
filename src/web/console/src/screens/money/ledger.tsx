import { Anchor, Button, Group, NativeSelect, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty } from '../../parts/states.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { KINDS } from './sums.ts';
import { moneyText } from './texts.ts';

const MOVEMENTS = [
  'accrue',
  'release',
  'net',
  'issue',
  'return',
  'void',
  'unnet',
  'claw_back',
  'claw_back_part',
  'restore',
  'expire',
  'write_off',
  'unwrite_off',
] as const;

/** Pages of the file; a hundred thousand lines are as many as a spreadsheet opens gladly. */
const EXPORT_PAGES_MAX = 500;
/** A page may look at thousands of journals and find none; so many such pages are gone through before somebody is asked to go on. */
const LOOKS_MAX = 40;

/** The journals, by what is asked of them, and the balance of the one account that they are asked for. */
export function Ledger() {
  const t = useText(moneyText);
  const { api, account: own } = useAccount();
  const { moment, money } = useFormat();
  const [url, setUrl] = useUrlState<'account' | 'currency' | 'kind' | 'from' | 'to' | 'reward'>();
  const kind = MOVEMENTS.find((one) => one === url.kind);
  const filters = {
    ...(url.account ? { account: url.account } : {}),
    ...(url.account && url.currency ? { currency: url.currency } : {}),
    ...(kind ? { kind } : {}),
    ...(url.from ? { from: `${url.from}T00:00:00.000Z` } : {}),
    ...(url.to ? { to: new Date(Date.parse(`${url.to}T00:00:00.000Z`) + 86_400_000).toISOString() } : {}),
    ...(url.reward ? { rewardId: url.reward } : {}),
  };
  return (
    <Stack gap="md">
      {url.account && url.currency && <Balance account={url.account} currency={url.currency} />}
      <Group align="flex-end" gap="sm">
        <Typed label={t('filterAccount')} name="account" w={300} />
        <NativeSelect
          label={t('filterKind')}
          value={kind ?? ''}
          data={[{ value: '', label: t('everything') }, ...MOVEMENTS.map((one) => ({ value: one, label: t(one) }))]}
          onChange={(event) => setUrl({ kind: event.currentTarget.value || undefined })}
        />
        {(['from', 'to'] as const).map((end) => (
          <TextInput
            key={end}
            type="date"
            label={t(end === 'from' ? 'filterFrom' : 'filterTo')}
            value={url[end] ?? ''}
            onChange={(event) => setUrl({ [end]: event.currentTarget.value || undefined })}
          />
        ))}
        <Typed label={t('filterReward')} name="reward" w={220} />
        <Button
          variant="subtle"
          onClick={() =>
            setUrl({
              account: undefined,
              currency: undefined,
              kind: undefined,
              from: undefined,
              to: undefined,
              reward: undefined,
            })
          }
        >
          {t('clear')}
        </Button>
        <ExportButton
          fileName={dated('journals')}
          pagesMax={EXPORT_PAGES_MAX}
          load={async (cursor) => {
            const query = { ...filters, limit: 100, ...(cursor === undefined ? {} : { cursor }) };
            return (await api.GET('/journals/csv', { params: { query } })).data;
          }}
        />
      </Group>
      <PagedTable
        label={t('ledger')}
        queryKey={[own.id, 'journals', filters]}
        load={async (cursor) => {
          let from = cursor;
          for (let looks = 0; ; looks += 1) {
            const query = { ...filters, limit: 25, ...(from === undefined ? {} : { cursor: from }) };
            const { data = { items: [], nextCursor: null } } = await api.GET('/journals', { params: { query } });
            if (data.items.length > 0 || data.nextCursor === null || looks === LOOKS_MAX) return data;
            from = data.nextCursor;
          }
        }}
        empty={<Empty title={t('noJournals')} />}
        columns={[
          { key: 'at', title: t('recordedAt'), cell: ({ recordedAt }) => moment(recordedAt) },
          { key: 'kind', title: t('kind'), cell: (journal) => t(journal.kind) },
          {
            key: 'postings',
            title: t('postings'),
            cell: ({ postings }) => (
              <Stack gap={2}>
                {postings.map((posting) => (
                  <Group key={posting.account} justify="space-between" wrap="nowrap" gap="md">
                    <Anchor
                      component="button"
                      type="button"
                      ff="monospace"
                      fz="xs"
                      ta="left"
                      style={{ overflowWrap: 'anywhere' }}
                      onClick={() => setUrl({ account: posting.account, currency: posting.currency })}
                    >
                      {posting.account}
                    </Anchor>
                    <Text size="sm" style={{ whiteSpace: 'nowrap' }}>
                      {money(posting)}
                    </Text>
                  </Group>
                ))}
              </Stack>
            ),
          },
          {
            key: 'reward',
            title: t('reward'),
            cell: ({ rewardId }) => (
              <Anchor
                component="button"
                type="button"
                ff="monospace"
                fz="xs"
                ta="left"
                onClick={() => setUrl({ reward: rewardId })}
              >
                {rewardId}
              </Anchor>
            ),
          },
        ]}
      />
    </Stack>
  );
}

/** A filter that is written: in the address when its writer pauses. */
function Typed({ label, name, w }: { label: string; name: 'account' | 'reward'; w: number }) {
  const [url, setUrl] = useUrlState<'account' | 'reward'>();
  const inUrl = url[name] ?? '';
  const [text, setText] = useState(inUrl);
  const [settled] = useDebouncedValue(text, 300);
  useEffect(() => setText(inUrl), [inUrl]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what was written changes the address, not the other way round
  useEffect(() => {
    if (settled === text && settled.trim() !== inUrl)
      setUrl({ [name]: settled.trim() || undefined, ...(name === 'account' ? { currency: undefined } : {}) });
  }, [settled]);
  return <TextInput label={label} w={w} value={text} onChange={(event) => setText(event.currentTarget.value)} />;
}

/** What the account stands at, as the balances have it; the postings below add up to it. */
function Balance({ account, currency }: { account: string; currency: string }) {
  const t = useText(moneyText);
  const { api, account: own } = useAccount();
  const { money } = useFormat();
  const kind = KINDS.find((one) => account.startsWith(`${one}:`));
  const query = useQuery({
    enabled: kind !== undefined,
    queryKey: [own.id, 'ledger-account', account, currency],
    queryFn: async () => {
      const params = { path: { ledgerKind: kind ?? 'payable', currency }, query: { account } };
      const { data } = await api.GET('/ledger/{ledgerKind}/{currency}/accounts', { params });
      return data?.items[0] ?? null;
    },
  });
  if (kind === undefined || query.data === undefined) return null;
  return (
    <Paper withBorder p="sm" role="status">
      <Group justify="space-between" gap="sm">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {t('balance', { account })}
          {query.data?.name ? ` (${query.data.name})` : ''}
        </Text>
        <Text fw={600}>{query.data ? t('balanceNow', { amount: money(query.data) }) : t('zero')}</Text>
      </Group>
    </Paper>
  );
}
