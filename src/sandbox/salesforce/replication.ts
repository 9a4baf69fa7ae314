import { visibleObject } from './bodies.ts';
import { ApiError } from './errors.ts';
import type { Call, Route } from './http.ts';
import { tableOf } from './org.ts';
import type { ObjectType } from './schema.ts';
import { formatMoment } from './values.ts';

/** Which records changed or went in a span of time: "sObject Get Updated", "sObject Get Deleted". */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const UPDATED_DAYS = 30;
const DELETED_DAYS = 15;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$/;

function moment(call: Call, name: string): number {
  const text = call.query.get(name);
  if (text === null) throw new ApiError(400, 'MISSING_ARGUMENT', `${name} is required`);
  // A plus that nobody encoded arrives as a space, and is no offset.
  if (!DATE_TIME.test(text)) throw new ApiError(400, 'INVALID_REPLICATION_DATE', `Invalid ${name} date: ${text}`);
  // "The seconds portion is ignored."
  return Math.floor(Date.parse(text) / MINUTE_MS) * MINUTE_MS;
}

function span(call: Call, name: string, days: number): { object: ObjectType; start: number; end: number } {
  const object = visibleObject(call.org, name);
  if (!object.replicateable) throw new ApiError(400, 'INVALID_TYPE', `${object.name} cannot be replicated`);
  const start = moment(call, 'start');
  const end = moment(call, 'end');
  if (end - start < MINUTE_MS) {
    throw new ApiError(400, 'INVALID_REPLICATION_DATE', 'startDate must be at least one minute before endDate');
  }
  if (start < call.now - days * DAY_MS)
    throw new ApiError(400, 'INVALID_REPLICATION_DATE', `startDate cannot be more than ${days} days ago`);
  return { object, start, end };
}

/** The end, or the present minute: what is under way may still be written. */
const covered = (call: Call, end: number): string =>
  formatMoment(Math.min(end, Math.floor(call.now / MINUTE_MS) * MINUTE_MS));

export function createReplicationRoutes(): Route[] {
  return [
    {
      method: 'GET',
      path: /^\/sobjects\/([^/]+)\/updated$/,
      query: ['start', 'end'],
      handle(call, [name = '']) {
        const { object, start, end } = span(call, name, UPDATED_DAYS);
        const ids = [...tableOf(call.org, object.name).rows.values()]
          .filter((row) => row.IsDeleted !== true)
          .filter((row) => Number(row.SystemModstamp) >= start && Number(row.SystemModstamp) <= end)
          .map((row) => row.Id);
        return { status: 200, body: { ids, latestDateCovered: covered(call, end) } };
      },
    },
    {
      method: 'GET',
      path: /^\/sobjects\/([^/]+)\/deleted$/,
      query: ['start', 'end'],
      handle(call, [name = '']) {
        const { object, start, end } = span(call, name, DELETED_DAYS);
        const log = call.org.deleteLog.filter((entry) => entry.object === object.name);
        const deletedRecords = log
          .filter((entry) => entry.at >= start && entry.at <= end)
          // What came back out of the recycle bin is not deleted.
          .filter((entry) => tableOf(call.org, object.name).rows.get(entry.id)?.IsDeleted !== false)
          .map((entry) => ({ id: entry.id, deletedDate: formatMoment(entry.at) }));
        return {
          status: 200,
          body: {
            deletedRecords,
            earliestDateAvailable: formatMoment(call.now - DELETED_DAYS * DAY_MS),
            latestDateCovered: covered(call, end),
          },
        };
      },
    },
  ];
}
