import { type RequestHandler, Router } from 'express';
import type { HomeResponse } from '../../contracts/hubspot-home/home-view.generated.ts';
import type { Connection } from '../application/ports/store.ts';
import type { CardUser } from '../domain/card-actors.ts';
import type { Log } from '../platform/log.ts';
import { answerPerson, askedBy, failedWith, refusePerson, type SignedDeps, signedByHubSpot } from './hubspot-signed.ts';
import { onlyMethods } from './problem.ts';

export interface HubspotHomeDeps extends SignedDeps {
  readonly log: Log;
  readonly home: (input: { connection: Connection | null; user: CardUser | null }) => Promise<HomeResponse>;
}

/** What the app's home page in HubSpot shows. The signed portal alone says whose. */
export function hubspotHome(deps: HubspotHomeDeps): Router {
  const show: RequestHandler = async (request, response) => {
    const { portalId, connection, user } = await askedBy(deps, request, response);
    if (portalId === null) return refusePerson(response, 'HubSpot did not say which portal this is.');
    answerPerson(response, await deps.home({ connection, user }));
  };

  const failed = failedWith(deps.log, 'Wonward could not read this just now.');
  const router = Router();
  router.route('/hubspot/home').get(signedByHubSpot(deps), show, failed).all(onlyMethods('GET'));
  return router;
}
