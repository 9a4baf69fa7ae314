import { type DealPoint, isSameState, type Properties } from '../../domain/record.ts';
import type { Instant } from '../../domain/time.ts';
import { instantOf, type Row, text } from './wire.ts';

/** Of an opportunity without a record type. "Master Record Type", Salesforce Help. */
export const MASTER_RECORD_TYPE = '012000000000000AAA';

export interface OpportunityStory {
  readonly record: Row;
  /** OpportunityHistory: a row for each change of stage, amount, probability or close date. */
  readonly history: readonly Row[];
  /** OpportunityFieldHistory: the fields whose history the org keeps. */
  readonly fieldHistory: readonly Row[];
}

interface Change {
  readonly at: Instant;
  readonly value: string | null;
}

/**
 * The opportunity at every moment at which its stage, its amount, or one of the `extra` fields that rules ask about changed, oldest first,
 * from its creation to its present state. Salesforce tells times to the second: what changed more often within one stands a millisecond apart,
 * in the order of the rows, so that no state that was ever read is missing later.
 *
 * A record type has no history, so the present one counts for all of it; nor has a field that the org does not track.
 */
export function pointsOf(
  { record, history, fieldHistory }: OpportunityStory,
  homeCurrency: string | null,
  extra: readonly string[],
): DealPoint[] {
  const pipelineId = text(record.RecordTypeId) ?? MASTER_RECORD_TYPE;
  const currency = text(record.CurrencyIsoCode) ?? homeCurrency;
  const rows = inOrder(history);
  const changes = new Map(extra.map((name) => [name, changesOf(fieldHistory, name)]));
  const extraAt = (value: (name: string) => string | null): { readonly properties?: Properties } =>
    extra.length === 0 ? {} : { properties: Object.fromEntries(extra.map((name) => [name, value(name)])) };
  const createdAt = instantOf(record.CreatedDate) ?? 0;
  const moments = new Set(
    [createdAt, ...rows.map(({ at }) => at), ...[...changes.values()].flat().map(({ at }) => at)].filter(
      (at) => at >= createdAt,
    ),
  );

  const points: DealPoint[] = [];
  for (const at of [...moments].sort((a, b) => a - b)) {
    // It has a stage from its first moment: the oldest row that there is reaches back.
    const { row } = rows.findLast((one) => one.at <= at) ?? rows[0] ?? {};
    const point = {
      at,
      pipelineId,
      stageId: text(row?.StageName) ?? text(record.StageName) ?? '',
      amount: row ? text(row.Amount) : text(record.Amount),
      currency: text(row?.CurrencyIsoCode) ?? currency,
      ...extraAt((name) => valueAt(changes.get(name) ?? [], at, text(record[name]))),
    };
    if (!isSameState(points.at(-1), point)) points.push(point);
  }

  // A history can lag behind the record it comes with. What the opportunity is now counts.
  const present = {
    at: Math.max(instantOf(record.SystemModstamp) ?? 0, (points.at(-1)?.at ?? createdAt) + 1),
    pipelineId,
    stageId: text(record.StageName) ?? '',
    amount: text(record.Amount),
    currency,
    ...extraAt((name) => text(record[name])),
  };
  if (!isSameState(points.at(-1), present)) points.push(present);
  return points;
}

/** The oldest first, no two at the same moment. */
function inOrder(rows: readonly Row[]): { readonly at: Instant; readonly row: Row }[] {
  const secondOf = ({ CreatedDate }: Row) => instantOf(CreatedDate) ?? 0;
  const sorted = rows.toSorted((a, b) => secondOf(a) - secondOf(b) || (String(a.Id) < String(b.Id) ? -1 : 1));
  let last = Number.NEGATIVE_INFINITY;
  return sorted.map((row) => {
    last = Math.max(secondOf(row), last + 1);
    return { at: last, row };
  });
}

/** What it was before its first change is told by that change. A lookup has a row of names beside the one of ids, and no "Id" in its name. */
function changesOf(fieldHistory: readonly Row[], name: string): Change[] {
  const own = inOrder(
    fieldHistory.filter(
      ({ Field, DataType }) => Field === name || (DataType === 'EntityId' && Field === name.replace(/Id$/, '')),
    ),
  );
  const [first] = own;
  if (!first) return [];
  return [BEFORE(text(first.row.OldValue)), ...own.map(({ at, row }) => ({ at, value: text(row.NewValue) }))];
}

const BEFORE = (value: string | null): Change => ({ at: Number.NEGATIVE_INFINITY, value });

function valueAt(changes: readonly Change[], at: Instant, present: string | null): string | null {
  const change = changes.findLast((one) => one.at <= at);
  return change ? change.value : present;
}
