import type { z } from 'zod';
import type { Instant } from '../domain/time.ts';

/** What every connector does with what comes over HTTP, whoever it talks to. */

/** Compatible with pino. */
export interface CallLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Null when it is longer than `bytesMax`, also when it only became so by being unpacked. */
export async function readText({ body }: Response, bytesMax: number): Promise<string | null> {
  if (!body) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // To leave the loop is to cancel the body.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > bytesMax) return null;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** The sender's own time, to the second below; null when it did not say. */
export function dateOf(headers: Headers): Instant | null {
  const at = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(at) ? null : at;
}

/** Why there was no connection, for the log. */
export function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown';
  const inner = cause.cause;
  if (inner instanceof Error) return 'code' in inner ? String(inner.code) : inner.message;
  return cause.message;
}

/** Where an answer is of another shape than was asked for, for the log: places and kinds, never values. */
export function shapeProblems(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.')} ${message}`)
    .join('; ');
}

const MOMENT = /^\d{4}-\d{2}-\d{2}T/;
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Whether a CRM shows what it was given: it writes times and numbers in its own way. */
export function isSameValue(wanted: string, shown: string): boolean {
  if (wanted === shown) return true;
  if (MOMENT.test(wanted) && MOMENT.test(shown)) return Date.parse(wanted) === Date.parse(shown);
  return DECIMAL.test(wanted) && DECIMAL.test(shown) && Number(wanted) === Number(shown);
}
