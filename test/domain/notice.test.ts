import { describe, expect, test } from 'vitest';
import { type HeldRoute, noticesOf, routeOf, tidiedRoutes } from '../../src/domain/notice.ts';

const caseOf = (
  kind: 'review' | 'dispute' | 'alert',
  topic: string,
  severity: 'low' | 'normal' | 'high' | 'urgent',
) => ({
  kind,
  topic,
  severity,
  openedAt: 100,
});
const route = (notice: HeldRoute['notice'], since = 0, to: string | null = null): HeldRoute => ({
  notice,
  channel: 'crm_task',
  to,
  since,
});

describe('what a case is told of as', () => {
  test.each([
    [caseOf('review', 'reward_review', 'normal'), ['review_due']],
    [caseOf('dispute', 'wrong_member', 'urgent'), ['review_due']],
    [caseOf('alert', 'budget_burn', 'urgent'), ['low_budget', 'urgent_alert']],
    [caseOf('alert', 'many_failures', 'urgent'), ['payout_failed', 'sync_trouble', 'urgent_alert']],
    [caseOf('alert', 'payout_returned', 'high'), ['payout_failed', 'urgent_alert']],
    [caseOf('alert', 'owed_again', 'high'), ['payout_failed', 'urgent_alert']],
    [caseOf('alert', 'drift_connection_lost', 'high'), ['sync_trouble', 'urgent_alert']],
    [caseOf('alert', 'drift_stage_renamed', 'low'), ['drift']],
    [caseOf('alert', 'sudden_conversions', 'high'), ['urgent_alert']],
    [caseOf('alert', 'something_else', 'low'), []],
  ])('%o is %o', (one, notices) => {
    expect(noticesOf(one)).toEqual(notices);
  });

  test('goes by the nearest that was chosen, and only from when it was', () => {
    const burn = caseOf('alert', 'budget_burn', 'urgent');
    expect(routeOf([route('urgent_alert'), route('low_budget', 0, '7')], burn)?.to).toBe('7');
    expect(routeOf([route('urgent_alert', 0, '8'), route('low_budget', 101)], burn)?.to).toBe('8');
    expect(routeOf([route('drift')], burn)).toBeUndefined();
  });
});

test('of what is said twice the last word holds, and the order of the list', () => {
  const said = [
    { notice: 'drift', channel: 'crm_task', to: null },
    { notice: 'review_due', channel: 'crm_task', to: '1' },
    { notice: 'drift', channel: 'crm_task', to: '2' },
  ] as const;
  expect(tidiedRoutes(said)).toEqual([said[1], said[2]]);
});
