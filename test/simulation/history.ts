import type Database from 'better-sqlite3';
import type { Hint } from '../../src/application/ports/crm.ts';
import type { Container } from '../../src/container.ts';
import type { AttributionPolicy } from '../../src/domain/attribution-policy.ts';
import type { ConnectionsPolicy } from '../../src/domain/connections-policy.ts';
import { Fault } from '../../src/domain/errors.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import type { RiskPolicy } from '../../src/domain/risk.ts';
import type { TierScheme } from '../../src/domain/tier-scheme.ts';
import { createAccountStore } from '../../src/store/accounts.ts';
import type { Engine } from '../../src/store/dialect.ts';
import { migrate } from '../../src/store/migrations/migrate.ts';
import { createPolicies } from '../../src/store/policies.ts';
import { createProgramDraftStore } from '../../src/store/program-drafts.ts';
import { createProgramStore } from '../../src/store/programs.ts';
import type { Session } from '../../src/store/schema.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { createRandom } from '../crash/random.ts';
import { type Console, createConsole } from './console.ts';
import { creditIsShared, drawCreditPolicy } from './credit.ts';
import { createCrm, type Portal, PROVIDER } from './crm.ts';
import { createDisputes, type Disputes } from './disputes.ts';
import {
  areClocksTrue,
  type Counters,
  createCounters,
  drawLaterTheme,
  drawWeather,
  isLater,
  isReviewed,
  ORG_THEME,
  type Theme,
  TRIED_THEME,
  type Weather,
} from './faults.ts';
import { forecastAgrees } from './forecast.ts';
import { seedCrypto } from './hooks.ts';
import { createInsist } from './insist.ts';
import {
  type Books,
  booksOf,
  decisionsTellTheStory,
  fingerprintOf,
  holdsAreObserved,
  ledgerBalances,
  mirrorIsEqual,
  newsIsBooked,
  nothingIsLost,
  onlyItsOwn,
  receiverAgrees,
  rewardsAreTheReferrers,
  sharedDealsPayOnce,
  whatTheCrmSays,
} from './laws.ts';
import { createListeners, type Listeners } from './listeners.ts';
import { createNetwork } from './network.ts';
import { createNode, type Idler, type Queue, type SimNode } from './node.ts';
import { expectedOf, type Published, type Submitted } from './oracle.ts';
import { createReceiver } from './payout.ts';
import { createStaff, drawRules, type Staff } from './people.ts';
import { createReviewers, drawRisk, type Reviewers, reviewsAreRight, sayOn } from './reviewers.ts';
import { rowsAreRight } from './rows.ts';
import { createScheduler, EndlessRun, type Scheduler } from './scheduler.ts';
import { type Calm, createSetup, PAST_MS, SETUP_PROGRAMS, type Setup } from './setup.ts';
import { keepMigrated, openedLast } from './sqlite-in-memory.ts';
import { createStreams } from './stream.ts';
import { auditAgrees, createDesk, type Desk, drawTerms, figuresAgree, termsAreKept } from './terms.ts';
import { drawTiers, GRACE_DAYS, tiersAreRight } from './tiers.ts';
import { keepTimeWith } from './timers.ts';
import { createTestOrders, createTrials, type Trials } from './trials.ts';
import { createTwoCrms, drawTwoCrmRules, sideOf, type TwoCrms } from './two-crms.ts';
import { createWorkflows, type Workflows } from './workflows.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 2, 2, 8);

/** Before anything happens by any node's clock. */
const POLICIES_AT = START - 2 * HOUR;

/** HubSpot repeats a delivery ten times within a day. */
const DELIVERIES_MAX = 10;
/** It waits this long for an answer. */
const DELIVERY_TIMEOUT_MS = 5_000;
/** By how much the clock of a node that may die can be ahead. */
const AHEAD_MAX_MS = 4 * MINUTE;
/** The longest hold, and more. */
const HOLDS_END_MS = 3 * DAY;
/** The two portals give out the same ids, so that a key without its account in it shows. */
const PORTALS = ['7001', '7002'] as const;
/** The first account's second CRM, where it has one. */
const SECOND_PORTAL = '7003';

/** How often people act in a busy history, where its theme takes more than a few acts. */
const ACTS: Partial<Record<Theme, readonly [least: number, most: number]>> = {
  debts: [8, 14],
  crms: [8, 14],
  workflows: [4, 8],
  setup: [6, 12],
  console: [6, 10],
  credit: [6, 10],
  tiers: [4, 8],
  news: [5, 9],
  trial: [3, 7],
  org: [5, 10],
};
const FEW_ACTS = [3, 6] as const;

export interface HistoryReport {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly digest: string;
  readonly timeline: readonly string[];
  readonly counters: Counters;
  readonly weather: Weather;
  readonly steps: number;
  readonly decisions: number;
  readonly rewards: number;
  readonly given: number;
}

interface Tenant {
  readonly accountId: string;
  readonly portal: Portal;
  readonly published: Published[];
  readonly submitted: Submitted[];
  disturbed: ReadonlySet<string>;
  connectionId: string;
  readonly terms: readonly RewardRule[];
  readonly tiers: TierScheme | undefined;
  readonly risk: RiskPolicy | undefined;
  readonly reviewers: Reviewers;
  readonly desk: Desk;
  readonly disputes: Disputes;
  /** How credit is shared; null where it is not. */
  readonly credit: AttributionPolicy | null;
  /** Its second CRM. */
  readonly second: { readonly portal: Portal; connectionId: string } | null;
}

export interface LiveOptions {
  readonly witness?: Witness;
  /** What the history is about; absent: what its seed draws. */
  readonly theme?: Theme | null;
}

/** Hears of everything that was asked of the database, in order, and of what came of it: the same can be asked of another one. */
export interface Witness {
  onAsked(kind: 'read' | 'snapshot' | 'write', run: (session: Session) => Promise<unknown>, result: unknown): void;
  /** Before the database is closed. */
  onEnd(engine: Engine): Promise<void>;
}

/** One history from one seed: lived under faults, brought to rest, and asked whether the laws have held. */
export async function live(seed: number, { witness, theme }: LiveOptions = {}): Promise<HistoryReport> {
  const random = createRandom(seed, 'history');
  const weather = drawWeather(
    createRandom(seed, 'weather'),
    theme ??
      drawLaterTheme(
        createRandom(seed, 'theme'),
        createRandom(seed, 'listeners drawn'),
        createRandom(seed, 'trials drawn'),
      ),
  );
  const counters = createCounters();
  const problems: string[] = [];
  seedCrypto(seed);
  const scheduler = createScheduler(createRandom(seed, 'order'), weather.theme === 'setup' ? START - PAST_MS : START);
  keepTimeWith((ms, run) => scheduler.after(ms, run));
  const network = createNetwork(scheduler, createRandom(seed, 'network'), weather, counters);
  const { engine, writes } = await openDatabase(witness ?? null);
  const db = openedLast();
  const receiver = createReceiver(scheduler, network, createRandom(seed, 'payout'), weather, counters, () =>
    nodes.flatMap(({ container }) => container ?? []),
  );
  const streams =
    weather.theme === ORG_THEME
      ? createStreams({
          scheduler,
          network,
          random: createRandom(seed, 'streams'),
          weather,
          counters,
          kill: ({ name }, steps) =>
            nodes
              .find((node) => node.name === name)
              ?.crashAfter(steps, random.pick(['before', 'inside', 'inside', 'after'])),
        })
      : null;
  const post =
    streams ?? createPost({ scheduler, random: createRandom(seed, 'post'), weather, counters, nodes: () => nodes });
  const crm = createCrm({
    scheduler,
    network,
    random: createRandom(seed, 'crm'),
    weather,
    counters,
    externalIds: weather.theme === 'crms' ? [...PORTALS, SECOND_PORTAL] : PORTALS,
    onHint: post.take,
    streams,
    onComplete: (externalId, words) =>
      workflows && externalId === tenants[0]?.portal.externalId
        ? workflows.complete(words)
        : { unknown: new Set(words.map(({ callbackId }) => callbackId)) },
    onRead: (externalId) =>
      staffs[
        tenants.findIndex(({ portal, second }) =>
          [portal, second?.portal].some((one) => one?.externalId === externalId),
        )
      ]?.interfere(),
  });
  const testOrders = createTestOrders(scheduler);
  const idlers = new Set<Idler>();
  let isStriking = true;
  let sweepEveryMs = weather.sweeps ? weather.sweepEveryMs * weather.nodes : null;
  const nodes: SimNode[] = Array.from({ length: weather.nodes }, (_, index) =>
    createNode({
      name: `node ${index + 1}`,
      engine,
      scheduler,
      network,
      random: createRandom(seed, `node ${index}`),
      counters,
      crm,
      weather,
      payout: receiver.provider,
      byHand: receiver.byHand,
      inTests: testOrders.heard,
      // Where nobody has asked to be told of anything nothing is sent.
      sendWebhook: (life, now) => listeners?.send(life, now) ?? (() => Promise.reject(new Error('nobody listens'))),
      idlers,
      isDue: (queue, now) => waking.isDue(queue, now),
      onProblem: (text) => problems.push(`law 8: a fault that nobody foresaw: ${text}`),
      sweepEveryMs: () => sweepEveryMs,
      isStriking: () => isStriking,
      onNews: (run) => streams?.onNews(run),
    }),
  );
  const waking = createWaking(db, writes, idlers, createRandom(seed, 'waking'), nodes);
  scheduler.attach(waking);
  const tenants: Tenant[] = [];
  let staffs: Staff[] = [];
  let twoCrms: TwoCrms | null = null;
  let workflows: Workflows | null = null;
  let setup: Setup | null = null;
  let desks: Console | null = null;
  let listeners: Listeners | null = null;
  let trials: Trials | null = null;
  const calm: Calm = {
    ask: (promise) => within(scheduler, promise, HOUR),
    pass: (ms) => scheduler.runUntil(scheduler.now() + ms),
    container: () => containerOf(nodes[0] as SimNode),
  };

  try {
    // ── Install, in peace ──
    network.calm();
    for (const [index, portal] of crm.portals.slice(0, PORTALS.length).entries()) {
      const accountId = `acc_${index + 1}`;
      await createAccountStore(engine).create({ id: accountId, name: accountId, createdAt: START });
      const terms = drawTerms(createRandom(seed, `terms ${accountId}`), weather.theme);
      const secondPortal = index === 0 ? crm.portals[PORTALS.length] : undefined;
      const drawn = createRandom(seed, `rules ${index}`);
      const isSetUp = index === 0 && weather.theme === 'setup';
      const rules = secondPortal
        ? drawTwoCrmRules(drawn)
        : isSetUp
          ? [...(SETUP_PROGRAMS[0]?.rules ?? [])]
          : [...drawRules(drawn, index > 0 && weather.theme === 'console' ? 'risk' : weather.theme), ...terms];
      const tiers = weather.theme === 'tiers' ? drawTiers(createRandom(seed, `tiers ${accountId}`)) : undefined;
      const risk = isReviewed(weather.theme) ? drawRisk(createRandom(seed, `risk ${accountId}`)) : undefined;
      const version = await createProgramStore(engine).publish(
        accountId,
        { programId: 'default', name: 'Default', rules, tiers, risk },
        START,
      );
      for (const other of isSetUp ? SETUP_PROGRAMS.slice(1) : [])
        await createProgramStore(engine).publish(accountId, { ...other, name: other.programId }, START);
      const credit = weather.theme === 'credit' ? drawCreditPolicy(createRandom(seed, `credit ${accountId}`)) : null;
      if (credit)
        await createPolicies<AttributionPolicy>(engine, 'attribution_policies').publish(
          accountId,
          credit,
          'admin',
          START,
        );
      tenants.push({
        credit,
        accountId,
        portal,
        published: [version],
        submitted: [],
        disturbed: new Set(),
        connectionId: '',
        terms,
        tiers,
        risk,
        reviewers: createReviewers(
          { accountId, db, scheduler, random: createRandom(seed, `reviewers ${accountId}`), weather, counters },
          () => nodes.flatMap(({ container }) => container ?? []),
        ),
        desk: createDesk(
          {
            accountId,
            rules: terms,
            engine,
            db,
            scheduler,
            random: createRandom(seed, `desk ${accountId}`),
            weather,
            counters,
          },
          () => nodes.flatMap(({ container }) => container ?? []),
        ),
        disputes: createDisputes(
          { accountId, db, scheduler, random: createRandom(seed, `disputes ${accountId}`), weather, counters },
          () => nodes,
        ),
        second: secondPortal ? { portal: secondPortal, connectionId: '' } : null,
      });
    }
    const [told] = tenants;
    if (told && weather.theme === 'setup') {
      setup = createSetup({
        ...told,
        connectionId: () => told.connectionId,
        needSecondPerson: () => createAccountStore(engine).setNeedsSecondPerson(told.accountId, true),
        db,
        scheduler,
        random: createRandom(seed, 'setup'),
        weather,
        counters,
        nodes: () => nodes,
      });
      setup.past();
      await scheduler.runUntil(START);
    }
    if (told && weather.theme === 'console')
      desks = createConsole({
        ...told,
        connectionId: () => told.connectionId,
        program: { rules: told.published[0]?.rules as RewardRule[], risk: told.risk },
        db,
        receiver,
        scheduler,
        random: createRandom(seed, 'console'),
        weather,
        counters,
        nodes: () => nodes,
      });
    if (weather.theme === 'webhooks')
      listeners = createListeners({
        accountIds: tenants.map(({ accountId }) => accountId),
        db,
        scheduler,
        network,
        random: createRandom(seed, 'listeners'),
        weather,
        counters,
        nodes: () => nodes,
      });
    if (told && weather.theme === TRIED_THEME)
      trials = createTrials({
        ...told,
        connectionId: () => told.connectionId,
        programDrafts: createProgramDraftStore(engine),
        orders: testOrders,
        receiver,
        db,
        scheduler,
        random: createRandom(seed, 'trials'),
        weather,
        counters,
        nodes: () => nodes,
      });
    for (const node of nodes) node.start();
    const first = nodes[0] as SimNode;
    for (const tenant of tenants) {
      const outcome = await within(scheduler, connect(containerOf(first), tenant), MINUTE);
      if (outcome?.kind !== 'connected') throw new Error(`not connected: ${JSON.stringify(outcome)}`);
      tenant.connectionId = outcome.connection.id;
      if (tenant === tenants[0] && weather.theme === 'workflows')
        workflows = createWorkflows({
          ...tenant,
          connection: () => outcome.connection,
          scheduler,
          random: createRandom(seed, 'workflows'),
          weather,
          counters,
          nodes: () => nodes,
        });
      if (!tenant.second) continue;
      const second = await within(scheduler, connect(containerOf(first), { ...tenant, ...tenant.second }), MINUTE);
      if (second?.kind !== 'connected') throw new Error(`not connected: ${JSON.stringify(second)}`);
      tenant.second.connectionId = second.connection.id;
    }
    const [firstTenant] = tenants;
    if (firstTenant?.second) {
      const sides = [firstTenant, firstTenant.second] as const;
      const random = createRandom(seed, 'two crms');
      twoCrms = createTwoCrms({ sides, scheduler, random, weather, counters });
      await createPolicies<ConnectionsPolicy>(engine, 'connections_policies').publish(
        firstTenant.accountId,
        twoCrms.policy(),
        'admin',
        POLICIES_AT,
      );
    }
    await setup?.first(calm);
    await desks?.first(calm);
    await listeners?.first(calm);
    await trials?.first();
    network.storm();

    // ── Life, under faults ──
    for (const { desk } of tenants) await desk.begin();
    tenants[0]?.disputes.begin();
    tenants[0]?.reviewers.begin();
    workflows?.begin();
    setup?.begin();
    desks?.begin();
    listeners?.begin();
    trials?.begin();
    streams?.begin(PORTALS);
    const insist = createInsist({
      scheduler,
      random: createRandom(seed, 'privacy'),
      counters,
      nodes: () => nodes,
    });
    const forget = ({ accountId, connectionId, portal }: Tenant, id: string) => {
      portal.erased.add(id);
      const contact = { connectionId, object: 'contact' as const, id };
      insist.say('admin', `forgets contact ${id}`, ({ privacy }) =>
        privacy.erase(accountId, { by: 'contact', contact }, { source: 'api', by: 'admin' }),
      );
    };
    staffs = tenants.map((tenant, index) =>
      index === 0 && (twoCrms || setup)
        ? ((twoCrms ?? setup) as TwoCrms | Setup).staff
        : createStaff(
            tenant.portal,
            scheduler,
            createRandom(seed, `staff ${index}`),
            weather,
            counters,
            tenant.terms.some(({ key }) => key === 'term-follow' || key === 'term-limited'),
            (id) => forget(tenant, id),
          ),
    );
    staffs.forEach((staff, index) => {
      const tenant = tenants[index] as Tenant;
      tenant.disturbed = staff.disturbed;
      staff.begin();
      // The second account is there to be kept apart from the first.
      const most = random.integer(...(ACTS[weather.theme] ?? FEW_ACTS));
      const acts = index === 0 ? (weather.isBusy ? most : random.integer(2, 4)) : random.integer(0, 1);
      // Two changes in one millisecond are one in a CRM's history, and which of them was seen would be chance.
      const times = new Set<number>();
      // Who overtakes another has to know the records already: of one that is new to both, the slower is refused in any case.
      const pauseMs = () =>
        weather.theme === 'reversals' || weather.theme === 'debts' ? random.pick([1_500, 30_000]) : 1_500;
      let last = weather.theme === 'overtaking' ? 3 * MINUTE : 0;
      for (let count = 0; count < acts; count += 1) {
        // Who works on a deal changes it again at once, often enough while the first change is being read.
        last = random.chance(weather.theme === 'overtaking' ? 1 : weather.isBusy ? 0.85 : 0.4)
          ? last + 2 * random.integer(1, pauseMs())
          : 2 * random.integer(1, weather.spanMs / 2);
        times.add(last + index);
      }
      for (const at of times) scheduler.after(at, () => staff.act());
      // Nothing happens to these records afterwards by which their deletion would be found.
      if (weather.theme === 'deletions' && index === 0) scheduler.after(weather.spanMs - 1, () => staff.tidyUp());
    });
    planFaults();
    await scheduler.runUntil(Math.max(START, scheduler.now()) + weather.spanMs + 5 * MINUTE);

    // ── Rest ──
    scheduler.note('world', 'faults end');
    network.calm();
    post.calm();
    for (const node of nodes) {
      node.skewMs = 0;
      node.crashAfter(Number.POSITIVE_INFINITY, 'before');
      if (!node.life) node.start();
      if (node.life) node.pause(0);
    }
    await scheduler.runUntil(scheduler.now() + 11 * MINUTE);
    for (const what of insist.unanswered()) problems.push(`law 8: nobody has answered: ${what}`);
    isStriking = false;
    for (const tenant of tenants) await reconnectIfLost(tenant);
    // Whatever was late has come by then.
    await sweepOnce();
    await scheduler.runUntil(scheduler.now() + (weather.delays === 'hours' ? 26 * HOUR : HOUR));
    // What a dead node had not applied yet is found by a look that comes every five minutes.
    if (weather.theme === 'news') {
      await within(scheduler, containerOf(nodes[0] as SimNode).payoutNews.applyAnswered(), HOUR);
      await scheduler.runUntil(scheduler.now() + MINUTE);
    }
    await trials?.settle(calm);
    // Where nothing was lost, what was acknowledged suffices: a day later much would be repaired by looking again.
    if (!weather.sweeps) {
      await letLooksPass();
      await desks?.settle(calm);
      ask({ isGraceOver: false });
    }
    await comeToRest();
    await desks?.settle(calm);
    problems.push(...((await setup?.settle(calm)) ?? []));
    await letLooksPass();

    // ── The laws ──
    const books = ask({ isGraceOver: true });
    problems.push(...(await auditAgrees(engine, scheduler.now(), books, tenants.map(hasCertainStage))));
    problems.push(...(await figuresAgree(engine, scheduler.now())));
    // Law 6 and law 4: what was seen is seen again, under its own key and as news, and changes nothing.
    const before = books.map((one, index) => fingerprintOf(one, hasCertainStage(tenants[index] as Tenant)));
    const written = mirrorWrites();
    const readsBefore = crm.portals.map((portal) => portal.reads);
    post.replay();
    await scheduler.runUntil(scheduler.now() + 5 * MINUTE);
    if (crm.portals.some((portal, index) => portal.reads !== readsBefore[index]))
      problems.push('law 4: deliveries that were seen before made us read records again');
    if (setup?.isAllMet() ?? true) post.replayAsNews();
    await scheduler.runUntil(scheduler.now() + 5 * MINUTE);
    const after = tenants.map((tenant) =>
      fingerprintOf(booksOf(db, tenant.accountId, tenant.connectionId, tenant.portal), hasCertainStage(tenant)),
    );
    after.forEach((fingerprint, index) => {
      if (fingerprint !== before[index])
        problems.push(`law 4: replaying what was received changed the books of ${tenants[index]?.accountId}`);
    });
    if (mirrorWrites() !== written) problems.push('law 5: replaying what was received wrote to the CRM');
    const reads = crm.portals.map((portal) => portal.reads);
    for (const { portal } of tenants) for (const id of [...portal.deals.keys()].slice(0, 2)) portal.echo('deal', id);
    post.flush();
    await scheduler.runUntil(scheduler.now() + MINUTE);
    if (crm.portals.some((portal, index) => portal.reads !== reads[index]))
      problems.push('law 5: an echo of our own write made us read the record again');
    problems.push(...((await listeners?.settle(calm)) ?? []));
    problems.push(...(await endTrials()));
    for (const tenant of tenants) problems.push(...(await forecastOf(tenant)));
    return report(books);
  } catch (error) {
    problems.push(
      error instanceof EndlessRun ? `law 8: ${error.message}` : `the history broke: ${String((error as Error).stack)}`,
    );
    return report([]);
  } finally {
    for (const node of nodes) if (node.life) (node.life as { isAlive: boolean }).isAlive = false;
    await witness?.onEnd(engine);
    await engine.close();
  }

  function report(books: readonly Books[]): HistoryReport {
    return {
      seed,
      problems,
      digest: scheduler.digest(),
      timeline: scheduler.timeline,
      counters,
      weather,
      steps: scheduler.steps,
      decisions: books.reduce((sum, { decisions }) => sum + decisions.length, 0),
      rewards: books.reduce((sum, { rewards }) => sum + rewards.length, 0),
      given: receiver.given.size,
    };
  }

  /** With a contact the CRM deletes what tied it to its deals: how far its referral had come depends on what was seen before. */
  function hasCertainStage({ portal, second }: Tenant): (contactId: string) => boolean {
    // Nobody deletes a contact where there are two CRMs.
    if (second) return () => true;
    return (contactId) => portal.contacts.get(contactId)?.isDeleted === false;
  }

  /** Real life is the same before and after. */
  async function endTrials(): Promise<string[]> {
    const [tenant] = tenants;
    if (!tenant || !trials) return [];
    const real = () => booksOf(db, tenant.accountId, tenant.connectionId, tenant.portal);
    const before = fingerprintOf(real(), hasCertainStage(tenant));
    const found = await trials.finish(calm, real);
    found.push(...mirrorIsEqual(real()), ...(await figuresAgree(engine, scheduler.now())));
    if (fingerprintOf(real(), hasCertainStage(tenant)) !== before) found.push('trial: its end has changed real life');
    return found.map((problem) => `${tenant.accountId}: ${problem}`);
  }

  /** What is expected of open deals is what the CRM says of them, and counting it changes nothing. */
  async function forecastOf(tenant: Tenant): Promise<string[]> {
    if (tenant.second || (tenant === tenants[0] && setup)) return [];
    const books = () => booksOf(db, tenant.accountId, tenant.connectionId, tenant.portal);
    const before = fingerprintOf(books(), () => true);
    const found = await forecastAgrees({ ...tenant, books: books(), calm });
    if (fingerprintOf(books(), () => true) !== before) found.push('forecast: counting it has changed the books');
    return found.map((problem) => `${tenant.accountId}: ${problem}`);
  }

  function mirrorWrites(): number {
    return crm.portals
      .flatMap(({ contacts, deals }) => [...contacts.values(), ...deals.values()])
      .reduce(
        (sum, record) => sum + record.mirrorWrites,
        crm.portals.reduce((sum, { rows }) => sum + (rows?.changes ?? 0), 0),
      );
  }

  function ask({ isGraceOver }: { isGraceOver: boolean }): Books[] {
    const books = tenants.map(({ accountId, connectionId, portal }) => booksOf(db, accountId, connectionId, portal));
    problems.push(...nothingIsLost(db, post.acknowledged, scheduler.now()));
    problems.push(...crm.problems);
    books.forEach((one, index) => {
      const tenant = tenants[index] as Tenant;
      const { moved, isOpen } = tenant.disputes;
      if (index === 0 && setup) {
        const found = [
          ...decisionsTellTheStory(one),
          ...ledgerBalances(one),
          ...mirrorIsEqual(one),
          ...onlyItsOwn(one, [tenant.connectionId], db),
          ...rewardsAreTheReferrers(one),
          ...setup.problems(one),
        ];
        problems.push(...found.map((problem) => `${tenant.accountId}: ${problem}`));
        return;
      }
      if (index === 0 && desks) tenant.published.splice(0, Number.POSITIVE_INFINITY, ...desks.published());
      if (isOpen) problems.push(`law 8: ${tenant.accountId}: whose a referral is was said, and nobody has answered`);
      if (tenant.second && twoCrms) {
        const { second } = tenant;
        const found = [
          ...[tenant, second].flatMap((side) => decisionsTellTheStory(sideOf(one, side))),
          ...ledgerBalances(one),
          ...onlyItsOwn(one, [tenant.connectionId, second.connectionId], db),
          ...rewardsAreTheReferrers(one),
          ...twoCrms.problems(one, tenant.published[0]?.rules as RewardRule[]),
        ];
        problems.push(...found.map((problem) => `${tenant.accountId}: ${problem}`));
        return;
      }
      const expected = expectedOf({
        ...tenant,
        moved,
        isDisturbed: (id) => tenant.disturbed.has(id),
        sayOn: sayOn({ ...tenant, policy: tenant.risk, db }),
      });
      const found = [
        ...whatTheCrmSays(one, expected, hasCertainStage(tenant), receiver, scheduler.now()),
        ...sharedDealsPayOnce(one, expected),
        ...decisionsTellTheStory(one),
        ...holdsAreObserved(one, tenant.published),
        ...ledgerBalances(one),
        ...(tenant.portal.rows ? rowsAreRight(one, db) : mirrorIsEqual(one)),
        ...onlyItsOwn(one, [tenant.connectionId], db),
        ...rewardsAreTheReferrers(one),
        ...newsIsBooked(one, receiver),
        ...termsAreKept({ ...tenant, rules: tenant.terms, db, receiver }),
        ...(tenant.credit
          ? creditIsShared({
              ...tenant,
              books: one,
              db,
              rules: tenant.terms,
              policy: tenant.credit,
              // By a node whose clock is behind a deal is won before its referral has two members.
              isOfTwo: (id) => areClocksTrue(weather) && (staffs[index]?.ofTwo.has(id) ?? false),
            })
          : []),
        ...(index === 0 && workflows ? workflows.problems(one, db) : []),
        ...(index === 0 && desks ? desks.problems(one) : []),
        ...(index === 0 && trials ? trials.problems(one) : []),
        ...reviewsAreRight({ ...tenant, policy: tenant.risk, db, receiver }),
        ...tiersAreRight({
          ...tenant,
          scheme: tenant.tiers,
          db,
          expected,
          wasMoved: moved.length > 0,
          isGraceOver,
        }),
      ];
      problems.push(...found.map((problem) => `${tenant.accountId}: ${problem}`));
    });
    problems.push(...receiverAgrees(books, receiver));
    return books;
  }

  async function letLooksPass(): Promise<void> {
    while (isLookDueWithin(6 * MINUTE)) await scheduler.runUntil(scheduler.now() + 6 * MINUTE);
  }

  /** A look at a rewarded deal would be taken for a reading that the replay has caused. */
  function isLookDueWithin(ms: number): boolean {
    const { due } = db
      .prepare('select count(*) as due from work where due_at between ? and ?')
      .get(scheduler.now(), scheduler.now() + ms) as {
      due: number;
    };
    return due > 0;
  }

  /** Until the holds have ended, and each rewarded deal was looked at again after everything had happened. */
  async function comeToRest(): Promise<void> {
    const lived = scheduler.now() - START;
    const hasHolds = tenants.some(({ published }) =>
      published.some(({ rules }) => rules.some(({ holdDays }) => holdDays > 0)),
    );
    if (hasHolds) await scheduler.runUntil(scheduler.now() + HOLDS_END_MS);
    // The deletion of a deal whose hint was lost is found by the looks that follow a reward, each twice as far from it.
    if (weather.losses > 0 || weather.disconnect || weather.revocation)
      await scheduler.runUntil(scheduler.now() + lived + 2 * DAY);
    if (weather.theme !== 'tiers') return;
    await scheduler.runUntil(scheduler.now() + GRACE_DAYS * DAY + 2 * HOUR);
    await within(scheduler, containerOf(nodes[0] as SimNode).tiers.lookAtDue(), HOUR);
    await scheduler.runUntil(scheduler.now() + MINUTE);
  }

  async function sweepOnce(): Promise<void> {
    sweepEveryMs = null;
    if (weather.sweeps) await within(scheduler, containerOf(nodes[0] as SimNode).reconcile.sweepAll(), HOUR);
  }

  function planFaults(): void {
    const anywhere = () => random.integer(1, weather.spanMs);
    // KNOWN GAP: who dies with a lease while its clock is an hour ahead keeps the others waiting for that hour.
    const aheadMaxMs = weather.crashes > 0 ? AHEAD_MAX_MS : HOUR;
    for (let count = 0; count < weather.crashes; count += 1) {
      scheduler.after(anywhere(), () => {
        const node = random.pick(nodes);
        node.crashAfter(random.integer(1, 40), random.pick(['before', 'inside', 'inside', 'after']));
      });
    }
    for (let count = 0; count < weather.pauses; count += 1) {
      scheduler.after(anywhere(), () => {
        counters['node paused'] += 1;
        random.pick(nodes).pause(random.pick([3_000, 3 * MINUTE, 10 * MINUTE]));
      });
    }
    for (let count = 0; count < weather.storms; count += 1) {
      scheduler.after(anywhere(), () =>
        network.startStorm(
          random.pick(['limited', 'unavailable'] as const),
          random.pick([20_000, 5 * MINUTE, 30 * MINUTE]),
        ),
      );
    }
    if (weather.skewMs > 0) {
      counters['clocks apart'] += 1;
      for (const node of nodes) node.skewMs = random.integer(-weather.skewMs, Math.min(weather.skewMs, aheadMaxMs));
    }
    for (let count = 0; count < weather.clockJumps; count += 1) {
      scheduler.after(anywhere(), () => {
        const node = random.pick(nodes);
        counters['clock jumped'] += 1;
        node.skewMs = Math.min(random.pick([-HOUR, -MINUTE, MINUTE, HOUR, 0]), aheadMaxMs);
        scheduler.note(node.name, `clock jumps to ${node.skewMs / 1_000} s`);
      });
    }
    if (random.chance(0.3) && !isLater(weather.theme)) scheduler.after(anywhere(), () => publish(random.pick(tenants)));
    // What was won before it was submitted counts for a tier and pays nothing: the two have to agree there.
    if (random.chance(0.3) && weather.theme !== 'tiers' && weather.theme !== 'risk' && !isLater(weather.theme))
      scheduler.after(anywhere(), () => submit(random.pick(tenants)));
    if (weather.revocation) {
      scheduler.after(anywhere(), () => {
        const tenant = random.pick(tenants);
        counters['authorisation revoked'] += 1;
        scheduler.note(`crm ${tenant.portal.externalId}`, 'authorisation revoked');
        tenant.portal.revoke();
        if (random.chance(0.5)) scheduler.after(random.integer(1, weather.spanMs / 4), () => void reconnectNow(tenant));
      });
    }
    if (weather.disconnect) {
      scheduler.after(anywhere(), () => {
        const tenant = random.pick(tenants);
        const node = random.pick(nodes);
        counters['disconnected by an admin'] += 1;
        scheduler.note('admin', `disconnects ${tenant.accountId}`);
        node.container?.connect.disconnect(tenant.accountId, tenant.connectionId).catch(() => {});
        scheduler.after(random.integer(1, weather.spanMs / 4), () => void reconnectNow(tenant));
      });
    }
  }

  async function publish(tenant: Tenant): Promise<void> {
    const container = random.pick(nodes).container;
    if (!container) return;
    const rules = drawRules(createRandom(seed, `rules of ${tenant.accountId}`), weather.theme);
    const earlier = tenant.published[0]?.rules ?? [];
    // The same keys: which of a new rule's deals are old is not what is tried here.
    const published = [...rules.filter(({ key }) => earlier.some((rule) => rule.key === key)), ...tenant.terms];
    if (published.length < earlier.length) return;
    counters['program published'] += 1;
    const version = await createProgramStore(engine).publish(
      tenant.accountId,
      { programId: 'default', name: 'Default', rules: published, tiers: tenant.tiers, risk: tenant.risk },
      scheduler.now(),
    );
    scheduler.note('admin', `publishes version ${version.version} for ${tenant.accountId}`);
    if (!tenant.published.some(({ publishedAt }) => publishedAt === version.publishedAt))
      tenant.published.push(version);
  }

  /** An admin enrols somebody and submits a friend of theirs, by contact or by address. */
  async function submit(tenant: Tenant): Promise<void> {
    const act = random.pick(nodes).container?.act;
    if (!act) return;
    const { accountId, connectionId, portal } = tenant;
    const ref = (id: string) => ({ connectionId, object: 'contact' as const, id });
    const member = [...portal.contacts.values()].find(
      ({ referrers, isDeleted, mergedInto }) => referrers.size === 0 && !isDeleted && !mergedInto,
    );
    if (!member) return;
    const friend = portal.createContact({
      name: 'Submitted',
      email: `friend${scheduler.now()}@example.com`,
      usedCode: null,
      referrers: [],
    });
    scheduler.note('admin', `submits contact ${friend.id} for ${accountId}, referred by contact ${member.id}`);
    // What a crash may swallow is asked for again by whoever asked.
    // By an address alone only where there are sweeps: they look for the contact when the first look has failed.
    const byContact = random.chance(0.5) || !weather.sweeps;
    const attempt = async (use: Container['act']) => {
      const enrolled = await use.createMember(accountId, {
        name: member.name,
        email: member.email,
        contact: ref(member.id),
      });
      if (enrolled.kind === 'refused') throw new Error(enrolled.code);
      counters['member created by API'] += 1;
      const made = await use.createReferral(accountId, {
        memberId: enrolled.member.id,
        friend: { name: friend.name, email: friend.email, contact: byContact ? ref(friend.id) : null },
      });
      if (made.kind === 'refused') throw new Error(made.code);
      counters['referral created by API'] += 1;
      tenant.submitted.push({ contactId: friend.id, memberContactId: member.id, submittedAt: scheduler.now() });
    };
    const again = () => {
      if (tenant.submitted.some(({ contactId }) => contactId === friend.id)) return;
      const container = nodes.find(({ life }) => life !== null)?.container;
      if (container) attempt(container.act).catch(() => {});
      scheduler.after(20 * MINUTE, again);
    };
    attempt(act).catch((error: unknown) => scheduler.note('admin', `submission: ${String(error)}`));
    scheduler.after(20 * MINUTE, again);
    scheduler.after(random.integer(1, 30 * MINUTE), () => {
      if (portal.contacts.get(friend.id)?.mergedInto !== null) return;
      const { id } = portal.createDeal({ pipeline: 'sales', stage: '71', amount: '500.00', currency: 'EUR' }, [
        friend.id,
      ]);
      scheduler.note(`crm ${portal.externalId}`, `deal ${id} of ${friend.id}, won`);
    });
  }

  async function reconnectNow(tenant: Tenant): Promise<void> {
    const container = random.pick(nodes).container;
    if (!container) return;
    counters.reconnected += 1;
    scheduler.note('admin', `connects ${tenant.accountId} again`);
    await connect(container, tenant).catch((error: unknown) =>
      scheduler.note('admin', `not connected: ${String(error)}`),
    );
  }

  async function reconnectIfLost(tenant: Tenant): Promise<void> {
    const { status } = db.prepare('select status from connections where id = ?').get(tenant.connectionId) as {
      status: string;
    };
    if (!(weather.revocation || weather.disconnect)) {
      if (status !== 'connected')
        problems.push(`law 8: the connection of ${tenant.accountId} was lost, and nobody had taken it away`);
      return;
    }
    const outcome = await within(scheduler, connect(containerOf(nodes[0] as SimNode), tenant), MINUTE);
    if (outcome?.kind !== 'connected') throw new Error(`not connected again: ${JSON.stringify(outcome)}`);
  }
}

async function connect(container: Container, { accountId, portal }: Pick<Tenant, 'accountId' | 'portal'>) {
  const begun = await container.connect.begin(accountId, PROVIDER);
  const state = new URL(begun?.url ?? 'https://nowhere.test').searchParams.get('state') ?? '';
  return container.connect.complete({ provider: PROVIDER, code: portal.consent(), state });
}

function containerOf(node: SimNode): Container {
  if (!node.container) throw new Error(`${node.name} is not up`);
  return node.container;
}

/** Lets time go on until the promise is settled. */
async function within<T>(scheduler: Scheduler, promise: Promise<T>, ms: number): Promise<T | undefined> {
  let settled: { value: T } | { error: unknown } | null = null;
  promise.then(
    (value) => {
      settled = { value };
    },
    (error: unknown) => {
      settled = { error };
    },
  );
  const until = scheduler.now() + ms;
  while (!settled && scheduler.now() < until) await scheduler.runUntil(scheduler.now() + 100);
  const outcome = settled as { value: T } | { error: unknown } | null;
  if (outcome && 'error' in outcome) throw outcome.error;
  return outcome?.value;
}

/** With the number of transactions that have ended in it, however they did. */
async function openDatabase(witness: Witness | null): Promise<{ engine: Engine; writes: () => number }> {
  const opened = await openSqlite(':memory:');
  if (!isMigrated) {
    await migrate(opened);
    keepMigrated();
    isMigrated = true;
  }
  let writes = 0;
  const heard =
    (kind: Parameters<Witness['onAsked']>[0]): Engine['read'] =>
    async (run) => {
      const result = await opened[kind](run);
      witness?.onAsked(kind, run, result);
      return result;
    };
  const write = heard('write');
  const engine: Engine = {
    ...opened,
    read: heard('read'),
    snapshot: heard('snapshot'),
    write: (run) =>
      write(run).finally(() => {
        writes += 1;
      }),
  };
  return { engine, writes: () => writes };
}

let isMigrated = false;

/** Which worker that sleeps would find something at its next look, and when. */
function createWaking(
  db: Database.Database,
  writes: () => number,
  idlers: Set<Idler>,
  random: ReturnType<typeof createRandom>,
  nodes: readonly SimNode[],
) {
  const connected = `exists (select 1 from connections c where c.account_id = q.account_id and c.id = q.connection_id and c.status = 'connected')`;
  const version = db.prepare('select total_changes() as n').pluck();
  const due: Record<Queue, Database.Statement> = {
    work: db.prepare(`select min(due_at) from work q where due_at is not null and ${connected}`).pluck(),
    mirror: db.prepare(`select min(due_at) from mirror q where due_at is not null and ${connected}`).pluck(),
    intents: db
      .prepare(
        `select min(q.due_at) from intents q join rewards r on r.account_id = q.account_id and r.id = q.reward_id
         where q.due_at is not null and q.state = 'pending' and (q.kind <> 'issue' or r.state in ('approved', 'issuing'))`,
      )
      .pluck(),
    waits: db.prepare(`select min(due_at) from workflow_waits q where due_at is not null and ${connected}`).pluck(),
    webhooks: db
      .prepare(
        `select min(max(q.due_at, e.rests_until)) from webhook_deliveries q join webhook_endpoints e
           on e.account_id = q.account_id and e.id = q.endpoint_id
         where q.due_at is not null and e.state = 'enabled'`,
      )
      .pluck(),
  };
  const skewOf = new Map(nodes.map((node) => [node.name, node]));
  let known: unknown = null;
  let writesKnown = -1;
  let dueAt: Record<Queue, number | null> = { work: null, mirror: null, intents: null, waits: null, webhooks: null };
  /** Looks that found nothing though something was due, as when another node was faster: not repeated until something changes. */
  const inVain = new Map<string, Partial<Record<Queue, { readonly version: unknown; readonly at: number | null }>>>();

  /** Asked before each step, and only every fourth writes: the database is asked after those. */
  function look(): unknown {
    const written = writes();
    if (written === writesKnown) return known;
    writesKnown = written;
    const current = version.get();
    if (current === known) return current;
    known = current;
    dueAt = {
      work: due.work.get() as number | null,
      mirror: due.mirror.get() as number | null,
      intents: due.intents.get() as number | null,
      waits: due.waits.get() as number | null,
      webhooks: due.webhooks.get() as number | null,
    };
    return current;
  }

  return {
    isDue(queue: Queue, now: number): boolean {
      look();
      const at = dueAt[queue];
      return at !== null && at <= now;
    },
    next(now: number) {
      const current = look();
      let best: { at: number; queue: Queue } | null = null;
      const waiting: Idler[] = [];
      for (const idler of idlers) {
        const at = dueAt[idler.queue];
        if (at === null || !idler.life.isAlive) continue;
        const theirs = Math.max(now, at - (skewOf.get(idler.life.name)?.skewMs ?? 0) + 1);
        const vain = inVain.get(idler.life.name)?.[idler.queue];
        if (vain && vain.version === current && vain.at === at) continue;
        if (best && theirs > best.at) continue;
        if (!best || theirs < best.at) waiting.length = 0;
        best = { at: theirs, queue: idler.queue };
        waiting.push(idler);
      }
      if (!best) return null;
      const { at } = best;
      return {
        at,
        wake() {
          const chosen = random.pick(waiting);
          const { name } = chosen.life;
          inVain.set(name, {
            ...inVain.get(name),
            [chosen.queue]: { version: current, at: dueAt[chosen.queue] },
          });
          chosen.wake();
          // A poke wakes all workers of a node: often two of them look at once.
          const second = random.chance(0.3) ? waiting.find((idler) => idler !== chosen) : undefined;
          second?.wake();
        },
      };
    },
  };
}

interface PostDeps {
  readonly scheduler: Scheduler;
  readonly random: ReturnType<typeof createRandom>;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly nodes: () => readonly SimNode[];
}

/** Brings the CRM's news to the nodes: late, twice, in another order, or not at all, until somebody has acknowledged it. */
function createPost({ scheduler, random, weather, counters, nodes }: PostDeps) {
  const acknowledged = new Set<string>();
  const sent: Hint[] = [];
  const waiting: Hint[] = [];
  /** News of our own writes; it comes with the next other news, as it is nobody's hurry. */
  const riding: Hint[] = [];
  let isCalm = false;
  let lastArrival = 0;
  let replays = 0;

  function delay(): number {
    if (isCalm) return random.integer(10, 500);
    if (weather.delays === 'hours' && random.chance(0.15)) {
      counters['hint late by an hour or more'] += 1;
      return random.integer(HOUR, Math.min(25 * HOUR, Math.max(2 * HOUR, weather.spanMs)));
    }
    if (weather.delays !== 'short' && random.chance(0.3)) {
      counters['hint late by a minute or more'] += 1;
      return random.integer(MINUTE, 20 * MINUTE);
    }
    // Half of it comes while what it tells of is being read.
    return random.integer(20, random.chance(0.5) ? 300 : 6_000);
  }

  /** What happens in one moment mostly travels together. */
  let together = { at: -1, ms: 0 };

  function send(hint: Hint): void {
    if (hint.echo) return void riding.push(hint);
    if (together.at !== scheduler.now() || random.chance(0.2)) together = { at: scheduler.now(), ms: delay() };
    const { ms } = together;
    const arrival = scheduler.now() + ms;
    if (arrival < lastArrival) counters['hint reordered'] += 1;
    lastArrival = Math.max(lastArrival, arrival);
    scheduler.after(ms, () => {
      waiting.push(hint);
      // Several that wait travel together.
      if (waiting.length === 1)
        scheduler.after(random.pick([0, 50, 500]), () => deliver([...riding.splice(0), ...waiting.splice(0)], 1));
    });
  }

  function deliver(hints: readonly Hint[], attempt: number): void {
    const again = (why: string) => {
      if (attempt === DELIVERIES_MAX && weather.sweeps) return scheduler.note('post', `gives up: ${why}`);
      const pause = isCalm ? 1_000 : Math.min(2 ** Math.min(attempt, DELIVERIES_MAX) * 5_000, 2 * HOUR);
      scheduler.after(pause * (0.8 + 0.4 * random.next()), () => deliver(hints, attempt + 1));
    };
    const up = nodes().filter(({ life }) => life !== null);
    const receive = up.length === 0 ? undefined : random.pick(up).container?.receive.get(PROVIDER);
    if (!receive) {
      again('nobody is there');
      return;
    }
    let isAnswered = false;
    const timeout = scheduler.after(DELIVERY_TIMEOUT_MS, () => {
      if (isAnswered) return;
      isAnswered = true;
      again('no answer in time');
    });
    const body = new TextEncoder().encode(JSON.stringify(hints));
    receive({ method: 'POST', url: 'https://wonward.test/webhooks/simulated', headers: {}, body }).then(
      (result) => {
        if (isAnswered) return;
        if (!isCalm && random.chance(weather.ackLosses)) {
          counters['acknowledgement lost'] += 1;
          return;
        }
        isAnswered = true;
        timeout.cancel();
        if (result.kind === 'accepted' && result.unknown === 0)
          for (const { eventKey } of hints) acknowledged.add(eventKey);
      },
      (error: unknown) => {
        if (isAnswered) return;
        isAnswered = true;
        timeout.cancel();
        if (!(error instanceof Fault)) scheduler.note('post', `refused: ${String(error)}`);
        again('a fault');
      },
    );
  }

  return {
    acknowledged: acknowledged as ReadonlySet<string>,
    take(hint: Hint): void {
      sent.push(hint);
      if (!isCalm && random.chance(weather.losses)) {
        counters['hint lost'] += 1;
        scheduler.note(
          'post',
          `loses the ${hint.kind} of ${hint.records.map(({ object, id }) => `${object} ${id}`).join(', ')}`,
        );
        return;
      }
      send(hint);
      if (random.chance(weather.duplicates)) {
        counters['hint duplicated'] += 1;
        send(hint);
      }
    },
    calm(): void {
      isCalm = true;
    },
    /** What only travels along, by itself. */
    flush(): void {
      deliver(riding.splice(0), 1);
    },
    /** All that was acknowledged, again and in another order. */
    replay(): void {
      riding.length = 0;
      deliver(
        shuffled(
          sent.filter(({ eventKey }) => acknowledged.has(eventKey)),
          random,
        ),
        1,
      );
    },
    /** Everything as if it had happened only now. */
    replayAsNews(): void {
      const news = shuffled(sent, random).filter(({ echo }) => !echo && random.chance(0.5));
      deliver(
        news.map((hint) => {
          replays += 1;
          return { ...hint, eventKey: `replay ${replays}` };
        }),
        1,
      );
    },
  };
}

function shuffled<T>(items: readonly T[], random: ReturnType<typeof createRandom>): T[] {
  return items
    .map((item) => ({ item, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
