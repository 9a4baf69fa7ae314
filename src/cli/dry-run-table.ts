import { writeFile } from 'node:fs/promises';
import { csvOf } from '../application/csv.ts';
import type { DryRunReport } from '../application/dry-run.ts';
import type { DryRunRefusal } from '../application/keep-dry-run.ts';
import type { KeptDryRun } from '../application/ports/store.ts';
import { decimalOf, textOf } from '../domain/money.ts';
import { dayOf } from './day.ts';
import { CliError, type Result } from './output.ts';

/** Days, as they are typed. */
export function periodFrom(
  { from, to }: { readonly from?: string | undefined; readonly to?: string | undefined },
  now: number,
) {
  return {
    from: from === undefined ? 0 : dayOf('--from', from),
    to: to === undefined ? now : dayOf('--to', to),
  };
}

/** What a dry run has found, on the terminal; every difference in the file `csv`. */
export async function tellDryRun(run: KeptDryRun, csv: string | undefined): Promise<Result> {
  if (csv !== undefined) await writeFile(csv, tableOf(run.report));
  const kept = `Kept as ${run.id}: with --dry-run ${run.id} only this very draft comes into force.`;
  return { json: jsonOf(run), lines: [...linesOf(run.report, csv), kept] };
}

/** Why a file does not come into force. `tried`: the command that tries one of its kind. */
export function dryRunRefused({ code }: Pick<DryRunRefusal, 'code'>, tried: string): CliError {
  const what = code === 'no_such_dry_run' ? 'is no dry run of this account' : 'was a dry run of another draft';
  return new CliError(
    `--dry-run: that ${what}. Nothing was changed.`,
    `Try the file with "${tried}", and name the id that it prints.`,
  );
}

function jsonOf({ id, contentHash, report }: KeptDryRun): unknown {
  return JSON.parse(
    JSON.stringify({ id, contentHash, ...report }, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
  );
}

function linesOf(
  { counts, totals, referrals, unknown, toReview, limited, differences }: DryRunReport,
  csv: string | undefined,
) {
  const of = (minor: bigint, currency: string) => textOf({ minor, currency });
  return [
    `${referrals} referrals: ${counts.same} rewards as they are, ${counts.new} new, ${counts.lost} lost, ${counts.changed} changed.`,
    ...totals.map(
      ({ currency, before, after }) =>
        `${of(before, currency)} stand, the draft gives ${of(after, currency)}: ${of(after - before, currency)} more.`,
    ),
    ...(toReview > 0 ? [`${toReview} of them a person would have to approve.`] : []),
    ...(limited > 0 ? [`${limited} a limit keeps back, whole or in part.`] : []),
    ...(unknown > 0 ? [`${unknown} referrals are left out: their contact was deleted or merged away.`] : []),
    ...(csv === undefined ? [] : [`${differences.length} differences are in ${csv}.`]),
  ];
}

/** One line for each difference. */
function tableOf({ differences }: DryRunReport): string {
  const isOfMembers = differences.some(({ memberBefore, memberAfter }) => memberBefore || memberAfter);
  const rows = differences.map(
    ({ kind, referralId, deal, ruleKey, party, before, after, memberBefore, memberAfter, why }) => [
      kind,
      referralId,
      deal.connectionId,
      deal.id,
      ruleKey,
      party,
      before ? decimalOf(before) : '',
      after ? decimalOf(after) : '',
      (after ?? before)?.currency ?? '',
      ...(isOfMembers ? [memberBefore ?? '', memberAfter ?? ''] : []),
      why,
    ],
  );
  const members = isOfMembers ? ['member before', 'member after'] : [];
  const head = [
    'kind',
    'referral',
    'connection',
    'deal',
    'rule',
    'party',
    'before',
    'after',
    'currency',
    ...members,
    'why',
  ];
  return csvOf(head, rows);
}
