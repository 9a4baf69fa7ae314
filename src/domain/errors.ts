/** What to do after a fault. The rule travels with the error, so no caller has to guess it from a message. */
export type RetryRule =
  /** Try again; not before `afterMs` when the other side named a time. */
  | { readonly kind: 'retry'; readonly afterMs?: number }
  /** The connection's authorisation is gone: an admin has to connect again. */
  | { readonly kind: 'reconnect' }
  /** The same call will fail again until something else is changed; a person has to look. */
  | { readonly kind: 'never' };

export type FaultCode =
  | 'crm_unavailable'
  | 'crm_rate_limited'
  | 'crm_locked'
  | 'crm_rejected'
  | 'crm_forbidden'
  | 'crm_unreadable_answer'
  | 'authorisation_revoked'
  | 'app_misconfigured'
  | 'payout_unavailable'
  | 'payout_rejected'
  /** The provider does not take the account's credentials, or has none. */
  | 'payout_credentials'
  /** A call that says it comes from a provider, and does not prove it. */
  | 'payout_news_unsigned'
  | 'payout_news_malformed'
  | 'destination_refused'
  /** A letter could not be handed to the mail server. */
  | 'mail_unavailable'
  /** The OpenID provider cannot be asked, or does not confirm who somebody is. */
  | 'sign_in_unavailable'
  | 'sign_in_refused'
  | 'unsealable'
  | 'ledger_unbalanced'
  /** The database's disk, file or server is in trouble; the message says which, and what to do. */
  | 'storage'
  /** Others changed the same thing again and again, or too much waits already; nothing was written. */
  | 'busy';

/**
 * A fault of the world around us, as opposed to an outcome. `message` is for the log and may name internals;
 * `publicText` is for the people who use Wonward.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly retry: RetryRule;
  readonly publicText: string;

  constructor(
    code: FaultCode,
    retry: RetryRule,
    publicText: string,
    options: { message?: string; cause?: unknown } = {},
  ) {
    super(options.message ?? publicText, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.retry = retry;
    this.publicText = publicText;
  }
}
