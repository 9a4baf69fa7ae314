import type { IncomingMessage, ServerResponse } from 'node:http';
import { XMLParser } from 'fast-xml-parser';
import type { Calls } from './calls.ts';
import { ApiError } from './errors.ts';
import type { Faults } from './faults.ts';
import { readRaw, send, strikeBefore } from './http.ts';
import type { Limits } from './limits.ts';
import { type Org, type Row, tableOf } from './org.ts';
import type { Tokens } from './tokens.ts';

/**
 * Of the SOAP API one call, getUserInfo: nothing else says in which currency an org with a single one counts. "getUserInfo()" and
 * "API Fault Element", SOAP API Developer Guide; the fields are those of GetUserInfoResult in the partner WSDL.
 */

const PATH = /^\/services\/Soap\/u\/(\d{2})\.0\/?$/;
const URN = 'urn:partner.soap.sforce.com';

const parser = new XMLParser({ ignoreAttributes: false, removeNSPrefix: true, parseTagValue: false });

export interface SoapDeps {
  tokens: Tokens;
  limits: Limits;
  faults: Faults;
  calls: Calls;
}

export interface Soap {
  /** False: no route of this. */
  serve(org: Org, request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

const envelope = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="${URN}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`;

/** A fault's code stands twice, once with the prefix of its namespace. */
const faultBody = (code: string, message: string): string =>
  `<soapenv:Fault><faultcode>sf:${code}</faultcode><faultstring>${code}: ${escaped(message)}</faultstring><detail><sf:UnexpectedErrorFault xmlns:sf="urn:fault.partner.soap.sforce.com" xsi:type="sf:UnexpectedErrorFault"><sf:exceptionCode>${code}</sf:exceptionCode><sf:exceptionMessage>${escaped(message)}</sf:exceptionMessage></sf:UnexpectedErrorFault></detail></soapenv:Fault>`;

const nil = (name: string): string => `<${name} xsi:nil="true"/>`;

function userInfo(org: Org, user: Row): string {
  const isMulti = org.features.multiCurrency;
  const [currency = ''] = org.currencies;
  const fields: Record<string, string | null> = {
    accessibilityMode: 'false',
    chatterExternal: 'false',
    // "Applicable only when the org has a single currency."
    currencySymbol: isMulti ? null : currency,
    orgAttachmentFileSizeLimit: '26214400',
    orgDefaultCurrencyIsoCode: isMulti ? null : currency,
    orgDefaultCurrencyLocale: isMulti ? null : 'en_US',
    orgDisallowHtmlAttachments: 'false',
    orgHasPersonAccounts: String(org.features.personAccounts),
    organizationId: org.id,
    organizationMultiCurrency: String(isMulti),
    organizationName: org.name,
    profileId: String(user.ProfileId ?? ''),
    roleId: null,
    sessionSecondsValid: '7200',
    userDefaultCurrencyIsoCode: isMulti ? currency : null,
    userEmail: String(user.Email ?? ''),
    userFullName: String(user.Name ?? ''),
    userId: String(user.Id ?? ''),
    userLanguage: 'en_US',
    userLocale: String(user.LocaleSidKey ?? 'en_US'),
    userName: String(user.Username ?? ''),
    userTimeZone: String(user.TimeZoneSidKey ?? 'UTC'),
    userType: 'Standard',
    userUiSkin: 'Theme3',
  };
  const body = Object.entries(fields).map(([name, value]) =>
    value === null ? nil(name) : `<${name}>${escaped(value)}</${name}>`,
  );
  return `<getUserInfoResponse><result>${body.join('')}</result></getUserInfoResponse>`;
}

export function createSoap({ tokens, limits, faults, calls }: SoapDeps): Soap {
  function answer(org: Org, text: string): { status: number; body: string } {
    const read = parser.parse(text) as {
      Envelope?: { Header?: Record<string, unknown>; Body?: Record<string, unknown> };
    };
    const { Header: header, Body: body } = read.Envelope ?? {};
    const fault = (code: string, message: string) => ({ status: 500, body: faultBody(code, message) });
    if (!body) return fault('UNKNOWN_EXCEPTION', 'Premature end of file.');
    const session = header?.SessionHeader as { sessionId?: unknown } | undefined;
    const found = tokens.find(String(session?.sessionId ?? ''));
    if (!found || found.orgId !== org.id)
      return fault(
        'INVALID_SESSION_ID',
        'Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session key',
      );
    if (!org.settings.apiEnabled)
      return fault('API_DISABLED_FOR_ORG', 'API is not enabled for this Organization or Partner');
    limits.admit(org);
    if (!('getUserInfo' in body)) return fault('INVALID_OPERATION', 'the local Salesforce knows getUserInfo alone');
    const user = tableOf(org, 'User').rows.get(found.userId);
    return user ? { status: 200, body: userInfo(org, user) } : fault('INVALID_SESSION_ID', 'Session not found');
  }

  return {
    async serve(org, request, response) {
      const path = (request.url ?? '/').split('?')[0] ?? '/';
      if (!PATH.test(path)) return false;
      const effects = faults.api({ method: request.method ?? '', path, orgId: org.id });
      const struck = await strikeBefore(response, effects);
      if (struck !== undefined) {
        calls.record(org.id, request.method ?? '', '(fault)', struck);
        return true;
      }
      const text = await readRaw(request);
      let found: { status: number; body: string };
      if (request.headers.soapaction === undefined)
        found = { status: 500, body: faultBody('UNKNOWN_EXCEPTION', 'SOAPAction HTTP header missing') };
      else {
        try {
          found = answer(org, text);
        } catch (thrown) {
          if (!(thrown instanceof ApiError)) throw thrown;
          found = { status: 500, body: faultBody(thrown.code, thrown.message) };
        }
      }
      calls.record(org.id, request.method ?? '', '/services/Soap/u', found.status);
      const headers = { 'Content-Type': 'text/xml; charset=utf-8' };
      send(response, { status: found.status, body: envelope(found.body), headers }, effects);
      return true;
    },
  };
}
