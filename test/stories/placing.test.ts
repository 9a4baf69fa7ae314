import { afterAll, beforeAll, expect, test } from 'vitest';
import { PORTAL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
const crm = () => stack.sandbox.control;

beforeAll(async () => {
  stack = await startStack();
  // Both are in the CRM before Wonward is, so that no webhook ever tells of them.
  crm().createRecord(PORTAL, 'contact', { properties: { email: 'Grace@Example.com', firstname: 'Grace' } });
  crm().createRecord(PORTAL, 'contact', { properties: { email: 'hopper@example.com', firstname: 'Vera' } });
  await stack.install();
  await stack.settle();
});
afterAll(() => stack.close());

test('a member and a friend that the API names by e-mail address find their contacts of long ago', async () => {
  const member = await stack.api('POST', '/members', { name: 'Grace', email: 'grace@example.com' });
  expect(member.status).toBe(201);
  const referral = await stack.api('POST', '/referrals', {
    memberId: member.body.id,
    friend: { name: 'Vera', email: 'hopper@example.com' },
  });
  expect(referral.body.stage).toBe('submitted');
  await eventually(async () => {
    expect((await stack.api('GET', `/referrals/${referral.body.id}`)).body).toMatchObject({
      stage: 'accepted',
      source: 'email',
    });
    expect((await stack.api('GET', `/members/${member.body.id}`)).body.contact).not.toBeNull();
  });
  await stack.settle();
  const grace = crm().listRecords(PORTAL, 'contact', { query: 'grace@example.com' }).results[0];
  expect(grace?.properties.wonward_referrals).toBe('1');
});

test('one that could not be asked for is found by the next sweep', async () => {
  const [member] = (await stack.api('GET', '/members')).body.items;
  crm().createRecord(PORTAL, 'contact', { properties: { email: 'late@example.com' } });
  await stack.settle();
  const contactReads = { target: 'api' as const, path: '/crm/objects/2026-03/contacts/batch/read' };
  crm().addFault({ ...contactReads, effect: { kind: 'status', status: 503 } });
  const { body } = await stack.api('POST', '/referrals', {
    memberId: member.id,
    friend: { email: 'late@example.com' },
  });
  const stage = async () => (await stack.api('GET', `/referrals/${body.id}`)).body.stage;
  // The look-up gives up after its attempts; nobody waits for it but the fault.
  await stack.settle();
  expect(await stage()).toBe('submitted');

  crm().clearFaults();
  const [connection] = await stack.service.store.connections.listConnected();
  if (!connection) throw new Error('not connected');
  await stack.service.container.reconcile.sweep(connection);
  await stack.settle();
  expect(await stage()).toBe('accepted');
});

async function eventually(check: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await check();
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
