import { type ColumnMapping, createMemberImports, type ListRefusal } from '../application/member-import.ts';
import { createLog } from '../platform/log.ts';
import { readFileText } from './input.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Lines that are printed of a report. */
const LINES_SHOWN_MAX = 50_000;

const LISTS_SHOWN_MAX = 100;

interface ImportOptions {
  readonly email: string;
  readonly name?: string;
  readonly firstName?: string;
  readonly lastName?: string;
}

/** Members from a CSV; the running service carries it out, within a minute. Without a key nothing is kept, and the report says what would be. */
export function importMembers(
  terminal: Terminal,
  account: string,
  file: string,
  { key, by, ...columns }: ImportOptions & { readonly key?: string; readonly by: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id: accountId } = await accountOf(services, account);
    const csv = await readFileText(terminal, file);
    const mapping: ColumnMapping = columns;
    const imports = importsOf(services);
    if (key === undefined) {
      const tried = await imports.dryRun(accountId, { csv, mapping });
      if (!tried.ok) throw new CliError(`${file} ${tried.problem}.`, 'Correct it. Nothing was changed.');
      const { created, matched, refused } = tried.counts;
      return {
        json: { counts: tried.counts, csv: tried.csv },
        lines: [
          ...tried.csv.trimEnd().split('\r\n'),
          `${created} would be created, ${matched} are members already, ${refused} are refused. Begin with --key.`,
        ],
      };
    }
    checkKey(key);
    const started = await imports.start(accountId, { id: `imp_${key}`, csv, mapping, by });
    if (started.kind === 'refused')
      throw started.code === 'other'
        ? new CliError(`"${key}" stands for an import of another file.`, 'Choose another key.')
        : new CliError(`${file} ${started.problem}.`, 'Correct it. Nothing was changed.');
    return {
      json: { id: `imp_${key}`, known: started.kind === 'existing' },
      lines: [`imp_${key} is kept; "members report" tells what became of each row.`],
    };
  });
}

/** Lists of people in a CRM, by what their name holds. */
export function listLists(
  terminal: Terminal,
  account: string,
  connection: string,
  { search = '' }: { readonly search?: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const result = await importsOf(services).lists(id, connection, search, LISTS_SHOWN_MAX);
    if (result.kind === 'refused') throw refusedList(result, connection);
    const rows = result.lists.map(({ id: listId, name, size }) => [listId, name, size === null ? '?' : String(size)]);
    return {
      json: { items: result.lists },
      lines: rows.length === 0 ? ['No such list.'] : table([['list', 'name', 'people'], ...rows]),
    };
  });
}

/** Members from a list in a CRM, as `importMembers` takes them from a file. */
export function importList(
  terminal: Terminal,
  account: string,
  connectionId: string,
  listId: string,
  { key, by }: { readonly key?: string; readonly by: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id: accountId } = await accountOf(services, account);
    const imports = importsOf(services);
    if (key === undefined) {
      const tried = await imports.tryList(accountId, { connectionId, listId });
      if (tried.kind === 'refused') throw refusedList(tried, connectionId);
      const { list, isWhole, counts, csv } = tried;
      const { created, matched, refused } = counts;
      return {
        json: { list, isWhole, counts, csv },
        lines: [
          ...csv.trimEnd().split('\r\n'),
          ...(isWhole ? [] : [`"${list.name}" is longer than what is looked at here.`]),
          `${created} would be created, ${matched} are members already, ${refused} are refused. Begin with --key.`,
        ],
      };
    }
    checkKey(key);
    const started = await imports.startList(accountId, { id: `imp_${key}`, connectionId, listId, by });
    if (started.kind === 'refused')
      throw started.code === 'other'
        ? new CliError(`"${key}" stands for an import of something else.`, 'Choose another key.')
        : refusedList(started, connectionId);
    return {
      json: { id: `imp_${key}`, known: started.kind === 'existing' },
      lines: [`imp_${key} is kept; "members report" tells what became of each row.`],
    };
  });
}

export function reportImport(terminal: Terminal, account: string, importId: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const found = await services.store.memberImports.get(id, importId);
    const report = await importsOf(services).report(id, importId, 0, LINES_SHOWN_MAX);
    if (!found || !report) throw noSuchImport(importId);
    return {
      json: { id: importId, state: found.state, counts: found.counts, csv: report.csv },
      lines: [...report.csv.trimEnd().split('\r\n'), `${importId} is ${found.state}.`],
    };
  });
}

export function undoImport(terminal: Terminal, account: string, importId: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    if ((await importsOf(services).undo(id, importId)) === null) throw noSuchImport(importId);
    return { json: { id: importId }, lines: [`${importId} is taken out; "members report" tells who stays, and why.`] };
  });
}

function checkKey(key: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,59}$/.test(key))
    throw new CliError(`"${key}" is no key.`, 'Use lower case letters, digits and dashes.', { exitCode: EXIT.usage });
}

function refusedList({ code }: Pick<ListRefusal, 'code'>, connection: string): CliError {
  switch (code) {
    case 'no_such_connection':
      return new CliError(`There is no connection "${connection}".`, '"state" shows those there are.');
    case 'not_connected':
      return new CliError('The CRM is not connected.', 'Connect it again with "connect".');
    case 'no_lists':
      return new CliError(
        'Wonward may not read lists in this CRM.',
        'Connect it again with "connect" and allow it, or import a file.',
      );
    case 'no_such_list':
      return new CliError('The CRM has no such list of people.', '"members lists" shows those there are.');
  }
}

function noSuchImport(importId: string): CliError {
  return new CliError(`There is no import "${importId}".`, 'Name it by its id, such as imp_customers-2026.');
}

/** The service does the work; what a person asks for is found by it. */
function importsOf({ store, now, connect: { openSession } }: Services) {
  const nobody = () => {};
  const log = createLog({ level: 'silent' });
  return createMemberImports({ store, clock: { now }, log, openSession, onMet: nobody, onStarted: nobody });
}
