import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import type { Json } from '../support/stack.ts';
import { startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

let service: TestService;
let acme: TestAccount;
let connectionId: string;
let story: Awaited<ReturnType<typeof tellStory>>;

beforeAll(async () => {
  service = await startHttp();
  acme = await service.createAccount('Acme');
  connectionId = await acme.connect('1');
  story = await tellStory(service, acme.id, connectionId, systemClock.now());
});
afterAll(() => service.close());

const get = async (path: string): Promise<Json> => (await acme.call(path)).json();

async function keyFor(role: string) {
  const made = (await (await acme.post('/api-keys', { label: role, roles: [role] })).json()) as Json;
  return async (path: string): Promise<{ status: number; body: Json }> => {
    const headers = { authorization: `Bearer ${made.key}` };
    const answer = await fetch(`${service.url}/api/v1${path}`, { headers });
    return { status: answer.status, body: await answer.json() };
  };
}

describe('the timeline of a referral', () => {
  test('page by page is the whole of it, newest first, each fact once', async () => {
    const path = `/referrals/${story.referralId}/timeline`;
    const whole = (await get(`${path}?limit=100`)).items as Json[];
    const paged: Json[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Json = await get(`${path}?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(page.items.length).toBe(1);
      paged.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(whole);
    expect(whole.map(({ at }) => at)).toEqual(
      whole
        .map(({ at }) => at)
        .toSorted()
        .reverse(),
    );
    expect(new Set(whole.map(({ id }) => id)).size).toBe(whole.length);
    expect(new Set(whole.map(({ kind }) => kind))).toEqual(
      new Set(['submitted', 'stage', 'attribution', 'decision', 'journal', 'payout', 'case']),
    );
  });

  test('of some kinds holds no other, and a kind that there is not is refused by name', async () => {
    const path = `/referrals/${story.referralId}/timeline`;
    const some = (await get(`${path}?kinds=decision,case&limit=100`)).items as Json[];
    expect(new Set(some.map(({ kind }) => kind))).toEqual(new Set(['decision', 'case']));
    expect((await get(`${path}?kinds=letters`)).errors).toMatchObject([{ field: 'kinds' }]);
  });

  test('shows no money to who may not see money, and refuses to when asked', async () => {
    const rep = await keyFor('sales');
    const path = `/referrals/${story.referralId}/timeline`;
    const { body } = await rep(`${path}?limit=100`);
    const kinds = new Set(body.items.map(({ kind }: Json) => kind));
    expect(kinds.has('decision')).toBe(true);
    for (const kind of ['journal', 'payout']) {
      expect(kinds.has(kind)).toBe(false);
      expect((await rep(`${path}?kinds=${kind}`)).status).toBe(403);
    }
    const finance = await keyFor('finance');
    expect((await finance(`${path}?kinds=journal`)).body.items.length).toBeGreaterThan(0);
  });
});

describe('verdicts on several rewards', () => {
  test('tell of each what became of it, once, and the good ones go through beside the bad', async () => {
    const waiting = await tellStory(service, acme.id, connectionId, systemClock.now(), 'in_review', '3');
    const rewardIds = [waiting.rewardId, story.rewardId, 'rwd_nobody', waiting.rewardId];
    const answer = await acme.post('/rewards/verdicts', { rewardIds, verdict: 'reject', why: 'A mistake.' });
    const { items } = (await answer.json()) as Json;
    expect(items.map(({ rewardId, result }: Json) => [rewardId, result])).toEqual([
      [waiting.rewardId, 'decided'],
      [story.rewardId, 'awaits_nobody'],
      ['rwd_nobody', 'not_found'],
    ]);
    expect(items[0].reward).toMatchObject({ state: 'voided' });
    expect(items[1].reward).toMatchObject({ state: 'issued' });
    const [newest] = (await get(`/rewards/${waiting.rewardId}/decisions`)).items;
    expect(newest).toMatchObject({ outcome: 'reversed', rewardId: waiting.rewardId });
    expect(newest.reason.text).toContain('A mistake.');
    const again = await acme.post('/rewards/verdicts', { rewardIds, verdict: 'approve', why: 'After all.' });
    expect(((await again.json()) as Json).items[0].result).toBe('awaits_nobody');
  });

  test('are refused without the permission to review', async () => {
    const made = (await (await acme.post('/api-keys', { label: 'fin', roles: ['finance'] })).json()) as Json;
    const answer = await fetch(`${service.url}/api/v1/rewards/verdicts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${made.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ rewardIds: [story.rewardId], verdict: 'approve', why: 'x' }),
    });
    expect(answer.status).toBe(403);
  });
});

describe('lists', () => {
  test('name the people whose ids stand in them', async () => {
    const referrals = await get('/referrals');
    expect(referrals.people).toContainEqual(expect.objectContaining({ id: story.memberId, name: 'Grace Hopper' }));
    const rewards = await get(`/rewards?memberId=${story.memberId}&party=member&currency=EUR`);
    expect(rewards.items.length).toBeGreaterThan(0);
    expect(rewards.people).toContainEqual(expect.objectContaining({ id: story.referralId, name: 'Ada Lovelace' }));
  });

  test('as files name their columns, and what a spreadsheet would calculate is disarmed', async () => {
    const name = '=1+1';
    await acme.post('/members', { name, email: 'formula@example.com' });
    const { csv, nextCursor } = await get('/members/csv?search=formula');
    expect(nextCursor).toBeNull();
    const [head, row] = csv.split('\r\n');
    expect(head).toBe('"id","name","email","code","shareLink","isRecruiter","createdAt"');
    expect(row).toContain(`"'=1+1"`);
  });

  test('are looked at by each in their own way', async () => {
    const own = await acme.post('/views', { list: 'rewards', name: 'Held', search: 'state=held' });
    const view = (await own.json()) as Json;
    expect((await get('/views?list=rewards')).items).toEqual([view]);
    expect((await get('/views?list=members')).items).toEqual([]);
    const rep = await keyFor('manager');
    expect((await rep('/views?list=rewards')).body.items).toEqual([]);
    expect((await acme.call(`/views/${view.id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await acme.call(`/views/${view.id}`, { method: 'DELETE' })).status).toBe(404);
  });
});
