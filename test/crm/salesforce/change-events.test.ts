import { describe, expect, test } from 'vitest';
import { type ChangeEvent, meaningOf } from '../../../src/crm/salesforce/change-events.ts';

/** What an event means, where the local org cannot be made to tell one like it. */

const ORG = { externalId: '00DHs1000000001MAA', clientName: 'wonward' };
const ID = '003Hs100000000AIAQ';

function event(changes: Partial<ChangeEvent> = {}, fields: Readonly<Record<string, string>> = {}): ChangeEvent {
  return {
    entity: 'Contact',
    recordIds: [ID],
    changeType: 'UPDATE',
    changeOrigin: '',
    transactionKey: '0000b2f1-6a3e-1f7c-9a1b-1a2b3c4d5e6f',
    sequenceNumber: 1,
    committedAt: 1_795_305_600_000,
    commitNumber: '9007199254740993',
    commitUser: '005Hs100000000AIAQ',
    changedFields: [],
    text: (field) => fields[field] ?? null,
    ...changes,
  };
}
const meaning = (changes: Partial<ChangeEvent> = {}, fields: Readonly<Record<string, string>> = {}) =>
  meaningOf(event(changes, fields), ORG);
const keyOf = (changes: Partial<ChangeEvent> = {}) => meaning(changes).hints[0]?.eventKey;

describe('the key of an event', () => {
  test('is another for another transaction, another place in it, and another record', () => {
    const keys = [
      keyOf(),
      keyOf({ transactionKey: 'other' }),
      keyOf({ sequenceNumber: 2 }),
      keyOf({ recordIds: ['003Hs100000000BIAQ'] }),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(keyOf({ recordIds: [ID.slice(0, 15)] })).toBe(keyOf());
  });

  test('is by the commit, to its last digit, where the transaction has no name', () => {
    const [one, other] = ['9007199254740992', '9007199254740993'].map((commitNumber) =>
      keyOf({ transactionKey: '', commitNumber }),
    );
    expect(one).not.toBe(other);
  });
});

test.each([['001*'], [''], ['003Hs100000000AIAA'], [undefined]])(
  'an event of the record %j, which is none, asks for a sweep from its own time on',
  (id) => {
    const { hints, sweepFrom } = meaning({ recordIds: id === undefined ? [] : [id] });
    expect([hints, sweepFrom]).toEqual([[], 1_795_305_600_000]);
  },
);

test('one id that is none does not keep back the others', () => {
  const { hints, sweepFrom } = meaning({ recordIds: [ID, '003*'] });
  expect(hints.map(({ records }) => records)).toEqual([[{ object: 'contact', id: ID }]]);
  expect(sweepFrom).toBe(1_795_305_600_000);
});

test('a request is one with any namespace, and only of that object', () => {
  const asks = (entity: string, changes: Partial<ChangeEvent> = {}) => meaning({ entity, ...changes }).hasRequests;
  expect(asks('Referral_Action__c')).toBe(true);
  expect(asks('acme_42__Referral_Action__c')).toBe(true);
  expect(asks('Referral_Action__c', { changeType: 'GAP_CREATE' })).toBe(true);
  expect(asks('Referral_Action__c', { changeType: 'DELETE' })).toBe(false);
  for (const other of ['Referral__c', 'Not_Referral_Action__c', 'Referral_Action__x', 'Contact'])
    expect(asks(other)).toBe(false);
});

test('a link that is no id names nothing', () => {
  expect(
    meaning({ entity: 'Lead' }, { ConvertedContactId: 'x', ConvertedOpportunityId: '' }).hints[0]?.records,
  ).toEqual([{ object: 'contact', id: ID }]);
  const role = meaning({ entity: 'OpportunityContactRole' }, { OpportunityId: '006Hs100000000A' });
  expect(role.hints[0]?.records[0]?.id).toMatch(/^006Hs100000000A...$/);
});

test('an object that is called like a part of every object is one of the others', () => {
  expect(meaning({ entity: 'constructor' }).hints[0]).toMatchObject({ kind: 'ignored', records: [] });
});
