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
  const { record, member, referral, referrer, alsoMembers = [], alsoReferrers = [], alsoDecided = [] } = source;
  const brought = referral && referrer ? { referral, referrer } : null;
  const told = toldOf(source, source.decisions, names);
  const own = new Set([...(member ? [member.id] : []), ...alsoMembers.map((also) => also.member.id)]);
  const others = new Map(
    [...(brought ? [brought.referrer] : []), ...alsoReferrers, ...alsoDecided.map((also) => also.referrer)]
      .filter(({ id }) => !own.has(id))
      .map((one) => [one.id, one]),
  );
  return {
    kind: 'rows',
    members: [
      ...(member ? [ownRow(source, member, publicUrl, names)] : []),
      ...alsoMembers.map((also) => ownRow({ ...source, ...also }, also.member, publicUrl, names)),
      ...[...others.values()].map((one) => memberRow(one, publicUrl, names)),
    ],
    referrals: [
      ...(brought ? [referralRow(brought.referral, source, told, names, expected)] : []),
      ...(source.alsoReferred ?? []).map((one) => referralRow(one, source, [], names, [])),
      ...alsoDecided.map((also) => baseRow(also.referral, names)),
    ],
    rewards:
      record.object === 'deal'
        ? [
            ...(brought ? told.map((one) => rewardRow(one, brought.referral, record.id, names)) : []),
            // What was decided for somebody whose deal it was before ends in their row, and not in silence.
            ...alsoDecided.flatMap((also) =>
              toldOf(source, also.decisions, names).map((one) => rewardRow(one, also.referral, record.id, names)),
            ),
          ]
        : [],
  };
}

/** The same for a CRM that shows a member's sums on the contact, and takes from a deal what the deal tells of no more. */
export function composeOwnRows(
  source: MirrorSource,
  publicUrl: string,
  names: RowNames,
  expected: readonly Outlook[] = [],
): Pick<RecordRows, 'referrals' | 'rewards'> {
  const { referrals, rewards } = composeRows({ ...source, alsoDecided: [] }, publicUrl, names, expected);
  return { referrals, rewards };
}

function toldOf({ rewards }: MirrorSource, decisions: readonly Decision[], { deals }: RowNames): Told[] {
  return decisions.toSorted(byParty).map((decision) => {
    const reward = rewardOfDecision(decision, rewards);
    return { decision, reward, outlook: outlookOfDecision(decision, reward, deals) };
  });
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
  { record, isFriendOnDeal }: MirrorSource,
  told: readonly Told[],
  names: RowNames,
  expected: readonly Outlook[],
): ReferralRow {
  const contact = referral.friendErasedAt === undefined ? referral.friend.contact : null;
  const isHere = contact?.connectionId === record.connectionId;
  const hasEnded = referral.stage === 'declined' || referral.stage === 'expired';
  const hasNoDeal = referral.stage === 'submitted' || referral.stage === 'accepted' || referral.stage === 'qualified';
  if (record.object === 'deal') {
    return {
      ...baseRow(referral, names),
      // A contact that is on the deal no more may have been merged away: its own rows name it.
      friendContactId: isHere && isFriendOnDeal ? contact.id : null,
      dealId: record.id,
      nextStep: hasEnded
        ? null
        : (told.map(({ outlook }) => nextStepOf(outlook)).find((text) => text !== null) ?? expectedText(expected)),
    };
  }
  return {
    ...baseRow(referral, names),
    friendContactId: isHere ? contact.id : null,
    ...(hasNoDeal ? { nextStep: 'Create a deal for this friend and win it.' } : {}),
    ...(hasEnded ? { nextStep: null } : {}),
  };
}

/** What every record knows of a referral. */
function baseRow(referral: Referral, { programs }: RowNames): ReferralRow {
  return {
    key: referral.id,
    memberKey: referral.memberId,
    friendContactId: null,
    ...(referral.friendErasedAt === undefined ? {} : { isErased: true }),
    program: programs.findLast(({ programId }) => programId === referral.programId)?.name ?? referral.programId,
    stage: referral.stage,
    source: referral.source,
    submittedAt: isoOf(referral.submittedAt),
    stageSince: isoOf(referral.stageSince),
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
