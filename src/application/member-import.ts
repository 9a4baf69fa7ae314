import { createHash } from 'node:crypto';
import { memberIdOf } from '../domain/attribution.ts';
import { derivedId, memberCode } from '../domain/ids.ts';
import { normaliseEmail } from '../domain/record.ts';
import type { Member } from '../domain/referral.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { csvOf } from './csv.ts';
import { readCsv } from './csv-read.ts';
import type { ImportedRow, RowOutcome, Store } from './ports/store.ts';

/** A file of 50,000 addresses with names has three million characters; read in about a second, during which a node does nothing else. */
export const IMPORT_CHARACTERS_MAX = 5_000_000;
export const IMPORT_ROWS_MAX = 50_000;

/** Rows of one transaction, and of one question for what is there already. */
const ROWS_PER_STEP = 200;

/** Members that others created at the same moment: the rows are looked at again. */
const TRIES = 5;

const NAME_LENGTH_MAX = 200;
/** RFC 5321's longest address. */
const EMAIL_LENGTH_MAX = 254;
const IS_EMAIL = /^[^\s@"<>(),;:\\[\]]+@[^\s@"<>(),;:\\[\].]+(\.[^\s@"<>(),;:\\[\].]+)+$/;

/** Which column holds what, by the names in the file's first line. */
export interface ColumnMapping {
  readonly email: string;
  readonly name?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
}

export type ReadMembers =
  | { readonly ok: true; readonly rows: readonly ImportedRow[] }
  | { readonly ok: false; readonly problem: string };

export interface MemberImportReport {
  /** What would come of the rows. */
  readonly counts: { readonly created: number; readonly matched: number; readonly refused: number };
  /** A line for each row of the file. */
  readonly csv: string;
}

export type ImportStarted =
  | { readonly kind: 'started' | 'existing' }
  | { readonly kind: 'refused'; readonly code: 'unreadable'; readonly problem: string }
  | { readonly kind: 'refused'; readonly code: 'other' };

export interface MemberImportDeps {
  readonly store: Pick<Store, 'memberImports' | 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Told of people who are known by their address alone, to be looked for in the CRMs. */
  readonly onMet: (accountId: string, emails: readonly string[]) => void;
  /** Called when there is an import to carry out, or to undo. */
  readonly onStarted: () => void;
}

export interface MemberImportInput {
  readonly csv: string;
  readonly mapping: ColumnMapping;
}

export interface MemberImports {
  /** What an import would do; nothing is kept. */
  dryRun(
    accountId: string,
    input: MemberImportInput,
  ): Promise<({ readonly ok: true } & MemberImportReport) | { readonly ok: false; readonly problem: string }>;
  /** `id` is chosen by who imports: the same file under the same id is the same import. */
  start(
    accountId: string,
    input: MemberImportInput & { readonly id: string; readonly by: string },
  ): Promise<ImportStarted>;
  /** Takes the members out again that have done nothing since. Null for no such import, false for one that is not through. */
  undo(accountId: string, id: string): Promise<boolean | null>;
  /** Up to so many lines of what became of the rows, as a table; null for no such import. */
  report(accountId: string, id: string, after: number, limit: number): Promise<ImportTable | null>;
  /** Carries out imports until none is open. One node at a time. */
  runAll(signal?: AbortSignal): Promise<void>;
}

export interface ImportTable {
  readonly csv: string;
  /** The line to go on behind; null at the end. */
  readonly next: number | null;
}

/**
 * Members from a file of the account's. Who is there already is matched, by their address; everybody else is enrolled. What a row said is
 * forgotten as soon as it is carried out, so that a person who asks to be forgotten is not remembered here.
 */
export function createMemberImports({ store, clock, log, onMet, onStarted }: MemberImportDeps): MemberImports {
  /** The outcome of rows as things are now, and the members that would come of them. */
  async function judge(
    accountId: string,
    rows: readonly ImportedRow[],
  ): Promise<{ rows: ImportedRow[]; members: Member[] }> {
    const emails = rows.flatMap(({ content }) => content?.email ?? []);
    const known = await store.memberImports.known(accountId, emails);
    const members: Member[] = [];
    const judged = rows.map((row): ImportedRow => {
      const { content } = row;
      if (row.outcome !== 'open' || !content) return row;
      const memberId = content.email === null ? undefined : known.get(content.email);
      if (memberId !== undefined) return { ...row, outcome: 'matched', memberId };
      const { name, email, contact } = content;
      const id = contact ? memberIdOf(accountId, contact) : derivedId('mem', accountId, 'email', email ?? '');
      members.push({ id, name, email, code: memberCode(id), contact, createdAt: clock.now(), version: 1 });
      return { ...row, outcome: 'created', memberId: id };
    });
    return { rows: judged, members };
  }

  /** True when there was a row to carry out. */
  async function takeIn(accountId: string, id: string): Promise<boolean> {
    const open = await store.memberImports.rows(accountId, id, { outcome: 'open', after: 0, limit: ROWS_PER_STEP });
    if (open.length === 0) return false;
    for (let tries = 1; ; tries += 1) {
      const { rows, members } = await judge(accountId, open);
      if (await store.memberImports.takeIn(accountId, id, rows, members, clock.now())) {
        onMet(
          accountId,
          members.flatMap(({ email }) => email ?? []),
        );
        return true;
      }
      if (tries === TRIES) throw new Error('rows of an import do not come to rest');
    }
  }

  async function takeOut(accountId: string, id: string): Promise<boolean> {
    const created = await store.memberImports.rows(accountId, id, {
      outcome: 'created',
      after: 0,
      limit: ROWS_PER_STEP,
    });
    for (const row of created) await store.memberImports.takeOut(accountId, id, row, clock.now());
    return created.length > 0;
  }

  return {
    async dryRun(accountId, { csv, mapping }) {
      const read = readMembers(csv, mapping);
      if (!read.ok) return read;
      const rows: ImportedRow[] = [];
      for (let from = 0; from < read.rows.length; from += ROWS_PER_STEP)
        rows.push(...(await judge(accountId, read.rows.slice(from, from + ROWS_PER_STEP))).rows);
      const count = (outcome: RowOutcome) => rows.filter((row) => row.outcome === outcome).length;
      const counts = { created: count('created'), matched: count('matched'), refused: count('refused') };
      // A member who would be created has no id that anybody could look up.
      const told = rows.map((row) => (row.outcome === 'created' ? { ...row, memberId: null } : row));
      return { ok: true, counts, csv: csvOf(HEADER, told.map(lineOf)) };
    },

    async start(accountId, { id, csv, mapping, by }) {
      const read = readMembers(csv, mapping);
      if (!read.ok) return { kind: 'refused', code: 'unreadable', problem: read.problem };
      const now = clock.now();
      const contentHash = createHash('sha256')
        .update(JSON.stringify([mapping, csv]))
        .digest('base64url');
      const one = {
        accountId,
        id,
        contentHash,
        state: 'running' as const,
        rows: read.rows.length,
        startedBy: by,
        startedAt: now,
        updatedAt: now,
      };
      const started = await store.memberImports.start(one, read.rows);
      if (started === 'other') return { kind: 'refused', code: 'other' };
      onStarted();
      return { kind: started };
    },

    async undo(accountId, id) {
      const known = await store.memberImports.get(accountId, id);
      if (!known) return null;
      if (known.state === 'undoing' || known.state === 'undone') return true;
      const turned = await store.memberImports.turn(accountId, id, {
        from: 'done',
        to: 'undoing',
        now: clock.now(),
      });
      if (turned) onStarted();
      return turned;
    },

    async report(accountId, id, after, limit) {
      if (!(await store.memberImports.get(accountId, id))) return null;
      const rows = await store.memberImports.rows(accountId, id, { after, limit });
      const last = rows.at(-1);
      return { csv: csvOf(HEADER, rows.map(lineOf)), next: last && rows.length === limit ? last.line : null };
    },

    async runAll(signal) {
      for (const { accountId, id, state } of await store.memberImports.running()) {
        try {
          const step = state === 'undoing' ? takeOut : takeIn;
          while (!signal?.aborted && (await step(accountId, id)));
          if (signal?.aborted) return;
          const to = state === 'undoing' ? 'undone' : 'done';
          await store.memberImports.turn(accountId, id, { from: state, to, now: clock.now() });
        } catch (err) {
          // What is open stays open; the next stroke of the schedule goes on.
          log.warn({ err, import: id }, 'import put off');
        }
      }
    },
  };
}

const HEADER = ['line', 'outcome', 'problem', 'memberId'];

function lineOf({ line, outcome, problem, memberId }: ImportedRow): string[] {
  return [String(line), outcome, problem ?? '', memberId ?? ''];
}

/** The rows of a file, those that cannot be taken over with the reason. */
export function readMembers(csv: string, mapping: ColumnMapping): ReadMembers {
  if (csv.length > IMPORT_CHARACTERS_MAX)
    return { ok: false, problem: `must have at most ${IMPORT_CHARACTERS_MAX} characters; send it in parts` };
  const column = (name: string | undefined) => name?.trim().toLowerCase();
  const columns = {
    email: column(mapping.email) ?? '',
    name: column(mapping.name),
    firstName: column(mapping.firstName),
    lastName: column(mapping.lastName),
  };
  const needed = Object.values(columns).filter((name) => name !== undefined);
  const read = readCsv(csv, needed, IMPORT_ROWS_MAX);
  if (!read.ok) return read;
  if (read.rows.length === 0) return { ok: false, problem: 'has no row below its first line' };
  const lines = new Map<string, number>();
  const rows = read.rows.map(({ line, fields }): ImportedRow => {
    const of = (name: string | undefined) => (name === undefined ? '' : (fields.get(name) ?? '')).trim();
    const names = [of(columns.name), of(columns.firstName), of(columns.lastName)].filter((part) => part !== '');
    const name = names.join(' ');
    const email = normaliseEmail(of(columns.email));
    const problem = problemOf(email, name) ?? repeated(lines, email, line);
    if (problem !== null) return { line, content: null, outcome: 'refused', problem, memberId: null };
    const content = { name: name === '' ? null : name, email, contact: null };
    return { line, content, outcome: 'open', problem: null, memberId: null };
  });
  return { ok: true, rows };
}

/** In words that name no address: they stay. */
function problemOf(email: string | null, name: string): string | null {
  if (email === null) return 'The address is missing.';
  if (email.length > EMAIL_LENGTH_MAX || !IS_EMAIL.test(email) || !isShowable(email))
    return 'The address is no e-mail address.';
  if (name.length > NAME_LENGTH_MAX) return `The name has more than ${NAME_LENGTH_MAX} characters.`;
  return isShowable(name) ? null : 'The name has control characters.';
}

function repeated(lines: Map<string, number>, email: string | null, line: number): string | null {
  if (email === null) return null;
  const before = lines.get(email);
  if (before === undefined) lines.set(email, line);
  return before === undefined ? null : `The address is that of line ${before} too.`;
}

function isShowable(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}
