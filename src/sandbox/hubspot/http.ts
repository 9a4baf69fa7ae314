import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import { z } from 'zod';
import type { Calls } from './calls.ts';
import { type ErrorDetail, HubSpotError, invalidBody, missingScopes, validationError } from './errors.ts';
import type { ApiEffect, Faults } from './faults.ts';
import type { Limits } from './limits.ts';
import type { Portal } from './portal.ts';
import type { Random } from './random.ts';
import type { Tokens } from './tokens.ts';

/** Larger than any documented body (2,000 association inputs), small enough to find a runaway. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;
/** "appears to be just around 16.2k characters": seen by PostHog; HubSpot documents the 414 without a number. */
const MAX_URL_LENGTH = 16_000;

export interface Answer {
  status: number;
  /** undefined: no body. A string goes out as it is, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Call {
  portal: Portal;
  params: Record<string, string>;
  query: Query;
  /** The JSON body as it came; `readBody` checks it. */
  body: unknown;
  /** Length of the body in characters, for the search's own limit. */
  bodyLength: number;
  /** Rows that a fault wants refused, given the number of rows of the batch. */
  failedRows(count: number): Set<number>;
  /** Category of the refused rows. */
  rowCategory: string;
  at: number;
}

export interface Query {
  text(name: string): string | undefined;
  /** Comma-separated and repeated parameters are the same list. */
  list(name: string): string[];
  flag(name: string): boolean;
  /** An integer in range, or the default. */
  integer(name: string, fallback: number, minimum: number, maximum: number): number;
}

/** Any one of the scopes will do; several arrays must all be met. */
export type Scopes = string[][];

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** Names of the documented query parameters; any other is refused. */
  query?: readonly string[];
  scopes(params: Record<string, string>): Scopes;
  handle(call: Call): Answer;
}

export interface ApiDeps {
  clock: () => number;
  random: Random;
  tokens: Tokens;
  limits: Limits;
  faults: Faults;
  calls: Calls;
}

/** Checks a body against a strict schema; unknown keys and wrong types are a VALIDATION_ERROR. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const details: ErrorDetail[] = parsed.error.issues.map((issue) => ({
    message: `${issue.path.join('.') || 'body'}: ${issue.message}`,
    code: issue.code === 'unrecognized_keys' ? 'UNKNOWN_FIELD' : 'INVALID_FIELD',
    in: issue.path.join('.'),
  }));
  throw invalidBody(details);
}

function createQuery(search: URLSearchParams, known: readonly string[]): Query {
  for (const name of search.keys()) {
    if (!known.includes(name)) {
      throw validationError(`Unknown query parameter '${name}'`, {
        errors: [{ message: `Unknown query parameter '${name}'`, in: name, code: 'UNKNOWN_PARAMETER' }],
      });
    }
  }
  return {
    text: (name) => search.get(name) ?? undefined,
    list: (name) =>
      search
        .getAll(name)
        .flatMap((value) => value.split(','))
        .map((value) => value.trim())
        .filter((value) => value !== ''),
    flag(name) {
      const value = search.get(name);
      if (value === null || value === 'false') return false;
      if (value === 'true') return true;
      throw validationError(`${name} must be true or false`, {
        errors: [{ message: `${name} must be true or false`, in: name }],
      });
    },
    integer(name, fallback, minimum, maximum) {
      const value = search.get(name);
      if (value === null) return fallback;
      const number = Number(value);
      if (/^\d+$/.test(value) && number >= minimum && number <= maximum) return number;
      const message = `${name} must be an integer between ${minimum} and ${maximum}, was ${value}`;
      throw validationError(message, { errors: [{ message, in: name }] });
    },
  };
}

export async function readRaw(request: IncomingMessage, limit = MAX_BODY_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > limit)
      throw new HubSpotError(413, { message: 'Request Entity Too Large', category: 'VALIDATION_ERROR' });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function parseJson(raw: Buffer, contentType: string | undefined): unknown {
  if (raw.length === 0) return undefined;
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? '')) {
    throw new HubSpotError(415, {
      message: 'Unsupported Media Type: expected application/json',
      category: 'VALIDATION_ERROR',
    });
  }
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch {
    throw validationError('Invalid input JSON: request body is not valid JSON');
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const STATUS_WORDS: Record<number, { message: string; category: string }> = {
  423: { message: 'The resource is locked. Retry after 2 seconds.', category: 'LOCKED' },
  429: { message: 'You have reached your ten_secondly_rolling limit.', category: 'RATE_LIMITS' },
  477: { message: 'Migration in progress', category: 'MIGRATION_IN_PROGRESS' },
  500: { message: 'internal error', category: 'INTERNAL_ERROR' },
  502: { message: 'Bad Gateway', category: 'INTERNAL_ERROR' },
  503: { message: 'Service temporarily unavailable', category: 'INTERNAL_ERROR' },
  504: { message: 'Gateway Timeout', category: 'INTERNAL_ERROR' },
};

function faultAnswer(effect: Extract<ApiEffect, { kind: 'status' }>, correlationId: string): Answer {
  const words = STATUS_WORDS[effect.status] ?? { message: 'error', category: 'INTERNAL_ERROR' };
  const headers: Record<string, string> =
    effect.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(effect.retryAfterSeconds) };
  if (effect.html) {
    return {
      status: effect.status,
      headers: { ...headers, 'Content-Type': 'text/html; charset=utf-8' },
      body: `<html><head><title>${effect.status} ${words.message}</title></head><body><center><h1>${effect.status} ${words.message}</h1></center></body></html>`,
    };
  }
  const limited =
    effect.status === 429
      ? { errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' }
      : { category: words.category };
  return {
    status: effect.status,
    headers,
    body: { status: 'error', message: words.message, correlationId, ...limited },
  };
}

export function errorAnswer(error: unknown, correlationId: string): Answer {
  if (error instanceof HubSpotError) {
    return {
      status: error.status,
      headers: error.headers,
      body: { status: 'error', correlationId, ...error.body },
    };
  }
  throw error;
}

/** Sends an answer whole, or as a fault wants it: not at all, or cut in half. */
export function send(
  response: ServerResponse,
  answer: Answer,
  correlationId: string,
  effects: readonly ApiEffect[] = [],
): void {
  const socket = response.socket;
  if (effects.some((effect) => effect.kind === 'reset')) {
    socket?.resetAndDestroy();
    return;
  }
  const text =
    answer.body === undefined ? '' : typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  const bytes = Buffer.from(text, 'utf8');
  response.statusCode = answer.status;
  response.setHeader('X-HubSpot-Correlation-Id', correlationId);
  if (bytes.length > 0) response.setHeader('Content-Type', 'application/json;charset=utf-8');
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (bytes.length > 0) response.setHeader('Content-Length', bytes.length);
  if (effects.some((effect) => effect.kind === 'truncate') && bytes.length > 1) {
    response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => socket?.destroy());
    return;
  }
  response.end(bytes.length > 0 ? bytes : undefined);
}

function failedRows(effects: readonly ApiEffect[], count: number): Set<number> {
  const rows = effects.flatMap((effect) => (effect.kind === 'rows' ? (effect.rows ?? [count - 1]) : []));
  return new Set(rows.filter((row) => row >= 0 && row < count));
}

/** Before the route: latency, a broken connection, a status. Returns false when the call is already over. */
export async function strikeBefore(
  response: ServerResponse,
  effects: readonly ApiEffect[],
  correlationId: string,
): Promise<number | undefined> {
  for (const effect of effects) if (effect.kind === 'latency') await wait(effect.latencyMs);
  if (effects.some((effect) => effect.kind === 'reset' && effect.when === 'before')) {
    response.socket?.resetAndDestroy();
    return 0;
  }
  const status = effects.find((effect) => effect.kind === 'status');
  if (!status) return undefined;
  send(response, faultAnswer(status, correlationId), correlationId);
  return status.status;
}

/**
 * The API's router. Order as at HubSpot's edge: outage, credentials, rate limit, scopes, then the body. Every call is
 * counted under its route, also the refused ones.
 */
export function createApiRouter(routes: readonly Route[], deps: ApiDeps): express.Router {
  const router = express.Router({ caseSensitive: true, strict: true });

  async function serve(route: Route, request: express.Request, response: express.Response): Promise<void> {
    const correlationId = deps.random.uuid();
    const authorization = request.headers.authorization;
    const portalId = deps.tokens.portalOf(authorization);
    const url = new URL(request.originalUrl, 'http://sandbox');
    const effects = deps.faults.api({ method: route.method, path: url.pathname, portalId });
    const struck = await strikeBefore(response, effects, correlationId);
    if (struck !== undefined) {
      deps.calls.record(portalId, route.method, route.path, struck);
      return;
    }
    let headers: Record<string, string> = {};
    let answer: Answer;
    try {
      const raw = await readRaw(request);
      if (request.originalUrl.length > MAX_URL_LENGTH) {
        throw new HubSpotError(414, { message: 'URI Too Long', category: 'VALIDATION_ERROR' });
      }
      const { portal, scopes } = deps.tokens.authenticate(authorization);
      headers = deps.limits.admit(portal.id, route.path.endsWith('/search'));
      const params = request.params as Record<string, string>;
      for (const anyOf of route.scopes(params)) {
        if (!anyOf.some((scope) => scopes.has(scope))) throw missingScopes(anyOf);
      }
      answer = route.handle({
        portal,
        params,
        query: createQuery(url.searchParams, route.query ?? []),
        body: parseJson(raw, request.headers['content-type']),
        bodyLength: raw.toString('utf8').length,
        failedRows: (count) => failedRows(effects, count),
        rowCategory: effects.find((effect) => effect.kind === 'rows')?.category ?? 'INTERNAL_ERROR',
        at: deps.clock(),
      });
    } catch (error) {
      answer = errorAnswer(error, correlationId);
    }
    deps.calls.record(portalId, route.method, route.path, answer.status);
    const date = new Date(deps.clock()).toUTCString();
    send(response, { ...answer, headers: { Date: date, ...headers, ...answer.headers } }, correlationId, effects);
  }

  const methodsByPath = new Map<string, Set<string>>();
  for (const route of routes) {
    const verb = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
    router[verb](route.path, (request, response, next) => {
      serve(route, request, response).catch(next);
    });
    const methods = methodsByPath.get(route.path) ?? new Set();
    methodsByPath.set(route.path, methods.add(route.method));
  }
  for (const [path, methods] of methodsByPath) {
    router.all(path, (request, response) => {
      const correlationId = deps.random.uuid();
      deps.calls.record(deps.tokens.portalOf(request.headers.authorization), request.method, path, 405);
      send(
        response,
        {
          status: 405,
          headers: { Allow: [...methods].join(', ') },
          body: {
            status: 'error',
            message: 'HTTP 405 Method Not Allowed',
            correlationId,
            category: 'VALIDATION_ERROR',
          },
        },
        correlationId,
      );
    });
  }
  return router;
}

/** 404 of a path that no dated API has, legacy paths among them. */
export function unknownPath(path: string, correlationId: string): Answer {
  return {
    status: 404,
    body: { status: 'error', message: `No resource at ${path}`, correlationId, category: 'OBJECT_NOT_FOUND' },
  };
}

/** The id and message pieces that several routes' schemas share. */
export const idSchema = z.strictObject({ id: z.string().min(1) });
export const propertyMapSchema = z.record(z.string(), z.string());
export const associationTypeSchema = z.strictObject({
  associationCategory: z.enum(['HUBSPOT_DEFINED', 'INTEGRATOR_DEFINED', 'USER_DEFINED', 'WORK']),
  associationTypeId: z.int(),
});

/** Refuses more rows than an endpoint takes, and none at all. */
export function requireInputs(inputs: readonly unknown[], limit: number): void {
  if (inputs.length === 0) throw validationError('inputs must not be empty');
  if (inputs.length <= limit) return;
  throw validationError(`The number of inputs (${inputs.length}) exceeds the maximum of ${limit} per request`, {
    context: { limit: [String(limit)], size: [String(inputs.length)] },
  });
}
