import type { Stripe } from 'stripe';
import type {
  CredentialField,
  IssueResult,
  OrderMemory,
  PayoutEntry,
  PayoutOrder,
  PayoutProvider,
  PayoutSession,
  PayoutSettings,
} from '../../application/ports/payout.ts';
import { Fault } from '../../domain/errors.ts';
import type { Money } from '../../domain/money.ts';
import type { PayoutNews } from '../../domain/reward.ts';
import type { Instant } from '../../domain/time.ts';
import { agentFor, pauseOf, plainSentence } from '../../platform/outbound.ts';
import { contradiction, malformedNews, noAnswer, unavailable, unsigned, wrongCredentials } from '../faults.ts';
import { newsFrom } from '../news.ts';
import { fromStripe, STRIPE_AMOUNTS, toStripe } from './amounts.ts';

const LABEL = 'Stripe';

/** The version that the SDK 23.1.0 is made for. Named, so that an update of the SDK does not change what we are told. */
const API_VERSION = '2026-10-28.endive';
/** From the request to the answer; a coupon takes well under a second. */
const TIMEOUT_MS = 20_000;
/** Stripe sends the same event again for three days, each time signed anew; only the clocks may differ. */
const NEWS_TOLERANCE_S = 300;
const PAGE_SIZE = 100;
/** A customer's newest balance transactions that are looked through for our key. Older ones are of months ago. */
const BALANCE_PAGES_MAX = 10;
const LIST_PAGES_MAX = 1_000;
/** What we made is told from what the shop made by this. */
const KEY_FIELD = 'wonward_key';
/** Stripe shows a coupon's name on invoices, up to 40 characters. */
const COUPON_NAME = 'Referral reward';

const PROMOTION_CODE = 'promotion_code';
const CUSTOMER_BALANCE = 'customer_balance';

const FIELDS: readonly CredentialField[] = [
  {
    name: 'secretKey',
    label: 'Secret key',
    help: 'Stripe › Developers › API keys. A restricted key needs: coupons and promotion codes, customers, balance: write.',
    secret: true,
    required: true,
  },
  {
    name: 'way',
    label: 'Reward',
    help: 'promotion_code: a code for one use. customer_balance: credit on the next invoice of the customer with the same e-mail address.',
    secret: false,
    required: false,
    choices: [PROMOTION_CODE, CUSTOMER_BALANCE],
  },
  {
    name: 'webhookSecret',
    label: 'Webhook signing secret',
    help: 'Stripe › Developers › Webhooks; begins with whsec_. Without it no news is accepted.',
    secret: true,
    required: false,
  },
  {
    name: 'dealField',
    label: 'Metadata field with the deal',
    help: 'Name of the metadata field of a refund, its charge or its payment that holds the deal’s id in the CRM, such as hubspot_deal_id. Without it refunds are kept, and lower no reward.',
    secret: false,
    required: false,
  },
];

/**
 * Promotion codes and customer balance credit, by Stripe's official SDK.
 *
 * "You can remove keys from the system automatically after they're at least 24 hours old" (docs.stripe.com/api/idempotent_requests), and an
 * order may be open for longer than that. So the Idempotency-Key is only the guard against two calls at the same time: a coupon's id
 * *is* the order's key, its promotion code is looked for before one is made, and a credit is looked for among the customer's
 * balance transactions by the key in its metadata.
 */
export function fromSettings(settings: PayoutSettings): PayoutProvider {
  return {
    name: 'stripe',
    description: {
      label: LABEL,
      summary: 'A promotion code for one use, or credit on the customer’s next invoice.',
      fields: FIELDS,
      amounts: STRIPE_AMOUNTS,
      cancelling: {
        can: 'until_used',
        how: 'A promotion code that was not used is switched off. Credit on a customer’s balance stays.',
      },
      batching: 'optional',
      issued: 'may_come_back',
      keyLifeMs: null,
    },
    open: ({ values }) => openSession(settings, values),
  };
}

async function openSession(
  settings: PayoutSettings,
  { secretKey = '', way = PROMOTION_CODE, webhookSecret = '', dealField = '' }: Readonly<Record<string, string>>,
): Promise<PayoutSession> {
  // Loaded when an account uses it: the SDK is 18 MB, and most nodes never need it.
  const { Stripe: StripeSdk } = await import('stripe');
  const base = settings.localProviders.stripe ?? new URL('https://api.stripe.com');
  const agent = agentFor(base, settings.allowPrivateDestinations);
  const stripe = new StripeSdk(secretKey, {
    apiVersion: API_VERSION,
    httpClient: StripeSdk.createNodeHttpClient(agent),
    timeout: TIMEOUT_MS,
    maxNetworkRetries: 0,
    telemetry: false,
    host: base.hostname,
    port: base.port === '' ? (base.protocol === 'https:' ? 443 : 80) : Number(base.port),
    protocol: base.protocol === 'https:' ? 'https' : 'http',
  });
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (thrown) {
      throw faultOf(thrown, settings.now());
    }
  };

  // ── A code for one use ──

  async function couponOf(order: PayoutOrder): Promise<Stripe.Coupon> {
    const { key, money } = order;
    try {
      return await stripe.coupons.create(
        {
          id: key,
          name: COUPON_NAME,
          amount_off: toStripe(money),
          currency: money.currency.toLowerCase(),
          duration: 'once',
          max_redemptions: 1,
          metadata: { [KEY_FIELD]: key },
        },
        { idempotencyKey: `${key}:coupon` },
      );
    } catch (thrown) {
      if ((thrown as StripeFailure).code !== 'resource_already_exists') throw thrown;
      return stripe.coupons.retrieve(key);
    }
  }

  async function codeOf(key: string): Promise<Stripe.PromotionCode | null> {
    const { data } = await stripe.promotionCodes.list({ coupon: key, limit: 1 });
    return data[0] ?? null;
  }

  async function issueCode(order: PayoutOrder): Promise<IssueResult> {
    const { key, money } = order;
    const coupon = await couponOf(order);
    if (coupon.amount_off !== toStripe(money) || coupon.currency !== money.currency.toLowerCase())
      throw contradiction(LABEL, `the coupon ${key} is not worth what was asked for`);
    const code =
      (await codeOf(key)) ??
      (await stripe.promotionCodes.create(
        { promotion: { type: 'coupon', coupon: key }, max_redemptions: 1, metadata: { [KEY_FIELD]: key } },
        { idempotencyKey: `${key}:code` },
      ));
    if (!code.active && code.times_redeemed === 0) return { ok: false, why: 'the code was switched off at Stripe' };
    return { ok: true, reference: code.id, voucher: code.code };
  }

  // ── Credit on the next invoice ──

  async function creditOf(customer: string, key: string): Promise<Stripe.CustomerBalanceTransaction | null> {
    let startingAfter: string | undefined;
    for (let page = 0; page < BALANCE_PAGES_MAX; page += 1) {
      const { data, has_more } = await stripe.customers.listBalanceTransactions(customer, {
        limit: PAGE_SIZE,
        ...(startingAfter === undefined ? {} : { starting_after: startingAfter }),
      });
      const found = data.find(({ metadata }) => metadata?.[KEY_FIELD] === key);
      if (found) return found;
      startingAfter = data.at(-1)?.id;
      if (!has_more || startingAfter === undefined) return null;
    }
    throw contradiction(LABEL, `the customer ${customer} has more balance transactions than are looked through`);
  }

  async function issueCredit({ key, money, beneficiary }: PayoutOrder, memory: OrderMemory): Promise<IssueResult> {
    const { email } = beneficiary;
    let why = 'no e-mail address to find the Stripe customer by';
    // The key does not say whose balance it was: with another address, a later attempt would find another customer and pay again.
    const customerId = await memory.choose(async () => {
      if (email === null) return null;
      const { data } = await stripe.customers.list({ email, limit: 2 });
      const [customer, other] = data;
      why = customer
        ? 'several Stripe customers have this e-mail address'
        : 'no Stripe customer has this e-mail address';
      return customer && !other ? customer.id : null;
    });
    if (customerId === null) return { ok: false, why };
    const made =
      (await creditOf(customerId, key)) ??
      (await stripe.customers.createBalanceTransaction(
        customerId,
        {
          amount: -toStripe(money),
          currency: money.currency.toLowerCase(),
          description: COUPON_NAME,
          metadata: { [KEY_FIELD]: key },
        },
        { idempotencyKey: `${key}:credit` },
      ));
    if (made.amount !== -toStripe(money) || made.currency !== money.currency.toLowerCase())
      throw contradiction(LABEL, `the credit ${made.id} is not what was asked for`);
    return { ok: true, reference: made.id, voucher: null };
  }

  async function entriesOfCodes(from: Instant, to: Instant): Promise<PayoutEntry[]> {
    const entries: PayoutEntry[] = [];
    let startingAfter: string | undefined;
    for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
      const { data, has_more } = await stripe.promotionCodes.list({
        created: { gte: Math.floor(from / 1_000), lt: Math.ceil(to / 1_000) },
        expand: ['data.promotion.coupon'],
        limit: PAGE_SIZE,
        ...(startingAfter === undefined ? {} : { starting_after: startingAfter }),
      });
      entries.push(...data.map(entryOf).filter(({ at }) => at >= from && at < to));
      startingAfter = data.at(-1)?.id;
      if (!has_more || startingAfter === undefined) break;
    }
    return entries;
  }

  // ── Refunds ──

  /** The deal that a refund is of: named by the refund, or by what it refunds. */
  async function dealOf(refund: Stripe.Refund): Promise<string> {
    if (dealField === '') return '';
    const own = refund.metadata?.[dealField];
    if (own !== undefined) return own;
    const chargeId = idOf(refund.charge);
    if (chargeId === '') return '';
    const charge = await ask(() => stripe.charges.retrieve(chargeId, { expand: ['payment_intent'] }));
    const payment = charge.payment_intent;
    return (
      charge.metadata?.[dealField] ?? (typeof payment === 'object' ? payment?.metadata?.[dealField] : undefined) ?? ''
    );
  }

  async function refundNews(event: Pick<Stripe.Event, 'id' | 'created'>, refund: Stripe.Refund): Promise<PayoutNews[]> {
    const { id, amount, currency, charge, payment_intent, status } = refund;
    // One that waits is told again when it is through.
    if (amount <= 0 || status === 'pending' || status === 'requires_action') return [];
    const facts = {
      refund: id,
      charge: idOf(charge),
      payment: idOf(payment_intent),
      deal: await dealOf(refund),
      ...amountOf(amount, currency),
      ...(status === 'succeeded' ? {} : { undone: status ?? 'failed' }),
    };
    const at = event.created * 1_000;
    return [{ eventId: `${event.id} ${id}`, kind: 'refunded', key: null, reference: id, why: null, at, facts }];
  }

  /** The event of a charge says how much was refunded of it in all, and not by which refunds: those are asked for. */
  async function refundsOfCharge(event: Stripe.ChargeRefundedEvent): Promise<PayoutNews[]> {
    const { data } = await ask(() => stripe.refunds.list({ charge: event.data.object.id, limit: PAGE_SIZE }));
    const news: PayoutNews[] = [];
    for (const refund of data) news.push(...(await refundNews(event, refund)));
    return news;
  }

  const isCodes = way !== CUSTOMER_BALANCE;
  return {
    async issue(order, memory) {
      try {
        return isCodes ? await issueCode(order) : await issueCredit(order, memory);
      } catch (thrown) {
        const { type, code, message } = thrown as StripeFailure;
        // What one of several retries says of another that is under way is no refusal.
        if (type === 'StripeInvalidRequestError' && code !== 'idempotency_key_in_use' && code !== 'lock_timeout')
          return { ok: false, why: plainSentence(message) ?? 'invalid request' };
        throw faultOf(thrown, settings.now());
      }
    },

    // A credit is found by its customer, which a key alone does not tell; and the next invoice may take it at any moment.
    ...(isCodes
      ? {
          cancel: ({ key }: { readonly key: string }) =>
            ask(async () => {
              const code = await codeOf(key);
              if (!code) return 'too_late' as const;
              const { times_redeemed, active } = code.active
                ? await stripe.promotionCodes.update(code.id, { active: false })
                : code;
              return !active && times_redeemed === 0 ? ('cancelled' as const) : ('too_late' as const);
            }),
          lookUp: ({ key }: { readonly key: string }) =>
            ask(async () => {
              const { data } = await stripe.promotionCodes.list({
                coupon: key,
                limit: 1,
                expand: ['data.promotion.coupon'],
              });
              return data[0] ? entryOf(data[0]) : null;
            }),
          entries: (from: Instant, to: Instant) => ask(() => entriesOfCodes(from, to)),
        }
      : {}),

    async test() {
      try {
        if (isCodes) await stripe.promotionCodes.list({ limit: 1 });
        else await stripe.customers.list({ limit: 1 });
        return { ok: true, detail: secretKey.includes('_test_') ? 'Stripe answers, in test mode.' : 'Stripe answers.' };
      } catch (thrown) {
        const { type } = thrown as StripeFailure;
        if (type === 'StripeAuthenticationError')
          return { ok: false, field: 'secretKey', problem: 'Stripe does not know this key.' };
        if (type === 'StripePermissionError')
          return { ok: false, field: 'secretKey', problem: 'The key may not do what this reward needs.' };
        throw faultOf(thrown, settings.now());
      }
    },

    async readNews({ headers, body }) {
      const signature = headers['stripe-signature'];
      if (webhookSecret === '' || typeof signature !== 'string') throw unsigned();
      try {
        const event = stripe.webhooks.constructEvent(
          Buffer.from(body),
          signature,
          webhookSecret,
          NEWS_TOLERANCE_S,
          undefined,
          settings.now(),
        );
        return await newsFrom(async () => {
          switch (event.type) {
            case 'refund.created':
            case 'refund.updated':
            case 'refund.failed':
              return refundNews(event, event.data.object);
            case 'charge.refunded':
              return refundsOfCharge(event);
            default:
              return newsOf(event);
          }
        });
      } catch (thrown) {
        if (thrown instanceof Fault) throw thrown;
        throw (thrown as StripeFailure).type === 'StripeSignatureVerificationError' ? unsigned() : malformedNews();
      }
    },
  };
}

/** What an event says about what we gave. */
function newsOf(event: Stripe.Event): PayoutNews[] {
  const base = { eventId: event.id, at: event.created * 1_000, why: null };
  switch (event.type) {
    case 'promotion_code.updated': {
      const { id, metadata, active, times_redeemed } = event.data.object;
      const key = metadata?.[KEY_FIELD];
      if (key === undefined || (active && times_redeemed === 0)) return [];
      const kind = times_redeemed > 0 ? 'redeemed' : 'cancelled';
      return [{ ...base, kind, key, reference: id, why: kind === 'cancelled' ? 'the code was switched off' : null }];
    }
    case 'coupon.deleted': {
      const { metadata, times_redeemed } = event.data.object;
      const key = metadata?.[KEY_FIELD];
      if (key === undefined || times_redeemed > 0) return [];
      return [{ ...base, kind: 'cancelled', key, reference: null, why: 'the coupon was deleted' }];
    }
    default:
      return [];
  }
}

function amountOf(amount: number, currency: string) {
  const money = fromStripe(amount, currency);
  return { minor: money.minor.toString(), currency: money.currency };
}

function idOf(value: string | { id: string } | null | undefined): string {
  return typeof value === 'string' ? value : (value?.id ?? '');
}

function entryOf(code: Stripe.PromotionCode): PayoutEntry {
  const { coupon } = code.promotion;
  const money: Money | null =
    typeof coupon === 'object' && coupon?.amount_off && coupon.currency
      ? fromStripe(coupon.amount_off, coupon.currency)
      : null;
  return {
    key: code.metadata?.[KEY_FIELD] ?? null,
    reference: code.id,
    money,
    state: !code.active && code.times_redeemed === 0 ? 'cancelled' : 'paid',
    at: code.created * 1_000,
  };
}

/** As the SDK throws it. */
interface StripeFailure {
  readonly type?: string;
  readonly code?: string;
  readonly message?: string;
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

function faultOf(thrown: unknown, now: Instant): Fault {
  if (thrown instanceof Fault) return thrown;
  const { type, statusCode, code, headers } = thrown as StripeFailure;
  if (statusCode === undefined || type === 'StripeConnectionError') return noAnswer(LABEL, thrown);
  if (type === 'StripeAuthenticationError') return wrongCredentials(LABEL, 'does not accept the secret key');
  if (type === 'StripePermissionError') return wrongCredentials(LABEL, 'does not let this key do it');
  if (type === 'StripeIdempotencyError') return contradiction(LABEL, 'this key was used for another order');
  if (statusCode === 429 || statusCode >= 500 || statusCode === 409 || code === 'lock_timeout')
    return unavailable(LABEL, `answered ${statusCode}`, pauseOf(headers?.['retry-after'], now));
  return contradiction(LABEL, `answered ${statusCode} ${code ?? ''}`.trim());
}
