import { describe, expect, test } from 'vitest';
import { contactKeys } from '../../src/domain/contact-keys.ts';
import { elsewhereKeys } from '../../src/domain/elsewhere-keys.ts';
import { KEYED, ORG, orgContact, orgDeal, PORTAL } from './two-worlds.ts';
import { contactOf, dealOf, pointOf, T0 } from './world.ts';

const BOTH = { decidedIn: ORG, keys: { [PORTAL]: 'source', [ORG]: 'id', con_3: 'id', con_4: 'erp' } };
const policyOf = (more: object) => ({
  version: 1,
  policy: { ...KEYED, ...more },
  contentHash: 'h',
  publishedAt: T0,
  publishedBy: 'an admin',
});
const bearing = (id: string, source: string | null) => dealOf(id, [], [pointOf(T0, { properties: { source } })]);
const phoned = (id: string, ...phones: string[]) => contactOf(id, { traits: { phones } });

describe('what was read in one CRM is looked for in the others', () => {
  const others = [ORG, 'con_3', 'con_4'];
  const read = {
    deals: [bearing('1', 'b'), bearing('2', 'a'), bearing('3', 'b'), bearing('4', null)],
    contacts: [
      contactOf('10', { properties: { source: 'y' }, traits: { phones: ['+4930123', '+4930124'] } }),
      contactOf('11', { properties: { source: 'x' }, traits: { phones: ['local:123'] } }),
      contactOf('12', { properties: { source: 'y' }, traits: { phones: ['+4930123'] } }),
      contactOf('13', { properties: { source: null } }),
      phoned('14'),
    ],
  };
  const { phone } = contactKeys('acc_1', phoned('10', '+4930123'));
  const keysOf = (policy: ReturnType<typeof policyOf> | null, { deals, contacts } = read) =>
    elsewhereKeys({ connectionIds: others, policy }, 'acc_1', deals, contacts);

  test('by each key once and in order, by numbers that tell their country, and in some by the record’s own id', () => {
    expect(keysOf(policyOf({ deals: BOTH, contacts: BOTH }))).toEqual({
      connectionIds: others,
      dealKeys: ['a', 'b'],
      contactKeys: ['x', 'y'],
      phoneKeys: [phone],
      dealIdsAreKeysIn: [ORG, 'con_3'],
      contactIdsAreKeysIn: [ORG, 'con_3'],
    });
  });

  test('by nothing but numbers where no policy was published', () => {
    expect(keysOf(null)).toEqual({
      connectionIds: others,
      dealKeys: [],
      contactKeys: [],
      phoneKeys: [phone],
      dealIdsAreKeysIn: [],
      contactIdsAreKeysIn: [],
    });
  });

  test('deals and people each by what the policy says of them', () => {
    expect(keysOf(policyOf({ deals: BOTH, contacts: null }))).toMatchObject({
      dealKeys: ['a', 'b'],
      contactKeys: [],
      dealIdsAreKeysIn: [ORG, 'con_3'],
      contactIdsAreKeysIn: [],
    });
    expect(keysOf(policyOf({ deals: null, contacts: BOTH }))).toMatchObject({
      dealKeys: [],
      contactKeys: ['x', 'y'],
      dealIdsAreKeysIn: [],
      contactIdsAreKeysIn: [ORG, 'con_3'],
    });
  });

  test('by their own ids where those are the keys here', () => {
    const inOrg = { deals: [orgDeal('7', [], [pointOf(T0)])], contacts: [orgContact('90')] };
    expect(keysOf(policyOf({ deals: BOTH, contacts: BOTH }), inOrg)).toMatchObject({
      dealKeys: ['7'],
      contactKeys: ['90'],
      phoneKeys: [],
    });
  });
});
