import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

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
    const { id, name } = await accountOf(services, account);
    const kept = await services.appSettings.of(id, connectionId);
    if (!kept)
      throw new CliError(
        `"${name}" has no connection ${connectionId}.`,
        `npm run cli -- two-crms list ${id} tells the ids.`,
      );
    const as = { basis: kept.version, by: 'command line' };
    const saved =
      managers.length === 0
        ? ({ kind: 'saved', kept } as const)
        : await services.appSettings.save(id, connectionId, { ...kept.settings, managers }, as);
    if (saved.kind !== 'saved') throw new CliError('Somebody else has just changed this.', 'Do it again.');
    const held = saved.kept.settings.managers;
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
