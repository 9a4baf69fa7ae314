import { hubspotManifest } from '../../../../manifests/hubspot/app.ts';
import { type Consented, consent } from '../consent.ts';
import { finding } from '../finding.ts';
import type { Step } from '../run-story.ts';
import { COMPANY, CURRENCY, PROGRAM, type Scene } from '../scene.ts';

const { oauth, properties, associationLabels, propertyGroup } = hubspotManifest;

export function install(): Step<Scene> {
  let consented: Consented = { permissions: [], status: 0, headline: '' };
  return {
    name: 'Install by OAuth: an admin opens the link, consents in HubSpot, and comes back',
    async act({ wonward }) {
      // A customer publishes rules once; what is won from then on counts.
      await wonward.publish(PROGRAM);
      consented = await consent(await wonward.installLink());
    },
    async look({ crm, wonward }) {
      const [portal, connections] = await Promise.all([crm.portal(), wonward.connections()]);
      const [connection] = connections;
      return [
        finding('HubSpot', 'installed', {
          seen: { installed: portal.installed, permissions: portal.scopes.toSorted() },
          expected: { installed: true, permissions: [...oauth.requiredScopes, ...oauth.optionalScopes].toSorted() },
          says: ({ permissions }) =>
            `installed in portal ${crm.portalId} "${portal.name}" with exactly the ${permissions.length} permissions it asks for`,
        }),
        finding('Wonward', 'connected', {
          seen: {
            page: consented.headline,
            status: connection?.status ?? null,
            portal: connection?.externalId ?? null,
            homeCurrency: connection?.homeCurrency ?? null,
          },
          expected: {
            page: 'HubSpot is connected',
            status: 'connected',
            portal: String(crm.portalId),
            homeCurrency: CURRENCY,
          },
          says: ({ page, homeCurrency }) => `says "${page}" and has read ${COMPANY}'s currency, ${homeCurrency}`,
        }),
      ];
    },
  };
}

export function provision(): Step<Scene> {
  let conflicts = -1;
  let createdAgain = -1;
  return {
    name: 'Provision: HubSpot gets the properties and association labels that Wonward needs',
    async act({ wonward }) {
      // The install has done it; asking again must find everything there.
      const [connection] = await wonward.connections();
      const report = await wonward.provision(connection?.id ?? '');
      conflicts = report.conflicts.length;
      createdAgain = report.created.length;
    },
    async look({ crm }) {
      const [contact, deal, labels] = await Promise.all([
        crm.properties('contacts'),
        crm.properties('deals'),
        crm.labels('contacts', 'contacts'),
      ]);
      const ours = (all: typeof contact) => all.filter(({ groupName }) => groupName === propertyGroup.name).length;
      const wanted = associationLabels.flatMap(({ label, inverseLabel }) => [label, inverseLabel]);
      return [
        finding('HubSpot', 'provisioned', {
          seen: {
            contactProperties: ours(contact),
            dealProperties: ours(deal),
            labels: labels.flatMap(({ label }) => (label && wanted.includes(label) ? [label] : [])).toSorted(),
          },
          expected: {
            contactProperties: properties.contact.length,
            dealProperties: properties.deal.length,
            labels: wanted.toSorted(),
          },
          says: (seen) =>
            `${seen.contactProperties} contact properties, ${seen.dealProperties} deal properties, the labels ${seen.labels.map((label) => `"${label}"`).join(' and ')}`,
        }),
        finding('Wonward', 'provisionedAgain', {
          seen: { created: createdAgain, conflicts },
          expected: { created: 0, conflicts: 0 },
          says: () => 'asked a second time it makes nothing twice and finds no conflict',
        }),
      ];
    },
  };
}
