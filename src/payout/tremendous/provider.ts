import { createHmac, timingSafeEqual } from 'node:crypto';
import type {
  AmountRange,
  CredentialField,
  IssueResult,
  PayoutEntry,
  PayoutOrder,
  PayoutProvider,
  PayoutSession,
  PayoutSettings,
} from '../../application/ports/payout.ts';
import { Fault } from '../../domain/errors.ts';
import { CURRENCIES, decimalOf, type Money, parseAmount } from '../../domain/money.ts';
import type { PayoutNews } from '../../domain/reward.ts';
import type { Instant } from '../../domain/time.ts';
import { agentFor, pauseOf, plainSentence } from '../../platform/outbound.ts';
import {
  contradiction,
  malformedNews,
  noAnswer,
  notYet,
  unavailable,
  unsigned,
  WAIT_FOR_PEOPLE_MS,
  wrongCredentials,
} from '../faults.ts';
import { newsFrom } from '../news.ts';
import { TREMENDOUS_CURRENCIES } from './currencies.ts';

const LABEL = 'Tremendous';

/** From the request to the last byte of the answer. An order is carried out while its caller waits. */
const TIMEOUT_MS = 20_000;
/** developers.tremendous.com/docs/rate-limiting: "pause any additional requests for 1 second". */
const RATE_LIMIT_PAUSE_MS = 1_000;
const PAGE_SIZE = 100;
/** An order that waits for somebody at Tremendous is asked about this often. */
const APPROVAL_PAUSE_MS = 600_000;
/** Far more than one account orders in a day of reconciliation; it keeps a wrong answer from being read for ever. */
const PAGES_MAX = 1_000;

const PRODUCTION = 'https://www.tremendous.com/api/v2';
const TESTFLIGHT = 'https://testflight.tremendous.com/api/v2';

const FIELDS: readonly CredentialField[] = [
  {
    name: 'apiKey',
    label: 'API key',
    help: 'Tremendous › Team settings › Developers › Add API key.',
    secret: true,
    required: true,
  },
  {
    name: 'environment',
    label: 'Environment',
    help: 'sandbox: testflight.tremendous.com, where nothing costs money.',
    secret: false,
    required: false,
    choices: ['production', 'sandbox'],
  },
  {
    name: 'campaignId',
    label: 'Campaign',
    help: 'What the beneficiary may choose from. Tremendous › Campaigns; the id stands in the address. Or name products.',
    secret: false,
    required: false,
  },
  {
    name: 'products',
    label: 'Products',
    help: 'Ids of products, separated by commas, instead of a campaign.',
    secret: false,
    required: false,
  },
  {
    name: 'fundingSourceId',
    label: 'Funding source',
    help: 'What pays for the orders; "balance" when left out.',
    secret: false,
    required: false,
  },
  {
    name: 'webhookKey',
    label: 'Webhook private key',
    help: 'Shown with the webhook under Team settings › Developers › Webhooks. Without it no news is accepted.',
    secret: true,
    required: false,
  },
];

/** Tremendous publishes no largest amount for an order; what a product allows is checked there, and refused with its reason. */
const AMOUNTS: readonly AmountRange[] = TREMENDOUS_CURRENCIES.filter((code) => CURRENCIES.includes(code)).map(
  (currency) => ({ currency, minMinor: 1n, maxMinor: null, stepMinor: 1n }),
);

/**
 * Gift cards and a link to choose one's own, by Tremendous' official SDK.
 *
 * `external_id` is the order's key: "All requests that use the same external_id after the initial order creation will result in a response
 * that returns the data of the initially created order", with 201; with other parameters they are answered with 409 (SDK 4.12.0, the text
 * on `createOrder`). No time limit is given, so none is assumed.
 *
 * News: `Tremendous-Webhook-Signature: sha256=<hex>`, HMAC-SHA-256 of the raw body with the webhook's private key. The documentation that
 * could be read lists the events (developers.tremendous.com/docs/webhooks-1) and not the header; the scheme is what several independent
 * receivers in production verify, and has not been tried against Tremendous itself. Events carry the reward's id, so that is the
 * reference. There is no event for "redeemed", and ORDERS.* are not needed: an order that waits is asked about until it is settled.
 */
export function fromSettings(settings: PayoutSettings): PayoutProvider {
  return {
    name: 'tremendous',
    description: {
      label: LABEL,
      summary: 'Gift cards, prepaid cards and donations; the beneficiary gets a link and chooses.',
      fields: FIELDS,
      amounts: AMOUNTS,
      cancelling: {
        can: 'until_used',
        how: 'A link that was not used yet is cancelled, and the money returns to the balance.',
      },
      batching: 'optional',
      issued: 'may_come_back',
      keyLifeMs: null,
    },
    open: ({ values }) => openSession(settings, values),
  };
}

type Values = Readonly<Record<string, string>>;

async function openSession(settings: PayoutSettings, values: Values): Promise<PayoutSession> {
  const {
    apiKey = '',
    environment = 'production',
    campaignId = '',
    fundingSourceId = 'balance',
    webhookKey = '',
  } = values;
  const products = (values.products ?? '').split(',').flatMap((id) => (id.trim() === '' ? [] : [id.trim()]));
  const base = settings.localProviders.tremendous ?? new URL(environment === 'sandbox' ? TESTFLIGHT : PRODUCTION);
  const agent = agentFor(base, settings.allowPrivateDestinations);
  // Loaded when an account uses it: the SDK is large, and most nodes never need it.
  const { Configuration, OrdersApi, RewardsApi, CampaignsApi, FundingSourcesApi } = await import('tremendous');
  const configuration = new Configuration({
    basePath: base.href.replace(/\/$/, ''),
    accessToken: apiKey,
    baseOptions: {
      httpAgent: agent,
      httpsAgent: agent,
      proxy: false,
      maxRedirects: 0,
      timeout: TIMEOUT_MS,
      maxContentLength: 5_000_000,
      headers: { 'User-Agent': 'Wonward' },
    },
  });
  const orders = new OrdersApi(configuration);
  const rewards = new RewardsApi(configuration);
  const limited = () => ({ signal: AbortSignal.timeout(TIMEOUT_MS) });

  async function find(key: string): Promise<TremendousOrder | null> {
    try {
      return (await orders.getOrder(key, limited())).data.order as TremendousOrder;
    } catch (thrown) {
      if (statusOf(thrown) === 404) return null;
      throw faultOf(thrown, settings.now());
    }
  }

  async function resultOf(order: PayoutOrder, made: TremendousOrder): Promise<IssueResult> {
    const [reward] = made.rewards ?? [];
    if (made.external_id !== order.key || !isSame(reward?.value, order.money))
      throw contradiction(LABEL, `its order ${made.id} under this key is not the one that was asked for`);
    if (made.status === 'CANCELED') return { ok: false, why: 'the order was cancelled at Tremendous' };
    if (made.status === 'FAILED') return { ok: false, why: 'the order failed at Tremendous' };
    if (made.status !== 'EXECUTED' || !reward?.id)
      throw notYet(LABEL, `the order ${made.id} is ${made.status.toLowerCase()}`, APPROVAL_PAUSE_MS);
    const link = reward.delivery?.link ?? (await linkOf(reward.id));
    return { ok: true, reference: reward.id, voucher: link };
  }

  async function linkOf(rewardId: string): Promise<string> {
    try {
      const { data } = await rewards.generateRewardLink(rewardId, limited());
      if (data.reward.link !== undefined) return data.reward.link;
    } catch (thrown) {
      throw faultOf(thrown, settings.now());
    }
    throw unavailable(LABEL, 'answered without a link');
  }

  return {
    async issue(order) {
      if (campaignId === '' && products.length === 0)
        throw wrongCredentials(LABEL, 'needs a campaign or products to choose from');
      try {
        const { data } = await orders.createOrder(
          {
            external_id: order.key,
            payment: { funding_source_id: fundingSourceId },
            reward: {
              ...(campaignId === '' ? {} : { campaign_id: campaignId }),
              ...(products.length === 0 ? {} : { products }),
              // The SDK takes a number; up to 15 digits it is written back as it was.
              value: { denomination: Number(decimalOf(order.money)), currency_code: order.money.currency as 'USD' },
              // Handed over by us, so that nobody gets mail from a name that they do not know.
              recipient: { name: order.beneficiary.name ?? 'Reward', email: order.beneficiary.email ?? undefined } as {
                name: string;
              },
              delivery: { method: 'LINK' },
            },
          },
          limited(),
        );
        return await resultOf(order, data.order as TremendousOrder);
      } catch (thrown) {
        if (thrown instanceof Fault) throw thrown;
        const status = statusOf(thrown);
        // The same key with another name or address: what was made under it stands, whoever the contact is called by now.
        if (status === 409) {
          const earlier = await find(order.key);
          if (earlier) return await resultOf(order, earlier);
        }
        if (status === 402) throw notYet(LABEL, 'the funding source has too little money', WAIT_FOR_PEOPLE_MS);
        if (status === 400 || status === 422) return { ok: false, why: sentenceOf(thrown) ?? `answered ${status}` };
        throw faultOf(thrown, settings.now());
      }
    },

    async cancel({ key, reference }) {
      const rewardId = reference ?? (await find(key))?.rewards?.[0]?.id;
      if (!rewardId) return 'too_late';
      try {
        await rewards.cancelReward(rewardId, limited());
        return 'cancelled';
      } catch (thrown) {
        const status = statusOf(thrown);
        if (status === undefined || ![400, 404, 409, 422].includes(status)) throw faultOf(thrown, settings.now());
        // Refused because it is cancelled already, or because it was used: the order itself says which.
        return (await find(key))?.status === 'CANCELED' ? 'cancelled' : 'too_late';
      }
    },

    async lookUp({ key }) {
      const order = await find(key);
      return order ? entryOf(order) : null;
    },

    async entries(from, to) {
      const entries: PayoutEntry[] = [];
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const found = await orders
          .listOrders(
            page * PAGE_SIZE,
            undefined,
            undefined,
            new Date(from).toISOString(),
            new Date(to).toISOString(),
            PAGE_SIZE,
            limited(),
          )
          .catch((thrown: unknown) => {
            throw faultOf(thrown, settings.now());
          });
        const listed = found.data.orders as TremendousOrder[];
        entries.push(...listed.map(entryOf).filter(({ at }) => at >= from && at < to));
        if (listed.length < PAGE_SIZE) break;
      }
      return entries;
    },

    async test() {
      if (campaignId === '' && products.length === 0)
        return { ok: false, field: 'campaignId', problem: 'Name a campaign, or products.' };
      try {
        const { data } = await new FundingSourcesApi(configuration).listFundingSources(limited());
        const sources = data.funding_sources ?? [];
        if (!sources.some(({ id, method }) => id === fundingSourceId || method === fundingSourceId))
          return { ok: false, field: 'fundingSourceId', problem: 'Tremendous has no such funding source.' };
        if (campaignId !== '') await new CampaignsApi(configuration).getCampaign(campaignId, limited());
        return { ok: true, detail: `Tremendous answers; ${sources.length} funding sources.` };
      } catch (thrown) {
        const status = statusOf(thrown);
        if (status === 401 || status === 403)
          return { ok: false, field: 'apiKey', problem: 'Tremendous does not know this API key.' };
        if (status === 404) return { ok: false, field: 'campaignId', problem: 'Tremendous has no such campaign.' };
        throw faultOf(thrown, settings.now());
      }
    },

    async readNews({ headers, body }) {
      if (webhookKey === '' || !holds(webhookKey, headers['tremendous-webhook-signature'], body)) throw unsigned();
      return newsFrom(() => newsOf(body));
    },
  };
}

interface TremendousOrder {
  readonly id: string;
  readonly external_id?: string | null;
  readonly created_at: string;
  readonly status: string;
  readonly rewards?: ReadonlyArray<{
    readonly id?: string;
    readonly value?: { readonly denomination: number; readonly currency_code?: string };
    readonly delivery?: { readonly link?: string };
  }>;
}

/** The signature over the bytes as they came, compared in constant time. */
function holds(key: string, header: string | string[] | undefined, body: Uint8Array): boolean {
  const given = /^sha256=([0-9a-f]{64})$/.exec(typeof header === 'string' ? header : '')?.[1];
  if (given === undefined) return false;
  return timingSafeEqual(Buffer.from(given, 'hex'), createHmac('sha256', key).update(body).digest());
}

const KINDS: Readonly<Record<string, PayoutNews['kind']>> = {
  'REWARDS.CANCELED': 'cancelled',
  'REWARDS.DELIVERY.SUCCEEDED': 'paid',
  // The message bounced; the reward is still there and its link works.
  'REWARDS.DELIVERY.FAILED': 'unclaimed',
};

function newsOf(body: Uint8Array): PayoutNews[] {
  let event: Partial<Record<'event' | 'uuid' | 'created_utc', unknown>> & {
    payload?: { resource?: { id?: unknown }; meta?: { failure_reason?: unknown } };
  };
  try {
    event = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw malformedNews();
  }
  if (typeof event?.event !== 'string' || typeof event.uuid !== 'string') throw malformedNews();
  const kind = Object.hasOwn(KINDS, event.event) ? KINDS[event.event] : undefined;
  if (!kind) return [];
  const id = event.payload?.resource?.id;
  const at = Date.parse(String(event.created_utc));
  if (typeof id !== 'string' || Number.isNaN(at)) throw malformedNews();
  const why =
    plainSentence(event.payload?.meta?.failure_reason) ?? (kind === 'cancelled' ? 'cancelled at Tremendous' : null);
  return [{ eventId: event.uuid, kind, key: null, reference: id, why, at }];
}

function moneyOf(value: { denomination: number; currency_code?: string } | undefined): Money | null {
  if (!value?.currency_code) return null;
  const parsed = parseAmount(String(value.denomination), value.currency_code);
  return parsed.ok ? parsed.money : null;
}

function isSame(value: { denomination: number; currency_code?: string } | undefined, money: Money): boolean {
  const found = moneyOf(value);
  return found?.minor === money.minor && found.currency === money.currency;
}

function entryOf(order: TremendousOrder): PayoutEntry {
  const [reward] = order.rewards ?? [];
  const state =
    order.status === 'EXECUTED'
      ? 'paid'
      : order.status === 'CANCELED'
        ? 'cancelled'
        : order.status === 'FAILED'
          ? 'failed'
          : 'pending';
  return {
    key: order.external_id ?? null,
    reference: reward?.id ?? order.id,
    money: moneyOf(reward?.value),
    state,
    at: Date.parse(order.created_at),
  };
}

interface Answered {
  readonly response?: { readonly status?: number; readonly data?: unknown; readonly headers?: Record<string, unknown> };
}

function statusOf(thrown: unknown): number | undefined {
  return (thrown as Answered | undefined)?.response?.status;
}

/** The first sentence about a field, or else the general one. */
function sentenceOf(thrown: unknown): string | null {
  const errors = (
    (thrown as Answered).response?.data as { errors?: { message?: unknown; payload?: unknown } } | undefined
  )?.errors;
  return plainSentence(firstText(errors?.payload)) ?? plainSentence(errors?.message);
}

function firstText(value: unknown, depth = 0): string | null {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || depth > 5) return null;
  for (const inner of Object.values(value)) {
    const text = firstText(inner, depth + 1);
    if (text !== null) return text;
  }
  return null;
}

function faultOf(thrown: unknown, now: Instant): Fault {
  if (thrown instanceof Fault) return thrown;
  const status = statusOf(thrown);
  if (status === undefined) return noAnswer(LABEL, thrown);
  if (status === 401 || status === 403) return wrongCredentials(LABEL, 'does not accept the API key');
  if (status === 429) return unavailable(LABEL, 'is asked too often', RATE_LIMIT_PAUSE_MS);
  if (status < 500 && ![408, 409, 425].includes(status)) return contradiction(LABEL, `answered ${status}`);
  return unavailable(
    LABEL,
    `answered ${status}`,
    pauseOf((thrown as Answered).response?.headers?.['retry-after'], now),
  );
}
