import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import { answerQuestions } from '../processes.ts';

/*
 * The limit of the box: the same changes written by hand. Prepared statements in one loop, a hundred changes to a transaction, into the
 * service's own tables with their indexes and triggers, flushed. It decides nothing: it knows beforehand that a won deal pays two
 * rewards. Afterwards every table must hold as many rows as the engine has left (rows/limit.ts compares them).
 */

export interface LoopQuestion {
  readonly kind: 'run';
  readonly path: string;
  readonly accountId: string;
  readonly connectionId: string;
  /** As in process-loop.ts: every so manieth deal is won, the others change their amount. */
  readonly wonEvery: number;
}

const CHANGES_PER_COMMIT = 100;
const DAY_MS = 86_400_000;
const FRIENDS_FROM = 20_000_000_000;
const DEALS_FROM = 30_000_000_000;

function run({ path, accountId, connectionId, wonEvery }: LoopQuestion): { records: number; seconds: number } {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma('wal_autocheckpoint = 10000');

  const due = db.prepare<unknown[], { record_id: string }>(
    'select record_id from work where account_id = ? and connection_id = ? and due_at <= ? order by due_at limit ?',
  );
  const referralOf = db.prepare<unknown[], { id: string; member_id: string; version: number }>(
    'select id, member_id, version from referrals where account_id = ? and connection_id = ? and contact_id = ?',
  );
  const memberOf = db.prepare<unknown[], { contact_id: string }>(
    'select contact_id from members where account_id = ? and id = ?',
  );
  const decided = db.prepare('select 1 from decisions where account_id = ? and connection_id = ? and deal_id = ?');
  const keepRecord = db.prepare(`insert into records
      (account_id, connection_id, object, record_id, presence, facts, read_at, modified_at, version)
    values (?, ?, 'deal', ?, 'present', ?, ?, ?, 1) on conflict do update set
      facts = excluded.facts, read_at = excluded.read_at, modified_at = excluded.modified_at, version = records.version + 1`);
  const unlink = db.prepare('delete from record_links where account_id = ? and connection_id = ? and deal_id = ?');
  const link = db.prepare('insert into record_links values (?, ?, ?, ?, ?)');
  const addReward =
    db.prepare(`insert into rewards (account_id, id, referral_id, connection_id, deal_id, rule_key, party,
      beneficiary_id, minor, currency, state, reason, payout, program_id, release_at, reversal_pending, created_at, updated_at, version)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'EUR', 'approved', ?, 'credit', 'default', null, 0, ?, ?, 1)`);
  const addDecision =
    db.prepare(`insert into decisions (account_id, id, referral_id, connection_id, deal_id, rule_key, sequence, party,
      outcome, reason, conditions, minor, currency, reward_id, release_at, effective_at, program_id, program_version, mapping_version, recorded_at)
    values (?, ?, ?, ?, ?, ?, 1, ?, 'rewarded', ?, ?, ?, 'EUR', ?, null, ?, 'default', 1, 'map_bench', ?)`);
  const addPosting = db.prepare(`insert into postings (account_id, journal_id, line, ledger_account, currency, minor)
    values (?, ?, ?, ?, 'EUR', ?)`);
  const addJournal =
    db.prepare(`insert into journals (account_id, id, kind, reward_id, decision_id, effective_at, recorded_at)
    values (?, ?, 'accrue', ?, ?, ?, ?)`);
  const addIntent =
    db.prepare(`insert into intents (account_id, id, reward_id, provider, state, run_at, due_at, claim, attempts, parked, error)
    values (?, ?, ?, 'credit', 'pending', ?, ?, null, 0, 0, null)`);
  const win = db.prepare(`update referrals set stage = 'won', reason = ?, stage_since = ?, version = version + 1
    where account_id = ? and id = ? and version = ?`);
  const tally = db.prepare(`insert into tallies (account_id, owner, tally_key, currency, amount_count, minor)
    values (?, ?, 'won', '', 1, 0) on conflict do update set amount_count = tallies.amount_count + 1`);
  const mark =
    db.prepare(`insert into mirror (account_id, connection_id, object, record_id, wanted, acked, acked_hash, acked_at,
      run_at, due_at, claim, attempts, parked, error)
    values (?, ?, ?, ?, 1, 0, null, null, ?, ?, null, 0, 0, null)
    on conflict do update set wanted = mirror.wanted + 1, run_at = excluded.run_at, due_at = excluded.due_at`);
  const wake = db.prepare('insert into wakes values (?, ?, ?, ?, ?) on conflict do nothing');
  const nextWake = db.prepare<unknown[], { at: number | null }>(
    `select min(at) as at from wakes where account_id = ? and connection_id = ? and object = 'deal' and record_id = ?`,
  );
  const later = db.prepare(
    `update work set run_at = ?, due_at = ? where account_id = ? and connection_id = ? and object = 'deal' and record_id = ?`,
  );
  const settle = db.prepare(
    `delete from work where account_id = ? and connection_id = ? and object = 'deal' and record_id = ?`,
  );
  const answered = db.prepare(
    `delete from wakes where account_id = ? and connection_id = ? and object = 'deal' and record_id = ? and at <= ?`,
  );

  const idOf = (prefix: string, ...cause: string[]) =>
    `${prefix}_${createHash('sha256').update(cause.join(' ')).digest('hex').slice(0, 26)}`;
  const conditions = JSON.stringify(
    ['deal won after the program began', 'first referral on the deal', 'first rewarded deal of the referral'].map(
      (condition) => ({ condition, expected: 'yes', actual: 'yes', verdict: 'met' }),
    ),
  );

  function change(dealId: string, now: number): void {
    const index = Number(dealId) - DEALS_FROM;
    const friendId = String(FRIENDS_FROM + index);
    const isWon = index % wonEvery === 0;
    const referral = referralOf.get(accountId, connectionId, friendId);
    if (!referral) throw new Error(`no referral for deal ${dealId}`);
    const member = memberOf.get(accountId, referral.member_id);
    const point = (stageId: string, amount: string) => ({
      at: now,
      pipelineId: 'default',
      stageId,
      amount,
      currency: 'EUR',
    });
    const facts = JSON.stringify({
      ref: { connectionId, object: 'deal', id: dealId },
      presence: 'present',
      name: `Engine ${index}`,
      history: [
        point('appointmentscheduled', '1200.50'),
        isWon ? point('closedwon', '1200.50') : point('appointmentscheduled', '1300.00'),
      ],
      contactIds: [friendId],
      formerIds: [],
    });
    answered.run(accountId, connectionId, dealId, now);
    if (isWon && decided.get(accountId, connectionId, dealId) === undefined) {
      const reason = JSON.stringify({ code: 'rewarded', values: { deal: dealId, days: '0', until: '' } });
      win.run(
        JSON.stringify({ code: 'deal_won', values: { deal: dealId } }),
        now,
        accountId,
        referral.id,
        referral.version,
      );
      tally.run(accountId, referral.member_id);
      for (const party of ['member', 'friend'] as const) {
        const rule = `${party}-won`;
        const beneficiary = party === 'member' ? referral.member_id : referral.id;
        const minor = party === 'member' ? 12_005 : 5_000;
        const reward = idOf('rwd', accountId, referral.id, dealId, rule);
        const decision = idOf('dec', accountId, referral.id, dealId, rule);
        const journal = idOf('jrn', reward, 'accrue');
        addReward.run(
          accountId,
          reward,
          referral.id,
          connectionId,
          dealId,
          rule,
          party,
          beneficiary,
          minor,
          reason,
          now,
          now,
        );
        addDecision.run(
          accountId,
          decision,
          referral.id,
          connectionId,
          dealId,
          rule,
          party,
          reason,
          conditions,
          minor,
          reward,
          now,
          now,
        );
        addPosting.run(accountId, journal, 0, 'expense:default', minor);
        addPosting.run(accountId, journal, 1, `payable:${party}:${beneficiary}`, -minor);
        addJournal.run(accountId, journal, reward, decision, now, now);
        addIntent.run(accountId, idOf('pay', reward), reward, now, now);
      }
      mark.run(accountId, connectionId, 'contact', friendId, now, now);
      mark.run(accountId, connectionId, 'contact', member?.contact_id, now, now);
      mark.run(accountId, connectionId, 'deal', dealId, now, now);
      wake.run(accountId, connectionId, 'deal', dealId, now + DAY_MS);
    }
    const { at } = nextWake.get(accountId, connectionId, dealId) ?? {};
    if (at) later.run(at, at, accountId, connectionId, dealId);
    else settle.run(accountId, connectionId, dealId);
    keepRecord.run(accountId, connectionId, dealId, facts, now, now);
    unlink.run(accountId, connectionId, dealId);
    link.run(accountId, connectionId, dealId, friendId, now);
  }

  let records = 0;
  const startedAt = performance.now();
  const batch = db.transaction((now: number) => {
    const rows = due.all(accountId, connectionId, now, CHANGES_PER_COMMIT);
    for (const { record_id } of rows) change(record_id, now);
    return rows.length;
  });
  for (;;) {
    const done = batch.immediate(Date.now());
    if (done === 0) break;
    records += done;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  db.close();
  return { records, seconds };
}

answerQuestions<LoopQuestion>(run);
