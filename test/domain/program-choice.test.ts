import { describe, expect, test } from 'vitest';
import type { ProgramChoice } from '../../src/domain/program-choice.ts';
import { createTwoWorlds, ORG, orgContact, orgDeal, PORTAL } from './two-worlds.ts';
import { CONNECTION, contactOf, createWorld, DAY, dealOf, MEMBER_RULE, pointOf, programOf, T0 } from './world.ts';

const WON = '4711';
const ADA = contactOf('1');
const BOB = contactOf('2', { referredByIds: ['1'] });
const HERS = programOf([MEMBER_RULE]);
const OTHER = { ...HERS, programId: 'other', name: 'Other', publishedAt: T0 + 1 };

function worldWith(...choices: ReadonlyArray<Omit<ProgramChoice, 'connectionId'>>) {
  const world = createWorld([MEMBER_RULE]);
  world.setState({ programs: [HERS, OTHER], choices: choices.map((one) => ({ connectionId: CONNECTION, ...one })) });
  world.putContact(ADA);
  world.putContact(BOB);
  return world;
}

const choose = (
  world: ReturnType<typeof createWorld>,
  ...choices: ReadonlyArray<Omit<ProgramChoice, 'connectionId'>>
) => world.setState({ choices: choices.map((one) => ({ connectionId: CONNECTION, ...one })) });
const standing = (world: ReturnType<typeof createWorld>) =>
  world.state.rewards.filter(({ state }) => state !== 'voided' && state !== 'clawed_back').length;

describe('a connection for which programs were chosen', () => {
  test('takes new referrals into the newest of them, and not into one that was published later', () => {
    const world = worldWith({ at: T0, programIds: ['default'] });
    world.process(T0 + DAY);
    expect(world.state.referrals).toMatchObject([{ programId: 'default' }]);
    const free = worldWith();
    free.process(T0 + DAY);
    expect(free.state.referrals).toMatchObject([{ programId: 'other' }]);
  });

  test('takes nobody in while none of them is published', () => {
    const world = worldWith({ at: T0, programIds: [] });
    world.process(T0 + DAY);
    expect(world.state.referrals).toEqual([]);
    choose(world, { at: T0, programIds: [] }, { at: T0 + 2 * DAY, programIds: null });
    world.process(T0 + 3 * DAY);
    expect(world.state.referrals).toMatchObject([{ programId: 'other', submittedAt: T0 + 3 * DAY }]);
  });

  test('goes on with referrals that began before a program was taken away, with what is won afterwards too', () => {
    const world = worldWith({ at: T0, programIds: ['default'] });
    world.process(T0 + DAY);
    choose(world, { at: T0, programIds: ['default'] }, { at: T0 + 2 * DAY, programIds: ['other'] });
    world.putDeal(dealOf('10', ['2'], [pointOf(T0 + 3 * DAY, { stageId: WON })]));
    world.process(T0 + 4 * DAY);
    expect(world.state.referrals).toMatchObject([{ programId: 'default', stage: 'won' }]);
    expect(standing(world)).toBe(1);
    const decided = world.state.decisions.length;
    choose(world, { at: T0, programIds: ['default'] }, { at: T0 + 2 * DAY, programIds: [] });
    world.process(T0 + 5 * DAY);
    expect([standing(world), world.state.decisions.length]).toEqual([1, decided]);
  });

  test('does not take up who was submitted into a program that did not apply there then', () => {
    const submitted = (world: ReturnType<typeof createWorld>) => {
      const member = { id: 'mem_1', name: 'Ada', email: 'a@example.com', code: 'ADA', contact: null, createdAt: T0 };
      world.setState({
        members: [{ ...member, version: 1 }],
        referrals: [
          {
            id: 'ref_1',
            programId: 'default',
            memberId: 'mem_1',
            friend: { name: null, email: 'c9@example.com', contact: null },
            source: 'explicit',
            stage: 'submitted',
            reason: { code: 'submitted', values: {} },
            stageSince: T0 + DAY,
            submittedAt: T0 + DAY,
            version: 1,
          },
        ],
      });
      world.putContact(contactOf('9'));
      world.process(T0 + 2 * DAY);
      return world.state.referrals.find(({ id }) => id === 'ref_1')?.stage;
    };
    expect(submitted(worldWith({ at: T0, programIds: ['other'] }))).toBe('submitted');
    expect(submitted(worldWith({ at: T0, programIds: ['default'] }))).toBe('accepted');
  });
});

describe('a friend who is known in two connections, of which one does not take part in the program', () => {
  const ofBoth = (choices: readonly ProgramChoice[]) => {
    const two = createTwoWorlds([MEMBER_RULE], null);
    two.world.setState({ choices });
    two.put(ADA);
    two.put(BOB);
    two.process(PORTAL, T0 + DAY);
    two.put(orgContact('77', { email: 'c2@example.com' }));
    two.put(orgDeal('900', ['77'], [pointOf(T0 + 2 * DAY, { stageId: WON })]));
    two.process(ORG, T0 + 3 * DAY);
    const between = two.world.state.referrals.map(({ stage }) => stage);
    two.process(PORTAL, T0 + 4 * DAY);
    return { ...two.world.state, between };
  };

  test('wins nothing by deals there, and is won by none of them', () => {
    const { referrals, between, decisions, rewards } = ofBoth([{ connectionId: ORG, at: T0, programIds: [] }]);
    expect([between, referrals.map(({ stage }) => stage)]).toEqual([['accepted'], ['accepted']]);
    expect([decisions, rewards]).toEqual([[], []]);
  });

  test('wins where both take part', () => {
    const { referrals, rewards } = ofBoth([]);
    expect(referrals).toMatchObject([{ stage: 'won' }]);
    expect(rewards).toHaveLength(1);
  });
});
