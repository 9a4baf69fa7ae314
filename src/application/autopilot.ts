import type { MappedStage, SaidStage } from '../domain/mapping.ts';
import {
  type DealSample,
  draftOf,
  type MappingProposal,
  proposeMapping,
  type SampledDeal,
} from '../domain/mapping-proposal.ts';
import { type DealOwner, type OwnersProposal, proposeOwners } from '../domain/owner-proposal.ts';
import { normaliseEmail } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { DriftWatch } from './drift-watch.ts';
import type { Period } from './keep-dry-run.ts';
import type { MappingRefusal, Mappings } from './mapping.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Connection, KeptDryRun, KeptProposal, Store, TriedMapping } from './ports/store.ts';
import { refreshMapping } from './refresh-mapping.ts';

/** A year of deals has every season in it. */
const SAMPLE_MS = 365 * 86_400_000;
/** Some deals of each month, so that a pipeline that is new, or was given up, is among them. */
const SLICES = 12;
/** The largest page of HubSpot's search: one of each month is read before a second one of any. */
const PAGE = 200;
/** With their history HubSpot gives 50 deals a call: about 65 calls, six seconds of what a portal allows. Smaller portals are read whole. */
const DEALS_MAX = 2_400;
/** What is held in memory at a time, with all that the CRM tells of each. */
const READ_TOGETHER = 500;

export interface AutopilotDeps {
  readonly store: Pick<Store, 'connections' | 'proposals' | 'reads' | 'appSettings'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly newId: () => string;
  readonly openSession: (connection: Connection) => CrmSession;
  readonly mappings: Pick<Mappings, 'tryOut'>;
  readonly drift: Pick<DriftWatch, 'seen'>;
}

export type ProposalRefusal =
  | { readonly kind: 'no_such_connection' }
  /** None was made yet. */
  | { readonly kind: 'no_proposal' }
  /** Somebody else has made or answered one at the same moment. */
  | { readonly kind: 'changed' };

/** Reads what a CRM's stages have been used for, and proposes what they mean. Nothing is in force before an admin says so. */
export interface Autopilot {
  /**
   * Reads the pipelines and a sample of past deals, and keeps what follows from them. Takes some seconds.
   * @throws Fault when the CRM could not be read: a proposal is made of all that was to be read or not at all.
   */
  propose(
    accountId: string,
    connectionId: string,
    by: string,
  ): Promise<{ readonly kind: 'proposed'; readonly proposal: KeptProposal } | ProposalRefusal>;
  newest(accountId: string, connectionId: string): Promise<KeptProposal | ProposalRefusal>;
  /**
   * Makes a draft of the newest proposal, with other `stages` in its place where an admin has changed it, and tries it on all of history.
   * It comes into force as every mapping does: said on that dry run.
   */
  accept(
    accountId: string,
    connectionId: string,
    answer: { readonly stages?: readonly SaidStage[] | undefined; readonly period: Period; readonly by: string },
  ): Promise<
    | { readonly kind: 'accepted'; readonly proposal: KeptProposal; readonly run: KeptDryRun<TriedMapping> }
    | ProposalRefusal
    | MappingRefusal
  >;
  /** It is open again when that time has come. */
  postpone(
    accountId: string,
    connectionId: string,
    answer: { readonly until: Instant; readonly by: string },
  ): Promise<{ readonly kind: 'postponed'; readonly proposal: KeptProposal } | ProposalRefusal>;
}

export function createAutopilot(deps: AutopilotDeps): Autopilot {
  const { store, clock, newId, openSession, mappings, drift } = deps;

  async function newest(accountId: string, connectionId: string): Promise<KeptProposal | ProposalRefusal> {
    if (!(await store.connections.get(accountId, connectionId))) return { kind: 'no_such_connection' };
    const found = await store.proposals.newest(accountId, connectionId);
    if (!found) return { kind: 'no_proposal' };
    // What was put off until now waits for an answer again.
    const isBack = found.state === 'postponed' && (found.postponedUntil ?? 0) <= clock.now();
    return isBack ? { ...found, state: 'open', postponedUntil: null } : found;
  }

  async function answer(
    accountId: string,
    proposal: KeptProposal,
    by: string,
    change: Partial<KeptProposal>,
  ): Promise<KeptProposal | null> {
    const next = { ...proposal, ...change, changedBy: by, changedAt: clock.now(), version: proposal.version + 1 };
    return (await store.proposals.change(accountId, next)) ? next : null;
  }

  return {
    async propose(accountId, connectionId, by) {
      const connection = await store.connections.get(accountId, connectionId);
      if (!connection) return { kind: 'no_such_connection' };
      const session = openSession(connection);
      const catalog = await session.stages();
      const mapping = await refreshMapping(store, { stages: async () => catalog }, connection, clock.now());
      const sample = await sampleDeals(session, clock.now());
      const proposed = proposeMapping(catalog, mapping.entries, sample);
      const owners = await ownersOf(store, connection, session, proposed, sample.deals);
      const now = clock.now();
      const kept: KeptProposal = {
        id: `mpp_${newId()}`,
        connectionId,
        state: 'open',
        basis: mapping.version,
        proposal: owners ? { ...proposed, owners } : proposed,
        draft: null,
        dryRunId: null,
        postponedUntil: null,
        madeBy: by,
        madeAt: now,
        changedBy: by,
        changedAt: now,
        version: 1,
      };
      await store.proposals.keep(accountId, kept);
      return { kind: 'proposed', proposal: kept };
    },

    newest,

    async accept(accountId, connectionId, { stages, period, by }) {
      const found = await newest(accountId, connectionId);
      if ('kind' in found) return found;
      const draft = stages ?? draftOf(found.proposal);
      const tried = await mappings.tryOut(accountId, connectionId, draft, period, by);
      if (tried.kind !== 'tried') return tried;
      const change = { state: 'accepted' as const, draft, dryRunId: tried.run.id, postponedUntil: null };
      const proposal = await answer(accountId, found, by, change);
      if (!proposal) return { kind: 'changed' };
      // Whoever has gone through all stages has seen them as they were read: drift is told against that from here on.
      await drift.seen(accountId, connectionId, seenIn(found.proposal));
      return { kind: 'accepted', proposal, run: tried.run };
    },

    async postpone(accountId, connectionId, { until, by }) {
      const found = await newest(accountId, connectionId);
      if ('kind' in found) return found;
      const proposal = await answer(accountId, found, by, { state: 'postponed', postponedUntil: until });
      return proposal ? { kind: 'postponed', proposal } : { kind: 'changed' };
    },
  };
}

/** Whether what was accepted is what holds: the mapping in force was said on its dry run. */
export function isInForce(
  { dryRunId }: Pick<KeptProposal, 'dryRunId'>,
  inForce: { readonly dryRunId?: string; readonly entries: readonly MappedStage[] } | null,
): boolean {
  return dryRunId !== null && inForce?.dryRunId === dryRunId;
}

function seenIn({ pipelines }: MappingProposal) {
  return pipelines.flatMap(({ pipelineId, label: pipelineLabel, stages }) =>
    stages.map(({ stageId, label: stageLabel, byMetadata }) => ({
      pipelineId,
      pipelineLabel,
      stageId,
      stageLabel,
      byMetadata,
    })),
  );
}

/** Who owns the deals of the pipelines in which something is won; undefined where the CRM does not say. */
async function ownersOf(
  { reads, appSettings }: Pick<Store, 'reads' | 'appSettings'>,
  { accountId, id: connectionId }: Connection,
  session: CrmSession,
  { pipelines }: MappingProposal,
  deals: readonly SampledDeal[],
): Promise<OwnersProposal | undefined> {
  const read = await session.owners?.(deals.map(({ id }) => id));
  if (!read) return undefined;
  const meant = new Map(
    pipelines
      .filter(({ stages }) => stages.some(({ stage }) => stage === 'won'))
      .map(({ pipelineId, stages }) => [pipelineId, new Map(stages.map(({ stageId, stage }) => [stageId, stage]))]),
  );
  const owned = deals.flatMap(({ id, history }) => {
    const last = history.at(-1);
    const stages = last && meant.get(last.pipelineId);
    if (!stages) return [];
    const { pipelineId, stageId } = last;
    return [{ pipelineId, ownerId: read.byDeal.get(id) ?? null, stage: stages.get(stageId) ?? null }];
  });
  const owners: DealOwner[] = [];
  for (const { id, name, email, isActive } of read.owners) {
    const address = normaliseEmail(email);
    const member = address === null ? null : await reads.memberByEmail(accountId, address);
    owners.push({ id, name, isActive, member: member && { id: member.id, isStaff: member.isStaff === true } });
  }
  const { notifications = [] } = (await appSettings.newest(accountId, connectionId))?.settings ?? {};
  const isChosen = notifications.some(({ channel, to }) => channel === 'crm_task' && to !== null);
  return proposeOwners(owned, owners, { hasTasks: session.tasks !== undefined && !isChosen });
}

interface Slice {
  readonly from: Instant;
  readonly before: Instant;
  /** Undefined before its first page, null when it is through. */
  next: string | null | undefined;
}

/** Deals of the year before `now`: all of them where they are few, and otherwise as many of each month as there is room for. */
async function sampleDeals(session: CrmSession, now: Instant): Promise<DealSample> {
  const from = now - SAMPLE_MS;
  const edge = (index: number) => from + Math.floor((SAMPLE_MS * index) / SLICES);
  const slices = Array.from({ length: SLICES }, (_, index): Slice => {
    return { from: edge(index), before: edge(index + 1), next: undefined };
  });
  const ids = new Set<string>();
  let total: number | null = 0;
  const isOpen = () => slices.filter(({ next }) => next !== null);
  while (isOpen().length > 0 && ids.size < DEALS_MAX) {
    for (const slice of isOpen()) {
      const limit = Math.min(PAGE, DEALS_MAX - ids.size);
      if (limit === 0) break;
      const isFirst = slice.next === undefined;
      const asked = { by: 'creation', from: slice.from, before: slice.before } as const;
      const page = await session.dealIds({ asked, after: slice.next ?? null, limit });
      if (isFirst) total = total === null || page.total === null ? null : total + page.total;
      for (const id of page.ids) ids.add(id);
      slice.next = page.next;
    }
  }
  const deals: SampledDeal[] = [];
  const all = [...ids];
  for (let start = 0; start < all.length; start += READ_TOGETHER) {
    for (const { ref, presence, history } of await session.readDeals(all.slice(start, start + READ_TOGETHER))) {
      if (presence === 'deleted') continue;
      deals.push({ id: ref.id, history: history.map(({ at, pipelineId, stageId }) => ({ at, pipelineId, stageId })) });
    }
  }
  return { from, to: now, deals, isComplete: isOpen().length === 0, total };
}
