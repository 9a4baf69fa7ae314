import { join } from 'node:path';
import { type Receiver, startBare } from '../bare.ts';
import { openLedger } from '../ledger.ts';
import { type Change, type Load, perSecond, startLoad } from '../load.ts';
import { processorSecondsOf } from '../processes.ts';
import { type Context, figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';
import { createWorld, type World } from '../world.ts';

const CONNECTIONS = 32;
/** So many a round that the fastest of the programs does not run out of them. */
const DELIVERIES_PER_SECOND_MAX = 14_000;
/** Deals that the events are about: each has changed many times, as in a busy portal. */
const DEALS = 20_000;
/** The CRM answers after this long, so that the workers wait and receiving is measured alone. */
const CRM_LATENCY_MS = 600_000;

export const row: Row = {
  name: 'ingest',
  what: 'Signed webhooks of one event acknowledged per second after a durable commit, 32 connections, against a bare node:http + HMAC + group-commit program; counted in inbox rows.',
  target: '≥ 0.8',
  isCheap: true,
  async run(context) {
    const load = await startLoad(context);
    const bare = await startBare(context);
    const ours = await startOurs(context);
    const measured: Array<{ bare: Measured; ours: Measured }> = [];
    for (let round = 1; round <= context.rounds; round += 1) {
      const one = { bare: await measure(context, load, bare), ours: await measure(context, load, ours) };
      measured.push(one);
      context.say(`round ${round}: bare ${one.bare.rate.toFixed(0)}/s, Wonward ${one.ours.rate.toFixed(0)}/s`);
    }
    const middle = (of: (one: (typeof measured)[number]) => number) => median(measured.map(of));
    return [
      figure(
        'ingest',
        middle(({ bare, ours }) => ours.rate / bare.rate),
        '×',
        { atLeast: 0.8 },
      ),
      figure(
        'ingest, Wonward',
        middle(({ ours }) => ours.rate),
        'webhooks/s',
      ),
      figure(
        'ingest, bare program',
        middle(({ bare }) => bare.rate),
        'webhooks/s',
      ),
      // What is left of the comparison when others use the machine as well.
      figure(
        'ingest, Wonward, processor',
        middle(({ ours }) => ours.processorUs),
        'µs/webhook',
      ),
      figure(
        'ingest, bare program, processor',
        middle(({ bare }) => bare.processorUs),
        'µs/webhook',
      ),
    ];
  },
};

export interface Measured {
  /** Acknowledged per second. */
  readonly rate: number;
  /** Processor time of the receiver per acknowledged webhook. */
  readonly processorUs: number;
}

export async function measure(context: Context, load: Load, receiver: Receiver): Promise<Measured> {
  const seconds = context.pick(6, 0.5);
  await load.prepare({
    port: receiver.port,
    url: receiver.url,
    changes: changesOf(receiver.portalId, Math.ceil(seconds * DELIVERIES_PER_SECOND_MAX)),
    eventsPerDelivery: 1,
  });
  const before = await receiver.kept();
  const usedBefore = processorSecondsOf(receiver.pid) ?? Number.NaN;
  const report = await load.closed({ connections: CONNECTIONS, seconds });
  const kept = (await receiver.kept()) - before;
  if (kept !== report.acknowledged) {
    throw new Error(`${report.acknowledged} acknowledged, ${kept} kept, ${JSON.stringify(report.statuses)}`);
  }
  const used = (processorSecondsOf(receiver.pid) ?? Number.NaN) - usedBefore;
  return { rate: perSecond(report), processorUs: (used * 1e6) / kept };
}

function changesOf(portalId: number, count: number): Change[] {
  return Array.from({ length: count }, (_, index) => ({ portalId, dealId: String(30_000_000_000 + (index % DEALS)) }));
}

export async function startOurs(
  context: Context,
  execArgv: readonly string[] = [],
): Promise<Receiver & { world: World }> {
  const world = await createWorld(context, { databaseUrl: `sqlite:${join(await context.directory(), 'wonward.db')}` });
  await world.start({ execArgv });
  await world.install();
  await world.askCrm({ kind: 'slow', latencyMs: CRM_LATENCY_MS });
  const ledger = await openLedger(world.databaseUrl);
  context.onEnd(() => ledger.close());
  return {
    world,
    pid: world.service().pid,
    port: world.port,
    url: `${world.publicUrl}/webhooks/hubspot`,
    portalId: world.tenants[0]?.portalId ?? 0,
    kept: ledger.inbox,
  };
}
