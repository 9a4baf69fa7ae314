import { z } from 'zod';

/**
 * What we use of HubSpot's answers, and nothing else: an answer with more fields is fine, one without these is unreadable.
 */

/** Ids arrive as strings in most answers and as numbers in some; they are never calculated with. */
export const idSchema = z.custom<string | number>(isId).transform(String);

/** A function and not a union of schemas, which makes an error for every id that is not of its first kind: half of what an event costs. */
function isId(value: unknown): boolean {
  return typeof value === 'string' ? value !== '' : Number.isSafeInteger(value) && Number(value) >= 0;
}

const isoInstant = z.string().transform((text, context) => {
  const at = Date.parse(text);
  if (Number.isNaN(at)) context.addIssue({ code: 'custom', message: 'not a date' });
  return at;
});

/**
 * JSON in which integers beyond 2^53 stay exact, as strings: an id rounded to its neighbour would be another record's.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  // Nearly no text has one. Reading with a reviver takes many times as long, and looking through what was read less than the reading.
  if (!holdsLargeInteger(parsed)) return parsed;
  return JSON.parse(text, (_key: string, value: unknown, context?: { readonly source?: string }) =>
    isLargeInteger(value) ? (context?.source ?? value) : value,
  );
}

function isLargeInteger(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}

function holdsLargeInteger(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isLargeInteger(value);
  return Object.values(value).some(holdsLargeInteger);
}

const contextSchema = z.record(z.string(), z.unknown()).optional().catch(undefined);

const errorDetailSchema = z.looseObject({
  message: z.string().optional().catch(undefined),
  code: z.string().optional().catch(undefined),
  subCategory: z.unknown().optional(),
  context: contextSchema,
});

/** The body of an answer from 400 on, and of one row's error in a 207. Every field is optional: HubSpot has several shapes. */
export const errorSchema = z.looseObject({
  status: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  category: z.string().optional().catch(undefined),
  subCategory: z.unknown().optional(),
  errorType: z.string().optional().catch(undefined),
  policyName: z.string().optional().catch(undefined),
  correlationId: z.string().optional().catch(undefined),
  /** OAuth's own two. */
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional().catch(undefined),
  context: contextSchema,
  errors: z.array(errorDetailSchema).optional().catch(undefined),
});
export type HubSpotError = z.infer<typeof errorSchema>;

const propertyValue = z.string().nullable();

const historySchema = z.array(z.looseObject({ value: propertyValue.optional(), timestamp: isoInstant }));

export const recordSchema = z.looseObject({
  id: idSchema,
  properties: z.record(z.string(), propertyValue),
  propertiesWithHistory: z.record(z.string(), historySchema).optional(),
  createdAt: isoInstant,
  updatedAt: isoInstant,
  archived: z.boolean().optional(),
});
export type HubSpotRecord = z.infer<typeof recordSchema>;

/** A batch that HubSpot has not finished is no answer: what is missing from it may still come. */
const completeSchema = z.literal('COMPLETE');

export const batchRecordsSchema = z.looseObject({
  status: completeSchema,
  results: z.array(recordSchema),
  errors: z.array(errorSchema).optional(),
});

export const ownersSchema = z.looseObject({
  results: z.array(
    z.looseObject({
      id: idSchema,
      email: z.string().nullish(),
      firstName: z.string().nullish(),
      lastName: z.string().nullish(),
    }),
  ),
  paging: z.looseObject({ next: z.looseObject({ after: z.string() }).nullish() }).nullish(),
});

export const batchUpdateSchema = z.looseObject({
  status: completeSchema,
  results: z.array(z.looseObject({ id: idSchema })),
  errors: z.array(errorSchema).optional(),
});

export const associationsSchema = z.looseObject({
  status: completeSchema,
  results: z.array(
    z.looseObject({
      from: z.looseObject({ id: idSchema }),
      to: z.array(
        z.looseObject({
          toObjectId: idSchema,
          associationTypes: z.array(z.looseObject({ label: z.string().nullish(), category: z.string() })),
        }),
      ),
      paging: z.looseObject({ next: z.looseObject({ after: z.string() }).nullish() }).nullish(),
    }),
  ),
  errors: z.array(errorSchema).optional(),
});

export const labelsSchema = z.looseObject({
  results: z.array(z.looseObject({ category: z.string(), label: z.string().nullish() })),
});

export const pipelinesSchema = z.looseObject({
  results: z.array(
    z.looseObject({
      id: z.string(),
      label: z.string(),
      archived: z.boolean().optional(),
      displayOrder: z.number().optional().catch(undefined),
      stages: z.array(
        z.looseObject({
          id: z.string(),
          label: z.string(),
          archived: z.boolean().optional(),
          displayOrder: z.number().optional().catch(undefined),
          metadata: z.looseObject({
            isClosed: z.union([z.string(), z.boolean()]).optional(),
            probability: z.union([z.string(), z.number()]).optional(),
          }),
        }),
      ),
    }),
  ),
});

export const accountSchema = z.looseObject({
  portalId: idSchema,
  companyCurrency: z.string().nullish(),
  timeZone: z.string().nullish(),
  uiDomain: z.string().nullish(),
});

export const searchSchema = z.looseObject({
  results: z.array(
    z.looseObject({ id: idSchema, properties: z.record(z.string(), propertyValue), updatedAt: isoInstant.optional() }),
  ),
  paging: z.looseObject({ next: z.looseObject({ after: z.string() }).nullish() }).nullish(),
  total: z.int().min(0).optional().catch(undefined),
});

const listShape = {
  listId: idSchema,
  name: z.string(),
  objectTypeId: z.string(),
};

export const listsFoundSchema = z.looseObject({
  lists: z.array(
    z.looseObject({ ...listShape, additionalProperties: z.record(z.string(), z.string()).nullish().catch(null) }),
  ),
});

export const listSchema = z.looseObject({
  list: z.looseObject({
    ...listShape,
    size: z.int().min(0).nullish().catch(null),
    deletedAt: z.string().nullish(),
  }),
});

export const listMembersSchema = z.looseObject({
  results: z.array(z.looseObject({ recordId: idSchema })),
  paging: z.looseObject({ next: z.looseObject({ after: z.string() }).nullish() }).nullish(),
});

export const propertySchema = z.looseObject({
  name: z.string(),
  type: z.string(),
  groupName: z.string().nullish(),
  hasUniqueValue: z.boolean().optional(),
  archived: z.boolean().optional(),
});
export type HubSpotProperty = z.infer<typeof propertySchema>;

export const propertiesSchema = z.looseObject({ results: z.array(propertySchema) });

export const groupsSchema = z.looseObject({
  results: z.array(z.looseObject({ name: z.string(), archived: z.boolean().optional() })),
});

const customPath = z.custom<`2-${string}`>((value) => typeof value === 'string' && /^2-\d+$/.test(value));

export const schemaSchema = z.looseObject({
  name: z.string(),
  objectTypeId: customPath,
  archived: z.boolean().optional(),
  properties: z.array(propertySchema),
  associations: z.array(z.looseObject({ fromObjectTypeId: z.string(), toObjectTypeId: z.string() })),
});
export type HubSpotSchema = z.infer<typeof schemaSchema>;

/** A customer's own objects may be of other kinds: they are none of ours and are not looked into. */
export const schemasSchema = z.looseObject({ results: z.array(z.looseObject({ name: z.string() })) });

export const objectLimitSchema = z.looseObject({ limit: z.number(), usage: z.number() });

export const upsertedSchema = z.looseObject({
  status: completeSchema,
  results: z.array(z.looseObject({ id: idSchema, properties: z.record(z.string(), propertyValue) })),
  errors: z.array(errorSchema).optional(),
});

export const associatedSchema = z.looseObject({
  status: completeSchema,
  errors: z.array(errorSchema).optional(),
});

export const objectPageSchema = z.looseObject({ results: z.array(z.looseObject({ id: idSchema })) });

/** For writes whose answer adds nothing to its status. */
export const anythingSchema = z.unknown();

/** `hub_id` and `scopes` are optional in HubSpot's specification of 2026-03; the introspection always has them. */
export const tokenSchema = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_in: z.number().positive(),
  hub_id: idSchema.optional(),
  scopes: z.array(z.string()).optional(),
  user_id: idSchema.optional(),
});

export const introspectionSchema = z.looseObject({
  hub_id: idSchema,
  scopes: z.array(z.string()),
  user_id: idSchema.optional(),
});

export const eventSchema = z.looseObject({
  portalId: idSchema,
  subscriptionType: z.string().min(1).optional(),
  /** The name of the same field in samples of the documentation. */
  eventType: z.string().min(1).optional(),
  eventId: idSchema.optional(),
  occurredAt: z.union([z.number(), z.string()]).optional(),
  objectId: idSchema.optional(),
  objectTypeId: z.string().optional(),
  propertyName: z.string().optional(),
  changeSource: z.string().nullish(),
  sourceId: z.union([z.string(), z.number()]).nullish(),
  primaryObjectId: idSchema.optional(),
  mergedObjectIds: z.array(idSchema).optional(),
  newObjectId: idSchema.optional(),
  associationType: z.string().optional(),
  fromObjectId: idSchema.optional(),
  toObjectId: idSchema.optional(),
  fromObjectTypeId: z.string().optional(),
  toObjectTypeId: z.string().optional(),
  associationRemoved: z.boolean().optional(),
  associationTypeId: idSchema.optional(),
  isPrimaryAssociation: z.boolean().optional(),
});
export type HubSpotEvent = z.infer<typeof eventSchema>;
