import { z } from 'zod';
import type { PageCursor } from '../../application/ports/store.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { HttpProblem } from '../problem.ts';

/** A page this long is read by a program in well under a second, and shown by none. */
const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 50;
const NAME_LENGTH_MAX = 200;
/** RFC 5321's longest address. */
const EMAIL_LENGTH_MAX = 254;

/** An id of one of our own things. What does not look like one is never looked up. */
export function idOf(prefix: string, what: string) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[a-z0-9-]{1,64}$`), `must be the id of ${what}, such as ${prefix}_…`)
    .meta({ description: `Id of ${what}.` });
}

/** Part of an id that the caller chooses, so that asking again makes nothing a second time. */
export function ownKey(what: string) {
  return z
    .string('must be text')
    .regex(/^[a-z0-9][a-z0-9-]{0,59}$/, 'must be 1 to 60 lower case letters, digits and dashes')
    .meta({
      description: `Chosen by the caller: the same one again is the same ${what}. Its id ends with it.`,
      example: 'spring-2026',
    });
}

/** HubSpot numbers its records; Salesforce's ids have 15 or 18 letters and digits. */
export const recordId = z
  .string()
  .regex(/^[A-Za-z0-9]{1,40}$/, "must be the record's id in the CRM: letters and digits")
  .meta({ description: "The record's id in the CRM." });

/** A name as people have them: any script, but nothing that a database or a screen cannot show. */
export const personName = z
  .string('must be text or null')
  .trim()
  .min(1, 'must not be empty; leave it out or send null when it is not known')
  .max(NAME_LENGTH_MAX, `must have at most ${NAME_LENGTH_MAX} characters`)
  .refine(isShowable, 'must not contain control characters or broken Unicode')
  .meta({ description: 'As people write it.', example: 'Ada Lovelace' });

export const email = z
  .string('must be an e-mail address or null')
  .trim()
  .max(EMAIL_LENGTH_MAX, `must have at most ${EMAIL_LENGTH_MAX} characters`)
  // No flag: the document writes expressions without theirs. Each dot can only be the one between two labels, so that a text of any
  // length is read once; the length above does not keep a longer one from being looked at.
  .regex(/^[^\s@"<>(),;:\\[\]]+@[^\s@"<>(),;:\\[\].]+(\.[^\s@"<>(),;:\\[\].]+)+$/, 'must be an e-mail address')
  .refine(isShowable, 'must not contain control characters or broken Unicode')
  .meta({ description: 'E-mail address; compared in lower case.', format: 'email', example: 'ada@example.com' });

function isShowable(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** A time that a caller gives. */
export const moment = z.iso.datetime({ error: 'must be a time in UTC, such as 2026-01-31T00:00:00Z' });

export const time = z.iso.datetime().meta({ description: 'ISO 8601 in UTC, with milliseconds.' });

/** Far below the largest body, and far above a batch. */
const CSV_LENGTH_MAX = 500_000;

/** A file as text: the API speaks JSON, and a file of rows is read as people save it. */
export const csvText = z
  .string('must be text')
  .min(1, 'must not be empty')
  .max(CSV_LENGTH_MAX, `must have at most ${CSV_LENGTH_MAX} characters; send it in parts`)
  .meta({
    description:
      'The file: commas or semicolons, quotes as spreadsheets write them, a first line that names the columns.',
  });

export function unreadableCsv(problem: string): HttpProblem {
  return new HttpProblem('invalid_request', 'The file cannot be read; nothing was changed.', {
    errors: [{ field: 'csv', problem }],
  });
}

/** A line that a person writes and that stays: never empty, nothing that a screen cannot show. */
export function sentence(lengthMax: number) {
  return z
    .string('must be text')
    .trim()
    .min(1, 'must not be empty')
    .max(lengthMax, `must have at most ${lengthMax} characters`)
    .refine(isShowable, 'must not contain control characters or broken Unicode');
}

/** Several lines that people write and read; line ends as any editor has them. */
export function paragraphs(lengthMax: number) {
  return z
    .string('must be text')
    .transform((text) => text.replace(/\r\n?/g, '\n').trim())
    .pipe(
      z
        .string()
        .min(1, 'must not be empty')
        .max(lengthMax, `must have at most ${lengthMax} characters`)
        .refine(
          (text) => isShowable(text.replaceAll('\n', ' ')),
          'must not contain control characters or broken Unicode',
        ),
    );
}

/** The two parameters of every list; further filters are added to them. */
export const pageParameters = {
  limit: z
    .string('must be given once')
    .regex(/^[0-9]{1,3}$/, `must be a number from 1 to ${LIMIT_MAX}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LIMIT_MAX, `must be a number from 1 to ${LIMIT_MAX}`)
    .optional()
    .meta({
      type: 'integer',
      minimum: 1,
      maximum: LIMIT_MAX,
      default: LIMIT_DEFAULT,
      description: 'How many to return at most.',
    }),
  cursor: z
    .string('must be given once')
    .optional()
    .meta({ description: 'The `nextCursor` of the page before; left out for the first page.' }),
};

export interface PageQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** @throws HttpProblem `invalid_cursor`. */
export function pageOf(
  list: string,
  { limit = LIMIT_DEFAULT, cursor }: PageQuery,
): { limit: number; cursor: PageCursor | null } {
  if (cursor === undefined) return { limit, cursor: null };
  const decoded = decodeCursor(list, cursor);
  if (decoded) return { limit, cursor: decoded };
  throw new HttpProblem('invalid_cursor', "Send the last page's nextCursor as it came, or no cursor to begin anew.", {
    errors: [{ field: 'cursor', problem: "must be this list's nextCursor, unchanged" }],
  });
}

export function nextCursorOf(list: string, next: PageCursor | null): string | null {
  return next && encodeCursor(list, next);
}

/** A page of a list for a spreadsheet. */
export const csvPage = z
  .strictObject({ csv: z.string(), nextCursor: z.string().nullable() })
  .meta({ id: 'CsvPage', description: 'Each page has a first line that names the columns.' });

const SEARCH_LENGTH_MAX = 200;

/** What somebody types who looks for somebody. */
export function searchWord(description: string) {
  return z
    .string('must be given once')
    .trim()
    .min(1, 'must not be empty; leave it out for everybody')
    .max(SEARCH_LENGTH_MAX, `must have at most ${SEARCH_LENGTH_MAX} characters`)
    .refine(isShowable, 'must not contain control characters or broken Unicode')
    .optional()
    .meta({ description });
}

/** Filters that were given, without the keys of those that were not. */
export function given<T extends object>(filters: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as never;
}

export function listOf<T extends z.ZodType, S extends z.ZodRawShape = Record<never, never>>(item: T, beside?: S) {
  return z.strictObject({
    ...(beside as S),
    items: z.array(item),
    nextCursor: z.string().nullable().meta({ description: 'Where the next page begins; null on the last one.' }),
  });
}

/** Before any record of a CRM. */
const EARLIEST = '1970-01-01T00:00:00.000Z';

/** Of events, by the CRM's clock. */
export const periodParameters = {
  from: moment.optional().meta({ description: 'Events before are left out. Left out itself: all that is recorded.' }),
  to: moment.optional().meta({ description: 'Events from then on are left out. Left out itself: up to now.' }),
};

export function periodOf({ from, to }: { from?: string | undefined; to?: string | undefined }, now: number) {
  const period = { from: Date.parse(from ?? EARLIEST), to: to ? Date.parse(to) : now };
  if (period.from < period.to) return period;
  throw new HttpProblem('invalid_request', 'There is no time between the two.', {
    errors: [{ field: 'from', problem: 'must be before "to"' }],
  });
}
