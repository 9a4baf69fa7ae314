import { z } from 'zod';

/** What we use of Salesforce's answers, and nothing else: an answer with more fields is fine, one without these is unreadable. */

/**
 * JSON in which a number that is no small integer stays as it was written: an amount must not become another one by being read as a
 * float, and Salesforce writes large ones with an exponent.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) ? plainDecimal(context?.source ?? String(value)) : value,
  );
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** `1.25E7` → `12500000`; `250.50` stays. A text that is no number stays too. */
export function plainDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  if (whole === '') return text;
  const shift = Number(exponent);
  // No field of Salesforce's holds more digits than this.
  if (shift === 0 || Math.abs(shift) > 40) return text;
  const digits = whole + fraction;
  const point = whole.length + shift;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const integer = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const rest = padded.slice(at).replace(/0+$/, '');
  return `${sign}${integer}${rest === '' ? '' : `.${rest}`}`;
}

/** `[{"errorCode","message","fields"}]`, from REST and in each failed part of a composite. */
const restErrorSchema = z.looseObject({
  errorCode: z.string(),
  message: z.string().optional().catch(undefined),
  fields: z.array(z.string()).optional().catch(undefined),
});
export const restErrorsSchema = z.array(restErrorSchema).min(1);

/** `{"error","error_description"}`, from OAuth. */
export const oauthErrorSchema = z.looseObject({ error: z.string(), error_description: z.string().optional() });

export interface SalesforceError {
  readonly code: string;
  readonly message: string;
  readonly fields: readonly string[];
}

export const tokenSchema = z.looseObject({
  access_token: z.string().min(1),
  /** Absent where the app does not rotate them. */
  refresh_token: z.string().min(1).optional(),
  instance_url: z.url(),
  /** `https://login.salesforce.com/id/<org>/<user>` */
  id: z.string(),
  scope: z.string().optional(),
});

/** Every value that we ask for is one of these; what lies deeper is a parent's fields. */
const valueSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const parentSchema = z.record(z.string(), z.unknown());
export const rowSchema = z.record(z.string(), z.union([valueSchema, parentSchema, z.array(z.unknown())]));
export type Row = z.infer<typeof rowSchema>;

export const pageSchema = z.looseObject({
  totalSize: z.number(),
  done: z.boolean(),
  nextRecordsUrl: z.string().startsWith('/services/data/').optional(),
  records: z.array(rowSchema),
});
export type QueryPage = z.infer<typeof pageSchema>;

export const compositeSchema = z.looseObject({
  compositeResponse: z.array(z.looseObject({ body: z.unknown(), httpStatusCode: z.int(), referenceId: z.string() })),
});

export const objectsSchema = z.looseObject({ sobjects: z.array(z.looseObject({ name: z.string() })) });

export const describeSchema = z.looseObject({
  name: z.string(),
  fields: z.array(
    z.looseObject({
      name: z.string(),
      type: z.string(),
      length: z.int().optional().catch(undefined),
      createable: z.boolean().optional().catch(undefined),
      updateable: z.boolean().optional().catch(undefined),
    }),
  ),
});

export const deletedSchema = z.looseObject({
  deletedRecords: z.array(z.looseObject({ id: z.string(), deletedDate: z.string() })),
});

/** One row of a collection's answer, in the order of what was sent. */
export const savedSchema = z.array(
  z.looseObject({
    id: z.string().nullish(),
    success: z.boolean(),
    errors: z
      .array(
        z.looseObject({
          statusCode: z.string(),
          message: z.string().optional().catch(undefined),
          fields: z.array(z.string()).nullish().catch(undefined),
        }),
      )
      .default([]),
  }),
);

/** Why one row of a collection was refused. */
export function rowErrors({ errors }: z.output<typeof savedSchema>[number]): SalesforceError[] {
  return errors.map(({ statusCode, message, fields }) => ({
    code: statusCode,
    message: message ?? '',
    fields: fields ?? [],
  }));
}

export const anythingSchema = z.unknown();

export const text = (value: unknown): string | null =>
  value === null || value === undefined || value === '' ? null : String(value);

/** Salesforce writes "2026-11-22T10:00:00.000+0000", which no standard has. */
export function instantOf(value: unknown): number | null {
  const at = Date.parse(String(value ?? '').replace(/\+0000$/, 'Z'));
  return Number.isNaN(at) ? null : at;
}

/** The form of a SOQL literal and of a body. */
export function isoSeconds(at: number): string {
  return `${new Date(Math.floor(at / 1_000) * 1_000).toISOString().slice(0, 19)}Z`;
}
