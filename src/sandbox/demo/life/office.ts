import { createHash } from 'node:crypto';
import { z } from 'zod';
import { callJson } from '../call.ts';
import { PROGRAM_ID, VERSIONS } from './programs.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const PAGE = 100;
const MARKS_AT_ONCE = 500;
/** A batch is approved the day after it was cut, exported and paid some days later. */
const PAID_AFTER_MS = 3 * DAY;
/** Shares of the cases that are decided at all: usually, and in the last weeks, of which there has to be something left to do. */
const DONE = 0.97;
const HEAP_DONE = 0.4;
const HEAP_MS = 28 * DAY;
const money = z.object({ amount: z.string(), currency: z.string() });
const openCase = z.object({
  id: z.string(),
  kind: z.string(),
  topic: z.string(),
  openedAt: z.string(),
  rewardId: z.string().nullable(),
  referralId: z.string().nullable(),
  value: money.nullable(),
  facts: z.record(z.string(), z.unknown()),
  friend: z.object({ email: z.string().nullable() }).nullish(),
});
type OpenCase = z.output<typeof openCase>;
const queue = z.object({ items: z.array(openCase), nextCursor: z.string().nullish() });
const batches = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      number: z.int(),
      state: z.string(),
      cutAt: z.string().nullable(),
      exportedAt: z.string().nullable(),
    }),
  ),
});
const batch = z.object({
  items: z.array(z.object({ orderId: z.string(), name: z.string().nullable(), state: z.string(), amount: z.string() })),
});
const referrals = z.object({ items: z.array(z.object({ id: z.string(), memberId: z.string() })) });
const nothing = z.unknown();

/** The keys of the people who work with Wonward: who does what stands in the books under these names. */
export const STAFF = {
  architect: { label: 'Theo, automation', roles: ['owner'] },
  manager: { label: 'Mara, program manager', roles: ['manager', 'finance'] },
  reviewer: { label: 'Rita, reviewer', roles: ['reviewer'] },
  finance: { label: 'Felix, finance', roles: ['finance'] },
} as const;
export type Staff = keyof typeof STAFF;

/** What a person could type in as the reason, by what they decide. */
const WHY = {
  approved: 'Looked at both records: two people, a real purchase.',
  rejected: 'The friend and the member are one household; our terms exclude that.',
  allowed: 'Checked by phone; the address is an alias of a real customer.',
  dismissed: 'Nothing in the records supports it.',
  upheld: 'The records agree with the claim.',
  reattributed: 'The form of that day names the other member.',
  resolved: 'Looked at; nothing unusual behind it.',
} as const;
type Outcome = keyof typeof WHY;

/** Each day is looked back on by the people in the office, through the API and with keys of their own. */
export function createOffice(
  serviceUrl: string,
  keys: Readonly<Record<Staff, string>>,
  { seed, until }: { readonly seed: number; readonly until: number },
) {
  const heapFrom = until - HEAP_MS;
  const api = `${serviceUrl}/api/v1`;
  const call = <T>(
    who: Staff,
    schema: z.ZodType<T>,
    path: string,
    body?: unknown,
    method = body === undefined ? 'GET' : 'POST',
  ) =>
    callJson(schema, `${api}${path}`, {
      method,
      headers: { authorization: `Bearer ${keys[who]}` },
      ...(body === undefined ? {} : { body }),
    });

  /** The same for the same thing, whatever its id is this time. */
  function draw(...of: readonly unknown[]): number {
    return (
      createHash('sha256')
        .update(JSON.stringify([seed, ...of]))
        .digest()
        .readUInt32BE(0) /
      2 ** 32
    );
  }

  const nameOf = ({ topic, value, facts, friend, openedAt }: OpenCase) => [
    topic,
    value,
    facts.dealId ?? null,
    friend?.email ?? null,
    openedAt,
  ];

  function outcomeOf(one: OpenCase): Outcome {
    const luck = draw('outcome', nameOf(one));
    if (one.topic === 'reward_review') return luck < 0.82 ? 'approved' : 'rejected';
    if (one.topic === 'risk_blocked') return luck < 0.3 ? 'allowed' : 'dismissed';
    if (one.kind === 'alert') return 'resolved';
    if (typeof one.facts.memberId === 'string' && luck < 0.5) return 'reattributed';
    return luck < 0.7 ? 'dismissed' : 'upheld';
  }

  /** Most within a day or two, some are left lying; and of the last weeks there is a heap. */
  function isTimeFor(one: OpenCase, now: number): boolean {
    const patience = draw('patience', nameOf(one));
    if (patience > (Date.parse(one.openedAt) > heapFrom ? HEAP_DONE : DONE)) return false;
    const hours = 4 + patience * 60;
    return now - Date.parse(one.openedAt) >= hours * HOUR;
  }

  async function review(now: number): Promise<number> {
    const due: OpenCase[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: z.output<typeof queue> = await call(
        'reviewer',
        queue,
        `/case-queue?limit=${PAGE}${cursor && `&cursor=${cursor}`}`,
      );
      due.push(...page.items.filter((one) => isTimeFor(one, now)));
      cursor = page.nextCursor ?? null;
    }
    const byOutcome = Map.groupBy(due, outcomeOf);
    for (const outcome of Object.keys(WHY) as Outcome[]) {
      const cases = byOutcome.get(outcome) ?? [];
      cases.sort((a, b) => (JSON.stringify(nameOf(a)) < JSON.stringify(nameOf(b)) ? -1 : 1));
      for (let from = 0; from < cases.length; from += PAGE)
        await call('reviewer', nothing, '/case-decisions', {
          caseIds: cases.slice(from, from + PAGE).map(({ id }) => id),
          outcome,
          why: WHY[outcome],
        });
    }
    return due.length;
  }

  async function pay(now: number): Promise<void> {
    const { items } = await call('finance', batches, '/payout-batches');
    for (const { id, number, state, cutAt, exportedAt } of items) {
      if (cutAt === null || exportedAt !== null) continue;
      const age = now - Date.parse(cutAt);
      if (state === 'cut' && age >= DAY) await call('manager', nothing, `/payout-batches/${id}/approve`, {});
      if (age < PAID_AFTER_MS) continue;
      await call('finance', nothing, `/payout-batches/${id}/export`, {});
      const { items: rows } = await call('finance', batch, `/payout-batches/${id}`);
      const marks = rows
        .filter((row) => row.state === 'waiting')
        .map(({ orderId, name, amount }) =>
          draw('bank', number, name, amount) < 0.985
            ? { orderId, state: 'paid' }
            : { orderId, state: 'refused', why: 'The bank knows no such account.' },
        );
      for (let from = 0; from < marks.length; from += MARKS_AT_ONCE)
        await call('finance', nothing, `/payout-batches/${id}/marks`, {
          items: marks.slice(from, from + MARKS_AT_ONCE),
        });
    }
  }

  return {
    /** Before anything happens: the case chain is the usual one, batches are cut on the first of the month. */
    async open(): Promise<void> {
      await call(
        'architect',
        nothing,
        '/providers/manual/batching',
        { schedule: { kind: 'month_day', day: 1 }, approval: 'four_eyes' },
        'PUT',
      );
    },
    publish: (version: number) => call('manager', nothing, '/programs', VERSIONS[version]?.program),
    fillBudget: (id: string, amount: string) =>
      call('manager', nothing, `/programs/${PROGRAM_ID}/budget`, {
        id,
        money: { amount, currency: 'EUR' },
        note: 'Welcome gifts of the quarter',
      }),
    enterRates: (rates: readonly object[]) => call('finance', nothing, '/rates', { rates }),
    refund: (body: { id: string; dealId: string; money: { amount: string; currency: string }; at: string }) =>
      call('finance', nothing, '/refunds', body),
    /** What a friend's referral is called; null when it is none, or not yet. */
    async referralOf(email: string): Promise<{ id: string; memberId: string } | null> {
      const { items } = await call('reviewer', referrals, `/referrals?friend=${encodeURIComponent(email)}&limit=1`);
      return items[0] ?? null;
    },
    dispute: (body: object) => call('manager', nothing, '/disputes', body),
    review,
    pay,
  };
}

export type Office = ReturnType<typeof createOffice>;
