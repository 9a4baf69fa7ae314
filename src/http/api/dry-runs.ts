import { z } from 'zod';
import { csvOf } from '../../application/csv.ts';
import type { DryRunRefusal } from '../../application/keep-dry-run.ts';
import type { DryRunStore, KeptDryRun, Tried } from '../../application/ports/store.ts';
import { decimalOf, type Money } from '../../domain/money.ts';
import { HttpProblem } from '../problem.ts';
import { dryRunId } from './schemas.ts';

type OfKind<K extends Tried['kind']> = KeptDryRun<Extract<Tried, { kind: K }>>;

export const dryRunParams = { dryRunId };

/** The parameter of what publishes a draft. */
export const seenDryRun = {
  dryRunId: dryRunId.optional().meta({ description: 'Publishes only the very draft that this dry run was of.' }),
};

/** One of what is tried at this address; of anything else it is found at its own. */
export async function dryRunOf<K extends Tried['kind']>(
  dryRuns: Pick<DryRunStore, 'get'>,
  accountId: string,
  id: string,
  kind: K,
): Promise<OfKind<K>> {
  const run = await dryRuns.get(accountId, id);
  if (run && isOf(run, kind)) return run;
  throw noSuchDryRun();
}

function isOf<K extends Tried['kind']>(run: KeptDryRun, kind: K): run is OfKind<K> {
  return run.of.kind === kind;
}

export function noSuchDryRun(): HttpProblem {
  return new HttpProblem('not_found', 'This account has no such dry run.');
}

/** Why the draft does not come into force. `tryAt`: where one of its kind is tried. */
export function dryRunRefused({ code }: Pick<DryRunRefusal, 'code'>, tryAt: string): HttpProblem {
  const remedy = `try it with ${tryAt}, and name the id that it answers`;
  switch (code) {
    case 'no_such_dry_run':
      return new HttpProblem(code, `Nothing was changed: ${remedy}.`, {
        errors: [{ field: 'dryRunId', problem: `must be the id of a dry run of this draft: ${remedy}` }],
      });
    case 'other_draft':
      return new HttpProblem(code, `Nothing was changed, for this is not the draft that was tried: ${remedy}.`, {
        errors: [{ field: 'dryRunId', problem: `must be of this very draft: ${remedy}` }],
      });
  }
}

/** A page of the file: an answer of some hundred kilobytes. */
const CSV_ROWS_MAX = 1_000;

const CSV_COLUMNS = [
  'kind',
  'referral',
  'deal',
  'rule',
  'party',
  'before',
  'currencyBefore',
  'after',
  'currencyAfter',
  'why',
];

/** What the export of a dry run takes and answers, whatever was tried. */
export const dryRunCsv = {
  query: z.strictObject({
    after: z
      .string('must be given once')
      .regex(/^[0-9]{1,9}$/, 'must be the `next` of the page before')
      .transform(Number)
      .optional()
      .meta({ type: 'integer', minimum: 0, maximum: 999_999_999, description: 'How many differences to leave out.' }),
  }),
  answer: z.strictObject({
    csv: z.string(),
    next: z.int().nullable().meta({ description: 'Ask with it as `after` for the next page; null on the last one.' }),
  }),
};

/** Differences of a dry run as rows, with a first line that names the columns. */
export function csvOfDryRun({ report }: KeptDryRun, after = 0): { csv: string; next: number | null } {
  const amount = (money: Money | null) => (money === null ? ['', ''] : [decimalOf(money), money.currency]);
  const rows = report.differences
    .slice(after, after + CSV_ROWS_MAX)
    .map((one) => [
      one.kind,
      one.referralId,
      one.deal.id,
      one.ruleKey,
      one.party,
      ...amount(one.before),
      ...amount(one.after),
      one.why,
    ]);
  const read = after + rows.length;
  return { csv: csvOf(CSV_COLUMNS, rows), next: read < report.differences.length ? read : null };
}
