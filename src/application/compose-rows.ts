import type { Decision, Reward } from '../domain/decision.ts';
import { type Outlook, outlookOfDecision } from '../domain/explain.ts';
import { derivedId } from '../domain/ids.ts';
import type { MemberRow, RecordRows, ReferralRow, RewardRow } from '../domain/mirror.ts';
import { decimalOf } from '../domain/money.ts';
import { type ProgramVersion, publishedRule } from '../domain/program.ts';
import type { DealNames } from '../domain/reason.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { type Instant, isoOf } from '../domain/time.ts';
import { byParty, contactMirror, rewardOfDecision, shareLinkOf } from './compose-mirror.ts';
import type { MirrorSource } from './ports/store.ts';

/** What a text area of Salesforce holds. */
const NEXT_STEP_LENGTH_MAX = 255;

export interface RowNames {
  readonly deals: DealNames;
  readonly programs: readonly ProgramVersion[];
  /** The one that new referrals of the connection belong to. */
  readonly openProgramId: string | undefined;
}

/** The rows that are about a record, from what is stored about it now, for a CRM that keeps our objects. */
export function composeRows(
  source: MirrorSource,
  publicUrl: string,
  names: RowNames,
  /** What rules would make of the deal that have decided nothing on it; none for a contact. */
  expected: readonly Outlook[] = [],
): RecordRows {
  const { record, member, referral, referrer } = source;
  const outlooks = source.decisions.toSorted(byParty).map((decision) => {
    const reward = rewardOfDecision(decision, source.rewards);
    return { decision, reward, outlook: outlookOfDecision(decision, reward, names.deals) };
  });
  const brought = referral && referrer ? { referral, referrer } : null;
  return {
    kind: 'rows',
    members: [
      ...(member ? [ownRow(source, member, publicUrl, names)] : []),
      ...(brought && brought.referrer.id !== member?.id ? [memberRow(brought.referrer, publicUrl, names)] : []),
    ],
    referrals: brought ? [referralRow(brought.referral, source, outlooks, names, expected)] : [],
    rewards:
      record.object === 'deal' && brought
        ? outlooks.map((told) => rewardRow(told, brought.referral, record.id, names))
        : [],
  };
}

/** The same for a CRM that shows a member's sums on the contact, and may have a contact whom several have referred. */
export function composeOwnRows(
  source: MirrorSource,
  publicUrl: string,
  names: RowNames,
  expected: readonly Outlook[] = [],
): Pick<RecordRows, 'referrals' | 'rewards'> {
  const { referrals, rewards } = composeRows(source, publicUrl, names, expected);
  const further = (source.alsoReferred ?? []).map((referral) => referralRow(referral, source, [], names, []));
  return { referrals: [...referrals, ...further], rewards };
}

function memberRow(
  { id, name, email, code, erasedAt }: Member,
  publicUrl: string,
  { programs, openProgramId }: RowNames,
): MemberRow {
  const program = programs.findLast(({ programId }) => programId === openProgramId)?.name ?? null;
  return {
    key: id,
    name: name ?? email ?? code,
    program,
    code,
    shareLink: shareLinkOf(publicUrl, code),
    ...(erasedAt === undefined ? {} : { isErased: true }),
  };
}

function ownRow(source: MirrorSource, member: Member, publicUrl: string, names: RowNames): MemberRow {
  // The sums of a pseudonym stay what they were: reports add them up.
  if (member.erasedAt !== undefined) return memberRow(member, publicUrl, names);
  const {
    kind: _,
    memberId: _id,
    shareLink: _link,
    code: _code,
    referredBy: _by,
    ...own
  } = contactMirror(source, publicUrl, names.deals);
  return { ...memberRow(member, publicUrl, names), own: { ...own, contactId: source.record.id } };
}

interface Told {
  readonly decision: Decision;
  readonly reward: Reward | undefined;
  readonly outlook: Outlook;
}

/** What nobody but the deal knows is left out of a contact's row, or the two would write over each other. */
function referralRow(
  referral: Referral,
  { record }: MirrorSource,
  told: readonly Told[],
  names: RowNames,
  expected: readonly Outlook[],
): ReferralRow {
  const isErased = referral.friendErasedAt !== undefined;
  const contact = referral.friend.contact;
  const isHere = !isErased && contact?.connectionId === record.connectionId;
  const hasNoDeal = referral.stage === 'submitted' || referral.stage === 'accepted' || referral.stage === 'qualified';
  return {
    key: referral.id,
    memberKey: referral.memberId,
    friendContactId: isHere ? contact.id : null,
    ...(isErased ? { isErased } : {}),
    program: names.programs.findLast(({ programId }) => programId === referral.programId)?.name ?? referral.programId,
    stage: referral.stage,
    source: referral.source,
    submittedAt: isoOf(referral.submittedAt),
    stageSince: isoOf(referral.stageSince),
    ...(record.object === 'deal'
      ? {
          dealId: record.id,
          nextStep:
            told.map(({ outlook }) => nextStepOf(outlook)).find((text) => text !== null) ?? expectedText(expected),
        }
      : hasNoDeal
        ? { nextStep: 'Create a deal for this friend and win it.' }
        : {}),
  };
}

/** One row for each rule and deal, whatever became of its rewards: it tells of the decision that holds. */
function rewardRow(
  { decision, reward, outlook }: Told,
  referral: Referral,
  dealId: string,
  names: RowNames,
): RewardRow {
  const { ruleKey, party, program } = decision;
  const version = names.programs.find((one) => one.programId === program.id && one.version === program.version);
  return {
    key: derivedId('row', referral.id, dealId, ruleKey),
    referralKey: referral.id,
    dealId,
    party,
    rule: (version && publishedRule(version.rules, ruleKey)?.name) ?? ruleKey,
    // The package's list of states is fixed in every org; the reason tells what would have been paid.
    state: reward?.state ?? (decision.outcome === 'history' ? 'skipped' : decision.outcome),
    money: outlook.money && { amount: decimalOf(outlook.money), currency: outlook.money.currency },
    reasonCode: outlook.reason.code,
    reason: outlook.reason.text,
    nextStep: nextStepOf(outlook),
    decidedAt: isoOf(decision.effectiveAt),
    releaseAt: instant(reward?.releaseAt ?? decision.releaseAt),
    issuedAt: reward?.state === 'issued' || reward?.state === 'redeemed' ? isoOf(reward.updatedAt) : null,
  };
}

/** As many as fit of what would pay, each sentence once and whole. */
function expectedText(expected: readonly Outlook[]): string | null {
  const sentences = new Set(expected.toSorted(byParty).flatMap(({ wouldPay }) => wouldPay ?? []));
  let text = '';
  for (const sentence of sentences) {
    const longer = text === '' ? sentence : `${text} ${sentence}`;
    if (longer.length <= NEXT_STEP_LENGTH_MAX) text = longer;
  }
  return text === '' ? ([...sentences][0] ?? null) : text;
}

function nextStepOf({ wouldPay, next }: Outlook): string | null {
  return wouldPay ?? next;
}

function instant(at: Instant | null): string | null {
  return at === null ? null : isoOf(at);
}
