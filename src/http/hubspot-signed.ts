import type { RequestHandler } from 'express';
import { expectSigned, only, RECORD_ID, type SignedDeps } from './signed-card.ts';

/**
 * Lets through what HubSpot has signed: the whole address, with the portal's number and the user's that it has put into the query, and
 * the body. `readBody` gives the bytes of a request that has one.
 */
export function signedByHubSpot(
  deps: SignedDeps,
  readBody?: (request: Parameters<RequestHandler>[0]) => Promise<Uint8Array>,
): RequestHandler {
  return async (request, response, next) => {
    const body = (await readBody?.(request)) ?? new Uint8Array();
    await expectSigned(deps, request, response, body);
    response.locals.signedBody = body;
    next();
  };
}

/** What HubSpot has signed of who asks; null where it did not say, or the page's own code has said it too. */
export interface SignedCaller {
  readonly portalId: string;
  readonly userId: string | null;
}

/** A page's code can put a portalId of its own into the address that HubSpot then signs: two of them are nobody's. */
export function signedCaller(query: URLSearchParams): SignedCaller | null {
  const portalId = only(query, 'portalId') ?? '';
  if (!RECORD_ID.test(portalId)) return null;
  const userId = only(query, 'userId') ?? '';
  return { portalId, userId: RECORD_ID.test(userId) ? userId : null };
}
