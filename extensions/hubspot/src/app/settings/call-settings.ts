import { hubspot } from '@hubspot/ui-extensions';
import type { SettingsError, SettingsResponse } from './settings-view.generated.ts';

/** HubSpot gives up after 15 s with an answer that says nothing; ours comes first and can be retried. */
const TIMEOUT_MS = 12_000;
const CONTRACT_VERSION = 1;

export type Change = 'mapping' | 'programs' | 'notices' | 'reconnect';

/** Never throws: what went wrong is a page's state like any other. Every change may be sent twice: HubSpot itself does so after an error. */
export async function callSettings(
  api: string,
  change?: Change,
  body: Readonly<Record<string, unknown>> = {},
): Promise<SettingsResponse> {
  const url = `${api}/hubspot/settings${change === undefined ? '' : `/${change}`}`;
  let response: Response;
  try {
    response = await hubspot.fetch(
      url,
      change === undefined ? { method: 'GET', timeout: TIMEOUT_MS } : { method: 'POST', timeout: TIMEOUT_MS, body },
    );
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

function understood(body: Partial<SettingsResponse> | null): SettingsResponse {
  if (body?.ok === false && typeof body.message === 'string') return body as SettingsError;
  if (body?.ok !== true || typeof body.data !== 'object' || body.data === null) {
    return problem('Wonward’s answer could not be read.', 'bad_answer');
  }
  if (body.data.version !== CONTRACT_VERSION) {
    return problem('This page is older than Wonward. Reload it.', 'page_outdated');
  }
  return { ok: true, data: body.data };
}

function problem(message: string, ref: string): SettingsError {
  return { ok: false, code: 'unavailable', message, ref };
}
