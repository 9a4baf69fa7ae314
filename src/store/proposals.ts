import { sql } from 'kysely';
import type { KeptProposal, ProposalStore } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row } from './schema.ts';

export function createProposalStore(engine: Engine): ProposalStore {
  return {
    keep: (accountId, proposal) =>
      engine.write(async (session) => {
        await insertRows(session, 'mapping_proposals', [rowOf(accountId, proposal)]);
      }),

    newest: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'mapping_proposals'>>`select * from mapping_proposals
          where account_id = ${accountId} and connection_id = ${connectionId}
          order by made_at desc, id desc limit 1`.execute(db);
        return rows[0] ? proposalOf(rows[0]) : null;
      }),

    change: (accountId, proposal) =>
      engine.write(async ({ db }) => {
        const { state, draft, dry_run_id, postponed_until, changed_by, changed_at, version } = rowOf(
          accountId,
          proposal,
        );
        const { numUpdatedRows } = await db
          .updateTable('mapping_proposals')
          .set({ state, draft, dry_run_id, postponed_until, changed_by, changed_at, version })
          .where('account_id', '=', accountId)
          .where('id', '=', proposal.id)
          .where('version', '=', version - 1)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
  };
}

function rowOf(accountId: string, proposal: KeptProposal): Row<'mapping_proposals'> {
  const { id, connectionId, state, basis, draft, dryRunId, postponedUntil, version } = proposal;
  return {
    account_id: accountId,
    id,
    connection_id: connectionId,
    state,
    basis,
    proposal: toText(toJson(proposal.proposal)),
    draft: draft === null ? null : toJson(draft),
    dry_run_id: dryRunId,
    postponed_until: postponedUntil,
    made_by: toText(proposal.madeBy),
    made_at: proposal.madeAt,
    changed_by: toText(proposal.changedBy),
    changed_at: proposal.changedAt,
    version,
  };
}

function proposalOf(row: Row<'mapping_proposals'>): KeptProposal {
  return {
    id: row.id,
    connectionId: row.connection_id,
    state: row.state as KeptProposal['state'],
    basis: row.basis,
    proposal: fromJson(row.proposal),
    draft: row.draft === null ? null : fromJson(row.draft),
    dryRunId: row.dry_run_id,
    postponedUntil: row.postponed_until,
    madeBy: row.made_by,
    madeAt: row.made_at,
    changedBy: row.changed_by,
    changedAt: row.changed_at,
    version: row.version,
  };
}
