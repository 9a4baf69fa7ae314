import { afterEach, beforeEach, expect, test } from 'vitest';
import { claiming } from '../conformance/store-fixtures.ts';
import { coupon, startDesk } from './payout-scene.ts';

let desk: Awaited<ReturnType<typeof startDesk>>;
beforeEach(async () => {
  desk = await startDesk();
  const { tenant } = desk;
  const former = tenant.member('mem_2', { contact: tenant.ref('contact', 'former') });
  await tenant.write({ members: [former] });
});
afterEach(() => desk.close());

/** Contacts that are to be written anew, and are by this. */
async function written(): Promise<string[]> {
  const { mirror } = desk.store;
  const ids: string[] = [];
  for (let claims = 0; ; claims += 1) {
    const items = await mirror.claim(claiming(`c${claims}`, desk.clock.now()));
    if (items.length === 0) return ids;
    await mirror.acknowledge(
      items.map((item) => ({ item, hash: 'shown' })),
      desk.clock.now(),
    );
    ids.push(...items.flatMap(({ record }) => (record.object === 'contact' ? record.id : [])));
  }
}

test('whoever is paid sees it on their record, also when the referral is another member’s by then', async () => {
  await desk.order('rwd_1', 'credit', { changes: { beneficiaryId: 'mem_2' } });
  await desk.run();
  expect((await desk.reward('rwd_1')).state).toBe('issued');
  expect(await written()).toContain('former');
});

test('so do they when the provider tells later what became of it', async () => {
  await desk.desk.addCoupons('acc_a', ['THANKS'], desk.money);
  await desk.order('rwd_1', coupon, { changes: { beneficiaryId: 'mem_2' } });
  await desk.run();
  await written();
  desk.advance(60_000);
  expect(await desk.desk.redeemCoupons('acc_a', ['THANKS'])).toEqual(['redeemed']);
  expect(await written()).toContain('former');
});
