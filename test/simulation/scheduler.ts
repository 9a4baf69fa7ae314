import { createHash } from 'node:crypto';
import type { Random } from '../crash/random.ts';
import { drained } from './timers.ts';

/** A run that has not come to rest after this many steps never will: an honest one needs a few thousand. */
const STEPS_MAX = 60_000;

/** A process of a node from its start to its crash. What a dead one waits for never comes. */
export interface Life {
  readonly name: string;
  isAlive: boolean;
}

export interface Timer {
  cancel(): void;
}

interface Step {
  readonly at: number;
  /** Drawn from the seed: which of several steps due at one moment comes first is chance, and the same chance every time. */
  readonly order: number;
  readonly life: Life | null;
  readonly run: () => void | Promise<void>;
  isCancelled: boolean;
}

/** Somebody who waits for something to be due, and is looked after by `Waking`. */
export interface Waking {
  /** When somebody would find something to do, and what to do then; null when nobody would. */
  next(now: number): { readonly at: number; wake(): void } | null;
}

export interface Scheduler {
  /** The true time. Nodes see it through their own clocks. */
  now(): number;
  after(ms: number, run: Step['run'], life?: Life | null): Timer;
  /** One line of the history that is printed and digested. */
  note(who: string, what: string): void;
  /** Runs until nothing is due before `until`, and lets the time be `until` then. */
  runUntil(until: number): Promise<void>;
  attach(waking: Waking): void;
  readonly timeline: readonly string[];
  readonly steps: number;
  digest(): string;
}

export class EndlessRun extends Error {}

/**
 * Owns all timers, and decides in an order drawn from the seed what goes on next. Between two steps everything that can run without
 * one has run: only a step lets an awaited answer come in.
 */
export function createScheduler(random: Random, startAt: number): Scheduler {
  const heap = createHeap();
  const timeline: string[] = [];
  const hash = createHash('sha256');
  let now = startAt;
  let steps = 0;
  let waking: Waking | null = null;

  async function run(step: Step): Promise<void> {
    if (step.isCancelled || step.life?.isAlive === false) return;
    steps += 1;
    if (steps > STEPS_MAX) throw new EndlessRun(`no rest after ${STEPS_MAX} steps`);
    await step.run();
    await drained();
  }

  return {
    now: () => now,
    after(ms, runIt, life = null) {
      const step: Step = {
        at: now + Math.max(0, Math.round(ms)),
        order: random.next(),
        life,
        run: runIt,
        isCancelled: false,
      };
      heap.push(step);
      return {
        cancel() {
          step.isCancelled = true;
        },
      };
    },
    note(who, what) {
      const line = `${new Date(now).toISOString().slice(5, 23)} ${who.padEnd(8)} ${what}`;
      timeline.push(line);
      hash.update(`${line}\n`);
    },
    async runUntil(until) {
      await drained();
      for (;;) {
        const due = waking?.next(now);
        const first = heap.peek();
        const stepAt = first ? first.at : Number.POSITIVE_INFINITY;
        if (due && due.at <= until && due.at < stepAt) {
          now = Math.max(now, due.at);
          due.wake();
          continue;
        }
        if (!first || stepAt > until) break;
        heap.pop();
        now = Math.max(now, stepAt);
        await run(first);
      }
      now = Math.max(now, until);
    },
    attach(next) {
      waking = next;
    },
    timeline,
    get steps() {
      return steps;
    },
    digest: () => hash.copy().digest('hex').slice(0, 16),
  };
}

function createHeap() {
  const items: Step[] = [];
  const before = (a: Step, b: Step) => a.at < b.at || (a.at === b.at && a.order < b.order);
  const at = (index: number) => items[index] as Step;
  return {
    peek(): Step | undefined {
      while (items[0]?.isCancelled || items[0]?.life?.isAlive === false) this.pop();
      return items[0];
    },
    push(step: Step): void {
      let index = items.length;
      items.push(step);
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!before(step, at(parent))) break;
        items[index] = at(parent);
        index = parent;
      }
      items[index] = step;
    },
    pop(): void {
      const last = items.pop();
      if (!last || items.length === 0) return;
      let index = 0;
      for (;;) {
        let child = 2 * index + 1;
        if (child >= items.length) break;
        if (child + 1 < items.length && before(at(child + 1), at(child))) child += 1;
        if (!before(at(child), last)) break;
        items[index] = at(child);
        index = child;
      }
      items[index] = last;
    },
  };
}
