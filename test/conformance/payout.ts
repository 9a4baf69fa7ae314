import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDeliver } from '../../src/application/deliver.ts';
import { createPayoutAccounts } from '../../src/application/payout-accounts.ts';
import { createPayoutNews } from '../../src/application/payout-news.ts';
import { createPayoutOrders, refusalOf } from '../../src/application/payout-orders.ts';
import type { RawRequest } from '../../src/application/ports/crm.ts';
import type { OrderMemory, PayoutProvider, PayoutSettings } from '../../src/application/ports/payout.ts';
import type { Store } from '../../src/application/ports/store.ts';
import { createTakeRefund } from '../../src/application/refunds.ts';
import type { Reward } from '../../src/domain/decision.ts';
import { Fault } from '../../src/domain/errors.ts';
import { derivedId } from '../../src/domain/ids.ts';
import type { Money } from '../../src/domain/money.ts';
import { intentFor, type PayoutIntent } from '../../src/domain/plan.ts';
import { createLog } from '../../src/platform/log.ts';
import { createSeal } from '../../src/platform/seal.ts';
import { openStore } from '../../src/store/open.ts';
import { DAY, T0, type Tenant, tenant } from './store-fixtures.ts';

const HOUR = 3_600_000;
const SEAL = createSeal([{ id: 'k1', key: Buffer.alloc(32, 7) }]);

/** Time as a test moves it. */
export interface TestTime {
  now(): number;
  advance(ms: number): void;
}

/** What the provider's own books say was given, and not given back. */
export interface Given {
  readonly key: string;
  readonly money: Money;
}

/** A provider to be tested, with the vendor's server where it has one. */
export interface PayoutSubject {
  readonly provider: PayoutProvider;
  readonly credentials: Readonly<Record<string, string>>;
  readonly money: Money;
  given(): Promise<readonly Given[]>;
  /** What a person has to do before an order is settled; it is asked again afterwards. */
  readonly settleByHand?: (intent: PayoutIntent, verdict: 'paid' | 'refused') => Promise<void>;
  /** Null for what needs no call to anybody. */
  readonly network: {
    loseAnswers(times: number): void;
    goDown(): void;
    comeBack(): void;
    /** The next order is turned down for good. */
    refuse(reward: Reward): Promise<void>;
  } | null;
  /** Null where nothing can be taken back. */
  readonly cancelling: {
    /** Before the order is sent: so that what comes of it can still be taken back. */
    prepare?(reward: Reward): Promise<void>;
    /** The beneficiary has it for good. */
    use(intent: PayoutIntent): Promise<void>;
  } | null;
  /** Null for who never calls. `receiver` is the address of a webhook that notes what it is sent. */
  readonly news: {
    listen(receiver: string): void;
    /** Something happens at the vendor, who tells it. */
    bringBack(intent: PayoutIntent): Promise<void>;
    repeat(): Promise<void>;
    /** A request like it, with one byte of the body changed. */
    forge(request: RawRequest): RawRequest;
  } | null;
  /** Credentials that do not hold, each with the field that is wrong. */
  readonly wrong: ReadonlyArray<readonly [Readonly<Record<string, string>>, string]>;
  close(): Promise<void>;
}

export interface PayoutSuite {
  readonly name: string;
  /** Which of its ways is tested, where it has several. */
  readonly way?: string;
  open(settings: Omit<PayoutSettings, 'rewardWebhook' | 'localProviders'>, time: TestTime): Promise<PayoutSubject>;
}

/** Everything around a provider as in production: the store, the deliver hop, the news desk. Only time is played. */
export async function startWorld({ open }: Pick<PayoutSuite, 'open'>) {
  let now = T0;
  const time: TestTime = {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
  const store = await openStore({ url: 'sqlite::memory:' });
  let bytes = 0;
  const subject = await open(
    {
      allowPrivateDestinations: true,
      now: time.now,
      // Different each time, and the same in every run.
      randomBytes: (length) => Buffer.from(Array.from({ length }, () => (bytes++ * 37 + 11) % 251)),
      seal: SEAL,
      coupons: store.coupons,
      batches: store.batches,
    },
    time,
  );
  const a = tenant(store);
  await a.create();
  await a.writePair();
  const clock = { now: time.now, random: () => 0.5, sleep: async () => {} };
  const log = createLog({ level: 'silent' });
  const providers = new Map([[subject.provider.name, subject.provider]]);
  const accounts = createPayoutAccounts({ store, providers, seal: SEAL, clock });
  const payoutNews = createPayoutNews({
    store,
    accounts,
    takeRefund: createTakeRefund({ store, clock, onAsked: () => {} }),
    clock,
    log,
  });
  const payoutOrders = createPayoutOrders({
    records: store.payoutRecords,
    batches: store.batches,
    accounts,
    seal: SEAL,
    clock,
  });
  const deliver = createDeliver({
    store,
    clock,
    log,
    observe: { payout: () => {}, mirrorWrites: () => {} },
    publicUrl: 'https://wonward.test',
    payoutOrders,
    payoutNews,
    openSession: () => {
      throw new Error('no CRM here');
    },
    onAsked: () => {},
  });
  if (Object.keys(subject.credentials).length > 0) {
    const saved = await accounts.configure(
      'acc_a',
      subject.provider.name,
      new Map(Object.entries(subject.credentials)),
    );
    expect(saved).toEqual({ ok: true });
  }

  const received: RawRequest[] = [];
  const receiver = createServer(async (request, response) => {
    received.push({
      method: 'POST',
      url: 'https://wonward.test/',
      headers: request.headers,
      body: await buffer(request),
    });
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  subject.news?.listen(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`);

  const shard = { accountId: 'acc_a', connectionId: null };
  return {
    ...subject,
    store,
    time,
    accounts,
    payoutNews,
    received,
    async order(id: string, changes: Partial<Reward> = {}): Promise<{ reward: Reward; intent: PayoutIntent }> {
      const reward = a.reward(id, 'ref_1', { payout: subject.provider.name, money: subject.money, ...changes });
      await a.write(a.granted(reward));
      return { reward, intent: intentFor(reward) };
    },
    /** Everything that is due now. */
    run: () => deliver.payouts(shard),
    /** Time goes on by steps of an hour until nothing waits, or for as long as this. */
    async runFor(ms: number): Promise<void> {
      const end = now + ms;
      while (now < end) {
        await deliver.payouts(shard);
        if ((await store.payouts.nextDueAt()) === null) return;
        now += HOUR;
      }
    },
    reward: async (id: string) => {
      const reward = await store.reads.reward('acc_a', id);
      if (!reward) throw new Error(`no reward ${id}`);
      return reward;
    },
    async rename(memberId: string, name: string, email: string): Promise<void> {
      const member = await store.reads.member('acc_a', memberId);
      if (member) await a.write({ members: [{ ...member, name, email, version: member.version + 1 }] });
    },
    /** Takes a reward back while its order is open, as `decide` does. */
    async takeBack(id: string): Promise<void> {
      const reward = await this.reward(id);
      await a.write({ rewards: [{ ...reward, reversalPending: true, version: reward.version + 1 }] });
    },
    async balance(account: string): Promise<bigint> {
      const balances = await store.reads.balances('acc_a');
      return balances.find((one) => one.account === account)?.minor ?? 0n;
    },
    async close() {
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
      await subject.close();
      await store.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;

/** What a reward provider promises, whoever it is. */
export function payoutConformance(suite: PayoutSuite): void {
  describe(`the provider ${suite.name}${suite.way ? `, ${suite.way}` : ''}`, () => {
    let world: World;
    beforeEach(async () => {
      world = await startWorld(suite);
    });
    afterEach(() => world.close());

    const provider = () => world.provider.name;
    /** Sends what is due, and does what a person has to do. */
    async function carryOut(intent: PayoutIntent, verdict: 'paid' | 'refused' = 'paid'): Promise<void> {
      await world.run();
      if (!world.settleByHand) return;
      await world.settleByHand(intent, verdict);
      await world.run();
    }
    const settledAccount = () => (provider() === 'credit' ? 'credit:member:mem_1' : `provider:${provider()}`);

    test('describes itself so that a form can be drawn, and what it takes so that a rule can be refused', () => {
      const { description, name } = world.provider;
      expect(name).toBe(suite.name);
      expect(description.label).not.toBe('');
      expect(description.summary).toMatch(/\.$/);
      expect(description.cancelling.how).toMatch(/\.$/);
      expect(new Set(description.fields.map((field) => field.name)).size).toBe(description.fields.length);
      for (const field of description.fields) expect([field.label, field.help]).not.toContain('');
      for (const { minMinor, maxMinor, stepMinor } of description.amounts ?? []) {
        expect(minMinor > 0n && stepMinor > 0n && minMinor % stepMinor === 0n).toBe(true);
        expect(maxMinor === null || (maxMinor >= minMinor && maxMinor % stepMinor === 0n)).toBe(true);
      }
    });

    test('gives what was ordered, once, and the books say so', async () => {
      const { intent } = await world.order('rwd_1');
      await carryOut(intent);
      expect((await world.reward('rwd_1')).state).toBe('issued');
      expect(await world.given()).toEqual([{ key: intent.id, money: world.money }]);
      expect(await world.balance(settledAccount())).toBe(-world.money.minor);
      expect(await world.balance('payable:member:mem_1')).toBe(0n);
      await world.runFor(2 * DAY);
      expect(await world.given()).toHaveLength(1);
    });

    test('gives nothing twice when the answer is known to nobody and the order comes again', async () => {
      const { intent } = await world.order('rwd_1');
      world.network?.loseAnswers(1);
      await world.run();
      if (world.network) expect((await world.reward('rwd_1')).state).toBe('issuing');
      world.time.advance(HOUR);
      await carryOut(intent);
      expect((await world.reward('rwd_1')).state).toBe('issued');
      expect(await world.given()).toEqual([{ key: intent.id, money: world.money }]);
    });

    test('gives nothing twice when the beneficiary has another name and address by the time the order comes again', async () => {
      const { intent } = await world.order('rwd_1');
      world.network?.loseAnswers(1);
      await world.run();
      await world.rename('mem_1', 'Somebody Else', 'else@example.com');
      // Longer than any vendor promises to remember a request.
      world.time.advance(2 * DAY);
      await carryOut(intent);
      expect((await world.reward('rwd_1')).state).toBe('issued');
      expect(await world.given()).toEqual([{ key: intent.id, money: world.money }]);
    });

    test('gives nothing twice when two workers have the same order at the same time', async () => {
      const { intent, reward } = await world.order('rwd_1');
      const { session } = await world.accounts.open('acc_a', provider());
      const order = {
        key: intent.id,
        accountId: 'acc_a',
        rewardId: reward.id,
        referralId: 'ref_1',
        beneficiary: { party: 'member' as const, id: 'mem_1', name: 'Name mem_1', email: 'mem_1@example.com' },
        money: world.money,
        reason: 'Won.',
      };
      const memory = memoryOf();
      const once = () =>
        session.issue(order, memory).then(
          (result) => result.ok,
          (fault: unknown) => {
            // One may be told that the other is at it; nothing else.
            expect(fault).toMatchObject({ code: 'payout_unavailable', retry: { kind: 'retry' } });
            return null;
          },
        );
      await Promise.all([once(), once(), once()]);
      await world.settleByHand?.(intent, 'paid');
      expect(await session.issue(order, memory)).toMatchObject({ ok: true });
      expect(await session.issue(order, memory)).toMatchObject({ ok: true });
      expect(await world.given()).toEqual([{ key: intent.id, money: world.money }]);
    });

    test('settles each order by itself: one that is refused keeps no other from being paid', async () => {
      const first = await world.order('rwd_1');
      const second = await world.order('rwd_2');
      const third = await world.order('rwd_3');
      if (world.network) await world.network.refuse(second.reward);
      await world.run();
      for (const [one, verdict] of [
        [first, 'paid'],
        [second, 'refused'],
        [third, 'paid'],
      ] as const)
        await world.settleByHand?.(one.intent, verdict);
      await world.run();
      const states = await Promise.all(['rwd_1', 'rwd_2', 'rwd_3'].map(async (id) => (await world.reward(id)).state));
      const canRefuse = world.network !== null || world.settleByHand !== undefined;
      expect(states).toEqual(['issued', canRefuse ? 'failed' : 'issued', 'issued']);
      const keys = (canRefuse ? [first, third] : [first, second, third]).map(({ intent }) => intent.id);
      expect((await world.given()).map(({ key }) => key).sort()).toEqual(keys.sort());
      if (canRefuse) {
        const { reason } = await world.reward('rwd_2');
        expect(reason.code).toBe('payout_failed');
        expect(reason.values.why).not.toBe('');
        expect(await world.balance('payable:member:mem_1')).toBe(-world.money.minor);
      }
    });

    test('is asked again for as long as it is down, a whole day, and then pays once', async () => {
      const { intent } = await world.order('rwd_1');
      world.network?.goDown();
      if (world.network) {
        await world.runFor(DAY);
        expect((await world.reward('rwd_1')).state).toBe('issuing');
        expect(await world.given()).toEqual([]);
        expect(await world.store.payouts.counts(world.time.now())).toMatchObject({ parked: 0 });
        world.network.comeBack();
        world.time.advance(HOUR);
      }
      await carryOut(intent);
      expect((await world.reward('rwd_1')).state).toBe('issued');
      expect(await world.given()).toEqual([{ key: intent.id, money: world.money }]);
    });

    test('is down for a day after it had taken the order, and pays it once all the same', async () => {
      const { intent } = await world.order('rwd_1');
      if (world.network) {
        world.network.loseAnswers(1);
        await world.run();
        world.network.goDown();
        await world.runFor(2 * DAY);
        world.network.comeBack();
        world.time.advance(HOUR);
      }
      await carryOut(intent);
      expect((await world.reward('rwd_1')).state).toBe('issued');
      expect(await world.given()).toHaveLength(1);
    });

    test('is asked for nothing that it says it does not take, and the refusal says what it takes', async () => {
      const { description } = world.provider;
      if (description.amounts === null) {
        expect(refusalOf(description, { minor: 1n, currency: 'XAF' })).toBeNull();
        return;
      }
      const [range] = description.amounts;
      if (!range) throw new Error('no currency is taken');
      const limited = description.amounts.find(({ maxMinor }) => maxMinor !== null);
      const stepped = description.amounts.find(({ stepMinor }) => stepMinor > 1n);
      const outside: Money[] = [
        { minor: 100n, currency: 'XAU' },
        { minor: range.minMinor - 1n, currency: range.currency },
        ...(limited ? [{ minor: (limited.maxMinor ?? 0n) + limited.stepMinor, currency: limited.currency }] : []),
        ...(stepped ? [{ minor: stepped.minMinor + 1n, currency: stepped.currency }] : []),
      ];
      for (const [index, money] of outside.entries()) {
        if (money.minor === 0n) {
          expect(refusalOf(description, money)).toContain(description.label);
          continue;
        }
        await world.order(`rwd_${index}`, { money });
        await world.run();
        const { state, reason } = await world.reward(`rwd_${index}`);
        expect([money, state, reason.code]).toEqual([money, 'failed', 'payout_failed']);
        expect(reason.values.why).toMatch(new RegExp(`^${description.label} (does not pay in|takes orders from)`));
      }
      expect(await world.given()).toEqual([]);
    });

    test('takes back what can be taken back, and says so when it is too late', async () => {
      const { session } = await world.accounts.open('acc_a', provider());
      if (!world.cancelling) {
        expect(session.cancel).toBeUndefined();
        return;
      }
      if (!session.cancel) throw new Error('cancelling is tested, but not offered');
      const early = await world.order('rwd_1');
      await world.cancelling.prepare?.(early.reward);
      await world.run();
      const known = await world.store.payoutRecords.record('acc_a', early.intent.id);
      const order = { key: early.intent.id, reference: known?.reference ?? null };
      expect(await session.cancel(order)).toBe('cancelled');
      expect(await session.cancel(order)).toBe('cancelled');
      expect(await world.given()).toEqual([]);

      const late = await world.order('rwd_2');
      await carryOut(late.intent);
      await world.cancelling.use(late.intent);
      const used = await world.store.payoutRecords.record('acc_a', late.intent.id);
      expect(await session.cancel({ key: late.intent.id, reference: used?.reference ?? null })).toBe('too_late');
      expect((await world.given()).map(({ key }) => key)).toEqual([late.intent.id]);
    });

    test('undoes what it gave, once, by the same order when the reward was taken back after it was paid, also after a day away', async () => {
      if (!world.cancelling) return;
      const { reward, intent } = await world.order('rwd_1');
      await world.cancelling.prepare?.(reward);
      await carryOut(intent);
      await clawBack(world.store, await world.reward('rwd_1'), [{ ...intent, kind: 'cancel' }]);
      world.network?.goDown();
      if (world.network) {
        await world.runFor(DAY);
        expect((await world.reward('rwd_1')).reason.code).toBe('left_won');
        world.network.comeBack();
        world.time.advance(HOUR);
      }
      await world.run();
      // What a person has paid is gone; everybody else gives it back as long as it was not used.
      const isGone = world.settleByHand !== undefined;
      expect((await world.given()).map(({ key }) => key)).toEqual(isGone ? [intent.id] : []);
      expect(await world.balance('receivable:member:mem_1')).toBe(isGone ? world.money.minor : 0n);
      const journals = () => world.store.reads.journals('acc_a', { limit: 50, cursor: null }, {});
      const before = (await journals()).items.length;
      await world.runFor(2 * DAY);
      expect((await journals()).items).toHaveLength(before);
    });

    test('in batches is sent nothing before the batch is approved, and then each order once', async () => {
      const { batching } = world.provider.description;
      if (batching === undefined) return;
      const { batches } = world.store;
      const how = { provider: provider(), schedule: null, approval: 'required', nextCutAt: null } as const;
      await batches.setBatching('acc_a', how, world.time.now());
      const { intent } = await world.order('rwd_1');
      await world.runFor(2 * DAY);
      expect((await world.reward('rwd_1')).state).toBe('approved');
      expect(await world.given()).toEqual([]);
      const [batch] = await batches.batches('acc_a');
      await batches.cut('acc_a', batch?.id ?? '', { by: 'Ada', approval: 'required' }, world.time.now());
      await world.runFor(DAY);
      expect(await world.given()).toEqual([]);
      await batches.approve('acc_a', batch?.id ?? '', 'Bo', world.time.now());
      world.network?.loseAnswers(1);
      await world.run();
      world.time.advance(HOUR);
      await carryOut(intent);
      expect((await world.reward('rwd_1')).state).toBe('issued');
      expect(await world.given()).toEqual([{ key: intent.id, money: world.money }]);
    });

    test('never says "cancelled" of an order that it does not know, since that may still be on its way', async () => {
      const { session } = await world.accounts.open('acc_a', provider());
      const cancelled = await session.cancel?.({ key: derivedId('pay', 'never sent'), reference: null });
      expect(cancelled ?? 'too_late').toBe('too_late');
    });

    test('an order that was taken back while it was open is void, or is paid and claimed back; never lost, never paid in silence', async () => {
      const { intent } = await world.order('rwd_1');
      world.network?.loseAnswers(1);
      await world.run();
      if ((await world.reward('rwd_1')).state !== 'issuing') return;
      await world.takeBack('rwd_1');
      world.time.advance(HOUR);
      await carryOut(intent);
      const { state } = await world.reward('rwd_1');
      expect(['voided', 'clawed_back']).toContain(state);
      expect(await world.given()).toHaveLength(state === 'voided' ? 0 : 1);
      expect(await world.balance(settledAccount())).toBe(state === 'voided' ? 0n : -world.money.minor);
    });

    test('knows what it gave: the entries of the time, and each order by its key, are those of the ledger', async () => {
      const { intent } = await world.order('rwd_1');
      await carryOut(intent);
      const { session } = await world.accounts.open('acc_a', provider());
      const record = await world.store.payoutRecords.record('acc_a', intent.id);
      const expected = { key: intent.id, money: world.money, state: 'paid' };
      if (session.entries) {
        expect(await session.entries(T0 - DAY, world.time.now() + DAY)).toMatchObject([expected]);
        expect(await session.entries(T0 - 2 * DAY, T0 - DAY)).toEqual([]);
      }
      if (session.lookUp) {
        const order = { key: intent.id, reference: record?.reference ?? null };
        expect(await session.lookUp(order)).toMatchObject({ ...expected, reference: record?.reference });
        expect(await session.lookUp({ key: 'pay_unknown', reference: null })).toBeNull();
      }
      expect(record === null || record.state === 'issued').toBe(true);
    });

    test('keeps a voucher sealed: it opens for its own order only', async () => {
      const { intent } = await world.order('rwd_1');
      await carryOut(intent);
      const record = await world.store.payoutRecords.record('acc_a', intent.id);
      if (!record?.voucher) return;
      const voucher = SEAL.open(record.voucher, JSON.stringify(['payout', 'acc_a', 'voucher', intent.id]));
      expect(voucher.length).toBeGreaterThan(5);
      expect(record.voucher).not.toContain(voucher);
      expect(() =>
        SEAL.open(record.voucher ?? '', JSON.stringify(['payout', 'acc_b', 'voucher', intent.id])),
      ).toThrow();
    });

    test('is tried with a call that moves nothing, and says which credential is wrong', async () => {
      expect(await world.accounts.test('acc_a', provider())).toMatchObject({ ok: true });
      for (const [values, field] of world.wrong) {
        await world.accounts.configure(
          'acc_a',
          provider(),
          new Map(Object.entries({ ...world.credentials, ...values })),
        );
        const answer = await world.accounts.test('acc_a', provider());
        expect(answer).toMatchObject({ ok: false, field });
      }
      expect(await world.given()).toEqual([]);
    });

    test('without credentials, or with those it does not take, holds orders until a person has seen to it', async () => {
      const required = world.provider.description.fields.filter((field) => field.required);
      if (required.length === 0) return;
      await world.accounts.forget('acc_a', provider());
      const { intent } = await world.order('rwd_1');
      for (let tries = 0; tries < 6; tries += 1) {
        await world.run();
        world.time.advance(HOUR);
      }
      expect((await world.reward('rwd_1')).state).toBe('issuing');
      expect(await world.store.payouts.counts(world.time.now())).toMatchObject({ parked: 1 });
      await world.accounts.configure('acc_a', provider(), new Map(Object.entries(world.credentials)));
      await carryOut(intent);
      expect((await world.reward('rwd_1')).state).toBe('issued');
    });

    describe('news', () => {
      const receive = (request: RawRequest) => world.payoutNews.receive(provider(), 'acc_a', request);

      test('that the money came back leaves the reward failed and owed again; the same news twice changes nothing', async () => {
        const { news } = world;
        if (!news) {
          const { session } = await world.accounts.open('acc_a', provider());
          if (world.provider.description.issued === 'final') expect(session.readNews).toBeUndefined();
          return;
        }
        const { intent } = await world.order('rwd_1');
        await carryOut(intent);
        await news.bringBack(intent);
        await news.repeat();
        expect(world.received).toHaveLength(2);
        const [first, again] = world.received as [RawRequest, RawRequest];
        expect(await receive(first)).toEqual({ accepted: 1, duplicates: 0 });
        const after = await world.reward('rwd_1');
        expect([after.state, after.reason.code]).toEqual(['failed', 'payout_returned']);
        expect(await world.balance(`provider:${provider()}`)).toBe(0n);
        expect(await world.balance('payable:member:mem_1')).toBe(-world.money.minor);
        expect(await world.given()).toEqual([]);
        expect(await receive(again)).toEqual({ accepted: 0, duplicates: 1 });
        expect(await world.reward('rwd_1')).toEqual(after);
        expect((await world.store.reads.journals('acc_a', { limit: 50, cursor: null }, {})).items).toHaveLength(3);
        const due = await world.store.mirror.counts(world.time.now());
        expect(due.due).toBeGreaterThan(0);
      });

      test('that comes before the answer is booked waits for it', async () => {
        const { news } = world;
        if (!news) return;
        const { intent, reward } = await world.order('rwd_1');
        const { session } = await world.accounts.open('acc_a', provider());
        const beneficiary = { party: 'member' as const, id: 'mem_1', name: 'Name mem_1', email: 'mem_1@example.com' };
        // The vendor has carried it out; the node that asked died before it could write that down.
        const result = await session.issue(
          {
            key: intent.id,
            accountId: 'acc_a',
            rewardId: reward.id,
            referralId: 'ref_1',
            beneficiary,
            money: world.money,
            reason: 'Won.',
          },
          memoryOf(),
        );
        if (!result.ok) throw new Error(result.why);
        await news.bringBack(intent);
        const [request] = world.received as [RawRequest];
        expect(await receive(request)).toEqual({ accepted: 1, duplicates: 0 });
        expect((await world.reward('rwd_1')).state).toBe('approved');
        await world.runFor(DAY);
        // Asked again, the vendor says itself that it came back; or the answer is booked and then the news.
        expect((await world.reward('rwd_1')).state).toBe('failed');
        expect(await world.balance(`provider:${provider()}`)).toBe(0n);
        expect(await world.balance('payable:member:mem_1')).toBe(-world.money.minor);
      });

      test('with a wrong signature, without one, or for another account, is not listened to', async () => {
        const { news } = world;
        if (!news) return;
        const { intent } = await world.order('rwd_1');
        await carryOut(intent);
        await news.bringBack(intent);
        const [request] = world.received as [RawRequest];
        const codeOf = (work: Promise<unknown>) =>
          work.then(
            () => 'taken',
            (fault: unknown) => (fault instanceof Fault ? fault.code : String(fault)),
          );
        expect(await codeOf(receive(news.forge(request)))).toBe('payout_news_unsigned');
        expect(await codeOf(receive({ ...request, headers: { 'content-type': 'application/json' } }))).toBe(
          'payout_news_unsigned',
        );
        const b: Tenant = tenant(world.store, 'acc_b', 'con_b');
        await b.create();
        expect(await codeOf(world.payoutNews.receive(provider(), 'acc_b', request))).toBe('payout_credentials');
        const other = {
          ...world.credentials,
          webhookKey: 'another',
          webhookSecret: 'whsec_another',
          webhookId: 'OTHER',
        };
        const names = new Set(world.provider.description.fields.map((field) => field.name));
        const theirs = Object.fromEntries(Object.entries(other).filter(([name]) => names.has(name)));
        await world.accounts.configure('acc_b', provider(), new Map(Object.entries(theirs)));
        expect(await codeOf(world.payoutNews.receive(provider(), 'acc_b', request))).toBe('payout_news_unsigned');
        expect((await world.reward('rwd_1')).state).toBe('issued');
      });

      test('after a reward was claimed back settles what the beneficiary owed', async () => {
        const { news } = world;
        if (!news) return;
        const { intent } = await world.order('rwd_1');
        await carryOut(intent);
        const issued = await world.reward('rwd_1');
        await clawBack(world.store, issued);
        expect(await world.balance('receivable:member:mem_1')).toBe(world.money.minor);
        await news.bringBack(intent);
        const [request] = world.received as [RawRequest];
        await receive(request);
        expect((await world.reward('rwd_1')).state).toBe('clawed_back');
        expect(await world.balance('receivable:member:mem_1')).toBe(0n);
        expect(await world.balance(`provider:${provider()}`)).toBe(0n);
      });
    });
  });
}

/** What attempts at one order remember, as long as the test lasts. */
function memoryOf(): OrderMemory {
  let chosen: string | null = null;
  return {
    choose: async (find) => {
      chosen ??= await find();
      return chosen;
    },
  };
}

/** As `reverse` does it: the deal left Closed Won after the reward was paid. */
async function clawBack(store: Store, reward: Reward, intents: readonly PayoutIntent[] = []): Promise<void> {
  const a = tenant(store);
  await a.write({
    rewards: [
      { ...reward, state: 'clawed_back', reason: { code: 'left_won', values: {} }, version: reward.version + 1 },
    ],
    journals: [a.journal(reward, 'claw_back')],
    intents,
  });
}
