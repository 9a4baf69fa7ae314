import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccounts } from '../../src/application/accounts.ts';
import { parseProgram } from '../../src/application/program-document.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openStore } from '../../src/store/open.ts';
import { APP, sandboxAppAt } from '../support/stack.ts';
import { type Crm, type CrmDelivery, createCrm } from './crm.ts';
import {
  askForEverything,
  claims,
  integrity,
  letLeasesRunOut,
  letPausesRunOut,
  lostEvents,
  notReadSince,
  sweptTo,
  waiting,
} from './database.ts';
import { type Gate, openGate } from './gate.ts';
import {
  decisionsTellTheStory,
  ledgerBalances,
  mirrorIsEqual,
  receiverAgrees,
  rewardsAreWhatTheCrmSays,
  seesOnlyItsOwn,
  sharedDealsPayOnce,
} from './laws.ts';
import { expectedOf, PROGRAM, sharedDeals } from './oracle.ts';
import {
  LIFE_MS,
  LOAD_MS,
  makePlan,
  PIPELINES,
  type Plan,
  type PlannedStop,
  PORTALS,
  type StopMoment,
} from './plan.ts';
import { type Child, freePort, sleep, startChild, until, untilReady } from './processes.ts';
import { createRandom } from './random.ts';
import { openRewardReceiver, type RewardReceiver } from './reward-receiver.ts';
import { type AccountView, createServiceApi, type ServiceApi, type Tenant } from './service-api.ts';

/** A moment that does not come, such as a payout when none is due: the service is stopped after this long all the same. */
const MOMENT_TIMEOUT_MS = 1_200;
/** Twice this lies between the reading of deals and the commit: their contacts and the contacts' deals are asked for. */
const DECIDING_MS = 200;
/** SIGTERM: ten seconds for open requests, and the batch under way with its calls to a CRM that is faulty. */
const GRACEFUL_TIMEOUT_MS = 25_000;
/** From the last fault to rest, on two busy cores. */
const REST_TIMEOUT_MS = 75_000;
const INDEX_LAG_MS = 300;
/** A token is renewed two minutes before it ends: with this lifetime every three seconds. */
const TOKEN_LIFETIME_MS = 123_000;
/** Once a year. */
const NEVER = '0 0 1 1 *';
/** Two connections, two kinds of records. */
const SWEEP_MARKS = 4;

export interface RunReport {
  readonly seed: number;
  readonly actions: number;
  readonly refusedActions: number;
  readonly kills: number;
  readonly moments: Readonly<Record<string, number>>;
  readonly gracefulStopMs: number | null;
  readonly acknowledgedEvents: number;
  readonly deliveries: number;
  readonly faultsStruck: number;
  readonly rewards: number;
  readonly standing: number;
  readonly decisions: number;
  readonly orders: number;
  readonly orderCalls: number;
  readonly tookMs: number;
  /** What is wrong, in sentences; empty when every law held. */
  readonly problems: readonly string[];
  readonly timeline: readonly string[];
  readonly log: readonly string[];
}

interface World {
  readonly plan: Plan;
  readonly database: string;
  readonly crm: Crm;
  readonly api: ServiceApi;
  readonly receiver: RewardReceiver;
  readonly tenants: readonly Tenant[];
  readonly deliveries: Map<number, CrmDelivery>;
  readonly problems: string[];
  readonly moments: Record<string, number>;
  service: Child;
  /** Claims that were held when the service was started, by processes that are dead. */
  heldByTheDead: ReadonlySet<string>;
  startService(more?: Readonly<Record<string, string>>): Promise<void>;
  /** Calls `stop` at the nth such moment from now on, and not later than after MOMENT_TIMEOUT_MS. */
  atMoment(moment: StopMoment, nth: number, stop: (how: string) => void): void;
  note(text: string): void;
}

/** One life of the service under one plan: stopped again and again, brought to rest, and asked whether the laws have held. */
export async function run(seed: number, compileCache: string): Promise<RunReport> {
  const startedAt = Date.now();
  const plan = makePlan(seed);
  const directory = mkdtempSync(join(fastDirectory(), 'wonward-crash-'));
  const timeline: string[] = [];
  const problems: string[] = [];
  const logs: string[] = [];
  const moments: Record<string, number> = {};
  const note = (text: string) => void timeline.push(`${String(Date.now() - startedAt).padStart(6)} ms  ${text}`);

  let awaited: { moment: StopMoment; left: number; stop: (how: string) => void } | null = null;
  const notice = (moment: StopMoment) => {
    moments[moment] = (moments[moment] ?? 0) + 1;
    if (awaited?.moment !== moment) return;
    awaited.left -= 1;
    if (awaited.left > 0) return;
    const { stop } = awaited;
    awaited = null;
    stop(moment);
  };

  const servicePort = await freePort();
  const webhookGate = await openGate({
    targetPort: () => servicePort,
    onAnswer: ({ path }, status) => {
      if (path.startsWith('/webhooks/') && status < 300) notice('webhook_acked');
    },
  });
  let sandboxPort = 0;
  const crmGate = await openGate({
    targetPort: () => sandboxPort,
    onRequest: () => notice('crm_asked'),
    onAnswer: ({ method, path }, status) => {
      if (method === 'POST' && path.endsWith('/batch/update') && status < 300) notice('crm_written');
      if (path.endsWith('/deals/batch/read') && status < 300) notice('deals_read');
    },
  });
  const receiver = await openRewardReceiver(createRandom(seed, 'receiver'), {
    onAsked: () => notice('payout_asked'),
    onAccepted: () => notice('payout_accepted'),
  });
  const gates: Gate[] = [webhookGate, crmGate];
  const children: Child[] = [];
  const database = join(directory, 'wonward.db');

  try {
    const sandbox = startChild('src/sandbox/hubspot/main.ts', {
      NODE_COMPILE_CACHE: compileCache,
      HUBSPOT_SANDBOX_CONFIG: JSON.stringify({
        app: sandboxAppAt(webhookGate.url),
        portals: PORTALS.map((portalId, index) => ({
          portalId,
          companyCurrency: 'EUR',
          additionalCurrencies: ['USD'],
          pipelines: PIPELINES,
          // Ids of the two portals are apart, so that one that leaks is recognised.
          firstRecordId: 30_000_000_001 + index * 1_000_000,
        })),
        seed,
        webhookBatchDelayMs: 30,
        retryBaseMs: 10,
        indexLagMs: INDEX_LAG_MS,
        tokenLifetimeMs: TOKEN_LIFETIME_MS,
        // Its own limit of 110 calls in ten seconds would make a run of ten seconds wait; 429s come as planned faults.
        rateLimits: false,
      }),
    });
    children.push(sandbox);
    const tenants = await setUp(database);
    const { url, authorizeUrl } = JSON.parse(await sandbox.firstLine) as { url: string; authorizeUrl: string };
    sandboxPort = Number(new URL(url).port);
    const env = {
      NODE_COMPILE_CACHE: compileCache,
      NODE_ENV: 'test',
      HOST: '127.0.0.1',
      PORT: String(servicePort),
      PUBLIC_URL: webhookGate.url,
      DATABASE_URL: `sqlite:${database}`,
      ENCRYPTION_KEY: `k1:${randomBytes(32).toString('base64')}`,
      HUBSPOT_API_URL: crmGate.url,
      HUBSPOT_AUTHORIZE_URL: authorizeUrl,
      HUBSPOT_CLIENT_ID: APP.clientId,
      HUBSPOT_CLIENT_SECRET: APP.clientSecret,
      HUBSPOT_APP_ID: String(APP.appId),
      REWARD_WEBHOOK_URL: receiver.url,
      REWARD_WEBHOOK_SECRET: receiver.secret,
      ALLOW_PRIVATE_DESTINATIONS: 'true',
      SWEEP_SCHEDULE: plan.losesWebhooks ? '*/3 * * * * *' : NEVER,
      LOG_LEVEL: 'warn',
    };
    const world: World = {
      plan,
      database,
      crm: createCrm(url),
      api: createServiceApi(`http://127.0.0.1:${servicePort}`),
      receiver,
      tenants,
      deliveries: new Map(),
      problems,
      moments,
      note,
      service: sandbox,
      heldByTheDead: new Set(),
      async startService(more = {}) {
        world.heldByTheDead = claims(database);
        const child = startChild('src/main.ts', { ...env, ...more });
        children.push(child);
        world.service = child;
        void child.exited.then(() => logs.push(...child.log()));
        await untilReady(child, `http://127.0.0.1:${servicePort}`);
        note(`service is up, process ${child.pid}`);
      },
      atMoment(moment, nth, stop) {
        const armed = { moment, left: nth, stop };
        awaited = armed;
        setTimeout(
          () => {
            if (awaited !== armed) return;
            awaited = null;
            stop(moment === 'any' ? 'any' : `any (no ${moment} came)`);
          },
          moment === 'any' ? nth * 40 : MOMENT_TIMEOUT_MS,
        );
      },
    };

    await world.startService();
    for (const tenant of tenants) await install(world, tenant);
    const summary = await live(world);
    await comeToRest(world);
    const views = await askTheLaws(world);
    const rewards = views.flatMap((view) => view.rewards);
    const { acknowledged } = lostEvents(database, [...world.deliveries.values()]);
    logs.push(...world.service.log());
    return {
      seed,
      ...summary,
      moments,
      acknowledgedEvents: acknowledged,
      deliveries: world.deliveries.size,
      rewards: rewards.length,
      standing: rewards.filter(({ state }) => state === 'issued').length,
      decisions: views.reduce((sum, view) => sum + view.decisions.length, 0),
      orders: receiver.accepted.size,
      orderCalls: receiver.calls(),
      tookMs: Date.now() - startedAt,
      problems,
      timeline,
      log: logs,
    };
  } catch (error) {
    const [, ...services] = children;
    for (const child of services) if (child.isAlive()) logs.push(...child.log());
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new CrashRunError(seed, [...problems, message], timeline, logs, { cause: error });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(({ exited }) => exited));
    await Promise.all([...gates, receiver].map((open) => open.close()));
    if (process.env.CRASH_KEEP === undefined) rmSync(directory, { recursive: true, force: true });
    else console.log(`kept ${directory}`);
  }
}

/** Three databases with their logs. */
const MEMORY_NEEDED_BYTES = 2 ** 29;

/**
 * In memory where there is enough of it: a killed process leaves the page cache as it is, so a disk would not be tried harder, only
 * waited for (half of a run was fsync on a busy machine).
 */
function fastDirectory(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > MEMORY_NEEDED_BYTES ? memory : tmpdir();
}

/** The run could not be finished: the service did not start, or did not come to rest. */
export class CrashRunError extends Error {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly timeline: readonly string[];
  readonly log: readonly string[];

  constructor(
    seed: number,
    problems: readonly string[],
    timeline: readonly string[],
    log: readonly string[],
    options: ErrorOptions,
  ) {
    super(problems.join('\n'), options);
    this.name = 'CrashRunError';
    this.seed = seed;
    this.problems = problems;
    this.timeline = timeline;
    this.log = log;
  }
}

/** Accounts, keys and the program, as the command line makes them before a service is started. */
async function setUp(database: string): Promise<Tenant[]> {
  const store = await openStore({ url: `sqlite:${database}` });
  try {
    const accounts = createAccounts({ store, clock: systemClock });
    const parsed = parseProgram(PROGRAM);
    if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
    const tenants: Tenant[] = [];
    for (const portalId of PORTALS) {
      const { id } = await accounts.create(`Portal ${portalId}`);
      const key = await accounts.createApiKey(id, 'crash');
      if (!key) throw new Error('no key');
      await store.programs.publish(id, parsed.program, systemClock.now());
      tenants.push({ accountId: id, apiKey: key.key, portalId });
    }
    return tenants;
  } finally {
    await store.close();
  }
}

async function install({ api, crm }: World, tenant: Tenant): Promise<void> {
  const { status, body } = await api.post(tenant, '/connections/install', { provider: 'hubspot' });
  if (status !== 201) throw new Error(`install: ${status} ${JSON.stringify(body)}`);
  const state = new URL((body as { url: string }).url).searchParams.get('state') ?? '';
  const response = await fetch(await crm.install(tenant.portalId, state), { redirect: 'manual' });
  if (response.status !== 200) throw new Error(`install: ${response.status} ${await response.text()}`);
}

/** Load, faults and stops, all at once. */
async function live(world: World) {
  const { plan, crm, note } = world;
  const { at, live: goOn } = createPlanClock();
  let refusedActions = 0;
  note(`load begins: ${plan.actions.length} actions`);

  const people = async () => {
    let previous = 0;
    for (const { atMs, portalId, act } of plan.actions) {
      await at(atMs);
      // Two changes in one millisecond are one in the CRM's history, and which of them was seen would be chance.
      while (Date.now() === previous) await sleep(1);
      previous = Date.now();
      await crm.act(portalId, act).catch((error: unknown) => {
        if (!/: 4\d\d /.test(String(error))) throw error;
        refusedActions += 1;
        note(`refused: ${JSON.stringify(act)} ${String(error)}`);
      });
    }
    note('load ends');
  };
  const faults = plan.faults.map(async ({ atMs, forMs, what, fault }) => {
    await at(atMs);
    note(`fault: ${what}, for ${forMs} ms`);
    const id = await crm.addFault(fault);
    await at(atMs + forMs);
    const { struck: times = 0 } = (await crm.faults()).find((one) => one.id === id) ?? {};
    faultsStruck += times;
    await crm.removeFault(id);
  });
  let faultsStruck = 0;
  let kills = 0;
  let gracefulStopMs: number | null = null;
  const stops = async () => {
    goOn();
    for (const [index, stop] of plan.stops.entries()) {
      const isLast = index === plan.stops.length - 1;
      await sleep(stop.upMs);
      const tookMs = await stopOnce(world, stop);
      if (stop.signal === 'SIGTERM') gracefulStopMs = tookMs;
      else kills += 1;
      await sleep(stop.downMs);
      if (isLast) letPausesRunOut(world.database);
      else if (stop.leasesRunOut) letLeasesRunOut(world.database);
      if (isLast) world.receiver.becomeReliable();
      await world.startService(isLast && plan.losesWebhooks ? { SWEEP_SCHEDULE: aFewTimesFrom(Date.now()) } : {});
      goOn();
    }
  };
  await Promise.all([people(), ...faults, stops()]);
  await crm.clearFaults();
  return { actions: plan.actions.length, refusedActions, kills, gracefulStopMs, faultsStruck };
}

/** The plan's time. It runs for one life of the service and then waits for the next, however long a slow machine takes to start it. */
function createPlanClock() {
  let livesBegun = 0;
  let beganAt = 0;
  const now = () => (livesBegun === 0 ? -1 : (livesBegun - 1) * LIFE_MS + Math.min(Date.now() - beganAt, LIFE_MS));
  return {
    live() {
      // What the life before has not got to is done at once.
      livesBegun += 1;
      beganAt = Date.now();
    },
    async at(atMs: number): Promise<void> {
      while (now() < Math.min(atMs, LOAD_MS)) await sleep(Math.min(20, Math.max(1, atMs - now())));
    },
  };
}

async function stopOnce(world: World, { signal, moment, nth, leasesRunOut }: PlannedStop): Promise<number> {
  const { service, note, database, problems } = world;
  const how = await new Promise<string>((resolve) => {
    world.atMoment(moment, nth, (noticed) => {
      service.kill(signal);
      resolve(noticed);
    });
  });
  const from = Date.now();
  note(`${signal} at ${how}, ${nth}`);
  const exit = await Promise.race([service.exited, sleep(GRACEFUL_TIMEOUT_MS).then(() => null)]);
  const tookMs = Date.now() - from;
  if (signal === 'SIGTERM') {
    note(`stopped after ${tookMs} ms`);
    if (exit?.code !== 0) problems.push(`SIGTERM: ${JSON.stringify(exit)} after ${tookMs} ms instead of exit code 0`);
    if (exit !== null) {
      const held = [...claims(database)].filter((claim) => !world.heldByTheDead.has(claim));
      if (held.length > 0) problems.push(`after a graceful stop ${held.length} claims are still held`);
    }
    if (exit === null) {
      service.kill('SIGKILL');
      await service.exited;
    }
  }
  problems.push(...integrity(database).map((line) => `integrity after ${signal} at ${how}: ${line}`));
  await keepDeliveries(world);
  const { lost } = lostEvents(database, [...world.deliveries.values()]);
  problems.push(...lost.map((id) => `after ${signal} at ${how}: event ${id} was acknowledged and is not in the inbox`));
  if (leasesRunOut) note('leases run out');
  return tookMs;
}

/** The sandbox forgets the oldest ones. */
async function keepDeliveries({ crm, deliveries }: World): Promise<void> {
  for (const delivery of await crm.deliveries()) deliveries.set(delivery.id, delivery);
}

/** Faults are over: everything lost is found, everything put off is done. */
async function comeToRest(world: World): Promise<void> {
  const { plan, crm, note } = world;
  await crm.idle();
  await keepDeliveries(world);
  // HubSpot gives up after ten attempts, in a day and not in ten seconds. What it has given up here is not meant to be lost.
  for (const { id, state } of world.deliveries.values()) if (state === 'given_up') await redeliver(world, id);
  await untilRest(world, 0);
  note('at rest');
  if (plan.losesWebhooks) {
    const fault = await crm.addFault({ target: 'webhook', effect: { kind: 'drop' } });
    for (const { portalId, act } of plan.unheard) await crm.act(portalId, act);
    await crm.removeFault(fault);
    await untilRest(world, Date.now() + INDEX_LAG_MS);
    note('at rest, by the sweep');
  }
  await speakLastWords(world);
}

/** What is read is old by the time it is decided on; that something new came meanwhile must not be forgotten. */
async function speakLastWords(world: World): Promise<void> {
  const { plan, crm, note } = world;
  const slow = { kind: 'latency', latencyMs: DECIDING_MS };
  const fault = await crm.addFault({ target: 'api', path: '/crm/associations/*', effect: slow });
  for (const { portalId, change, whileDecided } of plan.lastWords) {
    const read = new Promise<string>((resolve) => world.atMoment('deals_read', 1, resolve));
    await crm.act(portalId, change);
    note(`last words at ${await read}`);
    await crm.act(portalId, whileDecided);
    await sleep(DECIDING_MS);
  }
  await crm.removeFault(fault);
  await untilRest(world, 0);
}

/** In a while, and again if that was too early or too slow; then there is quiet. A sweep every few seconds would never let it come. */
function aFewTimesFrom(now: number): string {
  const seconds = [8, 16, 24, 34, 46].map((after) => new Date(now + after * 1_000).getUTCSeconds());
  return `${seconds.sort((a, b) => a - b).join(',')} * * * * *`;
}

/** Swept since `sweptSince`, and nothing to do in any queue. */
async function untilRest({ crm, database, note }: World, sweptSince: number): Promise<void> {
  let quiet = 0;
  let last = waiting(database);
  const isAtRest = async () => {
    await crm.idle();
    last = waiting(database);
    const swept = (sweptTo(database, SWEEP_MARKS) ?? 0) >= sweptSince;
    quiet = swept && last.work + last.payouts + last.mirror === 0 ? quiet + 1 : 0;
    return quiet >= 3;
  };
  await until('everything is at rest', REST_TIMEOUT_MS, isAtRest, () => JSON.stringify(last));
  if (last.parked.length > 0) note(`parked: ${last.parked.join('\n')}`);
}

async function askTheLaws(world: World): Promise<AccountView[]> {
  const { plan, database, crm, api, receiver, tenants, problems, note } = world;
  const views: AccountView[] = [];
  const known = new Set<string>();
  const disturbedIds = new Set([...plan.disturbed].map((name) => crm.idOf(name)));
  for (const tenant of tenants) {
    const { portalId } = tenant;
    const view = await api.view(tenant);
    views.push(view);
    const contacts = await crm.records(portalId, 'contact');
    const deals = await crm.records(portalId, 'deal');
    // A stranger without a deal is nobody to the service until a hint comes, and then it has been read.
    const people = new Set([
      ...view.members.map(({ contact }) => contact?.id),
      ...view.referrals.map(({ friend }) => friend.contact?.id),
    ]);
    for (const { id } of [...contacts.filter((contact) => people.has(contact.id)), ...deals]) known.add(id);
    const found = [
      ...rewardsAreWhatTheCrmSays(
        view,
        expectedOf(contacts, deals, (id) => disturbedIds.has(id)),
        contacts,
      ),
      ...sharedDealsPayOnce(view, sharedDeals(contacts, deals)),
      ...decisionsTellTheStory(view),
      ...ledgerBalances(view),
      ...mirrorIsEqual(view, contacts, deals),
      ...seesOnlyItsOwn(view, portalId),
    ];
    if (found.length > 0) tellAbout(world, found, deals, view);
    problems.push(...found.map((problem) => `portal ${portalId}: ${problem}`));
  }
  problems.push(...receiverAgrees(views, receiver));
  problems.push(...waiting(database).parked.map((row) => `parked: ${row}`));
  await keepDeliveries(world);
  const { lost } = lostEvents(database, [...world.deliveries.values()]);
  problems.push(...lost.map((id) => `in the end: event ${id} was acknowledged and is not in the inbox`));
  problems.push(...integrity(database).map((line) => `integrity in the end: ${line}`));
  await nobodySeesAnother(world, views);

  // Law 6 and the rest of law 4: all of it once more.
  const before = recorded(views);
  const callsBefore = receiver.calls();
  const from = Date.now();
  const again = await crm.deliveries();
  const sendAll = async () => {
    for (let next = again.pop(); next; next = again.pop()) {
      const status = await crm.redeliver(next.id);
      if (status === null || status >= 300)
        problems.push(`delivery ${next.id}, sent again, is answered with ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, sendAll));
  askForEverything(database);
  await untilRest(world, 0);
  const unread = notReadSince(database, [...known], from);
  if (unread.length > 0) problems.push(`these records were not read again: ${unread.join(', ')}`);
  const after = recorded(await Promise.all(tenants.map((tenant) => api.view(tenant))));
  if (after !== before)
    problems.push(`read again, and something else is there:\n      ${firstDifference(before, after)}`);
  if (receiver.calls() !== callsBefore) problems.push('read again, and a reward was ordered again');
  note('read again');

  return views;
}

async function redeliver({ crm, problems }: World, id: number): Promise<void> {
  let status: number | null = null;
  // Without an answer within five seconds HubSpot sends it once more.
  for (let tries = 0; tries < 4 && status === null; tries += 1) status = await crm.redeliver(id);
  if (status !== 200) problems.push(`delivery ${id}, sent again, is answered with ${status}`);
}

/** Law 7, asked with the other one's ids. */
async function nobodySeesAnother({ api, tenants, problems }: World, views: readonly AccountView[]): Promise<void> {
  for (const [index, tenant] of tenants.entries()) {
    const other = views[1 - index];
    if (!other) continue;
    const paths = [
      ...other.rewards.slice(0, 3).map(({ id }) => `/rewards/${id}`),
      ...other.members.slice(0, 3).map(({ id }) => `/members/${id}`),
      ...other.referrals.slice(0, 3).map(({ id }) => `/referrals/${id}`),
      ...other.connections.map(({ id }) => `/connections/${id}`),
    ];
    for (const path of paths) {
      const { status } = await api.get(tenant, path);
      if (status !== 404)
        problems.push(`the account of portal ${tenant.portalId} gets ${status} for another's ${path}`);
    }
  }
}

/** What a person needs to understand a difference: the deals' histories and the decisions made on them. */
function tellAbout(
  { note }: World,
  found: readonly string[],
  deals: Awaited<ReturnType<Crm['records']>>,
  view: AccountView,
): void {
  for (const deal of deals) {
    const friends = deal.associations.contacts?.map(({ id }) => id) ?? [];
    if (!found.some((problem) => [deal.id, ...friends].some((id) => problem.includes(id)))) continue;
    const changes = ['dealstage', 'amount']
      .flatMap((name) =>
        (deal.propertiesWithHistory[name] ?? []).map(
          ({ value, timestamp }) => `${timestamp.slice(17)} ${name}=${value}`,
        ),
      )
      .sort();
    note(`deal ${deal.id} of ${friends.join(', ')}: ${changes.join(', ')}`);
    for (const decision of view.decisions.filter((one) => one.deal.id === deal.id).reverse()) {
      const { ruleKey, sequence, outcome, reason, money, effectiveAt, recordedAt, rewardId } = decision;
      const state = view.rewards.find(({ id }) => id === rewardId)?.state ?? '-';
      note(
        `  ${ruleKey} ${sequence} ${outcome} ${reason.code} ${money ? money.amount : ''} at ${effectiveAt.slice(17)}, recorded ${recordedAt.slice(17)}, reward ${rewardId} ${state}`,
      );
    }
  }
}

/** Everything but how far the connections have come. */
function recorded(views: readonly AccountView[]): string {
  return JSON.stringify(views.map(({ connections: _, ...rest }) => rest));
}

function firstDifference(a: string, b: string): string {
  let index = 0;
  while (index < a.length && a[index] === b[index]) index += 1;
  return `${a.slice(Math.max(0, index - 200), index + 200)}\n      ${b.slice(Math.max(0, index - 200), index + 200)}`;
}
