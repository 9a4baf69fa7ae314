import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { readOpenApi } from './open-api.ts';
import { type Story, startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

let service: TestService;
let api: Awaited<ReturnType<typeof readOpenApi>>;

beforeAll(async () => {
  service = await startHttp();
  api = await readOpenApi(service);
});
afterAll(() => service.close());

interface Reward {
  readonly state: string;
  readonly review: string;
  readonly reason: { readonly code: string; readonly text: string };
}
interface Problem {
  readonly code: string;
  readonly detail: string;
}
interface Budget {
  readonly left: ReadonlyArray<{ readonly amount: string }>;
  readonly items: ReadonlyArray<{ readonly id: string; readonly by: string }>;
  readonly nextCursor: string | null;
}

let portals = 0;

/** An account with a reward of 150.00 EUR that waits for a person. */
async function waiting(): Promise<{ account: TestAccount; story: Story }> {
  portals += 1;
  const account = await service.createAccount(`Account ${portals}`);
  const connectionId = await account.connect(String(7_000 + portals));
  return { account, story: await tellStory(service, account.id, connectionId, systemClock.now(), 'in_review') };
}

describe('a reward that waits for a person', () => {
  test('is owed once it is approved, by whom and why stands in its reason, and a second word changes nothing', async () => {
    const { account, story } = await waiting();
    const path = `/rewards/${story.rewardId}`;
    const approved = await api.judge<Reward>(
      'approveReward',
      await account.post(`${path}/approve`, { why: 'Paid invoice.' }),
    );
    expect(approved).toMatchObject({ state: 'approved', review: 'approved', reason: { code: 'review_approved' } });
    expect(approved.reason.text).toMatch(/^Approved by .+: Paid invoice\.$/);
    for (const verdict of ['approve', 'reject'] as const) {
      const again = await account.post(`${path}/${verdict}`, { why: 'Again.' });
      expect(await api.judge<Problem>(`${verdict}Reward`, again)).toMatchObject({
        code: 'awaits_nobody',
        detail: 'The reward is approved; there is nothing to decide on it.',
      });
    }
    const journals = (await (await account.call(`/journals?rewardId=${story.rewardId}`)).json()) as {
      items: Array<{ kind: string }>;
    };
    expect(journals.items.map(({ kind }) => kind).sort()).toEqual(['accrue', 'release']);
  });

  test('is voided when it is rejected', async () => {
    const { account, story } = await waiting();
    const rejected = await account.post(`/rewards/${story.rewardId}/reject`, { why: 'Own employee.' });
    expect(await api.judge<Reward>('rejectReward', rejected)).toMatchObject({
      state: 'voided',
      reason: { code: 'review_rejected' },
    });
    const { items } = (await (await account.call('/balances')).json()) as { items: Array<{ amount: string }> };
    expect(items.every(({ amount }) => Number(amount) === 0)).toBe(true);
  });

  test('is decided once by two people at the same time', async () => {
    const { account, story } = await waiting();
    const words = ['approve', 'reject', 'approve', 'reject'];
    const answers = await Promise.all(
      words.map((word) => account.post(`/rewards/${story.rewardId}/${word}`, { why: word })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  });

  test("is nobody else's to decide", async () => {
    const [mine, other] = [await waiting(), await waiting()];
    const answer = await other.account.post(`/rewards/${mine.story.rewardId}/approve`, { why: 'Mine now.' });
    expect(await api.judge<Problem>('approveReward', answer)).toMatchObject({ code: 'not_found' });
    expect(await (await mine.account.call(`/rewards/${mine.story.rewardId}`)).json()).toMatchObject({
      state: 'in_review',
    });
  });

  test('needs a reason', async () => {
    const { account, story } = await waiting();
    const answer = await account.post(`/rewards/${story.rewardId}/approve`, { why: ' ' });
    expect(await api.judge<Problem>('approveReward', answer)).toMatchObject({ code: 'invalid_request' });
  });
});

describe('a budget', () => {
  const entry = (id: string, amount: string) => ({ id, money: { amount, currency: 'EUR' }, note: 'First quarter' });

  test('is filled once for each entry, and tells what is left', async () => {
    const { account } = await waiting();
    const fill = (id: string, amount: string) => account.post('/programs/default/budget', entry(id, amount));
    expect((await fill('q1', '100.00')).status).toBe(201);
    const again = await fill('q1', '100.00');
    expect(again.status).toBe(200);
    await api.judge('fillBudget', again);
    expect(await api.judge<Problem>('fillBudget', await fill('q1', '100.01'))).toMatchObject({ code: 'other_entry' });
    expect((await fill('q2', '0.50')).status).toBe(201);
    const first = await api.judge<Budget>('getBudget', await account.call('/programs/default/budget?limit=1'));
    expect(first.left).toEqual([{ amount: '100.50', currency: 'EUR' }]);
    expect(first.items).toMatchObject([{ id: 'q2' }]);
    const rest = await account.call(`/programs/default/budget?limit=1&cursor=${first.nextCursor}`);
    expect(await api.judge<Budget>('getBudget', rest)).toMatchObject({ items: [{ id: 'q1' }], nextCursor: null });
  });

  test('of a program that the account does not have is not found', async () => {
    const { account } = await waiting();
    const answer = await account.post('/programs/other/budget', entry('q1', '1'));
    expect(await api.judge<Problem>('fillBudget', answer)).toMatchObject({ code: 'not_found' });
    expect((await account.call('/programs/other/budget')).status).toBe(404);
  });
});
