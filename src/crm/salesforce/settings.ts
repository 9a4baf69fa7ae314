import type { SalesforceDeps } from './connector.ts';

export type SalesforceSettings = Pick<
  SalesforceDeps,
  'loginUrl' | 'pubSubEndpoint' | 'clientId' | 'clientSecret' | 'dailyShare'
>;

const LOGIN_URL = 'https://login.salesforce.com';
const PUBSUB_ENDPOINT = 'api.pubsub.salesforce.com:7443';

/** Half of the day's calls is more than a busy org needs, and leaves as much to everything else that the customer runs. */
const DAILY_SHARE_PERCENT = 50;

/**
 * SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET of the external client app, and for a sandbox SALESFORCE_LOGIN_URL and
 * SALESFORCE_PUBSUB_ENDPOINT. Null when Salesforce is not configured at all.
 * @throws Error naming what is missing when it is configured in part.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): SalesforceSettings | null {
  const clientId = env.SALESFORCE_CLIENT_ID?.trim() ?? '';
  const clientSecret = env.SALESFORCE_CLIENT_SECRET?.trim() ?? '';
  if (clientId === '' && clientSecret === '') return null;
  if (clientId === '' || clientSecret === '')
    throw new Error(
      `Salesforce is configured in part: ${clientId === '' ? 'SALESFORCE_CLIENT_ID' : 'SALESFORCE_CLIENT_SECRET'} is missing`,
    );
  return {
    loginUrl: env.SALESFORCE_LOGIN_URL?.trim() || LOGIN_URL,
    pubSubEndpoint: env.SALESFORCE_PUBSUB_ENDPOINT?.trim() || PUBSUB_ENDPOINT,
    clientId,
    clientSecret,
    dailyShare: Number(env.SALESFORCE_DAILY_SHARE?.trim() || DAILY_SHARE_PERCENT) / 100,
  };
}
