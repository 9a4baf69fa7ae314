import { type RawBuilder, sql } from 'kysely';
import type {
  CaseChanged,
  CaseFilter,
  DeskStore,
  Page,
  PageInput,
  QueuedCase,
  QueueFilter,
} from '../application/ports/store.ts';
import type { AlertFacts } from '../domain/alert.ts';
import {
  type Case,
  type CaseEvent,
  type CaseKind,
  type CaseOutcome,
  type CaseWord,
  caseChanges,
  dueAfter,
  type EscalationStep,
  escalate,
  type NewCase,
  type Severity,
  SYSTEM,
  USUAL_CHAIN,
} from '../domain/case.ts';
import type { Plan } from '../domain/plan.ts';
import { budgetTally } from '../domain/tally.ts';
import type { Instant } from '../domain/time.ts';
import { fromJson, fromMinor, fromSum, toFlag, toJson, toMinor, toText } from './codec.ts';
import { Conflict } from './conflict.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';
import { tellOfCases } from './webhook-events.ts';

/** Verdicts of people: which of them found something wrong with the reward. */
const BAD = ['rejected', 'taken_back'];
const GOOD = ['approved', 'dismissed'];

export function createDeskStore(engine: Engine): DeskStore {
  const changed = (
    accountId: string,
    caseId: string,
    event: Omit<CaseEvent, 'number'>,
    change: Partial<Row<'desk_cases'>>,
  ): Promise<CaseChanged> =>
    engine.write(async (session) => {
      const row = await lockedCase(session, accountId, caseId);
      if (!row) return { kind: 'no_such_case' };
      // A word about a case that is decided is still a word about it.
      if (row.state !== 'open' && event.kind !== 'commented') return { kind: 'awaits_nobody', case: caseOf(row) };
      return { kind: 'changed', case: caseOf(await changeCase(session, row, change, event)) };
    });

  return {
    open: (accountId, newCase, unlessDecidedSince) =>
      engine.write(async (session) => {
        if (unlessDecidedSince !== undefined && (await isDecidedSince(session, accountId, newCase, unlessDecidedSince)))
          return null;
        const [opened] = await openCases(session, accountId, [newCase]);
        return opened ? caseOf(opened) : null;
      }),

    get: (accountId, caseId) =>
      engine.snapshot(async (session) => {
        const { db } = session;
        const { rows } = await sql<Row<'desk_cases'>>`
          select * from desk_cases where account_id = ${accountId} and id = ${caseId}`.execute(db);
        const [row] = rows;
        if (!row) return null;
        const { rows: events } = await sql<Row<'desk_events'>>`
          select * from desk_events where account_id = ${accountId} and case_id = ${caseId} order by number`.execute(
          db,
        );
        return { case: caseOf(row), events: events.map(eventOf) };
      }),

    list: (accountId, page, filter) => engine.read((session) => listCases(session, accountId, page, filter)),

    queue: (accountId, page, filter) => engine.read((session) => queueOf(session, accountId, page, filter)),

    comment: (accountId, caseId, by, words, now) =>
      changed(accountId, caseId, { kind: 'commented', by, words, at: now }, {}),

    assign: (accountId, caseId, to, by, now) =>
      changed(accountId, caseId, { kind: 'assigned', by, words: to, at: now }, { owner: toText(to) }),

    decide: (accountId, caseId, word) => changed(accountId, caseId, decidedBy(word), ended(word)),

    escalateDue: (now, limit) => engine.write((session) => escalateDue(session, now, limit)),

    chain: (accountId) => engine.read((session) => chainOf(session, accountId)),

    setChain: (accountId, chain, now) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'desk_settings',
          [{ account_id: accountId, chain: toJson(chain), updated_at: now }],
          'on conflict (account_id) do update set chain = excluded.chain, updated_at = excluded.updated_at',
        );
      }),

    signalCounts: (accountId, from, to) =>
      engine.snapshot(async (session) => {
        const { db, dialect } = session;
        const { rows: raised } = await sql<{ signal: string; raised: number }>`
          select signal, count(*) as raised from risk_findings
          where account_id = ${accountId} and found_at >= ${from} and found_at < ${to} group by signal`.execute(db);
        // Of several words on one reward the last one holds.
        const judged = sql`(select reward_id, outcome from (
            select reward_id, outcome, row_number() over (partition by reward_id order by decided_at desc, id desc) as place
            from desk_cases where account_id = ${accountId} and decided_at >= ${from} and decided_at < ${to}
              and reward_id is not null and ${dialect.isIn('outcome', [...BAD, ...GOOD])}) as numbered where place = 1)`;
        const isBad = dialect.isIn('outcome', BAD);
        const { rows: sums } = await sql<{ judged: number; bad: number }>`
          select count(*) as judged, count(*) filter (where ${isBad}) as bad from ${judged} as judged`.execute(db);
        const { rows: right } = await sql<{ signal: string; confirmed: number; overturned: number }>`
          select risk_findings.signal, count(*) filter (where ${isBad}) as confirmed,
            count(*) filter (where not ${isBad}) as overturned
          from ${judged} as judged join risk_findings on risk_findings.account_id = ${accountId}
            and risk_findings.reward_id = judged.reward_id
          group by risk_findings.signal`.execute(db);
        const names = [...new Set([...raised, ...right].map(({ signal }) => signal))].sort();
        return {
          judged: Number(sums[0]?.judged ?? 0),
          bad: Number(sums[0]?.bad ?? 0),
          signals: names.map((signal) => ({
            signal,
            raised: Number(raised.find((one) => one.signal === signal)?.raised ?? 0),
            confirmed: Number(right.find((one) => one.signal === signal)?.confirmed ?? 0),
            overturned: Number(right.find((one) => one.signal === signal)?.overturned ?? 0),
          })),
        };
      }),

    openAlerts: (accountId, topic) =>
      engine.read(async ({ db }) => {
        // In the words of the index of open alerts.
        const { rows } = await sql<Row<'desk_cases'>>`select * from desk_cases
          where account_id = ${accountId} and state = 'open' and kind = 'alert' and topic = ${topic}
          order by opened_at desc, id desc`.execute(db);
        return rows.map(caseOf);
      }),

    alertFacts: (accountId, since) => engine.snapshot((session) => alertFacts(session, accountId, since)),
  };
}

/** What a plan means for cases; part of its commit. @throws Conflict when a case that it settles is decided. */
export async function keepCases(session: Session, accountId: string, plan: Plan): Promise<void> {
  const { opens, settles } = caseChanges(accountId, plan);
  await insertRows(session, 'risk_findings', findingRows(accountId, plan), 'on conflict do nothing');
  await openCases(session, accountId, opens);
  await settleCases(session, accountId, settles);
  for (const { id, word } of plan.cases ?? []) {
    const row = await lockedCase(session, accountId, id);
    if (row?.state !== 'open') throw new Conflict('the case is decided');
    await changeCase(session, row, ended(word), decidedBy(word));
  }
}

/** Ends cases, by their causes, as far as they are open. */
export async function settleCases(
  session: Session,
  accountId: string,
  settles: ReadonlyArray<{ readonly dedupeKey: string; readonly word: CaseWord }>,
): Promise<void> {
  for (const { dedupeKey, word } of settles) {
    const row = await lockedByCause(session, accountId, dedupeKey);
    if (row) await changeCase(session, row, ended(word), decidedBy(word));
  }
}

function findingRows(accountId: string, { decisions }: Plan): Row<'risk_findings'>[] {
  return decisions.flatMap(({ rewardId, risk, recordedAt }) =>
    rewardId === null
      ? []
      : (risk?.raised ?? []).map(({ signal, weight }) => ({
          account_id: accountId,
          reward_id: rewardId,
          signal,
          weight,
          found_at: recordedAt,
        })),
  );
}

/** Those that were opened: of each cause one is open at a time. */
export async function openCases(
  session: Session,
  accountId: string,
  newCases: readonly NewCase[],
): Promise<Row<'desk_cases'>[]> {
  if (newCases.length === 0) return [];
  const chain = await chainOf(session, accountId);
  const [first] = chain;
  const rows = newCases.map(
    (one): Row<'desk_cases'> => ({
      account_id: accountId,
      id: one.id,
      kind: one.kind,
      topic: one.topic,
      dedupe_key: one.dedupeKey,
      state: 'open',
      severity: one.severity,
      referral_id: one.referralId,
      reward_id: one.rewardId,
      minor: one.value ? toMinor(one.value.minor) : null,
      currency: one.value?.currency ?? null,
      summary: toText(one.summary),
      facts: toText(toJson(one.facts)),
      opened_by: toText(one.openedBy),
      opened_at: one.openedAt,
      owner: first?.to ?? 'account_owner',
      chain: toJson(chain),
      step: 0,
      due_at: first ? dueAfter(first, one.openedAt) : null,
      overdue: 0,
      outcome: null,
      decided_by: null,
      decided_why: null,
      decided_at: null,
      version: 1,
    }),
  );
  const opened = await insertRows<'desk_cases', Pick<Row<'desk_cases'>, 'id'>>(
    session,
    'desk_cases',
    rows,
    'on conflict do nothing returning id',
  );
  const ids = new Set(opened.map(({ id }) => id));
  const fresh = rows.filter(({ id }) => ids.has(id));
  await insertRows(
    session,
    'desk_events',
    fresh.map(({ id, opened_by, summary, opened_at }) => ({
      account_id: accountId,
      case_id: id,
      number: 1,
      kind: 'opened',
      by_whom: opened_by,
      words: summary,
      at: opened_at,
    })),
  );
  await tellOfCases(
    session,
    accountId,
    'case.opened',
    fresh.map(caseOf),
    Math.max(0, ...fresh.map((row) => row.opened_at)),
  );
  return fresh;
}

async function chainOf({ db }: Session, accountId: string): Promise<readonly EscalationStep[]> {
  const { rows } = await sql<{ chain: string }>`
    select chain from desk_settings where account_id = ${accountId}`.execute(db);
  return rows[0] ? fromJson<EscalationStep[]>(rows[0].chain) : USUAL_CHAIN;
}

async function lockedCase({ db, dialect }: Session, accountId: string, id: string) {
  const { rows } = await sql<Row<'desk_cases'>>`
    select * from desk_cases where account_id = ${accountId} and id = ${id}
    ${sql.raw(dialect.forUpdate('desk_cases'))}`.execute(db);
  return rows[0];
}

async function lockedByCause({ db, dialect }: Session, accountId: string, dedupeKey: string) {
  const { rows } = await sql<Row<'desk_cases'>>`
    select * from desk_cases where account_id = ${accountId} and dedupe_key = ${dedupeKey} and state = 'open'
    ${sql.raw(dialect.forUpdate('desk_cases'))}`.execute(db);
  return rows[0];
}

async function isDecidedSince({ db }: Session, accountId: string, { dedupeKey }: NewCase, since: Instant) {
  const { rows } = await sql`
    select id from desk_cases where account_id = ${accountId} and dedupe_key = ${dedupeKey}
      and decided_at >= ${since} limit 1`.execute(db);
  return rows.length > 0;
}

/** Changes a case whose row is held, and tells it in its history. */
async function changeCase(
  session: Session,
  row: Row<'desk_cases'>,
  change: Partial<Row<'desk_cases'>>,
  { kind, by, words, at }: Omit<CaseEvent, 'number'>,
): Promise<Row<'desk_cases'>> {
  const next = { ...row, ...change, version: row.version + 1 };
  const { account_id, id, owner, step, due_at, overdue, state, outcome, decided_by, decided_why, decided_at } = next;
  await session.db
    .updateTable('desk_cases')
    .set({ owner, step, due_at, overdue, state, outcome, decided_by, decided_why, decided_at, version: next.version })
    .where('account_id', '=', account_id)
    .where('id', '=', id)
    .execute();
  // Opened with version 1 and told with number 1; each change since is one of each.
  await insertRows(session, 'desk_events', [
    { account_id, case_id: id, number: next.version, kind, by_whom: toText(by), words: toText(words), at },
  ]);
  if (kind === 'decided') await tellOfCases(session, account_id, 'case.settled', [caseOf(next)], at);
  if (kind === 'escalated' || kind === 'overdue')
    await tellOfCases(session, account_id, 'case.escalated', [caseOf(next)], at);
  return next;
}

function ended({ outcome, by, why, at }: CaseWord): Partial<Row<'desk_cases'>> {
  return {
    state: 'decided',
    due_at: null,
    outcome,
    decided_by: toText(by),
    decided_why: toText(why),
    decided_at: at,
  };
}

function decidedBy({ outcome, by, why, at }: CaseWord): Omit<CaseEvent, 'number'> {
  return { kind: 'decided', by, words: why === '' ? outcome : `${outcome}: ${why}`, at };
}

async function escalateDue(session: Session, now: Instant, limit: number): Promise<number> {
  const { db, dialect } = session;
  const { rows } = await sql<Row<'desk_cases'>>`
    select * from desk_cases where state = 'open' and due_at is not null and due_at <= ${now}
    order by due_at limit ${limit} ${dialect.skipLocked('desk_cases')}`.execute(db);
  for (const row of rows) {
    const next = escalate(caseOf(row), now);
    if (next) {
      const { step, owner, dueAt } = next;
      const words = `${row.owner} did not decide in time; now with ${owner}`;
      await changeCase(
        session,
        row,
        { step, owner, due_at: dueAt },
        {
          kind: 'escalated',
          by: SYSTEM,
          words,
          at: now,
        },
      );
    } else {
      const words = `${row.owner} did not decide in time, and nobody comes after; it stays open`;
      await changeCase(
        session,
        row,
        { due_at: null, overdue: toFlag(true) },
        { kind: 'overdue', by: SYSTEM, words, at: now },
      );
    }
  }
  return rows.length;
}

async function listCases(
  { db }: Session,
  accountId: string,
  { limit, cursor }: PageInput,
  { kind, state, owner, overdue, referralId, rewardId }: CaseFilter,
): Promise<Page<Case>> {
  const asked: RawBuilder<unknown>[] = [
    sql`account_id = ${accountId}`,
    ...(kind === undefined ? [] : [sql`kind = ${kind}`]),
    ...(state === undefined ? [] : [sql`state = ${state}`]),
    ...(owner === undefined ? [] : [sql`owner = ${owner}`]),
    // A number in the text and not a parameter: that is how SQLite knows the index of them.
    ...(overdue === undefined ? [] : [sql`overdue = 1`]),
    ...(referralId === undefined ? [] : [sql`referral_id = ${referralId}`]),
    ...(rewardId === undefined ? [] : [sql`reward_id = ${rewardId}`]),
    ...(cursor ? [sql`(opened_at, id) < (${cursor.at}, ${cursor.id})`] : []),
  ];
  const { rows } = await sql<Row<'desk_cases'>>`
    select * from desk_cases where ${sql.join(asked, sql` and `)}
    order by opened_at desc, id desc limit ${limit + 1}`.execute(db);
  const items = rows.slice(0, limit).map(caseOf);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? { at: last.openedAt, id: last.id } : null };
}

/** In the words of `desk_cases_open_by_due`, which is how both databases know it. A case whose time is over has no due time. */
async function queueOf(
  { db, dialect }: Session,
  accountId: string,
  { limit, cursor }: PageInput,
  { kind, severity, owners }: QueueFilter,
): Promise<Page<QueuedCase>> {
  const asked: RawBuilder<unknown>[] = [
    sql`c.account_id = ${accountId}`,
    sql`c.state = 'open'`,
    ...(kind === undefined ? [] : [sql`c.kind = ${kind}`]),
    ...(severity === undefined ? [] : [sql`c.severity = ${severity}`]),
    ...(owners === undefined ? [] : [dialect.isIn('c.owner', owners)]),
    ...(cursor ? [sql`(coalesce(c.due_at, 0), c.id) > (${cursor.at}, ${cursor.id})`] : []),
  ];
  const { rows } = await sql<Row<'desk_cases'> & QueuedPeople>`
    select c.*, r.member_id, r.friend_name, r.friend_email, m.name as member_name, m.email as member_email
    from desk_cases c
    left join referrals r on r.account_id = c.account_id and r.id = c.referral_id
    left join members m on m.account_id = r.account_id and m.id = r.member_id
    where ${sql.join(asked, sql` and `)} order by coalesce(c.due_at, 0), c.id limit ${limit + 1}`.execute(db);
  const items = rows.slice(0, limit).map((row): QueuedCase => ({ case: caseOf(row), people: peopleOf(row) }));
  const last = items.at(-1)?.case;
  return { items, next: rows.length > limit && last ? { at: last.dueAt ?? 0, id: last.id } : null };
}

interface QueuedPeople {
  readonly member_id: string | null;
  readonly friend_name: string | null;
  readonly friend_email: string | null;
  readonly member_name: string | null;
  readonly member_email: string | null;
}

function peopleOf(row: QueuedPeople): QueuedCase['people'] {
  if (row.member_id === null) return null;
  return {
    memberId: row.member_id,
    member: { name: row.member_name, email: row.member_email },
    friend: { name: row.friend_name, email: row.friend_email },
  };
}

async function alertFacts(
  session: Session,
  accountId: string,
  { recentFrom, baseFrom, burnFrom }: { recentFrom: Instant; baseFrom: Instant; burnFrom: Instant },
): Promise<AlertFacts> {
  const { db } = session;
  const pacesOf = async (of: 'member' | 'program') => {
    const column = sql.ref(of === 'member' ? 'beneficiary_id' : 'program_id');
    const { rows } = await sql<{ id: string; recent: number; before: number }>`
      select ${column} as id, count(*) filter (where created_at >= ${recentFrom}) as recent,
        count(*) filter (where created_at < ${recentFrom}) as before
      from rewards where account_id = ${accountId} and created_at >= ${baseFrom} and party = 'member'
      group by ${column} having count(*) filter (where created_at >= ${recentFrom}) > 0
      order by 1`.execute(db);
    return rows.map(({ id, recent, before }) => ({ of, id, recent: Number(recent), before: Number(before) }));
  };
  const { rows: spent } = await sql<{ program_id: string; currency: string; spent: string }>`
    select program_id, currency, cast(sum(minor - clawed_back) as text) as spent from rewards
    where account_id = ${accountId} and created_at >= ${burnFrom} and uses like '%"key":"budget"%'
      and state not in ('voided', 'expired', 'clawed_back')
    group by program_id, currency order by program_id, currency`.execute(db);
  const budgets: Array<AlertFacts['budgets'][number]> = [];
  for (const { program_id: programId, currency, spent: minor } of spent) {
    const { owner, key } = budgetTally(programId, currency);
    const { rows } = await sql<{ minor: number }>`
      select minor from tallies where account_id = ${accountId} and owner = ${owner} and tally_key = ${key}
        and currency = ${currency}`.execute(db);
    budgets.push({
      programId,
      spent: { minor: fromSum(minor), currency },
      leftMinor: fromMinor(rows[0]?.minor ?? 0),
    });
  }
  const { rows: parked } = await sql<{ parked: number }>`
    select (select count(*) from intents where account_id = ${accountId} and parked = 1)
      + (select count(*) from work where account_id = ${accountId} and parked = 1)
      + (select count(*) from mirror where account_id = ${accountId} and parked = 1) as parked`.execute(db);
  return {
    paces: [...(await pacesOf('member')), ...(await pacesOf('program'))],
    budgets,
    parked: Number(parked[0]?.parked ?? 0),
    overpaid: await overpaidOf(session, accountId),
  };
}

/** In the words of `tallies_overpaid`, which is how both databases know it. */
async function overpaidOf({ db }: Session, accountId: string): Promise<AlertFacts['overpaid']> {
  const { rows } = await sql<{ owner: string; currency: string; minor: number; is_member: number }>`
    select t.owner, t.currency, t.minor,
      case when exists (select 1 from members m where m.account_id = t.account_id and m.id = t.owner) then 1 else 0 end
        as is_member
    from tallies t where t.account_id = ${accountId} and t.tally_key = 'owed' and t.minor < 0
    order by t.owner, t.currency`.execute(db);
  return rows.map(({ owner, currency, minor, is_member }) => ({
    of: is_member === 1 ? 'member' : 'friend',
    id: owner,
    back: { minor: -fromMinor(minor), currency },
  }));
}

export function caseOf(row: Row<'desk_cases'>): Case {
  return {
    id: row.id,
    kind: row.kind as CaseKind,
    topic: row.topic,
    dedupeKey: row.dedupe_key,
    severity: row.severity as Severity,
    referralId: row.referral_id,
    rewardId: row.reward_id,
    value: row.minor === null || row.currency === null ? null : { minor: fromMinor(row.minor), currency: row.currency },
    summary: row.summary,
    facts: fromJson(row.facts),
    openedBy: row.opened_by,
    openedAt: row.opened_at,
    state: row.state as Case['state'],
    owner: row.owner,
    chain: fromJson(row.chain),
    step: row.step,
    dueAt: row.due_at,
    isOverdue: row.overdue === 1,
    outcome: row.outcome as CaseOutcome | null,
    decidedBy: row.decided_by,
    decidedWhy: row.decided_why,
    decidedAt: row.decided_at,
    version: row.version,
  };
}

export function eventOf({ number, kind, by_whom, words, at }: Row<'desk_events'>): CaseEvent {
  return { number, kind: kind as CaseEvent['kind'], by: by_whom, words, at };
}
