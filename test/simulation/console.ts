import type Database from 'better-sqlite3';
import type { BatchApproval } from '../../src/application/ports/store.ts';
import type { ProgramVersion, RewardRule } from '../../src/domain/program.ts';
import type { RiskPolicy } from '../../src/domain/risk.ts';
import { programOf } from '../../src/store/codec.ts';
import type { Random } from '../crash/random.ts';
import type { Portal } from './crm.ts';
import type { Counters, Weather } from './faults.ts';
import { createInsist } from './insist.ts';
import type { Books } from './laws.ts';
import type { SimNode } from './node.ts';
import type { Receiver } from './payout.ts';
import { drawRules } from './people.ts';
import type { Scheduler } from './scheduler.ts';
import type { Calm } from './setup.ts';
import { tasksAreRight } from './tasks.ts';

/*
 * People who work at the console at once: reviewers on the same cases, two of finance who cut, approve, pay and mark the same batches, whoever
 * writes off a debt, and admins who publish. The bank is the other side of it: what it was told to pay it pays, as often as it is told.
 */

const MINUTE = 60_000;
const PEOPLE = ['ann', 'bob'] as const;

/** How long it takes until a payment is marked; an order that waits for people looks for their word every hour. */
const MARKED_MS = [1_000, 3 * MINUTE, 100 * MINUTE] as const;

/** What is taken back and what waits follows within as many rounds of finance's work: each may bring up what comes next. */
const ROUNDS_MAX = 12;

interface BatchRow {
  id: string;
  provider: string;
  cut_at: number | null;
  cut_by: string | null;
  approved_at: number | null;
  approved_by: string | null;
}

interface ItemRow {
  intent_id: string;
  reward_id: string;
  batch_id: string;
  minor: number;
  state: string;
}

interface Payment {
  readonly key: string;
  readonly rewardId: string;
  readonly amount: string;
  readonly isPaid: boolean;
}

export interface Console {
  /** In peace: how is paid, and who is told of what. */
  first(calm: Calm): Promise<void>;
  begin(): void;
  /** Finance comes to the end of its work. */
  settle(calm: Calm): Promise<string[]>;
  problems(books: Books): string[];
  /** Oldest first. */
  published(): ProgramVersion[];
}

export interface ConsoleInput {
  readonly accountId: string;
  readonly portal: Portal;
  readonly connectionId: () => string;
  readonly program: { readonly rules: readonly RewardRule[]; readonly risk: RiskPolicy | undefined };
  readonly db: Database.Database;
  readonly receiver: Pick<Receiver, 'given'>;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly nodes: () => readonly SimNode[];
}

export function createConsole(input: ConsoleInput): Console {
  const { accountId, portal, connectionId, program, db, receiver, scheduler, random, weather, counters, nodes } = input;
  const insist = createInsist({ scheduler, random, counters, nodes });
  const approvals = new Map<string, BatchApproval>();
  /** Batches, and whoever has said yes to them, whether or not it has arrived. */
  const yes = new Map<string, { readonly by: Set<string>; readonly at: number }>();
  /** What finance has told the bank, by the order's key: nobody tells it twice what they have written down as told. */
  const bank = new Map<string, Payment>();
  const forgiven = new Set<string>();
  const contents = new Set<string>();
  let wasBatched = false;
  let isLast = false;
  let endsAt = 0;

  const rows = <T>(query: string, ...bound: unknown[]) => db.prepare(query).all(...bound) as T[];
  const batches = () => rows<BatchRow>('select * from manual_batches where account_id = ? order by number', accountId);
  const itemsOf = (batchId: string) =>
    rows<ItemRow>(
      'select * from manual_items where account_id = ? and batch_id = ? order by intent_id',
      accountId,
      batchId,
    );

  /** Whether anything in it is to be paid still. */
  const isWaitedFor = (batchId: string) =>
    rows(
      `select i.intent_id from manual_items i join intents x on x.account_id = i.account_id and x.id = i.intent_id
       where i.account_id = ? and i.batch_id = ? and i.state = 'waiting' and x.state = 'pending' and x.kind = 'issue'`,
      accountId,
      batchId,
    ).length > 0;

  // ── Finance ──

  function cut(id: string, by: string): void {
    insist.say(by, `cuts ${id}`, async ({ payoutBatches }) => {
      const done = await payoutBatches.cut(accountId, id, by);
      if (!done.ok) throw new Error(done.why);
    });
  }

  function approve(id: string, by: string): void {
    const said = yes.get(id) ?? { by: new Set<string>(), at: scheduler.now() };
    said.by.add(by);
    yes.set(id, said);
    counters['batch approved'] += 1;
    insist.say(by, `approves ${id}`, async ({ payoutBatches }) => {
      const done = await payoutBatches.approve(accountId, id, by);
      if (!done.ok && done.why !== 'already_approved' && done.why !== 'same_person' && done.why !== 'not_cut')
        throw new Error(done.why);
    });
  }

  /** Exports it, has the bank pay what the file says, and marks each row. */
  function pay(id: string, by: string): void {
    insist.say(by, `pays ${id}`, async ({ payoutBatches }) => {
      const file = await payoutBatches.export(accountId, id, by);
      if (!file.ok) {
        if (file.why === 'not_approved') return;
        throw new Error(file.why);
      }
      for (const payment of paymentsOf(file.csv)) {
        if (bank.has(payment.key)) continue;
        counters['order paid by hand'] += 1;
        scheduler.note('bank', `${payment.isPaid ? 'pays' : 'refuses'} ${payment.rewardId} (${payment.key})`);
        bank.set(payment.key, payment);
        if (random.chance(0.5)) loseSoon(payment.rewardId);
      }
      // A bank takes its time, and whoever marks the rows has other things to do.
      scheduler.after(isLast ? 1 : random.integer(1, random.pick(MARKED_MS)), () => mark(id, by));
    });
  }

  /** What is on its way by hand is not stopped by a deal that is opened again. */
  function loseSoon(rewardId: string): void {
    const [of] = rows<{ deal_id: string }>(
      'select deal_id from rewards where account_id = ? and id = ?',
      accountId,
      rewardId,
    );
    const ms = 2 * random.integer(500, 60_000) + 1;
    if (!of || scheduler.now() + ms >= endsAt) return;
    scheduler.after(ms, () => {
      scheduler.note(`crm ${portal.externalId}`, `deal ${of.deal_id} is open again`);
      portal.editDeal(of.deal_id, { pipeline: 'sales', stage: 'talk' });
    });
  }

  function paymentsOf(csv: string): Payment[] {
    const [head = '', ...lines] = csv.trim().split(/\r?\n/);
    // Nobody here has a comma in their name.
    const cellsOf = (line: string) => line.split(',').map((text) => text.replace(/^"|"$/g, ''));
    const names = cellsOf(head);
    return lines.map((line) => {
      const cells = cellsOf(line);
      const cell = (name: string) => cells[names.indexOf(name)] ?? '';
      return {
        key: cell('order'),
        rewardId: cell('reward'),
        amount: `${cell('amount')} ${cell('currency')}`,
        isPaid: random.chance(0.85),
      };
    });
  }

  function mark(batchId: string, by: string): void {
    const told = itemsOf(batchId).flatMap(({ intent_id }) => bank.get(intent_id) ?? []);
    if (told.length === 0) return;
    const stateOf = ({ isPaid }: Payment) => (isPaid ? ('paid' as const) : ('refused' as const));
    const isByFile = random.chance(0.5);
    insist.say(by, `marks ${told.length} of ${batchId}`, async ({ payoutBatches }) => {
      if (isByFile) {
        const csv = ['order,state', ...told.map((one) => `${one.key},${stateOf(one)}`)].join('\n');
        const read = await payoutBatches.importMarks(accountId, batchId, csv, by);
        if (!read.ok) throw new Error(JSON.stringify(read));
        return;
      }
      const marks = told.map((one) => ({ key: one.key, state: stateOf(one), why: null }));
      const marked = await payoutBatches.mark(accountId, batchId, marks, by);
      if (!marked.ok) throw new Error(JSON.stringify(marked));
    });
  }

  function work(): void {
    const open = batches().filter(({ id }) => isWaitedFor(id));
    if (open.length === 0) return;
    const { id, provider, cut_at, approved_at } = random.pick(open);
    const by = random.pick(PEOPLE);
    if (cut_at === null) cut(id, by);
    else if (approved_at === null) {
      approve(id, by);
      if (random.chance(0.3)) approve(id, random.pick(PEOPLE));
    } else if (provider === 'manual') pay(id, by);
  }

  function writeOff(): void {
    const owed = rows<{ id: string }>(
      `select id from rewards where account_id = ? and state = 'clawed_back' and payout <> 'credit' order by id`,
      accountId,
    );
    if (owed.length === 0) return;
    const { id } = random.pick(owed);
    forgiven.add(id);
    // Two at once, each at a console of their own.
    for (const by of random.chance(0.6) ? PEOPLE : [random.pick(PEOPLE)])
      insist.say(by, `writes off what is owed of ${id}`, ({ writeOff: forgive }) =>
        forgive(accountId, id, { by, why: 'too little' }),
      );
  }

  // ── Admins ──

  function publish(): void {
    const content = {
      programId: 'default',
      name: 'Default',
      // The same keys, other amounts.
      rules: drawRules(random, weather.theme).filter(({ key }) => program.rules.some((rule) => rule.key === key)),
      ...(program.risk ? { risk: program.risk } : {}),
    };
    if (content.rules.length < program.rules.length) return;
    counters['program published'] += 1;
    contents.add(textOf(content.rules));
    insist.say('admin', 'publishes a version', async ({ publish: publisher }) => {
      const done = await publisher.publish(accountId, content, { by: 'admin', dryRunId: null });
      if (done.kind !== 'published') throw new Error(JSON.stringify(done));
    });
  }

  // ── What is right ──

  function batchesAreRight({ rewards }: Books): string[] {
    const found: string[] = [];
    const items = batches().flatMap((batch) => itemsOf(batch.id).map((item) => ({ ...item, batch })));
    for (const { id, provider, cut_by, approved_at, approved_by } of batches()) {
      const approval = approvals.get(provider) ?? 'none';
      if (approved_at === null || approval === 'none') continue;
      if (!yes.get(id)?.by.has(approved_by ?? ''))
        found.push(`batches: ${id} was approved by ${approved_by}, who has not said so`);
      if (approval === 'four_eyes' && approved_by === cut_by)
        found.push(`batches: ${id} was cut and approved by ${approved_by} alone`);
    }
    for (const { intent_id, reward_id, state, batch } of items) {
      const payment = bank.get(intent_id);
      const name = `order ${intent_id} of reward ${reward_id} in ${batch.id}`;
      if (state === 'paid' && payment?.isPaid !== true)
        found.push(`batches: ${name} is marked as paid, and the bank has not paid it`);
      if (state === 'refused' && payment?.isPaid !== false)
        found.push(`batches: ${name} is marked as refused, and the bank has not refused it`);
      if (state === 'withdrawn' && payment)
        found.push(`batches: ${name} was taken out, and the bank was told to pay it`);
    }
    const paid = Map.groupBy(
      [...bank.values()].filter(({ isPaid }) => isPaid),
      ({ rewardId }) => rewardId,
    );
    for (const reward of rewards.filter(({ payout }) => payout === 'manual')) {
      const payments = paid.get(reward.id) ?? [];
      const isGiven = ['issued', 'redeemed', 'clawed_back'].includes(reward.state) && reward.minor > reward.netted;
      if (payments.length !== (isGiven ? 1 : 0))
        found.push(
          `batches: reward ${reward.id} is ${reward.state}, and the bank has paid it ${payments.length} times`,
        );
      const ought = `${minorText(reward.minor - reward.netted, reward.currency)} ${reward.currency}`;
      for (const { amount } of payments)
        if (amount !== ought) found.push(`batches: the bank has paid ${amount} for reward ${reward.id} of ${ought}`);
    }
    for (const rewardId of paid.keys())
      if (!rewards.some(({ id }) => id === rewardId))
        found.push(`batches: the bank has paid reward ${rewardId}, and nobody knows it`);
    if (wasBatched) {
      for (const [key, { rewardId, accountId: of, at }] of receiver.given) {
        if (of !== accountId) continue;
        const item = items.find(({ intent_id }) => intent_id === key);
        const approval = approvals.get('webhook') ?? 'none';
        const saidAt = item && yes.get(item.batch.id)?.at;
        if (!item) found.push(`batches: reward ${rewardId} was given, and was in no batch`);
        else if (item.batch.approved_at === null)
          found.push(`batches: reward ${rewardId} was given, and its batch waits`);
        else if (approval !== 'none' && (saidAt === undefined || saidAt > at))
          found.push(`batches: reward ${rewardId} was given before anybody had approved it`);
      }
    }
    return found;
  }

  /** Who gives up a debt gives it up once, and nobody is owed anything because two have said so. */
  function debtsAreRight({ postings, decisions, rewards }: Books): string[] {
    const found: string[] = [];
    for (const { reward_id, reason } of decisions)
      if (JSON.parse(reason).code === 'written_off' && !forgiven.has(reward_id ?? ''))
        found.push(`debts: what is owed of ${reward_id} was written off by nobody`);
    const owed = new Map<string, number>();
    for (const { ledger_account, currency, minor } of postings)
      if (ledger_account.startsWith('receivable:'))
        owed.set(`${ledger_account} ${currency}`, (owed.get(`${ledger_account} ${currency}`) ?? 0) + minor);
    for (const [account, minor] of owed)
      if (minor < 0) found.push(`debts: ${account} is ${minor}: more was given up or kept than was owed`);
    for (const { id, minor, written_off } of rewards)
      if (written_off > minor) found.push(`debts: of reward ${id} of ${minor} ${written_off} was written off`);
    return found;
  }

  const published = () =>
    rows<Parameters<typeof programOf>[0]>(
      'select * from programs where account_id = ? order by version',
      accountId,
    ).map(programOf);

  /** Two admins who publish at once get two versions one after the other, and none that nobody has published. */
  function versionsAreRight(): string[] {
    const versions = published();
    return versions.flatMap(({ version, publishedAt, rules }, index) => [
      ...(version === index + 1 ? [] : [`versions: ${version} follows ${index} versions`]),
      ...(publishedAt >= (versions[index - 1]?.publishedAt ?? 0)
        ? []
        : [`versions: ${version} is older than the one before`]),
      ...(contents.has(textOf(rules)) ? [] : [`versions: nobody has published what version ${version} says`]),
    ]);
  }

  const textOf = (rules: readonly RewardRule[]) =>
    JSON.stringify(
      rules.map(({ key, party, amount, holdDays, payout }) => [key, party, amount, holdDays, payout]),
      (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    );

  return {
    async first(calm) {
      const { payoutBatches, appSettings } = calm.container();
      const drawn = () => random.pick(['none', 'required', 'four_eyes'] as const);
      wasBatched = random.chance(0.7);
      for (const provider of ['manual', ...(wasBatched ? ['webhook'] : [])]) {
        const approval = drawn();
        approvals.set(provider, approval);
        await calm.ask(payoutBatches.configure(accountId, provider, { schedule: null, approval }));
      }
      const notifications = [{ notice: 'review_due', channel: 'crm_task', to: null }] as const;
      await calm.ask(appSettings.save(accountId, connectionId(), { notifications }, { basis: 0, by: 'admin' }));
    },
    published,
    begin() {
      contents.add(textOf(program.rules));
      endsAt = scheduler.now() + weather.spanMs;
      const at = (run: () => void) => scheduler.after(random.integer(1, weather.spanMs * 1.2), run);
      for (let count = 14; count > 0; count -= 1) at(work);
      for (let count = random.integer(1, 4); count > 0; count -= 1) at(writeOff);
      for (let count = random.integer(0, 2); count > 0; count -= 1) at(publish);
    },
    async settle(calm) {
      isLast = true;
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        for (const node of nodes()) node.strike();
        const open = batches().filter(({ id }) => isWaitedFor(id));
        if (open.length === 0) break;
        for (const { id, provider, cut_at, cut_by, approved_at } of open) {
          if (cut_at === null) cut(id, 'ann');
          else if (approved_at === null) approve(id, cut_by === 'ann' ? 'bob' : 'ann');
          else if (provider === 'manual') pay(id, 'ann');
        }
        await calm.pass(4 * MINUTE);
      }
      await calm.pass(11 * MINUTE);
      for (const node of nodes()) node.strike();
      await calm.pass(2 * MINUTE);
      return [];
    },
    problems: (books) => [
      ...insist.unanswered().map((what) => `law 8: nobody has answered: ${what}`),
      ...batchesAreRight(books),
      ...debtsAreRight(books),
      ...versionsAreRight(),
      ...tasksAreRight({
        accountId,
        portal,
        db,
        isTold: (topic) => topic === 'reward_review' || topic === 'risk_blocked',
      }),
    ],
  };
}

function minorText(minor: number, currency: string): string {
  if (currency === 'JPY') return String(minor);
  return `${Math.trunc(minor / 100)}.${String(minor % 100).padStart(2, '0')}`;
}
