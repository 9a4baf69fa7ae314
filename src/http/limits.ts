import { isIPv6 } from 'node:net';
import type { Request } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { HttpProblem } from './problem.ts';

/** So many in so many seconds, counted for each key in this process alone: a second node doubles them, which does no harm. */
export interface LimitSetting {
  readonly points: number;
  readonly perSeconds: number;
}

/**
 * Signed deliveries have no limit: a CRM that is told "too many" may give up, and then a reward is lost until the sweep finds it.
 * Only what was *not* signed is counted, and is answered more shortly once there is much of it.
 */
export interface LimitSettings {
  readonly unsigned: LimitSetting;
  /** Wrong API keys and metrics tokens, each on their own. A key has 256 bits, so this saves work and log lines more than it keeps anybody out. */
  readonly wrongKeys: LimitSetting;
  /** Calls with a valid key, per account: an import may be fast, one account must not slow the others. */
  readonly apiCalls: LimitSetting;
  /** Calls of a CRM's workflows, per portal: the CRM comes again when it is told to. */
  readonly workflowCalls: LimitSetting;
  /** Links asked for and tokens tried, per caller; and letters, per address: nobody's mailbox is filled by a stranger. */
  readonly signIns: LimitSetting;
  readonly letters: LimitSetting;
  /** Pages that a person opens: the end of an install, a share link. */
  readonly pages: LimitSetting;
}

export const LIMITS: LimitSettings = {
  unsigned: { points: 60, perSeconds: 60 },
  wrongKeys: { points: 20, perSeconds: 60 },
  apiCalls: { points: 1_000, perSeconds: 10 },
  workflowCalls: { points: 1_000, perSeconds: 10 },
  signIns: { points: 20, perSeconds: 300 },
  letters: { points: 4, perSeconds: 900 },
  pages: { points: 120, perSeconds: 60 },
};

export interface Limit {
  /** Counts one; what to answer instead when it is one too many. */
  take(key: string): Promise<HttpProblem | null>;
  /** What to answer when the limit is already reached, without counting. */
  reached(key: string): Promise<HttpProblem | null>;
}

export type Limits = Readonly<Record<keyof LimitSettings, Limit>>;

export function createLimits(settings: LimitSettings): Limits {
  return {
    unsigned: createLimit('unsigned', settings.unsigned),
    wrongKeys: createLimit('wrongKeys', settings.wrongKeys),
    apiCalls: createLimit('apiCalls', settings.apiCalls),
    workflowCalls: createLimit('workflowCalls', settings.workflowCalls),
    signIns: createLimit('signIns', settings.signIns),
    letters: createLimit('letters', settings.letters),
    pages: createLimit('pages', settings.pages),
  };
}

function createLimit(keyPrefix: string, { points, perSeconds }: LimitSetting): Limit {
  const limiter = new RateLimiterMemory({ keyPrefix, points, duration: perSeconds });
  const tooMany = (msBeforeNext: number) => {
    const seconds = Math.max(1, Math.ceil(msBeforeNext / 1_000));
    return new HttpProblem('too_many_requests', `Try again in ${seconds} s.`, {
      headers: { 'Retry-After': String(seconds) },
    });
  };
  return {
    async take(key) {
      try {
        await limiter.consume(key);
        return null;
      } catch (rejection) {
        if (rejection instanceof RateLimiterRes) return tooMany(rejection.msBeforeNext);
        throw rejection;
      }
    },
    async reached(key) {
      const state = await limiter.get(key);
      return state && state.consumedPoints >= points ? tooMany(state.msBeforeNext) : null;
    },
  };
}

/** Whom a limit counts for. A household or a server has a whole /64 of IPv6, so that is one caller. */
export function callerOf(request: Request): string {
  const ip = request.ip ?? 'unknown';
  return isIPv6(ip) && !ip.startsWith('::ffff:') ? networkOf(ip) : ip;
}

/** The first four of the eight groups, with those written out that "::" stands for. */
function networkOf(ip: string): string {
  const [head = '', tail] = (ip.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - groups.length - behind.length }, () => '0');
  return [...groups, ...zeros, ...behind]
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':');
}
