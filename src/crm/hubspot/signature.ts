import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { RawRequest, SignatureVerdict } from '../../application/ports/crm.ts';
import type { Instant } from '../../domain/time.ts';

/**
 * HubSpot's request signature v3 (developers.hubspot.com, "Validating requests"):
 * base64(HMAC-SHA256(client secret, METHOD + URI + body + timestamp)).
 */
const SIGNATURE_HEADER = 'x-hubspot-signature-v3';
const TIMESTAMP_HEADER = 'x-hubspot-request-timestamp';
const OLDER_SIGNATURE_HEADER = 'x-hubspot-signature';
const OLDER_VERSION_HEADER = 'x-hubspot-signature-version';

/** HubSpot's own limit: "reject the request if the timestamp is older than 5 minutes". */
export const STALE_AFTER_MS = 300_000;

/** HubSpot names no limit. A clock may go a little wrong; a timestamp of next year would make a stolen request usable until then. */
export const FUTURE_TOLERANCE_MS = 60_000;

/** The only escapes that HubSpot decodes in the URI before it signs; everything else is signed as it was sent. */
const DECODED_ESCAPES: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
};

/** `secrets`: the current client secret and, while it is being rotated, the former ones. */
export function verifySignature(request: RawRequest, now: Instant, secrets: readonly string[]): SignatureVerdict {
  const signature = header(request, SIGNATURE_HEADER);
  const timestamp = header(request, TIMESTAMP_HEADER);
  if (signature === null || timestamp === null) return { ok: false, problem: 'missing' };
  // Number() would read '', ' 1', '1e3' and '0x1' as numbers and 'abc' as NaN, which no comparison refuses.
  if (!/^[0-9]{1,15}$/.test(timestamp)) return { ok: false, problem: 'malformed' };
  if (!/^[A-Za-z0-9+/]{43}=$/.test(signature)) return { ok: false, problem: 'malformed' };
  const signedAt = Number(timestamp);
  if (now - signedAt > STALE_AFTER_MS) return { ok: false, problem: 'stale' };
  if (signedAt - now > FUTURE_TOLERANCE_MS) return { ok: false, problem: 'future' };

  const given = Buffer.from(signature, 'latin1');
  let matches = false;
  for (const secret of secrets) {
    // Some of HubSpot's senders sign the URI decoded and some as it was sent.
    for (const uri of new Set([request.url, decodeUri(request.url)])) {
      const signed = sign({ secret, method: request.method, uri, body: request.body, timestamp });
      const expected = Buffer.from(signed, 'latin1');
      if (expected.length === given.length && timingSafeEqual(expected, given)) matches = true;
    }
  }
  return matches ? { ok: true } : { ok: false, problem: 'mismatch' };
}

/**
 * A call of a workflow. HubSpot documents v2 for these and sends v3 as well; where v3 is there it decides, as the stronger one. v2 signs no time:
 * what is sent again with it is the same call, which has its answer already.
 */
export function verifyWorkflowSignature(
  request: RawRequest,
  now: Instant,
  secrets: readonly string[],
): SignatureVerdict {
  if (header(request, SIGNATURE_HEADER) !== null) return verifySignature(request, now, secrets);
  const signature = header(request, OLDER_SIGNATURE_HEADER);
  if (signature === null) return { ok: false, problem: 'missing' };
  // v1 covers the body alone: a signed webhook would be as good as a call.
  if (header(request, OLDER_VERSION_HEADER) !== 'v2') return { ok: false, problem: 'missing' };
  if (!/^[0-9a-f]{64}$/.test(signature)) return { ok: false, problem: 'malformed' };
  const timestamp = header(request, TIMESTAMP_HEADER);
  if (timestamp !== null) {
    if (!/^[0-9]{1,15}$/.test(timestamp)) return { ok: false, problem: 'malformed' };
    if (now - Number(timestamp) > STALE_AFTER_MS) return { ok: false, problem: 'stale' };
    if (Number(timestamp) - now > FUTURE_TOLERANCE_MS) return { ok: false, problem: 'future' };
  }
  const given = Buffer.from(signature, 'latin1');
  let matches = false;
  for (const secret of secrets) {
    for (const uri of new Set([request.url, decodeUri(request.url)])) {
      const expected = Buffer.from(signV2({ secret, method: request.method, uri, body: request.body }), 'latin1');
      if (expected.length === given.length && timingSafeEqual(expected, given)) matches = true;
    }
  }
  return matches ? { ok: true } : { ok: false, problem: 'mismatch' };
}

/** hex(SHA-256(client secret + METHOD + URI + body)). */
export function signV2(input: { secret: string; method: string; uri: string; body: Uint8Array }): string {
  return createHash('sha256')
    .update(input.secret)
    .update(input.method.toUpperCase())
    .update(input.uri)
    .update(input.body)
    .digest('hex');
}

export function sign(input: {
  secret: string;
  method: string;
  uri: string;
  body: Uint8Array;
  timestamp: string;
}): string {
  return createHmac('sha256', input.secret)
    .update(input.method.toUpperCase())
    .update(input.uri)
    .update(input.body)
    .update(input.timestamp)
    .digest('base64');
}

export function decodeUri(uri: string): string {
  return uri.replace(/%[0-9a-f]{2}/gi, (encoded) => DECODED_ESCAPES[encoded.toUpperCase()] ?? encoded);
}

/** Null when absent; a header that came twice is not HubSpot's. Node writes names small and joins what came twice. */
function header({ headers }: RawRequest, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(', ') : value) ?? null;
}
