import { createHmac } from 'node:crypto';
import {
  type Answer,
  type Call,
  type Route,
  startVendor,
  type VendorControl,
  type VendorOptions,
} from '../vendor/server.ts';

/*
 * The part of Stripe that pays rewards: coupons, promotion codes, customers and their balance, refunds, signed events. From
 * docs.stripe.com/api, of the version that callers have to name. Stricter than the real one: unknown parameters are refused, the version
 * is compulsory, and so is an Idempotency-Key on every POST that creates something.
 */

const API_VERSION = '2026-10-28.endive';
/** docs.stripe.com/rate-limits: 100 a second in live mode, 25 in test mode. */
const CALLS_PER_SECOND = 25;
/** "at least 24 hours": forgotten here as soon as Stripe may. */
const KEY_LIFE_MS = 86_400_000;
const PAGE_MAX = 100;

export interface StripeOptions extends VendorOptions {
  readonly secretKey: string;
  readonly webhookSecret: string;
}

interface Coupon {
  readonly id: string;
  readonly object: 'coupon';
  readonly amount_off: number;
  readonly currency: string;
  readonly duration: string;
  readonly max_redemptions: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly name: string | null;
  readonly created: number;
  times_redeemed: number;
  valid: boolean;
}

interface PromotionCode {
  readonly id: string;
  readonly object: 'promotion_code';
  readonly code: string;
  readonly created: number;
  readonly max_redemptions: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly promotion: { readonly type: 'coupon'; readonly coupon: string };
  active: boolean;
  times_redeemed: number;
}

interface Customer {
  readonly id: string;
  readonly object: 'customer';
  readonly email: string;
  readonly currency: string | null;
  balance: number;
}

interface BalanceTransaction {
  readonly id: string;
  readonly object: 'customer_balance_transaction';
  readonly customer: string;
  readonly amount: number;
  readonly currency: string;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created: number;
  readonly ending_balance: number;
  readonly type: 'adjustment';
}

interface Charge {
  readonly id: string;
  readonly object: 'charge';
  readonly currency: string;
  readonly customer: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly payment_intent: null;
  amount_refunded: number;
  refunded: boolean;
}

interface Refund {
  readonly id: string;
  readonly object: 'refund';
  readonly amount: number;
  readonly charge: string;
  readonly currency: string;
  readonly created: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly payment_intent: null;
  status: 'succeeded' | 'failed';
}

export interface RefundInput {
  readonly charge: string;
  readonly amount: number;
  readonly currency: string;
  readonly customer: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface StripeControl extends VendorControl {
  readonly coupons: readonly Coupon[];
  /** Coupons with these ids, and credits with these keys, are turned down. */
  readonly refusals: Set<string>;
  readonly promotionCodes: readonly PromotionCode[];
  readonly balanceTransactions: readonly BalanceTransaction[];
  addCustomer(email: string): string;
  /** A customer uses the code; each of these tells the webhook. */
  redeem(code: string): Promise<void>;
  switchOff(code: string): Promise<void>;
  /** Part of a payment is given back; `metadata` is what the shop wrote on the charge. Tells of the refund and of its charge. */
  refund(input: RefundInput): Promise<string>;
  /** The bank did not take it. */
  failRefund(id: string): Promise<void>;
  repeatNews(): Promise<void>;
}

export interface StripeSandbox {
  readonly url: URL;
  readonly control: StripeControl;
  stop(): Promise<void>;
}

class StripeProblem extends Error {
  readonly answer: Answer;

  constructor(status: number, type: string, message: string, code?: string, param?: string) {
    super(message);
    this.answer = {
      status,
      headers: { 'Request-Id': 'req_sandbox' },
      body: { error: { type, message, ...(code ? { code } : {}), ...(param ? { param } : {}) } },
    };
  }
}

const invalid = (message: string, code?: string, param?: string) =>
  new StripeProblem(400, 'invalid_request_error', message, code, param);

export async function startStripe(options: StripeOptions): Promise<StripeSandbox> {
  const { secretKey, webhookSecret } = options;
  const now = options.now ?? Date.now;
  const seconds = () => Math.floor(now() / 1_000);
  const coupons: Coupon[] = [];
  const refusals = new Set<string>();
  const codes: PromotionCode[] = [];
  const customers: Customer[] = [];
  const transactions: BalanceTransaction[] = [];
  const charges: Charge[] = [];
  const refunds: Refund[] = [];
  /** Answers by Idempotency-Key. */
  const answered = new Map<string, { readonly request: string; readonly answer: Answer; readonly at: number }>();
  let count = 0;
  const nextId = (prefix: string) => {
    count += 1;
    return `${prefix}_sandbox${count.toString().padStart(8, '0')}`;
  };

  /** The form's fields, none of which is unknown. Deep names are written as in the form: "metadata[key]". */
  function fieldsOf(text: string, known: readonly RegExp[]): URLSearchParams {
    const fields = new URLSearchParams(text);
    for (const name of fields.keys()) {
      if (!known.some((pattern) => pattern.test(name)))
        throw invalid(`Received unknown parameter: ${name}`, 'parameter_unknown', name);
    }
    return fields;
  }

  const metadataOf = (fields: URLSearchParams): Record<string, string> =>
    Object.fromEntries(
      [...fields].flatMap(([name, value]) => {
        const key = /^metadata\[([^\]]{1,40})\]$/.exec(name)?.[1];
        return key === undefined ? [] : [[key, value]];
      }),
    );

  function required(fields: URLSearchParams, name: string): string {
    const value = fields.get(name);
    if (value === null || value === '') throw invalid(`Missing required param: ${name}.`, 'parameter_missing', name);
    return value;
  }

  function integer(fields: URLSearchParams, name: string): number {
    const value = required(fields, name);
    if (!/^-?[0-9]{1,12}$/.test(value)) throw invalid(`Invalid integer: ${value}`, 'parameter_invalid_integer', name);
    return Number(value);
  }

  const currencyOf = (fields: URLSearchParams) => {
    const currency = required(fields, 'currency');
    if (!/^[a-z]{3}$/.test(currency)) throw invalid(`Invalid currency: ${currency}.`, undefined, 'currency');
    return currency;
  };

  /** "The result is saved, whether it succeeds or fails": of the same key with other parameters, an error. */
  function idempotent(handle: (call: Call) => Answer): (call: Call) => Answer {
    return (call) => {
      const key = call.headers['idempotency-key'];
      if (typeof key !== 'string') throw invalid('An Idempotency-Key is needed here.');
      const request = `${call.path} ${call.text}`;
      const known = answered.get(key);
      if (known && now() - known.at < KEY_LIFE_MS) {
        if (known.request !== request) {
          throw new StripeProblem(
            400,
            'idempotency_error',
            'Keys for idempotent requests can only be used with the same parameters they were first used with.',
          );
        }
        return known.answer;
      }
      let answer: Answer;
      try {
        answer = handle(call);
      } catch (thrown) {
        if (!(thrown instanceof StripeProblem)) throw thrown;
        answer = thrown.answer;
      }
      answered.set(key, { request, answer, at: now() });
      return answer;
    };
  }

  function page<T extends { id: string }>(items: readonly T[], query: URLSearchParams, path: string): Answer {
    const limit = Number(query.get('limit') ?? 10);
    if (!(limit >= 1 && limit <= PAGE_MAX)) throw invalid('Invalid limit', undefined, 'limit');
    const after = query.get('starting_after');
    const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
    const data = items.slice(start, start + limit);
    return { status: 200, body: { object: 'list', url: path, has_more: start + limit < items.length, data } };
  }

  const expanded = (code: PromotionCode, query: URLSearchParams) =>
    [...query].some(([name, value]) => name.startsWith('expand') && value === 'data.promotion.coupon')
      ? { ...code, promotion: { ...code.promotion, coupon: coupons.find(({ id }) => id === code.promotion.coupon) } }
      : code;

  function createCoupon({ text }: Call): Answer {
    const fields = fieldsOf(text, [/^(id|name|amount_off|currency|duration|max_redemptions)$/, /^metadata\[/]);
    const id = fields.get('id') ?? nextId('coupon');
    if (refusals.has(id)) throw invalid('This account cannot make such a coupon.');
    const name = fields.get('name');
    if (name !== null && name.length > 40) throw invalid('Coupon names have at most 40 characters', undefined, 'name');
    if (coupons.some((coupon) => coupon.id === id))
      throw invalid('Coupon already exists.', 'resource_already_exists', 'id');
    const amount = integer(fields, 'amount_off');
    if (amount <= 0) throw invalid('amount_off must be greater than 0', 'parameter_invalid_integer', 'amount_off');
    const coupon: Coupon = {
      id,
      object: 'coupon',
      amount_off: amount,
      currency: currencyOf(fields),
      duration: required(fields, 'duration'),
      max_redemptions: fields.has('max_redemptions') ? integer(fields, 'max_redemptions') : null,
      metadata: metadataOf(fields),
      name,
      created: seconds(),
      times_redeemed: 0,
      valid: true,
    };
    coupons.push(coupon);
    return { status: 200, body: coupon };
  }

  function createCode({ text }: Call): Answer {
    const fields = fieldsOf(text, [/^promotion\[(type|coupon)\]$/, /^(code|max_redemptions)$/, /^metadata\[/]);
    if (required(fields, 'promotion[type]') !== 'coupon')
      throw invalid('Unknown promotion', undefined, 'promotion[type]');
    const couponId = required(fields, 'promotion[coupon]');
    const coupon = coupons.find(({ id }) => id === couponId);
    if (!coupon) throw invalid(`No such coupon: '${couponId}'`, 'resource_missing', 'promotion[coupon]');
    const max = fields.has('max_redemptions') ? integer(fields, 'max_redemptions') : null;
    if (max !== null && coupon.max_redemptions !== null && max > coupon.max_redemptions)
      throw invalid('max_redemptions is above that of the coupon', undefined, 'max_redemptions');
    const code: PromotionCode = {
      id: nextId('promo'),
      object: 'promotion_code',
      code: fields.get('code') ?? `SB${(codes.length + 1).toString(36).toUpperCase().padStart(6, '0')}`,
      created: seconds(),
      max_redemptions: max,
      metadata: metadataOf(fields),
      promotion: { type: 'coupon', coupon: couponId },
      active: true,
      times_redeemed: 0,
    };
    codes.push(code);
    return { status: 200, body: code };
  }

  function listCodes({ query, path }: Call): Answer {
    for (const name of query.keys())
      if (!/^(coupon|limit|starting_after|active|code|expand\[\d*\]|created\[(gte|lt)\])$/.test(name))
        throw invalid(`Received unknown parameter: ${name}`, 'parameter_unknown', name);
    const coupon = query.get('coupon');
    const from = Number(query.get('created[gte]') ?? 0);
    const to = Number(query.get('created[lt]') ?? Number.MAX_SAFE_INTEGER);
    const found = codes
      .filter((code) => coupon === null || code.promotion.coupon === coupon)
      .filter(({ created }) => created >= from && created < to)
      .reverse();
    return page(
      found.map((code) => expanded(code, query)),
      query,
      path,
    );
  }

  const codeOf = (id: string) => {
    const code = codes.find((one) => one.id === id || one.code === id);
    if (!code)
      throw new StripeProblem(404, 'invalid_request_error', `No such promotion code: '${id}'`, 'resource_missing');
    return code;
  };
  const customerOf = (id: string) => {
    const customer = customers.find((one) => one.id === id);
    if (!customer)
      throw new StripeProblem(404, 'invalid_request_error', `No such customer: '${id}'`, 'resource_missing');
    return customer;
  };

  function credit({ text, params }: Call): Answer {
    const fields = fieldsOf(text, [/^(amount|currency|description)$/, /^metadata\[/]);
    const customer = customerOf(params[0] ?? '');
    const currency = currencyOf(fields);
    if (refusals.has(metadataOf(fields).wonward_key ?? '')) throw invalid('This customer cannot be credited.');
    if (customer.currency !== null && customer.currency !== currency)
      throw invalid(`The customer's balance is in ${customer.currency}.`, undefined, 'currency');
    const amount = integer(fields, 'amount');
    customer.balance += amount;
    const transaction: BalanceTransaction = {
      id: nextId('cbtxn'),
      object: 'customer_balance_transaction',
      customer: customer.id,
      amount,
      currency,
      description: fields.get('description'),
      metadata: metadataOf(fields),
      created: seconds(),
      ending_balance: customer.balance,
      type: 'adjustment',
    };
    transactions.push(transaction);
    return { status: 200, body: transaction };
  }

  const routes: Route[] = [
    { method: 'POST', path: /^\/v1\/coupons$/, handle: idempotent(createCoupon) },
    {
      method: 'GET',
      path: /^\/v1\/coupons\/([^/]+)$/,
      handle: ({ params }) => {
        const coupon = coupons.find(({ id }) => id === params[0]);
        if (!coupon) throw new StripeProblem(404, 'invalid_request_error', 'No such coupon', 'resource_missing');
        return { status: 200, body: coupon };
      },
    },
    { method: 'POST', path: /^\/v1\/promotion_codes$/, handle: idempotent(createCode) },
    { method: 'GET', path: /^\/v1\/promotion_codes$/, handle: listCodes },
    {
      method: 'POST',
      path: /^\/v1\/promotion_codes\/([^/]+)$/,
      handle: ({ params, text }) => {
        const fields = fieldsOf(text, [/^active$/]);
        const code = codeOf(params[0] ?? '');
        code.active = fields.get('active') === 'true';
        return { status: 200, body: code };
      },
    },
    {
      method: 'GET',
      path: /^\/v1\/customers$/,
      handle: ({ query, path }) => {
        const email = query.get('email');
        const found = customers.filter((customer) => email === null || customer.email === email);
        return page(found, query, path);
      },
    },
    {
      method: 'GET',
      path: /^\/v1\/charges\/([^/]+)$/,
      handle: ({ params }) => {
        const charge = charges.find(({ id }) => id === params[0]);
        if (!charge) throw new StripeProblem(404, 'invalid_request_error', 'No such charge', 'resource_missing');
        return { status: 200, body: charge };
      },
    },
    {
      method: 'GET',
      path: /^\/v1\/refunds$/,
      handle: ({ query, path }) => {
        const charge = query.get('charge');
        return page(refunds.filter((one) => charge === null || one.charge === charge).reverse(), query, path);
      },
    },
    { method: 'POST', path: /^\/v1\/customers\/([^/]+)\/balance_transactions$/, handle: idempotent(credit) },
    {
      method: 'GET',
      path: /^\/v1\/customers\/([^/]+)\/balance_transactions$/,
      handle: ({ params, query, path }) => {
        const { id } = customerOf(params[0] ?? '');
        return page(transactions.filter(({ customer }) => customer === id).reverse(), query, path);
      },
    },
  ];

  const problem = (status: number, type: string, message: string) => new StripeProblem(status, type, message).answer;
  const vendor = await startVendor(
    { ...options, now, callsPerSecond: options.callsPerSecond ?? CALLS_PER_SECOND },
    {
      routes,
      authenticate: ({ headers }) => {
        if (headers.authorization !== `Bearer ${secretKey}`)
          return problem(401, 'invalid_request_error', 'Invalid API Key provided.');
        if (headers['stripe-version'] !== API_VERSION)
          return problem(400, 'invalid_request_error', `Stripe-Version must be ${API_VERSION}.`);
        return null;
      },
      tooMany: problem(429, 'rate_limit_error', 'Too many requests.'),
      unavailable: problem(503, 'api_error', 'Service unavailable.'),
      unknownPath: problem(404, 'invalid_request_error', 'Unrecognized request URL.'),
      errorOf: (thrown) => (thrown instanceof StripeProblem ? thrown.answer : null),
      actions: {
        redeem: ({ code }) => void redeem(String(code)),
        switch_off: ({ code }) => void switchOff(String(code)),
        refund: ({ charge, amount, currency, customer, metadata }) =>
          void refund({
            charge: String(charge),
            amount: Number(amount),
            currency: String(currency),
            customer: String(customer),
            metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, String(value)])),
          }),
        fail_refund: ({ id }) => void failRefund(String(id)),
        customers: ({ email }) => ({ id: addCustomer(String(email)) }),
      },
    },
  );

  /** docs.stripe.com/webhooks/signature: `t=…,v1=…`, HMAC-SHA-256 over "<t>.<body>". */
  async function tell(type: string, object: object): Promise<void> {
    const at = seconds();
    const body = JSON.stringify({
      id: nextId('evt'),
      object: 'event',
      api_version: API_VERSION,
      created: at,
      livemode: false,
      pending_webhooks: 1,
      request: { id: null, idempotency_key: null },
      type,
      data: { object },
    });
    const signature = createHmac('sha256', webhookSecret).update(`${at}.${body}`).digest('hex');
    await vendor.deliver({ 'Stripe-Signature': `t=${at},v1=${signature}` }, body);
  }

  async function redeem(id: string): Promise<void> {
    const code = codeOf(id);
    if (!code.active || code.times_redeemed >= (code.max_redemptions ?? 1)) throw invalid('This code is not valid.');
    code.times_redeemed += 1;
    code.active = false;
    for (const coupon of coupons) if (coupon.id === code.promotion.coupon) coupon.times_redeemed += 1;
    await tell('promotion_code.updated', code);
  }
  async function switchOff(id: string): Promise<void> {
    const code = codeOf(id);
    code.active = false;
    await tell('promotion_code.updated', code);
  }
  async function refund({ charge: id, amount, currency, customer, metadata = {} }: RefundInput): Promise<string> {
    let charge = charges.find((one) => one.id === id);
    if (!charge) {
      charge = {
        id,
        object: 'charge',
        currency,
        customer,
        metadata,
        payment_intent: null,
        amount_refunded: 0,
        refunded: false,
      };
      charges.push(charge);
    }
    charge.amount_refunded += amount;
    const made: Refund = {
      id: nextId('re'),
      object: 'refund',
      amount,
      charge: id,
      currency,
      created: seconds(),
      metadata: {},
      payment_intent: null,
      status: 'succeeded',
    };
    refunds.push(made);
    await tell('refund.created', made);
    await tell('charge.refunded', charge);
    return made.id;
  }
  async function failRefund(id: string): Promise<void> {
    const made = refunds.find((one) => one.id === id);
    if (!made) throw invalid('No such refund.');
    made.status = 'failed';
    await tell('refund.failed', made);
  }
  function addCustomer(email: string): string {
    const id = nextId('cus');
    customers.push({ id, object: 'customer', email, currency: null, balance: 0 });
    return id;
  }

  return {
    url: vendor.url,
    stop: vendor.stop,
    control: Object.assign(vendor.control, {
      coupons,
      refusals,
      promotionCodes: codes,
      balanceTransactions: transactions,
      addCustomer,
      redeem,
      switchOff,
      refund,
      failRefund,
      async repeatNews() {
        const last = vendor.control.deliveries.at(-1);
        if (last) await vendor.deliver(last.headers, last.body);
      },
    }),
  };
}
