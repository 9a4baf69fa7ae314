import { z } from 'zod';
import type { PayoutAccounts } from '../../application/payout-accounts.ts';
import type { ProgramStore } from '../../application/ports/store.ts';
import { programDocument } from '../../application/program-document.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { type Operation, operation } from './operation.ts';
import { programSchema } from './schemas.ts';
import { programView } from './views.ts';

export interface ProgramsDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly programs: ProgramStore;
  /** Names of the reward providers that are configured. */
  readonly payouts: ReadonlySet<string>;
  readonly payoutAccounts: Pick<PayoutAccounts, 'list'>;
}

export function programs({ clock, programs: stored, payouts: installed, payoutAccounts }: ProgramsDeps): Operation[] {
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
        const listed = await payoutAccounts.list(accountId);
        const payouts = new Set(
          listed.flatMap(({ name, configured }) => (configured && installed.has(name) ? [name] : [])),
        );
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
  ];
}
