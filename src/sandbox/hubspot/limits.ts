import { HubSpotError } from './errors.ts';

/** "Each installed account: 110 requests every 10 seconds" for OAuth apps of the marketplace (usage guidelines). */
export const BURST_LIMIT = 110;
export const BURST_WINDOW_MS = 10_000;
/** "Five requests per second per account" (search guide). */
export const SEARCH_LIMIT = 5;
export const SEARCH_WINDOW_MS = 1_000;

export interface Limits {
  /** Counts a call; throws the 429 that HubSpot would answer. Returns the headers of an answer within the limit. */
  admit(portalId: number, isSearch: boolean): Record<string, string>;
  reset(): void;
}

interface Window {
  calls: number[];
  /** Index of the first call that still counts: shifting an array on every call would cost its length. */
  first: number;
}

export interface LimitsDeps {
  clock: () => number;
  appId: number;
  enabled: boolean;
}

/** Rolling windows per portal. A refused call does not count against the window. */
export function createLimits({ clock, appId, enabled }: LimitsDeps): Limits {
  const windows = new Map<string, Window>();

  function take(key: string, limit: number, spanMs: number): number {
    const now = clock();
    const window = windows.get(key) ?? { calls: [], first: 0 };
    windows.set(key, window);
    while (window.first < window.calls.length && (window.calls[window.first] ?? 0) <= now - spanMs) window.first += 1;
    if (window.first > limit * 4) {
      window.calls.splice(0, window.first);
      window.first = 0;
    }
    if (window.calls.length - window.first >= limit) return -1;
    window.calls.push(now);
    return limit - (window.calls.length - window.first);
  }

  function headers(remaining: number): Record<string, string> {
    return {
      'X-HubSpot-RateLimit-Interval-Milliseconds': String(BURST_WINDOW_MS),
      'X-HubSpot-RateLimit-Max': String(BURST_LIMIT),
      'X-HubSpot-RateLimit-Remaining': String(remaining),
    };
  }

  return {
    admit(portalId, isSearch) {
      if (!enabled) return isSearch ? {} : headers(BURST_LIMIT - 1);
      if (isSearch && take(`search:${portalId}`, SEARCH_LIMIT, SEARCH_WINDOW_MS) < 0) {
        throw new HubSpotError(429, { message: 'You have reached your secondly limit.', errorType: 'RATE_LIMIT' });
      }
      const remaining = take(`burst:${portalId}`, BURST_LIMIT, BURST_WINDOW_MS);
      if (remaining < 0) {
        throw new HubSpotError(
          429,
          {
            message: 'You have reached your ten_secondly_rolling limit.',
            errorType: 'RATE_LIMIT',
            policyName: 'TEN_SECONDLY_ROLLING',
            groupName: `publicapi:app-api-calls-ten-secondly:${appId}:${portalId}`,
          },
          isSearch ? {} : headers(0),
        );
      }
      // Search guide: its answers carry no rate-limit headers.
      return isSearch ? {} : headers(remaining);
    },
    reset: () => windows.clear(),
  };
}
