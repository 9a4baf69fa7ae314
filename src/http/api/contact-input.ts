import { z } from 'zod';
import type { ConnectionStore } from '../../application/ports/store.ts';
import type { RecordRef } from '../../domain/record.ts';
import { HttpProblem } from '../problem.ts';
import { recordId } from './fields.ts';
import { connectionId } from './schemas.ts';

export type ConnectionLookup = Pick<ConnectionStore, 'get'>;

export const contactInput = z.strictObject({ connectionId, id: recordId }, 'must be {"connectionId", "id"} or null');

/** A contact of one of the account's own connections; another account's is answered like one that does not exist. */
export async function contactOf(
  connections: ConnectionLookup,
  accountId: string,
  input: z.output<typeof contactInput> | null,
  field: string,
): Promise<RecordRef | null> {
  if (!input) return null;
  if (await connections.get(accountId, input.connectionId)) {
    return { connectionId: input.connectionId, object: 'contact', id: input.id };
  }
  throw new HttpProblem('no_such_connection', 'This account has no such connection.', {
    errors: [{ field: `${field}.connectionId`, problem: 'must be the id of one of your connections' }],
  });
}

export function personErased(field: string): HttpProblem {
  return new HttpProblem(
    'person_erased',
    'This contact was erased here on request. If the person has come back, make a new contact for them in the CRM.',
    { errors: [{ field, problem: 'must be a contact that was not erased' }] },
  );
}
