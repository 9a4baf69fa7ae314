import type { Decision } from '../domain/decision.ts';
import { releaseByPerson } from '../domain/desk-word.ts';
import { Fault } from '../domain/errors.ts';
import { decimalOf } from '../domain/money.ts';
import { createDraft, stateWith } from '../domain/plan.ts';
import { isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { csvOf } from './csv.ts';
import type { HistoryOf, HistoryRelease, Store } from './ports/store.ts';

/** The CRM may bring news of the same referral at the same moment; then it is looked at again. */
const TRIES = 5;

/** Decisions between two notes of how far a release has come: what a crash makes it look at a second time. */
const RELEASED_PER_STEP = 100;

/** Rows of one read for a table. */
const ROWS_PER_PAGE = 500;

/** A table that a spreadsheet still opens; of more the totals tell, and the API. */
const TABLE_ROWS_MAX = 100_000;

export interface HistoryDeps {
  readonly store: Pick<Store, 'history' | 'cases' | 'accounts' | 'programs'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Called when deals are to be looked at. */
  readonly onAsked: () => void;
  /** Called when there is a release to carry out. */
  readonly onReleased: () => void;
}

export interface ReleaseInput {
  /** Chosen by who asks: the same one again is the same release. */
  readonly id: string;
  readonly programId: string;
  readonly ruleKey: string;
  /** Null for everything that the rule would have paid. */
  readonly decisionIds: readonly string[] | null;
  readonly why: string;
  readonly by: string;
}

/** `other`: the id stands for another release. `nothing`: there is nothing of the rule that could be released. */
export type ReleaseAsked =
  | { readonly kind: 'asked' | 'existing'; readonly release: HistoryRelease }
  | { readonly kind: 'refused'; readonly code: 'other' | 'nothing' };

export type ReleaseTurned =
  | { readonly kind: 'turned'; readonly release: HistoryRelease }
  | { readonly kind: 'refused'; readonly code: 'no_such_release' }
  | { readonly kind: 'refused'; readonly code: 'same_person' | 'not_possible'; readonly release: HistoryRelease };

export interface History {
  /** Asks that history of one rule is paid. Where the account wants a second person for what is published, that one has to approve it. */
  release(accountId: string, input: ReleaseInput): Promise<ReleaseAsked>;
  approve(accountId: string, id: string, by: string): Promise<ReleaseTurned>;
  /** What was released already stays. */
  cancel(accountId: string, id: string): Promise<ReleaseTurned>;
  /** What would have been paid, as a table; `isWhole` is false when there is more than it holds. */
  table(accountId: string, of: HistoryOf): Promise<{ readonly csv: string; readonly isWhole: boolean }>;
  /** Carries out releases until none runs. One node at a time. */
  carryOutAll(signal?: AbortSignal): Promise<void>;
}

/**
 * What was won before the program or the connection began, and what it would have paid. It is paid by a person's word alone: the word is a
 * decision, and the same `decide` as ever makes of it what it makes of a deal that is won today. Limits, budgets, holds, reviews and risk
 * are asked then.
 */
export function createHistory({ store, clock, log, onAsked, onReleased }: HistoryDeps): History {
  async function totalOf(
    accountId: string,
    of: HistoryOf & { readonly decisionIds: readonly string[] | null },
  ): Promise<HistoryRelease['askedFor']> {
    if (of.decisionIds === null)
      return (await store.history.totals(accountId, of)).map(({ count, money }) => ({ count, money }));
    const named = await store.history.next(
      accountId,
      { ...of, decisionIds: of.decisionIds },
      null,
      of.decisionIds.length,
    );
    const sums = new Map<string, { count: number; minor: bigint }>();
    for (const { money } of named) {
      if (!money) continue;
      const sum = sums.get(money.currency) ?? { count: 0, minor: 0n };
      sums.set(money.currency, { count: sum.count + 1, minor: sum.minor + money.minor });
    }
    return [...sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, { count, minor }]) => ({ count, money: { minor, currency } }));
  }

  async function turn(
    accountId: string,
    id: string,
    change: (release: HistoryRelease) => Partial<HistoryRelease> | 'same_person' | 'not_possible',
  ): Promise<ReleaseTurned> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const release = await store.history.release(accountId, id);
      if (!release) return { kind: 'refused', code: 'no_such_release' };
      const changed = change(release);
      if (typeof changed === 'string') return { kind: 'refused', code: changed, release };
      const next = { ...release, ...changed, updatedAt: clock.now(), version: release.version + 1 };
      if (await store.history.change(next)) return { kind: 'turned', release: next };
    }
    throw busy();
  }

  /** False when it was no history any more. */
  async function releaseOne(decision: Decision, release: HistoryRelease): Promise<boolean> {
    const { accountId, askedBy, approvedBy, why } = release;
    const by = approvedBy === null ? askedBy : `${askedBy}, approved by ${approvedBy}`;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { connectionId, id } = decision.deal;
      const loaded = await store.cases.load({
        accountId,
        connectionId,
        contactIds: [],
        dealIds: [id],
        emails: [],
        codes: [],
        companies: [],
      });
      const draft = createDraft(stateWith(accountId, loaded));
      if (!releaseByPerson(draft, accountId, decision, { by, why, at: clock.now() })) return false;
      const [result] = await store.cases.commit([
        { accountId, plan: draft.plan(), snapshots: [], restsOn: [], settles: [], erase: [] },
      ]);
      if (result === 'committed') return true;
    }
    throw busy();
  }

  /** A page of decisions, and how far it has come. What a crash left between the two is no history any more when it is met again. */
  async function step(release: HistoryRelease): Promise<void> {
    const { accountId, programId, ruleKey, decisionIds, askedAt, position } = release;
    const of = { programId, ruleKey, upTo: askedAt, ...(decisionIds === null ? {} : { decisionIds }) };
    const page = await store.history.next(accountId, of, position, RELEASED_PER_STEP);
    let released = 0;
    for (const decision of page) if (await releaseOne(decision, release)) released += 1;
    if (released > 0) onAsked();
    const last = page.at(-1);
    const next: HistoryRelease = {
      ...release,
      position: last ? { at: last.recordedAt, id: last.id } : position,
      released: release.released + released,
      passedOver: release.passedOver + page.length - released,
      state: page.length < RELEASED_PER_STEP ? 'done' : 'running',
      updatedAt: clock.now(),
      version: release.version + 1,
    };
    await store.history.change(next);
  }

  return {
    async release(accountId, { id, programId, ruleKey, decisionIds, why, by }) {
      const known = await store.history.release(accountId, id);
      if (known && isSame(known, { programId, ruleKey, decisionIds })) return { kind: 'existing', release: known };
      const now = clock.now();
      const askedFor = await totalOf(accountId, { programId, ruleKey, upTo: now, decisionIds });
      if (askedFor.length === 0) return { kind: 'refused', code: 'nothing' };
      if (known) return { kind: 'refused', code: 'other' };
      const account = await store.accounts.get(accountId);
      const needsSecond = account?.needsSecondPerson ?? false;
      const asked = await store.history.ask({
        accountId,
        id,
        programId,
        ruleKey,
        decisionIds,
        askedFor,
        state: needsSecond ? 'asked' : 'running',
        why,
        askedBy: by,
        askedAt: now,
        approvedBy: null,
        position: null,
        released: 0,
        passedOver: 0,
        updatedAt: now,
        version: 1,
      });
      if (asked.kind === 'existing' && !isSame(asked.release, { programId, ruleKey, decisionIds }))
        return { kind: 'refused', code: 'other' };
      if (asked.kind === 'asked' && !needsSecond) onReleased();
      return asked;
    },

    async approve(accountId, id, by) {
      const turned = await turn(accountId, id, ({ state, askedBy }) => {
        if (state !== 'asked') return 'not_possible';
        return askedBy === by ? 'same_person' : { state: 'running', approvedBy: by };
      });
      if (turned.kind === 'turned') onReleased();
      return turned;
    },

    cancel: (accountId, id) =>
      turn(accountId, id, ({ state }) =>
        state === 'asked' || state === 'running' ? { state: 'cancelled' } : 'not_possible',
      ),

    async table(accountId, of) {
      const rows: string[][] = [];
      for (let after = null as HistoryRelease['position']; rows.length < TABLE_ROWS_MAX; ) {
        const page: Decision[] = await store.history.next(accountId, of, after, ROWS_PER_PAGE);
        rows.push(...page.map(rowOf));
        const last = page.at(-1);
        if (!last || page.length < ROWS_PER_PAGE) return { csv: csvOf(HEADER, rows), isWhole: true };
        after = { at: last.recordedAt, id: last.id };
      }
      return { csv: csvOf(HEADER, rows), isWhole: false };
    },

    async carryOutAll(signal) {
      for (let running = await store.history.running(); running.length > 0; running = await store.history.running()) {
        let failed = 0;
        for (const release of running) {
          if (signal?.aborted) return;
          await step(release).catch((err: unknown) => {
            failed += 1;
            log.warn({ err, release: release.id }, 'release put off');
          });
        }
        // Nothing moved: the next stroke of the schedule tries again.
        if (failed === running.length) return;
      }
    },
  };
}

const HEADER = ['decision', 'program', 'rule', 'party', 'referral', 'deal', 'currency', 'amount', 'since', 'recorded'];

function rowOf({ id, program, ruleKey, party, referralId, deal, money, effectiveAt, recordedAt }: Decision): string[] {
  return [
    id,
    program.id,
    ruleKey,
    party,
    referralId,
    deal.id,
    money?.currency ?? '',
    money ? decimalOf(money) : '',
    isoOf(effectiveAt),
    isoOf(recordedAt),
  ];
}

function isSame(
  release: HistoryRelease,
  asked: Pick<HistoryRelease, 'programId' | 'ruleKey' | 'decisionIds'>,
): boolean {
  return (
    release.programId === asked.programId &&
    release.ruleKey === asked.ruleKey &&
    JSON.stringify(release.decisionIds) === JSON.stringify(asked.decisionIds)
  );
}

function busy(): Fault {
  return new Fault(
    'busy',
    { kind: 'retry' },
    'Others changed the same referral at the same time. Nothing was written.',
  );
}
