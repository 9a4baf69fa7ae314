import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type BatchRefusal, createPayoutBatches, type WholeBatch } from '../application/payout-batches.ts';
import { createPayoutReports, REMEDIES } from '../application/payout-reports.ts';
import type { KeptPayoutReport, PayoutBatch } from '../application/ports/store.ts';
import { createWriteOff } from '../application/write-off.ts';
import { scheduleText } from '../domain/batch-schedule.ts';
import { textOf } from '../domain/money.ts';
import { isoOf } from '../domain/time.ts';
import { dayOf } from './day.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { accountOf, payoutsOf, type Services, withServices } from './services.ts';

const DAY_MS = 86_400_000;
/** A month and the days around it. */
const DAYS_DEFAULT = 35;

export interface ReconcileOptions {
  readonly provider: string;
  /** Days, as YYYY-MM-DD in UTC; the second is not included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Compares what a provider says it gave with the ledger, and keeps what was found; ends with 1 when anything differs. */
export function reconcilePayouts(terminal: Terminal, account: string, options: ReconcileOptions): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { store, now } = services;
    const { id } = await accountOf(services, account);
    const to = options.to === undefined ? now() : dayOf('--to', options.to);
    const from = options.from === undefined ? to - DAYS_DEFAULT * DAY_MS : dayOf('--from', options.from);
    if (from >= to) throw new CliError('The time ends before it begins.', 'Give a --from that is before --to.');
    const { providers, accounts } = await payoutsOf(services);
    const reports = createPayoutReports({ store, accounts, providers, clock: { now }, newId: randomUUID });
    const kept = await reports.make(id, { provider: options.provider, from, to, by: COMMAND_LINE });
    if (!kept)
      throw new CliError(
        `There is no provider "${options.provider}".`,
        `Those that are installed: ${[...providers.keys()].join(', ')}.`,
      );
    const { report } = kept;
    return {
      json: { id: kept.id, ...report, agreed: report.agreed.map(textOf), from: isoOf(from), to: isoOf(to) },
      lines: linesOf(kept),
      exitCode: report.differences.some(({ kind }) => kind !== 'open' && kind !== 'not_ours') ? EXIT.failed : EXIT.ok,
    };
  });
}

function linesOf({ id, from, to, report }: KeptPayoutReport) {
  const { provider, orders, agree, listed, agreed, differences } = report;
  const list = listed === null ? 'it has no list, each of ours was asked about' : `it lists ${listed}`;
  return [
    `${provider}, ${isoOf(from)} to ${isoOf(to)}: ${orders} orders of ours, ${agree} agree; ${list}`,
    ...agreed.map((money) => `  given, as both have it: ${textOf(money)}`),
    ...differences.flatMap(({ kind, key, reference, rewardId, ours, theirs }) => [
      `  ${kind}: reward ${rewardId ?? 'unknown'}, order ${key ?? 'unknown'}, at the provider ${reference ?? 'unknown'}; ours: ${ours}; theirs: ${theirs}`,
      `    ${REMEDIES[kind]}`,
    ]),
    `  kept as ${id}`,
  ];
}

// ── Batches ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Who is said to have done what the command line does without a name. */
const COMMAND_LINE = 'command line';

const REFUSED: Readonly<Record<BatchRefusal, readonly [string, string]>> = {
  no_such_batch: ['There is no such batch.', '"payouts batches" shows those there are.'],
  not_cut: ['The batch is open still.', 'Cut it first: "payouts cut".'],
  not_approved: ['The batch is not approved.', 'Somebody has to approve it first: "payouts approve".'],
  already_approved: ['The batch was approved before.', 'Its orders are on their way.'],
  same_person: ['Whoever cut the batch cannot approve it.', 'Let another person approve it, with --by.'],
  not_by_hand: ['The provider pays this batch itself.', 'It says what became of each order.'],
};

async function batchesOf(services: Services) {
  const { store, now } = services;
  const { providers } = await payoutsOf(services);
  // The running service finds what comes up within a second.
  return createPayoutBatches({ store, providers, clock: { now }, onDue: () => {} });
}

function refused(why: BatchRefusal): CliError {
  const [message, remedy] = REFUSED[why];
  return new CliError(message, remedy);
}

export function listBatches(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const desk = await batchesOf(services);
    const batches = await desk.batches(id);
    const batchings = await desk.batchings(id);
    const rows = batches.map((batch) => [
      String(batch.number),
      batch.id,
      batch.provider,
      stateOf(batch),
      ...(['waiting', 'paid', 'refused', 'withdrawn'] as const).map((state) => String(batch.items[state])),
    ]);
    return {
      json: { batches, schedules: batchings },
      lines: [
        ...batchings.map(
          ({ provider, schedule, approval }) =>
            `${provider}: cut ${schedule ? scheduleText(schedule) : 'by hand'}, approval ${approval}`,
        ),
        ...(rows.length === 0
          ? ['No batch was opened yet.']
          : table([['number', 'batch', 'provider', 'state', 'waiting', 'paid', 'refused', 'left'], ...rows])),
      ],
    };
  });
}

function stateOf({ cutAt, approvedAt, exportedAt }: PayoutBatch): string {
  if (exportedAt !== null) return 'exported';
  return approvedAt !== null ? 'approved' : cutAt !== null ? 'cut' : 'open';
}

export function stepBatch(
  terminal: Terminal,
  step: 'cut' | 'approve',
  account: string,
  batchId: string,
  { by }: { readonly by: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const done = await (await batchesOf(services))[step](id, batchId, by);
    if (!done.ok) throw refused(done.why);
    return { json: jsonOf(done.batch), lines: toldOf(done.batch) };
  });
}

function jsonOf({ batch, totals }: WholeBatch) {
  return { ...batch, totals: totals.map(textOf) };
}

function toldOf({ batch, totals }: WholeBatch): string[] {
  const by = batch.approvedBy ?? batch.cutBy;
  return [
    `Batch ${batch.number} of ${batch.provider} is ${stateOf(batch)}${by === null ? '' : `, by ${by}`}: ${totals.map(textOf).join(', ') || 'nothing'}.`,
  ];
}

export function exportBatch(
  terminal: Terminal,
  account: string,
  batchId: string,
  { by, file }: { readonly by: string; readonly file?: string | undefined },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const done = await (await batchesOf(services)).export(id, batchId, by);
    if (!done.ok) throw refused(done.why);
    const path = file ?? done.fileName;
    // Names and addresses: for whoever runs this, and nobody else.
    await writeFile(path, done.csv, { mode: 0o600 });
    return { json: { file: path }, lines: [`Written to ${path}.`] };
  });
}

export function markBatch(
  terminal: Terminal,
  account: string,
  batchId: string,
  file: string,
  { by }: { readonly by: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const csv = await terminal.readText(file);
    const done = await (await batchesOf(services)).importMarks(id, batchId, csv, by);
    if (!done.ok && 'why' in done) throw refused(done.why);
    if (!done.ok)
      throw new CliError(`The file ${done.problem}.`, 'Fill in the columns state and why of the exported file.');
    const wrong = done.rows.filter(({ problem }) => problem !== null);
    return {
      json: { rows: done.rows },
      lines: [
        `${done.rows.length - wrong.length} of ${done.rows.length} rows were taken.`,
        ...wrong.map(({ line, order, problem }) => `  line ${line}, ${order || 'no order'}: ${problem}`),
      ],
      exitCode: wrong.length > 0 ? EXIT.failed : EXIT.ok,
    };
  });
}

export function writeOffReward(
  terminal: Terminal,
  account: string,
  rewardId: string,
  { by, why }: { readonly by: string; readonly why: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { store, now } = services;
    const { id } = await accountOf(services, account);
    for (const [name, text] of [
      ['--by', by],
      ['--why', why],
    ] as const)
      if (text.trim() === '' || text.length > 300 || /\p{Cc}/u.test(text))
        throw new CliError(`${name} cannot be used.`, 'Give one line of 1 to 300 characters.', {
          exitCode: EXIT.usage,
        });
    const done = await createWriteOff({ store, clock: { now } })(id, rewardId, {
      by: `${by.trim()} (${COMMAND_LINE})`,
      why: why.trim(),
    });
    if (done.kind === 'refused')
      throw done.code === 'no_such_reward'
        ? new CliError('There is no such reward.', 'Name one of this account by its id.')
        : new CliError('Nothing of this reward is owed back.', 'There is nothing to write off.');
    const amount = textOf({ minor: done.minor, currency: done.reward.money.currency });
    return { json: { rewardId, writtenOff: amount }, lines: [`Written off: ${amount} of reward ${rewardId}.`] };
  });
}
