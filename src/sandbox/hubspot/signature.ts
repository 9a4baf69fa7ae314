import { createHash, createHmac } from 'node:crypto';

/**
 * HubSpot's request signatures ("Validating requests"). v3 signs the URI with these, and only these, escapes decoded;
 * the rest of the URI stays as it is sent.
 */
const DECODED: Record<string, string> = {
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

export function decodeForSignature(uri: string): string {
  return uri.replaceAll(/%[0-9A-Fa-f]{2}/g, (code) => DECODED[code.toUpperCase()] ?? code);
}

export function signV3(clientSecret: string, method: string, uri: string, rawBody: string, timestamp: number): string {
  const signed = `${method}${decodeForSignature(uri)}${rawBody}${timestamp}`;
  return createHmac('sha256', clientSecret).update(signed, 'utf8').digest('base64');
}

export function signV2(clientSecret: string, method: string, uri: string, rawBody: string): string {
  return createHash('sha256').update(`${clientSecret}${method}${uri}${rawBody}`, 'utf8').digest('hex');
}

export function signV1(clientSecret: string, rawBody: string): string {
  return createHash('sha256').update(`${clientSecret}${rawBody}`, 'utf8').digest('hex');
}

export interface Signed {
  clientSecret: string;
  method: string;
  uri: string;
  rawBody: string;
  /** Milliseconds since the epoch. */
  timestamp: number;
  /** Version of the older `X-HubSpot-Signature`: v1 for webhook subscriptions, v2 for cards and workflow actions. */
  older: 'v1' | 'v2';
}

export function signatureHeaders({
  clientSecret,
  method,
  uri,
  rawBody,
  timestamp,
  older,
}: Signed): Record<string, string> {
  return {
    'X-HubSpot-Signature': older === 'v1' ? signV1(clientSecret, rawBody) : signV2(clientSecret, method, uri, rawBody),
    'X-HubSpot-Signature-Version': older,
    'X-HubSpot-Signature-v3': signV3(clientSecret, method, uri, rawBody, timestamp),
    'X-HubSpot-Request-Timestamp': String(timestamp),
  };
}
