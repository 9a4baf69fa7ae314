import { encodeCursor } from '../../src/http/cursor.ts';
import { bigStore } from '../generate.ts';
import { figure, type Row } from '../row.ts';
import { median, percentile } from '../statistics.ts';
import { createWorld } from '../world.ts';

/** As many as the console asks for at once. */
const PAGE = 50;
/** A prime, so that pages lie far apart in the list. */
const STRIDE = 7_919;

const DAY_MS = 86_400_000;
/** Over what `generate.ts` spreads its referrals. */
const SPREAD_DAYS = 300;

const MEMBERS = ['', 'search=grace%20hopper%2012', 'search=grace-77'];
const REFERRALS = [
  '',
  'stage=won',
  'stage=opportunity&programId=default',
  'friend=ada%20lovelace%2099',
  'friend=ada-5',
];
const REWARDS = ['', 'state=issued', 'party=friend', 'state=issued&party=member&currency=EUR'];
const JOURNALS = ['', 'kind=issue', 'account=expense%3Adefault&currency=EUR'];

/** What people look at who open a screen: sums, not lists. */
const REPORTS = ['overview', 'funnel', 'trend', 'channels', 'members', 'cohorts'];

export const row: Row = {
  name: 'lists',
  what: 'The lists of the console as its screens ask for them, by HTTP, one after the other, at a million referrals: members, referrals, rewards and journals with each kind of filter, the first page and pages from all over the list, 50 rows with the names that belong to them; and the reports of a month and of the whole time.',
  target: '≤ 50 ms; ≤ 200 ms',
  isCheap: false,
  async run(context) {
    const { databaseUrl, tenant } = await bigStore(context, context.pick(1_000_000, 2_000));
    const world = await createWorld(context, { databaseUrl, tenants: [tenant] });
    await world.start();
    const headers = { authorization: `Bearer ${tenant.apiKey}` };
    const slowest: string[] = [];

    async function timesOf(name: string, paths: readonly string[]): Promise<number[]> {
      const times: number[] = [];
      for (const path of paths) {
        const startedAt = performance.now();
        const answer = await fetch(`${world.publicUrl}/api/v1${path}`, { headers });
        const body = await answer.text();
        times.push(performance.now() - startedAt);
        if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${body.slice(0, 200)}`);
      }
      slowest.push(`${name} ${median(times).toFixed(1)}/${percentile(times, 99).toFixed(1)}`);
      return times;
    }

    const now = Date.now();
    const pages = context.pick(60, 4);
    /** A cursor is a moment and an id: any moment is a place in the list. */
    const pagesOf = (list: string, idPrefix: string, filter: string) =>
      Array.from({ length: pages }, (_, index) => {
        const at = now - ((index * STRIDE) % SPREAD_DAYS) * DAY_MS;
        const cursor = index === 0 ? '' : `&cursor=${encodeCursor(list, { at, id: `${idPrefix}_0` })}`;
        return `/${list}?limit=${PAGE}&${filter}${cursor}`;
      });
    const lists: number[] = [];
    const of = [
      ['members', 'mem', MEMBERS],
      ['referrals', 'ref', REFERRALS],
      ['rewards', 'rwd', REWARDS],
      ['journals', 'jrn', JOURNALS],
    ] as const;
    for (const [list, idPrefix, filters] of of)
      for (const filter of filters)
        lists.push(...(await timesOf(`${list}?${decodeURIComponent(filter)}`, pagesOf(list, idPrefix, filter))));

    const day = (at: number) => new Date(at).toISOString().slice(0, 10);
    const periods = [
      `from=${day(now - 30 * DAY_MS)}&to=${day(now)}`,
      `from=${day(now - SPREAD_DAYS * DAY_MS)}&to=${day(now)}`,
    ];
    const reports: number[] = [];
    for (const report of REPORTS)
      reports.push(
        ...(await timesOf(
          `figures/${report}`,
          Array.from({ length: context.pick(10, 2) }, (_, index) => `/figures/${report}?${periods[index % 2]}`),
        )),
      );
    context.note(`Milliseconds, p50/p99: ${slowest.join(', ')}.`);
    return [
      figure('lists, a page p99', percentile(lists, 99), 'ms', { atMost: 50 }),
      figure('lists, a page p50', median(lists), 'ms'),
      figure('lists, a report p99', percentile(reports, 99), 'ms', { atMost: 200 }),
      figure('lists, a report p50', median(reports), 'ms'),
    ];
  },
};
