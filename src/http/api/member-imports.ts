import { z } from 'zod';
import { IMPORT_CHARACTERS_MAX, IMPORT_ROWS_MAX, type MemberImports } from '../../application/member-import.ts';
import type { MemberImport, MemberImportStore } from '../../application/ports/store.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { idOf, listOf, nextCursorOf, ownKey, pageOf, pageParameters, time, unreadableCsv } from './fields.ts';
import { type Operation, operation } from './operation.ts';

/** The longest file in JSON, with room for what has to be escaped in it. */
const BODY_BYTES_MAX = 2 * IMPORT_CHARACTERS_MAX;

/** Lines of a report in one answer. */
const REPORT_LINES_MAX = 10_000;

const importId = idOf('imp', 'an import');

const column = z.string('must be text').trim().min(1, 'must not be empty').max(200, 'must have at most 200 characters');

const fileBody = {
  csv: z
    .string('must be text')
    .min(1, 'must not be empty')
    .max(IMPORT_CHARACTERS_MAX, `must have at most ${IMPORT_CHARACTERS_MAX} characters; send it in parts`)
    .meta({
      description: `The file: commas or semicolons, quotes as spreadsheets write them, a first line that names the columns, up to ${IMPORT_ROWS_MAX} rows.`,
    }),
  mapping: z
    .strictObject({
      email: column,
      name: column.optional(),
      firstName: column.optional(),
      lastName: column.optional(),
    })
    .meta({ description: 'Which column holds what, as the first line names it, in any case.' }),
};

const counts = z.strictObject({
  open: z.int().meta({ description: 'Rows that are still to be carried out.' }),
  created: z.int(),
  matched: z.int().meta({ description: 'Rows of people who were members already.' }),
  refused: z.int(),
  removed: z.int().meta({ description: 'Undone.' }),
  kept: z.int().meta({ description: 'Not undone, as the member has been used since; the report says by what.' }),
});

const importSchema = z
  .strictObject({
    id: importId,
    state: z.enum(['running', 'done', 'undoing', 'undone']),
    rows: z.int(),
    counts: counts.nullable().meta({ description: 'Null in a list: ask for the one.' }),
    startedBy: z.string(),
    startedAt: time,
    updatedAt: time,
  })
  .meta({ id: 'MemberImport', description: 'Members that are taken over from a file.' });

export interface MemberImportsApiDeps {
  readonly memberImports: Pick<MemberImports, 'dryRun' | 'start' | 'undo' | 'report'>;
  readonly storedImports: Pick<MemberImportStore, 'get' | 'list'>;
}

export function memberImports({ memberImports: use, storedImports }: MemberImportsApiDeps): Operation[] {
  async function whole(accountId: string, id: string): Promise<z.input<typeof importSchema>> {
    const found = await storedImports.get(accountId, id);
    if (!found) throw noSuchImport();
    return importView(found, found.counts);
  }

  return [
    operation({
      id: 'listMemberImports',
      tag: 'Members',
      method: 'get',
      path: '/member-imports',
      summary: 'List imports of members, newest first',
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of imports.' },
      answer: listOf(importSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await storedImports.list(accountId, pageOf('member-imports', query));
        const views = items.map((one) => importView(one, null));
        return { status: 200, body: { items: views, nextCursor: nextCursorOf('member-imports', next) } };
      },
    }),
    operation({
      id: 'tryMemberImport',
      tag: 'Members',
      method: 'post',
      path: '/member-imports/dry-run',
      summary: 'Say what an import of members would do',
      description: 'Nothing is kept. The report has a line for each row, with the reason of each that is refused.',
      body: z.strictObject(fileBody),
      bodyBytesMax: BODY_BYTES_MAX,
      statuses: { 200: 'What would come of the rows.' },
      answer: z
        .strictObject({
          counts: z.strictObject({ created: z.int(), matched: z.int(), refused: z.int() }),
          csv: z.string(),
        })
        .meta({ id: 'MemberImportDryRun' }),
      problems: [],
      async handle({ accountId, body }) {
        const tried = await use.dryRun(accountId, body);
        if (!tried.ok) throw unreadableCsv(tried.problem);
        return { status: 200, body: { counts: { ...tried.counts }, csv: tried.csv } };
      },
    }),
    operation({
      id: 'startMemberImport',
      tag: 'Members',
      method: 'post',
      path: '/member-imports',
      summary: 'Import members from a CSV',
      description:
        'Carried out row by row, also across a restart; who is a member already is matched by their address. What a row says is kept until it is carried out and no longer.',
      body: z.strictObject({ id: ownKey('import'), ...fileBody }),
      bodyBytesMax: BODY_BYTES_MAX,
      statuses: { 201: 'It has begun.', 200: 'It was known.' },
      answer: importSchema,
      problems: ['other_entry'],
      async handle({ accountId, actor, body }) {
        const id = `imp_${body.id}`;
        const started = await use.start(accountId, { ...body, id, by: actor });
        if (started.kind === 'refused') {
          if (started.code === 'unreadable') throw unreadableCsv(started.problem);
          throw new HttpProblem('other_entry', 'An import of this id was begun with another file or mapping.', {
            errors: [{ field: 'id', problem: 'must be a new one, or that of the very same file' }],
          });
        }
        return { status: started.kind === 'started' ? 201 : 200, body: await whole(accountId, id) };
      },
    }),
    operation({
      id: 'getMemberImport',
      tag: 'Members',
      method: 'get',
      path: '/member-imports/{importId}',
      summary: 'Get how far an import has come',
      params: z.strictObject({ importId }),
      statuses: { 200: 'The import.' },
      answer: importSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        return { status: 200, body: await whole(accountId, params.importId) };
      },
    }),
    operation({
      id: 'reportMemberImport',
      tag: 'Members',
      method: 'get',
      path: '/member-imports/{importId}/report',
      summary: 'Get what became of each row, as CSV',
      description:
        'By the line of the file; what a row said is not repeated. Safe to open in a spreadsheet: no field is taken for a formula.',
      params: z.strictObject({ importId }),
      query: z.strictObject({
        after: z
          .string('must be given once')
          .regex(/^[0-9]{1,9}$/, 'must be the line of the page before')
          .transform(Number)
          .optional()
          .meta({
            type: 'integer',
            minimum: 0,
            maximum: 999_999_999,
            description: 'Lines behind this one, for the next page: `next` of the one before.',
          }),
      }),
      statuses: { 200: `Up to ${REPORT_LINES_MAX} lines.` },
      answer: z.strictObject({ csv: z.string(), next: z.int().nullable() }).meta({ id: 'MemberImportReport' }),
      problems: ['not_found'],
      async handle({ accountId, params, query }) {
        const report = await use.report(accountId, params.importId, query.after ?? 0, REPORT_LINES_MAX);
        if (!report) throw noSuchImport();
        return { status: 200, body: report };
      },
    }),
    operation({
      id: 'undoMemberImport',
      tag: 'Members',
      method: 'post',
      path: '/member-imports/{importId}/undo',
      summary: 'Take the members of an import out again',
      description: 'Those that have done nothing since are removed; the others are kept, and the report says why.',
      params: z.strictObject({ importId }),
      body: z.strictObject({}),
      statuses: { 200: 'The import.' },
      answer: importSchema,
      problems: ['not_found', 'not_possible'],
      async handle({ accountId, params }) {
        const undone = await use.undo(accountId, params.importId);
        if (undone === null) throw noSuchImport();
        if (!undone) throw new HttpProblem('not_possible', 'The import is still being carried out: wait for its end.');
        return { status: 200, body: await whole(accountId, params.importId) };
      },
    }),
  ];
}

function importView(
  { id, state, rows, startedBy, startedAt, updatedAt }: MemberImport,
  told: z.input<typeof counts> | null,
): z.input<typeof importSchema> {
  return {
    id,
    state,
    rows,
    counts: told && { ...told },
    startedBy,
    startedAt: isoOf(startedAt),
    updatedAt: isoOf(updatedAt),
  };
}

function noSuchImport(): HttpProblem {
  return new HttpProblem('not_found', 'This account has no such import.');
}
