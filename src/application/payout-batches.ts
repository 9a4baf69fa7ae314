import { type BatchSchedule, nextCut } from '../domain/batch-schedule.ts';
import { decimalOf, type Money } from '../domain/money.ts';
import type { Clock } from '../platform/clock.ts';
import { csvOf } from './csv.ts';
import { readCsv } from './csv-read.ts';
import type { PayoutProvider } from './ports/payout.ts';
import type { BatchApproval, Batching, BatchRow, PayoutBatch, Store } from './ports/store.ts';

/** Paid from a file by a person, who marks each row. */
const BY_HAND = 'manual';

const WHY_LENGTH_MAX = 200;

export interface BatchMark {
  readonly key: string;
  readonly state: 'paid' | 'refused';
  readonly why: string | null;
}

export type MarkResult = 'marked' | 'settled';

/** What became of one row of a file. `line` counts as an editor shows it. */
export interface ImportedMark {
  readonly line: number;
  readonly order: string;
  readonly result: MarkResult | 'differs' | 'unknown_order' | 'unreadable';
  /** What is wrong and what to do; null when nothing is. */
  readonly problem: string | null;
}

export interface WholeBatch {
  readonly batch: PayoutBatch;
  readonly rows: readonly BatchRow[];
  /** What waits, was paid, or is to be paid: everything but what has left, by currency. */
  readonly totals: readonly Money[];
}

export type BatchRefusal =
  | 'no_such_batch'
  | 'not_cut'
  | 'not_approved'
  | 'already_approved'
  | 'same_person'
  | 'not_by_hand';

export type BatchResult<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly why: BatchRefusal };

/** What people do with batches: who pays how, cutting, approving, exporting, and telling what a bank has done. */
export interface PayoutBatches {
  batchings(accountId: string): Promise<Batching[]>;
  /** Null when there is no such provider, or it pays each order by itself. */
  configure(
    accountId: string,
    provider: string,
    how: { readonly schedule: BatchSchedule | null; readonly approval: BatchApproval },
  ): Promise<Batching | null>;
  /** `waiting`: orders wait in a batch that is not approved; approve it first. */
  unconfigure(accountId: string, provider: string): Promise<'removed' | 'waiting' | 'unknown'>;
  batches(accountId: string): Promise<PayoutBatch[]>;
  batch(accountId: string, batchId: string): Promise<WholeBatch | null>;
  cut(accountId: string, batchId: string, by: string): Promise<BatchResult<{ readonly batch: WholeBatch }>>;
  approve(accountId: string, batchId: string, by: string): Promise<BatchResult<{ readonly batch: WholeBatch }>>;
  /** Cuts the batch if it is open, and writes what is to be paid as CSV. */
  export(
    accountId: string,
    batchId: string,
    by: string,
  ): Promise<BatchResult<{ readonly fileName: string; readonly csv: string }>>;
  /** All or, when an order is none of the batch's, nothing: `unknown` says which. */
  mark(
    accountId: string,
    batchId: string,
    marks: readonly BatchMark[],
    by: string,
  ): Promise<BatchResult<{ readonly results: MarkResult[] }> | { readonly ok: false; readonly unknown: number }>;
  /** Each row by itself; the same file again changes nothing. */
  importMarks(
    accountId: string,
    batchId: string,
    csv: string,
    by: string,
  ): Promise<BatchResult<{ readonly rows: ImportedMark[] }> | { readonly ok: false; readonly problem: string }>;
}

export interface PayoutBatchesDeps {
  readonly store: Pick<Store, 'batches'>;
  readonly providers: ReadonlyMap<string, Pick<PayoutProvider, 'description'>>;
  readonly clock: Pick<Clock, 'now'>;
  /** Called when orders have come up to be sent or settled. */
  readonly onDue: () => void;
}

export function createPayoutBatches({ store, providers, clock, onDue }: PayoutBatchesDeps): PayoutBatches {
  const { batches } = store;

  async function whole(accountId: string, batchId: string): Promise<WholeBatch | null> {
    const batch = await batches.batch(accountId, batchId);
    if (!batch) return null;
    const rows = await batches.rows(accountId, batchId);
    const totals = new Map<string, bigint>();
    for (const { state, money } of rows)
      if (state === 'waiting' || state === 'paid')
        totals.set(money.currency, (totals.get(money.currency) ?? 0n) + money.minor);
    return { batch, rows, totals: [...totals].map(([currency, minor]) => ({ minor, currency })) };
  }

  const approvalOf = async (accountId: string, provider: string): Promise<BatchApproval> =>
    (await batches.batching(accountId, provider))?.approval ?? 'none';

  /** Cut if it was open; null when there is no such batch. */
  async function cutIfOpen(accountId: string, batchId: string, by: string): Promise<PayoutBatch | null> {
    const batch = await batches.batch(accountId, batchId);
    if (!batch || batch.cutAt !== null) return batch;
    const approval = await approvalOf(accountId, batch.provider);
    if (await batches.cut(accountId, batchId, { by, approval }, clock.now())) onDue();
    return batches.batch(accountId, batchId);
  }

  async function found(accountId: string, batchId: string): Promise<BatchResult<{ readonly batch: WholeBatch }>> {
    const batch = await whole(accountId, batchId);
    return batch ? { ok: true, batch } : { ok: false, why: 'no_such_batch' };
  }

  /** A batch whose rows a person may pay now, or why not. */
  async function payable(accountId: string, batchId: string, by: string): Promise<PayoutBatch | BatchRefusal> {
    const known = await batches.batch(accountId, batchId);
    if (!known) return 'no_such_batch';
    if (known.provider !== BY_HAND) return 'not_by_hand';
    const batch = await cutIfOpen(accountId, batchId, by);
    if (!batch) return 'no_such_batch';
    return batch.approvedAt === null ? 'not_approved' : batch;
  }

  async function markOne(accountId: string, batchId: string, mark: BatchMark): Promise<MarkResult> {
    return (await batches.mark(accountId, batchId, mark, clock.now())) === 'marked' ? 'marked' : 'settled';
  }

  return {
    batchings: batches.batchings,

    async configure(accountId, provider, { schedule, approval }) {
      const description = providers.get(provider)?.description;
      if (!description || description.batching === undefined) return null;
      const now = clock.now();
      const batching = { provider, schedule, approval, nextCutAt: schedule && nextCut(schedule, now) };
      await batches.setBatching(accountId, batching, now);
      return batching;
    },

    unconfigure: batches.removeBatching,

    batches: batches.batches,
    batch: whole,

    async cut(accountId, batchId, by) {
      await cutIfOpen(accountId, batchId, by);
      return found(accountId, batchId);
    },

    async approve(accountId, batchId, by) {
      const batch = await batches.batch(accountId, batchId);
      if (!batch) return { ok: false, why: 'no_such_batch' };
      if (batch.cutAt === null) return { ok: false, why: 'not_cut' };
      if (batch.approvedAt !== null) return { ok: false, why: 'already_approved' };
      const approval = await approvalOf(accountId, batch.provider);
      if (approval === 'four_eyes' && batch.cutBy === by) return { ok: false, why: 'same_person' };
      if (!(await batches.approve(accountId, batchId, by, clock.now()))) return { ok: false, why: 'already_approved' };
      onDue();
      return found(accountId, batchId);
    },

    async export(accountId, batchId, by) {
      const cut = await cutIfOpen(accountId, batchId, by);
      if (!cut) return { ok: false, why: 'no_such_batch' };
      if (cut.approvedAt === null) return { ok: false, why: 'not_approved' };
      // From here on nothing leaves it: what is read now is what somebody pays.
      await batches.noteExport(accountId, batchId, clock.now());
      const rows = (await batches.rows(accountId, batchId)).filter(({ state }) => state === 'waiting');
      return {
        ok: true,
        fileName: `wonward-payouts-${String(cut.number).padStart(4, '0')}.csv`,
        csv: csvOf(
          ['order', 'reward', 'name', 'email', 'amount', 'currency', 'party', 'state', 'why'],
          rows.map(({ key, rewardId, name, email, money, party }) => [
            key,
            rewardId,
            name ?? '',
            email ?? '',
            decimalOf(money),
            money.currency,
            party,
            '',
            '',
          ]),
        ),
      };
    },

    async mark(accountId, batchId, marks, by) {
      const items = await Promise.all(marks.map(({ key }) => batches.item(accountId, key)));
      const batch = await batches.batch(accountId, batchId);
      if (!batch) return { ok: false, why: 'no_such_batch' };
      if (batch.provider !== BY_HAND) return { ok: false, why: 'not_by_hand' };
      const unknown = items.findIndex((item) => item?.batchId !== batchId);
      if (unknown !== -1) return { ok: false, unknown };
      const open = await payable(accountId, batchId, by);
      if (typeof open === 'string') return { ok: false, why: open };
      const results: MarkResult[] = [];
      for (const mark of marks) results.push(await markOne(accountId, batchId, mark));
      onDue();
      return { ok: true, results };
    },

    async importMarks(accountId, batchId, csv, by) {
      const read = readCsv(csv, ['order', 'state']);
      if (!read.ok) return { ok: false, problem: read.problem };
      const batch = await payable(accountId, batchId, by);
      if (typeof batch === 'string') return { ok: false, why: batch };
      const rows: ImportedMark[] = [];
      for (const { line, fields } of read.rows) {
        const order = fields.get('order') ?? '';
        const state = (fields.get('state') ?? '').toLowerCase();
        const say = (result: ImportedMark['result'], problem: string | null = null) =>
          void rows.push({ line, order, result, problem });
        if (state !== 'paid' && state !== 'refused') {
          say('unreadable', `state must be paid or refused, it is "${state.slice(0, 40)}"`);
          continue;
        }
        const item = await batches.item(accountId, order);
        if (item?.batchId !== batchId) {
          say('unknown_order', 'order must be one of this batch, as its export names it');
          continue;
        }
        const why = (fields.get('why') ?? '')
          .replace(/\p{Cc}/gu, ' ')
          .toWellFormed()
          .slice(0, WHY_LENGTH_MAX);
        const result = await markOne(accountId, batchId, { key: order, state, why: why === '' ? null : why });
        if (result === 'marked') say('marked');
        else {
          const before = (await batches.item(accountId, order))?.state;
          if (before === state) say('settled');
          else say('differs', `it was ${before} before and stays so; correct it with whoever was paid`);
        }
      }
      onDue();
      return { ok: true, rows };
    },
  };
}
