import { sql } from 'kysely';
import type { LeaseStore } from '../application/ports/store.ts';
import type { Engine } from './dialect.ts';

export function createLeaseStore(engine: Engine): LeaseStore {
  return {
    acquire: (name, owner, now, until) =>
      engine.write(async ({ db }) => {
        const { rows } = await sql`
          insert into leases (name, owner, until) values (${name}, ${owner}, ${until})
          on conflict (name) do update set owner = excluded.owner, until = excluded.until
          where leases.owner = excluded.owner or leases.until <= ${now}
          returning name`.execute(db);
        return rows.length === 1;
      }),

    release: (name, owner) =>
      engine.write(async ({ db }) => {
        await db.deleteFrom('leases').where('name', '=', name).where('owner', '=', owner).execute();
      }),
  };
}
