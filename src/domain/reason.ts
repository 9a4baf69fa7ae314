/**
 * Why something is as it is: a code that programs read, and the values that make the sentence true. The sentence is made
 * from the two on reading, so wording can improve without touching what was recorded.
 */
export interface Reason {
  readonly code: ReasonCode;
  readonly values: Readonly<Record<string, string>>;
}

/** The words of each code; those in other languages are made from the same values (http/language). */
export const REASON_SENTENCES = {
  // Referral
  submitted: 'Submitted; no CRM contact with this e-mail address yet.',
  attributed_label: 'The association "Referred by" in the CRM names the member.',
  attributed_code: "The contact gave the member's referral code.",
  attributed_email: "The contact's e-mail address is the one that was submitted.",
  attributed_company: 'The contact works for the company of a friend whom the member referred.',
  attributed_explicit: 'The referral was submitted for this contact.',
  attributed_person: 'A person gave the referral to the member.',
  credit_shared: 'Another member brought the friend too, and shares the credit: {percent} % of what the member gets.',
  attributed_moved: 'Given to another member by {by}: {why}',
  existing_customer: 'The friend was a customer before the referral: a deal was won on {wonOn}.',
  self_referral: 'The member and the friend are the same person.',
  referral_cycle: 'The friend referred the member before, directly or through others.',
  deal_open: 'The deal "{deal}" is in progress.',
  deal_won: 'The deal "{deal}" is Closed Won.',
  deals_lost: 'Every deal of the friend is lost.',
  // Reward decisions
  rewarded: 'The deal "{deal}" reached Closed Won and every condition is met.',
  held: 'The deal "{deal}" reached Closed Won; the hold of {days} days ends on {until}.',
  held_until: 'The deal "{deal}" reached Closed Won; held until {condition} is {expected}.',
  hold_met: 'Held until {condition} was {expected}, which it is: {actual}.',
  hold_unmet: 'A person has to decide: by {until} {condition} was not {expected}.',
  hold_ended: 'The hold ended and the deal "{deal}" is still Closed Won.',
  amount_missing: 'Waiting: the deal "{deal}" has no amount.',
  amount_invalid: 'Waiting: the deal\'s amount "{amount}" is not a positive decimal number.',
  amount_too_precise: "Waiting: the deal's amount {amount} has more decimals than {currency} allows.",
  amount_too_large: "Waiting: the deal's amount {amount} is larger than Wonward pays on without a person looking.",
  currency_missing: 'Waiting: the deal has no currency.',
  currency_unknown: 'Waiting: the deal\'s currency "{currency}" is not an ISO 4217 code.',
  rate_missing: 'Waiting: there is no rate of {currency} for {day} yet.',
  amount_zero: 'The reward would be zero.',
  no_step: 'Not rewarded: no step of the reward is reached.',
  stage_reached: 'The deal "{deal}" reached the stage "{stage}" and every condition is met.',
  stage_held: 'The deal "{deal}" reached the stage "{stage}"; the hold of {days} days ends on {until}.',
  review_needed: 'A person has to approve this reward: {why}.',
  review_approved: 'Approved by {by}: {why}',
  review_rejected: 'Rejected by {by}: {why}',
  risk_blocked: 'Not rewarded: too much speaks against it ({score}, from {limit} on nothing is paid): {findings}.',
  risk_allowed: 'Allowed by {by} though the policy would not pay: {why}',
  taken_back_by_person: 'Taken back by {by}: {why}',
  limit_reached: 'Not rewarded now: the {limit} is {expected}, and there were {actual}.',
  budget_spent: 'In line: the reward of {amount} is more than the budget has left ({left}).',
  deals_limit: 'Not rewarded: this referral was already rewarded for {count} deals.',
  other_rule_better: 'Not rewarded: the rule "{rule}" of the same group pays more for this deal.',
  amount_changed: 'The amount of the deal changed: the reward was {from}, it is {to} now.',
  amount_shrank: 'The amount of the deal changed: of {from} that were paid, {back} are taken back.',
  refunded_part: 'Part of the deal was refunded: of {from} that were paid, {back} are taken back.',
  refunded_whole: 'The deal was refunded: {refunded} of {amount}.',
  refund_unknown: 'Waiting: {refunded} were refunded, which cannot be compared with the amount of the deal, {amount}.',
  amount_restored: 'The amount of the deal changed: {again} that were taken back are given again.',
  netted: 'Kept for what was owed back: {netted} of {amount}.',
  condition_unmet: 'Not rewarded: {condition} should be {expected}, it is {actual}.',
  condition_unmet_because: 'Not rewarded: {because}',
  condition_unknown: 'Waiting: {condition} should be {expected}, it is {actual}.',
  deal_before_program: 'Not rewarded: the deal was won on {wonOn}, before the program or the connection began.',
  history:
    'Not paid: the deal was won on {wonOn}, before the program or the connection began. It would have paid {amount}; an admin can release it.',
  history_released: 'Released by {by} though the deal was won before the program or the connection began: {why}',
  deal_before_referral: 'Not rewarded: the deal was won on {wonOn}, before the referral was submitted.',
  other_deal_rewarded: 'Not rewarded: this referral was already rewarded for another deal.',
  other_referral_credited: 'Not rewarded: the deal is credited to an earlier referral of another contact.',
  decided_elsewhere:
    'Not decided here: the deal is a copy by its key {key}, and deals are decided in {crm}, where the source stands.',
  rewarded_elsewhere: 'Not rewarded again: the same deal was rewarded in {crm}, there as {there}.',
  left_won: 'The deal "{deal}" left Closed Won.',
  left_stage: 'The deal "{deal}" left the stage "{stage}".',
  deal_deleted: 'The deal was deleted in the CRM.',
  deal_detached: 'The deal is no longer associated with the friend.',
  deal_merged: 'Two rewarded deals were merged into one in the CRM, and one deal is rewarded once.',
  referral_declined: 'The referral is declined: {why}',
  stage_by_person: 'Set by {by}: {why}',
  // Tiers
  tier_reached: 'Reached the tier "{tier}": {score}{window}, {needed} asked for.',
  tier_at_risk: 'The tier "{tier}" is at risk: {score}{window}, {needed} asked for; {days} days to get back.',
  tier_kept: 'Keeps the tier "{tier}": {score}{window}, {needed} asked for.',
  tier_lost: 'Lost the tier "{tier}": {score}{window}, {needed} asked for. The tier now: {now}.',
  // Recruiters
  assist_alone: 'Not rewarded: the member whose credit is shared gets nothing by this rule.',
  no_recruiter: 'Not rewarded: no recruiter stands behind this referral.',
  paid_as_recruiter: 'Not rewarded: the member is a recruiter of the account and is paid as one.',
  re_attributed: 'Taken from this member and given to another by {by}: {why}',
  // Payout
  payout_issued: 'Paid by {provider}.',
  payout_failed: 'The provider {provider} refused: {why}',
  payout_returned: 'The provider {provider} gave the money back: {why}',
  expired_unused: 'Not used by {day}: it expired, and nothing is owed for it any more.',
  written_off: 'Written off by {by}: {amount} that were owed back. {why}',
} as const;

export type ReasonCode = keyof typeof REASON_SENTENCES;

export function reason(code: ReasonCode, values: Readonly<Record<string, string>> = {}): Reason {
  return { code, values };
}

/** Names of deals by id, as they are now. */
export type DealNames = ReadonlyMap<string, string>;

/**
 * The sentence a person reads. A reason holds the deal's id and never its name, which often is a person's: what is recorded for ever
 * must hold nothing that somebody may ask to be forgotten. Without a name the id stands in the sentence.
 */
export function reasonText({ code, values }: Reason, names: DealNames = new Map()): string {
  return REASON_SENTENCES[code].replace(/\{(\w+)\}/g, (_, key: string) => {
    const value = values[key] ?? '';
    return key === 'deal' ? (names.get(value) ?? value) : value;
  });
}

/** What people, providers and fields of a CRM say may name a person. */
const QUOTES: readonly string[] = ['by', 'why', 'actual', 'because', 'findings', 'key', 'there'];

/** The sentence for those who cannot be made to forget it; null for one that quotes somebody. */
export function textWithoutQuotes(reason: Reason): string | null {
  return QUOTES.some((key) => reason.values[key] !== undefined) ? null : reasonText(reason);
}
