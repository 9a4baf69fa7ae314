import type { IncomingMessage, OutgoingHttpHeaders, RequestListener } from 'node:http';
import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import type { RawRequest } from '../application/ports/crm.ts';
import type { ReceiveResult } from '../application/receive.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics, WebhookOutcome } from '../platform/metrics.ts';
import { callerOf, type Limits } from './limits.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, sendProblem, tryAgain } from './problem.ts';
import { type ProblemCode, statusOf } from './problem-codes.ts';
import { publicUrlOf } from './public-url.ts';
import { readRawJson } from './raw-body.ts';
import { logRequest, type RequestLogDeps } from './request-log.ts';

/** HubSpot sends at most 100 events, about 50 kB; Salesforce change events stay under 1 MB. Anything larger is not theirs. */
export const DELIVERY_BYTES_MAX = 1_048_576;

export type ReceiveFrom = (request: RawRequest) => Promise<ReceiveResult>;

export interface WebhookDeps {
  readonly publicUrl: string;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'webhook' | 'hints'>;
  readonly limits: Limits;
  /** By provider. */
  readonly receive: ReadonlyMap<string, ReceiveFrom>;
}

export const SIGNATURE_PROBLEMS = {
  missing: 'The signature headers are missing.',
  malformed: 'The signature headers cannot be read.',
  stale: 'The signature is too old.',
  future: 'The signature is dated in the future.',
  mismatch: 'The signature does not match the request.',
} as const;

/** What else can be wrong with a delivery, for the metrics. */
const OUTCOMES: Readonly<Partial<Record<ProblemCode, WebhookOutcome>>> = {
  not_found: 'unknown_provider',
  unsigned: 'unsigned',
  too_many_requests: 'unsigned',
  malformed_delivery: 'malformed',
  body_too_large: 'too_large',
};

const ROUTE = '/webhooks/:provider';

export interface Webhooks {
  readonly router: Router;
  /**
   * Puts the fast lane in front of the app: a delivery that a CRM sends as it should is read, kept and answered without Express, which
   * costs more than all of the rest (bench/README.md has the profile). Whatever else comes goes to the app: what is refused takes
   * the ordinary way from where it stands, so that there is one place each for verification, limits and answers.
   */
  inFrontOf(app: RequestListener, lane: FastLaneDeps): RequestListener;
}

export interface FastLaneDeps extends RequestLogDeps {
  /** What every answer carries. */
  readonly headers: () => OutgoingHttpHeaders;
}

/** A path as a CRM is told it. What is spelled otherwise is Express's to understand. */
const PLAIN_PATH = /^\/webhooks\/([a-z][a-z0-9-]*)(?:\?|$)/;

/** Where a CRM says that something changed. 200 is answered only once it is kept: from then on it is ours to lose. */
export function webhooks({ publicUrl, log, metrics, limits, receive }: WebhookDeps): Webhooks {
  /** Deliveries that were begun in the fast lane, with what became of them. */
  const begun = new WeakMap<IncomingMessage, Promise<ReceiveResult>>();

  async function take(request: IncomingMessage, from: ReceiveFrom): Promise<ReceiveResult> {
    return from({
      method: request.method ?? '',
      url: publicUrlOf(publicUrl, request),
      headers: request.headers,
      body: await readRawJson(request, DELIVERY_BYTES_MAX),
    });
  }

  function acknowledged(provider: string, result: Extract<ReceiveResult, { kind: 'accepted' }>): string {
    const { kind: _, ...counts } = result;
    metrics.webhook(provider, 'accepted');
    metrics.hints(provider, 'accepted', counts.accepted);
    metrics.hints(provider, 'duplicate', counts.duplicates);
    metrics.hints(provider, 'ignored', counts.ignored);
    metrics.hints(provider, 'echo', counts.echoes);
    metrics.hints(provider, 'unknown', counts.unknown);
    return JSON.stringify(counts);
  }

  const keep: RequestHandler = async (request, response) => {
    const provider = String(request.params.provider);
    const from = receive.get(provider);
    if (!from) throw new HttpProblem('not_found', 'No CRM is configured under this name.');
    const result = await (begun.get(request) ?? take(request, from));
    if (result.kind === 'unsigned') {
      const tooMany = await limits.unsigned.take(callerOf(request));
      throw tooMany ?? new HttpProblem('unsigned', SIGNATURE_PROBLEMS[result.problem]);
    }
    if (result.kind === 'malformed') throw new HttpProblem('malformed_delivery', result.detail);
    response.status(200).type('json').send(acknowledged(provider, result));
  };

  /**
   * A delivery that could not be kept is answered with 503, whatever the reason: the CRM sends it again. An answer that sounds
   * like "done" or "never" would lose it.
   */
  const refuse: ErrorRequestHandler = (thrown, request, response, _next) => {
    const { code } = problemOf(thrown);
    const isOurs = statusOf(code) >= 500;
    const problem = isOurs ? tryAgain('The delivery was not kept. Send it again.') : problemOf(thrown);
    const provider = String(request.params.provider);
    metrics.webhook(receive.has(provider) ? provider : 'unknown', isOurs ? 'failed' : (OUTCOMES[code] ?? 'unreadable'));
    logFault(log, response, thrown, problem);
    sendProblem(response, problem);
  };

  const router = Router();
  router.route(ROUTE).post(keep, refuse).all(onlyMethods('POST'));
  return {
    router,
    inFrontOf(app, { headers, ...lane }) {
      return (request, response) => {
        const provider = request.method === 'POST' ? PLAIN_PATH.exec(request.url ?? '')?.[1] : undefined;
        const from = provider === undefined ? undefined : receive.get(provider);
        if (provider === undefined || from === undefined) return app(request, response);
        const startedAt = lane.clock.now();
        const taken = take(request, from);
        const goTheOrdinaryWay = () => {
          begun.set(request, taken);
          app(request, response);
        };
        taken.then((result) => {
          if (result.kind !== 'accepted') return goTheOrdinaryWay();
          const body = acknowledged(provider, result);
          const ref = logRequest(lane, { method: 'POST', route: ROUTE, startedAt }, response);
          response.writeHead(200, {
            ...headers(),
            'X-Request-Id': ref,
            'Content-Type': 'application/json; charset=utf-8',
            'Content-Length': Buffer.byteLength(body),
          });
          response.end(body);
        }, goTheOrdinaryWay);
      };
    },
  };
}
