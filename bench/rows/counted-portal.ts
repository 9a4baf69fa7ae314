import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { PORTAL, type Stack, startStack } from '../../test/support/stack.ts';
import type { Context } from '../row.ts';

/** As long as an answer of HubSpot's API takes from a data centre nearby; what comes meanwhile can share the next call. */
const CRM_LATENCY_MS = 100;
/**
 * Seconds that pass in one while things are prepared: the rate budget of 100 calls in 10 s is then hardly a wait, and a lease of two
 * minutes still lasts longer than a batch on a busy machine.
 */
const SETUP_RATE = 8;
const DAY_MS = 86_400_000;

/** Deal, friend and member at the same place belong together, and to no other. */
export interface ReferredDeals {
  readonly dealIds: readonly string[];
  readonly contactIds: readonly string[];
}

/**
 * Service, connector and local HubSpot in this process over real HTTP, with HubSpot's rate limits, and a count of every call that
 * arrives there, refused and repeated ones included. Nothing here is about speed, so nobody needs a process of their own.
 */
export interface CountedPortal {
  readonly stack: Stack;
  /** Quick while preparing, real while counting; both may jump ahead. */
  readonly clock: PreparingClock;
  /** So many deals of that many friends of that many members, all known to the service and at rest. */
  referredDeals(count: number): Promise<ReferredDeals>;
  /** Deals of nobody we know, last changed long ago, one after another. */
  foreignDeals(count: number): void;
  edit(dealIds: readonly string[], properties: Readonly<Record<string, string>>, at?: (index: number) => number): void;
  /** Changes of which no webhook is sent. */
  silently(change: () => void): void;
  /** What `work` and everything that follows from it cost, by route. */
  count(work: () => Promise<unknown> | unknown): Promise<CallCounts>;
  /** People to whom credit is owed. */
  standing(): Promise<number>;
  close(): Promise<void>;
}

export interface CallCounts {
  readonly total: number;
  /** Batch writes, which a mirror costs; the rest is looking. */
  readonly writes: number;
  readonly byRoute: ReadonlyMap<string, number>;
}

interface PreparingClock extends Clock {
  setRate(rate: number): void;
  jump(ms: number): void;
}

export async function startCountedPortal(context: Context): Promise<CountedPortal> {
  const clock = createPreparingClock();
  const stack = await startStack({
    clock,
    sandbox: { webhookBatchDelayMs: 100, indexLagMs: 0 },
    environment: { LOG_LEVEL: 'silent' },
  });
  let isOpen = true;
  const close = async () => {
    if (isOpen) await stack.close();
    isOpen = false;
  };
  context.onEnd(close);
  const crm = stack.sandbox.control;
  await stack.install();
  await stack.settle();
  let people = 0;

  function person(name: string, memberId: string | null): string {
    people += 1;
    const at = clock.now() - DAY_MS;
    return crm.createRecord(PORTAL, 'contact', {
      properties: { firstname: name, email: `${name.toLowerCase()}-${people}@example.com` },
      associations: memberId === null ? [] : [{ toType: 'contact', toId: memberId, labels: ['Referred by'] }],
      at,
    }).id;
  }

  const portal: CountedPortal = {
    stack,
    clock,
    close,
    async referredDeals(count) {
      const found = { dealIds: [] as string[], contactIds: [] as string[] };
      for (let index = 0; index < count; index += 1) {
        const memberId = person('Grace', null);
        const friendId = person('Ada', memberId);
        found.contactIds.push(memberId, friendId);
        const { id } = crm.createRecord(PORTAL, 'deal', {
          properties: {
            dealname: `Engine ${index}`,
            amount: '1200.50',
            pipeline: 'default',
            dealstage: 'appointmentscheduled',
          },
          associations: [{ toType: 'contact', toId: friendId }],
        });
        found.dealIds.push(id);
      }
      await stack.settle();
      return found;
    },
    foreignDeals(count) {
      const from = clock.now() - 300 * DAY_MS;
      portal.silently(() => {
        for (let index = 0; index < count; index += 1) {
          crm.createRecord(PORTAL, 'deal', {
            properties: {
              dealname: `Loom ${index}`,
              amount: '90.00',
              pipeline: 'default',
              dealstage: 'appointmentscheduled',
            },
            at: from + index * 100,
          });
        }
      });
    },
    edit(dealIds, properties, at) {
      for (const [index, id] of dealIds.entries())
        crm.editRecord(PORTAL, 'deal', id, { properties: { ...properties }, at: at?.(index) });
    },
    silently(change) {
      const { subscriptions } = crm.webhookSettings();
      const active = subscriptions.filter((one) => one.active).map(({ subscriptionId }) => subscriptionId);
      for (const id of active) crm.setSubscriptionActive(id, false);
      change();
      for (const id of active) crm.setSubscriptionActive(id, true);
    },
    async count(work) {
      clock.setRate(1);
      const fault = crm.addFault({ target: 'api', effect: { kind: 'latency', latencyMs: CRM_LATENCY_MS } });
      crm.clearCalls();
      await work();
      await stack.settle();
      const byRoute = new Map<string, number>();
      for (const { routes } of crm.calls())
        for (const { method, path, count } of routes) byRoute.set(`${method} ${path}`, count);
      crm.removeFault(fault.id);
      clock.setRate(SETUP_RATE);
      const sum = (wanted: RegExp) =>
        [...byRoute].reduce((total, [route, count]) => total + (wanted.test(route) ? count : 0), 0);
      return { total: sum(/./), writes: sum(/batch\/update$/), byRoute };
    },
    standing: async () => {
      const balances = await stack.service.store.reads.balances(stack.accountId);
      return balances.filter(({ account, minor }) => account.startsWith('credit:') && minor !== 0n).length;
    },
  };
  return portal;
}

/** Of one row's figures: which routes the calls went to. */
export function describeCalls({ byRoute }: CallCounts): string {
  return [...byRoute]
    .map(
      ([route, count]) => `${count} ${route.replace(/\/2026-03|:objectType\/|:fromObjectType\/:toObjectType\//g, '')}`,
    )
    .join(', ');
}

function createPreparingClock(): PreparingClock {
  let rate = SETUP_RATE;
  let markedAt = Date.now();
  let then = markedAt;
  const now = () => Math.floor(then + (Date.now() - markedAt) * rate);
  const mark = () => {
    then = now();
    markedAt = Date.now();
  };
  return {
    ...systemClock,
    now,
    sleep: (ms, signal) => systemClock.sleep(Math.ceil(ms / rate), signal),
    setRate(next) {
      mark();
      rate = next;
    },
    jump(ms) {
      mark();
      then += ms;
    },
  };
}
