import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { ClaimedMirror, ClaimInput, MirrorSource, MirrorStore, Shard } from '../application/ports/store.ts';
import { type Decision, type RewardState, STANDING_STATES } from '../domain/decision.ts';
import type { ContactFacts, CrmObject, DealFacts, RecordRef } from '../domain/record.ts';
import { recordKey } from '../domain/record.ts';
import type { TierChange } from '../domain/tier.ts';
import type { Instant } from '../domain/time.ts';
import { decisionOf, fromSum, keyOf, memberOf, referralOf, refOf, rewardOf, toFlag, toText } from './codec.ts';
import { type Columns, type Engine, insertRows, rowsOf } from './dialect.ts';
import { tiedTo } from './identity-edges.ts';
import { candidates, claimed, counts, dueShards, MIRRORED, nextDueAt, tell, wholeRow } from './queue.ts';
import { readFacts, rememberDeleted } from './records.ts';
import type { Row, Session } from './schema.ts';
import { newestTiers } from './tiers.ts';

/**
 * Rows marked by one transaction: a twentieth of a second on the only thread that answers webhooks. All two million of an account with a
 * million referrals at once held it for minutes.
 */
const MARKED_PER_COMMIT = 2_000;

/** What an acknowledgement says of a record. */
const DONE: Columns = {
  account_id: 'text',
  connection_id: 'text',
  object: 'text',
  record_id: 'text',
  claim: 'text',
  wanted: 'int',
  hash: 'text',
};

export function createMirrorStore(engine: Engine): MirrorStore {
  return {
    claim: (input) =>
      engine.write(async (session) => {
        for (const shard of await candidates(session, 'mirror', input)) {
          for (const object of await dueObjects(session, shard, input.now)) {
            const items = await claimOf(session, shard, object, input);
            if (items.length > 0) return items;
          }
        }
        return [];
      }),
    dueShards: (now, limit) => engine.read((session) => dueShards(session, 'mirror', now, limit)),

    sources: (accountId, records) => engine.snapshot((session) => sources(session, accountId, records)),

    acknowledge: async (items, now, begunAt = now) => {
      if (items.length === 0) return;
      await engine.write(async (session) => {
        const rows = items.map(({ item: { accountId, record, claim, wanted }, hash }) => ({
          ...keyOf(accountId, record),
          claim,
          wanted,
          hash,
        }));
        // Whoever was stopped for longer than its lease may have written older values over newer ones: once more.
        await sql`update mirror set wanted = mirror.wanted + 1, run_at = ${now}, acked_hash = null,
            due_at = case when mirror.claim is null then cast(${now} as bigint) else mirror.due_at end
          from ${rowsOf(session, DONE, rows)} as done
          where mirror.account_id = done.account_id and mirror.connection_id = done.connection_id
            and mirror.object = done.object and mirror.record_id = done.record_id
            and mirror.claim is distinct from done.claim`.execute(session.db);
        // A hash that was forgotten meanwhile stays forgotten: what was written may have gone to a field that is new and empty by now.
        // One that was on its way when this one began may have come after it, however long this one took to be answered.
        await sql`update mirror set claim = null, attempts = 0, error = null,
            acked = done.wanted, acked_at = ${now},
            acked_hash = case when mirror.unsure_until > ${begunAt} or (mirror.acked_hash is null and mirror.wanted > done.wanted)
              then null else done.hash end,
            unsure_until = case when mirror.unsure_until > ${begunAt} then mirror.unsure_until else null end,
            due_at = case when mirror.wanted > done.wanted then mirror.run_at
              when mirror.unsure_until > ${begunAt} then mirror.unsure_until else null end,
            marked_at = case when mirror.wanted > done.wanted then cast(${now} as bigint) else null end
          from ${rowsOf(session, DONE, rows)} as done
          where mirror.account_id = done.account_id and mirror.connection_id = done.connection_id
            and mirror.object = done.object and mirror.record_id = done.record_id and mirror.claim = done.claim`.execute(
          session.db,
        );
      });
    },

    defer: (item, { runAt, error, parked, unsureUntil }) =>
      engine.write(async (session) => {
        const { db } = session;
        // Whoever has taken the claim over may be overtaken by this write as well.
        if (unsureUntil !== undefined) {
          tell(session, 'mirror', shardOf(item));
          await sql`update mirror set wanted = wanted + 1, run_at = ${unsureUntil}, acked_hash = null,
              unsure_until = case when unsure_until > ${unsureUntil} then unsure_until else cast(${unsureUntil} as bigint) end,
              due_at = case when claim is null then cast(${unsureUntil} as bigint) else due_at end
            where ${isOf(item)} and claim is distinct from ${item.claim}`.execute(db);
        }
        // What was asked for meanwhile is news: it is tried again instead of being parked.
        const parks = sql`(${toFlag(parked)} = 1 and wanted = ${item.wanted})`;
        // What the CRM shows after a write without an answer nobody knows: the hash of the one before it says nothing any more.
        const forgotten = sql.raw(unsureUntil === undefined ? 'acked_hash' : 'null');
        await sql`update mirror set claim = null, attempts = attempts + 1, error = ${toText(error)}, acked_hash = ${forgotten},
            run_at = ${runAt}, unsure_until = coalesce(cast(${unsureUntil ?? null} as bigint), unsure_until),
            due_at = case when ${parks} then null else cast(${runAt} as bigint) end,
            parked = case when ${parks} then 1 else 0 end
          where ${isHeldBy(item)}`.execute(db);
      }),

    drop: (item) =>
      engine.write(async (session) => {
        const { db } = session;
        tell(session, 'mirror', shardOf(item));
        // What was asked for meanwhile may mean that the record is back; the next write will tell.
        await sql`delete from mirror where ${isHeldBy(item)} and wanted = ${item.wanted}`.execute(db);
        await sql`update mirror set claim = null, due_at = run_at where ${isHeldBy(item)}`.execute(db);
        // A record that is back before it was ever read as gone has to be written all the same.
        await rememberDeleted(session, item.accountId, item.record, [item.record.id]);
      }),

    markAll: async (accountId, connectionId, now) => {
      let count = 0;
      for (const object of MIRRORED) {
        for (let after: string | null = ''; after !== null; ) {
          const from: RecordRef = { connectionId, object, id: after };
          const slice = await engine.write((session) => markSlice(session, accountId, from, now));
          count += slice.count;
          after = slice.last;
          // Whoever else waits for the event loop has its turn.
          await nextTurn();
        }
      }
      return count;
    },

    nextDueAt: () => engine.read((session) => nextDueAt(session, 'mirror')),
    counts: (now) => engine.read((session) => counts(session, 'mirror', now)),
  };
}

/** Marks what follows `after` in the order of keys; `last` is where the next slice begins, null at the end. */
async function markSlice(
  session: Session,
  accountId: string,
  { connectionId, object, id: after }: RecordRef,
  now: Instant,
): Promise<{ count: number; last: string | null }> {
  const { db } = session;
  const rest = sql`account_id = ${accountId} and connection_id = ${connectionId} and object = ${object} and record_id > ${after}`;
  const { rows } = await sql<{ record_id: string }>`select record_id from mirror where ${rest}
    order by record_id limit 1 offset ${MARKED_PER_COMMIT - 1}`.execute(db);
  const last = rows[0]?.record_id ?? null;
  // The hash is forgotten: the fields may be new and empty, whatever was acknowledged before. What is about to be written anyway stays.
  const { numAffectedRows } = await sql`update mirror set wanted = wanted + 1, run_at = ${now}, acked_hash = null,
      marked_at = coalesce(marked_at, cast(${now} as bigint)),
      due_at = case when claim is null then cast(${now} as bigint) else due_at end,
      attempts = 0, parked = 0, error = null
    where ${rest} ${last === null ? sql`` : sql`and record_id <= ${last}`}
      and not (claim is null and acked_hash is null and attempts = 0 and parked = 0 and coalesce(due_at <= ${now}, false))`.execute(
    db,
  );
  tell(session, 'mirror', { accountId, connectionId });
  return { count: Number(numAffectedRows ?? 0n), last };
}

/** Kinds of record that are due, longest due first. */
async function dueObjects({ db }: Session, { accountId, connectionId }: Shard, now: Instant): Promise<CrmObject[]> {
  const firstOf = (object: CrmObject) => sql`select ${sql.lit(object)} as object, (
    select due_at from mirror where account_id = ${accountId} and connection_id = ${connectionId}
      and object = ${sql.lit(object)} and due_at <= ${now} order by due_at limit 1) as due_at`;
  const { rows } = await sql<{ object: CrmObject }>`
    select object from (${sql.join(MIRRORED.map(firstOf), sql` union all `)}) as first_due
    where due_at is not null order by due_at`.execute(db);
  return rows.map(({ object }) => object);
}

async function claimOf(
  { db, dialect }: Session,
  { accountId: account_id, connectionId: connection_id }: Shard,
  object: CrmObject,
  input: ClaimInput,
): Promise<ClaimedMirror[]> {
  // A worker that died with its claim may have written: what the CRM shows nobody knows, and the hash of the write before says nothing any more.
  const { rows } = await sql<Row<'mirror'>>`
    with picked as (
      select record_id from mirror
      where account_id = ${account_id} and connection_id = ${connection_id} and object = ${object} and due_at <= ${input.now}
      order by due_at limit ${sql.lit(input.limit)} ${dialect.skipLocked('mirror')}
    )
    update mirror set ${claimed(input, 'mirror')}, acked_hash = case when mirror.claim is null then mirror.acked_hash end
    from picked
    where mirror.account_id = ${account_id} and mirror.connection_id = ${connection_id}
      and mirror.object = ${object} and mirror.record_id = picked.record_id
    returning ${wholeRow('mirror')}`.execute(db);
  return rows.sort((a, b) => a.run_at - b.run_at || (a.record_id < b.record_id ? -1 : 1)).map(claimedOf);
}

function shardOf({ accountId, record }: ClaimedMirror): Shard {
  return { accountId, connectionId: record.connectionId };
}

function claimedOf(row: Row<'mirror'>): ClaimedMirror {
  return {
    accountId: row.account_id,
    record: refOf(row),
    claim: row.claim ?? '',
    wanted: row.wanted,
    ackedHash: row.acked_hash,
    attempts: row.attempts,
    markedAt: row.marked_at,
  };
}

function isOf({ accountId, record }: ClaimedMirror) {
  return sql`account_id = ${accountId} and connection_id = ${record.connectionId} and object = ${record.object}
    and record_id = ${record.id}`;
}

function isHeldBy(item: ClaimedMirror) {
  return sql`${isOf(item)} and claim = ${item.claim}`;
}

const MARKED_AT = `case
  when mirror.due_at is null or excluded.run_at < mirror.run_at then excluded.run_at
  else mirror.run_at end`;

/** Asks for records to be written anew; part of a commit. */
export async function markMirror(
  session: Session,
  accountId: string,
  records: readonly RecordRef[],
  at: Instant,
): Promise<void> {
  const inOneOrder = [...new Map(records.map((record) => [recordKey(record), record]))].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  for (const { connectionId } of records) tell(session, 'mirror', { accountId, connectionId });
  await insertRows(
    session,
    'mirror',
    inOneOrder.map(([, record]) => ({
      ...keyOf(accountId, record),
      wanted: 1,
      acked: 0,
      acked_hash: null,
      acked_at: null,
      unsure_until: null,
      marked_at: at,
      run_at: at,
      due_at: at,
      claim: null,
      attempts: 0,
      parked: 0,
      error: null,
    })),
    `on conflict (account_id, connection_id, object, record_id) do update set
      wanted = mirror.wanted + 1,
      marked_at = coalesce(mirror.marked_at, excluded.marked_at),
      run_at = ${MARKED_AT},
      due_at = case when mirror.claim is not null then mirror.due_at else ${MARKED_AT} end,
      attempts = case when mirror.parked = 1 then 0 else mirror.attempts end,
      error = case when mirror.parked = 1 then null else mirror.error end,
      parked = 0`,
  );
}

// ── Sources ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** All of it in a dozen statements, whatever the number of records. */
async function sources(session: Session, accountId: string, records: readonly RecordRef[]): Promise<MirrorSource[]> {
  const found = new Map<string, MirrorSource>();
  for (const [connectionId, group] of Map.groupBy(records, (record) => record.connectionId)) {
    const idsOf = (object: CrmObject) => group.filter((record) => record.object === object).map(({ id }) => id);
    for (const source of [
      ...(await contactSources(session, accountId, connectionId, idsOf('contact'))),
      ...(await dealSources(session, accountId, connectionId, idsOf('deal'))),
    ]) {
      found.set(recordKey(source.record), source);
    }
  }
  return records.map((record) => found.get(recordKey(record)) ?? nothingKnown(record));
}

function nothingKnown(record: RecordRef): MirrorSource {
  return {
    record,
    member: null,
    referrals: 0,
    wonReferrals: 0,
    sums: [],
    lastReward: null,
    tier: null,
    referral: null,
    referrer: null,
    decisions: [],
    rewards: [],
  };
}

async function contactSources(
  session: Session,
  accountId: string,
  connectionId: string,
  ids: readonly string[],
): Promise<MirrorSource[]> {
  if (ids.length === 0) return [];
  const { db, dialect } = session;
  const members = await db
    .selectFrom('members')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('connection_id', '=', connectionId)
    .where(dialect.isIn('contact_id', ids))
    .execute();
  const referrals = await db
    .selectFrom('referrals')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('connection_id', '=', connectionId)
    .where(dialect.isIn('contact_id', ids))
    .execute();
  // Who is known from another connection shows the same here.
  const tied = await tiedTo(session, accountId, connectionId, ids);
  const subjects = [...new Set([...tied.values()].flat())];
  const isTied = (contactId: string, subject: string) => tied.get(contactId)?.includes(subject) ?? false;
  if (subjects.length > 0) {
    members.push(...(await membersById(session, accountId, subjects)).values());
    const { rows } = await sql<Row<'referrals'>>`select * from referrals where account_id = ${accountId}
      and ${dialect.isIn('id', subjects)}`.execute(db);
    referrals.push(...rows.filter((row) => !referrals.some(({ id }) => id === row.id)));
  }
  const formerly = await formerlyOf(session, accountId, connectionId, ids);
  const joined = await ofFormerIds(session, accountId, connectionId, [...formerly.values()].flat());
  referrals.sort((a, b) => a.submitted_at - b.submitted_at || (a.id < b.id ? -1 : 1));
  const memberIds = [...members, ...joined.members].map(({ id }) => id);
  const beneficiaryIds = [...memberIds, ...referrals.map(({ id }) => id)];
  const counted = await countReferrals(session, accountId, memberIds);
  const summed = await sumRewards(session, accountId, beneficiaryIds);
  const newest = await newestRewards(session, accountId, beneficiaryIds);
  const tiers = await newestTiers(session, accountId, memberIds);
  const referrers = await membersById(
    session,
    accountId,
    [...referrals, ...joined.referrals].map(({ member_id }) => member_id),
  );
  const sumsOf = (member: Row<'members'> | undefined, own: ReadonlySet<string>) => {
    const count = member && counted.get(member.id);
    const last = newest
      .filter(({ beneficiary_id }) => own.has(beneficiary_id))
      .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1))[0];
    return {
      referrals: count?.all ?? 0,
      wonReferrals: count?.won ?? 0,
      sums: addUp(summed.filter(({ beneficiary_id }) => own.has(beneficiary_id))),
      lastReward: last ? rewardOf(last) : null,
      tier: (member && newestOf(tiers, member.id)) ?? null,
    };
  };

  return ids.map((id) => {
    const record: RecordRef = { connectionId, object: 'contact', id };
    const former = new Set(formerly.get(id));
    const wasOne = ({ contact_id }: { contact_id: string | null }) => contact_id !== null && former.has(contact_id);
    const isOwn = (row: { connection_id: string | null; contact_id: string | null }) =>
      row.connection_id === connectionId && row.contact_id === id;
    const member = members.find(isOwn) ?? members.find((row) => isTied(id, row.id));
    const asFriend = referrals.filter((row) => isOwn(row) || isTied(id, row.id));
    const own = new Set([...(member ? [member.id] : []), ...asFriend.map((referral) => referral.id)]);
    // A referral that was declined brought nobody, if another one did.
    const referral = asFriend.find(({ stage }) => stage !== 'declined') ?? asFriend[0];
    const referrer = referral && referrers.get(referral.member_id);
    const others = [
      ...asFriend.filter((one) => one !== referral),
      // The contact that they name is gone, and is this one.
      ...joined.referrals.filter(wasOne).map((row) => ({ ...row, contact_id: id })),
    ];
    const alsoMembers = joined.members.filter((row) => wasOne(row) && row.id !== member?.id);
    return {
      ...nothingKnown(record),
      member: member ? memberOf(member) : null,
      ...sumsOf(member, own),
      referral: referral ? referralOf(referral) : null,
      referrer: referrer ? memberOf(referrer) : null,
      ...(others.length > 0
        ? {
            alsoReferred: others.map(referralOf),
            alsoReferrers: others.flatMap((row) => referrers.get(row.member_id) ?? []).map(memberOf),
          }
        : {}),
      ...(alsoMembers.length > 0
        ? { alsoMembers: alsoMembers.map((row) => ({ member: memberOf(row), ...sumsOf(row, new Set([row.id])) })) }
        : {}),
    };
  });
}

/** The ids that contacts had before others were merged into them, as they were last read. */
async function formerlyOf(
  session: Session,
  accountId: string,
  connectionId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const facts = await readFacts<ContactFacts>(session, accountId, connectionId, 'contact', ids);
  return new Map(facts.flatMap(({ ref, formerIds }) => (formerIds.length > 0 ? [[ref.id, formerIds] as const] : [])));
}

/** Members and referrals whose contact is still the one that was merged away: two were found to be one person, and each keeps what it has. */
async function ofFormerIds(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  formerIds: readonly string[],
): Promise<{ readonly members: readonly Row<'members'>[]; readonly referrals: readonly Row<'referrals'>[] }> {
  if (formerIds.length === 0) return { members: [], referrals: [] };
  const { rows: members } = await sql<Row<'members'>>`select * from members where account_id = ${accountId}
    and connection_id = ${connectionId} and ${dialect.isIn('contact_id', formerIds)}`.execute(db);
  const { rows: referrals } = await sql<Row<'referrals'>>`select * from referrals where account_id = ${accountId}
    and connection_id = ${connectionId} and ${dialect.isIn('contact_id', formerIds)}
    order by submitted_at, id`.execute(db);
  return { members, referrals };
}

/** Of several programs the one that moved last. */
function newestOf(tiers: readonly TierChange[], memberId: string): TierChange | undefined {
  return tiers.filter((change) => change.memberId === memberId).sort((a, b) => b.recordedAt - a.recordedAt)[0];
}

async function countReferrals({ db, dialect }: Session, accountId: string, memberIds: readonly string[]) {
  const { rows } = await sql<{ member_id: string; all: number; won: number }>`
    select member_id, count(*) as "all", count(*) filter (where stage = 'won') as won from referrals
    where account_id = ${accountId} and ${dialect.isIn('member_id', memberIds)} group by member_id`.execute(db);
  return new Map(rows.map((row) => [row.member_id, row]));
}

interface SumRow {
  readonly beneficiary_id: string;
  readonly state: string;
  readonly currency: string;
  readonly minor: string;
  /** What was taken back of rewards that stand for the rest. */
  readonly parts: string;
  readonly count: number;
}

async function sumRewards({ db, dialect }: Session, accountId: string, ids: readonly string[]): Promise<SumRow[]> {
  const { rows } = await sql<SumRow>`
    select beneficiary_id, state, currency, count(*) as count,
      cast(sum(case when state = 'clawed_back' then minor else minor - clawed_back end) as text) as minor,
      cast(sum(case when state = 'clawed_back' then 0 else clawed_back end) as text) as parts
    from rewards where account_id = ${accountId} and ${dialect.isIn('beneficiary_id', ids)}
    group by beneficiary_id, state, currency order by state, currency`.execute(db);
  return rows;
}

/** A person is paid as a member and as a friend; the two are one sum to them. */
function addUp(rows: readonly SumRow[]): MirrorSource['sums'] {
  const sums = new Map<string, MirrorSource['sums'][number]>();
  const add = (state: RewardState, currency: string, minor: bigint, count: number) => {
    const before = sums.get(`${state} ${currency}`);
    sums.set(`${state} ${currency}`, {
      state,
      currency,
      minor: minor + (before?.minor ?? 0n),
      count: count + (before?.count ?? 0),
    });
  };
  for (const { state, currency, minor, parts, count } of rows) {
    add(state as RewardState, currency, fromSum(minor), count);
    // A part that was taken back is money that was reversed, and no reward that was.
    if (fromSum(parts) !== 0n) add('clawed_back', currency, fromSum(parts), 0);
  }
  return [...sums.values()];
}

/** One end of an index for each person, however many rewards they have. As a join, SQLite went through all rewards of the account for it. */
async function newestRewards(session: Session, accountId: string, ids: readonly string[]): Promise<Row<'rewards'>[]> {
  const people = rowsOf(
    session,
    { id: 'text' },
    ids.map((id) => ({ id })),
  );
  const { rows } = await sql<Row<'rewards'>>`
    select * from rewards where account_id = ${accountId} and id in (select (
      select newest.id from rewards as newest
      where newest.account_id = ${accountId} and newest.beneficiary_id = people.id
      order by newest.created_at desc, newest.id desc limit 1) from ${people} as people)`.execute(session.db);
  return rows;
}

async function membersById({ db, dialect }: Session, accountId: string, ids: readonly string[]) {
  const rows = await db
    .selectFrom('members')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(dialect.isIn('id', ids))
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

async function dealSources(
  session: Session,
  accountId: string,
  connectionId: string,
  ids: readonly string[],
): Promise<MirrorSource[]> {
  if (ids.length === 0) return [];
  const { db, dialect } = session;
  // What was decided before a merge stands under the ids that the deal had then.
  const facts = await readFacts<DealFacts>(session, accountId, connectionId, 'deal', ids);
  const formerIds = new Map(facts.map((deal) => [deal.ref.id, deal.formerIds]));
  const allIds = [...new Set([...ids, ...facts.flatMap((deal) => deal.formerIds)])];
  const { rows: decisions } = await sql<Row<'decisions'>>`
    select * from (
      select decisions.*, row_number() over (
        partition by deal_id, referral_id, rule_key order by recorded_at desc, sequence desc, id desc) as place
      from decisions where account_id = ${accountId} and connection_id = ${connectionId} and ${dialect.isIn('deal_id', allIds)}
    ) as placed where place = 1 order by recorded_at desc, sequence desc, id desc`.execute(db);
  const rewards = await db
    .selectFrom('rewards')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('connection_id', '=', connectionId)
    .where(dialect.isIn('deal_id', allIds))
    .execute();
  rewards.sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1));
  // A deal that nothing was decided on yet belongs to the friend it is linked to.
  const contactIds = [...new Set(facts.flatMap((deal) => deal.contactIds))];
  const decidedIds = [...new Set([...decisions, ...rewards].map(({ referral_id }) => referral_id))];
  const tied = await tiedTo(session, accountId, connectionId, contactIds);
  const subjects = [...new Set([...tied.values()].flat())];
  const { rows: referralRows } = await sql<Row<'referrals'>>`
    select * from referrals where account_id = ${accountId} and ${dialect.isIn('id', decidedIds)}
    union all select * from referrals where account_id = ${accountId} and connection_id = ${connectionId}
      and ${dialect.isIn('contact_id', contactIds)}
    union all select * from referrals where account_id = ${accountId}
      and ${dialect.isIn('id', subjects)}`.execute(db);
  const referrals = new Map(referralRows.map((row) => [row.id, row]));
  const linkedTo = new Map(facts.map((deal) => [deal.ref.id, new Set(deal.contactIds)]));
  const referrers = await membersById(
    session,
    accountId,
    referralRows.map(({ member_id }) => member_id),
  );

  return ids.map((id) => {
    const isOnDeal = (row: { deal_id: string }) =>
      row.deal_id === id || (formerIds.get(id) ?? []).includes(row.deal_id);
    const own = decisions.filter(isOnDeal);
    const ownRewards = rewards.filter(isOnDeal);
    const linked = [...referrals.values()].filter(
      (row) =>
        row.stage !== 'declined' &&
        [...(linkedTo.get(id) ?? [])].some(
          (one) =>
            (row.connection_id === connectionId && row.contact_id === one) || tied.get(one)?.includes(row.id) === true,
        ),
    );
    const referralId = ownerOf(own, ownRewards, referrals) ?? earliest(linked)?.id;
    const referral = referralId === undefined ? undefined : referrals.get(referralId);
    const referrer = referral && referrers.get(referral.member_id);
    const friend = referral?.connection_id === connectionId ? referral.contact_id : null;
    const others = [...new Set(own.map(({ referral_id }) => referral_id))].filter((one) => one !== referralId);
    const alsoDecided = others.flatMap((other) => {
      const row = referrals.get(other);
      const theirs = row && referrers.get(row.member_id);
      if (!row || !theirs) return [];
      return [{ referral: referralOf(row), referrer: memberOf(theirs), decisions: newestOfEachRule(own, other) }];
    });
    return {
      ...nothingKnown({ connectionId, object: 'deal', id }),
      referral: referral ? referralOf(referral) : null,
      referrer: referrer ? memberOf(referrer) : null,
      decisions: newestOfEachRule(own, referralId),
      rewards: ownRewards.map(rewardOf),
      isFriendOnDeal: friend !== null && (linkedTo.get(id)?.has(friend) ?? false),
      ...(alsoDecided.length > 0 ? { alsoDecided } : {}),
    };
  });
}

/** Newest first comes in, and of each rule the first is what holds: a deal that another was merged into has those of both. */
function newestOfEachRule(decisions: readonly Row<'decisions'>[], referralId: string | undefined): Decision[] {
  const newest = new Map<string, Row<'decisions'>>();
  for (const row of decisions)
    if (row.referral_id === referralId && !newest.has(row.rule_key)) newest.set(row.rule_key, row);
  return [...newest.values()].map(decisionOf);
}

/** Whose deal it is when several friends are on it: who holds a reward for it, else who was referred first. */
function ownerOf(
  decisions: readonly Row<'decisions'>[],
  rewards: readonly Row<'rewards'>[],
  referrals: ReadonlyMap<string, Row<'referrals'>>,
): string | undefined {
  const holder = rewards.find(({ state }) => (STANDING_STATES as readonly string[]).includes(state));
  if (holder) return holder.referral_id;
  const credited = decisions.filter(({ reason }) => !reason.includes('"other_referral_credited"'));
  const owners = (credited.length > 0 ? credited : decisions).flatMap(
    ({ referral_id }) => referrals.get(referral_id) ?? [],
  );
  return earliest(owners)?.id;
}

function earliest(referrals: readonly Row<'referrals'>[]): Row<'referrals'> | undefined {
  return referrals.toSorted((a, b) => a.submitted_at - b.submitted_at || (a.id < b.id ? -1 : 1))[0];
}
