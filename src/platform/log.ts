import pino, { type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

/** Fields that may carry a secret or personal data wherever they stand; their values never reach a log. */
const SECRET_FIELDS = [
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
];

const MAX_DEPTH = 3;

/** Structured logs: one wide line per unit of work, a static message, data in fields. */
export function createLog(options: { level: string; destination?: DestinationStream }): Log {
  const paths = SECRET_FIELDS.flatMap((field) =>
    Array.from({ length: MAX_DEPTH }, (_, depth) => `${'*.'.repeat(depth)}${field}`),
  );
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: '[redacted]' },
    },
    options.destination ?? pino.destination({ sync: false }),
  );
}
