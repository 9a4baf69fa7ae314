import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAct } from '../../src/application/act.ts';
import type { Store } from '../../src/application/ports/store.ts';
import { createTiers } from '../../src/application/tiers.ts';
import { verify } from '../../src/application/verify.ts';
import { tierBooksProblems } from '../../src/application/verify-tiers.ts';
import type { ProgramVersion } from '../../src/domain/program.ts';
import { revenueTally, tallyMap } from '../../src/domain/tally.ts';
import type { TierChange } from '../../src/domain/tier.ts';
import type { TierScheme } from '../../src/domain/tier-scheme.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openStore } from '../../src/store/open.ts';
import { changeOf } from '../conformance/store-tiers.ts';

const DAY = 86_400_000;
const T0 = Date.UTC(2026, 0, 5, 12);

const BY_SUBMISSIONS: TierScheme = {
  by: { kind: 'engagement', counts: 'submissions' },
  windowDays: 10,
  down: { kind: 'grace', days: 2 },
  levels: [{ key: 'busy', name: 'Busy', from: 2 }],
};

describe('between two wins', () => {
  let store: Store;
  let now: number;
  const clock = { ...systemClock, now: () => now };
  beforeEach(async () => {
    now = T0;
    store = await openStore({ url: 'sqlite::memory:' });
    await store.accounts.create({ id: 'acc_a', name: 'A', createdAt: T0 });
    await store.programs.publish('acc_a', { programId: 'default', name: 'P', rules: [], tiers: BY_SUBMISSIONS }, T0);
  });
  afterEach(() => store.close());

  async function submit(memberId: string, email: string): Promise<void> {
    const act = createAct({ store, clock, onAsked: () => {}, onUnplaced: () => {} });
    await act.createReferral('acc_a', { memberId, friend: { name: null, email, contact: null } });
  }

  test('a member rises by what they submit, and falls when the window and the grace are over', async () => {
    const act = createAct({ store, clock, onAsked: () => {}, onUnplaced: () => {} });
    const enrolled = await act.createMember('acc_a', { name: 'Ada', email: 'ada@x.test', contact: null });
    if (enrolled.kind === 'refused') throw new Error(enrolled.code);
    const { id } = enrolled.member;
    const tiers = createTiers({ store, clock });
    await submit(id, 'one@x.test');
    expect(await tiers.lookAtDue()).toBeGreaterThan(0);
    expect(await store.tiers.of('acc_a', id)).toEqual([]);
    await submit(id, 'two@x.test');
    await tiers.lookAtDue();
    const standing = await tiers.standingOf('acc_a', id);
    expect(standing?.program).toMatchObject({ score: 2n, held: { to: { key: 'busy' } }, next: null });
    // Nothing is due until the window moves on, and then at the midnight that was foretold.
    expect(await tiers.lookAtDue()).toBe(0);
    now = Date.UTC(2026, 0, 15) - 1;
    expect(await tiers.lookAtDue()).toBe(0);
    now += 1;
    expect(await tiers.lookAtDue()).toBe(1);
    expect((await store.tiers.of('acc_a', id))[0]?.move).toBe('at_risk');
    now += 2 * DAY;
    expect(await tiers.lookAtDue()).toBe(1);
    expect((await store.tiers.of('acc_a', id))[0]).toMatchObject({ move: 'lost', to: null, sequence: 3 });
    expect(await tiers.lookAtDue()).toBe(0);
    const { accounts } = await store.audited(now, (audit) => verify(audit));
    expect(accounts.flatMap(({ problems }) => problems)).toEqual([]);
  });

  test('nobody’s standing is told of a member that the account does not have', async () => {
    expect(await createTiers({ store, clock }).standingOf('acc_a', 'mem_nobody')).toBeNull();
  });
});

describe('verify', () => {
  const tiers: TierScheme = {
    by: { kind: 'revenue' },
    down: { kind: 'grace', days: 3 },
    levels: [
      { key: 'silver', name: 'Silver', from: { minor: 5n, currency: 'EUR' } },
      { key: 'gold', name: 'Gold', from: { minor: 9n, currency: 'EUR' } },
    ],
  };
  const program: ProgramVersion = { programId: 'prg', name: 'P', version: 1, publishedAt: 0, rules: [], tiers };
  const silver = { key: 'silver', name: 'Silver' };
  const evidence = (score: bigint) => ({ by: 'revenue' as const, score, currency: 'EUR', sinceDay: null });
  const reached = changeOf('mem_1', 1, { to: silver, evidence: evidence(5n), recordedAt: 0 });
  const atRisk = changeOf('mem_1', 2, {
    move: 'at_risk',
    from: silver,
    to: silver,
    evidence: evidence(4n),
    recordedAt: DAY,
  });
  const lost = changeOf('mem_1', 3, {
    move: 'lost',
    from: silver,
    to: null,
    evidence: evidence(4n),
    recordedAt: 4 * DAY,
  });
  const problemsOf = (chain: readonly TierChange[], minor: bigint, waits = false) =>
    tierBooksProblems({
      programs: [program],
      chain,
      tallies: tallyMap([{ ...revenueTally('mem_1', 'EUR'), count: 0, minor }]),
      waits,
      now: 5 * DAY,
    });

  test('finds nothing wrong with a member who rose, was at risk and fell', () => {
    expect(problemsOf([reached, atRisk, lost], 4n)).toEqual([]);
    expect(problemsOf([reached], 8n)).toEqual([]);
  });

  test.each<[string, readonly TierChange[], bigint]>([
    ['a tier that the score does not give', [{ ...reached, evidence: evidence(9n) }], 5n],
    ['a change that is missing', [reached, { ...lost, sequence: 3 }], 4n],
    ['a fall before the grace was over', [reached, atRisk, { ...lost, recordedAt: 4 * DAY - 1 }], 4n],
    ['a fall without a grace', [reached, { ...lost, sequence: 2 }], 4n],
    ['a beginning that is not the end of the one before', [reached, { ...atRisk, from: null }], 4n],
    ['a tier that the running totals have left behind', [reached], 9n],
    ['a tier that nothing is left of', [reached], 4n],
    ['a risk that is none', [reached, { ...atRisk, evidence: evidence(5n) }], 4n],
    ['a change by a version without tiers', [{ ...reached, program: { id: 'prg', version: 2 } }], 5n],
  ])('finds %s', (_, chain, minor) => {
    expect(problemsOf(chain, minor)).not.toEqual([]);
  });

  test('says nothing of what is missing while a look is due', () => {
    expect(problemsOf([reached], 9n, true)).toEqual([]);
  });
});
