import { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express';
import type { CardError, CardResponse } from '../../contracts/hubspot-card/card-view.generated.ts';
import type { CardInput } from '../application/card.ts';
import type { CrmConnector } from '../application/ports/crm.ts';
import type { ConnectionStore } from '../application/ports/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { callerOf, type Limits } from './limits.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, refOf, sendProblem } from './problem.ts';
import { publicUrlOf } from './public-url.ts';

const PROVIDER = 'hubspot';
/** HubSpot's number for contacts; ids of other objects would be looked up as if they were contacts. */
const CONTACT_TYPE = '0-1';
/** HubSpot's ids have 12 digits today. */
const RECORD_ID = /^[0-9]{1,20}$/;
const LIST = 'card';

export interface CardDeps {
  readonly publicUrl: string;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  readonly limits: Limits;
  readonly connectors: ReadonlyMap<string, Pick<CrmConnector, 'inbound'>>;
  readonly connections: Pick<ConnectionStore, 'findByExternalId'>;
  readonly card: (input: CardInput) => Promise<CardResponse>;
}

/**
 * What the card in a HubSpot record shows. HubSpot signs the whole address and adds the portal's number to its query, and that
 * number alone says whose data is read: what the card's own code sends could be anybody's.
 */
export function cards({ publicUrl, log, clock, limits, connectors, connections, card }: CardDeps): Router {
  const signed: RequestHandler = async (request, response, next) => {
    response.set('Cache-Control', 'no-store');
    const connector = connectors.get(PROVIDER);
    if (!connector?.inbound) throw new HttpProblem('not_found', 'HubSpot is not configured here.');
    const verdict = connector.inbound.verify(
      {
        method: request.method,
        url: publicUrlOf(publicUrl, request),
        headers: request.headers,
        body: new Uint8Array(),
      },
      clock.now(),
    );
    if (verdict.ok) return next();
    const tooMany = await limits.unsigned.take(callerOf(request));
    throw tooMany ?? new HttpProblem('unsigned', 'The request does not carry a valid signature of HubSpot.');
  };

  const show: RequestHandler = async (request, response) => {
    const query = new URL(request.originalUrl, publicUrl).searchParams;
    const refuse = (message: string) => answer(response, { ok: false, code: 'invalid_request', message });
    // A card's code can put a portalId of its own into the address that HubSpot then signs: two of them are nobody's.
    const [portalId = '', ...more] = query.getAll('portalId');
    if (more.length > 0 || !RECORD_ID.test(portalId)) return refuse('HubSpot did not say which portal this is.');
    const objectId = only(query, 'objectId') ?? '';
    if (only(query, 'objectTypeId') !== CONTACT_TYPE) return refuse('This card is for contacts.');
    if (!RECORD_ID.test(objectId)) return refuse('The card did not say which contact it is in.');
    const after = query.has('cursor') ? decodeCursor(LIST, only(query, 'cursor') ?? '') : null;
    if (query.has('cursor') && after === null) return refuse('The list has changed. Reload the card.');
    const connection = await connections.findByExternalId(PROVIDER, portalId);
    response.locals.account = connection?.accountId;
    answer(
      response,
      await card({ connection, contactId: objectId, cursor: after, encodeCursor: (next) => encodeCursor(LIST, next) }),
    );
  };

  /** HubSpot hides every answer but 200 from the card, so what a person should read comes with 200; a bad signature does not. */
  const failed: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    if (problem.status < 500) return sendProblem(response, problem);
    answer(response, { ok: false, code: 'unavailable', message: 'Wonward could not read this contact just now.' });
  };

  const router = Router();
  router.route('/hubspot/cards/contact').get(signed, show, failed).all(onlyMethods('GET'));
  return router;
}

/** Null when the parameter is missing or comes more than once. */
function only(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name);
  return values.length === 1 ? (values[0] ?? null) : null;
}

function answer(response: Response, card: CardResponse): void {
  const body: CardResponse = card.ok ? card : withRef(card, response);
  if (!body.ok) response.locals.problem = body.code;
  response.status(200).json(body);
}

function withRef(error: CardError, response: Response): CardError {
  return { ...error, ref: refOf(response) };
}
