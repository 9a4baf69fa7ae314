import { Fault } from '../domain/errors.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { CrmAccess } from './ports/crm.ts';
import type { CrmStream, StreamBatch, StreamNews } from './ports/crm-stream.ts';
import type { ObserveStream } from './ports/observe.ts';
import type { Connection, Store } from './ports/store.ts';

export interface ListenTiming {
  /** How soon a CRM that was connected or disconnected is seen. */
  readonly lookMs: number;
  /** A node that dies is replaced after this; what came meanwhile waits in the stream. */
  readonly leaseMs: number;
  /** A CRM without a stream may get one: the package is installed, or an edition bought. */
  readonly unavailableMs: number;
  /** What only a person can change. */
  readonly neverMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

const TIMING: ListenTiming = {
  lookMs: 3_000,
  leaseMs: 30_000,
  unavailableMs: 3_600_000,
  neverMs: 900_000,
  backoffBaseMs: 1_000,
  backoffMaxMs: 60_000,
};

/** One node listens to everything: a stream costs a connection and little else, and one lease is one write in ten seconds. */
const LEASE = 'streams';

export interface ListenDeps {
  readonly store: Pick<Store, 'connections' | 'inbox' | 'leases'>;
  /** By provider. */
  readonly streams: ReadonlyMap<string, CrmStream>;
  readonly accessOf: (connection: Connection) => CrmAccess;
  /** Of this node. */
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly observe: ObserveStream;
  /** Called after hints of a connection were kept, so that a worker need not wait for its next look. */
  readonly onAccepted: (connection: Connection) => void;
  /** Called when the CRM has rows that ask Wonward for something. */
  readonly onRequests?: (connection: Connection) => void;
  readonly timing?: Partial<ListenTiming>;
}

export interface Listen {
  start(): void;
  /** Waits for what is being kept. */
  stop(): Promise<void>;
}

interface Listener {
  readonly connection: Connection;
  readonly stopping: AbortController;
  readonly done: Promise<void>;
  /** The grant is gone, and these were its tokens: listening goes on when there are others. */
  restsOnTokens: number | null;
}

/**
 * The other first hop: instead of the CRM calling us, we listen to it. What comes is kept as `receive` keeps it, with the place in the
 * stream in the same transaction, so that a crash neither loses an event nor brings one twice.
 */
export function createListen(deps: ListenDeps): Listen {
  const { store, streams, owner, clock, log, observe } = deps;
  const timing = { ...TIMING, ...deps.timing };
  const stopping = new AbortController();
  const listeners = new Map<string, Listener>();
  let heldUntil: Instant = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;

  // ── One connection ──

  async function keep(connection: Connection, batch: StreamBatch): Promise<void> {
    const now = clock.now();
    // A node that was paused: another one may listen by now.
    if (now >= heldUntil) throw new Fault('busy', { kind: 'retry' }, 'Another node may be listening by now.');
    const { provider } = connection;
    const { hints, position, sweepFrom } = batch;
    const { accepted, duplicates } = await store.inbox.append(connection, hints, now, { position, sweepFrom });
    observe.hints(provider, 'accepted', accepted);
    observe.hints(provider, 'duplicate', duplicates);
    observe.hints(provider, 'ignored', hints.filter(({ kind }) => kind === 'ignored').length);
    observe.hints(provider, 'echo', hints.filter(({ echo }) => echo).length);
    const newest = hints.reduce((at, { occurredAt }) => Math.max(at, occurredAt ?? at), Number.NEGATIVE_INFINITY);
    if (Number.isFinite(newest)) observe.streamLag(provider, (clock.now() - newest) / 1_000);
    if (sweepFrom !== null) log.warn({ connection: connection.id, sweepFrom }, 'changes without records: swept again');
    if (accepted > 0) deps.onAccepted(connection);
    if (batch.hasRequests) deps.onRequests?.(connection);
  }

  function told({ provider }: Connection, news: StreamNews): void {
    if (news.kind === 'undecodable') observe.streamUndecodable(provider, news.events);
    else observe.streamBroke(provider, news.reason);
  }

  function backoffMs(failures: number): number {
    const whole = Math.min(timing.backoffBaseMs * 2 ** Math.min(failures - 1, 30), timing.backoffMaxMs);
    return Math.ceil(whole / 2 + (whole / 2) * clock.random());
  }

  function restAfter(err: unknown, failures: number): number {
    if (!(err instanceof Fault)) return backoffMs(failures);
    if (err.retry.kind === 'never') return timing.neverMs;
    return Math.max(backoffMs(failures), err.retry.kind === 'retry' ? (err.retry.afterMs ?? 0) : 0);
  }

  /** Until `signal` ends, or the grant is gone: then the version of its tokens. */
  async function listenTo(origin: Connection, stream: CrmStream, signal: AbortSignal): Promise<number | null> {
    const { accountId, id, provider } = origin;
    let failures = 0;
    let isUnavailable = false;
    while (!signal.aborted) {
      let restMs = 0;
      try {
        // As it is now: an org may have moved to another address meanwhile.
        const connection = (await store.connections.get(accountId, id)) ?? origin;
        const kept = await store.connections.streamPosition(accountId, id);
        const outcome = await stream.listen({
          access: deps.accessOf(connection),
          position: kept?.position ?? null,
          signal,
          keep: async (batch) => {
            await keep(connection, batch);
            failures = 0;
            isUnavailable = false;
          },
          told: (news) => told(connection, news),
        });
        if (outcome === 'stopped') return null;
        if (outcome === 'unavailable_here') {
          if (!isUnavailable) {
            observe.streamBroke(provider, outcome);
            log.info({ connection: id }, 'the CRM tells of no changes here: the sweep alone finds them');
          }
          isUnavailable = true;
          restMs = timing.unavailableMs;
        } else {
          observe.streamBroke(provider, outcome);
          await store.connections.loseStreamPosition(accountId, id);
          log.warn({ connection: id, keptAt: kept?.keptAt }, 'place in the stream lost: swept again from then on');
          failures += 1;
          // At once, since what the vendor still keeps is getting less.
          restMs = kept ? 0 : backoffMs(failures);
        }
      } catch (err) {
        if (signal.aborted) return null;
        failures += 1;
        observe.streamBroke(provider, 'failed');
        if (err instanceof Fault && err.retry.kind === 'reconnect') {
          log.warn({ connection: id, err }, 'listening ended: an admin has to connect again');
          return tokensVersion(origin);
        }
        log[err instanceof Fault ? 'warn' : 'error']({ connection: id, err }, 'listening put off');
        restMs = restAfter(err, failures);
      }
      if (restMs > 0) await clock.sleep(restMs, signal);
    }
    return null;
  }

  /** 0 where there are none, or nobody can tell. */
  async function tokensVersion({ accountId, id }: Connection): Promise<number> {
    const tokens = await store.connections.tokens(accountId, id).catch(() => null);
    return tokens?.version ?? 0;
  }

  // ── All of them, on one node ──

  function begin(connection: Connection, stream: CrmStream): void {
    const own = new AbortController();
    const listener: Listener = {
      connection,
      stopping: own,
      restsOnTokens: null,
      done: listenTo(connection, stream, own.signal).then((tokens) => {
        if (tokens !== null && !own.signal.aborted) listener.restsOnTokens = tokens;
        else listeners.delete(connection.id);
      }),
    };
    listeners.set(connection.id, listener);
  }

  function end(listener: Listener): void {
    listener.stopping.abort();
    // One that rests has nothing to finish.
    if (listener.restsOnTokens !== null) listeners.delete(listener.connection.id);
  }

  async function endAll(): Promise<void> {
    const ending = [...listeners.values()];
    for (const listener of ending) end(listener);
    await Promise.all(ending.map(({ done }) => done));
  }

  /** Renews the lease well before it ends, so that one failure does not cost it. */
  async function holdsLease(): Promise<boolean> {
    const now = clock.now();
    if (now < heldUntil - (timing.leaseMs * 2) / 3) return true;
    const until = now + timing.leaseMs;
    if (await store.leases.acquire(LEASE, owner, now, until)) heldUntil = until;
    else heldUntil = Number.NEGATIVE_INFINITY;
    return heldUntil === until;
  }

  async function giveBackLease(): Promise<void> {
    if (heldUntil === Number.NEGATIVE_INFINITY) return;
    heldUntil = Number.NEGATIVE_INFINITY;
    await store.leases.release(LEASE, owner).catch((err: unknown) => {
      // It runs out by itself; a node that stops because its database is gone still has to stop.
      log.warn({ err }, 'lease of the streams not given back');
    });
  }

  async function look(): Promise<void> {
    const connected = await store.connections.listConnected();
    const wanted = new Map(connected.filter(({ provider }) => streams.has(provider)).map((one) => [one.id, one]));
    if (wanted.size === 0 || !(await holdsLease())) {
      await endAll();
      if (wanted.size === 0) await giveBackLease();
    } else {
      for (const listener of listeners.values()) {
        const { connection, restsOnTokens } = listener;
        const isAgain = restsOnTokens !== null && restsOnTokens !== (await tokensVersion(connection));
        if (isAgain || !wanted.has(connection.id)) end(listener);
      }
      for (const [id, connection] of wanted) {
        const stream = streams.get(connection.provider);
        if (stream && !listeners.has(id)) begin(connection, stream);
      }
    }
    for (const provider of streams.keys()) {
      const open = [...listeners.values()].filter(
        ({ connection, restsOnTokens }) => connection.provider === provider && restsOnTokens === null,
      );
      observe.streamsOpen(provider, open.length);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await look();
      } catch (err) {
        log.warn({ err }, 'streams not looked after');
        // Nobody said whether the lease is still ours.
        if (clock.now() >= heldUntil) await endAll();
      }
      await clock.sleep(timing.lookMs, stopping.signal);
    }
    await endAll();
    await giveBackLease();
  }

  return {
    start() {
      if (streams.size > 0) running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
