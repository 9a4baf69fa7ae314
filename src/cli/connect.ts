import type { SaidAppSettings } from '../application/app-settings.ts';
import type { AppSettings } from '../domain/app-settings.ts';
import { NOTICES, type NoticeRoute } from '../domain/notice.ts';
import { onOrOff } from './input.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

export function installLink(terminal: Terminal, account: string, provider: string, site?: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const begun = await services.connect.begin(id, provider, site);
    if (begun?.url === null)
      throw new CliError(
        `Nobody logs in to ${provider} at ${site}.`,
        'Give an address such as https://test.salesforce.com or https://acme.my.salesforce.com, or leave --site out.',
        { exitCode: EXIT.usage },
      );
    if (!begun) {
      const known = services.providers.join(', ');
      throw new CliError(
        `No CRM "${provider}" is configured.`,
        known === ''
          ? 'Set HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET and HUBSPOT_APP_ID, or SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET.'
          : `Configured are: ${known}.`,
        { exitCode: EXIT.usage },
      );
    }
    return {
      json: begun,
      lines: [
        `Open this as an admin of the CRM to connect it to "${name}". It works once, for a quarter of an hour:`,
        '',
        `  ${begun.page ?? begun.url}`,
        '',
        `The service has to be running at ${services.config.publicUrl}.`,
      ],
    };
  });
}

/** What to do where a duplicate rule of the CRM's own refuses a row of ours. */
export function setDuplicateRules(
  terminal: Terminal,
  account: string,
  connectionId: string,
  answer: string,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    if (answer !== 'respect' && answer !== 'allow')
      throw new CliError(`"${answer}" is neither respect nor allow.`, 'Say "respect" or "allow".', {
        exitCode: EXIT.usage,
      });
    const { id, name } = await accountOf(services, account);
    const isSet = await services.connect.setDuplicateRules(id, connectionId, answer);
    if (isSet === null)
      throw new CliError(
        `"${name}" has no connection ${connectionId}.`,
        `npm run cli -- two-crms list ${id} tells the ids.`,
      );
    if (!isSet)
      throw new CliError('This CRM has no duplicate rules.', 'Name a connection to Salesforce.', {
        exitCode: EXIT.usage,
      });
    return {
      json: { id: connectionId, duplicateRules: answer },
      lines: [
        answer === 'allow'
          ? 'What a duplicate rule of the org only warns of is saved all the same. What it refused before is written now.'
          : 'What a duplicate rule of the org refuses waits for a person.',
      ],
    };
  });
}

/** Without a percentage: tells it. `usual` takes back what was said. */
export function callShare(
  terminal: Terminal,
  account: string,
  connectionId: string,
  answer: string | undefined,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const percent = answer === 'usual' ? null : Number(answer);
    if (answer !== undefined && answer !== 'usual' && !/^([1-9][0-9]?|100)$/.test(answer))
      throw new CliError(`"${answer}" is no share.`, 'Say a whole number of percent from 1 to 100, or "usual".', {
        exitCode: EXIT.usage,
      });
    const { id, name } = await accountOf(services, account);
    const isSet = answer === undefined || (await services.connect.setCallShare(id, connectionId, percent));
    const connection = await services.store.connections.get(id, connectionId);
    if (!connection)
      throw new CliError(
        `"${name}" has no connection ${connectionId}.`,
        `npm run cli -- two-crms list ${id} tells the ids.`,
      );
    if (!isSet)
      throw new CliError('This CRM gives each app a limit of its own.', 'Name a connection to Salesforce.', {
        exitCode: EXIT.usage,
      });
    const share = connection.callShare ?? null;
    return {
      json: { id: connectionId, callShare: share },
      lines: [
        share === null
          ? 'Wonward takes the usual share of the API calls of a day: SALESFORCE_DAILY_SHARE.'
          : `Wonward takes ${share} percent of the API calls of a day at most, and a backfill half of that.`,
      ],
    };
  });
}

/** Words that no address and no id of a user is. */
const EVERYONE = 'everyone';
const NOBODY = 'nobody';

/** Who may act from the cards in a CRM. */
export function setCardActors(
  terminal: Terminal,
  account: string,
  connectionId: string,
  users: readonly string[],
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const word = users.find((one) => one === EVERYONE || one === NOBODY);
    if (word !== undefined && users.length > 1)
      throw new CliError(`"${word}" stands alone.`, 'Name people, or say "everyone" or "nobody".', {
        exitCode: EXIT.usage,
      });
    const { id, name } = await accountOf(services, account);
    const actors = word === EVERYONE ? null : word === NOBODY ? [] : users;
    if (!(await services.connect.setCardActors(id, connectionId, actors)))
      throw new CliError(
        `"${name}" has no connection ${connectionId}.`,
        `npm run cli -- two-crms list ${id} tells the ids.`,
      );
    return {
      json: { id: connectionId, cardActors: actors },
      lines: [
        actors === null
          ? 'Everyone who sees a card may act from it.'
          : actors.length === 0
            ? 'Nobody may act from a card; everybody goes on seeing them.'
            : `May act from cards: ${actors.join(', ')}.`,
      ],
    };
  });
}

/** Who may change settings in the app inside the CRM. Without names: tells who may. */
export function appManagers(
  terminal: Terminal,
  account: string,
  connectionId: string,
  managers: readonly string[],
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const wrong = managers.find((id) => !/^[0-9A-Za-z]{1,40}$/.test(id));
    if (wrong !== undefined)
      throw new CliError(`"${wrong}" is no id of a user.`, 'Give the CRM’s own ids of users, such as 10202051.', {
        exitCode: EXIT.usage,
      });
    const said = managers.length === 0 ? null : { managers };
    const { managers: held } = await savedSettings(services, account, connectionId, said);
    return {
      json: { id: connectionId, managers: held },
      lines: [
        held.length === 0
          ? 'Nobody may change settings in the app inside the CRM. Whoever connects it again may.'
          : `These users of the CRM may change settings in its app: ${held.join(', ')}.`,
      ],
    };
  });
}

/** Which programs apply in a CRM. Without names: tells which. */
export function appPrograms(
  terminal: Terminal,
  account: string,
  connectionId: string,
  programs: readonly string[],
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const [first] = programs;
    const said =
      first === undefined ? null : { programs: first === 'every' ? null : first === 'none' ? [] : [...programs] };
    const { programs: chosen } = await savedSettings(services, account, connectionId, said);
    return {
      json: { id: connectionId, programs: chosen },
      lines: [
        chosen === null
          ? 'Every program that is published applies in this CRM.'
          : chosen.length === 0
            ? 'No program applies in this CRM: no referral begins there.'
            : `These programs apply in this CRM: ${chosen.join(', ')}.`,
        'A change counts for referrals that begin from then on.',
      ],
    };
  });
}

/** Whether referrals and rewards are rows of objects of their own. Without an answer: tells how it is. */
export function appObjects(
  terminal: Terminal,
  account: string,
  connectionId: string,
  answer: string | undefined,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const choice = answer === undefined ? undefined : onOrOff(answer);
    const said: SaidAppSettings | null = choice === undefined ? null : { objects: choice };
    const { objects } = await savedSettings(services, account, connectionId, said);
    return { json: { id: connectionId, objects }, lines: [OBJECTS_WORDS[objects]] };
  });
}

/** Whether timelines of contacts are told what happens. Without an answer: tells how it is. */
export function appEvents(
  terminal: Terminal,
  account: string,
  connectionId: string,
  answer: string | undefined,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const choice = answer === undefined ? undefined : onOrOff(answer);
    const said: SaidAppSettings | null = choice === undefined ? null : { events: choice };
    const { events = 'off' } = await savedSettings(services, account, connectionId, said);
    const words = {
      on: 'Timelines of contacts in this CRM are told what happens from now on.',
      off: 'Timelines in this CRM are told nothing.',
    };
    return { json: { id: connectionId, events }, lines: [words[events]] };
  });
}

const OBJECTS_WORDS: Readonly<Record<AppSettings['objects'], string>> = {
  on: 'Referrals and rewards are rows of objects of their own in this CRM. They are written from now on.',
  off: 'Referrals and rewards are no rows in this CRM; properties and cards show them.',
  leaving:
    'The rows are being removed, some at each sweep. The objects themselves stay: an admin of the CRM deletes them.',
};

/** What a CRM gets tasks for. Without names: tells what. */
export function appNotices(
  terminal: Terminal,
  account: string,
  connectionId: string,
  notices: readonly string[],
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const said = notices.length === 0 ? null : { notifications: notices[0] === 'none' ? [] : notices.map(routeFrom) };
    const { notifications } = await savedSettings(services, account, connectionId, said);
    return {
      json: { id: connectionId, notifications },
      lines:
        notifications.length === 0
          ? ['Nobody is told of anything by tasks in this CRM.']
          : notifications.map(
              ({ notice, to }) => `${notice}: a task of ${to === null ? 'nobody in particular' : `owner ${to}`}`,
            ),
    };
  });
}

function routeFrom(text: string): NoticeRoute {
  const [name, to = null] = text.split('=');
  const notice = NOTICES.find((one) => one === name);
  if (notice === undefined || (to !== null && !/^[0-9A-Za-z]{1,40}$/.test(to)))
    throw new CliError(
      `"${text}" is nothing to be told of.`,
      `Give ${NOTICES.join(', ')}, as review_due or review_due=41629779.`,
      {
        exitCode: EXIT.usage,
      },
    );
  return { notice, channel: 'crm_task', to };
}

/** What is set in the app after something was said; null says nothing. */
async function savedSettings(
  services: Services,
  account: string,
  connectionId: string,
  said: SaidAppSettings | null,
): Promise<AppSettings> {
  const { id, name } = await accountOf(services, account);
  const kept = await services.appSettings.of(id, connectionId);
  if (!kept)
    throw new CliError(
      `"${name}" has no connection ${connectionId}.`,
      `npm run cli -- two-crms list ${id} tells the ids.`,
    );
  if (said === null) return kept.settings;
  const as = { basis: kept.version, by: 'command line' };
  const saved = await services.appSettings.save(id, connectionId, said, as);
  if (saved.kind === 'no_such_programs')
    throw new CliError(
      `"${name}" has published no program "${saved.programs[0]}".`,
      `npm run cli -- program list ${id} tells the ids.`,
      { exitCode: EXIT.usage },
    );
  if (saved.kind === 'no_objects' || saved.kind === 'objects_not_granted')
    throw new CliError(
      'This CRM has not granted what objects need.',
      'Connect it anew; HubSpot leaves the permissions out where the subscription has no custom objects.',
      { exitCode: EXIT.usage },
    );
  if (saved.kind === 'objects_impossible')
    throw new CliError(saved.why, 'Make room in HubSpot, then do it again.', { exitCode: EXIT.usage });
  if (saved.kind === 'no_events' || saved.kind === 'events_not_granted')
    throw new CliError(
      'The timelines of this CRM take no events of ours.',
      'HubSpot has to have approved the app for app events; then set HUBSPOT_APP_EVENTS and connect the portal anew.',
      { exitCode: EXIT.usage },
    );
  if (saved.kind === 'no_tasks')
    throw new CliError('People of this CRM cannot be told by tasks.', 'Choose a connection to HubSpot.', {
      exitCode: EXIT.usage,
    });
  if (saved.kind !== 'saved') throw new CliError('Somebody else has just changed this.', 'Do it again.');
  return saved.kept.settings;
}
const LEFT = {
  uninstalled: 'The app is uninstalled there; the CRM tells its admins by e-mail.',
  revoked: 'The authorisation was given back. The app itself is removed in the CRM, by one of its admins.',
  not_told: 'The CRM could not be told. Remove the app there, so that its authorisation ends.',
} as const;

/** Ends with 1 when the CRM does not know that we have left. */
export function disconnect(
  terminal: Terminal,
  account: string,
  connectionId: string,
  confirm: string | undefined,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    if (!(await services.store.connections.get(id, connectionId)))
      throw new CliError(
        `"${name}" has no connection ${connectionId}.`,
        `npm run cli -- two-crms list ${id} tells the ids.`,
      );
    if (confirm !== connectionId)
      throw new CliError(
        'Nothing was disconnected.',
        `Cards, webhooks and workflows of the app stop there. To do it, type the id once more: --confirm ${connectionId}`,
        { exitCode: EXIT.usage },
      );
    const leaving = (await services.connect.disconnect(id, connectionId)) ?? 'not_told';
    return {
      json: { id: connectionId, leaving },
      lines: [`${connectionId} is disconnected; what was recorded stays. ${LEFT[leaving]}`],
      exitCode: leaving === 'not_told' ? EXIT.failed : EXIT.ok,
    };
  });
}
