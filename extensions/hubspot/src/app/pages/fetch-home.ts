import { hubspot } from '@hubspot/ui-extensions';
import type { HomeError, HomeResponse } from './home-view.generated.ts';

/** HubSpot gives up after 15 s with an answer that says nothing; ours comes first and can be retried. */
const TIMEOUT_MS = 12_000;
const CONTRACT_VERSION = 1;

/** Never throws: what went wrong is a page's state like any other. */
export async function fetchHome(api: string): Promise<HomeResponse> {
  let response: Response;
  try {
    response = await hubspot.fetch(`${api}/hubspot/home`, { method: 'GET', timeout: TIMEOUT_MS });
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

function understood(body: Partial<HomeResponse> | null): HomeResponse {
  if (body?.ok === false && typeof body.message === 'string') return body as HomeError;
  if (body?.ok !== true || typeof body.data !== 'object' || body.data === null) {
    return problem('Wonward’s answer could not be read.', 'bad_answer');
  }
  if (body.data.version !== CONTRACT_VERSION) {
    return problem('This page is older than Wonward. Reload it.', 'page_outdated');
  }
  return { ok: true, data: body.data };
}

function problem(message: string, ref: string): HomeError {
  return { ok: false, code: 'unavailable', message, ref };
}
