import type { z } from 'zod';

/** Longer than HubSpot would wait for us. */
const TIMEOUT_MS = 10_000;
/** Enough of an unexpected answer to see what is wrong. */
const EXCERPT = 300;

interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** One call over HTTP, its answer read by a schema. @throws with what came instead. */
export async function callJson<T>(schema: z.ZodType<T>, url: string, request: Request = {}): Promise<T> {
  const { method = 'GET', headers = {}, body } = request;
  const what = `${method} ${new URL(url).pathname}`;
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${what} answered ${response.status}: ${text.slice(0, EXCERPT)}`);
  return readJson(schema, text, what);
}

/** @throws when the text is not what the schema describes. */
export function readJson<T>(schema: z.ZodType<T>, text: string, what: string): T {
  // An empty answer is read as null, so that "no content" has a schema too.
  const parsed = schema.safeParse(text === '' ? null : JSON.parse(text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`${what} answered something else: ${problems.join('; ')}`);
}
