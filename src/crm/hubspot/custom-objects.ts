import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import type { CustomObjectDeclaration, PropertyDeclaration } from '../../../manifests/hubspot/manifest-type.ts';
import type { ProvisionReport } from '../../application/ports/crm.ts';
import type { PortalApi } from './call.ts';
import { describe } from './errors.ts';
import { type CustomPath, PATHS } from './version.ts';
import {
  anythingSchema,
  type HubSpotError,
  type HubSpotProperty,
  type HubSpotSchema,
  objectLimitSchema,
  schemaSchema,
  schemasSchema,
} from './wire.ts';

export type RowObject = 'referral' | 'reward';

/** A reward names its referral, so the referral's object is made first. */
const ROW_OBJECTS: readonly RowObject[] = ['referral', 'reward'];

/** There already, made by another node at the same moment, refused, or not in the subscription. */
const CREATE_REFUSALS = [400, 403, 409];

/** What of one of our objects a portal has. A property that is not as we declare it is left alone. */
export interface ObjectState {
  readonly path: CustomPath;
  readonly writable: ReadonlySet<string>;
  readonly missing: readonly string[];
}

/** An object that the portal does not have is missing. */
export type ObjectStates = ReadonlyMap<RowObject, ObjectState>;

const declarationOf = (object: RowObject): CustomObjectDeclaration => hubspotManifest.customObjects[object];

export async function readObjectStates(api: PortalApi): Promise<ObjectStates> {
  return statesOf(await readSchemas(api));
}

function statesOf(schemas: ReadonlyMap<RowObject, HubSpotSchema>): ObjectStates {
  return new Map([...schemas].map(([object, schema]) => [object, stateOf(declarationOf(object), schema)]));
}

function stateOf(declared: CustomObjectDeclaration, { objectTypeId, properties }: HubSpotSchema): ObjectState {
  const writable = new Set<string>();
  const missing: string[] = [];
  for (const property of declared.properties) {
    const found = present(properties).get(property.name);
    if (!found) missing.push(property.name);
    else if (conflictOf(property, found) === null) writable.add(property.name);
  }
  return { path: objectTypeId, writable, missing };
}

function present(properties: readonly HubSpotProperty[]): Map<string, HubSpotProperty> {
  return new Map(properties.filter(({ archived }) => archived !== true).map((property) => [property.name, property]));
}

function conflictOf(declared: PropertyDeclaration, found: HubSpotProperty): string | null {
  if (found.type !== declared.type) return `of type ${found.type}, not ${declared.type}`;
  if (declared.hasUniqueValue === true && found.hasUniqueValue !== true) return 'not unique';
  return null;
}

async function readSchemas(api: PortalApi): Promise<Map<RowObject, HubSpotSchema>> {
  const { results } = await api.data({
    name: 'read custom objects',
    method: 'GET',
    path: PATHS.schemas,
    // Neither is in the answer unless it is asked for.
    query: { includePropertyDefinitions: 'true', includeAssociationDefinitions: 'true' },
    schema: schemasSchema,
  });
  const found = new Map<RowObject, HubSpotSchema>();
  for (const object of ROW_OBJECTS) {
    const own = results.find(({ name }) => name === declarationOf(object).name);
    const schema = own && schemaSchema.parse(own);
    if (schema && schema.archived !== true) found.set(object, schema);
  }
  return found;
}

/** In words for an admin of the portal; null when both objects are there or there is room for them. */
export async function objectObstacle(api: PortalApi): Promise<string | null> {
  const missing = ROW_OBJECTS.length - (await readObjectStates(api)).size;
  return missing === 0 ? null : roomProblem(api, missing);
}

async function roomProblem(api: PortalApi, needed: number): Promise<string | null> {
  const reply = await api.call({
    name: 'read custom object limit',
    method: 'GET',
    path: PATHS.customObjectLimit,
    schema: objectLimitSchema,
    refusals: [403],
  });
  if (!reply.ok) return NOT_IN_PLAN;
  const { limit, usage } = reply.data;
  if (limit <= 0) return NOT_IN_PLAN;
  if (limit - usage >= needed) return null;
  return `This HubSpot account may have ${limit} custom objects and has ${usage}; Wonward needs ${needed} more. Delete one that is not used, or ask HubSpot for more.`;
}

const NOT_IN_PLAN =
  'The subscription of this HubSpot account has no custom objects: HubSpot gives them with an Enterprise edition.';

/** Creates what is missing of our objects, their properties and their associations; what is whole costs one call. */
export async function provisionObjects(
  api: PortalApi,
  beforeCreating: () => Promise<void> = async () => {},
): Promise<{ readonly report: ProvisionReport; readonly states: ObjectStates }> {
  const report = {
    created: [] as string[],
    existing: [] as string[],
    conflicts: [] as { name: string; problem: string }[],
  };
  const schemas = await readSchemas(api);
  const absent = ROW_OBJECTS.filter((object) => !schemas.has(object));
  const noRoom = absent.length === 0 ? null : await roomProblem(api, absent.length);
  for (const object of ROW_OBJECTS) {
    const declared = declarationOf(object);
    const name = `objects.${declared.name}`;
    let schema = schemas.get(object);
    if (!schema) {
      const parent = schemas.get('referral')?.objectTypeId;
      // Without its referral a reward has nothing to belong to.
      const isOrphan = object === 'reward' && parent === undefined;
      const made = noRoom !== null || isOrphan ? null : await createObject(api, object, parent, beforeCreating);
      if (made?.ok) {
        schemas.set(object, made.schema);
        report.created.push(name);
        continue;
      }
      // Another node may have made it just now.
      schema = made ? (await readSchemas(api)).get(object) : undefined;
      if (!schema) {
        const problem = noRoom ?? (made ? refusalOf(made.error) : 'its referrals could not be created');
        report.conflicts.push({ name, problem });
        continue;
      }
      schemas.set(object, schema);
    }
    report.existing.push(name);
    schemas.set(object, await ensureProperties(api, declared, schema, report, beforeCreating));
    await ensureAssociations(api, object, schema, schemas, report, beforeCreating);
  }
  return { report, states: statesOf(schemas) };
}

function refusalOf(error: HubSpotError): string {
  const text = describe(error);
  return error.category === 'OBJECT_ALREADY_EXISTS' || /already exists/i.test(text)
    ? `an object of this name was deleted before; HubSpot keeps the name until it is deleted for good (${text})`
    : text;
}

async function createObject(
  api: PortalApi,
  object: RowObject,
  referralPath: CustomPath | undefined,
  beforeCreating: () => Promise<void>,
): Promise<
  { readonly ok: true; readonly schema: HubSpotSchema } | { readonly ok: false; readonly error: HubSpotError }
> {
  const { name, labels, description, primaryProperty, keyProperty, associated, properties } = declarationOf(object);
  await beforeCreating();
  const reply = await api.call({
    name: 'create custom object',
    method: 'POST',
    path: PATHS.schemas,
    json: {
      name,
      labels,
      description,
      primaryDisplayProperty: primaryProperty,
      secondaryDisplayProperties: [],
      requiredProperties: [keyProperty],
      searchableProperties: [primaryProperty],
      properties: properties.map(withoutOwner),
      associatedObjects: [
        ...associated.map((standard) => standard.name),
        ...(object === 'reward' && referralPath !== undefined ? [referralPath] : []),
      ],
      allowsSensitiveProperties: false,
      shouldCreateSameObjectAssociation: false,
    },
    schema: schemaSchema,
    refusals: CREATE_REFUSALS,
  });
  return reply.ok ? { ok: true, schema: reply.data } : { ok: false, error: reply.error };
}

function withoutOwner({ owner: _owner, ...declared }: PropertyDeclaration) {
  return declared;
}

/** Returns the object with the properties that it has afterwards. */
async function ensureProperties(
  api: PortalApi,
  declared: CustomObjectDeclaration,
  schema: HubSpotSchema,
  report: { readonly created: string[]; readonly conflicts: { name: string; problem: string }[] },
  beforeCreating: () => Promise<void>,
): Promise<HubSpotSchema> {
  const path = schema.objectTypeId;
  const found = present(schema.properties);
  // HubSpot makes a group with each object, and says its name on the properties in it.
  const groupName =
    [...found.values()].find(({ name }) => name.startsWith('wonward_'))?.groupName ?? `${declared.name}_information`;
  const added: HubSpotProperty[] = [];
  for (const property of declared.properties) {
    const name = `objects.${declared.name}.${property.name}`;
    const before = found.get(property.name);
    if (before) {
      const problem = conflictOf(property, before);
      if (problem !== null) report.conflicts.push({ name, problem });
      continue;
    }
    await beforeCreating();
    const reply = await api.call({
      name: 'create property',
      method: 'POST',
      path: PATHS.properties(path),
      json: { ...withoutOwner(property), groupName },
      schema: anythingSchema,
      refusals: CREATE_REFUSALS,
    });
    if (reply.ok) {
      report.created.push(name);
      added.push({ name: property.name, type: property.type, hasUniqueValue: property.hasUniqueValue ?? false });
    } else if (reply.status !== 409) report.conflicts.push({ name, problem: describe(reply.error) });
  }
  return added.length === 0 ? schema : { ...schema, properties: [...present(schema.properties).values(), ...added] };
}

async function ensureAssociations(
  api: PortalApi,
  object: RowObject,
  { objectTypeId, associations }: HubSpotSchema,
  schemas: ReadonlyMap<RowObject, HubSpotSchema>,
  report: { readonly created: string[]; readonly conflicts: { name: string; problem: string }[] },
  beforeCreating: () => Promise<void>,
): Promise<void> {
  const declared = declarationOf(object);
  const referral = object === 'reward' ? schemas.get('referral')?.objectTypeId : undefined;
  const wanted = [...declared.associated.map(({ typeId }) => typeId as string), ...(referral ? [referral] : [])];
  for (const to of wanted) {
    const isThere = associations.some(
      ({ fromObjectTypeId, toObjectTypeId }) =>
        (fromObjectTypeId === objectTypeId && toObjectTypeId === to) ||
        (toObjectTypeId === objectTypeId && fromObjectTypeId === to),
    );
    if (isThere) continue;
    const name = `objects.${declared.name}.to.${to}`;
    await beforeCreating();
    const reply = await api.call({
      name: 'create association of custom object',
      method: 'POST',
      path: PATHS.schemaAssociations(objectTypeId),
      json: { fromObjectTypeId: objectTypeId, toObjectTypeId: to, name: `${declared.name}_to_${to.replace('-', '_')}` },
      schema: anythingSchema,
      refusals: CREATE_REFUSALS,
    });
    if (reply.ok) report.created.push(name);
    else if (reply.status !== 409) report.conflicts.push({ name, problem: describe(reply.error) });
  }
}
