/**
 * HubSpot's API is versioned by date. Each version is supported for 18 months; this is the only place that names ours. The
 * SDK's typed methods still call /crm/v3 and /oauth/v1, which HubSpot switches off in 2027, so no path comes from the SDK.
 */
export const API_VERSION = '2026-03';

/** The plural names under which HubSpot's paths know the objects. */
export type ObjectPath = 'contacts' | 'deals' | 'companies' | 'tasks' | CustomPath;

/** The type id of an object that a portal has of its own. */
export type CustomPath = `2-${string}`;

export const PATHS = {
  token: `/oauth/${API_VERSION}/token`,
  introspect: `/oauth/${API_VERSION}/token/introspect`,
  revoke: `/oauth/${API_VERSION}/token/revoke`,
  uninstall: `/appinstalls/${API_VERSION}/external-install`,
  accountDetails: `/account-info/${API_VERSION}/details`,
  owners: `/crm/owners/${API_VERSION}`,
  dealPipelines: `/crm/pipelines/${API_VERSION}/deals`,
  objects: (object: ObjectPath) => `/crm/objects/${API_VERSION}/${object}`,
  object: (object: ObjectPath, id: string) => `/crm/objects/${API_VERSION}/${object}/${encodeURIComponent(id)}`,
  batchRead: (object: ObjectPath) => `/crm/objects/${API_VERSION}/${object}/batch/read`,
  batchUpsert: (object: ObjectPath) => `/crm/objects/${API_VERSION}/${object}/batch/upsert`,
  batchUpdate: (object: ObjectPath) => `/crm/objects/${API_VERSION}/${object}/batch/update`,
  search: (object: ObjectPath) => `/crm/objects/${API_VERSION}/${object}/search`,
  properties: (object: ObjectPath) => `/crm/properties/${API_VERSION}/${object}`,
  propertyGroups: (object: ObjectPath) => `/crm/properties/${API_VERSION}/${object}/groups`,
  associations: (from: ObjectPath, to: ObjectPath) => `/crm/associations/${API_VERSION}/${from}/${to}/batch/read`,
  associationLabels: (from: ObjectPath, to: ObjectPath) => `/crm/associations/${API_VERSION}/${from}/${to}/labels`,
  batchArchive: (object: ObjectPath) => `/crm/objects/${API_VERSION}/${object}/batch/archive`,
  associate: (from: ObjectPath, to: ObjectPath) =>
    `/crm/associations/${API_VERSION}/${from}/${to}/batch/associate/default`,
  dissociate: (from: ObjectPath, to: ObjectPath) => `/crm/associations/${API_VERSION}/${from}/${to}/batch/archive`,
  schemas: `/crm-object-schemas/${API_VERSION}/schemas`,
  schemaAssociations: (object: CustomPath) => `/crm-object-schemas/${API_VERSION}/schemas/${object}/associations`,
  customObjectLimit: `/crm/limits/${API_VERSION}/custom-object-types`,
  searchLists: `/crm/lists/${API_VERSION}/search`,
  list: (id: string) => `/crm/lists/${API_VERSION}/${encodeURIComponent(id)}`,
  listMembers: (id: string) => `/crm/lists/${API_VERSION}/${encodeURIComponent(id)}/memberships`,
  appEvent: `/integrators/timeline/${API_VERSION}/events`,
  appEventBatch: `/integrators/timeline/${API_VERSION}/events/batch`,
  completeCallbacks: `/automation/actions/callbacks/${API_VERSION}/complete`,
} as const;
