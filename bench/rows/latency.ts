import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { editDeals, openDeals } from '../closes.ts';
import { openReader } from '../ledger.ts';
import { startLoad } from '../load.ts';
import { type Context, figure, type Row } from '../row.ts';
import { percentile } from '../statistics.ts';
import { createWorld } from '../world.ts';

const PER_SECOND = 2_000;
/** HubSpot sends at most that many requests at a time to one app, as our manifest asks. */
const CONNECTIONS = 100;
/** One change in so many is a Closed Won, the others change a deal's amount. */
const WON_EVERY = 5;
/** The ledger is looked at as another reader sees it, so often; a reward may stand for that long before it is seen. */
const LOOK_EVERY_MS = 5;
/** After the load, for what is still on its way. What has not come by then counts as this late. */
const DRAIN_MS = 60_000;

export const row: Row = {
  name: 'latency',
  what: 'At 2,000 webhooks a second from another process, one in five a Closed Won: from the moment a delivery was due (not sent: corrected for omission) to its acknowledgement, and from the acknowledgement of a Closed Won to its decision as another reader of the database sees it.',
  target: 'p99 ≤ 25 ms to acknowledgement; ≤ 250 ms to the ledger',
  isCheap: false,
  async run(context) {
    const seconds = context.pick(8, 1);
    const rate = context.pick(PER_SECOND, 100);
    const load = await startLoad(context);
    const world = await createWorld(context, {
      databaseUrl: `sqlite:${join(await context.directory(), 'wonward.db')}`,
      portals: context.pick(50, 2),
    });
    await world.start();
    await world.install();
    const deals = await openDeals(context, {
      world,
      load,
      perPortal: Math.ceil((rate * seconds) / world.tenants.length),
    });
    const won = deals.filter((_, index) => index % WON_EVERY === 0);
    await editDeals(world, won, { dealstage: 'closedwon' });
    await editDeals(
      world,
      deals.filter((_, index) => index % WON_EVERY !== 0),
      { amount: '1300.00' },
    );

    const watch = watchLedger(context, world.databaseUrl);
    await load.prepare({
      port: world.port,
      url: `${world.publicUrl}/webhooks/hubspot`,
      changes: deals,
      eventsPerDelivery: 1,
    });
    const report = await load.open({ connections: CONNECTIONS, perSecond: rate, seconds });
    const waitUntil = Date.now() + context.pick(DRAIN_MS, 20_000);
    while (watch.seen.size < won.length && Date.now() < waitUntil) await sleep(50);
    await watch.stop();

    const lags = won.map(({ dealId }, index) => {
      const acknowledgedAt = report.acknowledgedAt[index * WON_EVERY] ?? 0;
      const seenAt = watch.seen.get(dealId) ?? Date.now();
      return Math.max(0, seenAt - acknowledgedAt);
    });
    const late = won.length - watch.seen.size;
    if (late > 0)
      context.note(
        `${late} of ${won.length} were not decided ${DRAIN_MS / 1_000} s after the load; they count as that late`,
      );
    if (report.acknowledged < report.sent) context.note(`not acknowledged: ${JSON.stringify(report.statuses)}`);
    return [
      figure('latency to acknowledgement, p99', percentile(report.latencies, 99), 'ms', { atMost: 25 }),
      figure('latency from acknowledgement to ledger, p99', percentile(lags, 99), 'ms', { atMost: 250 }),
      figure('latency to acknowledgement, p50', percentile(report.latencies, 50), 'ms'),
      figure('latency from acknowledgement to ledger, p50', percentile(lags, 50), 'ms'),
      figure(
        'latency, acknowledged',
        (report.acknowledged * 1_000) / (report.endedAt - report.startedAt),
        'webhooks/s',
      ),
    ];
  },
};

/** When each deal's first decision could be seen, by deal id. The portals' ids are apart. */
function watchLedger(context: Context, databaseUrl: string): { seen: Map<string, number>; stop: () => Promise<void> } {
  const reader = openReader(databaseUrl);
  const statement = reader.prepare('select rowid, deal_id from decisions where rowid > ? order by rowid');
  const seen = new Map<string, number>();
  let last = (reader.prepare('select coalesce(max(rowid), 0) as last from decisions').get() as { last: number }).last;
  const look = () => {
    const at = performance.timeOrigin + performance.now();
    for (const { rowid, deal_id } of statement.all(last) as Array<{ rowid: number; deal_id: string }>) {
      last = rowid;
      if (!seen.has(deal_id)) seen.set(deal_id, at);
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  const stop = async () => {
    clearInterval(timer);
    if (reader.open) {
      look();
      reader.close();
    }
  };
  context.onEnd(stop);
  return { seen, stop };
}
