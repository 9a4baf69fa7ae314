import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memberIdOf } from '../../src/domain/attribution.ts';
import { caseChanges } from '../../src/domain/case.ts';
import { contactKeys, mailboxOf } from '../../src/domain/contact-keys.ts';
import { allowByPerson, takeBackByPerson } from '../../src/domain/desk-word.ts';
import { tellDecision } from '../../src/domain/explain.ts';
import { createDraft, type Plan } from '../../src/domain/plan.ts';
import type { ContactFacts, ContactTraits, DealFacts, DealPoint } from '../../src/domain/record.ts';
import type { Touch } from '../../src/domain/referral.ts';
import { decideByPerson } from '../../src/domain/review.ts';
import {
  DEFAULT_WEIGHTS,
  paceKey,
  RISK_SIGNALS,
  type RiskKnowledge,
  type RiskPolicy,
  type RiskSignalKind,
  type RiskSignalRule,
} from '../../src/domain/risk.ts';
import {
  CONNECTION,
  contactOf,
  createWorld,
  dealOf,
  MEMBER_RULE,
  MINUTE,
  pointOf,
  programOf,
  T0,
  type World,
} from './world.ts';

const HOUR = 60 * MINUTE;
const RULE = { ...MEMBER_RULE, amountChanges: 'follow', payout: 'webhook' } as const;

function ruleFor(signal: RiskSignalKind): RiskSignalRule {
  const weight = DEFAULT_WEIGHTS[signal];
  switch (signal) {
    case 'velocity_member':
    case 'velocity_source':
      return { signal, weight, most: 3, hours: 24 };
    case 'purchase_unverified':
      return { signal, weight, property: 'purchase_checked', verified: ['Yes'] };
    case 'employee':
      return { signal, weight, domains: ['wonward.test'] };
    default:
      return { signal, weight };
  }
}

const EVERYTHING: RiskPolicy = { signals: RISK_SIGNALS.map(ruleFor), reviewAt: 50 };
const NOTHING_KNOWN: RiskKnowledge = { paces: new Map(), twins: new Map(), touches: [] };

interface Story {
  readonly policy?: RiskPolicy;
  readonly member?: Partial<ContactFacts>;
  readonly friend?: Partial<ContactFacts>;
  readonly deal?: Partial<DealPoint>;
  readonly knowledge?: RiskKnowledge;
  readonly holdDays?: number;
}

/** Ada (1) referred Bob (2) by the label; his deal is won at minute 5. */
function tell({ policy = EVERYTHING, member, friend, deal, knowledge, holdDays = 0 }: Story = {}): World {
  const world = createWorld([]);
  world.setState({
    programs: [{ ...programOf([{ ...RULE, holdDays }]), risk: policy }],
    ...(knowledge ? { risk: knowledge } : {}),
  });
  world.putContact(contactOf('1', member));
  world.putContact(contactOf('2', { referredByIds: ['1'], ...friend }));
  world.putDeal(dealOf('100', ['2'], [pointOf(T0 + MINUTE), pointOf(T0 + 5 * MINUTE, { stageId: '4711', ...deal })]));
  world.process(T0 + 10 * MINUTE);
  return world;
}

function lastOf(world: World) {
  const decision = world.state.decisions.at(-1);
  if (!decision) throw new Error('nothing was decided');
  return decision;
}

function raisedBy(world: World): string[] {
  return (lastOf(world).risk?.raised ?? []).map(({ signal }) => signal);
}

const traits = (more: ContactTraits = {}): { traits: ContactTraits } => ({ traits: { mail: 'public', ...more } });

describe('a signal is raised by', () => {
  test('one mailbox under two spellings: what follows a plus, and dots where the provider ignores them', () => {
    expect(mailboxOf(' Ada.Love+promo@GoogleMail.com ')).toBe('adalove@gmail.com');
    expect(mailboxOf('ada.love+x@acme.test')).toBe('ada.love@acme.test');
    for (const none of [null, '', 'ada', '@acme.test', '+x@acme.test']) expect(mailboxOf(none)).toBeNull();
    const world = tell({ member: { email: 'ada.love@gmail.com' }, friend: { email: 'adalove+bob@googlemail.com' } });
    expect(raisedBy(world)).toEqual(['same_email']);
  });

  test('a throw-away or a relayed address, of the friend or of the member', () => {
    expect(raisedBy(tell({ friend: traits({ mail: 'disposable' }) }))).toEqual(['disposable_email']);
    expect(raisedBy(tell({ friend: traits({ mail: 'public' }), member: traits({ mail: 'relay' }) }))).toEqual([
      'relay_email',
    ]);
  });

  test('one company domain, and not by one public mail provider', () => {
    const of = (mail: 'company' | 'public') => ({
      member: { email: 'ada@acme.test', ...traits({ mail }) },
      friend: { email: 'bob@acme.test', ...traits({ mail }) },
    });
    expect(raisedBy(tell(of('company')))).toEqual(['same_company_domain']);
    expect(raisedBy(tell(of('public')))).toEqual([]);
  });

  test('one phone number, one household', () => {
    const [ada, bob] = [{ phones: ['+491', '+492'] }, { phones: ['+493', '+492'] }];
    expect(raisedBy(tell({ member: traits(ada), friend: traits(bob) }))).toEqual(['same_phone']);
    expect(raisedBy(tell({ member: traits(ada), friend: traits({ phones: ['+493'] }) }))).toEqual([]);
    const home = { address: 'hauptstr 1|10115|germany' };
    expect(raisedBy(tell({ member: traits(home), friend: traits(home) }))).toEqual(['same_household']);
  });

  test('more referrals by the member than the policy has room for', () => {
    const memberId = memberIdOf('acc_1', contactOf('1').ref);
    const known = (pace: number) => ({ ...NOTHING_KNOWN, paces: new Map([[paceKey('member', memberId, 24), pace]]) });
    for (const [pace, raised] of [
      [3, []],
      [4, ['velocity_member']],
    ] as const) {
      const world = createWorld([]);
      const program = { ...programOf([RULE]), risk: EVERYTHING };
      world.setState({ programs: [program], risk: known(pace) });
      world.putContact(contactOf('1'));
      world.putContact(contactOf('2', { referredByIds: ['1'] }));
      world.process(T0 + MINUTE);
      const referral = world.state.referrals[0];
      world.setState({
        risk: { ...NOTHING_KNOWN, paces: new Map([[paceKey('referral', referral?.id ?? '', 24), pace]]) },
      });
      world.putDeal(dealOf('100', ['2'], [pointOf(T0 + 2 * MINUTE, { stageId: '4711' })]));
      world.process(T0 + 3 * MINUTE);
      expect(raisedBy(world)).toEqual(raised);
    }
  });

  test('referrals that are made in the same breath, as far as they came before', () => {
    const world = createWorld([]);
    world.setState({ programs: [{ ...programOf([RULE]), risk: EVERYTHING }], risk: NOTHING_KNOWN });
    world.putContact(contactOf('1'));
    for (let friend = 2; friend <= 8; friend += 1) {
      world.putContact(contactOf(String(friend), { referredByIds: ['1'] }));
      world.putDeal(dealOf(`${100 + friend}`, [String(friend)], [pointOf(T0 + MINUTE, { stageId: '4711' })]));
    }
    world.process(T0 + 2 * MINUTE);
    const flagged = world.state.decisions.filter(({ risk }) =>
      risk?.raised.some(({ signal }) => signal === 'velocity_member'),
    );
    expect(flagged.map(({ deal }) => deal.id)).toEqual(['106', '107', '108']);
  });

  test('another contact with the same mailbox or number, who is not the member', () => {
    const friend = { email: 'bob@acme.test', ...traits({ phones: ['+492'] }) };
    const { mail, phone } = contactKeys('acc_1', contactOf('2', friend));
    const twins = (key: string | null, ids: string[]) => ({ ...NOTHING_KNOWN, twins: new Map([[key ?? '', ids]]) });
    expect(raisedBy(tell({ friend, knowledge: twins(mail, ['2', '77']) }))).toEqual(['duplicate_friend']);
    expect(raisedBy(tell({ friend, knowledge: twins(phone, ['77']) }))).toEqual(['duplicate_friend']);
    expect(raisedBy(tell({ friend, knowledge: twins(phone, ['1', '2']) }))).toEqual([]);
  });

  test('a purchase that the named property does not call verified', () => {
    const deal = (value: string | null) => ({ deal: { properties: { purchase_checked: value } } });
    expect(raisedBy(tell(deal('no')))).toEqual(['purchase_unverified']);
    expect(raisedBy(tell(deal(null)))).toEqual([]);
    expect(raisedBy(tell(deal(' yes ')))).toEqual([]);
  });

  test("an address of the account's own, of either side", () => {
    expect(raisedBy(tell({ friend: { email: 'bob@wonward.test' } }))).toEqual(['employee']);
    expect(raisedBy(tell({ member: { email: 'ada@wonward.test' } }))).toEqual(['employee']);
  });

  test('the network or device of another friend of the member, and by many friends from one place', () => {
    const touch = (
      id: string,
      friend: string,
      origin: Touch['origin'],
      member = memberIdOf('acc_1', contactOf('1').ref),
    ) => ({
      id,
      kind: 'code' as const,
      memberId: member,
      friend: { connectionId: CONNECTION, object: 'contact' as const, id: friend },
      evidence: 'x',
      ...(origin ? { origin } : {}),
      at: T0,
    });
    const from = (ipPrefix: string | null, device: string | null) => ({ ipPrefix, device });
    const own = touch('tch_1', '2', from('192.0.2.0/24', 'd1'));
    const seen = (...touches: Touch[]) => raisedBy(tell({ knowledge: { ...NOTHING_KNOWN, touches } }));
    expect(seen(own)).toEqual([]);
    expect(seen(own, touch('tch_2', '3', from('192.0.2.0/24', null)))).toEqual(['same_ip']);
    expect(seen(own, touch('tch_2', '3', from(null, 'd1')))).toEqual(['same_device']);
    expect(seen(own, touch('tch_2', '3', from('192.0.2.0/24', 'd1'), 'mem_other'))).toEqual([]);
    const others = ['3', '4', '5', '6'].map((id) => touch(`tch_${id}`, id, from('192.0.2.0/24', null), 'mem_other'));
    expect(seen(own, ...others)).toEqual(['velocity_source']);
    expect(seen(own, ...others.slice(1))).toEqual([]);
  });

  describe('a referral that was submitted', () => {
    function submitted(more: {
      readonly friend?: Partial<ContactFacts>;
      readonly deals: readonly DealFacts[];
      readonly at: number;
    }) {
      const world = createWorld([]);
      world.setState({
        programs: [{ ...programOf([{ ...RULE, deals: { kind: 'every' } }], T0 - 90 * 24 * HOUR), risk: EVERYTHING }],
        connectedAt: T0 - 90 * 24 * HOUR,
      });
      world.putContact(contactOf('1'));
      world.putContact(contactOf('2', { referredByIds: ['1'], ...traits(), ...more.friend }));
      world.process(more.at);
      const [referral] = world.state.referrals;
      if (!referral) throw new Error('no referral');
      world.change((draft) => draft.putReferral({ ...referral, source: 'explicit' }));
      for (const deal of more.deals) world.putDeal(deal);
      world.process(more.at + 10 * MINUTE);
      return (dealId: string) =>
        (world.state.decisions.findLast(({ deal }) => deal.id === dealId)?.risk?.raised ?? []).map(
          ({ signal }) => signal,
        );
    }
    const won = { stageId: '4711' };

    test('after the friend had bought already', () => {
      const early = dealOf('99', ['2'], [pointOf(T0 - 2 * HOUR, won)]);
      const late = dealOf('100', ['2'], [pointOf(T0 + MINUTE), pointOf(T0 + 2 * MINUTE, won)]);
      expect(submitted({ deals: [early, late], at: T0 })('100')).toEqual(['already_customer']);
      expect(submitted({ deals: [late], at: T0 })('100')).toEqual([]);
    });

    test('after the CRM has called the friend a customer, and not when the very deal made them one', () => {
      const late = dealOf('100', ['2'], [pointOf(T0 + MINUTE, won)]);
      const since = (customerSince: number) =>
        submitted({ deals: [late], at: T0, friend: traits({ customerSince }) })('100');
      expect(since(T0 - HOUR)).toEqual(['already_customer']);
      expect(since(T0 + MINUTE)).toEqual([]);
    });

    test('when the deal was there already', () => {
      const old = dealOf('100', ['2'], [pointOf(T0 - HOUR), pointOf(T0 + MINUTE, won)]);
      expect(submitted({ deals: [old], at: T0 })('100')).toEqual(['deal_before_referral']);
    });
  });

  test('a circle, on the referral that was not refused for it', () => {
    const world = createWorld([]);
    world.setState({ programs: [{ ...programOf([RULE]), risk: EVERYTHING }] });
    world.putContact(contactOf('1'));
    world.putContact(contactOf('2', { referredByIds: ['1'] }));
    world.process(T0 + MINUTE);
    world.putContact(contactOf('1', { referredByIds: ['2'] }));
    world.process(T0 + 2 * MINUTE);
    expect(world.state.referrals.map(({ stage }) => stage)).toEqual(['accepted', 'declined']);
    world.putDeal(dealOf('100', ['2'], [pointOf(T0 + 3 * MINUTE, { stageId: '4711' })]));
    world.process(T0 + 4 * MINUTE);
    expect(raisedBy(world)).toEqual(['referral_cycle']);
  });
});

test('nothing is raised by what is not known, and it is said what was not', () => {
  const world = tell({ member: { email: null }, friend: { email: null } });
  const { risk } = lastOf(world);
  expect(risk).toMatchObject({ score: 0, verdict: 'pass', raised: [] });
  expect(risk?.unknown).toEqual(RISK_SIGNALS.filter((signal) => signal !== 'referral_cycle'));
  expect(lastOf(world).outcome).toBe('rewarded');
});

test('of two people of whom any trait may be unknown, none is raised that both do not show', () => {
  const partial = fc.record(
    {
      mail: fc.constantFrom('company' as const, 'public' as const),
      phones: fc.constantFrom(['+491'], ['+492']),
      address: fc.constantFrom('a|1|', 'b|1|'),
    },
    { requiredKeys: [] },
  );
  const person = fc.record({
    email: fc.constantFrom(null, 'a@acme.test', 'b@acme.test', 'c@else.test'),
    traits: fc.option(partial, { nil: undefined }),
  });
  fc.assert(
    fc.property(person, person, (member, friend) => {
      fc.pre(member.email === null || member.email !== friend.email);
      const raised = new Set(raisedBy(tell({ member: member as never, friend: friend as never })));
      const [a, b] = [member.traits, friend.traits];
      const bothIn = (key: 'phones' | 'address') =>
        a?.[key] !== undefined && JSON.stringify(a[key]) === JSON.stringify(b?.[key]);
      expect(raised.has('same_phone')).toBe(bothIn('phones'));
      expect(raised.has('same_household')).toBe(bothIn('address'));
      const domain = (email: string | null) => email?.split('@')[1];
      const isOneCompany =
        a?.mail === 'company' &&
        b?.mail === 'company' &&
        member.email !== null &&
        friend.email !== null &&
        domain(member.email) === domain(friend.email);
      expect(raised.has('same_company_domain')).toBe(isOneCompany);
    }),
    { numRuns: 300 },
  );
});

test('no finding repeats an address or a number: decisions are kept for ever', () => {
  const one = {
    email: 'ada.secret@gmail.com',
    ...traits({ phones: ['+4915112345678'], address: 'geheimweg 7|10115|de', mail: 'disposable' }),
  };
  const two = { ...one, email: 'adasecret+b@gmail.com' };
  const world = tell({ member: one, friend: two, policy: { ...EVERYTHING, reviewAt: 1_000 } });
  expect(raisedBy(world)).toEqual(['same_email', 'disposable_email', 'same_phone', 'same_household']);
  const text = JSON.stringify(world.state.decisions, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  for (const secret of ['secret', '15112345678', 'geheimweg', 'gmail']) expect(text).not.toContain(secret);
});

describe('what the signals add up to', () => {
  const doubtful: Story = { member: traits({ phones: ['+491'] }), friend: traits({ phones: ['+491'] }) };

  test('is below the threshold: paid, with what was seen', () => {
    const world = tell({ ...doubtful, policy: { ...EVERYTHING, reviewAt: 51 } });
    expect(lastOf(world)).toMatchObject({ outcome: 'rewarded', risk: { score: 50, verdict: 'pass' } });
    expect(world.intents).toHaveLength(1);
  });

  test('reaches it: a person decides, and nothing is ordered before', () => {
    const world = tell(doubtful);
    expect(lastOf(world)).toMatchObject({ outcome: 'in_review', risk: { score: 50, verdict: 'review' } });
    expect(world.state.rewards).toMatchObject([{ state: 'in_review', review: 'needed' }]);
    expect(world.intents).toEqual([]);
    expect(tellDecision(lastOf(world), 'rep')).toBe(
      'A person has to approve this reward: something speaks against it: same phone number (50).',
    );
    expect(tellDecision(lastOf(world), 'admin')).toContain(
      'Asked for: risk below 50; found: 50: same phone number (50). Signal same_phone (50): contacts 2 and 1 have one phone number.',
    );
    const [reward] = world.state.rewards;
    if (!reward) throw new Error('no reward');
    world.change((draft) =>
      decideByPerson(draft, 'acc_1', reward, {
        isApproved: true,
        by: 'role:reviewer',
        why: 'Flatmates.',
        at: T0 + HOUR,
      }),
    );
    expect(world.intents).toHaveLength(1);
  });

  test('is looked at after a hold as well', () => {
    const world = tell({ ...doubtful, holdDays: 1 });
    expect(lastOf(world)).toMatchObject({ outcome: 'held', risk: { verdict: 'review' } });
    world.process(T0 + 2 * 24 * HOUR);
    expect(lastOf(world)).toMatchObject({ outcome: 'in_review' });
    expect(tellDecision(lastOf(world), 'rep')).toContain('same phone number (50)');
    expect(world.intents).toEqual([]);
  });

  test('reaches the second one: not paid, and said so once however often it is looked at', () => {
    const world = tell({ ...doubtful, policy: { ...EVERYTHING, reviewAt: 20, blockAt: 50 } });
    expect(lastOf(world)).toMatchObject({
      outcome: 'skipped',
      reason: { code: 'risk_blocked' },
      risk: { verdict: 'block' },
    });
    // By what it would have been paid: a person who allows it later, and who replays it, goes by the same.
    expect(lastOf(world).calculation).not.toEqual([]);
    world.putContact(contactOf('2', { referredByIds: ['1'], ...traits({ phones: ['+491'], mail: 'disposable' }) }));
    world.process(T0 + HOUR);
    expect(world.state.decisions).toHaveLength(1);
    expect(world.state.rewards).toEqual([]);
    expect(tellDecision(lastOf(world), 'rep')).toContain('A reviewer can allow it in its case.');
  });

  test('is paid when what spoke against it is gone', () => {
    const world = tell({ ...doubtful, policy: { ...EVERYTHING, reviewAt: 20, blockAt: 50 } });
    world.putContact(contactOf('2', { referredByIds: ['1'], ...traits({ phones: ['+492'] }) }));
    world.process(T0 + HOUR);
    expect(lastOf(world)).toMatchObject({ outcome: 'rewarded', risk: { score: 0 } });
  });

  test('is paid when a person allows it, once', () => {
    const world = tell({ ...doubtful, policy: { ...EVERYTHING, reviewAt: 20, blockAt: 50 } });
    const word = { by: 'role:reviewer', why: 'Flatmates.', at: T0 + HOUR };
    const blocked = lastOf(world);
    world.change((draft) => allowByPerson(draft, 'acc_1', blocked, word));
    world.process(T0 + 2 * HOUR);
    world.process(T0 + 3 * HOUR);
    expect(lastOf(world)).toMatchObject({ outcome: 'rewarded', risk: { verdict: 'block' } });
    expect(world.intents).toHaveLength(1);
    world.change((draft) => expect(allowByPerson(draft, 'acc_1', blocked, word)).toBeNull());
  });

  test('never pays at once from the threshold on, and always below it, whatever the weights', () => {
    const weighed = fc.record({
      email: fc.integer({ min: 1, max: 99 }),
      phone: fc.integer({ min: 1, max: 99 }),
      home: fc.integer({ min: 1, max: 99 }),
      reviewAt: fc.integer({ min: 1, max: 297 }),
      blockGap: fc.option(fc.integer({ min: 1, max: 99 })),
      isSame: fc.boolean(),
    });
    fc.assert(
      fc.property(weighed, ({ email, phone, home, reviewAt, blockGap, isSame }) => {
        const policy: RiskPolicy = {
          signals: [
            { signal: 'disposable_email', weight: email },
            { signal: 'same_phone', weight: phone },
            { signal: 'same_household', weight: home },
          ],
          reviewAt,
          ...(blockGap === null ? {} : { blockAt: reviewAt + blockGap }),
        };
        const world = tell({
          policy,
          member: traits({ phones: ['+491'], address: 'a|1|' }),
          friend: traits({ phones: [isSame ? '+491' : '+492'], address: 'a|1|', mail: 'disposable' }),
        });
        const score = email + home + (isSame ? phone : 0);
        const wanted =
          policy.blockAt !== undefined && score >= policy.blockAt
            ? 'skipped'
            : score >= reviewAt
              ? 'in_review'
              : 'rewarded';
        expect(lastOf(world).outcome).toBe(wanted);
        expect(world.intents.length).toBe(wanted === 'rewarded' ? 1 : 0);
      }),
    );
  });
});

describe('a reward that a dispute takes back', () => {
  test('is claimed back after it was paid, and no rule grants it again', () => {
    const world = tell({ policy: { signals: [ruleFor('same_email')], reviewAt: 50 } });
    world.pay(T0 + HOUR);
    const [reward] = world.state.rewards;
    if (!reward) throw new Error('no reward');
    world.change((draft) =>
      takeBackByPerson(draft, 'acc_1', reward, { by: 'role:reviewer', why: 'Own company.', at: T0 + 2 * HOUR }),
    );
    world.process(T0 + 3 * HOUR);
    expect(world.state.rewards).toMatchObject([{ state: 'clawed_back', reason: { code: 'taken_back_by_person' } }]);
    expect(lastOf(world)).toMatchObject({ outcome: 'reversed' });
    expect(Object.values(world.balances()).reduce((sum, minor) => sum + BigInt(minor), 0n)).toBe(0n);
    const [ended] = world.state.rewards;
    if (!ended) throw new Error('no reward');
    world.change((draft) =>
      expect(() => takeBackByPerson(draft, 'acc_1', ended, { by: 'x', why: 'y', at: T0 })).toThrow(RangeError),
    );
  });
});

describe('what a plan means for cases', () => {
  const planOf = (world: World): Pick<Plan, 'rewards' | 'decisions'> => world.state;
  const doubtful: Story = { member: traits({ phones: ['+491'] }), friend: traits({ phones: ['+491'] }) };

  test('a reward that waits opens one, worth what it is worth; one that does not opens none', () => {
    expect(caseChanges('acc_1', planOf(tell()))).toEqual({ opens: [], settles: [] });
    const world = tell(doubtful);
    const [reward] = world.state.rewards;
    expect(caseChanges('acc_1', planOf(world)).opens).toMatchObject([
      {
        kind: 'review',
        topic: 'reward_review',
        severity: 'high',
        rewardId: reward?.id,
        value: { minor: 10_000n, currency: 'EUR' },
        facts: { score: 50, signals: [{ signal: 'same_phone' }] },
      },
    ]);
  });

  test('a deal that is lost settles it', () => {
    const world = tell(doubtful);
    const deal = world.deals.get('100');
    if (!deal) throw new Error('no deal');
    world.putDeal({ ...deal, history: [...deal.history, pointOf(T0 + 20 * MINUTE, { stageId: 'gone' })] });
    const plan = world.process(T0 + 30 * MINUTE);
    expect(caseChanges('acc_1', plan)).toMatchObject({
      opens: [],
      // With what would be open had its money come back.
      settles: [{ word: { outcome: 'moot' } }, { word: { outcome: 'moot', by: 'wonward' } }],
    });
  });

  test('what the policy refuses opens one, though there is no reward', () => {
    const world = tell({ ...doubtful, policy: { ...EVERYTHING, reviewAt: 20, blockAt: 50 } });
    expect(caseChanges('acc_1', planOf(world)).opens).toMatchObject([{ topic: 'risk_blocked', rewardId: null }]);
    world.change((draft) => allowByPerson(draft, 'acc_1', lastOf(world), { by: 'r', why: 'w', at: T0 + HOUR }));
    const [, allowed] = world.state.decisions;
    expect(caseChanges('acc_1', { rewards: [], decisions: allowed ? [allowed] : [] }).settles).toMatchObject([
      { word: { outcome: 'allowed', by: 'r' } },
    ]);
  });
});

test('deciding again on the same facts changes nothing, whatever speaks against it', () => {
  for (const blockAt of [undefined, 60]) {
    const policy = { ...EVERYTHING, reviewAt: 30, ...(blockAt === undefined ? {} : { blockAt }) };
    const world = tell({
      policy,
      member: traits({ phones: ['+491'] }),
      friend: traits({ phones: ['+491'], mail: 'relay' }),
    });
    const before = world.story();
    const plan = world.process(T0 + 9 * 24 * HOUR);
    expect(plan.decisions).toEqual([]);
    expect(world.story()).toEqual(before);
    expect(createDraft(world.state).changed()).toBe(false);
  }
});
