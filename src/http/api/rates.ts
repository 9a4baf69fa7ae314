import { z } from 'zod';
import type { RateStore } from '../../application/ports/store.ts';
import { rateDocument, rateProblemText } from '../../application/rate-document.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { type Operation, operation } from './operation.ts';
import { rateSchema } from './schemas.ts';

export interface RatesDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly rates: RateStore;
  /** Called when rates were entered, so that who waits for them is looked at. */
  readonly onBudget: () => void;
}

const RATES_PER_PAGE_MAX = 100;

/** A year of a central bank's list; more are entered by the command line. */
const RATES_AT_ONCE_MAX = 400;

export function rates({ clock, rates: stored, onBudget }: RatesDeps): Operation[] {
  return [
    operation({
      id: 'enterRates',
      tag: 'Programs',
      method: 'post',
      path: '/rates',
      summary: 'Enter exchange rates',
      description:
        "Rules that pay in another currency than the deal's use the rate of the day before the event. Rates are entered behind the newest of their currency and never changed; days between two are the earlier one's. All or none of a list are taken; what is known already adds nothing. Deals that wait for a rate are looked at again.",
      body: z.strictObject({ rates: z.array(rateDocument).min(1).max(RATES_AT_ONCE_MAX) }),
      statuses: { 200: 'How many rows were added.' },
      answer: z.strictObject({ added: z.int() }),
      problems: [],
      async handle({ accountId, actor, body }) {
        const result = await stored.enter(accountId, body.rates, actor, clock.now());
        if (result.kind === 'refused') {
          const problem = rateProblemText(result.problem, result.newest);
          throw new HttpProblem('invalid_request', 'A rate cannot be entered. Nothing was.', {
            errors: [{ field: `rates[${result.at}]`, problem }],
          });
        }
        if (result.added > 0) onBudget();
        return { status: 200, body: { added: result.added } };
      },
    }),
    operation({
      id: 'listRates',
      tag: 'Programs',
      method: 'get',
      path: '/rates/{currency}',
      summary: 'List the exchange rates of a currency, newest first',
      params: z.strictObject({
        currency: z
          .string()
          .regex(/^[A-Z]{3}$/)
          .meta({ description: 'ISO 4217.', example: 'USD' }),
      }),
      query: z.strictObject({
        before: z.iso
          .date({ error: 'must be a day that there is, such as 2026-03-31' })
          .optional()
          .meta({ description: 'Rates of days before this one, for the next page.' }),
      }),
      statuses: { 200: 'Up to a hundred of them.' },
      answer: z.strictObject({ items: z.array(rateSchema) }),
      problems: ['not_found'],
      async handle({ accountId, params: { currency }, query }) {
        const page = { limit: RATES_PER_PAGE_MAX, before: query.before ?? null };
        return { status: 200, body: { items: await stored.list(accountId, currency, page) } };
      },
    }),
  ];
}
