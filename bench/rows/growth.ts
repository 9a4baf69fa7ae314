import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bigStore, generate } from '../generate.ts';
import type { GrowthQuestion, GrowthReport } from '../growth-loop.ts';
import { openLedger } from '../ledger.ts';
import { type Child, startChild } from '../processes.ts';
import { type Context, type Figure, figure, type Row } from '../row.ts';
import { median, slope } from '../statistics.ts';

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];
const QUICK_SIZES = [500, 5_000];
/** Those above it are made for this run alone and deleted: nobody else wants them, and a copy would need the disk twice. */
const CACHED_MAX = 1_000_000;
/** One for each side. */
const REWARDS_PER_DEAL = 2;
/** A referral with its share of members, records, decisions, rewards, journals, mirror rows and all indexes. */
const BYTES_PER_REFERRAL = 6_000;

interface Measured {
  readonly referrals: number;
  readonly child: Child;
  readonly path: string;
  readonly rewardsBefore: number;
  readonly reports: GrowthReport[];
}

export const row: Row = {
  name: 'growth',
  what: 'Time and memory that the process hop takes for a Closed Won from anywhere in the store (claim, gather, decide, commit; the CRM answers from what is stored), at 10 thousand to 10 million referrals on SQLite; the largest store against the smallest.',
  target: '≤ 1.5×',
  isCheap: false,
  async run(context) {
    const stores: Measured[] = [];
    for (const referrals of context.pick(SIZES, QUICK_SIZES)) {
      const store = await openSize(context, referrals);
      if (store) stores.push(store);
    }
    const deals = context.pick(500, 40);
    // The first batch of each fills the caches of a process that has just started.
    for (const { child } of stores) await win(child, deals);
    for (let round = 1; round <= context.rounds; round += 1) {
      for (const store of stores) store.reports.push(await win(store.child, deals));
      context.say(`round ${round}: ${stores.map((store) => `${microseconds(store).toFixed(0)} µs`).join(', ')}`);
    }
    for (const { referrals, child, path, rewardsBefore } of stores) {
      await child.kill('SIGTERM');
      const ledger = await openLedger(`sqlite:${path}`);
      const off = await ledger.imbalances();
      const granted = (await ledger.rewards()) - rewardsBefore;
      await ledger.close();
      if (off > 0) throw new Error(`the ledger of ${referrals} referrals does not add up`);
      const expected = deals * REWARDS_PER_DEAL * (context.rounds + 1);
      if (granted !== expected) throw new Error(`${granted} rewards were granted, not ${expected}`);
    }

    const [smallest, largest] = [stores[0], stores.at(-1)];
    if (!smallest || !largest) throw new Error('no store could be made');
    const wanted = context.pick(SIZES, QUICK_SIZES).at(-1);
    const isWhole = largest.referrals === wanted;
    if (!isWhole) context.note(`The ratio is that of ${largest.referrals} to ${smallest.referrals} referrals only.`);
    const ratio = microseconds(largest) / microseconds(smallest);
    const points = stores.map((store) => [Math.log10(store.referrals), microseconds(store)] as const);
    return [
      isWhole ? figure('growth', ratio, '×', { atMost: 1.5 }) : figure('growth, without the largest store', ratio, '×'),
      figure('growth, processor', processorMicroseconds(largest) / processorMicroseconds(smallest), '×'),
      figure('growth, slope', slope(points), 'µs/change per tenfold'),
      ...stores.flatMap((store) => [
        figure(`growth, ${store.referrals} referrals, time`, microseconds(store), 'µs/change'),
        figure(`growth, ${store.referrals} referrals, processor`, processorMicroseconds(store), 'µs/change'),
        figure(`growth, ${store.referrals} referrals, resident`, store.reports.at(-1)?.residentMb ?? 0, 'MB'),
      ]),
    ] satisfies Figure[];
  },
};

function microseconds({ reports }: Measured): number {
  return median(reports.map(({ seconds, records }) => (seconds * 1e6) / records));
}

function processorMicroseconds({ reports }: Measured): number {
  return median(reports.map(({ processorSeconds, records }) => (processorSeconds * 1e6) / records));
}

async function openSize(context: Context, referrals: number): Promise<Measured | null> {
  const directory = await context.directory();
  const { bavail, bsize } = await statfs(directory);
  // Once in the cache, once as the copy that is changed.
  const copies = referrals > CACHED_MAX ? 1 : 2;
  const needed = referrals * BYTES_PER_REFERRAL * copies;
  if (bavail * bsize < needed) {
    context.note(`${referrals} referrals were left out: they need ${(needed / 1e9).toFixed(0)} GB of disk.`);
    return null;
  }
  const { path, tenant } = await storeOf(context, directory, referrals);
  const ledger = await openLedger(`sqlite:${path}`);
  const rewardsBefore = await ledger.rewards();
  await ledger.close();
  const child = await startChild(context, 'bench/growth-loop.ts');
  await ask<null>(child, { kind: 'open', path, tenant, referrals });
  return { referrals, child, path, rewardsBefore, reports: [] };
}

async function storeOf(context: Context, directory: string, referrals: number) {
  if (referrals <= CACHED_MAX) return bigStore(context, referrals);
  const path = join(directory, 'wonward.db');
  const startedAt = performance.now();
  context.say(`generating ${referrals.toLocaleString('en-GB')} referrals for this run alone`);
  const tenant = await generate(path, referrals);
  context.say(`generated in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  context.onEnd(() => rm(directory, { recursive: true, force: true }));
  return { path, tenant };
}

function ask<T>(child: Child, question: GrowthQuestion): Promise<T> {
  return child.ask<T>(question);
}

async function win(child: Child, deals: number): Promise<GrowthReport> {
  const report = await ask<GrowthReport>(child, { kind: 'win', deals });
  if (report.records !== deals) throw new Error(`${report.records} deals were processed, not ${deals}`);
  return report;
}
