import { memberIdOf, referralIdOf } from '../domain/attribution.ts';
import type { AttributionDecision } from '../domain/attribution-policy.ts';
import type { ConsentPlace } from '../domain/consent.ts';
import { Fault } from '../domain/errors.ts';
import { derivedId, memberCode } from '../domain/ids.ts';
import { EMPTY_PLAN, type Plan } from '../domain/plan.ts';
import { openProgram, type ProgramVersion } from '../domain/program.ts';
import { openProgramIn } from '../domain/program-choice.ts';
import { reason } from '../domain/reason.ts';
import { normaliseEmail, type RecordRef } from '../domain/record.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { tiersOf } from '../domain/tier.ts';
import type { Clock } from '../platform/clock.ts';
import { consentFor, type SaidConsent } from './consent-texts.ts';
import type { Store } from './ports/store.ts';

/** Two nodes that create the same thing at once: the second finds what the first made. */
const TRIES = 3;

export interface ActDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly onAsked: () => void;
  /** Told of somebody who is known by their address alone; may take its time. */
  readonly onUnplaced: (accountId: string, email: string) => void;
}

type ConsentAt = SaidConsent & { readonly place: ConsentPlace };

export interface MemberInput {
  readonly name: string | null;
  readonly email: string | null;
  /** The contact that the member is in a CRM; needed when no e-mail address is given. */
  readonly contact: RecordRef | null;
  /** Which words they were shown; there has to be such a text. */
  readonly consent?: ConsentAt | undefined;
}

export type MemberResult =
  | { readonly kind: 'created' | 'existing'; readonly member: Member }
  | { readonly kind: 'refused'; readonly code: 'email_or_contact_required' | 'person_erased' };

export interface ReferralInput {
  readonly memberId: string;
  readonly friend: { readonly name: string | null; readonly email: string | null; readonly contact: RecordRef | null };
  /** In which it is submitted, where the friend has no contact yet: only programs that apply there are open. Absent: all of them. */
  readonly connectionId?: string | undefined;
  /** Which words the friend was shown, or read out; there has to be such a text. */
  readonly consent?: ConsentAt | undefined;
}

export type ReferralResult =
  | { readonly kind: 'created' | 'existing'; readonly referral: Referral }
  | {
      readonly kind: 'refused';
      readonly code:
        | 'no_such_member'
        | 'no_program'
        | 'email_or_contact_required'
        | 'person_erased'
        | 'self_referral'
        | 'referred_by_another';
    };

/** What people and programs do from outside a CRM. Nothing here pays: a referral is judged by the process hop, like any other. */
export interface Act {
  createMember(accountId: string, input: MemberInput): Promise<MemberResult>;
  createReferral(accountId: string, input: ReferralInput): Promise<ReferralResult>;
  /** False for a member that the account does not have. */
  setStaff(accountId: string, memberId: string, isStaff: boolean): Promise<boolean>;
  /** The account's own person who owns a referral; null for nobody beside the member. */
  setRecruiter(
    accountId: string,
    referralId: string,
    recruiterId: string | null,
  ): Promise<'set' | 'no_such_referral' | 'no_such_recruiter'>;
}

export function createAct({ store, clock, onAsked, onUnplaced }: ActDeps): Act {
  async function commit(accountId: string, plan: Plan, choicesSeen?: number): Promise<boolean> {
    const [result] = await store.cases.commit([
      { accountId, plan, snapshots: [], restsOn: [], settles: [], erase: [], choicesSeen },
    ]);
    if (result === 'committed' && plan.wakes.length > 0) onAsked();
    return result === 'committed';
  }

  /** Somebody who was forgotten does not come back by the contact that the CRM still has of them. */
  async function isErased(accountId: string, contact: RecordRef | null): Promise<boolean> {
    if (contact === null) return false;
    return (await store.privacy.erasedAmong(accountId, contact.connectionId, [contact.id])).size > 0;
  }

  /** By an address somebody may come back who was forgotten: they are somebody else, and what was kept of them is under the first id. */
  async function memberIdFor(accountId: string, email: string): Promise<string> {
    for (let times = 1; ; times += 1) {
      const id = memberIdByEmail(accountId, email, times);
      if ((await store.reads.member(accountId, id))?.erasedAt === undefined) return id;
    }
  }

  async function referralIdFor(accountId: string, programId: string, email: string): Promise<string> {
    for (let times = 1; ; times += 1) {
      const id = derivedId('ref', accountId, programId, 'email', email, ...(times === 1 ? [] : [times]));
      if ((await store.reads.referral(accountId, id))?.friendErasedAt === undefined) return id;
    }
  }

  return {
    async createMember(accountId, input) {
      const email = normaliseEmail(input.email);
      if (email === null && input.contact === null) return { kind: 'refused', code: 'email_or_contact_required' };
      if (await isErased(accountId, input.contact)) return { kind: 'refused', code: 'person_erased' };
      for (let tries = 0; tries < TRIES; tries += 1) {
        const existing =
          (input.contact && (await store.reads.memberByContact(accountId, input.contact))) ??
          (email === null ? null : await store.reads.memberByEmail(accountId, email));
        if (existing) return { kind: 'existing', member: existing };
        const id = input.contact ? memberIdOf(accountId, input.contact) : await memberIdFor(accountId, email ?? '');
        const member: Member = {
          id,
          name: input.name,
          email,
          code: memberCode(id),
          contact: input.contact,
          createdAt: clock.now(),
          version: 1,
        };
        const plan = planOf({
          members: [member],
          consents: consentFor(id, 'member', input.consent, member.createdAt),
          ...(input.contact ? { mirror: [input.contact], wakes: [{ record: input.contact, at: clock.now() }] } : {}),
        });
        if (await commit(accountId, plan)) {
          if (email !== null && input.contact === null) onUnplaced(accountId, email);
          return { kind: 'created', member };
        }
      }
      throw busy();
    },

    async createReferral(accountId, input) {
      const email = normaliseEmail(input.friend.email);
      const { contact, name } = input.friend;
      if (email === null && contact === null) return { kind: 'refused', code: 'email_or_contact_required' };
      const member = await store.reads.member(accountId, input.memberId);
      // A referral for somebody who was forgotten would be one that nobody can be told of.
      if (!member || member.erasedAt !== undefined) return { kind: 'refused', code: 'no_such_member' };
      if (await isErased(accountId, contact)) return { kind: 'refused', code: 'person_erased' };
      const isSelf =
        (email !== null && email === member.email) ||
        (contact !== null && contact.connectionId === member.contact?.connectionId && contact.id === member.contact.id);
      if (isSelf) return { kind: 'refused', code: 'self_referral' };
      const connectionId = contact?.connectionId ?? input.connectionId;

      for (let tries = 0; tries < TRIES; tries += 1) {
        const programs = await store.programs.versions(accountId);
        const choices = await store.appSettings.choices(accountId);
        const programId =
          connectionId === undefined
            ? openProgram(programs)
            : openProgramIn(programs, choices, connectionId, clock.now());
        if (programId === undefined) return { kind: 'refused', code: 'no_program' };
        const existing = await store.reads.referralByFriend(accountId, programId, { email, contact });
        if (existing) {
          if (existing.memberId !== member.id) return { kind: 'refused', code: 'referred_by_another' };
          return { kind: 'existing', referral: existing };
        }
        const now = clock.now();
        const referral: Referral = {
          id: contact
            ? referralIdOf(accountId, programId, contact)
            : await referralIdFor(accountId, programId, email ?? ''),
          programId,
          memberId: member.id,
          friend: { name, email, contact },
          source: 'explicit',
          stage: contact ? 'accepted' : 'submitted',
          reason: reason(contact ? 'attributed_explicit' : 'submitted'),
          stageSince: now,
          submittedAt: now,
          version: 1,
        };
        const plan = planOf({
          referrals: [referral],
          consents: consentFor(referral.id, 'friend', input.consent, now),
          mirror: [member.contact, contact].flatMap((one) => one ?? []),
          ...lookFor(programs, referral),
          ...(contact ? { attributions: [explicitly(accountId, referral)] } : {}),
          ...(contact ? { wakes: [{ record: contact, at: now }] } : {}),
        });
        if (await commit(accountId, plan, choices.length)) {
          if (email !== null && contact === null) onUnplaced(accountId, email);
          return { kind: 'created', referral };
        }
      }
      throw busy();
    },

    async setStaff(accountId, memberId, isStaff) {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const member = await store.reads.member(accountId, memberId);
        if (!member) return false;
        if ((member.isStaff ?? false) === isStaff) return true;
        const changed = { ...member, isStaff: isStaff || undefined, version: member.version + 1 };
        if (await commit(accountId, planOf({ members: [changed] }))) return true;
      }
      throw busy();
    },

    async setRecruiter(accountId, referralId, recruiterId) {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const referral = await store.reads.referral(accountId, referralId);
        if (!referral) return 'no_such_referral';
        const recruiter = recruiterId === null ? null : await store.reads.member(accountId, recruiterId);
        if (recruiterId !== null && !recruiter?.isStaff) return 'no_such_recruiter';
        if ((referral.recruiterId ?? null) === recruiterId) return 'set';
        const { contact } = referral.friend;
        const plan = planOf({
          referrals: [{ ...referral, recruiterId: recruiterId ?? undefined, version: referral.version + 1 }],
          // What nobody could be paid for until now is judged anew.
          ...(contact ? { wakes: [{ record: contact, at: clock.now() }] } : {}),
        });
        if (await commit(accountId, plan)) return 'set';
      }
      throw busy();
    },
  };
}

/** `times`: how often somebody with this address has become known here; the one before was forgotten. */
export function memberIdByEmail(accountId: string, email: string, times = 1): string {
  return derivedId('mem', accountId, 'email', email, ...(times === 1 ? [] : [times]));
}

/** Who submits a referral for a contact is asked for no other evidence. */
function explicitly(accountId: string, { id, memberId, reason: why, submittedAt }: Referral): AttributionDecision {
  return {
    id: derivedId('att', accountId, id, 1),
    referralId: id,
    sequence: 1,
    kind: 'attributed',
    memberId,
    fromMemberId: null,
    policyVersion: null,
    reason: why,
    candidates: [{ memberId, source: 'explicit', at: submittedAt, verdict: 'winner' }],
    recordedAt: submittedAt,
  };
}

/** Members who rise by what they submit are looked at as soon as it is written. */
function lookFor(
  programs: readonly ProgramVersion[],
  { memberId, programId, submittedAt: now }: Referral,
): Partial<Plan> {
  const by = tiersOf(programs, programId)?.tiers.by;
  return by?.kind === 'engagement' ? { tierLooks: [{ memberId, programId, lookedAt: now, at: now }] } : {};
}

function busy(): Fault {
  return new Fault('busy', { kind: 'retry' }, 'Others changed the same thing at the same time. Nothing was written.');
}

function planOf(part: Partial<Plan>): Plan {
  return { ...EMPTY_PLAN, ...part };
}
