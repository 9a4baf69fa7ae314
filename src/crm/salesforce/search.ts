import { z } from 'zod';
import type { ChangedPage } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import type { Instant } from '../../domain/time.ts';
import type { OrgApi } from './call.ts';
import { longId } from './ids.ts';
import { type Query, runQueries } from './query.ts';
import { literal, select } from './soql.ts';
import { PATHS } from './version.ts';
import { deletedSchema, instantOf, isoSeconds, type Row, text } from './wire.ts';

/** What one page of a query holds at most. */
export const SCAN_PAGE = 2_000;

const DAY_MS = 86_400_000;

/** "Sforce keeps deleted records for 15 days", and a day less for clocks and time zones. */
const DELETED_DAYS_MAX = 14;

interface Source {
  readonly object: string;
  readonly fields: readonly string[];
  /** The record that a row tells of. */
  readonly idOf: (row: Row) => string | null;
}

/**
 * What belongs to a deal is not only the opportunity: a contact role that is added or taken away leaves it untouched. A lead that was
 * converted tells of its contact.
 */
const SOURCES: Readonly<Record<'contact' | 'deal', readonly Source[]>> = {
  deal: [
    { object: 'Opportunity', fields: [], idOf: ({ Id }) => text(Id) },
    { object: 'OpportunityContactRole', fields: ['OpportunityId'], idOf: ({ OpportunityId }) => text(OpportunityId) },
  ],
  contact: [
    { object: 'Contact', fields: [], idOf: ({ Id }) => text(Id) },
    {
      object: 'Lead',
      fields: ['ConvertedContactId'],
      idOf: ({ Id, ConvertedContactId }) => text(ConvertedContactId) ?? text(Id),
    },
  ],
};

/** The objects whose purged records the org still tells of. */
const PURGED: Readonly<Record<'contact' | 'deal', readonly string[]>> = {
  deal: ['Opportunity'],
  contact: ['Contact', 'Lead'],
};

/** How far each source has come; null when it is through. */
const cursorSchema = z.array(z.strictObject({ at: z.int(), afterId: z.string() }).nullable());
type Position = z.infer<typeof cursorSchema>[number];

/**
 * By (SystemModstamp, Id), which no number of records in one second can break, and with what lies in the recycle bin. What was emptied out
 * of it is asked for once a day, by the first scans behind midnight: it is in no query any more.
 */
export async function readChanged(
  api: OrgApi,
  { object, since, cursor }: { object: 'contact' | 'deal'; since: Instant; cursor: string | null },
): Promise<ChangedPage> {
  const sources = SOURCES[object];
  const positions: Position[] =
    cursor === null ? sources.map(() => ({ at: since, afterId: '' })) : cursorSchema.parse(JSON.parse(cursor));
  const open = sources.flatMap((source, index) => {
    const position = positions[index];
    return position ? [{ source, index, position }] : [];
  });
  const { rows, at: asOf } = await runQueries(
    api,
    `scan ${object}s`,
    open.map(({ source, position }) => queryOf(source, position)),
  );
  const found: { id: string; modifiedAt: Instant }[] = [];
  const next: Position[] = sources.map(() => null);
  for (const [place, { source, index }] of open.entries()) {
    const page = rows[place] ?? [];
    for (const row of page) {
      const id = source.idOf(row);
      const modifiedAt = instantOf(row.SystemModstamp);
      if (id === null || modifiedAt === null) throw unreadable(object, 'a row without an id or a time');
      found.push({ id, modifiedAt });
    }
    const last = page.at(-1);
    if (page.length === SCAN_PAGE && last)
      next[index] = { at: instantOf(last.SystemModstamp) ?? since, afterId: String(last.Id) };
  }
  if (cursor === null && isAnotherDay(since, asOf)) found.push(...(await readPurged(api, object, since, asOf)));
  // A deal and its roles are one record, as new as the newest of them.
  const newest = new Map(found.sort((a, b) => a.modifiedAt - b.modifiedAt).map((one) => [one.id, one]));
  return {
    records: [...newest.values()].sort((a, b) => a.modifiedAt - b.modifiedAt),
    next: next.some((position) => position !== null) ? JSON.stringify(next) : null,
    asOf,
  };
}

function queryOf({ object, fields }: Source, position: Position): Query {
  const at = isoSeconds(position?.at ?? 0);
  const afterId = position?.afterId ?? '';
  const behind =
    afterId === ''
      ? `SystemModstamp >= ${at}`
      : `((SystemModstamp = ${at} AND Id > ${literal(longId(afterId) ?? '')}) OR SystemModstamp > ${at})`;
  const rest = `WHERE ${behind} ORDER BY SystemModstamp, Id LIMIT ${SCAN_PAGE}`;
  return { soql: select(['Id', 'SystemModstamp', ...fields], object, rest), scope: 'all' };
}

function isAnotherDay(a: Instant, b: Instant): boolean {
  return Math.floor(a / DAY_MS) !== Math.floor(b / DAY_MS);
}

async function readPurged(api: OrgApi, object: 'contact' | 'deal', since: Instant, now: Instant) {
  const start = isoSeconds(Math.max(since - DAY_MS, now - DELETED_DAYS_MAX * DAY_MS));
  const found: { id: string; modifiedAt: Instant }[] = [];
  for (const name of PURGED[object]) {
    const { data } = await api.data({
      name: `list deleted ${object}s`,
      method: 'GET',
      path: PATHS.deleted(name, start, isoSeconds(now)),
      schema: deletedSchema,
    });
    for (const { id, deletedDate } of data.deletedRecords) {
      const known = longId(id);
      // Told from the beginning of the scan on, whenever it was: nothing later will tell of it.
      if (known !== null) found.push({ id: known, modifiedAt: Math.max(instantOf(deletedDate) ?? since, since) });
    }
  }
  return found;
}

function unreadable(object: string, detail: string): Fault {
  return new Fault(
    'crm_unreadable_answer',
    { kind: 'retry' },
    'Salesforce sent an answer that cannot be read. Wonward tries again by itself.',
    { message: `scan ${object}s: ${detail}` },
  );
}
