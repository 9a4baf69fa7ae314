import { createHmac, randomUUID } from 'node:crypto';
import { FieldError, objectAt, oneOf, optionalTextAt, textAt } from '../vendor/fields.ts';
import { type Answer, type Call, startVendor, type VendorControl, type VendorOptions } from '../vendor/server.ts';

/*
 * A local Tremendous, from developers.tremendous.com (orders, rewards, webhooks, error handling, rate limiting) and the types of its SDK.
 * Stricter than the real one: an unknown field is refused. An external_id that comes back with other parameters is answered with 409,
 * as the SDK's text on `createOrder` has it ("a 409 response code, indicating a conflicting resource").
 */

/** developers.tremendous.com/docs/rate-limiting. */
const CALLS_PER_SECOND = 10;
const PAGE_MAX = 100;

export interface TremendousOptions extends VendorOptions {
  readonly apiKey: string;
  readonly webhookKey: string;
  readonly campaignIds?: readonly string[];
  readonly productIds?: readonly string[];
  /** True: orders wait until somebody approves them. */
  readonly needsApproval?: boolean;
  /** In cents, of the funding source `balance`. */
  readonly balanceMinor?: number;
}

type OrderStatus = 'PENDING APPROVAL' | 'EXECUTED' | 'CANCELED' | 'FAILED';

export interface SandboxOrder {
  readonly id: string;
  readonly externalId: string | null;
  readonly rewardId: string;
  readonly input: string;
  readonly denomination: number;
  readonly currency: string;
  readonly recipient: { readonly name: string; readonly email: string | null };
  readonly createdAt: number;
  status: OrderStatus;
  redeemed: boolean;
}

export interface TremendousControl extends VendorControl {
  readonly orders: readonly SandboxOrder[];
  /** Orders with these external ids are turned down. */
  readonly refusals: Set<string>;
  /** What somebody does on Tremendous' pages; each tells the webhook. */
  approve(orderId: string): Promise<void>;
  reject(orderId: string): Promise<void>;
  redeem(rewardId: string): void;
  /** Tremendous takes a reward back, as after a review for fraud. */
  cancelReward(rewardId: string): Promise<void>;
  failDelivery(rewardId: string): Promise<void>;
  /** Sends the newest webhook again, as it was. */
  repeatNews(): Promise<void>;
}

export interface TremendousSandbox {
  readonly url: URL;
  readonly control: TremendousControl;
  stop(): Promise<void>;
}

class Refused extends Error {
  readonly answer: Answer;

  constructor(status: number, message: string, payload: unknown = {}) {
    super(message);
    this.answer = { status, body: { errors: { message, payload } } };
  }
}

export async function startTremendous(options: TremendousOptions): Promise<TremendousSandbox> {
  const { apiKey, webhookKey, campaignIds = ['CAMPAIGN1'], productIds = ['PRODUCT1'], needsApproval = false } = options;
  const now = options.now ?? Date.now;
  const orders: SandboxOrder[] = [];
  const refusals = new Set<string>();
  let balance = options.balanceMinor ?? 1_000_000_00;
  let count = 0;
  const nextId = () => {
    count += 1;
    return `TRM${count.toString().padStart(9, '0')}`;
  };

  function create({ text }: Call): Answer {
    const body = objectAt(JSON.parse(text), '', ['external_id', 'payment', 'reward']);
    const externalId = optionalTextAt(body, 'external_id', '', 255);
    const known = externalId === null ? undefined : orders.find((order) => order.externalId === externalId);
    if (known) {
      if (known.input !== text)
        throw new Refused(409, 'external_id was used for another order', { external_id: 'is taken' });
      return { status: 201, body: { order: viewOf(known, true) } };
    }
    if (externalId !== null && refusals.has(externalId))
      throw new Refused(422, 'Order failed', { reward: { recipient: 'This recipient cannot be rewarded' } });
    const payment = objectAt(body.payment, 'payment', ['funding_source_id']);
    const source = textAt(payment, 'funding_source_id', 'payment.', 255);
    if (source !== 'balance' && source !== 'FUNDING1') throw new FieldError('payment.funding_source_id', 'is unknown');
    const reward = objectAt(body.reward, 'reward', [
      'campaign_id',
      'products',
      'value',
      'recipient',
      'delivery',
      'custom_fields',
      'deliver_at',
      'language',
    ]);
    const campaign = optionalTextAt(reward, 'campaign_id', 'reward.', 255);
    if (campaign !== null && !campaignIds.includes(campaign)) throw new FieldError('reward.campaign_id', 'is unknown');
    const products = reward.products ?? [];
    if (!Array.isArray(products) || products.some((id) => !productIds.includes(id)))
      throw new FieldError('reward.products', 'is unknown');
    if (campaign === null && products.length === 0)
      throw new FieldError('reward.products', 'either products or campaign_id must be specified');
    const value = objectAt(reward.value, 'reward.value', ['denomination', 'currency_code']);
    const { denomination } = value;
    if (typeof denomination !== 'number' || !(denomination > 0))
      throw new FieldError('reward.value.denomination', 'must be a positive number');
    const currency = textAt(value, 'currency_code', 'reward.value.', 3);
    const recipient = objectAt(reward.recipient, 'reward.recipient', ['name', 'email', 'phone']);
    const name = textAt(recipient, 'name', 'reward.recipient.', 255);
    const email = optionalTextAt(recipient, 'email', 'reward.recipient.', 255);
    const delivery = objectAt(reward.delivery, 'reward.delivery', ['method']);
    oneOf(delivery.method, 'reward.delivery.method', ['EMAIL', 'LINK', 'PHONE'] as const);
    const cost = Math.round(denomination * 100);
    if (cost > balance) throw new Refused(402, 'Insufficient balance to fund this order');
    balance -= cost;
    const order: SandboxOrder = {
      id: nextId(),
      externalId,
      rewardId: nextId(),
      input: text,
      denomination,
      currency,
      recipient: { name, email },
      createdAt: now(),
      status: needsApproval ? 'PENDING APPROVAL' : 'EXECUTED',
      redeemed: false,
    };
    orders.push(order);
    return { status: needsApproval ? 202 : 200, body: { order: viewOf(order, true) } };
  }

  function viewOf(order: SandboxOrder, withLink: boolean) {
    const isThere = order.status === 'EXECUTED';
    return {
      id: order.id,
      external_id: order.externalId,
      created_at: new Date(order.createdAt).toISOString(),
      status: order.status,
      channel: 'API',
      rewards: [
        {
          id: order.rewardId,
          order_id: order.id,
          created_at: new Date(order.createdAt).toISOString(),
          value: { denomination: order.denomination, currency_code: order.currency },
          recipient: order.recipient,
          delivery: {
            method: 'LINK',
            status: isThere ? 'SUCCEEDED' : 'PENDING',
            ...(withLink && isThere ? { link: linkOf(order) } : {}),
          },
        },
      ],
    };
  }

  const linkOf = ({ rewardId }: SandboxOrder) => `https://testflight.tremendous.example/rewards/payout/${rewardId}`;

  const orderOf = (id: string) => {
    const order = orders.find((one) => one.id === id || one.externalId === id);
    if (!order) throw new Refused(404, 'Order not found');
    return order;
  };
  const ofReward = (id: string) => {
    const order = orders.find(({ rewardId }) => rewardId === id);
    if (!order) throw new Refused(404, 'Reward not found');
    return order;
  };

  function list({ query }: Call): Answer {
    for (const name of query.keys())
      if (!['offset', 'limit', 'campaign_id', 'external_id', 'created_at[gte]', 'created_at[lte]'].includes(name))
        throw new FieldError(name, 'is no known parameter');
    const limit = Number(query.get('limit') ?? 10);
    if (!(limit >= 1 && limit <= PAGE_MAX)) throw new FieldError('limit', `must be from 1 to ${PAGE_MAX}`);
    const offset = Number(query.get('offset') ?? 0);
    const from = Date.parse(query.get('created_at[gte]') ?? '1970-01-01');
    const to = Date.parse(query.get('created_at[lte]') ?? '9999-12-31');
    const external = query.get('external_id');
    const found = orders
      .filter(
        ({ createdAt, externalId }) =>
          createdAt >= from && createdAt <= to && (external === null || externalId === external),
      )
      .reverse();
    return {
      status: 200,
      body: {
        orders: found.slice(offset, offset + limit).map((order) => viewOf(order, false)),
        total_count: found.length,
      },
    };
  }

  function cancel(order: SandboxOrder): void {
    if (order.status === 'CANCELED') throw new Refused(422, 'The reward was canceled before');
    if (order.redeemed) throw new Refused(422, 'The reward was redeemed and cannot be canceled');
    order.status = 'CANCELED';
    balance += Math.round(order.denomination * 100);
  }

  const vendor = await startVendor(
    { ...options, now, callsPerSecond: options.callsPerSecond ?? CALLS_PER_SECOND },
    {
      authenticate: ({ headers }) =>
        headers.authorization === `Bearer ${apiKey}`
          ? null
          : { status: 401, body: { errors: { message: 'Unauthorized', payload: {} } } },
      tooMany: { status: 429, body: { errors: { message: 'Too many requests', payload: {} } } },
      unavailable: { status: 503, body: { errors: { message: 'Service unavailable', payload: {} } } },
      unknownPath: { status: 404, body: { errors: { message: 'Not found', payload: {} } } },
      errorOf: (thrown) => {
        if (thrown instanceof Refused) return thrown.answer;
        if (!(thrown instanceof FieldError)) return null;
        const payload = thrown.path
          .split('.')
          .reduceRight<unknown>((inner, name) => ({ [name]: inner }), thrown.message);
        return { status: 400, body: { errors: { message: 'Order failed: validation failure', payload } } };
      },
      routes: [
        { method: 'POST', path: /^\/api\/v2\/orders$/, handle: create },
        { method: 'GET', path: /^\/api\/v2\/orders$/, handle: list },
        {
          method: 'GET',
          path: /^\/api\/v2\/orders\/([^/]+)$/,
          handle: ({ params }) => ({ status: 200, body: { order: viewOf(orderOf(params[0] ?? ''), false) } }),
        },
        {
          method: 'POST',
          path: /^\/api\/v2\/rewards\/([^/]+)\/generate_link$/,
          handle: ({ params }) => {
            const order = ofReward(params[0] ?? '');
            if (order.status !== 'EXECUTED') throw new Refused(422, 'The reward has no link');
            return { status: 200, body: { reward: { id: order.rewardId, link: linkOf(order) } } };
          },
        },
        {
          method: 'POST',
          path: /^\/api\/v2\/rewards\/([^/]+)\/cancel$/,
          handle: ({ params }) => {
            cancel(ofReward(params[0] ?? ''));
            return { status: 200, body: {} };
          },
        },
        {
          method: 'GET',
          path: /^\/api\/v2\/funding_sources$/,
          handle: () => ({
            status: 200,
            body: {
              funding_sources: [
                { id: 'FUNDING0', method: 'balance', meta: { available_cents: balance } },
                { id: 'FUNDING1', method: 'invoice', meta: {} },
              ],
            },
          }),
        },
        {
          method: 'GET',
          path: /^\/api\/v2\/campaigns\/([^/]+)$/,
          handle: ({ params: [id = ''] }) => {
            if (!campaignIds.includes(id)) throw new Refused(404, 'Campaign not found');
            return { status: 200, body: { campaign: { id, name: 'Choose', description: null, products: productIds } } };
          },
        },
      ],
      actions: {
        approve: ({ id }) => void approve(String(id)),
        reject: ({ id }) => void reject(String(id)),
        redeem: ({ id }) => {
          ofReward(String(id)).redeemed = true;
        },
        cancel: ({ id }) => void cancelReward(String(id)),
        fail_delivery: ({ id }) => void failDelivery(String(id)),
        orders: () => ({ orders: orders.map((order) => viewOf(order, true)) }),
      },
    },
  );

  async function tell(event: string, type: 'orders' | 'rewards', id: string, meta?: object): Promise<void> {
    const body = JSON.stringify({
      event,
      uuid: randomUUID(),
      created_utc: new Date(now()).toISOString(),
      payload: { resource: { id, type }, ...(meta ? { meta } : {}) },
    });
    await vendor.deliver(
      { 'Tremendous-Webhook-Signature': `sha256=${createHmac('sha256', webhookKey).update(body).digest('hex')}` },
      body,
    );
  }
  async function approve(id: string): Promise<void> {
    orderOf(id).status = 'EXECUTED';
    await tell('ORDERS.APPROVED', 'orders', id);
  }
  async function reject(id: string): Promise<void> {
    cancel(orderOf(id));
    await tell('ORDERS.CANCELED', 'orders', id);
  }
  async function cancelReward(id: string): Promise<void> {
    cancel(ofReward(id));
    await tell('REWARDS.CANCELED', 'rewards', id);
  }
  async function failDelivery(id: string): Promise<void> {
    ofReward(id);
    await tell('REWARDS.DELIVERY.FAILED', 'rewards', id, { failure_reason: 'mailbox_unavailable', retryable: true });
  }

  return {
    url: new URL('/api/v2', vendor.url),
    stop: vendor.stop,
    control: Object.assign(vendor.control, {
      orders,
      refusals,
      approve,
      reject,
      redeem: (id: string) => {
        ofReward(id).redeemed = true;
      },
      cancelReward,
      failDelivery,
      async repeatNews() {
        const last = vendor.control.deliveries.at(-1);
        if (last) await vendor.deliver(last.headers, last.body);
      },
    }),
  };
}
