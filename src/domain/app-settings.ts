import { type NoticeRoute, tidiedRoutes } from './notice.ts';

/** What is set in the app inside a CRM, for one connection. */
export interface AppSettings {
  /** Who may change settings there, by the CRM's own user ids: whoever consented, and whom the API has named. */
  readonly managers: readonly string[];
  /** Programs that apply in the connection; null: every one that is published. What it means is said in `program-choice.ts`. */
  readonly programs: readonly string[] | null;
  /** Who is told of what in the CRM. */
  readonly notifications: readonly NoticeRoute[];
}

/** Nobody may change anything. */
export const USUAL_APP_SETTINGS: AppSettings = { managers: [], programs: null, notifications: [] };

/** Sorted and without repetition, so that the same is the same however it was said. */
export function tidied({ managers, programs, notifications }: AppSettings): AppSettings {
  return {
    managers: sorted(managers),
    programs: programs && sorted(programs),
    notifications: tidiedRoutes(notifications),
  };
}

function sorted(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}
