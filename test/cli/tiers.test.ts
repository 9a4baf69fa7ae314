import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { revenueTally } from '../../src/domain/tally.ts';
import type { TierScheme } from '../../src/domain/tier-scheme.ts';
import { openStore } from '../../src/store/open.ts';
import { T0, tenant } from '../conformance/store-fixtures.ts';
import { changeOf } from '../conformance/store-tiers.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

const DAY_20_000 = '2024-10-04';

const SCHEME: TierScheme = {
  by: { kind: 'revenue' },
  down: { kind: 'never' },
  levels: [
    { key: 'gold', name: 'Gold', from: { minor: 500n, currency: 'EUR' } },
    { key: 'platinum', name: 'Platinum', from: { minor: 1_000n, currency: 'EUR' } },
  ],
};

let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('tiers'));
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  try {
    const [a, b] = [tenant(store), tenant(store, 'acc_b', 'con_b')];
    await a.create();
    await b.create();
    await a.writePair();
    await b.write({ members: [b.member('mem_b', { isStaff: true })] });
    await store.programs.publish('acc_a', { programId: 'prg', name: 'Tiers', rules: [], tiers: SCHEME }, T0);
    const evidence = { by: 'revenue', score: 700n, currency: 'EUR', sinceDay: 20_000 } as const;
    await a.write({
      members: [a.member('mem_2')],
      tierChanges: [changeOf('mem_1', 1, { evidence }), changeOf('mem_2', 1, { evidence })],
      tallies: [{ ...revenueTally('mem_1', 'EUR'), count: 0, minor: 700n, basis: null }],
    });
  } finally {
    await store.close();
  }
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const on = (...args: string[]) => commandLine(env, ...args);

test('tiers are listed with what they rest on, as text and as JSON', async () => {
  const listed = await on('tiers', 'list', 'acc_a');
  expect([listed.code, listed.err]).toEqual([0, '']);
  expect(listed.out).toMatch(new RegExp(`mem_1 +prg 1 +reached +- +Gold +7\\.00 EUR since ${DAY_20_000}`));
  const { items, more } = JSON.parse((await on('tiers', 'list', 'acc_a', '--member', 'mem_1', '--json')).out);
  expect([items.length, more]).toEqual([1, false]);
  expect(items[0]).toMatchObject({
    memberId: 'mem_1',
    move: 'reached',
    evidence: { by: 'revenue', score: '700', since: DAY_20_000 },
  });
  expect((await on('tiers', 'list', 'acc_b')).out).toBe('No tier was decided yet.\n');
});

test('a member is shown with the tier that is held, what is missing to the next one, and how it came about', async () => {
  const shown = await on('tiers', 'show', 'acc_a', 'mem_1');
  expect([shown.code, shown.err]).toEqual([0, '']);
  expect(shown.out).toMatch(
    /^Gold in prg since .+: 7\.00 EUR\nto Platinum: 3\.00 EUR missing of 10\.00 EUR\n.+ {2}reached: /,
  );
  const json = JSON.parse((await on('tiers', 'show', 'acc_a', 'mem_1', '--json')).out);
  expect(json).toMatchObject({ memberId: 'mem_1', programId: 'prg', tier: { key: 'gold' }, next: { key: 'platinum' } });
  const without = await on('tiers', 'show', 'acc_b', 'mem_b');
  expect([without.code, without.out]).toEqual([0, 'The program has no tiers.\n']);
});

test('a member is made a recruiter, owns a referral, gives it back, and is one no more', async () => {
  expect((await on('recruiters', 'list', 'acc_a')).out).toBe('No member is a recruiter yet.\n');
  const early = await on('recruiters', 'assign', 'acc_a', 'ref_1', 'mem_1');
  expect([early.code, early.err.includes('"mem_1" is no recruiter of this account.')]).toEqual([1, true]);
  expect((await on('recruiters', 'add', 'acc_a', 'mem_1')).out).toContain('mem_1 is a recruiter.');
  expect(JSON.parse((await on('recruiters', 'list', 'acc_a', '--json')).out)).toMatchObject([{ id: 'mem_1' }]);
  expect((await on('recruiters', 'assign', 'acc_a', 'ref_1', 'mem_1')).out).toContain('mem_1 owns ref_1');
  expect(await ownerOf('ref_1')).toBe('mem_1');
  expect((await on('recruiters', 'unassign', 'acc_a', 'ref_1')).code).toBe(0);
  expect(await ownerOf('ref_1')).toBe(null);
  expect((await on('recruiters', 'remove', 'acc_a', 'mem_1')).out).toContain('mem_1 is no recruiter.');
  expect((await on('recruiters', 'list', 'acc_a')).out).toBe('No member is a recruiter yet.\n');
});

async function ownerOf(referralId: string): Promise<string | null> {
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  try {
    return (await store.reads.referral('acc_a', referralId))?.recruiterId ?? null;
  } finally {
    await store.close();
  }
}

test.each([
  [['tiers', 'list', 'acc_a', '--member', 'mem_b'], 'There is no member "mem_b".'],
  [['tiers', 'show', 'acc_a', 'mem_b'], 'There is no member "mem_b".'],
  [['recruiters', 'add', 'acc_a', 'mem_b'], 'There is no member "mem_b".'],
  [['recruiters', 'assign', 'acc_a', 'ref_1', 'mem_b'], '"mem_b" is no recruiter of this account.'],
  [['recruiters', 'assign', 'acc_b', 'ref_1', 'mem_b'], 'There is no referral "ref_1".'],
  [['recruiters', 'unassign', 'acc_b', 'ref_1'], 'There is no referral "ref_1".'],
])('%j names what this account does not have', async (args, what) => {
  const { code, err } = await on(...args);
  expect(code).toBe(1);
  expect(err).toContain(what);
});
