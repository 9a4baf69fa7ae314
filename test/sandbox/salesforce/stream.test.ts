import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bitmap } from '../../../src/sandbox/salesforce/event-schemas.ts';
import { PACKAGE, startWorld, tokensFor, type World } from './harness.ts';
import { createStreamClient, type Decoded, errorCode, type StreamClient, type Subscription } from './stream-client.ts';

const OPPORTUNITIES = '/data/OpportunityChangeEvent';
const ALL = '/data/ChangeEvents';

let world: World;
let client: StreamClient;
let open: Subscription[];

async function start(options: Parameters<typeof startWorld>[0] = {}): Promise<void> {
  world = await startWorld(options);
  client = createStreamClient(world);
  open = [];
}
beforeEach(() => start());
afterEach(async () => {
  for (const one of open) one.close();
  client.close();
  await world.close();
});

const subscribe = (first: object, headers?: Record<string, string>): Subscription => {
  const subscription = client.subscribe(
    { topic_name: ALL, replay_preset: 'EARLIEST', num_requested: 100, ...first },
    headers,
  );
  open.push(subscription);
  return subscription;
};
const take = async (count: number, first: object = {}): Promise<Decoded[]> => {
  const subscription = subscribe(first);
  await subscription.until(() => subscription.events().length >= count || subscription.error !== undefined);
  expect(subscription.error?.message).toBeUndefined();
  return Promise.all(subscription.events().map((event) => client.decode(event)));
};
const failing = async (first: object, headers?: Record<string, string>): Promise<[number | undefined, string]> => {
  const subscription = subscribe(first, headers);
  await subscription.until(() => subscription.error !== undefined);
  expect(subscription.error?.details).toContain('rpcId:');
  return [subscription.error?.code, errorCode(subscription.error)];
};
const opportunity = (more: object = {}): string =>
  world.control.create(world.orgId, 'Opportunity', {
    Name: 'Deal',
    StageName: 'Prospecting',
    CloseDate: '2022-05-31',
    ...more,
  });
const contact = (more: object = {}): string => world.control.create(world.orgId, 'Contact', { LastName: 'x', ...more });
const summary = (events: Decoded[]): string[] =>
  events.map(({ header }) => `${header.changeType} ${header.entityName}`);

describe('the payload', () => {
  it('a bitmap is the one that Salesforce’s guide shows for an address in an account', async () => {
    const id = world.control.create(world.orgId, 'Account', { Name: 'Acme', BillingStreet: '415 Mission Street' });
    world.now.value += 1_000;
    world.control.edit(world.orgId, id, { BillingStreet: '415 Mission Street Suite B' });
    const [, update] = await take(2);
    expect(update?.header.changedFields).toEqual(['0x400000', '4-0x01']);
    expect(update?.changed).toEqual(['LastModifiedDate', 'BillingAddress.Street']);
    expect(update?.body.BillingAddress.Street).toBe('415 Mission Street Suite B');
    expect(update?.body.Name).toBeNull();
    expect(bitmap([2, 4, 6])).toBe('0x54');
  });

  it('of a creation has every field and no bits; moments and days are milliseconds', async () => {
    const id = opportunity({ Amount: 40_000 });
    const [created] = await take(1, { topic_name: OPPORTUNITIES });
    expect(created?.header).toMatchObject({
      entityName: 'Opportunity',
      recordIds: [id],
      changeType: 'CREATE',
      sequenceNumber: 1,
      changedFields: [],
      nulledFields: [],
      diffFields: [],
    });
    expect(created?.header.commitTimestamp).toBe(BigInt(world.now.value));
    expect(created?.header.commitNumber > BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(created?.body).toMatchObject({
      StageName: 'Prospecting',
      Amount: 40_000,
      IsWon: false,
      CloseDate: 1653955200000n,
    });
    expect(created?.body).not.toHaveProperty('SystemModstamp');
    expect(created?.body).not.toHaveProperty('IsDeleted');
  });

  it('of an update has only what changed, and says what was emptied', async () => {
    const id = opportunity({ Amount: 5, NextStep: 'call' });
    world.now.value += 1_000;
    world.control.edit(world.orgId, id, { StageName: 'Closed Won', NextStep: null });
    const [, update] = await take(2);
    expect(update?.changed.sort()).toEqual([
      'ExpectedRevenue',
      'ForecastCategory',
      'ForecastCategoryName',
      'IsClosed',
      'IsWon',
      'LastModifiedDate',
      'LastStageChangeDate',
      'NextStep',
      'Probability',
      'StageName',
    ]);
    expect(update?.nulled).toEqual(['NextStep']);
    expect(update?.body).toMatchObject({ StageName: 'Closed Won', IsWon: true, Amount: null, Name: null });
  });

  it('names a person in one field of several parts', async () => {
    const id = contact({ FirstName: 'Ann', LastName: 'Berg' });
    world.now.value += 1_000;
    world.control.edit(world.orgId, id, { FirstName: 'Anna' });
    const [created, update] = await take(2);
    expect(created?.body.Name).toMatchObject({ FirstName: 'Ann', LastName: 'Berg' });
    expect(update?.changed.sort()).toEqual(['LastModifiedDate', 'Name.FirstName']);
    expect(update?.body.Name).toMatchObject({ FirstName: 'Anna', LastName: null });
  });

  it('says who wrote: our own writes can be known again', async () => {
    await world.call('POST', '/sobjects/Contact', { LastName: 'a' }, { 'Sforce-Call-Options': 'client=wonward' });
    await world.call('POST', '/sobjects/Contact', { LastName: 'b' });
    contact();
    expect((await take(3)).map(({ header }) => header.changeOrigin)).toEqual([
      'com/salesforce/api/rest/66.0;client=wonward',
      'com/salesforce/api/rest/66.0',
      'com/salesforce/api/soap/66.0;client=SfdcInternalAPI/',
    ]);
  });

  it('has no value of a field that security hides', async () => {
    world.control.setAccess(world.orgId, 'Contact', 'Email', 'none');
    const id = contact({ Email: 'a@example.com' });
    world.now.value += 1_000;
    world.control.edit(world.orgId, id, { Email: 'b@example.com' });
    const [created, update] = await take(2);
    expect([created?.body.Email, update?.changed]).toEqual([null, ['LastModifiedDate']]);
  });

  it('keeps its own schema when the object gets a field, and a new one comes with the next event', async () => {
    contact();
    world.control.addField(world.orgId, 'Contact', { name: 'Score__c', type: 'double' });
    contact({ Score__c: 7 });
    const [old, young] = await take(2);
    expect(old?.body).not.toHaveProperty('Score__c');
    expect(young?.body.Score__c).toBe(7);
    const topic = await client.topic('/data/ContactChangeEvent');
    expect((await client.schema(topic.schema_id)).schema_json).toContain('Score__c');
  });
});

describe('what is told', () => {
  it('one event a record and transaction; equal changes of several records in one', async () => {
    const ids = [contact(), contact()];
    world.now.value += 1_000;
    world.control.editAll(world.orgId, ids, { Title: 'CTO' });
    const events = await take(3);
    expect(summary(events)).toEqual(['CREATE Contact', 'CREATE Contact', 'UPDATE Contact']);
    expect(events[2]?.header.recordIds).toEqual(ids);
  });

  it('a merge is an update and a deletion, and only a look at the deleted record tells of it', async () => {
    const [master, other] = [contact({ LastName: 'a' }), contact({ LastName: 'b' })];
    const role = world.control.create(world.orgId, 'OpportunityContactRole', {
      OpportunityId: opportunity(),
      ContactId: other,
    });
    world.now.value += 1_000;
    world.control.merge(world.orgId, master, [other]);
    const events = (await take(6)).slice(4);
    expect(summary(events).sort()).toEqual(['DELETE Contact', 'UPDATE Contact']);
    expect(new Set(events.map(({ header }) => header.transactionKey)).size).toBe(1);
    expect(events.map(({ header }) => header.sequenceNumber)).toEqual([1, 2]);
    const gone = await world.query(
      `SELECT MasterRecordId FROM Contact WHERE Id = '${other}' AND IsDeleted = true`,
      'queryAll',
    );
    expect(gone.body.records[0].MasterRecordId).toBe(master);
    expect((await world.call('GET', `/sobjects/OpportunityContactRole/${role}`)).body.ContactId).toBe(master);
  });

  it('a converted lead becomes three records; its own event lacks LastModifiedDate, and it cannot be written again', async () => {
    const lead = world.control.create(world.orgId, 'Lead', { LastName: 'x', Company: 'Acme', Email: 'a@example.com' });
    world.now.value += 1_000;
    const converted = world.control.convert(world.orgId, lead, { opportunityName: 'Acme deal' });
    const events = (await take(6)).slice(1);
    expect(summary(events).sort()).toEqual([
      'CREATE Account',
      'CREATE Contact',
      'CREATE Opportunity',
      'CREATE OpportunityContactRole',
      'UPDATE Lead',
    ]);
    const update = events.find(({ header }) => header.entityName === 'Lead');
    expect(update?.changed.sort()).toEqual([
      'ConvertedAccountId',
      'ConvertedContactId',
      'ConvertedDate',
      'ConvertedOpportunityId',
      'IsConverted',
      'Status',
    ]);
    expect(update?.body.ConvertedContactId).toBe(converted.contactId);
    const again = await world.call('PATCH', `/sobjects/Lead/${lead}`, { Title: 'x' });
    expect(again.body[0].errorCode).toBe('CANNOT_UPDATE_CONVERTED_LEAD');
    const other = world.control.create(world.orgId, 'Lead', { LastName: 'y', Company: 'B' });
    expect(world.control.convert(world.orgId, other, { opportunityName: null }).opportunityId).toBeNull();
  });

  it('a deletion has no values, an undeletion has all of them, and emptying the bin tells nothing', async () => {
    const id = opportunity();
    const other = contact();
    world.control.remove(world.orgId, id);
    world.control.undelete(world.orgId, id);
    world.control.remove(world.orgId, other);
    world.control.purge(world.orgId);
    contact();
    const events = await take(6);
    expect(summary(events)).toEqual([
      'CREATE Opportunity',
      'CREATE Contact',
      'DELETE Opportunity',
      'UNDELETE Opportunity',
      'DELETE Contact',
      'CREATE Contact',
    ]);
    expect(Object.values(events[2]?.body).every((value) => value === null)).toBe(true);
    expect(events[3]?.body.Name).toBe('Deal');
  });

  it('a change of a stage’s type tells nothing, a write of the same value does', async () => {
    const id = opportunity();
    world.control.editStage(world.orgId, 'Prospecting', { isWon: true, isClosed: true });
    world.control.edit(world.orgId, id, { Name: 'Deal' });
    const [, update] = await take(2);
    expect(update?.changed).toEqual(['LastModifiedDate']);
  });

  it('what is rolled back is not told, and what is not selected never is', async () => {
    world.control.setChangeEvents(world.orgId, ['Contact']);
    opportunity();
    await world.call('POST', '/composite/sobjects', {
      allOrNone: true,
      records: [{ attributes: { type: 'Contact' }, LastName: 'a' }, { attributes: { type: 'Contact' } }],
    });
    contact({ LastName: 'b' });
    const events = await take(1);
    expect(events.map(({ body }) => body.Name.LastName)).toEqual(['b']);
    world.control.create(world.orgId, 'Task', { Subject: 'call' });
    expect(await failing({ topic_name: '/data/TaskChangeEvent' })).toEqual([status.NOT_FOUND, 'topic.not.found']);
  });

  it('objects of the package have events too', async () => {
    world.control.setChangeEvents(world.orgId, ['Referral_Action__c']);
    await world.call('POST', '/sobjects/Referral_Action__c', { Idempotency_Key__c: 'k', Type__c: 'submit_referral' });
    const [event] = await take(1, { topic_name: '/data/Referral_Action__ChangeEvent' });
    expect(event?.body).toMatchObject({ Idempotency_Key__c: 'k', Status__c: 'pending' });
  });
});

describe('the stream', () => {
  it('gives no more than was asked for, goes on when asked again, and asking for 500 counts as 100', async () => {
    for (let count = 0; count < 120; count += 1) contact({ LastName: `N${count}` });
    const first = subscribe({ num_requested: 2 });
    await first.until(() => first.events().length === 2);
    first.fetch({ num_requested: 500 });
    await first.until(() => first.events().length === 102);
    expect(first.responses.at(-1)?.pending_num_requested).toBe(0);
    first.fetch({ topic_name: ALL, num_requested: 100 });
    await first.until(() => first.events().length === 120);
    const decoded = await Promise.all(first.events().map((event) => client.decode(event)));
    expect(decoded.map(({ body }) => body.Name.LastName)).toEqual(
      Array.from({ length: 120 }, (_none, index) => `N${index}`),
    );
    expect(Math.max(...first.responses.map(({ events }) => events.length))).toBeGreaterThan(1);
    expect(first.responses.at(-1)?.pending_num_requested).toBeGreaterThan(0);
  });

  it('begins at the tip, at the beginning, or behind a replay id', async () => {
    contact({ LastName: 'a' });
    contact({ LastName: 'b' });
    const [first] = await take(2);
    const behind = await take(1, { replay_preset: 'CUSTOM', replay_id: first?.replay });
    expect(behind.map(({ body }) => body.Name.LastName)).toEqual(['b']);
    const tip = subscribe({ replay_preset: 'LATEST' });
    await expect.poll(() => world.control.streams()).toBe(3);
    contact({ LastName: 'c' });
    await tip.until(() => tip.events().length === 1);
    expect((await client.decode(tip.events()[0] as never)).body.Name.LastName).toBe('c');
    expect(first?.replay).toHaveLength(8);
  });

  it('keeps a replay id for three days; then it is corrupted, as is one that was never given out', async () => {
    contact();
    const [event] = await take(1);
    const custom = { replay_preset: 'CUSTOM', replay_id: event?.replay };
    world.now.value += 72 * 3_600_000 - 1;
    const young = { accesstoken: (await tokensFor(world.sandbox, world.orgId)).access_token };
    const kept = subscribe(custom, young);
    contact();
    await kept.until(() => kept.events().length === 1);
    world.now.value += 1;
    expect(await failing(custom, young)).toEqual([status.INVALID_ARGUMENT, 'subscription.fetch.replayid.corrupted']);
    const guessed = Buffer.from(event?.replay as Buffer);
    guessed.writeBigInt64BE(guessed.readBigInt64BE() + 1_000_000n);
    expect(await failing({ ...custom, replay_id: guessed }, young)).toEqual([
      status.INVALID_ARGUMENT,
      'subscription.fetch.replayid.corrupted',
    ]);
    expect(await failing({ ...custom, replay_id: Buffer.from('x') }, young)).toEqual([
      status.INVALID_ARGUMENT,
      'subscription.fetch.replayid.corrupted',
    ]);
    expect(await failing({ ...custom, replay_id: Buffer.alloc(0) }, young)).toEqual([
      status.INVALID_ARGUMENT,
      'subscription.fetch.replayid.validation.failed',
    ]);
  });

  it('wants a topic, a number and the three headers', async () => {
    expect(await failing({ topic_name: '' })).toEqual([status.INVALID_ARGUMENT, 'topic.validation.empty']);
    expect(await failing({ topic_name: '/data/Nope__ChangeEvent' })).toEqual([status.NOT_FOUND, 'topic.not.found']);
    expect(await failing({ num_requested: 0 })).toEqual([
      status.INVALID_ARGUMENT,
      'subscription.fetch.requested.events.invalid',
    ]);
    const auth = [status.UNAUTHENTICATED, 'service.auth.error'];
    const headers = [status.UNAUTHENTICATED, 'service.auth.headers.invalid'];
    expect(await failing({}, { accesstoken: 'x' })).toEqual(auth);
    expect(await failing({}, { instanceurl: 'http://127.0.0.1:1' })).toEqual(auth);
    expect(await failing({}, { tenantid: world.orgId.slice(0, 15) })).toEqual(headers);
    expect(await failing({}, { accesstoken: '' })).toEqual(headers);
    world.control.setAccess(world.orgId, 'Opportunity', null, 'none');
    expect(await failing({ topic_name: OPPORTUNITIES })).toEqual([
      status.PERMISSION_DENIED,
      'subscription.topic.cannot.subscribe',
    ]);
    const changing = subscribe({});
    changing.fetch({ topic_name: OPPORTUNITIES, num_requested: 1 });
    await changing.until(() => changing.error !== undefined);
    expect(errorCode(changing.error)).toBe('subscription.fetch.topic.mismatch');
  });

  it('outlives its session, and the next call does not', async () => {
    const running = subscribe({ replay_preset: 'LATEST' });
    await expect.poll(() => world.control.streams()).toBe(1);
    world.control.expireSessions(world.orgId);
    contact();
    await running.until(() => running.events().length === 1);
    expect(await failing({})).toEqual([status.UNAUTHENTICATED, 'service.auth.error']);
  });

  it('ends when the package goes', async () => {
    const running = subscribe({});
    await expect.poll(() => world.control.streams()).toBe(1);
    world.control.uninstall(world.orgId);
    await running.until(() => running.error !== undefined);
    expect([running.error?.code, errorCode(running.error)]).toEqual([status.UNAVAILABLE, 'service.unavailable']);
  });
});

describe('a quiet stream', () => {
  beforeEach(async () => {
    client.close();
    await world.close();
    await start({ keepAliveMs: 20, askAgainMs: 150 });
  });

  it('sends empty batches with a replay id that is good to begin behind', async () => {
    const quiet = subscribe({});
    await quiet.until(() => quiet.responses.length >= 3);
    expect(quiet.responses.every(({ events }) => events.length === 0)).toBe(true);
    const replayId = quiet.responses.at(-1)?.latest_replay_id;
    quiet.close();
    contact({ LastName: 'later' });
    const [event] = await take(1, { replay_preset: 'CUSTOM', replay_id: replayId });
    expect(event?.body.Name.LastName).toBe('later');
  });

  it('is ended when nobody asks for more after everything was delivered', async () => {
    contact();
    const lazy = subscribe({ num_requested: 1 });
    await lazy.until(() => lazy.isEnded);
    expect([lazy.events().length, lazy.error]).toEqual([1, undefined]);
  });
});

describe('faults of the stream', () => {
  const strike = (kind: string, more: object = {}): void => {
    world.control.addFault({ target: 'event', times: 1, effect: { kind, ...more } } as never);
  };

  it('an event may come twice with two replay ids, or never', async () => {
    strike('duplicate');
    contact({ LastName: 'twice' });
    await world.sandbox.idle();
    strike('drop');
    contact({ LastName: 'never' });
    contact({ LastName: 'once' });
    const events = await take(3);
    expect(events.map(({ body }) => body.Name.LastName)).toEqual(['twice', 'twice', 'once']);
    expect(events[0]?.replay).not.toEqual(events[1]?.replay);
    expect(events[0]?.header.transactionKey).toBe(events[1]?.header.transactionKey);
  });

  it('a gap has the ids and no values, an overflow not even the ids', async () => {
    strike('gap');
    const id = contact();
    strike('overflow');
    opportunity();
    const [gap, overflow] = await take(2);
    expect([gap?.header.changeType, gap?.header.recordIds, gap?.body.Name]).toEqual(['GAP_CREATE', [id], null]);
    expect([overflow?.header.changeType, overflow?.header.recordIds]).toEqual(['GAP_OVERFLOW', ['000000000000000AAA']]);
  });

  it('a payload may be broken, and a schema unknown', async () => {
    strike('malformed');
    contact();
    strike('unknownSchema');
    contact();
    const subscription = subscribe({});
    await subscription.until(() => subscription.events().length === 2);
    const [broken, unknown] = subscription.events();
    await expect(client.decode(broken as never)).rejects.toThrow('truncated buffer');
    await expect(client.decode(unknown as never)).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it('a late event comes behind younger ones, and idle waits for it', async () => {
    strike('delay', { delayMs: 40 });
    contact({ LastName: 'late' });
    contact({ LastName: 'soon' });
    await world.sandbox.idle();
    expect((await take(2)).map(({ body }) => body.Name.LastName)).toEqual(['soon', 'late']);
  });

  it('a call fails as asked for, a stream breaks, and one may say nothing', async () => {
    world.control.addFault({
      target: 'rpc',
      method: 'GetTopic',
      times: 1,
      effect: { kind: 'error', status: 'UNAVAILABLE', code: 'service.unavailable' },
    });
    await expect(client.topic(ALL)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect((await client.topic(ALL)).can_subscribe).toBe(true);
    contact();
    const running = subscribe({});
    await running.until(() => running.events().length === 1);
    world.control.breakStreams(world.orgId);
    await running.until(() => running.error !== undefined);
    world.control.addFault({ target: 'rpc', method: 'Subscribe', times: 1, effect: { kind: 'silence' } });
    const silent = subscribe({});
    const loud = subscribe({});
    await loud.until(() => loud.events().length === 1);
    expect(silent.responses).toEqual([]);
  });
});

it('the package’s channel carries what the package selected, where the org itself selected nothing', async () => {
  client.close();
  await world.close();
  await start({ orgs: [{ package: { root: PACKAGE }, changeEvents: [] }] });
  world.control.create(world.orgId, 'Task', { Subject: 'call' });
  world.control.create(world.orgId, 'Lead', { LastName: 'x', Company: 'y' });
  await world.call('POST', '/sobjects/Referral_Action__c', { Idempotency_Key__c: 'k', Type__c: 'submit_referral' });
  expect(summary(await take(2, { topic_name: '/data/Referral_Sync__chn' }))).toEqual([
    'CREATE Lead',
    'CREATE Referral_Action__c',
  ]);
  expect((await client.topic('/data/LeadChangeEvent')).can_subscribe).toBe(true);
  // The org's own channel has what the org selected.
  expect(await failing({ topic_name: ALL })).toEqual([status.PERMISSION_DENIED, 'subscription.topic.cannot.subscribe']);
  expect(await failing({ topic_name: '/data/TaskChangeEvent' })).toEqual([status.NOT_FOUND, 'topic.not.found']);
  expect(await failing({ topic_name: '/data/Other__chn' })).toEqual([status.NOT_FOUND, 'topic.not.found']);
});
