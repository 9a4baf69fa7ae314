import { afterEach, beforeEach, expect, test } from 'vitest';
import { dayOf } from '../../src/domain/time.ts';
import type { Json } from '../support/stack.ts';
import { startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

/** Inside a day, so that the story is told in one. */
const NOW = Date.UTC(2026, 9, 14, 9);

let service: TestService;
let account: TestAccount;
let other: TestAccount;

beforeEach(async () => {
  service = await startHttp();
  account = await service.createAccount('Acme');
  other = await service.createAccount('Other');
  await tellStory(service, account.id, await account.connect('1'), NOW);
  await foldAll();
});
afterEach(() => service.close());

async function foldAll(): Promise<void> {
  for (const id of [account.id, other.id]) while ((await service.store.figures.fold(id, NOW)) > 0);
  expect(await service.store.figures.verify(account.id)).toEqual({ kind: 'equal' });
}

const DAYS = 'from=2026-10-01&to=2026-10-31';

async function read(path: string, as: TestAccount = account) {
  const answer = await as.call(path);
  const body = (await answer.json()) as Json;
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return body;
}

test('the overview compares with as many days just before, and another account sees nothing of it', async () => {
  const overview = await read(`/figures/overview?${DAYS}`);
  expect(overview).toMatchObject({
    period: { from: '2026-10-01', to: '2026-10-31' },
    before: { from: '2026-08-31', to: '2026-09-30' },
    freshness: { waiting: 0, foldedAt: new Date(NOW).toISOString() },
    submitted: { now: 1, before: 0 },
    conversion: { before: null },
  });
  const [euro] = overview.money;
  expect(euro).toMatchObject({
    currency: 'EUR',
    granted: { now: '150.00', before: '0.00' },
    cost: { now: '150.00', before: '0.00' },
    liability: { now: '150.00', before: '0.00' },
  });
  const after = await read('/figures/overview?from=2026-11-01&to=2026-11-30');
  expect(after.money[0]).toMatchObject({ cost: { now: '0.00', before: '150.00' }, liability: { now: '150.00' } });
  expect((await read(`/figures/overview?${DAYS}&programId=another`)).submitted.now).toBe(0);
  expect(await read(`/figures/overview?${DAYS}`, other)).toMatchObject({ submitted: { now: 0 }, money: [] });
});

test('the ledger’s sums are those of the figures', async () => {
  const { items } = await read('/ledger');
  const owed = items.filter(({ kind }: { kind: string }) => ['held', 'payable', 'credit'].includes(kind));
  const { money } = await read('/figures/overview');
  expect(owed.map(({ amount }: { amount: string }) => amount)).toContain(`-${money[0].liability.now}`);
});

test('a trend has every step of the period; weeks begin on Monday', async () => {
  const byDay = await read(`/figures/trend?${DAYS}`);
  expect(byDay.items).toHaveLength(31);
  const day = byDay.items.find(({ from }: { from: string }) => from === dayOf(NOW));
  expect(day).toMatchObject({ submitted: 1, money: [{ currency: 'EUR', granted: '150.00', cost: '150.00' }] });
  const byWeek = await read(`/figures/trend?${DAYS}&by=week`);
  const starts = byWeek.items.map(({ from }: { from: string }) => from);
  expect(starts).toEqual(['2026-10-01', '2026-10-05', '2026-10-12', '2026-10-19', '2026-10-26']);
  const byMonth = await read('/figures/trend?from=2026-01-15&to=2026-12-31&by=month');
  expect(byMonth.items).toHaveLength(12);
  expect(byMonth.items[9]).toMatchObject({ from: '2026-10-01', submitted: 1 });
});

test('every report answers, and its file names its columns and holds its figures', async () => {
  const paths = ['overview', 'trend', 'funnel', 'times', 'channels', 'members', 'cohorts', 'returns', 'comparison'];
  for (const path of paths) {
    expect(await read(`/figures/${path}?${DAYS}`)).toHaveProperty('freshness');
    const { csv } = await read(`/figures/${path}/csv?${DAYS}`);
    expect(csv.split('\r\n')[0], path).toMatch(/^"[a-z_]+"(,"[a-z_]+")+$/);
  }
  expect((await read(`/figures/members?${DAYS}&order=referrals`)).items[0]).toMatchObject({
    name: 'Grace Hopper',
    submitted: 1,
  });
  expect((await read(`/figures/returns/csv?${DAYS}`)).csv).toContain('"default","EUR","0","0.00","150.00","0"');
});

test('what cannot be answered names the field and what to do', async () => {
  for (const [query, field, problem] of [
    ['trend?from=2026-02-30', 'from', /must be a day that there is/],
    ['trend?from=2026-03-02&to=2026-03-01', 'from', /must not be after "to"/],
    ['trend?from=1960-01-01&to=1961-01-01', 'from', /must not be before 1970/],
    ['overview?from=1990-01-01&to=2026-01-01', 'from', /must be within 3660 days/],
    ['trend?from=2020-01-01&to=2026-01-01', 'by', /must be a longer step/],
    ['members?order=revenue', 'currency', /must be given/],
    ['overview?programId=A%20B', 'programId', /must be the key of a program/],
  ] as const) {
    const answer = await account.call(`/figures/${query}`);
    expect(answer.status, query).toBe(400);
    const { errors } = (await answer.json()) as { errors: Array<{ field: string; problem: string }> };
    expect(errors[0]?.field, query).toBe(field);
    expect(errors[0]?.problem, query).toMatch(problem);
  }
});
