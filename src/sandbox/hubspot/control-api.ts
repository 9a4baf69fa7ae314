import express from 'express';
import { z } from 'zod';
import type { Control } from './control.ts';
import { validationError } from './errors.ts';
import { errorAnswer, propertyMapSchema, readBody } from './http.ts';
import type { Random } from './random.ts';

/** Bodies of this API are made by people and tests; a megabyte and a half lets `fetch` reach its own 1 MB limit. */
const MAX_BODY = '1500kb';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const hand = {
  userId: z.int().optional(),
  changeSource: z.string().min(1).optional(),
  sourceId: z.string().min(1).optional(),
  at: z.int().optional(),
};
const handSchema = z.strictObject(hand);
const linkShape = { toType: z.string(), toId: z.string(), labels: z.array(z.string()).optional() };
const linkSchema = z.strictObject(linkShape);
const createRecordSchema = z.strictObject({
  properties: propertyMapSchema,
  associations: z.array(linkSchema).optional(),
  ...hand,
});
const editRecordSchema = z.strictObject({ properties: propertyMapSchema, ...hand });
const mergeSchema = z.strictObject({ primaryObjectId: z.string(), objectIdToMerge: z.string(), ...hand });
const associateSchema = z.strictObject({ fromType: z.string(), fromId: z.string(), ...linkShape, ...hand });
const labelSchema = z.strictObject({
  label: z.string().min(1),
  name: z.string().min(1),
  inverseLabel: z.string().optional(),
});
const capSchema = z.strictObject({ typeId: z.int(), maxToObjectIds: z.int().nullable() });
const stageShape = {
  label: z.string().min(1),
  displayOrder: z.int(),
  metadata: z.record(z.string(), z.string()),
  stageId: z.string().optional(),
};
const stageSchema = z.strictObject(stageShape);
const stageEditSchema = z.strictObject({
  label: z.string().min(1).optional(),
  displayOrder: z.int().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
const pipelineSchema = z.strictObject({
  label: z.string().min(1),
  displayOrder: z.int(),
  pipelineId: z.string().optional(),
  stages: z.array(stageSchema),
});
const propertySchema = z.strictObject({
  name: z.string().min(1),
  label: z.string().min(1),
  groupName: z.string().min(1),
  type: z.enum(['bool', 'date', 'datetime', 'enumeration', 'number', 'phone_number', 'string']),
  fieldType: z.enum([
    'booleancheckbox',
    'calculation_equation',
    'checkbox',
    'date',
    'file',
    'html',
    'number',
    'phonenumber',
    'radio',
    'select',
    'text',
    'textarea',
  ]),
  hasUniqueValue: z.boolean().optional(),
  options: z
    .array(
      z.strictObject({
        label: z.string(),
        value: z.string(),
        displayOrder: z.int(),
        hidden: z.boolean(),
        description: z.string().optional(),
      }),
    )
    .optional(),
});
const installSchema = z.strictObject({
  redirectUri: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  optionalScopes: z.array(z.string()).optional(),
  state: z.string().optional(),
  userId: z.int().optional(),
});
const portalSchema = z.strictObject({
  portalId: z.int().positive(),
  name: z.string().optional(),
  timeZone: z.string().optional(),
  companyCurrency: z.string().optional(),
  additionalCurrencies: z.array(z.string()).optional(),
  uiDomain: z.string().optional(),
  dataHostingLocation: z.string().optional(),
  accountType: z.enum(['STANDARD', 'DEVELOPER_TEST', 'SANDBOX', 'APP_DEVELOPER']).optional(),
  users: z
    .array(
      z.strictObject({
        userId: z.int(),
        email: z.string(),
        firstName: z.string().optional(),
        lastName: z.string().optional(),
      }),
    )
    .optional(),
  pipelines: z
    .array(
      z.strictObject({
        pipelineId: z.string(),
        label: z.string(),
        stages: z.array(
          z.strictObject({
            stageId: z.string().optional(),
            label: z.string(),
            probability: z.string(),
            isClosed: z.boolean().optional(),
          }),
        ),
      }),
    )
    .optional(),
  unavailableScopes: z.array(z.string()).optional(),
  customObjectLimit: z.int().min(0).optional(),
  firstRecordId: z.int().positive().optional(),
});
const fetchSchema = z.strictObject({
  url: z.string(),
  method: z.string().optional(),
  body: z.unknown().optional(),
  timeout: z.int().positive().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  userId: z.int().optional(),
  userEmail: z.string().optional(),
});
const inputValuesSchema = z.record(
  z.string(),
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('STATIC_VALUE'), value: z.string() }),
    z.strictObject({ type: z.literal('OBJECT_PROPERTY'), propertyName: z.string().min(1) }),
  ]),
);
const enrolSchema = z.strictObject({
  uid: z.string(),
  objectType: z.string(),
  objectId: z.string(),
  inputs: inputValuesSchema.optional(),
  workflowId: z.int().positive().optional(),
});
const optionsSchema = z.strictObject({
  uid: z.string(),
  inputFieldName: z.string(),
  objectTypeId: z.string().optional(),
  inputs: inputValuesSchema.optional(),
  q: z.string().optional(),
  after: z.string().optional(),
});
const terms = {
  portalId: z.int().optional(),
  times: z.int().positive().optional(),
  probability: z.number().min(0).max(1).optional(),
};
const faultSchema = z.discriminatedUnion('target', [
  z.strictObject({
    target: z.literal('api'),
    ...terms,
    method: z.string().optional(),
    path: z.string().optional(),
    effect: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('status'),
        status: z.union([
          z.literal(423),
          z.literal(429),
          z.literal(477),
          z.literal(500),
          z.literal(502),
          z.literal(503),
          z.literal(504),
        ]),
        retryAfterSeconds: z.number().optional(),
        html: z.boolean().optional(),
      }),
      z.strictObject({ kind: z.literal('latency'), latencyMs: z.number().min(0) }),
      z.strictObject({ kind: z.literal('reset'), when: z.enum(['before', 'after']) }),
      z.strictObject({ kind: z.literal('truncate') }),
      z.strictObject({ kind: z.literal('rows'), rows: z.array(z.int()).optional(), category: z.string().optional() }),
    ]),
  }),
  z.strictObject({
    target: z.literal('webhook'),
    ...terms,
    subscriptionType: z.string().optional(),
    effect: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('duplicate'), copies: z.int().positive() }),
      z.strictObject({ kind: z.literal('drop') }),
      z.strictObject({ kind: z.literal('delay'), delayMs: z.number().min(0) }),
      z.strictObject({ kind: z.literal('reorder') }),
    ]),
  }),
  z.strictObject({
    target: z.literal('workflow'),
    ...terms,
    uid: z.string().optional(),
    effect: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('duplicate'), copies: z.int().positive() }),
      z.strictObject({ kind: z.literal('lose_answer') }),
    ]),
  }),
]);

const listSchema = z.strictObject({
  name: z.string().min(1),
  objectType: z.string().optional(),
  recordIds: z.array(z.string()),
});

/** zod types optional keys as `T | undefined`; the operations take them left out. */
type Defined<T> = T extends readonly (infer Item)[]
  ? Defined<Item>[]
  : T extends object
    ? { [Key in keyof T]: Defined<Exclude<T[Key], undefined>> }
    : T;

function read<T>(schema: z.ZodType<T>, body: unknown): Defined<T> {
  // JSON has no undefined, so keys that were not sent are not there.
  return readBody(schema, body) as Defined<T>;
}

export interface ControlApiDeps {
  control: Control;
  random: Random;
}

/** `/_sandbox/api`: JSON over HTTP for pages and other processes. Not a part of HubSpot. */
export function createControlApi({ control, random }: ControlApiDeps): express.Router {
  const api = express.Router();

  // A page of another origin must not reach it by DNS rebinding or by a form: loopback names and JSON only.
  api.use((request, response, next) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    const length = request.headers['content-length'] ?? '0';
    const empty = length === '0' && request.headers['transfer-encoding'] === undefined;
    const json = empty || typeof request.is('application/json') === 'string';
    const simple = request.method === 'GET' || request.method === 'HEAD';
    const site = request.headers['sec-fetch-site'];
    const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
    if (LOOPBACK.has(host) && !foreign && (simple || json)) next();
    else response.status(403).json({ status: 'error', message: 'The control API is for this machine and takes JSON' });
  });
  api.use(express.json({ limit: MAX_BODY }));

  function on(
    method: 'get' | 'post' | 'put' | 'patch' | 'delete',
    path: string,
    act: (request: { params: Record<string, string>; body: unknown; query: URLSearchParams }) => unknown,
  ): void {
    api[method](path, async (request, response) => {
      const query = new URL(request.originalUrl, 'http://sandbox').searchParams;
      try {
        const result = await act({ params: request.params as Record<string, string>, body: request.body ?? {}, query });
        if (result === undefined) response.status(204).end();
        else response.json(result);
      } catch (error) {
        const answer = errorAnswer(error, random.uuid());
        response.status(answer.status).json(answer.body);
      }
    });
  }

  function portalId(params: Record<string, string>): number {
    const id = Number(params.portalId);
    if (!Number.isInteger(id)) throw validationError(`Not a portal id: ${params.portalId}`);
    return id;
  }

  const word = (params: Record<string, string>, name: string): string => params[name] ?? '';
  const portal = '/portals/:portalId';
  const records = `${portal}/records/:objectType`;
  const record = `${records}/:recordId`;
  const pipelines = `${portal}/pipelines/:objectType`;
  const stages = `${pipelines}/:pipelineId/stages`;
  const labels = `${portal}/labels/:fromType/:toType`;

  on('get', '/app', () => control.app());
  on('get', '/portals', () => control.portals());
  on('post', '/portals', ({ body }) => control.createPortal(read(portalSchema, body)));
  on('get', portal, ({ params }) => control.portal(portalId(params)));
  on('post', `${portal}/unavailable-scopes`, ({ params, body }) =>
    control.setUnavailableScopes(portalId(params), read(z.strictObject({ scopes: z.array(z.string()) }), body).scopes),
  );
  on('post', `${portal}/suspend`, ({ params, body }) =>
    control.suspend(portalId(params), read(z.strictObject({ suspended: z.boolean() }), body).suspended),
  );
  on('post', `${portal}/install`, ({ params, body }) => control.install(portalId(params), read(installSchema, body)));
  on('post', `${portal}/uninstall`, ({ params }) => control.uninstall(portalId(params)));
  on('post', `${portal}/expire-access-tokens`, ({ params }) => control.expireAccessTokens(portalId(params)));
  on('post', `${portal}/fetch`, ({ params, body }) => control.fetch(portalId(params), read(fetchSchema, body)));

  on('get', `${portal}/lists`, ({ params }) => control.lists(portalId(params)));
  on('post', `${portal}/lists`, ({ params, body }) => control.createList(portalId(params), read(listSchema, body)));
  on('delete', `${portal}/lists/:listId`, ({ params }) => control.deleteList(portalId(params), word(params, 'listId')));
  on('put', `${portal}/lists/:listId/:recordId`, ({ params }) =>
    control.joinList(portalId(params), word(params, 'listId'), word(params, 'recordId')),
  );
  on('delete', `${portal}/lists/:listId/:recordId`, ({ params }) =>
    control.leaveList(portalId(params), word(params, 'listId'), word(params, 'recordId')),
  );

  on('get', records, ({ params, query }) =>
    control.listRecords(portalId(params), word(params, 'objectType'), {
      archived: query.get('archived') === 'true',
      query: query.get('query') ?? '',
      ...(query.has('limit') ? { limit: Number(query.get('limit')) } : {}),
    }),
  );
  on('post', records, ({ params, body }) =>
    control.createRecord(portalId(params), word(params, 'objectType'), read(createRecordSchema, body)),
  );
  on('post', `${records}/merge`, ({ params, body }) =>
    control.mergeRecords(portalId(params), word(params, 'objectType'), read(mergeSchema, body)),
  );
  on('get', record, ({ params }) =>
    control.getRecord(portalId(params), word(params, 'objectType'), word(params, 'recordId')),
  );
  on('patch', record, ({ params, body }) =>
    control.editRecord(
      portalId(params),
      word(params, 'objectType'),
      word(params, 'recordId'),
      read(editRecordSchema, body),
    ),
  );
  on('delete', record, ({ params, body }) =>
    control.deleteRecord(
      portalId(params),
      word(params, 'objectType'),
      word(params, 'recordId'),
      read(handSchema, body),
    ),
  );
  on('post', `${record}/restore`, ({ params, body }) =>
    control.restoreRecord(
      portalId(params),
      word(params, 'objectType'),
      word(params, 'recordId'),
      read(handSchema, body),
    ),
  );
  on('post', `${record}/privacy-delete`, ({ params, body }) =>
    control.privacyDelete(
      portalId(params),
      word(params, 'objectType'),
      word(params, 'recordId'),
      read(handSchema, body),
    ),
  );

  on('get', `${record}/timeline`, ({ params }) =>
    control.timeline(portalId(params), word(params, 'objectType'), word(params, 'recordId')),
  );

  on('post', `${portal}/associations`, ({ params, body }) =>
    control.associate(portalId(params), read(associateSchema, body)),
  );
  on('delete', `${portal}/associations`, ({ params, body }) =>
    control.dissociate(portalId(params), read(associateSchema, body)),
  );
  on('put', `${portal}/association-cap`, ({ params, body }) => {
    const { typeId, maxToObjectIds } = read(capSchema, body);
    control.capAssociations(portalId(params), typeId, maxToObjectIds);
  });
  on('get', labels, ({ params }) => control.labels(portalId(params), word(params, 'fromType'), word(params, 'toType')));
  on('post', labels, ({ params, body }) =>
    control.createLabel(portalId(params), word(params, 'fromType'), word(params, 'toType'), read(labelSchema, body)),
  );

  on('get', pipelines, ({ params }) => control.pipelines(portalId(params), word(params, 'objectType')));
  on('post', pipelines, ({ params, body }) =>
    control.createPipeline(portalId(params), word(params, 'objectType'), read(pipelineSchema, body)),
  );
  on('delete', `${pipelines}/:pipelineId`, ({ params }) =>
    control.deletePipeline(portalId(params), word(params, 'objectType'), word(params, 'pipelineId')),
  );
  on('post', stages, ({ params, body }) =>
    control.addStage(portalId(params), word(params, 'objectType'), word(params, 'pipelineId'), read(stageSchema, body)),
  );
  on('patch', `${stages}/:stageId`, ({ params, body }) =>
    control.editStage(
      portalId(params),
      word(params, 'objectType'),
      word(params, 'pipelineId'),
      word(params, 'stageId'),
      read(stageEditSchema, body),
    ),
  );
  on('delete', `${stages}/:stageId`, ({ params }) =>
    control.deleteStage(
      portalId(params),
      word(params, 'objectType'),
      word(params, 'pipelineId'),
      word(params, 'stageId'),
    ),
  );

  on('get', `${portal}/properties/:objectType`, ({ params }) =>
    control.properties(portalId(params), word(params, 'objectType')),
  );
  on('post', `${portal}/properties/:objectType`, ({ params, body }) =>
    control.createProperty(portalId(params), word(params, 'objectType'), read(propertySchema, body)),
  );

  on('get', '/deliveries', ({ query }) =>
    control.deliveries(query.has('portalId') ? Number(query.get('portalId')) : undefined),
  );
  on('post', '/deliveries/:deliveryId/redeliver', ({ params }) => control.redeliver(Number(params.deliveryId)));
  on('get', '/webhooks', () => control.webhookSettings());
  on('put', '/webhooks/target', ({ body }) =>
    control.setTargetUrl(read(z.strictObject({ targetUrl: z.url() }), body).targetUrl),
  );
  on('patch', '/webhooks/subscriptions/:subscriptionId', ({ params, body }) =>
    control.setSubscriptionActive(
      Number(params.subscriptionId),
      read(z.strictObject({ active: z.boolean() }), body).active,
    ),
  );
  on('post', '/idle', async () => {
    await control.idle();
  });

  on('post', `${portal}/enrolments`, ({ params, body }) =>
    control.enrolInAction(portalId(params), read(enrolSchema, body)),
  );
  on('post', `${portal}/action-options`, ({ params, body }) =>
    control.actionOptions(portalId(params), read(optionsSchema, body)),
  );
  on('get', '/executions', ({ query }) =>
    control.executions(query.has('portalId') ? Number(query.get('portalId')) : undefined),
  );
  on('get', '/executions/:callbackId', ({ params }) => control.execution(word(params, 'callbackId')));
  on('post', '/executions/:callbackId/repeat', ({ params }) => control.repeatAction(word(params, 'callbackId')));
  on('put', '/action-signatures', ({ body }) =>
    control.setActionSignatures(read(z.strictObject({ signatures: z.enum(['both', 'v2', 'v3']) }), body).signatures),
  );

  on('put', '/app-events', ({ body }) =>
    control.approveAppEvents(read(z.strictObject({ isApproved: z.boolean() }), body).isApproved),
  );

  on('get', '/faults', () => control.listFaults());
  on('post', '/faults', ({ body }) => control.addFault(read(faultSchema, body)));
  on('delete', '/faults', () => control.clearFaults());
  on('delete', '/faults/:id', ({ params }) => ({ removed: control.removeFault(Number(params.id)) }));

  on('get', '/calls', () => control.calls());
  on('delete', '/calls', () => control.clearCalls());
  on('get', '/settings', () => control.settings());
  on('put', '/settings', ({ body }) =>
    control.setMergedBatchRead(
      read(z.strictObject({ mergedBatchRead: z.enum(['missing', 'resolve']) }), body).mergedBatchRead,
    ),
  );
  on('post', '/reset', () => control.reset());

  api.use((request, response) => {
    response.status(404).json({ status: 'error', message: `No control operation ${request.method} ${request.path}` });
  });
  return api;
}
