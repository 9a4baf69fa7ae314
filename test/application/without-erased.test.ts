import { describe, expect, test } from 'vitest';
import type { CrmSession } from '../../src/application/ports/crm.ts';
import { withoutErased } from '../../src/application/without-erased.ts';
import { type ContactFacts, erasedFacts } from '../../src/domain/record.ts';

const CONNECTION = { accountId: 'acc_1', id: 'con_1' };

function contact(id: string, formerIds: readonly string[] = []): ContactFacts {
  return {
    ref: { connectionId: CONNECTION.id, object: 'contact', id },
    presence: 'present',
    name: 'Grete Holt',
    email: 'grete@example.com',
    usedCode: null,
    referredByIds: [],
    formerIds,
  };
}

/** What the CRM answers for these ids, when these contacts were forgotten. */
function read(ids: readonly string[], answer: readonly ContactFacts[], forgotten: readonly string[]) {
  const session = { readContacts: async () => [...answer] } as unknown as CrmSession;
  const privacy = {
    erasedAmong: async (_account: string, _connection: string, among: readonly string[]) =>
      new Set(among.filter((id) => forgotten.includes(id))),
  };
  return withoutErased(session, privacy, CONNECTION).readContacts(ids);
}

describe('who was forgotten', () => {
  test('is not read under the id of the lead that they were', async () => {
    const facts = contact('003', ['00Q']);
    expect(await read(['00Q'], [facts], ['003'])).toEqual([erasedFacts(facts.ref, ['00Q'])]);
  });

  test('comes once, though they are asked for by both ids', async () => {
    const facts = contact('003', ['00Q']);
    expect(await read(['003', '00Q'], [facts], ['003'])).toEqual([erasedFacts(facts.ref, ['00Q'])]);
  });

  test('takes nobody else along', async () => {
    const other = contact('004', ['005']);
    const facts = await read(['003', '004'], [other], ['003']);
    expect(facts.map(({ ref, presence }) => `${ref.id} ${presence}`)).toEqual(['003 deleted', '004 present']);
  });
});
