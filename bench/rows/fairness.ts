import { join } from 'node:path';
import Database from 'better-sqlite3';
import { editDeals, openDeals } from '../closes.ts';
import { openReader } from '../ledger.ts';
import { type Change, type Load, startLoad } from '../load.ts';
import { until } from '../processes.ts';
import { type Context, type Figure, figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';
import { createWorld, type Seeded, type Tenant, type World } from '../world.ts';

/** As long as an answer of HubSpot's API takes from a data centre nearby, so that the big portal keeps workers waiting for its CRM. */
const CRM_LATENCY_MS = 100;
/** How much later a small portal's reward may stand in the ledger because another portal is busy: four answers of a CRM. */
const DELAY_MAX_MS = 500;
const LOOK_EVERY_MS = 5;
const WAIT_MAX_MS = 120_000;
/** Those that are first in the big portal's queue are real; at HubSpot's rate no more are read while the bench runs. */
const REAL_DEALS = 15_000;
const DEALS_PER_QUESTION = 1_000;
/** Of one INSERT, so that the service gets its turns to write. */
const ROWS_PER_INSERT = 20_000;
/** Numbers that no record of the local HubSpot has. */
const UNREAL_DEALS_FROM = 90_000_000_000;

export const row: Row = {
  name: 'fairness',
  what: 'Time from a webhook of a small portal’s Closed Won to its reward in the ledger, alone and while a million records of a big portal are waiting to be read; every answer of HubSpot takes 100 ms.',
  target: `≤ ${DELAY_MAX_MS} ms more`,
  isCheap: false,
  async run(context) {
    const load = await startLoad(context);
    const databaseUrl = `sqlite:${join(await context.directory(), 'wonward.db')}`;
    const world = await createWorld(context, { databaseUrl, portals: 2 });
    await world.start();
    await world.install();
    const wins = context.pick(15, 3);
    const deals = await openDeals(context, { world, load, perPortal: wins * 2 });
    const [small, big] = world.tenants;
    if (!small || !big) throw new Error('two portals are needed');
    const own = deals.filter(({ portalId }) => portalId === small.portalId);
    await world.askCrm({ kind: 'slow', latencyMs: CRM_LATENCY_MS });

    const alone = await winOneByOne(world, load, small, own.slice(0, wins));
    const waiting = await fill(context, world, big);
    const crowded = await winOneByOne(world, load, small, own.slice(wins));
    const left = waitingOf(world, big);
    context.note(`${waiting} records of the big portal were waiting at the first win, ${left} at the last.`);
    if (left === 0 && !context.isQuick) throw new Error('the big portal was done before the measurement was');
    return [
      figure('fairness', median(crowded) - median(alone), 'ms more', { atMost: DELAY_MAX_MS }),
      figure('fairness, small portal alone', median(alone), 'ms'),
      figure('fairness, beside the big one', median(crowded), 'ms'),
      figure('fairness, beside the big one, slowest', Math.max(...crowded), 'ms'),
    ] satisfies Figure[];
  },
};

/** A million changes that were told and not read yet, as an import leaves them; returns how many wait when it is done. */
async function fill(context: Context, world: World, { accountId, connectionId, portalId }: Tenant): Promise<number> {
  const [total, real] = [context.pick(1_000_000, 5_000), context.pick(REAL_DEALS, 1_000)];
  const dealIds: string[] = [];
  for (let seeded = 0; seeded < real; seeded += DEALS_PER_QUESTION) {
    const question = { kind: 'seed', portalId, deals: DEALS_PER_QUESTION, friendsPerMember: 5 } as const;
    dealIds.push(...(await world.askCrm<Seeded>(question)).dealIds);
  }
  const database = new Database(world.databaseUrl.replace(/^sqlite:/, ''), { timeout: WAIT_MAX_MS });
  const insert = database.prepare(`insert into work
      (account_id, connection_id, object, record_id, wanted, claimed_at, erase, run_at, due_at, claim, attempts, parked, error)
    select ?, ?, 'deal', value, 1, null, 0, ?, ?, null, 0, 0, null from json_each(?) where true
    on conflict do nothing`);
  const from = Date.now() - total;
  for (let start = 0; start < total; start += ROWS_PER_INSERT) {
    const ids = Array.from({ length: Math.min(ROWS_PER_INSERT, total - start) }, (_, index) => {
      return dealIds[start + index] ?? String(UNREAL_DEALS_FROM + start + index);
    });
    insert.run(accountId, connectionId, from + start, from + start, JSON.stringify(ids));
  }
  database.close();
  context.say(`${total} changes of the big portal are waiting`);
  return waitingOf(world, { accountId });
}

function waitingOf({ databaseUrl }: World, { accountId }: Pick<Tenant, 'accountId'>): number {
  const reader = openReader(databaseUrl);
  const { n } = reader
    .prepare('select count(*) as n from work where account_id = ? and due_at is not null')
    .get(accountId) as { n: number };
  reader.close();
  return n;
}

/** Milliseconds from the webhook to the reward, one deal after another. */
async function winOneByOne(
  world: World,
  load: Load,
  { accountId }: Tenant,
  deals: readonly Change[],
): Promise<number[]> {
  const reader = openReader(world.databaseUrl);
  const rewarded = reader.prepare('select 1 from rewards where account_id = ? and deal_id = ? limit 1');
  const times: number[] = [];
  for (const deal of deals) {
    await editDeals(world, [deal], { dealstage: 'closedwon' });
    const url = `${world.publicUrl}/webhooks/hubspot`;
    await load.prepare({ port: world.port, url, changes: [deal], eventsPerDelivery: 1 });
    const startedAt = performance.now();
    const { acknowledged, statuses } = await load.closed({ connections: 1, seconds: 60 });
    if (acknowledged !== 1) throw new Error(`the webhook was answered ${JSON.stringify(statuses)}`);
    await until(`deal ${deal.dealId} is rewarded`, () => rewarded.get(accountId, deal.dealId) !== undefined, {
      timeoutMs: WAIT_MAX_MS,
      everyMs: LOOK_EVERY_MS,
      child: world.service(),
    });
    times.push(performance.now() - startedAt);
  }
  reader.close();
  return times;
}
