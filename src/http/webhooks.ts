import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import type { RawRequest } from '../application/ports/crm.ts';
import type { ReceiveResult } from '../application/receive.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics, WebhookOutcome } from '../platform/metrics.ts';
import { callerOf, type Limits } from './limits.ts';
import {
  HttpProblem,
  logFault,
  onlyMethods,
  type ProblemCode,
  problemOf,
  sendProblem,
  statusOf,
  tryAgain,
} from './problem.ts';
import { publicUrlOf } from './public-url.ts';
import { rawJson } from './raw-body.ts';

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

const SIGNATURE_PROBLEMS = {
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

/** Where a CRM says that something changed. 200 is answered only once it is kept: from then on it is ours to lose. */
export function webhooks({ publicUrl, log, metrics, limits, receive }: WebhookDeps): Router {
  const known: RequestHandler = (request, _response, next) => {
    if (receive.has(String(request.params.provider))) return next();
    throw new HttpProblem('not_found', 'No CRM is configured under this name.');
  };

  const keep: RequestHandler = async (request, response) => {
    const provider = String(request.params.provider);
    const result = await receive.get(provider)?.({
      method: request.method,
      url: publicUrlOf(publicUrl, request),
      headers: request.headers,
      body: request.body,
    });
    if (!result) throw new HttpProblem('not_found', 'No CRM is configured under this name.');
    if (result.kind === 'unsigned') {
      const tooMany = await limits.unsigned.take(callerOf(request));
      throw tooMany ?? new HttpProblem('unsigned', SIGNATURE_PROBLEMS[result.problem]);
    }
    if (result.kind === 'malformed') throw new HttpProblem('malformed_delivery', result.detail);
    const { kind: _, ...counts } = result;
    metrics.webhook(provider, 'accepted');
    metrics.hints(provider, 'accepted', counts.accepted);
    metrics.hints(provider, 'duplicate', counts.duplicates);
    metrics.hints(provider, 'ignored', counts.ignored);
    metrics.hints(provider, 'echo', counts.echoes);
    metrics.hints(provider, 'unknown', counts.unknown);
    response.status(200).json(counts);
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
  router.route('/webhooks/:provider').post(known, rawJson(DELIVERY_BYTES_MAX), keep, refuse).all(onlyMethods('POST'));
  return router;
}
