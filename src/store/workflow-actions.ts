import { sql } from 'kysely';
import type { WorkflowAnswer } from '../application/ports/crm.ts';
import type {
  CallbackStore,
  ClaimedWait,
  ClaimInput,
  NewWait,
  Shard,
  WorkflowCallKey,
  WorkflowCallStore,
} from '../application/ports/store.ts';
import type { Plan } from '../domain/plan.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, toFlag, toJson, toText } from './codec.ts';
import { type Columns, type Engine, insertRows, overRows } from './dialect.ts';
import { candidates, claimRows, counts, dueShards, nextDueAt, tell } from './queue.ts';
import type { Row, Session } from './schema.ts';

export function createWorkflowCallStore(engine: Engine): WorkflowCallStore {
  return {
    begin: ({ action, inputHash, now, leasedUntil, ...key }) =>
      engine.write(async (session) => {
        const { db } = session;
        const row: Row<'workflow_calls'> = {
          ...columnsOf(key),
          action: toText(action),
          input_hash: inputHash,
          begun_at: now,
          leased_until: leasedUntil,
          answer: null,
          answered_at: null,
        };
        const inserted = await insertRows<'workflow_calls', { begun_at: number }>(
          session,
          'workflow_calls',
          [row],
          'on conflict do nothing returning begun_at',
        );
        if (inserted.length === 1) return { kind: 'begun', begunAt: now };
        const known = await callOf(session, key);
        if (!known) throw new Error('a call of a workflow is neither new nor there');
        if (known.action !== row.action || known.input_hash !== inputHash) return { kind: 'other' };
        if (known.answer !== null) {
          await waitAgain(session, key, now);
          return { kind: 'answered', answer: fromJson(known.answer) };
        }
        if (known.leased_until > now) return { kind: 'under_way', until: known.leased_until };
        // Its worker has died or was too slow: of several who find that one goes on.
        const { numAffectedRows } = await sql`update workflow_calls set leased_until = ${leasedUntil}
          where ${isOf(key)} and answer is null and leased_until = ${known.leased_until}`.execute(db);
        return numAffectedRows === 1n
          ? { kind: 'begun', begunAt: known.begun_at }
          : { kind: 'under_way', until: leasedUntil };
      }),

    answer: (key, answer, wait, now) =>
      engine.write(async (session) => {
        const { numAffectedRows } = await sql`update workflow_calls set answer = ${toJson(answer)}, answered_at = ${now}
          where ${isOf(key)} and answer is null`.execute(session.db);
        if (numAffectedRows !== 1n) {
          const known = await callOf(session, key);
          if (!known || known.answer === null) throw new Error('a call of a workflow that was never begun');
          return fromJson<WorkflowAnswer>(known.answer);
        }
        if (wait) {
          await insertRows(session, 'workflow_waits', [waitRow(key, wait, now)], 'on conflict do nothing');
          // What happened between the look at the referral and this row made nothing due: it is looked at once more.
          tell(session, 'workflow_waits', shardOf(key));
        }
        return answer;
      }),

    giveUp: (key, leasedUntil) =>
      engine.write(async ({ db }) => {
        await sql`update workflow_calls set leased_until = 0
          where ${isOf(key)} and answer is null and leased_until = ${leasedUntil}`.execute(db);
      }),

    prune: (accountId, connectionId, before, limit) =>
      engine.write(async ({ db, dialect }) => {
        const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
        const { rows } = await sql<{ callback_id: string }>`select callback_id from workflow_calls as old
          where ${own} and begun_at < ${before} and not exists (select 1 from workflow_waits
            where workflow_waits.account_id = old.account_id and workflow_waits.connection_id = old.connection_id
              and workflow_waits.callback_id = old.callback_id and workflow_waits.state = 'waiting')
          order by begun_at limit ${limit}`.execute(db);
        const ids = rows.map(({ callback_id }) => callback_id);
        if (ids.length === 0) return 0;
        await sql`delete from workflow_waits where ${own} and ${dialect.isIn('callback_id', ids)}`.execute(db);
        await sql`delete from workflow_calls where ${own} and ${dialect.isIn('callback_id', ids)}`.execute(db);
        return ids.length;
      }),
  };
}

/**
 * The answer that it waits was lost, and the CRM knew of no wait when its end was told: by asking again it says that it knows of one from now
 * on. It is told once more, or it would wait for nothing.
 */
async function waitAgain(session: Session, key: WorkflowCallKey, now: Instant): Promise<void> {
  const { numAffectedRows } = await sql`update workflow_waits
    set state = 'waiting', outcome = null, begun_at = ${now}, run_at = ${now}, due_at = ${now}, wanted = wanted + 1
    where ${isOf(key)} and state = 'forgotten'`.execute(session.db);
  if (numAffectedRows !== undefined && numAffectedRows > 0n) tell(session, 'workflow_waits', shardOf(key));
}

async function callOf({ db }: Session, key: WorkflowCallKey): Promise<Row<'workflow_calls'> | undefined> {
  const { rows } = await sql<Row<'workflow_calls'>>`select * from workflow_calls where ${isOf(key)}`.execute(db);
  return rows[0];
}

function columnsOf({ accountId, connectionId, callbackId }: WorkflowCallKey) {
  return { account_id: accountId, connection_id: connectionId, callback_id: toText(callbackId) };
}

function isOf({ accountId, connectionId, callbackId }: WorkflowCallKey) {
  return sql`account_id = ${accountId} and connection_id = ${connectionId} and callback_id = ${callbackId}`;
}

function shardOf({ accountId, connectionId }: WorkflowCallKey): Shard {
  return { accountId, connectionId };
}

function waitRow(key: WorkflowCallKey, wait: NewWait, now: Instant): Row<'workflow_waits'> {
  return {
    ...columnsOf(key),
    referral_id: wait.referralId,
    program_id: wait.programId,
    rule_key: wait.ruleKey,
    party: wait.party,
    deal_id: wait.dealId,
    state: 'waiting',
    outcome: null,
    begun_at: now,
    expires_at: wait.expiresAt,
    wanted: 1,
    run_at: now,
    due_at: now,
    claim: null,
    attempts: 0,
    parked: 0,
    error: null,
  };
}

export function createCallbackStore(engine: Engine): CallbackStore {
  return {
    claim: (input) =>
      engine.write(async (session) => {
        for (const shard of await candidates(session, 'workflow_waits', input)) {
          const waits = await claimOf(session, shard, input);
          if (waits.length > 0) return waits;
        }
        return [];
      }),
    dueShards: (now, limit) => engine.read((session) => dueShards(session, 'workflow_waits', now, limit)),

    end: (ended, state) =>
      engine.write(async (session) => {
        const rows = ended.map(({ wait, outcome }) => ({ ...heldRow(wait), state, outcome }));
        await overRows(
          session,
          { ...HELD, state: 'text', outcome: 'text?' },
          rows,
          (held) => `update workflow_waits set state = held.state, outcome = held.outcome,
              claim = null, due_at = null, attempts = 0, error = null
            from ${held} as held where ${IS_HELD}`,
        );
      }),

    waitOn: (waits) =>
      engine.write(async (session) => {
        // What has happened since the claim is looked at at once.
        await overRows(
          session,
          HELD,
          waits.map(heldRow),
          (held) => `update workflow_waits set claim = null, attempts = 0, error = null,
              due_at = case when workflow_waits.wanted > held.wanted then workflow_waits.run_at
                else workflow_waits.expires_at end
            from ${held} as held where ${IS_HELD}`,
        );
        for (const wait of waits) tell(session, 'workflow_waits', shardOf(wait));
      }),

    defer: (waits, { runAt, error, parked }) =>
      engine.write(async (session) => {
        const rows = waits.map((wait) => ({
          ...heldRow(wait),
          run_at: runAt,
          error: toText(error),
          parked: toFlag(parked),
        }));
        await overRows(session, { ...HELD, run_at: 'int', error: 'text', parked: 'int' }, rows, (held) => {
          const parks = '(held.parked = 1 and workflow_waits.wanted = held.wanted)';
          return `update workflow_waits set claim = null, attempts = workflow_waits.attempts + 1, error = held.error,
              run_at = held.run_at, due_at = case when ${parks} then null else held.run_at end,
              parked = case when ${parks} then 1 else 0 end
            from ${held} as held where ${IS_HELD}`;
        });
      }),

    nextDueAt: () => engine.read((session) => nextDueAt(session, 'workflow_waits')),
    counts: (now) => engine.read((session) => counts(session, 'workflow_waits', now)),
  };
}

async function claimOf(session: Session, shard: Shard, input: ClaimInput): Promise<ClaimedWait[]> {
  const rows = await claimRows(session, 'workflow_waits', shard, input);
  return rows.sort((a, b) => a.run_at - b.run_at || (a.callback_id < b.callback_id ? -1 : 1)).map(waitOf);
}

function waitOf(row: Row<'workflow_waits'>): ClaimedWait {
  return {
    accountId: row.account_id,
    connectionId: row.connection_id,
    callbackId: row.callback_id,
    referralId: row.referral_id,
    programId: row.program_id,
    ruleKey: row.rule_key,
    party: row.party as ClaimedWait['party'],
    dealId: row.deal_id,
    expiresAt: row.expires_at,
    begunAt: row.begun_at,
    claim: row.claim ?? '',
    wanted: row.wanted,
    attempts: row.attempts,
  };
}

const HELD: Columns = {
  account_id: 'text',
  connection_id: 'text',
  callback_id: 'text',
  claim: 'text',
  wanted: 'int',
};

function heldRow({ claim, wanted, ...key }: ClaimedWait) {
  return { ...columnsOf(key), claim, wanted };
}

const IS_HELD = `workflow_waits.account_id = held.account_id and workflow_waits.connection_id = held.connection_id
  and workflow_waits.callback_id = held.callback_id and workflow_waits.claim = held.claim`;

/** Workflows that wait for something of these referrals are looked at; part of a commit. */
export async function lookAtWaits(
  session: Session,
  accountId: string,
  { referrals, rewards, decisions }: Pick<Plan, 'referrals' | 'rewards' | 'decisions'>,
  at: Instant,
): Promise<void> {
  const ids = new Set([
    ...referrals.map(({ id }) => id),
    ...rewards.map(({ referralId }) => referralId),
    ...decisions.map(({ referralId }) => referralId),
  ]);
  if (ids.size === 0) return;
  const rows = [...ids].sort().map((id) => ({ account_id: accountId, referral_id: id, at }));
  const woken = await overRows<{ connection_id: string }>(
    session,
    { account_id: 'text', referral_id: 'text', at: 'int' },
    rows,
    (of) => `update workflow_waits set wanted = workflow_waits.wanted + 1, run_at = of_referral.at,
        due_at = case when workflow_waits.claim is null then of_referral.at else workflow_waits.due_at end,
        attempts = case when workflow_waits.parked = 1 then 0 else workflow_waits.attempts end,
        error = case when workflow_waits.parked = 1 then null else workflow_waits.error end, parked = 0
      from ${of} as of_referral
      where workflow_waits.account_id = of_referral.account_id and workflow_waits.referral_id = of_referral.referral_id
        and workflow_waits.state = 'waiting'
      returning workflow_waits.connection_id`,
  );
  for (const { connection_id: connectionId } of woken.rows)
    tell(session, 'workflow_waits', { accountId, connectionId });
}
