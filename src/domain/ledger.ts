import { derivedId } from './ids.ts';
import type { Money } from './money.ts';
import type { Party } from './program.ts';
import type { Instant } from './time.ts';

/** Debits are positive, credits negative; the postings of a journal add up to zero in every currency. */
export interface Posting {
  readonly account: string;
  readonly minor: bigint;
  readonly currency: string;
}

export const JOURNAL_KINDS = [
  'accrue',
  'release',
  'net',
  'issue',
  'return',
  'void',
  'unnet',
  'claw_back',
  'claw_back_part',
  'restore',
  'expire',
  'write_off',
  'unwrite_off',
] as const;
export type JournalKind = (typeof JOURNAL_KINDS)[number];

/** One movement of money. Appended, never changed or deleted; a mistake is mended by a further journal. */
export interface Journal {
  readonly id: string;
  readonly kind: JournalKind;
  readonly rewardId: string;
  readonly decisionId: string | null;
  readonly effectiveAt: Instant;
  readonly recordedAt: Instant;
  readonly postings: readonly Posting[];
}

/** What the ledger needs to know of a reward to name its accounts. */
export interface RewardAccounts {
  readonly id: string;
  readonly programId: string;
  readonly party: Party;
  readonly beneficiaryId: string;
  readonly payout: string;
  readonly money: Money;
}

/** Credit stays in the ledger: what is taken back of it is taken from it, and nobody is asked to pay. */
export function isCredit({ payout }: Pick<RewardAccounts, 'payout'>): boolean {
  return payout === 'credit';
}

type AccountName = (reward: RewardAccounts) => string;

/** A recruiter is a member: what they owe and are owed in both roles is one balance. */
const owner = (party: Party) => (party === 'friend' ? 'friend' : 'member');

/** What the program costs. */
const expense: AccountName = ({ programId }) => `expense:${programId}`;
/** Owed if the hold ends well. */
const held: AccountName = ({ party, beneficiaryId }) => `held:${owner(party)}:${beneficiaryId}`;
/** Owed now. */
const payable: AccountName = ({ party, beneficiaryId }) => `payable:${owner(party)}:${beneficiaryId}`;
/** Where the money went: the beneficiary's credit with the account, or out through a provider. */
const settled: AccountName = ({ party, beneficiaryId, payout }) =>
  isCredit({ payout }) ? `credit:${owner(party)}:${beneficiaryId}` : `provider:${payout}`;
/** What a beneficiary owes back. Credit is taken back from the credit itself. */
const recoverable: AccountName = (reward) => (isCredit(reward) ? settled(reward) : receivable(reward));
const receivable: AccountName = ({ party, beneficiaryId }) => `receivable:${owner(party)}:${beneficiaryId}`;

/** Each kind of movement as [debited account, credited account]. The whole chart of movements is this table. */
const MOVEMENTS: Readonly<
  Record<JournalKind | 'accrue_held' | 'void_held' | 'return_claimed', readonly [AccountName, AccountName]>
> = {
  accrue: [expense, payable],
  accrue_held: [expense, held],
  release: [held, payable],
  issue: [payable, settled],
  void: [payable, expense],
  void_held: [held, expense],
  claw_back: [recoverable, expense],
  /** Part of an issued reward, as when its deal has become smaller; and given again when it has grown back. */
  claw_back_part: [recoverable, expense],
  restore: [expense, recoverable],
  /** What the beneficiary owes back is kept from what is owed to them; undone with the reward. */
  net: [payable, receivable],
  unnet: [receivable, expense],
  /** The provider gave it back: owed again, or no longer to be claimed from the beneficiary. */
  return: [settled, payable],
  return_claimed: [settled, recoverable],
  /** Not used in time: the provider, or the credit, gives it back, and nothing is owed for it any more. */
  expire: [settled, expense],
  /** Nobody is asked for it any more; undone when it comes back after all. */
  write_off: [expense, receivable],
  unwrite_off: [receivable, expense],
};

/** Kinds that a reward may see more than once; each has a decision of its own. */
const REPEATABLE: readonly JournalKind[] = ['claw_back_part', 'restore', 'write_off', 'unwrite_off'];

export interface JournalInput {
  readonly reward: RewardAccounts;
  readonly kind: JournalKind;
  /** In minor units; the whole reward unless it is said. Never zero. */
  readonly minor?: bigint;
  /** True while the reward is held, when accruing or voiding. */
  readonly whileHeld?: boolean;
  /** True when what comes back was claimed from the beneficiary before. */
  readonly afterClawBack?: boolean;
  readonly decisionId: string | null;
  readonly effectiveAt: Instant;
  readonly recordedAt: Instant;
}

/** The journal for one step of a reward. Its id comes from the reward and the step, so a step is booked once at most. */
export function journalFor({
  reward,
  kind,
  minor = reward.money.minor,
  whileHeld = false,
  afterClawBack = false,
  decisionId,
  effectiveAt,
  recordedAt,
}: JournalInput): Journal {
  const movement = movementOf(kind, whileHeld, afterClawBack);
  const [debit, credit] = MOVEMENTS[movement];
  const { currency } = reward.money;
  return {
    id: journalId(reward.id, kind, decisionId),
    kind,
    rewardId: reward.id,
    decisionId,
    effectiveAt,
    recordedAt,
    postings: [
      { account: debit(reward), minor, currency },
      { account: credit(reward), minor: -minor, currency },
    ],
  };
}

export function journalId(rewardId: string, kind: JournalKind, decisionId: string | null): string {
  return REPEATABLE.includes(kind)
    ? derivedId('jrn', rewardId, kind, decisionId ?? '')
    : derivedId('jrn', rewardId, kind);
}

function movementOf(kind: JournalKind, whileHeld: boolean, afterClawBack: boolean): keyof typeof MOVEMENTS {
  if (whileHeld && (kind === 'accrue' || kind === 'void')) return `${kind}_held`;
  return kind === 'return' && afterClawBack ? 'return_claimed' : kind;
}

/** Sum of the postings per currency; a balanced journal gives only zeros. */
export function imbalance(postings: readonly Posting[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { currency, minor } of postings) sums.set(currency, (sums.get(currency) ?? 0n) + minor);
  for (const [currency, sum] of sums) if (sum === 0n) sums.delete(currency);
  return sums;
}
