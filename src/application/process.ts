import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countsCompanies } from '../domain/attribution-policy.ts';
import { Fault } from '../domain/errors.ts';
import type { StageMapping } from '../domain/mapping.ts';
import type { Plan } from '../domain/plan.ts';
import { firstRateDay } from '../domain/program.ts';
import { openProgramIn } from '../domain/program-choice.ts';
import { alsoOfContacts, wantedProperties } from '../domain/property.ts';
import { ratesOf } from '../domain/rates.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { type DecidedGroup, decideGroups, type GroupWithPart } from './decide-groups.ts';
import { type Gathered, gather, riskWanted } from './gather.ts';
import { createParts, type Group, groupByPeople } from './groups.ts';
import { type OtherConnections, otherConnections, withKeys } from './other-connections.ts';
import { ownObjects } from './own-objects.ts';
import type { CrmAccess, CrmSession } from './ports/crm.ts';
import type { Observe } from './ports/observe.ts';
import type { CommitResult, Connection, LoadedCase, Shard, Store, WorkItem } from './ports/store.ts';
import { createMappingReader } from './refresh-mapping.ts';
import { deferralFor } from './retry.ts';
import type { SyncPulse } from './sync-pulse.ts';
import { countryPropertyOf } from './tax.ts';
import { createTellTests } from './tell-tests.ts';

/** One association batch read takes 1,000 inputs and one object batch 100; five of the latter fill one lease well. */
const CLAIM_MAX = 500;
/** Records of a node that died are another's after this long. It is longer than one call to a CRM takes, with all its retries. */
const LEASE_MS = 60_000;
/** A batch that takes long renews its lease between two calls, when this much of it is left. */
const LEASE_LEFT_MS = 40_000;
/** Others change the same referral at the same time rarely; after this many tries in a row the record waits its turn. */
const CONFLICT_TRIES = 4;
/** Then it waits longer each time, so that whoever was faster is done, and a plan that can never be written heats nothing. */
const CONTENDED = new Fault('busy', { kind: 'retry' }, 'Others changed the same people at the same time.');

export interface ProcessDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly observe: Pick<Observe, 'processed' | 'decision'>;
  readonly openSession: (connection: Connection, pace?: CrmAccess['pace']) => CrmSession;
  /** Called when a commit left payouts to carry out. */
  readonly onDecided: () => void;
  /** Told of people who are new to an account with several connections, to be looked for in the others; may take its time. */
  readonly onMet?: (accountId: string, emails: readonly string[], except: string) => void;
  /** Called when a test has something to look at. */
  readonly onTested?: () => void;
  readonly pulse?: Pick<SyncPulse, 'lag' | 'failure'> | undefined;
}

/** Returns how many records were claimed; 0 means that nothing is due. */
export type ProcessBatch = (shard: Shard, signal?: AbortSignal) => Promise<number>;

/** Second hop: claim records, read them again from the CRM, decide, and write everything that follows in one transaction. */
export function createProcess(deps: ProcessDeps): ProcessBatch {
  const { store, clock, log } = deps;
  const currentMapping = createMappingReader(store, clock);
  const tests = createTellTests({ store, clock });

  async function processAll(connection: Connection, items: readonly WorkItem[]): Promise<void> {
    // A batch is of today or of a backfill, never of both.
    const pace = items[0]?.isBackground ? 'background' : undefined;
    const session = watched(deps.openSession(connection, pace), keepClaim(items));
    // Facts are as old as the first of them: a sweep must not take one that was read before a change for one read after it.
    const readAt = clock.now();
    const programs = await store.programs.versions(connection.accountId);
    const others = await otherConnections(store, connection);
    const policy = await store.attribution.newest(connection.accountId);
    const byCompany = policy !== null && countsCompanies(policy.policy);
    const asked = alsoOfContacts(wantedProperties(programs), await countryPropertyOf(store, connection.accountId));
    const isCompanyWanted = asked.isCompanyWanted || byCompany || session.showsCompanies === true;
    const wanted = withKeys({ ...asked, isCompanyWanted }, others, connection.id);
    const risk = riskWanted(programs, readAt);
    const gathered = await gather(session, store.cases, connection, items, wanted, risk, others, byCompany);
    const mapping = await currentMapping(session, connection, [...gathered.deals.values()]);
    const isTested = await tests.tell(connection, mapping, gathered, items);
    const keepsRows = session.mirrors === 'rows' || (await ownObjects(store, session, connection)) !== null;
    await decideAndCommit(connection, mapping, gathered, items, readAt, others, keepsRows);
    if (isTested) deps.onTested?.();
    await tests.forget(connection, items);
  }

  /** Between two calls to a CRM that is slow or asks us to wait: the claim lasts as long as there is an answer now and then. */
  function keepClaim(items: readonly WorkItem[]): () => Promise<void> {
    let endsAt = clock.now() + LEASE_MS;
    return async () => {
      const now = clock.now();
      if (endsAt - now > LEASE_LEFT_MS) return;
      endsAt = now + LEASE_MS;
      await store.work.extend(items, endsAt);
    };
  }

  async function decideAndCommit(
    connection: Connection,
    mapping: StageMapping,
    gathered: Gathered,
    items: readonly WorkItem[],
    readAt: number,
    others: OtherConnections | null,
    keepsRows: boolean,
  ): Promise<void> {
    // Read after the records: a deal is judged by the version that was in force when it was won.
    const programs = await store.programs.versions(connection.accountId);
    const choices = await store.appSettings.choices(connection.accountId);
    const attribution = (await store.attribution.newest(connection.accountId)) ?? undefined;
    const rateDay = firstRateDay(programs);
    const ratesIn = connection.testOf ?? connection.accountId;
    const rates = rateDay === null ? undefined : ratesOf(await store.rates.all(ratesIn, rateDay));
    const rules = { programs, choices, mapping, attribution, ...(rates ? { rates } : {}) };
    let open: Group[] = groupByPeople(items, gathered);
    let loaded = gathered.loaded;
    for (let tries = 1; open.length > 0; tries += 1) {
      const now = clock.now();
      const current = await releaseOlder(open, gathered, loaded, others);
      if (current.length === 0) return;
      const isProgramOpen = openProgramIn(programs, choices, connection.id, now) !== undefined;
      const batch = { connection, rules, isProgramOpen, others, keepsRows, gathered, readAt };
      const decided = decideGroups(batch, current, loaded, now);
      open = [];
      for (const [turn, together] of inTurns(decided, store.cases.togetherMax).entries()) {
        if (turn > 0) await nextTurn();
        const results = await store.cases.commit(together.map(({ commit }) => commit));
        const having = (result: CommitResult) => together.filter((_, index) => results[index] === result);
        report(connection, having('committed'), others !== null);
        // Others have read newer facts than these and decided on them: these are read again.
        const outdated = having('outdated').flatMap(({ group }) => group.items);
        if (outdated.length > 0) await store.work.release(outdated);
        open.push(...having('conflict').map(({ group }) => group));
      }
      if (open.length === 0) return;
      if (tries === CONFLICT_TRIES) {
        for (const item of open.flatMap((group) => group.items)) {
          await store.work.defer(item, deferralFor(CONTENDED, item.attempts, clock.now(), clock.random));
        }
        return;
      }
      loaded = await store.cases.load(gathered.keys);
    }
  }

  /**
   * Groups with what is stored of them. Whoever moved a referral meanwhile has read its friend's deals later than these were read, and may have
   * seen one that is not among them: nothing is concluded from that, these are read again.
   */
  async function releaseOlder(
    open: readonly Group[],
    gathered: Gathered,
    loaded: LoadedCase,
    others: OtherConnections | null,
  ): Promise<GroupWithPart[]> {
    const partOf = createParts(loaded, gathered, others?.policy ?? null);
    const parts = Map.groupBy(
      open.map((group) => ({ group, part: partOf(group) })),
      ({ part }) => part.referrals.some(({ id, version }) => gathered.versions.get(id) !== version),
    );
    const older = parts.get(true) ?? [];
    if (older.length > 0) await store.work.release(older.flatMap(({ group }) => group.items));
    return parts.get(false) ?? [];
  }

  /** Tells whoever waits for it what was written. */
  function report(connection: Connection, committed: readonly DecidedGroup[], isOneOfSeveral: boolean): void {
    const { accountId, id } = connection;
    const plans = committed.map(({ commit }) => commit.plan);
    for (const { outcome } of plans.flatMap(({ decisions }) => decisions)) deps.observe.decision(outcome);
    const now = clock.now();
    for (const { hintedAt } of committed.flatMap(({ commit }) => commit.settles))
      if (typeof hintedAt === 'number')
        deps.pulse?.lag({ accountId, connectionId: id }, 'decision_lag', now - hintedAt);
    const met = isOneOfSeveral ? plans.flatMap(newcomersOf) : [];
    if (met.length > 0) deps.onMet?.(accountId, [...new Set(met)], id);
    if (plans.some(({ intents }) => intents.length > 0)) deps.onDecided();
  }

  async function processOrDefer(connection: Connection, items: readonly WorkItem[]): Promise<void> {
    const startedAt = clock.now();
    try {
      await processAll(connection, items);
      const tookMs = clock.now() - startedAt;
      deps.observe.processed(items.length, tookMs / 1_000);
      log.info({ connection: connection.id, records: items.length, tookMs }, 'processed');
    } catch (fault) {
      if (items.length > 1 && isOfOneRecord(fault)) {
        // One record that the CRM chokes on must not hold up the others of its batch.
        for (const item of items) await processOrDefer(connection, [item]);
        return;
      }
      log.warn({ err: fault, connection: connection.id, records: items.length }, 'records put back');
      for (const item of items) {
        const deferral = deferralFor(fault, item.attempts, clock.now(), clock.random);
        deps.pulse?.failure({ accountId: item.accountId, connectionId: connection.id }, deferral.error);
        await store.work.defer(item, deferral);
      }
    }
  }

  return async (shard, signal) => {
    const items = await store.work.claim({
      shard,
      now: clock.now(),
      leaseMs: LEASE_MS,
      limit: CLAIM_MAX,
      claim: randomUUID(),
    });
    const [first] = items;
    if (!first) return 0;
    if (signal?.aborted) {
      await store.work.release(items);
      return 0;
    }
    const connection = await store.connections.get(first.accountId, first.record.connectionId);
    if (connection) await processOrDefer(connection, items);
    return items.length;
  };
}

/** In their order, each with as many groups as have so many records between them, or with one. */
function inTurns(decided: readonly DecidedGroup[], recordsMax: number): DecidedGroup[][] {
  const turns: DecidedGroup[][] = [];
  let records = Number.POSITIVE_INFINITY;
  for (const one of decided) {
    const own = one.group.items.length;
    if (records + own > recordsMax) {
      turns.push([]);
      records = 0;
    }
    turns.at(-1)?.push(one);
    records += own;
  }
  return turns;
}

/** Addresses of people who were enrolled or referred for the first time. */
function newcomersOf({ members, referrals }: Plan): string[] {
  const emails = [
    ...members.filter(({ version }) => version === 1).map(({ email }) => email),
    ...referrals.filter(({ version }) => version === 1).map(({ friend }) => friend.email),
  ];
  return emails.flatMap((email) => email ?? []);
}

/** The same session; `onAnswer` runs after each of its calls. */
function watched(session: CrmSession, onAnswer: () => Promise<void>): CrmSession {
  const after =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const answer = await call(...args);
      await onAnswer();
      return answer;
    };
  return {
    ...session,
    stages: after(session.stages),
    readDeals: after(session.readDeals),
    readContacts: after(session.readContacts),
    dealsOfContacts: after(session.dealsOfContacts),
  };
}

function isOfOneRecord(fault: unknown): boolean {
  return !(fault instanceof Fault) || fault.retry.kind === 'never';
}
