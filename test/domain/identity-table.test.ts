import { describe, expect, test } from 'vitest';
import type { ConnectionsPolicy } from '../../src/domain/connections-policy.ts';
import {
  areOne,
  type ContactElsewhere,
  createIdentityBook,
  type Elsewhere,
  elsewhereOf,
  friendIdsIn,
  type IdentityEdge,
  isContactCopy,
  memberElsewhere,
  recognise,
  survivorOf,
} from '../../src/domain/identity.ts';
import { createDraft, type State, stateWith } from '../../src/domain/plan.ts';
import type { ContactFacts, RecordRef } from '../../src/domain/record.ts';
import type { Member, Referral } from '../../src/domain/referral.ts';
import { memberOf } from './granted.ts';
import { KEYED, ORG, orgContact, PORTAL } from './two-worlds.ts';
import { contactOf, DAY, OPEN_REFERRAL, T0 } from './world.ts';

const NOW = T0 + DAY;
const inPortal = (id: string): RecordRef => ({ connectionId: PORTAL, object: 'contact', id });
const inOrg = (id: string): RecordRef => ({ connectionId: ORG, object: 'contact', id });
const of = (ref: RecordRef, ...formerIds: string[]) => ({ ref, formerIds });

/** Contact 90 of the org is the member, by the address. */
function edgeOf(more: Partial<IdentityEdge> = {}): IdentityEdge {
  return { record: inOrg('90'), subject: 'mem_1', sequence: 1, evidence: 'email', since: T0, until: null, ...more };
}

/** The org decides on contacts; the portal's bear its ids. */
const CONTACTS_KEYED: ConnectionsPolicy = {
  ...KEYED,
  contacts: { decidedIn: ORG, keys: { [PORTAL]: 'source', [ORG]: 'id' } },
};

interface Known {
  readonly members?: readonly Member[];
  readonly referrals?: readonly Referral[];
  readonly edges?: readonly IdentityEdge[];
  readonly contacts?: readonly ContactElsewhere[];
  readonly policy?: ConnectionsPolicy | null;
}

function stateOf({ members = [], referrals = [], edges = [], contacts = [], policy = null }: Known): State {
  const elsewhere: Elsewhere = {
    policy: policy === null ? null : { version: 1, policy, contentHash: 'h', publishedAt: T0, publishedBy: 'an admin' },
    mappings: new Map(),
    names: new Map(),
    edges,
    contacts,
    deals: [],
  };
  return stateWith('acc_1', { members, referrals, elsewhere });
}

const draftOf = (known: Known) => createDraft(stateOf(known));

describe('the book of who is who', () => {
  const ended = edgeOf({ subject: 'mem_2', until: T0 + 1 });
  const merged = edgeOf({ record: inOrg('89'), subject: 'mem_3' });
  const elsewhere = edgeOf({ record: inPortal('90'), subject: 'mem_4' });
  const known = [edgeOf(), ended, merged, elsewhere];

  test('tells whose a contact is now, and whose it was, also under ids that were merged into it', () => {
    const book = createIdentityBook(known);
    expect(book.of(of(inOrg('90')))).toEqual([edgeOf()]);
    expect(book.of(of(inOrg('90'), '89'))).toEqual([edgeOf(), merged]);
    expect(book.onceOf(of(inOrg('90'), '89'))).toEqual(['mem_2']);
    expect(book.of(of(inOrg('91')))).toEqual([]);
    expect(book.onceOf(of(inOrg('91')))).toEqual([]);
    expect(book.changed()).toEqual([]);
  });

  test('tells whose it was once each and in order, and none whose it is again', () => {
    const again = edgeOf({ subject: 'mem_2', sequence: 2 });
    const more = ['mem_9', 'mem_7', 'mem_9'].map((subject, index) => edgeOf({ subject, sequence: index, until: T0 }));
    expect(createIdentityBook([ended, again, ...more]).onceOf(of(inOrg('90')))).toEqual(['mem_7', 'mem_9']);
  });

  test('tells the contacts of a person, those that are theirs now', () => {
    const book = createIdentityBook([...known, edgeOf({ record: inOrg('91') })]);
    expect(book.contactsOf('mem_1')).toEqual([inOrg('90'), inOrg('91')]);
    expect(book.contactsOf('mem_2')).toEqual([]);
    expect(book.contactsOf('nobody')).toEqual([]);
  });

  test('ties two that were never tied, and knows them as new', () => {
    const book = createIdentityBook(known);
    const tied = edgeOf({ record: inOrg('91'), evidence: 'phone', since: NOW });
    book.tie(inOrg('91'), 'mem_1', 'phone', NOW);
    expect(book.changed()).toEqual([tied]);
    expect(book.of(of(inOrg('91')))).toEqual([tied]);
    expect(book.of(of(inOrg('90')))).toEqual([edgeOf()]);
    expect(book.contactsOf('mem_1')).toEqual([inOrg('90'), inOrg('91')]);
    expect(book.contactsOf('mem_4')).toEqual([inPortal('90')]);
    book.tie(inOrg('92'), 'mem_2', 'email', NOW);
    expect(book.isNew(inOrg('91'), 'mem_1')).toBe(true);
    expect(book.isNew(inOrg('91'), 'mem_2')).toBe(false);
    expect(book.isNew(inOrg('90'), 'mem_1')).toBe(false);
    expect(book.isNew(inPortal('91'), 'mem_1')).toBe(false);
  });

  test('does not tie again what is tied, whatever else speaks for it', () => {
    const book = createIdentityBook(known);
    book.tie(inOrg('90'), 'mem_1', 'shared_key', NOW);
    expect(book.changed()).toEqual([]);
  });

  test('ties anew what was tied once, with the next number and not as new', () => {
    const book = createIdentityBook([ended, edgeOf({ subject: 'mem_2', sequence: 4, until: T0 + 2 })]);
    book.tie(inOrg('90'), 'mem_2', 'email', NOW);
    expect(book.changed()).toEqual([edgeOf({ subject: 'mem_2', sequence: 5, since: NOW })]);
    expect(book.isNew(inOrg('90'), 'mem_2')).toBe(false);
  });

  test('ends a tie from a moment on, and not before it began', () => {
    const book = createIdentityBook(known);
    book.end(edgeOf(), NOW);
    expect(book.changed()).toEqual([edgeOf({ until: NOW })]);
    expect(book.of(of(inOrg('90')))).toEqual([]);
    expect(book.contactsOf('mem_1')).toEqual([]);
    expect(book.onceOf(of(inOrg('90')))).toEqual(['mem_1', 'mem_2']);
    const ahead = createIdentityBook([edgeOf({ since: NOW })]);
    ahead.end(edgeOf({ since: NOW }), T0);
    expect(ahead.changed()).toEqual([edgeOf({ since: NOW, until: NOW })]);
  });

  test('leaves nothing of a tie that it has made and ended at one moment', () => {
    const book = createIdentityBook(known);
    book.tie(inOrg('91'), 'mem_1', 'email', NOW);
    book.end(edgeOf({ record: inOrg('91'), since: NOW }), NOW);
    expect(book.changed()).toEqual([]);
    expect(book.contactsOf('mem_1')).toEqual([inOrg('90')]);
  });

  test('ends one that it has tied at another moment, which is new no more', () => {
    const book = createIdentityBook();
    book.tie(inOrg('90'), 'mem_1', 'email', T0);
    book.end(edgeOf(), NOW);
    expect(book.changed()).toEqual([edgeOf({ until: NOW })]);
    expect(book.isNew(inOrg('90'), 'mem_1')).toBe(false);
  });
});

describe('a contact is recognised', () => {
  const ada = memberOf({ email: 'ada@acme.test' });
  const bob: Referral = { ...OPEN_REFERRAL, friend: { ...OPEN_REFERRAL.friend, email: 'bob@acme.test' } };
  const here = (more: Partial<ContactFacts> = {}) => orgContact('90', { email: 'ada@acme.test', ...more });
  const tied = edgeOf({ since: NOW });
  const silent = (id: string, more: Partial<ContactElsewhere> = {}): ContactElsewhere => ({
    ref: inPortal(id),
    email: null,
    sharedKey: null,
    phoneKey: null,
    ...more,
  });
  const PHONE = { traits: { phones: ['+4930123'] } };
  const { phoneKey } = elsewhereOf('acc_1', null, orgContact('90', PHONE));
  const phoned = (id: string) => silent(id, { phoneKey });
  const mute = (more: Partial<ContactFacts> = {}) => here({ email: null, ...PHONE, ...more });

  /** Which edges it writes, and whether the record has to show something else. */
  function seen(known: Known, contact: ContactFacts) {
    const state = stateOf(known);
    const draft = createDraft(state);
    recognise(draft, state, contact, NOW);
    const { identity = [], mirror } = draft.plan();
    return { identity, shows: mirror.length > 0 };
  }
  const NOTHING = { identity: [], shows: false };
  const made = (...identity: IdentityEdge[]) => ({ identity, shows: true });

  test.each<[string, Known, ContactFacts, ReturnType<typeof seen>]>([
    ['as the member with its address', { members: [ada] }, here(), made(tied)],
    [
      'as the friend with its address',
      { referrals: [bob] },
      here({ email: 'bob@acme.test' }),
      made(edgeOf({ subject: 'ref_1', since: NOW })),
    ],
    ['not by another address', { members: [ada] }, here({ email: 'eve@acme.test' }), NOTHING],
    ['not by having no address, as a member has none', { members: [memberOf()] }, here({ email: null }), NOTHING],
    ['not as a member of its own connection', { members: [{ ...ada, contact: inOrg('91') }] }, here(), NOTHING],
    ['not as a member who has no contact yet', { members: [{ ...ada, contact: null }] }, here(), NOTHING],
    ['and stays so', { members: [ada], edges: [edgeOf()] }, here(), NOTHING],
    [
      'until its address is another',
      { members: [ada], edges: [edgeOf()] },
      here({ email: 'eve@acme.test' }),
      made(edgeOf({ until: NOW })),
    ],
    [
      'also then where a person has said so',
      { members: [ada], edges: [edgeOf({ evidence: 'person' })] },
      here({ email: 'eve@acme.test' }),
      NOTHING,
    ],
    [
      'also then where it was merged into it',
      { members: [ada], edges: [edgeOf({ evidence: 'merged' })] },
      here({ email: 'eve@acme.test' }),
      NOTHING,
    ],
    [
      'as somebody else',
      { members: [ada, memberOf({ id: 'mem_2', email: 'eve@acme.test' })], edges: [edgeOf()] },
      here({ email: 'eve@acme.test' }),
      made(edgeOf({ until: NOW }), edgeOf({ subject: 'mem_2', since: NOW })),
    ],
    [
      'as nobody once it is deleted',
      { members: [ada], edges: [edgeOf({ evidence: 'person' })] },
      here({ presence: 'deleted' }),
      { identity: [edgeOf({ evidence: 'person', until: NOW })], shows: false },
    ],
    [
      'as whom the contact was that was merged into it',
      { members: [memberOf({ email: 'old@acme.test' })], edges: [edgeOf({ record: inOrg('89') })] },
      here({ formerIds: ['89'] }),
      made(edgeOf({ record: inOrg('89'), until: NOW }), edgeOf({ evidence: 'merged', since: NOW })),
    ],
    [
      'by what speaks for it now, where that contact was merged into it',
      { members: [ada], edges: [edgeOf({ record: inOrg('89') })] },
      here({ formerIds: ['89'] }),
      made(edgeOf({ record: inOrg('89'), until: NOW }), edgeOf({ since: NOW })),
    ],
    [
      'as a member who has stood longer than the one that it is here',
      { members: [ada, memberOf({ id: 'mem_2', contact: inOrg('90'), createdAt: T0 + 1 })] },
      here(),
      made(tied),
    ],
    [
      'also where it is that one under an id that was merged',
      {
        members: [
          memberOf({ ...ada, createdAt: T0 + 2 }),
          memberOf({ id: 'mem_2', contact: inOrg('89'), createdAt: T0 + 1 }),
        ],
      },
      here({ formerIds: ['89'] }),
      NOTHING,
    ],
    [
      'not as one who came later',
      {
        members: [
          memberOf({ ...ada, createdAt: T0 + 2 }),
          memberOf({ id: 'mem_2', contact: inOrg('90'), createdAt: T0 + 1 }),
        ],
      },
      here(),
      NOTHING,
    ],
    [
      'of two who came at one moment as the first by name',
      { members: [ada, memberOf({ id: 'mem_2', contact: inOrg('90') })] },
      here(),
      made(tied),
    ],
    ['and not as the second', { members: [ada, memberOf({ id: 'mem_0', contact: inOrg('90') })] }, here(), NOTHING],
    [
      'as a friend whose referral is older than its own',
      {
        referrals: [
          bob,
          { ...OPEN_REFERRAL, id: 'ref_2', submittedAt: T0 + 1, friend: { ...bob.friend, contact: inOrg('90') } },
        ],
      },
      here({ email: 'bob@acme.test' }),
      made(edgeOf({ subject: 'ref_1', since: NOW })),
    ],
    [
      'not as one whose referral is younger',
      {
        referrals: [
          { ...bob, submittedAt: T0 + 2 },
          { ...OPEN_REFERRAL, id: 'ref_2', submittedAt: T0 + 1, friend: { ...bob.friend, contact: inOrg('90') } },
        ],
      },
      here({ email: 'bob@acme.test' }),
      NOTHING,
    ],
    [
      'also as that one, where it is of another program',
      {
        referrals: [
          { ...bob, submittedAt: T0 + 2 },
          {
            ...OPEN_REFERRAL,
            id: 'ref_2',
            programId: 'spring',
            submittedAt: T0 + 1,
            friend: { ...bob.friend, contact: inOrg('90') },
          },
        ],
      },
      here({ email: 'bob@acme.test' }),
      made(edgeOf({ subject: 'ref_1', since: NOW })),
    ],
    [
      'not as a friend of its own connection',
      { referrals: [{ ...bob, friend: { ...bob.friend, contact: inOrg('91') } }] },
      here({ email: 'bob@acme.test' }),
      NOTHING,
    ],
    [
      'by its telephone, where it has no address',
      { members: [ada], contacts: [phoned('1')] },
      mute(),
      made(edgeOf({ evidence: 'phone', since: NOW })),
    ],
    [
      'by its telephone, where the other has no address',
      { members: [memberOf()], contacts: [phoned('1')] },
      here(PHONE),
      made(edgeOf({ evidence: 'phone', since: NOW })),
    ],
    [
      'not by its telephone where two addresses say otherwise',
      { members: [ada], contacts: [phoned('1')] },
      here({ ...PHONE, email: 'eve@acme.test' }),
      NOTHING,
    ],
    [
      'not by a telephone that two have there',
      { members: [ada], contacts: [phoned('1'), phoned('3')] },
      mute(),
      NOTHING,
    ],
    [
      'by one that is one contact’s there, whoever else has a telephone',
      { members: [ada], contacts: [phoned('1'), silent('3', { phoneKey: 'key_x' }), silent('4')] },
      mute(),
      made(edgeOf({ evidence: 'phone', since: NOW })),
    ],
    [
      'by one that another has in a third CRM',
      { members: [ada], contacts: [phoned('1'), { ...phoned('3'), ref: { ...inPortal('3'), connectionId: 'con_3' } }] },
      mute(),
      made(edgeOf({ evidence: 'phone', since: NOW })),
    ],
    [
      'not by another telephone',
      { members: [ada], contacts: [silent('1', { phoneKey: 'key_x' }), phoned('3')] },
      mute(),
      NOTHING,
    ],
    ['not by two that have none', { members: [ada], contacts: [silent('1')] }, here({ email: null }), NOTHING],
    ['not by a telephone of a contact that was not read', { members: [ada], contacts: [phoned('3')] }, mute(), NOTHING],
    [
      'by its own id, which is the key',
      { members: [ada], contacts: [silent('1', { sharedKey: '90' })], policy: CONTACTS_KEYED },
      here({ email: null }),
      made(edgeOf({ evidence: 'shared_key', since: NOW })),
    ],
    [
      'by the key rather than by the address',
      { members: [ada], contacts: [silent('1', { sharedKey: '90' })], policy: CONTACTS_KEYED },
      here(),
      made(edgeOf({ evidence: 'shared_key', since: NOW })),
    ],
    [
      'not as somebody with another key, whatever address they share',
      { members: [ada], contacts: [silent('1', { sharedKey: '91' })], policy: CONTACTS_KEYED },
      here(),
      NOTHING,
    ],
    [
      'by the address where the other bears no key',
      { members: [ada], contacts: [silent('1')], policy: CONTACTS_KEYED },
      here(),
      made(tied),
    ],
    [
      'by the address where the other was not read, and keys are read of it',
      { members: [ada], policy: CONTACTS_KEYED },
      here(),
      made(tied),
    ],
  ])('%s', (_, known, contact, expected) => {
    expect(seen(known, contact)).toEqual(expected);
  });

  test('by the key that is the id of the other, which need not have been read', () => {
    const member = memberOf({ contact: inOrg('1'), email: 'ada@acme.test' });
    const edge = edgeOf({ record: inPortal('90'), evidence: 'shared_key', since: NOW });
    const bearing = (source: string | null) => contactOf('90', { email: 'ada@acme.test', properties: { source } });
    const known: Known = { members: [member], policy: CONTACTS_KEYED };
    expect(seen(known, bearing('1'))).toEqual(made(edge));
    expect(seen(known, bearing('2'))).toEqual(NOTHING);
    expect(seen(known, bearing(null))).toEqual(made({ ...edge, evidence: 'email' }));
  });

  test('as nobody where the account has one connection', () => {
    const state = stateWith('acc_1', { members: [ada] });
    const draft = createDraft(state);
    recognise(draft, state, here(), NOW);
    expect(draft.plan().identity).toBeUndefined();
  });
});

describe('other connections look for a contact', () => {
  test.each<[string, Partial<ContactFacts>, ConnectionsPolicy | null, Partial<ContactElsewhere>]>([
    ['by its address in one spelling', { email: ' A@B.test ' }, null, { email: 'a@b.test' }],
    ['by its key', { properties: { source: '90' } }, CONTACTS_KEYED, { sharedKey: '90' }],
    ['by no key without a policy', { properties: { source: '90' } }, null, {}],
    ['not by a number without its country', { traits: { phones: ['local:1', '+491'] } }, null, {}],
    ['by nothing where nothing is known', { traits: {} }, null, {}],
  ])('%s', (_, more, policy, expected) => {
    const version = stateOf({ policy }).elsewhere?.policy ?? null;
    expect(elsewhereOf('acc_1', version, contactOf('1', { email: null, ...more }))).toEqual({
      ref: inPortal('1'),
      email: null,
      sharedKey: null,
      phoneKey: null,
      ...expected,
    });
  });

  test('by its first number, which says nothing to another account', () => {
    const phones = (...numbers: string[]) => contactOf('1', { traits: { phones: numbers } });
    const keyIn = (account: string, ...numbers: string[]) => elsewhereOf(account, null, phones(...numbers)).phoneKey;
    expect(keyIn('acc_1', '+491', '+492')).toMatch(/^key_[0-9a-z]{26}$/);
    expect(keyIn('acc_1', '+491')).toBe(keyIn('acc_1', '+491', '+492'));
    expect(keyIn('acc_2', '+491')).not.toBe(keyIn('acc_1', '+491'));
  });
});

describe('of two members who are one person', () => {
  const ada = memberOf();
  const early = memberOf({ id: 'mem_2', contact: inOrg('80'), createdAt: T0 - 1 });
  const late = memberOf({ id: 'mem_3', contact: inOrg('81'), createdAt: T0 + 1 });
  const sameTime = memberOf({ id: 'mem_0', contact: inOrg('82') });
  const toAda = (subject: string, more: Partial<IdentityEdge> = {}) =>
    edgeOf({ record: inPortal('1'), subject, ...more });
  const survivor = (members: readonly Member[], edges: readonly IdentityEdge[], of: Member = ada) =>
    survivorOf(draftOf({ members, edges }), of).id;

  test.each<[string, readonly Member[], readonly IdentityEdge[], string]>([
    ['the one who has stood longer goes on', [ada, early], [toAda('mem_2')], 'mem_2'],
    ['which may be this one', [ada, late], [toAda('mem_3')], 'mem_1'],
    ['at one moment the first by name', [ada, sameTime], [toAda('mem_0')], 'mem_0'],
    [
      'of several the longest',
      [ada, late, early, sameTime],
      ['mem_3', 'mem_0', 'mem_2'].map((id) => toAda(id)),
      'mem_2',
    ],
    [
      'in whatever order they are known',
      [ada, late, early, sameTime],
      ['mem_2', 'mem_0', 'mem_3'].map((id) => toAda(id)),
      'mem_2',
    ],
    ['not one that this one was tied to once', [ada, early], [toAda('mem_2', { until: T0 })], 'mem_1'],
    ['not one who was not loaded', [ada], [toAda('mem_2')], 'mem_1'],
    ['nor a friend', [ada], [toAda('ref_1')], 'mem_1'],
  ])('%s', (_, members, edges, expected) => {
    expect(survivor(members, edges)).toBe(expected);
  });

  test('one without a contact goes on', () => {
    const unplaced = memberOf({ contact: null });
    expect(survivor([unplaced, early], [toAda('mem_2')], unplaced)).toBe('mem_1');
  });

  test('a contact is the longest-standing of them', () => {
    const draft = draftOf({
      members: [late, early],
      edges: [edgeOf({ subject: 'mem_3' }), edgeOf({ subject: 'mem_2' })],
    });
    expect(memberElsewhere(draft, of(inOrg('90')))?.id).toBe('mem_2');
    expect(memberElsewhere(draft, of(inOrg('91')))).toBeUndefined();
  });
});

describe('one person', () => {
  const edges = [
    edgeOf({ subject: 'ref_1' }),
    edgeOf({ subject: 'ref_1', record: inOrg('91') }),
    edgeOf({ subject: 'ref_1', record: inOrg('92'), until: T0 }),
    edgeOf({ subject: 'mem_2', record: inOrg('91') }),
  ];
  const draft = draftOf({ edges });

  test('has the ids of their home and of what is tied to them, in each connection', () => {
    expect(friendIdsIn(draft, OPEN_REFERRAL, PORTAL)).toEqual(['2']);
    expect(friendIdsIn(draft, OPEN_REFERRAL, ORG)).toEqual(['90', '91']);
    const unplaced = { ...OPEN_REFERRAL, friend: { ...OPEN_REFERRAL.friend, contact: null } };
    expect(friendIdsIn(draft, unplaced, PORTAL)).toEqual([]);
  });

  test.each<[string, string, RecordRef | null, boolean]>([
    ['is who has the same home', 'x', inPortal('2'), true],
    ['is whose home is tied to the other', 'x', inOrg('90'), true],
    ['is who is tied to the same contact', 'mem_2', null, true],
    ['is not who was tied to it once', 'x', inOrg('92'), false],
    ['is not who has nothing in common', 'x', inPortal('3'), false],
    ['is not who has no home', 'x', null, false],
  ])('%s', (_, id, home, expected) => {
    const friend = { id: 'ref_1', home: inPortal('2') };
    expect(areOne(draft, friend, { id, home })).toBe(expected);
    expect(areOne(draft, { id, home }, friend)).toBe(expected);
  });
});

describe('a contact is a copy, which opens no referral', () => {
  const bearing = (source: string | null) => contactOf('20', { properties: { source } });
  const BY_OWN_ID = { ...KEYED, contacts: { decidedIn: ORG, keys: { [PORTAL]: 'id', [ORG]: 'source' } } };
  const source = (sharedKey: string, connectionId = ORG): ContactElsewhere => ({
    ref: { ...inOrg('90'), connectionId },
    email: null,
    sharedKey,
    phoneKey: null,
  });

  test.each<[string, Known, ContactFacts, boolean]>([
    ['by the key of the CRM that decides', { policy: CONTACTS_KEYED }, bearing('90'), true],
    ['not without a key', { policy: CONTACTS_KEYED }, bearing(null), false],
    ['not in the CRM that decides', { policy: CONTACTS_KEYED, contacts: [source('90')] }, orgContact('90'), false],
    ['not where the policy speaks of deals alone', { policy: KEYED }, bearing('90'), false],
    ['not where there is none', {}, bearing('90'), false],
    [
      'by its own id where a contact there names it',
      { policy: BY_OWN_ID, contacts: [source('19'), source('20')] },
      bearing(null),
      true,
    ],
    [
      'not by its own id where those name others',
      { policy: BY_OWN_ID, contacts: [source('19')] },
      bearing(null),
      false,
    ],
    [
      'not where a CRM names it that does not decide',
      { policy: BY_OWN_ID, contacts: [source('20', 'con_3')] },
      bearing(null),
      false,
    ],
  ])('%s', (_, known, contact, expected) => {
    expect(isContactCopy(stateOf(known), contact)).toBe(expected);
  });

  test('not where the account has one connection', () => {
    expect(isContactCopy(stateWith('acc_1', {}), bearing('90'))).toBe(false);
  });
});
