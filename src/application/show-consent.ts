import type { Log } from '../platform/log.ts';
import { friendWords } from './consent-texts.ts';
import type { CrmSession, ProvisionReport } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';

export interface ShowConsentDeps {
  readonly store: Pick<Store, 'consents' | 'brands'>;
  readonly log: Log;
}

/**
 * Puts what reps read out to friends where the pages of a CRM find it that ask nobody. Returns what an admin has to put right, in the way of
 * what is wrong with our fields. A CRM that cannot be asked now is asked at the next sweep: until then its pages show the words of before,
 * and what a rep says of them is kept as the version that it was.
 */
export async function showConsent(
  { store, log }: ShowConsentDeps,
  session: Pick<CrmSession, 'showConsent'>,
  { id, accountId }: Connection,
): Promise<ProvisionReport['conflicts']> {
  if (!session.showConsent) return [];
  try {
    const shown = await session.showConsent(await friendWords(store, accountId));
    if (shown.result === 'written') log.info({ connection: id }, 'consent text shown');
    if (shown.result !== 'refused') return [];
    log.warn({ connection: id, detail: shown.detail }, 'consent text refused');
    // It stands inside a sentence.
    return [{ name: shown.name, problem: shown.detail.replace(/\.$/, '') }];
  } catch (err) {
    log.warn({ connection: id, err }, 'consent text put off');
    return [];
  }
}
