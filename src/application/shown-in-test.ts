import { recordKey } from '../domain/record.ts';
import { isNothing } from './compose-mirror.ts';
import type { Connection, MirrorSource, Store } from './ports/store.ts';

const NONE: ReadonlySet<string> = new Set();

/**
 * Keys of the records that have nothing of real life to show while a test shows itself on them: until it ends they are the test's, and nobody
 * else writes or compares them. Asks nothing where all records show something, as they nearly always do.
 */
export async function shownInTest(
  store: Pick<Store, 'testRuns' | 'mirror'>,
  { accountId, id }: Pick<Connection, 'accountId' | 'id'>,
  sources: readonly MirrorSource[],
): Promise<ReadonlySet<string>> {
  const free = sources.filter(isNothing).map(({ record }) => record);
  if (free.length === 0) return NONE;
  const run = await store.testRuns.openIn(accountId, id);
  if (run?.state !== 'running') return NONE;
  const shown = await store.mirror.sources(run.testAccountId, free);
  return new Set(shown.filter(({ referral }) => referral !== null).map(({ record }) => recordKey(record)));
}
