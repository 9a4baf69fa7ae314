import { hubspot } from '@hubspot/ui-extensions';
import type {
  ActionResponse,
  CardError,
  CardResponse,
  CompanyCardResponse,
  DealCardResponse,
  PeopleResponse,
} from './card-view.generated.ts';

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

/** What each card shows, by the last part of its address. */
interface Views {
  readonly contact: CardResponse;
  readonly deal: DealCardResponse;
  readonly company: CompanyCardResponse;
}

/** Never throws: what went wrong is a card's state like any other. */
export async function fetchCard<K extends keyof Views>(
  kind: K,
  { api, objectId, objectTypeId, cursor }: CardQuery,
): Promise<Views[K] | CardError> {
  const query = new URLSearchParams({ objectId: String(objectId), objectTypeId });
  if (cursor !== null) query.set('cursor', cursor);
  const answer = await ask(`${api}/hubspot/cards/${kind}?${query}`, { method: 'GET' });
  return understood(answer) as Views[K] | CardError;
}

export async function fetchPeople(api: string, text: string): Promise<PeopleResponse> {
  const answer = await ask(`${api}/hubspot/cards/people?${new URLSearchParams({ q: text })}`, { method: 'GET' });
  return answer as PeopleResponse;
}

/** What is asked for, under a key that is made anew for each click: sent twice it is done once. */
export interface ActionBody {
  readonly key: string;
  readonly [field: string]: unknown;
}

/** Once more under the same key when nobody answered: the first one may have arrived. */
export async function sendAction(api: string, action: string, body: ActionBody): Promise<ActionResponse> {
  const send = () => ask(`${api}/hubspot/cards/actions/${action}`, { method: 'POST', body });
  const first = (await send()) as ActionResponse;
  return !first.ok && first.code === 'unavailable' ? ((await send()) as ActionResponse) : first;
}

interface Answer {
  readonly ok?: boolean;
  readonly message?: unknown;
  readonly data?: unknown;
}

async function ask(url: string, options: { method: 'GET' } | { method: 'POST'; body: ActionBody }): Promise<Answer> {
  let response: Response;
  try {
    response = await hubspot.fetch(url, { ...options, timeout: TIMEOUT_MS });
  } catch {
    return problem('Wonward did not answer.', 'no_answer');
  }
  // HubSpot's proxy hides the body of a failed request, so only the status is left to tell.
  if (!response.ok) return problem('Wonward did not answer as expected.', `http_${response.status}`);
  try {
    const body = (await response.json()) as Answer | null;
    if (body?.ok === true || (body?.ok === false && typeof body.message === 'string')) return body;
  } catch {
    // Said below.
  }
  return problem('Wonward’s answer could not be read.', 'bad_answer');
}

function understood(body: Answer): Answer {
  if (body.ok !== true) return body;
  if (typeof body.data !== 'object' || body.data === null) {
    return problem('Wonward’s answer could not be read.', 'bad_answer');
  }
  if ((body.data as { version?: unknown }).version !== CONTRACT_VERSION) {
    return problem('This card is older than Wonward. Reload the page.', 'card_outdated');
  }
  return { ok: true, data: body.data };
}

function problem(message: string, ref: string): CardError {
  return { ok: false, code: 'unavailable', message, ref };
}
