import { sql } from 'kysely';
import type { Waiting } from '../domain/plan.ts';
import { programOwner, type Tally, type TallyChange, tallyKey, tallyMap } from '../domain/tally.ts';
import type { Instant } from '../domain/time.ts';
import { fromMinor, refOf, toMinor } from './codec.ts';
import { Conflict } from './conflict.ts';
import { insertRows, rowsOf } from './dialect.ts';
import { tell } from './queue.ts';
import { type Row, type Session, TABLES } from './schema.ts';
import { askAt } from './work.ts';

/** Deals that are looked at again when a tally gets room. Those behind them follow when these have been judged. */
const WOKEN_AT_ONCE_MAX = 500;

/** Between these two lie the owners that are programs. */
const PROGRAMS = programOwner('');
const BEHIND_PROGRAMS = `${PROGRAMS.trimEnd()}!`;

/** The tallies of these owners, and those of all programs. */
export async function talliesOf(
  { db, dialect }: Session,
  accountId: string,
  owners: readonly string[],
): Promise<Map<string, Tally>> {
  const { rows } = await sql<{
    owner: string;
    tally_key: string;
    currency: string;
    amount_count: number;
    minor: number;
  }>`
    select owner, tally_key, currency, amount_count, minor from tallies
    where account_id = ${accountId} and ${dialect.isIn('owner', owners)}
    union all select owner, tally_key, currency, amount_count, minor from tallies
    where account_id = ${accountId} and owner >= ${PROGRAMS} and owner < ${BEHIND_PROGRAMS}`.execute(db);
  return tallyMap(rows.map(tallyOf));
}

export function tallyOf(row: Omit<Row<'tallies'>, 'account_id'>): Tally {
  const { owner, tally_key: key, currency, amount_count: count, minor } = row;
  return { owner, key, currency, count, minor: fromMinor(minor) };
}

/**
 * Adds to tallies, and wakes whoever waits for what was given back. Changes that follow on one another, as of plans that are written together,
 * are one.
 *
 * @throws Conflict when a tally is not what a change rests on.
 */
export async function changeTallies(
  session: Session,
  accountId: string,
  changes: readonly TallyChange[],
  at: Instant,
): Promise<void> {
  // In one order everywhere, so that two transactions that change the same ones rarely wait for each other.
  const all = folded(changes).sort((a, b) => (tallyKey(a) < tallyKey(b) ? -1 : 1));
  await add(
    session,
    accountId,
    all.filter(({ basis }) => basis === null),
  );
  await addIfUnchanged(
    session,
    accountId,
    all.filter(({ basis }) => basis !== null),
  );
  await wakeWaiting(session, accountId, all.filter(givesRoom), at);
}

function rowOf(accountId: string, { owner, key, currency, count, minor }: Tally): Row<'tallies'> {
  return { account_id: accountId, owner, tally_key: key, currency, amount_count: count, minor: toMinor(minor) };
}

async function add(session: Session, accountId: string, changes: readonly TallyChange[]): Promise<void> {
  await insertRows(
    session,
    'tallies',
    changes.map((change) => rowOf(accountId, change)),
    `on conflict (account_id, owner, tally_key, currency) do update
       set amount_count = tallies.amount_count + excluded.amount_count, minor = tallies.minor + excluded.minor`,
  );
}

async function addIfUnchanged(session: Session, accountId: string, changes: readonly TallyChange[]): Promise<void> {
  if (changes.length === 0) return;
  const zeros = changes.map((change) => rowOf(accountId, { ...change, count: 0, minor: 0n }));
  await insertRows(session, 'tallies', zeros, 'on conflict do nothing');
  const rows = changes.map((change) => ({
    ...rowOf(accountId, change),
    basis_count: change.basis?.count ?? 0,
    basis_minor: toMinor(change.basis?.minor ?? 0n),
  }));
  const columns = { ...TABLES.tallies, basis_count: 'int', basis_minor: 'int' } as const;
  const { numAffectedRows } = await sql`update tallies
    set amount_count = tallies.amount_count + next.amount_count, minor = tallies.minor + next.minor
    from ${rowsOf(session, columns, rows)} as next
    where tallies.account_id = next.account_id and tallies.owner = next.owner
      and tallies.tally_key = next.tally_key and tallies.currency = next.currency
      and tallies.amount_count = next.basis_count and tallies.minor = next.basis_minor`.execute(session.db);
  if (numAffectedRows !== BigInt(rows.length)) throw new Conflict('a tally changed meanwhile');
}

/** A limit that counts less, a budget that holds more. */
function givesRoom({ key, count, minor }: TallyChange): boolean {
  return key === 'budget' ? minor > 0n : key.startsWith('limit ') && (count < 0 || minor < 0n);
}

/** Remembers whom a limit or a budget keeps waiting. Who waits already keeps their place. */
export async function keepWaiting(session: Session, accountId: string, waiting: readonly Waiting[]): Promise<void> {
  await insertRows(
    session,
    'tally_waits',
    waiting.map(({ on, record, since }) => ({
      account_id: accountId,
      owner: on.owner,
      tally_key: on.key,
      currency: on.currency,
      connection_id: record.connectionId,
      object: record.object,
      record_id: record.id,
      since,
    })),
    'on conflict do nothing',
  );
}

/** Asks for the deals to be looked at that wait for one of these, those that have waited longest first, and says how many. */
export async function wakeWaiting(
  session: Session,
  accountId: string,
  roomy: ReadonlyArray<Pick<Tally, 'owner' | 'key' | 'currency'>>,
  at: Instant,
): Promise<number> {
  let woken = 0;
  for (const { owner, key, currency } of roomy) {
    const { rows } = await sql<{ connection_id: string; object: string; record_id: string; since: number }>`
      with first as (
        select connection_id, object, record_id from tally_waits
        where account_id = ${accountId} and owner = ${owner} and tally_key = ${key} and currency = ${currency}
        order by since limit ${WOKEN_AT_ONCE_MAX}
      )
      delete from tally_waits
      where account_id = ${accountId} and owner = ${owner} and tally_key = ${key} and currency = ${currency}
        and (connection_id, object, record_id) in (select connection_id, object, record_id from first)
      returning connection_id, object, record_id, since`.execute(session.db);
    // A millisecond apart, so that they are judged in the order in which they came.
    const inOrder = rows.sort((a, b) => a.since - b.since || (a.record_id < b.record_id ? -1 : 1));
    await askAt(
      session,
      accountId,
      inOrder.map((row, index) => ({ record: refOf(row), at: at + index })),
    );
    for (const { connection_id } of rows) tell(session, 'work', { accountId, connectionId: connection_id });
    woken += rows.length;
  }
  return woken;
}

/** One change for each tally; the first that rests on something says on what, less what came before it in the same commit. */
function folded(changes: readonly TallyChange[]): TallyChange[] {
  const byKey = new Map<string, TallyChange>();
  for (const change of changes) {
    const key = tallyKey(change);
    const before = byKey.get(key);
    if (!before) {
      byKey.set(key, change);
      continue;
    }
    const basis =
      before.basis ??
      (change.basis && { count: change.basis.count - before.count, minor: change.basis.minor - before.minor });
    byKey.set(key, { ...change, basis, count: before.count + change.count, minor: before.minor + change.minor });
  }
  return [...byKey.values()];
}
