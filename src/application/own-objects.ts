import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { CrmOwnObjects, CrmSession, MirrorComparison, MirrorOutcome } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';

/** Of each object in one sweep: forty calls, which a portal allows in four seconds. */
const REMOVED_PER_SWEEP_MAX = 2_000;
/** A write that was under way when the objects were given up is over by then, with its retries. */
const LATE_ROWS_MS = 5 * 60_000;

const SWEEP = 'sweep';

/** Where rows of our objects are kept beside the properties of records; null where nobody has chosen them or the CRM does not let us. */
export async function ownObjects(
  store: Pick<Store, 'appSettings'>,
  session: Pick<CrmSession, 'objects'>,
  { accountId, id }: Pick<Connection, 'accountId' | 'id'>,
): Promise<CrmOwnObjects | null> {
  if (!session.objects) return null;
  const kept = await store.appSettings.newest(accountId, id);
  return kept?.settings.objects === 'on' ? session.objects : null;
}

/** Rows that are not wanted any more go some at a time, and whoever looks finds the choice ended once none is left. */
export async function removeUnwantedRows(
  { store, clock, log }: { store: Pick<Store, 'appSettings'>; clock: Pick<Clock, 'now'>; log: Log },
  session: Pick<CrmSession, 'objects'>,
  { accountId, id }: Pick<Connection, 'accountId' | 'id'>,
): Promise<void> {
  const kept = session.objects && (await store.appSettings.newest(accountId, id));
  if (!session.objects || kept?.settings.objects !== 'leaving') return;
  const { removed, isDone } = await session.objects.remove(REMOVED_PER_SWEEP_MAX);
  const now = clock.now();
  if (isDone && removed === 0 && now - kept.at >= LATE_ROWS_MS) {
    const ended = { ...kept.settings, objects: 'off' } as const;
    // Whoever has said something else meanwhile is right; the next sweep sees it.
    await store.appSettings.save(accountId, id, ended, { basis: kept.version, by: SWEEP, now });
  }
  log.info({ connection: id, removed, isDone }, 'rows removed');
}

/** The worse of what became of a record's properties and of its rows. */
export function worseOutcome(properties: MirrorOutcome, rows: MirrorOutcome | undefined): MirrorOutcome {
  return properties.result === 'written' && rows ? rows : properties;
}

/** Both have to be as they should. */
export function bothCompared(properties: MirrorComparison, rows: MirrorComparison | undefined): MirrorComparison {
  if (!rows || properties.result === 'gone' || rows.result === 'same') return properties;
  if (properties.result !== 'different' || rows.result !== 'different') return rows;
  return { ...properties, fields: [...properties.fields, ...rows.fields] };
}
