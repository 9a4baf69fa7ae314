import { ApiError } from './errors.ts';
import type { Org } from './org.ts';

/** How many requests an org has made in the last 24 hours, and what REST says of it. */

const DAY_MS = 86_400_000;
/** Requests of one second are one entry. */
const BUCKET_MS = 1_000;

export interface Limits {
  /** Counts a request. Gives the header that tells of it. @throws {ApiError} REQUEST_LIMIT_EXCEEDED */
  admit(org: Org): Record<string, string>;
  used(org: Org): number;
  /** As if so many had been made. */
  use(org: Org, requests: number): void;
  clear(): void;
}

interface Window {
  /** Oldest first. */
  buckets: Array<{ at: number; count: number }>;
  total: number;
}

export function createLimits({ clock }: { clock: () => number }): Limits {
  const windows = new Map<string, Window>();

  function windowOf(org: Org): Window {
    const window = windows.get(org.id) ?? { buckets: [], total: 0 };
    windows.set(org.id, window);
    const from = clock() - DAY_MS;
    for (let first = window.buckets[0]; first && first.at <= from; first = window.buckets[0]) {
      window.total -= first.count;
      window.buckets.shift();
    }
    return window;
  }

  function use(org: Org, requests: number): void {
    const window = windowOf(org);
    const at = Math.floor(clock() / BUCKET_MS) * BUCKET_MS;
    const last = window.buckets.at(-1);
    if (last?.at === at) last.count += requests;
    else window.buckets.push({ at, count: requests });
    window.total += requests;
  }

  const header = (org: Org): Record<string, string> => ({
    'Sforce-Limit-Info': `api-usage=${windowOf(org).total}/${org.settings.dailyRequests}`,
  });

  return {
    admit(org) {
      if (windowOf(org).total >= org.settings.dailyRequests) {
        throw new ApiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.', { headers: header(org) });
      }
      use(org, 1);
      return header(org);
    },
    used: (org) => windowOf(org).total,
    use,
    clear: () => windows.clear(),
  };
}
