import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastCameTo } from '../../src/domain/deal-ends.ts';
import type { StageMapping } from '../../src/domain/mapping.ts';
import {
  ASK_AGAIN_DAYS,
  type AskAdvice,
  type AskFacts,
  type AskInput,
  adviseOnAsking,
  askSentence,
  byAdvice,
} from '../../src/domain/next-ask.ts';
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

describe('what each fact says before somebody is asked', () => {
  const at = daysAgo;
  type Said = Partial<AskInput> & Pick<AskInput, 'value' | 'speaks'>;
  const BOUGHT = { boughtAt: at(12) };

  test.each<[AskInput['key'], string, Partial<AskFacts>, Said]>([
    [
      'bought',
      'Last purchase',
      { boughtAt: at(0) },
      { value: 'today', speaks: 'for', at: at(0), points: 40, why: 'they bought today' },
    ],
    [
      'bought',
      'Last purchase',
      { boughtAt: at(30) },
      { value: '30 days ago', speaks: 'for', at: at(30), points: 40, why: 'they bought 30 days ago' },
    ],
    [
      'bought',
      'Last purchase',
      { boughtAt: at(31) },
      { value: '31 days ago', speaks: 'for', at: at(31), points: 25, why: 'they bought 31 days ago' },
    ],
    [
      'bought',
      'Last purchase',
      { boughtAt: at(90) },
      { value: '90 days ago', speaks: 'for', at: at(90), points: 25, why: 'they bought 90 days ago' },
    ],
    [
      'bought',
      'Last purchase',
      { boughtAt: at(91) },
      { value: '91 days ago', speaks: 'for', at: at(91), points: 10, why: 'they bought 91 days ago' },
    ],
    [
      'bought',
      'Last purchase',
      { boughtAt: at(365) },
      { value: '365 days ago', speaks: 'for', at: at(365), points: 10, why: 'they bought 365 days ago' },
    ],
    [
      'bought',
      'Last purchase',
      { boughtAt: at(366) },
      { value: '366 days ago', speaks: 'for', at: at(366), points: 5, why: 'they bought 366 days ago' },
    ],
    [
      'bought',
      'Last purchase',
      { boughtAt: null },
      { value: 'none', speaks: 'stops', why: 'they have not bought anything yet' },
    ],
    ['bought', 'Last purchase', { boughtAt: null, wonReferrals: 1 }, { value: 'none', speaks: 'neither' }],
    ['bought', 'Last purchase', { boughtAt: null, openReferrals: 1 }, { value: 'none', speaks: 'neither' }],
    ['won_referrals', 'Friends who became customers', {}, { value: '0', speaks: 'neither' }],
    [
      'won_referrals',
      'Friends who became customers',
      { wonReferrals: 1 },
      { value: '1', speaks: 'for', points: 15, why: 'a friend of theirs became a customer' },
    ],
    [
      'won_referrals',
      'Friends who became customers',
      { wonReferrals: 3 },
      { value: '3', speaks: 'for', points: 45, why: '3 friends of theirs became customers' },
    ],
    [
      'won_referrals',
      'Friends who became customers',
      { wonReferrals: 9 },
      { value: '9', speaks: 'for', points: 45, why: '9 friends of theirs became customers' },
    ],
    ['paid', 'Last reward paid', {}, { value: 'none', speaks: 'neither' }],
    [
      'paid',
      'Last reward paid',
      { paidAt: at(30) },
      { value: '30 days ago', speaks: 'for', at: at(30), points: 20, why: 'a reward was paid to them 30 days ago' },
    ],
    ['paid', 'Last reward paid', { paidAt: at(31) }, { value: '31 days ago', speaks: 'neither', at: at(31) }],
    ['asked', 'Last asked', {}, { value: 'never', speaks: 'for', points: 10, why: 'they have never been asked' }],
    [
      'asked',
      'Last asked',
      { askedAt: at(1) },
      { value: 'yesterday', speaks: 'stops', at: at(1), why: 'they were asked yesterday' },
    ],
    ['asked', 'Last asked', { askedAt: at(90) }, { value: '90 days ago', speaks: 'neither', at: at(90) }],
    ['lost', 'Last deal lost', {}, { value: 'none', speaks: 'neither' }],
    [
      'lost',
      'Last deal lost',
      { lostAt: at(11) },
      { value: '11 days ago', speaks: 'stops', at: at(11), why: 'a deal with them was lost 11 days ago' },
    ],
    [
      'lost',
      'Last deal lost',
      { lostAt: at(29), boughtAt: null },
      { value: '29 days ago', speaks: 'stops', at: at(29), why: 'a deal with them was lost 29 days ago' },
    ],
    [
      'lost',
      'Last deal lost',
      { lostAt: at(30), boughtAt: null },
      {
        value: '30 days ago',
        speaks: 'against',
        at: at(30),
        points: -15,
        why: 'a deal with them was lost 30 days ago',
      },
    ],
    [
      'lost',
      'Last deal lost',
      { lostAt: at(12) },
      {
        value: '12 days ago',
        speaks: 'against',
        at: at(12),
        points: -15,
        why: 'a deal with them was lost 12 days ago',
      },
    ],
    [
      'lost',
      'Last deal lost',
      { lostAt: at(179) },
      {
        value: '179 days ago',
        speaks: 'against',
        at: at(179),
        points: -15,
        why: 'a deal with them was lost 179 days ago',
      },
    ],
    ['lost', 'Last deal lost', { lostAt: at(180) }, { value: '180 days ago', speaks: 'neither', at: at(180) }],
    ['open_referrals', 'Referrals under way', {}, { value: '0', speaks: 'neither' }],
    [
      'open_referrals',
      'Referrals under way',
      { openReferrals: 1 },
      { value: '1', speaks: 'stops', why: 'a referral of theirs is under way' },
    ],
    [
      'open_referrals',
      'Referrals under way',
      { openReferrals: 2 },
      { value: '2', speaks: 'stops', why: '2 referrals of theirs are under way' },
    ],
    ['disputes', 'Open disputes', {}, { value: '0', speaks: 'neither' }],
    [
      'disputes',
      'Open disputes',
      { openDisputes: 2 },
      { value: '2', speaks: 'stops', why: 'a dispute about a referral of theirs is open' },
    ],
    ['opt_out', 'Unsubscribed from all e-mail', { hasOptedOut: null }, { value: 'not known', speaks: 'neither' }],
    ['opt_out', 'Unsubscribed from all e-mail', {}, { value: 'no', speaks: 'neither' }],
    [
      'opt_out',
      'Unsubscribed from all e-mail',
      { hasOptedOut: true },
      { value: 'yes', speaks: 'stops', why: 'they have unsubscribed from all e-mail' },
    ],
    ['membership', 'Membership', {}, { value: 'member with a share link', speaks: 'neither' }],
    ['membership', 'Membership', { isMember: false }, { value: 'not a member yet', speaks: 'neither' }],
    [
      'membership',
      'Membership',
      { isStaff: true },
      { value: 'your own staff', speaks: 'stops', why: 'they are one of your own people' },
    ],
    ['owner', 'Contact owner', {}, { value: 'you', speaks: 'neither' }],
    ['owner', 'Contact owner', { owner: 'unknown' }, { value: 'nobody, as far as is known', speaks: 'neither' }],
    [
      'owner',
      'Contact owner',
      { owner: 'other' },
      { value: 'somebody else', speaks: 'against', why: 'it is the contact of somebody else' },
    ],
  ])('%s: "%s" of %j', (key, label, more, said) => {
    const input = advise({ ...BOUGHT, ...more }).inputs.find((one) => one.key === key);
    expect(input).toEqual({ key, label, at: null, points: 0, why: null, ...said });
  });

  test.each<[string, Partial<AskFacts>, Omit<AskAdvice, 'inputs'>]>([
    ['twenty points are enough', { boughtAt: at(91) }, { verdict: 'now', points: 20, from: null }],
    ['fewer are not', { boughtAt: at(366) }, { verdict: 'later', points: 15, from: null }],
    [
      'after the last thing that stops it, where all have an end',
      { askedAt: at(1), lostAt: at(2) },
      { verdict: 'later', points: 40, from: addDays(NOW, ASK_AGAIN_DAYS - 1) },
    ],
    ['when a lost deal has rested', { lostAt: at(2) }, { verdict: 'later', points: 50, from: addDays(NOW, 28) }],
    [
      'nobody knows when, where one of them has no end',
      { askedAt: at(1), openReferrals: 1 },
      { verdict: 'later', points: 40, from: null },
    ],
    ['nor where that one comes first', { boughtAt: null, askedAt: at(1) }, { verdict: 'later', points: 0, from: null }],
    ['nor in the other order', { lostAt: at(1), openDisputes: 1 }, { verdict: 'later', points: 50, from: null }],
    [
      'not at all, though something else has an end',
      { askedAt: at(1), isStaff: true },
      { verdict: 'no', points: 40, from: null },
    ],
  ])('%s', (_, more, { verdict, points, from }) => {
    const advice = advise({ ...BOUGHT, ...more });
    expect({ verdict: advice.verdict, points: advice.points, from: advice.from }).toEqual({ verdict, points, from });
  });

  test.each<[string, Partial<AskFacts>]>([
    [
      'Ask Ada now: they bought 12 days ago, a friend of theirs became a customer and they have never been asked, although a deal with them was lost 40 days ago and it is the contact of somebody else.',
      { wonReferrals: 1, lostAt: at(40), owner: 'other' },
    ],
    [
      'Do not ask Ada: they are one of your own people and they have unsubscribed from all e-mail.',
      { isStaff: true, hasOptedOut: true, openDisputes: 1 },
    ],
    [
      'Do not ask Ada: they have unsubscribed from all e-mail and a dispute about a referral of theirs is open.',
      { hasOptedOut: true, openDisputes: 1, openReferrals: 2 },
    ],
    [
      'Not now: a dispute about a referral of theirs is open and a referral of theirs is under way. Tell them how it goes instead.',
      { openDisputes: 1, openReferrals: 1, askedAt: at(3) },
    ],
    [
      'Not now: a referral of theirs is under way and they were asked 3 days ago. Tell them how it goes instead.',
      { openReferrals: 1, askedAt: at(3), lostAt: at(1) },
    ],
    ['Not now: they were asked 3 days ago and a deal with them was lost yesterday.', { askedAt: at(3), lostAt: at(1) }],
    [
      'Not now: a deal with them was lost yesterday and they have not bought anything yet.',
      { lostAt: at(1), boughtAt: null },
    ],
  ])('%s', (sentence, more) => {
    expect(say({ ...BOUGHT, ...more })).toBe(sentence);
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
