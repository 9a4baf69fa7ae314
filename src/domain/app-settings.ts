import { type NoticeRoute, tidiedRoutes } from './notice.ts';

/** What is set in the app inside a CRM, for one connection. */
export interface AppSettings {
  /** Who may change settings there, by the CRM's own user ids: whoever consented, and whom the API has named. */
  readonly managers: readonly string[];
  /** Programs that apply in the connection; null: every one that is published. What it means is said in `program-choice.ts`. */
  readonly programs: readonly string[] | null;
  /** Who is told of what in the CRM. */
  readonly notifications: readonly NoticeRoute[];
  /** Whether referrals and rewards are rows of objects of their own in the CRM. */
  readonly objects: ObjectsChoice;
  /** Whether the timelines of contacts are told what happens from then on. Absent: they are not. */
  readonly events?: 'on' | undefined;
}

/** `leaving`: they are not wanted any more, and the rows that are there are being removed. */
export const OBJECTS_CHOICES = ['off', 'on', 'leaving'] as const;
export type ObjectsChoice = (typeof OBJECTS_CHOICES)[number];

/** Nobody may change anything. */
export const USUAL_APP_SETTINGS: AppSettings = { managers: [], programs: null, notifications: [], objects: 'off' };

/** Sorted and without repetition, so that the same is the same however it was said. */
export function tidied({ managers, programs, notifications, objects, events }: AppSettings): AppSettings {
  return {
    managers: sorted(managers),
    programs: programs && sorted(programs),
    notifications: tidiedRoutes(notifications),
    objects,
    ...(events === undefined ? {} : { events }),
  };
}

function sorted(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}
