import { setTimeout as sleep } from 'node:timers/promises';
import { verify } from '../../src/application/verify.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openStore } from '../../src/store/open.ts';
import { minorOf } from './laws.ts';
import type { ApiReward } from './service-api.ts';

/*
 * Rules of which the CRM's records do not tell what they have paid: a limit and a budget let the first ones through, and an amount that follows
 * its deal is cut or granted anew as the provider has answered or not. What holds of them all the same is asked here, and by the auditor.
 */

const LIMIT = 2;
const BUDGET_MINOR = 1_250n;

export const TERMS = [
  {
    key: 'term-limited',
    party: 'member',
    amount: { kind: 'percent', basisPoints: 300 },
    deals: { kind: 'every' },
    limits: [{ per: 'member', window: 'life', count: LIMIT }],
    amountChanges: 'follow',
    payout: 'webhook',
  },
  {
    key: 'term-budget',
    party: 'friend',
    amount: { kind: 'fixed', money: { amount: '5.00', currency: 'EUR' } },
    usesBudget: true,
    payout: 'credit',
  },
] as const;

/** Filled once, however often it is asked for. */
export async function fillBudget(store: Awaited<ReturnType<typeof openStore>>, accountId: string): Promise<void> {
  const entry = { id: 'first', money: { minor: BUDGET_MINOR, currency: 'EUR' }, by: 'finance', note: '' };
  for (let times = 0; times < 2; times += 1)
    await store.programs.fillBudget(accountId, 'default', entry, systemClock.now());
}

const ENDED = ['voided', 'clawed_back', 'expired'];

/** No more was granted than may be, whoever was killed in between. */
export function termsAreKept(rewards: readonly ApiReward[]): string[] {
  const taken = rewards.filter(({ state }) => !ENDED.includes(state));
  const limited = taken.filter(({ ruleKey }) => ruleKey === 'term-limited');
  const problems = [...Map.groupBy(limited, ({ beneficiaryId }) => beneficiaryId)]
    .filter(([, own]) => own.length > LIMIT)
    .map(([id, own]) => `member ${id} has ${own.length} rewards of a rule that grants ${LIMIT}`);
  const spent = taken
    .filter(({ ruleKey }) => ruleKey === 'term-budget')
    .reduce((sum, { money }) => sum + minorOf(money), 0n);
  return spent > BUDGET_MINOR ? [...problems, `${spent} were granted from a budget of ${BUDGET_MINOR}`] : problems;
}

/** A deal that changed while the provider was asked is looked at again after a minute. */
const SETTLED_WITHIN_MS = 100_000;
const ASKED_EVERY_MS = 2_000;

/** Law 6, by the auditor whom operators have as well. Asked until he finds nothing, for as long as anything may still be on its way. */
export async function auditFinds(databaseUrl: string): Promise<string[]> {
  const store = await openStore({ url: databaseUrl });
  try {
    const until = Date.now() + SETTLED_WITHIN_MS;
    for (;;) {
      const now = systemClock.now();
      const { ok, problems, accounts } = await store.audited(now, (audit) => verify(audit));
      if (ok) return [];
      if (Date.now() > until) return [...problems, ...accounts.flatMap((account) => [...account.problems])];
      await sleep(ASKED_EVERY_MS);
    }
  } finally {
    await store.close();
  }
}
