import type { HubspotManifest } from './manifest-type.ts';

/** A profile variable: HubSpot fills it from src/hsprofile.<name>.json at upload, cards read it from context.variables. */
export const PUBLIC_URL_VARIABLE = 'API';

const PUBLIC_URL = `\${${PUBLIC_URL_VARIABLE}}`;

/** HubSpot's files, by path below extensions/hubspot, as text. */
export function hubspotProjectFiles(manifest: HubspotManifest): ReadonlyMap<string, string> {
  const src = manifest.project.srcDir;
  const files = new Map<string, unknown>([
    ['hsproject.json', { name: manifest.project.name, srcDir: src, platformVersion: manifest.platformVersion }],
    // Named "example" and not a real profile: the account id and the URL are the operator's.
    [
      `${src}/hsprofile.example.json`,
      { accountId: 1, variables: { [PUBLIC_URL_VARIABLE]: 'https://wonward.example.com' } },
    ],
    [`${src}/app/app-hsmeta.json`, appMeta(manifest)],
    [`${src}/app/webhooks/webhooks-hsmeta.json`, webhooksMeta(manifest)],
  ]);
  for (const card of manifest.cards) {
    const { uid, name, description, location, entry, objectTypes } = card;
    files.set(`${src}/app/cards/${entry.replace(/\.tsx$/, '')}-hsmeta.json`, {
      uid,
      type: 'card',
      config: { name, description, location, entrypoint: `/app/cards/${entry}`, objectTypes },
    });
  }
  return new Map([...files].map(([path, value]) => [path, `${formatJson(value)}\n`]));
}

function appMeta({ app, oauth }: HubspotManifest): unknown {
  return {
    uid: app.uid,
    type: 'app',
    config: {
      name: app.name,
      description: app.description,
      distribution: 'marketplace',
      auth: {
        type: 'oauth',
        redirectUrls: [`${PUBLIC_URL}${oauth.redirectPath}`],
        requiredScopes: oauth.requiredScopes,
        optionalScopes: oauth.optionalScopes,
        conditionallyRequiredScopes: [],
      },
      permittedUrls: { fetch: [PUBLIC_URL], iframe: [], img: [PUBLIC_URL] },
      support: app.support,
    },
  };
}

function webhooksMeta({ webhooks }: HubspotManifest): unknown {
  // HubSpot's template has `active: false`; uploaded like that no webhook is ever sent.
  return {
    uid: webhooks.uid,
    type: 'webhooks',
    config: {
      settings: { targetUrl: `${PUBLIC_URL}${webhooks.path}`, maxConcurrentRequests: webhooks.maxConcurrentRequests },
      subscriptions: {
        crmObjects: webhooks.crmObjects.map((subscription) => ({ ...subscription, active: true })),
        legacyCrmObjects: [],
        hubEvents: webhooks.hubEvents.map((subscription) => ({ ...subscription, active: true })),
      },
    },
  };
}

const LINE_WIDTH = 120;

/** JSON as our formatter writes it, so that a generated file is also a formatted one: short lists of scalars stay on a line. */
export function formatJson(value: unknown, indent = '', used = 0): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const line = `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
    const scalars = value.every((item) => item === null || typeof item !== 'object');
    if (scalars && used + line.length < LINE_WIDTH) return line;
    return `[\n${value.map((item) => `${inner}${formatJson(item, inner, inner.length)}`).join(',\n')}\n${indent}]`;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value);
    if (entries.length === 0) return '{}';
    const lines = entries.map(([key, item]) => {
      const start = `${inner}${JSON.stringify(key)}: `;
      return `${start}${formatJson(item, inner, start.length)}`;
    });
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  return JSON.stringify(value);
}
