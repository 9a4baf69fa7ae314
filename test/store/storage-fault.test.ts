import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/domain/errors.ts';
import type { Engine } from '../../src/store/dialect.ts';
import { createInboxStore } from '../../src/store/inbox.ts';
import { guardedEngine, storageFaultOf } from '../../src/store/storage-fault.ts';
import { hint, T0 } from '../conformance/store-fixtures.ts';

const failure = (code: string, message = 'it failed') => Object.assign(new Error(message), { code });

describe('what a driver throws', () => {
  test.each([
    ['SQLITE_FULL', 'storage', 'the disk of data.db is full'],
    ['SQLITE_IOERR_WRITE', 'storage', 'data.db could not be read or written'],
    ['SQLITE_READONLY_DIRECTORY', 'storage', 'data.db cannot be written'],
    ['SQLITE_CANTOPEN', 'storage', 'data.db cannot be written'],
    ['SQLITE_CORRUPT_INDEX', 'storage', 'data.db is damaged'],
    ['SQLITE_NOTADB', 'storage', 'data.db is damaged'],
    ['SQLITE_BUSY_SNAPSHOT', 'busy', 'others held data.db for too long'],
    ['53100', 'storage', 'the disk of data.db is full'],
    ['53300', 'storage', 'data.db does not answer'],
    ['57P01', 'storage', 'data.db does not answer'],
    ['25006', 'storage', 'data.db cannot be written'],
    ['40P01', 'busy', 'others held data.db for too long'],
    ['57014', 'busy', 'others held data.db for too long'],
    ['XX001', 'storage', 'data.db is damaged'],
    ['ECONNREFUSED', 'storage', 'data.db does not answer'],
  ])('%s is a fault that passes: %s, "%s…"', (code, expected, message) => {
    const fault = storageFaultOf(failure(code), 'data.db');
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ code: expected, retry: { kind: 'retry' } });
    expect(fault?.message).toContain(message);
    // The public never reads where the database lies.
    expect(fault?.publicText).not.toContain('data.db');
  });

  test.each([
    'Connection terminated unexpectedly',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
  ])('words without a code are understood: %s', (message) => {
    expect(storageFaultOf(new Error(message), 'db')).toMatchObject({ code: 'storage' });
  });

  test.each(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_TRIGGER', '23505', '42703', 'P0001'])(
    '%s is the statement’s own mistake and stays as it was',
    (code) => {
      expect(storageFaultOf(failure(code), 'db')).toBeNull();
    },
  );
});

/** An engine whose writes do what the test says. */
function engineOf(
  name: 'sqlite' | 'postgres',
  write: () => Promise<unknown>,
): { engine: Engine; writes: () => number } {
  let writes = 0;
  const engine = {
    dialect: { name },
    read: async () => 'read',
    snapshot: async () => 'read',
    write: () => {
      writes += 1;
      return write();
    },
    close: async () => {},
  } as unknown as Engine;
  return { engine, writes: () => writes };
}

describe('a damaged file', () => {
  test('is not written to any more, and can still be read', async () => {
    const { engine, writes } = engineOf('sqlite', () => Promise.reject(failure('SQLITE_CORRUPT')));
    const guarded = guardedEngine(engine, 'data.db');
    await expect(guarded.write(async () => 1)).rejects.toThrow('data.db is damaged');
    await expect(guarded.write(async () => 1)).rejects.toThrow('data.db is damaged');
    expect(writes()).toBe(1);
    expect(await guarded.read(async () => 'anything')).toBe('read');
  });

  test('that a check has found is not written to either', async () => {
    const { engine, writes } = engineOf('sqlite', async () => 'written');
    const guarded = guardedEngine(engine, 'data.db');
    guarded.condemn('page 7 is never used');
    await expect(guarded.write(async () => 1)).rejects.toThrow('page 7 is never used');
    expect(writes()).toBe(0);
  });

  test('of a server is the server’s affair: what does not touch it goes on', async () => {
    let isDamaged = true;
    const { engine } = engineOf('postgres', async () => {
      if (isDamaged) throw failure('XX001');
      return 'written';
    });
    const guarded = guardedEngine(engine, 'host/db');
    await expect(guarded.write(async () => 1)).rejects.toThrow('host/db is damaged');
    isDamaged = false;
    expect(await guarded.write(async () => 1)).toBe('written');
  });
});

describe('deliveries that wait for their commit', () => {
  const connection = { id: 'c', accountId: 'a' };
  const hints = (count: number, from: number) => Array.from({ length: count }, (_, i) => hint(`e${from + i}`, ['1']));

  test('are refused when more wait than can be held, and taken again when the queue is shorter', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const { engine } = engineOf('sqlite', () => promise);
    const inbox = createInboxStore(engine);
    const kept = Array.from({ length: 200 }, (_, index) => inbox.append(connection, hints(100, index * 100), T0));
    await expect(inbox.append(connection, hints(1, 99_999), T0)).rejects.toMatchObject({
      code: 'busy',
      retry: { kind: 'retry', afterMs: 2_000 },
    });
    resolve([]);
    await Promise.allSettled(kept);
    await expect(inbox.append(connection, hints(1, 99_999), T0)).resolves.toBeUndefined();
  });

  test('all fail at once when the database is away, instead of one after the other', async () => {
    let failures = 0;
    const away = new Fault('storage', { kind: 'retry' }, 'away');
    const { engine } = engineOf('postgres', async () => {
      failures += 1;
      throw away;
    });
    const inbox = createInboxStore(engine);
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => inbox.append(connection, hints(1, index), T0)),
    );
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    // The first may travel alone, the others travel together.
    expect(failures).toBeLessThanOrEqual(2);
  });
});
