import { z } from 'zod';
import { conflict, notFound, validationError } from './errors.ts';
import { type Answer, type Call, type Route, readBody } from './http.ts';
import type { Links } from './links.ts';
import {
  type CustomTypeId,
  findObjectType,
  type ObjectType,
  type ObjectTypeId,
  objectTypeById,
} from './object-types.ts';
import { findSchema, type Portal, propertiesOf, recordsOf, type SchemaState } from './portal.ts';
import { createProperty, objectPropertySchema, propertyView } from './properties.ts';
import { customProperties } from './property-catalog.ts';

/** "The name can only contain letters, numbers, and underscores, and the first character must be a letter." */
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
/** What the names of standard objects in `associatedObjects` are. */
const STANDARD_NAMES: Readonly<Record<string, ObjectTypeId>> = {
  CONTACT: '0-1',
  COMPANY: '0-2',
  DEAL: '0-3',
};
/** "Custom objects are automatically associated with … tasks": of the activities only these are here. */
const ALWAYS_ASSOCIATED: readonly ObjectTypeId[] = ['0-27'];

const labelsSchema = z.strictObject({ singular: z.string().min(1), plural: z.string().min(1) });
const createSchema = z.strictObject({
  name: z.string().min(1),
  labels: labelsSchema,
  description: z.string().optional(),
  primaryDisplayProperty: z.string().min(1),
  secondaryDisplayProperties: z.array(z.string()),
  requiredProperties: z.array(z.string()),
  searchableProperties: z.array(z.string()),
  properties: z.array(objectPropertySchema).min(1),
  associatedObjects: z.array(z.string().min(1)),
  allowsSensitiveProperties: z.boolean(),
  shouldCreateSameObjectAssociation: z.boolean(),
});
const associationSchema = z.strictObject({
  fromObjectTypeId: z.string().min(1),
  toObjectTypeId: z.string().min(1),
  name: z.string().min(1).optional(),
});

const reads = (): string[][] => [['crm.schemas.custom.read', 'crm.objects.custom.read']];
const writes = (): string[][] => [['crm.schemas.custom.write']];

export interface SchemasDeps {
  links: Links;
  /** Type ids are HubSpot's own for all portals together: the next one. */
  nextTypeNumber(): number;
}

/** Objects that a portal defines for itself: the schemas API, and how many of them it may have. */
export function createSchemaRoutes({ links, nextTypeNumber }: SchemasDeps): Route[] {
  function view(portal: Portal, schema: SchemaState, call: Call): object {
    const type = objectTypeById(schema.typeId);
    const isGone = !portal.schemas.has(schema.typeId);
    const properties = isGone ? [] : [...propertiesOf(portal, schema.typeId).values()].filter((one) => !one.archived);
    const associations = [...portal.definitions.values()].filter(
      ({ from, to, label }) => label === null && (from === schema.typeId || to === schema.typeId),
    );
    // The keys are always there; what they hold has to be asked for.
    return {
      id: schema.typeId.slice(2),
      objectTypeId: schema.typeId,
      fullyQualifiedName: `p${portal.id}_${schema.name}`,
      name: schema.name,
      labels: schema.labels,
      description: schema.description,
      primaryDisplayProperty: schema.primaryDisplayProperty,
      secondaryDisplayProperties: schema.secondaryDisplayProperties,
      requiredProperties: schema.requiredProperties,
      searchableProperties: schema.searchableProperties,
      allowsSensitiveProperties: schema.allowsSensitiveProperties,
      archived: isGone,
      createdAt: new Date(schema.createdAt).toISOString(),
      updatedAt: new Date(schema.updatedAt).toISOString(),
      properties: call.query.flag('includePropertyDefinitions')
        ? properties.map((property) => propertyView(portal, type, property))
        : [],
      associations: call.query.flag('includeAssociationDefinitions') ? associations.map(associationView) : [],
    };
  }

  function associationView({ typeId, from, to, name }: { typeId: number; from: string; to: string; name: string }) {
    return { id: String(typeId), fromObjectTypeId: from, toObjectTypeId: to, name };
  }

  function requireSchema(call: Call): SchemaState {
    const schema = findSchema(call.portal, call.params.objectType ?? '');
    if (schema) return schema;
    throw notFound(
      { objectType: [call.params.objectType ?? ''] },
      `Unable to infer object type from: ${call.params.objectType}`,
    );
  }

  function associatedType(portal: Portal, word: string): ObjectType {
    const standard = STANDARD_NAMES[word];
    const type = standard ? objectTypeById(standard) : findObjectType(word);
    if (type) return type;
    const own = findSchema(portal, word);
    if (own) return objectTypeById(own.typeId);
    throw validationError(`Unable to infer object type from: ${word}`, { context: { associatedObjects: [word] } });
  }

  /** The unlabeled association between two objects, in both directions. */
  function define(portal: Portal, from: ObjectTypeId, to: ObjectTypeId, name: string): number {
    const present = links.definitionsBetween(portal, from, to).find(({ label }) => label === null);
    if (present) return present.typeId;
    const typeId = portal.nextAssociationTypeId;
    const inverseTypeId = from === to ? typeId : typeId + 1;
    portal.nextAssociationTypeId = inverseTypeId + 1;
    const defined = { category: 'USER_DEFINED' as const, label: null, name };
    portal.definitions.set(typeId, { ...defined, typeId, from, to, inverseTypeId });
    if (from !== to)
      portal.definitions.set(inverseTypeId, {
        ...defined,
        typeId: inverseTypeId,
        from: to,
        to: from,
        inverseTypeId: typeId,
      });
    return typeId;
  }

  function create(call: Call): Answer {
    const { portal } = call;
    const input = readBody(createSchema, call.body);
    if (!NAME.test(input.name)) {
      throw validationError(
        `${input.name}: the name can only contain letters, numbers, and underscores, and must begin with a letter`,
        { context: { name: [input.name] } },
      );
    }
    const isTaken =
      [...portal.schemas.values()].some(({ name }) => name === input.name) || portal.archivedSchemas.has(input.name);
    if (isTaken) {
      throw conflict(`Object type with the name ${input.name} already exists`, {
        category: 'OBJECT_ALREADY_EXISTS',
        context: { name: [input.name] },
      });
    }
    if (portal.schemas.size >= portal.customObjectLimit) {
      throw validationError(
        `This account may define ${portal.customObjectLimit} custom objects and has ${portal.schemas.size}`,
        {
          subCategory: 'ObjectTypes.LIMIT_EXCEEDED',
          context: { limit: [String(portal.customObjectLimit)] },
        },
      );
    }
    const named = new Set(input.properties.map(({ name }) => name));
    const wanted = [
      input.primaryDisplayProperty,
      ...input.secondaryDisplayProperties,
      ...input.requiredProperties,
      ...input.searchableProperties,
    ];
    const unknown = wanted.find((name) => !named.has(name));
    if (unknown !== undefined) {
      throw validationError(`The property ${unknown} is not one of the properties of the schema`, {
        context: { propertyName: [unknown] },
      });
    }
    const associated = input.associatedObjects.map((word) => associatedType(portal, word));
    const typeId: CustomTypeId = `2-${nextTypeNumber()}`;
    const schema: SchemaState = {
      typeId,
      name: input.name,
      labels: input.labels,
      description: input.description ?? '',
      primaryDisplayProperty: input.primaryDisplayProperty,
      secondaryDisplayProperties: input.secondaryDisplayProperties,
      requiredProperties: input.requiredProperties,
      searchableProperties: input.searchableProperties,
      allowsSensitiveProperties: input.allowsSensitiveProperties,
      createdAt: call.at,
      updatedAt: call.at,
    };
    const group = `${input.name}_information`;
    portal.records.set(typeId, new Map());
    portal.nextRecordId.set(typeId, portal.nextRecordId.get('0-1') ?? 1);
    portal.pipelines.set(typeId, new Map());
    portal.groups.set(
      typeId,
      new Map([
        [group, { name: group, label: `${input.labels.singular} Information`, displayOrder: 0, archived: false }],
      ]),
    );
    portal.properties.set(typeId, new Map(customProperties(group).map((property) => [property.name, property])));
    try {
      for (const property of input.properties)
        createProperty(
          portal,
          objectTypeById(typeId),
          { ...property, groupName: property.groupName ?? group },
          call.at,
        );
    } catch (error) {
      forget(portal, typeId);
      throw error;
    }
    portal.schemas.set(typeId, schema);
    for (const type of associated) define(portal, typeId, type.typeId, `${input.name}_to_${type.singular}`);
    for (const to of ALWAYS_ASSOCIATED) define(portal, typeId, to, `${input.name}_to_${objectTypeById(to).singular}`);
    if (input.shouldCreateSameObjectAssociation) define(portal, typeId, typeId, `${input.name}_to_${input.name}`);
    return { status: 201, body: view(portal, schema, { ...call, query: everything(call) }) };
  }

  /** The answer to a creation holds what was created. */
  function everything({ query }: Call): Call['query'] {
    return { ...query, flag: () => true };
  }

  function forget(portal: Portal, typeId: ObjectTypeId): void {
    for (const kept of [portal.records, portal.nextRecordId, portal.pipelines, portal.groups, portal.properties])
      kept.delete(typeId);
    for (const [id, { from, to }] of portal.definitions)
      if (from === typeId || to === typeId) portal.definitions.delete(id);
  }

  /** "You can only delete a custom object after all object instances of that type … are deleted." */
  function remove(call: Call): Answer {
    const { portal } = call;
    if (call.query.flag('archived')) {
      const word = call.params.objectType ?? '';
      const gone = [...portal.archivedSchemas.values()].find(
        ({ typeId, name }) => typeId === word || `p${portal.id}_${name}` === word,
      );
      if (gone) {
        portal.archivedSchemas.delete(gone.name);
        return { status: 204 };
      }
    }
    const schema = requireSchema(call);
    if ([...recordsOf(portal, schema.typeId).values()].some(({ archived }) => !archived)) {
      throw validationError(`${schema.name} still has records; delete them first`, {
        context: { objectTypeId: [schema.typeId] },
      });
    }
    forget(portal, schema.typeId);
    portal.schemas.delete(schema.typeId);
    if (!call.query.flag('archived')) portal.archivedSchemas.set(schema.name, schema);
    return { status: 204 };
  }

  function createAssociation(call: Call): Answer {
    const schema = requireSchema(call);
    const input = readBody(associationSchema, call.body);
    if (input.fromObjectTypeId !== schema.typeId) {
      throw validationError('fromObjectTypeId must be the object of the path', {
        context: { fromObjectTypeId: [input.fromObjectTypeId] },
      });
    }
    const to = associatedType(call.portal, input.toObjectTypeId);
    const name = input.name ?? `${schema.name}_to_${to.singular}`;
    const typeId = define(call.portal, schema.typeId, to.typeId, name);
    return { status: 201, body: associationView({ typeId, from: schema.typeId, to: to.typeId, name }) };
  }

  const collection = '/crm-object-schemas/2026-03/schemas';
  const included = ['includePropertyDefinitions', 'includeAssociationDefinitions', 'includeAuditMetadata'];
  return [
    {
      method: 'GET',
      path: collection,
      query: [...included, 'archived'],
      scopes: reads,
      handle(call) {
        const { portal } = call;
        const shown = call.query.flag('archived') ? portal.archivedSchemas : portal.schemas;
        return { status: 200, body: { results: [...shown.values()].map((schema) => view(portal, schema, call)) } };
      },
    },
    { method: 'POST', path: collection, scopes: writes, handle: create },
    {
      method: 'GET',
      path: `${collection}/:objectType`,
      query: included,
      scopes: reads,
      handle: (call) => ({ status: 200, body: view(call.portal, requireSchema(call), call) }),
    },
    { method: 'DELETE', path: `${collection}/:objectType`, query: ['archived'], scopes: writes, handle: remove },
    { method: 'POST', path: `${collection}/:objectType/associations`, scopes: writes, handle: createAssociation },
    {
      method: 'GET',
      path: '/crm/limits/2026-03/custom-object-types',
      scopes: () => [
        ['crm.schemas.custom.read', 'crm.schemas.custom.write', 'crm.objects.custom.read', 'crm.objects.custom.write'],
      ],
      handle({ portal: { customObjectLimit: limit, schemas } }) {
        return {
          status: 200,
          body: { limit, usage: schemas.size, percentage: limit === 0 ? 0 : (schemas.size / limit) * 100 },
        };
      },
    },
  ];
}
