import { z } from 'zod';
import { type ConnectionsPolicy, DEFAULT_CONNECTIONS_POLICY, OWN_ID } from '../domain/connections-policy.ts';
import type { FieldProblem } from './field-problem.ts';
import type { Connection } from './ports/store.ts';
import { pathText } from './program-document.ts';

/** A name of a CRM's property or field; longer is none. */
const PROPERTY_LENGTH_MAX = 200;
/** More than a quarter is no delay of a sync tool. */
const TWIN_DAYS_MAX = 90;
/** More connections than any account has. */
const KEYS_MAX = 50;

const connectionId = z.string().min(1).max(80);

const source = z.strictObject({
  decidedIn: connectionId.meta({ description: 'The connection that decides: the source of truth.' }),
  keys: z
    .record(connectionId, z.string().trim().min(1).max(PROPERTY_LENGTH_MAX))
    .refine((keys) => Object.keys(keys).length <= KEYS_MAX, `at most ${KEYS_MAX} connections`)
    .meta({
      description: `By connection: the property that carries the shared key, or "${OWN_ID}" for the record's own id.`,
    }),
});

/** A policy as an admin writes it; what is left out is as it always was. */
export const connectionsDocument = z
  .strictObject({
    deals: source
      .nullable()
      .default(null)
      .meta({ description: 'How deals that stand in several connections are told to be one; null: not at all.' }),
    contacts: source.nullable().default(null).meta({
      description: 'The same for contacts: a copy opens no referral by itself. E-mail addresses are compared anyway.',
    }),
    twinDays: z.int().min(0).max(TWIN_DAYS_MAX).default(DEFAULT_CONNECTIONS_POLICY.twinDays).meta({
      description:
        'Two deals of one friend over one amount without keys, won within so many days in two connections, go to a person.',
    }),
  })
  .transform((policy): ConnectionsPolicy => policy);

export type ConnectionsResult =
  | { readonly ok: true; readonly policy: ConnectionsPolicy }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

export function parseConnectionsPolicy(
  document: unknown,
  connections: ReadonlyArray<Pick<Connection, 'id'>>,
): ConnectionsResult {
  const parsed = connectionsDocument.safeParse(document);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => ({ field: pathText(path), problem: message }));
    return { ok: false, problems };
  }
  const problems = connectionsProblems(parsed.data, connections);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, policy: parsed.data };
}

/** Every connection that a policy names. */
export function connectionsNamed({ deals, contacts }: ConnectionsPolicy): string[] {
  return [deals, contacts].flatMap((one) => (one ? [one.decidedIn, ...Object.keys(one.keys)] : []));
}

/** What no schema sees: whether the connections are the account's, and whether the keys can tell anything. */
export function connectionsProblems(
  policy: ConnectionsPolicy,
  connections: ReadonlyArray<Pick<Connection, 'id'>>,
): FieldProblem[] {
  const known = new Set(connections.map(({ id }) => id));
  return (['deals', 'contacts'] as const).flatMap((object) => {
    const one = policy[object];
    if (!one) return [];
    const named = Object.keys(one.keys);
    const ownIds = named.filter((id) => one.keys[id] === OWN_ID);
    const problems: FieldProblem[] = [];
    for (const id of named)
      if (!known.has(id))
        problems.push({ field: `${object}.keys.${id}`, problem: 'must be the id of one of your connections' });
    if (!known.has(one.decidedIn))
      problems.push({ field: `${object}.decidedIn`, problem: 'must be the id of one of your connections' });
    else if (!named.includes(one.decidedIn))
      problems.push({ field: `${object}.keys`, problem: 'must name the key of the connection that decides, too' });
    if (named.length < 2)
      problems.push({ field: `${object}.keys`, problem: 'must name two connections at least: a key ties records' });
    if (ownIds.length > 1)
      problems.push({
        field: `${object}.keys.${ownIds[1]}`,
        problem: `must be a property that holds the id of the other connection's record: "${OWN_ID}" stands for one only`,
      });
    return problems;
  });
}
