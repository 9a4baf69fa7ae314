import type { Result, Terminal } from './output.ts';
import { withServices } from './services.ts';

/** Opening the database is what migrates it, so this is for a job that does it before the first node of a new version starts. */
export function migrateDatabase(terminal: Terminal): Promise<Result> {
  return withServices(terminal, async ({ store }) => {
    const { engine, version, migrations } = await store.vitals.facts();
    return {
      json: { engine, version, migrations },
      lines: [`The ${engine} database is at migration ${migrations.length} (${migrations.at(-1) ?? 'none'}).`],
    };
  });
}
