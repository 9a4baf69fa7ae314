import type { Case } from './case.ts';
import type { Instant } from './time.ts';

/** What somebody can want to be told of. Each is told of by the cases that are opened for it. */
export const NOTICES = ['review_due', 'urgent_alert', 'sync_trouble', 'drift', 'low_budget', 'payout_failed'] as const;
export type Notice = (typeof NOTICES)[number];

/** How: `crm_task` is a task in the CRM, where people of a CRM look for what they have to do. */
export const CHANNELS = ['crm_task'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Who is told of what, and how. */
export interface NoticeRoute {
  readonly notice: Notice;
  readonly channel: Channel;
  /** Whose it is, by the CRM's own id of an owner; null for nobody's in particular. */
  readonly to: string | null;
}

/** A route with the moment from which it holds: of what was opened before nobody is told. */
export type HeldRoute = NoticeRoute & { readonly since: Instant };

/** Alerts about a CRM by which nothing comes or goes any more; the others are about what somebody has changed there. */
const TROUBLE: ReadonlySet<string> = new Set([
  'drift_scope_lost',
  'drift_access_refused',
  'drift_connection_lost',
  'drift_hints_dead',
]);

/** What a case is told of as: the nearest first. */
export function noticesOf({ kind, topic, severity }: Pick<Case, 'kind' | 'topic' | 'severity'>): Notice[] {
  if (kind !== 'alert') return ['review_due'];
  const isUrgent = severity === 'urgent' || severity === 'high';
  return [...nearest(topic), ...(isUrgent ? (['urgent_alert'] as const) : [])];
}

function nearest(topic: string): Notice[] {
  if (topic === 'budget_burn') return ['low_budget'];
  if (topic === 'payout_returned' || topic === 'owed_again') return ['payout_failed'];
  // What failed may be an order, a reading or a write-back.
  if (topic === 'many_failures') return ['payout_failed', 'sync_trouble'];
  if (TROUBLE.has(topic)) return ['sync_trouble'];
  return topic.startsWith('drift_') ? ['drift'] : [];
}

/** By which route a case is told; undefined for none. */
export function routeOf(
  routes: readonly HeldRoute[],
  one: Pick<Case, 'kind' | 'topic' | 'severity' | 'openedAt'>,
): HeldRoute | undefined {
  return noticesOf(one)
    .map((notice) => routes.find((route) => route.notice === notice && route.since <= one.openedAt))
    .find((route) => route !== undefined);
}

/** One route for each notice and channel, the last one said, in the order of the list; so that the same is the same however it was said. */
export function tidiedRoutes(routes: readonly NoticeRoute[]): NoticeRoute[] {
  return NOTICES.flatMap((notice) =>
    CHANNELS.flatMap((channel) => {
      const said = routes.findLast((route) => route.notice === notice && route.channel === channel);
      return said ? [{ notice, channel, to: said.to }] : [];
    }),
  );
}
