import { type Figure, figure, type Row } from '../row.ts';
import { describeCalls, startCountedPortal } from './counted-portal.ts';

const HOUR_MS = 3_600_000;
/** Between two sweeps, as configured unless somebody changes it. */
const SWEEP_EVERY_MS = 300_000;
/** Between two of the changes whose hints are lost: people do not win a thousand deals in one millisecond. */
const APART_MS = 200;

export const row: Row = {
  name: 'reconcile',
  what: 'Calls of one sweep of a portal with 100,000 deals: when every hint came; and when 1,000 deals were won and none did, until each is found, read and decided on. What the mirror writes then is crm-calls’ subject and counted beside it.',
  target: '≤ 10; ≤ 35',
  isCheap: false,
  async run(context) {
    const all = context.pick(100_000, 2_000);
    const drifted = context.pick(1_000, 50);
    const portal = await startCountedPortal(context);
    const startedAt = performance.now();
    portal.foreignDeals(all - drifted);
    const { dealIds } = await portal.referredDeals(drifted);
    context.say(`${all} deals in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
    const [connection] = await portal.stack.service.store.connections.listConnected();
    if (!connection) throw new Error('nothing is connected');
    const sweep = () => portal.stack.service.container.reconcile.sweep(connection);
    // The first one looks at what came with the install; from then on a sweep finds what has happened since the last.
    await sweep();
    await portal.stack.settle();
    portal.clock.jump(HOUR_MS);
    await sweep();
    await portal.stack.settle();

    portal.clock.jump(HOUR_MS);
    const calm = await portal.count(sweep);

    portal.clock.jump(HOUR_MS);
    portal.edit(dealIds, { dealstage: 'contractsent' });
    await portal.stack.settle();
    const busy = await portal.count(sweep);

    portal.clock.jump(SWEEP_EVERY_MS);
    const now = portal.clock.now();
    portal.silently(() =>
      portal.edit(dealIds, { dealstage: 'closedwon' }, (index) => now - (dealIds.length - index) * APART_MS),
    );
    if ((await portal.standing()) !== 0) throw new Error('a hint was not lost');
    const repaired = await portal.count(sweep);
    const standing = await portal.standing();
    if (standing !== drifted * 2) throw new Error(`${standing} people have a reward, not ${drifted * 2}`);

    context.note(`Nothing lost: ${describeCalls(calm)}.`);
    context.note(`${drifted} changes since, all told by hints: ${describeCalls(busy)}.`);
    context.note(`${drifted} wins lost: ${describeCalls(repaired)}.`);
    return [
      figure('reconcile, no drift', calm.total, 'calls', { atMost: 10 }),
      figure(`reconcile, ${drifted} drifted, found and decided`, repaired.total - repaired.writes, 'calls', {
        atMost: 35,
      }),
      figure(`reconcile, ${drifted} drifted, with the mirror's writes`, repaired.total, 'calls'),
      figure(`reconcile, ${drifted} changed since, no drift`, busy.total, 'calls'),
    ] satisfies Figure[];
  },
};
