import { setTimeout as sleep } from 'node:timers/promises';
import { type Ledger, openLedger } from './ledger.ts';
import type { Change, Load, LoadReport } from './load.ts';
import { until } from './processes.ts';
import type { Context } from './row.ts';
import type { Seeded, World } from './world.ts';

/** Referred friends of one member. */
const FRIENDS_PER_MEMBER = 5;
/** Seeding is one question to the local HubSpot; this many records of each kind take it about a second. */
const DEALS_PER_QUESTION = 1_000;
/** From the last delivery to rest, on a machine that others use as well. */
const REST_TIMEOUT_MS = 300_000;
const LOOK_EVERY_MS = 25;

/** Open deals on referred friends, known to the service as such, spread evenly over the portals. */
export async function openDeals(
  context: Context,
  { world, load, perPortal }: { world: World; load: Load; perPortal: number },
): Promise<Change[]> {
  const lists: Change[][] = [];
  for (const { portalId } of world.tenants) {
    const own: Change[] = [];
    for (let left = perPortal; left > 0; left -= DEALS_PER_QUESTION) {
      const deals = Math.min(left, DEALS_PER_QUESTION);
      const seeded = await world.askCrm<Seeded>({
        kind: 'seed',
        portalId,
        deals,
        friendsPerMember: FRIENDS_PER_MEMBER,
      });
      own.push(...seeded.dealIds.map((dealId) => ({ portalId, dealId })));
    }
    lists.push(own);
  }
  const ledger = await openLedger(world.databaseUrl);
  // A generated store has many already.
  const before = await ledger.referrals();
  await load.prepare({
    port: world.port,
    url: `${world.publicUrl}/webhooks/hubspot`,
    changes: lists.flat().map((change) => ({ ...change, stage: 'appointmentscheduled' })),
    eventsPerDelivery: 100,
  });
  const { acknowledged, statuses } = await load.closed({ connections: 4, seconds: 600, sendsAgain: true });
  if (acknowledged === 0) throw new Error(`no delivery was acknowledged: ${JSON.stringify(statuses)}`);
  const wanted = before + world.tenants.length * perPortal;
  await until(`${wanted} referrals are known`, async () => (await ledger.referrals()) >= wanted, {
    timeoutMs: REST_TIMEOUT_MS,
    everyMs: 100,
    child: world.service(),
  });
  await untilAtRest(world, ledger);
  await ledger.close();
  context.say(`${wanted - before} open deals are known to the service`);
  return interleaved(lists);
}

/** Nothing due, nothing claimed: neither records to read nor mirror rows to write. */
export async function untilAtRest(world: World, ledger: Ledger): Promise<void> {
  await until('everything is at rest', async () => (await ledger.waiting()) === 0, {
    timeoutMs: REST_TIMEOUT_MS,
    everyMs: 100,
    child: world.service(),
  });
}

/** Changes the deals in the CRM, which tells nobody. */
export async function editDeals(
  world: World,
  changes: readonly Change[],
  properties: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [portalId, own] of Map.groupBy(changes, (change) => change.portalId)) {
    await world.askCrm({ kind: 'edit', portalId, dealIds: own.map(({ dealId }) => dealId), properties });
  }
}

export interface CloseReport {
  readonly load: LoadReport;
  /** From the first delivery to the moment at which the last reward stood in the ledger. */
  readonly seconds: number;
}

/** Tells that the deals were won, one event per delivery, and waits until each has its two rewards in a balanced ledger. */
export async function tellAndCount(
  world: World,
  load: Load,
  changes: readonly Change[],
  connections: number,
): Promise<CloseReport> {
  const ledger = await openLedger(world.databaseUrl);
  const before = await ledger.rewards();
  await load.prepare({
    port: world.port,
    url: `${world.publicUrl}/webhooks/hubspot`,
    changes,
    eventsPerDelivery: 1,
  });
  const telling = load.closed({ connections, seconds: 600, sendsAgain: true });
  const wanted = before + changes.length * 2;
  const deadline = Date.now() + REST_TIMEOUT_MS;
  while ((await ledger.decisions()) < wanted) {
    if (Date.now() > deadline)
      throw new Error(`${await ledger.decisions()} of ${wanted} decisions:\n${world.service().log()}`);
    await sleep(LOOK_EVERY_MS);
  }
  const endedAt = performance.timeOrigin + performance.now();
  const report = await telling;
  const rewards = await ledger.rewards();
  if (rewards !== wanted || (await ledger.imbalances()) > 0) {
    throw new Error(`${rewards} rewards with a journal instead of ${wanted}, or a ledger that does not add up`);
  }
  await ledger.close();
  return { load: report, seconds: (endedAt - report.startedAt) / 1_000 };
}

function interleaved<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list[index] ?? [])).flat();
}
