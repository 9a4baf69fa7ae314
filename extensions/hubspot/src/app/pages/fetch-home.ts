import { askWonward, understood } from './ask-wonward.generated.ts';
import type { HomeResponse } from './home-view.generated.ts';

/** Never throws: what went wrong is a page's state like any other. */
export async function fetchHome(api: string): Promise<HomeResponse> {
  return understood(await askWonward(`${api}/hubspot/home`, { method: 'GET' }), 'page') as HomeResponse;
}
