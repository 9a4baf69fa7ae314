import { type HubSpotSandbox, type SandboxOptions, startHubSpotSandbox } from '../hubspot/server.ts';
import { buildCardBundle } from './card-bundle.ts';
import { createControlSource } from './control-source.ts';
import { buildSandboxClient } from './sandbox-client.ts';
import { createSandboxPages } from './sandbox-pages.ts';

const CARD = 'wonward_referral_card';

/** The local HubSpot with its pages. `apiUrl` is what the card gets as API; the app must permit the card to fetch from it. */
export async function startSandboxWithPages(
  options: Omit<SandboxOptions, 'pages'>,
  apiUrl: string,
): Promise<HubSpotSandbox> {
  const [card, client] = await Promise.all([buildCardBundle(CARD), buildSandboxClient()]);
  const running: { sandbox?: HubSpotSandbox } = {};
  const source = createControlSource(() => {
    // Nothing can ask before the server listens.
    if (running.sandbox === undefined) throw new Error('the sandbox is not up yet');
    return running.sandbox.control;
  });
  const pages = createSandboxPages({ source, card, client, apiUrl, appId: options.app.appId });
  running.sandbox = await startHubSpotSandbox({ ...options, pages });
  return running.sandbox;
}
