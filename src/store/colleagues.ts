import { sql } from 'kysely';
import type { CaseKeys, Colleagues } from '../application/ports/store.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import { tell } from './queue.ts';
import type { Session } from './schema.ts';
import { askAt } from './work.ts';

/** A company of which more are on deals without being anybody's is looked at bit by bit: by each deal of theirs that moves. */
const COLLEAGUES_MAX = 200;

/** The earliest referral of each company of which colleagues may follow. */
export async function firstReferrals(
  { db, dialect }: Session,
  { accountId, connectionId }: Pick<CaseKeys, 'accountId' | 'connectionId'>,
  companyIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (companyIds.length === 0) return new Map();
  const { rows } = await sql<{ company_id: string; id: string }>`
    select company_id, id from (
      select records.company_id, referrals.id, row_number() over (
        partition by records.company_id order by referrals.submitted_at, referrals.id) as place
      -- Not JOIN: SQLite would begin with the account's referrals.
      from records cross join referrals
      where referrals.account_id = records.account_id and referrals.connection_id = records.connection_id
        and referrals.contact_id = records.record_id and records.account_id = ${accountId} and records.connection_id = ${connectionId}
        and records.object = 'contact' and ${dialect.isIn('records.company_id', companyIds)}
        and referrals.source <> 'company' and referrals.stage <> 'declined'
    ) as placed where place = 1`.execute(db);
  return new Map(rows.map((row) => [row.company_id, row.id]));
}

/**
 * A colleague is found by what stands in the database, and two transactions do not see each other's rows: what each has missed of the other
 * is asked for by the later one. Both take the company first, so that one of them is the later one.
 */
export async function lookAtColleagues(
  session: Session,
  accountId: string,
  { connectionId, companyIds, unreferred }: Colleagues,
  at: Instant,
): Promise<void> {
  const all = [...new Set([...companyIds, ...unreferred.map(({ companyId }) => companyId)])].sort();
  if (all.length === 0) return;
  await session.dialect.lockFor(
    session.db,
    all.map((id) => `${accountId} ${connectionId} company ${id}`),
  );
  const found = await firstReferrals(
    session,
    { accountId, connectionId },
    unreferred.map(({ companyId }) => companyId),
  );
  const missed = unreferred.flatMap(({ contactId, companyId }) => (found.has(companyId) ? [contactId] : []));
  const ids = new Set([...missed, ...(await onDealsOfNobody(session, accountId, connectionId, companyIds))]);
  if (ids.size === 0) return;
  const refs = [...ids].map((id): RecordRef => ({ connectionId, object: 'contact', id }));
  await askAt(
    session,
    accountId,
    refs.map((record) => ({ record, at })),
  );
  tell(session, 'work', { accountId, connectionId });
}

async function onDealsOfNobody(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  companyIds: readonly string[],
): Promise<string[]> {
  if (companyIds.length === 0) return [];
  const { rows } = await sql<{ record_id: string }>`
    select record_id from records
    where account_id = ${accountId} and connection_id = ${connectionId} and object = 'contact' and presence = 'present'
      and ${dialect.isIn('company_id', companyIds)}
      and not exists (select 1 from referrals where referrals.account_id = records.account_id
        and referrals.connection_id = records.connection_id and referrals.contact_id = records.record_id)
      and exists (select 1 from record_links where record_links.account_id = records.account_id
        and record_links.connection_id = records.connection_id and record_links.contact_id = records.record_id)
    limit ${sql.lit(COLLEAGUES_MAX)}`.execute(db);
  return rows.map(({ record_id }) => record_id);
}
