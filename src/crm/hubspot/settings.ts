import type { HubSpotDeps } from './connector.ts';

export type HubSpotSettings = Pick<
  HubSpotDeps,
  'apiUrl' | 'authorizeUrl' | 'clientId' | 'clientSecrets' | 'appId' | 'hasAppEvents'
>;

const API_URL = 'https://api.hubapi.com';
const AUTHORIZE_URL = 'https://app.hubspot.com/oauth/authorize';

/**
 * HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET (comma-separated while it is rotated, the current one first), HUBSPOT_APP_ID, and for
 * a sandbox HUBSPOT_API_URL and HUBSPOT_AUTHORIZE_URL; HUBSPOT_APP_EVENTS says that HubSpot has approved the app for them. Null when HubSpot is not configured at all.
 * @throws Error naming what is missing when it is configured in part.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): HubSpotSettings | null {
  const required = ['HUBSPOT_CLIENT_ID', 'HUBSPOT_CLIENT_SECRET', 'HUBSPOT_APP_ID'] as const;
  const [clientId = '', secrets = '', appId = ''] = required.map((name) => env[name]?.trim() ?? '');
  if (clientId === '' && secrets === '' && appId === '') return null;
  const missing = required.filter((name) => !env[name]?.trim());
  if (missing.length > 0) throw new Error(`HubSpot is configured in part: ${missing.join(', ')} is missing`);
  if (!/^\d+$/.test(appId)) throw new Error('HUBSPOT_APP_ID is not a number');
  return {
    apiUrl: env.HUBSPOT_API_URL?.trim() || API_URL,
    authorizeUrl: env.HUBSPOT_AUTHORIZE_URL?.trim() || AUTHORIZE_URL,
    clientId,
    clientSecrets: secrets
      .split(',')
      .map((secret) => secret.trim())
      .filter((secret) => secret !== ''),
    appId: Number(appId),
    hasAppEvents: ['true', '1'].includes(env.HUBSPOT_APP_EVENTS?.trim() ?? ''),
  };
}
