import {
  Alert,
  Anchor,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type FormEvent, lazy, Suspense, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Empty, Loaded, Loading, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tag } from '../../parts/tag.tsx';
import { type Provider, type UsingRule, useProviders, useRulesByProvider } from './provider-queries.ts';
import { providerText } from './provider-texts.ts';

/** What hands out codes that people look after. */
const COUPONS = 'coupon';
const CouponPool = lazy(() => import('./coupon-pool.tsx').then((one) => ({ default: one.CouponPool })));
const BatchingPanel = lazy(() => import('./batching.tsx').then((one) => ({ default: one.BatchingPanel })));

type Field = Provider['fields'][number];

/** As many currencies as a page shows; a provider may take two hundred. */
const CURRENCIES_SHOWN = 8;

export default function ProviderScreen() {
  const t = useText(providerText);
  const { account, may } = useAccount();
  const { moment } = useFormat();
  const { provider: name = '' } = useParams({ strict: false }) as { provider?: string };
  const query = useProviders();
  const rules = useRulesByProvider();
  return (
    <Loaded query={query}>
      {(providers) => {
        const provider = providers.find((one) => one.name === name);
        if (!provider) return <Empty />;
        const using = rules.data?.get(name) ?? [];
        return (
          <Screen
            title={provider.label}
            description={provider.summary}
            actions={
              <Anchor component={Link} to={`/${account.id}/settings/providers` as string} size="sm">
                {t('back')}
              </Anchor>
            }
          >
            <Group gap="sm">
              <Tag tone={provider.configured ? 'green' : 'gray'}>
                {provider.configured ? t('ready') : t('notReady')}
              </Tag>
              {provider.updatedAt !== null && (
                <Text size="sm" c="dimmed">
                  {t('updated', { moment: moment(provider.updatedAt) })}
                </Text>
              )}
            </Group>
            {name === COUPONS && (
              <Suspense fallback={<Loading />}>
                <CouponPool
                  isGenerated={provider.fields.some((field) => field.name === 'codes' && field.value === 'generated')}
                />
              </Suspense>
            )}
            {provider.fields.length === 0 ? (
              <Text size="sm">{t('noFields')}</Text>
            ) : may('providers.write') ? (
              <Credentials key={provider.updatedAt} provider={provider} using={using} />
            ) : (
              <Text size="sm">{t('mayNot')}</Text>
            )}
            <Suspense fallback={<Loading />}>
              <BatchingPanel provider={name} />
            </Suspense>
            <Using rules={using} />
            <About provider={provider} />
          </Screen>
        );
      }}
    </Loaded>
  );
}

/** The form is drawn from what the provider says that it needs. */
function Credentials({ provider, using }: { provider: Provider; using: readonly UsingRule[] }) {
  const t = useText(providerText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [values, setValues] = useState<Readonly<Record<string, string>>>(
    Object.fromEntries(provider.fields.map(({ name, value }) => [name, value ?? ''])),
  );
  const [takenBack, setTakenBack] = useState<ReadonlySet<string>>(new Set());
  const params = { path: { provider: provider.name } };
  const refresh = () => client.invalidateQueries({ queryKey: [account.id, 'providers'] });
  // What is shown of it stays when the page learns what was saved.
  const resultKey = [account.id, 'provider-test', provider.name];
  const shown = client.getQueryData<TestOutcome>(resultKey);

  const sent = () =>
    provider.fields.flatMap(({ name, secret }) => {
      const value = values[name]?.trim() ?? '';
      if (secret && takenBack.has(name)) return [{ field: name, value: '' }];
      return value === '' ? [] : [{ field: name, value }];
    });
  const tried = async (): Promise<TestOutcome> => {
    try {
      const { data } = await api.POST('/providers/{provider}/test', { params });
      return data ? { kind: 'answered', ...data } : { kind: 'failed', thrown: null };
    } catch (thrown) {
      return { kind: 'failed', thrown };
    }
  };
  const save = useMutation({
    async mutationFn() {
      const body = { values: sent() };
      await api.PUT('/providers/{provider}/credentials', { params, body });
      client.setQueryData(resultKey, await tried());
    },
    onMutate: () => client.removeQueries({ queryKey: resultKey }),
    onSuccess: refresh,
  });
  const test = useMutation({
    mutationFn: async () => client.setQueryData(resultKey, await tried()),
    onMutate: () => client.removeQueries({ queryKey: resultKey }),
  });
  const disable = useMutation({
    mutationFn: () => api.DELETE('/providers/{provider}/credentials', { params }),
    onMutate: () => client.removeQueries({ queryKey: resultKey }),
    onSuccess: refresh,
  });

  const named = fieldProblems(save.error, save.isError ? sent().map(({ field }) => field) : []);
  const wrong = (name: string) =>
    named.get(name) ??
    (shown?.kind === 'answered' && !shown.ok && shown.field === name && !save.isPending ? shown.detail : undefined);
  const isAllNamed =
    named.size > 0 && [...named.keys()].every((name) => provider.fields.some((one) => one.name === name));
  const failed = disable.error ?? test.error ?? (isAllNamed ? null : save.error);
  const isPending = save.isPending || test.isPending;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!isPending) save.mutate();
  }

  return (
    <Paper withBorder p="md" component="form" onSubmit={submit} noValidate aria-label={t('credentials')} maw={640}>
      <Stack gap="md">
        <div>
          <Title order={2} size="h4">
            {t('credentials')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('credentialsWhat')}
          </Text>
        </div>
        {provider.fields.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            value={values[field.name] ?? ''}
            error={wrong(field.name)}
            isTakenBack={takenBack.has(field.name)}
            onChange={(value) => setValues({ ...values, [field.name]: value })}
            onTakeBack={(isTaken) => {
              const next = new Set(takenBack);
              if (isTaken) next.add(field.name);
              else next.delete(field.name);
              setTakenBack(next);
            }}
          />
        ))}
        {failed && <ProblemNote thrown={failed} />}
        {shown && !isPending && <Outcome outcome={shown} />}
        <Group>
          <Button type="submit" loading={save.isPending}>
            {t('saveAndTest')}
          </Button>
          {provider.configured && (
            <Button variant="default" loading={test.isPending} onClick={() => test.mutate()} title={t('testWhat')}>
              {t('test')}
            </Button>
          )}
          {provider.updatedAt !== null && (
            <ConfirmButton
              label={t('disable')}
              title={provider.label}
              onConfirm={() => disable.mutate()}
              loading={disable.isPending}
            >
              {using.length > 0
                ? t('disableUsed', { count: using.length, label: provider.label })
                : t('disableWhat', { label: provider.label })}
            </ConfirmButton>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}

type TestOutcome =
  | { readonly kind: 'answered'; readonly ok: boolean; readonly field: string | null; readonly detail: string }
  | { readonly kind: 'failed'; readonly thrown: unknown };

function Outcome({ outcome }: { outcome: TestOutcome }) {
  const t = useText(providerText);
  if (outcome.kind === 'failed')
    return (
      <Stack gap="xs">
        <Text size="sm">{t('savedNotTested')}</Text>
        <ProblemNote thrown={outcome.thrown} />
      </Stack>
    );
  return (
    <Alert
      color={outcome.ok ? 'green' : 'orange'}
      title={outcome.ok ? t('works') : t('doesNotWork')}
      role={outcome.ok ? 'status' : 'alert'}
    >
      {outcome.detail}
    </Alert>
  );
}

function FieldInput({
  field: { name, label, help, secret, required, choices, given },
  value,
  error,
  isTakenBack,
  onChange,
  onTakeBack,
}: {
  field: Field;
  value: string;
  error: string | undefined;
  isTakenBack: boolean;
  onChange: (value: string) => void;
  onTakeBack: (isTaken: boolean) => void;
}) {
  const t = useText(providerText);
  const common = {
    name,
    label: required ? label : `${label} (${t('optional')})`,
    description: help,
    error,
    value,
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
  };
  if (choices !== null) return <NativeSelect {...common} data={[{ value: '', label: t('choose') }, ...choices]} />;
  if (!secret) return <TextInput {...common} autoComplete="off" />;
  return (
    <Stack gap={4}>
      <PasswordInput
        {...common}
        autoComplete="new-password"
        placeholder={given ? t('leaveEmpty') : ''}
        disabled={isTakenBack}
        aria-invalid={error !== undefined}
      />
      {given && !required && (
        <Checkbox
          size="xs"
          label={t('takeBack')}
          aria-label={`${t('takeBack')}: ${label}`}
          checked={isTakenBack}
          onChange={(event) => onTakeBack(event.currentTarget.checked)}
        />
      )}
    </Stack>
  );
}

/** "values[1].value" is of what was sent second, "values.apiKey" of what was not sent. */
function fieldProblems(thrown: unknown, sent: readonly string[]): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  if (!thrown) return problems;
  for (const { field, problem } of problemIn(thrown).errors ?? []) {
    const place = /^values\[(\d+)\]/.exec(field)?.[1];
    const name = place === undefined ? field.replace(/^values\./, '') : (sent[Number(place)] ?? field);
    problems.set(name, problem);
  }
  return problems;
}

function Using({ rules }: { rules: readonly UsingRule[] }) {
  const t = useText(providerText);
  const { account } = useAccount();
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('whoUses')}
      </Title>
      {rules.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('noRules')}
        </Text>
      ) : (
        <Table aria-label={t('whoUses')} maw={640}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('program')}</Table.Th>
              <Table.Th>{t('rule')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rules.map(({ programId, programName, ruleKey }) => (
              <Table.Tr key={`${programId} ${ruleKey}`}>
                <Table.Td>
                  <Anchor component={Link} to={`/${account.id}/programs/${programId}` as string} size="sm">
                    {programName}
                  </Anchor>
                </Table.Td>
                <Table.Td>{ruleKey}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}

function About({ provider: { amounts, cancelling } }: { provider: Provider }) {
  const t = useText(providerText);
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('amounts')}
      </Title>
      {amounts === null ? (
        <Text size="sm">{t('anyAmount')}</Text>
      ) : (
        <>
          <Table aria-label={t('amounts')} maw={640}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('currency')}</Table.Th>
                <Table.Th ta="right">{t('smallest')}</Table.Th>
                <Table.Th ta="right">{t('largest')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {amounts.slice(0, CURRENCIES_SHOWN).map(({ currency, smallest, largest }) => (
                <Table.Tr key={currency}>
                  <Table.Td>{currency}</Table.Td>
                  <Table.Td ta="right">{smallest}</Table.Td>
                  <Table.Td ta="right">{largest ?? t('noLimit')}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {amounts.length > CURRENCIES_SHOWN && (
            <Text size="sm" c="dimmed">
              {t('more', { count: amounts.length - CURRENCIES_SHOWN })}
            </Text>
          )}
        </>
      )}
      <Title order={2} size="h4">
        {t('takenBack')}
      </Title>
      <Text size="sm">{cancelling.how}</Text>
    </Stack>
  );
}
