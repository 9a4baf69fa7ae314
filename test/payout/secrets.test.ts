import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { resealPayouts } from '../../src/application/reseal-payouts.ts';
import { createSeal, payoutContext } from '../../src/platform/seal.ts';
import { openStore } from '../../src/store/open.ts';
import { T0, tenant } from '../conformance/store-fixtures.ts';

const OLD = { id: 'k1', key: Buffer.alloc(32, 1) };
const NEW = { id: 'k2', key: Buffer.alloc(32, 2) };
const MONEY = { minor: 100n, currency: 'EUR' };

let store: Store;
beforeEach(async () => {
  store = await openStore({ url: 'sqlite::memory:' });
  await tenant(store).create();
});
afterEach(() => store.close());

async function fill(count: number, seal = createSeal([OLD])): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const provider = `p${index}`;
    const sealed = seal.seal(`credentials ${index}`, payoutContext('acc_a', 'settings', provider));
    await store.payoutRecords.saveSetting('acc_a', provider, sealed, T0);
    const code = seal.seal(`code ${index}`, payoutContext('acc_a', 'coupon', `h${index}`));
    await store.coupons.add('acc_a', [{ hash: `h${index}`, sealed: code }], MONEY, T0);
  }
}

describe('secrets of reward providers, when the key is renewed', () => {
  test('say what they said under the new key alone, and a second run changes nothing', async () => {
    await fill(3);
    const both = createSeal([NEW, OLD]);
    expect(await resealPayouts(store.payoutRecords, both)).toEqual({ resealed: 6, remaining: 0, unreadable: [] });
    const alone = createSeal([NEW]);
    const setting = await store.payoutRecords.setting('acc_a', 'p1');
    expect(alone.open(setting?.sealed ?? '', payoutContext('acc_a', 'settings', 'p1'))).toBe('credentials 1');
    const given = await store.coupons.take('acc_a', 'pay_1', MONEY, T0);
    expect(alone.open(given?.sealed ?? '', payoutContext('acc_a', 'coupon', given?.hash ?? ''))).toMatch(/^code \d$/);
    expect(await resealPayouts(store.payoutRecords, both)).toMatchObject({ resealed: 0 });
  });

  test('that no key opens are named and left as they are; one that is written meanwhile is left to the next run', async () => {
    await fill(1);
    await fill(0);
    const stranger = createSeal([{ id: 'k9', key: Buffer.alloc(32, 9) }]);
    await store.payoutRecords.saveSetting('acc_a', 'lost', stranger.seal('x', 'y'), T0);
    const racing = {
      ...store.payoutRecords,
      replaceSealed: async () => false,
    };
    const both = createSeal([NEW, OLD]);
    expect(await resealPayouts(racing, both)).toEqual({
      resealed: 0,
      remaining: 2,
      unreadable: [{ kind: 'settings', accountId: 'acc_a', id: 'lost' }],
    });
    expect(await resealPayouts(store.payoutRecords, both)).toMatchObject({ resealed: 2, remaining: 0 });
  });
});
