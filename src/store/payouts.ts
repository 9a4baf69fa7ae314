import { sql } from 'kysely';
import type { ClaimedPayout, ClaimInput, GivenPayout, PayoutStore, Shard } from '../application/ports/store.ts';
import type { Plan } from '../domain/plan.ts';
import type { Instant } from '../domain/time.ts';
import { referralOf, rewardOf, toFlag, toText } from './codec.ts';
import { applyPlan, assertBalanced, Conflict } from './commit.ts';
import type { Engine } from './dialect.ts';
import { createGroupCommit } from './group-commit.ts';
import { noteGiven } from './payout-records.ts';
import { candidates, claimed, counts, dueShards, nextDueAt, wholeRow } from './queue.ts';
import type { Row, Session } from './schema.ts';

export function createPayoutStore(engine: Engine): PayoutStore {
  const settleTogether = createGroupCommit(
    engine,
    (session, { payout, plan, given }: { payout: ClaimedPayout; plan: Plan; given: GivenPayout | undefined }) =>
      settle(session, payout, plan, given),
    // The claim is kept: the caller settles again on what the reward is now, or the lease runs out.
    (error) => (error instanceof Conflict || engine.dialect.isUniqueViolation(error) ? false : undefined),
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
      where intents.account_id = ${accountId} and intents.due_at <= ${input.now} and intents.state = 'pending' and rewards.state in ('approved', 'issuing')
      order by intents.due_at limit ${input.limit} ${dialect.skipLocked('intents')}
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
  const rewardIds = intents.map(({ reward_id }) => reward_id);
  await sql`update rewards set state = 'issuing', updated_at = ${now}, version = version + 1
    where account_id = ${accountId} and ${dialect.isIn('id', rewardIds)} and state = 'approved'`.execute(db);
  const rewards = await db
    .selectFrom('rewards')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('state', '=', 'issuing')
    .where(dialect.isIn('id', rewardIds))
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
    if (!reward || !referral) continue;
    taken.add(intent.id);
    payouts.push({
      accountId,
      intent: { id: intent.id, rewardId: intent.reward_id, provider: intent.provider },
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

async function settle(
  session: Session,
  payout: ClaimedPayout,
  plan: Plan,
  given: GivenPayout | undefined,
): Promise<boolean> {
  const { numAffectedRows } =
    await sql`update intents set state = 'done', claim = null, due_at = null, attempts = 0, error = null
    where ${isHeldBy(payout)} and state = 'pending'`.execute(session.db);
  if (numAffectedRows !== 1n) return false;
  const at = Math.max(0, ...plan.rewards.map(({ updatedAt }) => updatedAt));
  await applyPlan(session, payout.accountId, plan, at);
  if (given) await noteGiven(session, payout.accountId, payout.intent, given, at);
  return true;
}

function isHeldBy({ accountId, intent, claim }: ClaimedPayout) {
  return sql`account_id = ${accountId} and id = ${intent.id} and claim = ${claim}`;
}
