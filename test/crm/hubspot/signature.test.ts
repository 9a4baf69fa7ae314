import { Signature } from '@hubspot/api-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RawRequest } from '../../../src/application/ports/crm.ts';
import {
  decodeUri,
  FUTURE_TOLERANCE_MS,
  STALE_AFTER_MS,
  sign,
  signV2,
  verifySignature,
  verifyWorkflowSignature,
} from '../../../src/crm/hubspot/signature.ts';
import { SECRET } from './harness.ts';

const URL_ = 'https://www.example.com/webhook_uri';
const BODY = "{'example_field':'example_value'}";
const SIGNED_AT = 1_693_657_560_000;

function request(
  overrides: Partial<RawRequest> & { signature?: string | string[]; timestamp?: string | string[] } = {},
) {
  const { signature, timestamp, ...rest } = overrides;
  return {
    method: 'POST',
    url: URL_,
    body: Buffer.from(BODY),
    headers: {
      'x-hubspot-signature-v3': signature ?? 'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=',
      'x-hubspot-request-timestamp': timestamp ?? String(SIGNED_AT),
    },
    ...rest,
  } satisfies RawRequest;
}

function signedRequest(url: string, body: Uint8Array, { secret = SECRET, signedUrl = url, method = 'POST' } = {}) {
  const timestamp = String(SIGNED_AT);
  return request({ method, url, body, signature: sign({ secret, method, uri: signedUrl, body, timestamp }) });
}

describe('a request signed by HubSpot', () => {
  test.each([
    [1_693_657_560_000, 'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y='],
    [1_700_000_300_000, 'RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw='],
  ])('is accepted: the vector of HubSpot’s own SDK at %i', (timestamp, signature) => {
    const given = request({ signature, timestamp: String(timestamp) });
    expect(verifySignature(given, timestamp, [SECRET])).toEqual({ ok: true });
  });

  test('is signed as HubSpot’s SDK signs it, whatever the method, address and body', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST'),
        fc.webUrl({ withQueryParameters: true }),
        fc.string({ unit: 'grapheme' }),
        (method, url, body) => {
          const theirs = Signature.getSignature(method, 'v3', {
            clientSecret: SECRET,
            requestBody: body,
            signature: '',
            url,
            timestamp: SIGNED_AT,
          } as never);
          const ours = sign({
            secret: SECRET,
            method,
            uri: url,
            body: Buffer.from(body),
            timestamp: String(SIGNED_AT),
          });
          expect(ours).toBe(theirs);
          expect(
            verifySignature(request({ method, url, body: Buffer.from(body), signature: theirs }), SIGNED_AT, [SECRET])
              .ok,
          ).toBe(true);
        },
      ),
    );
  });

  test('is verified over the bytes that came, also when they are no text', () => {
    const body = Uint8Array.from([0xff, 0xfe, 0x00, 0x7b]);
    expect(verifySignature(signedRequest(URL_, body), SIGNED_AT, [SECRET])).toEqual({ ok: true });
  });

  test('is accepted whether HubSpot signed the address as sent or with its own few escapes decoded', () => {
    const url = 'https://example.com/cards?userEmail=ada%40example.com&name=A%20B&back=https%3a%2F%2Fx.test%2Fy';
    const decoded = 'https://example.com/cards?userEmail=ada@example.com&name=A%20B&back=https://x.test/y';
    expect(decodeUri(url)).toBe(decoded);
    for (const signedUrl of [url, decoded]) {
      expect(
        verifySignature(signedRequest(url, Buffer.from(''), { signedUrl, method: 'GET' }), SIGNED_AT, [SECRET]).ok,
      ).toBe(true);
    }
    const tooMuch = decodeURIComponent(url);
    expect(
      verifySignature(signedRequest(url, Buffer.from(''), { signedUrl: tooMuch, method: 'GET' }), SIGNED_AT, [SECRET])
        .ok,
    ).toBe(false);
  });

  test('is accepted under a former secret while it is being rotated, and no longer after', () => {
    const old = signedRequest(URL_, Buffer.from(BODY), { secret: 'old' });
    expect(verifySignature(old, SIGNED_AT, ['new', 'old'])).toEqual({ ok: true });
    expect(verifySignature(old, SIGNED_AT, ['new'])).toEqual({ ok: false, problem: 'mismatch' });
  });

  test('is accepted until it is five minutes old and refused after', () => {
    expect(verifySignature(request(), SIGNED_AT + STALE_AFTER_MS, [SECRET])).toEqual({ ok: true });
    expect(verifySignature(request(), SIGNED_AT + STALE_AFTER_MS + 1, [SECRET])).toEqual({
      ok: false,
      problem: 'stale',
    });
  });

  test('is refused when it comes from the future by more than a minute', () => {
    expect(verifySignature(request(), SIGNED_AT - FUTURE_TOLERANCE_MS, [SECRET])).toEqual({ ok: true });
    expect(verifySignature(request(), SIGNED_AT - FUTURE_TOLERANCE_MS - 1, [SECRET])).toEqual({
      ok: false,
      problem: 'future',
    });
  });
});

describe('a request that HubSpot did not sign', () => {
  test('is refused after a change of any byte of the body, the address, the method or the signature', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (body, at, flip) => {
          const changed = Uint8Array.from(body);
          changed[at % body.length] = (changed[at % body.length] ?? 0) ^ flip;
          const good = signedRequest(URL_, body);
          expect(verifySignature(good, SIGNED_AT, [SECRET]).ok).toBe(true);
          expect(verifySignature({ ...good, body: changed }, SIGNED_AT, [SECRET])).toEqual({
            ok: false,
            problem: 'mismatch',
          });
        },
      ),
    );
    const good = signedRequest(URL_, Buffer.from(BODY));
    expect(verifySignature({ ...good, url: `${URL_}?a=1` }, SIGNED_AT, [SECRET]).ok).toBe(false);
    expect(verifySignature({ ...good, method: 'PUT' }, SIGNED_AT, [SECRET]).ok).toBe(false);
    expect(verifySignature(good, SIGNED_AT, []).ok).toBe(false);
  });

  test('is refused when the timestamp is no number, though it was signed with it', () => {
    for (const timestamp of ['', ' 1693657560000', '1e12', '0x18A5', 'NaN', '-1', '1693657560000.0', '٣']) {
      const signature = sign({ secret: SECRET, method: 'POST', uri: URL_, body: Buffer.from(BODY), timestamp });
      expect(verifySignature(request({ signature, timestamp }), SIGNED_AT, [SECRET])).toEqual({
        ok: false,
        problem: 'malformed',
      });
    }
  });

  test('is refused without a signature or timestamp, with two of them, and with a signature of another length', () => {
    expect(verifySignature(request({ headers: {} }), SIGNED_AT, [SECRET])).toEqual({ ok: false, problem: 'missing' });
    const good = 'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=';
    for (const signature of [[good, good], '', 'abc', `${good}=`, good.slice(0, 43)]) {
      expect(verifySignature(request({ signature }), SIGNED_AT, [SECRET])).toEqual({ ok: false, problem: 'malformed' });
    }
    const timestamp = [String(SIGNED_AT), String(SIGNED_AT)];
    expect(verifySignature(request({ timestamp }), SIGNED_AT, [SECRET])).toEqual({ ok: false, problem: 'malformed' });
  });

  test('never makes the verification throw', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        (url, signature, timestamp) => {
          expect(verifySignature(request({ url, signature, timestamp }), SIGNED_AT, [SECRET]).ok).toBe(false);
        },
      ),
    );
  });
});

describe('a workflow’s call, signed as v2', () => {
  const JSON_BODY = '{"example_field":"example_value"}';
  const VECTOR = '9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900';
  const asked = (url: string, signature: string, more: Record<string, string> = {}): RawRequest => ({
    method: 'POST',
    url,
    body: Buffer.from(JSON_BODY),
    headers: { 'x-hubspot-signature': signature, 'x-hubspot-signature-version': 'v2', ...more },
  });
  const verify = (given: RawRequest, secrets = [SECRET]) => verifyWorkflowSignature(given, SIGNED_AT, secrets);

  test('is accepted by the vector of HubSpot’s documentation, and by a former secret', () => {
    expect(verify(asked(URL_, VECTOR))).toEqual({ ok: true });
    expect(verify(asked(URL_, VECTOR), ['new', SECRET])).toEqual({ ok: true });
    expect(verify(asked(URL_, VECTOR), ['new'])).toEqual({ ok: false, problem: 'mismatch' });
  });

  test('is accepted whether HubSpot signed the address raw or decoded, in either version', () => {
    const raw = `${URL_}?to=a%3Ab%2Fc`;
    const body = Buffer.from(JSON_BODY);
    for (const uri of [raw, decodeUri(raw)]) {
      const older = signV2({ secret: SECRET, method: 'POST', uri, body });
      expect(verify(asked(raw, older))).toEqual({ ok: true });
      const timestamp = String(SIGNED_AT);
      const newer = sign({ secret: SECRET, method: 'POST', uri, body, timestamp });
      const headers = { 'x-hubspot-signature-v3': newer, 'x-hubspot-request-timestamp': timestamp };
      expect(verify(asked(raw, 'not looked at', headers))).toEqual({ ok: true });
    }
    expect(verify(asked(`${URL_}?to=other`, signV2({ secret: SECRET, method: 'POST', uri: raw, body })))).toEqual({
      ok: false,
      problem: 'mismatch',
    });
  });

  test('is signed as HubSpot’s SDK signs it', () => {
    const theirs = Signature.getSignature('POST', 'v2', {
      clientSecret: SECRET,
      requestBody: JSON_BODY,
      signature: '',
      url: URL_,
    });
    expect(signV2({ secret: SECRET, method: 'POST', uri: URL_, body: Buffer.from(JSON_BODY) })).toBe(theirs);
  });

  test('is refused in any other shape', () => {
    expect(verify(asked(URL_, VECTOR.toUpperCase()))).toEqual({ ok: false, problem: 'malformed' });
    expect(verify(asked(URL_, ''))).toEqual({ ok: false, problem: 'malformed' });
    expect(verify(asked(URL_, VECTOR, { 'x-hubspot-signature-version': 'v1' }))).toEqual({
      ok: false,
      problem: 'missing',
    });
    expect(verify(asked(URL_, VECTOR, { 'x-hubspot-signature-v3': 'broken' }))).toEqual({
      ok: false,
      problem: 'missing',
    });
    expect(verify(asked(URL_, VECTOR, { 'x-hubspot-request-timestamp': 'soon' }))).toEqual({
      ok: false,
      problem: 'malformed',
    });
  });
});
