import type { AttributionPolicy, AttributionPolicyVersion } from '../domain/attribution-policy.ts';
import { type DecideInput, decide } from '../domain/decide.ts';
import type { State } from '../domain/plan.ts';
import type { Referral } from '../domain/referral.ts';
import type { AuditPage } from './ports/audit.ts';

export interface WhoseInput {
  /** As it is. */
  readonly stored: Referral;
  readonly page: AuditPage;
  readonly friend: DecideInput['friends'][number];
  readonly contacts: DecideInput['contacts'];
  readonly state: State;
}

/**
 * Whose a referral would have been by a draft of the attribution policy, found by `decide` as if the friend had just appeared; null for
 * nobody's. What a person has said stays, and so does a submission for the very contact: there the policy has no choice, but for doubts.
 */
export function whoseByDraft(
  policy: AttributionPolicy,
  { stored, page, friend, contacts, state }: WhoseInput,
): Referral | null {
  if (stored.movedAt !== undefined) return stored;
  const found = page.attributions.find(({ referralId, kind }) => referralId === stored.id && kind === 'attributed');
  // When its evidence was weighed; a window is counted from then.
  const now = found?.recordedAt ?? stored.submittedAt;
  const others = state.referrals.filter(({ id }) => id !== stored.id);
  const plan = decide({
    friends: [friend],
    contacts,
    now,
    state: {
      ...state,
      // Nothing but whose it is is asked for here.
      programs: state.programs.map((version) => ({ ...version, rules: [], risk: undefined, tiers: undefined })),
      attribution: asPublished(policy),
      referrals: [...others, ...asItCame(stored)],
    },
  });
  // One by e-mail address may be the one that another member has submitted.
  const { ref } = friend.contact;
  const mine = plan.referrals.find(
    ({ friend: { contact } }) => contact?.connectionId === ref.connectionId && contact.id === ref.id,
  );
  if (mine) return { ...mine, id: stored.id, version: stored.version };
  return stored.source === 'explicit' ? { ...stored, assist: undefined } : null;
}

/** The referral before anything was decided of it: one by label or code was not there, one by e-mail address knew no contact. */
function asItCame(referral: Referral): Referral[] {
  const { source, friend } = referral;
  if (source === 'explicit')
    return [{ ...referral, stage: 'accepted', doubt: undefined, wonDeals: undefined, assist: undefined }];
  if (source !== 'email') return [];
  return [
    {
      ...referral,
      friend: { ...friend, contact: null },
      source: 'explicit',
      stage: 'submitted',
      doubt: undefined,
      wonDeals: undefined,
      assist: undefined,
    },
  ];
}

/** As if it had always been in force. */
export function asPublished(policy: AttributionPolicy): AttributionPolicyVersion {
  return { version: 0, policy, contentHash: '', publishedAt: 0, publishedBy: '' };
}
