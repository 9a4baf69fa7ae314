import { askWonward, understood } from './ask-wonward.ts';
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
  const answer = await askWonward(`${api}/hubspot/cards/${kind}?${query}`, { method: 'GET' });
  return understood(answer, 'card') as Views[K] | CardError;
}

export async function fetchPeople(api: string, text: string): Promise<PeopleResponse> {
  const answer = await askWonward(`${api}/hubspot/cards/people?${new URLSearchParams({ q: text })}`, { method: 'GET' });
  return answer as PeopleResponse;
}

/** What is asked for, under a key that is made anew for each click: sent twice it is done once. */
export interface ActionBody {
  readonly key: string;
  readonly [field: string]: unknown;
}

/** Once more under the same key when nobody answered: the first one may have arrived. */
export async function sendAction(api: string, action: string, body: ActionBody): Promise<ActionResponse> {
  const send = () => askWonward(`${api}/hubspot/cards/actions/${action}`, { method: 'POST', body });
  const first = (await send()) as ActionResponse;
  return !first.ok && first.code === 'unavailable' ? ((await send()) as ActionResponse) : first;
}
