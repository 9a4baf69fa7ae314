import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Body, Control, FieldInput, Hand } from './control.ts';
import { ApiError } from './errors.ts';
import type { FaultInput } from './faults.ts';
import { errorAnswer, readRaw, send } from './http.ts';
import type { AuthorizeRequest } from './oauth.ts';
import type { DuplicateRule, Org, OrgSeed, RecordTypeSeed, StageSeed, ValidationRule } from './org.ts';

/** `/_sandbox/api` on the login host: what people and tests do, over HTTP. Loopback names only, so that no web page can reach it. */

const PREFIX = '/_sandbox/api';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const hand = { userId: z.string().optional(), at: z.int().optional(), client: z.string().optional() };
const handSchema = z.strictObject(hand);
const bodySchema = z.record(z.string(), z.unknown());
const writeSchema = z.strictObject({ fields: bodySchema, ...hand });
const manySchema = z.strictObject({ ids: z.array(z.string()).min(1), fields: bodySchema, ...hand });
const mergeSchema = z.strictObject({ masterId: z.string(), otherIds: z.array(z.string()), ...hand });
const convertSchema = z.strictObject({
  leadId: z.string(),
  accountId: z.string().optional(),
  contactId: z.string().optional(),
  opportunityName: z.string().nullable().optional(),
  ...hand,
});
const stageShape = {
  label: z.string().optional(),
  isClosed: z.boolean().optional(),
  isWon: z.boolean().optional(),
  isActive: z.boolean().optional(),
  forecastCategory: z.string().optional(),
};
const stageSchema = z.strictObject({ name: z.string().min(1), probability: z.number(), ...stageShape });
const stageEditSchema = z.strictObject({ probability: z.number().optional(), ...stageShape });
const recordTypeSchema = z.strictObject({
  developerName: z.string().min(1),
  name: z.string().optional(),
  sobjectType: z.string(),
  stages: z.array(z.string()).optional(),
});
const accessSchema = z.strictObject({
  object: z.string(),
  field: z.string().nullable(),
  access: z.enum(['none', 'read', 'edit']),
});
const ruleSchema = z.strictObject({
  object: z.string(),
  message: z.string(),
  field: z.string().optional(),
  when: z.strictObject({
    field: z.string(),
    is: z.enum(['blank', 'present', 'equal']),
    value: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
  }),
});
const duplicateRuleSchema = z.strictObject({
  object: z.string(),
  fields: z.array(z.string()).min(1),
  action: z.enum(['alert', 'block']),
});
const settingsSchema = z.strictObject({
  apiEnabled: z.boolean().optional(),
  storageFull: z.boolean().optional(),
  appInstalled: z.boolean().optional(),
  dailyRequests: z.int().positive().optional(),
});
const installSchema = z.strictObject({
  userId: z.string().optional(),
  redirectUri: z.string().optional(),
  scope: z.string().optional(),
  state: z.string().optional(),
  codeChallenge: z.string().optional(),
  codeChallengeMethod: z.string().optional(),
});
const orgSchema = z.strictObject({
  name: z.string().optional(),
  pod: z.string().length(3).optional(),
  organizationType: z.enum(['Developer Edition', 'Enterprise Edition', 'Unlimited Edition']).optional(),
  isSandbox: z.boolean().optional(),
  features: z
    .strictObject({
      multiCurrency: z.boolean().optional(),
      personAccounts: z.boolean().optional(),
      nativeReferral: z.boolean().optional(),
    })
    .optional(),
  currencies: z.array(z.string().length(3)).min(1).optional(),
  stages: z.array(stageSchema).min(1).optional(),
  recordTypes: z.array(recordTypeSchema).optional(),
  package: z.strictObject({ root: z.string(), namespace: z.string().optional() }).nullable().optional(),
  changeEvents: z.array(z.string()).optional(),
  trackedFields: z.array(z.string()).optional(),
  dailyRequests: z.int().positive().optional(),
});
const fieldSchema = z.strictObject({
  name: z.string().regex(/__c$/),
  type: z.enum([
    'string',
    'textarea',
    'email',
    'phone',
    'url',
    'boolean',
    'int',
    'double',
    'currency',
    'percent',
    'date',
    'datetime',
  ]),
  length: z.int().positive().optional(),
  label: z.string().optional(),
  externalId: z.boolean().optional(),
});
const terms = {
  orgId: z.string().optional(),
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
        status: z.union([420, 429, 500, 502, 503, 504].map((status) => z.literal(status))),
        html: z.boolean().optional(),
      }),
      z.strictObject({ kind: z.literal('error'), status: z.int(), code: z.string(), message: z.string() }),
      z.strictObject({ kind: z.literal('latency'), latencyMs: z.int().nonnegative() }),
      z.strictObject({ kind: z.literal('reset'), when: z.enum(['before', 'after']) }),
      z.strictObject({ kind: z.literal('truncate') }),
      z.strictObject({
        kind: z.literal('rows'),
        rows: z.array(z.int().nonnegative()).optional(),
        code: z.string(),
        message: z.string().optional(),
      }),
    ]),
  }),
  z.strictObject({
    target: z.literal('event'),
    ...terms,
    entity: z.string().optional(),
    changeType: z.string().optional(),
    effect: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.enum(['duplicate', 'drop', 'gap', 'overflow', 'malformed', 'unknownSchema']) }),
      z.strictObject({ kind: z.literal('delay'), delayMs: z.int().nonnegative() }),
    ]),
  }),
  z.strictObject({
    target: z.literal('rpc'),
    ...terms,
    method: z.enum(['Subscribe', 'GetTopic', 'GetSchema']).optional(),
    effect: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('error'), status: z.string(), code: z.string() }),
      z.strictObject({ kind: z.literal('silence') }),
    ]),
  }),
]);

interface Request {
  params: string[];
  query: URLSearchParams;
  body: unknown;
}

type Handler = (request: Request) => unknown;

function read<T>(schema: z.ZodType<unknown>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data as T;
  const [issue] = parsed.error.issues;
  throw new ApiError(400, 'SANDBOX', `${issue?.path.join('.') || 'body'}: ${issue?.message}`);
}

function routesOf(control: Control): Array<{ method: string; path: RegExp; handle: Handler }> {
  const routes: Array<{ method: string; path: RegExp; handle: Handler }> = [];
  /** `:` is one part of the path, and the handler's next parameter. */
  const on = (method: string, path: string, handle: Handler): void => {
    routes.push({ method, path: new RegExp(`^${path.replaceAll(':', '([^/]+)')}$`), handle });
  };
  const p = (request: Request, index: number): string => request.params[index] ?? '';

  on('GET', '/app', () => control.app());
  on('GET', '/orgs', () => control.orgs());
  on('POST', '/orgs', ({ body }) => control.createOrg(read<OrgSeed>(orgSchema, body)));
  on('GET', '/orgs/:', (request) => control.org(p(request, 0)));
  on('POST', '/orgs/:/install', (request) =>
    control.install(p(request, 0), read<Partial<AuthorizeRequest>>(installSchema, request.body)),
  );
  on('POST', '/orgs/:/uninstall', (request) => control.uninstall(p(request, 0)));
  on('POST', '/orgs/:/revoke-tokens', (request) => control.revokeTokens(p(request, 0)));
  on('POST', '/orgs/:/expire-sessions', (request) => control.expireSessions(p(request, 0)));
  on('GET', '/orgs/:/objects/:', (request) =>
    control.list(p(request, 0), p(request, 1), {
      deleted: request.query.get('deleted') === 'true',
      ...(request.query.has('limit') ? { limit: Number(request.query.get('limit')) } : {}),
    }),
  );
  on('POST', '/orgs/:/objects/:', (request) => {
    const { fields, ...who } = read<{ fields: Body } & Hand>(writeSchema, request.body);
    return { id: control.create(p(request, 0), p(request, 1), fields, who) };
  });
  on('GET', '/orgs/:/records/:', (request) => {
    const found = control.read(p(request, 0), p(request, 1));
    if (!found) throw new ApiError(404, 'SANDBOX', `the local Salesforce has no record ${p(request, 1)}`);
    return found;
  });
  on('PATCH', '/orgs/:/records/:', (request) => {
    const { fields, ...who } = read<{ fields: Body } & Hand>(writeSchema, request.body);
    return control.edit(p(request, 0), p(request, 1), fields, who);
  });
  on('PATCH', '/orgs/:/records', (request) => {
    const { ids, fields, ...who } = read<{ ids: string[]; fields: Body } & Hand>(manySchema, request.body);
    return control.editAll(p(request, 0), ids, fields, who);
  });
  on('DELETE', '/orgs/:/records/:', (request) =>
    control.remove(p(request, 0), p(request, 1), read<Hand>(handSchema, request.body)),
  );
  on('POST', '/orgs/:/records/:/undelete', (request) =>
    control.undelete(p(request, 0), p(request, 1), read<Hand>(handSchema, request.body)),
  );
  on('POST', '/orgs/:/purge', (request) => ({ purged: control.purge(p(request, 0)) }));
  on('POST', '/orgs/:/merge', (request) => {
    const { masterId, otherIds, ...who } = read<{ masterId: string; otherIds: string[] } & Hand>(
      mergeSchema,
      request.body,
    );
    return control.merge(p(request, 0), masterId, otherIds, who);
  });
  on('POST', '/orgs/:/convert', (request) => {
    const { leadId, accountId, contactId, opportunityName, ...who } = read<
      { leadId: string; accountId?: string; contactId?: string; opportunityName?: string | null } & Hand
    >(convertSchema, request.body);
    return control.convert(p(request, 0), leadId, { accountId, contactId, opportunityName }, who);
  });
  on('POST', '/orgs/:/move', (request) => control.moveOrg(p(request, 0)));
  on('GET', '/orgs/:/stages', (request) => control.stages(p(request, 0)));
  on('POST', '/orgs/:/stages', (request) =>
    control.addStage(p(request, 0), read<StageSeed>(stageSchema, request.body)),
  );
  on('PATCH', '/orgs/:/stages/:', (request) =>
    control.editStage(p(request, 0), p(request, 1), read<Partial<StageSeed>>(stageEditSchema, request.body)),
  );
  on('DELETE', '/orgs/:/stages/:', (request) => control.deleteStage(p(request, 0), p(request, 1)));
  on('POST', '/orgs/:/record-types', (request) => ({
    id: control.addRecordType(p(request, 0), read<RecordTypeSeed>(recordTypeSchema, request.body)),
  }));
  on('PUT', '/orgs/:/access', (request) => {
    const { object, field, access } = read<z.infer<typeof accessSchema>>(accessSchema, request.body);
    return control.setAccess(p(request, 0), object, field, access);
  });
  on('PUT', '/orgs/:/validation-rules', (request) =>
    control.setValidationRules(p(request, 0), read<ValidationRule[]>(z.array(ruleSchema), request.body)),
  );
  on('PUT', '/orgs/:/duplicate-rules', (request) =>
    control.setDuplicateRules(p(request, 0), read<DuplicateRule[]>(z.array(duplicateRuleSchema), request.body)),
  );
  on('PATCH', '/orgs/:/settings', (request) =>
    control.setSettings(p(request, 0), read<Partial<Org['settings']>>(settingsSchema, request.body)),
  );
  on('PUT', '/orgs/:/change-events', (request) =>
    control.setChangeEvents(p(request, 0), read<string[]>(z.array(z.string()), request.body)),
  );
  on('PUT', '/orgs/:/users/:/active', (request) =>
    control.setUserActive(
      p(request, 0),
      p(request, 1),
      read<{ active: boolean }>(z.strictObject({ active: z.boolean() }), request.body).active,
    ),
  );
  on('POST', '/orgs/:/objects/:/fields', (request) =>
    control.addField(p(request, 0), p(request, 1), read<FieldInput>(fieldSchema, request.body)),
  );
  on('DELETE', '/orgs/:/objects/:/fields/:', (request) =>
    control.deleteField(p(request, 0), p(request, 1), p(request, 2)),
  );
  on('POST', '/orgs/:/use-requests', (request) =>
    control.useRequests(
      p(request, 0),
      read<{ requests: number }>(z.strictObject({ requests: z.int().positive() }), request.body).requests,
    ),
  );
  on('POST', '/orgs/:/break-streams', (request) => control.breakStreams(p(request, 0)));
  on('GET', '/streams', () => ({ open: control.streams() }));
  on('POST', '/forget-locators', () => control.forgetLocators());
  on('GET', '/faults', () => control.listFaults());
  on('POST', '/faults', ({ body }) => control.addFault(read<FaultInput>(faultSchema, body)));
  on('DELETE', '/faults', () => control.clearFaults());
  on('DELETE', '/faults/:', (request) => ({ removed: control.removeFault(Number(p(request, 0))) }));
  on('GET', '/calls', () => control.calls());
  on('DELETE', '/calls', () => control.clearCalls());
  on('GET', '/clock', () => ({ now: control.now() }));
  on('POST', '/clock', ({ body }) => {
    control.advance(read<{ advanceMs: number }>(z.strictObject({ advanceMs: z.int().nonnegative() }), body).advanceMs);
    return { now: control.now() };
  });
  on('POST', '/idle', () => control.idle());
  on('POST', '/reset', () => control.reset());
  return routes;
}

export interface ControlApi {
  /** False: the address is none of this. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

export function createControlApi(control: Control): ControlApi {
  const routes = routesOf(control);

  async function answer(request: IncomingMessage, url: URL): Promise<unknown> {
    const text = await readRaw(request);
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (!LOOPBACK.has(host)) throw new ApiError(403, 'SANDBOX', 'only from this machine');
    const path = url.pathname.slice(PREFIX.length);
    for (const route of routes) {
      const match = route.method === request.method ? route.path.exec(path) : null;
      if (!match) continue;
      let body: unknown;
      try {
        body = text === '' ? undefined : JSON.parse(text);
      } catch {
        throw new ApiError(400, 'SANDBOX', 'the body is no JSON');
      }
      return route.handle({ params: match.slice(1).map(decodeURIComponent), query: url.searchParams, body });
    }
    throw new ApiError(404, 'SANDBOX', `no control operation ${request.method} ${path}`);
  }

  return {
    async serve(request, response) {
      const url = new URL(request.url ?? '/', 'http://local');
      if (!url.pathname.startsWith(`${PREFIX}/`)) return false;
      try {
        const result = await answer(request, url);
        send(response, result === undefined ? { status: 204 } : { status: 200, body: result });
      } catch (thrown) {
        send(response, errorAnswer(thrown));
      }
      return true;
    },
  };
}
