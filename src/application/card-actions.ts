import type {
  ActionOk,
  ActionRefused,
  ActionResponse,
  PeopleResponse,
} from '../../contracts/hubspot-card/card-view.generated.ts';
import { USUAL_BRAND } from '../domain/brand.ts';
import { type CardUser, whyNotAct } from '../domain/card-actors.ts';
import { Fault } from '../domain/errors.ts';
import { ASK_AGAIN_DAYS } from '../domain/next-ask.ts';
import { policyHash } from '../domain/policy.ts';
import type { ContactFacts } from '../domain/record.ts';
import type { Member } from '../domain/referral.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Act, ReferralResult } from './act.ts';
import { NOT_CONNECTED } from './card-story.ts';
import { shareLinkOf } from './compose-mirror.ts';
import type { SaidConsent } from './consent-texts.ts';
import type { Claim, Desk } from './desk.ts';
import { invitationOf } from './invitation.ts';
import type { CrmSession, NewPerson } from './ports/crm.ts';
import type { ASK_WAYS, Connection, Store } from './ports/store.ts';

/** Longer than the calls of one action take with their retries; a node that died is followed after it. */
const LEASE_MS = 60_000;
/** The card gives up after twelve seconds, and HubSpot after fifteen: who waits for another click's answer is told before that. */
const WAIT_MS = 10_000;
const LOOK_EVERY_MS = 100;
/** As many as fit below a field without scrolling. */
const PEOPLE_MAX = 10;

export type CardAction =
  /** `as` says which side the record's contact is on; the other one is chosen or new. */
  | {
      readonly kind: 'refer';
      readonly contactId: string;
      readonly as: 'member' | 'friend';
      readonly other: { readonly contactId: string } | Omit<NewPerson, 'key'>;
      /** Which text the friend was told; absent or null where the rep says nothing. */
      readonly consent?: SaidConsent | null;
    }
  | {
      readonly kind: 'dispute';
      readonly referralId: string;
      readonly rewardId: string | null;
      readonly claim: Claim;
      /** The contact to whom the referral should belong. */
      readonly memberContactId: string | null;
      readonly note: string;
    }
  /** Makes a member of whoever is none yet. */
  | { readonly kind: 'share_link'; readonly contactId: string }
  /** Says that the contact was asked for a referral, so that nobody is proposed to ask them again too soon. */
  | { readonly kind: 'asked'; readonly contactId: string; readonly way: (typeof ASK_WAYS)[number] };

export interface CardActionDeps {
  readonly store: Pick<Store, 'asks' | 'brands' | 'cardActions' | 'cases' | 'consents' | 'reads'>;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Log;
  readonly act: Pick<Act, 'createMember' | 'createReferral'>;
  readonly desk: Pick<Desk, 'dispute'>;
  readonly publicUrl: string;
  readonly openSession: (connection: Connection) => CrmSession;
}

export interface CardAsk {
  /** The connection that the signed portal id names; null when it names none. */
  readonly connection: Connection | null;
  /** Who acts, as the CRM signs it; null where it did not say. */
  readonly user: CardUser | null;
}

export interface CardActions {
  /**
   * What somebody does on a card, once under each key: whoever comes again with it, at once or later, here or on another node, has the same
   * answer. The use cases are those of the API.
   */
  run(ask: CardAsk & { readonly key: string; readonly action: CardAction }): Promise<ActionResponse>;
  /** Contacts of the portal, for whoever looks for the other side of a referral. */
  people(ask: CardAsk & { readonly text: string }): Promise<PeopleResponse>;
}

const refused = (code: string, message: string): ActionRefused => ({ ok: false, code, message });
const done = (code: string, message: string, result: ActionOk['result']): ActionOk => ({
  ok: true,
  code,
  message,
  result,
});

const STILL_RUNNING = refused('unavailable', 'This is still being done. Look at the card again in a moment.');

export function createCardActions(deps: CardActionDeps): CardActions {
  const { store, clock, log } = deps;

  function refusalFor({ connection, user }: CardAsk): ActionRefused | null {
    if (connection?.status !== 'connected') return refused(NOT_CONNECTED.code, NOT_CONNECTED.message);
    const whyNot = whyNotAct(connection.cardActors ?? null, user);
    return whyNot === null ? null : refused('forbidden', whyNot);
  }

  /** Faults of the CRM are words for who waits at the card; everything else is ours and goes up. */
  function wordsFor(fault: unknown, connection: Connection, kind: string): ActionRefused {
    if (!(fault instanceof Fault)) throw fault;
    log.warn({ err: fault, connection: connection.id, kind }, 'card could not act');
    const isPassing = fault.retry.kind === 'retry';
    return refused(isPassing ? 'unavailable' : fault.code, fault.publicText);
  }

  return {
    async run({ connection, user, key, action }) {
      const refusal = refusalFor({ connection, user });
      if (refusal) return refusal;
      if (!connection || !user) throw new Error('whoever may act is known');
      // With the key in it, which nobody can guess: names and addresses cannot be tried against the hash.
      const input = { key, kind: action.kind, inputHash: policyHash({ key, action }), by: user.id };
      for (const until = clock.now() + WAIT_MS; ; ) {
        const now = clock.now();
        const leasedUntil = now + LEASE_MS;
        const begun = await store.cardActions.begin(connection, input, { now, until: leasedUntil });
        if (begun.kind === 'answered') return begun.answer as ActionResponse;
        if (begun.kind === 'differs')
          return refused('key_used', 'This was asked for with another content before. Close the form and try again.');
        if (begun.kind === 'begun') {
          try {
            const made = await carryOut(deps, connection, user, key, begun.contactId, action);
            // Who was slower than the lease has been followed: the first answer is everybody's.
            const answer = (await store.cardActions.answer(connection, key, made)) as ActionResponse;
            log.info({ connection: connection.id, kind: action.kind, code: answer.code, ok: answer.ok }, 'card acted');
            return answer;
          } catch (fault) {
            await store.cardActions.release(connection, key, leasedUntil);
            return wordsFor(fault, connection, action.kind);
          }
        }
        if (clock.now() >= until) return STILL_RUNNING;
        await clock.sleep(LOOK_EVERY_MS);
      }
    },

    async people({ connection, user, text }) {
      const refusal = refusalFor({ connection, user });
      if (refusal) return refusal;
      if (!connection) throw new Error('whoever may act has a connection');
      try {
        const found = (await deps.openSession(connection).people?.find(text, PEOPLE_MAX)) ?? [];
        return { ok: true, people: found.map(({ id, name, email }) => ({ contactId: id, name, email })) };
      } catch (fault) {
        return wordsFor(fault, connection, 'people');
      }
    },
  };
}

async function carryOut(
  deps: CardActionDeps,
  connection: Connection,
  user: CardUser,
  key: string,
  createdBefore: string | null,
  action: CardAction,
): Promise<ActionResponse> {
  switch (action.kind) {
    case 'refer':
      return refer(deps, connection, key, createdBefore, action);
    case 'dispute':
      return dispute(deps, connection, user, action);
    case 'share_link':
      return shareLink(deps, connection, action.contactId);
    case 'asked':
      return asked(deps, connection, user, key, action);
  }
}

type Refer = Extract<CardAction, { kind: 'refer' }>;

async function refer(
  deps: CardActionDeps,
  connection: Connection,
  key: string,
  createdBefore: string | null,
  action: Refer,
): Promise<ActionResponse> {
  const { store, act } = deps;
  const { other, consent } = action;
  if (
    consent &&
    (await store.consents.text(connection.accountId, 'friend', consent.version))?.texts[consent.language] === undefined
  )
    return refused(
      'no_such_consent_text',
      'What was read out is not a text of this account any more. Open the form again.',
    );
  const session = deps.openSession(connection);
  let otherId = 'contactId' in other ? other.contactId : createdBefore;
  if (otherId === null) {
    if (!session.people || 'contactId' in other)
      return refused('not_possible', 'Create the contact in the CRM, then choose it here.');
    otherId = (await session.people.create({ key: `card_${key}`, ...other })).id;
    // Before anything follows from it: the mirror writes over the field by which the CRM would know it again.
    await store.cardActions.keepContact(connection, key, otherId);
  }
  if (otherId === action.contactId) return refused('self_referral', REFER_REFUSALS.self_referral);
  const [memberContact, friendContact] =
    action.as === 'member' ? [action.contactId, otherId] : [otherId, action.contactId];
  const facts = await session.readContacts([memberContact, friendContact]);
  const present = (id: string) => facts.find((one) => isPresent(one, id));
  const [ofMember, ofFriend] = [present(memberContact), present(friendContact)];
  if (!ofMember || !ofFriend) return refused('no_such_contact', 'One of the two contacts is not there any more.');
  const member = await enrolled(deps, connection, ofMember);
  if (!member) return refused('no_such_contact', 'This contact cannot be a member.');
  const result = await act.createReferral(connection.accountId, {
    memberId: member.id,
    friend: { name: ofFriend.name, email: ofFriend.email, contact: ofFriend.ref },
    ...(consent ? { consent: { ...consent, place: 'card' } } : {}),
  });
  if (result.kind === 'refused') return refused(result.code, REFER_REFUSALS[result.code]);
  return done(
    result.kind,
    result.kind === 'created'
      ? 'The referral is recorded. What follows from it shows here within seconds.'
      : 'This referral was known already.',
    { referralId: result.referral.id, memberId: member.id, contactId: otherId },
  );
}

function isPresent({ ref, formerIds, presence }: ContactFacts, id: string): boolean {
  return presence === 'present' && (ref.id === id || formerIds.includes(id));
}

const REFER_REFUSALS: Readonly<Record<Extract<ReferralResult, { kind: 'refused' }>['code'], string>> = {
  no_such_member: 'This member is not there any more.',
  no_program: 'No program is open here. An admin has to publish one, or to choose one for this CRM.',
  email_or_contact_required: 'Choose the friend, or enter an e-mail address.',
  person_erased: 'This person was forgotten on request. Who comes back needs a new contact.',
  self_referral: 'Nobody can refer themselves.',
  referred_by_another: 'The friend was referred by another member. Open a dispute at that referral if it is wrong.',
};

async function enrolled(
  { act }: CardActionDeps,
  { accountId }: Connection,
  { name, email, ref }: ContactFacts,
): Promise<Member | null> {
  const made = await act.createMember(accountId, { name, email, contact: ref });
  return made.kind === 'refused' ? null : made.member;
}

async function shareLink(deps: CardActionDeps, connection: Connection, contactId: string): Promise<ActionResponse> {
  const [facts] = await deps.openSession(connection).readContacts([contactId]);
  const member = facts && isPresent(facts, contactId) ? await enrolled(deps, connection, facts) : null;
  if (!member) return refused('no_such_contact', 'This contact is not there any more.');
  const link = shareLinkOf(deps.publicUrl, member.code);
  const [shown] = await deps.store.brands.ofAccounts([connection.accountId]);
  return done('ready', 'The share link is ready.', {
    memberId: member.id,
    shareLink: link,
    invitation: invitationOf(link, shown?.brand ?? USUAL_BRAND),
  });
}

async function asked(
  { store, clock }: CardActionDeps,
  connection: Connection,
  user: CardUser,
  key: string,
  { contactId, way }: Extract<CardAction, { kind: 'asked' }>,
): Promise<ActionResponse> {
  const [known] = await store.cases.knownContacts(connection.accountId, connection.id, [contactId]);
  if (known?.facts.presence !== 'present')
    return refused('no_such_contact', 'Wonward has not read this contact yet, or it is not there any more.');
  await store.asks.keep(connection, { key, contactId, way, by: user.id, at: clock.now() });
  return done('noted', `Noted. Nobody is proposed to ask them again for ${ASK_AGAIN_DAYS} days.`, { contactId });
}

async function dispute(
  deps: CardActionDeps,
  connection: Connection,
  user: CardUser,
  { referralId, rewardId, claim, memberContactId, note }: Extract<CardAction, { kind: 'dispute' }>,
): Promise<ActionResponse> {
  const { accountId } = connection;
  let memberId: string | null = null;
  if (memberContactId !== null) {
    const [facts] = await deps.openSession(connection).readContacts([memberContactId]);
    const member = facts && isPresent(facts, memberContactId) ? await enrolled(deps, connection, facts) : null;
    if (!member) return refused('no_such_contact', 'The member’s contact is not there any more.');
    memberId = member.id;
  }
  const result = await deps.desk.dispute(accountId, {
    referralId,
    rewardId,
    claim,
    memberId,
    words: note,
    by: { role: 'rep', id: `${connection.provider} ${user.id}` },
  });
  if (result.kind === 'refused') return refused(result.code, 'This referral or reward is not there any more.');
  return done(
    result.kind,
    result.kind === 'opened' ? 'A reviewer looks at it.' : 'A reviewer is looking at it already.',
    { caseId: result.case.id, referralId },
  );
}
