import type { CrmAccountInfo } from '../../application/ports/crm.ts';
import type { PortalApi } from './call.ts';
import { PATHS } from './version.ts';
import { accountSchema } from './wire.ts';

export async function readAccount(api: PortalApi): Promise<CrmAccountInfo> {
  const account = await api.data({
    name: 'read account details',
    method: 'GET',
    path: PATHS.accountDetails,
    schema: accountSchema,
  });
  return {
    externalId: account.portalId,
    homeCurrency: account.companyCurrency || null,
    timeZone: account.timeZone || null,
    uiHost: account.uiDomain || null,
  };
}
