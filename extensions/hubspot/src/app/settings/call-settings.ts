import { askWonward, understood } from './ask-wonward.generated.ts';
import type { SettingsResponse } from './settings-view.generated.ts';

export type Change = 'mapping' | 'programs' | 'notices' | 'objects' | 'reconnect';

/** Never throws: what went wrong is a page's state like any other. Every change may be sent twice: HubSpot itself does so after an error. */
export async function callSettings(
  api: string,
  change?: Change,
  body: Readonly<Record<string, unknown>> = {},
): Promise<SettingsResponse> {
  const url = `${api}/hubspot/settings${change === undefined ? '' : `/${change}`}`;
  const answer = await askWonward(url, change === undefined ? { method: 'GET' } : { method: 'POST', body });
  return understood(answer, 'page') as SettingsResponse;
}
