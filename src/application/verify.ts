import { createHash } from 'node:crypto';
import { STANDING_STATES } from '../domain/decision.ts';
import type { Posting } from '../domain/ledger.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { recordKey } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import { paceHours } from '../domain/risk.ts';
import { addTo, type Tally, tallyMap } from '../domain/tally.ts';
import type { TierChange } from '../domain/tier.ts';
import { contributionsOf } from '../domain/won-deals.ts';
import { verifyPeriods } from './periods.ts';
import type { Audit, AuditedTable, AuditPage } from './ports/audit.ts';
import type { LedgerBalance } from './ports/store.ts';
import { booksProblems, stands } from './verify-books.ts';
import { createReplay, UNDERIVABLE, type Underivable } from './verify-replay.ts';
import { tierBooksProblems } from './verify-tiers.ts';

/**
 * Referrals that are looked at together: deciding goes through all that was loaded with each of them, so twice as many cost twice as much
 * each; fewer cost more statements. With their facts and decisions that is a megabyte or two, whatever the account's size.
 */
const REFERRALS_PER_PAGE = 40;

const BALANCES_PER_PAGE = 1_000;

/** Told per account; a mistake in a million rows would otherwise be a million lines. All are counted. */
const PROBLEMS_TOLD_MAX = 100;

const EXAMPLES_MAX = 5;

export interface VerifiedAccount {
  readonly accountId: string;
  readonly rows: Readonly<Record<AuditedTable, number>>;
  /** Decisions that follow from the facts as they are stored, and referrals whose rewards do. */
  readonly derived: { readonly decisions: number; readonly referrals: number };
  /** What the stored facts say nothing about, neither right nor wrong. */
  readonly underivable: ReadonlyArray<{
    readonly code: Underivable;
    readonly why: string;
    readonly count: number;
    /** Ids of referrals. */
    readonly examples: readonly string[];
  }>;
  /** Referrals with a record that is still to be looked at: what is missing from them is on its way. */
  readonly waiting: number;
  /** Of months; each that stands was added up again. */
  readonly closes: number;
  readonly ledger: {
    readonly accounts: number;
    /** Over every account, currency and balance: the same for the same balances, whatever the order. */
    readonly digest: string;
    /** By the first word of the ledger account's name. */
    readonly totals: ReadonlyArray<{ readonly kind: string; readonly currency: string; readonly minor: string }>;
  };
  /** How many problems there are; `problems` tells the first of them. */
  readonly problemCount: number;
  readonly problems: readonly string[];
}

export interface Verification {
  readonly ok: boolean;
  /** Of no single account: rows that name what is not there. */
  readonly problems: readonly string[];
  readonly accounts: readonly VerifiedAccount[];
}

export interface VerifyOptions {
  /** Of one account only; rows that belong to none are looked for all the same. */
  readonly accountId?: string;
  /** Hears after each page how many referrals were looked at. */
  readonly onProgress?: (referrals: number) => void;
}

/**
 * Rebuilds from what is stored what else is stored, and tells every difference. Reads only, in pages, inside whatever snapshot the
 * audit was made with, so the service may go on meanwhile.
 */
export async function verify(audit: Audit, { accountId, onProgress }: VerifyOptions = {}): Promise<Verification> {
  const stray = await audit.strayRows();
  const problems = stray.map(({ what, rows, examples }) => `${rows} rows of ${what} (${examples.join('; ')})`);
  const accounts: VerifiedAccount[] = [];
  for (const id of await audit.accountIds()) {
    if (accountId !== undefined && id !== accountId) continue;
    accounts.push(await verifyAccount(audit, id, onProgress));
  }
  const ok = problems.length === 0 && accounts.every(({ problemCount }) => problemCount === 0);
  return { ok, problems, accounts };
}

async function verifyAccount(
  audit: Audit,
  accountId: string,
  onProgress: VerifyOptions['onProgress'],
): Promise<VerifiedAccount> {
  const account = await audit.account(accountId);
  const told: string[] = [];
  let problemCount = 0;
  const say = (problems: readonly string[]) => {
    problemCount += problems.length;
    told.push(...problems.slice(0, PROBLEMS_TOLD_MAX - told.length));
  };
  const underivable = new Map<Underivable, { count: number; examples: string[] }>();
  const seen: Record<AuditedTable, number> = {
    referrals: 0,
    decisions: 0,
    rewards: 0,
    intents: 0,
    journals: 0,
    postings: 0,
  };
  const derived = { decisions: 0, referrals: 0 };
  const folded = createBalanceFold();
  const limits = tallyMap(await audit.budgets(accountId));
  let waiting = 0;
  const policies = account.programs.flatMap(({ risk }) => risk ?? []);
  const riskHours = policies.length === 0 ? undefined : paceHours(policies);

  for (let after: string | null = null; ; ) {
    const page: AuditPage = await audit.page(accountId, after, REFERRALS_PER_PAGE, riskHours);
    if (page.referrals.length === 0) break;
    const replay = createReplay({ accountId, account, page });
    for (const referral of page.referrals) {
      const books = { ...booksOf(page, referral), programs: account.programs };
      say(booksProblems(books));
      say(evidenceProblems(page, referral));
      say(attributionProblems(page, referral));
      say(mirrorProblems(page, referral));
      const result = replay(referral);
      say(result.problems);
      derived.decisions += result.decisions;
      if (result.isDerived) derived.referrals += 1;
      if (result.waits) waiting += 1;
      for (const code of result.underivable) {
        const entry = underivable.get(code) ?? { count: 0, examples: [] };
        entry.count += 1;
        if (entry.examples.length < EXAMPLES_MAX && !entry.examples.includes(referral.id))
          entry.examples.push(referral.id);
        underivable.set(code, entry);
      }
    }
    for (const referral of page.referrals)
      addTo(
        limits,
        contributionsOf(referral).map((one) => ({ ...one, basis: null })),
      );
    // One that is to end when its provider has answered has not given anything back yet.
    for (const { state, uses } of page.rewards)
      if (STANDING_STATES.includes(state))
        addTo(
          limits,
          uses.map((use) => ({ ...use, basis: null })),
        );
    for (const { postings } of page.journals) for (const posting of postings) folded.add(posting);
    seen.referrals += page.referrals.length;
    seen.decisions += page.decisions.length;
    seen.rewards += page.rewards.length;
    seen.intents += page.intents.length;
    seen.journals += page.journals.length;
    seen.postings += page.journals.reduce((sum, { postings }) => sum + postings.length, 0);
    after = page.referrals.at(-1)?.id ?? null;
    onProgress?.(page.referrals.length);
  }

  // A row that hangs on no referral would otherwise be met by nobody.
  for (const table of Object.keys(seen) as AuditedTable[])
    if (seen[table] !== account.rows[table])
      say([`${account.rows[table] - seen[table]} rows of ${table} belong to no referral of the account`]);
  say(await tallyProblems(audit, accountId, limits));
  say(await tierProblems(audit, accountId, account.programs));
  const shown = createBalanceFold();
  const ledgerAccounts = await foldBalances(audit, accountId, shown);
  if (shown.digest() !== folded.digest()) say(['the balances are not the sums of the journals']);
  say(
    shown
      .totals()
      .filter(isOff)
      .map(({ currency, minor }) => `the balances are off by ${minor} ${currency}`),
  );
  const closes = await verifyPeriods(audit.periods, accountId, null);
  say(closes.problems.map(({ month, periodId, words }) => `the close ${periodId} of ${month}: ${words}`));

  return {
    accountId,
    rows: account.rows,
    derived,
    underivable: [...underivable].map(([code, { count, examples }]) => ({
      code,
      why: UNDERIVABLE[code],
      count,
      examples,
    })),
    waiting,
    closes: closes.periods,
    ledger: { accounts: ledgerAccounts, digest: shown.digest(), totals: shown.kinds() },
    problemCount,
    problems: told,
  };
}

function booksOf(page: AuditPage, referral: Referral) {
  const rewards = page.rewards.filter(({ referralId }) => referralId === referral.id);
  const ids = new Set(rewards.map(({ id }) => id));
  return {
    decisions: page.decisions.filter(({ referralId }) => referralId === referral.id),
    rewards,
    journals: page.journals.filter(({ rewardId }) => ids.has(rewardId)),
    intents: page.intents.filter(({ rewardId }) => ids.has(rewardId)),
  };
}

/** Tiers, member by member. */
async function tierProblems(audit: Audit, accountId: string, programs: readonly ProgramVersion[]): Promise<string[]> {
  if (!programs.some(({ tiers }) => tiers)) return [];
  const problems: string[] = [];
  const due = await audit.tierLooksDue(accountId);
  const tallies = tallyMap([...(await audit.wonTallies(accountId)), ...(await audit.limitTallies(accountId))]);
  let chain: TierChange[] = [];
  const close = () => {
    const [first] = chain;
    if (first)
      problems.push(...tierBooksProblems({ programs, chain, tallies, waits: due.has(first.memberId), now: audit.now }));
    chain = [];
  };
  for (let after: TierChange | null = null; ; ) {
    const changes: TierChange[] = await audit.tierChanges(accountId, after, BALANCES_PER_PAGE);
    for (const change of changes) {
      const [first] = chain;
      if (first && (first.memberId !== change.memberId || first.program.id !== change.program.id)) close();
      chain.push(change);
    }
    after = changes.at(-1) ?? null;
    if (after === null) break;
  }
  close();
  return problems;
}

/** Running totals are what they are the totals of. */
async function tallyProblems(audit: Audit, accountId: string, limits: ReadonlyMap<string, Tally>): Promise<string[]> {
  const wrong = (await audit.wrongTallies(accountId)).map(
    ({ owner, key, currency, stored, derived }) =>
      `the tally "${key}" of ${owner} is ${[stored, currency].join(' ').trimEnd()}, should be ${derived}`,
  );
  const kept = tallyMap(await audit.limitTallies(accountId));
  for (const id of new Set([...kept.keys(), ...limits.keys()])) {
    const [stored, derived] = [kept.get(id), limits.get(id)];
    const { owner, key } = stored ?? derived ?? { owner: '', key: '' };
    const text = (tally: Tally | undefined) => `${tally?.count ?? 0} times, ${tally?.minor ?? 0n} minor units`;
    if (text(stored) !== text(derived))
      wrong.push(`the tally "${key}" of ${owner} is ${text(stored)}, should be ${text(derived)}`);
  }
  return wrong;
}

/** A referral is whose the last decision on it says, and only a person moves one. */
function attributionProblems(page: AuditPage, { id, memberId, movedAt }: Referral): string[] {
  const own = page.attributions.filter(({ referralId }) => referralId === id).sort((a, b) => a.sequence - b.sequence);
  const last = own.at(-1);
  const problems: string[] = [];
  if (last && last.memberId !== memberId)
    problems.push(`referral ${id} is of member ${memberId}, attribution ${last.id} gave it to ${last.memberId}`);
  if ((movedAt === undefined) !== own.every(({ kind }) => kind !== 'moved'))
    problems.push(
      `referral ${id} ${movedAt === undefined ? 'does not say' : 'says'} that a person moved it, its attributions do${movedAt === undefined ? '' : ' not'}`,
    );
  own.forEach(({ id: attribution, kind, fromMemberId, candidates, memberId: to }, index) => {
    const before = own[index - 1];
    if (kind === 'moved' && before && before.memberId !== fromMemberId)
      problems.push(`attribution ${attribution} takes the referral from ${fromMemberId}, who did not have it`);
    const winners = candidates.filter(({ verdict }) => verdict === 'winner');
    if (winners.length !== 1 || winners[0]?.memberId !== to)
      problems.push(`attribution ${attribution} gives the referral to somebody who did not win`);
  });
  return problems;
}

/** A referral that was concluded from the CRM has kept what it was concluded from. */
function evidenceProblems(page: AuditPage, { id, source, memberId, friend, movedAt }: Referral): string[] {
  // The person who gave it to its member is the evidence, and is looked for elsewhere.
  if (movedAt !== undefined) return [];
  if ((source !== 'label' && source !== 'code' && source !== 'company') || friend.contact === null) return [];
  const { connectionId, id: contactId } = friend.contact;
  // Of two friends who became one, either can go on under the other's id: what shows one of them may stand under any id of that person.
  const ids = new Set(
    page.contacts
      .filter(({ facts }) => facts.ref.connectionId === connectionId)
      .map(({ facts: { ref, formerIds } }) => [ref.id, ...formerIds])
      .filter((all) => all.includes(contactId))
      .flat(),
  ).add(contactId);
  const isKept = page.touches.some(
    (touch) => touch.kind === source && touch.memberId === memberId && ids.has(touch.friend?.id ?? ''),
  );
  return isKept ? [] : [`referral ${id} was attributed by ${source}, and no touch shows it`];
}

/** Whoever has a reward standing has it shown in the CRM, unless the CRM has no such record any more. */
function mirrorProblems(page: AuditPage, referral: Referral): string[] {
  const rewards = page.rewards.filter((reward) => reward.referralId === referral.id && stands(reward));
  if (rewards.length === 0) return [];
  const kept = new Set([...page.mirrored, ...page.waiting].map(recordKey));
  const facts = [...page.contacts, ...page.deals].map((known) => known.facts);
  const gone = new Set(facts.filter(({ presence }) => presence === 'deleted').map(({ ref }) => recordKey(ref)));
  const merged = new Set(facts.flatMap(({ ref, formerIds }) => formerIds.map((id) => recordKey({ ...ref, id }))));
  const member = page.state.members.find(({ id }) => id === referral.memberId);
  const shown = [referral.friend.contact, member?.contact ?? null, ...rewards.map(({ deal }) => deal)];
  return shown
    .filter((ref) => ref !== null)
    .filter((ref) => ![kept, gone, merged].some((refs) => refs.has(recordKey(ref))))
    .map((ref) => `referral ${referral.id}: what it shows on ${ref.object} ${ref.id} is not kept for the CRM`);
}

// ── Balances ────────────────────────────────────────────────────────────────────────────────────────────────────────

const DIGEST_MASK = (1n << 128n) - 1n;
const DIGEST_HEX_DIGITS = 32;

/** Factors that are remembered: an account may have a ledger account for each of a million members. */
const FACTORS_KEPT_MAX = 10_000;

/**
 * Adds up balances without keeping them: each ledger account and currency has a number of its own, made of its name, by which its
 * amounts are multiplied. Two sums are equal when all balances are; when one differs, with a chance of 2⁻¹²⁸.
 */
function createBalanceFold() {
  const factors = new Map<string, bigint>();
  const byKind = new Map<string, bigint>();
  const byCurrency = new Map<string, bigint>();
  let sum = 0n;

  function factorOf(key: string): bigint {
    let factor = factors.get(key);
    if (factor === undefined) {
      factor = BigInt(`0x${createHash('sha256').update(key).digest('hex').slice(0, DIGEST_HEX_DIGITS)}`);
      if (factors.size >= FACTORS_KEPT_MAX) factors.clear();
      factors.set(key, factor);
    }
    return factor;
  }

  return {
    add({ account, currency, minor }: Posting): void {
      sum = (sum + factorOf(`${account}\n${currency}`) * minor) & DIGEST_MASK;
      const kind = `${account.split(':', 1)[0]} ${currency}`;
      byKind.set(kind, (byKind.get(kind) ?? 0n) + minor);
      byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + minor);
    },
    digest: () => sum.toString(16).padStart(DIGEST_HEX_DIGITS, '0'),
    totals: () => [...byCurrency].map(([currency, minor]) => ({ currency, minor })),
    kinds: () =>
      [...byKind]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, minor]) => {
          const [kind = '', currency = ''] = key.split(' ');
          return { kind, currency, minor: minor.toString() };
        }),
  };
}

function isOff({ minor }: { minor: bigint }): boolean {
  return minor !== 0n;
}

async function foldBalances(
  audit: Audit,
  accountId: string,
  fold: ReturnType<typeof createBalanceFold>,
): Promise<number> {
  let count = 0;
  for (let after: LedgerBalance | null = null; ; ) {
    const balances: LedgerBalance[] = await audit.balances(accountId, after, BALANCES_PER_PAGE);
    for (const balance of balances) fold.add(balance);
    count += balances.length;
    after = balances.at(-1) ?? null;
    if (after === null) return count;
  }
}

/** What two databases that hold the same must both give. */
export function sameVerification(a: Verification, b: Verification): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
