import { IncomingMessage, ServerResponse } from 'node:http';
import pino, { type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

/** Fields that may carry a secret or personal data wherever they stand; their values never reach a log. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'accessToken',
  'access_token',
  'refreshToken',
  'refresh_token',
  'clientSecret',
  'client_secret',
  'code',
  'state',
  'authorization',
  'cookie',
  'apiKey',
  'email',
  'name',
  'friendName',
  'friendEmail',
  'body',
  'payload',
  'secret',
  'password',
]);

/** What lies deeper is not written at all: nobody has looked at what it is. */
const DEPTH_MAX = 5;

/** Structured logs: one wide line per unit of work, a static message, data in fields. */
export function createLog(options: { level: string; destination?: DestinationStream }): Log {
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Not by pino's `redact`, which walks sixty paths for each line: that was a seventh of what a webhook costs.
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
      serializers: { err: (error: Error) => withoutSecrets(pino.stdSerializers.err(error)) },
    },
    options.destination ?? pino.destination({ sync: false }),
  );
  // A child's own fields are written without asking any formatter.
  const { child } = log;
  log.child = function censoredChild(this: Log, fields, more) {
    return child.call(this, withoutSecrets(fields), more) as never;
  };
  return log;
}

/** The same fields; what may be a secret is censored, and a whole request or response is none of the log's business. */
function withoutSecrets(fields: object): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    // An error is written by its serializer, which looks at it once more.
    safe[name] = value instanceof Error ? value : censored(name, value, 1);
  }
  return safe;
}

function censored(name: string, value: unknown, depth: number): unknown {
  if (SECRET_FIELDS.has(name) && value !== undefined) return '[redacted]';
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  if (value instanceof IncomingMessage || value instanceof ServerResponse) return undefined;
  if (depth === DEPTH_MAX) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => censored('', item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, censored(key, inner, depth + 1)]));
}
