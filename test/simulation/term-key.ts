const PREFIX = 'term-';

/** A rule whose reward no oracle can tell from the CRM alone. */
export function isTerm(key: string): boolean {
  return key.startsWith(PREFIX);
}
