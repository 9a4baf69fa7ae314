import type { DryRunStore, KeptDryRun, Tried } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import type { Engine } from './dialect.ts';
import { insertRows } from './dialect.ts';
import type { Row } from './schema.ts';

/** The column is older than dry runs of anything else. */
const OF_NO_PROGRAM = '';

export function createDryRunStore(engine: Engine): DryRunStore {
  return {
    keep: (accountId, { id, of, contentHash, report, by, at }) =>
      engine.write(async (session) => {
        await insertRows(session, 'dry_runs', [
          {
            account_id: accountId,
            id,
            kind: of.kind,
            program_id: of.kind === 'program' ? of.programId : OF_NO_PROGRAM,
            connection_id: of.kind === 'stage_mapping' ? of.connectionId : null,
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
        const { content_hash: contentHash, made_by: by, made_at: at } = row;
        return { id, of: triedOf(row), contentHash, report: fromJson(row.report), by, at };
      }),
  };
}

function triedOf(row: Row<'dry_runs'>): Tried {
  const kind = row.kind as Tried['kind'];
  switch (kind) {
    case 'program':
      return { kind, programId: row.program_id };
    case 'attribution_policy':
      return { kind };
    case 'stage_mapping':
      return { kind, connectionId: row.connection_id ?? '' };
  }
}
