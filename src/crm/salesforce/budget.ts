import { Fault } from '../../domain/errors.ts';
import { DAILY_LIMIT_WAIT_MS } from './errors.ts';
import type { ApiUsage } from './transport.ts';

/**
 * What Wonward takes of an org's API. Salesforce counts the calls of all apps together over a rolling day and says with each answer
 * where it stands; an app that takes them all stops every other integration of the customer's. So few calls are under way at a time, our
 * own are held to a share of the day's, and the last ones of the org are left to others.
 */
export interface Budget {
  /**
   * Resolves when a call may be sent, first come, first served. Call the result at the answer. Of what can wait (`background`) one is under way
   * at a time, and it ends earlier. `share`, 0 to 1, is what an admin of the org's account has set. @throws Fault `crm_rate_limited`
   */
  take(org: string, how?: How): Promise<(usage: ApiUsage | null) => void>;
  /** What the org said last of its calls of the day, those of all apps together; null when it has not. */
  usage(org: string): ApiUsage | null;
}

interface How {
  readonly pace?: 'background' | undefined;
  readonly share?: number | undefined;
}

/** Salesforce allows 25 long-running calls at a time (5 in a developer org), for all apps together. */
export const CALLS_AT_ONCE = 4;

/** From here on the org's calls are left to those who cannot wait. */
export const USED_MAX = 0.95;

/** A backfill stops at half of our share of the day, and long before the org's calls come to an end: it goes on when there are more. */
export const BACKGROUND_PART = 0.5;
export const BACKGROUND_USED_MAX = 0.7;

export const DAY_MS = 86_400_000;
const BUCKET_MS = 900_000;

/** Orgs that have been quiet are forgotten when there are more than this many. */
const ORGS_MAX = 5_000;

interface OrgState {
  inFlight: number;
  waiting: Array<() => void>;
  /** Our own calls in the last 24 hours, in quarters of an hour, oldest first. */
  buckets: Array<{ at: number; count: number }>;
  usage: (ApiUsage & { readonly at: number }) | null;
  /** Ends with the answer to the last call that can wait. */
  background: Promise<void>;
}

export function createBudget({ clock, dailyShare }: { clock: () => number; dailyShare: number }): Budget {
  const orgs = new Map<string, OrgState>();

  function stateOf(org: string): OrgState {
    const known = orgs.get(org);
    if (known) return known;
    if (orgs.size >= ORGS_MAX) {
      for (const [name, state] of orgs) if (state.inFlight + state.waiting.length === 0) orgs.delete(name);
    }
    const state: OrgState = { inFlight: 0, waiting: [], buckets: [], usage: null, background: Promise.resolve() };
    orgs.set(org, state);
    return state;
  }

  function refuseBeyondShare(state: OrgState, { pace, share: said = dailyShare }: How): void {
    const share = pace ? said * BACKGROUND_PART : said;
    const now = clock();
    // Times of the future were noted before the clock was set back.
    state.buckets = state.buckets.filter(({ at }) => at > now - DAY_MS && at <= now);
    const { usage } = state;
    if (!usage || usage.limit <= 0 || usage.at <= now - DAILY_LIMIT_WAIT_MS) return;
    const own = state.buckets.reduce((sum, { count }) => sum + count, 0);
    const isOrgSpent = usage.used >= usage.limit * (pace ? BACKGROUND_USED_MAX : USED_MAX);
    if (own < usage.limit * share && !isOrgSpent) return;
    throw new Fault(
      'crm_rate_limited',
      { kind: 'retry', afterMs: DAILY_LIMIT_WAIT_MS },
      isOrgSpent
        ? 'The org has nearly used up its API calls of the day. Wonward leaves the last ones to others and goes on when there are more.'
        : 'Wonward has used its share of the API calls of this org for today, and goes on when there are more. An admin can set the share at the connection.',
      { message: `held back: ${own} own calls, ${usage.used} of ${usage.limit} used in the org` },
    );
  }

  function count(state: OrgState): void {
    const at = Math.floor(clock() / BUCKET_MS) * BUCKET_MS;
    const last = state.buckets.at(-1);
    if (last?.at === at) last.count += 1;
    else state.buckets.push({ at, count: 1 });
  }

  async function takeLast(org: string, how: How): Promise<(usage: ApiUsage | null) => void> {
    const state = stateOf(org);
    const before = state.background;
    let end = () => {};
    state.background = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    try {
      refuseBeyondShare(state, how);
      const answered = await take(org, { share: how.share });
      return (usage) => {
        answered(usage);
        end();
      };
    } catch (fault) {
      end();
      throw fault;
    }
  }

  async function take(org: string, how: How): Promise<(usage: ApiUsage | null) => void> {
    const state = stateOf(org);
    refuseBeyondShare(state, how);
    if (state.inFlight >= CALLS_AT_ONCE) await new Promise<void>((resolve) => state.waiting.push(resolve));
    else state.inFlight += 1;
    count(state);
    return (usage) => {
      if (usage) state.usage = { ...usage, at: clock() };
      // The place goes to the next in line without becoming free in between.
      const next = state.waiting.shift();
      if (next) next();
      else state.inFlight -= 1;
    };
  }

  return {
    usage: (org) => orgs.get(org)?.usage ?? null,
    take: (org, how = {}) => (how.pace ? takeLast(org, how) : take(org, how)),
  };
}
