import type {
  CredentialField,
  PayoutEntry,
  PayoutOrder,
  PayoutProvider,
  PayoutSession,
  PayoutSettings,
} from '../../application/ports/payout.ts';
import type { GivenCoupon } from '../../application/ports/store.ts';
import { couponHash } from '../../domain/ids.ts';
import { textOf } from '../../domain/money.ts';
import { payoutContext } from '../../platform/seal.ts';
import { notYet, unavailable, WAIT_FOR_PEOPLE_MS } from '../faults.ts';
import { newCode } from './code.ts';

const LABEL = 'Coupons';

const POOL = 'pool';
const GENERATED = 'generated';

const FIELDS: readonly CredentialField[] = [
  {
    name: 'codes',
    label: 'Codes',
    help: 'pool: codes that you made in your shop and uploaded here. generated: we make them, and your shop asks us about each.',
    secret: false,
    required: false,
    choices: [POOL, GENERATED],
  },
  {
    name: 'prefix',
    label: 'Prefix of generated codes',
    help: 'Up to 12 letters and digits, such as THANKS.',
    secret: false,
    required: false,
  },
];

/**
 * Codes of the account's own shop: each is given to one order, and an order has one code whatever happens on the way, because the code is
 * taken and bound to the order's key in one transaction. What is used is told to us by API or CSV.
 */
export function fromSettings(settings: PayoutSettings): PayoutProvider {
  return {
    name: 'coupon',
    description: {
      label: LABEL,
      summary: 'A code for your own shop, from a pool that you upload or made here.',
      fields: FIELDS,
      amounts: null,
      cancelling: { can: 'until_used', how: 'A code that was not used is withdrawn; your shop has to stop taking it.' },
      issued: 'final',
      keyLifeMs: null,
    },
    open: async ({ accountId, values }) => openSession(settings, accountId, values),
  };
}

function openSession(
  { coupons, seal, randomBytes, now }: PayoutSettings,
  accountId: string,
  { codes = POOL, prefix = '' }: Readonly<Record<string, string>>,
): PayoutSession {
  async function make({ key, money }: PayoutOrder): Promise<GivenCoupon | null> {
    const code = newCode(randomBytes, prefix.toUpperCase());
    const hash = couponHash(accountId, code);
    const sealed = seal.seal(code, payoutContext(accountId, 'coupon', hash));
    return coupons.give(accountId, key, { hash, sealed }, money, now());
  }

  return {
    async issue(order) {
      if (order.accountId !== accountId) throw new RangeError('an order of another account');
      const given =
        codes === GENERATED ? await make(order) : await coupons.take(accountId, order.key, order.money, now());
      if (!given) {
        if (codes === GENERATED) throw unavailable(LABEL, 'made a code that there is already');
        throw notYet(LABEL, `no code worth ${textOf(order.money)} is left; upload more`, WAIT_FOR_PEOPLE_MS);
      }
      if (given.withdrawnAt !== null) return { ok: false, why: 'the code was withdrawn' };
      const code = seal.open(given.sealed, payoutContext(accountId, 'coupon', given.hash));
      return { ok: true, reference: given.hash, voucher: code };
    },

    // An order without a code may get one at the next attempt, so only a code that was given can be taken back.
    cancel: async ({ key }) =>
      (await coupons.withdraw(accountId, key, now())) === 'withdrawn' ? 'cancelled' : 'too_late',

    async lookUp({ key }) {
      const given = await coupons.ofOrder(accountId, key);
      return given ? entryOf(given) : null;
    },

    entries: async (from, to) => (await coupons.givenBetween(accountId, from, to)).map(entryOf),

    async test() {
      if (!/^[A-Za-z0-9]{0,12}$/.test(prefix))
        return { ok: false, field: 'prefix', problem: 'Up to 12 letters and digits.' };
      if (codes === GENERATED) return { ok: true, detail: 'Codes are made when they are needed.' };
      const free = (await coupons.counts(accountId)).reduce((sum, count) => sum + count.free, 0);
      if (free === 0) return { ok: false, field: 'codes', problem: 'No code is left in the pool; upload some.' };
      return { ok: true, detail: `${free} codes are left in the pool.` };
    },
  };
}

function entryOf({ key, hash, money, givenAt, withdrawnAt }: GivenCoupon): PayoutEntry {
  return { key, reference: hash, money, state: withdrawnAt === null ? 'paid' : 'cancelled', at: givenAt };
}
