import { systemClock } from '../../platform/clock.ts';

const ASK_EVERY_MS = 20;
const ASK_FOR_MS = 10_000;

/** Asks until it is so. @throws with `otherwise` when it is not so in ten seconds. */
export async function eventually(isSo: () => Promise<boolean>, otherwise: string): Promise<void> {
  const until = systemClock.now() + ASK_FOR_MS;
  while (!(await isSo())) {
    if (systemClock.now() > until) throw new Error(otherwise);
    await systemClock.sleep(ASK_EVERY_MS);
  }
}
