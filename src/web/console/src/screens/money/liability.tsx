import { Anchor, Button, Divider, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { type Amount, useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tile } from '../../parts/tile.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { Wide } from '../../parts/wide.tsx';
import { Forecast } from './forecast.tsx';
import { ForecastLines } from './forecast-lines.tsx';
import { isZero, KINDS, type Kind, negated, sumOf } from './sums.ts';
import { moneyText } from './texts.ts';

type LedgerAccount = operations['listLedgerAccounts']['responses'][200]['content']['application/json']['items'][number];

/** Credits in the books: what is owed, and what has gone out. */
const CREDITS: readonly Kind[] = ['held', 'payable', 'credit', 'provider'];
const OWED: readonly Kind[] = ['held', 'payable', 'credit'];

export function useLedgerSums() {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'ledger-sums'],
    staleTime: 30_000,
    queryFn: async () => (await api.GET('/ledger')).data,
  });
}

/** What is owed now, by currency and kind, and what open deals may add to it; each figure opens what it is made of. */
export function Liability() {
  const t = useText(moneyText);
  const [url, setUrl] = useUrlState<'kind' | 'currency' | 'month'>();
  const kind = KINDS.find((one) => one === url.kind);
  if (kind && url.currency) return <Accounts kind={kind} currency={url.currency} />;
  if (url.month && url.currency) return <ForecastLines currency={url.currency} month={url.month} />;
  return (
    <Stack gap="xl">
      <Figures onOpen={(of, currency) => setUrl({ kind: of, currency })} emptyText={t('nothingBooked')} />
      <Divider />
      <Forecast />
    </Stack>
  );
}

function Figures({ onOpen, emptyText }: { onOpen: (kind: Kind, currency: string) => void; emptyText: string }) {
  const t = useText(moneyText);
  const { money, number } = useFormat();
  const query = useLedgerSums();
  return (
    <Loaded query={query}>
      {(sums) => {
        const items = sums?.items ?? [];
        if (items.length === 0) return <Empty title={emptyText} />;
        const byCurrency = [...Map.groupBy(items, ({ currency }) => currency)];
        const totals = byCurrency.flatMap(([, own]) => sumOf(own) ?? []);
        const isSound = totals.every(isZero);
        return (
          <Stack gap="lg">
            {byCurrency.map(([currency, own]) => {
              const owed = sumOf(own.filter(({ kind }) => OWED.includes(kind)));
              const figure = (kind: Kind) => own.find((one) => one.kind === kind);
              return (
                <Stack key={currency} gap="sm" component="section">
                  <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm">
                    <Tile
                      title={t('owedNow', { currency })}
                      value={money(negated(owed ?? { amount: '0', currency }))}
                      notes={[t('owedNowWhat')]}
                    />
                    {(['receivable', 'provider', 'expense'] as const).map((kind) => {
                      const found = figure(kind) ?? { amount: '0', currency };
                      return (
                        <Tile
                          key={kind}
                          title={t(kind === 'receivable' ? 'owedBack' : kind === 'provider' ? 'paidOut' : 'cost')}
                          value={money(CREDITS.includes(kind) ? negated(found) : found)}
                          notes={[t(`${kind}What`)]}
                        />
                      );
                    })}
                  </SimpleGrid>
                  <Wide label={t('owedNow', { currency })}>
                    <Table aria-label={t('owedNow', { currency })} verticalSpacing="xs" miw={560}>
                      <Table.Thead>
                        <Table.Tr>
                          <Table.Th>{t('account')}</Table.Th>
                          <Table.Th ta="right">{t('accountsCount')}</Table.Th>
                          <Table.Th ta="right">{t('amount')}</Table.Th>
                        </Table.Tr>
                      </Table.Thead>
                      <Table.Tbody>
                        {own.map((one) => (
                          <Table.Tr key={one.kind}>
                            <Table.Td>
                              {t(one.kind)}
                              <Text size="xs" c="dimmed">
                                {t(`${one.kind}What`)}
                              </Text>
                            </Table.Td>
                            <Table.Td ta="right">{number(one.accounts)}</Table.Td>
                            <Table.Td ta="right">
                              <Anchor
                                component="button"
                                type="button"
                                fz="sm"
                                onClick={() => onOpen(one.kind, currency)}
                              >
                                {money(CREDITS.includes(one.kind) ? negated(one) : one)}
                              </Anchor>
                            </Table.Td>
                          </Table.Tr>
                        ))}
                      </Table.Tbody>
                    </Table>
                  </Wide>
                </Stack>
              );
            })}
            <Text size="sm" c={isSound ? 'dimmed' : 'var(--mantine-color-error)'}>
              {t(isSound ? 'booksBalance' : 'booksWrong', { sums: totals.map(money).join(', ') })}
            </Text>
          </Stack>
        );
      }}
    </Loaded>
  );
}

function Accounts({ kind, currency }: { kind: Kind; currency: string }) {
  const t = useText(moneyText);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const [, setUrl] = useUrlState();
  const sums = useLedgerSums();
  const sum = sums.data?.items.find((one) => one.kind === kind && one.currency === currency);
  const shown = (one: Amount) => money(CREDITS.includes(kind) ? negated(one) : one);
  const title = t('accountsOf', { kind: t(kind), currency });
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => setUrl({ kind: undefined, currency: undefined })}
        >
          {t('all')}
        </Anchor>
      </Group>
      <Group justify="space-between" align="baseline">
        <Title order={2} size="h4">
          {title}
        </Title>
        <Text fw={600}>{sum ? t('totals', { sums: shown(sum) }) : ''}</Text>
      </Group>
      <PagedTable<LedgerAccount>
        label={title}
        queryKey={[account.id, 'ledger-accounts', kind, currency]}
        load={async (cursor) => {
          const params = { path: { ledgerKind: kind, currency }, query: cursor === undefined ? {} : { cursor } };
          const { data } = await api.GET('/ledger/{ledgerKind}/{currency}/accounts', { params });
          return data ?? { items: [], nextCursor: null };
        }}
        columns={[
          {
            key: 'whose',
            title: t('whose'),
            cell: (one) => one.name ?? one.account.slice(one.account.indexOf(':') + 1),
          },
          {
            key: 'account',
            title: t('account'),
            cell: (one) => (
              <Text size="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
                {one.account}
              </Text>
            ),
          },
          { key: 'amount', title: t('amount'), align: 'right', cell: shown },
          {
            key: 'open',
            title: t('open'),
            isTitleHidden: true,
            align: 'right',
            cell: (one) => (
              <Button
                size="xs"
                variant="subtle"
                aria-label={`${t('open')}: ${one.name ?? one.account}`}
                onClick={() => setUrl({ tab: 'ledger', account: one.account, currency, kind: undefined })}
              >
                {t('open')}
              </Button>
            ),
          },
        ]}
      />
    </Stack>
  );
}
