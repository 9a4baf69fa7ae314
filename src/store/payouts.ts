import { sql } from 'kysely';
import type { ClaimedPayout, ClaimInput, GivenPayout, PayoutStore, Shard } from '../application/ports/store.ts';
import type { OrderKind, Plan } from '../domain/plan.ts';
import type { Instant } from '../domain/time.ts';
import { referralOf, rewardOf, toFlag, toText } from './codec.ts';
import { applyPlan, assertBalanced, joinedPlan } from './commit.ts';
import { Conflict } from './conflict.ts';
import { type Engine, overRows } from './dialect.ts';
import { createGroupCommit } from './group-commit.ts';
import { noteGiven } from './payout-records.ts';
import { candidates, claimed, counts, dueShards, nextDueAt, wholeRow } from './queue.ts';
import type { Row, Session } from './schema.ts';

interface Settlement {
  readonly payout: ClaimedPayout;
  readonly plan: Plan;
  readonly given: GivenPayout | undefined;
}

export function createPayoutStore(engine: Engine): PayoutStore {
  const settleTogether = createGroupCommit(
    engine,
    (session, settlement: Settlement) => settle(session, settlement.payout.accountId, [settlement]),
    // The claim is kept: the caller settles again on what the reward is now, or the lease runs out.
    (error) => (error instanceof Conflict || engine.dialect.isUniqueViolation(error) ? false : undefined),
    settleAll,
  );
  return {
    claim: (input) =>
      engine.write(async (session) => {
        for (const shard of await candidates(session, 'intents', input)) {
          const payouts = await claim(session, shard, input);
          if (payouts.length > 0) return payouts;
        }
        return [];
      }),
    dueShards: (now, limit) => engine.read((session) => dueShards(session, 'intents', now, limit)),
    extend: (payouts, until) =>
      engine.write(async ({ db, dialect }) => {
        for (const [accountId, group] of Map.groupBy(payouts, (payout) => payout.accountId)) {
          const ids = group.map(({ intent }) => intent.id);
          const claims = [...new Set(group.map((payout) => payout.claim))];
          await sql`update intents set due_at = ${until}
            where account_id = ${accountId} and ${dialect.isIn('id', ids)} and ${dialect.isIn('claim', claims)}`.execute(
            db,
          );
        }
      }),

    settle: async (payout, plan, given) => {
      assertBalanced(plan.journals);
      return settleTogether({ payout, plan, given });
    },

    defer: (payout, { runAt, error, parked }) =>
      engine.write(async ({ db }) => {
        await sql`update intents set claim = null, attempts = attempts + 1, error = ${toText(error)}, run_at = ${runAt},
            due_at = ${parked ? null : runAt}, parked = ${toFlag(parked)}
          where ${isHeldBy(payout)}`.execute(db);
      }),

    nextDueAt: () => engine.read((session) => nextDueAt(session, 'intents')),
    counts: (now) => engine.read((session) => counts(session, 'intents', now)),
  };
}

/**
 * Takes orders and moves their rewards on. An order whose reward is `issuing` was claimed before, by a worker that died or could
 * not tell: it goes out again under the same key. An order for a reward in any other state is left alone.
 */
async function claim(session: Session, { accountId }: Shard, input: ClaimInput): Promise<ClaimedPayout[]> {
  const { db, dialect } = session;
  const { rows: intents } = await sql<Row<'intents'>>`
    with picked as (
      select intents.account_id, intents.id from intents
      join rewards on rewards.account_id = intents.account_id and rewards.id = intents.reward_id
      where intents.account_id = ${accountId} and intents.due_at <= ${input.now} and intents.state = 'pending'
        and (intents.kind <> 'issue' or rewards.state in ('approved', 'issuing'))
      order by intents.due_at limit ${sql.lit(input.limit)} ${dialect.skipLocked('intents')}
    )
    update intents set ${claimed(input, 'intents')} from picked
    where intents.account_id = picked.account_id and intents.id = picked.id
    returning ${wholeRow('intents')}`.execute(db);
  if (intents.length === 0) return [];
  const payouts = await issue(session, accountId, intents, input.now);
  const dueSince = new Map(intents.map((intent) => [intent.id, intent.run_at]));
  const since = ({ intent }: ClaimedPayout) => dueSince.get(intent.id) ?? 0;
  return payouts.sort((a, b) => since(a) - since(b) || (a.intent.id < b.intent.id ? -1 : 1));
}

async function issue(
  { db, dialect }: Session,
  accountId: string,
  intents: readonly Row<'intents'>[],
  now: Instant,
): Promise<ClaimedPayout[]> {
  const isNew = ({ kind }: Row<'intents'>) => kind === 'issue';
  const rewardIds = intents.filter(isNew).map(({ reward_id }) => reward_id);
  await sql`update rewards set state = 'issuing', updated_at = ${now}, version = version + 1
    where account_id = ${accountId} and ${dialect.isIn('id', rewardIds)} and state = 'approved'`.execute(db);
  const rewards = await db
    .selectFrom('rewards')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(
      dialect.isIn(
        'id',
        intents.map(({ reward_id }) => reward_id),
      ),
    )
    .execute();
  const referrals = await db
    .selectFrom('referrals')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(
      dialect.isIn(
        'id',
        rewards.map(({ referral_id }) => referral_id),
      ),
    )
    .execute();
  const payouts: ClaimedPayout[] = [];
  const taken = new Set<string>();
  for (const intent of intents) {
    const reward = rewards.find(({ id }) => id === intent.reward_id);
    const referral = reward && referrals.find(({ id }) => id === reward.referral_id);
    if (!reward || !referral || (isNew(intent) && reward.state !== 'issuing')) continue;
    taken.add(intent.id);
    payouts.push({
      accountId,
      intent: {
        id: intent.id,
        rewardId: intent.reward_id,
        provider: intent.provider,
        at: null,
        ...(isNew(intent) ? {} : { kind: intent.kind as OrderKind }),
      },
      reward: rewardOf(reward),
      referral: referralOf(referral),
      claim: intent.claim ?? '',
      attempts: intent.attempts,
    });
  }
  // The reward left `approved` between the two statements: nothing goes out for it.
  const left = intents.filter(({ id }) => !taken.has(id)).map(({ id }) => id);
  await sql`update intents set claim = null, due_at = run_at
    where account_id = ${accountId} and ${dialect.isIn('id', left)}`.execute(db);
  return payouts;
}

/** Null when one of them cannot be settled as it is. */
async function settleAll(session: Session, settlements: readonly Settlement[]): Promise<boolean[] | null> {
  for (const [accountId, own] of Map.groupBy(settlements, ({ payout }) => payout.accountId))
    if (!(await settle(session, accountId, own))) return null;
  return settlements.map(() => true);
}

/** All of them, or false. */
async function settle(session: Session, accountId: string, settlements: readonly Settlement[]): Promise<boolean> {
  const rows = settlements.map(({ payout: { intent, claim } }) => ({ account_id: accountId, id: intent.id, claim }));
  const { changed } = await overRows(
    session,
    { account_id: 'text', id: 'text', claim: 'text' },
    rows,
    (held) => `update intents set state = 'done', claim = null, due_at = null, attempts = 0, error = null
      from ${held} as held where intents.account_id = held.account_id and intents.id = held.id
        and intents.claim = held.claim and intents.state = 'pending'`,
  );
  if (changed !== settlements.length) return false;
  const plan = joinedPlan(settlements.map((settlement) => settlement.plan));
  const at = Math.max(0, ...plan.rewards.map(({ updatedAt }) => updatedAt));
  await applyPlan(session, accountId, plan, at);
  for (const { payout, given } of settlements) if (given) await noteGiven(session, accountId, payout.intent, given, at);
  return true;
}

function isHeldBy({ accountId, intent, claim }: ClaimedPayout) {
  return sql`account_id = ${accountId} and id = ${intent.id} and claim = ${claim}`;
}
