// Copied by scripts/hubspot-project.ts from extensions/hubspot/src/app/cards/ask-wonward.ts. Change that one, then run it again.

import { hubspot } from '@hubspot/ui-extensions';

/** HubSpot gives up after 15 s with an answer that says nothing; ours comes first and can be retried. */
const TIMEOUT_MS = 12_000;
const CONTRACT_VERSION = 1;

/** What the service says. Its contracts' types are told by who asks. */
export interface Answer {
  readonly ok?: boolean;
  readonly message?: unknown;
  readonly data?: unknown;
}

type Options =
  | { readonly method: 'GET' }
  | { readonly method: 'POST'; readonly body: Readonly<Record<string, unknown>> };

/** Never throws: what went wrong is a state like any other. */
export async function askWonward(url: string, options: Options): Promise<Answer> {
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

/** A view of the version that this code knows, or why it is none. */
export function understood(body: Answer, shownBy: 'card' | 'page'): Answer {
  if (body.ok !== true) return body;
  if (typeof body.data !== 'object' || body.data === null) {
    return problem('Wonward’s answer could not be read.', 'bad_answer');
  }
  if ((body.data as { version?: unknown }).version !== CONTRACT_VERSION) {
    const reload = shownBy === 'card' ? 'Reload the page.' : 'Reload it.';
    return problem(`This ${shownBy} is older than Wonward. ${reload}`, `${shownBy}_outdated`);
  }
  return { ok: true, data: body.data };
}

function problem(message: string, ref: string) {
  return { ok: false, code: 'unavailable', message, ref };
}
