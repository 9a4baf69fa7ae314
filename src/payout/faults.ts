import { Fault } from '../domain/errors.ts';
import { isAddressRefusal } from '../platform/outbound.ts';

/*
 * The faults of every provider. Causes carry a code and no more: the errors of SDKs hold the request with its key, and the answer with
 * somebody's address.
 */

/** Long enough for a person to move money or to press a button; short enough to be noticed the same hour. */
export const WAIT_FOR_PEOPLE_MS = 3_600_000;

/** No answer, or "not now": the same order comes again with the same key. */
export function unavailable(label: string, what: string, afterMs?: number): Fault {
  const rule = { kind: 'retry', ...(afterMs === undefined ? {} : { afterMs }) } as const;
  return new Fault('payout_unavailable', rule, `${label} ${what}. The order is sent again with the same key.`);
}

/** The order is with the provider and not settled yet. */
export function notYet(label: string, what: string, afterMs: number): Fault {
  return new Fault('payout_unavailable', { kind: 'retry', afterMs }, `${label}: ${what}. It is asked again.`);
}

export function wrongCredentials(label: string, what: string): Fault {
  return new Fault(
    'payout_credentials',
    { kind: 'never' },
    `${label} ${what}. Give it new credentials, then try again.`,
  );
}

/** Something that our own rules exclude; asking again would not help, and might pay twice. */
export function contradiction(label: string, what: string): Fault {
  return new Fault('payout_rejected', { kind: 'never' }, `${label}: ${what}. A person has to look at it there.`);
}

export function unsigned(): Fault {
  return new Fault('payout_news_unsigned', { kind: 'never' }, 'The signature does not match the request.');
}

export function malformedNews(): Fault {
  return new Fault('payout_news_malformed', { kind: 'never' }, 'The news is signed, but cannot be read.');
}

/** What no answer at all means, whoever made the call. */
export function noAnswer(label: string, thrown: unknown): Fault {
  if (isAddressRefusal(thrown)) {
    return new Fault(
      'destination_refused',
      { kind: 'never' },
      `${label}'s name leads to a private or local address from here, which is not called.`,
    );
  }
  const { code, detail, name = 'unknown' } = thrown as { code?: string; detail?: { code?: string }; name?: string };
  return new Fault(
    'payout_unavailable',
    { kind: 'retry' },
    `${label} did not answer. The order is sent again with the same key.`,
    { message: `${label} did not answer: ${detail?.code ?? code ?? name}` },
  );
}
