import { describe, expect, test } from 'vitest';
import { readSettings } from '../../src/crm/hubspot/settings.ts';
import { connectorFolders, loadConnectors } from '../../src/crm/registry.ts';

const COMMON = { clock: () => 0, random: () => 0, sleep: async () => undefined };
const ENV = { HUBSPOT_CLIENT_ID: 'id', HUBSPOT_CLIENT_SECRET: 'new, old', HUBSPOT_APP_ID: '42' };

describe('connectors', () => {
  test('are found by their folders, and made when they are configured', async () => {
    expect(await connectorFolders()).toContain('hubspot');
    expect((await loadConnectors(ENV, COMMON)).get('hubspot')?.provider).toBe('hubspot');
    expect((await loadConnectors({}, COMMON)).size).toBe(0);
  });

  test('are configured by the environment, for HubSpot or for a sandbox', () => {
    expect(readSettings(ENV)).toEqual({
      apiUrl: 'https://api.hubapi.com',
      authorizeUrl: 'https://app.hubspot.com/oauth/authorize',
      clientId: 'id',
      clientSecrets: ['new', 'old'],
      appId: 42,
      hasAppEvents: false,
    });
    expect(readSettings({ ...ENV, HUBSPOT_API_URL: 'http://localhost:4010' })).toMatchObject({
      apiUrl: 'http://localhost:4010',
    });
    expect(readSettings({ ...ENV, HUBSPOT_APP_EVENTS: 'true' })).toMatchObject({ hasAppEvents: true });
  });

  test('that are configured in part stop the start and say what is missing', () => {
    expect(() => readSettings({ HUBSPOT_CLIENT_ID: 'id' })).toThrow('HUBSPOT_CLIENT_SECRET, HUBSPOT_APP_ID');
    expect(() => readSettings({ ...ENV, HUBSPOT_APP_ID: 'x' })).toThrow('HUBSPOT_APP_ID is not a number');
  });
});
