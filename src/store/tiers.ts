import { sql } from 'kysely';
import type { DueTierLook, TierStore } from '../application/ports/store.ts';
import type { Plan } from '../domain/plan.ts';
import type { TierChange } from '../domain/tier.ts';
import type { Instant } from '../domain/time.ts';
import { tierChangeOf, tierChangeRow } from './codec.ts';
import { type Engine, insertRows, overRows } from './dialect.ts';
import { paged } from './reads.ts';
import type { Row, Session } from './schema.ts';
import { TABLES } from './schema.ts';

/** A day in milliseconds, for whole days since 1970 in either database's integer division. */
const MS_PER_DAY = 86_400_000;

/** The last moment that a date can be: nothing lies ahead. */
const NEVER = 8_640_000_000_000_000;

export function createTierStore(engine: Engine): TierStore {
  return {
    due: (now, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'tier_looks'>>`
          select * from tier_looks where at <= ${now} order by at limit ${limit}`.execute(db);
        return rows.map(
          (row): DueTierLook => ({
            accountId: row.account_id,
            memberId: row.member_id,
            programId: row.program_id,
            at: row.at,
          }),
        );
      }),

    of: (accountId, memberId) =>
      engine.read(async (session) => (await newestTiers(session, accountId, [memberId])).sort(byTime).reverse()),

    changes: (accountId, page, { memberId }) =>
      engine.read((session) =>
        paged(
          session,
          'tier_changes',
          'recorded_at',
          accountId,
          page,
          [memberId === undefined ? undefined : { condition: 'member_id = ?', value: memberId }],
          tierChangeOf,
        ),
      ),

    engagement: (accountId, memberId, programId, kind) =>
      engine.read(async ({ db }) => {
        const { rows } =
          kind === 'submissions'
            ? await sql<{ day: number; n: number }>`
                select submitted_at / ${sql.lit(MS_PER_DAY)} as day, count(*) as n from referrals
                where account_id = ${accountId} and member_id = ${memberId} and program_id = ${programId}
                  and stage <> 'declined' group by 1`.execute(db)
            : await sql<{ day: number; n: number }>`
                select at / ${sql.lit(MS_PER_DAY)} as day, count(*) as n from touches
                where account_id = ${accountId} and member_id = ${memberId} group by 1`.execute(db);
        return new Map(rows.map(({ day, n }) => [Number(day), Number(n)]));
      }),
  };
}

function byTime(a: TierChange, b: TierChange): number {
  return a.recordedAt - b.recordedAt || (a.id < b.id ? -1 : 1);
}

/** What holds of each member in each program. */
export async function newestTiers(
  { db, dialect }: Session,
  accountId: string,
  memberIds: readonly string[],
): Promise<TierChange[]> {
  if (memberIds.length === 0) return [];
  const { rows } = await sql<Row<'tier_changes'>>`
    select * from tier_changes where account_id = ${accountId} and ${dialect.isIn('member_id', memberIds)}
      and not exists (select 1 from tier_changes as newer
        where newer.account_id = tier_changes.account_id and newer.member_id = tier_changes.member_id
          and newer.program_id = tier_changes.program_id and newer.sequence > tier_changes.sequence)`.execute(db);
  return rows.map(tierChangeOf);
}

/** Part of a commit. Whoever comes second with the same sequence meets its unique key. */
export async function keepTiers(
  session: Session,
  accountId: string,
  { tierChanges, tierLooks }: Pick<Plan, 'tierChanges' | 'tierLooks'>,
): Promise<void> {
  await insertRows(
    session,
    'tier_changes',
    tierChanges.map((change) => tierChangeRow(accountId, change)),
  );
  if (tierLooks.length === 0) return;
  // In one order everywhere, so that two transactions that look at the same members do not wait for each other.
  const rows = tierLooks
    .map(({ memberId, programId, lookedAt, at }) => ({
      account_id: accountId,
      member_id: memberId,
      program_id: programId,
      lookedAt,
      at,
    }))
    .sort((a, b) => (`${a.member_id} ${a.program_id}` < `${b.member_id} ${b.program_id}` ? -1 : 1));
  await overRows(
    session,
    { ...TABLES.tier_looks, looked_at: 'int' },
    rows.map(({ lookedAt, at, ...row }) => ({ ...row, at: at ?? NEVER, looked_at: lookedAt })),
    (looked) => `update tier_looks set at = looked.at from ${looked} as looked
      where tier_looks.account_id = looked.account_id and tier_looks.member_id = looked.member_id
        and tier_looks.program_id = looked.program_id and tier_looks.at <= looked.looked_at`,
  );
  await insertRows(
    session,
    'tier_looks',
    rows.flatMap(({ at: next, lookedAt: _, ...row }) => (next === null ? [] : [{ ...row, at: next }])),
    // One that was asked for earlier is answered when it comes; a look too many does no harm.
    `on conflict (account_id, member_id, program_id) do update set
      at = case when excluded.at < tier_looks.at then excluded.at else tier_looks.at end`,
  );
}

/** Everybody who may have a tier is looked at, as when a program's tiers are new or others. */
export async function lookAtAll(session: Session, accountId: string, programId: string, now: Instant): Promise<void> {
  await sql`insert into tier_looks (account_id, member_id, program_id, at)
    select account_id, id, ${programId}, cast(${now} as bigint) from members where account_id = ${accountId}
    on conflict (account_id, member_id, program_id) do update set at = excluded.at`.execute(session.db);
}

/** What counts towards tiers is kept from a program's first tiers on: whatever is won already is looked at once more. */
export async function countWhatIsWon(session: Session, accountId: string, now: Instant): Promise<void> {
  await sql`insert into work (account_id, connection_id, object, record_id, wanted, claimed_at, erase, run_at, due_at,
      claim, attempts, parked, error)
    select distinct account_id, connection_id, 'contact', contact_id, 1, cast(null as bigint), 0, cast(${now} as bigint),
      cast(${now} as bigint), cast(null as text), 0, 0, cast(null as text)
    from referrals where account_id = ${accountId} and stage = 'won' and contact_id is not null
    on conflict (account_id, connection_id, object, record_id) do update set
      wanted = work.wanted + 1, run_at = excluded.run_at, attempts = 0, error = null, parked = 0,
      due_at = case when work.claim is not null then work.due_at else excluded.due_at end`.execute(session.db);
}
