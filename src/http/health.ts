import { createHash, timingSafeEqual } from 'node:crypto';
import { type Request, type RequestHandler, Router } from 'express';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import { callerOf, type Limits } from './limits.ts';
import { HttpProblem, onlyMethods, tryAgain } from './problem.ts';

/** An orchestrator asks every few seconds and waits about as long; a database that takes longer than this is not ready. */
const READY_WITHIN_MS = 2_000;

/** Headers that a proxy adds. With one of them a call from this machine may be anybody's. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'];

export interface HealthDeps {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'render'>;
  readonly metricsToken: string | null;
  readonly limits: Limits;
  /** Throws when requests cannot be served. */
  readonly readiness: () => Promise<void>;
  readonly isStopping: () => boolean;
}

export function health({ log, metrics, metricsToken, limits, readiness, isStopping }: HealthDeps): Router {
  const live: RequestHandler = (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ status: 'live' });
  };

  const ready: RequestHandler = async (_request, response) => {
    if (isStopping()) throw new HttpProblem('stopping', 'The service is stopping.');
    try {
      await within(READY_WITHIN_MS, readiness());
    } catch (err) {
      log.warn({ err }, 'not ready');
      throw tryAgain('The database cannot be written. The log says why.', undefined, 'storage');
    }
    response.set('Cache-Control', 'no-store').json({ status: 'ready' });
  };

  const show: RequestHandler = async (request, response) => {
    const caller = `metrics ${callerOf(request)}`;
    const blocked = await limits.wrongKeys.reached(caller);
    if (blocked) throw blocked;
    if (!mayRead(request, metricsToken)) {
      if (metricsToken === null) {
        throw new HttpProblem('forbidden', 'Metrics are for this machine only while METRICS_TOKEN is not set.');
      }
      await limits.wrongKeys.take(caller);
      throw new HttpProblem('unauthenticated', 'Send METRICS_TOKEN as a bearer token.', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    const { contentType, text } = await metrics.render();
    response.set('Cache-Control', 'no-store').type(contentType).send(text);
  };

  const router = Router();
  router.route('/livez').get(live).all(onlyMethods('GET'));
  router.route('/readyz').get(ready).all(onlyMethods('GET'));
  router.route('/metrics').get(show).all(onlyMethods('GET'));
  return router;
}

function mayRead(request: Request, token: string | null): boolean {
  if (token !== null) {
    const given = /^Bearer (\S+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(given), digest(token));
  }
  // The socket's address, not the one a header claims.
  const address = request.socket.remoteAddress ?? '';
  const isLocal = /^(127\.|::1$|::ffff:127\.)/.test(address);
  return isLocal && FORWARDED.every((name) => request.get(name) === undefined);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
