import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import type { PropertyDeclaration } from '../../../manifests/hubspot/manifest-type.ts';
import type { CrmAccess, ProvisionReport } from '../../application/ports/crm.ts';
import type { CrmObject } from '../../domain/record.ts';
import type { PortalApi } from './call.ts';
import { describe } from './errors.ts';
import { type MirroredObject, PATH_OF, REFERRED_BY } from './fields.ts';
import { type ObjectPath, PATHS } from './version.ts';
import { anythingSchema, groupsSchema, type HubSpotProperty, labelsSchema, propertiesSchema } from './wire.ts';

const OBJECTS: readonly MirroredObject[] = ['contact', 'deal'];
const GROUP = hubspotManifest.propertyGroup;

/** A thing that is there already, one that two nodes create at the same moment, and one that HubSpot will not have. */
const CREATE_REFUSALS = [400, 409];

export interface Report {
  readonly created: string[];
  readonly existing: string[];
  readonly conflicts: { name: string; problem: string }[];
}

export interface Provisioned {
  readonly report: ProvisionReport;
  /** What can be written to now, so that the next write need not ask again. */
  readonly states: ReadonlyMap<MirroredObject, PropertyState>;
}

/**
 * Creates what is missing. Reads first: a property that stands already is never written, so nothing of the customer's changes. Every
 * sweep asks this of every portal, so what is whole costs three calls.
 */
export async function provision(api: PortalApi, beforeCreating?: () => Promise<void>): Promise<Provisioned> {
  const report: Report = { created: [], existing: [], conflicts: [] };
  let isTold = false;
  const tellOnce = async () => {
    if (isTold) return;
    isTold = true;
    await beforeCreating?.();
  };
  const states = new Map<MirroredObject, PropertyState>();
  const properties = new Map<CrmObject, ReadonlyMap<string, string>>();
  for (const object of OBJECTS) {
    const path = PATH_OF[object];
    const before = await readProperties(api, path);
    // A property that stands in our group proves that there is one.
    const hasGroup = [...before.values()].some(({ groupName }) => groupName === GROUP.name);
    if (hasGroup) report.existing.push(groupNameOf(path));
    else await ensureGroup(api, path, report);
    const present = await ensureProperties(api, object, before, report, tellOnce);
    states.set(object, stateOf(object, present));
    properties.set(object, new Map([...present.values()].map(({ name, type }) => [name, type])));
  }
  await ensureLabels(api, report);
  return { report: { ...report, properties }, states };
}

function groupNameOf(path: ObjectPath): string {
  return `${path}.group.${GROUP.name}`;
}

/** What of our properties can be written to. A property in a foreign group or of another type is the customer's. */
export interface PropertyState {
  readonly writable: ReadonlySet<string>;
  readonly missing: readonly string[];
}

export async function readPropertyState(api: PortalApi, object: MirroredObject): Promise<PropertyState> {
  return stateOf(object, await readProperties(api, PATH_OF[object]));
}

const OBJECT_PATHS: Readonly<Record<CrmObject, ObjectPath>> = {
  contact: 'contacts',
  deal: 'deals',
  company: 'companies',
};

/** Null without the scope that reads the object. */
export async function readPropertyNames(
  api: PortalApi,
  { scopes }: Pick<CrmAccess, 'scopes'>,
  object: CrmObject,
): Promise<ReadonlySet<string> | null> {
  const path = OBJECT_PATHS[object];
  if (!scopes.includes(`crm.objects.${path}.read`)) return null;
  return new Set((await readProperties(api, path)).keys());
}

function stateOf(object: MirroredObject, present: ReadonlyMap<string, HubSpotProperty>): PropertyState {
  const writable = new Set<string>();
  const missing: string[] = [];
  for (const declared of hubspotManifest.properties[object]) {
    const found = present.get(declared.name);
    if (!found) missing.push(declared.name);
    else if (conflictOf(declared, found) === null) writable.add(declared.name);
  }
  return { writable, missing };
}

async function ensureGroup(api: PortalApi, path: ObjectPath, report: Report): Promise<void> {
  const name = groupNameOf(path);
  const exists = async () => {
    const { results } = await api.data({
      name: 'read property groups',
      method: 'GET',
      path: PATHS.propertyGroups(path),
      schema: groupsSchema,
    });
    return results.some((group) => group.name === GROUP.name && group.archived !== true);
  };
  if (await exists()) {
    report.existing.push(name);
    return;
  }
  const reply = await api.call({
    name: 'create property group',
    method: 'POST',
    path: PATHS.propertyGroups(path),
    json: { name: GROUP.name, label: GROUP.label, displayOrder: -1 },
    schema: anythingSchema,
    refusals: CREATE_REFUSALS,
  });
  if (reply.ok) report.created.push(name);
  else if (await exists()) report.existing.push(name);
  else report.conflicts.push({ name, problem: describe(reply.error) });
}

/** Returns the properties as they are afterwards. */
async function ensureProperties(
  api: PortalApi,
  object: MirroredObject,
  before: ReadonlyMap<string, HubSpotProperty>,
  report: Report,
  beforeCreating: () => Promise<void>,
): Promise<ReadonlyMap<string, HubSpotProperty>> {
  const path = PATH_OF[object];
  const present = new Map(before);
  for (const declared of hubspotManifest.properties[object]) {
    const name = `${path}.${declared.name}`;
    let refusal: string | null = null;
    if (!present.has(declared.name)) {
      await beforeCreating();
      const reply = await api.call({
        name: 'create property',
        method: 'POST',
        path: PATHS.properties(path),
        json: toCreate(declared),
        schema: anythingSchema,
        refusals: CREATE_REFUSALS,
      });
      if (reply.ok) {
        report.created.push(name);
        present.set(declared.name, { name: declared.name, type: declared.type, groupName: GROUP.name });
        continue;
      }
      refusal = describe(reply.error);
      for (const [found, property] of await readProperties(api, path)) present.set(found, property);
    }
    const found = present.get(declared.name);
    const problem = found ? conflictOf(declared, found) : refusal;
    if (problem === null) report.existing.push(name);
    else report.conflicts.push({ name, problem });
  }
  return present;
}

async function readProperties(api: PortalApi, path: ObjectPath): Promise<Map<string, HubSpotProperty>> {
  const { results } = await api.data({
    name: 'read properties',
    method: 'GET',
    path: PATHS.properties(path),
    schema: propertiesSchema,
  });
  return new Map(results.filter(({ archived }) => archived !== true).map((property) => [property.name, property]));
}

function conflictOf(declared: PropertyDeclaration, found: HubSpotProperty): string | null {
  if (found.groupName !== GROUP.name) return `in the group "${found.groupName ?? ''}", not in "${GROUP.name}"`;
  if (found.type !== declared.type) return `of type ${found.type}, not ${declared.type}`;
  return null;
}

function toCreate({ owner: _owner, options, ...declared }: PropertyDeclaration) {
  // HubSpot asks of each option whether it is hidden.
  const shown = options && { options: options.map((option) => ({ ...option, hidden: false })) };
  return { ...declared, ...shown, groupName: GROUP.name };
}

async function ensureLabels(api: PortalApi, report: Report): Promise<void> {
  const path = PATHS.associationLabels('contacts', 'contacts');
  const { label, inverseLabel } = REFERRED_BY;
  const name = `contacts.contacts.label.${REFERRED_BY.name}`;
  const present = async () => {
    const { results } = await api.data({ name: 'read association labels', method: 'GET', path, schema: labelsSchema });
    const own = new Set(results.filter(({ category }) => category !== 'HUBSPOT_DEFINED').map((type) => type.label));
    return { both: own.has(label) && own.has(inverseLabel), any: own.has(label) || own.has(inverseLabel) };
  };
  const halfPair = `a label "${label}" or "${inverseLabel}" exists without the other`;

  const before = await present();
  if (before.both) report.existing.push(name);
  else if (before.any) report.conflicts.push({ name, problem: halfPair });
  if (before.any) return;
  const reply = await api.call({
    name: 'create association labels',
    method: 'POST',
    path,
    json: { label, inverseLabel, name: REFERRED_BY.name },
    schema: anythingSchema,
    refusals: CREATE_REFUSALS,
  });
  if (reply.ok) {
    report.created.push(name);
    return;
  }
  const after = await present();
  if (after.both) report.existing.push(name);
  else report.conflicts.push({ name, problem: after.any ? halfPair : describe(reply.error) });
}
