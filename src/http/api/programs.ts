import { z } from 'zod';
import type { DryRunStore, PageInput, ProgramStore } from '../../application/ports/store.ts';
import { moneyInput, pathText, programDocument } from '../../application/program-document.ts';
import type { Publish, PublishResult } from '../../application/publish.ts';
import type { ProgramVersion } from '../../domain/program.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { csvOfDryRun, dryRunCsv, dryRunOf, dryRunParams, dryRunRefused, seenDryRun } from './dry-runs.ts';
import { nextCursorOf, pageOf, pageParameters, periodOf, periodParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { budgetEntrySchema, budgetSchema, dryRunSchema, programSchema } from './schemas.ts';
import { budgetEntryView, dryRunView, moneyView, programView } from './views.ts';

export interface ProgramsDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly programs: ProgramStore;
  readonly dryRuns: Pick<DryRunStore, 'get'>;
  readonly publish: Publish;
  readonly onBudget: () => void;
}

/** A sentence for the books. */
const NOTE_LENGTH_MAX = 300;

/** Entries have ids of their makers' choosing; in cursors they look like all ids. */
const CURSOR_PREFIX = 'bud_';

function withoutPrefix(page: PageInput): PageInput {
  return { ...page, cursor: page.cursor && { ...page.cursor, id: page.cursor.id.slice(CURSOR_PREFIX.length) } };
}

const budgetInput = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9-]{1,60}$/, 'must be up to 60 lower case letters, digits and dashes')
    .meta({ description: 'Of your own choosing, such as the number of the approval.', example: '4711' }),
  money: moneyInput,
  note: z.string().trim().min(1).max(NOTE_LENGTH_MAX),
});

export const programParams = z.strictObject({
  programId: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/)
    .meta({ description: 'As the program document names it.', example: 'default' }),
});

/** The version, or the problem that says why there is none. */
export function publishedOf(result: PublishResult): ProgramVersion {
  if (result.kind === 'published') return result.version;
  if (result.kind === 'unpayable') {
    const errors = result.rules.map(({ index, ready }) => ({
      field: `rules[${index}].payout`,
      problem: `must be one of ${ready.join(', ')}, as configured here`,
    }));
    throw new HttpProblem('invalid_request', 'A rule could never be paid.', { errors });
  }
  if (result.kind === 'unknown_properties') {
    const errors = result.problems.map(({ path, problem }) => ({ field: pathText(path), problem }));
    throw new HttpProblem('invalid_request', 'A rule asks about what the CRM does not have.', { errors });
  }
  switch (result.code) {
    case 'no_such_dry_run':
    case 'other_draft':
      throw dryRunRefused(result, '/programs/dry-run');
    case 'second_person':
      throw new HttpProblem(
        'second_person',
        'This account asks for two people. Keep the program as a draft (PUT /programs/{programId}/draft); somebody who has not worked on it publishes it.',
      );
    case 'no_draft':
      throw new HttpProblem('not_found', 'This program has no draft.');
    case 'draft_changed':
      throw new HttpProblem(
        'draft_changed',
        'Somebody has changed the draft since you read it. Read it again before you publish it.',
      );
  }
}

export function programs({ clock, programs: stored, dryRuns, publish, onBudget }: ProgramsDeps): Operation[] {
  return [
    operation({
      id: 'listPrograms',
      tag: 'Programs',
      method: 'get',
      path: '/programs',
      summary: 'List the published versions, newest first',
      query: z.strictObject({}),
      statuses: { 200: 'All versions.' },
      answer: z.strictObject({ items: z.array(programSchema) }),
      problems: [],
      async handle({ accountId }) {
        const versions = await stored.versions(accountId);
        return { status: 200, body: { items: versions.map(programView).reverse() } };
      },
    }),
    operation({
      id: 'publishProgram',
      tag: 'Programs',
      method: 'post',
      path: '/programs',
      summary: 'Publish a program',
      description:
        'Adds the next version, in force from now on for deals that are won from now on. Publishing what is in force already adds nothing and returns it.',
      query: z.strictObject(seenDryRun),
      body: programDocument,
      statuses: { 200: 'The version in force.' },
      answer: programSchema,
      problems: ['no_such_dry_run', 'other_draft', 'second_person'],
      async handle({ accountId, actor, query, body }) {
        const result = await publish.publish(accountId, body, { by: actor, dryRunId: query.dryRunId ?? null });
        return { status: 200, body: programView(publishedOf(result)) };
      },
    }),
    operation({
      id: 'tryProgram',
      tag: 'Programs',
      method: 'post',
      path: '/programs/dry-run',
      summary: 'Try a program on all of history',
      description:
        'Decides anew on everything that is recorded, with this program in the place of what was published, and tells what would be paid otherwise. Pays and changes nothing.',
      body: z.strictObject({ program: programDocument, ...periodParameters }),
      statuses: { 201: 'What it would have done.' },
      answer: dryRunSchema,
      problems: [],
      async handle({ accountId, actor, body }) {
        const period = periodOf(body, clock.now());
        return { status: 201, body: dryRunView(await publish.tryOut(accountId, body.program, period, actor)) };
      },
    }),
    operation({
      id: 'getDryRun',
      tag: 'Programs',
      method: 'get',
      path: '/programs/dry-run/{dryRunId}',
      summary: 'Get a dry run of a program',
      params: z.strictObject(dryRunParams),
      statuses: { 200: 'What it would have done.' },
      answer: dryRunSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        return { status: 200, body: dryRunView(await dryRunOf(dryRuns, accountId, params.dryRunId, 'program')) };
      },
    }),
    operation({
      id: 'exportDryRun',
      tag: 'Programs',
      method: 'get',
      path: '/programs/dry-run/{dryRunId}/csv',
      summary: 'Differences of a dry run of a program as CSV',
      description: 'Also those that the dry run itself does not list.',
      params: z.strictObject(dryRunParams),
      query: dryRunCsv.query,
      statuses: { 200: 'A page of them, with a first line that names the columns.' },
      answer: dryRunCsv.answer,
      problems: ['not_found'],
      async handle({ accountId, params, query }) {
        const run = await dryRunOf(dryRuns, accountId, params.dryRunId, 'program');
        return { status: 200, body: csvOfDryRun(run, query.after) };
      },
    }),
    operation({
      id: 'fillBudget',
      tag: 'Programs',
      method: 'post',
      path: '/programs/{programId}/budget',
      summary: "Put money into a program's budget",
      description:
        'Rules that use the budget grant from it. Rewards that wait for it are judged again, those that have waited longest first. The same id again is the same entry.',
      params: programParams,
      body: budgetInput,
      statuses: { 200: 'The entry was there already.', 201: 'The entry was made.' },
      answer: budgetEntrySchema,
      problems: ['not_found', 'other_entry'],
      async handle({ accountId, actor, params: { programId }, body }) {
        const entry = { id: body.id, money: body.money, by: actor, note: body.note };
        const result = await stored.fillBudget(accountId, programId, entry, clock.now());
        if (result.kind === 'no_such_program') throw new HttpProblem('not_found', 'This account has no such program.');
        if (result.kind !== 'filled' && result.kind !== 'existing')
          throw new HttpProblem('other_entry', `The entry ${body.id} stands for another amount. Use a new id.`);
        if (result.kind === 'filled') onBudget();
        return { status: result.kind === 'filled' ? 201 : 200, body: budgetEntryView(result.entry) };
      },
    }),
    operation({
      id: 'getBudget',
      tag: 'Programs',
      method: 'get',
      path: '/programs/{programId}/budget',
      summary: "Get a program's budget",
      params: programParams,
      query: z.strictObject(pageParameters),
      statuses: { 200: 'What was put in, newest first, and what is left.' },
      answer: budgetSchema,
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params: { programId }, query }) {
        const budget = await stored.budget(accountId, programId, withoutPrefix(pageOf('budget', query)));
        if (!budget) throw new HttpProblem('not_found', 'This account has no such program.');
        const { entries, left } = budget;
        return {
          status: 200,
          body: {
            left: left.map(moneyView),
            items: entries.items.map(budgetEntryView),
            nextCursor: nextCursorOf(
              'budget',
              entries.next && { ...entries.next, id: `${CURSOR_PREFIX}${entries.next.id}` },
            ),
          },
        };
      },
    }),
  ];
}
