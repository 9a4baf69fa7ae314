import { randomUUID } from 'node:crypto';
import { countsCompanies } from '../domain/attribution-policy.ts';
import { sharedKeyOf } from '../domain/connections-policy.ts';
import { decide } from '../domain/decide.ts';
import { Fault } from '../domain/errors.ts';
import { derivedId } from '../domain/ids.ts';
import { findStage, type MappedStage, mapCatalog, type StageCatalog, type StageMapping } from '../domain/mapping.ts';
import { EMPTY_PLAN, type Plan } from '../domain/plan.ts';
import { firstRateDay } from '../domain/program.ts';
import { openProgramIn } from '../domain/program-choice.ts';
import { alsoOfContacts, wantedProperties } from '../domain/property.ts';
import { CHANCE_WHOLE } from '../domain/prospect.ts';
import { ratesOf } from '../domain/rates.ts';
import { type DealFacts, type RecordRef, recordKey } from '../domain/record.ts';
import { addTo } from '../domain/tally.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { colleaguesOf } from './colleagues.ts';
import { type Gathered, gather, riskWanted } from './gather.ts';
import { createParts, type Group, groupByPeople, isDecidedOn } from './groups.ts';
import { elsewhereState, type OtherConnections, otherConnections, withKeys } from './other-connections.ts';
import { ownObjects } from './own-objects.ts';
import type { CrmAccess, CrmSession } from './ports/crm.ts';
import type { Observe } from './ports/observe.ts';
import type { Commit, Connection, Shard, StageChance, Store, WorkItem } from './ports/store.ts';
import { deferralFor } from './retry.ts';
import type { SyncPulse } from './sync-pulse.ts';
import { countryPropertyOf } from './tax.ts';

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
    const isTested = await tellTest(connection, mapping, gathered, items);
    const keepsRows = session.mirrors === 'rows' || (await ownObjects(store, session, connection)) !== null;
    await decideAndCommit(connection, mapping, gathered, items, readAt, others, keepsRows);
    if (isTested) deps.onTested?.();
    if (connection.testOf === undefined) await forgetInTests(connection, items);
  }

  /** Whom the CRM was told to forget may have taken part in a test, also in one that has ended. */
  async function forgetInTests({ accountId }: Connection, items: readonly WorkItem[]): Promise<void> {
    const erase = items.filter((item) => item.erase).map(({ record }) => record);
    if (erase.length === 0) return;
    for (const test of await store.testRuns.accountsOf(accountId))
      await store.cases.commit([{ accountId: test, plan: EMPTY_PLAN, snapshots: [], restsOn: [], settles: [], erase }]);
  }

  /**
   * A test is told what was read of its friend, who it looks at then by itself: it hears of the CRM what the connection hears. Before these
   * records are settled, so that a test misses nothing either when a node dies.
   */
  async function tellTest(
    { accountId, id, testOf }: Connection,
    mapping: StageMapping,
    { deals, letGo, contacts }: Gathered,
    items: readonly WorkItem[],
  ): Promise<boolean> {
    const run = testOf === undefined ? await store.testRuns.openIn(accountId, id) : null;
    if (run?.state !== 'running') return false;
    const isFriend = (contactId: string) => run.friendContactIds.includes(contactId);
    const records = [
      ...[...deals.values()].filter(
        ({ ref, contactIds }) => contactIds.some(isFriend) || letGo.get(ref.id)?.some(isFriend) === true,
      ),
      ...[...contacts.values()].filter(({ ref, formerIds }) => [ref.id, ...formerIds].some(isFriend)),
    ].map(({ ref }) => ref);
    if (records.length === 0) return false;
    const at = clock.now();
    // What stages mean may have changed since the test began.
    await store.connections.saveMapping(run.testAccountId, id, mapping.version, mapping.entries, at);
    const hinted = items.filter(({ record }) => record.object === 'contact' && isFriend(record.id));
    const asked = [...new Map([...records, ...hinted.map(({ record }) => record)].map((ref) => [recordKey(ref), ref]))];
    await store.work.ask(
      run.testAccountId,
      asked.map(([, record]) => ({ record, at })),
    );
    return true;
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
    let open = groupByPeople(items, gathered);
    let loaded = gathered.loaded;
    for (let tries = 1; open.length > 0; tries += 1) {
      const now = clock.now();
      const partOf = createParts(loaded, gathered, others?.policy ?? null);
      // Whoever moved a referral meanwhile has read its friend's deals later than these were read, and may have seen one that is not among
      // them: nothing is concluded from that, these are read again.
      const isOlder = ({ referrals }: ReturnType<typeof partOf>) =>
        referrals.some(({ id, version }) => gathered.versions.get(id) !== version);
      const parts = open.map((group) => ({ group, part: partOf(group) }));
      const older = parts.filter(({ part }) => isOlder(part));
      if (older.length > 0) await store.work.release(older.flatMap(({ group }) => group.items));
      const current = parts.filter(({ part }) => !isOlder(part));
      if (current.length === 0) return;
      const elsewhere = elsewhereState(others, loaded.others);
      const judgedBy = { policy: others?.policy?.version ?? null, mapping: mapping.version };
      const about = {
        accountId: connection.accountId,
        connectedAt: connection.connectedAt,
        programs,
        choices,
        mapping,
        ...(rates ? { rates } : {}),
        ...elsewhere,
        attribution,
      };
      const isProgramOpen = openProgramIn(programs, choices, connection.id, now) !== undefined;
      // What one group takes from a limit is gone for the next one.
      const tallies = new Map(loaded.tallies);
      let tiers = loaded.tiers ?? [];
      const friendIds = keepsRows ? new Set(loaded.referrals.flatMap(({ friend }) => friend.contact?.id ?? [])) : null;
      const commits = current.map(({ group, part }): Commit & { group: Group } => {
        const state = { ...about, ...part, tallies, tiers, risk: loaded.risk, companies: loaded.companies };
        const plan = decide({ friends: group.friends, contacts: gathered.contacts, state, now });
        addTo(tallies, plan.tallies);
        tiers = [...tiers, ...plan.tierChanges];
        return {
          group,
          accountId: connection.accountId,
          plan: {
            ...plan,
            mirror: [
              ...plan.mirror,
              // What a rule would make of an open deal changes with the deal, decided or not; a row of ours tells it.
              ...(friendIds ? dealsOf(friendIds, group) : []),
            ],
          },
          snapshots: group.facts.map((facts) => {
            const basis = gathered.basisOf(facts.ref);
            const key = others?.policy ? { sharedKey: sharedKeyOf(others.policy.policy, facts) } : {};
            if (isDecidedOn(facts, group)) return { facts, readAt, basis, judgedBy, ...key };
            const { modifiedAt: _, ...unseen } = facts;
            return { facts: unseen, readAt: 0, basis, ...key };
          }),
          restsOn: group.restsOn.map((ref) => ({ ref, basis: gathered.basisOf(ref) })),
          settles: group.items,
          erase: [
            ...group.items.filter(({ erase }) => erase).map(({ record }) => record),
            // Also whom a record has become one with that was forgotten.
            ...group.facts.filter((facts) => 'isErased' in facts).map(({ ref }) => ref),
          ],
          ...(others ? { isOneOfSeveral: true } : {}),
          choicesSeen: choices.length,
          ...(isProgramOpen ? {} : { programsMissed: programs.length }),
          ...(loaded.companies ? { colleagues: colleaguesOf(connection.id, group, gathered, state, plan, now) } : {}),
        };
      });
      const results = await store.cases.commit(commits.map(({ group: _, ...commit }) => commit));
      commits.forEach(({ plan }, index) => {
        if (results[index] === 'committed') for (const { outcome } of plan.decisions) deps.observe.decision(outcome);
      });
      const decidedAt = clock.now();
      const of = { accountId: connection.accountId, connectionId: connection.id };
      commits.forEach(({ settles }, index) => {
        if (results[index] !== 'committed') return;
        for (const { hintedAt } of settles)
          if (typeof hintedAt === 'number') deps.pulse?.lag(of, 'decision_lag', decidedAt - hintedAt);
      });
      if (others) {
        const met = commits.flatMap(({ plan }, index) => (results[index] === 'committed' ? newcomersOf(plan) : []));
        if (met.length > 0) deps.onMet?.(connection.accountId, [...new Set(met)], connection.id);
      }
      if (commits.some(({ plan }, index) => results[index] === 'committed' && plan.intents.length > 0))
        deps.onDecided();
      // Others have read newer facts than these and decided on them: these are read again.
      const outdated = commits.flatMap(({ group }, index) => (results[index] === 'outdated' ? group.items : []));
      if (outdated.length > 0) await store.work.release(outdated);
      open = commits.flatMap(({ group }, index) => (results[index] === 'conflict' ? [group] : []));
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

/** Deals that were read and that somebody is on whom a member has referred. */
function dealsOf(friendIds: ReadonlySet<string>, { facts }: Group): RecordRef[] {
  return facts.flatMap((one) =>
    'contactIds' in one && one.presence === 'present' && one.contactIds.some((id) => friendIds.has(id))
      ? [one.ref]
      : [],
  );
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

/**
 * The mapping of a connection; read anew from the CRM's metadata when a deal stands, or stood, in a stage that it does not know.
 * A stage that the CRM does not know either was deleted before Wonward came, and is not asked for again.
 */
function createMappingReader(store: Store, clock: Clock) {
  const unresolvable = new Set<string>();
  return async (session: CrmSession, connection: Connection, deals: readonly DealFacts[]): Promise<StageMapping> => {
    const stored = await store.connections.mapping(connection.accountId, connection.id);
    const unknown = (mapping: StageMapping) =>
      deals
        .flatMap(({ history }) => history)
        .filter(({ pipelineId, stageId }) => findStage(mapping, pipelineId, stageId) === undefined)
        .map(({ pipelineId, stageId }) => `${connection.id} ${pipelineId} ${stageId}`);
    if (stored && unknown(stored).every((key) => unresolvable.has(key))) return stored;
    const refreshed = await refreshMapping(store, session, connection, clock.now());
    for (const key of unknown(refreshed)) unresolvable.add(key);
    return refreshed;
  };
}

/** Reads the pipelines and keeps what they mean, as a new version if anything differs. What an admin has said of a stage stays. */
export async function refreshMapping(
  store: Pick<Store, 'connections'>,
  session: Pick<CrmSession, 'stages'>,
  connection: Pick<Connection, 'id' | 'accountId'>,
  now: number,
): Promise<StageMapping> {
  const { accountId, id } = connection;
  const catalog = await session.stages();
  for (let tries = 0; tries < CONFLICT_TRIES; tries += 1) {
    const earlier = await store.connections.mapping(accountId, id);
    const mapping = mappingOf(mapCatalog(catalog, earlier?.entries ?? []));
    // What was said and stays was seen in that dry run.
    const grounds = { basis: earlier?.version ?? null, dryRunId: earlier?.dryRunId, chances: chancesIn(catalog) };
    if (await store.connections.saveMapping(accountId, id, mapping.version, mapping.entries, now, grounds))
      return mapping;
  }
  throw CONTENDED;
}

/** What is only ever forecast by is no part of the mapping: decisions name its versions. */
function chancesIn({ pipelines }: StageCatalog): StageChance[] {
  return pipelines.flatMap(({ id: pipelineId, stages }) =>
    stages.flatMap(({ id: stageId, probability }) =>
      probability === null ? [] : [{ pipelineId, stageId, chance: Math.round(probability * CHANCE_WHOLE) }],
    ),
  );
}

/** A version of the mapping is a hash of what it says. */
export function mappingOf(entries: readonly MappedStage[]): StageMapping {
  return { version: derivedId('map', JSON.stringify(entries)), entries };
}
