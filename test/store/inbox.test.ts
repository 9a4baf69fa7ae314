import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/store/migrations/migrate.ts';
import { createStore } from '../../src/store/open.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { hint, T0, tenant } from '../conformance/store-fixtures.ts';

async function setUp() {
  const statements: string[] = [];
  const engine = await openSqlite(':memory:', { onStatement: (text) => statements.push(text) });
  onTestFinished(() => engine.close());
  await migrate(engine);
  const store = createStore(engine);
  const a = tenant(store);
  await a.create();
  await nextTurn();
  statements.length = 0;
  return {
    deliver: (event: string) => store.inbox.append(a.of, [hint(event, [event])], T0),
    commits: () => statements.filter((text) => text === 'commit').length,
  };
}

test('deliveries that are read in the same turn of the event loop share one flush to the disk', async () => {
  const { deliver, commits } = await setUp();
  // As sockets do: each in a callback of its own, with everything that is settled at once done before the next.
  const deliveries = Array.from(
    { length: 20 },
    (_, index) =>
      new Promise<{ accepted: number }>((resolve, reject) => {
        setImmediate(() => {
          deliver(`e${index}`).then(resolve, reject);
        });
      }),
  );
  const outcomes = await Promise.all(deliveries);
  expect(outcomes.map(({ accepted }) => accepted)).toEqual(Array.from({ length: 20 }, () => 1));
  expect(commits()).toBe(1);
});

test('deliveries that come turn after turn share one flush, and the first of a stream that never pauses is kept all the same', async () => {
  const { deliver, commits } = await setUp();
  const kept: string[] = [];
  /** As a socket does: it is looked at before whoever waits for the end of the turn goes on. */
  async function comes(event: string): Promise<void> {
    const turn = nextTurn();
    void deliver(event).then(() => kept.push(event));
    await turn;
  }
  for (const event of ['a', 'b', 'c']) await comes(event);
  while (kept.length < 3) await nextTurn();
  expect(commits()).toBe(1);

  let turns = 0;
  for (; turns < 20 && !kept.includes('stream 0'); turns += 1) await comes(`stream ${turns}`);
  expect(kept).toContain('stream 0');
  while (kept.length < 3 + turns) await nextTurn();
});
