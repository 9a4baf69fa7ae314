import type { Store } from '../../application/ports/store.ts';
import { type Examined, type Finding, problem, spoken } from './finding.ts';

/** Workers look every second; a full batch of a slow portal takes two minutes. */
export const QUEUE_STANDS_MS = 5 * 60_000;
/** A person reads the first few; `state` and the API have the rest. */
const PARKED_NAMED_MAX = 10;

const WHAT_WAITS = {
  work: ['changed records', 'Deals that were won are not decided on, so nobody is paid and no rep is told.'],
  payouts: ['reward orders', 'People who were promised a reward do not get it.'],
  mirror: ['write-backs', 'Reps, lists and workflows in the CRM see an old state of the rewards.'],
  callbacks: ['workflows to be told', 'Workflows of the CRM go on waiting for a reward that is there.'],
  appEvents: ['events of timelines', 'Timelines of contacts in the CRM miss what has happened.'],
} as const;

export async function checkQueues(
  store: Pick<Store, 'work' | 'payouts' | 'mirror' | 'callbacks' | 'appEvents' | 'vitals'>,
  { accountId, now }: { accountId: string | null; now: number },
): Promise<Examined> {
  const findings: Finding[] = [];
  const lengths: string[] = [];
  for (const queue of ['work', 'payouts', 'mirror', 'callbacks', 'appEvents'] as const) {
    const { due, parked } = await store[queue].counts(now);
    lengths.push(`${queue} ${due} due, ${parked} parked`);
    const dueAt = await store[queue].nextDueAt();
    const [what, why] = WHAT_WAITS[queue];
    if (dueAt !== null && now - dueAt > QUEUE_STANDS_MS) {
      findings.push(
        problem(
          `The queue "${queue}" stands: ${due} ${what} are due, the oldest for ${spoken(now - dueAt)}.`,
          why,
          'Check that the service runs on this database and look at its log; a CRM that does not answer is named there.',
        ),
      );
    }
  }
  const items = await store.vitals.parked({ accountId, limit: PARKED_NAMED_MAX });
  for (const { queue, item, accountId: owner, error, attempts } of items) {
    findings.push(
      problem(
        `${item} of ${owner} is parked in "${queue}" after ${attempts} attempts: ${unquoted(error)}`,
        `${WHAT_WAITS[queue][1]} It is not tried again by itself.`,
        `Mend what the reason names, then run: npm run cli -- retry ${owner}`,
      ),
    );
  }
  return { summary: lengths.join('; '), findings };
}

/** A CRM's refusal may quote the value it did not like, and that may be somebody's name. */
function unquoted(error: string): string {
  return error.replace(/"[^"]*"/g, '"…"');
}
