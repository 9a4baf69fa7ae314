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

/** Nobody reads a longer list on a card. */
const NAMED_MAX = 3;

/** Why somebody may not act, and whom they can ask; null for somebody who may. Numbers of users name nobody to a reader. */
export function whyNotAct(actors: CardActors, user: CardUser | null): string | null {
  if (mayAct(actors, user)) return null;
  if (user === null) return 'HubSpot did not say who you are, so you can look and not act. Reload the page.';
  const addresses = (actors ?? []).filter((one) => one.includes('@'));
  const named = addresses.slice(0, NAMED_MAX).join(', ');
  const who =
    addresses.length === 0
      ? 'An admin of Wonward chooses who may.'
      : `${named}${addresses.length > NAMED_MAX ? ' and others' : ''} may: ask one of them, or an admin of Wonward to add you.`;
  return `You may look at referrals here, and not act on them. ${who}`;
}

/** The same people in one spelling and one order, each once. */
export function normaliseActors(actors: CardActors): CardActors {
  if (actors === null) return null;
  return [...new Set(actors.flatMap((one) => normaliseEmail(one) ?? []))].sort();
}
