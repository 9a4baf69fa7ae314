import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normaliseKey, sharedKeyOf } from '../../src/domain/connections-policy.ts';
import { takeBackByPerson } from '../../src/domain/desk-word.ts';
import { tellDecision } from '../../src/domain/explain.ts';
import { createIdentityBook } from '../../src/domain/identity.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { moveReferral } from '../../src/domain/re-attribute.ts';
import type { DealPoint } from '../../src/domain/record.ts';
import { createTwoWorlds, KEYED, ORG, orgContact, orgDeal, PORTAL } from './two-worlds.ts';
import { contactOf, DAY, dealOf, MEMBER_RULE, MINUTE, pointOf, T0 } from './world.ts';

const EVERY: RewardRule = { ...MEMBER_RULE, deals: { kind: 'every' } };
const WON = { stageId: '4711' };

/** A member (10) and a friend (20) in the portal; the friend in the org too (90), by the address of the one in the portal. */
function start(rules: readonly RewardRule[] = [EVERY], policy: Parameters<typeof createTwoWorlds>[1] = KEYED) {
  const two = createTwoWorlds(rules, policy);
  two.put(contactOf('10'));
  two.put(contactOf('20', { referredByIds: ['10'], email: 'friend@example.com' }));
  two.put(orgContact('90', { email: ' Friend@Example.com' }));
  two.process(PORTAL, T0 + MINUTE);
  two.process(ORG, T0 + MINUTE);
  return two;
}

describe('who is who', () => {
  test('a contact with the same address is the same friend, and opens no second referral', () => {
    const two = start();
    expect(two.world.state.referrals).toHaveLength(1);
    expect(two.edges()).toMatchObject([{ record: { connectionId: ORG, id: '90' }, evidence: 'email', until: null }]);
  });

  test('an address that changes ends the tie from then on; the same again ties them anew', () => {
    const two = start();
    two.put(orgContact('90', { email: 'other@example.com' }));
    two.process(ORG, T0 + DAY);
    expect(two.edges()).toMatchObject([{ sequence: 1, since: T0 + MINUTE, until: T0 + DAY }]);
    two.put(orgContact('90', { email: 'friend@example.com' }));
    two.process(ORG, T0 + 2 * DAY);
    expect(two.edges()).toMatchObject([{ sequence: 1 }, { sequence: 2, since: T0 + 2 * DAY, until: null }]);
  });

  test('a contact that is found to be a member, and one that is none any more, shows it though nothing is decided', () => {
    const two = start();
    const record = { connectionId: ORG, object: 'contact', id: '91' };
    two.put(orgContact('91', { email: 'c10@example.com' }));
    expect(two.process(ORG, T0 + DAY)).toMatchObject({ decisions: [], mirror: [record] });
    expect(two.process(ORG, T0 + 2 * DAY).mirror).toEqual([]);
    two.put(orgContact('91', { email: 'other@example.com' }));
    expect(two.process(ORG, T0 + 3 * DAY)).toMatchObject({ decisions: [], mirror: [record] });
  });

  test('how far a referral is stands on its deals in every connection, also where nothing is decided', () => {
    const two = start();
    two.put(dealOf('300', ['20'], [pointOf(T0 + 5 * MINUTE)]));
    two.process(PORTAL, T0 + DAY);
    two.put(orgDeal('500', ['90'], [pointOf(T0 + 2 * DAY, WON)]));
    const { mirror } = two.process(ORG, T0 + 3 * DAY);
    expect(mirror).toContainEqual({ connectionId: PORTAL, object: 'deal', id: '300' });
  });

  test('an address that changes at home looks at everybody who was tied by it', () => {
    const two = start();
    two.put(contactOf('20', { referredByIds: ['10'], email: 'new@example.com' }));
    const { wakes } = two.process(PORTAL, T0 + DAY);
    expect(wakes).toContainEqual({ record: { connectionId: ORG, object: 'contact', id: '90' }, at: T0 + DAY });
  });

  test('a merge takes the tie along, whatever the survivor’s address is', () => {
    const two = start();
    two.put(orgContact('91', { email: 'other@example.com', formerIds: ['90'] }));
    two.drop(orgContact('90'));
    two.process(ORG, T0 + DAY);
    const now = two.edges().filter(({ until }) => until === null);
    expect(now).toMatchObject([{ record: { id: '91' }, evidence: 'merged' }]);
  });

  test('of one who was entered twice in the other CRM, the deal of the one contact is not taken back by a look at the other', () => {
    const two = start();
    two.put(orgContact('91', { email: 'friend@example.com' }));
    two.put(orgDeal('500', ['90'], [pointOf(T0 + 2 * MINUTE, WON)]));
    two.settle(T0 + DAY);
    expect(two.world.state.decisions.map(({ outcome }) => outcome)).toEqual(['rewarded']);
    two.put(orgDeal('501', ['91'], [pointOf(T0 + 2 * DAY, WON)]));
    two.settle(T0 + 3 * DAY);
    expect(two.world.state.decisions.map(({ deal, outcome }) => `${deal.id} ${outcome}`)).toEqual([
      '500 rewarded',
      '501 rewarded',
    ]);
  });

  test('a contact that is deleted is nobody’s any more', () => {
    const two = start();
    two.put(orgContact('90', { presence: 'deleted', email: null }));
    two.process(ORG, T0 + DAY);
    expect(two.edges()).toMatchObject([{ until: T0 + DAY }]);
  });

  const phone = (number: string) => ({ email: null, traits: { phones: [number] } });
  test.each<[string, string | null, string[], boolean]>([
    ['one number with its country, and no address', null, ['+4930123'], true],
    ['one number without its country', null, ['local:123'], false],
    ['one number and two addresses', 'other@example.com', ['+4930123'], false],
  ])('by telephone: %s', (_, email, phones, isOne) => {
    const two = createTwoWorlds([EVERY]);
    two.put(contactOf('10'));
    two.put(contactOf('20', { referredByIds: ['10'], traits: { phones } }));
    two.put(orgContact('90', { ...phone(phones[0] ?? ''), email }));
    two.process(PORTAL, T0);
    two.process(ORG, T0);
    expect(two.edges().map(({ evidence }) => evidence)).toEqual(isOne ? ['phone'] : []);
  });

  test('not by a number that several contacts have', () => {
    const two = createTwoWorlds([EVERY]);
    two.put(contactOf('10'));
    for (const id of ['20', '21']) two.put(contactOf(id, { referredByIds: ['10'], traits: { phones: ['+4930123'] } }));
    two.put(orgContact('90', phone('+4930123')));
    two.process(PORTAL, T0);
    two.process(ORG, T0);
    expect(two.edges()).toEqual([]);
  });

  test('by the key of the sync tool, which also tells apart who shares an address', () => {
    const policy = { ...KEYED, contacts: { decidedIn: ORG, keys: { [PORTAL]: 'source', [ORG]: 'id' } } };
    const two = createTwoWorlds([EVERY], policy);
    two.put(contactOf('10'));
    two.put(orgContact('90', { usedCode: 'x', email: 'home@example.com' }));
    const friend = { referredByIds: ['10'], email: 'home@example.com' };
    two.put(contactOf('20', { ...friend, properties: { source: '90' } }));
    two.process(ORG, T0);
    two.process(PORTAL, T0);
    // A copy opens no referral by itself.
    expect(two.world.state.referrals).toEqual([]);
    two.put(contactOf('20', { ...friend, properties: { source: null } }));
    two.process(PORTAL, T0 + 1);
    expect(two.world.state.referrals).toHaveLength(1);
    two.put(contactOf('20', { ...friend, properties: { source: '91' } }));
    two.process(PORTAL, T0 + 2);
    two.process(ORG, T0 + 2);
    expect(two.edges().filter(({ until }) => until === null)).toEqual([]);
  });

  test('of two members who turn out to be one, the one who has stood longer goes on, and the other keeps what they have', () => {
    const two = createTwoWorlds([EVERY]);
    two.put(contactOf('10', { email: 'one@example.com' }));
    two.put(contactOf('20', { referredByIds: ['10'] }));
    two.process(PORTAL, T0);
    two.put(orgContact('80', { email: 'two@example.com' }));
    two.put(orgContact('90', { referredByIds: ['80'] }));
    two.process(ORG, T0 + 1);
    expect(two.world.state.members).toHaveLength(2);
    two.put(orgContact('80', { email: 'one@example.com' }));
    two.put(orgContact('91', { referredByIds: ['80'] }));
    two.process(ORG, T0 + 2);
    const [first] = two.world.state.members.toSorted((a, b) => a.createdAt - b.createdAt);
    const memberOf = (id: string) =>
      two.world.state.referrals.find(({ friend }) => friend.contact?.id === id)?.memberId;
    expect(memberOf('91')).toBe(first?.id);
    expect(memberOf('90')).not.toBe(first?.id);
  });

  test('a tie that was made and undone by one plan leaves nothing', () => {
    const book = createIdentityBook();
    const record = { connectionId: ORG, object: 'contact' as const, id: '1' };
    book.tie(record, 'mem_1', 'email', T0);
    for (const edge of book.of({ ref: record, formerIds: [] })) book.end(edge, T0);
    expect(book.changed()).toEqual([]);
  });
});

describe('keys', () => {
  test.each([
    ['0015e00000AbCdE', '0015e00000AbCdEAAV'],
    ['001D000000IqhSL', '001D000000IqhSLIAZ'],
    [' 001D000000IqhSLIAZ ', '001D000000IqhSLIAZ'],
    ['', null],
    ['   ', null],
    [null, null],
    ['a'.repeat(201), null],
    ['ERP-7', 'ERP-7'],
  ])('%j is compared as %j', (raw, key) => {
    expect(normaliseKey(raw)).toBe(key);
  });

  test('are read of the newest point of a deal', () => {
    const points = [pointOf(T0, { properties: { source: 'a' } }), pointOf(T0 + 1, { properties: { source: 'b' } })];
    expect(sharedKeyOf(KEYED, dealOf('1', [], points))).toBe('b');
    expect(sharedKeyOf(KEYED, orgDeal('1', [], points))).toBe('1');
  });
});

describe('one deal in two connections', () => {
  const source = (points: readonly DealPoint[]) => orgDeal('7', ['90'], points);
  const copy = (points: readonly DealPoint[], key: string | null = '7') =>
    dealOf(
      '1',
      ['20'],
      points.map((point) => ({ ...point, properties: { source: key } })),
    );

  test('is decided where it is decided, and told in words to everybody', () => {
    const two = start();
    two.put(source([pointOf(T0 + DAY, WON)]));
    two.put(copy([pointOf(T0 + DAY, WON)]));
    two.process(PORTAL, T0 + DAY);
    two.settle(T0 + DAY);
    expect(two.standing()).toEqual([`${ORG}/7/member-won 10000`]);
    const decision = two.world.state.decisions.find(({ deal }) => deal.connectionId === PORTAL);
    if (!decision) throw new Error('silence');
    for (const audience of ['rep', 'admin', 'finance'] as const)
      expect(tellDecision(decision, audience)).toContain('deals are decided in the org');
    expect(tellDecision(decision, 'rep')).toContain('Look at the deal there');
  });

  test('counts once: one won referral, one deal towards a tier, one use of a limit', () => {
    const limited: RewardRule = {
      ...EVERY,
      limits: [{ per: 'member', across: 'rule', window: 'life', count: 2, money: null }],
    };
    const two = start([limited]);
    for (const id of ['7', '8']) {
      two.put(orgDeal(id, ['90'], [pointOf(T0 + DAY, WON)]));
      two.put(dealOf(`1${id}`, ['20'], [pointOf(T0 + DAY, { ...WON, properties: { source: id } })]));
    }
    two.settle(T0 + DAY);
    expect(two.standing()).toHaveLength(2);
    const tallies = [...two.world.state.tallies.values()].filter(({ key }) => key === 'won');
    expect(tallies.map(({ count }) => count)).toEqual([1]);
  });

  test('whose source is deleted is not taken over by its copy, also when the key is emptied', () => {
    const two = start();
    two.put(source([pointOf(T0 + DAY, WON)]));
    two.put(copy([pointOf(T0 + DAY, WON)]));
    two.settle(T0 + DAY);
    two.put({ ...source([]), presence: 'deleted' });
    two.settle(T0 + 2 * DAY);
    two.put(copy([pointOf(T0 + DAY, WON)], null));
    two.settle(T0 + 3 * DAY);
    expect(two.standing()).toEqual([]);
    expect(two.world.state.referrals[0]?.stage).not.toBe('won');
  });

  test('is not taken over by its copy either when the referral is given to another member', () => {
    const two = start();
    two.put(contactOf('11'));
    two.put(contactOf('21', { referredByIds: ['11'] }));
    two.put(source([pointOf(T0 + DAY, WON)]));
    two.put(copy([pointOf(T0 + DAY, WON)]));
    two.settle(T0 + DAY);
    two.put({ ...source([]), presence: 'deleted' });
    two.settle(T0 + 2 * DAY);
    two.put(copy([pointOf(T0 + DAY, WON)], null));
    two.settle(T0 + 3 * DAY);
    const referral = two.world.state.referrals.find(({ friend }) => friend.contact?.id === '20');
    const member = two.world.state.members.find(({ contact }) => contact?.id === '11');
    if (!referral || !member) throw new Error('nobody to give it to');
    const move = { referralId: referral.id, memberId: member.id, by: 'support', why: 'met first', at: T0 + 4 * DAY };
    two.world.change((draft) => moveReferral(draft, two.world.state, move));
    two.settle(T0 + 5 * DAY);
    expect(two.standing()).toEqual([]);
    expect(two.newest()[`${PORTAL}/1/member-won`]).toBe('skipped decided_elsewhere');
  });

  test('keeps the reward where it stands when another connection decides from now on', () => {
    const two = start();
    two.put(source([pointOf(T0 + DAY, WON)]));
    two.put(copy([pointOf(T0 + DAY, WON)]));
    two.settle(T0 + DAY);
    two.publish({ ...KEYED, deals: { decidedIn: PORTAL, keys: KEYED.deals?.keys ?? {} } });
    two.settle(T0 + 2 * DAY);
    expect(two.standing()).toEqual([`${ORG}/7/member-won 10000`]);
    expect(two.newest()[`${PORTAL}/1/member-won`]).toBe('skipped rewarded_elsewhere');
  });

  test.each<[string, Partial<DealPoint>, number, boolean]>([
    ['the same amount within days', {}, 2, true],
    ['another amount', { amount: '999.00' }, 2, false],
    ['another currency', { currency: 'USD' }, 2, false],
    ['the same amount much later', {}, 30, false],
  ])('without keys, %s: a person is asked %j', (_, more, days, isAsked) => {
    const two = start([EVERY], null);
    two.put(source([pointOf(T0 + DAY, WON)]));
    two.settle(T0 + DAY);
    two.put(dealOf('1', ['20'], [pointOf(T0 + (1 + days) * DAY, { ...WON, ...more })]));
    two.settle(T0 + (1 + days) * DAY);
    const reward = two.world.state.rewards.find(({ deal }) => deal.connectionId === PORTAL);
    expect(reward?.state).toBe(isAsked ? 'in_review' : 'approved');
  });

  test('and another deal with the same id in the other one are two: a look at the one neither releases nor takes back the other’s', () => {
    const two = start([{ ...EVERY, holdDays: 3 }], null);
    two.put(source([pointOf(T0 + DAY, WON)]));
    two.put(dealOf('7', ['20'], [pointOf(T0 + DAY, { ...WON, amount: '500.00' })]));
    two.settle(T0 + DAY);
    two.put(
      dealOf(
        '7',
        ['20'],
        [pointOf(T0 + DAY, { ...WON, amount: '500.00' }), pointOf(T0 + 2 * DAY, { stageId: 'gone' })],
      ),
    );
    two.process(PORTAL, T0 + 5 * DAY);
    const stateOf = (connectionId: string) =>
      two.world.state.rewards.find(({ deal }) => deal.connectionId === connectionId)?.state;
    expect([stateOf(ORG), stateOf(PORTAL)]).toEqual(['held', 'voided']);
    two.process(ORG, T0 + 5 * DAY);
    expect([stateOf(ORG), stateOf(PORTAL)]).toEqual(['approved', 'voided']);
  });

  test('and a person’s word on a reward goes on with the decisions on its own deal, not on the one of that id in the other', () => {
    const two = start([EVERY], null);
    two.put(source([pointOf(T0 + DAY, WON)]));
    const there = [pointOf(T0 + DAY, { ...WON, amount: '500.00' }), pointOf(T0 + 2 * DAY, { stageId: 'gone' })];
    two.put(dealOf('7', ['20'], there));
    two.settle(T0 + 3 * DAY);
    const reward = two.world.state.rewards.find(({ deal }) => deal.connectionId === ORG);
    if (!reward) throw new Error('nothing was granted');
    const word = { by: 'finance', why: 'seen', at: T0 + 4 * DAY };
    const { decisions } = two.world.change((draft) => takeBackByPerson(draft, 'acc_1', reward, word));
    expect(decisions).toMatchObject([{ deal: { connectionId: ORG }, sequence: 2, outcome: 'reversed' }]);
  });

  const events = fc.array(
    fc.record({
      stageId: fc.constantFrom('open', '4711', '4711', 'gone'),
      gapMs: fc.integer({ min: 10 * MINUTE, max: 3 * DAY }),
      amount: fc.constantFrom('1000.00', '250.00'),
      reads: fc.array(fc.constantFrom(PORTAL, ORG), { maxLength: 4 }),
      copyFirst: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  );

  test('in any order of the two connections’ events: the same decisions on the source, the same money, and one payment', () => {
    fc.assert(
      fc.property(events, fc.boolean(), (changes, paysEarly) => {
        const run = (isOrdered: boolean) => {
          const two = start();
          const points: DealPoint[] = [];
          let at = T0 + DAY;
          for (const { stageId, gapMs, amount, reads, copyFirst } of changes) {
            at += gapMs;
            points.push(pointOf(at, { stageId, amount }));
            const show = [() => two.put(source([...points])), () => two.put(copy([...points]))];
            for (const [index, put] of (copyFirst ? show.toReversed() : show).entries()) {
              put();
              if (!isOrdered && reads[index]) two.process(reads[index], at);
            }
            for (const here of isOrdered ? [ORG, PORTAL] : reads) two.process(here, at);
            if (paysEarly) two.world.pay(at);
            const standing = two.standing();
            expect(standing.length).toBeLessThanOrEqual(1);
          }
          two.settle(at + 10 * DAY);
          two.world.pay(at + 10 * DAY);
          two.settle(at + 11 * DAY);
          const own = two.world.story().filter((line) => line.startsWith('7/'));
          return { standing: two.standing(), own, stage: two.world.state.referrals.map(({ stage }) => stage) };
        };
        const [one, other] = [run(true), run(false)];
        expect(other).toEqual(one);
      }),
      { numRuns: 150 },
    );
  });
});
