import { z } from 'zod';
import { batchAnswer } from './batches.ts';
import { conflict, HubSpotError, notFound, type RowError, rowError, validationError } from './errors.ts';
import { type Answer, type Call, type Route, readBody, requireInputs } from './http.ts';
import { findObjectType, isCustomWord, type ObjectType } from './object-types.ts';
import { requireObjectType } from './objects.ts';
import { groupsOf, type Portal, pipelinesOf, propertiesOf } from './portal.ts';
import type { PropertyDefinition, PropertyGroup } from './property-catalog.ts';

/** "You can have up to ten unique ID properties per object" (properties guide). */
const MAX_UNIQUE_PROPERTIES = 10;
/** "Object API batch endpoints are limited to 100 inputs per request." */
const BATCH_LIMIT = 100;
/** Internal names are lower case, digits and underscores, and begin with a letter. */
const PROPERTY_NAME = /^[a-z][a-z0-9_]{0,99}$/;

/** `type` and its valid `fieldType` values: table of the properties guide. */
const FIELD_TYPES: Record<string, readonly string[]> = {
  bool: ['booleancheckbox', 'calculation_equation'],
  enumeration: ['booleancheckbox', 'checkbox', 'radio', 'select', 'calculation_equation'],
  date: ['date'],
  datetime: ['date'],
  string: ['file', 'text', 'textarea', 'calculation_equation', 'html', 'phonenumber'],
  number: ['number', 'calculation_equation'],
  phone_number: ['phonenumber'],
};

const typeSchema = z.enum(['bool', 'date', 'datetime', 'enumeration', 'number', 'phone_number', 'string']);
const fieldTypeSchema = z.enum([
  'booleancheckbox',
  'calculation_equation',
  'checkbox',
  'date',
  'file',
  'html',
  'number',
  'phonenumber',
  'radio',
  'select',
  'text',
  'textarea',
]);
const optionSchema = z.strictObject({
  label: z.string().min(1),
  value: z.string().min(1),
  description: z.string().optional(),
  displayOrder: z.int(),
  hidden: z.boolean(),
});

const changeable = {
  label: z.string().min(1).optional(),
  description: z.string().optional(),
  groupName: z.string().min(1).optional(),
  type: typeSchema.optional(),
  fieldType: fieldTypeSchema.optional(),
  options: z.array(optionSchema).optional(),
  displayOrder: z.int().optional(),
  formField: z.boolean().optional(),
  hidden: z.boolean().optional(),
  calculationFormula: z.string().optional(),
  currencyPropertyName: z.string().optional(),
  numberDisplayHint: z
    .enum(['currency', 'duration', 'formatted', 'percentage', 'probability', 'unformatted'])
    .optional(),
  showCurrencySymbol: z.boolean().optional(),
  textDisplayHint: z
    .enum([
      'domain_name',
      'email',
      'ip_address',
      'multi_line',
      'phone_number',
      'physical_address',
      'postal_code',
      'unformatted_single_line',
    ])
    .optional(),
};
const createSchema = z.strictObject({
  ...changeable,
  name: z.string().min(1),
  label: z.string().min(1),
  groupName: z.string().min(1),
  type: typeSchema,
  fieldType: fieldTypeSchema,
  hasUniqueValue: z.boolean().optional(),
  externalOptions: z.boolean().optional(),
  referencedObjectType: z.string().optional(),
  dataSensitivity: z.enum(['non_sensitive', 'sensitive', 'highly_sensitive']).optional(),
});
/** `ObjectTypePropertyCreate`: a property of an object that is defined with it; the group is HubSpot's own unless given. */
export const objectPropertySchema = z.strictObject({
  name: z.string().min(1),
  label: z.string().min(1),
  type: typeSchema,
  fieldType: fieldTypeSchema,
  description: z.string().optional(),
  groupName: z.string().min(1).optional(),
  displayOrder: z.int().optional(),
  formField: z.boolean().optional(),
  hasUniqueValue: z.boolean().optional(),
  hidden: z.boolean().optional(),
  options: z.array(optionSchema).optional(),
  referencedObjectType: z.string().optional(),
  showCurrencySymbol: z.boolean().optional(),
  numberDisplayHint: changeable.numberDisplayHint,
  textDisplayHint: changeable.textDisplayHint,
});
const updateSchema = z.strictObject(changeable);
const batchCreateSchema = z.strictObject({ inputs: z.array(createSchema) });
const batchNamesSchema = z.strictObject({ inputs: z.array(z.strictObject({ name: z.string().min(1) })) });
const batchReadSchema = z.strictObject({
  inputs: z.array(z.strictObject({ name: z.string().min(1) })),
  archived: z.boolean(),
  dataSensitivity: z.enum(['non_sensitive', 'sensitive', 'highly_sensitive']).optional(),
});
const groupCreateSchema = z.strictObject({
  name: z.string().min(1),
  label: z.string().min(1),
  displayOrder: z.int().optional(),
});
const groupUpdateSchema = z.strictObject({ label: z.string().min(1).optional(), displayOrder: z.int().optional() });

export type PropertyInput = z.infer<typeof createSchema>;

function optionsFor(portal: Portal, type: ObjectType, property: PropertyDefinition): PropertyDefinition['options'] {
  const option = (label: string, value: string, displayOrder: number): PropertyDefinition['options'][number] => ({
    label,
    value,
    description: '',
    displayOrder,
    hidden: false,
  });
  if (type.typeId !== '0-3' || !property.hubspotDefined) return property.options;
  const pipelines = [...pipelinesOf(portal, '0-3').values()].filter((pipeline) => !pipeline.archived);
  if (property.name === 'pipeline')
    return pipelines.map((pipeline, index) => option(pipeline.label, pipeline.id, index));
  if (property.name === 'dealstage') {
    const stages = pipelines.flatMap((pipeline) => pipeline.stages.filter((stage) => !stage.archived));
    return stages.map((stage, index) => option(stage.label, stage.id, index));
  }
  if (property.name === 'deal_currency_code') {
    return [portal.companyCurrency, ...portal.additionalCurrencies].map((code, index) => option(code, code, index));
  }
  return property.options;
}

export function propertyView(portal: Portal, type: ObjectType, property: PropertyDefinition): object {
  const stamp = (at: number | undefined): string | undefined =>
    at === undefined ? undefined : new Date(at).toISOString();
  const optional = {
    createdAt: stamp(property.createdAt),
    updatedAt: stamp(property.updatedAt),
    archivedAt: stamp(property.archivedAt),
    referencedObjectType: property.referencedObjectType,
    calculationFormula: property.calculationFormula,
    numberDisplayHint: property.numberDisplayHint,
    textDisplayHint: property.textDisplayHint,
    showCurrencySymbol: property.showCurrencySymbol,
    currencyPropertyName: property.currencyPropertyName,
  };
  return {
    name: property.name,
    label: property.label,
    type: property.type,
    fieldType: property.fieldType,
    description: property.description,
    groupName: property.groupName,
    options: optionsFor(portal, type, property),
    displayOrder: property.displayOrder,
    calculated: property.calculated,
    externalOptions: property.externalOptions,
    hasUniqueValue: property.hasUniqueValue,
    hidden: property.hidden,
    hubspotDefined: property.hubspotDefined,
    formField: property.formField,
    archived: property.archived,
    dataSensitivity: property.dataSensitivity ?? 'non_sensitive',
    modificationMetadata: {
      archivable: !property.hubspotDefined,
      readOnlyDefinition: property.hubspotDefined,
      readOnlyOptions: property.hubspotDefined,
      readOnlyValue: property.readOnlyValue,
    },
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function groupView(group: PropertyGroup): object {
  return { name: group.name, label: group.label, displayOrder: group.displayOrder, archived: group.archived };
}

function checkTypes(name: string, type: string, fieldType: string): void {
  if (FIELD_TYPES[type]?.includes(fieldType)) return;
  throw validationError(`Property ${name}: fieldType ${fieldType} is not valid for type ${type}`, {
    subCategory: 'Properties.INVALID_FIELD_TYPE',
    context: { propertyName: [name], type: [type], fieldType: [fieldType] },
  });
}

function checkOptions(name: string, options: PropertyInput['options']): void {
  const values = (options ?? []).map((option) => option.value);
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice === undefined) return;
  throw validationError(`Property option values must be unique, '${twice}' is there twice`, {
    subCategory: 'Properties.DUPLICATE_OPTION_VALUE',
    context: { propertyName: [name], value: [twice] },
  });
}

function requireGroup(portal: Portal, type: ObjectType, name: string): void {
  if (groupsOf(portal, type.typeId).has(name)) return;
  throw validationError(`Property group "${name}" does not exist for ${type.plural}`, {
    subCategory: 'Properties.GROUP_DOES_NOT_EXIST',
    context: { groupName: [name] },
  });
}

/** Creates a property with HubSpot's refusals. */
export function createProperty(portal: Portal, type: ObjectType, input: PropertyInput, at: number): PropertyDefinition {
  const all = propertiesOf(portal, type.typeId);
  if (!PROPERTY_NAME.test(input.name)) {
    throw validationError(
      `Property name "${input.name}" is not valid: lower case letters, digits and underscores, beginning with a letter`,
      {
        subCategory: 'Properties.INVALID_PROPERTY_NAME',
        context: { propertyName: [input.name] },
      },
    );
  }
  if (all.has(input.name) && all.get(input.name)?.archived === false) {
    throw conflict(`Property named "${input.name}" already exists. `, {
      category: 'OBJECT_ALREADY_EXISTS',
      subCategory: 'Properties.PROPERTY_EXISTS',
      context: { name: [input.name] },
    });
  }
  requireGroup(portal, type, input.groupName);
  checkTypes(input.name, input.type, input.fieldType);
  checkOptions(input.name, input.options);
  if (input.type === 'enumeration' && !input.externalOptions && (input.options ?? []).length === 0) {
    throw validationError(`Property ${input.name}: an enumeration requires options`, {
      context: { propertyName: [input.name] },
    });
  }
  if (input.hasUniqueValue) {
    const custom = [...all.values()].filter(
      (property) => property.hasUniqueValue && !property.hubspotDefined && !property.archived,
    );
    if (custom.length >= MAX_UNIQUE_PROPERTIES) {
      throw validationError(
        `The limit of ${MAX_UNIQUE_PROPERTIES} properties with unique values for ${type.plural} is reached`,
        {
          subCategory: 'Properties.UNIQUE_PROPERTY_LIMIT_EXCEEDED',
          context: { limit: [String(MAX_UNIQUE_PROPERTIES)] },
        },
      );
    }
    if (input.type !== 'string' && input.type !== 'number')
      throw validationError('Only text and number properties can require unique values');
  }
  const calculated = input.fieldType === 'calculation_equation';
  const property: PropertyDefinition = {
    name: input.name,
    label: input.label,
    type: input.type,
    fieldType: input.fieldType,
    groupName: input.groupName,
    description: input.description ?? '',
    options: optionList(input.options),
    displayOrder: input.displayOrder ?? -1,
    hasUniqueValue: input.hasUniqueValue ?? false,
    hidden: input.hidden ?? false,
    formField: input.formField ?? false,
    hubspotDefined: false,
    calculated,
    externalOptions: input.externalOptions ?? false,
    readOnlyValue: calculated,
    archived: false,
    createdAt: at,
    updatedAt: at,
    ...optionalFields(input),
  };
  all.set(property.name, property);
  return property;
}

function optionList(options: PropertyInput['options']): PropertyDefinition['options'] {
  return (options ?? []).map((option) => ({ ...option, description: option.description ?? '' }));
}

const OPTIONAL_FIELDS = [
  'referencedObjectType',
  'calculationFormula',
  'numberDisplayHint',
  'textDisplayHint',
  'showCurrencySymbol',
  'currencyPropertyName',
  'dataSensitivity',
] as const;

function optionalFields(input: Readonly<Record<string, unknown>>): Partial<PropertyDefinition> {
  return Object.fromEntries(
    OPTIONAL_FIELDS.filter((name) => input[name] !== undefined).map((name) => [name, input[name]]),
  );
}

export function createPropertyRoutes(): Route[] {
  const reads = (params: Record<string, string>): string[][] => {
    const word = isCustomWord(params.objectType ?? '') ? 'custom' : findObjectType(params.objectType ?? '')?.plural;
    return word ? [[`crm.schemas.${word}.read`, `crm.objects.${word}.read`]] : [];
  };
  const writes = (params: Record<string, string>): string[][] => {
    const word = isCustomWord(params.objectType ?? '') ? 'custom' : findObjectType(params.objectType ?? '')?.plural;
    return word ? [[`crm.schemas.${word}.write`]] : [];
  };
  const typeOf = (call: Call): ObjectType => requireObjectType(call.params.objectType, call.portal);

  function find(call: Call, name: string, archived = false): PropertyDefinition {
    const property = propertiesOf(call.portal, typeOf(call).typeId).get(name);
    if (property && property.archived === archived) return property;
    throw notFound({ propertyName: [name] }, `Property ${name} does not exist for ${typeOf(call).plural}`);
  }

  function update(call: Call): Answer {
    const type = typeOf(call);
    const property = find(call, call.params.propertyName ?? '');
    const input = readBody(updateSchema, call.body);
    if (property.hubspotDefined) {
      throw validationError(`Property "${property.name}" is defined by HubSpot and cannot be changed`, {
        subCategory: 'Properties.READ_ONLY_DEFINITION',
        context: { propertyName: [property.name] },
      });
    }
    checkTypes(property.name, input.type ?? property.type, input.fieldType ?? property.fieldType);
    checkOptions(property.name, input.options);
    if (input.groupName !== undefined) requireGroup(call.portal, type, input.groupName);
    property.label = input.label ?? property.label;
    property.description = input.description ?? property.description;
    property.groupName = input.groupName ?? property.groupName;
    property.type = input.type ?? property.type;
    property.fieldType = input.fieldType ?? property.fieldType;
    property.options = input.options ? optionList(input.options) : property.options;
    property.displayOrder = input.displayOrder ?? property.displayOrder;
    property.formField = input.formField ?? property.formField;
    property.hidden = input.hidden ?? property.hidden;
    property.updatedAt = call.at;
    Object.assign(property, optionalFields(input));
    return { status: 200, body: propertyView(call.portal, type, property) };
  }

  function archiveProperty(call: Call, name: string): void {
    const property = propertiesOf(call.portal, typeOf(call).typeId).get(name);
    // "This method will return a 204 No Content response on success regardless of the initial state of the property".
    if (!property || property.archived) return;
    if (property.hubspotDefined)
      throw validationError(`Property "${name}" is defined by HubSpot and cannot be deleted`);
    property.archived = true;
    property.archivedAt = call.at;
  }

  function batchCreate(call: Call): Answer {
    const type = typeOf(call);
    const { inputs } = readBody(batchCreateSchema, call.body);
    requireInputs(inputs, BATCH_LIMIT);
    const results: object[] = [];
    const errors: RowError[] = [];
    for (const input of inputs) {
      try {
        results.push(propertyView(call.portal, type, createProperty(call.portal, type, input, call.at)));
      } catch (error) {
        if (!(error instanceof HubSpotError)) throw error;
        errors.push(rowError(error, { name: [input.name] }));
      }
    }
    return batchAnswer(201, results, errors, call.at);
  }

  function batchRead(call: Call): Answer {
    const type = typeOf(call);
    const body = readBody(batchReadSchema, call.body);
    requireInputs(body.inputs, BATCH_LIMIT);
    const results: object[] = [];
    const errors: RowError[] = [];
    for (const { name } of body.inputs) {
      try {
        results.push(propertyView(call.portal, type, find(call, name, body.archived)));
      } catch (error) {
        if (!(error instanceof HubSpotError)) throw error;
        errors.push(rowError(error, { name: [name] }));
      }
    }
    return batchAnswer(200, results, errors, call.at);
  }

  function list(call: Call): Answer {
    const type = typeOf(call);
    const archived = call.query.flag('archived');
    const results = [...propertiesOf(call.portal, type.typeId).values()]
      .filter((property) => property.archived === archived)
      .map((property) => propertyView(call.portal, type, property));
    return { status: 200, body: { results } };
  }

  function requireGroupOf(call: Call): PropertyGroup {
    const name = call.params.groupName ?? '';
    const group = groupsOf(call.portal, typeOf(call).typeId).get(name);
    if (group) return group;
    throw notFound({ groupName: [name] }, `Property group ${name} does not exist`);
  }

  function createGroup(call: Call): Answer {
    const groups = groupsOf(call.portal, typeOf(call).typeId);
    const input = readBody(groupCreateSchema, call.body);
    if (groups.has(input.name) || [...groups.values()].some((group) => group.label === input.label)) {
      throw conflict(`Property group named "${input.name}" already exists.`, {
        category: 'OBJECT_ALREADY_EXISTS',
        subCategory: 'Properties.GROUP_EXISTS',
        context: { name: [input.name] },
      });
    }
    const group: PropertyGroup = {
      name: input.name,
      label: input.label,
      displayOrder: input.displayOrder ?? -1,
      archived: false,
    };
    groups.set(group.name, group);
    return { status: 201, body: groupView(group) };
  }

  function deleteGroup(call: Call): Answer {
    const group = requireGroupOf(call);
    const used = [...propertiesOf(call.portal, typeOf(call).typeId).values()].some(
      (property) => property.groupName === group.name && !property.archived,
    );
    if (used)
      throw validationError(`Property group ${group.name} still has properties`, {
        context: { groupName: [group.name] },
      });
    groupsOf(call.portal, typeOf(call).typeId).delete(group.name);
    return { status: 204 };
  }

  const collection = '/crm/properties/2026-03/:objectType';
  const groups = `${collection}/groups`;
  const single = `${collection}/:propertyName`;
  const readQuery = ['archived', 'dataSensitivity', 'locale', 'properties'];

  return [
    { method: 'POST', path: `${collection}/batch/create`, scopes: writes, handle: batchCreate },
    { method: 'POST', path: `${collection}/batch/read`, query: ['locale'], scopes: reads, handle: batchRead },
    {
      method: 'POST',
      path: `${collection}/batch/archive`,
      scopes: writes,
      handle(call) {
        const { inputs } = readBody(batchNamesSchema, call.body);
        requireInputs(inputs, BATCH_LIMIT);
        for (const { name } of inputs) archiveProperty(call, name);
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: groups,
      query: ['locale'],
      scopes: reads,
      handle: (call) => ({
        status: 200,
        body: { results: [...groupsOf(call.portal, typeOf(call).typeId).values()].map(groupView) },
      }),
    },
    { method: 'POST', path: groups, scopes: writes, handle: createGroup },
    {
      method: 'GET',
      path: `${groups}/:groupName`,
      query: ['locale'],
      scopes: reads,
      handle: (call) => ({ status: 200, body: groupView(requireGroupOf(call)) }),
    },
    {
      method: 'PATCH',
      path: `${groups}/:groupName`,
      scopes: writes,
      handle(call) {
        const group = requireGroupOf(call);
        const input = readBody(groupUpdateSchema, call.body);
        group.label = input.label ?? group.label;
        group.displayOrder = input.displayOrder ?? group.displayOrder;
        return { status: 200, body: groupView(group) };
      },
    },
    { method: 'DELETE', path: `${groups}/:groupName`, scopes: writes, handle: deleteGroup },
    { method: 'GET', path: collection, query: readQuery, scopes: reads, handle: list },
    {
      method: 'POST',
      path: collection,
      scopes: writes,
      handle(call) {
        const property = createProperty(call.portal, typeOf(call), readBody(createSchema, call.body), call.at);
        return { status: 201, body: propertyView(call.portal, typeOf(call), property) };
      },
    },
    {
      method: 'GET',
      path: single,
      query: readQuery,
      scopes: reads,
      handle(call) {
        const property = find(call, call.params.propertyName ?? '', call.query.flag('archived'));
        return { status: 200, body: propertyView(call.portal, typeOf(call), property) };
      },
    },
    { method: 'PATCH', path: single, scopes: writes, handle: update },
    {
      method: 'DELETE',
      path: single,
      scopes: writes,
      handle(call) {
        archiveProperty(call, call.params.propertyName ?? '');
        return { status: 204 };
      },
    },
  ];
}
