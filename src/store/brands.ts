import { sql } from 'kysely';
import type { BrandStore } from '../application/ports/store.ts';
import { type Brand, type LogoType, USUAL_BRAND } from '../domain/brand.ts';
import { fromJson } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row } from './schema.ts';

export function createBrandStore(engine: Engine): BrandStore {
  return {
    ofAccounts: (accountIds) =>
      engine.read(async ({ db, dialect }) => {
        const { rows } = await sql<{ id: string; name: string; settings: string | null; logo: string | null }>`
          select accounts.id, accounts.name,
            (select settings from account_settings where account_settings.account_id = accounts.id and kind = 'brand'
              order by version desc limit 1) as settings,
            (select hash from logos where logos.account_id = accounts.id) as logo
          from accounts where ${dialect.isIn('id', accountIds)}`.execute(db);
        return rows.map(({ id, name, settings, logo }) => ({
          accountId: id,
          accountName: name,
          brand: settings === null ? USUAL_BRAND : { ...USUAL_BRAND, ...fromJson<Partial<Brand>>(settings) },
          logo,
        }));
      }),

    setLogo: (accountId, logo, now) =>
      engine.write(async (session) => {
        await sql`delete from logos where account_id = ${accountId}`.execute(session.db);
        if (!logo) return;
        await insertRows(session, 'logos', [
          {
            account_id: accountId,
            hash: logo.hash,
            media_type: logo.type,
            content: logo.bytes.toString('base64'),
            saved_at: now,
          },
        ]);
      }),

    logo: (hash) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'logos'>>`select * from logos where hash = ${hash} limit 1`.execute(db);
        const [row] = rows;
        return row
          ? { hash: row.hash, type: row.media_type as LogoType, bytes: Buffer.from(row.content, 'base64') }
          : null;
      }),
  };
}
