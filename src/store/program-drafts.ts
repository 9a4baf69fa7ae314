import type { ProgramDraft, ProgramDraftStore } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import type { Engine } from './dialect.ts';
import type { Row, Session } from './schema.ts';

/** One draft for each program, with a revision that rises with every change: who has read an older one changes nothing. */
export function createProgramDraftStore(engine: Engine): ProgramDraftStore {
  return {
    get: (accountId, programId) => engine.read((session) => readDraft(session, accountId, programId)),

    list: (accountId) =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('program_drafts')
          .selectAll()
          .where('account_id', '=', accountId)
          .orderBy('program_id')
          .execute();
        return rows.map(draftOf);
      }),

    save: (accountId, content, { revision, by, now }) =>
      engine.write(async (session) => {
        const before = await readDraft(session, accountId, content.programId);
        if ((before?.revision ?? 0) !== revision) return { kind: 'changed', draft: before };
        const editors = [...new Set([...(before?.editors ?? []), by])];
        const values = {
          revision: revision + 1,
          content: toJson(content),
          editors: toJson(editors),
          changed_by: toText(by),
          changed_at: now,
        };
        // Of two who save at once one finds the other's revision: the condition is part of the write.
        const { numInsertedOrUpdatedRows } = await session.db
          .insertInto('program_drafts')
          .values({ account_id: accountId, program_id: content.programId, ...values })
          .onConflict((conflict) =>
            conflict
              .columns(['account_id', 'program_id'])
              .doUpdateSet(values)
              .where('program_drafts.revision', '=', revision),
          )
          .executeTakeFirstOrThrow();
        const draft = await readDraft(session, accountId, content.programId);
        if (numInsertedOrUpdatedRows === 0n || !draft) return { kind: 'changed', draft };
        return { kind: 'saved', draft };
      }),

    discard: (accountId, programId, revision) =>
      engine.write((session) => deleteDraft(session, accountId, programId, revision)),
  };
}

export async function readDraft({ db }: Session, accountId: string, programId: string): Promise<ProgramDraft | null> {
  const row = await db
    .selectFrom('program_drafts')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('program_id', '=', programId)
    .executeTakeFirst();
  return row ? draftOf(row) : null;
}

/** False when the draft has another revision by now, or is gone. */
export async function deleteDraft(
  { db }: Session,
  accountId: string,
  programId: string,
  revision: number,
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('program_drafts')
    .where('account_id', '=', accountId)
    .where('program_id', '=', programId)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

function draftOf(row: Row<'program_drafts'>): ProgramDraft {
  return {
    content: fromJson(row.content),
    revision: row.revision,
    editors: fromJson(row.editors),
    changedBy: row.changed_by,
    changedAt: row.changed_at,
  };
}
