import { createHash } from 'node:crypto';
import { memberIdOf } from '../domain/attribution.ts';
import { Fault } from '../domain/errors.ts';
import { memberCode } from '../domain/ids.ts';
import type { ContactFacts, RecordRef } from '../domain/record.ts';
import { normaliseEmail, recordKey } from '../domain/record.ts';
import type { Member } from '../domain/referral.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { memberIdByEmail } from './act.ts';
import type { SaidConsent } from './consent-texts.ts';
import { csvOf } from './csv.ts';
import { readCsv } from './csv-read.ts';
import type { CrmAccess, CrmList, CrmLists, CrmSession } from './ports/crm.ts';
import type { Connection, ImportedList, ImportedRow, MemberImport, RowOutcome, Store } from './ports/store.ts';

/** A file of 50,000 addresses with names has three million characters; read in about a second, during which a node does nothing else. */
export const IMPORT_CHARACTERS_MAX = 5_000_000;
export const IMPORT_ROWS_MAX = 50_000;

/** Of a list that is tried: some forty calls to the CRM, which take four seconds of its rate; nobody waits longer for an answer. */
export const LIST_TRIED_MAX = 2_000;

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

/**
 * `no_lists`: the CRM has none, or the connection may not read them. `no_such_list`: or it is not one of people.
 */
export type ListRefusal = {
  readonly kind: 'refused';
  readonly code: 'no_such_connection' | 'not_connected' | 'no_lists' | 'no_such_list';
};

export type ListTried =
  | ({
      readonly kind: 'tried';
      readonly list: CrmList;
      /** Whether all of the list was looked at. */
      readonly isWhole: boolean;
    } & MemberImportReport)
  | ListRefusal;

export type ListImportStarted =
  | { readonly kind: 'started' | 'existing' }
  | ListRefusal
  | { readonly kind: 'refused'; readonly code: 'other' };

/** Which words the people were shown before, as whoever imports them says. */
interface WithConsent {
  readonly consent?: SaidConsent | undefined;
}

export interface ListInput extends WithConsent {
  readonly connectionId: string;
  /** The CRM's own id of it. */
  readonly listId: string;
}

export interface MemberImportDeps {
  readonly store: Pick<Store, 'memberImports' | 'connections' | 'privacy'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly openSession: (connection: Connection, pace?: CrmAccess['pace']) => CrmSession;
  /** Told of people who are known by their address alone, to be looked for in the CRMs. */
  readonly onMet: (accountId: string, emails: readonly string[]) => void;
  /** Called when there is an import to carry out, or to undo. */
  readonly onStarted: () => void;
}

export interface MemberImportInput extends WithConsent {
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
  /** Lists of people in a CRM whose name holds the text. */
  lists(
    accountId: string,
    connectionId: string,
    text: string,
    limit: number,
  ): Promise<{ readonly kind: 'found'; readonly lists: readonly CrmList[] } | ListRefusal>;
  /** What the import of a list would do with its first people; nothing is kept. */
  tryList(accountId: string, input: ListInput): Promise<ListTried>;
  /** As `start`: the same list under the same id is the same import. Who joins the list after it was read is none of it. */
  startList(
    accountId: string,
    input: ListInput & { readonly id: string; readonly by: string },
  ): Promise<ListImportStarted>;
  /**
   * Takes the members out again that have done nothing since; one that is not through is stopped first, whether its CRM can be reached or not.
   * Null for no such import.
   */
  undo(accountId: string, id: string): Promise<true | null>;
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
 * Members from a file of the account's, or from a list in its CRM. Who is there already is matched, by their address or contact; everybody else
 * is enrolled. What a row said is forgotten as soon as it is carried out, so that a person who asks to be forgotten is not remembered here. Of
 * a list only the ids of its contacts are kept until then: names and addresses are read when they are needed.
 */
export function createMemberImports(deps: MemberImportDeps): MemberImports {
  const { store, clock, log, onMet, onStarted } = deps;

  /** The outcome of rows as things are now, and the members that would come of them. */
  async function judge(
    accountId: string,
    rows: readonly ImportedRow[],
  ): Promise<{ rows: ImportedRow[]; members: Member[] }> {
    const emails = rows.flatMap(({ content }) => content?.email ?? []);
    const byEmail = new Map(await store.memberImports.known(accountId, emails));
    const contacts = rows.flatMap(({ content }) => content?.contact ?? []);
    const byContact = new Map<string, string>();
    for (const [connectionId, own] of Map.groupBy(contacts, (contact) => contact.connectionId)) {
      const ids = own.map(({ id }) => id);
      for (const [id, memberId] of await store.memberImports.knownContacts(accountId, connectionId, ids))
        byContact.set(`${connectionId} ${id}`, memberId);
    }
    const idOf = await idsByEmail(accountId, emails);
    const erased = await erasedContacts(accountId, rows);
    const members: Member[] = [];
    const judged = rows.map((row): ImportedRow => {
      const { content } = row;
      if (row.outcome !== 'open' || !content) return row;
      const { name, email, contact } = content;
      const key = contact && `${contact.connectionId} ${contact.id}`;
      const memberId =
        (key === null ? undefined : byContact.get(key)) ?? (email === null ? undefined : byEmail.get(email));
      if (memberId !== undefined) return { ...row, outcome: 'matched', memberId };
      if (contact && erased.has(recordKey(contact)))
        return { ...row, outcome: 'refused', problem: 'the person was erased' };
      const id = contact
        ? memberIdOf(accountId, contact)
        : (idOf.get(email ?? '') ?? memberIdByEmail(accountId, email ?? ''));
      members.push({ id, name, email, code: memberCode(id), contact, createdAt: clock.now(), version: 1 });
      // Two contacts of one person, or one that became of two.
      if (key !== null) byContact.set(key, id);
      if (email !== null) byEmail.set(email, id);
      return { ...row, outcome: 'created', memberId: id };
    });
    return { rows: judged, members };
  }

  /** Rows of a list with what the CRM says of their contacts now; those whose contact is gone are refused. */
  async function withFacts(session: CrmSession, rows: readonly ImportedRow[]): Promise<ImportedRow[]> {
    const facts = await session.readContacts(rows.flatMap(({ content }) => content?.contact?.id ?? []));
    const byId = new Map<string, ContactFacts>();
    for (const one of facts) for (const id of [one.ref.id, ...one.formerIds]) byId.set(id, one);
    return rows.map((row): ImportedRow => {
      const { content } = row;
      if (!content?.contact) return row;
      const known = byId.get(content.contact.id);
      if (known?.presence !== 'present') return { ...row, outcome: 'refused', problem: 'The contact was deleted.' };
      return { ...row, content: { contact: known.ref, name: known.name, email: normaliseEmail(known.email ?? '') } };
    });
  }

  /** The CRM that a list is in, for what can wait. @throws Fault, or when it is not connected. */
  async function sessionOf(accountId: string, { connectionId }: ImportedList): Promise<CrmSession> {
    const connection = await store.connections.get(accountId, connectionId);
    if (connection?.status !== 'connected') throw new Error('the CRM of the list is not connected');
    return deps.openSession(connection, 'background');
  }

  /** One page of the list becomes rows; the import as it is then. */
  async function readList(one: MemberImport): Promise<MemberImport | null> {
    const { accountId, id, list } = one;
    if (!list) throw new Error('an import that reads no list');
    const { lists } = await sessionOf(accountId, list);
    if (!lists) throw new Error('the connection may not read lists any more');
    const { connectionId, listId, position } = list;
    const page = await lists.members(listId, position);
    const rows = page
      ? page.ids.map((contactId) => openRow({ connectionId, object: 'contact', id: contactId }))
      : [{ content: null, outcome: 'refused' as const, problem: LIST_GONE, memberId: null }];
    const to = page?.next ?? null;
    const isOurs = await store.memberImports.addRows(accountId, id, { from: position, to, rows, now: clock.now() });
    if (!isOurs) return store.memberImports.get(accountId, id);
    return { ...one, state: to === null ? 'running' : 'listing', list: { ...list, position: to } };
  }

  /** Who was forgotten and comes back by their address is somebody else than they were. */
  async function idsByEmail(accountId: string, emails: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const ids = new Map<string, string>();
    let open = [...new Set(emails)];
    for (let times = 1; open.length > 0; times += 1) {
      for (const email of open) ids.set(email, memberIdByEmail(accountId, email, times));
      const erased = await store.privacy.erasedMembers(
        accountId,
        open.map((email) => ids.get(email) ?? ''),
      );
      open = open.filter((email) => erased.has(ids.get(email) ?? ''));
    }
    return ids;
  }

  /** By the keys of their records. */
  async function erasedContacts(accountId: string, rows: readonly ImportedRow[]): Promise<ReadonlySet<string>> {
    const erased = new Set<string>();
    const contacts = rows.flatMap(({ content }) => content?.contact ?? []);
    for (const [connectionId, group] of Map.groupBy(contacts, (ref) => ref.connectionId)) {
      const ids = group.map(({ id }) => id);
      for (const id of await store.privacy.erasedAmong(accountId, connectionId, ids))
        erased.add(recordKey({ connectionId, object: 'contact', id }));
    }
    return erased;
  }

  /** True when there was a row to carry out. */
  async function takeIn({ accountId, id, list }: MemberImport): Promise<boolean> {
    const asked = await store.memberImports.rows(accountId, id, { outcome: 'open', after: 0, limit: ROWS_PER_STEP });
    if (asked.length === 0) return false;
    const open = list ? await withFacts(await sessionOf(accountId, list), asked) : asked;
    for (let tries = 1; ; tries += 1) {
      const { rows, members } = await judge(accountId, open);
      const taken = await store.memberImports.takeIn(accountId, id, rows, members, clock.now());
      if (taken === 'stopped') return false;
      if (taken === 'taken') {
        onMet(
          accountId,
          members.flatMap(({ email }) => email ?? []),
        );
        return true;
      }
      if (tries === TRIES) throw new Error('rows of an import do not come to rest');
    }
  }

  async function takeOut({ accountId, id }: MemberImport): Promise<boolean> {
    const created = await store.memberImports.rows(accountId, id, {
      outcome: 'created',
      after: 0,
      limit: ROWS_PER_STEP,
    });
    for (const row of created) await store.memberImports.takeOut(accountId, id, row, clock.now());
    if (created.length > 0) return true;
    // It was stopped before these were carried out.
    const open = await store.memberImports.rows(accountId, id, { outcome: 'open', after: 0, limit: ROWS_PER_STEP });
    if (open.length === 0) return false;
    const left = open.map((row) => ({ ...row, outcome: 'refused' as const, problem: STOPPED }));
    await store.memberImports.leaveOut(accountId, id, left);
    return true;
  }

  /** The lists of a CRM, and a session that waits for nothing. */
  async function openLists(
    accountId: string,
    connectionId: string,
  ): Promise<{ readonly kind: 'open'; readonly session: CrmSession; readonly lists: CrmLists } | ListRefusal> {
    const connection = await store.connections.get(accountId, connectionId);
    if (!connection) return { kind: 'refused', code: 'no_such_connection' };
    if (connection.status !== 'connected') return { kind: 'refused', code: 'not_connected' };
    const session = deps.openSession(connection);
    return session.lists ? { kind: 'open', session, lists: session.lists } : { kind: 'refused', code: 'no_lists' };
  }

  /** What would become of rows, a line for each. */
  function reportOf(rows: readonly ImportedRow[]): MemberImportReport {
    const count = (outcome: RowOutcome) => rows.filter((row) => row.outcome === outcome).length;
    const counts = { created: count('created'), matched: count('matched'), refused: count('refused') };
    const made = new Set(
      rows.flatMap(({ outcome, memberId }) => (outcome === 'created' && memberId ? [memberId] : [])),
    );
    // A member who would be created has no id that anybody could look up.
    const told = rows.map((row) => (row.memberId && made.has(row.memberId) ? { ...row, memberId: null } : row));
    return { counts, csv: csvOf(HEADER, told.map(lineOf)) };
  }

  return {
    async lists(accountId, connectionId, text, limit) {
      const opened = await openLists(accountId, connectionId);
      if (opened.kind === 'refused') return opened;
      return { kind: 'found', lists: await opened.lists.find(text, limit) };
    },

    async tryList(accountId, { connectionId, listId }) {
      const opened = await openLists(accountId, connectionId);
      if (opened.kind === 'refused') return opened;
      const list = await opened.lists.get(listId);
      if (!list) return { kind: 'refused', code: 'no_such_list' };
      const ids: string[] = [];
      let position: string | null = null;
      do {
        const page: Awaited<ReturnType<CrmLists['members']>> = await opened.lists.members(listId, position);
        if (!page) return { kind: 'refused', code: 'no_such_list' };
        ids.push(...page.ids);
        position = page.next;
      } while (position !== null && ids.length < LIST_TRIED_MAX);
      const rows: ImportedRow[] = [];
      for (let from = 0; from < Math.min(ids.length, LIST_TRIED_MAX); from += ROWS_PER_STEP) {
        const asked = ids
          .slice(from, Math.min(from + ROWS_PER_STEP, LIST_TRIED_MAX))
          .map((id, index) => ({ ...openRow({ connectionId, object: 'contact', id }), line: from + index + 1 }));
        rows.push(...(await judge(accountId, await withFacts(opened.session, asked))).rows);
      }
      return { kind: 'tried', list, isWhole: position === null && ids.length <= LIST_TRIED_MAX, ...reportOf(rows) };
    },

    async startList(accountId, { id, connectionId, listId, by, consent }) {
      const contentHash = createHash('sha256')
        .update(JSON.stringify(['list', connectionId, listId, ...(consent ? [consent] : [])]))
        .digest('base64url');
      if (!(await store.connections.get(accountId, connectionId)))
        return { kind: 'refused', code: 'no_such_connection' };
      const known = await store.memberImports.get(accountId, id);
      // Also when the list has gone since, or the CRM is not connected.
      if (known) return known.contentHash === contentHash ? { kind: 'existing' } : { kind: 'refused', code: 'other' };
      const opened = await openLists(accountId, connectionId);
      if (opened.kind === 'refused') return opened;
      if (!(await opened.lists.get(listId))) return { kind: 'refused', code: 'no_such_list' };
      const now = clock.now();
      const list = { connectionId, listId, position: null };
      const started = await store.memberImports.start(
        {
          ...{ accountId, id, contentHash, list, consent, state: 'listing', rows: 0 },
          ...{ startedBy: by, startedAt: now, updatedAt: now },
        },
        [],
      );
      if (started === 'other') return { kind: 'refused', code: 'other' };
      onStarted();
      return { kind: started };
    },

    async dryRun(accountId, { csv, mapping }) {
      const read = readMembers(csv, mapping);
      if (!read.ok) return read;
      const rows: ImportedRow[] = [];
      for (let from = 0; from < read.rows.length; from += ROWS_PER_STEP)
        rows.push(...(await judge(accountId, read.rows.slice(from, from + ROWS_PER_STEP))).rows);
      return { ok: true, ...reportOf(rows) };
    },

    async start(accountId, { id, csv, mapping, by, consent }) {
      const read = readMembers(csv, mapping);
      if (!read.ok) return { kind: 'refused', code: 'unreadable', problem: read.problem };
      const now = clock.now();
      const contentHash = createHash('sha256')
        .update(JSON.stringify([mapping, csv, ...(consent ? [consent] : [])]))
        .digest('base64url');
      const one = {
        accountId,
        id,
        contentHash,
        list: null,
        consent,
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
      for (let tries = 0; tries < TRIES; tries += 1) {
        const known = await store.memberImports.get(accountId, id);
        if (!known) return null;
        if (known.state === 'undoing' || known.state === 'undone') return true;
        const change = { from: known.state, to: 'undoing', now: clock.now() } as const;
        if (!(await store.memberImports.turn(accountId, id, change))) continue;
        onStarted();
        return true;
      }
      throw new Fault('busy', { kind: 'retry' }, 'The import went on at this very moment. Nothing was changed.');
    },

    async report(accountId, id, after, limit) {
      if (!(await store.memberImports.get(accountId, id))) return null;
      const rows = await store.memberImports.rows(accountId, id, { after, limit });
      const last = rows.at(-1);
      return { csv: csvOf(HEADER, rows.map(lineOf)), next: last && rows.length === limit ? last.line : null };
    },

    async runAll(signal) {
      for (const found of await store.memberImports.running()) {
        const { accountId, id } = found;
        try {
          let one: MemberImport | null = found;
          while (one?.state === 'listing' && !signal?.aborted) one = await readList(one);
          if (signal?.aborted) return;
          if (!one) continue;
          const step = one.state === 'undoing' ? takeOut : takeIn;
          while (!signal?.aborted && (await step(one)));
          if (signal?.aborted) return;
          const to = one.state === 'undoing' ? 'undone' : 'done';
          await store.memberImports.turn(accountId, id, { from: one.state, to, now: clock.now() });
        } catch (err) {
          // What is open stays open; the next stroke of the schedule goes on.
          log.warn({ err, import: id }, 'import put off');
        }
      }
    },
  };
}

function openRow(contact: RecordRef): Omit<ImportedRow, 'line'> {
  return { content: { name: null, email: null, contact }, outcome: 'open', problem: null, memberId: null };
}

const STOPPED = 'The import was stopped before this line.';
const LIST_GONE = 'The list is gone: nobody behind this line was read.';

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
