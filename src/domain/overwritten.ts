import { type NewCase, SYSTEM } from './case.ts';
import { derivedId } from './ids.ts';
import type { Instant } from './time.ts';

/**
 * So many reports in a row have to find a field of a record changed. Each of them has it written again, so it was written and undone twice since
 * the first of them: a person who corrects something by hand does that once.
 */
export const REPORTS_IN_A_ROW = 3;

/** Records that the case names; how many there are it says beside them. */
const RECORDS_TOLD_MAX = 20;

/** A record that a report found to show something else than it should. */
export interface ReportedChange {
  readonly object: 'contact' | 'deal';
  readonly id: string;
  readonly fields: readonly string[];
}

/** A field of ours in a CRM that somebody sets back as often as we write it. */
export interface Overwritten {
  readonly object: 'contact' | 'deal';
  readonly field: string;
  readonly ids: readonly string[];
}

/** What every one of these reports has found. A function of what the reports say, so the same reports always tell the same. */
export function overwrittenIn(reports: readonly (readonly ReportedChange[])[]): Overwritten[] {
  const [first, ...others] = reports;
  if (!first || reports.length < REPORTS_IN_A_ROW) return [];
  const keysOf = (changes: readonly ReportedChange[]) =>
    new Set(changes.flatMap(({ object, id, fields }) => fields.map((field) => `${object} ${id} ${field}`)));
  const seen = others.map(keysOf);
  const found = new Map<string, { object: 'contact' | 'deal'; field: string; ids: string[] }>();
  for (const { object, id, fields } of first)
    for (const field of fields) {
      if (!seen.every((keys) => keys.has(`${object} ${id} ${field}`))) continue;
      const of = found.get(`${object} ${field}`) ?? { object, field, ids: [] };
      of.ids.push(id);
      found.set(`${object} ${field}`, of);
    }
  return [...found.values()];
}

export function overwrittenPrefix(connectionId: string): string {
  return `overwritten ${connectionId} `;
}

export function overwrittenKey(connectionId: string, { object, field }: Pick<Overwritten, 'object' | 'field'>): string {
  return `${overwrittenPrefix(connectionId)}${object} ${field}`;
}

/** The case that tells of it: one for a field, however many records it is on. */
export function overwrittenCase(
  accountId: string,
  connection: { readonly id: string; readonly name: string },
  one: Overwritten,
  reports: { readonly ids: readonly string[]; readonly since: Instant },
  now: Instant,
): NewCase {
  const { object, field, ids } = one;
  const dedupeKey = overwrittenKey(connection.id, one);
  const records = ids.length === 1 ? `a ${object}` : `${ids.length} ${object}s`;
  return {
    id: derivedId('cas', accountId, dedupeKey, now),
    kind: 'alert',
    topic: 'mirror_overwritten',
    dedupeKey,
    severity: 'high',
    referralId: null,
    rewardId: null,
    value: null,
    summary: `Something in ${connection.name} sets "${field}" of ${records} back: ${reports.ids.length} reports in a row found another value there than Wonward had written. Look for a workflow or an integration that writes it. Decisions and rewards are not touched by it.`,
    facts: {
      connectionId: connection.id,
      object,
      field,
      records: ids.length,
      recordIds: ids.slice(0, RECORDS_TOLD_MAX),
      reportIds: reports.ids,
      since: new Date(reports.since).toISOString(),
    },
    openedBy: SYSTEM,
    openedAt: now,
  };
}
