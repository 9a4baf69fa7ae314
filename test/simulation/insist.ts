import type { Container } from '../../src/container.ts';
import type { Random } from '../crash/random.ts';
import type { Counters } from './faults.ts';
import type { SimNode } from './node.ts';
import type { Scheduler } from './scheduler.ts';

/** Who was not answered looks for a while, and says it again. */
const AGAIN_MS = [40_000, 3 * 60_000] as const;

export interface Insist {
  /** Says something to any node, now and then to two at once, until somebody has heard the answer. `ask` throws when it has to be said again. */
  say(who: string, what: string, ask: (container: Container) => Promise<unknown>): void;
  /** What nobody has answered, though it was said again and again. */
  unanswered(): string[];
}

/** People who do not give up: a click without an answer is clicked again, as people do, by somebody who may sit before another node. */
export function createInsist({
  scheduler,
  random,
  counters,
  nodes,
}: {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly counters: Counters;
  readonly nodes: () => readonly SimNode[];
}): Insist {
  const open = new Set<string>();
  let said = 0;
  return {
    say(who, what, ask) {
      said += 1;
      const name = `${what} (${said})`;
      open.add(name);
      scheduler.note(who, name);
      const attempt = (isFirst: boolean): void => {
        if (!open.has(name)) return;
        const times = random.chance(0.4) ? 2 : 1;
        if (!isFirst || times > 1) counters['said twice by an admin'] += 1;
        for (let left = times; left > 0; left -= 1) {
          const up = nodes().flatMap(({ container }) => container ?? []);
          if (up.length === 0) break;
          ask(random.pick(up)).then(
            () => void open.delete(name),
            (error: unknown) => scheduler.note(who, `${name} is not heard: ${String(error)}`),
          );
        }
        scheduler.after(random.integer(...AGAIN_MS), () => attempt(false));
      };
      attempt(true);
    },
    unanswered: () => [...open],
  };
}
