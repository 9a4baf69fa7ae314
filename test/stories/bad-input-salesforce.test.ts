import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PERSON_FIELDS, REFERRAL, REWARD } from '../../manifests/salesforce/package.ts';
import { verify } from '../../src/application/verify.ts';
import type { FaultInput } from '../../src/sandbox/salesforce/faults.ts';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { type Json, quickClock } from '../support/stack.ts';

/**
 * What an org can be like on a bad day. Each ends in a retry, in a write that waits for an admin, who can read why and have it done again, or in
 * a decision that says what is missing; and when the org is well again, both sides have been paid, once. Beside these: a duplicate rule, a
 * converted lead and an opportunity without an amount are in salesforce.test.ts.
 */

/** Attempts are put off for minutes of the service's clock, which are seconds of this one. */
const PATIENCE_MS = 90_000;
const PAID = ['friend issued 50', 'member issued 100'];

let org: SalesforceStack;
let member: string;
let turn = 0;

beforeAll(async () => {
  org = await startSalesforceStack({
    clock: quickClock(),
    org: { currencies: ['EUR', 'QQQ'], features: { multiCurrency: true } },
  });
  member = org.create('Contact', { LastName: 'Ada', Email: 'ada@member.example' });
  const { status, page } = await org.install();
  expect(status, page).toBe(200);
}, 120_000);
afterEach(() => {
  const { control } = org.salesforce;
  control.clearFaults();
  control.setValidationRules(org.orgId, []);
  control.setSettings(org.orgId, { apiEnabled: true, storageFull: false });
});
afterAll(() => org.close());

const friend = () => {
  turn += 1;
  return org.create('Contact', { LastName: `Friend ${turn}`, [PERSON_FIELDS.referredBy]: member });
};
const dealOf = (contactId: string | null, more: object = {}) => {
  const id = org.create('Opportunity', {
    ...{ Name: 'Acme', StageName: 'Prospecting', CloseDate: '2026-12-31', Amount: 1_000 },
    ...more,
  });
  if (contactId !== null)
    org.create('OpportunityContactRole', { OpportunityId: id, ContactId: contactId, IsPrimary: true });
  return id;
};
const shown = (deal: string) =>
  org
    .rows(REWARD.object)
    .filter((row) => row[REWARD.fields.opportunity] === deal)
    .map((row) => `${row[REWARD.fields.party]} ${row[REWARD.fields.state]} ${row[REWARD.fields.amount]}`)
    .sort();
const decided = async (deal: string): Promise<string[]> =>
  (await org.stack.api('GET', '/rewards?limit=100')).body.items
    .filter((reward: Json) => reward.deal.id === deal)
    .map(({ party, state }: Json) => `${party} ${state}`)
    .sort();
const win = (deal: string) => org.edit(deal, { StageName: 'Closed Won' });
const connection = async (): Promise<Json> =>
  (await org.stack.api('GET', `/connections/${(await org.connection()).id}`)).body;
const health = async (): Promise<Json> =>
  (await org.stack.api('GET', `/connections/${(await org.connection()).id}/health`)).body;
/** As the schedule does, whatever comes of it. */
const sweep = () => org.sweep().catch((fault: unknown) => fault);

async function eventually<T>(look: () => T | Promise<T>, wanted: T): Promise<void> {
  const again = async () => {
    await sweep();
    return look();
  };
  await expect.poll(again, { timeout: PATIENCE_MS, interval: 200 }).toEqual(wanted);
}

/** The org is well: nothing waits, nothing is left for a person, and the books are sound. */
async function expectWhole(deal: string): Promise<void> {
  await eventually(() => shown(deal), PAID);
  expect(await decided(deal)).toEqual(['friend issued', 'member issued']);
  const { status, sync } = await connection();
  expect({ status, parked: sync.parked, mirrorParked: sync.mirrorParked }).toEqual({
    ...{ status: 'connected', parked: [], mirrorParked: 0 },
  });
  const { problems, accounts } = await org.stack.service.store.audited(org.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
}

async function expectLost(): Promise<void> {
  await eventually(async () => (await connection()).status, 'disconnected');
  const lost = (await health()).events.filter(({ kind }: Json) => kind === 'lost');
  expect(lost[0].detail).toContain('connect the org again');
}

describe('the authorisation', { timeout: 2 * PATIENCE_MS }, () => {
  test('is taken back by an admin of the org: the connection says so, and what was won meanwhile is paid when it is back', async () => {
    const deal = dealOf(friend());
    await org.sweep();
    org.salesforce.control.revokeTokens(org.orgId);
    win(deal);
    await expectLost();
    expect(await decided(deal)).toEqual([]);
    expect((await org.install()).status).toBe(200);
    await expectWhole(deal);
  });

  test('is an old one, as after a backup was put back: Salesforce ends all of it, the connection says so, nothing is lost', async () => {
    const deal = dealOf(friend());
    await org.sweep();
    const { connections } = org.stack.service.store;
    const { accountId, id } = await org.connection();
    const old = await connections.tokens(accountId, id);
    if (!old) throw new Error('there is no token');
    org.salesforce.control.expireSessions(org.orgId);
    await org.sweep();
    const used = await connections.tokens(accountId, id);
    expect(used?.version).not.toBe(old.version);
    expect(await connections.replaceTokens(accountId, id, used?.version ?? 0, old)).toBe(true);
    org.salesforce.control.expireSessions(org.orgId);
    win(deal);
    await expectLost();
    expect((await org.install()).status).toBe(200);
    await expectWhole(deal);
  });

  test('is of an org that has moved: its new address is told with the next token, and used from then on', async () => {
    const deal = dealOf(friend());
    await org.sweep();
    const before = (await org.connection()).apiUrl;
    const { instanceUrl } = await org.salesforce.control.moveOrg(org.orgId);
    expect(instanceUrl).not.toBe(before);
    win(deal);
    await expectWhole(deal);
    expect((await org.connection()).apiUrl).toBe(instanceUrl);
  });

  test('is brought to another org: nothing is read there, and connecting again goes on where it was', async () => {
    const deal = dealOf(friend());
    await org.sweep();
    const { control } = org.salesforce;
    const other = await control.createOrg({ name: 'Somebody else’s', package: null });
    const { accountId, id } = await org.connection();
    await org.stack.service.store.connections.moved(accountId, id, other.instanceUrl);
    win(deal);
    await expectLost();
    const answered = control.calls().filter(({ orgId, statuses }) => orgId === other.id && '200' in statuses);
    expect(answered).toEqual([]);
    expect((await org.install()).status).toBe(200);
    await expectWhole(deal);
    expect((await org.connection()).apiUrl).toBe(control.org(org.orgId).instanceUrl);
  });
});

describe('an org that does not let us read', { timeout: 2 * PATIENCE_MS }, () => {
  test('since its API is switched off concludes nothing, says what to do, and pays when it is on again', async () => {
    const deal = dealOf(friend());
    await org.sweep();
    org.salesforce.control.setSettings(org.orgId, { apiEnabled: false });
    win(deal);
    await sweep();
    expect((await health()).sweep.last.problem).toContain('The REST API is switched off in this org.');
    expect(await decided(deal)).toEqual([]);
    expect((await connection()).status).toBe('connected');
    org.salesforce.control.setSettings(org.orgId, { apiEnabled: true });
    await expectWhole(deal);
  });

  test('the amount of an opportunity waits for it and names the field, rather than judge without one', async () => {
    const { control } = org.salesforce;
    const deal = dealOf(friend());
    await org.sweep();
    control.setAccess(org.orgId, 'Opportunity', 'Amount', 'none');
    win(deal);
    await eventually(async () => JSON.stringify((await health()).failing).includes('Opportunity.Amount'), true);
    expect(await decided(deal)).toEqual([]);
    control.setAccess(org.orgId, 'Opportunity', 'Amount', 'edit');
    await expectWhole(deal);
  });
});

describe('an org that does not let us write', { timeout: 2 * PATIENCE_MS }, () => {
  /** The decision has not waited for the org to show it. */
  const expectOnlyDecided = async (deal: string) => {
    await eventually(() => decided(deal), ['friend issued', 'member issued']);
    expect(shown(deal)).toEqual([]);
  };

  test('by a rule of its own leaves the row to an admin, who reads the rule’s words and has it written again', async () => {
    const deal = dealOf(friend());
    await org.sweep();
    org.salesforce.control.setValidationRules(org.orgId, [
      {
        object: REWARD.object,
        message: 'Not before the quarter ends.',
        when: { field: REWARD.fields.opportunity, is: 'equal', value: deal },
      },
    ]);
    win(deal);
    await expectOnlyDecided(deal);
    await eventually(async () => (await connection()).sync.mirrorParked, 1);
    const [failing] = (await health()).failing;
    expect(failing).toMatchObject({ queue: 'mirror', isParked: true });
    expect(failing.error).toContain('Not before the quarter ends.');
    org.salesforce.control.setValidationRules(org.orgId, []);
    const { store } = org.stack.service;
    expect(await store.retryParked((await org.connection()).accountId, org.clock.now())).toBe(1);
    await expectWhole(deal);
  });

  test.each(['UNABLE_TO_LOCK_ROW', 'ENTITY_IS_LOCKED'])(
    'since somebody else holds a row (%s) is tried again by itself',
    async (code) => {
      const deal = dealOf(friend());
      await org.sweep();
      const fault: FaultInput = { target: 'api', path: '*/composite', times: 8, effect: { kind: 'rows', code } };
      const { id } = org.salesforce.control.addFault(fault);
      win(deal);
      await expectWhole(deal);
      expect(org.salesforce.control.listFaults().find((one) => one.id === id)?.struck).toBeGreaterThan(1);
    },
  );

  test('since its storage is full is tried again by itself until there is room', async () => {
    const deal = dealOf(friend());
    await org.sweep();
    win(deal);
    org.salesforce.control.setSettings(org.orgId, { storageFull: true });
    await expectOnlyDecided(deal);
    expect(JSON.stringify((await health()).failing)).toContain('STORAGE_LIMIT_EXCEEDED');
    expect((await connection()).sync.mirrorParked).toBe(0);
    org.salesforce.control.setSettings(org.orgId, { storageFull: false });
    await expectWhole(deal);
  });
});

describe('an opportunity', { timeout: 2 * PATIENCE_MS }, () => {
  test('in a stage that was retired since is won as it was, read before or after', async () => {
    const { control } = org.salesforce;
    control.addStage(org.orgId, { name: 'Signed', probability: 100, isClosed: true, isWon: true });
    const [before, after] = [dealOf(friend()), dealOf(friend())];
    await org.sweep();
    org.edit(before, { StageName: 'Signed' });
    await eventually(() => shown(before), PAID);
    org.edit(after, { StageName: 'Signed' });
    control.editStage(org.orgId, 'Signed', { isActive: false });
    await expectWhole(after);
    await expectWhole(before);
  });

  test('without contact roles is nobody’s, leaves nothing unexplained, and is paid when it has one', async () => {
    const somebody = friend();
    const deal = dealOf(null);
    await org.sweep();
    win(deal);
    await sweep();
    expect(await decided(deal)).toEqual([]);
    const { id } = await org.connection();
    const { body } = await org.stack.api('POST', `/connections/${id}/reports`);
    expect(body.counts.unexplained).toBe(0);
    org.create('OpportunityContactRole', { OpportunityId: deal, ContactId: somebody, IsPrimary: true });
    await expectWhole(deal);
  });

  test('in a currency that nobody knows is decided as waiting, says what would make it pay, and pays in one that there is', async () => {
    const deal = dealOf(friend(), { CurrencyIsoCode: 'QQQ' });
    await org.sweep();
    win(deal);
    const waiting = () =>
      org
        .rows(REWARD.object)
        .filter((row) => row[REWARD.fields.opportunity] === deal && row[REWARD.fields.party] === 'member')
        .map((row) => [row[REWARD.fields.state], row[REWARD.fields.reasonCode], row[REWARD.fields.nextStep]]);
    await eventually(waiting, [['waiting', 'currency_unknown', 'Choose a valid currency on the deal.']]);
    org.edit(deal, { CurrencyIsoCode: 'EUR' });
    await expectWhole(deal);
  });
});

describe('a change event', { timeout: 2 * PATIENCE_MS }, () => {
  test.each(['malformed', 'unknownSchema'] as const)(
    'that is %s is counted, what it may have told of is swept, and paid',
    async (kind) => {
      const deal = dealOf(friend());
      await org.sweep();
      org.salesforce.control.addFault({ target: 'event', entity: 'Opportunity', times: 1, effect: { kind } });
      win(deal);
      await expectWhole(deal);
      // What comes behind it is heard without any sweep.
      const next = dealOf(friend());
      win(next);
      await expect.poll(() => shown(next), { timeout: PATIENCE_MS }).toEqual(PAID);
    },
  );
});

describe('a field of the package', { timeout: 2 * PATIENCE_MS }, () => {
  // The last one: the field does not come back.
  test('that an admin has deleted is left out, told by its name, and everything else is written', async () => {
    const deal = dealOf(friend());
    await org.sweep();
    org.salesforce.control.deleteField(org.orgId, REFERRAL.object, REFERRAL.fields.nextStep);
    win(deal);
    await expectWhole(deal);
    await sweep();
    const { id } = await org.connection();
    const { items } = (await org.stack.api('GET', `/connections/${id}/drift`)).body;
    expect(items.map(({ name }: Json) => name)).toContain(`${REFERRAL.object}.${REFERRAL.fields.nextStep}`);
  });
});
