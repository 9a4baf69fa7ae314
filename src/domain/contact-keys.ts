import { derivedId } from './ids.ts';
import { type ContactFacts, normaliseEmail } from './record.ts';

/** Providers that ignore dots before the @, under the name that they have in common. */
const DOTLESS = new Map([
  ['gmail.com', 'gmail.com'],
  ['googlemail.com', 'gmail.com'],
]);

/** The mailbox behind an address: without what follows a plus, and without dots where the provider ignores them. */
export function mailboxOf(email: string | null): string | null {
  const address = normaliseEmail(email);
  const at = address?.lastIndexOf('@') ?? -1;
  if (!address || at < 1) return null;
  const domain = address.slice(at + 1);
  const [local = ''] = address.slice(0, at).split('+');
  const dotless = DOTLESS.get(domain);
  const name = dotless === undefined ? local : local.replaceAll('.', '');
  return name === '' ? null : `${name}@${dotless ?? domain}`;
}

/**
 * How contacts with the same mailbox or phone number are found without keeping either: a hash with the account in it, so that two accounts
 * that know one person have nothing in common.
 */
export function contactKeys(accountId: string, { email, traits }: Pick<ContactFacts, 'email' | 'traits'>) {
  const mailbox = mailboxOf(email);
  const phone = traits?.phones?.[0];
  return {
    mail: mailbox === null ? null : derivedId('key', accountId, 'mail', mailbox),
    phone: phone === undefined ? null : derivedId('key', accountId, 'phone', phone),
  };
}
