import { editDeals, openDeals } from '../closes.ts';
import { bigStore } from '../generate.ts';
import { startLoad } from '../load.ts';
import { memoryOf } from '../processes.ts';
import { figure, type Row } from '../row.ts';
import { createWorld } from '../world.ts';

const PER_SECOND = 300;
const LOOK_EVERY_MS = 500;

export const row: Row = {
  name: 'memory',
  what: 'The most memory that the service has resident (RSS) with a million referrals in its store, through a minute of 300 webhooks a second on 5,000 deals that are won and re-opened in turns.',
  target: '≤ 250 MB',
  isCheap: false,
  async run(context) {
    const { databaseUrl, tenant, referrals } = await bigStore(context, context.pick(1_000_000, 2_000));
    const load = await startLoad(context);
    const world = await createWorld(context, { databaseUrl, tenants: [tenant] });
    await world.start();
    await world.install();
    const deals = await openDeals(context, { world, load, perPortal: context.pick(5_000, 20) });

    let highest = 0;
    const timer = setInterval(() => {
      highest = Math.max(highest, memoryOf(world.service().pid)?.residentMb ?? 0);
    }, LOOK_EVERY_MS);
    context.onEnd(() => clearInterval(timer));
    const seconds = context.pick(10, 1);
    for (let turn = 0; turn < context.pick(6, 1); turn += 1) {
      await editDeals(world, deals, { dealstage: turn % 2 === 0 ? 'closedwon' : 'appointmentscheduled' });
      const wanted = Array.from(
        { length: PER_SECOND * seconds },
        (_, index) => deals[index % deals.length] ?? deals[0],
      );
      await load.prepare({
        port: world.port,
        url: `${world.publicUrl}/webhooks/hubspot`,
        changes: wanted.flatMap((change) => change ?? []),
        eventsPerDelivery: 1,
      });
      const report = await load.open({ connections: 100, perSecond: PER_SECOND, seconds });
      if (report.acknowledged < report.sent) context.note(`not acknowledged: ${JSON.stringify(report.statuses)}`);
    }
    const memory = memoryOf(world.service().pid);
    if (memory === null) throw new Error('this system does not tell what a process has in memory (it needs /proc)');
    return [
      figure('memory, highest under load', highest, 'MB', { atMost: 250 }),
      figure('memory, at the end', memory.residentMb, 'MB'),
      figure('memory, referrals in the store', referrals, 'referrals'),
    ];
  },
};
