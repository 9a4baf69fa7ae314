import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { couponHash } from '../../src/domain/ids.ts';
import { parseAmount } from '../../src/domain/money.ts';
import { intentFor } from '../../src/domain/plan.ts';
import { fromSettings as coupon } from '../../src/payout/coupon/provider.ts';
import { fromSettings as credit } from '../../src/payout/credit/provider.ts';
import { fromSettings as manual } from '../../src/payout/manual/provider.ts';
import { fromSettings as webhook } from '../../src/payout/webhook/provider.ts';
import { type Given, payoutConformance } from './payout.ts';
import { T0 } from './store-fixtures.ts';

/** The providers that are ours, and the program of the account's own that a webhook leads to. */

const base = { rewardWebhook: null, localProviders: {} };
const MONEY = { minor: 2_500n, currency: 'EUR' };

payoutConformance({
  name: 'credit',
  async open() {
    const given: Given[] = [];
    const provider = credit();
    return {
      provider: {
        ...provider,
        // The ledger is the credit; here it is noted what the ledger was told.
        open: async (credentials) => {
          const session = await provider.open(credentials);
          return {
            ...session,
            issue: async (order, memory) => {
              if (!given.some(({ key }) => key === order.key)) given.push({ key: order.key, money: order.money });
              return session.issue(order, memory);
            },
          };
        },
      },
      credentials: {},
      money: MONEY,
      given: async () => given,
      network: null,
      cancelling: null,
      news: null,
      wrong: [],
      close: async () => {},
    };
  },
});

for (const codes of ['pool', 'generated'] as const) {
  payoutConformance({
    name: 'coupon',
    way: codes,
    async open(settings) {
      const { coupons, seal } = settings;
      const add = (code: string) => {
        const hash = couponHash('acc_a', code);
        const context = JSON.stringify(['payout', 'acc_a', 'coupon', hash]);
        return coupons.add('acc_a', [{ hash, sealed: seal.seal(code, context) }], MONEY, T0);
      };
      let isFilled = false;
      return {
        provider: {
          ...coupon({ ...base, ...settings }),
          open: async (credentials) => {
            // The account exists by now.
            if (!isFilled && codes === 'pool') for (let n = 1; n <= 5; n += 1) await add(`POOL-${n}`);
            isFilled = true;
            return coupon({ ...base, ...settings }).open(credentials);
          },
        },
        credentials: { codes, prefix: codes === 'pool' ? '' : 'THANKS' },
        money: MONEY,
        given: async () =>
          (await coupons.givenBetween('acc_a', 0, Number.MAX_SAFE_INTEGER))
            .filter(({ withdrawnAt }) => withdrawnAt === null)
            .map(({ key, money }) => ({ key, money })),
        network: null,
        cancelling: {
          use: async ({ id }) => {
            const given = await coupons.ofOrder('acc_a', id);
            await coupons.redeem('acc_a', given?.hash ?? '', T0);
          },
        },
        news: null,
        wrong: [[{ prefix: 'NOT/THIS' }, 'prefix']],
        close: async () => {},
      };
    },
  });
}

payoutConformance({
  name: 'manual',
  async open(settings, time) {
    return {
      provider: manual({ ...base, ...settings }),
      credentials: {},
      money: MONEY,
      given: async () =>
        (await settings.batches.itemsBetween('acc_a', 0, Number.MAX_SAFE_INTEGER))
          .filter(({ state }) => state === 'paid')
          .map(({ key, money }) => ({ key, money })),
      settleByHand: async ({ id }, verdict) => {
        const item = await settings.batches.item('acc_a', id);
        if (!item) throw new Error(`no row ${id}`);
        await settings.batches.cut('acc_a', item.batchId, { by: 'Finance', approval: 'none' }, time.now());
        await settings.batches.mark(
          'acc_a',
          item.batchId,
          { key: id, state: verdict, why: 'account closed' },
          time.now(),
        );
      },
      network: null,
      cancelling: { use: async () => {} },
      news: null,
      wrong: [],
      close: async () => {},
    };
  },
});

payoutConformance({
  name: 'webhook',
  async open(settings) {
    const given = new Map<string, Given>();
    const refused = new Set<string>();
    let isDown = false;
    let lost = 0;
    const server = createServer(async (request, response) => {
      const { data } = (await json(request)) as { data: { key: string; amount: string; currency: string } };
      if (isDown) return void response.writeHead(503).end();
      if (refused.has(data.key)) return void response.writeHead(422).end('{"detail":"No such beneficiary."}');
      const parsed = parseAmount(data.amount, data.currency);
      if (parsed.ok && !given.has(data.key)) given.set(data.key, { key: data.key, money: parsed.money });
      lost -= 1;
      if (lost >= 0) return void request.socket.resetAndDestroy();
      response.writeHead(200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    const provider = webhook({ ...base, ...settings, rewardWebhook: { url, secret } });
    if (!provider) throw new Error('not configured');
    return {
      provider,
      credentials: {},
      money: MONEY,
      given: async () => [...given.values()],
      network: {
        loseAnswers: (times) => {
          lost = times;
        },
        goDown: () => {
          isDown = true;
        },
        comeBack: () => {
          isDown = false;
        },
        refuse: async (reward) => void refused.add(intentFor(reward).id),
      },
      cancelling: null,
      news: null,
      wrong: [],
      async close() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
});
