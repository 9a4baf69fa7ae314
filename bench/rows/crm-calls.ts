import { type Context, type Figure, figure, type Row } from '../row.ts';
import { type CallCounts, describeCalls, startCountedPortal } from './counted-portal.ts';

/** HubSpot's batches: reads with histories, associations, writes. */
const READ_MAX = 50;
const ASSOCIATIONS_MAX = 1_000;
const WRITE_MAX = 100;

/** A deal that is won changes itself and what the contacts of its friend and of their member show. */
const RECORDS_PER_DEAL = 3;

/** Each of them changes the rewards of both sides, and so all three records. The last one wins. */
const FOUR_CHANGES = [
  { dealstage: 'closedwon' },
  { amount: '1500.00' },
  { dealstage: 'contractsent' },
  { dealstage: 'closedwon', amount: '1600.00' },
];

export const row: Row = {
  name: 'crm-calls',
  what: 'Calls that arrive at HubSpot, reads and retries included, for many changes at once: per 1,000 records that are changed, by people or by us (a won deal changes three: itself, the friend, the member, no two deals sharing one), and per 1,000 changes when each record changes four times, one change right after the other as a person or an import makes them.',
  target: '≤ 22; ≤ 6',
  isCheap: false,
  async run(context) {
    const deals = context.pick(1_000, 60);
    const once = await count(context, deals, [{ dealstage: 'closedwon' }]);
    const four = await count(context, deals, FOUR_CHANGES);
    const waves = await count(context, deals, FOUR_CHANGES, 'in waves');
    const idle = await count(context, deals, [{ dealstage: 'contractsent' }]);
    const records = deals * RECORDS_PER_DEAL;
    const per = (counts: CallCounts, changes: number) => (counts.total / changes) * 1_000;
    const floor = 1_000 / READ_MAX + 2_000 / ASSOCIATIONS_MAX + (RECORDS_PER_DEAL * 1_000) / WRITE_MAX;
    context.note(
      `The least that HubSpot's batches allow for 1,000 won deals is ${floor} calls: ${1_000 / READ_MAX} reads of ${READ_MAX} with their histories, 2 reads of 1,000 associations, ${(RECORDS_PER_DEAL * 1_000) / WRITE_MAX} writes of ${WRITE_MAX}.`,
    );
    context.note(`Won: ${describeCalls(once)}.`);
    context.note(`Four changes: ${describeCalls(four)}.`);
    context.note(`Four changes in waves over all deals: ${describeCalls(waves)}.`);
    context.note(`Moved between open stages: ${describeCalls(idle)}.`);
    return [
      figure('crm-calls', per(once, records), 'calls/1,000 records', { atMost: 22 }),
      figure('crm-calls, four changes a record', per(four, records * FOUR_CHANGES.length), 'calls/1,000 changes', {
        atMost: 6,
      }),
      figure(
        'crm-calls, four changes in waves over all',
        per(waves, records * FOUR_CHANGES.length),
        'calls/1,000 changes',
      ),
      figure('crm-calls, per 1,000 deals won', per(once, deals), 'calls'),
      figure('crm-calls, the least for 1,000 deals won', floor, 'calls'),
      figure('crm-calls, per 1,000 deals with four changes each', per(four, deals), 'calls'),
      figure('crm-calls, per 1,000 deals moved between open stages', per(idle, deals), 'calls'),
    ] satisfies Figure[];
  },
};

/** A portal each, so that none finds what another one left behind. */
async function count(
  context: Context,
  deals: number,
  changes: ReadonlyArray<Readonly<Record<string, string>>>,
  order: 'record by record' | 'in waves' = 'record by record',
): Promise<CallCounts> {
  const portal = await startCountedPortal(context);
  const { dealIds } = await portal.referredDeals(deals);
  const counts = await portal.count(() => {
    if (order === 'in waves') for (const change of changes) portal.edit(dealIds, change);
    else for (const id of dealIds) for (const change of changes) portal.edit([id], change);
  });
  const expected = changes.at(-1)?.dealstage === 'closedwon' ? deals * 2 : 0;
  const standing = await portal.standing();
  if (standing !== expected) throw new Error(`${standing} people have a reward, not ${expected}`);
  await portal.close();
  context.say(`${changes.length} change(s) of ${deals} deals: ${counts.total} calls`);
  return counts;
}
