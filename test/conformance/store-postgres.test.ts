import pg from 'pg';
import { openStore } from '../../src/store/open.ts';
import { postgresForThisFile } from '../support/postgres.ts';
import { storeConformance } from './store.ts';

const server = await postgresForThisFile();

// Every test has a database of its own. Copying one that is migrated takes a fifth of the time that migrating it takes.
const migrated = await server.freshDatabase();
await (await openStore({ url: migrated })).close();

storeConformance({
  name: 'postgres',
  async open() {
    const url = await server.freshDatabase(migrated);
    const store = await openStore({ url });
    const raw = new pg.Client({ connectionString: url });
    await raw.connect();
    return {
      store,
      again: () => openStore({ url }),
      async sql(text) {
        try {
          return (await raw.query(text)).rows ?? [];
        } catch (error) {
          await raw.query('rollback');
          throw error;
        }
      },
      async columnsOf(table) {
        const { rows } = await raw.query('select column_name from information_schema.columns where table_name = $1', [
          table,
        ]);
        return rows.map((row) => String(row.column_name));
      },
      async close() {
        await raw.end();
        await store.close();
      },
    };
  },
});
