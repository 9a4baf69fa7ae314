import type { CrmAccess, Hint } from '../../src/application/ports/crm.ts';
import type { CrmStream, StreamBatch, StreamNews } from '../../src/application/ports/crm-stream.ts';
import { Fault } from '../../src/domain/errors.ts';
import type { Random } from '../crash/random.ts';
import type { Counters, StreamWeather, Weather } from './faults.ts';
import type { Network, NodeLife } from './network.ts';
import type { Scheduler } from './scheduler.ts';

/*
 * The news of a CRM that calls nobody: it writes down what has changed and shows it to whoever opens a stream, from the place that they name on.
 * What is kept may be forgotten, and with it every place; the same may be told twice, late, in another order than it happened, or as
 * "something has changed". How a stream looks to the application: `application/ports/crm-stream.ts`.
 */

const MINUTE = 60_000;
const BATCH_MAX = 6;
/** A stream that brings nothing names its newest place now and then. */
const KEEP_ALIVE_MS = 270_000;
const BACKOFF_MS = [500, 20_000] as const;
/** A fresh authorisation that is refused. */
const REFUSED_MS = 60_000;
/** What a long transaction has changed is found by no search before it ends; longer than a sweep looks back. */
const LONG_MS = [11 * MINUTE, 16 * MINUTE] as const;
/** After everything else that a search may take. */
const LONG_MARGIN_MS = 30_000;
/** Of what changes while nothing can be heard. */
const LONG_SHARE = 0.4;
/** Work at the database until a batch is kept: one transaction, with a step or two before it. */
const DEATH_STEPS_MAX = 3;

interface Entry {
  readonly place: number;
  readonly hint: Hint | null;
  /** Of an entry without a hint: since when anything may have changed. */
  readonly since: number;
}

interface Log {
  /** Changes when all that was kept is forgotten. */
  era: number;
  entries: Entry[];
  last: number;
  shutUntil: number;
  heardBy: string | null;
  readonly waiting: Set<() => void>;
}

export interface Streams {
  readonly acknowledged: ReadonlySet<string>;
  take(hint: Hint): void;
  calm(): void;
  /** What is written down is told by itself. */
  flush(): void;
  replay(): void;
  replayAsNews(): void;
  /** What goes wrong at moments of its own. */
  begin(externalIds: readonly string[]): void;
  /** By how much later than usual a search finds what changes now. */
  searchLagMs(externalId: string): number;
  open(life: NodeLife, accepts: (access: CrmAccess, token: string) => boolean): CrmStream;
  /** Told once, of the next that is written down, before anybody hears it. */
  onNews(run: () => void): void;
}

export interface StreamsDeps {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly weather: Weather;
  readonly counters: Counters;
  /** The node dies within so many steps. */
  readonly kill: (life: NodeLife, steps: number) => void;
}

export function createStreams({ scheduler, network, random, weather, counters, kill }: StreamsDeps): Streams {
  const trouble = weather.stream as StreamWeather;
  const logs = new Map<string, Log>();
  const acknowledged = new Set<string>();
  const sent: Hint[] = [];
  const listeners: Array<() => void> = [];
  let isCalm = false;
  let replays = 0;

  function logOf(externalId: string): Log {
    const known = logs.get(externalId);
    if (known) return known;
    const made: Log = { era: 1, entries: [], last: 0, shutUntil: 0, heardBy: null, waiting: new Set() };
    logs.set(externalId, made);
    return made;
  }

  function write(externalId: string, hint: Hint | null, since = 0): void {
    const log = logOf(externalId);
    log.last += 1;
    log.entries.push({ place: log.last, hint, since });
    wake(log);
    for (const run of listeners.splice(0)) run();
  }

  function wake(log: Log): void {
    for (const run of [...log.waiting]) run();
  }

  function delayMs(): number {
    if (isCalm) return random.integer(10, 500);
    if (weather.delays !== 'short' && random.chance(0.3)) {
      counters['event late by a minute or more'] += 1;
      return random.integer(MINUTE, 20 * MINUTE);
    }
    return random.integer(20, random.chance(0.5) ? 300 : 6_000);
  }

  /** A batch, from a place on; null while there is nothing. */
  function batchAt(log: Log, place: number): { readonly batch: StreamBatch; readonly place: number } | null {
    const entries = log.entries.filter((entry) => entry.place > place).slice(0, random.integer(1, BATCH_MAX));
    const last = entries.at(-1);
    if (!last) return null;
    const sweeps = entries.flatMap(({ hint, since }) => (hint ? [] : [since]));
    return {
      place: last.place,
      batch: {
        hints: entries.flatMap(({ hint }) => hint ?? []),
        position: `${log.era} ${last.place}`,
        sweepFrom: sweeps.length > 0 ? Math.min(...sweeps) : null,
        hasRequests: false,
      },
    };
  }

  function pause(ms: number, life: NodeLife, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        const left = life.pausedUntil - scheduler.now();
        if (left > 0) scheduler.after(left, go, life);
        else resolve();
      };
      const timer = scheduler.after(ms, go, life);
      signal.addEventListener('abort', () => {
        timer.cancel();
        scheduler.after(0, go, life);
      });
    });
  }

  /** Until something is written down, or nothing was for a while, or the stream is over. */
  function arrival(log: Log, life: NodeLife, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        log.waiting.delete(go);
        timer?.cancel();
        scheduler.after(random.integer(5, 200), resolve, life);
      };
      // What says nothing new is not simulated for days.
      const timer = isCalm ? null : scheduler.after(KEEP_ALIVE_MS, go, life);
      log.waiting.add(go);
      signal.addEventListener('abort', go);
    });
  }

  function isShut({ shutUntil }: Log): boolean {
    return scheduler.now() < shutUntil;
  }

  function open(life: NodeLife, accepts: (access: CrmAccess, token: string) => boolean): CrmStream {
    return {
      async listen({ access, position, signal, keep, told }) {
        const log = logOf(access.externalId);
        let [era = 0, place = 0] = (position ?? '').split(' ').map(Number);
        if (position === null) [era, place] = [log.era, 0];
        let rejected: string | undefined;
        let wasRefused = false;

        type Reason = Extract<StreamNews, { kind: 'reconnecting' }>['reason'];

        async function subscribe(token: string): Promise<Reason | 'open' | 'position_lost'> {
          try {
            return await network.ask(life, 'open the stream', () => {
              if (!accepts(access, token)) return 'unauthorised' as const;
              if (isShut(log)) return 'broken' as const;
              if (era !== log.era) return 'position_lost' as const;
              if (log.heardBy !== null && log.heardBy !== life.name) counters['listening moved to another node'] += 1;
              log.heardBy = life.name;
              return 'open' as const;
            });
          } catch (error) {
            if (error instanceof Fault) return 'broken';
            throw error;
          }
        }

        async function follow(): Promise<Reason> {
          if (!isCalm && place > 0 && random.chance(trouble.repeats)) {
            counters['event came twice'] += 1;
            place = Math.max(0, place - random.integer(1, 4));
          }
          for (;;) {
            const next = batchAt(log, place);
            if (!next) {
              await arrival(log, life, signal);
              if (signal.aborted || era !== log.era || isShut(log)) return 'broken';
              if (log.last > place) continue;
              await keep({ hints: [], position: `${log.era} ${place}`, sweepFrom: null, hasRequests: false });
              continue;
            }
            await pause(random.integer(5, 400), life, signal);
            if (signal.aborted || era !== log.era || isShut(log)) return 'broken';
            if (!isCalm && random.chance(trouble.deaths)) {
              counters['node died with a batch in its hands'] += 1;
              kill(life, random.integer(1, DEATH_STEPS_MAX));
            }
            await keep(next.batch);
            for (const { eventKey } of next.batch.hints) acknowledged.add(eventKey);
            place = next.place;
            wasRefused = false;
            if (!isCalm && random.chance(trouble.ends)) {
              counters['stream ended'] += 1;
              return 'ended';
            }
          }
        }

        while (!signal.aborted) {
          const token = await access.accessToken(rejected);
          rejected = undefined;
          if (signal.aborted) break;
          const begun = await subscribe(token);
          if (signal.aborted) break;
          if (begun === 'position_lost') return 'position_lost';
          if (begun === 'unauthorised' && wasRefused)
            throw new Fault('crm_unavailable', { kind: 'retry', afterMs: REFUSED_MS }, 'A fresh token was refused.');
          const reason = begun === 'open' ? await follow() : begun;
          if (signal.aborted) break;
          told?.({ kind: 'reconnecting', reason });
          if (reason === 'unauthorised') {
            wasRefused = true;
            rejected = token;
            continue;
          }
          await pause(isCalm ? 1_000 : random.integer(...BACKOFF_MS), life, signal);
        }
        return 'stopped';
      },
    };
  }

  function shut(externalId: string, ms: number): void {
    const log = logOf(externalId);
    counters['stream shut for a while'] += 1;
    scheduler.note(`crm ${externalId}`, `cannot be heard for ${Math.round(ms / 1_000)} s`);
    log.shutUntil = Math.max(log.shutUntil, scheduler.now() + ms);
    wake(log);
  }

  function forget(externalId: string): void {
    const log = logOf(externalId);
    counters['place in the stream forgotten'] += 1;
    scheduler.note(`crm ${externalId}`, `forgets ${log.entries.length} events and every place among them`);
    log.era += 1;
    log.entries = [];
    log.last = 0;
    wake(log);
  }

  function again(hints: readonly Hint[]): void {
    for (const hint of hints) write(hint.externalId, hint);
  }

  return {
    acknowledged,
    open,
    take(hint) {
      sent.push(hint);
      const of = hint.records.map(({ object, id }) => `${object} ${id}`).join(', ');
      // What no search finds for long is found by nothing else.
      if (!isCalm && !hint.echo && !isShut(logOf(hint.externalId)) && random.chance(weather.losses)) {
        counters['event lost'] += 1;
        scheduler.note('stream', `loses the ${hint.kind} of ${of}`);
        return;
      }
      scheduler.after(delayMs(), () => write(hint.externalId, hint));
      if (isCalm || !random.chance(weather.duplicates)) return;
      counters['event came twice'] += 1;
      scheduler.after(delayMs(), () => write(hint.externalId, hint));
    },
    calm() {
      isCalm = true;
      for (const log of logs.values()) log.shutUntil = 0;
    },
    flush() {},
    replay() {
      again(
        shuffled(
          sent.filter(({ eventKey }) => acknowledged.has(eventKey)),
          random,
        ),
      );
    },
    replayAsNews() {
      const news = shuffled(sent, random).filter(({ echo }) => !echo && random.chance(0.5));
      again(
        news.map((hint) => {
          replays += 1;
          return { ...hint, eventKey: `replay ${replays}` };
        }),
      );
    },
    begin(externalIds) {
      const anywhere = (run: () => void) => scheduler.after(random.integer(1, weather.spanMs), run);
      const isLong = weather.spanMs > 30 * MINUTE;
      for (let count = trouble.shuts; count > 0; count -= 1)
        anywhere(() => shut(random.pick(externalIds), random.pick([5_000, MINUTE, isLong ? 30 * MINUTE : 5 * MINUTE])));
      for (let count = trouble.forgets; count > 0; count -= 1)
        anywhere(() => {
          const id = random.pick(externalIds);
          const ms = random.pick(isLong ? [0, 40 * MINUTE, 40 * MINUTE] : [0, 4 * MINUTE]);
          if (ms > 0) shut(id, ms);
          scheduler.after(Math.max(0, ms - 1), () => forget(id));
        });
      for (let count = trouble.overflows; count > 0; count -= 1)
        anywhere(() => {
          const id = random.pick(externalIds);
          const since = scheduler.now();
          counters['changes told without records'] += 1;
          scheduler.after(delayMs(), () => write(id, null, since));
        });
    },
    searchLagMs(externalId) {
      const [least, most] = LONG_MS;
      // It ends before the stream can be heard again, as it is then that the place is found to be lost.
      const leftMs = logOf(externalId).shutUntil - scheduler.now() - LONG_MARGIN_MS;
      const isLong = leftMs > least && trouble.forgets > 0 && random.chance(LONG_SHARE);
      return isLong ? random.integer(least, Math.min(most, leftMs)) : 0;
    },
    onNews(run) {
      listeners.push(run);
    },
  };
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
