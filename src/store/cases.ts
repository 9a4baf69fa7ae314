import { sql } from 'kysely';
import type { CaseKeys, CaseStore, LoadedCase, LoadedElsewhere } from '../application/ports/store.ts';
import { REFERRAL_CHAIN_MAX } from '../domain/attribution.ts';
import type { Decision } from '../domain/decision.ts';
import type { ElsewhereKeys } from '../domain/elsewhere-keys.ts';
import type { DealElsewhere } from '../domain/identity.ts';
import { recordKey } from '../domain/record.ts';
import { decisionOf, memberOf, referralOf, rewardOf } from './codec.ts';
import { firstReferrals } from './colleagues.ts';
import { commitAll } from './commit.ts';
import type { Engine } from './dialect.ts';
import {
  contactsById,
  contactsElsewhere,
  dealsElsewhere,
  edgeKey,
  edgesOfContacts,
  edgesOfSubjects,
} from './identity-edges.ts';
import { contactsOfDeals, knownContacts, recordVersions } from './records.ts';
import { refundsOfDeals } from './refunds.ts';
import { riskKnowledge } from './risk.ts';
import type { Row, Session } from './schema.ts';
import { talliesOf } from './tallies.ts';
import { newestTiers } from './tiers.ts';

export function createCaseStore(engine: Engine): CaseStore {
  return {
    knownContacts: (accountId, connectionId, ids) =>
      engine.read((session) => knownContacts(session, accountId, connectionId, ids)),
    contactsOfDeals: (accountId, connectionId, dealIds) =>
      engine.read((session) => contactsOfDeals(session, accountId, connectionId, dealIds)),
    recordVersions: (accountId, connectionId, object, ids) =>
      engine.read((session) => recordVersions(session, accountId, connectionId, object, ids)),
    refundsOfDeals: (accountId, connectionId, dealIds) =>
      engine.read((session) => refundsOfDeals(session, accountId, connectionId, dealIds)),
    load: (keys) => engine.snapshot((session) => loadCase(session, keys)),
    commit: (commits) => commitAll(engine, commits),
    togetherMax: engine.dialect.togetherMax,
  };
}

/*
 * SQLite without statistics takes an index that gives the order asked for over one that finds the rows, and sorts a UNION that has
 * to drop duplicates: both read all of an account. So these statements ask for no order and no duplicates to be dropped; that is
 * done here. A test looks at their plans.
 */

/** A handful of statements whatever the number of keys; one more for each level of who referred whom. */
export async function loadCase(session: Session, keys: CaseKeys): Promise<LoadedCase> {
  const referrals = new Map<string, Row<'referrals'>>();
  const members = new Map<string, Row<'members'>>();
  const keep = (rows: { referrals?: Row<'referrals'>[]; members?: Row<'members'>[] }) => {
    for (const row of rows.referrals ?? []) referrals.set(row.id, row);
    for (const row of rows.members ?? []) members.set(row.id, row);
  };

  keep({ referrals: await namedReferrals(session, keys), members: await namedMembers(session, keys) });
  const companies = keys.colleaguesOf && (await firstReferrals(session, keys, keys.colleaguesOf));
  if (companies) keep({ referrals: await referralsById(session, keys.accountId, [...companies.values()]) });
  const known = keys.elsewhere && (await knownElsewhere(session, keys, keys.elsewhere));
  if (known) keep(known);
  keep({ members: await membersById(session, keys.accountId, unknownMembers([...referrals.values()], members)) });
  let newcomers = [...members.values()];
  for (let level = 0; level < REFERRAL_CHAIN_MAX && newcomers.length > 0; level += 1) {
    const above = (await referralsOf(session, keys, newcomers)).filter(({ id }) => !referrals.has(id));
    newcomers = await membersById(session, keys.accountId, unknownMembers(above, members));
    keep({ referrals: above, members: newcomers });
  }

  const referralIds = [...referrals.keys()];
  const { risk } = keys;
  const decisions = (await decisionsOf(session, keys.accountId, referralIds))
    .sort((a, b) => a.recorded_at - b.recorded_at || a.sequence - b.sequence || byId(a, b))
    .map(decisionOf);
  const elsewhere =
    keys.elsewhere && known
      ? await loadElsewhere(session, keys, keys.elsewhere, known, {
          members: [...members.values()],
          referrals: [...referrals.values()],
          decisions,
        })
      : undefined;
  return {
    ...(elsewhere ? { others: elsewhere } : {}),
    ...(companies ? { companies } : {}),
    ...(risk
      ? { risk: await riskKnowledge(session, { ...keys, risk }, [...referrals.values()], [...members.keys()]) }
      : {}),
    tallies: await talliesOf(session, keys.accountId, [...members.keys(), ...referralIds, ...keys.companies]),
    tiers: (await newestTiers(session, keys.accountId, [...members.keys()])).sort(byId),
    members: [...members.values()].sort(byId).map(memberOf),
    referrals: [...referrals.values()].sort(byId).map(referralOf),
    decisions,
    rewards: [
      ...(await rewardsOf(session, keys, referralIds)),
      ...(elsewhere ? await rewardsElsewhere(session, keys.accountId, referralIds, elsewhere.deals) : []),
    ]
      .sort((a, b) => a.created_at - b.created_at || byId(a, b))
      .map(rewardOf),
  };
}

function unknownMembers(referrals: readonly Row<'referrals'>[], known: ReadonlyMap<string, unknown>): string[] {
  const ids = referrals.flatMap(({ member_id, assist_member_id }) => [member_id, assist_member_id ?? []].flat());
  return [...new Set(ids)].filter((id) => !known.has(id));
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

async function namedReferrals(session: Session, keys: CaseKeys): Promise<Row<'referrals'>[]> {
  const { db, dialect } = session;
  const { accountId, connectionId, contactIds, dealIds, emails } = keys;
  const { rows: decided } = await sql<{ referral_id: string }>`
    select referral_id from decisions where account_id = ${accountId} and connection_id = ${connectionId}
      and ${dialect.isIn('deal_id', dealIds)}`.execute(db);
  const decidedIds = [...new Set(decided.map(({ referral_id }) => referral_id))];
  const { rows } = await sql<Row<'referrals'>>`
    select * from referrals where account_id = ${accountId} and connection_id = ${connectionId}
      and ${dialect.isIn('contact_id', contactIds)}
    union all select * from referrals where account_id = ${accountId} and ${dialect.isIn('friend_email', emails)}
    union all select * from referrals where account_id = ${accountId}
      and ${dialect.isIn('id', decidedIds)}`.execute(db);
  return rows;
}

async function referralsById({ db, dialect }: Session, accountId: string, ids: readonly string[]) {
  if (ids.length === 0) return [];
  const { rows } = await sql<Row<'referrals'>>`
    select * from referrals where account_id = ${accountId} and ${dialect.isIn('id', ids)}`.execute(db);
  return rows;
}

async function namedMembers({ db, dialect }: Session, keys: CaseKeys): Promise<Row<'members'>[]> {
  const { accountId, connectionId, contactIds, emails, codes } = keys;
  const { rows } = await sql<Row<'members'>>`
    select * from members where account_id = ${accountId} and connection_id = ${connectionId}
      and ${dialect.isIn('contact_id', contactIds)}
    union all select * from members where account_id = ${accountId} and ${dialect.isIn('email', emails)}
    union all select * from members where account_id = ${accountId} and ${dialect.isIn('code', codes)}`.execute(db);
  return rows;
}

async function membersById(
  { db, dialect }: Session,
  accountId: string,
  ids: readonly string[],
): Promise<Row<'members'>[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom('members')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(dialect.isIn('id', ids))
    .execute();
}

/** Members and referrals that the contacts are tied to, or that bear a key of theirs in another connection. */
async function knownElsewhere(session: Session, keys: CaseKeys, elsewhere: ElsewhereKeys) {
  const { db, dialect } = session;
  const { accountId } = keys;
  const contacts = await contactsElsewhere(session, accountId, elsewhere);
  const edges = await edgesOfContacts(session, keys);
  const subjects = [...new Set(edges.map(({ subject }) => subject))];
  const { rows: referrals } = await sql<Row<'referrals'>>`
    select * from referrals where account_id = ${accountId} and ${dialect.isIn('id', subjects)}`.execute(db);
  const members = await membersById(session, accountId, subjects);
  for (const [connectionId, group] of Map.groupBy(contacts, ({ ref }) => ref.connectionId)) {
    const named = { ...NO_KEYS, accountId, connectionId, contactIds: group.map(({ ref }) => ref.id) };
    referrals.push(...(await namedReferrals(session, named)));
    members.push(...(await namedMembers(session, named)));
  }
  return { contacts, edges, referrals, members };
}

const NO_KEYS = { contactIds: [], dealIds: [], companies: [], emails: [], codes: [] };

async function loadElsewhere(
  session: Session,
  { accountId }: CaseKeys,
  elsewhere: ElsewhereKeys,
  { contacts, edges: ofContacts }: Awaited<ReturnType<typeof knownElsewhere>>,
  {
    members,
    referrals,
    decisions,
  }: { members: Row<'members'>[]; referrals: Row<'referrals'>[]; decisions: readonly Decision[] },
): Promise<LoadedElsewhere> {
  const ofSubjects = await edgesOfSubjects(
    session,
    accountId,
    [...members, ...referrals].map(({ id }) => id),
  );
  const edges = new Map([...ofContacts, ...ofSubjects].map((edge) => [edgeKey(edge), edge]));
  const referralIds = new Set(referrals.map(({ id }) => id));
  // Two that bear different keys are told apart by them, so the keys of those who may be meant have to be known.
  const homes = [...members.map(memberOf), ...referrals.map(referralOf).map(({ friend }) => friend)];
  const known = new Set(contacts.map(({ ref }) => recordKey(ref)));
  const others =
    elsewhere.contactKeys.length === 0
      ? []
      : homes.flatMap(({ contact }) => (contact && !known.has(recordKey(contact)) ? [contact] : []));
  const friends = [
    ...referrals.map(referralOf).flatMap(({ friend }) => friend.contact ?? []),
    ...ofSubjects.filter(({ subject }) => referralIds.has(subject)).map(({ record }) => record),
  ];
  const decided = decisions.map(({ deal }) => deal);
  return {
    edges: [...edges.values()],
    contacts: [...contacts, ...(await contactsById(session, accountId, elsewhere, others))],
    deals: await dealsElsewhere(session, accountId, elsewhere, friends, decided),
  };
}

/** Rewards for these deals of other connections that are not of the loaded referrals. */
async function rewardsElsewhere(
  { db, dialect }: Session,
  accountId: string,
  referralIds: readonly string[],
  deals: readonly DealElsewhere[],
): Promise<Row<'rewards'>[]> {
  const loaded = new Set(referralIds);
  const found: Row<'rewards'>[] = [];
  for (const [connectionId, group] of Map.groupBy(deals, ({ facts }) => facts.ref.connectionId)) {
    const ids = group.flatMap(({ facts }) => [facts.ref.id, ...facts.formerIds]);
    const { rows } = await sql<Row<'rewards'>>`select * from rewards where account_id = ${accountId}
      and connection_id = ${connectionId} and ${dialect.isIn('deal_id', ids)}`.execute(db);
    found.push(...rows.filter(({ referral_id }) => !loaded.has(referral_id)));
  }
  return found;
}

/** The referrals that brought these members, by any contact that they are known by. */
async function referralsOf(
  session: Session,
  { accountId, elsewhere }: CaseKeys,
  members: readonly Row<'members'>[],
): Promise<Row<'referrals'>[]> {
  const { db, dialect } = session;
  const tied = elsewhere
    ? await edgesOfSubjects(
        session,
        accountId,
        members.map(({ id }) => id),
      )
    : [];
  const contacts = [
    ...members.map(({ connection_id, contact_id }) => ({ connection_id, contact_id })),
    ...tied
      .filter(({ until }) => until === null)
      .map(({ record }) => ({ connection_id: record.connectionId, contact_id: record.id })),
  ];
  const found: Row<'referrals'>[] = [];
  for (const [connectionId, group] of Map.groupBy(contacts, ({ connection_id }) => connection_id)) {
    const contactIds = group.flatMap(({ contact_id }) => contact_id ?? []);
    if (connectionId === null || contactIds.length === 0) continue;
    const rows = await db
      .selectFrom('referrals')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('connection_id', '=', connectionId)
      .where(dialect.isIn('contact_id', contactIds))
      .execute();
    found.push(...rows);
  }
  return found;
}

async function decisionsOf(
  { db, dialect }: Session,
  accountId: string,
  referralIds: readonly string[],
): Promise<Row<'decisions'>[]> {
  if (referralIds.length === 0) return [];
  return db
    .selectFrom('decisions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(dialect.isIn('referral_id', referralIds))
    .execute();
}

async function rewardsOf({ db, dialect }: Session, keys: CaseKeys, referralIds: readonly string[]) {
  const { accountId, connectionId, dealIds } = keys;
  const { rows } = await sql<Row<'rewards'>>`
    select * from rewards where account_id = ${accountId} and ${dialect.isIn('referral_id', referralIds)}
    union all select * from rewards where account_id = ${accountId} and connection_id = ${connectionId}
      and ${dialect.isIn('deal_id', dealIds)}`.execute(db);
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}
