import {
  type AttributionPolicy,
  type Candidate,
  type CandidateVerdict,
  DEFAULT_POLICY,
  type JudgedCandidate,
  rankCandidates,
} from './attribution-policy.ts';
import { areOne, isContactCopy, memberElsewhere, recognise, survivorOf } from './identity.ts';
import { derivedId, memberCode, normaliseCode } from './ids.ts';
import type { Draft, State } from './plan.ts';
import { appliesIn, openProgramIn } from './program-choice.ts';
import { type Reason, reason } from './reason.ts';
import { type ContactFacts, normaliseEmail, type RecordRef, sameRecord } from './record.ts';
import { isSubmitted, type Member, type Referral, startOf, type TouchKind } from './referral.ts';
import { placedBy } from './stage-by-person.ts';
import { CLOCK_SKEW_ALLOWED_MS, dayOf, type Instant } from './time.ts';

/** Referral chains longer than this are not followed when looking for a cycle; none that long was ever honest work. */
export const REFERRAL_CHAIN_MAX = 20;

/** One member is a friend's referrer in one program: the key is derived from both, so two nodes make the same referral. */
export function referralIdOf(accountId: string, programId: string, friend: RecordRef): string {
  return derivedId('ref', accountId, programId, friend.connectionId, friend.id);
}

export function memberIdOf(accountId: string, contact: RecordRef): string {
  return derivedId('mem', accountId, contact.connectionId, contact.id);
}

/** A contact as a member: everybody who is named as a referrer is one, without signing up. */
export function enrol(draft: Draft, state: State, contact: ContactFacts, now: Instant): Member {
  const existing = memberOfContact(draft, contact);
  // What the contact at home says counts.
  if (existing?.contact && existing.contact.connectionId !== contact.ref.connectionId) return existing;
  if (existing) {
    return draft.putMember({
      ...existing,
      contact: contact.ref,
      name: contact.name ?? existing.name,
      email: normaliseEmail(contact.email) ?? existing.email,
      ...(contact.isStaff === undefined ? {} : { isStaff: contact.isStaff || undefined }),
    });
  }
  const id = memberIdOf(state.accountId, contact.ref);
  return draft.putMember({
    id,
    name: contact.name,
    email: normaliseEmail(contact.email),
    code: memberCode(id),
    contact: contact.ref,
    ...(contact.isStaff ? { isStaff: true } : {}),
    createdAt: now,
  });
}

/**
 * The member that a contact is, also under an id that was merged into it. The longest-standing one when a merge joined two; one whose home is
 * in another connection where the contact is tied to it.
 */
export function memberOfContact(
  draft: Draft,
  contact: Pick<ContactFacts, 'ref' | 'formerIds' | 'email'>,
): Member | undefined {
  const ids = new Set([contact.ref.id, ...contact.formerIds]);
  const own = draft.findMember(
    (member) => member.contact?.connectionId === contact.ref.connectionId && member.contact.id === contact.ref.id,
  );
  const merged = draft.findMember(
    (member) => member.contact?.connectionId === contact.ref.connectionId && ids.has(member.contact.id),
  );
  // Somebody who was enrolled by e-mail address alone becomes this contact when it appears in the CRM.
  const email = normaliseEmail(contact.email);
  const unplaced = draft.findMember((member) => member.contact === null && email !== null && member.email === email);
  return own ?? merged ?? unplaced ?? memberElsewhere(draft, contact);
}

/**
 * Decides which member a friend belongs to, or that the friend belongs to nobody.
 *
 * The first referral that was accepted stays: later evidence is kept as a touch and changes nothing by itself. Before that, the
 * strongest evidence wins: a submission for this very contact or its e-mail address, then the association label, then the code.
 */
export function attribute(
  draft: Draft,
  state: State,
  friend: ContactFacts,
  contacts: ReadonlyMap<string, ContactFacts>,
  now: Instant,
  /** The friend's earliest won deal, by the CRM's clock; null for none. */
  wonBefore: Instant | null = null,
): Referral | undefined {
  for (const contact of [friend, ...labelledReferrers(friend, contacts)]) recognise(draft, state, contact, now);
  const [existing] = referralsOfFriend(draft, friend);
  const isCopy = !existing && isContactCopy(state, friend);
  const claim = existing || isCopy ? undefined : strongestClaim(draft, state, friend, contacts, now);
  const known = existing && !isCopy ? sharedIfLate(draft, state, existing, friend, contacts, now) : existing;
  if (!isCopy) keepTouches(draft, state, friend, existing?.friend.contact ?? friend.ref, contacts, now);
  if (!known && !claim) return undefined;

  if (known && isHome(known, friend.ref)) takeHome(draft, known, friend);
  const found: Omit<Referral, 'version'> = known
    ? isHome(known, friend.ref)
      ? { ...known, friend: friendOf(friend, known.friend) }
      : known
    : (claim as Omit<Referral, 'version'>);
  const isNews = isNewTo(state, existing) || (existing !== undefined && draft.identity.isNew(friend.ref, existing.id));
  const { refusal, doubt } = objectionTo(draft, state, found, friend, isNews ? wonBefore : null);
  const referral = { ...found, doubt: doubt ?? found.doubt };
  if (refusal) {
    return draft.putReferral({
      ...referral,
      stage: 'declined',
      reason: refusal,
      stageSince: referral.stage === 'declined' ? referral.stageSince : now,
    });
  }
  if (referral.stage !== 'declined' || placedBy(referral)?.stage === 'declined') return draft.putReferral(referral);
  // What spoke against it is gone, such as a mistyped e-mail address: the referral stands again.
  return draft.putReferral({ ...referral, stage: 'accepted', reason: sourceReason(referral), stageSince: now });
}

/** Why the referral belongs to its member, for a referral that has no deal to speak of yet. */
export function sourceReason({ source, movedAt }: Pick<Referral, 'source' | 'movedAt'>): Reason {
  return reason(movedAt === undefined ? `attributed_${source}` : 'attributed_person');
}

/**
 * Earliest first. A merge can join two friends that were referred apart: the earlier referral goes on, the other wins nothing new and
 * keeps what it has earned for as long as the deals are won.
 */
export function referralsOfFriend(draft: Draft, friend: ContactFacts): Referral[] {
  const ids = new Set([friend.ref.id, ...friend.formerIds]);
  const tied = new Set(draft.identity.of(friend).map(({ subject }) => subject));
  return draft
    .referrals()
    .filter(
      ({ id, friend: { contact } }) =>
        (contact?.connectionId === friend.ref.connectionId && ids.has(contact.id)) || tied.has(id),
    )
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
}

/** Whether the contact is of the connection that the friend was first known in. */
function isHome({ friend: { contact } }: Pick<Referral, 'friend'>, { connectionId }: RecordRef): boolean {
  return contact === null || contact.connectionId === connectionId;
}

/**
 * Of two friends who became one, the CRM may have kept the id of the one who was referred later. The referral that goes on is that contact's,
 * and the other one keeps the id that was merged away.
 */
function takeHome(
  draft: Draft,
  { id, programId, friend: { contact } }: Omit<Referral, 'version'>,
  { ref }: ContactFacts,
): void {
  if (contact === null || sameRecord(contact, ref)) return;
  const holder = draft
    .referrals()
    .find(
      (one) =>
        one.id !== id && one.programId === programId && one.friend.contact && sameRecord(one.friend.contact, ref),
    );
  if (holder) draft.tradeContacts(id, holder.id);
}

function friendOf(facts: ContactFacts, before: Referral['friend']): Referral['friend'] {
  return {
    contact: facts.ref,
    name: facts.name ?? before.name,
    email: normaliseEmail(facts.email) ?? before.email,
  };
}

type Claimed = Candidate & { readonly claim: () => Omit<Referral, 'version'> };

/** Everybody whom the friend could belong to, the older evidence of each source first. */
function claimsOn(
  draft: Draft,
  state: State,
  friend: ContactFacts,
  contacts: ReadonlyMap<string, ContactFacts>,
  now: Instant,
): Claimed[] {
  const email = normaliseEmail(friend.email);
  const submitted = draft
    .referrals()
    .filter(
      (referral) =>
        referral.friend.contact === null &&
        referral.stage !== 'declined' &&
        appliesIn(state.choices, friend.ref.connectionId, referral) &&
        email !== null &&
        referral.friend.email === email,
    )
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
  const claims: Claimed[] = submitted.map((referral) => ({
    memberId: referral.memberId,
    source: 'email',
    at: referral.submittedAt,
    claim: () => ({
      ...referral,
      friend: friendOf(friend, referral.friend),
      source: 'email',
      stage: 'accepted',
      reason: reason('attributed_email'),
      stageSince: now,
    }),
  }));
  const programId = openProgramIn(state.programs, state.choices, friend.ref.connectionId, now);
  if (programId === undefined) {
    // By another node's clock one applies already.
    const next = state.choices?.findLast(
      ({ connectionId, at }) => connectionId === friend.ref.connectionId && at > now,
    );
    if (next) draft.wake({ record: friend.ref, at: next.at });
    return claims;
  }
  const found = (memberId: string, source: TouchKind, member: () => Member): Claimed => ({
    memberId,
    source,
    at: null,
    claim: () => ({
      id: referralIdOf(state.accountId, programId, friend.ref),
      programId,
      memberId: member().id,
      friend: friendOf(friend, { name: null, email: null, contact: null }),
      source,
      stage: 'accepted',
      reason: reason(`attributed_${source}`),
      stageSince: now,
      submittedAt: now,
    }),
  });
  for (const referrer of labelledReferrers(friend, contacts)) {
    const known = memberOfContact(draft, referrer);
    const id = known ? survivorOf(draft, known).id : memberIdOf(state.accountId, referrer.ref);
    claims.push(found(id, 'label', () => survivorOf(draft, enrol(draft, state, referrer, now))));
  }
  const code = friend.usedCode === null ? null : normaliseCode(friend.usedCode);
  const owner = code === null ? undefined : draft.findMember((member) => member.code === code);
  const survivor = owner && survivorOf(draft, owner);
  if (survivor) claims.push(found(survivor.id, 'code', () => survivor));
  const first = firstOfCompany(draft, state, friend);
  const theirs = first && draft.member(first.memberId);
  // A colleague's referral counts from the first one's moment on: it is one where the program has applied since then.
  const applied = first && appliesIn(state.choices, friend.ref.connectionId, { ...first, programId });
  if (first && theirs && applied) {
    const claim = found(theirs.id, 'company', () => theirs);
    const { id: referralId, submittedAt } = first;
    const follows = { referralId, since: isSubmitted(first) ? submittedAt : null };
    claims.push({ ...claim, at: submittedAt, claim: () => ({ ...claim.claim(), submittedAt, follows }) });
  }
  return claims;
}

/** The referral of a colleague that the friend's company is known by. */
function firstOfCompany(draft: Draft, { companies }: State, { ref, company }: ContactFacts): Referral | undefined {
  const id = company ? companies?.get(company.id) : undefined;
  const first = id === undefined ? undefined : draft.referral(id);
  const isOwn = first?.friend.contact?.connectionId === ref.connectionId && first.friend.contact.id === ref.id;
  return first && !isOwn && first.stage !== 'declined' && first.source !== 'company' ? first : undefined;
}

/** The claim that the policy puts first; whom it was put before is kept with the reason. */
function strongestClaim(
  draft: Draft,
  state: State,
  friend: ContactFacts,
  contacts: ReadonlyMap<string, ContactFacts>,
  now: Instant,
): Omit<Referral, 'version'> | undefined {
  const claims = claimsOn(draft, state, friend, contacts, now);
  const { counted, verdictOn } = rankCandidates(claims, policyOf(state), now);
  const [winner, ...others] = counted;
  if (!winner) return undefined;
  const claimed = winner.claim();
  const second = secondOf(draft, state, claimed, others);
  const verdict = (one: Claimed) => (one === winner ? 'winner' : one === second ? 'assist' : verdictOn(one));
  keepAttribution(
    draft,
    state,
    claimed,
    claimed.reason,
    claims.map((one) => judged(one, verdict(one))),
    now,
  );
  return withAssist(draft, state, claimed, second, now);
}

/** A referral of which nothing was granted to its member yet is shared with another one whose evidence appears later. */
function sharedIfLate(
  draft: Draft,
  state: State,
  referral: Referral,
  friend: ContactFacts,
  contacts: ReadonlyMap<string, ContactFacts>,
  now: Instant,
): Omit<Referral, 'version'> {
  const { id, memberId, source, submittedAt, assist, movedAt, stage } = referral;
  const { assistPercent } = policyOf(state);
  if (assistPercent === undefined || assist || movedAt !== undefined || stage === 'declined') return referral;
  // One of before the policy stays as it is.
  if (submittedAt < (state.attribution?.publishedAt ?? 0)) return referral;
  if (draft.rewards().some(({ referralId, party }) => referralId === id && party === 'member')) return referral;
  const claims = claimsOn(draft, state, friend, contacts, now).filter((one) => one.memberId !== memberId);
  const { counted, verdictOn } = rankCandidates(claims, policyOf(state), now);
  const second = secondOf(draft, state, referral, counted);
  if (!second) return referral;
  const had = judged({ memberId, source, at: submittedAt }, 'winner');
  const others = claims.map((one) => judged(one, one === second ? 'assist' : verdictOn(one)));
  const why = reason('credit_shared', { percent: String(assistPercent) });
  keepAttribution(draft, state, referral, why, [had, ...others], now);
  return withAssist(draft, state, referral, second, now);
}

/** The strongest of the others who may have a part in the referral; nobody where the policy shares nothing. */
function secondOf(
  draft: Draft,
  state: State,
  referral: Omit<Referral, 'version'>,
  others: readonly Claimed[],
): Claimed | undefined {
  if (policyOf(state).assistPercent === undefined) return undefined;
  return others
    .filter(({ memberId }) => memberId !== referral.memberId)
    .find((one) => refusalFor(draft, referral, one.claim().memberId) === undefined);
}

function withAssist(
  draft: Draft,
  state: State,
  referral: Omit<Referral, 'version'>,
  second: Claimed | undefined,
  now: Instant,
): Omit<Referral, 'version'> {
  const percent = policyOf(state).assistPercent;
  if (!second || percent === undefined) return referral;
  // What was decided before was decided for one alone, though by a clock that is ahead of this node's.
  const since = Math.max(now, ...draft.decisionsOf(referral.id).map(({ recordedAt }) => recordedAt + 1));
  return { ...referral, assist: { memberId: second.memberId, percent, since } };
}

function judged({ memberId, source, at }: Candidate, verdict: CandidateVerdict): JudgedCandidate {
  return { memberId, source, at, verdict };
}

function keepAttribution(
  draft: Draft,
  state: State,
  { id, memberId }: Pick<Referral, 'id' | 'memberId'>,
  why: Reason,
  candidates: readonly JudgedCandidate[],
  now: Instant,
): void {
  const sequence = (draft.referral(id)?.version ?? 0) + 1;
  draft.addAttribution({
    id: derivedId('att', state.accountId, id, sequence),
    referralId: id,
    sequence,
    kind: 'attributed',
    memberId,
    fromMemberId: null,
    policyVersion: state.attribution?.version ?? null,
    reason: why,
    candidates,
    recordedAt: now,
  });
}

function policyOf({ attribution }: Pick<State, 'attribution'>): AttributionPolicy {
  return attribution?.policy ?? DEFAULT_POLICY;
}

/** The contacts that the label names, oldest record first, so that the order in which hints arrive decides nothing. */
function labelledReferrers(friend: ContactFacts, contacts: ReadonlyMap<string, ContactFacts>): ContactFacts[] {
  return [...friend.referredByIds]
    .sort(byAge)
    .map((id) => contacts.get(id))
    .filter((contact): contact is ContactFacts => contact?.presence === 'present');
}

/** CRM ids are numbers that grow: the shorter or smaller one is the older record. */
export function byAge(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * Which of two referrals a shared deal belongs to: a submission comes before an inference, an earlier submission before a later
 * one, and among inferences the older contact. Nothing here depends on which hint arrived first.
 */
export function comesBefore(a: Referral, b: Referral): boolean {
  if (isSubmitted(a) !== isSubmitted(b)) return isSubmitted(a);
  if (isSubmitted(a) && a.submittedAt !== b.submittedAt) return a.submittedAt < b.submittedAt;
  // Whom the CRM names comes before whoever works for the same company.
  if ((a.source === 'company') !== (b.source === 'company')) return b.source === 'company';
  return byAge(a.friend.contact?.id ?? '', b.friend.contact?.id ?? '') < 0;
}

function keepTouches(
  draft: Draft,
  state: State,
  friend: ContactFacts,
  /** Where the friend was first known: the same evidence in two connections is one touch. */
  home: RecordRef,
  contacts: ReadonlyMap<string, ContactFacts>,
  now: Instant,
): void {
  const keep = (kind: TouchKind, found: Member | undefined, evidence: string) => {
    if (!found) return;
    const member = survivorOf(draft, found);
    const id = derivedId('tch', kind, member.id, home.connectionId, home.id);
    draft.addTouch({ id, kind, memberId: member.id, friend: home, evidence, at: now });
  };
  for (const referrer of labelledReferrers(friend, contacts)) {
    keep('label', memberOfContact(draft, referrer), `contact ${referrer.ref.id}`);
  }
  const code = friend.usedCode === null ? null : normaliseCode(friend.usedCode);
  if (code !== null)
    keep(
      'code',
      draft.findMember((member) => member.code === code),
      code,
    );
  const first = firstOfCompany(draft, state, friend);
  if (first) keep('company', draft.member(first.memberId), `referral ${first.id}`);
}

/** A referral of before the policy stays as it is. One that was submitted for a contact exists before its deals are known. */
function isNewTo({ attribution }: State, existing: Referral | undefined): boolean {
  if (!existing) return true;
  return existing.source === 'explicit' && attribution !== undefined && existing.submittedAt >= attribution.publishedAt;
}

interface Objection {
  readonly refusal?: Reason;
  readonly doubt?: Referral['doubt'];
}

/** What speaks against a referral, by the policy. That a friend was a customer before is asked once, when the referral is new. */
function objectionTo(
  draft: Draft,
  state: State,
  referral: Omit<Referral, 'version'>,
  friend: ContactFacts,
  wonBefore: Instant | null,
): Objection {
  const member = draft.member(referral.memberId);
  if (!member) return {};
  const { selfReferral, existingCustomer } = policyOf(state);
  if (isSamePerson(draft, member, referral, friend))
    return selfReferral === 'review' ? { doubt: 'self_referral' } : { refusal: reason('self_referral') };
  if (closesCycle(draft, referral, friend)) return { refusal: reason('referral_cycle') };
  // Declined for it once, it stays so: the deal that was won does not become a later one.
  if (referral.stage === 'declined' && referral.reason.code === 'existing_customer')
    return { refusal: referral.reason };
  // A label or a code is a fact about the past, whenever it was typed in: only what was won before the program speaks against it.
  const since = startOf(referral) ?? Math.max(state.programs[0]?.publishedAt ?? 0, state.connectedAt);
  if (wonBefore === null || wonBefore >= since - CLOCK_SKEW_ALLOWED_MS) return {};
  if (existingCustomer === 'decline') return { refusal: reason('existing_customer', { wonOn: dayOf(wonBefore) }) };
  return existingCustomer === 'review' ? { doubt: 'existing_customer' } : {};
}

/** Why a referral cannot be somebody's, whatever the policy: for one that a person gives to another member. */
export function refusalFor(draft: Draft, referral: Omit<Referral, 'version'>, memberId: string): Reason | undefined {
  const member = draft.member(memberId);
  const { contact, email } = referral.friend;
  const isSelf =
    (email !== null && email === member?.email) ||
    (member !== undefined &&
      areOne(draft, { id: member.id, home: member.contact }, { id: referral.id, home: contact }));
  if (isSelf) return reason('self_referral');
  if (contact === null) return undefined;
  const facts = { ref: contact, formerIds: [], email };
  // Of two that close a circle the later one does, and this is the latest.
  const moved = { ...referral, memberId, submittedAt: Number.POSITIVE_INFINITY };
  return closesCycle(draft, moved, facts) ? reason('referral_cycle') : undefined;
}

function isSamePerson(
  draft: Draft,
  member: Member,
  referral: Pick<Referral, 'id' | 'friend'>,
  friend: ContactFacts,
): boolean {
  const email = normaliseEmail(friend.email);
  if (email !== null && email === member.email) return true;
  if (areOne(draft, { id: member.id, home: member.contact }, { id: referral.id, home: referral.friend.contact }))
    return true;
  if (member.contact?.connectionId !== friend.ref.connectionId) return false;
  return member.contact.id === friend.ref.id || friend.formerIds.includes(member.contact.id);
}

/** True when the friend stands above the member in the chain of who referred whom. Of two that close a circle, the later one does. */
function closesCycle(
  draft: Draft,
  referral: Omit<Referral, 'version'>,
  friend: Pick<ContactFacts, 'ref' | 'formerIds' | 'email'>,
): boolean {
  const friendAsMember = memberOfContact(draft, friend);
  if (!friendAsMember) return false;
  let memberId = referral.memberId;
  for (let depth = 0; depth < REFERRAL_CHAIN_MAX; depth += 1) {
    const home = draft.member(memberId)?.contact ?? null;
    const person = { id: memberId, home };
    const above = draft
      .referrals()
      .find(
        (other) =>
          other.id !== referral.id &&
          other.stage !== 'declined' &&
          home !== null &&
          areOne(draft, person, { id: other.id, home: other.friend.contact }),
      );
    if (!above) return false;
    if (above.memberId === friendAsMember.id) return isLater(referral, above);
    memberId = above.memberId;
  }
  return false;
}

function isLater(a: Omit<Referral, 'version'>, b: Referral): boolean {
  if (a.submittedAt !== b.submittedAt) return a.submittedAt > b.submittedAt;
  return byAge(a.friend.contact?.id ?? '', b.friend.contact?.id ?? '') > 0;
}
