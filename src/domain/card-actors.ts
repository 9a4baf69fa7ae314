import { normaliseEmail } from './record.ts';

/** Who looks at a record in the CRM, as the CRM itself signs it. */
export interface CardUser {
  /** The CRM's own id of the user. */
  readonly id: string;
  readonly email: string | null;
}

/** Who may act from the cards of a connection, by e-mail address (lower case) or by the CRM's own id; null: everyone who sees them. */
export type CardActors = readonly string[] | null;

/** Whether somebody may act. Nobody may whom the CRM did not name. */
export function mayAct(actors: CardActors, user: CardUser | null): boolean {
  if (user === null) return false;
  if (actors === null) return true;
  const email = normaliseEmail(user.email);
  return actors.some((one) => one === user.id || (email !== null && one === email));
}

/** The same people in one spelling and one order, each once. */
export function normaliseActors(actors: CardActors): CardActors {
  if (actors === null) return null;
  return [...new Set(actors.flatMap((one) => normaliseEmail(one) ?? []))].sort();
}
