import {
  Alert,
  Anchor,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Paper,
  Radio,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { TagsInput } from '../../parts/later.tsx';
import { usePublishedPrograms } from '../../parts/programs.ts';
import { Loaded, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { appText } from './app-texts.ts';
import { type Connection, crmName, useConnection } from './queries.ts';

type AppSettings = operations['getAppSettings']['responses'][200]['content']['application/json'];
type Saying = Omit<operations['setAppSettings']['requestBody']['content']['application/json'], 'version'>;
type Notice = AppSettings['notifications'][number]['notice'];

/** In the order in which the service tells them. */
const NOTICES: readonly Notice[] = [
  'review_due',
  'urgent_alert',
  'sync_trouble',
  'drift',
  'low_budget',
  'payout_failed',
];
/** Granted only where HubSpot has approved the app for app events. */
const EVENTS_SCOPE = 'timeline';

export default function AppSettingsScreen() {
  const t = useText(appText);
  const { account } = useAccount();
  const { connectionId = '' } = useParams({ strict: false }) as { connectionId?: string };
  const connection = useConnection(connectionId);
  return (
    <Loaded query={connection}>
      {(found) =>
        found && (
          <Screen
            title={t('title', { crm: `${crmName(found)} ${found.externalId}` })}
            description={t('what')}
            actions={
              <Anchor component={Link} to={`/${account.id}/connections` as string} size="sm">
                {t('back')}
              </Anchor>
            }
          >
            <CardActors connection={found} />
            <InTheApp connection={found} />
          </Screen>
        )
      }
    </Loaded>
  );
}

function Section({ title, what, children }: { title: string; what: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title} maw={860}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h5">
            {title}
          </Title>
          <Text size="sm" c="dimmed">
            {what}
          </Text>
        </div>
        {children}
      </Stack>
    </Paper>
  );
}

/** What becomes of saving one section: where it stands, in words. */
function Saved({
  save: { isPending, isError, isSuccess, error },
  isDirty,
  named = [],
}: {
  save: { isPending: boolean; isError: boolean; isSuccess: boolean; error: unknown };
  isDirty: boolean;
  /** Problems that stand beside their fields. */
  named?: readonly string[];
}) {
  const t = useText(appText);
  const word = useText(common);
  const { may } = useAccount();
  if (!may('connections.write')) return null;
  const errors = isError ? (problemIn(error).errors ?? []) : [];
  const isAllNamed = errors.length > 0 && errors.every(({ problem }) => named.includes(problem));
  return (
    <>
      {isError && !isAllNamed && <ProblemNote thrown={error} />}
      {isSuccess && !isDirty && (
        <Alert color="green" role="status">
          {t('saved')}
        </Alert>
      )}
      <Group>
        <Button type="submit" variant="default" disabled={!isDirty} loading={isPending}>
          {word('save')}
        </Button>
      </Group>
    </>
  );
}

function submitting(isPending: boolean, save: () => void) {
  return (event: FormEvent) => {
    event.preventDefault();
    if (!isPending) save();
  };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Who may press buttons of the cards. */
function CardActors({ connection: { id, cardActors } }: { connection: Connection }) {
  const t = useText(appText);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const [who, setWho] = useState<'all' | 'some' | 'none'>(
    cardActors === null ? 'all' : cardActors.length === 0 ? 'none' : 'some',
  );
  const [some, setSome] = useState<string[]>(cardActors ?? []);
  const users = who === 'all' ? null : who === 'none' ? [] : some;
  const save = useMutation({
    mutationFn: async () =>
      (
        await api.PUT('/connections/{connectionId}/card-actors', {
          params: { path: { connectionId: id } },
          body: { users },
        })
      ).data,
    onSuccess: (saved) => client.setQueryData([account.id, 'connections', id], saved),
  });
  const errors = save.isError ? (problemIn(save.error).errors ?? []) : [];
  const wrong = errors.find(({ field }) => field.startsWith('users'))?.problem;
  const isDirty = !same(users, cardActors) && !(who === 'some' && some.length === 0);
  const mayWrite = may('connections.write');
  return (
    <form onSubmit={submitting(save.isPending, save.mutate)} noValidate>
      <Section title={t('actors')} what={t('actorsWhat')}>
        <Radio.Group
          aria-label={t('actors')}
          value={who}
          onChange={(value) => setWho(value as typeof who)}
          readOnly={!mayWrite}
        >
          <Stack gap="xs">
            {(['all', 'some', 'none'] as const).map((value) => (
              <Radio key={value} value={value} label={t(`actors_${value}`)} disabled={!mayWrite} />
            ))}
          </Stack>
        </Radio.Group>
        {who === 'some' && (
          <TagsInput
            label={t('actorsList')}
            description={t('actorsListWhat')}
            value={some}
            error={wrong}
            readOnly={!mayWrite}
            acceptValueOnBlur
            onChange={setSome}
          />
        )}
        <Saved save={save} isDirty={isDirty} named={wrong === undefined ? [] : [wrong]} />
      </Section>
    </form>
  );
}

/** What is set in the app inside the CRM, section by section; each is saved by itself. */
function InTheApp({ connection }: { connection: Connection }) {
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'app-settings', connection.id],
    // What somebody is writing is not changed under their hands; another's change is told when they save.
    refetchOnWindowFocus: false,
    queryFn: async () =>
      (await api.GET('/connections/{connectionId}/app-settings', { params: { path: { connectionId: connection.id } } }))
        .data,
  });
  return (
    <Loaded query={query}>
      {(settings) =>
        settings && (
          <>
            <Managers settings={settings} />
            <Programs settings={settings} />
            {connection.provider === 'hubspot' && (
              <>
                <Notifications settings={settings} />
                <Objects settings={settings} />
                {(settings.events === 'on' || connection.scopes.includes(EVENTS_SCOPE)) && (
                  <Events settings={settings} />
                )}
              </>
            )}
          </>
        )
      }
    </Loaded>
  );
}

/** Saves one part on top of the version that is shown; what others have set is told, and read again. */
function useSaving({ connectionId, version }: AppSettings) {
  const { api, account } = useAccount();
  const client = useQueryClient();
  const queryKey = [account.id, 'app-settings', connectionId];
  return useMutation({
    mutationFn: async (said: Saying) =>
      (
        await api.PUT('/connections/{connectionId}/app-settings', {
          params: { path: { connectionId } },
          body: { version, ...said },
        })
      ).data,
    onSuccess: (saved) => client.setQueryData(queryKey, saved),
    // The newest is shown where nothing was written, and what was written goes on top of it.
    onError: (thrown) => {
      if (problemIn(thrown).code === 'settings_changed') void client.invalidateQueries({ queryKey });
    },
  });
}

/** A part of the settings as somebody writes it: until they do, what holds is shown, whoever has set it. */
function useWritten<T>(held: T): { value: T; set: (value: T | null) => void; isDirty: boolean } {
  const [written, set] = useState<T | null>(null);
  const value = written ?? held;
  return { value, set, isDirty: !same(value, held) };
}

function problemOf(save: { isError: boolean; error: unknown }, part: string): string | undefined {
  const errors = save.isError ? (problemIn(save.error).errors ?? []) : [];
  return errors.find(({ field }) => field === part || new RegExp(`^${part}[.[]`).test(field))?.problem;
}

function Managers({ settings }: { settings: AppSettings }) {
  const t = useText(appText);
  const { may } = useAccount();
  const save = useSaving(settings);
  const { value, set, isDirty } = useWritten(settings.managers);
  const wrong = problemOf(save, 'managers');
  return (
    <form onSubmit={submitting(save.isPending, () => save.mutate({ managers: value }, { onSuccess: () => set(null) }))}>
      <Section title={t('managers')} what={t('managersWhat')}>
        <TagsInput
          label={t('managersList')}
          description={t('managersListWhat')}
          value={value}
          error={wrong}
          readOnly={!may('connections.write')}
          acceptValueOnBlur
          onChange={set}
        />
        <Saved save={save} isDirty={isDirty} named={wrong === undefined ? [] : [wrong]} />
      </Section>
    </form>
  );
}

function Programs({ settings }: { settings: AppSettings }) {
  const t = useText(appText);
  const { may } = useAccount();
  const save = useSaving(settings);
  const { value, set, isDirty } = useWritten<{ programs: string[] | null }>({ programs: settings.programs });
  const published = usePublishedPrograms();
  const mayWrite = may('connections.write');
  const chosen = value.programs;
  const names = new Map((published.data ?? []).map(({ value: programId, label }) => [programId, label]));
  const listed = [...new Set([...names.keys(), ...(settings.programs ?? [])])];
  const choose = (programs: string[] | null) => set({ programs });
  return (
    <form
      onSubmit={submitting(save.isPending, () =>
        save.mutate({ programs: chosen === null ? null : chosen.toSorted() }, { onSuccess: () => set(null) }),
      )}
    >
      <Section title={t('programs')} what={t('programsWhat')}>
        <Radio.Group
          aria-label={t('programs')}
          value={chosen === null ? 'all' : 'some'}
          onChange={(next) => choose(next === 'all' ? null : (settings.programs ?? []))}
        >
          <Stack gap="xs">
            <Radio value="all" label={t('programs_all')} disabled={!mayWrite} />
            <Radio value="some" label={t('programs_some')} disabled={!mayWrite} />
          </Stack>
        </Radio.Group>
        {chosen !== null && (
          <Checkbox.Group aria-label={t('programs_some')} value={chosen} onChange={(next) => choose(next.toSorted())}>
            <Stack gap="xs" pl="lg">
              {listed.map((programId) => (
                <Checkbox
                  key={programId}
                  value={programId}
                  disabled={!mayWrite}
                  label={names.has(programId) ? `${names.get(programId)} (${programId})` : programId}
                />
              ))}
              {listed.length === 0 && <Text size="sm">{t('programsNone')}</Text>}
            </Stack>
          </Checkbox.Group>
        )}
        {chosen?.length === 0 && (
          <Alert color="orange" role="status">
            {t('programsNoneChosen')}
          </Alert>
        )}
        <Saved save={save} isDirty={isDirty} />
      </Section>
    </form>
  );
}

function Notifications({ settings }: { settings: AppSettings }) {
  const t = useText(appText);
  const { may } = useAccount();
  const save = useSaving(settings);
  const { value, set, isDirty } = useWritten(settings.notifications);
  const mayWrite = may('connections.write');
  const routeOf = (notice: Notice) => value.find((one) => one.notice === notice);
  function route(notice: Notice, to: string | null | undefined) {
    const next = NOTICES.flatMap((one): AppSettings['notifications'] => {
      if (one !== notice) return value.filter((route) => route.notice === one);
      return to === undefined ? [] : [{ notice, channel: 'crm_task', to }];
    });
    set(next);
  }
  return (
    <form
      onSubmit={submitting(save.isPending, () => {
        const notifications = value.map((one) => ({ ...one, to: one.to?.trim() || null }));
        save.mutate({ notifications }, { onSuccess: () => set(null) });
      })}
      noValidate
    >
      <Section title={t('notices')} what={t('noticesWhat')}>
        <Stack gap="sm">
          {NOTICES.map((notice) => {
            const told = routeOf(notice);
            const at = value.findIndex((one) => one.notice === notice);
            return (
              <Group key={notice} justify="space-between" align="flex-start" gap="sm">
                <Checkbox
                  flex="1 1 280px"
                  label={t(`notice_${notice}`)}
                  description={t(`noticeWhat_${notice}`)}
                  checked={told !== undefined}
                  disabled={!mayWrite}
                  onChange={({ currentTarget }) => route(notice, currentTarget.checked ? null : undefined)}
                />
                {told && (
                  <TextInput
                    w={240}
                    size="xs"
                    aria-label={t('noticeTo', { notice: t(`notice_${notice}`) })}
                    placeholder={t('nobody')}
                    value={told.to ?? ''}
                    maxLength={40}
                    readOnly={!mayWrite}
                    error={problemOf(save, `notifications[${at}]`)}
                    onChange={({ currentTarget }) => route(notice, currentTarget.value)}
                  />
                )}
              </Group>
            );
          })}
        </Stack>
        <Text size="sm" c="dimmed">
          {t('noticesWho')}
        </Text>
        <Saved
          save={save}
          isDirty={isDirty}
          named={value.flatMap((_, at) => problemOf(save, `notifications[${at}]`) ?? [])}
        />
      </Section>
    </form>
  );
}

function OnOff({ part, settings }: { part: 'objects' | 'events'; settings: AppSettings }) {
  const t = useText(appText);
  const { may } = useAccount();
  const save = useSaving(settings);
  const held = settings[part] === 'on' ? 'on' : 'off';
  const { value, set, isDirty } = useWritten<'on' | 'off'>(held);
  return (
    <form onSubmit={submitting(save.isPending, () => save.mutate({ [part]: value }, { onSuccess: () => set(null) }))}>
      <Section title={t(part)} what={t(`${part}What`)}>
        {settings[part] === 'leaving' && (
          <Alert color="gray" role="status">
            {t('leaving')}
          </Alert>
        )}
        <NativeSelect
          w={280}
          aria-label={t(part)}
          value={value}
          disabled={!may('connections.write')}
          data={(['off', 'on'] as const).map((one) => ({ value: one, label: t(`${part}_${one}`) }))}
          onChange={({ currentTarget }) => set(currentTarget.value as 'on' | 'off')}
        />
        <Saved save={save} isDirty={isDirty} />
      </Section>
    </form>
  );
}

const Objects = ({ settings }: { settings: AppSettings }) => <OnOff part="objects" settings={settings} />;
const Events = ({ settings }: { settings: AppSettings }) => <OnOff part="events" settings={settings} />;
