/**
 * The rate budget of one portal, kept by waiting. HubSpot counts a marketplace app's calls per installed account over a
 * rolling window: 110 in 10 s, and 5 searches in 1 s (developers.hubspot.com, usage guidelines).
 *
 * HubSpot counts a call when it arrives, which we see only by its answer. So a call holds its place from before it is sent
 * until one window after its answer; counting from the sending instead let 36 of 300 calls of the conformance suite run
 * into a 429, since the late ones of one burst and the early ones of the next arrive within one window.
 *
 * A log of times and not a fixed window: two fixed windows let twice the limit through at their border. The SDK's own limiter
 * is one object for the whole process, whatever the portal.
 */
export interface Budget {
  /**
   * Resolves when a call may be sent; first come, first served within a portal and lane. Call the result at the answer. Of what can wait
   * (`background`) only so many are let into the line that the others never wait for more than one of them.
   */
  take(portal: string, lane: Lane, pace?: Pace): Promise<() => void>;
  /** HubSpot said "slow down": nobody calls this portal in this lane before `ms` have passed. */
  pause(portal: string, lane: Lane, ms: number): void;
  /** Calls to a portal within the window that HubSpot counts over; null when none was made. */
  used(portal: string): number | null;
}

export type Lane = 'general' | 'search';

type Pace = 'background' | undefined;

interface Limit {
  readonly calls: number;
  readonly windowMs: number;
}

/** What HubSpot itself allows a marketplace app for each account that installed it; we keep a little below. */
export const VENDOR_LIMIT = { calls: 110, windowMs: 10_000 } as const;

export const LIMITS: Readonly<Record<Lane, Limit>> = {
  general: { calls: 100, windowMs: 10_000 },
  search: { calls: 4, windowMs: 1_000 },
};

/**
 * What a backfill may take of these. Less than half: a portal in which much is going on uses the rest, and most of a backfill's time is ours
 * and not HubSpot's. The searches are counted per account, all of the customer's apps together (search guide), so two of the five are left to the
 * sweep and three to everybody else.
 */
export const BACKGROUND_LIMITS: Readonly<Record<Lane, Limit>> = {
  general: { calls: 40, windowMs: 10_000 },
  search: { calls: 2, windowMs: 1_000 },
};

/** The longest pause that is honoured; also what remains of one after the clock was set back. */
const PAUSE_MAX_MS = 11_000;

/** Lanes of portals that have been quiet are dropped when there are more than this many. */
const LANES_MAX = 5_000;

/** The lanes in front of the lanes. */
type LaneName = Lane | `background ${Lane}`;

interface LaneState {
  inFlight: number;
  /** When answers came, within the window, oldest first. */
  answered: number[];
  notBefore: number;
  waiting: number;
  tail: Promise<unknown>;
  /** Wakes who waits for an answer to come. */
  onAnswer: (() => void) | null;
}

export function createBudget({
  clock,
  sleep,
}: {
  clock: () => number;
  sleep: (ms: number) => Promise<unknown>;
}): Budget {
  const lanes = new Map<string, LaneState>();

  function laneOf(portal: string, lane: LaneName): LaneState {
    const key = `${lane} ${portal}`;
    let state = lanes.get(key);
    if (!state) {
      if (lanes.size >= LANES_MAX) forgetQuietLanes();
      state = { inFlight: 0, answered: [], notBefore: 0, waiting: 0, tail: Promise.resolve(), onAnswer: null };
      lanes.set(key, state);
    }
    return state;
  }

  function forgetQuietLanes(): void {
    const now = clock();
    for (const [key, { inFlight, answered, notBefore, waiting }] of lanes) {
      const last = answered.at(-1) ?? 0;
      if (inFlight + waiting === 0 && notBefore <= now && last + LIMITS.general.windowMs < now) lanes.delete(key);
    }
  }

  async function waitForPlace(state: LaneState, { calls, windowMs }: Limit): Promise<void> {
    for (;;) {
      const now = clock();
      // Times of the future were noted before the clock was set back; they must not hold calls up until it catches up.
      state.answered = state.answered.filter((at) => at > now - windowMs && at <= now);
      state.notBefore = Math.min(state.notBefore, now + PAUSE_MAX_MS);
      const [oldest] = state.answered;
      const isFull = state.inFlight + state.answered.length >= calls;
      if (state.notBefore > now) await sleep(state.notBefore - now);
      else if (!isFull) return;
      else if (oldest !== undefined) await sleep(oldest + windowMs - now);
      else {
        await new Promise<void>((resolve) => {
          state.onAnswer = resolve;
        });
      }
    }
  }

  function takeLane(portal: string, lane: Lane, pace?: Pace): Promise<() => void> {
    if (pace) return takeIn(portal, `background ${lane}`, BACKGROUND_LIMITS[lane], () => takeLane(portal, lane));
    // Whether a search also counts as a call is not documented, so it takes a place in both, and does so while it is first
    // among the searches.
    return takeIn(portal, lane, LIMITS[lane], lane === 'search' ? () => takeLane(portal, 'general') : null);
  }

  async function takeIn(
    portal: string,
    lane: LaneName,
    limit: Limit,
    then: (() => Promise<() => void>) | null,
  ): Promise<() => void> {
    const state = laneOf(portal, lane);
    state.waiting += 1;
    const place = state.tail.then(async () => {
      await waitForPlace(state, limit);
      const answeredNext = then ? await then() : null;
      state.inFlight += 1;
      return () => {
        answeredNext?.();
        state.inFlight -= 1;
        state.answered.push(clock());
        state.onAnswer?.();
        state.onAnswer = null;
      };
    });
    state.tail = place.catch(() => undefined);
    try {
      return await place;
    } finally {
      state.waiting -= 1;
    }
  }

  return {
    take: takeLane,
    used(portal) {
      const state = lanes.get(`general ${portal}`);
      if (!state) return null;
      const now = clock();
      const { windowMs } = LIMITS.general;
      return state.inFlight + state.answered.filter((at) => at > now - windowMs && at <= now).length;
    },
    pause(portal, lane, ms) {
      const state = laneOf(portal, lane);
      state.notBefore = Math.max(state.notBefore, clock() + Math.min(ms, PAUSE_MAX_MS));
    },
  };
}
