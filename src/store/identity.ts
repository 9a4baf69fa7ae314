import { sql } from 'kysely';
import type { IdentityStore } from '../application/ports/store.ts';
import { connectionsPolicyHash } from '../domain/connections-policy.ts';
import { toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { edgesOfSubjects, versionOf, versionRows } from './identity-edges.ts';
import { lockAccount } from './programs.ts';
import type { Row } from './schema.ts';

export function createIdentityStore(engine: Engine): IdentityStore {
  return {
    publish: (accountId, policy, by, now) =>
      engine.write(async (session) => {
        // Two admins who publish at once get two versions, one after the other.
        await lockAccount(session, accountId);
        const newest = (await versionRows(session, accountId)).at(-1);
        const contentHash = connectionsPolicyHash(policy);
        if (newest?.content_hash === contentHash) return versionOf(newest);
        const row: Row<'connections_policies'> = {
          account_id: accountId,
          version: (newest?.version ?? 0) + 1,
          policy: toJson(policy),
          content_hash: contentHash,
          published_at: now,
          published_by: toText(by),
        };
        await insertRows(session, 'connections_policies', [row]);
        return versionOf(row);
      }),
    newest: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'connections_policies'>>`select * from connections_policies
          where account_id = ${accountId} order by version desc limit 1`.execute(db);
        return rows[0] ? versionOf(rows[0]) : null;
      }),
    versions: (accountId) => engine.read(async (session) => (await versionRows(session, accountId)).map(versionOf)),
    edgesOf: (accountId, subject) => engine.read((session) => edgesOfSubjects(session, accountId, [subject])),
    unseenEmails: (accountId, connectionId, limit) =>
      engine.snapshot(async (session) => {
        const { rows: friends } = await sql<Row<'referrals'>>`select * from referrals where account_id = ${accountId}
          order by submitted_at desc, id desc limit ${limit}`.execute(session.db);
        const { rows: members } = await sql<Row<'members'>>`select * from members where account_id = ${accountId}
          order by created_at desc, id desc limit ${limit}`.execute(session.db);
        const elsewhere = [
          ...friends.map((row) => ({ ...row, email: row.friend_email })),
          ...members.map(({ id, email, connection_id }) => ({ id, email, connection_id })),
        ].filter(({ connection_id }) => connection_id !== null && connection_id !== connectionId);
        const edges = await edgesOfSubjects(
          session,
          accountId,
          elsewhere.map(({ id }) => id),
        );
        const here = edges.filter(({ record, until }) => until === null && record.connectionId === connectionId);
        const seen = new Set(here.map(({ subject }) => subject));
        return [...new Set(elsewhere.flatMap(({ id, email }) => (seen.has(id) ? [] : (email ?? []))))];
      }),
  };
}
