import { Fault } from '../../domain/errors.ts';
import { causeText } from '../answers.ts';
import type { SalesforceError } from './wire.ts';

/** Why one call brought no usable answer. */
export type Failure =
  | { readonly kind: 'network'; readonly cause: unknown }
  | { readonly kind: 'timeout'; readonly timeoutMs: number }
  /** `transient` when the body broke off; not when it is whole and of another shape than Salesforce documents. */
  | { readonly kind: 'unreadable'; readonly detail: string; readonly transient: boolean }
  /** `errors` is empty when the body is not Salesforce's: a proxy or a firewall answered. */
  | { readonly kind: 'status'; readonly status: number; readonly errors: readonly SalesforceError[] };

/**
 * What Salesforce's codes mean for us.
 *
 * - `again`: it passes by itself, in seconds.
 * - `later`: it passes when somebody is done: an approval, a full storage, the window of a limit.
 * - `gone`: a record that is named is deleted, merged away or converted. It is read again, which finds out.
 * - `unprovisioned`: something of ours is missing in the org, or not allowed to the user that Wonward connects as.
 * - `refused`: a rule of the org's own says no to these values. A person has to look.
 * - `forbidden`: what we ask for is not allowed at all. An admin has to look.
 *
 * Each is a real code of the vendor's (StatusCode of the partner WSDL, ExceptionCode of the API fault); a test looks them up.
 */
export type Meaning = 'again' | 'later' | 'gone' | 'unprovisioned' | 'refused' | 'forbidden';

export const MEANINGS: Readonly<Record<string, Meaning>> = {
  UNABLE_TO_LOCK_ROW: 'again',
  SERVER_UNAVAILABLE: 'again',
  UNKNOWN_EXCEPTION: 'again',
  QUERY_TIMEOUT: 'again',
  // A trigger of the org that ran out of its limits for this batch may not for a smaller one.
  APEX_ERROR: 'again',
  // Told of rows that would have been written, had their neighbours been right.
  ALL_OR_NONE_OPERATION_ROLLED_BACK: 'again',
  PROCESSING_HALTED: 'again',

  ENTITY_IS_LOCKED: 'later',
  STORAGE_LIMIT_EXCEEDED: 'later',
  REQUEST_LIMIT_EXCEEDED: 'later',
  LIMIT_EXCEEDED: 'later',
  // The pages that are still to come were forgotten: whoever asked begins anew.
  INVALID_QUERY_LOCATOR: 'later',

  ENTITY_IS_DELETED: 'gone',
  INVALID_CROSS_REFERENCE_KEY: 'gone',
  CANNOT_UPDATE_CONVERTED_LEAD: 'gone',
  NOT_FOUND: 'gone',

  INVALID_FIELD: 'unprovisioned',
  INVALID_FIELD_FOR_INSERT_UPDATE: 'unprovisioned',
  INVALID_TYPE: 'unprovisioned',
  INVALID_TYPE_FOR_OPERATION: 'unprovisioned',

  FIELD_CUSTOM_VALIDATION_EXCEPTION: 'refused',
  FIELD_FILTER_VALIDATION_EXCEPTION: 'refused',
  FIELD_INTEGRITY_EXCEPTION: 'refused',
  REQUIRED_FIELD_MISSING: 'refused',
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: 'refused',
  STRING_TOO_LONG: 'refused',
  NUMBER_OUTSIDE_VALID_RANGE: 'refused',
  DUPLICATES_DETECTED: 'refused',
  DUPLICATE_VALUE: 'refused',
  DUPLICATE_EXTERNAL_ID: 'refused',
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: 'refused',
  CANNOT_EXECUTE_FLOW_TRIGGER: 'refused',

  INSUFFICIENT_ACCESS: 'forbidden',
  INSUFFICIENT_ACCESS_OR_READONLY: 'forbidden',
  INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY: 'forbidden',
  API_DISABLED_FOR_ORG: 'forbidden',
  API_CURRENTLY_DISABLED: 'forbidden',
  OPERATION_TOO_LARGE: 'forbidden',
};

/** A code that nobody has seen is a person's matter: it is shown with Salesforce's own words. */
export function meaningOf(code: string): Meaning {
  return MEANINGS[code] ?? 'refused';
}

/** The daily window is a rolling one: some calls come free again in this time. */
export const DAILY_LIMIT_WAIT_MS = 15 * 60_000;

/** A session that is minutes old and refused all the same: an IP or session policy of the org, or it is being moved. */
const FRESH_SESSION_REFUSED_WAIT_MS = 60_000;

/** Storage is freed and approvals are given by people. */
export const LATER_WAIT_MS = 30 * 60_000;

const TEXT = {
  unavailable: 'Salesforce did not answer. Wonward tries again by itself.',
  limited: 'The org has used up its API calls for now. Wonward goes on when there are some again.',
  locked: 'Somebody else is writing the same record in Salesforce. Wonward tries again by itself.',
  storage: 'The org has no storage left. Wonward goes on when an admin has made room.',
  unreadable: 'Salesforce sent an answer that cannot be read. Wonward tries again by itself.',
  disabled: 'The REST API is switched off in this org. An admin has to switch it on, or choose an edition that has it.',
  rejected: 'Salesforce refused what Wonward sent. The details are in the log.',
} as const;

export function isDailyLimit({ code, message }: SalesforceError): boolean {
  return code === 'REQUEST_LIMIT_EXCEEDED' && /total/i.test(message);
}

/** The fault that a caller gets once no further attempt is made. */
export function faultOf(call: string, failure: Failure): Fault {
  const retry = { kind: 'retry' } as const;
  if (failure.kind === 'network')
    return new Fault('crm_unavailable', retry, TEXT.unavailable, {
      message: `${call}: no connection (${causeText(failure.cause)})`,
      cause: failure.cause,
    });
  if (failure.kind === 'timeout')
    return new Fault('crm_unavailable', retry, TEXT.unavailable, {
      message: `${call}: no answer within ${failure.timeoutMs} ms`,
    });
  if (failure.kind === 'unreadable')
    return new Fault('crm_unreadable_answer', retry, TEXT.unreadable, { message: `${call}: ${failure.detail}` });
  const { status, errors } = failure;
  const message = `${call}: ${status} ${describe(errors)}`;
  const [error] = errors;
  if (status === 401)
    return new Fault('crm_unavailable', { kind: 'retry', afterMs: FRESH_SESSION_REFUSED_WAIT_MS }, TEXT.unavailable, {
      message,
    });
  if (error === undefined) return new Fault('crm_unavailable', retry, TEXT.unavailable, { message });
  if (error.code === 'REQUEST_LIMIT_EXCEEDED') {
    const afterMs = isDailyLimit(error) ? { afterMs: DAILY_LIMIT_WAIT_MS } : {};
    return new Fault('crm_rate_limited', { kind: 'retry', ...afterMs }, TEXT.limited, { message });
  }
  if (error.code === 'UNABLE_TO_LOCK_ROW') return new Fault('crm_locked', retry, TEXT.locked, { message });
  if (error.code === 'STORAGE_LIMIT_EXCEEDED')
    return new Fault('crm_rate_limited', { kind: 'retry', afterMs: LATER_WAIT_MS }, TEXT.storage, { message });
  if (/^API_(CURRENTLY_)?DISABLED/.test(error.code))
    return new Fault('crm_forbidden', { kind: 'never' }, TEXT.disabled, { message });
  const meaning = meaningOf(error.code);
  if (status >= 500 || status === 420 || status === 429 || meaning === 'again' || meaning === 'later')
    return new Fault('crm_unavailable', retry, TEXT.unavailable, { message });
  if (meaning === 'forbidden' || meaning === 'unprovisioned')
    return new Fault(
      'crm_forbidden',
      { kind: 'never' },
      `Salesforce does not allow Wonward to do this: ${error.message} An admin has to give the permission set "Referral Integration" to the user that connected.`,
      { message },
    );
  return new Fault('crm_rejected', { kind: 'never' }, TEXT.rejected, { message });
}

/** For the log and for a row's detail: Salesforce's code, fields and message, which may quote a value we sent. */
export function describe(errors: readonly SalesforceError[]): string {
  if (errors.length === 0) return '(no Salesforce error in the body)';
  return errors
    .slice(0, 3)
    .map(
      ({ code, message, fields }) =>
        `${code}${fields.length > 0 ? ` (${fields.join(', ')})` : ''}: ${message.slice(0, 500)}`,
    )
    .join('; ');
}
