import { describe, expect, test } from 'vitest';
import {
  attribute,
  byAge,
  comesBefore,
  enrol,
  memberIdOf,
  memberOfContact,
  REFERRAL_CHAIN_MAX,
  referralIdOf,
  referralsOfFriend,
  refusalFor,
  sourceReason,
} from '../../src/domain/attribution.ts';
import { type AttributionPolicy, DEFAULT_POLICY } from '../../src/domain/attribution-policy.ts';
import type { Elsewhere, IdentityEdge } from '../../src/domain/identity.ts';
import { derivedId, memberCode } from '../../src/domain/ids.ts';
import { createDraft, type State, stateWith } from '../../src/domain/plan.ts';
import { reason } from '../../src/domain/reason.ts';
import type { ContactFacts, RecordRef } from '../../src/domain/record.ts';
import type { Member, Referral } from '../../src/domain/referral.ts';
import { CLOCK_SKEW_ALLOWED_MS } from '../../src/domain/time.ts';
import { decisionOf, memberOf, rewardOf } from './granted.ts';
import { KEYED, ORG, PORTAL } from './two-worlds.ts';
import { contactOf, DAY, MEMBER_RULE, OPEN_REFERRAL, programOf, T0 } from './world.ts';

const NOW = T0 + 10 * DAY;
const at = (id: string, connectionId = PORTAL): RecordRef => ({ connectionId, object: 'contact', id });
const ADA = memberOf({ email: 'ada@acme.test', code: memberCode('ada') });
const EVE = memberOf({ id: 'mem_2', name: 'Eve', email: 'eve@acme.test', code: memberCode('eve'), contact: at('3') });
const PEOPLE = new Map([
  ['1', contactOf('1', { name: 'Ada', email: 'ada@acme.test' })],
  ['3', contactOf('3', { name: 'Eve', email: 'eve@acme.test' })],
]);

function policy(more: Partial<AttributionPolicy>, publishedAt = T0): NonNullable<State['attribution']> {
  return { version: 7, policy: { ...DEFAULT_POLICY, ...more }, contentHash: 'h', publishedAt, publishedBy: 'an admin' };
}

function elsewhereWith(edges: readonly IdentityEdge[], more: Partial<Elsewhere> = {}): Elsewhere {
  return { policy: null, mappings: new Map(), names: new Map(), edges, contacts: [], deals: [], ...more };
}

function edge(record: RecordRef, subject: string): IdentityEdge {
  return { record, subject, sequence: 1, evidence: 'person', since: T0, until: null };
}

function stateOf(more: Partial<State> = {}): State {
  return stateWith('acc_1', { programs: [programOf([MEMBER_RULE])], connectedAt: T0, members: [ADA, EVE], ...more });
}

function attributed(friend: ContactFacts, more: Partial<State> = {}, wonBefore: number | null = null, people = PEOPLE) {
  const state = stateOf(more);
  const draft = createDraft(state);
  const referral = attribute(draft, state, friend, people, NOW, wonBefore);
  return { referral, plan: draft.plan() };
}

/** Bob, contact 2, as the CRM has him. */
const bob = (more: Partial<ContactFacts> = {}) => contactOf('2', { name: 'Bob', email: 'bob@acme.test', ...more });
const SUBMITTED: Referral = {
  ...OPEN_REFERRAL,
  id: 'ref_9',
  memberId: 'mem_2',
  source: 'explicit',
  stage: 'submitted',
  reason: reason('submitted'),
  submittedAt: T0 + DAY,
  friend: { name: 'Robert', email: 'bob@acme.test', contact: null },
};
const REF_ID = referralIdOf('acc_1', 'default', at('2'));
const FRESH: Referral = {
  id: REF_ID,
  programId: 'default',
  memberId: 'mem_1',
  friend: { name: 'Bob', email: 'bob@acme.test', contact: at('2') },
  source: 'label',
  stage: 'accepted',
  reason: reason('attributed_label'),
  stageSince: NOW,
  submittedAt: NOW,
  doubt: undefined,
  version: 1,
};
const BOBS: Referral = { ...FRESH, stageSince: T0, submittedAt: T0 };
const AFTER = { ...FRESH, submittedAt: T0, stageSince: T0, version: 2 };

describe('a friend belongs to', () => {
  const HIS = { referralId: 'ref_8', since: T0 + 2 };
  const colleague: Referral = {
    ...OPEN_REFERRAL,
    id: 'ref_8',
    memberId: 'mem_2',
    friend: { ...OPEN_REFERRAL.friend, contact: at('5') },
    submittedAt: T0 + 2,
  };
  const atAcme = bob({ company: { id: '9', properties: {} } });
  const acme = (first: Partial<Referral>, more: Partial<State> = {}): Partial<State> => ({
    referrals: [{ ...colleague, ...first }],
    companies: new Map([['9', 'ref_8']]),
    attribution: policy({ sources: ['label', 'company'] }),
    ...more,
  });
  const CONCLUDED = {
    ...FRESH,
    memberId: 'mem_2',
    source: 'company',
    reason: reason('attributed_company'),
    submittedAt: T0 + 2,
  } as const;
  const emailed: Referral = {
    ...SUBMITTED,
    source: 'email',
    stage: 'accepted',
    reason: reason('attributed_email'),
    stageSince: NOW,
    friend: { name: 'Bob', email: 'bob@acme.test', contact: at('2') },
    version: 2,
  };

  test.each<[string, ContactFacts, Partial<State>, Partial<Referral> | undefined]>([
    ['nobody, where nothing says so', bob(), {}, undefined],
    ['whom the label names', bob({ referredByIds: ['1'] }), {}, FRESH],
    [
      'whose code they gave, in any spelling',
      bob({ usedCode: EVE.code.toLowerCase() }),
      {},
      { ...FRESH, memberId: 'mem_2', source: 'code', reason: reason('attributed_code') },
    ],
    ['nobody by a code that nobody has', bob({ usedCode: memberCode('nobody') }), {}, undefined],
    ['nobody by what is no code', bob({ usedCode: 'a friend' }), {}, undefined],
    ['the older contact of two whom the label names', bob({ referredByIds: ['3', '1'] }), {}, FRESH],
    ['whom the label names rather than whose code it is', bob({ referredByIds: ['1'], usedCode: EVE.code }), {}, FRESH],
    ['nobody by a label to whom the CRM does not know', bob({ referredByIds: ['4'] }), {}, undefined],
    ['who submitted the address', bob({ email: ' Bob@Acme.test' }), { referrals: [SUBMITTED] }, emailed],
    [
      'who submitted it, before whom the label names',
      bob({ referredByIds: ['1'] }),
      { referrals: [SUBMITTED] },
      emailed,
    ],
    [
      'who submitted it first',
      bob(),
      { referrals: [{ ...SUBMITTED, id: 'ref_7', submittedAt: T0 + 2 * DAY }, SUBMITTED] },
      emailed,
    ],
    [
      'of two at one moment the first by name',
      bob(),
      { referrals: [SUBMITTED, { ...SUBMITTED, id: 'ref_7' }] },
      { ...emailed, id: 'ref_7' },
    ],
    ['nobody who submitted another address', bob({ email: 'x@acme.test' }), { referrals: [SUBMITTED] }, undefined],
    [
      'nobody by having no address',
      bob({ email: null }),
      { referrals: [{ ...SUBMITTED, friend: { ...SUBMITTED.friend, email: null } }] },
      undefined,
    ],
    ['nobody whose submission was declined', bob(), { referrals: [{ ...SUBMITTED, stage: 'declined' }] }, undefined],
    [
      'nobody by a submission for another contact',
      bob(),
      { referrals: [{ ...SUBMITTED, friend: { ...SUBMITTED.friend, contact: at('4') } }] },
      undefined,
    ],
    [
      'nobody by one whose program did not apply here',
      bob(),
      { referrals: [SUBMITTED], choices: [{ connectionId: PORTAL, at: T0, programIds: ['other'] }] },
      undefined,
    ],
    [
      'with the name that was submitted, where the CRM has none',
      bob({ name: null }),
      { referrals: [SUBMITTED] },
      { ...emailed, friend: { ...emailed.friend, name: 'Robert' } },
    ],
    ['whose colleague they are', atAcme, acme({}), { ...CONCLUDED, follows: { ...HIS, since: null } }],
    [
      'from the moment on at which that one was submitted',
      atAcme,
      acme({ source: 'explicit' }),
      { ...CONCLUDED, follows: HIS },
    ],
    ['whom the label names, before whose colleague they are', { ...atAcme, referredByIds: ['1'] }, acme({}), FRESH],
    ['nobody by a company that no policy counts', atAcme, acme({}, { attribution: policy({}) }), undefined],
    ['nobody by another company', bob({ company: { id: '8', properties: {} } }), acme({}), undefined],
    ['nobody without a company', bob({ company: null }), acme({}), undefined],
    ['nobody by a colleague who was declined', atAcme, acme({ stage: 'declined' }), undefined],
    ['nobody by a colleague of whom it was concluded too', atAcme, acme({ source: 'company' }), undefined],
    [
      'nobody where the program did not apply then',
      atAcme,
      acme(
        {},
        {
          choices: [
            { connectionId: PORTAL, at: T0, programIds: ['other'] },
            { connectionId: PORTAL, at: T0 + 3, programIds: null },
          ],
        },
      ),
      undefined,
    ],
    ['nobody where no program is open', bob({ referredByIds: ['1'] }), { programs: [] }, undefined],
    [
      'nobody as a copy, whose source stands elsewhere',
      bob({ referredByIds: ['1'], properties: { source: '90' } }),
      {
        elsewhere: elsewhereWith([], {
          policy: {
            version: 1,
            policy: { ...KEYED, contacts: { decidedIn: ORG, keys: { [PORTAL]: 'source' } } },
            contentHash: 'h',
            publishedAt: T0,
            publishedBy: 'x',
          },
        }),
      },
      undefined,
    ],
  ])('%s', (_, friend, more, expected) => {
    expect(attributed(friend, more).referral).toEqual(expected);
  });

  test('the last one who submitted, where the policy says so', () => {
    const later = { ...SUBMITTED, id: 'ref_7', memberId: 'mem_1', submittedAt: T0 + 2 * DAY };
    const { referral, plan } = attributed(bob(), {
      referrals: [SUBMITTED, later],
      attribution: policy({ touch: 'last' }),
    });
    expect(referral).toMatchObject({ id: 'ref_7', memberId: 'mem_1', source: 'email', stage: 'accepted' });
    expect(plan.attributions).toEqual([
      {
        id: derivedId('att', 'acc_1', 'ref_7', 2),
        referralId: 'ref_7',
        sequence: 2,
        kind: 'attributed',
        memberId: 'mem_1',
        fromMemberId: null,
        policyVersion: 7,
        reason: reason('attributed_email'),
        candidates: [
          { memberId: 'mem_2', source: 'email', at: T0 + DAY, verdict: 'outranked' },
          { memberId: 'mem_1', source: 'email', at: T0 + 2 * DAY, verdict: 'winner' },
        ],
        recordedAt: NOW,
      },
    ]);
  });

  test('and whom it was decided among is kept, without a policy too', () => {
    const { plan } = attributed(bob({ referredByIds: ['1'], usedCode: EVE.code }));
    expect(plan.attributions).toMatchObject([
      {
        id: derivedId('att', 'acc_1', REF_ID, 1),
        policyVersion: null,
        candidates: [
          { memberId: 'mem_1', source: 'label', at: null, verdict: 'winner' },
          { memberId: 'mem_2', source: 'code', at: null, verdict: 'outranked' },
        ],
      },
    ]);
  });

  test('is asked again when a program is chosen that another node’s clock has seen already', () => {
    const choices = [
      { connectionId: PORTAL, at: T0, programIds: [] },
      { connectionId: PORTAL, at: NOW + 5, programIds: null },
      { connectionId: ORG, at: NOW + 9, programIds: null },
    ];
    expect(attributed(bob({ referredByIds: ['1'] }), { choices }).plan.wakes).toEqual([
      { record: at('2'), at: NOW + 5 },
    ]);
    expect(attributed(bob({ referredByIds: ['1'] }), { choices: choices.slice(0, 1) }).plan.wakes).toEqual([]);
  });

  test('makes a member of whom the label names, and of nobody else', () => {
    const people = new Map([...PEOPLE, ['4', contactOf('4', { name: 'Dan' })], ['5', contactOf('5')]]);
    const { referral, plan } = attributed(bob({ referredByIds: ['5', '4'] }), {}, null, people);
    expect(referral?.memberId).toBe(memberIdOf('acc_1', at('4')));
    expect(plan.members.map(({ contact }) => contact?.id)).toEqual(['4']);
  });
});

describe('evidence is kept as touches', () => {
  const touch = (kind: 'label' | 'code' | 'company', memberId: string, evidence: string, home = at('2')) => ({
    id: derivedId('tch', kind, memberId, home.connectionId, home.id),
    kind,
    memberId,
    friend: home,
    evidence,
    at: NOW,
  });
  test.each<[string, ContactFacts, Partial<State>, ReturnType<typeof touch>[]]>([
    ['none where there is none', bob(), {}, []],
    [
      'of the label and of the code',
      bob({ referredByIds: ['1'], usedCode: EVE.code }),
      {},
      [touch('label', 'mem_1', 'contact 1'), touch('code', 'mem_2', EVE.code)],
    ],
    [
      'also what comes too late',
      bob({ usedCode: EVE.code }),
      { referrals: [BOBS] },
      [touch('code', 'mem_2', EVE.code)],
    ],
    ['none of a code that nobody has', bob({ usedCode: memberCode('x') }), {}, []],
    [
      'of the colleague',
      bob({ company: { id: '9', properties: {} } }),
      {
        companies: new Map([['9', 'ref_8']]),
        referrals: [{ ...OPEN_REFERRAL, id: 'ref_8', friend: { ...OPEN_REFERRAL.friend, contact: at('5') } }],
      },
      [touch('company', 'mem_1', 'referral ref_8')],
    ],
    [
      'none of a colleague who is the friend',
      bob({ company: { id: '9', properties: {} } }),
      { companies: new Map([['9', REF_ID]]), referrals: [BOBS] },
      [],
    ],
    [
      'none of a member who is the later one of two that are one',
      bob({ usedCode: EVE.code }),
      {
        elsewhere: elsewhereWith([edge(at('3'), 'mem_0')]),
        members: [EVE, memberOf({ id: 'mem_0', contact: at('80', ORG), createdAt: T0 - 1 })],
      },
      [touch('code', 'mem_0', EVE.code)],
    ],
    [
      'on the record by which the friend was first known',
      bob({ usedCode: EVE.code }),
      {
        referrals: [{ ...BOBS, friend: { ...BOBS.friend, contact: at('90', ORG) } }],
        elsewhere: elsewhereWith([edge(at('2'), REF_ID)]),
      },
      [touch('code', 'mem_2', EVE.code, at('90', ORG))],
    ],
  ])('%s', (_, friend, more, expected) => {
    expect(attributed(friend, more).plan.touches).toEqual(expected);
  });
});

describe('what speaks against a referral', () => {
  const named = bob({ referredByIds: ['1'] });
  const OLD = T0 - 10 * DAY;
  const WON_ON = reason('existing_customer', { wonOn: '2025-12-26' });
  const cycle: Referral = {
    ...OPEN_REFERRAL,
    id: 'ref_8',
    memberId: 'mem_5',
    friend: { ...OPEN_REFERRAL.friend, contact: at('1') },
  };
  const BOB = memberOf({ id: 'mem_5', email: null, contact: at('2') });

  test.each<[string, ContactFacts, Partial<State>, number | null, Partial<Referral>]>([
    ['nothing', named, {}, null, { stage: 'accepted', doubt: undefined }],
    [
      'that both have one address',
      { ...named, email: 'ADA@acme.test' },
      {},
      null,
      { stage: 'declined', reason: reason('self_referral'), stageSince: NOW },
    ],
    [
      'that both are one contact',
      bob({ usedCode: ADA.code }),
      { members: [{ ...ADA, contact: at('2') }] },
      null,
      { stage: 'declined', reason: reason('self_referral') },
    ],
    [
      'that the member was merged into the friend',
      { ...named, formerIds: ['1'] },
      {},
      null,
      { stage: 'declined', reason: reason('self_referral') },
    ],
    [
      'that both are tied to one contact',
      named,
      { elsewhere: elsewhereWith([edge(at('2'), 'mem_1')]) },
      null,
      { stage: 'declined', reason: reason('self_referral') },
    ],
    [
      'which a person looks at, by the policy',
      { ...named, email: 'ada@acme.test' },
      { attribution: policy({ selfReferral: 'review' }) },
      null,
      { stage: 'accepted', doubt: 'self_referral' },
    ],
    [
      'that the friend has referred the member',
      named,
      { members: [ADA, BOB], referrals: [cycle] },
      null,
      { stage: 'declined', reason: reason('referral_cycle') },
    ],
    [
      'not where that was declined',
      named,
      { members: [ADA, BOB], referrals: [{ ...cycle, stage: 'declined' }] },
      null,
      { stage: 'accepted' },
    ],
    [
      'not where that came later',
      named,
      { members: [ADA, BOB], referrals: [{ ...cycle, submittedAt: NOW + 1 }] },
      null,
      { stage: 'accepted' },
    ],
    [
      'of two at one moment the one of the younger contact',
      bob({ usedCode: ADA.code }),
      { members: [ADA, BOB], referrals: [{ ...cycle, submittedAt: NOW }] },
      null,
      { stage: 'declined', reason: reason('referral_cycle') },
    ],
    [
      'and not that of the older one',
      bob({ usedCode: ADA.code }),
      {
        members: [{ ...ADA, contact: at('9') }, BOB],
        referrals: [{ ...cycle, submittedAt: NOW, friend: { ...cycle.friend, contact: at('9') } }],
      },
      null,
      { stage: 'accepted' },
    ],
    [
      'not that neither has an address',
      bob({ usedCode: ADA.code, email: null }),
      { members: [{ ...ADA, email: null }] },
      null,
      { stage: 'accepted' },
    ],
    [
      'that both have one address by now',
      bob({ email: 'ada@acme.test' }),
      { referrals: [BOBS] },
      null,
      { stage: 'declined', reason: reason('self_referral'), stageSince: NOW },
    ],
    [
      'that the friend was a customer here, where they are known by another CRM until now',
      bob(),
      {
        referrals: [{ ...BOBS, friend: { ...BOBS.friend, contact: at('90', ORG) } }],
        elsewhere: elsewhereWith([]),
        attribution: policy({ existingCustomer: 'decline' }),
      },
      OLD,
      { stage: 'declined', reason: WON_ON },
    ],
    [
      'not that the friend was a customer, where the policy accepts it',
      named,
      {},
      OLD,
      { stage: 'accepted', doubt: undefined },
    ],
    [
      'that they were, where it declines',
      named,
      { attribution: policy({ existingCustomer: 'decline' }) },
      OLD,
      { stage: 'declined', reason: WON_ON, stageSince: NOW },
    ],
    [
      'which a person looks at, where it asks',
      named,
      { attribution: policy({ existingCustomer: 'review' }) },
      OLD,
      { stage: 'accepted', doubt: 'existing_customer' },
    ],
    [
      'not what was won since the program began',
      named,
      { attribution: policy({ existingCustomer: 'decline' }) },
      T0,
      { stage: 'accepted' },
    ],
    [
      'nor a moment before, by a clock that is behind',
      named,
      { attribution: policy({ existingCustomer: 'decline' }) },
      T0 - CLOCK_SKEW_ALLOWED_MS,
      { stage: 'accepted' },
    ],
    [
      'but what was won before that',
      named,
      { attribution: policy({ existingCustomer: 'decline' }) },
      T0 - CLOCK_SKEW_ALLOWED_MS - 1,
      { stage: 'declined' },
    ],
    [
      'and before the connection, where that is later',
      named,
      { connectedAt: T0 + 5 * DAY, attribution: policy({ existingCustomer: 'decline' }) },
      T0 + DAY,
      { stage: 'declined' },
    ],
    [
      'what was won before it was submitted',
      bob(),
      { referrals: [SUBMITTED], attribution: policy({ existingCustomer: 'decline' }) },
      T0,
      { stage: 'declined' },
    ],
    [
      'not what was won after it',
      bob(),
      { referrals: [SUBMITTED], attribution: policy({ existingCustomer: 'decline' }) },
      T0 + 2 * DAY,
      { stage: 'accepted' },
    ],
    [
      'not of a referral that is there already',
      bob(),
      { referrals: [BOBS], attribution: policy({ existingCustomer: 'decline' }) },
      OLD,
      { stage: 'accepted' },
    ],
    [
      'but of one that was submitted for the contact since the policy',
      bob(),
      { referrals: [{ ...BOBS, source: 'explicit' }], attribution: policy({ existingCustomer: 'decline' }) },
      OLD,
      { stage: 'declined' },
    ],
    [
      'not of one that was submitted before it',
      bob(),
      { referrals: [{ ...BOBS, source: 'explicit' }], attribution: policy({ existingCustomer: 'decline' }, T0 + 1) },
      OLD,
      { stage: 'accepted' },
    ],
    [
      'still, where it was declined for it once',
      bob(),
      { referrals: [{ ...BOBS, stage: 'declined', reason: WON_ON }] },
      null,
      { stage: 'declined', reason: WON_ON, stageSince: T0 },
    ],
    [
      'not any more, where what spoke against it is gone',
      bob(),
      { referrals: [{ ...BOBS, stage: 'declined', reason: reason('self_referral') }] },
      null,
      { stage: 'accepted', reason: reason('attributed_label'), stageSince: NOW },
    ],
    [
      'still, where a person declined it',
      bob(),
      {
        referrals: [
          {
            ...BOBS,
            stage: 'declined',
            reason: reason('stage_by_person'),
            stageWords: [{ stage: 'declined', by: 'x', why: 'y', at: T0 }],
          },
        ],
      },
      null,
      { stage: 'declined', stageSince: T0 },
    ],
    [
      'nothing where the member was not loaded',
      { ...bob(), email: 'ada@acme.test' },
      { members: [], referrals: [BOBS] },
      null,
      { stage: 'accepted' },
    ],
  ])('%s', (_, friend, more, wonBefore, expected) => {
    expect(attributed(friend, more, wonBefore).referral).toMatchObject(expected);
  });

  test('through others, as far as a chain is followed', () => {
    const chainOf = (length: number) => {
      const members = [
        BOB,
        ...Array.from({ length }, (_, index) => memberOf({ id: `m${index}`, contact: at(`1${index}`) })),
      ];
      // Each was referred by the next, and the last of them by Bob.
      const referrals = Array.from(
        { length },
        (_, index): Referral => ({
          ...cycle,
          id: `r${index}`,
          memberId: index === length - 1 ? 'mem_5' : `m${index + 1}`,
          friend: { name: null, email: null, contact: at(`1${index}`) },
        }),
      );
      const draft = createDraft(stateOf({ members, referrals }));
      return refusalFor(draft, { ...BOBS, id: 'new' }, 'm0');
    };
    expect(chainOf(2)).toEqual(reason('referral_cycle'));
    expect(chainOf(REFERRAL_CHAIN_MAX)).toEqual(reason('referral_cycle'));
    expect(chainOf(REFERRAL_CHAIN_MAX + 1)).toBeUndefined();
  });

  test.each<[string, Partial<Referral>, string, Partial<State>, ReturnType<typeof refusalFor>]>([
    ['a person may give it to another', {}, 'mem_2', {}, undefined],
    [
      'not to the friend by the address',
      { friend: { ...BOBS.friend, email: 'eve@acme.test' } },
      'mem_2',
      {},
      reason('self_referral'),
    ],
    [
      'not to the friend by the contact',
      { friend: { ...BOBS.friend, contact: at('3') } },
      'mem_2',
      {},
      reason('self_referral'),
    ],
    [
      'but to a contact of that id in another CRM',
      { friend: { ...BOBS.friend, contact: at('3', ORG) } },
      'mem_2',
      {},
      undefined,
    ],
    [
      'not to whom the friend is tied',
      {},
      'mem_2',
      { elsewhere: elsewhereWith([edge(at('2'), 'mem_2')]) },
      reason('self_referral'),
    ],
    [
      'not to whom the friend has referred',
      {},
      'mem_1',
      { members: [ADA, BOB], referrals: [cycle] },
      reason('referral_cycle'),
    ],
    [
      'nor where that came later',
      {},
      'mem_1',
      { members: [ADA, BOB], referrals: [{ ...cycle, submittedAt: NOW + DAY }] },
      reason('referral_cycle'),
    ],
    [
      'but where the friend is no contact yet',
      { friend: { name: null, email: null, contact: null } },
      'mem_1',
      { members: [ADA, BOB], referrals: [cycle] },
      undefined,
    ],
  ])('%s', (_, of, memberId, more, expected) => {
    expect(refusalFor(createDraft(stateOf(more)), { ...BOBS, ...of }, memberId)).toEqual(expected);
  });
});

describe('a shared referral', () => {
  const SHARE = { attribution: policy({ assistPercent: 30 }) };
  const both = bob({ referredByIds: ['1'], usedCode: EVE.code });
  const ASSIST = { memberId: 'mem_2', percent: 30, since: NOW };
  const late = bob({ usedCode: EVE.code });
  const known = (more: Partial<Referral> = {}, state: Partial<State> = {}) => ({
    ...SHARE,
    referrals: [{ ...BOBS, ...more }],
    ...state,
  });

  test.each<[string, ContactFacts, Partial<State>, Referral['assist']]>([
    ['is not where the policy shares nothing', both, {}, undefined],
    ['is with whose evidence comes second', both, SHARE, ASSIST],
    ['is not with the member themselves', bob({ referredByIds: ['1'], usedCode: ADA.code }), SHARE, undefined],
    ['is not with the friend', { ...both, email: 'eve@acme.test' }, SHARE, undefined],
    ['is also where the evidence comes late', late, known(), ASSIST],
    ['is not where that is of the member', bob({ usedCode: ADA.code }), known(), undefined],
    [
      'stays with whom it is shared already',
      late,
      known({ assist: { ...ASSIST, memberId: 'mem_7' } }),
      { ...ASSIST, memberId: 'mem_7' },
    ],
    ['is not after a person gave it to one', late, known({ movedAt: T0 }), undefined],
    ['is not when it is declined', late, known({ stage: 'declined', reason: reason('existing_customer') }), undefined],
    [
      'is not where it is older than the policy',
      late,
      known({}, { attribution: policy({ assistPercent: 30 }, T0 + 1) }),
      undefined,
    ],
    [
      'is not where the member has a reward of it',
      late,
      known({}, { rewards: [rewardOf({ referralId: REF_ID })] }),
      undefined,
    ],
    [
      'is where the friend alone has one',
      late,
      known({}, { rewards: [rewardOf({ referralId: REF_ID, party: 'friend' })] }),
      ASSIST,
    ],
    ['is where another referral has one', late, known({}, { rewards: [rewardOf()] }), ASSIST],
    [
      'is from after what was decided by a clock ahead',
      late,
      known({}, { decisions: [decisionOf({ referralId: REF_ID, recordedAt: NOW + 4 })] }),
      { ...ASSIST, since: NOW + 5 },
    ],
  ])('%s', (_, friend, more, expected) => {
    expect(attributed(friend, more).referral?.assist).toEqual(expected);
  });

  test('keeps who shares it, and among whom', () => {
    const candidates = (friend: ContactFacts, more: Partial<State>) =>
      attributed(friend, more).plan.attributions.map((one) => [one.reason, one.candidates]);
    expect(candidates(both, SHARE)).toEqual([
      [
        reason('attributed_label'),
        [
          { memberId: 'mem_1', source: 'label', at: null, verdict: 'winner' },
          { memberId: 'mem_2', source: 'code', at: null, verdict: 'assist' },
        ],
      ],
    ]);
    expect(candidates(bob({ referredByIds: ['1', '3'], usedCode: EVE.code }), known())).toMatchObject([
      [
        reason('credit_shared', { percent: '30' }),
        [
          { memberId: 'mem_1', verdict: 'winner' },
          { memberId: 'mem_2', source: 'label', verdict: 'assist' },
          { memberId: 'mem_2', source: 'code', verdict: 'outranked' },
        ],
      ],
    ]);
    expect(candidates(late, known())).toEqual([
      [
        reason('credit_shared', { percent: '30' }),
        [
          { memberId: 'mem_1', source: 'label', at: T0, verdict: 'winner' },
          { memberId: 'mem_2', source: 'code', at: null, verdict: 'assist' },
        ],
      ],
    ]);
  });
});

describe('a referral that is there', () => {
  test('goes by the contact as it is now, and keeps what the CRM has no more', () => {
    expect(attributed(bob({ name: 'Bobby', email: 'new@acme.test' }), { referrals: [BOBS] }).referral).toEqual({
      ...AFTER,
      friend: { name: 'Bobby', email: 'new@acme.test', contact: at('2') },
    });
    expect(
      attributed(bob({ name: null, email: null }), { referrals: [BOBS] }).plan.referrals[0]?.friend ?? BOBS.friend,
    ).toEqual(BOBS.friend);
  });

  test('keeps its home where the contact is of another connection', () => {
    const elsewhere = elsewhereWith([edge(at('2'), REF_ID)]);
    const home = { ...BOBS.friend, contact: at('90', ORG) };
    expect(
      attributed(bob({ name: 'Other' }), { referrals: [{ ...BOBS, friend: home }], elsewhere }).referral?.friend,
    ).toEqual(home);
  });

  test('finds its home in the first contact that is the friend', () => {
    const unplaced = { ...BOBS, friend: { ...BOBS.friend, contact: null } };
    const elsewhere = elsewhereWith([edge(at('2'), REF_ID)]);
    expect(attributed(bob(), { referrals: [unplaced], elsewhere }).referral?.friend.contact).toEqual(at('2'));
  });

  const earlier: Referral = {
    ...BOBS,
    id: 'ref_a',
    submittedAt: T0 - 1,
    friend: { ...BOBS.friend, contact: at('20') },
  };
  test('of two friends who became one the earlier goes on, under the id that the CRM has kept', () => {
    const { referral, plan } = attributed(bob({ formerIds: ['20'] }), { referrals: [BOBS, earlier] });
    expect([referral?.id, referral?.friend.contact]).toEqual(['ref_a', at('2')]);
    expect(plan.referrals.find(({ id }) => id === REF_ID)?.friend.contact).toEqual(at('20'));
    expect(plan.contactsGivenUp).toEqual(['ref_a', REF_ID]);
    const other = attributed(bob({ formerIds: ['20'] }), { referrals: [{ ...BOBS, programId: 'other' }, earlier] });
    expect(other.plan.contactsGivenUp).toBeUndefined();
  });

  test('is found by its contact, the ids merged into it, and what it is tied to; the earliest first', () => {
    const tied: Referral = { ...BOBS, id: 'ref_c', friend: { ...BOBS.friend, contact: at('2', ORG) } };
    const sameTime: Referral = { ...earlier, id: 'ref_b' };
    const referrals = [
      BOBS,
      sameTime,
      earlier,
      tied,
      { ...BOBS, id: 'ref_d', friend: { ...BOBS.friend, contact: null } },
    ];
    const idsOf = (edges: IdentityEdge[], ...formerIds: string[]) =>
      referralsOfFriend(createDraft(stateOf({ referrals, elsewhere: elsewhereWith(edges) })), bob({ formerIds })).map(
        ({ id }) => id,
      );
    expect(idsOf([])).toEqual([REF_ID]);
    expect(idsOf([], '20')).toEqual(['ref_a', 'ref_b', REF_ID]);
    expect(idsOf([edge(at('2'), 'ref_c')])).toEqual(['ref_c', REF_ID].sort());
  });

  test('tells why it is its member’s', () => {
    expect(sourceReason({ source: 'code' })).toEqual(reason('attributed_code'));
    expect(sourceReason({ source: 'code', movedAt: T0 })).toEqual(reason('attributed_person'));
  });
});

describe('who is named is a member', () => {
  const enrolled = (contact: ContactFacts, members: readonly Member[], edges: readonly IdentityEdge[] = []) => {
    const state = stateOf({ members, elsewhere: elsewhereWith(edges) });
    return enrol(createDraft(state), state, contact, NOW);
  };
  const dan = contactOf('7', { name: 'Dan', email: ' Dan@Acme.test' });
  const id = memberIdOf('acc_1', at('7'));
  const DAN: Member = {
    id,
    name: 'Dan',
    email: 'dan@acme.test',
    code: memberCode(id),
    contact: at('7'),
    createdAt: NOW,
    version: 1,
  };
  const known = memberOf({ name: 'Daniel', email: 'old@acme.test', contact: at('7') });

  test.each<[string, ContactFacts, readonly Member[], Partial<Member>]>([
    ['from now on', dan, [], DAN],
    ['also one of the own people', { ...dan, isStaff: true }, [], { ...DAN, isStaff: true }],
    [
      'under the name and the address that the CRM has now',
      dan,
      [known],
      { ...known, name: 'Dan', email: 'dan@acme.test', version: 2 },
    ],
    ['and those of before where it has none', { ...dan, name: null, email: null }, [known], known],
    [
      'who has become one of the own people',
      { ...dan, isStaff: true },
      [known],
      { ...known, name: 'Dan', email: 'dan@acme.test', isStaff: true, version: 2 },
    ],
    [
      'who is none any more',
      { ...dan, isStaff: false },
      [{ ...known, isStaff: true }],
      { ...known, name: 'Dan', email: 'dan@acme.test', isStaff: undefined, version: 2 },
    ],
    [
      'who is one still where the CRM says nothing',
      dan,
      [{ ...known, isStaff: true }],
      { ...known, name: 'Dan', email: 'dan@acme.test', isStaff: true, version: 2 },
    ],
    [
      'who was enrolled by the address',
      dan,
      [memberOf({ contact: null, email: 'dan@acme.test' })],
      memberOf({ name: 'Dan', contact: at('7'), email: 'dan@acme.test', version: 2 }),
    ],
  ])('%s', (_, contact, members, expected) => {
    expect(enrolled(contact, members)).toEqual(expected);
  });

  test('as what the contact at home says', () => {
    const home = memberOf({ contact: at('70', ORG) });
    expect(enrolled(dan, [home], [edge(at('7'), 'mem_1')])).toEqual(home);
  });

  const merged = memberOf({ id: 'mem_m', contact: at('6') });
  const byMail = memberOf({ id: 'mem_e', contact: null, email: 'dan@acme.test' });
  const away = memberOf({ id: 'mem_a', contact: at('7', ORG) });
  test.each<[string, readonly Member[], string | undefined]>([
    ['its own first', [away, byMail, merged, known], known.id],
    ['then that of an id merged into it', [away, byMail, merged], merged.id],
    ['then one by the address who has no contact yet', [away, byMail], byMail.id],
    ['then one of another connection, to whom it is tied', [away], away.id],
    ['not one by the address who has a contact', [{ ...byMail, contact: at('8') }], undefined],
    ['not one by another address', [{ ...byMail, email: 'x@acme.test' }], undefined],
    ['nobody where nobody is known', [], undefined],
  ])('a contact is %s', (_, members, expected) => {
    const draft = createDraft(stateOf({ members, elsewhere: elsewhereWith([edge(at('7'), 'mem_a')]) }));
    expect(memberOfContact(draft, { ...dan, formerIds: ['6'] })?.id).toBe(expected);
  });

  test('having no address is no address', () => {
    const draft = createDraft(stateOf({ members: [{ ...byMail, email: null }] }));
    expect(memberOfContact(draft, { ...dan, email: null })).toBeUndefined();
  });
});

describe('of two referrals a shared deal belongs to', () => {
  const one = (more: Partial<Referral>, contact: string | null = '2'): Referral => ({
    ...BOBS,
    ...more,
    friend: { ...BOBS.friend, contact: contact === null ? null : at(contact) },
  });
  test.each<[string, Referral, Referral]>([
    ['the one that was submitted', one({ source: 'email' }, '9'), one({ source: 'label' }, '1')],
    [
      'the one that was submitted earlier',
      one({ source: 'explicit', submittedAt: 1 }, '9'),
      one({ source: 'email', submittedAt: 2 }, '1'),
    ],
    [
      'of two submitted at one moment the older contact',
      one({ source: 'explicit' }, '1'),
      one({ source: 'email' }, '9'),
    ],
    [
      'the older contact, whenever it was inferred',
      one({ submittedAt: 2 }, '1'),
      one({ submittedAt: 1, source: 'code' }, '9'),
    ],
    ['whom the CRM names rather than a colleague', one({}, '9'), one({ source: 'company' }, '1')],
    ['of two colleagues the older contact', one({ source: 'company' }, '1'), one({ source: 'company' }, '9')],
    ['one without a contact, which is older than any', one({}, null), one({}, '1')],
  ])('%s', (_, first, second) => {
    expect([comesBefore(first, second), comesBefore(second, first)]).toEqual([true, false]);
  });

  test('ids grow: the shorter or smaller one is older', () => {
    expect(['10', '9', '11', '9'].toSorted(byAge)).toEqual(['9', '9', '10', '11']);
    expect(byAge('7', '7')).toBe(0);
  });
});
