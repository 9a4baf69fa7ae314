import { createHash } from 'node:crypto';
import type { RawRequest } from '../../application/ports/crm.ts';
import type {
  CredentialField,
  IssueResult,
  PayoutOrder,
  PayoutProvider,
  PayoutSession,
  PayoutSettings,
} from '../../application/ports/payout.ts';
import { decimalOf, type Money, parseAmount } from '../../domain/money.ts';
import type { PayoutNews } from '../../domain/reward.ts';
import { plainSentence } from '../../platform/outbound.ts';
import { contradiction, malformedNews, notYet, unavailable, unsigned, WAIT_FOR_PEOPLE_MS } from '../faults.ts';
import { newsFrom } from '../news.ts';
import { PAYPAL_AMOUNTS, wholeIfNeeded } from './amounts.ts';
import { type Client, createClient, LABEL, type Reply } from './client.ts';

const PRODUCTION = 'https://api-m.paypal.com';
const SANDBOX = 'https://api-m.sandbox.paypal.com';

/** "If you specify a sender_batch_id that was used in the last 30 days, the API rejects the request." */
const KEY_LIFE_MS = 30 * 86_400_000;
/** A batch of one item is through in seconds to minutes; a held one takes a person at PayPal. */
const PENDING_PAUSE_MS = 60_000;
/** What stands on the receipt, up to 255 characters. */
const SUBJECT = 'You have a reward';

const FIELDS: readonly CredentialField[] = [
  {
    name: 'clientId',
    label: 'Client ID',
    help: 'developer.paypal.com › Apps & Credentials › your app. The app needs Payouts switched on.',
    secret: false,
    required: true,
  },
  { name: 'clientSecret', label: 'Secret', help: 'Beside the client ID.', secret: true, required: true },
  {
    name: 'environment',
    label: 'Environment',
    help: 'sandbox: PayPal’s own test system.',
    secret: false,
    required: false,
    choices: ['production', 'sandbox'],
  },
  {
    name: 'webhookId',
    label: 'Webhook ID',
    help: 'Beside the webhook on the app’s page. Without it no news is accepted.',
    secret: false,
    required: false,
  },
];

/**
 * Payouts to the PayPal account behind an e-mail address, each as a batch of one item, so that each is settled by itself.
 *
 * `sender_batch_id` and `sender_item_id` are the order's key, `PayPal-Request-Id` begins with it. A second order with the key is rejected with a link to
 * the first one's batch, for 30 days (openapi/payments_payouts_batch_v1.json of paypal/paypal-rest-api-specifications); after that nothing
 * keeps it from being paid again, which is why `keyLifeMs` is given. A batch is taken at once and carried out later: the order counts
 * as issued when its item says so. An unclaimed item is issued, and PayPal gives it back after 30 days.
 *
 * News are checked by PayPal itself (POST /v1/notifications/verify-webhook-signature), with the event's bytes as they came. The other way,
 * checking with the certificate that the message names, would have us fetch an address that a stranger wrote, and judge a chain of
 * certificates by hand. It costs a call for each message, and a message that cannot be checked is answered with 503: PayPal sends it
 * again for three days.
 */
export function fromSettings(settings: PayoutSettings): PayoutProvider {
  return {
    name: 'paypal',
    description: {
      label: LABEL,
      summary: 'Money to the PayPal account with the beneficiary’s e-mail address.',
      fields: FIELDS,
      amounts: PAYPAL_AMOUNTS,
      cancelling: {
        can: 'until_claimed',
        how: 'A payment that nobody claimed yet is cancelled, and the money comes back.',
      },
      batching: 'optional',
      issued: 'may_come_back',
      keyLifeMs: KEY_LIFE_MS,
    },
    open: async ({ values }) => openSession(settings, values),
  };
}

function openSession(
  settings: PayoutSettings,
  { clientId = '', clientSecret = '', environment = 'production', webhookId = '' }: Readonly<Record<string, string>>,
): PayoutSession {
  const client = createClient({
    base: settings.localProviders.paypal ?? new URL(environment === 'sandbox' ? SANDBOX : PRODUCTION),
    clientId,
    clientSecret,
    allowPrivate: settings.allowPrivateDestinations,
    now: settings.now,
  });

  return {
    async issue(order) {
      if (order.beneficiary.email === null) return { ok: false, why: 'no e-mail address to pay to' };
      const batchId = await placed(client, order, order.beneficiary.email);
      if (typeof batchId !== 'string') return batchId;
      return settledOf(await itemOf(client, batchId), order);
    },

    async cancel({ key, reference }) {
      // Without a reference the batch may still be on its way, and nothing says where.
      if (reference === null) return 'too_late';
      const { status, data } = await client.call(
        'POST',
        `/v1/payments/payouts-item/${encodeURIComponent(reference)}/cancel`,
        '{}',
        { 'PayPal-Request-Id': `${key}-cancel` },
      );
      if (status === 200 && data.transaction_status === 'RETURNED') return 'cancelled';
      const now = await client.call('GET', `/v1/payments/payouts-item/${encodeURIComponent(reference)}`);
      return GIVEN_BACK.includes(String(now.data.transaction_status)) ? 'cancelled' : 'too_late';
    },

    async lookUp({ key, reference }) {
      if (reference === null) return null;
      const { status, data } = await client.call('GET', `/v1/payments/payouts-item/${encodeURIComponent(reference)}`);
      if (status === 404) return null;
      if (status !== 200) throw unavailable(LABEL, `answered ${status}`);
      const item = data as Item & { readonly time_processed?: string };
      const state = item.transaction_status ?? 'PENDING';
      return {
        key: item.payout_item?.sender_item_id ?? key,
        reference,
        money: moneyOf(item),
        state: GIVEN.includes(state)
          ? 'paid'
          : GIVEN_BACK.includes(state)
            ? 'cancelled'
            : REFUSED.includes(state)
              ? 'failed'
              : 'pending',
        at: Date.parse(item.time_processed ?? '') || settings.now(),
      };
    },

    async test() {
      const status = await client.signIn();
      if (status === 401 || status === 400 || status === 403) {
        return {
          ok: false,
          field: 'clientSecret',
          problem: 'PayPal does not know this client id with this secret, in this environment.',
        };
      }
      if (status !== 200) throw unavailable(LABEL, `answered ${status}`);
      if (webhookId !== '') {
        const { status: known } = await client.call(
          'GET',
          `/v1/notifications/webhooks/${encodeURIComponent(webhookId)}`,
        );
        if (known === 404 || known === 400)
          return { ok: false, field: 'webhookId', problem: 'PayPal has no such webhook.' };
      }
      return { ok: true, detail: 'PayPal answers.' };
    },

    async readNews(request) {
      if (webhookId === '') throw unsigned();
      await verify(client, webhookId, request);
      return newsFrom(() => newsOf(request.body));
    },
  };
}

/** The batch's id, of this order or of the one that was placed before under the same key; a result when PayPal refuses it. */
async function placed(client: Client, order: PayoutOrder, email: string): Promise<string | IssueResult> {
  const { key, money } = order;
  const body = JSON.stringify({
    sender_batch_header: { sender_batch_id: key, email_subject: SUBJECT },
    items: [
      {
        recipient_type: 'EMAIL',
        receiver: email,
        amount: { value: wholeIfNeeded(decimalOf(money), money.currency), currency: money.currency },
        sender_item_id: key,
      },
    ],
  });
  // Of the body too: when the address has changed since, it is another request, and the batch's id tells that the order is the same.
  const requestId = `${key}-${createHash('sha256').update(body).digest('hex').slice(0, 16)}`;
  const reply = await client.call('POST', '/v1/payments/payouts', body, { 'PayPal-Request-Id': requestId });
  if (reply.status === 201) {
    const id = (reply.data.batch_header as { payout_batch_id?: unknown } | undefined)?.payout_batch_id;
    if (typeof id !== 'string') throw unavailable(LABEL, 'answered without a batch');
    return id;
  }
  const earlier = batchInLinks(reply.data);
  if (earlier !== null) return earlier;
  const code = String(reply.data.name ?? reply.status);
  if (code === 'INSUFFICIENT_FUNDS') throw notYet(LABEL, 'the balance is too small', WAIT_FOR_PEOPLE_MS);
  if (reply.status === 409) throw unavailable(LABEL, `answered ${reply.status}`);
  return { ok: false, why: `${code}: ${plainSentence(reply.data.message) ?? `answered ${reply.status}`}` };
}

/** The link to the original batch that the rejection of a duplicate carries. */
function batchInLinks({ links, details }: Reply['data']): string | null {
  const all = [
    links,
    ...(Array.isArray(details)
      ? details.map(
          (detail) => (detail as { link?: unknown; links?: unknown })?.link ?? (detail as { links?: unknown })?.links,
        )
      : []),
  ].flat();
  for (const link of all) {
    const href = (link as { href?: unknown } | null)?.href;
    const id = typeof href === 'string' ? /\/v1\/payments\/payouts\/([A-Za-z0-9]{1,30})$/.exec(href)?.[1] : undefined;
    if (id !== undefined) return id;
  }
  return null;
}

interface Item {
  readonly payout_item_id?: string;
  readonly transaction_status?: string;
  readonly payout_item?: { readonly sender_item_id?: string; readonly amount?: { value?: string; currency?: string } };
  readonly errors?: { readonly name?: string; readonly message?: string };
}

async function itemOf(client: Client, batchId: string): Promise<{ batch: string; item: Item | null }> {
  const { status, data } = await client.call('GET', `/v1/payments/payouts/${batchId}?page_size=1`);
  if (status !== 200) throw unavailable(LABEL, `answered ${status}`);
  const batch = String((data.batch_header as { batch_status?: unknown } | undefined)?.batch_status ?? '');
  const [item] = Array.isArray(data.items) ? (data.items as Item[]) : [];
  return { batch, item: item ?? null };
}

const GIVEN: readonly string[] = ['SUCCESS', 'UNCLAIMED'];
const GIVEN_BACK: readonly string[] = ['RETURNED', 'REFUNDED', 'REVERSED'];
const REFUSED: readonly string[] = ['FAILED', 'BLOCKED', 'DENIED', ...GIVEN_BACK];

function settledOf({ batch, item }: { batch: string; item: Item | null }, order: PayoutOrder): IssueResult {
  if (batch === 'DENIED' || batch === 'CANCELED') return { ok: false, why: `PayPal ${batch.toLowerCase()} the payout` };
  const status = item?.transaction_status ?? 'PENDING';
  if (item) {
    const money = moneyOf(item);
    if (
      item.payout_item?.sender_item_id !== order.key ||
      money?.minor !== order.money.minor ||
      money.currency !== order.money.currency
    )
      throw contradiction(LABEL, 'the payout under this key is not the one that was asked for');
  }
  if (item?.payout_item_id && GIVEN.includes(status))
    return { ok: true, reference: item.payout_item_id, voucher: null };
  if (REFUSED.includes(status)) return { ok: false, why: item?.errors?.name ?? status };
  throw notYet(LABEL, `the payment is ${status.toLowerCase()}`, PENDING_PAUSE_MS);
}

function moneyOf({ payout_item: asked }: Item): Money | null {
  const parsed = parseAmount(asked?.amount?.value, asked?.amount?.currency ?? '');
  return parsed.ok ? parsed.money : null;
}

/** The five headers that PayPal signs with, as its check wants them. */
const SIGNATURE = {
  auth_algo: 'paypal-auth-algo',
  cert_url: 'paypal-cert-url',
  transmission_id: 'paypal-transmission-id',
  transmission_sig: 'paypal-transmission-sig',
  transmission_time: 'paypal-transmission-time',
} as const;

async function verify(client: Client, webhookId: string, { headers, body }: RawRequest): Promise<void> {
  const event = Buffer.from(body).toString('utf8');
  const fields = Object.entries(SIGNATURE).map(([field, header]) => [field, headers[header]] as const);
  // Nothing is asked of PayPal for what carries no signature, or is no object at all.
  if (fields.some(([, value]) => typeof value !== 'string' || value === '') || !isObject(event)) throw unsigned();
  const checked = JSON.stringify(Object.fromEntries([...fields, ['webhook_id', webhookId]]));
  // The event as it came: PayPal signed these bytes, and another JSON of the same event is not the same text.
  const question = `${checked.slice(0, -1)},"webhook_event":${event}}`;
  const { status, data } = await client.call('POST', '/v1/notifications/verify-webhook-signature', question);
  if (status !== 200 || data.verification_status !== 'SUCCESS') throw unsigned();
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const KINDS: Readonly<Record<string, PayoutNews['kind']>> = {
  'PAYMENT.PAYOUTS-ITEM.SUCCEEDED': 'paid',
  'PAYMENT.PAYOUTS-ITEM.UNCLAIMED': 'unclaimed',
  'PAYMENT.PAYOUTS-ITEM.FAILED': 'failed',
  'PAYMENT.PAYOUTS-ITEM.DENIED': 'failed',
  'PAYMENT.PAYOUTS-ITEM.BLOCKED': 'failed',
  'PAYMENT.PAYOUTS-ITEM.RETURNED': 'returned',
  'PAYMENT.PAYOUTS-ITEM.REFUNDED': 'returned',
  'PAYMENT.PAYOUTS-ITEM.CANCELED': 'cancelled',
};

function newsOf(body: Uint8Array): PayoutNews[] {
  const event = JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>;
  const type = String(event.event_type);
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (!kind) return [];
  const { payout_item_id: reference, payout_item: asked, errors } = (event.resource ?? {}) as Item;
  const at = Date.parse(String(event.create_time));
  if (typeof event.id !== 'string' || typeof reference !== 'string' || Number.isNaN(at)) throw malformedNews();
  const why = plainSentence(errors?.name) ?? (kind === 'paid' || kind === 'unclaimed' ? null : kind);
  return [{ eventId: event.id, kind, key: asked?.sender_item_id ?? null, reference, why, at }];
}
