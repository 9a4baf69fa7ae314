import { Alert, Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { components, operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { isCurrency } from '../../parts/money-text.ts';
import { Empty, Loading, ProblemNote, problemIn } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { common } from '../../parts/texts.ts';
import { useUrlState } from '../../parts/url-state.ts';
import { Wide } from '../../parts/wide.tsx';
import { rateText } from './rate-texts.ts';

type Rate = components['schemas']['ExchangeRate'];
type Entered = operations['enterRates']['requestBody']['content']['application/json'];

/** What an account that has none yet most likely needs. */
const CURRENCY_USUAL = 'USD';
const BASE_USUAL = 'EUR';
/** As many as the service lists at once: when so many came there may be more. */
const RATES_PER_PAGE = 100;

/** Exchange rates by currency, newest day first; whoever may write money adds the next one. */
export function ExchangeRates() {
  const t = useText(rateText);
  const { api, account, may } = useAccount();
  const [url, setUrl] = useUrlState<'currency' | 'from'>();
  const [typed, setTyped] = useState(url.currency ?? CURRENCY_USUAL);
  const currency = isCurrency(url.currency ?? '') ? (url.currency as string) : CURRENCY_USUAL;
  // The day before which is asked for is left out of the answer; the day itself is to be in it.
  const before = dayAfter(url.from ?? '');
  const queryKey = [account.id, 'rates', currency];
  const query = useInfiniteQuery({
    queryKey: [...queryKey, before],
    initialPageParam: before,
    queryFn: async ({ pageParam }) => {
      const params = { path: { currency }, query: pageParam === undefined ? {} : { before: pageParam } };
      return (await api.GET('/rates/{currency}', { params })).data?.items ?? [];
    },
    getNextPageParam: (page) => (page.length < RATES_PER_PAGE ? undefined : page.at(-1)?.day),
  });
  const newest = useQuery({
    queryKey: [...queryKey, 'newest'],
    queryFn: async () =>
      (await api.GET('/rates/{currency}', { params: { path: { currency } } })).data?.items[0] ?? null,
  });
  const rates = query.data?.pages.flat() ?? [];
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={720}>
        {t('what')}
      </Text>
      <Group align="flex-start" gap="sm">
        <TextInput
          w={140}
          label={t('currency')}
          value={typed}
          maxLength={3}
          error={isCurrency(typed) ? undefined : t('currencyWrong')}
          onChange={({ currentTarget }) => {
            const next = currentTarget.value.toUpperCase();
            setTyped(next);
            if (isCurrency(next)) setUrl({ currency: next });
          }}
        />
        <TextInput
          type="date"
          label={t('upTo')}
          value={url.from ?? ''}
          onChange={({ currentTarget }) => setUrl({ from: currentTarget.value || undefined })}
        />
      </Group>
      {query.isPending && <Loading />}
      {query.isError && <ProblemNote thrown={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rates.length === 0 && (
        <Empty title={t('none', { currency })}>
          <Text size="sm" ta="center">
            {t('noneWhat')}
          </Text>
        </Empty>
      )}
      {rates.length > 0 && <RateTable rates={rates} currency={currency} />}
      {query.hasNextPage && (
        <Group>
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t('more')}
          </Button>
        </Group>
      )}
      {may('money.write') && newest.data !== undefined && (
        <AddRate key={currency} currency={currency} newest={newest.data} />
      )}
    </Stack>
  );
}

function dayAfter(day: string): string | undefined {
  const at = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(at) ? undefined : new Date(at + 86_400_000).toISOString().slice(0, 10);
}

function RateTable({ rates, currency }: { rates: readonly Rate[]; currency: string }) {
  const t = useText(rateText);
  const { dayInUtc } = useFormat();
  return (
    <Wide label={t('ratesOf', { currency })}>
      <Table aria-label={t('ratesOf', { currency })} verticalSpacing="xs" miw={560} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('day')}</Table.Th>
            <Table.Th>{t('until')}</Table.Th>
            <Table.Th ta="right">{t('rate')}</Table.Th>
            <Table.Th>{t('source')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rates.map(({ day, until, base, perBase, source }) => (
            <Table.Tr key={day}>
              <Table.Td>{dayInUtc(day)}</Table.Td>
              <Table.Td>{until === day ? t('thatDay') : dayInUtc(until)}</Table.Td>
              <Table.Td ta="right">{t('perOne', { rate: perBase, currency, base })}</Table.Td>
              <Table.Td>{source}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}

const FIELDS = ['base', 'day', 'until', 'perBase', 'source'] as const;

/** One rate behind the newest; its base and source are those of the one before. */
function AddRate({ currency, newest }: { currency: string; newest: Rate | null }) {
  const t = useText(rateText);
  const word = useText(common);
  const { api, account } = useAccount();
  const { dayInUtc } = useFormat();
  const client = useQueryClient();
  // What was not written follows from the newest one, also when that is another.
  const [written, setWritten] = useState<Partial<Record<(typeof FIELDS)[number], string>>>({});
  const values = {
    base: newest?.base ?? (currency === BASE_USUAL ? '' : BASE_USUAL),
    day: newest ? (dayAfter(newest.until) ?? '') : '',
    until: '',
    perBase: '',
    source: newest?.source ?? '',
    ...written,
  };
  const save = useMutation({
    mutationFn: async ({ until, ...rest }: typeof values) => {
      const rate = { currency, ...rest, ...(until === '' ? {} : { until }) };
      // What is no currency is said by the service, beside its field.
      return (await api.POST('/rates', { body: { rates: [rate] } as Entered })).data;
    },
    async onSuccess() {
      await client.invalidateQueries({ queryKey: [account.id, 'rates', currency] });
      setWritten({});
    },
  });
  const isSaved = save.isSuccess && Object.keys(written).length === 0;
  const errors = save.isError ? (problemIn(save.error).errors ?? []) : [];
  const wrong = (name: string) => errors.find(({ field }) => field === `rates[0].${name}`)?.problem;
  const named = new Set<string>(['currency', ...FIELDS].map((name) => `rates[0].${name}`));
  const whole = errors.filter(({ field }) => !named.has(field) || field === 'rates[0].currency');
  function submit(event: FormEvent) {
    event.preventDefault();
    // The second of a double press finds nothing written that was not saved.
    if (!save.isPending && !isSaved) save.mutate(values);
  }
  const field = (name: (typeof FIELDS)[number]) => ({
    label: t(name === 'perBase' ? 'rate' : name),
    value: values[name],
    error: wrong(name),
    onChange: ({ currentTarget: { value } }: { currentTarget: { value: string } }) =>
      setWritten({ ...written, [name]: name === 'base' ? value.toUpperCase() : value }),
  });
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit} noValidate aria-label={t('add')} maw={860}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h5">
            {t('add')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('addWhat')}
          </Text>
        </div>
        <Group align="flex-start" gap="sm">
          <TextInput {...field('day')} type="date" />
          <TextInput {...field('until')} type="date" description={t('untilWhat')} inputWrapperOrder={ORDER} />
          <TextInput
            {...field('perBase')}
            w={200}
            inputMode="decimal"
            placeholder="1.0832"
            description={t('perOneWhat', { currency, base: values.base || '…' })}
            inputWrapperOrder={ORDER}
          />
          <TextInput {...field('base')} w={110} maxLength={3} readOnly={newest !== null} />
          <TextInput {...field('source')} w={180} maxLength={100} placeholder={t('sourceSuch')} />
        </Group>
        {whole.length > 0 && (
          <Alert color="red" role="alert">
            {whole.map(({ problem }) => problem).join(' ')}
          </Alert>
        )}
        {save.isError && errors.length === 0 && <ProblemNote thrown={save.error} />}
        {isSaved && (
          <Alert color="green" role="status">
            {t('entered', { day: dayInUtc(save.variables.day) })}
          </Alert>
        )}
        <Group>
          <Button type="submit" loading={save.isPending}>
            {word('save')}
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}

/** What explains a field stands below it, so that fields of one line stand in one line. */
const ORDER = ['label', 'input', 'description', 'error'] as ['label', 'input', 'description', 'error'];
