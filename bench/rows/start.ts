import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { bigStore } from '../generate.ts';
import { openLedger } from '../ledger.ts';
import { type Change, type Load, startLoad } from '../load.ts';
import { figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';
import { createWorld, type World } from '../world.ts';

/** Nobody answers before this; then it is a service that does not start. */
const GIVE_UP_MS = 120_000;
const KNOCK_EVERY_MS = 3;
const CRM_LATENCY_MS = 600_000;

export const row: Row = {
  name: 'start',
  what: 'From the spawn of the process to its first acknowledged webhook, with a million referrals in the store and 10,000 records waiting, after kill -9.',
  target: '≤ 1.5 s',
  isCheap: false,
  async run(context) {
    const { databaseUrl, tenant } = await bigStore(context, context.pick(1_000_000, 2_000));
    const load = await startLoad(context);
    const world = await createWorld(context, { databaseUrl, tenants: [tenant] });
    await world.start();
    await world.install();
    // Nothing of the backlog is worked off, before the kill and after it.
    await world.askCrm({ kind: 'slow', latencyMs: CRM_LATENCY_MS });
    const backlog = context.pick(10_000, 100);
    const changes: Change[] = Array.from({ length: backlog }, (_, index) => ({
      portalId: tenant.portalId,
      dealId: String(30_000_000_000 + index),
    }));
    await load.prepare({
      port: world.port,
      url: `${world.publicUrl}/webhooks/hubspot`,
      changes,
      eventsPerDelivery: 100,
    });
    const told = await load.closed({ connections: 4, seconds: 120, sendsAgain: true });
    if (told.acknowledged < backlog / 100) throw new Error(`the backlog was refused: ${JSON.stringify(told.statuses)}`);
    const ledger = await openLedger(databaseUrl);
    const times: number[] = [];
    for (let round = 1; round <= context.rounds; round += 1) {
      await world.stop('SIGKILL');
      const waiting = await ledger.waiting();
      if (waiting < backlog) throw new Error(`${waiting} of ${backlog} acknowledged records wait after the kill`);
      const took = await timeToFirstAcknowledgement(world, load);
      times.push(took);
      context.say(`round ${round}: ${took.toFixed(0)} ms`);
    }
    await ledger.close();
    return [
      figure('start', median(times) / 1_000, 's', { atMost: 1.5 }),
      figure('start, records waiting', backlog, 'records'),
    ];
  },
};

async function timeToFirstAcknowledgement(world: World, load: Load): Promise<number> {
  const portalId = world.tenants[0]?.portalId ?? 0;
  await load.prepare({
    port: world.port,
    url: `${world.publicUrl}/webhooks/hubspot`,
    changes: [{ portalId, dealId: '30000000000' }],
    eventsPerDelivery: 1,
  });
  const startedAt = performance.timeOrigin + performance.now();
  await world.spawn();
  while (!(await listens(world.port))) {
    if (!world.service().isAlive()) throw new Error(`the service ended:\n${world.service().log()}`);
    if (performance.timeOrigin + performance.now() - startedAt > GIVE_UP_MS) throw new Error('nobody listens');
    await sleep(KNOCK_EVERY_MS);
  }
  const report = await load.closed({ connections: 1, seconds: 60 });
  if (report.acknowledged !== 1) throw new Error(`the first webhook was answered ${JSON.stringify(report.statuses)}`);
  return report.endedAt - startedAt;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
