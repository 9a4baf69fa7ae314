import { describe, expect, test } from 'vitest';
import { openProgram, type ProgramVersion, type RewardRule, versionFor } from '../../src/domain/program.ts';
import { contactOf, createWorld, DAY, dealOf, FRIEND_RULE, MEMBER_RULE, MINUTE, pointOf, T0 } from './world.ts';

const WON = { stageId: '4711' };

function version(number: number, publishedAt: number, more: Partial<ProgramVersion> = {}): ProgramVersion {
  return { programId: 'default', name: 'P', version: number, publishedAt, rules: [], ...more };
}

function fixed(minor: bigint, more: Partial<RewardRule> = {}): RewardRule {
  return { ...MEMBER_RULE, amount: { kind: 'fixed', money: { minor, currency: 'EUR' } }, ...more };
}

/** Ada referred Bob, whose deal was won on a day. */
function worldWon(programs: readonly ProgramVersion[], submittedAt: number, wonAt: number) {
  const world = createWorld();
  world.setState({ programs: programs.filter(({ publishedAt }) => publishedAt <= submittedAt) });
  world.putContact(contactOf('1'));
  world.putContact(contactOf('2', { referredByIds: ['1'] }));
  world.process(submittedAt);
  world.setState({ programs });
  world.putDeal(dealOf('100', ['2'], [pointOf(submittedAt), pointOf(wonAt, WON)]));
  world.process(wonAt);
  return world;
}

const rewardsOf = (world: ReturnType<typeof createWorld>) =>
  world.state.rewards.map(({ money, state }) => `${money.minor} ${state}`);

describe('the version that a referral is judged by', () => {
  const move = [version(1, T0), version(2, T0 + 10 * DAY, { openReferrals: 'move' })];
  const keep = [version(1, T0), version(2, T0 + 10 * DAY, { openReferrals: 'keep' })];
  const of = (submittedAt: number, programId = 'default') => ({ programId, submittedAt });

  test.each([
    ['before there was one, the first', move, of(T0), T0 - 1, 1],
    ['the newest, for one that is open when it comes', move, of(T0 + DAY), T0 + 10 * DAY, 2],
    ['not yet, the moment before', move, of(T0 + DAY), T0 + 10 * DAY - 1, 1],
    ['the one that it began with, where that is kept', keep, of(T0 + DAY), T0 + 20 * DAY, 1],
    ['the new one, for a referral that comes with it', keep, of(T0 + 10 * DAY), T0 + 20 * DAY, 2],
    ['none of another program', keep, of(T0, 'other'), T0 + 20 * DAY, undefined],
  ])('is %s', (_, versions, referral, at, expected) => {
    expect(versionFor(versions, referral, at)?.version).toBe(expected);
  });

  test('pays by it: an open referral keeps its terms, whatever is published meanwhile', () => {
    const programs = (openReferrals: 'move' | 'keep') => [
      version(1, T0, { rules: [fixed(5_000n)] }),
      version(2, T0 + 10 * DAY, { rules: [fixed(900n)], openReferrals }),
    ];
    expect(rewardsOf(worldWon(programs('keep'), T0 + DAY, T0 + 20 * DAY))).toEqual(['5000 approved']);
    expect(rewardsOf(worldWon(programs('move'), T0 + DAY, T0 + 20 * DAY))).toEqual(['900 approved']);
    expect(rewardsOf(worldWon(programs('keep'), T0 + 11 * DAY, T0 + 20 * DAY))).toEqual(['900 approved']);
  });

  test('is one of its own program, though another one is newer', () => {
    const programs = [
      version(1, T0, { rules: [fixed(5_000n)] }),
      version(1, T0 + 10 * DAY, { programId: 'partners', rules: [fixed(700n)] }),
    ];
    expect(rewardsOf(worldWon(programs, T0 + DAY, T0 + 20 * DAY))).toEqual(['5000 approved']);
    expect(rewardsOf(worldWon(programs, T0 + 11 * DAY, T0 + 20 * DAY))).toEqual(['700 approved']);
  });
});

describe('a program that was retired', () => {
  const ended = version(2, T0 + 10 * DAY, { isRetired: true });

  test('grants nothing for what is won from then on', () => {
    const world = worldWon([version(1, T0, { rules: [fixed(5_000n)] }), ended], T0 + DAY, T0 + 10 * DAY);
    expect(world.state.decisions).toEqual([]);
  });

  test('still ends its holds, and takes back what is lost', () => {
    const rules = [fixed(5_000n, { holdDays: 14 }), { ...FRIEND_RULE, holdDays: 1 }];
    const world = worldWon([version(1, T0, { rules }), ended], T0 + DAY, T0 + 9 * DAY);
    expect(rewardsOf(world)).toEqual(['5000 held', '5000 held']);
    world.process(T0 + 11 * DAY);
    expect(rewardsOf(world)).toEqual(['5000 held', '5000 approved']);
    const [deal] = [...world.deals.values()];
    if (!deal) throw new Error('no deal');
    world.putDeal({ ...deal, history: [...deal.history, pointOf(T0 + 12 * DAY, { stageId: 'gone' })] });
    world.process(T0 + 12 * DAY + MINUTE);
    expect(rewardsOf(world)).toEqual(['5000 voided', '5000 voided']);
  });

  test('is not the one that new referrals belong to', () => {
    const other = version(1, T0 + DAY, { programId: 'other' });
    expect(openProgram([version(1, T0), other])).toBe('other');
    expect(
      openProgram([version(1, T0), other, version(2, T0 + 2 * DAY, { programId: 'other', isRetired: true })]),
    ).toBe('default');
    expect(openProgram([version(1, T0), ended])).toBeUndefined();
    expect(openProgram([version(1, T0), ended, version(3, T0 + 11 * DAY)])).toBe('default');
  });
});
