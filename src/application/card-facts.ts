import type { Decision, Reward } from '../domain/decision.ts';
import type { StageMapping } from '../domain/mapping.ts';
import { type ProgramVersion, type RewardRule, rulesNow, versionFor } from '../domain/program.ts';
import { appliesIn, type ProgramChoice } from '../domain/program-choice.ts';
import { type ContactFacts, type DealFacts, type RecordRef, recordKey } from '../domain/record.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { wonTally } from '../domain/tally.ts';
import type { Instant } from '../domain/time.ts';
import type { Connection, Store } from './ports/store.ts';

/** A friend with more deals than this is shown with the newest. */
const DEALS_PER_FRIEND_MAX = 20;
/** Two parties, a few rules, a few deals, some history. */
const DECISIONS_PER_REFERRAL_MAX = 200;

/** A referral on a card, from the side of the person whose card it is. */
export interface ShownReferral {
  readonly referral: Referral;
  readonly direction: 'made' | 'received';
  readonly member: Member;
}

export interface CardContext {
  readonly accountId: string;
  readonly programs: readonly ProgramVersion[];
  /** Which of them apply in each connection. */
  readonly choices: readonly ProgramChoice[];
  readonly mapping: StageMapping;
  readonly connection: Connection;
  /** Whose card it is; null for one that is no person's. */
  readonly contact: RecordRef | null;
  readonly now: Instant;
}

/** What the story of one referral is made of. */
export interface StoryFacts {
  /** The newest first. */
  readonly decisions: readonly Decision[];
  readonly rewards: readonly Reward[];
  /** Of the friend's contact at home, and of the one whose card it is where the friend is known here by another. */
  readonly deals: readonly DealFacts[];
  /** The account's own person behind the referral. */
  readonly recruiter: Member | null;
  readonly assist: Member | null;
  /** The program that the referral is judged by in the card's connection, none where it does not apply, and those of its rules that have decided nothing yet. */
  readonly version: ProgramVersion | undefined;
  readonly undecided: readonly RewardRule[];
  /** Read where something is undecided only. */
  readonly friend: ContactFacts | undefined;
  readonly wonReferrals: number;
  readonly tier: string | null;
  /** What a deal's stages mean is told by its own connection. */
  readonly mappingOf: (deal: RecordRef) => StageMapping;
}

/**
 * Read for all referrals of a card together: ten friends cost as many queries as one. `needsOutlook`: a rule that has decided on one deal is
 * told of another one.
 */
export async function readStoryFacts(
  store: Store,
  context: CardContext,
  shown: readonly ShownReferral[],
  needsOutlook = false,
): Promise<StoryFacts[]> {
  const { accountId, programs, choices, mapping, connection, contact: own, now } = context;
  if (shown.length === 0) return [];
  const isHere = ({ connectionId }: RecordRef) => connectionId === connection.id;
  const contactsOf = ({ referral: { friend }, direction }: ShownReferral) => {
    const isOther = direction === 'received' && friend.contact !== null && !isHere(friend.contact);
    return [...(isOther && own ? [own] : []), ...(friend.contact ? [friend.contact] : [])];
  };
  const ids = shown.map(({ referral }) => referral.id);
  const [{ decisions, rewards }, dealsByContact, memberOf] = await Promise.all([
    store.reads.ofReferrals(accountId, ids, DECISIONS_PER_REFERRAL_MAX),
    store.reads.dealsOfContacts(accountId, shown.flatMap(contactsOf), DEALS_PER_FRIEND_MAX),
    readMembers(store, accountId, shown),
  ]);
  const decisionsOf = Map.groupBy(decisions, ({ referralId }) => referralId);
  const rewardsOf = Map.groupBy(rewards, ({ referralId }) => referralId);
  const begun = shown.map((one) => {
    const { referral, member } = one;
    const own = decisionsOf.get(referral.id) ?? [];
    const version = appliesIn(choices, connection.id, referral) ? versionFor(programs, referral, now) : undefined;
    const rules = rulesNow(version?.rules ?? [], referral, now);
    const deals = contactsOf(one).flatMap((contact) => dealsByContact.get(recordKey(contact)) ?? []);
    const named = referral.recruiterId === undefined ? null : memberOf(referral.recruiterId);
    return {
      referral,
      decisions: own,
      rewards: rewardsOf.get(referral.id) ?? [],
      deals: deals.slice(0, DEALS_PER_FRIEND_MAX),
      recruiter: referral.recruiterId === undefined && member.isStaff ? member : named,
      assist: referral.assist ? memberOf(referral.assist.memberId) : null,
      version,
      undecided: rules.filter((rule) => !own.some(({ ruleKey }) => ruleKey === rule.key)),
    };
  });
  const outlook = await readOutlook(
    store,
    accountId,
    begun.filter(({ undecided }) => needsOutlook || undecided.length > 0).map(({ referral }) => referral),
    programs.some(({ tiers }) => tiers),
  );
  const mappingOf = await readMappings(
    store,
    context,
    begun.flatMap(({ deals }) => deals.map(({ ref }) => ref)),
  );
  return begun.map(({ referral, ...facts }) => ({
    ...facts,
    ...outlook(referral),
    mappingOf: (deal) => (isHere(deal) ? mapping : mappingOf(deal)),
  }));
}

/** Recruiters and those who share a credit: most referrals have neither. */
async function readMembers(store: Store, accountId: string, shown: readonly ShownReferral[]) {
  const ids = new Set(
    shown.flatMap(({ referral: { recruiterId, assist } }) => [
      ...(recruiterId === undefined ? [] : [recruiterId]),
      ...(assist ? [assist.memberId] : []),
    ]),
  );
  const found = await Promise.all([...ids].map(async (id) => [id, await store.reads.member(accountId, id)] as const));
  const byId = new Map(found);
  return (id: string) => byId.get(id) ?? null;
}

/** What tells what rules that have decided nothing yet would make of an open deal. */
async function readOutlook(store: Store, accountId: string, referrals: readonly Referral[], hasTiers: boolean) {
  const memberIds = [...new Set(referrals.map(({ memberId }) => memberId))];
  const contacts = referrals.flatMap(({ friend }) => friend.contact ?? []);
  const [counts, tiers, known] = await Promise.all([
    Promise.all(memberIds.map(async (id) => [id, await store.reads.tally(accountId, wonTally(id))] as const)),
    hasTiers ? Promise.all(memberIds.map(async (id) => [id, await store.tiers.of(accountId, id)] as const)) : [],
    Promise.all(
      [...Map.groupBy(contacts, ({ connectionId }) => connectionId)].map(([connectionId, group]) =>
        store.cases.knownContacts(
          accountId,
          connectionId,
          group.map(({ id }) => id),
        ),
      ),
    ),
  ]);
  const countOf = new Map(counts);
  const tiersOf = new Map(tiers);
  const friendOf = new Map(known.flat().map(({ facts }) => [recordKey(facts.ref), facts]));
  return ({ memberId, programId, friend: { contact } }: Referral) => ({
    friend: contact ? friendOf.get(recordKey(contact)) : undefined,
    wonReferrals: countOf.get(memberId)?.count ?? 0,
    tier: tiersOf.get(memberId)?.find(({ program }) => program.id === programId)?.to?.key ?? null,
  });
}

async function readMappings(
  store: Store,
  { accountId, connection }: CardContext,
  deals: readonly RecordRef[],
): Promise<(deal: RecordRef) => StageMapping> {
  const others = new Set(deals.map(({ connectionId }) => connectionId).filter((id) => id !== connection.id));
  const found = await Promise.all(
    [...others].map(async (id) => [id, await store.connections.mapping(accountId, id)] as const),
  );
  const byConnection = new Map(found);
  return ({ connectionId }) => byConnection.get(connectionId) ?? { version: '', entries: [] };
}
