import { PERSON_FIELDS } from '../../manifests/salesforce/package.ts';
import { type SalesforceStack, startSalesforceStack } from '../../test/support/salesforce.ts';
import { type Context, type Figure, figure, type Row } from '../row.ts';

/** As long as an answer of an org takes from a data centre nearby; what comes meanwhile can share the next call. */
const CRM_LATENCY_MS = 150;
/** An opportunity that is won changes itself and what is told of its friend and of their member. */
const RECORDS_PER_DEAL = 3;

/** The least for 1,000 opportunities: five queries or collections a call, 200 records each. */
const FLOOR_READ = 3;
const FLOOR_WRITE = 3;

export const row: Row = {
  name: 'crm-calls-salesforce',
  what: 'Requests that arrive at an org (each counts against its calls of the day), reads and retries included, per 1,000 records that are changed, by people or by us, when many opportunities are won at once; and what a sweep costs that finds nothing.',
  target: '≤ 11; ≤ 2',
  isCheap: false,
  async run(context) {
    const deals = context.pick(1_000, 60);
    const { won, calls } = await count(context, deals);
    const swept = await sweepOf(context);
    context.note(
      `The least for 1,000 won opportunities is about ${FLOOR_READ + FLOOR_WRITE} requests: opportunities, roles and histories 200 to a query and five queries a request, rows 200 to a collection and five collections a request.`,
    );
    context.note(`Won: ${[...calls].map(([route, times]) => `${times} × ${route}`).join(', ')}.`);
    return [
      figure('crm-calls, Salesforce', (won / (deals * RECORDS_PER_DEAL)) * 1_000, 'calls/1,000 records', {
        atMost: 11,
      }),
      figure('crm-calls, Salesforce, per 1,000 opportunities won', (won / deals) * 1_000, 'calls'),
      figure('reconcile, Salesforce, nothing changed', swept, 'calls of the scan', { atMost: 2 }),
    ] satisfies Figure[];
  },
};

async function open(context: Context): Promise<SalesforceStack> {
  const org = await startSalesforceStack({ environment: { LOG_LEVEL: 'silent' }, org: { dailyRequests: 1_000_000 } });
  context.onEnd(() => org.close());
  await org.install();
  await org.settle();
  return org;
}

async function count(context: Context, deals: number): Promise<{ won: number; calls: ReadonlyMap<string, number> }> {
  const org = await open(context);
  const { control } = org.salesforce;
  const ids = Array.from({ length: deals }, (_, index) => {
    const member = org.create('Contact', { LastName: `Grace ${index}` });
    const friend = org.create('Contact', { LastName: `Ada ${index}`, [PERSON_FIELDS.referredBy]: member });
    const id = org.create('Opportunity', {
      Name: `Engine ${index}`,
      StageName: 'Prospecting',
      CloseDate: '2026-12-31',
      Amount: 1_200,
    });
    org.create('OpportunityContactRole', { OpportunityId: id, ContactId: friend, IsPrimary: true });
    return id;
  });
  await org.sweep();
  const { store } = org.stack.service;
  const rewards = async () =>
    (await store.reads.balances(org.stack.accountId)).filter(
      ({ account, minor }) => account.startsWith('credit:') && minor !== 0n,
    ).length;
  const fault = control.addFault({ target: 'api', effect: { kind: 'latency', latencyMs: CRM_LATENCY_MS } });
  control.clearCalls();
  control.editAll(org.orgId, ids, { StageName: 'Closed Won' });
  const until = Date.now() + 600_000;
  while ((await rewards()) < deals * 2) {
    if (Date.now() > until) throw new Error(`${await rewards()} people have a reward, not ${deals * 2}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await org.settle();
  const calls = routesOf(org);
  control.removeFault(fault.id);
  const won = [...calls.values()].reduce((sum, times) => sum + times, 0);
  context.say(`${deals} opportunities won: ${won} calls`);
  await org.close();
  return { won, calls };
}

async function sweepOf(context: Context): Promise<number> {
  const org = await open(context);
  await org.sweep();
  org.salesforce.control.clearCalls();
  const session = org.stack.service.container.connect.openSession(await org.connection());
  const since = Date.now() - 60_000;
  for (const object of ['deal', 'contact'] as const) await session.changedSince({ object, since, cursor: null });
  const calls = routesOf(org);
  await org.close();
  return [...calls.values()].reduce((sum, times) => sum + times, 0);
}

function routesOf(org: SalesforceStack): Map<string, number> {
  const routes = new Map<string, number>();
  for (const { orgId, method, route, count: times } of org.salesforce.control.calls())
    if (orgId === org.orgId && method !== 'rpc' && !route.includes('oauth') && route.startsWith('/'))
      routes.set(`${method} ${route}`, (routes.get(`${method} ${route}`) ?? 0) + times);
  return routes;
}
