import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { UserViewStore } from '../../application/ports/store.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { idOf, sentence } from './fields.ts';
import { type Operation, operation } from './operation.ts';

/** Of one list; a menu of more is a list of its own. */
const VIEWS_MAX = 30;
const NAME_LENGTH_MAX = 60;
/** Every filter of a list and every column; an address of a browser takes as much. */
const SEARCH_LENGTH_MAX = 2_000;

export interface UserViewsDeps {
  readonly userViews: UserViewStore;
  readonly clock: Pick<Clock, 'now'>;
}

const list = z
  .enum(['members', 'referrals', 'rewards'], { error: 'must be members, referrals or rewards' })
  .meta({ description: 'Which list of the console.' });

const viewId = idOf('viw', 'a view');

const viewSchema = z
  .strictObject({ id: viewId, list: z.string(), name: z.string(), search: z.string() })
  .meta({ id: 'View', description: 'Filters and columns of a list, under a name.' });

/** How people look at the lists of the console. Each has their own; a key of the API has its own too, by its label. */
export function userViews({ userViews: stored, clock }: UserViewsDeps): Operation[] {
  return [
    operation({
      id: 'listViews',
      tag: 'Views',
      method: 'get',
      path: '/views',
      summary: "List the caller's own views, of one list or of all",
      query: z.strictObject({ list: list.optional() }),
      statuses: { 200: 'All of them, by list and name.' },
      answer: z.strictObject({ items: z.array(viewSchema) }),
      problems: [],
      async handle({ accountId, actor, query }) {
        const items = await stored.list(accountId, actor, query.list ?? null);
        return { status: 200, body: { items: items.map((view) => ({ ...view })) } };
      },
    }),
    operation({
      id: 'saveView',
      tag: 'Views',
      method: 'post',
      path: '/views',
      summary: 'Save a view of a list',
      description: 'The same name again changes the view that is there.',
      body: z.strictObject({
        list,
        name: sentence(NAME_LENGTH_MAX),
        search: z
          .string('must be text')
          .max(SEARCH_LENGTH_MAX, `must have at most ${SEARCH_LENGTH_MAX} characters`)
          .regex(/^[!-~]*$/, "must be the part of the page's address behind the question mark")
          .meta({ example: 'stage=won&columns=friend,stage' }),
      }),
      statuses: { 200: 'The view.' },
      answer: viewSchema,
      problems: ['not_possible'],
      async handle({ accountId, actor, body }) {
        const view = { ...body, id: `viw_${uuidv7()}` };
        const saved = await stored.save(accountId, actor, view, { max: VIEWS_MAX, now: clock.now() });
        if (saved) return { status: 200, body: { ...saved } };
        throw new HttpProblem('not_possible', `You have ${VIEWS_MAX} views of this list. Remove one first.`);
      },
    }),
    operation({
      id: 'removeView',
      tag: 'Views',
      method: 'delete',
      path: '/views/{viewId}',
      summary: 'Remove a view',
      params: z.strictObject({ viewId }),
      statuses: { 200: 'It is gone.' },
      answer: z.strictObject({ removed: z.boolean() }),
      problems: ['not_found'],
      async handle({ accountId, actor, params }) {
        if (!(await stored.remove(accountId, actor, params.viewId)))
          throw new HttpProblem('not_found', 'You have no such view.');
        return { status: 200, body: { removed: true } };
      },
    }),
  ];
}
