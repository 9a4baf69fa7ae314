import type { DryRunStore, KeptDryRun } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import type { Engine } from './dialect.ts';
import { insertRows } from './dialect.ts';

export function createDryRunStore(engine: Engine): DryRunStore {
  return {
    keep: (accountId, { id, programId, contentHash, report, by, at }) =>
      engine.write(async (session) => {
        await insertRows(session, 'dry_runs', [
          {
            account_id: accountId,
            id,
            program_id: programId,
            content_hash: contentHash,
            report: toJson(report),
            made_by: toText(by),
            made_at: at,
          },
        ]);
      }),

    get: (accountId, id) =>
      engine.read(async ({ db }): Promise<KeptDryRun | null> => {
        const row = await db
          .selectFrom('dry_runs')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('id', '=', id)
          .executeTakeFirst();
        if (!row) return null;
        const { program_id: programId, content_hash: contentHash, made_by: by, made_at: at } = row;
        return { id, programId, contentHash, report: fromJson(row.report), by, at };
      }),
  };
}
