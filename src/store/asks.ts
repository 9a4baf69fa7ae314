import { sql } from 'kysely';
import type { AskBearing, AskStore } from '../application/ports/store.ts';
import { type ContactFacts, type DealFacts, type RecordRef, recordKey } from '../domain/record.ts';
import { wonTally } from '../domain/tally.ts';
import { toFlag } from './codec.ts';
import { type Columns, type Engine, insertRows, overRows } from './dialect.ts';
import { tiedTo } from './identity-edges.ts';
import type { Row, Session } from './schema.ts';

/** A member with thousands of referrals or rewards is judged by the newest: what is under way is among them. */
const NEWEST_MAX = 50;

export function createAskStore(engine: Engine): AskStore {
  return {
    keep: ({ id, accountId }, { key, contactId, way, by, at }) =>
      engine.write(async (session) => {
        const kept = await insertRows<'asks', { ask_key: string }>(
          session,
          'asks',
          [
            {
              account_id: accountId,
              connection_id: id,
              ask_key: key,
              contact_id: contactId,
              way,
              asked_by: by,
              asked_at: at,
            },
          ],
          'on conflict do nothing returning ask_key',
        );
        return kept.length === 1;
      }),

    lastAsked: ({ id, accountId }, contactIds) =>
      engine.read(async ({ db, dialect }) => {
        const { rows } = await sql<{ contact_id: string; asked_at: number }>`
          select contact_id, max(asked_at) as asked_at from asks
          where account_id = ${accountId} and connection_id = ${id} and ${dialect.isIn('contact_id', contactIds)}
          group by contact_id`.execute(db);
        return new Map(rows.map(({ contact_id, asked_at }) => [contact_id, asked_at]));
      }),

    contactsOf: ({ id, accountId }, userId, { limit, companyId }) =>
      engine.read(async ({ db }) => {
        const own = sql`owners.account_id = ${accountId} and owners.connection_id = ${id} and owners.user_id = ${userId}`;
        // By the people of a company, who are few; its owner may have thousands of contacts.
        const { rows } = await (companyId === undefined
          ? sql<{ contact_id: string }>`select owners.contact_id from contact_owners as owners where ${own}
              order by owners.active_at desc, owners.contact_id desc limit ${sql.lit(limit)}`
          : sql<{ contact_id: string }>`select owners.contact_id from records cross join contact_owners as owners
              where records.account_id = ${accountId} and records.connection_id = ${id}
                and records.company_id = ${companyId} and records.object = 'contact'
                and owners.contact_id = records.record_id and ${own}
              order by owners.active_at desc, owners.contact_id desc limit ${sql.lit(limit)}`
        ).execute(db);
        return rows.map(({ contact_id }) => contact_id);
      }),

    bearings: (of, contactIds) => engine.snapshot((session) => bearings(session, of, contactIds)),
  };
}

async function bearings(
  session: Session,
  { id: connectionId, accountId }: { readonly id: string; readonly accountId: string },
  contactIds: readonly string[],
): Promise<Map<string, AskBearing>> {
  const memberOf = await memberIds(session, accountId, connectionId, contactIds);
  const ids = [...new Set(memberOf.values())];
  if (ids.length === 0) return new Map();
  const { owner: _, key, currency } = wonTally('');
  const newestReferrals = sql`(select id, stage from referrals
    where referrals.account_id = ${accountId} and referrals.member_id = members.id
    order by submitted_at desc, id desc limit ${sql.lit(NEWEST_MAX)}) as newest`;
  const { rows } = await sql<{
    id: string;
    is_staff: number;
    won: number | null;
    open: number;
    disputes: number;
    paid_at: number | null;
  }>`select members.id, members.is_staff,
      (select amount_count from tallies where tallies.account_id = ${accountId} and owner = members.id
        and tally_key = ${key} and currency = ${currency}) as won,
      (select count(*) from ${newestReferrals}
        where ${session.dialect.isIn('newest.stage', ['submitted', 'accepted', 'qualified', 'opportunity'])}) as open,
      (select count(*) from ${newestReferrals} cross join desk_cases
        where desk_cases.account_id = ${accountId} and desk_cases.referral_id = newest.id
          and desk_cases.kind = 'dispute' and desk_cases.state = 'open') as disputes,
      (select max(newest.updated_at) from (select state, updated_at from rewards
        where rewards.account_id = ${accountId} and beneficiary_id = members.id
        order by created_at desc, id desc limit ${sql.lit(NEWEST_MAX)}) as newest
        where ${session.dialect.isIn('newest.state', ['issued', 'redeemed'])}) as paid_at
    from members where members.account_id = ${accountId} and ${session.dialect.isIn('members.id', ids)}`.execute(
    session.db,
  );
  const byMember = new Map(
    rows.map(({ id, is_staff, won, open, disputes, paid_at }): [string, AskBearing] => [
      id,
      {
        member: { id, isStaff: is_staff === toFlag(true) },
        wonReferrals: Number(won ?? 0),
        openReferrals: Number(open),
        openDisputes: Number(disputes),
        paidAt: paid_at,
      },
    ]),
  );
  return new Map(
    [...memberOf].flatMap(([contactId, memberId]) => {
      const bearing = byMember.get(memberId);
      return bearing ? [[contactId, bearing] as const] : [];
    }),
  );
}

/** By contact: of this connection, or tied to it from another one. */
async function memberIds(
  session: Session,
  accountId: string,
  connectionId: string,
  contactIds: readonly string[],
): Promise<Map<string, string>> {
  const { db, dialect } = session;
  const tied = await tiedTo(session, accountId, connectionId, contactIds);
  const subjects = [...new Set([...tied.values()].flat())];
  const elsewhere =
    subjects.length === 0
      ? []
      : (
          await sql<Pick<Row<'members'>, 'id'>>`select id from members where account_id = ${accountId}
            and ${dialect.isIn('id', subjects)} order by created_at, id`.execute(db)
        ).rows;
  const { rows: own } = await sql<{ id: string; contact_id: string }>`select id, contact_id from members
    where account_id = ${accountId} and connection_id = ${connectionId} and ${dialect.isIn('contact_id', contactIds)}`.execute(
    db,
  );
  const found = new Map<string, string>();
  for (const contactId of contactIds) {
    const other = elsewhere.find(({ id }) => tied.get(contactId)?.includes(id));
    if (other) found.set(contactId, other.id);
  }
  for (const { id, contact_id } of own) found.set(contact_id, id);
  return found;
}

// ── Whose contact somebody is, kept with what was read ──────────────────────────────────────────────────────────────

const OWNER: Columns = { account_id: 'text', connection_id: 'text', contact_id: 'text', user_id: 'text' };
const ACTIVE: Columns = { account_id: 'text', connection_id: 'text', contact_id: 'text', active_at: 'int' };

/**
 * Keeps whose contacts these are. Part of keeping what was read, after the links of deals: who has bought last stands first with each
 * owner, so that of a rep's twenty thousand contacts a hundred rows are read. Writes nothing where nothing has changed.
 */
export async function keepOwners(
  session: Session,
  accountId: string,
  contacts: readonly ContactFacts[],
): Promise<void> {
  const { db, dialect } = session;
  for (const [connectionId, group] of Map.groupBy(contacts, ({ ref }) => ref.connectionId)) {
    const ids = group.flatMap(({ ref, formerIds }) => [ref.id, ...formerIds]);
    const { rows: before } = await sql<Row<'contact_owners'>>`select * from contact_owners
      where account_id = ${accountId} and connection_id = ${connectionId} and ${dialect.isIn('contact_id', ids)}`.execute(
      db,
    );
    const keyOf = (contactId: string, userId: string) => `${contactId} ${userId}`;
    const kept = new Map(before.map((row) => [keyOf(row.contact_id, row.user_id), row]));
    const wanted = group.flatMap(({ ref, presence, ownerUserIds = [], traits }) =>
      presence === 'present'
        ? [...new Set(ownerUserIds)].map((userId) => ({
            account_id: accountId,
            connection_id: connectionId,
            contact_id: ref.id,
            user_id: userId,
            active_at: traits?.customerSince ?? 0,
          }))
        : [],
    );
    const wantedKeys = new Set(wanted.map(({ contact_id, user_id }) => keyOf(contact_id, user_id)));
    const gone = before.filter(({ contact_id, user_id }) => !wantedKeys.has(keyOf(contact_id, user_id)));
    if (gone.length > 0)
      await overRows(
        session,
        OWNER,
        gone,
        (rows) => `delete from contact_owners where (account_id, connection_id, contact_id, user_id) in
          (select account_id, connection_id, contact_id, user_id from ${rows} as gone)`,
      );
    const fresh = wanted.filter(({ contact_id, user_id, active_at }) => {
      const row = kept.get(keyOf(contact_id, user_id));
      return row === undefined || row.active_at < active_at;
    });
    if (fresh.length === 0) continue;
    const { rows: links } = await sql<{ contact_id: string; changed_at: number }>`
      select contact_id, max(changed_at) as changed_at from record_links
      where account_id = ${accountId} and connection_id = ${connectionId}
        and ${dialect.isIn(
          'contact_id',
          fresh.map(({ contact_id }) => contact_id),
        )} group by contact_id`.execute(db);
    const changedAt = new Map(links.map(({ contact_id, changed_at }) => [contact_id, changed_at]));
    await insertRows(
      session,
      'contact_owners',
      fresh
        .map((row) => ({ ...row, active_at: Math.max(row.active_at, changedAt.get(row.contact_id) ?? 0) }))
        .sort((a, b) => (a.contact_id < b.contact_id ? -1 : 1)),
      `on conflict (account_id, connection_id, contact_id, user_id) do update set active_at = excluded.active_at
        where contact_owners.active_at < excluded.active_at`,
    );
  }
}

/** What has happened on deals brings their contacts to the front. */
export async function bringForward(session: Session, accountId: string, deals: readonly DealFacts[]): Promise<void> {
  const newest = new Map<string, { readonly ref: RecordRef; readonly at: number }>();
  for (const { ref: deal, presence, contactIds, history } of deals) {
    const at = history.at(-1)?.at;
    if (presence !== 'present' || at === undefined) continue;
    for (const id of contactIds) {
      const ref: RecordRef = { connectionId: deal.connectionId, object: 'contact', id };
      const key = recordKey(ref);
      if ((newest.get(key)?.at ?? -1) < at) newest.set(key, { ref, at });
    }
  }
  if (newest.size === 0) return;
  const rows = [...newest.values()].map(({ ref, at }) => ({
    account_id: accountId,
    connection_id: ref.connectionId,
    contact_id: ref.id,
    active_at: at,
  }));
  await overRows(
    session,
    ACTIVE,
    rows,
    (table) => `update contact_owners set active_at = newer.active_at from ${table} as newer
      where contact_owners.account_id = newer.account_id and contact_owners.connection_id = newer.connection_id
        and contact_owners.contact_id = newer.contact_id and contact_owners.active_at < newer.active_at`,
  );
}
