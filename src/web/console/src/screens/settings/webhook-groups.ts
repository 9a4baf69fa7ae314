import type { components } from '../../api/schema.generated.ts';

export type EventType = components['schemas']['WebhookEventType'];

/**
 * As the API calls them, since that is what a receiver looks for; what belongs together stands together. test/web/console/webhook-groups.test.ts
 * names one that is in none.
 */
export const GROUPS: ReadonlyArray<{
  readonly title: 'groupReferral' | 'groupReward' | 'groupMember' | 'groupDesk';
  readonly types: readonly EventType[];
}> = [
  {
    title: 'groupReferral',
    types: [
      'referral.submitted',
      'referral.accepted',
      'referral.qualified',
      'referral.opportunity',
      'referral.won',
      'referral.lost',
      'referral.declined',
      'referral.expired',
      'referral.reattributed',
    ],
  },
  {
    title: 'groupReward',
    types: [
      'decision.made',
      'reward.granted',
      'reward.held',
      'reward.in_review',
      'reward.approved',
      'reward.issued',
      'reward.redeemed',
      'reward.failed',
      'reward.voided',
      'reward.expired',
      'reward.clawed_back',
      'reward.adjusted',
    ],
  },
  { title: 'groupMember', types: ['member.enrolled', 'tier.changed'] },
  {
    title: 'groupDesk',
    types: [
      'case.opened',
      'case.escalated',
      'case.settled',
      'connection.connected',
      'connection.disconnected',
      'connection.drifted',
    ],
  },
];
