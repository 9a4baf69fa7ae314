import type { ServerResponse } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { pinoHttp } from 'pino-http';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';

export interface RequestLogDeps {
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  readonly metrics: Pick<Metrics, 'httpRequest'>;
  /** Unique and not guessable from another one. */
  readonly newRef: () => string;
}

/** Asked every few seconds by an orchestrator, and never of interest while the answer is good. */
const QUIET_ROUTES = ['/livez', '/readyz', '/metrics'];

/**
 * One line per request: what was asked by its route's template, how it ended, and the reference that the answer carries too.
 * Paths and queries as they came are never written: they hold share codes, authorisation codes, states and people's addresses.
 * Neither are addresses of callers, headers and bodies.
 */
export function requestLog({ log, clock, metrics, newRef }: RequestLogDeps): RequestHandler[] {
  const begin: RequestHandler = (_request, response, next) => {
    const ref = newRef();
    response.locals.ref = ref;
    response.locals.startedAt = clock.now();
    response.setHeader('X-Request-Id', ref);
    next();
  };
  const count: RequestHandler = (request, response, next) => {
    response.once('close', () => {
      const seconds = (clock.now() - Number(response.locals.startedAt)) / 1_000;
      metrics.httpRequest({ method: request.method, route: routeOf(request), status: response.statusCode, seconds });
    });
    next();
  };
  const write = pinoHttp<Request, Response>({
    logger: log,
    genReqId: (_request, response) => String(response.locals.ref),
    serializers: { req: () => undefined, res: () => undefined },
    wrapSerializers: false,
    customLogLevel: (request, response, error) => {
      if (response.statusCode >= 500) return 'error';
      if (error) return 'warn';
      return QUIET_ROUTES.includes(routeOf(request)) && response.statusCode < 400 ? 'silent' : 'info';
    },
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request',
    // The error itself was logged where it happened, with its stack; here it would only be repeated.
    customErrorObject: (request, response, _error, value) => lineOf(request, response, value),
    customSuccessObject: (request, response, value) => lineOf(request, response, value),
  });
  return [begin, count, write];
}

/** The same line and the same count for a request that was answered before Express. Returns its reference. */
export function logRequest(
  { log, clock, metrics, newRef }: RequestLogDeps,
  { method, route, startedAt }: { method: string; route: string; startedAt: number },
  response: ServerResponse,
): string {
  const ref = newRef();
  response.once('close', () => {
    const ms = clock.now() - startedAt;
    const status = response.statusCode;
    metrics.httpRequest({ method, route, status, seconds: ms / 1_000 });
    log.info({ ref, method, route, status, ms, ...(response.writableFinished ? {} : { aborted: true }) }, 'request');
  });
  return ref;
}

function lineOf(request: Request, response: Response, { responseTime }: { responseTime: number }): object {
  const { ref, account, problem } = response.locals;
  return {
    ref,
    method: request.method,
    route: routeOf(request),
    status: response.statusCode,
    ms: responseTime,
    ...(response.writableFinished ? {} : { aborted: true }),
    ...(account === undefined ? {} : { account }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Every route is declared with its whole path, so the template alone names it. */
export function routeOf(request: Request): string {
  const path: unknown = request.route?.path;
  return typeof path === 'string' ? path : 'unmatched';
}
