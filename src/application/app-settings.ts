import { type AppSettings, tidied, USUAL_APP_SETTINGS } from '../domain/app-settings.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection, KeptAppSettings, Store } from './ports/store.ts';

/** Somebody else may install or save at the same moment. */
const TRIES = 5;
const INSTALL = 'install';

export interface AppSettingsDeps {
  readonly store: Pick<Store, 'appSettings' | 'connections' | 'programs'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Whether people of a CRM can be told by tasks. */
  readonly hasTasks: (provider: string) => boolean;
}

export type AppSettingsSaved =
  | { readonly kind: 'saved'; readonly kept: KeptAppSettings }
  | { readonly kind: 'no_such_connection' }
  /** Another version is in force than the one that was read. */
  | { readonly kind: 'changed' }
  /** Programs that the account has never published. */
  | { readonly kind: 'no_such_programs'; readonly programs: readonly string[] }
  /** The CRM has no tasks by which somebody could be told. */
  | { readonly kind: 'no_tasks' };

export interface AppSettingsDesk {
  /** What holds; null for a connection that the account does not have. */
  of(accountId: string, connectionId: string): Promise<KeptAppSettings | null>;
  /** What is not said stays as it is; the same again changes nothing. */
  save(
    accountId: string,
    connectionId: string,
    said: Partial<AppSettings>,
    as: { readonly basis: number; readonly by: string },
  ): Promise<AppSettingsSaved>;
  /** Whoever has just consented in the CRM, as only its admins can, may change what is set there. */
  welcome(connection: Connection, userId: string): Promise<void>;
}

/** What is set in the app inside a CRM, and who may set it. */
export function createAppSettings({ store, clock, hasTasks }: AppSettingsDeps): AppSettingsDesk {
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

  return {
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
      const settings = { ...(await inForce(accountId, connectionId)).settings, ...said };
      const as = { basis, by, now: clock.now() };
      const kept = await store.appSettings.save(accountId, connectionId, tidied(settings), as);
      return kept ? { kind: 'saved', kept } : { kind: 'changed' };
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
