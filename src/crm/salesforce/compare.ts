import { MEMBER, REFERRAL, REWARD } from '../../../manifests/salesforce/package.ts';
import type { MirrorComparison, MirrorRow } from '../../application/ports/crm.ts';
import { isSameValue } from '../answers.ts';
import type { OrgApi } from './call.ts';
import { longId } from './ids.ts';
import { accountsOf, type Write, writesOf } from './mirror.ts';
import type { OrgShape } from './org.ts';
import { runQueries } from './query.ts';
import { chunksOf, IDS_PER_QUERY, select, textList } from './soql.ts';
import { instantOf, type Row } from './wire.ts';

/**
 * What our rows hold in the org, against what they should. A record differs when one of the rows that are about it does, or is not there.
 * Which row belongs to which is not compared: the keys by which they are written say that.
 */
export async function compareMirror(
  api: OrgApi,
  shape: OrgShape,
  rows: readonly MirrorRow[],
): Promise<MirrorComparison[]> {
  const writes = writesOf(shape, rows, await accountsOf(api, rows));
  const differing = new Map<string, Set<string>>();
  const queries = [MEMBER, REFERRAL, REWARD].flatMap(({ object, key }) => {
    const own = writes.filter((write) => write.object === object);
    const fields = [...new Set(own.flatMap((write) => Object.keys(plainValues(write))))];
    return chunksOf(own, IDS_PER_QUERY).map((chunk) => ({
      chunk,
      key: shape.prefix + key,
      query: {
        soql: select(
          ['Id', shape.prefix + key, ...fields],
          shape.prefix + object,
          `WHERE ${shape.prefix + key} IN ${textList(chunk.map((write) => write.key))}`,
        ),
        scope: 'live' as const,
      },
    }));
  });
  if (queries.length > 0) {
    const { rows: found } = await runQueries(
      api,
      'compare rows',
      queries.map(({ query }) => query),
    );
    for (const [index, { chunk, key }] of queries.entries()) {
      const byKey = new Map((found[index] ?? []).map((row) => [String(row[key]), row]));
      for (const write of chunk) {
        for (const field of fieldsDiffering(write, byKey.get(write.key))) {
          for (const id of write.about)
            differing.set(id, (differing.get(id) ?? new Set()).add(`${write.object}.${field}`));
        }
      }
    }
  }
  return rows.map(({ id }): MirrorComparison => {
    const fields = differing.get(id);
    return fields ? { id, result: 'different', fields: [...fields].sort() } : { id, result: 'same' };
  });
}

/** Without those that name another row by its key. */
function plainValues({ values }: Write): Record<string, string | number | boolean | null> {
  const plain: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(values))
    if (value === null || typeof value !== 'object') plain[name] = value;
  return plain;
}

function fieldsDiffering(write: Write, row: Row | undefined): string[] {
  if (!row) return ['missing'];
  return Object.entries(plainValues(write))
    .filter(([name, wanted]) => !isShown(wanted, row[name]))
    .map(([name]) => name);
}

function isShown(wanted: string | number | boolean | null, shown: unknown): boolean {
  const text = (value: unknown) => (value === null || value === undefined ? '' : String(value));
  const [a, b] = [text(wanted), text(shown)];
  // Salesforce keeps times to the second.
  const [at, shownAt] = [instantOf(a), instantOf(b)];
  if (a.includes('T') && at !== null && shownAt !== null) return Math.floor(at / 1_000) === Math.floor(shownAt / 1_000);
  // An id of fifteen letters is the same as its longer form.
  return isSameValue(a, b) || (longId(a) !== null && longId(a) === longId(b));
}
