import { type AppSettings, type ObjectsChoice, tidied, USUAL_APP_SETTINGS } from '../domain/app-settings.ts';
import type { Clock } from '../platform/clock.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Connection, KeptAppSettings, Store } from './ports/store.ts';

/** Somebody else may install or save at the same moment. */
const TRIES = 5;
const INSTALL = 'install';

export interface AppSettingsDeps {
  readonly store: Pick<Store, 'appSettings' | 'connections' | 'programs' | 'mirror'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Whether people of a CRM can be told by tasks. */
  readonly hasTasks: (provider: string) => boolean;
  /** What has to be granted for objects of our own; undefined for a CRM where nobody chooses them. */
  readonly objectScopes: (provider: string) => readonly string[] | undefined;
  /** What has to be granted for telling timelines; undefined where they take nothing of ours. Absent: they never do. */
  readonly appEventScopes?: (provider: string) => readonly string[] | undefined;
  readonly openSession: (connection: Connection) => Pick<CrmSession, 'objects'>;
}

export type AppSettingsSaved =
  | { readonly kind: 'saved'; readonly kept: KeptAppSettings }
  | { readonly kind: 'no_such_connection' }
  /** Another version is in force than the one that was read. */
  | { readonly kind: 'changed' }
  /** Programs that the account has never published. */
  | { readonly kind: 'no_such_programs'; readonly programs: readonly string[] }
  /** The CRM has no tasks by which somebody could be told. */
  | { readonly kind: 'no_tasks' }
  /** Nobody chooses objects of our own in this CRM. */
  | { readonly kind: 'no_objects' }
  /** The CRM has not granted what they need. */
  | { readonly kind: 'objects_not_granted' }
  /** They cannot be had there, and why. */
  | { readonly kind: 'objects_impossible'; readonly why: string }
  /** Timelines of this CRM take nothing of ours, or our app is not approved for it. */
  | { readonly kind: 'no_events' }
  /** The CRM has not granted what telling them needs. */
  | { readonly kind: 'events_not_granted' };

/** What an admin says; what is being removed says the service itself. */
export type SaidAppSettings = Partial<Omit<AppSettings, 'objects' | 'events'>> & {
  readonly objects?: 'off' | 'on' | undefined;
  readonly events?: 'off' | 'on' | undefined;
};

export interface AppSettingsDesk {
  /** What holds; null for a connection that the account does not have. */
  of(accountId: string, connectionId: string): Promise<KeptAppSettings | null>;
  /** What is not said stays as it is; the same again changes nothing. */
  save(
    accountId: string,
    connectionId: string,
    said: SaidAppSettings,
    as: { readonly basis: number; readonly by: string },
  ): Promise<AppSettingsSaved>;
  /** Whether the CRM has granted what objects of our own need; null for a CRM where nobody chooses them. */
  areObjectsGranted(connection: Pick<Connection, 'provider' | 'scopes'>): boolean | null;
  /** Whoever has just consented in the CRM, as only its admins can, may change what is set there. */
  welcome(connection: Connection, userId: string): Promise<void>;
}

/** What is set in the app inside a CRM, and who may set it. */
export function createAppSettings({
  store,
  clock,
  hasTasks,
  objectScopes,
  appEventScopes,
  openSession,
}: AppSettingsDeps): AppSettingsDesk {
  const inForce = async (accountId: string, connectionId: string): Promise<KeptAppSettings> =>
    (await store.appSettings.newest(accountId, connectionId)) ?? {
      version: 0,
      settings: USUAL_APP_SETTINGS,
      by: '',
      at: 0,
    };
  async function unpublished(accountId: string, programIds: readonly string[]): Promise<string[]> {
    if (programIds.length === 0) return [];
    const published = new Set((await store.programs.versions(accountId)).map(({ programId }) => programId));
    return programIds.filter((id) => !published.has(id));
  }

  function areObjectsGranted({ provider, scopes }: Pick<Connection, 'provider' | 'scopes'>): boolean | null {
    const wanted = objectScopes(provider);
    return wanted === undefined ? null : wanted.every((scope) => scopes.includes(scope));
  }

  function eventsRefused({ provider, scopes }: Connection): AppSettingsSaved | null {
    const wanted = appEventScopes?.(provider);
    if (wanted === undefined) return { kind: 'no_events' };
    return wanted.every((scope) => scopes.includes(scope)) ? null : { kind: 'events_not_granted' };
  }

  /** Null when they can be had. @throws Fault when the CRM has to be asked and does not answer. */
  async function objectsRefused(connection: Connection): Promise<AppSettingsSaved | null> {
    const isGranted = areObjectsGranted(connection);
    if (isGranted === null) return { kind: 'no_objects' };
    const { objects } = openSession(connection);
    if (!isGranted || !objects) return { kind: 'objects_not_granted' };
    const why = await objects.obstacle();
    return why === null ? null : { kind: 'objects_impossible', why };
  }

  return {
    areObjectsGranted,

    async of(accountId, connectionId) {
      const connection = await store.connections.get(accountId, connectionId);
      return connection && inForce(accountId, connectionId);
    },

    async save(accountId, connectionId, said, { basis, by }) {
      const connection = await store.connections.get(accountId, connectionId);
      if (!connection) return { kind: 'no_such_connection' };
      if ((said.notifications?.length ?? 0) > 0 && !hasTasks(connection.provider)) return { kind: 'no_tasks' };
      const unknown = await unpublished(accountId, said.programs ?? []);
      if (unknown.length > 0) return { kind: 'no_such_programs', programs: unknown };
      const { settings: before, version } = await inForce(accountId, connectionId);
      const objects = chosenObjects(before.objects, said.objects);
      const isTurnedOn = objects === 'on' && before.objects !== 'on';
      // Who comes second is told so before the CRM is asked.
      if (isTurnedOn && version === basis) {
        const refused = await objectsRefused(connection);
        if (refused) return refused;
      }
      const events = said.events === undefined ? before.events : said.events === 'on' ? 'on' : undefined;
      if (events === 'on' && before.events !== 'on' && version === basis) {
        const refused = eventsRefused(connection);
        if (refused) return refused;
      }
      const as = { basis, by, now: clock.now() };
      const settings = tidied({ ...before, ...said, objects, events });
      const kept = await store.appSettings.save(accountId, connectionId, settings, as);
      if (!kept) return { kind: 'changed' };
      // The first write finds the objects missing and makes them.
      if (isTurnedOn) await store.mirror.markAll(accountId, connectionId, clock.now());
      return { kind: 'saved', kept };
    },

    async welcome({ accountId, id }, userId) {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const { version, settings } = await inForce(accountId, id);
        if (settings.managers.includes(userId)) return;
        const wider = tidied({ ...settings, managers: [...settings.managers, userId] });
        const as = { basis: version, by: INSTALL, now: clock.now() };
        if (await store.appSettings.save(accountId, id, wider, as)) return;
      }
    },
  };
}

/** What was never on has no rows to remove. */
function chosenObjects(before: ObjectsChoice, said: 'off' | 'on' | undefined): ObjectsChoice {
  if (said === undefined) return before;
  return said === 'off' && before !== 'off' ? 'leaving' : said;
}
