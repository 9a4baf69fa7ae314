import type { Command } from 'commander';
import { uuidv7 } from 'uuidv7';
import type { AuditLogStore } from '../application/ports/store.ts';
import { normaliseEmail } from '../domain/record.ts';
import { PERMISSION_NAMES } from '../domain/roles.ts';
import { type Audited, createAudited } from '../http/api/audited.ts';
import type { Operation } from '../http/api/operation.ts';
import { problemOf } from '../http/problem.ts';
import { systemClock } from '../platform/clock.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/* What people do at the command line stands in the audit log as what they do over the API. Every command is named here once. */

/** Nothing of an account is changed by them. `migrate` does what every start of the service does. */
const ONLY_ASK: readonly string[] = [
  'account list',
  'user list',
  'key list',
  'key generate',
  'webhook list',
  'connection health',
  'reconcile list',
  'reconcile verify',
  'program validate',
  'program diff',
  'program dry-run',
  'program export',
  'program list',
  'program example',
  'attribution validate',
  'attribution diff',
  'attribution dry-run',
  'attribution list',
  'two-crms diff',
  'two-crms list',
  'mapping show',
  'mapping dry-run',
  'mapping proposal',
  'drift list',
  'tiers list',
  'tiers show',
  'recruiters list',
  'config check',
  'state',
  'cases list',
  'cases show',
  'periods list',
  'periods show',
  'periods export',
  'periods verify',
  'payouts batches',
  'forecast show',
  'forecast count',
  'test list',
  'test show',
  'backfill show',
  'history show',
  'members lists',
  'members report',
  'doctor',
  'migrate',
  'verify',
  'figures verify',
  'backup',
];

interface Typed {
  /** "connection disconnect" */
  readonly words: string;
  readonly account: string | null;
  /** The arguments behind the account, in their order. */
  readonly behind: readonly unknown[];
  /** Arguments and options by their names. */
  readonly named: Readonly<Record<string, unknown>>;
}

type Named = Typed['named'];

interface Change {
  /** As the API calls it: what is kept of it, and what shows how it was, is then the API's own. */
  readonly operation: string;
  /** Absent: always. Without it some only tell how it is. */
  readonly isOne?: (named: Named) => boolean;
}

const CHANGES: Readonly<Record<string, Change>> = {
  'account four-eyes': { operation: 'setAccount' },
  'user invite': { operation: 'inviteUser' },
  'key create': { operation: 'createApiKey' },
  'key revoke': { operation: 'revokeApiKey' },
  'webhook replay': { operation: 'replayWebhookEvents' },
  connect: { operation: 'installConnection' },
  'connection duplicate-rules': { operation: 'setConnection' },
  'connection call-share': { operation: 'setConnection', isOne: ({ percent }) => percent !== undefined },
  'connection managers': { operation: 'setAppSettings', isOne: ({ users }) => isSome(users) },
  'connection programs': { operation: 'setAppSettings', isOne: ({ programs }) => isSome(programs) },
  'connection notices': { operation: 'setAppSettings', isOne: ({ notices }) => isSome(notices) },
  'connection objects': { operation: 'setAppSettings', isOne: (named) => named['on|off'] !== undefined },
  'connection events': { operation: 'setAppSettings', isOne: (named) => named['on|off'] !== undefined },
  'connection card-actors': { operation: 'setCardActors' },
  'connection disconnect': { operation: 'disconnectConnection', isOne: ({ confirm }) => confirm !== undefined },
  'connection sweep': { operation: 'sweepConnection' },
  'reconcile report': { operation: 'makeSyncReport' },
  'program publish': { operation: 'publishProgram' },
  'program rollback': { operation: 'publishProgram' },
  'program retire': { operation: 'retireProgram' },
  'rates import': { operation: 'enterRates' },
  'attribution publish': { operation: 'publishAttributionPolicy' },
  'attribution move': { operation: 'reattributeReferral' },
  'two-crms publish': { operation: 'publishConnectionsPolicy' },
  'mapping set': { operation: 'setStageMapping' },
  'mapping propose': { operation: 'proposeStageMapping' },
  'mapping accept': { operation: 'acceptMappingProposal' },
  'mapping postpone': { operation: 'postponeMappingProposal' },
  'drift fix': { operation: 'fixDrift' },
  'recruiters add': { operation: 'setMemberRecruiter' },
  'recruiters remove': { operation: 'setMemberRecruiter' },
  'recruiters assign': { operation: 'setReferralRecruiter' },
  'recruiters unassign': { operation: 'setReferralRecruiter' },
  'cases decide': { operation: 'decideCase' },
  'periods close': { operation: 'closePeriod' },
  'periods reopen': { operation: 'reopenPeriod' },
  'payouts reconcile': { operation: 'createReconciliation' },
  'payouts cut': { operation: 'cutPayoutBatch' },
  'payouts approve': { operation: 'approvePayoutBatch' },
  'payouts export': { operation: 'exportPayoutBatch' },
  'payouts mark': { operation: 'importPayoutBatchMarks' },
  'payouts write-off': { operation: 'writeOffReward' },
  'test start': { operation: 'startTestRun' },
  'test end': { operation: 'endTestRun' },
  'backfill start': { operation: 'startBackfill' },
  'backfill pause': { operation: 'pauseBackfill' },
  'backfill resume': { operation: 'resumeBackfill' },
  'backfill cancel': { operation: 'cancelBackfill' },
  'history release': { operation: 'releaseHistory' },
  'history approve': { operation: 'approveHistoryRelease' },
  'history cancel': { operation: 'cancelHistoryRelease' },
  'members import': { operation: 'startMemberImport', isOne: ({ key }) => key !== undefined },
  'members import-list': { operation: 'startListImport', isOne: ({ key }) => key !== undefined },
  'members undo': { operation: 'undoMemberImport' },
  'privacy export': { operation: 'exportPerson' },
  'privacy erase': { operation: 'erasePerson', isOne: ({ confirm }) => confirm !== undefined },
};

interface OwnChange {
  readonly operation: string;
  /** Ids of the accounts that it concerns, told before it is done, or only afterwards. */
  readonly before?: (services: Services, typed: Typed) => Promise<readonly string[]>;
  readonly after?: (services: Services, done: unknown) => Promise<readonly string[]>;
  /** What is kept of what it printed. */
  readonly kept: (done: unknown) => unknown;
  /** The database that they are in afterwards, if it is another one. */
  readonly movedTo?: (named: Named) => string;
}

const every = async ({ store }: Services) => (await store.accounts.list()).map(({ id }) => id);
const theOneOrEvery = async (services: Services, { account }: Typed) =>
  account === null ? every(services) : [(await accountOf(services, account)).id];

/** What the API cannot do. What concerns the whole database stands in the log of each account. */
const OWN_CHANGES: Readonly<Record<string, OwnChange>> = {
  'account create': {
    operation: 'createAccount',
    after: async (_services, done) => [String(fieldOf(done, 'id'))],
    kept: (done) => done,
  },
  'user link': {
    operation: 'createSignInLink',
    before: async (services, { behind }) => {
      const email = normaliseEmail(String(behind[0]));
      const isOf = async (id: string) =>
        (await services.store.users.ofAccount(id)).some(({ user }) => user.email === email);
      const held = [];
      for (const id of await every(services)) if (await isOf(id)) held.push(id);
      return held;
    },
    // The link is a key.
    kept: () => null,
  },
  'key rotate': { operation: 'rotateEncryptionKey', before: every, kept: (done) => done },
  retry: { operation: 'retryParked', before: theOneOrEvery, kept: (done) => done },
  'figures rebuild': {
    operation: 'rebuildFigures',
    before: theOneOrEvery,
    kept: (done) => ({ ok: fieldOf(done, 'ok') }),
  },
  restore: { operation: 'restoreDatabase', after: every, kept: (done) => ({ takenAt: fieldOf(done, 'takenAt') }) },
  move: { operation: 'moveDatabase', after: every, kept: () => null, movedTo: ({ to }) => String(to) },
};

/** The account is the log's own; from where something was read, and to where it was written, says nothing of what was changed. */
const NOT_KEPT = new Set(['account', 'json', 'file', 'csv', 'to']);

/** What the log reads alike for whoever did it: done, asked wrongly, not possible, a mistake of ours. */
const STATUS = { done: 200, usage: 400, refused: 409 } as const;

export interface CommandLog {
  /** Writes the line before anything is changed, with how it was. */
  begin(command: Command): Promise<void>;
  done(result: Result | null): Promise<void>;
  failed(thrown: unknown): Promise<void>;
}

/** @throws for a command that is not named above, so that none goes unrecorded by oversight. */
export function createCommandLog(terminal: Terminal, root: Command): CommandLog {
  const unknown = leavesOf(root)
    .map(wordsOf)
    .filter((words) => !onlyAsks(words) && !(words in CHANGES) && !(words in OWN_CHANGES));
  if (unknown.length > 0) throw new Error(`Nothing is said of ${unknown.join(', ')} in cli/command-log.ts`);
  let line: Line | null = null;

  return {
    async begin(command) {
      line = lineOf(terminal, typedIn(command));
      await line?.begin();
    },
    async done(result) {
      await line?.finish(STATUS.done, result?.json ?? null).catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new CliError(
          `It was done, and the audit log could not be told: ${why}`,
          'Do not do it again for that. A line without an outcome stands for it.',
        );
      });
    },
    async failed(thrown) {
      // What the command says of its failure is what its caller needs; a line without an outcome says that it was interrupted.
      await line?.finish(statusOf(thrown), null).catch(() => {});
    },
  };
}

/** Commands that only hold others are none. */
export function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

/** "connection disconnect" */
export function wordsOf(command: Command): string {
  return command.parent ? `${wordsOf(command.parent)} ${command.name()}`.trim() : '';
}

export function onlyAsks(words: string): boolean {
  return ONLY_ASK.includes(words);
}

function typedIn(command: Command): Typed {
  const given = command.registeredArguments.map(
    (argument, at) => [argument.name(), command.processedArgs[at]] as const,
  );
  const named: Record<string, unknown> = { ...command.opts(), ...Object.fromEntries(given) };
  return {
    words: wordsOf(command),
    account: typeof named.account === 'string' ? named.account : null,
    behind: given.flatMap(([name, value]) => (name === 'account' ? [] : [value])),
    named,
  };
}

interface Line {
  begin(): Promise<void>;
  finish(status: number, done: unknown): Promise<void>;
}

function lineOf(terminal: Terminal, typed: Typed): Line | null {
  const change = CHANGES[typed.words];
  if (change) return (change.isOne?.(typed.named) ?? true) ? ofApi(terminal, change.operation, typed) : null;
  const own = OWN_CHANGES[typed.words];
  return own ? ofOwn(terminal, own, typed) : null;
}

interface Scene {
  readonly auditLog: AuditLogStore;
  readonly accountId: string;
  readonly audited: Audited;
  readonly operation: Operation;
  /** As the API would be asked; null where the ids that were typed cannot be any. */
  readonly input: Parameters<Operation['handle']>[0] | null;
  readonly subject: string | null;
}

/** What the API can do as well, with how the API shows it. */
function ofApi(terminal: Terminal, operationId: string, typed: Typed): Line {
  const entry = newEntry(terminal, operationId);
  const inScene = (work: (scene: Scene) => Promise<void>) =>
    withServices(terminal, async (services) => {
      const { id: accountId } = await accountOf(services, typed.account ?? '');
      const { apiOf } = await import('./api.ts');
      const operations = await apiOf(services);
      const operation = operations.find(({ id }) => id === operationId);
      if (!operation) throw new Error(`No operation is called ${operationId}, named in cli/command-log.ts`);
      // "/connections/{connectionId}/settings": what is named there comes behind the account, in the same order.
      const params = Object.fromEntries(
        [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = ''], at) => [name, typed.behind[at]]),
      );
      const parsed = operation.params?.safeParse(params);
      const asking = {
        accountId,
        actor: entry.actor,
        may: new Set(PERMISSION_NAMES),
        query: undefined,
        body: undefined,
      };
      await work({
        auditLog: services.store.auditLog,
        accountId,
        operation,
        audited: createAudited(operations),
        input: parsed?.success === false ? null : { ...asking, params: parsed?.data },
        subject: Object.values(params).at(-1)?.toString() ?? null,
      });
    });
  return {
    begin: () =>
      inScene(async ({ auditLog, accountId, audited, operation, input, subject }) =>
        auditLog.begin(accountId, {
          ...entry,
          subject,
          input: { command: typed.words, ...Object(audited.kept(operation, 'sent', sentOf(typed))) },
          before: input && (await audited.seen(operation, input)),
        }),
      ),
    finish: (status, done) =>
      inScene(async ({ auditLog, accountId, audited, operation, input, subject }) => {
        const isDone = status === STATUS.done;
        const seen = async () =>
          audited.readingOf(operation)
            ? input && (await audited.seen(operation, input))
            : audited.kept(operation, 'seen', done);
        await auditLog.finish(accountId, entry.id, {
          status,
          after: isDone ? await seen() : null,
          subject: subject ?? idIn(done),
        });
      }),
  };
}

function ofOwn(terminal: Terminal, { operation, before, after, kept, movedTo }: OwnChange, typed: Typed): Line {
  const entry = newEntry(terminal, operation);
  const begun = { ...entry, subject: null, input: { command: typed.words, ...sentOf(typed) }, before: null };
  const to = movedTo?.(typed.named);
  const there = to === undefined ? terminal : { ...terminal, env: { ...terminal.env, DATABASE_URL: to } };
  let accounts: readonly string[] = [];
  return {
    async begin() {
      if (!before) return;
      await withServices(terminal, async (services) => {
        accounts = await before(services, typed);
        for (const id of accounts) await services.store.auditLog.begin(id, begun);
      });
    },
    async finish(status, done) {
      const isDone = status === STATUS.done;
      // What was to be made and was not has no account to be told in.
      if (after && !isDone) return;
      await withServices(there, async (services) => {
        const { auditLog } = services.store;
        if (after) {
          accounts = await after(services, done);
          for (const id of accounts) await auditLog.begin(id, begun);
        }
        const outcome = { status, after: isDone ? kept(done) : null, subject: null };
        for (const id of accounts) await auditLog.finish(id, entry.id, outcome);
      });
    },
  };
}

/** Who and what. Of who sits at the terminal nothing is kept but the name by which the operating system knows them. */
function newEntry({ user }: Terminal, operation: string) {
  const actor = user !== undefined && /^[\w.\\-]{1,64}$/.test(user) ? `cli:${user}` : 'cli';
  const id = uuidv7();
  return { id: `aud_${id}`, at: systemClock.now(), actor, via: 'cli' as const, operation, ref: id };
}

function sentOf({ named }: Typed): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(named).filter(([name, value]) => !NOT_KEPT.has(name) && value !== undefined),
  );
}

function isSome(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** What a change has made names itself. */
function idIn(done: unknown): string | null {
  const id = fieldOf(done, 'id');
  return typeof id === 'string' ? id : null;
}

function statusOf(thrown: unknown): number {
  if (thrown instanceof CliError) return thrown.exitCode === EXIT.usage ? STATUS.usage : STATUS.refused;
  return problemOf(thrown).status;
}
