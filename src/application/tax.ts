import {
  countryOf,
  TAX_STATES,
  type TaxSettings,
  type TaxState,
  taxStateOf,
  USUAL_TAX_SETTINGS,
} from '../domain/tax.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { KeptTaxReport, PageInput, Store, TaxRow } from './ports/store.ts';

/** Journals that are read together; between two pages others get their turn. */
const JOURNALS_PER_PAGE = 1_000;
/** People who are looked up together. */
const PEOPLE_PER_READ = 500;
/** Reports that are taken up at once; what is left comes with the next stroke. */
const RUNNING_MAX = 20;

export interface KeptTaxSettings {
  readonly version: number;
  readonly settings: TaxSettings;
}

export interface ShownTaxRow extends TaxRow {
  readonly number: number;
  readonly name: string | null;
  readonly email: string | null;
  /** What whoever files for them would have to ask for, of what is kept here. */
  readonly missing: ReadonlyArray<'country' | 'name' | 'email'>;
}

export interface Tax {
  settings(accountId: string): Promise<KeptTaxSettings>;
  /** Null when another than `basis` is the newest version. */
  saveSettings(
    accountId: string,
    settings: TaxSettings,
    as: { readonly basis: number; readonly by: string },
  ): Promise<KeptTaxSettings | null>;
  /** Begins to add a year up; one that is under way is that one. */
  start(accountId: string, year: number, by: string): Promise<KeptTaxReport>;
  ofYear: Store['taxReports']['ofYear'];
  rows(accountId: string, reportId: string, list: TaxState, after: number, limit: number): Promise<ShownTaxRow[]>;
  /** Makes what was begun. One node at a time. */
  runAll(signal?: AbortSignal): Promise<void>;
}

export interface TaxDeps {
  readonly store: Pick<Store, 'taxReports' | 'accountSettings'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly newId: () => string;
  readonly onStarted: () => void;
}

/** Who was given how much in a year, held against the thresholds that finance has entered. */
export function createTax({ store, clock, log, newId, onStarted }: TaxDeps): Tax {
  const { taxReports, accountSettings } = store;

  async function settings(accountId: string): Promise<KeptTaxSettings> {
    const kept = await accountSettings.newest(accountId, 'tax');
    return { version: kept?.version ?? 0, settings: kept?.settings ?? USUAL_TAX_SETTINGS };
  }

  async function make(accountId: string, { id, year }: KeptTaxReport, signal?: AbortSignal): Promise<void> {
    const { settings: held } = await settings(accountId);
    const span = { from: Date.UTC(year, 0, 1), to: Date.UTC(year + 1, 0, 1) };
    const sums = new Map<string, { beneficiaryId: string; currency: string; minor: bigint }>();
    let journals = 0;
    for (let cursor: PageInput['cursor'] = null; ; ) {
      if (signal?.aborted) return;
      const page = await taxReports.given(accountId, span, { limit: JOURNALS_PER_PAGE, cursor });
      for (const { beneficiaryId, money } of page.sums) {
        const key = `${beneficiaryId} ${money.currency}`;
        const minor = (sums.get(key)?.minor ?? 0n) + money.minor;
        sums.set(key, { beneficiaryId, currency: money.currency, minor });
      }
      journals += page.journals;
      await taxReports.note(accountId, id, journals);
      if (page.next === null) break;
      cursor = page.next;
    }
    // Given and taken back in the same year is nothing given.
    const given = [...sums.values()].filter(({ minor }) => minor !== 0n);
    const countries = await countriesOf(
      accountId,
      [...new Set(given.map(({ beneficiaryId }) => beneficiaryId))],
      held.countryProperty,
    );
    const lists = new Map<TaxState, TaxRow[]>(TAX_STATES.map((state) => [state, []]));
    for (const { beneficiaryId, currency, minor } of given) {
      const money = { minor, currency };
      const country = countries.get(beneficiaryId) ?? null;
      const { state, threshold } = taxStateOf(money, country, year, held);
      lists.get(state)?.push({
        beneficiaryId,
        country,
        money,
        threshold: threshold && { money: threshold.amount, form: threshold.form },
      });
    }
    for (const rows of lists.values()) rows.sort(mostFirst);
    await taxReports.finish(accountId, id, lists, clock.now());
  }

  async function countriesOf(
    accountId: string,
    ids: readonly string[],
    property: string | null,
  ): Promise<Map<string, string | null>> {
    const found = new Map<string, string | null>();
    if (property === null) return found;
    for (let at = 0; at < ids.length; at += PEOPLE_PER_READ) {
      const people = await taxReports.people(accountId, ids.slice(at, at + PEOPLE_PER_READ));
      for (const [id, { contact }] of people) found.set(id, countryOf(contact?.properties?.[property]));
    }
    return found;
  }

  return {
    settings,

    async saveSettings(accountId, next, { basis, by }) {
      const saved = await accountSettings.save(accountId, 'tax', next, { basis, by, now: clock.now() });
      return saved && { version: saved.version, settings: saved.settings };
    },

    async start(accountId, year, by) {
      const { version } = await settings(accountId);
      const report = await taxReports.start(accountId, {
        id: `tax_${newId()}`,
        year,
        settingsVersion: version,
        startedAt: clock.now(),
        startedBy: by,
      });
      onStarted();
      return report;
    },

    ofYear: taxReports.ofYear,

    async rows(accountId, reportId, list, after, limit) {
      const rows = await taxReports.rows(accountId, reportId, list, after, limit);
      const people = await taxReports.people(
        accountId,
        rows.map(({ beneficiaryId }) => beneficiaryId),
      );
      return rows.map((row) => {
        const { name = null, email = null } = people.get(row.beneficiaryId) ?? {};
        const missing = (
          [
            ['country', row.country],
            ['name', name],
            ['email', email],
          ] as const
        ).flatMap(([what, value]) => (value === null ? [what] : []));
        return { ...row, name, email, missing };
      });
    },

    async runAll(signal) {
      for (const { accountId, report } of await taxReports.running(RUNNING_MAX)) {
        if (signal?.aborted) return;
        await make(accountId, report, signal).catch((err: unknown) =>
          log.warn({ account: accountId, year: report.year, err }, 'tax report put off'),
        );
      }
    },
  };
}

function mostFirst(a: TaxRow, b: TaxRow): number {
  if (a.money.currency !== b.money.currency) return a.money.currency < b.money.currency ? -1 : 1;
  if (a.money.minor !== b.money.minor) return a.money.minor > b.money.minor ? -1 : 1;
  return a.beneficiaryId < b.beneficiaryId ? -1 : 1;
}

/** The contact property that is read for the country; null while nobody has chosen one. */
export async function countryPropertyOf(
  store: Pick<Store, 'accountSettings'>,
  accountId: string,
): Promise<string | null> {
  return (await store.accountSettings.newest(accountId, 'tax'))?.settings.countryProperty ?? null;
}
