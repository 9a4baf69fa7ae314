/** One thing that need not be kept for ever, and the bounds within which an account says for how long. */
export interface RetentionRule {
  /** Days, where an account says nothing; null: as long as the account exists. */
  readonly usualDays: number | null;
  readonly minDays: number;
  /** Above it there is nothing that it would be good for. */
  readonly maxDays: number;
  /** Whether it may be kept for as long as the account exists. */
  readonly mayBeForever: boolean;
}

/** Each with the reason for its least and its most. What is not here is never forgotten by time: decisions, journals, referrals. */
export const RETENTION = {
  /**
   * Deliveries of CRMs. They are what a delivery that comes again is known by: HubSpot sends again for a day and workflows for three,
   * Salesforce replays 72 hours, and an outage of ours may come on top. Whatever comes later still than that only asks for the record to be
   * looked at, which decides nothing anew.
   */
  inbox: { usualDays: 180, minDays: 30, maxDays: 3_650, mayBeForever: true },
  /** HubSpot makes a call that got no answer again for three days, and must hear the same each time. */
  workflowCalls: { usualDays: 30, minDays: 7, maxDays: 400, mayBeForever: false },
  /**
   * Lists behind a comparison with a CRM: thousands of rows each night, of use while somebody mends what they name. Who checks the chain of
   * reports finds them missing as a fault before that many days, so it is never less.
   */
  reportLists: { usualDays: 35, minDays: 35, maxDays: 400, mayBeForever: false },
  /** Comparisons themselves: an audit asks for a year, and this is a month more. */
  reports: { usualDays: 400, minDays: 400, maxDays: 3_650, mayBeForever: false },
  /** Who changed what. An audit asks for a year; books are kept for ten in many countries, and who released money belongs to them. */
  auditLog: { usualDays: null, minDays: 400, maxDays: 3_650, mayBeForever: true },
} as const satisfies Readonly<Record<string, RetentionRule>>;

export type RetentionItem = keyof typeof RETENTION;

export const RETENTION_ITEMS = Object.keys(RETENTION) as RetentionItem[];

/** Days by item; null for ever; what is not named is as usual. */
export type RetentionSettings = Partial<Readonly<Record<RetentionItem, number | null>>>;

export function retentionDays(settings: RetentionSettings, item: RetentionItem): number | null {
  const said = settings[item];
  return said === undefined ? RETENTION[item].usualDays : said;
}
