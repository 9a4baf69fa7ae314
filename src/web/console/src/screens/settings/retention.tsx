import { Alert, Button, Checkbox, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { NumberInput } from '../../parts/later.tsx';
import { ProblemNote, problemIn } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { retentionText } from './retention-texts.ts';
import { SettingsScreen } from './settings-screen.tsx';

type Retention = operations['getRetention']['responses'][200]['content']['application/json'];
type Item = Retention['items'][number];

export default function RetentionSettings() {
  const t = useText(retentionText);
  return (
    <SettingsScreen
      name="retention"
      title={t('retention')}
      description={t('retentionWhat')}
      load={(api) => api.GET('/retention')}
    >
      {(found) => <RetentionForm found={found} />}
    </SettingsScreen>
  );
}

type Days = Record<string, number | string | null>;

function RetentionForm({ found }: { found: Retention }) {
  const t = useText(retentionText);
  const word = useText(common);
  const { api, account } = useAccount();
  const { since } = useFormat();
  const client = useQueryClient();
  const [days, setDays] = useState<Days>(() => Object.fromEntries(found.items.map((one) => [one.item, one.days])));
  const save = useMutation({
    mutationFn: async () => {
      // An empty field is no number, which the service says.
      const said = Object.fromEntries(
        found.items.flatMap(({ item, days: before }) => (days[item] === before ? [] : [[item, days[item]]])),
      );
      return (await api.PUT('/retention', { body: { version: found.version, days: said as never } })).data;
    },
    onSuccess: (saved) => client.setQueryData([account.id, 'retention'], saved),
  });
  const errors = save.isError ? (problemIn(save.error).errors ?? []) : [];
  const isLess = found.items.some(({ item, days: before }) => {
    const next = days[item];
    return typeof next === 'number' && (before === null || next < before);
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  }

  return (
    <form onSubmit={submit} noValidate>
      <Stack maw={860}>
        {found.items.map((one) => (
          <KeptItem
            key={one.item}
            one={one}
            days={days[one.item] ?? null}
            problem={errors.find(({ field }) => field === `days.${one.item}`)?.problem}
            onChange={(next) => setDays((before) => ({ ...before, [one.item]: next }))}
          />
        ))}
        <Text size="sm" c="dimmed">
          {t('nextAt', { when: since(found.nextAt) })}
        </Text>
        {isLess && (
          <Alert color="orange" role="status">
            {t('lessWarns')}
          </Alert>
        )}
        {save.isError && errors.length === 0 && <ProblemNote thrown={save.error} />}
        {save.isSuccess && (
          <Alert color="green" role="status">
            {t('retentionSaved')}
          </Alert>
        )}
        <Group>
          <Button type="submit" loading={save.isPending}>
            {word('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function KeptItem({
  one,
  days,
  problem,
  onChange,
}: {
  one: Item;
  days: number | string | null;
  problem: string | undefined;
  onChange: (days: number | string | null) => void;
}) {
  const t = useText(retentionText);
  const { day } = useFormat();
  const { item, minDays, maxDays, mayBeForever, usualDays, forgotten } = one;
  return (
    <Paper withBorder p="md" component="section" aria-label={t(item)}>
      <Group justify="space-between" align="flex-start" gap="lg">
        <Stack gap={4} flex="1 1 320px">
          <Title order={2} size="h5">
            {t(item)}
          </Title>
          <Text size="sm" c="dimmed">
            {t(`${item}Why`)}
          </Text>
          <Text size="xs" c="dimmed">
            {t('forgotten')}: {forgotten === null ? t('nothingYet') : t('forgottenUpTo', { day: day(forgotten.upTo) })}
            {forgotten !== null && forgotten.rows > 0 && ` · ${t('forgottenRows', { rows: forgotten.rows })}`}
          </Text>
        </Stack>
        <Stack gap={6} w={220}>
          <NumberInput
            label={t('days')}
            description={t(mayBeForever ? 'boundsOrEver' : 'bounds', { min: minDays, max: maxDays })}
            value={days ?? ''}
            disabled={days === null}
            allowDecimal={false}
            hideControls
            error={problem}
            onChange={(value) => onChange(value)}
          />
          {mayBeForever && (
            <Checkbox
              label={t('forever')}
              checked={days === null}
              onChange={(event) => onChange(event.currentTarget.checked ? null : (one.days ?? usualDays ?? minDays))}
            />
          )}
        </Stack>
      </Group>
    </Paper>
  );
}
