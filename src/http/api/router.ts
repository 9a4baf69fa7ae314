import { type Request, type RequestHandler, type Response, Router } from 'express';
import { uuidv7 } from 'uuidv7';
import type { Accounts } from '../../application/accounts.ts';
import type { AuditLogStore } from '../../application/ports/store.ts';
import { mayIn, type SignIn } from '../../application/sign-in.ts';
import { type Permission, permissionsOf } from '../../domain/roles.ts';
import type { Clock } from '../../platform/clock.ts';
import { SESSION_COOKIE } from '../console-session.ts';
import { inLanguageOf } from '../language/language.ts';
import { callerOf, type Limits } from '../limits.ts';
import { HttpProblem, onlyMethods, problemOf, refOf } from '../problem.ts';
import { parsedJson } from '../raw-body.ts';
import { createCookie, isFromConsole } from '../session-cookie.ts';
import { type Audited, createAudited } from './audited.ts';
import { parseInput } from './explain.ts';
import { API_PATH, openApiDocument } from './openapi.ts';
import type { Operation } from './operation.ts';
import { permissionsByOperation } from './permissions.ts';

/** A program of two hundred rules with their conditions and steps is under 200 kB; nothing else that is sent here is near it. */
const BODY_BYTES_MAX = 262_144;

export interface ApiDeps {
  readonly publicUrl: string;
  readonly limits: Limits;
  readonly accounts: Pick<Accounts, 'authenticate'>;
  readonly signIn: Pick<SignIn, 'session'>;
  readonly auditLog: Pick<AuditLogStore, 'begin' | 'finish'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Who calls, as found out before anything else is looked at. */
interface Caller {
  readonly accountId: string;
  readonly actor: string;
  readonly via: 'api' | 'console';
  readonly may: ReadonlySet<Permission>;
}

/** Names the account that a page of the console works in: a page that was left open never changes another account than it shows. */
export const ACCOUNT_HEADER = 'wonward-account';

export function api(deps: ApiDeps, operations: readonly Operation[]): Router {
  const { publicUrl, limits, accounts, signIn } = deps;
  const needs = permissionsByOperation(operations);
  const audited = createAudited(operations);
  const cookie = createCookie(publicUrl, SESSION_COOKIE);
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

  async function byKey(authorization: string, from: string): Promise<Caller> {
    const blocked = await limits.wrongKeys.reached(from);
    if (blocked) throw blocked;
    const key = /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '';
    const apiKey = await accounts.authenticate(key);
    if (!apiKey) {
      await limits.wrongKeys.take(from);
      throw new HttpProblem('unauthenticated', 'Send a valid API key: Authorization: Bearer wk_…', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    return { accountId: apiKey.accountId, actor: apiKey.label, via: 'api', may: permissionsOf(apiKey.roles) };
  }

  async function bySession(request: Request, secret: string): Promise<Caller> {
    const session = await signIn.session(secret);
    if (!session) throw new HttpProblem('unauthenticated', 'Your session is over. Sign in again.');
    if (request.method !== 'GET' && !isFromConsole(request, publicUrl)) {
      throw new HttpProblem('cross_site', 'Only the console may use its own session; a program uses an API key.');
    }
    const accountId = request.get(ACCOUNT_HEADER) ?? '';
    const may = mayIn(session, accountId);
    if (!may) throw new HttpProblem('not_allowed', 'You have no seat in this account.');
    return { accountId, actor: session.user.email, via: 'console', may };
  }

  const authenticate =
    ({ id }: Operation): RequestHandler =>
    async (request, response, next) => {
      const authorization = request.get('authorization');
      const secret = authorization === undefined ? cookie.read(request) : null;
      const caller: Caller =
        secret === null ? await byKey(authorization ?? '', callerOf(request)) : await bySession(request, secret);
      const tooMany = await limits.apiCalls.take(caller.accountId);
      if (tooMany) throw tooMany;
      const needed = needs.get(id);
      if (!needed || !caller.may.has(needed)) {
        throw new HttpProblem('not_allowed', `It takes the permission "${needed}". An owner of the account gives it.`);
      }
      response.locals.account = caller.accountId;
      response.locals.caller = caller;
      next();
    };

  // "/connections/install" before "/connections/{connectionId}", which would take it for an id.
  const paths = [...Map.groupBy(operations, ({ path }) => path)].sort(([a], [b]) => paramCount(a) - paramCount(b));
  for (const [path, group] of paths) {
    const route = router.route(`${API_PATH}${path.replace(/\{(\w+)\}/g, ':$1')}`);
    for (const operation of group) {
      const body = operation.body ? [parsedJson(operation.bodyBytesMax ?? BODY_BYTES_MAX)] : [];
      route[operation.method](acceptsJson, authenticate(operation), ...body, handlerOf(operation, deps, audited));
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

function handlerOf(operation: Operation, deps: ApiDeps, audited: Audited): RequestHandler {
  return async (request, response) => {
    const { accountId, actor, via, may } = response.locals.caller as Caller;
    const input = {
      accountId,
      actor,
      may,
      params: operation.params ? paramsOf(operation, request.params) : undefined,
      query: operation.query ? parseInput(operation.query, { ...request.query }) : undefined,
      body: operation.body ? parseInput(operation.body, request.body) : undefined,
    };
    const carryOut = () => operation.handle(input);
    const { status, body } = audited.isChange(operation)
      ? await recorded({ operation, input, via, request, response, deps, audited }, carryOut)
      : await carryOut();
    response.status(status).json(inLanguageOf(response, body));
  };
}

interface Change {
  readonly operation: Operation;
  readonly input: Parameters<Operation['handle']>[0];
  readonly via: 'api' | 'console';
  readonly request: Request;
  readonly response: Response;
  readonly deps: ApiDeps;
  readonly audited: Audited;
}

/** The line in the audit log comes before the change, so that none is missing when a node dies between the two. */
async function recorded(
  { operation, input, via, request, response, deps, audited }: Change,
  carryOut: () => ReturnType<Operation['handle']>,
): ReturnType<Operation['handle']> {
  const { accountId, actor } = input;
  const { auditLog, clock } = deps;
  const id = `aud_${uuidv7()}`;
  const subject = Object.values(request.params).at(-1)?.toString() ?? null;
  await auditLog.begin(accountId, {
    id,
    at: clock.now(),
    actor,
    via,
    operation: operation.id,
    subject,
    input: audited.kept(operation, 'sent', request.body),
    before: await audited.seen(operation, input),
    ref: refOf(response),
  });
  try {
    const done = await carryOut();
    const after = audited.readingOf(operation)
      ? await audited.seen(operation, input)
      : audited.kept(operation, 'seen', done.body);
    await auditLog.finish(accountId, id, { status: done.status, after, subject: subject ?? idIn(done.body) });
    return done;
  } catch (thrown) {
    await auditLog.finish(accountId, id, { status: problemOf(thrown).status, after: null, subject });
    throw thrown;
  }
}

/** What a change has made names itself. */
function idIn(body: unknown): string | null {
  const id = typeof body === 'object' && body !== null && 'id' in body ? body.id : null;
  return typeof id === 'string' ? id : null;
}

/** An id that cannot be one of ours is answered like one that nobody has. */
function paramsOf({ params }: Operation, given: Record<string, unknown>): unknown {
  const parsed = params?.safeParse(given);
  if (parsed?.success) return parsed.data;
  throw new HttpProblem('not_found', 'This account has no such thing.');
}
