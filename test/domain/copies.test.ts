import { describe, expect, test } from 'vitest';
import type { ConnectionsPolicy } from '../../src/domain/connections-policy.ts';
import { concernedElsewhere, copyReason, dealsElsewhere, rewardedReason, twinOf } from '../../src/domain/copies.ts';
import type { Decision, Reward } from '../../src/domain/decision.ts';
import type { DealElsewhere, Elsewhere, IdentityEdge } from '../../src/domain/identity.ts';
import { mapCatalog } from '../../src/domain/mapping.ts';
import { createDraft, type State, stateWith } from '../../src/domain/plan.ts';
import { reason } from '../../src/domain/reason.ts';
import type { DealFacts } from '../../src/domain/record.ts';
import { dealsAt } from '../../src/domain/timeline.ts';
import { decisionOf, rewardOf } from './granted.ts';
import { KEYED, ORG, orgDeal, PORTAL } from './two-worlds.ts';
import { CATALOG, DAY, dealOf, OPEN_REFERRAL, pointOf, T0 } from './world.ts';

const MAPPING = { version: 'map_1', entries: mapCatalog(CATALOG, []) };
const WON = { stageId: '4711' };
const keyed = (source: string | null) => ({ properties: { source } });

/** The keys the other way round: the ids of the portal's deals are what the org's sources bear. */
const BY_OWN_ID: ConnectionsPolicy = {
  ...KEYED,
  deals: { decidedIn: ORG, keys: { [PORTAL]: 'id', [ORG]: 'source' } },
};
const OF_ITS_ID: IdentityEdge = {
  record: { connectionId: ORG, object: 'contact', id: '90' },
  subject: OPEN_REFERRAL.id,
  sequence: 1,
  evidence: 'email',
  since: T0,
  until: null,
};

interface Known extends Partial<Omit<Elsewhere, 'policy'>> {
  readonly policy?: ConnectionsPolicy | null;
  readonly decisions?: readonly Decision[];
  readonly rewards?: readonly Reward[];
  readonly choices?: State['choices'];
}

/** The account as it is seen from one connection; the friend is contact 2 of the portal and contact 90 of the org. */
function stateOf({ policy = KEYED, decisions = [], rewards = [], choices, ...elsewhere }: Known = {}): State {
  return stateWith('acc_1', {
    mapping: MAPPING,
    referrals: [OPEN_REFERRAL],
    decisions,
    rewards,
    choices,
    elsewhere: {
      policy:
        policy === null ? null : { version: 4, policy, contentHash: 'h', publishedAt: T0, publishedBy: 'an admin' },
      mappings: new Map([[ORG, MAPPING]]),
      names: new Map([
        [PORTAL, 'the portal'],
        [ORG, 'the org'],
      ]),
      edges: [OF_ITS_ID],
      contacts: [],
      deals: [],
      ...elsewhere,
    },
  });
}

const known = (facts: DealFacts, sharedKey: string | null = null): DealElsewhere => ({ facts, sharedKey });
const idsOf = (deals: ReadonlyArray<{ readonly ref: { readonly connectionId: string; readonly id: string } }>) =>
  deals.map(({ ref }) => `${ref.connectionId}/${ref.id}`);

describe('a deal is not decided on here', () => {
  const copy = dealOf('100', ['2'], [pointOf(T0, keyed('7'))]);
  const emptied = dealOf('100', ['2'], [pointOf(T0, keyed(null))]);
  const ELSEWHERE = reason('decided_elsewhere', { crm: 'the org', key: '7', policy: '4' });
  const said = (more: Partial<Decision> = {}) => decisionOf({ outcome: 'skipped', reason: ELSEWHERE, ...more });
  const why = (state: State, deal: DealFacts, own: readonly DealFacts[] = [deal]) =>
    copyReason(createDraft(state), state, OPEN_REFERRAL.id, deal, own);

  test.each<[string, State, DealFacts, ReturnType<typeof why>]>([
    ['when it bears the key, though its source was not seen yet', stateOf(), copy, ELSEWHERE],
    [
      'and a CRM that nobody has named is told by its id',
      stateOf({ names: new Map() }),
      copy,
      reason('decided_elsewhere', { crm: ORG, key: '7', policy: '4' }),
    ],
    ['unless the account has one connection', stateWith('acc_1', {}), copy, undefined],
    ['unless no policy was published', stateOf({ policy: null }), copy, undefined],
    ['unless the policy says nothing of deals', stateOf({ policy: { ...KEYED, deals: null } }), copy, undefined],
    [
      'unless this is the CRM that decides',
      stateOf({ policy: { ...KEYED, deals: { decidedIn: PORTAL, keys: KEYED.deals?.keys ?? {} } } }),
      copy,
      undefined,
    ],
    ['unless it bears no key and never did', stateOf(), emptied, undefined],
    ['when its key was emptied after it was seen to be a copy', stateOf({ decisions: [said()] }), emptied, ELSEWHERE],
    [
      'when that was seen under an id that was merged into it',
      stateOf({ decisions: [said({ deal: { ...copy.ref, id: '99' } })] }),
      { ...emptied, formerIds: ['99'] },
      ELSEWHERE,
    ],
    [
      'also when the referral was given to another member since',
      stateOf({ decisions: [said(), said({ sequence: 2, reason: reason('re_attributed') })] }),
      emptied,
      ELSEWHERE,
    ],
    [
      'unless that was under another version of the policy',
      stateOf({ decisions: [said({ reason: { ...ELSEWHERE, values: { ...ELSEWHERE.values, policy: '3' } } })] }),
      emptied,
      undefined,
    ],
    [
      'unless it was decided on since',
      stateOf({ decisions: [said(), said({ sequence: 2, reason: reason('rewarded') })] }),
      emptied,
      undefined,
    ],
    [
      'unless that was decided for another reason that names the policy as well',
      stateOf({ decisions: [said({ reason: reason('rewarded_elsewhere', { policy: '4' }) })] }),
      emptied,
      undefined,
    ],
    [
      'unless that was another deal',
      stateOf({ decisions: [said({ deal: { ...copy.ref, id: '101' } })] }),
      emptied,
      undefined,
    ],
    [
      'unless that was the deal of this id in the other CRM',
      stateOf({ decisions: [said({ deal: { ...copy.ref, connectionId: ORG } })] }),
      emptied,
      undefined,
    ],
    [
      'unless that was said to another referral',
      stateOf({ decisions: [said({ referralId: 'ref_2' })] }),
      emptied,
      undefined,
    ],
  ])('%s', (_, state, deal, expected) => {
    expect(why(state, deal)).toEqual(expected);
  });

  test.each<[string, readonly DealElsewhere[], boolean]>([
    ['a source in the CRM that decides names it', [known(orgDeal('7', [], []), '100')], true],
    ['the source names another', [known(orgDeal('7', [], []), '101')], false],
    [
      'a third CRM names it, which does not decide',
      [known({ ...orgDeal('7', [], []), ref: { connectionId: 'con_3', object: 'deal', id: '7' } }, '100')],
      false,
    ],
    ['nothing is known of the other CRM', [], false],
  ])('where its own id is the key: %s', (_, deals, isCopy) => {
    const policy = { ...BY_OWN_ID, deals: { decidedIn: ORG, keys: { ...BY_OWN_ID.deals?.keys, con_3: 'source' } } };
    expect(why(stateOf({ policy, deals }), emptied)?.values.key).toBe(isCopy ? '100' : undefined);
  });
});

describe('a rule pays nothing here', () => {
  const here = dealOf('100', ['2'], [pointOf(T0, keyed('7'))]);
  const there = orgDeal('7', ['90'], [pointOf(T0)], { formerIds: ['6'] });
  const PAID_THERE = reason('rewarded_elsewhere', { crm: 'the org', there: '7' });
  const paid = (more: Partial<Reward> = {}) => rewardOf({ deal: there.ref, ...more });
  const ended = (code: Decision['reason']['code'], more: Partial<Decision> = {}) =>
    decisionOf({ deal: there.ref, outcome: 'reversed', reason: reason(code), ...more });
  const why = (state: State, deal: DealFacts = here, rule = 'member-won') =>
    rewardedReason(createDraft(state), state, OPEN_REFERRAL.id, deal, rule);
  const deals = [known(orgDeal('8', ['90'], []), '8'), known(there, '7')];

  test.each<[string, Known, ReturnType<typeof why>]>([
    ['when it has paid for the same deal there', { rewards: [paid()] }, PAID_THERE],
    [
      'and a CRM that nobody has named is told by its id',
      { rewards: [paid()], names: new Map() },
      reason('rewarded_elsewhere', { crm: ORG, there: '7' }),
    ],
    [
      'when it has paid under an id that was merged',
      { rewards: [paid({ deal: { ...there.ref, id: '6' } })] },
      PAID_THERE,
    ],
    ['unless another rule has paid', { rewards: [paid({ ruleKey: 'friend-won' })] }, undefined],
    ['unless the reward has ended', { rewards: [paid({ state: 'voided' })] }, undefined],
    ['unless it is to end with the provider’s answer', { rewards: [paid({ reversalPending: true })] }, undefined],
    ['unless it has paid for another deal there', { rewards: [paid({ deal: { ...there.ref, id: '8' } })] }, undefined],
    [
      'unless it has paid for the deal of that id here',
      { rewards: [paid({ deal: { ...here.ref, id: '7' } })] },
      undefined,
    ],
    ['when a person said no there', { decisions: [ended('review_rejected')] }, PAID_THERE],
    ['when a person took it back there', { decisions: [ended('taken_back_by_person')] }, PAID_THERE],
    ['when it was given there and not used', { decisions: [ended('expired_unused')] }, PAID_THERE],
    [
      'unless the person’s no was to another member, whose the referral was',
      { decisions: [ended('re_attributed', { sequence: 2 }), ended('review_rejected')] },
      undefined,
    ],
    [
      'when the person said no after that',
      { decisions: [ended('review_rejected', { sequence: 3 }), ended('re_attributed', { sequence: 2 })] },
      PAID_THERE,
    ],
    [
      'when the person said no last, of a deal that two others became',
      {
        decisions: [
          ended('review_rejected', { recordedAt: T0 + 9 }),
          ended('re_attributed', { sequence: 2, deal: { ...there.ref, id: '6' } }),
        ],
      },
      PAID_THERE,
    ],
    [
      'when it was given there and not used, whoever the member was',
      { decisions: [ended('expired_unused'), ended('re_attributed', { sequence: 2 })] },
      PAID_THERE,
    ],
    ['unless it was taken back there with the deal', { decisions: [ended('left_won')] }, undefined],
    ['unless a person said no to another rule', { decisions: [ended('review_rejected', { ruleKey: 'x' })] }, undefined],
    [
      'unless a person said no to another deal',
      { decisions: [ended('review_rejected', { deal: here.ref })] },
      undefined,
    ],
    [
      'unless a person said no to another referral',
      { decisions: [ended('review_rejected', { referralId: 'ref_2' })] },
      undefined,
    ],
    ['unless no policy says which deals are one', { policy: null, rewards: [paid()] }, undefined],
  ])('%s', (_, more, expected) => {
    expect(why(stateOf({ deals, ...more }))).toEqual(expected);
  });

  test('unless the deal bears no key, or the account has one connection', () => {
    const keyless = dealOf('100', ['2'], [pointOf(T0, keyed(null))]);
    expect(why(stateOf({ deals: [known(there)], rewards: [paid()] }), keyless)).toBeUndefined();
    expect(why(stateWith('acc_1', { rewards: [paid()] }))).toBeUndefined();
  });
});

describe('the friend’s deals in the other CRM', () => {
  const there = orgDeal('7', ['90'], [pointOf(T0)]);
  const own: readonly DealFacts[] = [];
  const seen = (more: Known, now = T0 + DAY) => {
    const state = stateOf(more);
    return dealsElsewhere(createDraft(state), state, OPEN_REFERRAL, own, now).map(
      ({ deal, stage }) => `${deal.ref.id} ${stage}`,
    );
  };
  const onIt = (more: Partial<Decision> = {}) => decisionOf({ deal: there.ref, ...more });
  const NOBODYS = { ...there, contactIds: [] };

  test.each<[string, Known, string[]]>([
    ['are those of the contact that the friend is there', { deals: [known(there)] }, ['7 opportunity']],
    [
      'each of them',
      { deals: [known(there), known(orgDeal('8', ['90'], [pointOf(T0, WON)]))] },
      ['7 opportunity', '8 won'],
    ],
    [
      'also one that bears the key, since it stands where deals are decided',
      { deals: [known(there, '7')] },
      ['7 opportunity'],
    ],
    ['once, also one that was decided on', { deals: [known(there)], decisions: [onIt()] }, ['7 opportunity']],
    ['not those of another contact', { deals: [known(orgDeal('7', ['91'], [pointOf(T0)]))] }, []],
    ['not those of a contact of that id in another CRM', { deals: [known(dealOf('7', ['90'], [pointOf(T0)]))] }, []],
    [
      'not where the friend is nobody there any more',
      { deals: [known(there)], edges: [{ ...OF_ITS_ID, until: T0 }] },
      [],
    ],
    [
      'one that was decided on, whoever’s it is now',
      { deals: [known(NOBODYS)], decisions: [onIt()] },
      ['7 opportunity'],
    ],
    [
      'one that was decided on under an id that was merged',
      { deals: [known({ ...NOBODYS, formerIds: ['6'] })], decisions: [onIt({ deal: { ...there.ref, id: '6' } })] },
      ['7 opportunity'],
    ],
    [
      'not one that has left the friend',
      { deals: [known(NOBODYS)], decisions: [onIt(), onIt({ sequence: 2, reason: reason('deal_detached') })] },
      [],
    ],
    [
      'nor when the referral was given to another member after that',
      {
        deals: [known(NOBODYS)],
        decisions: [
          onIt(),
          onIt({ sequence: 2, reason: reason('deal_detached') }),
          onIt({ sequence: 3, reason: reason('re_attributed') }),
        ],
      },
      [],
    ],
    [
      'not one whose id was decided on here',
      { deals: [known(NOBODYS)], decisions: [onIt({ deal: { ...there.ref, connectionId: PORTAL } })] },
      [],
    ],
    ['not one that is deleted', { deals: [known({ ...there, presence: 'deleted' })] }, []],
    [
      'not one of a CRM whose stages nobody has mapped',
      { deals: [known(NOBODYS)], decisions: [onIt()], mappings: new Map() },
      [],
    ],
    [
      'not where the program did not apply there',
      { deals: [known(there)], choices: [{ connectionId: ORG, at: T0, programIds: ['other'] }] },
      [],
    ],
  ])('%s', (_, more, expected) => {
    expect(seen(more)).toEqual(expected);
  });

  test('count as they were last read there, though that CRM’s clock is ahead', () => {
    const ahead = orgDeal('7', ['90'], [pointOf(T0), pointOf(T0 + 3 * DAY, WON)]);
    expect(seen({ deals: [known(ahead)] })).toEqual(['7 won']);
    expect(seen({ deals: [known(orgDeal('7', ['90'], []))] })).toEqual([]);
  });

  test('are none where the account has one connection', () => {
    const state = stateWith('acc_1', { referrals: [OPEN_REFERRAL] });
    expect(dealsElsewhere(createDraft(state), state, OPEN_REFERRAL, own, T0)).toEqual([]);
    expect(concernedElsewhere(createDraft(state), state, OPEN_REFERRAL, [])).toEqual([]);
  });
});

describe('a copy in the other CRM, seen from the one that decides', () => {
  const MEMBER = { ...OPEN_REFERRAL, friend: { ...OPEN_REFERRAL.friend, contact: OF_ITS_ID.record } };
  const inPortal: IdentityEdge = { ...OF_ITS_ID, record: { connectionId: PORTAL, object: 'contact', id: '2' } };
  const copy = (key: string | null) => dealOf('100', ['2'], [pointOf(T0, keyed(key))]);
  const seen = (more: Known, own: readonly DealFacts[]) => {
    const state = stateOf({ edges: [inPortal], mappings: new Map([[PORTAL, MAPPING]]), ...more });
    return idsOf(dealsElsewhere(createDraft(state), state, MEMBER, own, T0 + DAY).map(({ deal }) => deal));
  };
  const source = (key: string) => orgDeal('7', ['90'], [pointOf(T0, keyed(key))]);

  test.each<[string, Known, readonly DealFacts[], string[]]>([
    ['is no deal of its own', { deals: [known(copy('7'), '7')] }, [], []],
    ['is one where it bears no key', { deals: [known(copy(null))] }, [], [`${PORTAL}/100`]],
    ['is one where no policy says otherwise', { policy: null, deals: [known(copy('7'), '7')] }, [], [`${PORTAL}/100`]],
    [
      'is none though its key was emptied, where it was known as one',
      {
        deals: [known(copy(null))],
        decisions: [decisionOf({ reason: reason('decided_elsewhere', { crm: '', key: '7', policy: '4' }) })],
      },
      [],
      [],
    ],
    [
      'that bears a key is judged by it and not by what was said of it before',
      {
        policy: BY_OWN_ID,
        deals: [known(copy(null), '100')],
        decisions: [decisionOf({ reason: reason('decided_elsewhere', { crm: '', key: '7', policy: '4' }) })],
      },
      [],
      [`${PORTAL}/100`],
    ],
    [
      'by its own id is one where a deal of this CRM names it',
      { policy: BY_OWN_ID, deals: [known(copy(null), '100')] },
      [source('99'), source('100')],
      [],
    ],
    [
      'by its own id is none where those name others',
      { policy: BY_OWN_ID, deals: [known(copy(null), '100')] },
      [source('99')],
      [`${PORTAL}/100`],
    ],
    [
      'by its own id is none where it is named by a CRM that does not decide',
      { policy: BY_OWN_ID, deals: [known(copy(null), '100')] },
      [dealOf('100', [], [pointOf(T0)])],
      [`${PORTAL}/100`],
    ],
  ])('%s', (_, more, own, expected) => {
    expect(seen(more, own)).toEqual(expected);
  });
});

describe('what is decided here may bear on', () => {
  const theirs = known(orgDeal('7', ['90'], [pointOf(T0)]), '7');
  const keyOnly = known(orgDeal('8', [], [pointOf(T0)]), '8');
  const keyless = known(orgDeal('9', [], [pointOf(T0)]));
  const deals = [theirs, keyOnly, keyless];
  const own = (key: string | null) => dealOf('100', ['2'], [pointOf(T0, keyed(key))]);

  test.each<[string, Known, readonly DealFacts[], string[]]>([
    ['the friend’s deals there', {}, [], [`${ORG}/7`]],
    ['those that bear the key of one of these', {}, [own('8')], [`${ORG}/7`, `${ORG}/8`]],
    ['each of them once', {}, [own('7'), own('8')], [`${ORG}/7`, `${ORG}/8`]],
    ['none by a key that nobody there bears', {}, [own('5')], [`${ORG}/7`]],
    ['none by a key that is empty', {}, [own(null)], [`${ORG}/7`]],
    ['none by a key without a policy', { policy: null }, [own('8')], [`${ORG}/7`]],
    [
      'copies of this one as well',
      { policy: { ...KEYED, deals: { decidedIn: PORTAL, keys: KEYED.deals?.keys ?? {} } } },
      [own('8')],
      [`${ORG}/7`, `${ORG}/8`],
    ],
  ])('%s', (_, more, mine, expected) => {
    const state = stateOf({ deals, ...more });
    expect(idsOf(concernedElsewhere(createDraft(state), state, OPEN_REFERRAL, mine))).toEqual(expected);
  });
});

describe('a deal that looks like one the rule has paid for in the other CRM', () => {
  const there = (more: Parameters<typeof pointOf>[1] = {}, at = T0) =>
    orgDeal('7', ['90'], [pointOf(at, { ...WON, ...more })], { formerIds: ['6'] });
  const paid = (more: Partial<Reward> = {}) => rewardOf({ deal: there().ref, ...more });
  const TWIN = { crm: 'the org', dealId: '7', amount: '1000.00 EUR' };
  const twin = (
    more: Known,
    { wonAt = T0, point = {} }: { wonAt?: number; point?: Parameters<typeof pointOf>[1] } = {},
  ) => {
    const deal = dealOf('100', ['2'], [pointOf(wonAt, { ...WON, ...point })]);
    const [dealAt] = dealsAt([deal], MAPPING, wonAt);
    if (!dealAt) throw new Error('no deal');
    const state = stateOf({ policy: null, deals: [known(there())], rewards: [paid()], ...more });
    return twinOf(createDraft(state), state, OPEN_REFERRAL, dealAt, 'member-won', [deal], wonAt);
  };
  const days = (twinDays: number): ConnectionsPolicy => ({ deals: null, contacts: null, twinDays });

  test.each<[string, Parameters<typeof twin>, ReturnType<typeof twin>]>([
    ['is told with its CRM, its id and the amount', [{}], TWIN],
    ['in a CRM that nobody has named by its id', [{ names: new Map() }], { ...TWIN, crm: ORG }],
    ['by the same amount in another spelling', [{}, { point: { amount: '1000', currency: ' eur ' } }], TWIN],
    ['not by another amount', [{}, { point: { amount: '1000.01' } }], undefined],
    ['not by another currency', [{}, { point: { currency: 'USD' } }], undefined],
    ['not where this one’s amount cannot be read', [{}, { point: { amount: 'many' } }], undefined],
    ['not where that one’s amount cannot be read', [{ deals: [known(there({ amount: 'many' }))] }], undefined],
    ['not while this one is open', [{}, { point: { stageId: 'open' } }], undefined],
    ['not while that one is open', [{ deals: [known(there({ stageId: 'open' }))] }], undefined],
    ['within seven days where no policy says how many', [{}, { wonAt: T0 + 7 * DAY }], TWIN],
    ['and seven days before', [{}, { wonAt: T0 - 7 * DAY }], TWIN],
    ['not a moment later', [{}, { wonAt: T0 + 7 * DAY + 1 }], undefined],
    ['not a moment sooner', [{}, { wonAt: T0 - 7 * DAY - 1 }], undefined],
    ['within as many days as the policy says', [{ policy: days(30) }, { wonAt: T0 + 30 * DAY }], TWIN],
    ['not after those', [{ policy: days(2) }, { wonAt: T0 + 3 * DAY }], undefined],
    ['not one that nothing was paid for', [{ rewards: [] }], undefined],
    ['not one that another rule has paid for', [{ rewards: [paid({ ruleKey: 'friend-won' })] }], undefined],
    ['not one that was paid for to another referral', [{ rewards: [paid({ referralId: 'ref_2' })] }], undefined],
    ['not one whose reward was taken back', [{ rewards: [paid({ state: 'clawed_back' })] }], undefined],
    [
      'not by a reward for the deal of that id here',
      [{ rewards: [paid({ deal: { ...there().ref, connectionId: PORTAL } })] }],
      undefined,
    ],
    ['not by a reward for another deal there', [{ rewards: [paid({ deal: { ...there().ref, id: '8' } })] }], undefined],
    [
      'also where it was paid for under an id that was merged',
      [{ rewards: [paid({ deal: { ...there().ref, id: '6' } })] }],
      TWIN,
    ],
    ['also where one of several rewards is for it', [{ rewards: [rewardOf({ id: 'rwd_0' }), paid()] }], TWIN],
    [
      'also where another of the deals there is not',
      [{ deals: [known(orgDeal('5', ['90'], [pointOf(T0)])), known(there())] }],
      TWIN,
    ],
    [
      'not where both bear keys, which tell them apart',
      [
        { policy: { ...KEYED, deals: { decidedIn: PORTAL, keys: { [PORTAL]: 'source', [ORG]: 'id' } } } },
        { point: keyed('8') },
      ],
      undefined,
    ],
    [
      'also where that one alone bears one',
      [
        { policy: { ...KEYED, deals: { decidedIn: PORTAL, keys: { [PORTAL]: 'source', [ORG]: 'id' } } } },
        { point: keyed(null) },
      ],
      TWIN,
    ],
    [
      'also where this one alone bears one',
      [{ policy: { ...KEYED, deals: { decidedIn: PORTAL, keys: { [PORTAL]: 'id' } } } }],
      TWIN,
    ],
  ])('%s', (_, [more, what], expected) => {
    expect(twin(more, what)).toEqual(expected);
  });

  test('is none where the account has one connection', () => {
    const deal = dealOf('100', ['2'], [pointOf(T0, WON)]);
    const [dealAt] = dealsAt([deal], MAPPING, T0);
    if (!dealAt) throw new Error('no deal');
    const state = stateWith('acc_1', { referrals: [OPEN_REFERRAL], rewards: [paid()] });
    expect(twinOf(createDraft(state), state, OPEN_REFERRAL, dealAt, 'member-won', [deal], T0)).toBeUndefined();
  });
});
