import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openStore } from '../../src/store/open.ts';
import { storeConformance } from './store.ts';

storeConformance({
  name: 'sqlite',
  async open() {
    const directory = await mkdtemp(join(tmpdir(), 'wonward-store-'));
    const path = join(directory, 'not', 'there', 'yet', 'wonward.db');
    const url = `sqlite:${path}`;
    const store = await openStore({ url });
    const raw = new Database(path);
    raw.pragma('foreign_keys = ON');
    return {
      store,
      again: () => openStore({ url }),
      async sql(text) {
        if (/^\s*select/i.test(text)) return raw.prepare(text).all() as Record<string, unknown>[];
        try {
          raw.exec(text);
        } finally {
          if (raw.inTransaction) raw.exec('rollback');
        }
        return [];
      },
      async columnsOf(table) {
        return (raw.pragma(`table_info(${table})`) as Array<{ name: string }>).map(({ name }) => name);
      },
      async close() {
        raw.close();
        await store.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
});
