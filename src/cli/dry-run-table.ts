import { writeFile } from 'node:fs/promises';
import { csvOf } from '../application/csv.ts';
import type { DryRunReport } from '../application/dry-run.ts';
import { decimalOf, textOf } from '../domain/money.ts';
import { dayOf } from './day.ts';
import type { Result } from './output.ts';

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
export async function tellDryRun(report: DryRunReport, csv: string | undefined): Promise<Result> {
  if (csv !== undefined) await writeFile(csv, tableOf(report));
  return { json: jsonOf(report), lines: linesOf(report, csv) };
}

function jsonOf(report: DryRunReport): unknown {
  return JSON.parse(
    JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
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
