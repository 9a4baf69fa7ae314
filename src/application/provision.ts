import type { Clock } from '../platform/clock.ts';
import { ownObjects } from './own-objects.ts';
import type { CrmSession, ProvisionReport } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';

/**
 * Creates what is missing of our fields in the CRM, and has every value written anew when something was: new fields are empty. Noted down
 * before, since the answer to a creation may get lost; and after, since a value may have been written in between to a field that was
 * deleted just then.
 */
export async function provision(
  { store, clock }: { store: Pick<Store, 'mirror' | 'appSettings'>; clock: Pick<Clock, 'now'> },
  session: Pick<CrmSession, 'provision' | 'objects'>,
  connection: Pick<Connection, 'accountId' | 'id'>,
): Promise<ProvisionReport> {
  const { accountId, id } = connection;
  const markAll = async () => void (await store.mirror.markAll(accountId, id, clock.now()));
  const own = await session.provision(markAll);
  const objects = await ownObjects(store, session, connection);
  const report = objects ? together(own, await objects.provision(markAll)) : own;
  if (report.created.length > 0) await markAll();
  return report;
}

function together(one: ProvisionReport, other: ProvisionReport): ProvisionReport {
  return {
    ...one,
    created: [...one.created, ...other.created],
    existing: [...one.existing, ...other.existing],
    conflicts: [...one.conflicts, ...other.conflicts],
  };
}
