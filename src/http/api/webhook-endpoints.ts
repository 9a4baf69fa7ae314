import { z } from 'zod';
import {
  DELIVERY_STATES,
  type Store,
  type WebhookDelivery,
  type WebhookEndpoint,
} from '../../application/ports/store.ts';
import type { UrlProblem, WebhookEndpoints } from '../../application/webhook-endpoints.ts';
import { isoOf } from '../../domain/time.ts';
import {
  ATTEMPTS_MAX,
  ENDPOINT_STATES,
  SECRET_OVERLAP_HOURS,
  TEST_EVENT,
  WEBHOOK_ENDPOINTS_MAX,
  WEBHOOK_EVENT_TYPES,
  WEBHOOK_EVENTS_KEPT_DAYS,
} from '../../domain/webhook.ts';
import { HttpProblem } from '../problem.ts';
import { given, idOf, listOf, moment, nextCursorOf, pageOf, pageParameters, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';

export interface WebhookEndpointsDeps {
  readonly webhookEndpoints: WebhookEndpoints;
  readonly storedWebhooks: Pick<Store['webhooks'], 'endpoints' | 'endpoint' | 'deliveries' | 'delivery'>;
}

/** As long as an address that people type or copy; browsers and servers take more. */
const URL_LENGTH_MAX = 500;
const DESCRIPTION_LENGTH_MAX = 200;

const TAG = 'Webhooks';

const endpointId = idOf('whe', 'a webhook endpoint');
const eventId = idOf('evt', 'an event');
const eventType = z.enum(WEBHOOK_EVENT_TYPES, 'must be a type of event').meta({ id: 'WebhookEventType' });
const sentType = z.enum([...WEBHOOK_EVENT_TYPES, TEST_EVENT]);

const endpointInput = {
  url: z
    .string('must be text')
    .trim()
    .max(URL_LENGTH_MAX, `must have at most ${URL_LENGTH_MAX} characters`)
    .meta({ description: 'Where events are posted to; https.', example: 'https://example.com/hooks/wonward' }),
  description: z
    .string('must be text')
    .trim()
    .max(DESCRIPTION_LENGTH_MAX, `must have at most ${DESCRIPTION_LENGTH_MAX} characters`)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must not contain control characters')
    .meta({ description: 'For people; may be empty.' }),
  eventTypes: z
    .array(eventType)
    .min(1, 'must name at least one type')
    .max(WEBHOOK_EVENT_TYPES.length, 'must name each type once')
    .refine((types) => new Set(types).size === types.length, 'must name each type once'),
};

const endpointSchema = z
  .strictObject({
    id: z.string(),
    url: z.string(),
    description: z.string(),
    eventTypes: z.array(eventType),
    state: z.enum(ENDPOINT_STATES).meta({
      description:
        '`off`: switched off by a person · `failing`: by us, after three days without a success · `gone`: by us, since it answered 410.',
    }),
    failingSince: time.nullable().meta({ description: 'Since when nothing has succeeded; null while something does.' }),
    succeededAt: time.nullable().meta({ description: 'When it last took an event.' }),
    formerSecretUntil: time
      .nullable()
      .meta({ description: 'Until when events are signed with the secret before this one too.' }),
    createdBy: z.string(),
    createdAt: time,
    updatedAt: time,
    version: z.int().meta({ description: 'Rises with each change; hand it back with the next one.' }),
  })
  .meta({ id: 'WebhookEndpoint' });

const withSecret = z
  .strictObject({
    endpoint: endpointSchema,
    secret: z.string().meta({ description: 'What events are signed with. Shown this once.', example: 'whsec_…' }),
  })
  .meta({ id: 'WebhookEndpointSecret' });

const deliveryFields = {
  id: z.string().meta({ description: 'Of the event: the `webhook-id` that every attempt bears.' }),
  type: sentType,
  eventAt: time,
  state: z.enum(DELIVERY_STATES).meta({
    description: `\`waiting\`: to be tried, or tried again · \`failed\`: after ${ATTEMPTS_MAX} attempts nothing more is tried until somebody asks for it.`,
  }),
  attempts: z.int(),
  nextAttemptAt: time.nullable(),
  attemptedAt: time.nullable(),
  status: z.int().nullable().meta({ description: 'Of the last attempt; null where there was no answer.' }),
  durationMs: z.int().nullable(),
  problem: z.string().nullable(),
};
const deliverySchema = z.strictObject(deliveryFields).meta({ id: 'WebhookDelivery' });
const deliveryDetail = z
  .strictObject({
    ...deliveryFields,
    body: z.string().meta({ description: 'What is sent, byte for byte.' }),
    log: z.array(
      z.strictObject({
        at: time,
        status: z.int().nullable(),
        durationMs: z.int(),
        problem: z.string().nullable(),
        answer: z.string().meta({ description: 'The beginning of the answer, without what a screen cannot show.' }),
      }),
    ),
  })
  .meta({ id: 'WebhookDeliveryDetail' });

const LIST = 'deliveries';
const REPLAY = 'webhook-replay';

const none = () => new HttpProblem('not_found', 'This account has no such webhook endpoint.');
const noDelivery = () => new HttpProblem('not_found', 'This endpoint was not to be told of such an event.');
const off = () =>
  new HttpProblem('not_possible', 'The webhook is switched off. Switch it on first; nothing is sent to it until then.');
const badUrl = ({ problem }: UrlProblem) =>
  new HttpProblem('invalid_request', 'This address cannot be called.', { errors: [{ field: 'url', problem }] });

export function webhookEndpoints({
  webhookEndpoints: desk,
  storedWebhooks: webhooks,
}: WebhookEndpointsDeps): Operation[] {
  const known = async (accountId: string, id: string) => {
    const endpoint = await webhooks.endpoint(accountId, id);
    if (!endpoint) throw none();
    return endpoint;
  };
  const all = async (accountId: string) => ({ items: (await webhooks.endpoints(accountId)).map(endpointView) });

  return [
    operation({
      id: 'listWebhookEndpoints',
      tag: TAG,
      method: 'get',
      path: '/webhook-endpoints',
      summary: 'List where events are sent to, the oldest first',
      query: z.strictObject({}),
      statuses: { 200: `All of them, at most ${WEBHOOK_ENDPOINTS_MAX}.` },
      answer: z.strictObject({ items: z.array(endpointSchema) }),
      problems: [],
      handle: async ({ accountId }) => ({ status: 200, body: await all(accountId) }),
    }),
    operation({
      id: 'createWebhookEndpoint',
      tag: TAG,
      method: 'post',
      path: '/webhook-endpoints',
      summary: 'Send events to an address',
      description:
        'Events are signed as standardwebhooks.com describes; the secret is in the answer this once. What happens from now on is told.',
      body: z.strictObject(endpointInput),
      statuses: { 201: 'The endpoint, and its secret.' },
      answer: withSecret,
      problems: ['not_possible'],
      async handle({ accountId, actor, body }) {
        const created = await desk.create(accountId, body, actor);
        if (created.kind === 'bad_url') throw badUrl(created);
        if (created.kind === 'full') {
          throw new HttpProblem(
            'not_possible',
            `An account has at most ${created.max} webhook endpoints. Remove one that is not needed.`,
          );
        }
        return { status: 201, body: { endpoint: endpointView(created.endpoint), secret: created.secret } };
      },
    }),
    operation({
      id: 'getWebhookEndpoint',
      tag: TAG,
      method: 'get',
      path: '/webhook-endpoints/{endpointId}',
      summary: 'Get a webhook endpoint',
      params: z.strictObject({ endpointId }),
      statuses: { 200: 'The endpoint, without its secret.' },
      answer: endpointSchema,
      problems: ['not_found'],
      handle: async ({ accountId, params }) => ({
        status: 200,
        body: endpointView(await known(accountId, params.endpointId)),
      }),
    }),
    operation({
      id: 'setWebhookEndpoint',
      tag: TAG,
      method: 'put',
      path: '/webhook-endpoints/{endpointId}',
      summary: 'Change a webhook endpoint, or switch it on or off',
      description:
        'While it is off nothing is sent to it. What waited goes out when it is on again; what happened meanwhile can be replayed.',
      params: z.strictObject({ endpointId }),
      body: z.strictObject({
        ...endpointInput,
        enabled: z.boolean('must be true or false'),
        version: z.int('must be the version that was read').min(1, 'must be the version that was read'),
      }),
      statuses: { 200: 'As it is now.' },
      answer: endpointSchema,
      problems: ['not_found', 'settings_changed'],
      async handle({ accountId, actor, params, body }) {
        const { enabled: isEnabled, ...input } = body;
        const saved = await desk.change(accountId, params.endpointId, { ...input, isEnabled }, actor);
        if (!saved) throw none();
        if (saved.kind === 'bad_url') throw badUrl(saved);
        if (saved.kind === 'changed') {
          throw new HttpProblem(
            'settings_changed',
            'Somebody has changed the webhook since it was read. Read it again.',
          );
        }
        return { status: 200, body: endpointView(saved.endpoint) };
      },
    }),
    operation({
      id: 'removeWebhookEndpoint',
      tag: TAG,
      method: 'delete',
      path: '/webhook-endpoints/{endpointId}',
      summary: 'Send nothing more to an address',
      description: 'What waits for it is not sent any more.',
      params: z.strictObject({ endpointId }),
      statuses: { 200: 'Those that are left.' },
      answer: z.strictObject({ items: z.array(endpointSchema) }),
      problems: ['not_found'],
      async handle({ accountId, actor, params }) {
        if (!(await desk.remove(accountId, params.endpointId, actor))) throw none();
        return { status: 200, body: await all(accountId) };
      },
    }),
    operation({
      id: 'rotateWebhookSecret',
      tag: TAG,
      method: 'post',
      path: '/webhook-endpoints/{endpointId}/rotate-secret',
      summary: 'Give a webhook endpoint another secret',
      description: `For ${SECRET_OVERLAP_HOURS} hours events bear two signatures, by the new secret and by the one before it.`,
      params: z.strictObject({ endpointId }),
      body: z.strictObject({}),
      statuses: { 200: 'The endpoint, and its new secret.' },
      answer: withSecret,
      problems: ['not_found', 'settings_changed'],
      async handle({ accountId, actor, params }) {
        const rotated = await desk.rotate(accountId, params.endpointId, actor);
        if (!rotated) throw none();
        if (rotated.kind === 'changed') {
          throw new HttpProblem('settings_changed', 'Somebody has changed the webhook at this moment. Do it again.');
        }
        return { status: 200, body: { endpoint: endpointView(rotated.endpoint), secret: rotated.secret } };
      },
    }),
    operation({
      id: 'testWebhookEndpoint',
      tag: TAG,
      method: 'post',
      path: '/webhook-endpoints/{endpointId}/test',
      summary: 'Send a test event',
      description: `An event \`${TEST_EVENT}\`, to this endpoint alone. How it went stands with its deliveries.`,
      params: z.strictObject({ endpointId }),
      body: z.strictObject({}),
      statuses: { 202: 'It is on its way.' },
      answer: z.strictObject({ eventId: z.string() }),
      problems: ['not_found', 'not_possible'],
      async handle({ accountId, params }) {
        const sent = await desk.test(accountId, params.endpointId);
        if (sent === null) throw none();
        if (sent === 'off') throw off();
        return { status: 202, body: sent };
      },
    }),
    operation({
      id: 'replayWebhookEvents',
      tag: TAG,
      method: 'post',
      path: '/webhook-endpoints/{endpointId}/replay',
      summary: 'Send again what has happened since a moment',
      description: `Under the ids that the events had, also what happened while the endpoint was off. Events are kept for ${WEBHOOK_EVENTS_KEPT_DAYS} days.`,
      params: z.strictObject({ endpointId }),
      body: z.strictObject({
        since: moment,
        onlyUndelivered: z
          .boolean('must be true or false')
          .meta({ description: 'Whether what the endpoint has taken is left out.' }),
        cursor: z
          .string('must be text')
          .optional()
          .meta({ description: 'The `nextCursor` of the call before; left out for the first one.' }),
      }),
      statuses: { 202: 'They are on their way.' },
      answer: z.strictObject({
        asked: z.int().meta({ description: 'How many are sent.' }),
        nextCursor: z
          .string()
          .nullable()
          .meta({ description: 'Call again with it: there is more than one call does. Null when that was all.' }),
      }),
      problems: ['not_found', 'not_possible', 'invalid_cursor'],
      async handle({ accountId, params, body: { since, onlyUndelivered, cursor } }) {
        const { cursor: after } = pageOf(REPLAY, { cursor });
        const replayed = await desk.replay(accountId, params.endpointId, {
          since: Date.parse(since),
          after,
          onlyUndelivered,
        });
        if (replayed === null) throw none();
        if (replayed === 'off') throw off();
        return { status: 202, body: { asked: replayed.asked, nextCursor: nextCursorOf(REPLAY, replayed.next) } };
      },
    }),
    operation({
      id: 'listWebhookDeliveries',
      tag: TAG,
      method: 'get',
      path: '/webhook-endpoints/{endpointId}/deliveries',
      summary: 'List what an endpoint is told, the newest event first',
      params: z.strictObject({ endpointId }),
      query: z.strictObject({
        ...pageParameters,
        state: z.enum(DELIVERY_STATES, `must be one of ${DELIVERY_STATES.join(', ')}`).optional(),
      }),
      statuses: { 200: 'A page of deliveries.' },
      answer: listOf(deliverySchema),
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params, query: { state, ...page } }) {
        await known(accountId, params.endpointId);
        const found = await webhooks.deliveries(accountId, params.endpointId, pageOf(LIST, page), given({ state }));
        return {
          status: 200,
          body: { items: found.items.map(deliveryView), nextCursor: nextCursorOf(LIST, found.next) },
        };
      },
    }),
    operation({
      id: 'getWebhookDelivery',
      tag: TAG,
      method: 'get',
      path: '/webhook-endpoints/{endpointId}/deliveries/{eventId}',
      summary: 'Get what was sent of one event, and every attempt',
      params: z.strictObject({ endpointId, eventId }),
      statuses: { 200: 'The delivery.' },
      answer: deliveryDetail,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        await known(accountId, params.endpointId);
        const found = await webhooks.delivery(accountId, params.endpointId, params.eventId);
        if (!found) throw noDelivery();
        const log = found.attempts.map(({ at, status, durationMs, problem, answer }) => ({
          at: isoOf(at),
          status,
          durationMs,
          problem,
          answer,
        }));
        return { status: 200, body: { ...deliveryView(found.delivery), body: found.body, log } };
      },
    }),
    operation({
      id: 'retryWebhookDelivery',
      tag: TAG,
      method: 'post',
      path: '/webhook-endpoints/{endpointId}/deliveries/{eventId}/retry',
      summary: 'Send one event again',
      description: 'Under the id that it had, whether it was taken or not.',
      params: z.strictObject({ endpointId, eventId }),
      body: z.strictObject({}),
      statuses: { 202: 'It is on its way.' },
      answer: z.strictObject({ eventId: z.string() }),
      problems: ['not_found', 'not_possible'],
      async handle({ accountId, params }) {
        const { state } = await known(accountId, params.endpointId);
        if (state !== 'enabled') throw off();
        if (!(await desk.again(accountId, params.endpointId, params.eventId))) throw noDelivery();
        return { status: 202, body: { eventId: params.eventId } };
      },
    }),
  ];
}

function endpointView(endpoint: WebhookEndpoint) {
  const { id, url, description, eventTypes, state, health, succeededAt, former, createdBy, version } = endpoint;
  const timeOf = (at: number | null) => (at === null ? null : isoOf(at));
  return {
    id,
    url,
    description,
    eventTypes: [...eventTypes],
    state,
    failingSince: timeOf(health.failingSince),
    succeededAt: timeOf(succeededAt),
    formerSecretUntil: timeOf(former?.until ?? null),
    createdBy,
    createdAt: isoOf(endpoint.createdAt),
    updatedAt: isoOf(endpoint.updatedAt),
    version,
  };
}

function deliveryView(delivery: WebhookDelivery) {
  const { eventId: id, type, eventAt, state, tries, nextAt, attemptedAt, status, durationMs, problem } = delivery;
  return {
    id,
    type,
    eventAt: isoOf(eventAt),
    state,
    attempts: tries,
    nextAttemptAt: nextAt === null ? null : isoOf(nextAt),
    attemptedAt: attemptedAt === null ? null : isoOf(attemptedAt),
    status,
    durationMs,
    problem,
  };
}
