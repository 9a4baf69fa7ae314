import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { CrmConnector } from '../application/ports/crm.ts';
import type { Connection, ConnectionStore } from '../application/ports/store.ts';
import type { CardUser } from '../domain/card-actors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { callerOf, type Limits } from './limits.ts';
import { HttpProblem, logFault, problemOf, refOf, sendProblem } from './problem.ts';
import { publicUrlOf } from './public-url.ts';

const PROVIDER = 'hubspot';
/** HubSpot's ids have 12 digits today. */
export const RECORD_ID = /^[0-9]{1,20}$/;
/** As long as an address may be. */
const EMAIL_LENGTH_MAX = 320;

export interface SignedDeps {
  readonly publicUrl: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly limits: Limits;
  readonly connectors: ReadonlyMap<string, Pick<CrmConnector, 'inbound'>>;
  readonly connections: Pick<ConnectionStore, 'findByExternalId'>;
}

/** @throws HttpProblem unless HubSpot signed exactly this request. */
export async function expectSigned(
  { publicUrl, clock, limits, connectors }: SignedDeps,
  request: Request,
  response: Response,
  body: Uint8Array,
): Promise<void> {
  response.set('Cache-Control', 'no-store');
  const connector = connectors.get(PROVIDER);
  if (!connector?.inbound) throw new HttpProblem('not_found', 'HubSpot is not configured here.');
  const url = publicUrlOf(publicUrl, request);
  const verdict = connector.inbound.verify(
    { method: request.method, url, headers: request.headers, body },
    clock.now(),
  );
  if (verdict.ok) return;
  const tooMany = await limits.unsigned.take(callerOf(request));
  throw tooMany ?? new HttpProblem('unsigned', 'The request does not carry a valid signature of HubSpot.');
}

/** Lets through what HubSpot has signed and sent without a body. */
export function signedByHubSpot(deps: SignedDeps): RequestHandler {
  return async (request, response, next) => {
    await expectSigned(deps, request, response, new Uint8Array());
    next();
  };
}

export interface Asked {
  readonly query: URLSearchParams;
  /** Null where HubSpot names no portal, or the address names two. */
  readonly portalId: string | null;
  readonly connection: Connection | null;
  readonly user: CardUser | null;
}

/**
 * Who asks, from the query that HubSpot has signed. The code of a card or a page can put parameters of its own into the address that HubSpot then signs: one
 * that comes twice is nobody's word.
 */
export async function askedBy(
  { publicUrl, connections }: SignedDeps,
  request: Request,
  response: Response,
): Promise<Asked> {
  const query = new URL(request.originalUrl, publicUrl).searchParams;
  const portalId = only(query, 'portalId');
  if (portalId === null || !RECORD_ID.test(portalId)) return { query, portalId: null, connection: null, user: null };
  const connection = await connections.findByExternalId(PROVIDER, portalId);
  response.locals.account = connection?.accountId;
  const id = only(query, 'userId');
  const email = only(query, 'userEmail');
  const isNamed = id !== null && RECORD_ID.test(id);
  return {
    query,
    portalId,
    connection,
    user: isNamed ? { id, email: email !== null && email.length <= EMAIL_LENGTH_MAX ? email : null } : null,
  };
}

/** Null when the parameter is missing or comes more than once. */
export function only(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name);
  return values.length === 1 ? (values[0] ?? null) : null;
}

/** Undefined for what is no JSON: it has none of the fields then. */
export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

type Answer = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string };

/** HubSpot hides every answer but 200, so a refusal that a person should read comes with it. */
export function answerPerson(response: Response, body: Answer): void {
  if (!body.ok) response.locals.problem = body.code;
  response.status(200).json(body.ok ? body : { ...body, ref: refOf(response) });
}

export function refusePerson(response: Response, message: string): void {
  answerPerson(response, { ok: false, code: 'invalid_request', message });
}

/** Our own fault is told with `message`; a request that is not HubSpot's is nobody's to read, and has the status of its problem. */
export function failedWith(log: Log, message: string): ErrorRequestHandler {
  return (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    if (problem.status < 500) return sendProblem(response, problem);
    answerPerson(response, { ok: false, code: 'unavailable', message });
  };
}
