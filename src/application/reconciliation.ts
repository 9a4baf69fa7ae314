import { createHash, type Hash } from 'node:crypto';
import { SYSTEM } from '../domain/case.ts';
import { Fault } from '../domain/errors.ts';
import { findStage, type StageMapping } from '../domain/mapping.ts';
import {
  overwrittenCase,
  overwrittenIn,
  overwrittenKey,
  REPORTS_IN_A_ROW,
  type ReportedChange,
} from '../domain/overwritten.ts';
import type { ProgramVersion, TriggerStage } from '../domain/program.ts';
import { appliesIn, openProgramIn, type ProgramChoice } from '../domain/program-choice.ts';
import { type RecordRef, recordKey } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import { RETENTION } from '../domain/retention.ts';
import { addDays, type Instant, isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Signer } from '../platform/sign.ts';
import { composeMirror } from './compose-mirror.ts';
import { composeOwnRows, composeRows } from './compose-rows.ts';
import { readDealNames } from './deal-names.ts';
import { bothCompared, ownObjects } from './own-objects.ts';
import type { CrmOwnObjects, CrmSession, CrmWhole, MirrorRow, RecordOwnRows, StandingDeal } from './ports/crm.ts';
import type {
  Connection,
  KeptSyncReport,
  KnownDeal,
  MirrorSource,
  MirrorTarget,
  Page,
  PageInput,
  Store,
  SyncReportAnchor,
  SyncReportCounts,
  SyncReportList,
  SyncReportRow,
} from './ports/store.ts';
import { refreshMapping } from './refresh-mapping.ts';
import { shownInTest } from './shown-in-test.ts';
import { type ChainName, hashOf, linkProblems, sealedLink } from './signed-chain.ts';

const CHAIN: ChainName = { signed: 'wonward sync report', one: 'report', made: 'made' };

/** Records that are compared together: ten of HubSpot's batches, five of Salesforce's queries. */
const MIRRORED_PER_PAGE = 1_000;
const REWARDED_PER_PAGE = 1_000;
/** Rows of one insertion; a list of a hundred thousand must not hold the only thread that answers webhooks. */
const ROWS_PER_WRITE = 500;
/** Somebody else has made a report at the same moment; the number is another then. */
const NUMBER_TRIES = 5;
/** Rows of a report that are held against the ones before it: a portal with more of them has one cause that these show as well. */
const DIFFERENT_COMPARED_MAX = 5_000;
/** Somebody has said that an alert is dealt with: it is told again when it still holds a day later. */
const QUIET_MS = 24 * 3_600_000;
/** Reports of a chain that are read together. */
const REPORTS_PER_PAGE = 50;
/** Where nobody says otherwise; domain/retention.ts has the bounds. */
const REPORT_KEPT_DAYS = RETENTION.reports.usualDays;
/**
 * What a report says of each record is for whoever looks into it, which is done in days; made daily for 100,000 deals, the lists are 100,000
 * rows a day. Their counts and hashes stay in the report.
 */
const LISTS_KEPT_DAYS = RETENTION.reportLists.usualDays;
/** As many as one transaction should hold the only thread that answers webhooks for. */
const PRUNED_PER_WRITE = 2_000;

const STAGE_RANK: Readonly<Record<TriggerStage, number>> = { qualified: 0, opportunity: 1, won: 2 };

/** What is signed of a report. Its text is kept as it was, so a field that is added later changes no older one. */
interface ReportBody {
  readonly format: 1;
  readonly connectionId: string;
  readonly provider: string;
  readonly externalId: string;
  readonly number: number;
  readonly by: string;
  readonly beganAt: string;
  readonly madeAt: string;
  readonly mappingVersion: string;
  readonly stages: readonly TriggerStage[];
  readonly counts: SyncReportCounts;
  /** Deals and records that were asked for to be looked at or written again. */
  readonly repaired: { readonly deals: number; readonly records: number };
  readonly lists: Readonly<Partial<Record<SyncReportList, { readonly rows: number; readonly hash: string }>>>;
  /** Of the report before it, so that none can be taken out between two; null for the first. */
  readonly previousHash: string | null;
}

/** What verifying a chain of reports has found: nothing where each is as it was made. */
export interface ReportProblem {
  readonly reportId: string;
  readonly number: number;
  readonly problem: 'changed' | 'not_signed_here' | 'unknown_key' | 'list_changed' | 'chain_broken';
  readonly words: string;
}

export type ReportOutcome =
  | { readonly kind: 'made'; readonly report: KeptSyncReport }
  | { readonly kind: 'unknown' | 'disconnected' | 'not_comparable' };

export interface Reconciliation {
  /** Compares a connection with its CRM, asks for what differs to be looked at or written again, and keeps what was found. */
  make(accountId: string, connectionId: string, by: string, signal?: AbortSignal): Promise<ReportOutcome>;
  /** Every connected CRM, one after another; one that cannot be read does not stop the others. */
  makeAll(signal?: AbortSignal): Promise<void>;
  get(accountId: string, reportId: string): Promise<KeptSyncReport | null>;
  list(accountId: string, connectionId: string, page: PageInput): Promise<Page<KeptSyncReport>>;
  rows(
    accountId: string,
    reportId: string,
    list: SyncReportList,
    after: number,
    limit: number,
  ): Promise<ReadonlyArray<SyncReportRow & { readonly number: number }>>;
  /**
   * Whether the reports of a connection are as they were made, their lists among them, and none is missing between two. It says nothing of
   * whether the CRM told the truth, nor of a last one that was taken away; whoever has the service's key can make a report.
   */
  verify(
    accountId: string,
    connectionId: string,
  ): Promise<{ readonly reports: number; readonly prunedUpTo: number; readonly problems: ReportProblem[] }>;
  /**
   * Forgets lists and reports whose time is over. Where the chain begins then is signed: a report that is missing behind that is found as
   * before, and so is one that somebody else has taken away in front of it.
   */
  prune(
    accountId: string,
    connectionId: string,
    signal?: AbortSignal,
    ends?: { readonly reportsBefore: Instant; readonly listsBefore: Instant },
  ): Promise<void>;
}

export interface ReconciliationDeps {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly signer: Signer;
  readonly publicUrl: string;
  readonly newId: () => string;
  readonly openSession: (connection: Connection) => CrmSession;
  readonly onAsked: () => void;
}

export function createReconciliation(deps: ReconciliationDeps): Reconciliation {
  const { store, clock, log, signer, newId } = deps;
  const reports = store.syncReports;

  async function make(
    accountId: string,
    connectionId: string,
    by: string,
    signal?: AbortSignal,
  ): Promise<ReportOutcome> {
    const connection = await store.connections.get(accountId, connectionId);
    if (!connection) return { kind: 'unknown' };
    if (connection.status !== 'connected') return { kind: 'disconnected' };
    const session = deps.openSession(connection);
    if (!session.whole) return { kind: 'not_comparable' };
    const beganAt = clock.now();
    const id = `syn_${newId()}`;
    const lists = createLists((list, from, rows) => reports.addRows(accountId, id, list, from, rows));
    let report: KeptSyncReport;
    try {
      const mapping = await refreshMapping(store, session, connection, beganAt);
      const programs = await store.programs.versions(accountId);
      const choices = await store.appSettings.choices(accountId);
      const stages = stagesAsked(programs);
      const deals = await compareDeals({
        ...deps,
        connection,
        session,
        whole: session.whole,
        mapping,
        programs,
        choices,
        stages,
        lists,
        signal,
      });
      const records = await compareRecords({
        ...deps,
        connection,
        session,
        whole: session.whole,
        objects: await ownObjects(store, session, connection),
        programs,
        openProgramId: openProgramIn(programs, choices, connectionId, beganAt),
        lists,
        signal,
      });
      await lists.end();
      const counts: SyncReportCounts = {
        qualifying: lists.count('decided') + lists.count('explained') + lists.count('unexplained'),
        decided: lists.count('decided'),
        explained: lists.count('explained'),
        unexplained: lists.count('unexplained'),
        mirrored: lists.count('mirrored') + lists.count('different') + lists.count('pending'),
        different: lists.count('different'),
        pending: lists.count('pending'),
      };
      report = await keep(accountId, id, {
        format: 1,
        connectionId,
        provider: connection.provider,
        externalId: connection.externalId,
        by,
        beganAt: isoOf(beganAt),
        madeAt: isoOf(clock.now()),
        mappingVersion: mapping.version,
        stages,
        counts,
        repaired: { deals, records },
        lists: lists.sums(),
      });
      if (deals > 0) deps.onAsked();
      log.info(
        { connection: connectionId, report: id, ...counts, askedAgain: deals, rewritten: records },
        'reconciled',
      );
    } catch (fault) {
      await reports.dropRows(accountId, id);
      throw fault;
    }
    // The report stands; what it means together with the ones before it is told by the next one, if not now.
    await tellOverwritten(connection).catch((err: unknown) =>
      log.warn({ connection: connectionId, err }, 'alerts about overwritten fields put off'),
    );
    return { kind: 'made', report };
  }

  /** Fields of ours that were found changed in report after report are one alert each, until a report finds them as they should be. */
  async function tellOverwritten({ id: connectionId, accountId, provider }: Connection): Promise<void> {
    const page = { limit: REPORTS_IN_A_ROW, cursor: null };
    const { items: newest } = await reports.list(accountId, connectionId, page);
    const changes: ReportedChange[][] = [];
    for (const { id } of newest) changes.push(await changedIn(accountId, id));
    const found = overwrittenIn(changes);
    const open = await store.drift.alerts(accountId, connectionId, 'overwritten');
    const present = new Set(found.map((one) => overwrittenKey(connectionId, one)));
    const known = new Set(open.map(({ dedupeKey }) => dedupeKey));
    const now = clock.now();
    const span = { ids: newest.map(({ id }) => id), since: Math.min(...newest.map(({ madeAt }) => madeAt)) };
    const opens = found
      .filter((one) => !known.has(overwrittenKey(connectionId, one)))
      .map((one) => ({
        case: overwrittenCase(accountId, { id: connectionId, name: NAMES[provider] ?? provider }, one, span, now),
        unlessClosedSince: now - QUIET_MS,
      }));
    const word = { outcome: 'moot', by: SYSTEM, why: 'What Wonward writes stays there again.', at: now } as const;
    const ends = open.filter(({ dedupeKey }) => !present.has(dedupeKey)).map(({ dedupeKey }) => ({ dedupeKey, word }));
    if (opens.length + ends.length > 0) await store.drift.tell(accountId, opens, ends);
  }

  async function changedIn(accountId: string, reportId: string): Promise<ReportedChange[]> {
    const changes: ReportedChange[] = [];
    for (let after = -1; changes.length < DIFFERENT_COMPARED_MAX; ) {
      const rows = await reports.rows(accountId, reportId, 'different', after, ROWS_PER_WRITE);
      for (const { object, id, reason, detail } of rows)
        if (reason === 'changed') changes.push({ object, id, fields: detail.split(' ') });
      const last = rows.at(-1);
      if (!last || rows.length < ROWS_PER_WRITE) break;
      after = last.number;
    }
    return changes;
  }

  async function keep(
    accountId: string,
    id: string,
    body: Omit<ReportBody, 'number' | 'previousHash'>,
  ): Promise<KeptSyncReport> {
    for (let tries = 0; tries < NUMBER_TRIES; tries += 1) {
      const before = await reports.newest(accountId, body.connectionId);
      const number = (before?.number ?? 0) + 1;
      const text = JSON.stringify({ ...body, number, previousHash: before?.hash ?? null } satisfies ReportBody);
      const report: KeptSyncReport = {
        id,
        connectionId: body.connectionId,
        number,
        madeAt: Date.parse(body.madeAt),
        counts: body.counts,
        ...sealedLink(CHAIN, signer, accountId, { id, body: text }),
      };
      if (await reports.keep(accountId, report)) return report;
    }
    throw new Fault('busy', { kind: 'retry' }, 'Others are comparing the same connection.');
  }

  async function listsProblem(accountId: string, report: KeptSyncReport, body: ReportBody): Promise<string | null> {
    for (const list of LISTS) {
      const sum = createHash('sha256');
      let rows = 0;
      for (let after = -1; ; ) {
        const page = await reports.rows(accountId, report.id, list, after, ROWS_PER_WRITE);
        for (const row of page) addToSum(sum, row);
        rows += page.length;
        const last = page.at(-1);
        if (!last || page.length < ROWS_PER_WRITE) break;
        after = last.number;
      }
      const expected = body.lists[list] ?? { rows: 0, hash: hashOf('') };
      if (rows === 0 && report.madeAt < addDays(clock.now(), -LISTS_KEPT_DAYS)) continue;
      if (rows !== expected.rows || sum.digest('hex') !== expected.hash)
        return `The list "${list}" has ${rows} rows that are not the ${expected.rows} that were signed.`;
    }
    return null;
  }

  /** Null where the chain begins with the first report, or where what says otherwise was not signed here. */
  async function anchorOf(accountId: string, connectionId: string): Promise<SyncReportAnchor | null> {
    const anchor = await reports.anchor(accountId, connectionId);
    if (!anchor) return null;
    const text = anchorText(accountId, connectionId, anchor.number, anchor.hash);
    return signer.verify(text, anchor.keyId, anchor.signature) === 'valid' ? anchor : null;
  }

  async function problemOf(
    accountId: string,
    report: KeptSyncReport,
    before: Pick<KeptSyncReport, 'hash' | 'number'> | null,
  ): Promise<Pick<ReportProblem, 'problem' | 'words'> | null> {
    const isOwn = (body: ReportBody) => body.connectionId === report.connectionId;
    const [found] = linkProblems<ReportBody>(CHAIN, signer, accountId, report, before, { isOwn, place: 'connection' });
    if (found) return found;
    const body = JSON.parse(report.body) as ReportBody;
    const changed = await listsProblem(accountId, report, body);
    return changed === null ? null : { problem: 'list_changed', words: changed };
  }

  return {
    make,

    async makeAll(signal) {
      for (const { accountId, id } of await store.connections.listConnected()) {
        if (signal?.aborted) return;
        await make(accountId, id, 'schedule', signal).catch((err: unknown) => {
          log[err instanceof Fault ? 'warn' : 'error']({ connection: id, err }, 'reconciliation put off');
        });
      }
    },

    get: reports.get,
    list: reports.list,
    rows: reports.rows,

    async verify(accountId, connectionId) {
      const all: KeptSyncReport[] = [];
      for (let cursor: PageInput['cursor'] = null; ; ) {
        const page = await reports.list(accountId, connectionId, { limit: REPORTS_PER_PAGE, cursor });
        all.push(...page.items);
        if (page.next === null) break;
        cursor = page.next;
      }
      all.sort((a, b) => a.number - b.number);
      const anchor = await anchorOf(accountId, connectionId);
      const problems: ReportProblem[] = [];
      for (const [index, report] of all.entries()) {
        const found = await problemOf(accountId, report, all[index - 1] ?? anchor);
        if (found) problems.push({ reportId: report.id, number: report.number, ...found });
      }
      return { reports: all.length, prunedUpTo: anchor?.number ?? 0, problems };
    },

    async prune(accountId, connectionId, signal, ends) {
      const now = clock.now();
      const { listsBefore, reportsBefore } = ends ?? {
        listsBefore: addDays(now, -LISTS_KEPT_DAYS),
        reportsBefore: addDays(now, -REPORT_KEPT_DAYS),
      };
      while ((await reports.pruneRows(accountId, connectionId, listsBefore, PRUNED_PER_WRITE)) > 0)
        if (signal?.aborted) return;
      const last = await reports.newestBefore(accountId, connectionId, reportsBefore);
      if (!last) return;
      const { number, hash } = last;
      const signed = signer.sign(anchorText(accountId, connectionId, number, hash));
      await reports.pruneTo(accountId, { connectionId, number, hash, ...signed, prunedAt: now });
      log.info({ connection: connectionId, upTo: number }, 'old reports forgotten');
    },
  };
}

/** As people call them. */
const NAMES: Readonly<Record<string, string>> = { hubspot: 'HubSpot', salesforce: 'Salesforce' };

// ── Decisions ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface DealsInput extends Pick<ReconciliationDeps, 'store' | 'clock'> {
  readonly connection: Connection;
  readonly session: Pick<CrmSession, 'readDeals'>;
  readonly whole: CrmWhole;
  readonly mapping: StageMapping;
  readonly programs: readonly ProgramVersion[];
  readonly choices: readonly ProgramChoice[];
  readonly stages: readonly TriggerStage[];
  readonly lists: Lists;
  readonly signal: AbortSignal | undefined;
}

/**
 * From the CRM to the decisions, and from the rewards to the CRM. What should have been decided is told by the stage in which the CRM's own
 * search finds a deal and by the people on it, and by nothing that was kept when the deal was decided on; how many deals were asked for again.
 */
async function compareDeals(input: DealsInput): Promise<number> {
  const { store, clock, connection, whole, mapping, stages, lists, signal } = input;
  const { accountId, id: connectionId } = connection;
  const wanted = mapping.entries.filter(({ stage }) => (stages as readonly string[]).includes(stage));
  const met = new Set<string>();
  let asked = 0;
  const ask = async (ids: readonly string[]) => {
    if (ids.length === 0) return;
    asked += ids.length;
    const at = clock.now();
    await store.work.ask(
      accountId,
      ids.map((id) => ({ record: { connectionId, object: 'deal', id } as const, at })),
    );
  };
  for (let cursor: string | null = null; ; ) {
    stopIf(signal);
    const page = await whole.dealsInStages({ stages: wanted, cursor });
    const known = await store.syncReports.knownDeals(accountId, connectionId, page.deals);
    const missing: string[] = [];
    for (const [index, deal] of page.deals.entries()) {
      met.add(deal.id);
      const found = known[index];
      if (!found) continue;
      const verdict = judgeDeal(input, deal, found, clock.now());
      if (verdict === null) continue;
      await lists.add(verdict.list, { object: 'deal', id: deal.id, reason: verdict.reason, detail: verdict.detail });
      if (verdict.list === 'unexplained') missing.push(deal.id);
    }
    await ask(missing);
    if (page.next === null) break;
    cursor = page.next;
  }
  // What is paid for and does not stand where it should: a deletion or a change that nobody told of.
  for (let after = ''; ; ) {
    stopIf(signal);
    const rewarded = await store.syncReports.rewardedDeals(accountId, connectionId, after, REWARDED_PER_PAGE);
    const strays = rewarded.filter((id) => !met.has(id));
    await ask(await judgeStrays(input, strays, met));
    const last = rewarded.at(-1);
    if (last === undefined || rewarded.length < REWARDED_PER_PAGE) break;
    after = last;
  }
  return asked;
}

interface DealVerdict {
  readonly list: 'decided' | 'explained' | 'unexplained';
  readonly reason: string;
  readonly detail: string;
}

/** Null for a deal that concerns no friend. */
function judgeDeal(
  { connection, mapping, programs, choices }: DealsInput,
  { pipelineId, stageId, createdAt }: StandingDeal,
  { decisions, referrals, work }: KnownDeal,
  now: Instant,
): DealVerdict | null {
  if (referrals.length === 0) return null;
  const standing = referrals.filter(({ stage }) => stage !== 'declined');
  if (standing.length === 0)
    return { list: 'explained', reason: 'referral_declined', detail: `${referrals[0]?.id} was declined` };
  const open = standing.filter((referral) => appliesIn(choices, connection.id, referral));
  if (open.length === 0 && decisions.length === 0)
    return {
      list: 'explained',
      reason: 'program_not_chosen',
      detail: `${standing[0]?.programId} does not apply in this connection`,
    };
  const stage = findStage(mapping, pipelineId, stageId)?.stage;
  const reached = STAGE_RANK[stage as TriggerStage] ?? -1;
  const missing: string[] = [];
  let demanded = 0;
  for (const referral of open) {
    const rules = rulesAlways(programs, referral, reached, createdAt);
    demanded += rules.length;
    const decided = new Set(
      decisions.filter(({ referralId }) => referralId === referral.id).map(({ ruleKey }) => ruleKey),
    );
    missing.push(...rules.filter((key) => !decided.has(key)).map((key) => `${referral.id}/${key}`));
  }
  if (missing.length === 0) {
    if (decisions.length > 0)
      return {
        list: 'decided',
        reason: 'decided',
        detail: decisions
          .map(({ id }) => id)
          .sort()
          .join(' '),
      };
    if (demanded === 0) return { list: 'explained', reason: 'no_rule', detail: 'no rule asks for this stage' };
  }
  const detail = `no decision of ${missing.join(', ')}`;
  if (work?.isParked) return { list: 'explained', reason: 'parked', detail: `${work.error ?? ''} (${detail})` };
  if (isWaiting(work, now)) return { list: 'explained', reason: 'waiting', detail: `is to be looked at (${detail})` };
  return { list: 'unexplained', reason: 'decision_missing', detail };
}

/** Of deals that a reward stands on and that the search did not find where they qualify: those to look at again. */
async function judgeStrays(
  { store, clock, connection, session, mapping, stages, lists }: DealsInput,
  ids: readonly string[],
  met: ReadonlySet<string>,
): Promise<string[]> {
  if (ids.length === 0) return [];
  const { accountId, id: connectionId } = connection;
  const known = await store.syncReports.knownDeals(
    accountId,
    connectionId,
    ids.map((id) => ({ id, contactIds: [] })),
  );
  const waiting = new Set(known.filter(({ work }) => isWaiting(work, clock.now())).map(({ id }) => id));
  const unread: string[] = [];
  for (const deal of await session.readDeals(ids)) {
    const names = [deal.ref.id, ...deal.formerIds];
    // It was merged into one that the search has found.
    if (names.some((name) => met.has(name))) continue;
    const last = deal.history.at(-1);
    const stage = last && findStage(mapping, last.pipelineId, last.stageId)?.stage;
    const say = (list: DealVerdict['list'], reason: string, detail: string) =>
      lists.add(list, { object: 'deal', id: deal.ref.id, reason, detail });
    if (names.some((name) => waiting.has(name))) await say('explained', 'waiting', 'is to be looked at');
    else if (deal.presence === 'present' && stage === undefined)
      await say(
        'explained',
        'stage_unknown',
        'stands in a stage that the mapping does not know; nothing is taken back',
      );
    else if (deal.presence === 'present' && (stages as readonly (string | undefined)[]).includes(stage))
      await say('explained', 'not_searchable_yet', 'qualifies, and the search does not know of it yet');
    else {
      await say(
        'unexplained',
        deal.presence === 'deleted' ? 'reward_without_deal' : 'reward_without_stage',
        deal.presence === 'deleted'
          ? 'a reward stands, and the deal is gone'
          : 'a reward stands, and the deal does not qualify',
      );
      unread.push(deal.ref.id);
    }
  }
  return unread;
}

function isWaiting(work: KnownDeal['work'], now: Instant): boolean {
  if (work === null || work.isParked) return false;
  return work.isClaimed || work.error !== null || (work.dueAt !== null && work.dueAt <= now);
}

/** The stages that rules ask for; won in any case, since it is what a program is about. */
function stagesAsked(programs: readonly ProgramVersion[]): TriggerStage[] {
  const triggers = programs.flatMap(({ rules }) => rules.map(({ trigger = 'won' }) => trigger));
  const lowest = Math.min(...triggers.map((trigger) => (trigger === 'tier_reached' ? 2 : STAGE_RANK[trigger])), 2);
  return (Object.keys(STAGE_RANK) as TriggerStage[]).filter((stage) => STAGE_RANK[stage] >= lowest);
}

/**
 * Keys of rules that must have decided on a deal that stands this far: those that every version has which may have been in force since the
 * deal was created. A deal reaches no stage before it is there, so no history is needed to say so.
 */
function rulesAlways(
  programs: readonly ProgramVersion[],
  { programId }: Referral,
  reached: number,
  createdAt: Instant | null,
): string[] {
  const own = programs.filter((one) => one.programId === programId);
  const from = own.findLastIndex(({ publishedAt }) => publishedAt <= (createdAt ?? 0));
  const possible = own.slice(Math.max(from, 0));
  const keysOf = ({ rules }: ProgramVersion) =>
    rules
      .filter(({ party }) => party === 'member' || party === 'friend')
      .filter(({ trigger = 'won' }) => trigger !== 'tier_reached' && STAGE_RANK[trigger] <= reached)
      .map(({ key }) => key);
  const [first, ...others] = possible.map(keysOf);
  return (first ?? []).filter((key) => others.every((keys) => keys.includes(key)));
}

// ── What records show ───────────────────────────────────────────────────────────────────────────────────────────────

interface RecordsInput extends Pick<ReconciliationDeps, 'store' | 'clock' | 'publicUrl'> {
  readonly connection: Connection;
  readonly session: CrmSession;
  readonly whole: CrmWhole;
  readonly objects: CrmOwnObjects | null;
  readonly programs: readonly ProgramVersion[];
  readonly openProgramId: string | undefined;
  readonly lists: Lists;
  readonly signal: AbortSignal | undefined;
}

/** What every record should show, composed anew, against what the CRM shows; how many were asked to be written again. */
async function compareRecords(input: RecordsInput): Promise<number> {
  const { store, connection, signal } = input;
  let rewritten = 0;
  for (const object of ['contact', 'deal'] as const) {
    for (let after = ''; ; ) {
      stopIf(signal);
      const targets = await store.syncReports.mirrorTargets(
        connection.accountId,
        connection.id,
        object,
        after,
        MIRRORED_PER_PAGE,
      );
      rewritten += await comparePage(input, object, targets);
      const last = targets.at(-1);
      if (!last || targets.length < MIRRORED_PER_PAGE) break;
      after = last.record.id;
    }
  }
  return rewritten;
}

async function comparePage(
  { store, clock, connection, whole, objects, lists, ...composing }: RecordsInput,
  object: 'contact' | 'deal',
  targets: readonly MirrorTarget[],
): Promise<number> {
  const { accountId } = connection;
  const compared: MirrorTarget[] = [];
  for (const target of targets) {
    const { state, record } = target;
    if (state === 'pending')
      await lists.add('pending', { object, id: record.id, reason: 'pending', detail: 'is to be written' });
    else if (state === 'parked')
      await lists.add('pending', {
        object,
        id: record.id,
        reason: 'parked',
        detail: 'could not be written and waits for a person',
      });
    else if (state !== 'gone') compared.push(target);
  }
  if (compared.length === 0) return 0;
  const all = await store.mirror.sources(
    accountId,
    compared.map(({ record }) => record),
  );
  // What a test shows is nobody's to mend, and is told when the test is over.
  const tested = await shownInTest(store, connection, all);
  const sources = all.filter(({ record }) => !tested.has(recordKey(record)));
  const rows = await rowsOf({ store, connection, objects, ...composing }, sources);
  const own = new Map(
    (objects
      ? await objects.compare(
          object,
          rows.flatMap(({ own: ownRows }) => ownRows ?? []),
        )
      : []
    ).map((one) => [one.id, one]),
  );
  const outcomes = new Map(
    (await whole.compareMirror(object, rows)).map((one) => [one.id, bothCompared(one, own.get(one.id))]),
  );
  const again: RecordRef[] = [];
  const gone: RecordRef[] = [];
  for (const { record, state } of compared) {
    if (tested.has(recordKey(record))) continue;
    const outcome = outcomes.get(record.id);
    const say = (list: 'mirrored' | 'different', reason: string, detail: string) =>
      lists.add(list, { object, id: record.id, reason, detail });
    if (outcome?.result === 'same') await say('mirrored', 'same', '');
    else if (outcome?.result === 'different') {
      await say('different', state === 'unmarked' ? 'never_written' : 'changed', outcome.fields.join(' '));
      again.push(record);
    } else if (outcome?.result === 'gone') {
      await say('different', 'gone', 'the CRM does not have the record any more');
      gone.push(record);
    }
  }
  const at = clock.now();
  if (again.length > 0) await store.syncReports.rewrite(accountId, again, at);
  if (gone.length > 0)
    await store.work.ask(
      accountId,
      gone.map((record) => ({ record, at })),
    );
  return again.length + gone.length;
}

async function rowsOf(
  {
    store,
    connection,
    session,
    objects,
    publicUrl,
    programs,
    openProgramId,
  }: Pick<RecordsInput, 'store' | 'connection' | 'session' | 'objects' | 'publicUrl' | 'programs' | 'openProgramId'>,
  sources: readonly MirrorSource[],
): Promise<(MirrorRow & { readonly own: RecordOwnRows | null })[]> {
  const named = sources.flatMap(({ lastReward, decisions, rewards }) =>
    [...(lastReward ? [lastReward] : []), ...decisions, ...rewards].map(({ deal }) => deal),
  );
  const deals = await readDealNames(store.reads, connection.accountId, named);
  const names = { deals, programs, openProgramId };
  return sources.map((source) => ({
    id: source.record.id,
    values:
      session.mirrors === 'rows' ? composeRows(source, publicUrl, names) : composeMirror(source, publicUrl, deals),
    own: objects ? { id: source.record.id, rows: composeOwnRows(source, publicUrl, names) } : null,
  }));
}

// ── Lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const LISTS: readonly SyncReportList[] = ['decided', 'explained', 'unexplained', 'mirrored', 'different', 'pending'];

interface Lists {
  add(list: SyncReportList, row: SyncReportRow): Promise<void>;
  count(list: SyncReportList): number;
  /** Writes what is left. */
  end(): Promise<void>;
  sums(): ReportBody['lists'];
}

/** Rows go to the store some at a time, and into a hash as they go, so that no list lies in memory. */
function createLists(
  write: (list: SyncReportList, from: number, rows: readonly SyncReportRow[]) => Promise<void>,
): Lists {
  const kept = new Map<SyncReportList, { rows: number; waiting: SyncReportRow[]; sum: Hash }>();
  const of = (list: SyncReportList) => {
    const known = kept.get(list) ?? { rows: 0, waiting: [], sum: createHash('sha256') };
    kept.set(list, known);
    return known;
  };
  async function flush(list: SyncReportList): Promise<void> {
    const entry = of(list);
    const { waiting, rows } = entry;
    if (waiting.length === 0) return;
    entry.waiting = [];
    await write(list, rows - waiting.length, waiting);
  }
  return {
    async add(list, row) {
      const entry = of(list);
      entry.rows += 1;
      entry.waiting.push(row);
      addToSum(entry.sum, row);
      if (entry.waiting.length >= ROWS_PER_WRITE) await flush(list);
    },
    count: (list) => kept.get(list)?.rows ?? 0,
    async end() {
      for (const list of LISTS) await flush(list);
    },
    sums: () =>
      Object.fromEntries([...kept].map(([list, { rows, sum }]) => [list, { rows, hash: sum.copy().digest('hex') }])),
  };
}

function addToSum(sum: Hash, { object, id, reason, detail }: SyncReportRow): void {
  sum.update(`${JSON.stringify([object, id, reason, detail])}\n`);
}

function anchorText(accountId: string, connectionId: string, number: number, hash: string): string {
  return JSON.stringify(['wonward sync reports forgotten up to', accountId, connectionId, number, hash]);
}

function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Fault('crm_unavailable', { kind: 'retry' }, 'Stopping.');
}
