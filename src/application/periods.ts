import { setImmediate as nextTurn, setTimeout as waitFor } from 'node:timers/promises';
import { Fault } from '../domain/errors.ts';
import {
  boundsOf,
  byKey,
  CLOSE_GRACE_MS,
  createMovements,
  linesHash,
  linesOf,
  type Month,
  type Movement,
  monthOf,
  type PeriodLine,
  type PeriodTotal,
  type PeriodWarning,
  type PeriodWarningCode,
  REMEDIES,
  totalsOf,
} from '../domain/period.ts';
import { type Instant, isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Signer } from '../platform/sign.ts';
import type { ClosingPeriod, KeptPeriod, LateBooking, Page, PageInput, PeriodBooks, Store } from './ports/store.ts';
import { type ChainName, hashOf, linkProblems, sealedLink } from './signed-chain.ts';

const CHAIN: ChainName = { signed: 'wonward period', one: 'close', made: 'closed' };

/** Journals that are read together: a few thousand postings, which a database adds up in some milliseconds. */
const JOURNALS_PER_PAGE = 1_000;
const LINES_PER_PAGE = 1_000;
/** Of what waits for a person so many are looked at; more are "so many or more". */
const WAITING_COUNTED_MAX = 500;
/** Newest comparisons among which the newest of each provider is looked for. */
const REPORTS_LOOKED_AT = 50;

/** How far a close is is told every so many pages: some seconds of adding up. */
const PAGES_PER_NOTE = 20;
/** A close of which nothing was heard for this long is that of a node that died: many times what lies between two notes. */
const LEFT_AFTER_MS = 2 * 60_000;
/** Those that are taken up at once; what is left comes with the next stroke. */
const LEFT_MAX = 20;

const MS_PER_DAY = 86_400_000;
/** A difference that was found longer ago than a quarter is not what keeps this month open. */
const REPORT_AGE_MAX_MS = 92 * MS_PER_DAY;

/** What is hashed and signed of a close. Its text is kept as it was, so a field that is added later changes no older one. */
interface PeriodBody {
  readonly format: 1;
  readonly number: number;
  readonly month: Month;
  readonly from: string;
  readonly to: string;
  readonly journals: number;
  readonly totals: ReadonlyArray<Readonly<Record<keyof PeriodTotal, string>>>;
  readonly lines: { readonly count: number; readonly hash: string };
  readonly warnings: ReadonlyArray<Pick<PeriodWarning, 'code' | 'count'>>;
  /** Why it was closed with warnings; null without any. */
  readonly reason: string | null;
  readonly closedBy: string;
  readonly closedAt: string;
  /** The close of the same month that was taken back before; with why, so that the chain tells of it. */
  readonly replaces: {
    readonly periodId: string;
    readonly by: string;
    readonly reason: string;
    readonly at: string;
  } | null;
  /** Of the close before it, so that none can be taken out between two; null for the first. */
  readonly previousHash: string | null;
}

/** A close, read from what was signed. */
export interface ClosedPeriod {
  readonly kept: KeptPeriod;
  readonly from: Instant;
  readonly to: Instant;
  readonly journals: number;
  readonly accounts: number;
  readonly totals: readonly PeriodTotal[];
  readonly warnings: ReadonlyArray<Pick<PeriodWarning, 'code' | 'count'>>;
  readonly reason: string | null;
  readonly closedBy: string;
  readonly replaces: PeriodBody['replaces'];
}

/** The month that comes next. */
export interface OpenPeriod {
  readonly month: Month;
  readonly from: Instant;
  readonly to: Instant;
  /** From then on it can be closed. */
  readonly closableFrom: Instant;
  readonly isClosable: boolean;
  readonly warnings: readonly PeriodWarning[];
  /** Somebody has asked for it to be closed, and it is being added up. */
  readonly closing: ClosingPeriod | null;
}

export type CloseOutcome =
  /** It takes longer than whoever asked waits, and goes on. */
  | { readonly kind: 'closing'; readonly closing: ClosingPeriod }
  | { readonly kind: 'closed'; readonly period: ClosedPeriod }
  /** Nothing was ever booked, so there is no month to close. */
  | { readonly kind: 'nothing' }
  /** Another month comes first, or somebody has just closed this one; `closed` is theirs. */
  | { readonly kind: 'not_next'; readonly next: Month; readonly closed: ClosedPeriod | null }
  | { readonly kind: 'not_over'; readonly closableFrom: Instant }
  | { readonly kind: 'needs_reason'; readonly warnings: readonly PeriodWarning[] };

export type ReopenOutcome =
  | { readonly kind: 'reopened'; readonly period: ClosedPeriod }
  | { readonly kind: 'unknown' | 'not_last' };

/** What verifying the closes has found: nothing where each month still comes to what was kept of it. */
export interface PeriodProblem {
  readonly periodId: string;
  readonly month: Month;
  readonly problem: 'changed' | 'not_signed_here' | 'unknown_key' | 'chain_broken' | 'lines_changed' | 'sums_differ';
  readonly words: string;
}

export interface Periods {
  /** Null while nothing was ever booked. */
  next(accountId: string): Promise<OpenPeriod | null>;
  close(
    accountId: string,
    month: Month,
    as: {
      readonly by: string;
      readonly reason: string | null;
      /** How long to wait for the end; absent: as long as it takes. */
      readonly patienceMs?: number | undefined;
    },
  ): Promise<CloseOutcome>;
  /** Goes on with what a node that died was adding up. One node at a time. */
  closeLeft(signal?: AbortSignal): Promise<void>;
  reopen(
    accountId: string,
    periodId: string,
    as: { readonly by: string; readonly reason: string },
  ): Promise<ReopenOutcome>;
  get(
    accountId: string,
    periodId: string,
  ): Promise<{ period: ClosedPeriod; isLast: boolean; late: LateBooking } | null>;
  list(accountId: string, page: PageInput): Promise<Page<ClosedPeriod>>;
  lines(
    accountId: string,
    periodId: string,
    of: { readonly kind: string; readonly currency: string },
    page: PageInput,
  ): Promise<Page<PeriodLine>>;
  verify(accountId: string): Promise<{ readonly periods: number; readonly problems: readonly PeriodProblem[] }>;
}

export interface PeriodsDeps {
  readonly store: Pick<Store, 'periods' | 'batches' | 'payoutReports' | 'attention' | 'ledger'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly signer: Signer;
  readonly newId: () => string;
}

export function createPeriods({ store, clock, log, signer, newId }: PeriodsDeps): Periods {
  const { periods } = store;

  async function nextMonth(accountId: string): Promise<Month | null> {
    const last = await periods.newestStanding(accountId);
    if (last) return monthOf(boundsOf(last.month).to);
    const first = await periods.firstBookedAt(accountId);
    return first === null ? null : monthOf(first);
  }

  async function next(accountId: string): Promise<OpenPeriod | null> {
    const month = await nextMonth(accountId);
    if (month === null) return null;
    const { from, to } = boundsOf(month);
    const closableFrom = to + CLOSE_GRACE_MS;
    const isClosable = clock.now() >= closableFrom;
    const closing = await periods.closing(accountId);
    const warnings = await warningsOf(accountId);
    return { month, from, to, closableFrom, isClosable, warnings, closing: closing?.to === to ? closing : null };
  }

  /** As things are now; what was unsettled at the end of the month and is not any more keeps nobody. */
  async function warningsOf(accountId: string): Promise<PeriodWarning[]> {
    const [batches, reports, parked, cases, sums] = await Promise.all([
      store.batches.batches(accountId),
      store.payoutReports.list(accountId, { limit: REPORTS_LOOKED_AT, cursor: null }),
      store.attention.parkedOrders(accountId, WAITING_COUNTED_MAX),
      store.attention.openCases(accountId, WAITING_COUNTED_MAX),
      store.ledger.sums(accountId),
    ]);
    const since = clock.now() - REPORT_AGE_MAX_MS;
    const newest = new Map<string, (typeof reports.items)[number]>();
    for (const report of reports.items)
      if (report.at >= since && !newest.has(report.report.provider)) newest.set(report.report.provider, report);
    const differences = [...newest.values()].flatMap(({ report }) =>
      // Neither side has settled it: nothing that anybody could reconcile.
      report.differences.filter(({ kind }) => kind !== 'open' && kind !== 'not_ours'),
    );
    const counts: Readonly<Record<PeriodWarningCode, number>> = {
      batches_unsettled: batches.filter(({ items }) => items.waiting > 0).length,
      provider_differences: differences.length,
      orders_parked: parked.length,
      cases_open: cases.filter(({ rewardId }) => rewardId !== null).length,
      receivables: sums.filter(({ kind, minor }) => kind === 'receivable' && minor > 0n).length,
    };
    return (Object.keys(counts) as PeriodWarningCode[])
      .filter((code) => counts[code] > 0)
      .map((code) => ({ code, count: counts[code], remedy: REMEDIES[code] }));
  }

  async function close(
    accountId: string,
    month: Month,
    { by, reason, patienceMs }: Parameters<Periods['close']>[2],
  ): Promise<CloseOutcome> {
    const open = await next(accountId);
    if (open === null) return { kind: 'nothing' };
    if (open.month !== month) return notNext(accountId, month, open.month);
    if (!open.isClosable) return { kind: 'not_over', closableFrom: open.closableFrom };
    if (open.warnings.length > 0 && reason === null) return { kind: 'needs_reason', warnings: open.warnings };
    const as = { by, reason };
    // Somebody was faster; what they began is looked at, and not begun beside it.
    if (patienceMs !== undefined && open.closing !== null && !isLeft(open.closing))
      return { kind: 'closing', closing: open.closing };
    // First nothing can be booked in it any more, then it is added up.
    await periods.seal(accountId, open.to, { ...as, at: clock.now() });
    if (patienceMs === undefined) return carryOut(accountId, open, as);
    const waiting = new AbortController();
    const work = carryOut(accountId, open, as);
    const slow = waitFor(patienceMs, 'slow' as const, { signal: waiting.signal, ref: false }).catch(
      () => 'slow' as const,
    );
    const first = await Promise.race([work, slow]);
    waiting.abort();
    if (first !== 'slow') return first;
    work.catch((err: unknown) => log.warn({ account: accountId, month, err }, 'close of a month put off'));
    const closing = await periods.closing(accountId);
    // It was over in the same moment.
    return closing === null ? work : { kind: 'closing', closing };
  }

  function isLeft({ seenAt }: ClosingPeriod): boolean {
    return seenAt < clock.now() - LEFT_AFTER_MS;
  }

  async function carryOut(
    accountId: string,
    open: OpenPeriod,
    { by, reason }: { readonly by: string; readonly reason: string | null },
  ): Promise<CloseOutcome> {
    const { month, from, to } = open;
    const total = await periods.journalsIn(accountId, { from, to });
    const before = await periods.newest(accountId);
    const last = await periods.newestStanding(accountId);
    const { movements, journals } = await addUp(periods, accountId, { from, to }, async (sofar) => {
      await periods.noteClosing(accountId, { to, journals: sofar, total, at: clock.now() });
    });
    const lines = linesOf(movements, await periods.openings(accountId, movements, from));
    const id = `per_${newId()}`;
    const closedAt = clock.now();
    const body = JSON.stringify({
      format: 1,
      number: (before?.number ?? 0) + 1,
      month,
      from: isoOf(from),
      to: isoOf(to),
      journals,
      totals: totalsOf(movements, last ? closedOf(last).totals : []).map(totalText),
      lines: { count: lines.length, hash: linesHash(lines) },
      warnings: open.warnings.map(({ code, count }) => ({ code, count })),
      reason,
      closedBy: by,
      closedAt: isoOf(closedAt),
      replaces: replacedBy(before, month),
      previousHash: before?.hash ?? null,
    } satisfies PeriodBody);
    const kept: Omit<KeptPeriod, 'reopened'> = {
      id,
      number: (before?.number ?? 0) + 1,
      month,
      ...sealedLink(CHAIN, signer, accountId, { id, body }),
      closedAt,
    };
    if (await periods.keep(accountId, kept, lines))
      return { kind: 'closed', period: closedOf({ ...kept, reopened: null }) };
    const now = await nextMonth(accountId);
    if (now !== null && now !== month) return notNext(accountId, month, now);
    throw new Fault('busy', { kind: 'retry' }, 'Somebody else has closed or reopened a month at the same moment.');
  }

  async function notNext(accountId: string, month: Month, nextOne: Month): Promise<CloseOutcome> {
    const last = await periods.newestStanding(accountId);
    return { kind: 'not_next', next: nextOne, closed: last?.month === month ? closedOf(last) : null };
  }

  return {
    next,
    close,

    async closeLeft(signal) {
      for (const { accountId, by, reason } of await periods.leftClosing(clock.now() - LEFT_AFTER_MS, LEFT_MAX)) {
        if (signal?.aborted) return;
        const open = await next(accountId);
        if (!open?.closing) continue;
        const { kind } = await carryOut(accountId, open, { by, reason });
        log.info({ account: accountId, month: open.month, outcome: kind }, 'close of a month gone on with');
      }
    },

    async reopen(accountId, periodId, { by, reason }) {
      if (!(await periods.get(accountId, periodId))) return { kind: 'unknown' };
      if (!(await periods.reopen(accountId, periodId, { by, reason, at: clock.now() }))) return { kind: 'not_last' };
      const reopened = await periods.get(accountId, periodId);
      return reopened ? { kind: 'reopened', period: closedOf(reopened) } : { kind: 'unknown' };
    },

    async get(accountId, periodId) {
      const kept = await periods.get(accountId, periodId);
      if (!kept) return null;
      const [last, late] = await Promise.all([
        periods.newestStanding(accountId),
        periods.late(accountId, boundsOf(kept.month)),
      ]);
      return { period: closedOf(kept), isLast: last?.id === kept.id, late };
    },

    async list(accountId, page) {
      const { items, next: behind } = await periods.list(accountId, page);
      return { items: items.map(closedOf), next: behind };
    },

    lines: periods.linesOfKind,
    verify: (accountId) => verifyPeriods(periods, accountId, signer),
  };
}

/**
 * Whether each close is as it was made, none is missing between two, and each month that stands closed still comes to what was kept of it:
 * added up again from its journals, account by account. Without a signer the signatures are left out, which takes no key.
 */
export async function verifyPeriods(
  books: PeriodBooks,
  accountId: string,
  signer: Signer | null,
): Promise<{ readonly periods: number; readonly problems: readonly PeriodProblem[] }> {
  const chain = await books.chain(accountId);
  const problems: PeriodProblem[] = [];
  let standing: ClosedPeriod | null = null;
  for (const [index, kept] of chain.entries()) {
    const say = (problem: PeriodProblem['problem'], words: string) =>
      problems.push({ periodId: kept.id, month: kept.month, problem, words });
    const isOwn = ({ month }: PeriodBody) => month === kept.month;
    const found = linkProblems<PeriodBody>(CHAIN, signer, accountId, kept, chain[index - 1] ?? null, {
      isOwn,
      place: 'month',
    });
    for (const { problem, words } of found) say(problem, words);
    if (hashOf(kept.body) !== kept.hash) continue;
    const body = JSON.parse(kept.body) as PeriodBody;
    const lines = await allLines(books, accountId, kept.id);
    if (lines.length !== body.lines.count || linesHash(lines) !== body.lines.hash)
      say('lines_changed', `Its ${lines.length} lines are not the ${body.lines.count} that were signed.`);
    // What was taken back says nothing of the books any more.
    if (kept.reopened !== null) continue;
    const period = closedOf(kept);
    if (standing !== null && standing.to !== period.from)
      say('chain_broken', `The month that stands closed before it is ${standing.kept.month}.`);
    const wrong = await sumsProblem(books, accountId, period, lines, standing);
    if (wrong !== null) say('sums_differ', wrong);
    standing = period;
  }
  return { periods: chain.length, problems };
}

async function sumsProblem(
  books: PeriodBooks,
  accountId: string,
  period: ClosedPeriod,
  lines: readonly PeriodLine[],
  before: ClosedPeriod | null,
): Promise<string | null> {
  const { movements, journals } = await addUp(books, accountId, period);
  if (journals !== period.journals)
    return `${journals} journals are booked in the month, ${period.journals} were when it was closed.`;
  const derived = linesOf(movements, await books.openings(accountId, movements, period.from));
  const keptOf = new Map(lines.map((line) => [JSON.stringify([line.account, line.currency]), line]));
  const isSame = (line: PeriodLine) => {
    const kept = keptOf.get(JSON.stringify([line.account, line.currency]));
    return kept && linesHash([kept]) === linesHash([line]);
  };
  const off = derived.find((line) => !isSame(line));
  if (off) return `The journals of the month do not come to what was kept of ${off.account} in ${off.currency}.`;
  if (derived.length !== lines.length)
    return `${lines.length} accounts were kept, the journals of the month move ${derived.length}.`;
  const totals = totalsOf(movements, before?.totals ?? []);
  return JSON.stringify(totals.map(totalText)) === JSON.stringify(period.totals.map(totalText))
    ? null
    : 'The totals are not what the accounts come to.';
}

async function addUp(
  books: Pick<PeriodBooks, 'movements'>,
  accountId: string,
  { from, to }: { readonly from: Instant; readonly to: Instant },
  onProgress: (journals: number) => Promise<void> = async () => {},
): Promise<{ movements: Movement[]; journals: number }> {
  const sums = createMovements();
  let journals = 0;
  let pages = 0;
  for (let cursor: PageInput['cursor'] = null; ; ) {
    // On SQLite each page is an answer at once: without a turn of their own, all others would wait for the whole month.
    await nextTurn();
    pages += 1;
    if (pages % PAGES_PER_NOTE === 0) await onProgress(journals);
    const page = await books.movements(accountId, { from, to }, { limit: JOURNALS_PER_PAGE, cursor });
    for (const movement of page.movements) sums.add(movement);
    journals += page.journals;
    if (page.next === null) return { movements: sums.all(), journals };
    cursor = page.next;
  }
}

async function allLines(books: Pick<PeriodBooks, 'lines'>, accountId: string, periodId: string): Promise<PeriodLine[]> {
  const lines: PeriodLine[] = [];
  for (let after: PeriodLine | null = null; ; ) {
    const page: PeriodLine[] = await books.lines(accountId, periodId, after, LINES_PER_PAGE);
    lines.push(...page);
    after = page.at(-1) ?? null;
    if (after === null || page.length < LINES_PER_PAGE) return lines.sort(byKey);
  }
}

export function closedOf(kept: KeptPeriod): ClosedPeriod {
  const body = JSON.parse(kept.body) as PeriodBody;
  return {
    kept,
    ...boundsOf(kept.month),
    journals: body.journals,
    accounts: body.lines.count,
    totals: body.totals.map(totalFrom),
    warnings: body.warnings,
    reason: body.reason,
    closedBy: body.closedBy,
    replaces: body.replaces,
  };
}

function replacedBy(before: KeptPeriod | null, month: Month): PeriodBody['replaces'] {
  if (before?.month !== month || before.reopened === null) return null;
  const { at, by, reason } = before.reopened;
  return { periodId: before.id, by, reason, at: isoOf(at) };
}

function totalText({ kind, currency, opening, debits, credits, closing }: PeriodTotal) {
  return {
    kind,
    currency,
    opening: String(opening),
    debits: String(debits),
    credits: String(credits),
    closing: String(closing),
  };
}

function totalFrom({ kind, currency, ...sums }: PeriodBody['totals'][number]): PeriodTotal {
  return {
    kind,
    currency,
    opening: BigInt(sums.opening),
    debits: BigInt(sums.debits),
    credits: BigInt(sums.credits),
    closing: BigInt(sums.closing),
  };
}
