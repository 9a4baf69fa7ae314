import { hubspotManifest, manifestWithAppEvents } from '../../../manifests/hubspot/app.ts';
import { uploadedActions } from '../../../manifests/hubspot/project.ts';
import type { SandboxApp } from '../hubspot/server.ts';

interface AppCredentials {
  readonly appId: number;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The app as it would be after `hs project upload`: the local HubSpot knows no more of it than the manifest says. */
export function sandboxAppFromManifest(
  publicUrl: string,
  { appId, clientId, clientSecret }: AppCredentials,
  /** HubSpot has approved it for app events. */
  hasAppEvents = false,
): SandboxApp {
  const { oauth, webhooks } = hasAppEvents ? manifestWithAppEvents : hubspotManifest;
  return {
    appId,
    clientId,
    clientSecret,
    redirectUrls: [`${publicUrl}${oauth.redirectPath}`],
    requiredScopes: [...oauth.requiredScopes],
    optionalScopes: [...oauth.optionalScopes],
    webhooks: {
      targetUrl: `${publicUrl}${webhooks.path}`,
      maxConcurrentRequests: webhooks.maxConcurrentRequests,
      subscriptions: webhooks.crmObjects.map((subscription) => ({ ...subscription, active: true })),
      hubEvents: webhooks.hubEvents.map((subscription) => ({ ...subscription, active: true })),
    },
    permittedFetchUrls: [publicUrl],
    workflowActions: uploadedActions(hubspotManifest, publicUrl),
    appEvents: hasAppEvents ? [...manifestWithAppEvents.appEvents] : [],
  };
}
