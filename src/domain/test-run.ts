import type { ProgramContent, RewardRule } from './program.ts';
import { CLOCK_SKEW_ALLOWED_MS, type Instant } from './time.ts';

/*
 * A test runs for real in an account of its own that nobody has a seat in. What keeps two customers apart keeps a test apart from real life:
 * every row begins with its account. So no sum, list, limit, tier or export has to remember to leave a test out.
 */

const TEST_ACCOUNT_PREFIX = 'test_';

/** Ids of customers begin with `acc_`. */
export function testAccountId(runId: string): string {
  return `${TEST_ACCOUNT_PREFIX}${runId}`;
}

export function isTestAccount(accountId: string): boolean {
  return accountId.startsWith(TEST_ACCOUNT_PREFIX);
}

/** The reward provider of every rule in a test. It gives nothing to anybody, and no other account can pay by it. */
export const TEST_PROVIDER = 'test';

/** What people see of a test, wherever it is seen, begins with it. */
export const TEST_MARK = 'Test: ';

/** A test that somebody has forgotten: its deal shows a reward in the CRM that nobody gets. */
export const TEST_RUN_DAYS_MAX = 7;

/** A test whose start broke off has no referral after this long, whatever the CRM took to answer; it is ended. */
export const TEST_START_MS_MAX = 10 * 60_000;

export interface TestOptions {
  /** Holds, days of payment, reviews and risk are passed over, so that the reward is seen at once. */
  readonly skipsWaits: boolean;
}

/** A program as a test has it: the same rules, whose rewards nobody gets. The budget is the real one's, and is not asked. */
export function testContent(content: ProgramContent, { skipsWaits }: TestOptions): ProgramContent {
  const { programId, name, rules, openReferrals, risk, tiers } = content;
  return {
    programId,
    name: `${TEST_MARK}${name}`,
    rules: rules.map((rule) => testRule(rule, skipsWaits)),
    ...(openReferrals === undefined ? {} : { openReferrals }),
    ...(risk === undefined || skipsWaits ? {} : { risk }),
    ...(tiers === undefined ? {} : { tiers }),
  };
}

function testRule({ usesBudget: _, ...rule }: RewardRule, skipsWaits: boolean): RewardRule {
  if (!skipsWaits) return { ...rule, payout: TEST_PROVIDER };
  const { holdUntil: _until, payOnDay: _day, review: _review, ...atOnce } = rule;
  return { ...atOnce, holdDays: 0, payout: TEST_PROVIDER };
}

/** When a test was under way; null: it still is. */
export interface TestSpan {
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
}

/**
 * Whether a deal of a test's friend was won for the test: then it is nobody's revenue, not even that of a customer who came by themselves. The
 * CRM's clock may be behind ours. Won again after the test it is a deal like any other.
 */
export function isWonInTest(wonAt: Instant, { startedAt, endedAt }: TestSpan): boolean {
  return wonAt + CLOCK_SKEW_ALLOWED_MS >= startedAt && (endedAt === null || wonAt <= endedAt);
}
