import { z } from 'zod';
import type { ConsentTexts } from '../../application/consent-texts.ts';
import {
  IMPORT_CHARACTERS_MAX,
  IMPORT_ROWS_MAX,
  LIST_TRIED_MAX,
  type ListRefusal,
  type MemberImports,
} from '../../application/member-import.ts';
import type { MemberImport, MemberImportStore } from '../../application/ports/store.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { assertText, saidConsent } from './consent-schemas.ts';
import { idOf, listOf, nextCursorOf, ownKey, pageOf, pageParameters, time, unreadableCsv } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId } from './schemas.ts';

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

const consent = saidConsent.optional().meta({
  description: 'Which consent text all of these people were shown before; kept with those who become members.',
});

/** Lists in one answer; who has more of them searches. */
const LISTS_MAX = 100;

const crmListId = z
  .string('must be text')
  .trim()
  .min(1, 'must not be empty')
  .max(60, 'must have at most 60 characters')
  .meta({
    description: 'The CRM’s own id of the list, as GET /connections/{connectionId}/lists gives it.',
    example: '17',
  });

const listBody = { connectionId, listId: crmListId };

const crmListSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    size: z.int().nullable().meta({ description: 'About how many people are on it; null where the CRM does not say.' }),
  })
  .meta({ id: 'CrmList', description: 'People whom the customer has put together in the CRM.' });

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
    state: z
      .enum(['listing', 'running', 'done', 'undoing', 'undone'])
      .meta({ description: 'listing: its list is being read, which waits while the CRM is not connected.' }),
    list: z
      .strictObject({ connectionId, listId: z.string() })
      .nullable()
      .meta({ description: 'The list in a CRM that the people are taken from; null for a file.' }),
    rows: z.int().meta({ description: 'Of a list that is being read, those that were read.' }),
    counts: counts.nullable().meta({ description: 'Null in a list: ask for the one.' }),
    startedBy: z.string(),
    startedAt: time,
    updatedAt: time,
  })
  .meta({ id: 'MemberImport', description: 'Members that are taken over from a file, or from a list in a CRM.' });

export interface MemberImportsApiDeps {
  readonly memberImports: Pick<
    MemberImports,
    'dryRun' | 'start' | 'lists' | 'tryList' | 'startList' | 'undo' | 'report'
  >;
  readonly storedImports: Pick<MemberImportStore, 'get' | 'list'>;
  readonly consentTexts: Pick<ConsentTexts, 'has'>;
}

export function memberImports({ memberImports: use, storedImports, consentTexts }: MemberImportsApiDeps): Operation[] {
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
      body: z.strictObject({ id: ownKey('import'), ...fileBody, consent }),
      bodyBytesMax: BODY_BYTES_MAX,
      statuses: { 201: 'It has begun.', 200: 'It was known.' },
      answer: importSchema,
      problems: ['other_entry'],
      async handle({ accountId, actor, body }) {
        const id = `imp_${body.id}`;
        if (body.consent) await assertText(consentTexts, accountId, 'member', body.consent);
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
      id: 'listCrmLists',
      tag: 'Members',
      method: 'get',
      path: '/connections/{connectionId}/lists',
      summary: 'List the lists of people in a CRM',
      params: z.strictObject({ connectionId }),
      query: z.strictObject({
        search: z
          .string('must be given once')
          .max(100, 'must have at most 100 characters')
          .optional()
          .meta({ description: 'What their name holds; without it any.' }),
      }),
      statuses: { 200: `Up to ${LISTS_MAX} lists.` },
      answer: z.strictObject({ items: z.array(crmListSchema) }),
      problems: ['not_found', 'connection_lost', 'not_possible', 'crm_refused', 'try_again'],
      async handle({ accountId, params, query }) {
        const result = await use.lists(accountId, params.connectionId, query.search ?? '', LISTS_MAX);
        if (result.kind === 'refused') {
          if (result.code === 'no_such_connection')
            throw new HttpProblem('not_found', 'This account has no such connection.');
          throw refusedList(result);
        }
        return { status: 200, body: { items: result.lists.map((list) => ({ ...list })) } };
      },
    }),
    operation({
      id: 'tryListImport',
      tag: 'Members',
      method: 'post',
      path: '/member-imports/list/dry-run',
      summary: 'Say what an import of a CRM’s list would do',
      description: `Nothing is kept. Looks at the first ${LIST_TRIED_MAX} people on the list, by the ids of their records; a line of the report for each.`,
      body: z.strictObject(listBody),
      statuses: { 200: 'What would come of them.' },
      answer: z
        .strictObject({
          list: crmListSchema,
          isWhole: z.boolean().meta({ description: 'Whether everybody on the list was looked at.' }),
          counts: z.strictObject({ created: z.int(), matched: z.int(), refused: z.int() }),
          csv: z.string(),
        })
        .meta({ id: 'ListImportDryRun' }),
      problems: ['no_such_connection', 'connection_lost', 'not_possible', 'crm_refused', 'try_again'],
      async handle({ accountId, body }) {
        const tried = await use.tryList(accountId, body);
        if (tried.kind === 'refused') throw refusedList(tried);
        const { list, isWhole, counts: told, csv } = tried;
        return { status: 200, body: { list: { ...list }, isWhole, counts: { ...told }, csv } };
      },
    }),
    operation({
      id: 'startListImport',
      tag: 'Members',
      method: 'post',
      path: '/member-imports/list',
      summary: 'Import members from a list in a CRM',
      description:
        'Everybody who is on the list now becomes a member, also across a restart; who is one already is matched by their contact or address. Who joins the list later is no part of it.',
      body: z.strictObject({ id: ownKey('import'), ...listBody, consent }),
      statuses: { 201: 'It has begun.', 200: 'It was known.' },
      answer: importSchema,
      problems: ['other_entry', 'no_such_connection', 'connection_lost', 'not_possible', 'crm_refused', 'try_again'],
      async handle({ accountId, actor, body }) {
        const id = `imp_${body.id}`;
        if (body.consent) await assertText(consentTexts, accountId, 'member', body.consent);
        const started = await use.startList(accountId, { ...body, id, by: actor });
        if (started.kind === 'refused') {
          if (started.code !== 'other') throw refusedList(started);
          throw new HttpProblem('other_entry', 'An import of this id was begun with something else.', {
            errors: [{ field: 'id', problem: 'must be a new one, or that of the very same list' }],
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
      description:
        'Those that have done nothing since are removed; the others are kept, and the report says why. One that is still being read or carried out is stopped first, also while its CRM is not connected.',
      params: z.strictObject({ importId }),
      body: z.strictObject({}),
      statuses: { 200: 'The import.' },
      answer: importSchema,
      problems: ['not_found', 'busy'],
      async handle({ accountId, params }) {
        if ((await use.undo(accountId, params.importId)) === null) throw noSuchImport();
        return { status: 200, body: await whole(accountId, params.importId) };
      },
    }),
  ];
}

function refusedList({ code }: Pick<ListRefusal, 'code'>): HttpProblem {
  switch (code) {
    case 'no_such_connection':
      return new HttpProblem('no_such_connection', 'This account has no such connection.', {
        errors: [{ field: 'connectionId', problem: 'must be the id of one of your connections' }],
      });
    case 'not_connected':
      return new HttpProblem('connection_lost', 'The CRM is not connected: connect it again, then ask anew.');
    case 'no_lists':
      return new HttpProblem(
        'not_possible',
        'Wonward may not read lists in this CRM: connect it again and allow it, or import a file.',
      );
    case 'no_such_list':
      return new HttpProblem(
        'not_possible',
        'The CRM has no such list of people; its lists are under GET /connections/{connectionId}/lists.',
        {
          errors: [{ field: 'listId', problem: 'must be the id of a list of people' }],
        },
      );
  }
}

function importView(
  { id, state, list, rows, startedBy, startedAt, updatedAt }: MemberImport,
  told: z.input<typeof counts> | null,
): z.input<typeof importSchema> {
  return {
    id,
    state,
    list: list && { connectionId: list.connectionId, listId: list.listId },
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
