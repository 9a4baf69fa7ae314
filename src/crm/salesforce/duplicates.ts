import type { DuplicateRules } from '../../application/ports/crm.ts';
import type { Part } from './query.ts';
import type { SalesforceError } from './wire.ts';

/**
 * An org's own duplicate rules may take a row of ours for one that is there. A rule whose action is "Allow" with an alert lets those save who
 * say that they have read it ("Duplicate Rule Header", REST API Developer Guide); one whose action is "Block" lets nobody.
 */
const ALLOW_SAVE = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' } as const;

/** What a part that writes has to say beside its rows. */
export function savedAllTheSame(rules: DuplicateRules): Pick<Part, 'headers'> {
  return rules === 'allow' ? { headers: ALLOW_SAVE } : {};
}

/** What an admin can do about a refusal; empty for one that no duplicate rule made. */
export function remedyOf(errors: readonly SalesforceError[], rules: DuplicateRules): string {
  if (!errors.some(({ code }) => code === 'DUPLICATES_DETECTED')) return '';
  return rules === 'allow'
    ? ' A duplicate rule of the org blocks this row, also for those who save all the same: set its action to "Allow" in Setup, or leave the object out of it.'
    : ' A duplicate rule of the org refuses this row: leave the object out of it, or have Wonward save all the same by the connection’s setting duplicateRules.';
}
