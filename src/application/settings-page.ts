import type {
  SettingsError,
  SettingsResponse,
  SettingsView,
} from '../../contracts/hubspot-settings/settings-view.generated.ts';
import type { ObjectsChoice } from '../domain/app-settings.ts';
import { MAPPABLE_STAGES, type SaidStage } from '../domain/mapping.ts';
import { NOTICES, type NoticeRoute } from '../domain/notice.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { openProgramIn, type ProgramChoice } from '../domain/program-choice.ts';
import { isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { AppSettingsDesk, AppSettingsSaved } from './app-settings.ts';
import type { Connect } from './connect.ts';
import type { ConsoleLink, ConsoleLinks } from './console-links.ts';
import type { Mappings } from './mapping.ts';
import type { Connection, KeptAppSettings, KeptMapping, Store } from './ports/store.ts';

export interface SettingsPageDeps {
  readonly store: Pick<Store, 'programs' | 'appSettings'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly mappings: Pick<Mappings, 'of' | 'say'>;
  readonly appSettings: Pick<AppSettingsDesk, 'of' | 'save' | 'areObjectsGranted'>;
  readonly connect: Pick<Connect, 'begin'>;
  readonly consoleLinks: ConsoleLinks;
}

/** Who asks, as the CRM has signed it. */
export interface SettingsCaller {
  /** The connection that the signed portal names; null when it names none. */
  readonly connection: Connection | null;
  /** By the CRM's own id; null when it did not say. */
  readonly userId: string | null;
}

export type SettingsPage = ReturnType<typeof createSettingsPage>;

/**
 * What an admin sees and sets inside the CRM. Everybody of the portal may look; only who is known here as one of its managers may change
 * anything, whatever the page itself believes.
 */
export function createSettingsPage({ store, clock, mappings, appSettings, connect, consoleLinks }: SettingsPageDeps) {
  async function show(
    { connection, userId }: SettingsCaller,
    more: Partial<SettingsView> = {},
  ): Promise<SettingsResponse> {
    if (connection === null) return NOT_CONNECTED;
    const { accountId, id } = connection;
    const [mapping, kept, programs, choices] = await Promise.all([
      mappings.of(accountId, id),
      appSettings.of(accountId, id),
      store.programs.versions(accountId),
      store.appSettings.choices(accountId),
    ]);
    if (mapping === null || kept === null) return NOT_CONNECTED;
    const isGranted = appSettings.areObjectsGranted(connection) === true;
    const view = viewOf(connection, userId, mapping, kept, programs, choices, isGranted, clock.now());
    return { ok: true, data: { ...withLinks(view, connection, consoleLinks(connection.accountId)), ...more } };
  }

  /** Lets a manager through; everybody else is told who is one. */
  async function asManager(
    { connection, userId }: SettingsCaller,
    run: (connection: Connection, userId: string) => Promise<SettingsError | Partial<SettingsView>>,
  ): Promise<SettingsResponse> {
    if (connection === null) return NOT_CONNECTED;
    const kept = await appSettings.of(connection.accountId, connection.id);
    if (kept === null) return NOT_CONNECTED;
    if (userId === null || !kept.settings.managers.includes(userId))
      return { ok: false, code: 'forbidden', message: `You may not change this. ${WHO_MAY}` };
    const done = await run(connection, userId);
    return 'code' in done ? done : show({ connection, userId }, done);
  }

  return {
    show: (caller: SettingsCaller) => show(caller),

    sayMapping: (caller: SettingsCaller, said: readonly SaidStage[], basis: string) =>
      asManager(caller, async ({ accountId, id }) => {
        const result = await mappings.say(accountId, id, said, { basis });
        switch (result.kind) {
          case 'said':
            return {};
          case 'changed':
            return CHANGED;
          case 'no_such_connection':
            return NOT_CONNECTED;
          case 'not_read_yet':
            return unavailable('The stages were not read from HubSpot yet. They are, by the next sweep.');
          case 'refused':
          case 'wrong':
            return {
              ok: false,
              code: 'invalid_request',
              message: 'That cannot be said of these stages. Reload the page.',
            };
        }
      }),

    choosePrograms: (caller: SettingsCaller, programs: readonly string[] | null, basis: number) =>
      asManager(caller, async ({ accountId, id }, userId) => {
        const saved = await appSettings.save(accountId, id, { programs }, { basis, by: `crm user ${userId}` });
        return refusalOf(saved) ?? {};
      }),

    chooseNotices: (caller: SettingsCaller, notifications: readonly NoticeRoute[], basis: number) =>
      asManager(caller, async ({ accountId, id }, userId) => {
        const saved = await appSettings.save(accountId, id, { notifications }, { basis, by: `crm user ${userId}` });
        return refusalOf(saved) ?? {};
      }),

    /** @throws Fault when HubSpot has to be asked and does not answer. */
    chooseObjects: (caller: SettingsCaller, isOn: boolean, basis: number) =>
      asManager(caller, async ({ accountId, id }, userId) => {
        const objects = isOn ? 'on' : 'off';
        const saved = await appSettings.save(accountId, id, { objects }, { basis, by: `crm user ${userId}` });
        return refusalOf(saved) ?? {};
      }),

    reconnect: (caller: SettingsCaller) =>
      asManager(caller, async ({ accountId, provider }) => {
        const begun = await connect.begin(accountId, provider);
        return begun?.url ? { reconnectUrl: begun.url } : unavailable('No link can be made just now.');
      }),
  };
}

const WHO_MAY =
  'Whoever has connected this portal may, and whom your account has named in Wonward. Ask one of them, or connect the portal yourself.';

const NOT_CONNECTED: SettingsError = {
  ok: false,
  code: 'not_connected',
  message: 'Wonward is not connected to this portal. An admin can connect it in Wonward.',
};

const CHANGED: SettingsError = {
  ok: false,
  code: 'changed',
  message: 'Somebody else has changed this since you opened the page. Look at what it says now, then change it again.',
};

function refusalOf(saved: AppSettingsSaved): SettingsError | null {
  switch (saved.kind) {
    case 'saved':
      return null;
    case 'no_such_connection':
      return NOT_CONNECTED;
    case 'changed':
      return CHANGED;
    case 'no_tasks':
      return { ok: false, code: 'invalid_request', message: 'Nobody can be told by tasks in this CRM.' };
    case 'objects_impossible':
      return { ok: false, code: 'invalid_request', message: saved.why };
    case 'no_events':
    case 'events_not_granted':
      return { ok: false, code: 'invalid_request', message: 'The timelines of this portal take no events of Wonward.' };
    case 'no_objects':
    case 'objects_not_granted':
      return { ok: false, code: 'invalid_request', message: NOT_GRANTED };
    case 'no_such_programs':
      return { ok: false, code: 'invalid_request', message: 'One of these programs is not there. Reload the page.' };
  }
}

const NOT_GRANTED =
  'HubSpot has not granted what they need. Grant the permissions anew; HubSpot leaves these out where the subscription has no custom objects, which come with an Enterprise edition.';

/** Both properties and rows say the same; what is said here is where a person finds the rows, and what becomes of them. */
function objectsWords(objects: ObjectsChoice, isGranted: boolean): string {
  const lost = 'HubSpot does not let Wonward write them any more. Grant the permissions anew.';
  switch (objects) {
    case 'on':
      return isGranted
        ? 'Each referral and each reward is a row of “Wonward referrals” and “Wonward rewards”, tied to its contact and deal.'
        : lost;
    case 'leaving':
      return isGranted
        ? 'The rows are being removed, some at each look. The two objects stay, so that your reports find them when you turn them on again; delete them in HubSpot when you do not want them.'
        : `What is left of the rows cannot be removed. ${lost}`;
    case 'off':
      return isGranted ? 'Referrals and rewards show as properties and on the cards.' : NOT_GRANTED;
  }
}

function unavailable(message: string): SettingsError {
  return { ok: false, code: 'unavailable', message };
}

function viewOf(
  { id, status, statusReason, externalId, homeCurrency, timeZone, connectedAt, cardActors }: Connection,
  userId: string | null,
  mapping: KeptMapping,
  { settings, version: settingsVersion }: KeptAppSettings,
  programs: readonly ProgramVersion[],
  choices: readonly ProgramChoice[],
  isGranted: boolean,
  now: number,
): SettingsView {
  const mayChange = userId !== null && settings.managers.includes(userId);
  return {
    version: 1,
    mayChange,
    whoMay: mayChange ? 'You may change what is set here.' : `You may look. ${WHO_MAY}`,
    connection: {
      state: status,
      words:
        status === 'connected'
          ? 'Wonward reads deals and contacts of this portal and writes to its own properties.'
          : `${statusReason ?? 'The authorisation was given back.'} Nothing is read and nothing is written until it is connected again.`,
      portalId: externalId,
      currency: homeCurrency,
      timeZone,
      since: isoOf(connectedAt),
    },
    mapping: { version: mapping.version, pipelines: pipelinesOf(mapping) },
    settingsVersion,
    everyProgram: settings.programs === null,
    programs: newestOf(programs, settings.programs, openProgramIn(programs, choices, id, now)),
    notices: NOTICES.map((notice) => {
      const route = settings.notifications.find((one) => one.notice === notice && one.channel === 'crm_task');
      return { notice, isTask: route !== undefined, ownerId: route?.to ?? null };
    }),
    objects: { state: settings.objects, isGranted, words: objectsWords(settings.objects, isGranted) },
    actors: cardActors ?? null,
    generatedAt: isoOf(now),
  };
}

function pipelinesOf({ entries }: KeptMapping): SettingsView['mapping']['pipelines'] {
  const meantBy = (stage: string) => MAPPABLE_STAGES.find((one) => one === stage) ?? 'opportunity';
  return [...Map.groupBy(entries, ({ pipelineId }) => pipelineId)].map(([id, stages]) => ({
    id,
    label: stages[0]?.pipelineLabel || id,
    hasWon: stages.some(({ stage }) => stage === 'won'),
    stages: stages.map(({ stageId, stageLabel, stage, byMetadata }) => ({
      id: stageId,
      label: stageLabel || stageId,
      stage: meantBy(stage),
      byMetadata: meantBy(byMetadata ?? stage),
      isSaid: byMetadata !== undefined,
    })),
  }));
}

/** With where the console has the same. */
function withLinks(view: SettingsView, { id }: Connection, consoleLink: ConsoleLink): SettingsView {
  return {
    ...view,
    connection: { ...view.connection, ...consoleLink('health', id) },
    mapping: { ...view.mapping, ...consoleLink('mapping', id) },
    programs: view.programs.map((program) => ({ ...program, ...consoleLink('program', program.id) })),
  };
}

function newestOf(
  programs: readonly ProgramVersion[],
  chosen: readonly string[] | null,
  open: string | undefined,
): SettingsView['programs'] {
  const newest = new Map(programs.map((program) => [program.programId, program]));
  return [...newest.values()]
    .filter(({ isRetired }) => !isRetired)
    .map(({ programId, name, version, publishedAt }) => ({
      id: programId,
      name,
      version,
      publishedAt: isoOf(publishedAt),
      isChosen: chosen?.includes(programId) ?? true,
      isOpen: programId === open,
    }));
}
