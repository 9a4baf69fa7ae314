import { z } from 'zod';
import type { PageInput, ProgramStore } from '../../application/ports/store.ts';
import { moneyInput, programDocument } from '../../application/program-document.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { nextCursorOf, pageOf, pageParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { budgetEntrySchema, budgetSchema, programSchema } from './schemas.ts';
import { budgetEntryView, moneyView, programView } from './views.ts';

export interface ProgramsDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly programs: ProgramStore;
  /** Names of the reward providers that are configured. */
  readonly payouts: ReadonlySet<string>;
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

const params = z.strictObject({
  programId: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/)
    .meta({ description: 'As the program document names it.', example: 'default' }),
});

export function programs({ clock, programs: stored, payouts, onBudget }: ProgramsDeps): Operation[] {
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
      body: programDocument,
      statuses: { 200: 'The version in force.' },
      answer: programSchema,
      problems: [],
      async handle({ accountId, body }) {
        // A reward that nobody can pay would wait for ever; the rule is refused while somebody is there to read why.
        const errors = body.rules.flatMap(({ payout }, index) =>
          payouts.has(payout)
            ? []
            : [
                {
                  field: `rules[${index}].payout`,
                  problem: `must be one of ${[...payouts].join(', ')}, as configured here`,
                },
              ],
        );
        if (errors.length > 0) throw new HttpProblem('invalid_request', 'A rule could never be paid.', { errors });
        return { status: 200, body: programView(await stored.publish(accountId, body, clock.now())) };
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
      params,
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
      params,
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
