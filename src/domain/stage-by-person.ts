import type { Draft } from './plan.ts';
import { type Reason, reason } from './reason.ts';
import type { LifecycleStage, Referral, StageWord } from './referral.ts';
import type { Instant } from './time.ts';

/** What a person can say: the others are said by deals alone, or by there being no record yet. Nothing is paid for any of them. */
const STAGES_BY_PERSON = [
  'accepted',
  'qualified',
  'declined',
  'expired',
] as const satisfies readonly StageWord['stage'][];

/** More than anybody says of one referral; the oldest are left out. */
const WORDS_MAX = 100;

const BY_DEALS: ReadonlySet<string> = new Set(['deal_open', 'deal_won', 'deals_lost']);

export type StageSet =
  | { readonly kind: 'set' | 'existing'; readonly referral: Referral }
  /** `follows_the_deal`: deals say where it stands. `declined_by_policy`: what spoke against it speaks against it still. */
  | { readonly kind: 'refused'; readonly code: 'follows_the_deal' | 'declined_by_policy' };

/** The word that holds while no deal says where the referral stands: of the member who has it now. */
export function placedBy({ stageWords = [], movedAt }: Pick<Referral, 'stageWords' | 'movedAt'>): StageWord | null {
  const last = stageWords.at(-1);
  return last && (movedAt === undefined || last.at >= movedAt) ? last : null;
}

export function wordReason({ by, why }: StageWord): Reason {
  return reason('stage_by_person', { by, why });
}

/**
 * Moves a referral that has no deal to speak of by a person's word. A friend's deals stand above it, whenever they come; one that was declined
 * stays declined until somebody says otherwise.
 */
export function placeByPerson(
  draft: Draft,
  referral: Referral,
  { stage, by, why, at }: Omit<StageWord, 'stage'> & { readonly stage: LifecycleStage },
): StageSet {
  if (referral.stage === stage) return { kind: 'existing', referral };
  const { contact } = referral.friend;
  const isByDeals = BY_DEALS.has(referral.reason.code);
  const asked = STAGES_BY_PERSON.find((one) => one === stage);
  if (contact === null || isByDeals || asked === undefined) return { kind: 'refused', code: 'follows_the_deal' };
  if (referral.stage === 'declined' && referral.reason.code !== 'stage_by_person')
    return { kind: 'refused', code: 'declined_by_policy' };
  const word: StageWord = { stage: asked, by, why, at: laterThan(referral, at) };
  const placed = draft.putReferral({
    ...referral,
    stage: asked,
    reason: wordReason(word),
    stageSince: word.at,
    stageWords: [...(referral.stageWords ?? []), word].slice(-WORDS_MAX),
  });
  draft.markMirror(contact);
  draft.markMember(placed.memberId);
  // Deals that came while it was declined say where it stands now.
  if (referral.stage === 'declined') draft.wake({ record: contact, at: word.at });
  return { kind: 'set', referral: placed };
}

/** Of two nodes one clock may be behind: what is said later holds later. */
function laterThan({ stageWords = [], movedAt = 0 }: Referral, at: Instant): Instant {
  return Math.max(at, movedAt, (stageWords.at(-1)?.at ?? 0) + 1);
}
