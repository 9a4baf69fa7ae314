import { derivedId, memberCode, normaliseCode } from './ids.ts';
import type { Draft, State } from './plan.ts';
import { openProgram } from './program.ts';
import { type Reason, reason } from './reason.ts';
import { type ContactFacts, normaliseEmail, type RecordRef } from './record.ts';
import type { Member, Referral, TouchKind } from './referral.ts';
import type { Instant } from './time.ts';

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
  if (existing) {
    return draft.putMember({
      ...existing,
      contact: contact.ref,
      name: contact.name ?? existing.name,
      email: normaliseEmail(contact.email) ?? existing.email,
    });
  }
  const id = memberIdOf(state.accountId, contact.ref);
  return draft.putMember({
    id,
    name: contact.name,
    email: normaliseEmail(contact.email),
    code: memberCode(id),
    contact: contact.ref,
    createdAt: now,
  });
}

/** The member that a contact is, also under an id that was merged into it. The longest-standing one when a merge joined two. */
export function memberOfContact(draft: Draft, contact: ContactFacts): Member | undefined {
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
  return own ?? merged ?? unplaced;
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
): Referral | undefined {
  const [existing] = referralsOfFriend(draft, friend);
  const claim = existing ? undefined : strongestClaim(draft, state, friend, contacts, now);
  keepTouches(draft, friend, contacts, now);
  if (!existing && !claim) return undefined;

  const referral: Omit<Referral, 'version'> = existing
    ? { ...existing, friend: friendOf(friend, existing.friend) }
    : (claim as Omit<Referral, 'version'>);
  const refusal = refusalOf(draft, referral, friend);
  if (refusal) {
    return draft.putReferral({
      ...referral,
      stage: 'declined',
      reason: refusal,
      stageSince: referral.stage === 'declined' ? referral.stageSince : now,
    });
  }
  if (referral.stage !== 'declined') return draft.putReferral(referral);
  // What spoke against it is gone, such as a mistyped e-mail address: the referral stands again.
  return draft.putReferral({ ...referral, stage: 'accepted', reason: sourceReason(referral), stageSince: now });
}

/** Why the referral belongs to its member, for a referral that has no deal to speak of yet. */
export function sourceReason({ source }: Pick<Referral, 'source'>): Reason {
  return reason(`attributed_${source}`);
}

/**
 * Earliest first. A merge can join two friends that were referred apart: the earlier referral goes on, the other wins nothing new and
 * keeps what it has earned for as long as the deals are won.
 */
export function referralsOfFriend(draft: Draft, friend: ContactFacts): Referral[] {
  const ids = new Set([friend.ref.id, ...friend.formerIds]);
  return draft
    .referrals()
    .filter(({ friend: { contact } }) => contact?.connectionId === friend.ref.connectionId && ids.has(contact.id))
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
}

function friendOf(facts: ContactFacts, before: Referral['friend']): Referral['friend'] {
  return {
    contact: facts.ref,
    name: facts.name ?? before.name,
    email: normaliseEmail(facts.email) ?? before.email,
  };
}

function strongestClaim(
  draft: Draft,
  state: State,
  friend: ContactFacts,
  contacts: ReadonlyMap<string, ContactFacts>,
  now: Instant,
): Omit<Referral, 'version'> | undefined {
  const email = normaliseEmail(friend.email);
  const submitted = draft
    .referrals()
    .filter((referral) => referral.friend.contact === null && email !== null && referral.friend.email === email)
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1))[0];
  if (submitted) {
    return {
      ...submitted,
      friend: friendOf(friend, submitted.friend),
      source: 'email',
      stage: 'accepted',
      reason: reason('attributed_email'),
      stageSince: now,
    };
  }
  const programId = openProgram(state.programs);
  if (programId === undefined) return undefined;
  const claim = (member: Member, source: TouchKind, why: Reason): Omit<Referral, 'version'> => ({
    id: referralIdOf(state.accountId, programId, friend.ref),
    programId,
    memberId: member.id,
    friend: friendOf(friend, { name: null, email: null, contact: null }),
    source,
    stage: 'accepted',
    reason: why,
    stageSince: now,
    submittedAt: now,
  });
  const referrer = labelledReferrers(friend, contacts)[0];
  if (referrer) return claim(enrol(draft, state, referrer, now), 'label', reason('attributed_label'));
  const code = friend.usedCode === null ? null : normaliseCode(friend.usedCode);
  const owner = code === null ? undefined : draft.findMember((member) => member.code === code);
  if (owner) return claim(owner, 'code', reason('attributed_code'));
  return undefined;
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

function keepTouches(
  draft: Draft,
  friend: ContactFacts,
  contacts: ReadonlyMap<string, ContactFacts>,
  now: Instant,
): void {
  const keep = (kind: TouchKind, member: Member | undefined, evidence: string) => {
    if (!member) return;
    const id = derivedId('tch', kind, member.id, friend.ref.connectionId, friend.ref.id);
    draft.addTouch({ id, kind, memberId: member.id, friend: friend.ref, evidence, at: now });
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
}

function refusalOf(draft: Draft, referral: Omit<Referral, 'version'>, friend: ContactFacts): Reason | undefined {
  const member = draft.member(referral.memberId);
  if (!member) return undefined;
  if (isSamePerson(member, friend)) return reason('self_referral');
  if (closesCycle(draft, referral, friend)) return reason('referral_cycle');
  return undefined;
}

function isSamePerson(member: Member, friend: ContactFacts): boolean {
  const email = normaliseEmail(friend.email);
  if (email !== null && email === member.email) return true;
  if (member.contact?.connectionId !== friend.ref.connectionId) return false;
  return member.contact.id === friend.ref.id || friend.formerIds.includes(member.contact.id);
}

/** True when the friend stands above the member in the chain of who referred whom. Of two that close a circle, the later one does. */
function closesCycle(draft: Draft, referral: Omit<Referral, 'version'>, friend: ContactFacts): boolean {
  const friendAsMember = memberOfContact(draft, friend);
  if (!friendAsMember) return false;
  let memberId = referral.memberId;
  for (let depth = 0; depth < REFERRAL_CHAIN_MAX; depth += 1) {
    const contact = draft.member(memberId)?.contact;
    const above = draft
      .referrals()
      .find(
        (other) =>
          other.id !== referral.id &&
          other.stage !== 'declined' &&
          contact !== null &&
          other.friend.contact?.connectionId === contact?.connectionId &&
          other.friend.contact?.id === contact?.id,
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
