import { type HubSpotSandbox, type SandboxOptions, startHubSpotSandbox } from '../hubspot/server.ts';
import { buildCardBundles } from './card-bundle.ts';
import { createControlSource } from './control-source.ts';
import { buildSandboxClient } from './sandbox-client.ts';
import { createSandboxPages } from './sandbox-pages.ts';

/** The local HubSpot with its pages. `apiUrl` is what the card gets as API; the app must permit the card to fetch from it. */
export async function startSandboxWithPages(
  options: Omit<SandboxOptions, 'pages'>,
  apiUrl: string,
): Promise<HubSpotSandbox> {
  const [cards, client] = await Promise.all([buildCardBundles(), buildSandboxClient()]);
  const running: { sandbox?: HubSpotSandbox } = {};
  const source = createControlSource(() => {
    // Nothing can ask before the server listens.
    if (running.sandbox === undefined) throw new Error('the sandbox is not up yet');
    return running.sandbox.control;
  });
  const pages = createSandboxPages({ source, cards, client, apiUrl, appId: options.app.appId });
  running.sandbox = await startHubSpotSandbox({ ...options, pages });
  return running.sandbox;
}
