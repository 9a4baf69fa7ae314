import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CrmAccess, Hint } from '../../../src/application/ports/crm.ts';
import type { StreamBatch, StreamNews } from '../../../src/application/ports/crm-stream.ts';
import { createStream, type StreamLimits } from '../../../src/crm/salesforce/stream.ts';
import { Fault } from '../../../src/domain/errors.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { form, PACKAGE, startWorld, type World, withClient } from '../../sandbox/salesforce/harness.ts';

const ALL = '/data/ChangeEvents';
const CHANNEL = '/data/Referral_Sync__chn';
/** Of waits: what takes a second in life takes a few milliseconds here. */
const QUICK: Partial<StreamLimits> = { backoffBaseMs: 5, backoffMaxMs: 20 };

let world: World;
let open: Listening[];
beforeEach(() => start());
afterEach(stopWorld);

async function start(options: Parameters<typeof startWorld>[0] = {}): Promise<void> {
  world = await startWorld(options);
  open = [];
}
async function stopWorld(): Promise<void> {
  for (const one of open) one.stop();
  await Promise.allSettled(open.map(({ outcome }) => outcome));
  expect(await leftOver()).toBe(0);
  await world.close();
}
async function restart(options: Parameters<typeof startWorld>[0]): Promise<void> {
  await stopWorld();
  await start(options);
}
/** Streams that the local org still has open once all listening has ended. */
async function leftOver(): Promise<number> {
  await expect.poll(() => world.control.streams(), { timeout: 10_000 }).toBe(0);
  return world.control.streams();
}

interface Listening {
  readonly batches: StreamBatch[];
  readonly news: StreamNews[];
  /** Tokens that were said to be rejected. */
  readonly rejected: string[];
  readonly outcome: Promise<string>;
  hints(): Hint[];
  /** Resolves when the condition holds, fails when the listening ends before. */
  until(condition: () => boolean): Promise<void>;
  stop(): void;
}

interface Options {
  readonly position?: string | null;
  readonly topics?: readonly string[];
  readonly limits?: Partial<StreamLimits>;
  readonly access?: Partial<CrmAccess>;
  readonly keep?: (batch: StreamBatch, index: number) => Promise<void>;
}

function listen(options: Options = {}): Listening {
  const batches: StreamBatch[] = [];
  const news: StreamNews[] = [];
  const rejected: string[] = [];
  const stopping = new AbortController();
  const stream = createStream({
    endpoint: world.sandbox.pubSubEndpoint,
    topics: options.topics ?? [ALL],
    clientName: 'wonward',
    clock: () => world.now.value,
    random: () => 0.5,
    sleep: systemClock.sleep,
    limits: { ...QUICK, ...options.limits },
  });
  const access: CrmAccess = {
    connectionId: 'con_a',
    externalId: world.orgId,
    apiUrl: world.tokens.instance_url,
    homeCurrency: null,
    scopes: [],
    async accessToken(refused) {
      if (refused === undefined) return world.tokens.access_token;
      rejected.push(refused);
      return refresh();
    },
    ...options.access,
  };
  const outcome = stream.listen({
    access,
    position: options.position ?? null,
    signal: stopping.signal,
    told: (one) => void news.push(one),
    async keep(batch) {
      await options.keep?.(batch, batches.length);
      batches.push(batch);
    },
  });
  outcome.catch(() => undefined);
  const listening: Listening = {
    ...{ batches, news, rejected, outcome },
    hints: () => batches.flatMap(({ hints }) => hints),
    async until(condition) {
      await Promise.race([
        expect.poll(condition, { timeout: 30_000, interval: 5 }).toBe(true),
        outcome.then((ended) => expect([ended, condition()]).toEqual([ended, true])),
      ]);
    },
    stop: () => stopping.abort(),
  };
  open.push(listening);
  return listening;
}

async function refresh(): Promise<string> {
  const grant = { grant_type: 'refresh_token', refresh_token: world.tokens.refresh_token };
  const { status, body } = await form(`${world.sandbox.url}/services/oauth2/token`, withClient(grant));
  if (status !== 200) throw new Fault('authorisation_revoked', { kind: 'reconnect' }, 'Gone.');
  Object.assign(world.tokens, body);
  return world.tokens.access_token;
}

/** The hints of so many, in the order they came. */
async function take(count: number, options: Options = {}): Promise<Hint[]> {
  const listening = listen(options);
  await listening.until(() => listening.hints().length >= count);
  return listening.hints();
}

const { create, edit } = {
  create: (object: string, fields: object): string => world.control.create(world.orgId, object, fields as never),
  edit: (id: string, fields: object, hand: object = {}) =>
    world.control.edit(world.orgId, id, fields as never, hand as never),
};
const contact = (more: object = {}): string => create('Contact', { LastName: 'x', ...more });
const opportunity = (more: object = {}): string =>
  create('Opportunity', { Name: 'Deal', StageName: 'Prospecting', CloseDate: '2027-05-31', ...more });
const strike = (effect: object, more: object = {}): void =>
  void world.control.addFault({ target: 'event', times: 1, effect, ...more } as never);
const strikeCall = (effect: object, more: object = {}): void =>
  void world.control.addFault({ target: 'rpc', times: 1, effect, ...more } as never);
const brief = (hints: readonly Hint[]) =>
  hints.map(({ kind, records }) => [kind, ...records.map(({ object, id }) => `${object} ${id}`)].join(' '));
const positionOf = ({ batches }: Listening) => batches.at(-1)?.position ?? null;

describe('what happens in the org', () => {
  test('a contact, a lead and an opportunity that appear, change, go and come back are named, and when', async () => {
    const [person, deal] = [contact(), opportunity()];
    const lead = create('Lead', { LastName: 'y', Company: 'Acme' });
    world.now.value += 1_000;
    edit(deal, { StageName: 'Closed Won' });
    world.control.remove(world.orgId, person);
    world.control.undelete(world.orgId, person);
    const hints = await take(6);
    expect(brief(hints)).toEqual([
      `change contact ${person}`,
      `change deal ${deal}`,
      `change contact ${lead}`,
      `change deal ${deal}`,
      `deletion contact ${person}`,
      `change contact ${person}`,
    ]);
    expect(hints[3]).toMatchObject({ externalId: world.orgId, occurredAt: world.now.value, echo: false });
    expect(hints[3]?.payload).toMatchObject({ entity: 'Opportunity', changeType: 'UPDATE', recordId: deal });
  });

  test('what is kept of an event has the names of the fields, none of their values, and survives as JSON', async () => {
    const id = contact({ FirstName: 'Ann', LastName: 'Berg', MailingCity: 'Bonn' });
    world.now.value += 1_000;
    edit(id, { FirstName: 'Secretname', MailingCity: 'Secretcity' });
    const [, update] = await take(2);
    const text = JSON.stringify(update?.payload);
    expect(text).not.toContain('Secret');
    const payload = JSON.parse(text);
    expect(payload.changedFields.toSorted()).toEqual(['LastModifiedDate', 'MailingAddress.City', 'Name.FirstName']);
    expect(BigInt(payload.commitNumber) > BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(payload).toEqual(update?.payload);
  });

  test('a role tells its opportunity when it appears, and itself when it changes or goes', async () => {
    const [deal, person, other] = [opportunity(), contact(), contact({ LastName: 'z' })];
    const role = create('OpportunityContactRole', { OpportunityId: deal, ContactId: person });
    world.now.value += 1_000;
    edit(role, { ContactId: other });
    world.control.remove(world.orgId, role);
    const hints = await take(6);
    expect(brief(hints.slice(3))).toEqual([
      `association deal ${deal}`,
      `association deal ${role}`,
      `association deal ${role}`,
    ]);
    expect(role.startsWith('00K')).toBe(true);
  });

  test('a merge names the one that stays and the one that goes', async () => {
    const [master, other] = [contact({ LastName: 'a' }), contact({ LastName: 'b' })];
    world.now.value += 1_000;
    world.control.merge(world.orgId, master, [other]);
    const hints = await take(4);
    expect(brief(hints.slice(2)).sort()).toEqual([`change contact ${master}`, `deletion contact ${other}`]);
  });

  test('a lead that is converted names what it became, also where that was there before', async () => {
    const lead = create('Lead', { LastName: 'x', Company: 'Acme', Email: 'a@example.com' });
    const account = create('Account', { Name: 'Acme' });
    const person = contact({ AccountId: account });
    world.now.value += 1_000;
    const became = world.control.convert(world.orgId, lead, {
      accountId: account,
      contactId: person,
      opportunityName: 'Deal',
    } as never);
    const listening = listen();
    await listening.until(() => listening.hints().some(({ records }) => records.length === 3));
    expect(brief(listening.hints())).toContain(`change contact ${lead} contact ${person} deal ${became.opportunityId}`);
  });

  test('equal changes of many records in one transaction are a hint for each, and each has a key of its own', async () => {
    const ids = [contact({ LastName: 'a' }), contact({ LastName: 'b' }), contact({ LastName: 'c' })];
    world.now.value += 1_000;
    world.control.editAll(world.orgId, ids, { Title: 'Boss' } as never);
    const hints = (await take(6)).slice(3);
    expect(brief(hints)).toEqual(ids.map((id) => `change contact ${id}`));
    expect(new Set(hints.map(({ eventKey }) => eventKey)).size).toBe(3);
  });

  test('what we wrote ourselves comes back as an echo, what another app wrote does not', async () => {
    const id = contact();
    for (const [at, client] of ['wonward', 'notwonward', 'wonward2', undefined].entries())
      edit(id, { Title: `t${at}` }, client === undefined ? {} : { client });
    const hints = await take(5);
    expect(hints.map(({ echo }) => echo)).toEqual([false, true, false, false, false]);
  });

  test('an account is kept and asks for nothing', async () => {
    create('Account', { Name: 'Acme' });
    const [hint] = await take(1);
    expect(hint).toMatchObject({ kind: 'ignored', records: [] });
  });

  test('a row that asks Wonward for something says so, our own answer to it does not', async () => {
    const ask = { Idempotency_Key__c: 'k', Type__c: 'submit_referral' };
    const listening = listen({ topics: [CHANNEL] });
    const { body } = await world.call('POST', '/sobjects/Referral_Action__c', ask);
    await listening.until(() => listening.hints().length === 1);
    edit(body.id, { Status__c: 'done' }, { client: 'wonward' });
    await listening.until(() => listening.hints().length === 2);
    expect(listening.batches.filter(({ hints }) => hints.length > 0).map(({ hasRequests }) => hasRequests)).toEqual([
      true,
      false,
    ]);
    expect(listening.hints().map(({ kind, records }) => [kind, records.length])).toEqual([
      ['ignored', 0],
      ['ignored', 0],
    ]);
  });

  test('the key of an event is its own among thousands, and the same when the event comes again', async () => {
    const people = Array.from({ length: 20 }, (_none, at) => contact({ LastName: `N${at}` }));
    for (let round = 0; round < 40; round += 1) {
      world.now.value += 1_000;
      for (const [at, id] of people.entries()) edit(id, { Title: `${round} ${at}` });
      world.control.editAll(world.orgId, people.slice(0, 10), { Department: `d${round}` } as never);
    }
    const count = 20 + 40 * (20 + 10);
    const first = (await take(count)).map(({ eventKey }) => eventKey);
    expect(new Set(first).size).toBe(count);
    expect((await take(count)).map(({ eventKey }) => eventKey)).toEqual(first);
  });
});

describe('what the stream does to events', () => {
  test('a gap names the records, and a change of everything or of too much is a sweep from then on', async () => {
    strike({ kind: 'gap' });
    const id = contact();
    const [gap] = await take(1);
    expect(brief([gap as Hint])).toEqual([`change contact ${id}`]);

    world.now.value += 60_000;
    strike({ kind: 'overflow' });
    opportunity();
    const listening = listen();
    await listening.until(() => listening.batches.some(({ sweepFrom }) => sweepFrom !== null));
    expect(listening.batches.find(({ sweepFrom }) => sweepFrom !== null)?.sweepFrom).toBe(world.now.value);
    expect(listening.hints()).toHaveLength(1);
  });

  test.each(['malformed', 'unknownSchema'])(
    'an event that is %s loses nothing and stops nothing: the rest is kept, and what was changed since is swept',
    async (kind) => {
      const first = contact();
      const at = world.now.value;
      const listening = listen();
      await listening.until(() => listening.hints().length === 1);
      world.now.value += 60_000;
      strike({ kind });
      contact({ LastName: 'broken' });
      await world.sandbox.idle();
      const last = contact({ LastName: 'last' });
      await listening.until(() => listening.hints().length === 2);
      expect(brief(listening.hints())).toEqual([`change contact ${first}`, `change contact ${last}`]);
      expect(listening.batches.map(({ sweepFrom }) => sweepFrom).filter((from) => from !== null)).toEqual([at]);
      expect(listening.news).toEqual([{ kind: 'undecodable', events: 1 }]);
      // It is gone past: from here on there is nothing left to come.
      const next = contact({ LastName: 'next' });
      expect(brief(await take(1, { position: positionOf(listening) }))).toEqual([`change contact ${next}`]);
    },
  );

  test('an undecodable event of which nothing is known may be as old as the stream keeps them', async () => {
    strike({ kind: 'malformed' });
    contact();
    const listening = listen();
    await listening.until(() => listening.batches.length > 0);
    expect(listening.batches[0]?.sweepFrom).toBe(world.now.value - 72 * 3_600_000);
  });

  test('an event that comes twice has the same key, and one that never comes is not waited for', async () => {
    strike({ kind: 'duplicate' });
    contact({ LastName: 'twice' });
    await world.sandbox.idle();
    strike({ kind: 'drop' });
    contact({ LastName: 'never' });
    const once = contact({ LastName: 'once' });
    const hints = await take(3);
    expect(hints[0]?.eventKey).toBe(hints[1]?.eventKey);
    expect(hints[2]?.records[0]?.id).toBe(once);
  });

  test('a schema that cannot be had for now is waited for, and nothing is lost or swept', async () => {
    const id = contact();
    strikeCall(
      { kind: 'error', status: 'UNAVAILABLE', code: 'service.unavailable' },
      { method: 'GetSchema', times: 2 },
    );
    const listening = listen();
    await listening.until(() => listening.hints().length === 1);
    expect(brief(listening.hints())).toEqual([`change contact ${id}`]);
    expect(listening.batches[0]?.sweepFrom).toBeNull();
    expect(listening.news.map(({ kind }) => kind)).toEqual(['reconnecting', 'reconnecting']);
  });

  test('a schema that can never be had does not keep back what comes behind it', async () => {
    const endless = { kind: 'error', status: 'INTERNAL', code: 'service.internal' };
    strikeCall(endless, { method: 'GetSchema', times: 3 });
    contact();
    const listening = listen();
    await listening.until(() => listening.batches.some(({ sweepFrom }) => sweepFrom !== null));
    const deal = opportunity();
    await listening.until(() => listening.hints().length === 1);
    expect(brief(listening.hints())).toEqual([`change deal ${deal}`]);
  });
});

describe('the place in the stream', () => {
  test('goes on behind what was kept: nothing is missing and nothing comes twice', async () => {
    const before = [contact({ LastName: 'a' }), contact({ LastName: 'b' })];
    const first = listen();
    await first.until(() => first.hints().length === 2);
    first.stop();
    expect(await first.outcome).toBe('stopped');
    const meanwhile = [contact({ LastName: 'c' }), opportunity()];
    const second = listen({ position: positionOf(first) });
    await second.until(() => second.hints().length === 2);
    const seen = [...first.hints(), ...second.hints()].map(({ records }) => records[0]?.id);
    expect(seen).toEqual([...before, ...meanwhile]);
  });

  test('is told by empty batches too, so that a quiet org does not grow out of what is kept', async () => {
    await restart({ keepAliveMs: 20 });
    const quiet = listen();
    await quiet.until(() => quiet.batches.length >= 2);
    expect(quiet.batches.every(({ hints, position }) => hints.length === 0 && position !== null)).toBe(true);
    quiet.stop();
    const id = contact();
    const later = listen({ position: positionOf(quiet) });
    await later.until(() => later.hints().length === 1);
    expect(brief(later.hints())).toEqual([`change contact ${id}`]);
  });

  test('that is older than three days, was never given out, or is another channel’s is lost', async () => {
    contact();
    const listening = listen();
    await listening.until(() => listening.hints().length === 1);
    listening.stop();
    const position = positionOf(listening) ?? '';
    expect(await listen({ position, topics: [CHANNEL] }).outcome).toBe('position_lost');
    expect(await listen({ position: `${ALL} ${Buffer.alloc(8, 7).toString('base64')}` }).outcome).toBe('position_lost');
    expect(await listen({ position: `${ALL} ` }).outcome).toBe('position_lost');
    world.now.value += 72 * 3_600_000;
    await refresh();
    expect(await listen({ position }).outcome).toBe('position_lost');
    const id = contact({ LastName: 'young' });
    expect(brief(await take(1))).toEqual([`change contact ${id}`]);
  });

  test('is not gone past by a batch that could not be kept: it comes again', async () => {
    const ids = Array.from({ length: 6 }, (_none, at) => contact({ LastName: `N${at}` }));
    const failing = listen({
      async keep(_batch, index) {
        if (index === 1) throw new Error('disk full');
      },
    });
    await expect.poll(() => failing.batches.length, { timeout: 10_000 }).toBe(1);
    ids.push(contact({ LastName: 'one more' }));
    await expect(failing.outcome).rejects.toThrow('disk full');
    expect(failing.batches).toHaveLength(1);
    const again = listen({ position: positionOf(failing) });
    await again.until(() => failing.hints().length + again.hints().length === ids.length);
    expect([...failing.hints(), ...again.hints()].map(({ records }) => records[0]?.id)).toEqual(ids);
  });
});

describe('how much comes at a time', () => {
  test('a batch is handed over only when the one before is kept, and a long backlog comes whole', async () => {
    for (let at = 0; at < 260; at += 1) contact({ LastName: `N${at}` });
    const gate = Promise.withResolvers<void>();
    let inside = 0;
    let most = 0;
    const listening = listen({
      async keep(_batch, index) {
        inside += 1;
        most = Math.max(most, inside);
        if (index === 0) await gate.promise;
        inside -= 1;
      },
    });
    await expect.poll(() => inside, { timeout: 10_000 }).toBe(1);
    gate.resolve();
    await listening.until(() => listening.hints().length === 260);
    expect(most).toBe(1);
    expect(Math.max(...listening.batches.map(({ hints }) => hints.length))).toBeLessThanOrEqual(100);
  });

  test('a keep that takes longer than the stream waits costs a new stream and nothing else', async () => {
    await restart({ askAgainMs: 30 });
    const ids = Array.from({ length: 5 }, (_none, at) => contact({ LastName: `N${at}` }));
    const listening = listen({ limits: { fetchMax: 2 }, keep: () => systemClock.sleep(120) });
    await listening.until(() => listening.hints().length === 5);
    expect(listening.hints().map(({ records }) => records[0]?.id)).toEqual(ids);
  });
});

describe('the authorisation', () => {
  const expire = () => world.control.expireSessions(world.orgId);

  test('that has run out is renewed once, and listening goes on', async () => {
    expire();
    const old = world.tokens.access_token;
    const id = contact();
    const listening = listen();
    await listening.until(() => listening.hints().length === 1);
    expect(brief(listening.hints())).toEqual([`change contact ${id}`]);
    expect(listening.rejected).toEqual([old]);
    expect(listening.news).toEqual([{ kind: 'reconnecting', reason: 'unauthorised' }]);
  });

  test('that runs out under an open stream is renewed when a new schema is needed, and nothing is lost', async () => {
    contact();
    const listening = listen();
    await listening.until(() => listening.hints().length === 1);
    expire();
    const deal = opportunity();
    await listening.until(() => listening.hints().length === 2);
    expect(listening.hints()[1]?.records).toEqual([{ object: 'deal', id: deal }]);
    expect(listening.rejected).toHaveLength(1);
    expect(listening.batches.every(({ sweepFrom }) => sweepFrom === null)).toBe(true);
  });

  test('that is taken away ends listening with the word that an admin has to connect again', async () => {
    contact();
    const listening = listen();
    await listening.until(() => listening.hints().length === 1);
    world.control.revokeTokens(world.orgId);
    await expect(listen().outcome).rejects.toMatchObject({ retry: { kind: 'reconnect' } });
  });

  test('that is new and refused all the same is not renewed again and again', async () => {
    const asked: Array<string | undefined> = [];
    const accessToken = async (rejected?: string) => {
      asked.push(rejected);
      return `token ${asked.length}`;
    };
    await expect(listen({ access: { accessToken } }).outcome).rejects.toMatchObject({
      code: 'crm_unavailable',
      retry: { kind: 'retry', afterMs: 60_000 },
    });
    expect(asked).toEqual([undefined, 'token 1']);
  });

  test('needs the address of the org, and says when there is none', async () => {
    await expect(listen({ access: { apiUrl: undefined } }).outcome).rejects.toMatchObject({ code: 'crm_unavailable' });
  });
});

describe('a connection that breaks', () => {
  test('is opened again behind what was kept', async () => {
    const ids = [contact({ LastName: 'a' })];
    const listening = listen();
    await listening.until(() => listening.hints().length === 1);
    for (const name of ['b', 'c']) {
      world.control.breakStreams(world.orgId);
      ids.push(contact({ LastName: name }));
      await listening.until(() => listening.hints().length === ids.length);
    }
    expect(listening.hints().map(({ records }) => records[0]?.id)).toEqual(ids);
    expect(listening.news).toEqual([
      { kind: 'reconnecting', reason: 'broken' },
      { kind: 'reconnecting', reason: 'broken' },
    ]);
  });

  test('is waited for longer and longer, up to a limit, and by chance', async () => {
    strikeCall({ kind: 'error', status: 'UNAVAILABLE', code: 'service.unavailable' }, { times: 6 });
    const waits: number[] = [];
    const stopping = new AbortController();
    const stream = createStream({
      endpoint: world.sandbox.pubSubEndpoint,
      topics: [ALL],
      clientName: 'wonward',
      clock: () => world.now.value,
      random: () => 0.5,
      sleep: async (ms) => void waits.push(ms),
    });
    contact();
    const access = {
      ...{
        connectionId: 'c',
        externalId: world.orgId,
        apiUrl: world.tokens.instance_url,
        homeCurrency: null,
        scopes: [],
      },
      accessToken: async () => world.tokens.access_token,
    };
    const outcome = stream.listen({
      ...{ access, position: null, signal: stopping.signal },
      keep: async () => stopping.abort(),
    });
    expect(await outcome).toBe('stopped');
    expect(waits).toEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000]);
  });

  test('is given up when it is silent for longer than is promised', async () => {
    strikeCall({ kind: 'silence' }, { method: 'Subscribe' });
    const id = contact();
    const listening = listen({ limits: { silenceMs: 100 } });
    await listening.until(() => listening.hints().length === 1);
    expect(brief(listening.hints())).toEqual([`change contact ${id}`]);
    expect(listening.news[0]).toEqual({ kind: 'reconnecting', reason: 'silent' });
  });

  test('is not silent while empty batches come', async () => {
    await restart({ keepAliveMs: 40 });
    const listening = listen({ limits: { silenceMs: 2_000 } });
    await listening.until(() => listening.batches.length >= 60);
    expect(listening.news).toEqual([]);
  });

  test('is tried again when a call that has one answer has none', async () => {
    strikeCall({ kind: 'silence' }, { method: 'GetTopic' });
    contact();
    const listening = listen({ limits: { callTimeoutMs: 100 } });
    await listening.until(() => listening.hints().length === 1);
    expect(listening.news).toEqual([{ kind: 'reconnecting', reason: 'broken' }]);
  });

  test('for good, since the request itself is refused, is a fault that a person has to look at', async () => {
    strikeCall({ kind: 'error', status: 'INVALID_ARGUMENT', code: 'subscription.fetch.topic.mismatch' });
    await expect(listen().outcome).rejects.toMatchObject({ code: 'crm_rejected', retry: { kind: 'never' } });
  });
});

describe('an org', () => {
  test('without change events, or without the right to them, has no stream', async () => {
    await restart({ orgs: [{ changeEvents: [] }] });
    expect(await listen({ topics: [CHANNEL, ALL] }).outcome).toBe('unavailable_here');
  });

  test('without the package is listened to on its own channel, with it on the package’s', async () => {
    const id = contact();
    expect(brief(await take(1, { topics: [CHANNEL, ALL] }))).toEqual([`change contact ${id}`]);
    expect(positionOf(open[0] as Listening)).toMatch(`${CHANNEL} `);
    await restart({ orgs: [{}] });
    const other = contact();
    expect(brief(await take(1, { topics: [CHANNEL, ALL] }))).toEqual([`change contact ${other}`]);
    expect(positionOf(open[0] as Listening)).toMatch(`${ALL} `);
  });

  test('has events of other objects, which are kept without asking for anything', async () => {
    await restart({ orgs: [{ package: { root: PACKAGE }, changeEvents: ['Task', 'Contact'] }] });
    create('Task', { Subject: 'call' });
    const id = contact();
    expect(brief(await take(2))).toEqual(['ignored', `change contact ${id}`]);
  });
});

describe('stopping', () => {
  test('waits for what is being kept, and keeps nothing after it', async () => {
    for (let at = 0; at < 50; at += 1) contact({ LastName: `N${at}` });
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const listening = listen({
      async keep() {
        begun.resolve();
        await gate.promise;
      },
    });
    await begun.promise;
    listening.stop();
    let isOver = false;
    void listening.outcome.then(() => {
      isOver = true;
    });
    await leftOver();
    expect(isOver).toBe(false);
    gate.resolve();
    expect(await listening.outcome).toBe('stopped');
    expect(listening.batches).toHaveLength(1);
  });

  test('ends at once where it waits for the other side, or to try again', async () => {
    const quiet = listen();
    await expect.poll(() => world.control.streams(), { timeout: 10_000 }).toBe(1);
    quiet.stop();
    expect(await quiet.outcome).toBe('stopped');
    strikeCall({ kind: 'error', status: 'UNAVAILABLE', code: 'service.unavailable' });
    const waiting = listen({ limits: { backoffBaseMs: 3_600_000, backoffMaxMs: 3_600_000 } });
    await expect.poll(() => waiting.news.length, { timeout: 10_000 }).toBe(1);
    waiting.stop();
    expect(await waiting.outcome).toBe('stopped');
  });

  test('before anything has begun asks nobody for anything', async () => {
    const stopping = new AbortController();
    stopping.abort();
    const stream = createStream({
      ...{ endpoint: world.sandbox.pubSubEndpoint, topics: [ALL], clientName: 'wonward' },
      ...{ clock: () => 0, random: () => 0, sleep: systemClock.sleep },
    });
    const accessToken = () => Promise.reject(new Error('asked'));
    const access = { connectionId: 'c', externalId: 'x', apiUrl: 'y', homeCurrency: null, scopes: [], accessToken };
    const input = { access, position: null, signal: stopping.signal, keep: async () => undefined };
    expect(await stream.listen(input)).toBe('stopped');
  });
});
