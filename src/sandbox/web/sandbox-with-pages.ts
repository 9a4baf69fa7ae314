import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import { type HubSpotSandbox, type SandboxOptions, startHubSpotSandbox } from '../hubspot/server.ts';
import { buildCardBundles, buildPageBundle } from './card-bundle.ts';
import { createControlSource } from './control-source.ts';
import { buildSandboxClient } from './sandbox-client.ts';
import { createSandboxPages } from './sandbox-pages.ts';

/** The local HubSpot with its pages. `apiUrl` is what the card gets as API; the app must permit the card to fetch from it. */
export async function startSandboxWithPages(
  options: Omit<SandboxOptions, 'pages'>,
  apiUrl: string,
): Promise<HubSpotSandbox> {
  const [cards, sidebars, app, settings, client] = await Promise.all([
    buildCardBundles('crm.record.tab'),
    buildCardBundles('crm.record.sidebar'),
    buildPageBundle(hubspotManifest.pages),
    buildPageBundle(hubspotManifest.settings),
    buildSandboxClient(),
  ]);
  const running: { sandbox?: HubSpotSandbox } = {};
  const source = createControlSource(() => {
    // Nothing can ask before the server listens.
    if (running.sandbox === undefined) throw new Error('the sandbox is not up yet');
    return running.sandbox.control;
  });
  const apps = { app, settings };
  const pages = createSandboxPages({ source, cards, sidebars, apps, client, apiUrl, appId: options.app.appId });
  running.sandbox = await startHubSpotSandbox({ ...options, pages });
  return running.sandbox;
}
