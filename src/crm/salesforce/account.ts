import { z } from 'zod';
import type { CrmAccess, CrmAccountInfo } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import type { OrgApi } from './call.ts';
import { longId } from './ids.ts';
import { hasField, type OrgShape } from './org.ts';
import { runQuery } from './query.ts';
import { PATHS } from './version.ts';
import { text } from './wire.ts';

export async function readAccount(api: OrgApi, shape: OrgShape, access: CrmAccess): Promise<CrmAccountInfo> {
  const { rows } = await runQuery(api, 'read organization', {
    soql: 'SELECT Id, TimeZoneSidKey FROM Organization',
    scope: 'live',
  });
  const [organization] = rows;
  const id = longId(String(organization?.Id ?? ''));
  if (!organization || id === null)
    throw new Fault('crm_unreadable_answer', { kind: 'retry' }, 'Salesforce did not say which org this is.');
  return {
    externalId: id,
    homeCurrency: await homeCurrency(api, shape, access),
    timeZone: text(organization.TimeZoneSidKey),
    uiHost: access.apiUrl === undefined ? null : uiHostOf(access.apiUrl),
  };
}

/** An org with several currencies has a corporate one; one with a single currency tells it by the SOAP API alone. */
async function homeCurrency(api: OrgApi, shape: OrgShape, access: CrmAccess): Promise<string | null> {
  if (hasField(shape, 'Opportunity', 'CurrencyIsoCode')) {
    const { rows } = await runQuery(api, 'read corporate currency', {
      soql: 'SELECT IsoCode FROM CurrencyType WHERE IsCorporate = true',
      scope: 'live',
    });
    return text(rows[0]?.IsoCode);
  }
  const reply = await api.call({
    name: 'read user info',
    method: 'POST',
    path: PATHS.soap,
    xml: userInfoEnvelope(await access.accessToken()),
    schema: z.string(),
    // What the SOAP API refuses is not known, and no reason to stop the rest: amounts without a currency then wait.
    refusals: [400, 403, 500],
  });
  if (!reply.ok) return null;
  const [, currency] = /<(?:\w+:)?orgDefaultCurrencyIsoCode>([A-Z]{3})</.exec(reply.data) ?? [];
  return currency ?? null;
}

/** "getUserInfo()", SOAP API Developer Guide. A token has no characters that XML would read otherwise. */
function userInfoEnvelope(token: string): string {
  const session = token.replace(/[<>&]/g, '');
  return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com"><soapenv:Header><urn:SessionHeader><urn:sessionId>${session}</urn:sessionId></urn:SessionHeader></soapenv:Header><soapenv:Body><urn:getUserInfo/></soapenv:Body></soapenv:Envelope>`;
}

/** `acme.my.salesforce.com` has its pages at `acme.lightning.force.com`; an org without a My Domain has them where its API is. */
export function uiHostOf(apiUrl: string): string {
  const { host } = new URL(apiUrl);
  return host.replace(/\.my\.salesforce\.com$/, '.lightning.force.com');
}
