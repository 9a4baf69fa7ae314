import type { Case } from '../domain/case.ts';
import { SYSTEM } from '../domain/case.ts';
import {
  accepted,
  type Baseline,
  baselineOf,
  DRIFT_KINDS,
  type Drift,
  type DriftFacts,
  type DriftFix,
  type DriftKind,
  driftCase,
  driftsOf,
  type LostHints,
  type Observed,
  type SeenStage,
  wasLookedAt,
  withNewProperties,
} from '../domain/drift.ts';
import { Fault } from '../domain/errors.ts';
import type { SaidStage, StageCatalog } from '../domain/mapping.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { wantedProperties } from '../domain/property.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { type Connect, DISCONNECTED_BY_ADMIN } from './connect.ts';
import { type MappingRefusal, type Mappings, saidIn } from './mapping.ts';
import type { CrmSession, ProvisionReport } from './ports/crm.ts';
import type { Connection, KeptWatch, Store, Suspect } from './ports/store.ts';
import { provision } from './provision.ts';
import { refreshMapping } from './refresh-mapping.ts';

/** Two sweeps, or a sweep and an admin, may look at the same moment. */
const TRIES = 5;
/** An event that takes longer than this to come is late by a vendor's own measure; what changed since then is not missed yet. */
export const LATE_MS = 10 * 60_000;
/** Of one sweep; three are enough to tell that nothing comes. */
const SUSPECTS_MAX = 200;
/** Alerts that the CRM is asked about, how many deals stand there, in one look: a portal that was built anew has hundreds. */
const COUNTED_MAX = 5;
/** Deals that are named to a person; how many there are is counted beside them. */
const WAITING_MAX = 20;

const DAY_MS = 86_400_000;
/** What somebody has closed without mending it is told again after this long when it still holds. */
const QUIET_MS: Readonly<Partial<Record<DriftKind, number>>> & { readonly else: number } = {
  scope_lost: DAY_MS,
  access_refused: DAY_MS,
  connection_lost: DAY_MS,
  hints_dead: DAY_MS,
  rule_dead: DAY_MS,
  else: 30 * DAY_MS,
};

/** What a sweep has read anyway. */
export interface SweptConnection {
  readonly catalog: StageCatalog;
  readonly provisioned: ProvisionReport;
  /** Deals that it found changed since they were read. */
  readonly suspects: readonly Suspect[];
}

export interface DriftWatchDeps {
  readonly store: Pick<
    Store,
    'accounts' | 'connections' | 'programs' | 'reads' | 'drift' | 'desk' | 'mirror' | 'appSettings'
  >;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly openSession: (connection: Connection) => CrmSession;
  readonly requiredScopes: (provider: string) => readonly string[];
  /** What is needed besides where somebody has chosen objects of ours; none unless given. */
  readonly objectScopes?: (provider: string) => readonly string[] | undefined;
  readonly appEventScopes?: (provider: string) => readonly string[] | undefined;
  readonly connect: Pick<Connect, 'begin'>;
  readonly mappings: Pick<Mappings, 'say'>;
}

export interface FixInput {
  readonly fix: DriftFix;
  readonly by: string;
  /** For `map`: what the stage means, and which one where it is another than the alert is about. */
  readonly stage?: SaidStage['stage'] | undefined;
  readonly pipelineId?: string | undefined;
  readonly stageId?: string | undefined;
}

export type FixResult =
  /** `open`: it is not gone yet, as for what an admin of the CRM has to do, by the link where there is one. */
  | { readonly kind: 'mended' | 'open'; readonly case: Case; readonly url: string | null }
  | { readonly kind: 'no_such_alert' }
  | { readonly kind: 'not_this_fix'; readonly allowed: readonly DriftFix[] }
  /** `map` needs to know what the stage means, or which stage. */
  | { readonly kind: 'incomplete'; readonly missing: 'stage' | 'pipelineId' | 'stageId' }
  | MappingRefusal;

/** Tells what has become of a CRM since an admin last looked at it. */
export interface DriftWatch {
  /** After a sweep: asks the CRM for nothing that the sweep has read. */
  look(connection: Connection, swept: SweptConnection): Promise<void>;
  /** A sweep that could not be. What is only busy or out of reach for a while is no drift. */
  failed(connection: Connection, fault: unknown): Promise<void>;
  /** Of connections that ended between two sweeps; those that an admin has ended are no alert. */
  watchDisconnected(signal?: AbortSignal): Promise<void>;
  /** An admin has gone through these stages. */
  seen(accountId: string, connectionId: string, stages: readonly SeenStage[]): Promise<void>;
  /** Null for a connection that the account does not have. */
  list(
    accountId: string,
    connectionId: string,
  ): Promise<{ readonly lookedAt: Instant | null; readonly alerts: readonly Case[] } | null>;
  /** @throws Fault when the CRM has to be asked and cannot be read. */
  fix(accountId: string, connectionId: string, caseId: string, input: FixInput): Promise<FixResult>;
}

export function createDriftWatch(deps: DriftWatchDeps): DriftWatch {
  const { store, clock, log, openSession, requiredScopes, objectScopes, appEventScopes, connect, mappings } = deps;

  async function scopesNeeded({ accountId, id, provider }: Connection): Promise<readonly string[]> {
    const kept = await store.appSettings.newest(accountId, id);
    // Also for removing rows that are not wanted any more.
    const chosen = kept !== null && kept.settings.objects !== 'off' ? (objectScopes?.(provider) ?? []) : [];
    const told = kept?.settings.events === 'on' ? (appEventScopes?.(provider) ?? []) : [];
    return [...requiredScopes(provider), ...chosen, ...told];
  }

  /** What all looks have in common; the parts that were read are put on top of it. */
  async function observe(connection: Connection, read: Partial<Observed>): Promise<Observed> {
    const { accountId, id } = connection;
    const mapping = await store.connections.mapping(accountId, id);
    return {
      catalog: null,
      mapping: mapping ?? { version: '', entries: [] },
      provisioned: null,
      properties: new Map(),
      programs: inForce(await store.programs.versions(accountId)),
      scopes: { granted: connection.scopes, required: await scopesNeeded(connection) },
      hints: null,
      fault: null,
      ...read,
    };
  }

  async function readProperties(
    connection: Connection,
    { properties = new Map() }: ProvisionReport,
    programs: readonly ProgramVersion[],
  ): Promise<Observed['properties']> {
    if (properties.has('company') || wantedProperties(programs).company.length === 0) return properties;
    // Only where a rule asks about them; of companies nothing else is read.
    const names = await openSession(connection).propertyNames('company');
    return names === null
      ? properties
      : new Map([...properties, ['company', new Map([...names].map((name) => [name, '']))]]);
  }

  /** Which changes no event has told of, by what was read of the deals since the last sweep found them changed. */
  async function lostHints(
    connection: Connection,
    watch: KeptWatch,
  ): Promise<{ lost: KeptWatch['lost']; hints: LostHints }> {
    const { accountId, id: connectionId } = connection;
    const { lastReceivedAt } = await store.reads.health(accountId, connectionId, clock.now());
    const refs = watch.suspects.map(({ dealId: id }) => ({ connectionId, object: 'deal' as const, id }));
    const facts = new Map((await store.reads.deals(accountId, refs)).map((deal) => [deal.ref.id, deal]));
    const found = watch.suspects.flatMap(({ dealId, readUpTo }) => {
      // The points of a deal are changes of its stage, its pipeline, its amount or its currency: each of them has an event of its own.
      const point = facts.get(dealId)?.history.find(({ at }) => at > readUpTo && at <= watch.lookedAt - LATE_MS);
      return point ? [{ dealId, at: point.at }] : [];
    });
    const all = new Map([...watch.lost, ...found].map((one) => [`${one.dealId} ${one.at}`, one]));
    const lost = [...all.values()].filter(({ at }) => at > (lastReceivedAt ?? 0)).slice(-SUSPECTS_MAX);
    const dealIds = [...new Set(lost.map(({ dealId }) => dealId))];
    const since = lost.length === 0 ? clock.now() : Math.min(...lost.map(({ at }) => at));
    return { lost, hints: { dealIds, since, lastAt: lastReceivedAt } };
  }

  /** Opens what is new, ends what is gone, and returns what is open. */
  async function tell(connection: Connection, drifts: readonly Drift[], observed: Observed): Promise<number> {
    const { accountId, id: connectionId } = connection;
    const now = clock.now();
    const open = await store.drift.alerts(accountId, connectionId);
    const present = new Set(drifts.map(({ dedupeKey }) => dedupeKey));
    const gone = open.filter(({ dedupeKey, facts }) => {
      const kind = kindOf(facts);
      return kind !== null && !present.has(dedupeKey) && wasLookedAt(kind, facts as DriftFacts, observed);
    });
    const known = new Set(open.map(({ dedupeKey }) => dedupeKey));
    const fresh = drifts.filter(({ dedupeKey }) => !known.has(dedupeKey));
    const opens = [];
    for (const [index, drift] of fresh.entries()) {
      const waits = index < COUNTED_MAX && observed.catalog ? await waitingAt(connection, drift) : null;
      const unlessClosedSince = now - (QUIET_MS[drift.kind] ?? QUIET_MS.else);
      opens.push({ case: driftCase(accountId, connectionId, drift, waits, now), unlessClosedSince });
    }
    const word = { outcome: 'moot', by: SYSTEM, why: 'It is gone.', at: now } as const;
    const opened = await store.drift.tell(
      accountId,
      opens,
      gone.map(({ dedupeKey }) => ({ dedupeKey, word })),
    );
    if (opened + gone.length > 0) log.info({ connection: connectionId, opened, ended: gone.length }, 'drift told');
    return open.length - gone.length + opened;
  }

  /** Deals that stand in the stage that an alert is about. Nothing else depends on it, so an alert is told without when they cannot be counted. */
  async function waitingAt(connection: Connection, { facts }: Drift) {
    const { pipelineIds = [], stageId } = facts;
    if (stageId === undefined) return null;
    let deals: number | null = 0;
    const dealIds: string[] = [];
    try {
      for (const pipelineId of pipelineIds.slice(0, COUNTED_MAX)) {
        const asked = { by: 'stage', pipelineId, stageId } as const;
        const { ids, total } = await openSession(connection).dealIds({ asked, after: null, limit: WAITING_MAX });
        deals = deals === null || total === null ? null : deals + total;
        dealIds.push(...ids);
      }
      return { deals, dealIds };
    } catch (err) {
      log.warn({ connection: connection.id, err }, 'deals of a stage not counted');
      return null;
    }
  }

  /** Judges what was read against what was seen, tells of it, and remembers what the next look needs. */
  async function judge(connection: Connection, observed: Observed, next: Pick<KeptWatch, 'suspects' | 'lost'> | null) {
    const { accountId, id: connectionId } = connection;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const watch = await store.drift.watch(accountId, connectionId);
      // A fault before the first look says nothing about stages: they are seen when they are first read.
      const isFirst = watch === null || watch.baseline.stages.length === 0;
      const baseline = isFirst ? baselineOf(observed, watch?.baseline ?? null) : watch.baseline;
      // What is made on the first look was never there.
      const told = isFirst ? withoutCreated(observed) : observed;
      const open = await tell(connection, driftsOf(connectionId, baseline, told, clock.now()), told);
      const isKept = await store.drift.keepWatch(accountId, connectionId, {
        baseline: { ...baseline, properties: withNewProperties(baseline.properties, observed) },
        suspects: next?.suspects ?? watch?.suspects ?? [],
        lost: next?.lost ?? watch?.lost ?? [],
        lookedAt: next ? clock.now() : (watch?.lookedAt ?? clock.now()),
        open,
        version: (watch?.version ?? 0) + 1,
      });
      if (isKept) return;
    }
  }

  /** Changes what is remembered, whoever looks at the same moment. */
  async function remember(
    accountId: string,
    connectionId: string,
    change: (watch: KeptWatch) => Partial<KeptWatch>,
  ): Promise<void> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const watch = (await store.drift.watch(accountId, connectionId)) ?? {
        baseline: { stages: [], properties: [] },
        suspects: [],
        lost: [],
        lookedAt: clock.now(),
        open: 0,
        version: 0,
      };
      const next = { ...watch, ...change(watch), version: watch.version + 1 };
      if (await store.drift.keepWatch(accountId, connectionId, next)) return;
    }
    throw new Fault('busy', { kind: 'retry' }, 'Others looked at the same connection at the same time. Try again.');
  }

  const rebase = (accountId: string, connectionId: string, change: (baseline: Baseline) => Baseline) =>
    remember(accountId, connectionId, ({ baseline }) => ({ baseline: change(baseline) }));

  /** For the metric, which must not count until the next look what a person has ended. */
  async function recount(accountId: string, connectionId: string): Promise<void> {
    const { length: open } = await store.drift.alerts(accountId, connectionId);
    await remember(accountId, connectionId, () => ({ open }));
  }

  async function look(connection: Connection, { catalog, provisioned, suspects }: SweptConnection): Promise<void> {
    const { accountId, id } = connection;
    const watch = await store.drift.watch(accountId, id);
    const programs = inForce(await store.programs.versions(accountId));
    const properties = await readProperties(connection, provisioned, programs);
    const lost = watch ? await lostHints(connection, watch) : null;
    const observed = await observe(connection, { catalog, provisioned, properties, hints: lost?.hints ?? null });
    await judge(connection, observed, { suspects: suspects.slice(0, SUSPECTS_MAX), lost: lost?.lost ?? [] });
  }

  async function failed(connection: Connection, fault: unknown): Promise<void> {
    const told = faultOf(fault);
    if (told) await judge(connection, await observe(connection, { fault: told }), null);
  }

  /** Everything that a sweep reads of the set-up, without its records. */
  async function lookNow(connection: Connection): Promise<void> {
    const session = openSession(connection);
    try {
      const catalog = await session.stages();
      await refreshMapping(store, { stages: async () => catalog }, connection, clock.now());
      const provisioned = await provision({ store, clock }, session, connection);
      const watch = await store.drift.watch(connection.accountId, connection.id);
      await look(connection, { catalog, provisioned, suspects: watch?.suspects ?? [] });
    } catch (fault) {
      await failed(connection, fault);
      throw fault;
    }
  }

  async function mended({ accountId, id }: Connection, one: Case, by: string, why: string): Promise<FixResult> {
    const done = await store.desk.decide(accountId, one.id, { outcome: 'resolved', by, why, at: clock.now() });
    if (done.kind === 'no_such_case') return { kind: 'no_such_alert' };
    await recount(accountId, id);
    return { kind: 'mended', case: done.case, url: null };
  }

  async function asItIs(accountId: string, one: Case, url: string | null = null): Promise<FixResult> {
    const now = (await store.desk.get(accountId, one.id))?.case ?? one;
    return { kind: now.state === 'open' ? 'open' : 'mended', case: now, url };
  }

  async function accept(connection: Connection, one: Case): Promise<void> {
    const kind = kindOf(one.facts);
    if (kind === null) return;
    const facts = one.facts as DriftFacts;
    const session = openSession(connection);
    const isOfProperty = facts.object !== undefined;
    const observed = await observe(
      connection,
      isOfProperty
        ? { properties: (await session.provision()).properties ?? new Map() }
        : { catalog: await session.stages() },
    );
    await rebase(connection.accountId, connection.id, (baseline) => accepted(baseline, { kind, facts }, observed));
  }

  async function map(connection: Connection, one: Case, input: FixInput): Promise<FixResult> {
    const { accountId, id } = connection;
    const facts = one.facts as DriftFacts;
    const { stage, stageId = facts.stageId } = input;
    const pipelineIds = input.pipelineId === undefined ? facts.pipelineIds : [input.pipelineId];
    if (stage === undefined) return { kind: 'incomplete', missing: 'stage' };
    if (stageId === undefined) return { kind: 'incomplete', missing: 'stageId' };
    if (pipelineIds === undefined) return { kind: 'incomplete', missing: 'pipelineId' };
    const mapping = await refreshMapping(store, openSession(connection), connection, clock.now());
    const words = pipelineIds.map((pipelineId): SaidStage => ({ pipelineId, stageId, stage }));
    const others = saidIn(mapping.entries).filter(
      (said) => !words.some((word) => word.pipelineId === said.pipelineId && word.stageId === said.stageId),
    );
    const said = await mappings.say(accountId, id, [...others, ...words], { basis: mapping.version });
    if (said.kind === 'refused') return { kind: 'changed' };
    if (said.kind !== 'said') return said;
    await accept(connection, one);
    return mended(connection, one, input.by, `${stageId} means ${stage}.`);
  }

  return {
    look,
    failed,

    async watchDisconnected(signal) {
      for (const { id: accountId } of await store.accounts.list()) {
        for (const connection of await store.connections.list(accountId)) {
          if (signal?.aborted) return;
          if (connection.status === 'connected') continue;
          if (connection.statusReason !== DISCONNECTED_BY_ADMIN) {
            const text = connection.statusReason ?? 'The CRM is not connected.';
            await judge(connection, await observe(connection, { fault: { kind: 'connection_lost', text } }), null);
            continue;
          }
          const open = await store.drift.alerts(accountId, connection.id);
          if (open.length === 0) continue;
          const word = { outcome: 'moot', by: SYSTEM, why: DISCONNECTED_BY_ADMIN, at: clock.now() } as const;
          await store.drift.tell(
            accountId,
            [],
            open.map(({ dedupeKey }) => ({ dedupeKey, word })),
          );
          await recount(accountId, connection.id);
        }
      }
    },

    seen: (accountId, connectionId, stages) => rebase(accountId, connectionId, (baseline) => ({ ...baseline, stages })),

    async list(accountId, connectionId) {
      if (!(await store.connections.get(accountId, connectionId))) return null;
      const watch = await store.drift.watch(accountId, connectionId);
      return { lookedAt: watch?.lookedAt ?? null, alerts: await store.drift.alerts(accountId, connectionId) };
    },

    async fix(accountId, connectionId, caseId, input) {
      const connection = await store.connections.get(accountId, connectionId);
      const found = await store.desk.get(accountId, caseId);
      const one = found?.case;
      if (!connection || !one || one.facts.connectionId !== connectionId || kindOf(one.facts) === null)
        return { kind: 'no_such_alert' };
      if (one.state !== 'open') return asItIs(accountId, one);
      const allowed = one.facts.fixes as readonly DriftFix[];
      if (!allowed.includes(input.fix)) return { kind: 'not_this_fix', allowed };
      switch (input.fix) {
        case 'accept':
          await accept(connection, one);
          return mended(connection, one, input.by, 'Taken as it is.');
        case 'map':
          return map(connection, one, input);
        case 'provision':
        case 'look_again':
          await lookNow(connection);
          return asItIs(accountId, one);
        case 'reconnect': {
          const { provider, apiUrl } = connection;
          const begun = await connect.begin(accountId, provider, apiUrl);
          const url = begun?.url ?? (await connect.begin(accountId, provider))?.url ?? null;
          return asItIs(accountId, one, url);
        }
      }
    },
  };
}

function withoutCreated(observed: Observed): Observed {
  return observed.provisioned ? { ...observed, provisioned: { ...observed.provisioned, created: [] } } : observed;
}

/** Only what does not pass by itself. */
function faultOf(fault: unknown): Observed['fault'] {
  if (!(fault instanceof Fault)) return null;
  if (fault.retry.kind === 'reconnect') return { kind: 'connection_lost', text: fault.publicText };
  return fault.code === 'crm_forbidden' ? { kind: 'access_refused', text: fault.publicText } : null;
}

/** The newest version of each program that is not retired. */
function inForce(versions: readonly ProgramVersion[]): ProgramVersion[] {
  const newest = new Map(versions.map((version) => [version.programId, version]));
  return [...newest.values()].filter(({ isRetired }) => !isRetired);
}

function kindOf(facts: Readonly<Record<string, unknown>>): DriftKind | null {
  return DRIFT_KINDS.find((kind) => kind === facts.drift) ?? null;
}
