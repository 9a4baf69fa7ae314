import { hubspot } from '@hubspot/ui-extensions';
import type { CardError, CardResponse } from './card-view.generated.ts';

export interface CardQuery {
  /** Public URL of the service, from the project's profile variable. */
  readonly api: string;
  readonly objectId: number;
  readonly objectTypeId: string;
  readonly cursor: string | null;
}

/** HubSpot gives up after 15 s with an answer that says nothing; ours comes first and can be retried. */
const TIMEOUT_MS = 12_000;
const CONTRACT_VERSION = 1;

/** Never throws: what went wrong is a card's state like any other. */
export async function fetchCard({ api, objectId, objectTypeId, cursor }: CardQuery): Promise<CardResponse> {
  const query = new URLSearchParams({ objectId: String(objectId), objectTypeId });
  if (cursor !== null) query.set('cursor', cursor);
  let response: Response;
  try {
    response = await hubspot.fetch(`${api}/hubspot/cards/contact?${query}`, { method: 'GET', timeout: TIMEOUT_MS });
  } catch {
    return problem('Wonward did not answer.', 'no_answer');
  }
  // HubSpot's proxy hides the body of a failed request, so only the status is left to tell.
  if (!response.ok) return problem('Wonward did not answer as expected.', `http_${response.status}`);
  try {
    return understood(await response.json());
  } catch {
    return problem('Wonward’s answer could not be read.', 'bad_answer');
  }
}

function understood(body: Partial<CardResponse> | null): CardResponse {
  if (body?.ok === false && typeof body.message === 'string') return body as CardError;
  if (body?.ok !== true || typeof body.data !== 'object' || body.data === null) {
    return problem('Wonward’s answer could not be read.', 'bad_answer');
  }
  if (body.data.version !== CONTRACT_VERSION) {
    return problem('This card is older than Wonward. Reload the page.', 'card_outdated');
  }
  return { ok: true, data: body.data };
}

function problem(message: string, ref: string): CardError {
  return { ok: false, code: 'unavailable', message, ref };
}
