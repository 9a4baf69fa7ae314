import { join } from 'node:path';
import { startBare } from '../bare.ts';
import { editDeals, openDeals, tellAndCount } from '../closes.ts';
import { type Change, perSecond, startLoad } from '../load.ts';
import { startPeers } from '../peers.ts';
import { figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';
import { createWorld } from '../world.ts';

const CONNECTIONS = 16;

export const row: Row = {
  name: 'closed-won',
  what: 'A Closed Won from its signed webhook through the re-read of the deal in the local CRM to two rewards in a balanced ledger and the marks for the mirror, per second, 16 connections; counted in ledger rows. Peers receive the same event, branch on closedwon and answer after a durable sink has it.',
  target: '≥ 55× n8n tuned, ≥ 150× n8n default, ≥ 2× Node-RED',
  isCheap: true,
  async run(context) {
    const load = await startLoad(context);
    const bare = await startBare(context);
    const peers = context.withPeers ? await startPeers(context) : [];
    const world = await createWorld(context, {
      databaseUrl: `sqlite:${join(await context.directory(), 'wonward.db')}`,
      // HubSpot lets an app make 110 calls in ten seconds in one portal; the load is that of many customers.
      portals: context.pick(24, 2),
    });
    await world.start();
    await world.install();

    const perRound = context.pick(60, 5);
    const rates = { ours: [] as number[], bare: [] as number[] };
    const peerRates = new Map(peers.map(({ name }) => [name, [] as number[]]));
    let callsPerClose = 0;
    for (let round = 1; round <= context.rounds; round += 1) {
      const deals = await openDeals(context, { world, load, perPortal: perRound });
      await editDeals(world, deals, { dealstage: 'closedwon' });
      const callsBefore = await world.askCrm<number>({ kind: 'calls' });
      const { seconds, load: told } = await tellAndCount(world, load, deals, CONNECTIONS);
      callsPerClose = ((await world.askCrm<number>({ kind: 'calls' })) - callsBefore) / deals.length;
      rates.ours.push(deals.length / seconds);
      const refused = told.sent - told.acknowledged;
      if (refused > 0) context.note(`round ${round}: ${refused} deliveries were refused at first and sent again`);

      const simple: Change[] = deals.map(({ dealId }) => ({ portalId: 1, dealId }));
      const secondsOfOthers = context.pick(5, 0.5);
      await load.prepare({ port: bare.port, url: bare.url, changes: repeated(simple, 40), eventsPerDelivery: 1 });
      rates.bare.push(perSecond(await load.closed({ connections: CONNECTIONS, seconds: secondsOfOthers })));
      for (const { name, port, url, delivered } of peers) {
        await load.prepare({ port, url, changes: repeated(simple, 20), eventsPerDelivery: 1, isUnsigned: true });
        const before = await delivered();
        const report = await load.closed({ connections: CONNECTIONS, seconds: secondsOfOthers });
        const rate = ((await delivered()) - before) / ((report.endedAt - report.startedAt) / 1_000);
        peerRates.get(name)?.push(rate);
        context.say(`round ${round}: ${name} ${rate.toFixed(1)}/s`);
      }
      context.say(`round ${round}: ${rates.ours.at(-1)?.toFixed(0)} closes/s`);
    }
    const ours = median(rates.ours);
    return [
      ...peers.map(({ name, target }) => {
        const ratios = rates.ours.map((rate, index) => rate / (peerRates.get(name)?.[index] ?? Number.NaN));
        return figure(`closed-won against ${name}`, median(ratios), '×', { atLeast: target });
      }),
      ...peers.map(({ name }) => figure(`closed-won, ${name}`, median(peerRates.get(name) ?? []), 'deliveries/s')),
      figure('closed-won, Wonward', ours, 'closes/s'),
      figure('closed-won against the bare ingest program', ours / median(rates.bare), '×'),
      figure('closed-won, CRM calls per close', callsPerClose, 'calls'),
    ];
  },
};

/** Peers take no notice of a deal that they have seen before. */
function repeated(changes: readonly Change[], times: number): Change[] {
  return Array.from({ length: times }, () => changes).flat();
}
