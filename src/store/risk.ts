import { sql } from 'kysely';
import type { CaseKeys, RiskKeys } from '../application/ports/store.ts';
import { paceKey, type RiskKnowledge } from '../domain/risk.ts';
import { touchOf } from './codec.ts';
import { type Columns, rowsOf } from './dialect.ts';
import type { Row, Session } from './schema.ts';

/** More than this within hours is beyond what any policy asks for, and counting on would read all of a busy member's referrals. */
const PACE_MAX = 1_000;

/** Of many contacts with one number, as at an office, so many are told. */
const TWINS_MAX = 5;

const HOUR_MS = 3_600_000;

/** What is known beside the people and deals of a case: a statement for each hour asked for, and three more. */
export async function riskKnowledge(
  session: Session,
  keys: CaseKeys & { readonly risk: RiskKeys },
  referrals: readonly Row<'referrals'>[],
  memberIds: readonly string[],
): Promise<RiskKnowledge> {
  const { accountId, connectionId, contactIds, risk } = keys;
  const paces = new Map<string, number>();
  for (const hours of risk.hours) {
    for (const [id, count] of await beforeReferrals(session, accountId, referrals, hours))
      paces.set(paceKey('referral', id, hours), count);
    for (const [id, count] of await beforeNow(session, accountId, memberIds, hours, risk.now))
      paces.set(paceKey('member', id, hours), count);
  }
  const twins = new Map<string, string[]>();
  await findTwins(session, twins, accountId, connectionId, 'mail_key', risk.mail);
  await findTwins(session, twins, accountId, connectionId, 'phone_key', risk.phones);
  return { paces, twins, touches: await touchesAround(session, accountId, connectionId, contactIds) };
}

async function beforeReferrals(
  session: Session,
  accountId: string,
  referrals: readonly Row<'referrals'>[],
  hours: number,
): Promise<Array<[string, number]>> {
  const wanted = referrals.map(({ id, member_id, submitted_at }) => ({ id, member_id, submitted_at }));
  const columns: Columns = { id: 'text', member_id: 'text', submitted_at: 'int' };
  if (wanted.length === 0) return [];
  const { rows } = await sql<{ id: string; pace: number }>`
    select wanted.id, (select count(*) from (select 1 as one from referrals
        where referrals.account_id = ${accountId} and referrals.member_id = wanted.member_id
          and referrals.submitted_at > wanted.submitted_at - ${hours * HOUR_MS}
          and referrals.submitted_at <= wanted.submitted_at and referrals.id <> wanted.id
        limit ${PACE_MAX}) as counted) as pace
    from ${rowsOf(session, columns, wanted)} as wanted`.execute(session.db);
  return rows.map(({ id, pace }) => [id, Number(pace)]);
}

async function beforeNow(
  { db, dialect }: Session,
  accountId: string,
  memberIds: readonly string[],
  hours: number,
  now: number,
) {
  if (memberIds.length === 0) return [];
  const { rows } = await sql<{ id: string; pace: number }>`
    select members.id, (select count(*) from (select 1 as one from referrals
        where referrals.account_id = ${accountId} and referrals.member_id = members.id
          and referrals.submitted_at > ${now - hours * HOUR_MS} limit ${PACE_MAX}) as counted) as pace
    from members where account_id = ${accountId} and ${dialect.isIn('id', memberIds)}`.execute(db);
  return rows.map(({ id, pace }): [string, number] => [id, Number(pace)]);
}

async function findTwins(
  { db, dialect }: Session,
  twins: Map<string, string[]>,
  accountId: string,
  connectionId: string,
  column: 'mail_key' | 'phone_key',
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const { rows } = await sql<{ found: string; record_id: string }>`
    select found, record_id from (
      select ${sql.ref(column)} as found, record_id,
        row_number() over (partition by ${sql.ref(column)} order by record_id) as place
      from records where account_id = ${accountId} and connection_id = ${connectionId}
        and ${sql.ref(column)} is not null and ${dialect.isIn(column, keys)} and presence = 'present'
    ) as numbered where place <= ${TWINS_MAX}`.execute(db);
  for (const { found, record_id } of rows) twins.set(found, [...(twins.get(found) ?? []), record_id]);
  for (const ids of twins.values()) ids.sort();
}

/** Touches of these contacts that tell where they came from, and those of others from the same places. */
async function touchesAround(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  contactIds: readonly string[],
) {
  const { rows: own } = await sql<Row<'touches'>>`
    select * from touches where account_id = ${accountId} and connection_id = ${connectionId}
      and ${dialect.isIn('contact_id', contactIds)} and (ip_prefix is not null or device is not null)`.execute(db);
  const known = new Map(own.map((row) => [row.id, row]));
  if (own.length === 0) return [];
  const places = (column: 'ip_prefix' | 'device') => [...new Set(own.flatMap((row) => row[column] ?? []))];
  for (const column of ['ip_prefix', 'device'] as const) {
    const { rows } = await sql<Row<'touches'>>`
      select * from touches where account_id = ${accountId} and ${sql.ref(column)} is not null
        and ${dialect.isIn(column, places(column))} order by at desc limit ${PACE_MAX}`.execute(db);
    for (const row of rows) known.set(row.id, row);
  }
  return [...known.values()].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).map(touchOf);
}
