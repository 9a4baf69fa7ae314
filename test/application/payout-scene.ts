import { createCutBatches } from '../../src/application/cut-batches.ts';
import { createDeliver } from '../../src/application/deliver.ts';
import { createPayoutAccounts } from '../../src/application/payout-accounts.ts';
import { createPayoutBatches } from '../../src/application/payout-batches.ts';
import { createPayoutDesk } from '../../src/application/payout-desk.ts';
import { createPayoutNews } from '../../src/application/payout-news.ts';
import { createPayoutOrders } from '../../src/application/payout-orders.ts';
import type { PayoutSettings } from '../../src/application/ports/payout.ts';
import { createTakeRefund } from '../../src/application/refunds.ts';
import { createWriteOff } from '../../src/application/write-off.ts';
import type { Reward } from '../../src/domain/decision.ts';
import { intentFor } from '../../src/domain/plan.ts';
import { loadProviders } from '../../src/payout/registry.ts';
import { createLog } from '../../src/platform/log.ts';
import { createSeal } from '../../src/platform/seal.ts';
import { openStore } from '../../src/store/open.ts';
import { T0, tenant } from '../conformance/store-fixtures.ts';

export const manual = 'manual';
export const coupon = 'coupon';

const SEAL = createSeal([{ id: 'k1', key: Buffer.alloc(32, 7) }]);

/** The desk over a real store and the deliver hop, with every provider that is installed. */
export async function startDesk(more: Partial<PayoutSettings> = {}, url = 'sqlite::memory:') {
  let now = T0;
  const money = { minor: 2_500n, currency: 'EUR' };
  const store = await openStore({ url });
  const a = tenant(store);
  await a.create();
  await a.writePair();
  await tenant(store, 'acc_b', 'con_b').create();
  const clock = { now: () => now, random: () => 0.5, sleep: async () => {} };
  const log = createLog({ level: 'silent' });
  const providers = await loadProviders({
    rewardWebhook: null,
    allowPrivateDestinations: true,
    localProviders: {},
    now: clock.now,
    randomBytes: (length) => new Uint8Array(length),
    seal: SEAL,
    coupons: store.coupons,
    batches: store.batches,
    ...more,
  });
  const accounts = createPayoutAccounts({ store, providers, seal: SEAL, clock });
  const news = createPayoutNews({
    store,
    accounts,
    takeRefund: createTakeRefund({ store, clock, onAsked: () => {} }),
    clock,
    log,
  });
  const deliver = createDeliver({
    store,
    clock,
    log,
    observe: { payout: () => {}, mirrorWrites: () => {} },
    publicUrl: 'https://wonward.test',
    payoutOrders: createPayoutOrders({
      records: store.payoutRecords,
      batches: store.batches,
      accounts,
      seal: SEAL,
      clock,
    }),
    payoutNews: news,
    openSession: () => {
      throw new Error('no CRM here');
    },
    onAsked: () => {},
  });
  return {
    store,
    accounts,
    news,
    money,
    clock,
    desk: createPayoutDesk({ store, seal: SEAL, news, clock }),
    batches: createPayoutBatches({ store, providers, clock, onDue: () => {} }),
    cutBatches: createCutBatches({ store, clock, log, onApproved: () => {} }),
    writeOff: createWriteOff({ store, clock }),
    tenant: a,
    advance: (ms: number) => {
      now += ms;
    },
    async order(id: string, payout: string, { name, changes }: { name?: string; changes?: Partial<Reward> } = {}) {
      const member = name === undefined ? null : await store.reads.member('acc_a', 'mem_1');
      if (member && name !== undefined) await a.write({ members: [{ ...member, name, version: member.version + 1 }] });
      const reward = a.reward(id, 'ref_1', { payout, money, ...changes });
      await a.write(a.granted(reward));
      return { key: intentFor(reward).id, reward };
    },
    run: () => deliver.payouts({ accountId: 'acc_a', connectionId: null }),
    async reward(id: string) {
      const reward = await store.reads.reward('acc_a', id);
      if (!reward) throw new Error(`no reward ${id}`);
      return reward;
    },
    close: () => store.close(),
  };
}
