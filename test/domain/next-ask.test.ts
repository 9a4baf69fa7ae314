import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastCameTo } from '../../src/domain/deal-ends.ts';
import type { StageMapping } from '../../src/domain/mapping.ts';
import { ASK_AGAIN_DAYS, type AskFacts, adviseOnAsking, askSentence, byAdvice } from '../../src/domain/next-ask.ts';
import type { DealFacts } from '../../src/domain/record.ts';
import { addDays } from '../../src/domain/time.ts';

const NOW = Date.UTC(2026, 10, 23);
const daysAgo = (days: number) => addDays(NOW, -days);

const HAPPY: AskFacts = {
  isMember: true,
  isStaff: false,
  hasOptedOut: false,
  boughtAt: daysAgo(12),
  lostAt: null,
  wonReferrals: 0,
  openReferrals: 0,
  openDisputes: 0,
  paidAt: null,
  askedAt: null,
  owner: 'reader',
};
const advise = (more: Partial<AskFacts> = {}) => adviseOnAsking({ ...HAPPY, ...more }, NOW);
const say = (more: Partial<AskFacts> = {}) => askSentence('Ada', advise(more));

describe('whom to ask for a referral', () => {
  test('somebody who has just bought and was never asked is asked now, and the sentence says why', () => {
    expect(advise().verdict).toBe('now');
    expect(say()).toBe('Ask Ada now: they bought 12 days ago and they have never been asked.');
    expect(say({ boughtAt: daysAgo(0), wonReferrals: 2, paidAt: daysAgo(1), askedAt: daysAgo(200) })).toBe(
      'Ask Ada now: they bought today, 2 friends of theirs became customers and a reward was paid to them yesterday.',
    );
  });

  test('a customer of years for whom nothing special speaks is not asked today', () => {
    expect(advise({ boughtAt: daysAgo(900) })).toMatchObject({ verdict: 'later', from: null });
    expect(say({ boughtAt: daysAgo(900) })).toBe('Not now: nothing special speaks for asking Ada today.');
    // A friend who became a customer is something special.
    expect(advise({ boughtAt: daysAgo(900), wonReferrals: 1 }).verdict).toBe('now');
  });

  test('whoever was asked is left alone for as many days as the constant says, and is asked again after them', () => {
    const askedAt = daysAgo(ASK_AGAIN_DAYS - 1);
    expect(advise({ askedAt })).toMatchObject({ verdict: 'later', from: addDays(askedAt, ASK_AGAIN_DAYS) });
    expect(say({ askedAt: daysAgo(3) })).toBe('Not now: they were asked 3 days ago.');
    expect(advise({ askedAt: daysAgo(ASK_AGAIN_DAYS) }).verdict).toBe('now');
  });

  test.each<[string, Partial<AskFacts>, 'later' | 'no']>([
    ['has bought nothing', { boughtAt: null }, 'later'],
    ['has a referral under way', { openReferrals: 1 }, 'later'],
    ['has an open dispute', { openDisputes: 1 }, 'later'],
    ['has just lost interest in a deal', { lostAt: daysAgo(5) }, 'later'],
    ['has unsubscribed', { hasOptedOut: true }, 'no'],
    ['is one of the account’s own people', { isStaff: true }, 'no'],
  ])('nobody is asked who %s, whatever speaks for it', (_what, more, verdict) => {
    const best = { wonReferrals: 9, paidAt: NOW, boughtAt: daysAgo(8), ...more };
    if (more.boughtAt === null) best.wonReferrals = 0;
    expect(advise(best).verdict).toBe(verdict);
    expect(advise(best).inputs.filter(({ speaks }) => speaks === 'stops')).toHaveLength(1);
  });

  test('whose referral is under way is told how it goes instead', () => {
    expect(say({ openReferrals: 1 })).toBe(
      'Not now: a referral of theirs is under way. Tell them how it goes instead.',
    );
    expect(say({ openReferrals: 2 })).toContain('2 referrals of theirs are under way');
  });

  test('somebody who never bought and whose friends did is a partner, who may be asked', () => {
    expect(advise({ boughtAt: null, wonReferrals: 1 }).verdict).toBe('now');
  });

  test('a deal lost before the last purchase or months ago speaks against it and stops nothing', () => {
    const before = advise({ lostAt: daysAgo(20) });
    expect([before.verdict, before.points]).toEqual(['now', advise().points - 15]);
    expect(say({ lostAt: daysAgo(20) })).toContain('although a deal with them was lost 20 days ago');
    expect(advise({ lostAt: daysAgo(300) }).points).toBe(advise().points);
  });

  test('another one’s contact may be asked as well, and it is said whose it is', () => {
    expect(say({ owner: 'other' })).toContain('although it is the contact of somebody else');
  });

  test('every input is shown, whatever it says, and the same facts have the same advice', () => {
    const instant = fc.option(fc.integer({ min: daysAgo(1_000), max: NOW }), { nil: null });
    const facts = fc.record<AskFacts>({
      isMember: fc.boolean(),
      isStaff: fc.boolean(),
      hasOptedOut: fc.option(fc.boolean(), { nil: null }),
      boughtAt: instant,
      lostAt: instant,
      wonReferrals: fc.nat(5),
      openReferrals: fc.nat(3),
      openDisputes: fc.nat(2),
      paidAt: instant,
      askedAt: instant,
      owner: fc.constantFrom('reader', 'other', 'unknown'),
    });
    fc.assert(
      fc.property(facts, (one) => {
        const advice = adviseOnAsking(one, NOW);
        expect(adviseOnAsking({ ...one }, NOW)).toEqual(advice);
        expect(new Set(advice.inputs.map(({ key }) => key)).size).toBe(10);
        expect(advice.points).toBe(advice.inputs.reduce((sum, { points }) => sum + points, 0));
        const stops = advice.inputs.filter(({ speaks }) => speaks === 'stops');
        // Nobody is asked whom something stops, and whoever is not asked is told why or when.
        expect(advice.verdict === 'now' && stops.length > 0).toBe(false);
        const named = stops.filter(({ why }) => why !== null && askSentence('Ada', advice).includes(why));
        expect(named).toHaveLength(Math.min(2, stops.length));
        expect(askSentence('Ada', advice)).not.toMatch(/undefined|null|: \.|, \./);
        if (advice.from !== null) expect(advice.from).toBeGreaterThan(NOW);
      }),
    );
  });

  test('the list has the best first, in an order that never changes', () => {
    const one = (id: string, more: Partial<AskFacts> = {}) => ({
      id,
      facts: { ...HAPPY, ...more },
      advice: advise(more),
    });
    const list = [
      one('2'),
      one('1'),
      one('3', { wonReferrals: 1 }),
      one('4', { boughtAt: daysAgo(11) }),
      one('5', { boughtAt: daysAgo(100) }),
    ];
    const expected = ['3', '4', '1', '2', '5'];
    for (const order of [list, list.toReversed()])
      expect(order.toSorted(byAdvice).map(({ id }) => id)).toEqual(expected);
  });
});

describe('when a deal came to the stage in which it is', () => {
  const mapping: StageMapping = {
    version: 'm',
    entries: (['opportunity', 'won', 'lost'] as const).map((stage) => ({
      pipelineId: 'p',
      stageId: stage,
      pipelineLabel: 'P',
      stageLabel: stage,
      stage,
    })),
  };
  const deal = (...stages: readonly [at: number, stageId: string][]): DealFacts => ({
    ref: { connectionId: 'c', object: 'deal', id: '1' },
    presence: 'present',
    name: null,
    history: stages.map(([at, stageId]) => ({ at, stageId, pipelineId: 'p', amount: null, currency: null })),
    contactIds: [],
    formerIds: [],
  });
  const wonAt = (...deals: DealFacts[]) => lastCameTo('won', deals, () => mapping);

  test('is the last time it came there, not the first and not a later change of something else', () => {
    expect(wonAt(deal([1, 'opportunity'], [2, 'won']))).toBe(2);
    expect(wonAt(deal([1, 'won'], [2, 'lost'], [3, 'won'], [4, 'won']))).toBe(3);
    expect(wonAt(deal([1, 'won']), deal([5, 'won']))).toBe(5);
  });

  test('is nothing for one that has left it, is gone, or was never there', () => {
    expect(wonAt(deal([1, 'won'], [2, 'opportunity']))).toBeNull();
    expect(wonAt({ ...deal([1, 'won']), presence: 'deleted' })).toBeNull();
    expect(wonAt(deal([1, 'unheard of']), deal())).toBeNull();
  });
});
