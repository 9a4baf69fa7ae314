import { z } from 'zod';
import { csvOf } from '../../application/csv.ts';
import type { AuditEntry, AuditLogStore } from '../../application/ports/store.ts';
import { isoOf } from '../../domain/time.ts';
import { given, listOf, nextCursorOf, pageOf, pageParameters, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';

export interface AuditLogDeps {
  readonly auditLog: Pick<AuditLogStore, 'list'>;
}

const FILTER_LENGTH_MAX = 254;

const filter = (description: string) =>
  z
    .string('must be given once')
    .min(1, 'must not be empty')
    .max(FILTER_LENGTH_MAX, `must have at most ${FILTER_LENGTH_MAX} characters`)
    .optional()
    .meta({ description });

const filters = {
  actor: filter(
    'By whom: the e-mail address of a user, the label of an API key, or `cli:` and the name of who sat at the command line.',
  ),
  operation: filter(
    'What: the operationId in this document, or a name of its own for what only the command line can do.',
  ),
  subject: filter('Of what: an id.'),
};

const json = z.unknown().meta({ description: 'As the API shows it; null where there is nothing to show.' });

const entrySchema = z.strictObject({
  id: z.string(),
  at: time,
  actor: z.string(),
  via: z.enum(['api', 'console', 'cli']),
  operation: z.string(),
  subject: z.string().nullable(),
  input: json,
  before: json,
  after: json,
  status: z
    .int()
    .nullable()
    .meta({ description: 'As HTTP has it; null: under way, or the node died before it was over.' }),
  ref: z.string(),
});

/** Who changed what, with how it was before and is after. */
export function auditLog({ auditLog: log }: AuditLogDeps): Operation[] {
  return [
    operation({
      id: 'listAuditEntries',
      tag: 'Audit log',
      method: 'get',
      path: '/audit-log',
      summary: 'List who changed what, newest first',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'A page of the log.' },
      answer: listOf(entrySchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { actor, operation: of, subject } = query;
        const page = await log.list(accountId, pageOf('audit-log', query), given({ actor, operation: of, subject }));
        return {
          status: 200,
          body: { items: page.items.map(viewOf), nextCursor: nextCursorOf('audit-log', page.next) },
        };
      },
    }),
    operation({
      id: 'exportAuditEntries',
      tag: 'Audit log',
      method: 'get',
      path: '/audit-log/csv',
      summary: 'A page of the log as CSV',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'The page, with a first line that names the columns.' },
      answer: z.strictObject({ csv: z.string(), nextCursor: z.string().nullable() }),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { actor, operation: of, subject } = query;
        const page = await log.list(accountId, pageOf('audit-log', query), given({ actor, operation: of, subject }));
        const columns = ['at', 'actor', 'via', 'operation', 'subject', 'status', 'before', 'after', 'ref'];
        const rows = page.items
          .map(viewOf)
          .map((one) => [
            one.at,
            one.actor,
            one.via,
            one.operation,
            one.subject ?? '',
            one.status === null ? '' : String(one.status),
            one.before === null ? '' : JSON.stringify(one.before),
            one.after === null ? '' : JSON.stringify(one.after),
            one.ref,
          ]);
        return { status: 200, body: { csv: csvOf(columns, rows), nextCursor: nextCursorOf('audit-log', page.next) } };
      },
    }),
  ];
}

function viewOf(entry: AuditEntry) {
  return { ...entry, at: isoOf(entry.at) };
}
