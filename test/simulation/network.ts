import { Fault } from '../../src/domain/errors.ts';
import type { Random } from '../crash/random.ts';
import { areClocksTrue, type Counters, type Weather } from './faults.ts';
import type { Life, Scheduler } from './scheduler.ts';

/** As long as the connector waits for an answer. */
const TIMEOUT_MS = 30_000;
/** What is given up by then may still arrive at the other side, this much later at most. */
const LATE_MAX_MS = 25_000;

const SLOW_NODE = 'node 1';

/** An answer that is late, and one that is just late enough for others to read and decide meanwhile. */
const LATE_MS = [2_000, TIMEOUT_MS - 1_000] as const;
const OVERTAKEN_MS = [4_000, 15_000] as const;

/** A transaction that waits for a lock, a disk or a connection. */
const SLOW_STEP_MAX_MS = [50, 500, 3_000] as const;

export interface NodeLife extends Life {
  /** Until then it neither asks nor hears anything. */
  readonly pausedUntil: number;
  /** Called before and after each step; true when the process dies here, and nothing is to be told to it any more. */
  strikes(moment: 'before' | 'after'): boolean;
}

export interface Network {
  /** Faults begin again. */
  storm(): void;
  /** Faults stop for good. */
  calm(): void;
  readonly isCalm: boolean;
  /** A request, its effect at the other side, and the answer: three moments. The effect takes place though the asker is dead by then. */
  ask<T>(life: NodeLife, what: string, effect: () => T): Promise<T>;
  /** A step without time of its own, such as a transaction. */
  step<T>(life: NodeLife, effect: () => Promise<T>): Promise<T>;
}

export function createNetwork(
  scheduler: Scheduler,
  random: Random,
  weather: Weather,
  counters: Counters,
): Network & { startStorm(kind: 'limited' | 'unavailable', ms: number): void } {
  let isCalm = false;
  let storm: { kind: 'limited' | 'unavailable'; until: number } | null = null;

  function refusal(): Fault | null {
    const kind = storm && scheduler.now() < storm.until && random.chance(0.8) ? storm.kind : null;
    if (kind === 'limited' || random.chance(weather.limited)) {
      counters['429'] += 1;
      return new Fault('crm_rate_limited', { kind: 'retry', afterMs: random.integer(1, 10) * 1_000 }, 'Slow down.');
    }
    if (kind === 'unavailable' || random.chance(weather.unavailable)) {
      counters['5xx'] += 1;
      return unavailable();
    }
    return null;
  }

  function latency(what: string, life: Life): number {
    if (isCalm) return random.integer(1, 20);
    // Those who wait for a renewal look every 100 ms: a very slow one would be all that a history has steps for.
    if (what === 'refresh token') return random.integer(5, 1_500);
    // KNOWN GAP: how long a write may still be on its way is told by the clock of the node that has given it up.
    if (random.chance(weather.verySlow) && (areClocksTrue(weather) || !what.startsWith('write'))) {
      counters['call given up, and done later'] += 1;
      return random.integer(2 * TIMEOUT_MS, 2 * (TIMEOUT_MS + LATE_MAX_MS));
    }
    if (random.chance(life.name === SLOW_NODE ? Math.max(weather.slowNode, weather.slowness) : weather.slowness)) {
      counters['call answered late'] += 1;
      const [least, most] = weather.theme === 'overtaking' ? OVERTAKEN_MS : LATE_MS;
      return random.integer(least, most);
    }
    return random.integer(5, 400);
  }

  async function ask<T>(life: NodeLife, what: string, effect: () => T): Promise<T> {
    const pauseMs = life.pausedUntil - scheduler.now();
    if (pauseMs > 0) await new Promise<void>((resolve) => void scheduler.after(pauseMs, resolve, life));
    return new Promise((resolve, reject) => {
      const answer = (ms: number, tell: () => void): void =>
        void scheduler.after(
          ms,
          () => {
            const pauseMs = life.pausedUntil - scheduler.now();
            if (pauseMs > 0) return answer(pauseMs, tell);
            if (!life.strikes('after')) tell();
          },
          life,
        );
      const refused = isCalm ? null : refusal();
      if (refused) {
        scheduler.note(life.name, `${what}: ${refused.code}`);
        answer(random.integer(5, 400), () => reject(refused));
        return;
      }
      if (!isCalm && random.chance(weather.timeouts)) {
        counters['call timed out'] += 1;
        scheduler.note(life.name, `${what}: never arrived`);
        answer(what === 'refresh token' ? 1_000 : TIMEOUT_MS, () => reject(unavailable()));
        return;
      }
      if (life.strikes('before')) return;
      const takesMs = latency(what, life);
      if (takesMs >= 2 * TIMEOUT_MS) {
        scheduler.note(life.name, `${what}: no answer in time, and done later`);
        answer(TIMEOUT_MS, () => reject(unavailable()));
        scheduler.after(takesMs / 2, () => {
          try {
            effect();
          } catch {
            // Nobody hears the refusal.
          }
        });
        return;
      }
      scheduler.after(takesMs / 2, () => {
        let told: () => void;
        try {
          const value = effect();
          told = () => resolve(value);
        } catch (error) {
          told = () => reject(error);
        }
        if (!isCalm && random.chance(weather.answersLost)) {
          counters['answer lost after the effect'] += 1;
          scheduler.note(life.name, `${what}: done, and the answer is lost`);
          answer(random.chance(0.5) && what !== 'refresh token' ? TIMEOUT_MS : 50, () => reject(unavailable()));
          return;
        }
        answer(takesMs / 2, told);
      });
    });
  }

  return {
    calm() {
      isCalm = true;
      storm = null;
    },
    storm() {
      isCalm = false;
    },
    get isCalm() {
      return isCalm;
    },
    startStorm(kind, ms) {
      storm = { kind, until: scheduler.now() + ms };
      scheduler.note('network', `storm: everything is ${kind} for ${Math.round(ms / 1_000)} s`);
    },
    ask,
    step: (life, effect) =>
      new Promise((resolve, reject) => {
        scheduler.after(
          isCalm || !random.chance(weather.slowDatabase) ? 0 : random.integer(1, random.pick(SLOW_STEP_MAX_MS)),
          async () => {
            if (life.strikes('before')) return;
            let told: () => void;
            try {
              const value = await effect();
              told = () => resolve(value);
            } catch (error) {
              told = () => reject(error);
            }
            if (!life.isAlive || life.strikes('after')) return;
            told();
          },
          life,
        );
      }),
  };
}

function unavailable(): Fault {
  return new Fault('crm_unavailable', { kind: 'retry' }, 'No answer.');
}
