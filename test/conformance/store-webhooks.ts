import { beforeEach, describe, expect, test } from 'vitest';
import type { ClaimedDelivery, Store, WebhookEndpoint } from '../../src/application/ports/store.ts';
import {
  type AfterAttempt,
  type Attempt,
  afterAttempt,
  TEST_EVENT,
  WEBHOOK_ENDPOINTS_MAX,
} from '../../src/domain/webhook.ts';
import { eventOf } from '../../src/domain/webhook-event.ts';
import { DAY, T0, type Tenant } from './store-fixtures.ts';

export function endpointFor(id: string, changes: Partial<WebhookEndpoint> = {}): WebhookEndpoint {
  return {
    id,
    url: `https://example.com/${id}`,
    description: '',
    eventTypes: ['referral.won', 'reward.granted', 'reward.issued', 'decision.made', 'case.opened'],
    state: 'enabled',
    secret: `sealed ${id}`,
    former: null,
    health: { failures: 0, failingSince: null, restsUntil: 0 },
    succeededAt: null,
    createdBy: 'ada@acme.test',
    createdAt: T0,
    updatedAt: T0,
    version: 1,
    ...changes,
  };
}

const attemptAt = (at: number, status: number | null): Attempt => ({
  at,
  durationMs: 20,
  status,
  problem: status !== null && status < 300 ? null : `The answer was ${status}.`,
  answer: 'an answer',
  pauseMs: null,
});

/** What other systems are told. Part of the store's conformance. */
export function webhookStoreConformance(
  use: () => {
    readonly store: Store;
    readonly a: Tenant;
    sql(text: string): Promise<ReadonlyArray<Record<string, unknown>>>;
  },
): void {
  describe('webhooks', () => {
    let store: Store;
    let a: Tenant;
    let sql: (text: string) => Promise<ReadonlyArray<Record<string, unknown>>>;
    beforeEach(async () => {
      ({ store, a, sql } = use());
      await a.writePair();
    });

    const claim = (endpointId: string, now = T0, limit = 10, leaseMs = 1_000) =>
      store.webhooks.claim({
        shard: { accountId: 'acc_a', connectionId: endpointId },
        now,
        leaseMs,
        limit,
        claim: `claim at ${now} ${Math.random()}`,
      });
    const settle = (delivery: ClaimedDelivery, status: number | null, at = T0) =>
      store.webhooks.settle({ delivery, attempt: attemptAt(at, status) }, ({ health }) =>
        afterAttempt(attemptAt(at, status), delivery.attempts, health, at, () => 0.5),
      );
    const typesOf = (deliveries: readonly ClaimedDelivery[]) => deliveries.map(({ type }) => type).sort();
    const list = async (endpointId: string) =>
      (await store.webhooks.deliveries('acc_a', endpointId, { limit: 50, cursor: null }, {})).items;

    test('a commit tells who asked for it, of what it asked for, in the same transaction', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await store.webhooks.create('acc_a', endpointFor('whe_2', { eventTypes: ['member.enrolled'] }));
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      const told = await claim('whe_1');
      expect(typesOf(told)).toEqual(['decision.made', 'reward.granted']);
      expect(await claim('whe_2')).toEqual([]);
      const body = JSON.parse(told.find(({ type }) => type === 'reward.granted')?.body ?? '');
      expect(body).toMatchObject({
        type: 'reward.granted',
        id: expect.stringMatching(/^evt_/),
        version: 1,
        accountId: 'acc_a',
        subject: 'rwd_1',
        sequence: 1,
        data: { id: 'rwd_1', amount: '50.00', currency: 'EUR', state: 'approved', stateBefore: null },
      });
    });

    test('a commit that is refused tells nobody', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      const again = a.commit({ rewards: [a.reward('rwd_1', 'ref_1', { state: 'issued', version: 7 })] });
      expect(await store.cases.commit([again])).toEqual(['conflict']);
      expect(typesOf(await claim('whe_1'))).toEqual(['decision.made', 'reward.granted']);
    });

    test('without an endpoint nothing is kept', async () => {
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      expect(await sql('select * from webhook_events')).toEqual([]);
    });

    test('a change is told by what it changed, once, and bears a higher number than the one before', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'won', version: 2 })] });
      // Another change of the same referral, which stays won.
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'won', source: 'code', version: 3 })] });
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'opportunity', version: 4 })] });
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'won', version: 5 })] });
      const bodies = (await claim('whe_1')).map(({ body }) => JSON.parse(body));
      const told = bodies.map(({ type, sequence, data }) => [type, sequence, data.stageBefore]);
      expect(told.sort((x, y) => x[1] - y[1])).toEqual([
        ['referral.won', 2, 'accepted'],
        ['referral.won', 5, 'opportunity'],
      ]);
    });

    test('nothing personal is told: no name, no address, and no words of people', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1', { eventTypes: ['referral.won', 'referral.declined'] }));
      const why = 'Grace asked us to, grace@example.com';
      const reason = { code: 'referral_declined' as const, values: { why } };
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'declined', reason, version: 2 })] });
      const [told] = await claim('whe_1');
      expect(JSON.parse(told?.body ?? '').data.reason).toEqual({ code: 'referral_declined', text: null });
      expect(told?.body).not.toMatch(/Grace|@|Friend ref_1|Name mem_1/);
    });

    test('a case is told when it is opened, whoever opens it', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await a.write(a.granted(a.reward('rwd_1', 'ref_1', { state: 'in_review', review: 'needed' })));
      expect(typesOf(await claim('whe_1'))).toContain('case.opened');
    });

    test('what is taken is done, what is refused comes again at its time, and nothing before', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'won', version: 2 })] });
      const [first] = await claim('whe_1');
      if (!first) throw new Error('nothing');
      expect(await claim('whe_1')).toEqual([]);
      expect(await settle(first, 400)).toMatchObject({ kind: 'settled', after: { delivery: { state: 'waiting' } } });
      expect(await claim('whe_1', T0 + 4_999)).toEqual([]);
      const [again] = await claim('whe_1', T0 + 5_000);
      expect(again).toMatchObject({ eventId: first.eventId, body: first.body, attempts: 1 });
      if (!again) throw new Error('nothing');
      await settle(again, 204, T0 + 5_000);
      expect(await list('whe_1')).toMatchObject([{ state: 'delivered', tries: 2, status: 204, problem: null }]);
      const detail = await store.webhooks.delivery('acc_a', 'whe_1', first.eventId);
      expect(detail?.attempts.map(({ status }) => status)).toEqual([204, 400]);
      expect(detail?.body).toBe(first.body);
    });

    test('a worker that died is followed by another, and when it is slow and not dead only the other one is heard', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'won', version: 2 })] });
      const [slow] = await claim('whe_1', T0, 10, 1_000);
      const [next] = await claim('whe_1', T0 + 1_000);
      expect(next).toMatchObject({ eventId: slow?.eventId, body: slow?.body });
      if (!slow || !next) throw new Error('nothing');
      expect(await settle(slow, 500, T0 + 1_001)).toEqual({ kind: 'lost' });
      expect(await list('whe_1')).toMatchObject([{ state: 'waiting', tries: 1 }]);
      expect(await settle(next, 200, T0 + 1_002)).toMatchObject({ kind: 'settled' });
      expect(await list('whe_1')).toMatchObject([{ state: 'delivered', tries: 2 }]);
    });

    test('an endpoint that does not answer rests, and is then tried by one request at a time', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      const [one, other] = await claim('whe_1');
      if (!one || !other) throw new Error('nothing');
      await settle(one, null);
      await store.webhooks.release([other]);
      expect(await store.webhooks.dueShards(T0 + 4_999, 9)).toEqual([]);
      expect(await store.webhooks.nextDueAt()).toBe(T0 + 5_000);
      expect(await store.webhooks.counts(T0)).toEqual({ due: 0, claimed: 0, later: 2, parked: 0 });
      expect(await claim('whe_1', T0 + 4_999)).toEqual([]);
      const probe = await claim('whe_1', T0 + 5_000);
      expect(probe).toHaveLength(1);
      await settle(probe[0] as ClaimedDelivery, 200, T0 + 5_000);
      expect(await store.webhooks.endpoint('acc_a', 'whe_1')).toMatchObject({
        health: { failures: 0, failingSince: null, restsUntil: 0 },
        succeededAt: T0 + 5_000,
      });
    });

    test('one that has failed for three days is switched off with an alert; switched on again it gets what waited', async () => {
      const failingSince = T0 - 3 * DAY;
      await store.webhooks.create(
        'acc_a',
        endpointFor('whe_1', { health: { failures: 3, failingSince, restsUntil: 0 } }),
      );
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'won', version: 2 })] });
      const [told] = await claim('whe_1');
      if (!told) throw new Error('nothing');
      expect(await settle(told, 503)).toMatchObject({ after: { switchedOff: 'failing' } });
      const off = await store.webhooks.endpoint('acc_a', 'whe_1');
      expect(off).toMatchObject({ state: 'failing', version: 2 });
      const alerts = await store.desk.list('acc_a', { limit: 9, cursor: null }, { kind: 'alert', state: 'open' });
      expect(alerts.items).toMatchObject([{ topic: 'webhook_failing', facts: { endpointId: 'whe_1' } }]);
      // What happens meanwhile is kept and not sent.
      await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
      expect(await claim('whe_1', T0 + DAY)).toEqual([]);
      expect(await store.webhooks.nextDueAt()).toBeNull();

      if (!off) throw new Error('no endpoint');
      const on = { ...off, state: 'enabled' as const, version: 3, updatedAt: T0 + DAY };
      expect(await store.webhooks.save('acc_a', on, 'ada@acme.test')).toMatchObject({
        kind: 'saved',
        endpoint: { health: { failures: 0, failingSince: null, restsUntil: 0 } },
      });
      expect((await claim('whe_1', T0 + DAY)).map(({ eventId }) => eventId)).toEqual([told.eventId]);
      expect(
        await store.desk.list('acc_a', { limit: 9, cursor: null }, { kind: 'alert', state: 'open' }),
      ).toMatchObject({ items: [] });
      const missed = {
        since: T0 - 1,
        after: null,
        limit: 50,
        types: on.eventTypes,
        onlyUndelivered: true,
        now: T0 + DAY,
      };
      // The alert about it is one of the events that it has missed.
      expect(await store.webhooks.replay('acc_a', 'whe_1', missed)).toEqual({ asked: 4, next: null });
      expect(typesOf(await claim('whe_1', T0 + DAY))).toEqual([
        'case.opened',
        'decision.made',
        'referral.won',
        'reward.granted',
      ]);
    });

    test('a replay goes on where it ended, leaves out what was taken if it is told to, and keeps the ids', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1', { eventTypes: ['referral.won', 'referral.lost'] }));
      for (const [version, stage] of [
        [2, 'won'],
        [3, 'lost'],
        [4, 'won'],
        [5, 'lost'],
      ] as const)
        await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage, version })] });
      const sent = await claim('whe_1');
      expect(sent).toHaveLength(4);
      for (const one of sent.slice(0, 3)) await settle(one, 200);
      await store.webhooks.release(sent.slice(3));
      const all = { since: T0, after: null, types: ['referral.won', 'referral.lost'] as const, now: T0 + 9 };
      expect(await store.webhooks.replay('acc_a', 'whe_1', { ...all, limit: 50, onlyUndelivered: true })).toEqual({
        asked: 1,
        next: null,
      });
      const first = await store.webhooks.replay('acc_a', 'whe_1', { ...all, limit: 3, onlyUndelivered: false });
      expect(first).toMatchObject({ asked: 3, next: { at: T0 } });
      const rest = await store.webhooks.replay('acc_a', 'whe_1', {
        ...all,
        after: first.next,
        limit: 3,
        onlyUndelivered: false,
      });
      expect(rest).toEqual({ asked: 1, next: null });
      const repeated = await claim('whe_1', T0 + 9);
      expect(repeated.map(({ eventId }) => eventId).sort()).toEqual(sent.map(({ eventId }) => eventId).sort());
      expect(await store.webhooks.again('acc_a', 'whe_1', sent[0]?.eventId ?? '', T0 + 10)).toBe(true);
      expect(await store.webhooks.again('acc_a', 'whe_1', 'evt_nobody', T0 + 10)).toBe(false);
    });

    test('what is for one endpoint alone is told it alone, and is no part of a replay', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await store.webhooks.create('acc_a', endpointFor('whe_2'));
      await store.webhooks.tell(
        'acc_a',
        'whe_1',
        eventOf('acc_a', TEST_EVENT, 'whe_1', T0, T0, { endpointId: 'whe_1' }),
      );
      expect(typesOf(await claim('whe_1'))).toEqual([TEST_EVENT]);
      expect(await claim('whe_2')).toEqual([]);
      const all = { since: 0, after: null, limit: 9, types: [], onlyUndelivered: false, now: T0 };
      expect(await store.webhooks.replay('acc_a', 'whe_2', all)).toEqual({ asked: 0, next: null });
    });

    test('of two people who change one the second is told, and there is an end to how many there are', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      const mine = endpointFor('whe_1', { url: 'https://mine.example/', version: 2 });
      expect(await store.webhooks.save('acc_a', mine, 'ada')).toMatchObject({ kind: 'saved' });
      expect(await store.webhooks.save('acc_a', { ...mine, url: 'https://theirs.example/' }, 'lin')).toMatchObject({
        kind: 'changed',
        endpoint: { url: 'https://mine.example/' },
      });
      const made = await Promise.all(
        Array.from({ length: WEBHOOK_ENDPOINTS_MAX + 2 }, (_, index) =>
          store.webhooks.create('acc_a', endpointFor(`whe_more${index}`)),
        ),
      );
      expect(made.filter(Boolean)).toHaveLength(WEBHOOK_ENDPOINTS_MAX - 1);
      expect(await store.webhooks.endpoints('acc_a')).toHaveLength(WEBHOOK_ENDPOINTS_MAX);
    });

    test('one that is removed is told nothing more, and its log is forgotten with the events', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'won', version: 2 })] });
      const [told] = await claim('whe_1');
      if (!told) throw new Error('nothing');
      await settle(told, 500);
      expect(await store.webhooks.remove('acc_a', 'whe_1', 'ada', T0)).toBe(true);
      expect(await store.webhooks.remove('acc_a', 'whe_1', 'ada', T0)).toBe(false);
      expect(await store.webhooks.endpoints('acc_a')).toEqual([]);
      expect(await claim('whe_1', T0 + DAY)).toEqual([]);
      expect(await sql("select secret from webhook_endpoints where id = 'whe_1'")).toEqual([{ secret: '' }]);
      expect(await store.webhooks.prune('acc_a', T0, 9)).toBe(0);
      expect(await store.webhooks.prune('acc_a', T0 + 1, 9)).toBe(1);
      for (const table of ['events', 'deliveries', 'attempts', 'endpoints'])
        expect([table, await sql(`select * from webhook_${table}`)]).toEqual([table, []]);
    });

    test('secrets are found by who seals them anew, and replaced only as they were read', async () => {
      const former = { secret: 'sealed before', until: T0 + DAY };
      await store.webhooks.create('acc_a', endpointFor('whe_1', { former }));
      const [found] = await store.webhooks.listSealed(null, 9);
      expect(found).toEqual({ accountId: 'acc_a', id: 'whe_1', secret: 'sealed whe_1', former: 'sealed before' });
      if (!found) throw new Error('nothing');
      expect(await store.webhooks.listSealed(found, 9)).toEqual([]);
      expect(await store.webhooks.replaceSealed({ ...found, secret: 'x' }, { secret: 'n', former: null })).toBe(false);
      expect(await store.webhooks.replaceSealed(found, { secret: 'new', former: 'new before' })).toBe(true);
      expect(await store.webhooks.endpoint('acc_a', 'whe_1')).toMatchObject({
        secret: 'new',
        former: { secret: 'new before' },
      });
    });

    test('another account sees and touches nothing of it', async () => {
      await store.webhooks.create('acc_a', endpointFor('whe_1'));
      await a.write({ referrals: [a.referral('ref_1', 'mem_1', { stage: 'won', version: 2 })] });
      const [told] = await claim('whe_1');
      if (!told) throw new Error('nothing');
      await store.accounts.create({ id: 'acc_b', name: 'B', createdAt: T0 });
      const { webhooks } = store;
      const judge = (): AfterAttempt => {
        throw new Error('judged for a stranger');
      };
      expect(await webhooks.endpoints('acc_b')).toEqual([]);
      expect(await webhooks.endpoint('acc_b', 'whe_1')).toBeNull();
      expect(await webhooks.save('acc_b', endpointFor('whe_1', { version: 2 }), 'x')).toBeNull();
      expect(await webhooks.remove('acc_b', 'whe_1', 'x', T0)).toBe(false);
      expect(await webhooks.delivery('acc_b', 'whe_1', told.eventId)).toBeNull();
      expect((await webhooks.deliveries('acc_b', 'whe_1', { limit: 9, cursor: null }, {})).items).toEqual([]);
      expect(await webhooks.again('acc_b', 'whe_1', told.eventId, T0)).toBe(false);
      expect(await webhooks.prune('acc_b', T0 + DAY, 9)).toBe(0);
      const strange = { ...told, accountId: 'acc_b' };
      expect(await webhooks.settle({ delivery: strange, attempt: attemptAt(T0, 200) }, judge)).toEqual({
        kind: 'lost',
      });
      await webhooks.release([strange]);
      expect(await claim('whe_1')).toEqual([]);
    });
  });
}
