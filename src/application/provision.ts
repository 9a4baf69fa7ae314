import type { Clock } from '../platform/clock.ts';
import type { CrmSession, ProvisionReport } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';

/**
 * Creates what is missing of our fields in the CRM, and has every value written anew when something was: new fields are empty. Noted down
 * before, since the answer to a creation may get lost; and after, since a value may have been written in between to a field that was
 * deleted just then.
 */
export async function provision(
  { store, clock }: { store: Pick<Store, 'mirror'>; clock: Pick<Clock, 'now'> },
  session: Pick<CrmSession, 'provision'>,
  { accountId, id }: Pick<Connection, 'accountId' | 'id'>,
): Promise<ProvisionReport> {
  const markAll = async () => void (await store.mirror.markAll(accountId, id, clock.now()));
  const report = await session.provision(markAll);
  if (report.created.length > 0) await markAll();
  return report;
}
