import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import type { PayoutNewsDesk } from '../application/payout-news.ts';
import { Fault } from '../domain/errors.ts';
import type { Log } from '../platform/log.ts';
import { callerOf, type Limits } from './limits.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, sendProblem, tryAgain } from './problem.ts';
import { statusOf } from './problem-codes.ts';
import { publicUrlOf } from './public-url.ts';
import { readRawJson } from './raw-body.ts';

/** The largest event of a provider that was seen documented is some 20 kB. */
const NEWS_BYTES_MAX = 262_144;

/** As accounts and providers are named here; what cannot be one is not looked up. */
const ID = /^[a-z][a-z0-9_-]{0,63}$/;

export interface PayoutNewsDeps {
  readonly publicUrl: string;
  readonly log: Log;
  readonly limits: Pick<Limits, 'unsigned'>;
  readonly payoutNews: Pick<PayoutNewsDesk, 'receive'>;
}

/**
 * Where reward providers tell what became of an order. The address names the account, and its own webhook secret has to have signed the
 * bytes. Who sends too much that is not signed is not listened to for a while, since looking at a signature may cost a call to the
 * provider; a provider that shares that fate sends again.
 */
export function payoutNews({ publicUrl, log, limits, payoutNews: desk }: PayoutNewsDeps): Router {
  const keep: RequestHandler = async (request, response) => {
    const provider = String(request.params.provider);
    const accountId = String(request.params.accountId);
    const blocked = await limits.unsigned.reached(callerOf(request));
    if (blocked) throw blocked;
    const body = await readRawJson(request, NEWS_BYTES_MAX);
    if (!ID.test(provider) || !ID.test(accountId)) throw unsigned();
    const received = await desk.receive(provider, accountId, {
      method: request.method,
      url: publicUrlOf(publicUrl, request),
      headers: request.headers,
      body,
    });
    if (!received) throw unsigned();
    response.status(200).json(received);
  };

  /** A stranger learns neither which accounts there are nor what they pay through; our own troubles make the provider send again. */
  const refuse: ErrorRequestHandler = async (thrown, request, response, _next) => {
    const isUnknown =
      thrown instanceof Fault &&
      ['payout_news_unsigned', 'payout_rejected', 'payout_credentials'].includes(thrown.code);
    const told = isUnknown ? unsigned() : problemOf(thrown);
    const tooMany = told.code === 'unsigned' ? await limits.unsigned.take(callerOf(request)) : null;
    const problem = tooMany ?? (statusOf(told.code) >= 500 ? tryAgain('The news was not kept. Send it again.') : told);
    logFault(log, response, thrown, problem);
    sendProblem(response, problem);
  };

  const router = Router();
  router.route('/webhooks/payouts/:provider/:accountId').post(keep, refuse).all(onlyMethods('POST'));
  return router;
}

function unsigned(): HttpProblem {
  return new HttpProblem('unsigned', 'The signature does not match the request.');
}
