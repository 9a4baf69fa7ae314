import { startLoad } from '../load.ts';
import { figure, type Row } from '../row.ts';
import { median } from '../statistics.ts';
import { measure, startOurs } from './ingest.ts';

export const row: Row = {
  name: 'durable',
  what: 'Webhooks acknowledged per second with every commit flushed to the disk (synchronous=FULL, as shipped) against the same service that flushes none (NORMAL), 32 connections.',
  target: '≥ 0.9',
  isCheap: false,
  async run(context) {
    const load = await startLoad(context);
    const full = await startOurs(context);
    const normal = await startOurs(context, ['--import', './bench/baselines/without-flush.ts']);
    const measured: Array<{ full: number; normal: number }> = [];
    for (let round = 1; round <= context.rounds; round += 1) {
      const one = {
        full: (await measure(context, load, full)).rate,
        normal: (await measure(context, load, normal)).rate,
      };
      measured.push(one);
      context.say(`round ${round}: FULL ${one.full.toFixed(0)}/s, NORMAL ${one.normal.toFixed(0)}/s`);
    }
    return [
      figure('durable', median(measured.map(({ full, normal }) => full / normal)), '×', { atLeast: 0.9 }),
      figure('durable, FULL', median(measured.map(({ full }) => full)), 'webhooks/s'),
      figure('durable, NORMAL', median(measured.map(({ normal }) => normal)), 'webhooks/s'),
    ];
  },
};
