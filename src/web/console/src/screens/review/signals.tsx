import { Anchor, NativeSelect, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Empty, Loaded, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { Wide } from '../../parts/wide.tsx';
import { useWords } from './desk-words.ts';
import { reviewText } from './texts.ts';

const DAYS = [30, 91, 365] as const;
const USUAL_DAYS = 91;
const DAY_MS = 86_400_000;

/** How often each signal was right, by what people decided within so many days. */
export function useMeasured(days: number = USUAL_DAYS) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'risk-signals', days],
    staleTime: 60_000,
    queryFn: async () => {
      const from = new Date(Date.now() - days * DAY_MS).toISOString();
      return (await api.GET('/risk/signals', { params: { query: { from } } })).data;
    },
  });
}

export default function Signals() {
  const t = useText(reviewText);
  const { account } = useAccount();
  const { word } = useWords();
  const { number, percent } = useFormat();
  const [url, setUrl] = useUrlState<'days'>();
  const days = DAYS.find((one) => String(one) === url.days) ?? USUAL_DAYS;
  const query = useMeasured(days);
  const share = (rate: number | null) => (rate === null ? '–' : percent(rate));
  return (
    <Screen title={t('measured')} description={t('measuredWhat')}>
      <Anchor component={Link} to={`/${account.id}/review` as string} size="sm">
        {t('back')}
      </Anchor>
      <NativeSelect
        aria-label={t('at')}
        w={220}
        value={String(days)}
        data={DAYS.map((one) => ({ value: String(one), label: t('days', { days: one }) }))}
        onChange={(event) => setUrl({ days: event.currentTarget.value })}
      />
      <Loaded query={query}>
        {(counts) =>
          counts && counts.signals.length > 0 ? (
            <>
              <Text size="sm">{t('judged', { judged: number(counts.judged), bad: number(counts.bad) })}</Text>
              <Wide label={t('measured')}>
                <Table aria-label={t('measured')} verticalSpacing="xs" miw={720}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{t('signal')}</Table.Th>
                      {(
                        ['raised', 'confirmed', 'overturned', 'missed', 'falsePositives', 'falseNegatives'] as const
                      ).map((column) => (
                        <Table.Th key={column} ta="right">
                          {t(column)}
                        </Table.Th>
                      ))}
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {counts.signals.map((one) => (
                      <Table.Tr key={one.signal}>
                        <Table.Td>{word(one.signal)}</Table.Td>
                        <Table.Td ta="right">{number(one.raised)}</Table.Td>
                        <Table.Td ta="right">{number(one.confirmed)}</Table.Td>
                        <Table.Td ta="right">{number(one.overturned)}</Table.Td>
                        <Table.Td ta="right">{number(one.missed)}</Table.Td>
                        <Table.Td ta="right">{share(one.falsePositiveRate)}</Table.Td>
                        <Table.Td ta="right">{share(one.falseNegativeRate)}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Wide>
            </>
          ) : (
            <Empty title={t('noMeasure')} />
          )
        }
      </Loaded>
    </Screen>
  );
}
