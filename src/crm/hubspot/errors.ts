import { Fault } from '../../domain/errors.ts';
import { causeText } from '../answers.ts';
import type { HubSpotError } from './wire.ts';

/** Why one call brought no usable answer. */
export type Failure =
  | { readonly kind: 'network'; readonly cause: unknown }
  | { readonly kind: 'timeout'; readonly timeoutMs: number }
  /** `transient` when the body broke off; not when it is whole and of another shape than HubSpot documents. */
  | { readonly kind: 'unreadable'; readonly detail: string; readonly transient: boolean }
  | {
      readonly kind: 'status';
      readonly status: number;
      /** Null when the body is not HubSpot's: a proxy or a firewall answered. */
      readonly error: HubSpotError | null;
      readonly retryAfterMs: number | null;
    };

/**
 * A token that is minutes old and refused anyway is HubSpot's own propagation in most reports. Whether the install is gone is
 * said by the refresh alone, so this is waited out and never ends a connection.
 */
const FRESH_TOKEN_REFUSED_WAIT_MS = 60_000;

const TEXT = {
  unavailable: 'HubSpot did not answer. Wonward tries again by itself.',
  limited: 'HubSpot asks Wonward to slow down. Wonward tries again by itself.',
  locked: 'HubSpot has locked the record for a moment. Wonward tries again by itself.',
  unreadable: 'HubSpot sent an answer that cannot be read. Wonward tries again by itself.',
  forbidden: 'HubSpot does not allow Wonward to do this. An admin has to check the permissions of the app.',
  rejected: 'HubSpot refused what Wonward sent. The details are in the log.',
} as const;

/** The fault that a caller gets once no further attempt is made. `afterMs` is the time HubSpot named, if it named one. */
export function faultOf(call: string, failure: Failure, afterMs: number | null): Fault {
  const retry = { kind: 'retry', ...(afterMs === null ? {} : { afterMs }) } as const;
  if (failure.kind === 'network') {
    return new Fault('crm_unavailable', retry, TEXT.unavailable, {
      message: `${call}: no connection (${causeText(failure.cause)})`,
      cause: failure.cause,
    });
  }
  if (failure.kind === 'timeout') {
    return new Fault('crm_unavailable', retry, TEXT.unavailable, {
      message: `${call}: no answer within ${failure.timeoutMs} ms`,
    });
  }
  if (failure.kind === 'unreadable') {
    return new Fault('crm_unreadable_answer', retry, TEXT.unreadable, { message: `${call}: ${failure.detail}` });
  }
  const message = `${call}: ${failure.status} ${describe(failure.error)}`;
  const { status } = failure;
  if (status === 429) return new Fault('crm_rate_limited', retry, TEXT.limited, { message });
  if (status === 423) return new Fault('crm_locked', retry, TEXT.locked, { message });
  if (status === 401) {
    return new Fault('crm_unavailable', { kind: 'retry', afterMs: FRESH_TOKEN_REFUSED_WAIT_MS }, TEXT.unavailable, {
      message,
    });
  }
  if (status >= 500 || status === 408 || status === 477) {
    return new Fault('crm_unavailable', retry, TEXT.unavailable, { message });
  }
  // Not HubSpot's words: a firewall's page says nothing about our request.
  if (failure.error === null) return new Fault('crm_unavailable', retry, TEXT.unavailable, { message });
  if (status === 403) return new Fault('crm_forbidden', { kind: 'never' }, TEXT.forbidden, { message });
  return new Fault('crm_rejected', { kind: 'never' }, TEXT.rejected, { message });
}

/**
 * True for HubSpot's own "there is no such record". A 404 from anything else (a proxy, a path that is not served) must not
 * turn into a deleted deal.
 */
export function saysNotFound(error: HubSpotError): boolean {
  if (error.category !== undefined) return error.category === 'OBJECT_NOT_FOUND';
  return error.status === 'error' && error.correlationId !== undefined && /not found/i.test(error.message ?? '');
}

/** HubSpot's code for a property that the portal does not have; it comes as a code, inside a JSON message, or in words. */
export function saysUnknownProperty(error: HubSpotError): boolean {
  const texts = [error.message, ...(error.errors ?? []).flatMap(({ code, message }) => [code, message])];
  return texts.some((text) => /PROPERTY_DOESNT_EXIST|Property ".*" does not exist/i.test(text ?? ''));
}

/** For the log and for a row's detail: HubSpot's category and message, which may quote a value we sent. */
export function describe(error: HubSpotError | null): string {
  if (!error) return '(no HubSpot error in the body)';
  const { category, policyName, correlationId, message } = error;
  const facts = [category, policyName, correlationId].filter((fact) => fact !== undefined).join(' ');
  return `${facts} ${(message ?? error.error_description ?? error.error ?? '').slice(0, 500)}`.trim();
}
