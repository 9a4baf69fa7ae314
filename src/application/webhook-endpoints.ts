import { isIP } from 'node:net';
import {
  type EndpointHealth,
  type EndpointState,
  SECRET_OVERLAP_HOURS,
  TEST_EVENT,
  WEBHOOK_ENDPOINTS_MAX,
  type WebhookEventType,
} from '../domain/webhook.ts';
import { eventOf } from '../domain/webhook-event.ts';
import type { Clock } from '../platform/clock.ts';
import { type Seal, webhookContext } from '../platform/seal.ts';
import { newWebhookSecret } from '../platform/webhook-signature.ts';
import type { PageCursor, Store, WebhookEndpoint } from './ports/store.ts';

/** Events of one transaction of a replay. */
const EVENTS_PER_WRITE = 500;

/** Of one call; the next one goes on behind them. That is some seconds of writing. */
const REPLAYED_MAX = 10_000;

export interface EndpointInput {
  readonly url: string;
  readonly description: string;
  readonly eventTypes: readonly WebhookEventType[];
}

export type UrlProblem = { readonly kind: 'bad_url'; readonly problem: string };

export interface WebhookEndpoints {
  /** The secret is told this once. `full`: the account has as many as it may have. */
  create(
    accountId: string,
    input: EndpointInput,
    by: string,
  ): Promise<
    | { readonly kind: 'created'; readonly endpoint: WebhookEndpoint; readonly secret: string }
    | { readonly kind: 'full'; readonly max: number }
    | UrlProblem
  >;
  /** `version` is the one that the caller has read. Null when there is no such endpoint. */
  change(
    accountId: string,
    endpointId: string,
    input: EndpointInput & { readonly isEnabled: boolean; readonly version: number },
    by: string,
  ): Promise<{ readonly kind: 'saved' | 'changed'; readonly endpoint: WebhookEndpoint } | UrlProblem | null>;
  /** Another secret; what is sent is signed with the first one too for a day. */
  rotate(
    accountId: string,
    endpointId: string,
    by: string,
  ): Promise<{
    readonly kind: 'saved' | 'changed';
    readonly endpoint: WebhookEndpoint;
    readonly secret: string;
  } | null>;
  remove(accountId: string, endpointId: string, by: string): Promise<boolean>;
  /** The id of the event that is sent; null when there is no such endpoint, `off` when it is switched off. */
  test(accountId: string, endpointId: string): Promise<{ readonly eventId: string } | 'off' | null>;
  /** Sends one event again. */
  again(accountId: string, endpointId: string, eventId: string): Promise<boolean>;
  /** Sends again what has happened since a moment; with a cursor to go on with when there is more than one call does. */
  replay(
    accountId: string,
    endpointId: string,
    from: { readonly since: number; readonly after: PageCursor | null; readonly onlyUndelivered: boolean },
  ): Promise<{ readonly asked: number; readonly next: PageCursor | null } | 'off' | null>;
}

export interface WebhookEndpointsDeps {
  readonly store: Pick<Store, 'webhooks'>;
  readonly seal: Seal;
  readonly clock: Pick<Clock, 'now'>;
  readonly newId: () => string;
  /** For the sandbox. */
  readonly allowPrivate: boolean;
  /** Something is to be sent. */
  readonly onAsked: () => void;
}

const WELL: EndpointHealth = { failures: 0, failingSince: null, restsUntil: 0 };

/** Where an account is told of what happens, as its people set it up. */
export function createWebhookEndpoints({
  store: { webhooks },
  seal,
  clock,
  newId,
  allowPrivate,
  onAsked,
}: WebhookEndpointsDeps): WebhookEndpoints {
  return {
    async create(accountId, { url, description, eventTypes }, by) {
      const problem = urlProblem(url, allowPrivate);
      if (problem !== null) return { kind: 'bad_url', problem };
      const id = `whe_${newId()}`;
      const secret = newWebhookSecret();
      const now = clock.now();
      const endpoint: WebhookEndpoint = {
        id,
        url,
        description,
        eventTypes,
        state: 'enabled',
        secret: seal.seal(secret, webhookContext(accountId, id)),
        former: null,
        health: WELL,
        succeededAt: null,
        createdBy: by,
        createdAt: now,
        updatedAt: now,
        version: 1,
      };
      const isCreated = await webhooks.create(accountId, endpoint);
      return isCreated ? { kind: 'created', endpoint, secret } : { kind: 'full', max: WEBHOOK_ENDPOINTS_MAX };
    },

    async change(accountId, endpointId, { url, description, eventTypes, isEnabled, version }, by) {
      const known = await webhooks.endpoint(accountId, endpointId);
      if (!known) return null;
      const problem = urlProblem(url, allowPrivate);
      if (problem !== null) return { kind: 'bad_url', problem };
      const next = { ...known, url, description, eventTypes, state: stateFor(known.state, isEnabled) };
      const saved = await webhooks.save(accountId, { ...next, version: version + 1, updatedAt: clock.now() }, by);
      if (saved?.kind === 'saved') onAsked();
      return saved;
    },

    async rotate(accountId, endpointId, by) {
      const known = await webhooks.endpoint(accountId, endpointId);
      if (!known) return null;
      const secret = newWebhookSecret();
      const now = clock.now();
      const saved = await webhooks.save(
        accountId,
        {
          ...known,
          secret: seal.seal(secret, webhookContext(accountId, endpointId)),
          former: { secret: known.secret, until: now + SECRET_OVERLAP_HOURS * 3_600_000 },
          version: known.version + 1,
          updatedAt: now,
        },
        by,
      );
      return saved && { ...saved, secret };
    },

    remove: (accountId, endpointId, by) => webhooks.remove(accountId, endpointId, by, clock.now()),

    async test(accountId, endpointId) {
      const known = await webhooks.endpoint(accountId, endpointId);
      if (!known) return null;
      if (known.state !== 'enabled') return 'off';
      const now = clock.now();
      const event = eventOf(accountId, TEST_EVENT, endpointId, now, now, { endpointId });
      await webhooks.tell(accountId, endpointId, event);
      onAsked();
      return { eventId: event.id };
    },

    async again(accountId, endpointId, eventId) {
      const isAsked = await webhooks.again(accountId, endpointId, eventId, clock.now());
      if (isAsked) onAsked();
      return isAsked;
    },

    async replay(accountId, endpointId, { since, after, onlyUndelivered }) {
      const known = await webhooks.endpoint(accountId, endpointId);
      if (!known) return null;
      if (known.state !== 'enabled') return 'off';
      let asked = 0;
      let next = after;
      for (let seen = 0; seen < REPLAYED_MAX; seen += EVENTS_PER_WRITE) {
        const part = await webhooks.replay(accountId, endpointId, {
          since,
          after: next,
          limit: EVENTS_PER_WRITE,
          types: known.eventTypes,
          onlyUndelivered,
          now: clock.now(),
        });
        asked += part.asked;
        next = part.next;
        if (next === null) break;
      }
      if (asked > 0) onAsked();
      return { asked, next };
    },
  };
}

/** What we have switched off stays as we call it until a person switches it on. */
function stateFor(present: EndpointState, isEnabled: boolean): EndpointState {
  if (isEnabled) return 'enabled';
  return present === 'enabled' ? 'off' : present;
}

/** What cannot be called is refused when it is written down; where a name leads is looked at on each connection. */
function urlProblem(text: string, allowPrivate: boolean): string | null {
  if (!URL.canParse(text)) return 'must be a web address, such as https://example.com/hooks';
  const { protocol, username, password, hash, hostname } = new URL(text);
  if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:')) return 'must begin with https://';
  if (username !== '' || password !== '') return 'must not contain a user or a password';
  if (hash !== '') return 'must not contain a # part';
  if (allowPrivate) return null;
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(host) !== 0) return 'must name a host, not an IP address';
  return host === 'localhost' || !host.includes('.') ? 'must be reachable from the internet' : null;
}
