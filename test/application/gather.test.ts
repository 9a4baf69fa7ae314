import { expect, test } from 'vitest';
import { gather } from '../../src/application/gather.ts';
import type { CrmSession } from '../../src/application/ports/crm.ts';
import type { CaseKeys, CaseStore, WorkItem } from '../../src/application/ports/store.ts';
import { NOTHING_WANTED } from '../../src/domain/property.ts';
import type { ContactFacts, DealFacts, RecordRef } from '../../src/domain/record.ts';

const CONNECTION = { id: 'con_1', accountId: 'acc_1' };
const POINT = { at: 1, pipelineId: 'p', stageId: 'open', amount: '10.00', currency: 'EUR' };

function refOf(object: 'contact' | 'deal', id: string): RecordRef {
  return { connectionId: CONNECTION.id, object, id };
}

function contact(id: string, referredByIds: readonly string[]): ContactFacts {
  const ref = refOf('contact', id);
  return {
    ref,
    presence: 'present',
    name: null,
    email: `${id}@friends.example`,
    usedCode: null,
    referredByIds,
    formerIds: [],
  };
}

function deal(id: string, contactIds: readonly string[]): DealFacts {
  return { ref: refOf('deal', id), presence: 'present', name: null, history: [POINT], contactIds, formerIds: [] };
}

/** Grace has referred Ada; Ada has one deal, and another one beside Bob. */
function setUp() {
  const contacts = new Map(
    [contact('ada', ['grace']), contact('grace', []), contact('bob', [])].map((one) => [one.ref.id, one]),
  );
  const deals = new Map([deal('own', ['ada']), deal('shared', ['ada', 'bob'])].map((one) => [one.ref.id, one]));
  const asked: CaseKeys[] = [];
  let dealsOfAda = ['own'];
  const session = {
    readDeals: async (ids: readonly string[]) => ids.flatMap((id) => deals.get(id) ?? []),
    readContacts: async (ids: readonly string[]) => ids.flatMap((id) => contacts.get(id) ?? []),
    dealsOfContacts: async (ids: readonly string[]) => new Map(ids.map((id) => [id, dealsOfAda])),
  } satisfies Partial<CrmSession>;
  const store: CaseStore = {
    knownContacts: async () => [],
    contactsOfDeals: async () => new Map(),
    refundsOfDeals: async () => new Map(),
    recordVersions: async () => new Map(),
    load: async (keys) => {
      asked.push(keys);
      return { members: [], referrals: [], decisions: [], rewards: [], tallies: new Map() };
    },
    commit: async () => [],
    togetherMax: 1,
  };
  const item: WorkItem = {
    accountId: 'acc_1',
    record: refOf('deal', 'own'),
    claim: 'c',
    wanted: 1,
    attempts: 0,
    erase: false,
  };
  return {
    asked,
    share: () => {
      dealsOfAda = ['own', 'shared'];
    },
    gather: () => gather(session as unknown as CrmSession, store, CONNECTION, [item], NOTHING_WANTED),
  };
}

test('what is stored of a batch is loaded once when nobody and nothing else turns out to be concerned', async () => {
  const { asked, gather } = setUp();
  const { keys } = await gather();
  expect(asked).toEqual([keys]);
  expect(keys).toMatchObject({ dealIds: ['own'], contactIds: ['ada', 'grace'] });
});

test('what is stored of a friend’s other deals, and of the people on them, is loaded before anything is decided', async () => {
  const { asked, share, gather } = setUp();
  share();
  const { keys } = await gather();
  expect(asked).toHaveLength(2);
  expect(asked.at(-1)).toEqual(keys);
  expect(keys).toMatchObject({ dealIds: ['own', 'shared'], contactIds: ['ada', 'grace', 'bob'] });
});
