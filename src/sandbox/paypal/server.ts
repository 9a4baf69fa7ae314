import { generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { FieldError, objectAt, oneOf, optionalTextAt, textAt } from '../vendor/fields.ts';
import { type Answer, type Call, startVendor, type VendorControl, type VendorOptions } from '../vendor/server.ts';

/*
 * The part of PayPal that pays rewards: OAuth, payouts, and the check of webhook signatures. From the OpenAPI files that PayPal publishes
 * (payments_payouts_batch_v1.json, notifications_webhooks_v1.json). Stricter than the real one: unknown fields are refused, and a
 * PayPal-Request-Id that comes back with another body is an error.
 */

const CALLS_PER_SECOND = 50;
const TOKEN_LIFETIME_S = 32_400;
/** "PayPal does not process duplicate payouts … used in the last 30 days." */
const KEY_LIFE_MS = 30 * 86_400_000;
const CURRENCIES =
  'AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD'.split(' ');
const WHOLE = ['HUF', 'JPY', 'TWD'];

export interface PayPalOptions extends VendorOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly webhookId: string;
  /** True: items stay PENDING until `settle`. */
  readonly isSlow?: boolean;
}

export type ItemState =
  | 'PENDING'
  | 'SUCCESS'
  | 'UNCLAIMED'
  | 'RETURNED'
  | 'FAILED'
  | 'BLOCKED'
  | 'ONHOLD'
  | 'REFUNDED'
  | 'REVERSED';

export interface SandboxItem {
  readonly id: string;
  readonly batchId: string;
  readonly senderItemId: string;
  readonly receiver: string;
  readonly value: string;
  readonly currency: string;
  state: ItemState;
  error: string | null;
}

interface Batch {
  readonly id: string;
  readonly senderBatchId: string;
  readonly createdAt: number;
  readonly items: readonly SandboxItem[];
}

export interface PayPalControl extends VendorControl {
  readonly items: readonly SandboxItem[];
  /** Batches with these ids are turned down. */
  readonly refusals: Set<string>;
  /** Receivers without an account leave their payment unclaimed; those that are blocked get none. Asked when a batch is placed. */
  readonly unclaimed: Set<string>;
  readonly blocked: Set<string>;
  /** Brings an item into a state and tells the webhook. */
  settle(itemId: string, state: ItemState, error?: string): Promise<void>;
  repeatNews(): Promise<void>;
}

export interface PayPalSandbox {
  readonly url: URL;
  readonly control: PayPalControl;
  stop(): Promise<void>;
}

class PayPalProblem extends Error {
  readonly answer: Answer;

  constructor(status: number, name: string, message: string, more: object = {}) {
    super(message);
    this.answer = { status, body: { name, message, debug_id: 'sandbox', ...more } };
  }
}

const EVENTS: Readonly<Partial<Record<ItemState, string>>> = {
  SUCCESS: 'SUCCEEDED',
  UNCLAIMED: 'UNCLAIMED',
  RETURNED: 'RETURNED',
  FAILED: 'FAILED',
  BLOCKED: 'BLOCKED',
  REFUNDED: 'REFUNDED',
};

export async function startPayPal(options: PayPalOptions): Promise<PayPalSandbox> {
  const { clientId, clientSecret, webhookId, isSlow = false } = options;
  const now = options.now ?? Date.now;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const batches: Batch[] = [];
  const items: SandboxItem[] = [];
  const refusals = new Set<string>();
  const tokens = new Map<string, number>();
  const requests = new Map<string, { readonly body: string; readonly answer: Answer; readonly at: number }>();
  const unclaimed = new Set<string>();
  const blocked = new Set<string>();
  let count = 0;
  const nextId = (prefix: string) => {
    count += 1;
    return `${prefix}${count.toString().padStart(10, '0')}`;
  };
  const links = (id: string) => [
    {
      rel: 'self',
      href: new URL(`/v1/payments/payouts/${id}`, vendor.url).href,
      method: 'GET',
      encType: 'application/json',
    },
  ];

  function signIn({ headers, text }: Call): Answer {
    const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
    if (headers.authorization !== basic)
      return { status: 401, body: { error: 'invalid_client', error_description: 'Client Authentication failed' } };
    if (new URLSearchParams(text).get('grant_type') !== 'client_credentials')
      return { status: 400, body: { error: 'unsupported_grant_type' } };
    const token = `A21.${randomUUID()}`;
    tokens.set(token, now() + TOKEN_LIFETIME_S * 1_000);
    return {
      status: 200,
      body: {
        scope: 'https://uri.paypal.com/payments/payouts',
        access_token: token,
        token_type: 'Bearer',
        expires_in: TOKEN_LIFETIME_S,
      },
    };
  }

  function place(call: Call): Answer {
    const requestId = call.headers['paypal-request-id'];
    if (typeof requestId !== 'string' || requestId.length > 1_000)
      throw new PayPalProblem(400, 'VALIDATION_ERROR', 'PayPal-Request-Id is missing');
    const known = requests.get(requestId);
    if (known && now() - known.at < KEY_LIFE_MS) {
      if (known.body !== call.text)
        throw new PayPalProblem(422, 'IDEMPOTENCY_ERROR', 'PayPal-Request-Id was used with another body');
      return known.answer;
    }
    const body = objectAt(JSON.parse(call.text), '', ['sender_batch_header', 'items']);
    const header = objectAt(body.sender_batch_header, 'sender_batch_header', [
      'sender_batch_id',
      'recipient_type',
      'email_subject',
      'email_message',
      'note',
    ]);
    const senderBatchId = textAt(header, 'sender_batch_id', 'sender_batch_header.', 256);
    if (refusals.has(senderBatchId)) throw new PayPalProblem(422, 'RECEIVER_COUNTRY_NOT_ALLOWED', 'Not allowed.');
    optionalTextAt(header, 'email_subject', 'sender_batch_header.', 255);
    const earlier = batches.find(
      (batch) => batch.senderBatchId === senderBatchId && now() - batch.createdAt < KEY_LIFE_MS,
    );
    if (earlier) {
      throw new PayPalProblem(400, 'USER_BUSINESS_ERROR', 'User business error.', {
        details: [
          {
            field: 'SENDER_BATCH_ID',
            issue: 'Batch with given sender_batch_id already exists',
            link: links(earlier.id),
          },
        ],
        links: links(earlier.id),
      });
    }
    if (!Array.isArray(body.items) || body.items.length < 1 || body.items.length > 15_000)
      throw new FieldError('items', 'must be 1 to 15,000 items');
    const batchId = nextId('BATCH');
    const made = body.items.map((input, index) => itemOf(input, `items[${index}]`, batchId));
    items.push(...made);
    batches.push({ id: batchId, senderBatchId, createdAt: now(), items: made });
    const answer: Answer = {
      status: 201,
      body: {
        batch_header: {
          payout_batch_id: batchId,
          batch_status: 'PENDING',
          sender_batch_header: { sender_batch_id: senderBatchId },
        },
        links: links(batchId),
      },
    };
    requests.set(requestId, { body: call.text, answer, at: now() });
    return answer;
  }

  function itemOf(input: unknown, path: string, batchId: string): SandboxItem {
    const item = objectAt(input, path, [
      'recipient_type',
      'receiver',
      'amount',
      'note',
      'sender_item_id',
      'recipient_wallet',
      'notification_language',
      'purpose',
    ]);
    oneOf(item.recipient_type, `${path}.recipient_type`, ['EMAIL', 'PHONE', 'PAYPAL_ID'] as const);
    const receiver = textAt(item, 'receiver', `${path}.`, 127);
    const senderItemId = textAt(item, 'sender_item_id', `${path}.`, 63);
    const amount = objectAt(item.amount, `${path}.amount`, ['value', 'currency']);
    const currency = oneOf(amount.currency, `${path}.amount.currency`, CURRENCIES);
    const value = textAt(amount, 'value', `${path}.amount.`, 20);
    if (!(WHOLE.includes(currency) ? /^[0-9]+$/ : /^[0-9]+(\.[0-9]{1,2})?$/).test(value) || Number(value) <= 0)
      throw new FieldError(`${path}.amount.value`, `is no amount of ${currency}`);
    if (currency === 'USD' && Number(value) > 20_000)
      throw new FieldError(`${path}.amount.value`, 'is above 20000.00 USD');
    const state: ItemState = isSlow
      ? 'PENDING'
      : blocked.has(receiver)
        ? 'BLOCKED'
        : unclaimed.has(receiver)
          ? 'UNCLAIMED'
          : 'SUCCESS';
    const error = state === 'BLOCKED' ? 'RECEIVER_UNREGISTERED' : null;
    return { id: nextId('ITEM'), batchId, senderItemId, receiver, value, currency, state, error };
  }

  const viewOf = (item: SandboxItem) => ({
    payout_item_id: item.id,
    payout_batch_id: item.batchId,
    sender_batch_id: batches.find(({ id }) => id === item.batchId)?.senderBatchId,
    transaction_status: item.state,
    payout_item_fee: { currency: item.currency, value: '0.25' },
    payout_item: {
      recipient_type: 'EMAIL',
      amount: { value: item.value, currency: item.currency },
      receiver: item.receiver,
      sender_item_id: item.senderItemId,
    },
    time_processed: new Date(now()).toISOString(),
    ...(item.error === null ? {} : { errors: { name: item.error, message: 'Refused.', debug_id: 'sandbox' } }),
  });

  const missing = () => new PayPalProblem(404, 'RESOURCE_NOT_FOUND', 'The requested resource was not found');

  function showBatch({ params }: Call): Answer {
    const batch = batches.find(({ id }) => id === params[0]);
    if (!batch) throw missing();
    const isOpen = batch.items.some(({ state }) => state === 'PENDING');
    return {
      status: 200,
      body: {
        total_items: batch.items.length,
        total_pages: 1,
        batch_header: {
          payout_batch_id: batch.id,
          batch_status: isOpen ? 'PROCESSING' : 'SUCCESS',
          time_created: new Date(batch.createdAt).toISOString(),
          sender_batch_header: { sender_batch_id: batch.senderBatchId },
        },
        items: batch.items.map(viewOf),
        links: links(batch.id),
      },
    };
  }

  const find = (id: string | undefined) => {
    const item = items.find((one) => one.id === id);
    if (!item) throw missing();
    return item;
  };

  function cancel({ params }: Call): Answer {
    const item = find(params[0]);
    if (item.state !== 'UNCLAIMED')
      throw new PayPalProblem(400, 'ITEM_INCORRECT_STATUS', 'Item is in incorrect status for this operation.');
    item.state = 'RETURNED';
    return { status: 200, body: viewOf(item) };
  }

  /** What PayPal signs: the transmission's id and time, the webhook's id, and the CRC-32 of the body's bytes. */
  const signed = (id: string, time: string, webhook: string, body: string) =>
    Buffer.from(`${id}|${time}|${webhook}|${crc32(Buffer.from(body))}`);

  function check({ text }: Call): Answer {
    const question = objectAt(JSON.parse(text), '', [
      'auth_algo',
      'cert_url',
      'transmission_id',
      'transmission_sig',
      'transmission_time',
      'webhook_id',
      'webhook_event',
    ]);
    const id = textAt(question, 'transmission_id', '', 50);
    const time = textAt(question, 'transmission_time', '', 100);
    const signature = textAt(question, 'transmission_sig', '', 500);
    textAt(question, 'cert_url', '', 500);
    textAt(question, 'auth_algo', '', 100);
    const webhook = textAt(question, 'webhook_id', '', 50);
    // The event's own bytes, as they stand in the question.
    const mark = '"webhook_event":';
    const event = text.slice(text.indexOf(mark) + mark.length, text.lastIndexOf('}'));
    const holds =
      webhook === webhookId &&
      verify('sha256', signed(id, time, webhook, event), publicKey, Buffer.from(signature, 'base64'));
    return { status: 200, body: { verification_status: holds ? 'SUCCESS' : 'FAILURE' } };
  }

  const vendor = await startVendor(
    { ...options, now, callsPerSecond: options.callsPerSecond ?? CALLS_PER_SECOND },
    {
      authenticate: ({ path, headers }) => {
        if (path === '/v1/oauth2/token') return null;
        const token = /^Bearer (.+)$/.exec(String(headers.authorization ?? ''))?.[1] ?? '';
        if ((tokens.get(token) ?? 0) > now()) return null;
        return {
          status: 401,
          body: { error: 'invalid_token', error_description: 'Token signature verification failed' },
        };
      },
      tooMany: new PayPalProblem(429, 'RATE_LIMIT_REACHED', 'Too many requests.').answer,
      unavailable: new PayPalProblem(503, 'SERVICE_UNAVAILABLE', 'Service unavailable.').answer,
      unknownPath: new PayPalProblem(404, 'RESOURCE_NOT_FOUND', 'No such path.').answer,
      errorOf: (thrown) => {
        if (thrown instanceof PayPalProblem) return thrown.answer;
        if (!(thrown instanceof FieldError)) return null;
        const details = [{ field: thrown.path, issue: thrown.message }];
        return new PayPalProblem(400, 'VALIDATION_ERROR', 'Invalid request - see details.', { details }).answer;
      },
      routes: [
        { method: 'POST', path: /^\/v1\/oauth2\/token$/, handle: signIn },
        { method: 'POST', path: /^\/v1\/payments\/payouts$/, handle: place },
        { method: 'GET', path: /^\/v1\/payments\/payouts\/([^/]+)$/, handle: showBatch },
        {
          method: 'GET',
          path: /^\/v1\/payments\/payouts-item\/([^/]+)$/,
          handle: ({ params }) => ({ status: 200, body: viewOf(find(params[0])) }),
        },
        { method: 'POST', path: /^\/v1\/payments\/payouts-item\/([^/]+)\/cancel$/, handle: cancel },
        { method: 'POST', path: /^\/v1\/notifications\/verify-webhook-signature$/, handle: check },
        {
          method: 'GET',
          path: /^\/v1\/notifications\/webhooks\/([^/]+)$/,
          handle: ({ params }) => {
            if (params[0] !== webhookId) throw missing();
            return {
              status: 200,
              body: { id: webhookId, url: vendor.control.webhookUrl, event_types: [{ name: '*' }] },
            };
          },
        },
      ],
      actions: {
        settle: ({ id, state, error }) =>
          void settle(String(id), String(state) as ItemState, error === undefined ? undefined : String(error)),
        unclaimed: ({ receiver }) => void unclaimed.add(String(receiver)),
        blocked: ({ receiver }) => void blocked.add(String(receiver)),
        items: () => ({ items: items.map(viewOf) }),
      },
    },
  );

  async function settle(itemId: string, state: ItemState, error?: string): Promise<void> {
    const item = find(itemId);
    item.state = state;
    item.error = error ?? null;
    const event = EVENTS[state];
    if (event === undefined) return;
    const body = JSON.stringify({
      id: `WH-${randomUUID()}`,
      create_time: new Date(now()).toISOString(),
      resource_type: 'payouts_item',
      event_type: `PAYMENT.PAYOUTS-ITEM.${event}`,
      summary: 'A payout item changed',
      resource: viewOf(item),
      event_version: '1.0',
    });
    const id = randomUUID();
    const time = new Date(now()).toISOString();
    const signature = sign('sha256', signed(id, time, webhookId, body), privateKey).toString('base64');
    await vendor.deliver(
      {
        'PAYPAL-AUTH-ALGO': 'SHA256withRSA',
        'PAYPAL-CERT-URL': 'https://api.paypal.com/v1/notifications/certs/CERT-sandbox',
        'PAYPAL-TRANSMISSION-ID': id,
        'PAYPAL-TRANSMISSION-SIG': signature,
        'PAYPAL-TRANSMISSION-TIME': time,
      },
      body,
    );
  }

  return {
    url: vendor.url,
    stop: vendor.stop,
    control: Object.assign(vendor.control, {
      items,
      refusals,
      unclaimed,
      blocked,
      settle,
      async repeatNews() {
        const last = vendor.control.deliveries.at(-1);
        if (last) await vendor.deliver(last.headers, last.body);
      },
    }),
  };
}
