import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { migrate } from '../../src/store/migrations/migrate.ts';
import { createStore } from '../../src/store/open.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { hint, T0, tenant } from '../conformance/store-fixtures.ts';

test('deliveries that are read in the same turn of the event loop share one flush to the disk', async () => {
  const statements: string[] = [];
  const engine = await openSqlite(':memory:', { onStatement: (text) => statements.push(text) });
  await migrate(engine);
  const store = createStore(engine);
  const a = tenant(store);
  await a.create();
  await nextTurn();
  statements.length = 0;

  // As sockets do: each in a callback of its own, with everything that is settled at once done before the next.
  const deliveries = Array.from(
    { length: 20 },
    (_, index) =>
      new Promise<{ accepted: number }>((resolve, reject) => {
        setImmediate(() => {
          store.inbox.append(a.of, [hint(`e${index}`, [String(index)])], T0).then(resolve, reject);
        });
      }),
  );
  const outcomes = await Promise.all(deliveries);
  expect(outcomes.map(({ accepted }) => accepted)).toEqual(Array.from({ length: 20 }, () => 1));
  expect(statements.filter((text) => text === 'commit')).toHaveLength(1);
  await engine.close();
});
