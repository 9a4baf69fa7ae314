import { afterEach, beforeEach, expect, test } from 'vitest';
import { budgetCode } from '../../src/application/attention.ts';
import type { Role } from '../../src/domain/roles.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newCase } from '../conformance/store-desk.ts';
import { startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

const HOUR = 3_600_000;

interface Item {
  readonly code: string;
  readonly severity: string;
  readonly count: number | null;
  readonly isMore: boolean;
  readonly overdue: number;
  readonly nextDueAt: string | null;
  readonly [other: string]: unknown;
}

let service: TestService;
let account: TestAccount;

beforeEach(async () => {
  service = await startHttp();
  account = await service.createAccount('Acme');
});
afterEach(() => service.close());

async function waiting(as: Role = 'owner'): Promise<Item[]> {
  const made = await account.post('/api-keys', { label: `${as}-${Math.random()}`, roles: [as] });
  const { key } = (await made.json()) as { key: string };
  const answer = await fetch(`${service.url}/api/v1/attention`, { headers: { authorization: `Bearer ${key}` } });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { items: Item[] }).items;
}

const codes = (items: readonly Item[]) => items.map(({ code }) => code);
const of = (items: readonly Item[], code: string) => items.find((one) => one.code === code);

test('an account in which nothing is set up yet is told what comes first', async () => {
  expect(codes(await waiting())).toEqual(['no_connection', 'no_program']);
});

test('a portal whose stages were not read, one in which nothing can be won, and one that has let go of us are told apart', async () => {
  await account.connect('48000001');
  const without = await account.connect('48000002');
  const gone = await account.connect('48000003');
  const stage = { pipelineId: 'p', stageId: 'won', pipelineLabel: 'Renewals', stageLabel: 'Won' } as const;
  await service.store.connections.saveMapping(account.id, without, 'm1', [{ ...stage, stage: 'lost' }], 1);
  await service.store.connections.disconnect(account.id, gone, 'The authorisation was given back.', Date.now());
  const items = await waiting();
  expect(of(items, 'disconnected')).toMatchObject({
    severity: 'urgent',
    connection: { id: gone },
    detail: 'The authorisation was given back.',
  });
  expect(items[0]?.code, 'the most urgent first').toBe('disconnected');
  expect(of(items, 'no_won_stage')).toMatchObject({ connection: { id: without }, pipeline: 'Renewals' });
  expect(items.filter(({ code }) => code === 'mapping_unread')).toHaveLength(1);
});

test('open cases are counted by kind, drift apart; whose time is over makes them urgent, and what is decided is gone', async () => {
  const now = systemClock.now();
  const { desk } = service.store;
  await desk.open(account.id, newCase('cas_1', { kind: 'review', topic: 'reward_review', openedAt: now - 200 * HOUR }));
  await desk.open(account.id, newCase('cas_2', { kind: 'review', topic: 'reward_review', openedAt: now }));
  await desk.open(account.id, newCase('cas_3', { topic: 'drift_stage_renamed', severity: 'low', openedAt: now }));
  await desk.open(account.id, newCase('cas_4', { kind: 'dispute', openedAt: now }));
  await desk.decide(account.id, 'cas_4', { outcome: 'dismissed', by: 'key', why: 'x', at: now });
  for (const at of [now - 150 * HOUR, now - 1]) await desk.escalateDue(at, 10);
  const items = await waiting();
  expect(of(items, 'reviews')).toMatchObject({ severity: 'urgent', count: 2, isMore: false, overdue: 1 });
  expect(Date.parse(of(items, 'reviews')?.nextDueAt ?? '')).toBeGreaterThan(now);
  expect(of(items, 'drift')).toMatchObject({ severity: 'low', count: 1, overdue: 0 });
  expect(codes(items)).not.toContain('disputes');
});

test('two hundred are counted, of more it is said that there are more', async () => {
  for (let index = 0; index < 201; index += 1)
    await service.store.desk.open(account.id, newCase(`cas_${index}`, { openedAt: systemClock.now() }));
  expect(of(await waiting(), 'alerts')).toMatchObject({ count: 200, isMore: true });
});

test('a budget is low below a fifth of what was put in last, and spent at nothing', () => {
  const eur = (minor: bigint) => ({ minor, currency: 'EUR' });
  const entry = (minor: bigint, currency = 'EUR') => ({
    id: 'e',
    money: { minor, currency },
    by: 'x',
    note: 'n',
    at: 1,
  });
  const newestFirst = [entry(5n, 'BHD'), entry(1_000n), entry(9_000n)];
  expect(budgetCode(eur(200n), newestFirst)).toBeNull();
  expect(budgetCode(eur(199n), newestFirst)).toBe('budget_low');
  expect(budgetCode(eur(0n), newestFirst)).toBe('budget_spent');
  expect(budgetCode(eur(-1n), newestFirst)).toBe('budget_spent');
  expect(budgetCode(eur(1n), [])).toBeNull();
});

test('a budget that suffices is not told, nor one that was never set', async () => {
  const connectionId = await account.connect('48000001');
  await tellStory(service, account.id, connectionId, systemClock.now());
  expect(codes(await waiting()), 'none is set').not.toContain('budget_spent');
  const fill = (id: string, amount: string) =>
    account.post('/programs/default/budget', { id, money: { amount, currency: 'EUR' }, note: 'n' });
  expect((await fill('first', '1000.00')).status).toBe(201);
  expect(codes(await waiting()).filter((code) => code.startsWith('budget'))).toEqual([]);
});

test('who may not do something about it is not told of it', async () => {
  await service.store.desk.open(account.id, newCase('cas_1', { openedAt: systemClock.now() }));
  expect(codes(await waiting('sales'))).toEqual([]);
  expect(codes(await waiting('reviewer'))).toEqual(['no_program', 'alerts']);
  expect(codes(await waiting('finance'))).toEqual(['no_program']);
  expect(codes(await waiting('architect'))).toEqual(['no_connection', 'no_program']);
});

test('another account’s cases are nobody’s here', async () => {
  const other = await service.createAccount('Other');
  await service.store.desk.open(other.id, newCase('cas_1', { openedAt: systemClock.now() }));
  expect(codes(await waiting())).not.toContain('alerts');
});
