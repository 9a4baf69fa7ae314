import { Alert, Button, Group, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useMemo, useState } from 'react';
import type { components } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useLocale, useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Loaded, ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { batchingText } from './batching-texts.ts';

type Held = components['schemas']['Batching'];
type Schedule = Held['schedule'];
type Weekday = Extract<Schedule, { kind: 'weekday' }>['weekday'];

/** What is paid by hand always gathers; the others send each order by itself until somebody says otherwise. The rest are never batched. */
const ALWAYS = 'manual';
const BATCHED: readonly string[] = [ALWAYS, 'paypal', 'stripe', 'tremendous'];

const WEEKDAYS: readonly Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const MONTH_DAYS = Array.from({ length: 28 }, (_, index) => String(index + 1));
/** A Monday; the names of the days follow from it. */
const MONDAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

/** Whether, when and on whose word orders to this provider go out together. */
export function BatchingPanel({ provider }: { provider: string }) {
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'payout-schedules'],
    enabled: BATCHED.includes(provider),
    queryFn: async () => (await api.GET('/payout-schedules')).data,
  });
  if (!BATCHED.includes(provider)) return null;
  return (
    <Loaded query={query}>
      {(all) => {
        const held = all?.items.find((one) => one.provider === provider);
        return <Panel provider={provider} held={held} />;
      }}
    </Loaded>
  );
}

/** "Monday", as the user's language calls it. */
function useWeekday(): (weekday: Weekday) => string {
  const locale = useLocale();
  return useMemo(() => {
    const format = new Intl.DateTimeFormat(locale, { weekday: 'long', timeZone: 'UTC' });
    return (weekday) => format.format(MONDAY + WEEKDAYS.indexOf(weekday) * DAY_MS);
  }, [locale]);
}

function Panel({ provider, held }: { provider: string; held: Held | undefined }) {
  const t = useText(batchingText);
  const { may } = useAccount();
  const { dayInUtc } = useFormat();
  const weekday = useWeekday();
  const scheduleText = (schedule: Schedule) => {
    if (schedule === null) return t('byHand');
    if (schedule.kind === 'weekday') return t('everyWeekday', { weekday: weekday(schedule.weekday) });
    return schedule.day === 'last' ? t('everyLast') : t('everyDay', { day: schedule.day });
  };
  return (
    <Paper withBorder p="md" component="section" aria-label={t('batching')} maw={640}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h4">
            {t('batching')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('what')}
          </Text>
        </div>
        <Text size="sm">
          {held
            ? `${scheduleText(held.schedule)} ${t(`approval_${held.approval}`)}`
            : t(provider === ALWAYS ? 'usualManual' : 'usual')}
          {held?.nextCutAt && ` ${t('next', { day: dayInUtc(held.nextCutAt) })}`}
        </Text>
        {may('providers.write') && <BatchingForm provider={provider} held={held} weekday={weekday} />}
      </Stack>
    </Paper>
  );
}

function whenOf(schedule: Schedule): string {
  if (schedule === null) return 'hand';
  return schedule.kind === 'weekday' ? schedule.weekday : String(schedule.day);
}

function scheduleOf(when: string): Schedule {
  if (when === 'hand') return null;
  const weekday = WEEKDAYS.find((one) => one === when);
  if (weekday) return { kind: 'weekday', weekday };
  return { kind: 'month_day', day: when === 'last' ? 'last' : Number(when) };
}

function BatchingForm({
  provider,
  held,
  weekday,
}: {
  provider: string;
  held: Held | undefined;
  weekday: (weekday: Weekday) => string;
}) {
  const t = useText(batchingText);
  const word = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [when, setWhen] = useState(whenOf(held?.schedule ?? null));
  const [approval, setApproval] = useState<Held['approval']>(held?.approval ?? 'none');
  const params = { path: { provider } };
  const queryKey = [account.id, 'payout-schedules'];
  // Null: as it is where nobody has said anything.
  const save = useMutation({
    async mutationFn(how: Pick<Held, 'schedule' | 'approval'> | null) {
      if (how === null) return (await api.DELETE('/providers/{provider}/batching', { params })).data?.items ?? [];
      await api.PUT('/providers/{provider}/batching', { params, body: how });
      return (await api.GET('/payout-schedules')).data?.items ?? [];
    },
    onSuccess(items, how) {
      client.setQueryData(queryKey, { items });
      if (how !== null) return;
      setWhen('hand');
      setApproval('none');
    },
  });
  const isSame = held !== undefined && when === whenOf(held.schedule) && approval === held.approval;
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!save.isPending) save.mutate({ schedule: scheduleOf(when), approval });
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm">
        <NativeSelect
          label={t('when')}
          description={t('whenWhat')}
          value={when}
          data={[
            { value: 'hand', label: t('whenHand') },
            { group: t('weekly'), items: WEEKDAYS.map((one) => ({ value: one, label: weekday(one) })) },
            {
              group: t('monthly'),
              items: [
                ...MONTH_DAYS.map((day) => ({ value: day, label: t('dayOfMonth', { day }) })),
                { value: 'last', label: t('lastDay') },
              ],
            },
          ]}
          onChange={({ currentTarget }) => setWhen(currentTarget.value)}
        />
        <NativeSelect
          label={t('approval')}
          value={approval}
          data={(['none', 'required', 'four_eyes'] as const).map((one) => ({ value: one, label: t(`asks_${one}`) }))}
          onChange={({ currentTarget }) => setApproval(currentTarget.value as Held['approval'])}
        />
        {save.isError && <ProblemNote thrown={save.error} />}
        {save.isSuccess && (isSame || held === undefined) && (
          <Alert color="green" role="status">
            {t('saved')}
          </Alert>
        )}
        <Group>
          <Button type="submit" variant="default" disabled={isSame} loading={save.isPending}>
            {word('save')}
          </Button>
          {held && (
            <ConfirmButton
              label={provider === ALWAYS ? t('removeManual') : t('remove')}
              title={t('batching')}
              loading={save.isPending}
              onConfirm={() => save.mutate(null)}
            >
              {t(provider === ALWAYS ? 'usualManual' : 'usual')}
            </ConfirmButton>
          )}
        </Group>
      </Stack>
    </form>
  );
}
