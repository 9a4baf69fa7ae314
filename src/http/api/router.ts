import { type RequestHandler, Router } from 'express';
import type { Accounts } from '../../application/accounts.ts';
import { callerOf, type Limits } from '../limits.ts';
import { HttpProblem, onlyMethods } from '../problem.ts';
import { parsedJson } from '../raw-body.ts';
import { parseInput } from './explain.ts';
import { API_PATH, openApiDocument } from './openapi.ts';
import type { Operation } from './operation.ts';

/** A program of two hundred rules with their conditions and steps is under 200 kB; nothing else that is sent here is near it. */
const BODY_BYTES_MAX = 262_144;

export interface ApiDeps {
  readonly publicUrl: string;
  readonly limits: Limits;
  readonly accounts: Pick<Accounts, 'authenticate'>;
}

export function api({ publicUrl, limits, accounts }: ApiDeps, operations: readonly Operation[]): Router {
  const router = Router();
  // Made when it is asked for: it took a fifth of a start, and a node that is coming back has deliveries waiting.
  let document: string | null = null;
  router
    .route(`${API_PATH}/openapi.json`)
    .get((_request, response) => {
      document ??= JSON.stringify(openApiDocument(operations, publicUrl));
      response.type('application/json').send(document);
    })
    .all(onlyMethods('GET'));

  const authenticate: RequestHandler = async (request, response, next) => {
    const caller = callerOf(request);
    const blocked = await limits.wrongKeys.reached(caller);
    if (blocked) throw blocked;
    const key = /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '')?.[1] ?? '';
    const apiKey = await accounts.authenticate(key);
    if (!apiKey) {
      await limits.wrongKeys.take(caller);
      throw new HttpProblem('unauthenticated', 'Send a valid API key: Authorization: Bearer wk_…', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    response.locals.account = apiKey.accountId;
    response.locals.actor = apiKey.label;
    const tooMany = await limits.apiCalls.take(apiKey.accountId);
    if (tooMany) throw tooMany;
    next();
  };

  // "/connections/install" before "/connections/{connectionId}", which would take it for an id.
  const paths = [...Map.groupBy(operations, ({ path }) => path)].sort(([a], [b]) => paramCount(a) - paramCount(b));
  for (const [path, group] of paths) {
    const route = router.route(`${API_PATH}${path.replace(/\{(\w+)\}/g, ':$1')}`);
    for (const operation of group) {
      const body = operation.body ? [parsedJson(operation.bodyBytesMax ?? BODY_BYTES_MAX)] : [];
      route[operation.method](acceptsJson, authenticate, ...body, handlerOf(operation));
    }
    route.all(onlyMethods(...group.map(({ method }) => method.toUpperCase())));
  }
  return router;
}

function paramCount(path: string): number {
  return path.split('{').length - 1;
}

const acceptsJson: RequestHandler = (request, response, next) => {
  response.set('Cache-Control', 'no-store');
  if (request.accepts('application/json', 'application/problem+json') !== false) return next();
  throw new HttpProblem('not_acceptable', 'Accept application/json.');
};

function handlerOf(operation: Operation): RequestHandler {
  return async (request, response) => {
    const { status, body } = await operation.handle({
      accountId: String(response.locals.account),
      actor: String(response.locals.actor),
      params: operation.params ? paramsOf(operation, request.params) : undefined,
      query: operation.query ? parseInput(operation.query, { ...request.query }) : undefined,
      body: operation.body ? parseInput(operation.body, request.body) : undefined,
    });
    response.status(status).json(body);
  };
}

/** An id that cannot be one of ours is answered like one that nobody has. */
function paramsOf({ params }: Operation, given: Record<string, unknown>): unknown {
  const parsed = params?.safeParse(given);
  if (parsed?.success) return parsed.data;
  throw new HttpProblem('not_found', 'This account has no such thing.');
}
