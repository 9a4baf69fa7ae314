/** What is set in the app inside a CRM, for one connection. */
export interface AppSettings {
  /** Who may change settings there, by the CRM's own user ids: whoever consented, and whom the API has named. */
  readonly managers: readonly string[];
}

/** Nobody may change anything. */
export const USUAL_APP_SETTINGS: AppSettings = { managers: [] };

/** Sorted and without repetition, so that the same is the same however it was said. */
export function tidied({ managers }: AppSettings): AppSettings {
  return { managers: [...new Set(managers)].sort() };
}
