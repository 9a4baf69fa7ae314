import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { createAccounts } from '../../src/application/accounts.ts';
import { parseProgram } from '../../src/application/program-document.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openStore } from '../../src/store/open.ts';
import { freePort } from '../support/free-port.ts';
import { type Child, OWN_CONNECTION, sleep, startChild, until, untilReady } from '../support/processes.ts';
import { APP, sandboxAppAt } from '../support/stack.ts';
import { type Crm, type CrmDelivery, createCrm } from './crm.ts';
import {
  askForEverything,
  type Database,
  type Held,
  held,
  letLeasesRunOut,
  letPausesRunOut,
  lostEvents,
  NOTHING_HELD,
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
import { createRandom } from './random.ts';
import { openRewardReceiver, type RewardReceiver } from './reward-receiver.ts';
import { type AccountView, createServiceApi, type ServiceApi, type Tenant } from './service-api.ts';
import type { Site } from './site.ts';
import { auditFinds, fillBudget, TERMS, termsAreKept } from './terms.ts';

/** A moment that does not come, such as a payout when none is due: the service is stopped after this long all the same. */
const MOMENT_TIMEOUT_MS = 1_200;
/** Twice this lies between the reading of deals and the commit: their contacts and the contacts' deals are asked for. */
const DECIDING_MS = 200;
/** SIGTERM: ten seconds for open requests, and the batch under way with its calls to a CRM that is faulty. */
const GRACEFUL_TIMEOUT_MS = 25_000;
/** From the last fault to rest, on two busy cores. */
const REST_TIMEOUT_MS = 180_000;
/** Past a paused node's leases, until it goes on: long enough for others to have done its work. */
const OVERSLEPT_MS = 1_200;
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
  readonly stops: readonly string[];
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

/** One process of the service, and the next one in its place. */
interface Node {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  child: Child;
}

interface World {
  readonly plan: Plan;
  readonly site: Site;
  readonly database: Database;
  readonly crm: Crm;
  readonly api: ServiceApi;
  readonly receiver: RewardReceiver;
  readonly tenants: readonly Tenant[];
  readonly deliveries: Map<number, CrmDelivery>;
  readonly problems: string[];
  readonly moments: Record<string, number>;
  readonly nodes: readonly Node[];
  /** What was held when the only node was started, by processes that are dead. */
  heldByTheDead: Held;
  startNode(node: Node, more?: Readonly<Record<string, string>>): Promise<void>;
  /** Calls `stop` at the nth such moment from now on, with its node, and not later than after MOMENT_TIMEOUT_MS. */
  atMoment(moment: StopMoment, nth: number, stop: (how: string, node: Node) => void): void;
  note(text: string): void;
}

/** One life of the service under one plan: stopped again and again, brought to rest, and asked whether the laws have held. */
export async function run(seed: number, site: Site, compileCache: string): Promise<RunReport> {
  const startedAt = Date.now();
  const plan = makePlan(seed, site.kind);
  const { database } = site;
  const timeline: string[] = [];
  const problems: string[] = [];
  const logs: string[] = [];
  const moments: Record<string, number> = {};
  const note = (text: string) => void timeline.push(`${String(Date.now() - startedAt).padStart(6)} ms  ${text}`);

  const nodes: Node[] = [];
  let awaited: { moment: StopMoment; left: number; stop: (how: string, node: Node) => void } | null = null;
  const notice = (moment: StopMoment, node: Node | undefined) => {
    if (!node) return;
    moments[moment] = (moments[moment] ?? 0) + 1;
    if (awaited?.moment !== moment) return;
    awaited.left -= 1;
    if (awaited.left > 0) return;
    const { stop } = awaited;
    awaited = null;
    stop(moment, node);
  };

  // What stands in front of several nodes: each in turn, without those that have ended.
  let turn = 0;
  const nextPort = () => {
    const living = nodes.filter(({ child }) => child.isAlive());
    turn += 1;
    return (living[turn % Math.max(1, living.length)] ?? nodes[0])?.port ?? 0;
  };
  const webhookGate = await openGate({
    targetPort: nextPort,
    onAnswer: ({ path, port }, status) => {
      if (path.startsWith('/webhooks/') && status < 300)
        notice(
          'webhook_acked',
          nodes.find((node) => node.port === port),
        );
    },
  });
  let sandboxPort = 0;
  const openCrmGate = (nodeOf: () => Node | undefined) =>
    openGate({
      targetPort: () => sandboxPort,
      onRequest: () => notice('crm_asked', nodeOf()),
      onAnswer: ({ method, path }, status) => {
        if (method === 'POST' && path.endsWith('/batch/update') && status < 300) notice('crm_written', nodeOf());
        if (path.endsWith('/deals/batch/read') && status < 300) notice('deals_read', nodeOf());
      },
    });
  const nodeAt = (path: string) => nodes.find(({ name }) => path.endsWith(`?node=${name}`));
  const receiver = await openRewardReceiver(createRandom(seed, 'receiver'), {
    onAsked: (path) => notice('payout_asked', nodeAt(path)),
    onAccepted: (path) => notice('payout_accepted', nodeAt(path)),
  });
  const gates: Gate[] = [webhookGate];
  const children: Child[] = [];

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
    const tenants = await setUp(database.url);
    const { url, authorizeUrl } = JSON.parse(await sandbox.firstLine) as { url: string; authorizeUrl: string };
    sandboxPort = Number(new URL(url).port);
    const encryptionKey = `k1:${randomBytes(32).toString('base64')}`;
    for (let index = 0; index < site.nodes; index += 1) {
      const port = await freePort();
      const name = `n${index + 1}`;
      const crmGate = await openCrmGate(() => nodes[index]);
      gates.push(crmGate);
      nodes.push({
        name,
        port,
        url: `http://127.0.0.1:${port}`,
        env: {
          NODE_COMPILE_CACHE: compileCache,
          NODE_ENV: 'test',
          HOST: '127.0.0.1',
          PORT: String(port),
          PUBLIC_URL: webhookGate.url,
          DATABASE_URL: database.url,
          ENCRYPTION_KEY: encryptionKey,
          HUBSPOT_API_URL: crmGate.url,
          HUBSPOT_AUTHORIZE_URL: authorizeUrl,
          HUBSPOT_CLIENT_ID: APP.clientId,
          HUBSPOT_CLIENT_SECRET: APP.clientSecret,
          HUBSPOT_APP_ID: String(APP.appId),
          REWARD_WEBHOOK_URL: `${receiver.url}?node=${name}`,
          REWARD_WEBHOOK_SECRET: receiver.secret,
          ALLOW_PRIVATE_DESTINATIONS: 'true',
          SWEEP_SCHEDULE: plan.losesWebhooks ? '*/3 * * * * *' : NEVER,
          LOG_LEVEL: 'warn',
        },
        child: sandbox,
      });
    }
    const world: World = {
      plan,
      site,
      database,
      crm: createCrm(url),
      api: createServiceApi(webhookGate.url),
      receiver,
      tenants,
      deliveries: new Map(),
      problems,
      moments,
      note,
      nodes,
      heldByTheDead: NOTHING_HELD,
      async startNode(node, more = {}) {
        if (nodes.length === 1) world.heldByTheDead = await held(database);
        const child = startChild('src/main.ts', { ...node.env, ...more });
        children.push(child);
        node.child = child;
        void child.exited.then(() => logs.push(...child.log().map((line) => `${node.name} ${line}`)));
        await untilReady(child, node.url);
        note(`node ${node.name} is up, process ${child.pid}`);
      },
      atMoment(moment, nth, stop) {
        const armed = { moment, left: nth, stop };
        awaited = armed;
        setTimeout(
          () => {
            if (awaited !== armed) return;
            awaited = null;
            stop(moment === 'any' ? 'any' : `any (no ${moment} came)`, nodes[nth % nodes.length] as Node);
          },
          moment === 'any' ? nth * 40 : MOMENT_TIMEOUT_MS,
        );
      },
    };

    await Promise.all(nodes.map((node) => world.startNode(node)));
    for (const tenant of tenants) await install(world, tenant);
    const summary = await live(world);
    await comeToRest(world);
    const views = await askTheLaws(world);
    const rewards = views.flatMap((view) => view.rewards);
    const { acknowledged } = await lostEvents(database, [...world.deliveries.values()]);
    for (const { name, child } of nodes) logs.push(...child.log().map((line) => `${name} ${line}`));
    return {
      seed,
      ...summary,
      stops: plan.stops.map(({ target, moment, crash }) => {
        const isOfServer = target === 'database' || target === 'blackout';
        return `${target}${isOfServer ? ` (${crash})` : ''} at ${moment}`;
      }),
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
    for (const { name, child } of nodes)
      if (child.isAlive()) logs.push(...child.log().map((line) => `${name} ${line}`));
    throw new CrashRunError(seed, [...problems, inspect(error)], timeline, logs, { cause: error });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(({ exited }) => exited));
    await Promise.all([...gates, receiver].map((open) => open.close()));
  }
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
async function setUp(databaseUrl: string): Promise<Tenant[]> {
  const store = await openStore({ url: databaseUrl });
  try {
    const accounts = createAccounts({ store, clock: systemClock });
    const parsed = parseProgram({ ...PROGRAM, rules: [...PROGRAM.rules, ...TERMS] });
    if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
    const tenants: Tenant[] = [];
    for (const portalId of PORTALS) {
      const { id } = await accounts.create(`Portal ${portalId}`);
      const key = await accounts.createApiKey(id, 'crash');
      if (!key) throw new Error('no key');
      await store.programs.publish(id, parsed.program, systemClock.now());
      await fillBudget(store, id);
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
  const response = await fetch(await crm.install(tenant.portalId, state), {
    redirect: 'manual',
    headers: OWN_CONNECTION,
  });
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
      const stopped = await stopOnce(world, stop);
      gracefulStopMs = stopped.gracefulMs ?? gracefulStopMs;
      kills += stopped.kills;
      if (isLast) await letPausesRunOut(world.database);
      if (isLast) world.receiver.becomeReliable();
      const more = isLast && plan.losesWebhooks ? { SWEEP_SCHEDULE: aFewTimesFrom(Date.now()) } : {};
      await Promise.all(stopped.ended.map((node) => world.startNode(node, more)));
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

interface Stopped {
  /** Whose processes have ended and have to be started again. */
  readonly ended: readonly Node[];
  readonly kills: number;
  readonly gracefulMs: number | null;
}

async function stopOnce(world: World, stop: PlannedStop): Promise<Stopped> {
  const { note, database, problems, site } = world;
  const { target, moment, nth, signal } = stop;
  const what = target === 'node' ? signal : target;
  let heldThen: Promise<Held> = Promise.resolve(NOTHING_HELD);
  let crashed: Promise<void> | undefined;
  const { how, node } = await new Promise<{ how: string; node: Node }>((resolve) => {
    world.atMoment(moment, nth, (noticed, one) => {
      // At once, in the very moment; everything else can wait.
      if (target === 'node') one.child.kill(signal);
      if (target === 'pause') one.child.kill('SIGSTOP');
      if (target === 'blackout') for (const { child } of world.nodes) child.kill('SIGKILL');
      if (target === 'database' || target === 'blackout') crashed = site.server?.crash(stop.crash);
      else heldThen = held(database);
      resolve({ how: noticed, node: one });
    });
  });
  note(`${what} at ${how}, ${nth}; node ${node.name}${crashed ? `, server by ${stop.crash}` : ''}`);
  const stopped = await { node: stopNode, pause: oversleep, database: crashServer, blackout: blackOut }[target]();
  problems.push(...(await database.integrity()).map((line) => `integrity after ${what} at ${how}: ${line}`));
  await keepDeliveries(world);
  const { lost } = await lostEvents(database, [...world.deliveries.values()]);
  problems.push(...lost.map((id) => `after ${what} at ${how}: event ${id} was acknowledged and is not in the inbox`));
  return stopped;

  async function stopNode(): Promise<Stopped> {
    if (signal === 'SIGTERM') return { ended: [node], kills: 0, gracefulMs: await gracefully(node) };
    await node.child.exited;
    const other = world.nodes.find((one) => one !== node);
    other?.child.kill('SIGTERM');
    if (other) note(`SIGTERM to node ${other.name}, too`);
    const gracefulMs = other ? await gracefully(other) : null;
    await sleep(stop.downMs);
    if (stop.leasesRunOut) await runOut();
    return { ended: other ? [node, other] : [node], kills: 1, gracefulMs };
  }

  async function gracefully(one: Node): Promise<number> {
    const from = Date.now();
    const exit = await Promise.race([one.child.exited, sleep(GRACEFUL_TIMEOUT_MS).then(() => null)]);
    const tookMs = Date.now() - from;
    note(`stopped after ${tookMs} ms`);
    if (exit?.code !== 0) problems.push(`SIGTERM: ${JSON.stringify(exit)} after ${tookMs} ms instead of exit code 0`);
    if (exit === null) {
      one.child.kill('SIGKILL');
      await one.child.exited;
    } else if (world.nodes.length === 1) {
      // Among several it is not known whose a claim is.
      const left = [...(await held(database)).claims].filter((claim) => !world.heldByTheDead.claims.has(claim));
      if (left.length > 0) problems.push(`after a graceful stop ${left.length} claims are still held`);
      await sleep(stop.downMs);
      if (stop.leasesRunOut) await runOut();
    }
    return tookMs;
  }

  /** Other nodes put down what they hold in time; what was held at the stop and still is belongs to the one that was stopped. */
  async function runOut(): Promise<void> {
    await letLeasesRunOut(database, world.nodes.length === 1 ? await held(database) : await heldThen);
    note('leases run out');
  }

  async function oversleep(): Promise<Stopped> {
    await sleep(stop.downMs);
    await runOut();
    await sleep(OVERSLEPT_MS);
    node.child.kill('SIGCONT');
    note(`node ${node.name} goes on`);
    return { ended: [], kills: 0, gracefulMs: null };
  }

  async function crashServer(): Promise<Stopped> {
    await crashed;
    await sleep(stop.downMs);
    await site.server?.restart();
    note('the server is up again');
    for (const one of world.nodes) {
      if (!one.child.isAlive()) problems.push(`node ${one.name} ended when the database server did`);
      else await untilReady(one.child, one.url);
    }
    return { ended: world.nodes.filter(({ child }) => !child.isAlive()), kills: 1, gracefulMs: null };
  }

  async function blackOut(): Promise<Stopped> {
    await Promise.all([crashed, ...world.nodes.map(({ child }) => child.exited)]);
    await sleep(stop.downMs);
    await site.server?.restart();
    return { ended: world.nodes, kills: world.nodes.length + 1, gracefulMs: null };
  }
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
  let last = await waiting(database);
  const isAtRest = async () => {
    await crm.idle();
    last = await waiting(database);
    const swept = ((await sweptTo(database, SWEEP_MARKS)) ?? 0) >= sweptSince;
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
      ...termsAreKept(view.rewards),
    ];
    if (found.length > 0) tellAbout(world, found, deals, view);
    problems.push(...found.map((problem) => `portal ${portalId}: ${problem}`));
  }
  problems.push(...receiverAgrees(views, receiver));
  problems.push(...(await auditFinds(database.url)).map((problem) => `the auditor: ${problem}`));
  problems.push(...(await waiting(database)).parked.map((row) => `parked: ${row}`));
  await keepDeliveries(world);
  const { lost } = await lostEvents(database, [...world.deliveries.values()]);
  problems.push(...lost.map((id) => `in the end: event ${id} was acknowledged and is not in the inbox`));
  problems.push(...(await database.integrity()).map((line) => `integrity in the end: ${line}`));
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
  await askForEverything(database);
  await untilRest(world, 0);
  const unread = await notReadSince(database, [...known], from);
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
