import { sql } from 'kysely';
import type { IdentityStore } from '../application/ports/store.ts';
import type { ConnectionsPolicy } from '../domain/connections-policy.ts';
import type { Engine } from './dialect.ts';
import { edgesOfSubjects } from './identity-edges.ts';
import { createPolicies } from './policies.ts';
import type { Row } from './schema.ts';

export function createIdentityStore(engine: Engine): IdentityStore {
  return {
    ...createPolicies<ConnectionsPolicy>(engine, 'connections_policies'),
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
