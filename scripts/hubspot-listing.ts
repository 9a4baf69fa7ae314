import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hubspotManifest, manifestWithAppEvents } from '../manifests/hubspot/app.ts';
import { APP_EVENT_SCOPES } from '../manifests/hubspot/app-events.ts';
import type { HubspotObject } from '../manifests/hubspot/manifest-type.ts';

const FILE = fileURLToPath(new URL('../docs/hubspot/shared-data.md', import.meta.url));

const OBJECTS: Readonly<Record<HubspotObject, string>> = { contact: 'Contacts', deal: 'Deals' };

/** The listing's table of shared data, for admins and reviewers: nothing in it is written by hand, so it cannot promise less than is done. */
function sharedDataPage(): string {
  const { oauth, properties, webhooks, associationLabels, alsoRead, customObjects } = hubspotManifest;
  const own = Object.values(customObjects);
  const watched = (object: HubspotObject) =>
    webhooks.crmObjects.flatMap((item) =>
      'propertyName' in item && item.objectType === object ? [`\`${item.propertyName}\``] : [],
    );
  return `${[
    '# What Wonward and HubSpot share',
    '',
    'Made by `npm run generate` from [the manifest](../../manifests/hubspot/app.ts), which the connector itself reads by; do not edit.',
    '',
    '## Permissions',
    '',
    '| scope | asked for | why |',
    '|---|---|---|',
    ...oauth.scopes.map(
      ({ scope, isOptional, reason }) =>
        `| \`${scope}\` | ${isOptional ? 'where you grant it' : 'always'} | ${reason} |`,
    ),
    '',
    '## Data',
    '',
    '| HubSpot object | direction | what |',
    '|---|---|---|',
    ...(Object.keys(OBJECTS) as HubspotObject[]).flatMap((object) => {
      const of = (owner: 'wonward' | 'customer') =>
        properties[object].filter((one) => one.owner === owner).map(({ name }) => `\`${name}\``);
      const read = [...new Set([...watched(object), ...of('customer')])];
      return [
        `| ${OBJECTS[object]} | HubSpot → Wonward | ${read.join(', ')}; associations with labels |`,
        `| ${OBJECTS[object]} | HubSpot → Wonward | ${alsoRead[object].names.map((name) => `\`${name}\``).join(', ')}: ${alsoRead[object].why} |`,
        `| ${OBJECTS[object]} | Wonward → HubSpot | ${of('wonward').join(', ')} |`,
      ];
    }),
    '| Contacts, deals | HubSpot → Wonward | further properties that your own rules name; when a record was last modified |',
    '| Companies | HubSpot → Wonward | properties that your rules ask about, of the companies of referred contacts; only where you grant it |',
    '| Pipelines | HubSpot → Wonward | pipelines and stages of deals, with HubSpot’s own probability and closed flag |',
    `| Association labels | Wonward → HubSpot | ${associationLabels.map(({ label, inverseLabel }) => `“${label}” / “${inverseLabel}”`).join(', ')} between contacts, created once |`,
    `| ${own.map(({ labels }) => labels.plural).join(', ')} | both | rows that Wonward writes and compares, tied to contacts and deals; only where you turn them on |`,
    '',
    'Wonward writes no property that is not named here, and none of a record that it only reads.',
    '',
    '## Properties that Wonward creates',
    '',
    '| object | property | label | filled by | what it says |',
    '|---|---|---|---|---|',
    ...(Object.keys(OBJECTS) as HubspotObject[]).flatMap((object) =>
      properties[object].map(
        ({ name, label, owner, description }) =>
          `| ${OBJECTS[object]} | \`${name}\` | ${label} | ${owner === 'wonward' ? 'Wonward' : 'you'} | ${description} |`,
      ),
    ),
    '',
    '## Objects that Wonward creates where you turn them on',
    '',
    '| object | property | label | what it says |',
    '|---|---|---|---|',
    ...own.flatMap(({ labels, properties: ofObject }) =>
      ofObject.map(
        ({ name, label, description }) => `| ${labels.singular} | \`${name}\` | ${label} | ${description} |`,
      ),
    ),
    '',
    '## Events that Wonward tells timelines where you turn them on',
    '',
    'Only by an app that HubSpot has approved for app events, which asks for these beside the permissions above:',
    '',
    '| scope | asked for | why |',
    '|---|---|---|',
    ...APP_EVENT_SCOPES.map(({ scope, reason }) => `| \`${scope}\` | always | ${reason} |`),
    '',
    'An event holds no name and no address, and HubSpot lets nobody change or remove it.',
    '',
    '| event | on | property | label |',
    '|---|---|---|---|',
    ...manifestWithAppEvents.appEvents.flatMap(({ name, objectType, properties: ofEvent }) =>
      ofEvent.map((one) => `| ${name} | ${objectType.toLowerCase()} | \`${one.name}\` | ${one.label} |`),
    ),
  ].join('\n')}\n`;
}

function listingDrift(): readonly string[] {
  let actual = '';
  try {
    actual = readFileSync(FILE, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return actual === sharedDataPage() ? [] : ['docs/hubspot/shared-data.md differs from the manifest'];
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const drift = listingDrift();
    for (const line of drift) console.error(line);
    if (drift.length > 0) {
      console.error('Run: npm run generate');
      process.exitCode = 1;
    }
  } else {
    writeFileSync(FILE, sharedDataPage());
  }
}
