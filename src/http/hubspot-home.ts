import { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express';
import type { HomeResponse } from '../../contracts/hubspot-home/home-view.generated.ts';
import type { Connection, ConnectionStore } from '../application/ports/store.ts';
import type { Log } from '../platform/log.ts';
import { signedByHubSpot, signedCaller } from './hubspot-signed.ts';
import { logFault, onlyMethods, problemOf, refOf, sendProblem } from './problem.ts';
import { PROVIDER, type SignedDeps } from './signed-card.ts';

export interface HubspotHomeDeps extends SignedDeps {
  readonly log: Log;
  readonly connections: Pick<ConnectionStore, 'findByExternalId'>;
  readonly home: (input: { connection: Connection | null }) => Promise<HomeResponse>;
}

/** What the app's home page in HubSpot shows. The signed portal alone says whose. */
export function hubspotHome(deps: HubspotHomeDeps): Router {
  const { publicUrl, log, connections, home } = deps;

  const show: RequestHandler = async (request, response) => {
    const caller = signedCaller(new URL(request.originalUrl, publicUrl).searchParams);
    if (caller === null) {
      answer(response, { ok: false, code: 'invalid_request', message: 'HubSpot did not say which portal this is.' });
      return;
    }
    const connection = await connections.findByExternalId(PROVIDER, caller.portalId);
    response.locals.account = connection?.accountId;
    answer(response, await home({ connection }));
  };

  /** As for the cards: what a person should read comes with 200, or HubSpot hides it. */
  const failed: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    if (problem.status < 500) return sendProblem(response, problem);
    answer(response, { ok: false, code: 'unavailable', message: 'Wonward could not read this just now.' });
  };

  const router = Router();
  router.route('/hubspot/home').get(signedByHubSpot(deps), show, failed).all(onlyMethods('GET'));
  return router;
}

function answer(response: Response, body: HomeResponse): void {
  if (!body.ok) response.locals.problem = body.code;
  response.status(200).json(body.ok ? body : { ...body, ref: refOf(response) });
}
