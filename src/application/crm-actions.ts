import { z } from 'zod';
import { LANGUAGES } from '../domain/brand.ts';
import type { ConsentPlace, ConsentPurpose } from '../domain/consent.ts';
import type { Decision, Reward } from '../domain/decision.ts';
import { outlookOfDecision } from '../domain/explain.ts';
import { derivedId } from '../domain/ids.ts';
import { textOf } from '../domain/money.ts';
import { reasonText } from '../domain/reason.ts';
import type { RecordRef } from '../domain/record.ts';
import { LIFECYCLE_STAGES, type Member, type Referral } from '../domain/referral.ts';
import { awaitsPerson } from '../domain/review.ts';
import type { Instant } from '../domain/time.ts';
import { meantBy } from '../domain/wait.ts';
import type { Act } from './act.ts';
import { shareLinkOf } from './compose-mirror.ts';
import type { SaidConsent } from './consent-texts.ts';
import { CLAIMS, type Desk } from './desk.ts';
import type { CrmAnswer, CrmRequest, CrmSession } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';
import type { Review } from './review.ts';
import type { SetStage } from './set-stage.ts';

/** Of one referral; no rule set decides more. */
const DECISIONS_MAX = 100;

/** A deal has a handful of contacts, of whom few were referred. */
const FRIENDS_OF_DEAL_MAX = 20;

export interface CrmActionsDeps {
  readonly store: Pick<Store, 'reads' | 'programs' | 'consents'>;
  readonly act: Pick<Act, 'createMember' | 'createReferral'>;
  readonly review: Review;
  readonly desk: Pick<Desk, 'dispute'>;
  readonly setStage: SetStage;
  readonly publicUrl: string;
}

export interface CrmActionInput {
  readonly connection: Connection;
  readonly session: CrmSession;
  readonly request: CrmRequest;
  /** Who asks, as it stands with a decision for ever: the flow and its call. The same again is the same wish. */
  readonly by: string;
  /** When this very request was begun before: what has been created since then was created by it. */
  readonly since?: Instant;
}

/** What people and flows of a CRM ask of Wonward, however it comes to us. Each is carried out by the use case that the API has. */
export interface CrmActions {
  carryOut(input: CrmActionInput): Promise<ActionAnswer>;
  /** The referral that a record of the CRM is about: the one named, that of the friend, or that of the deal's friend. */
  referralOf(input: CrmActionInput, programId: string | null): Promise<Referral | 'unnamed' | null>;
}

export function createCrmActions(deps: CrmActionsDeps): CrmActions {
  return {
    carryOut: (input) => carryOut(deps, input),
    referralOf: (input, programId) => referralOf(deps, input, programId),
  };
}

export type ActionAnswer = Omit<CrmAnswer, 'id'>;

const done = (code: string, words: string, result: CrmAnswer['result'] = {}): ActionAnswer => ({
  status: 'done',
  code,
  words,
  result,
});
const refused = (code: string, words: string, result: CrmAnswer['result'] = {}): ActionAnswer => ({
  status: 'refused',
  code,
  words,
  result,
});

const optionalText = z
  .string()
  .max(2_000)
  .nullish()
  .transform((value) => value?.trim() || null);
const optionalId = z
  .string()
  .max(40)
  .nullish()
  .transform((value) => value || null);

/** Absent where nobody says that a text was shown; then nothing is kept of one. Some flows send numbers as text. */
const consentSchema = z.looseObject({
  consent: z
    .looseObject({ version: z.coerce.number().int().min(1), language: z.enum(LANGUAGES) })
    .nullish()
    .transform((value) => value ?? null),
});
const submitSchema = z.looseObject({
  member: z.looseObject({ recordId: optionalId, code: optionalText }).nullish(),
  friend: z
    .looseObject({ recordId: optionalId, firstName: optionalText, lastName: optionalText, email: optionalText })
    .nullish(),
});
const issueSchema = z.looseObject({ program: optionalText, rule: optionalText, note: optionalText });
const stageSchema = z.looseObject({ stage: z.string().max(40), note: optionalText });
const disputeSchema = z.looseObject({ claim: z.enum(CLAIMS), note: z.string().trim().min(1).max(2_000) });

async function carryOut(deps: CrmActionsDeps, input: CrmActionInput): Promise<ActionAnswer> {
  const { connection, request } = input;
  switch (request.type) {
    case 'enrol_member':
    case 'get_share_link':
      return enrol(deps, input);
    case 'submit_referral':
      return submit(deps, input);
    case 'issue_reward':
      return issue(deps, input);
    case 'set_stage':
      return setStage(deps, input);
    case 'open_dispute':
      return dispute(deps, connection, request);
    default:
      return refused('unknown_type', `Wonward knows no action "${request.type}". Upgrade the package, or Wonward.`);
  }
}

function unreadable(field: string, remedy: string): ActionAnswer {
  return refused('invalid_request', `${field}: ${remedy}`);
}

/** The program is a matter of the referral; a member can refer into any. */
async function referralOf(
  { store }: CrmActionsDeps,
  { connection, session, request }: CrmActionInput,
  programId: string | null,
): Promise<Referral | 'unnamed' | null> {
  const { accountId, id: connectionId } = connection;
  const { referralKey, contactId, dealId } = request;
  if (referralKey !== null) return store.reads.referral(accountId, referralKey);
  if (contactId === null && dealId === null) return 'unnamed';
  const versions = await store.programs.versions(accountId);
  // The newest first, as new referrals belong to it.
  const programs = [...new Set(versions.map((version) => version.programId).reverse())].filter(
    (id) => programId === null || id === programId,
  );
  const found: Referral[] = [];
  for (const friend of contactId === null ? await friendsOf(dealId ?? '') : [contactId]) {
    const contact: RecordRef = { connectionId, object: 'contact', id: friend };
    for (const id of programs) {
      const referral = await store.reads.referralByFriend(accountId, id, { email: null, contact });
      if (referral) found.push(referral);
    }
  }
  if (found.length < 2 || dealId === null) return found[0] ?? null;
  // Several of its people were referred: the one whom the deal was decided for.
  const { items } = await store.reads.decisions(accountId, { limit: DECISIONS_MAX, cursor: null }, { dealId });
  const own = items.filter(({ deal }) => deal.connectionId === connectionId);
  return found.find(({ id }) => own.some((decision) => decision.referralId === id)) ?? found[0] ?? null;

  async function friendsOf(id: string): Promise<readonly string[]> {
    const ref: RecordRef = { connectionId, object: 'deal', id };
    const [known] = await store.reads.deals(accountId, [ref]);
    const deal = known?.presence === 'present' ? known : (await session.readDeals([id]))[0];
    return deal?.presence === 'present' ? deal.contactIds.slice(0, FRIENDS_OF_DEAL_MAX) : [];
  }
}

type Consent = SaidConsent & { readonly place: ConsentPlace };

/** What is said of the words that a person was shown before they are entered; an answer when it says something that cannot be. */
async function consentIn(
  { store }: CrmActionsDeps,
  { connection, request }: CrmActionInput,
  purpose: ConsentPurpose,
): Promise<{ readonly consent?: Consent } | { readonly refusal: ActionAnswer }> {
  const parsed = consentSchema.safeParse(request.body ?? {});
  if (!parsed.success)
    return {
      refusal: unreadable('Consent text', `send its version, and a language that is one of ${LANGUAGES.join(', ')}.`),
    };
  const { consent } = parsed.data;
  if (consent === null) return {};
  const { version, language } = consent;
  const text = await store.consents.text(connection.accountId, purpose, version);
  if (text?.texts[language] === undefined)
    return {
      refusal: refused(
        'no_such_consent_text',
        `There is no version ${version} of the consent text for a ${purpose} in "${language}", so nobody was shown it. Choose one that was saved.`,
      ),
    };
  return { consent: { version, language, place: placeOf(request) } };
}

/** A rep who reads something out says so on a page of the CRM; whoever builds a flow says what its people were shown before. */
function placeOf({ body }: CrmRequest): ConsentPlace {
  const by = typeof body === 'object' && body !== null && 'by' in body ? body.by : null;
  return by === 'rep' ? 'card' : 'workflow';
}

async function enrol(deps: CrmActionsDeps, input: CrmActionInput): Promise<ActionAnswer> {
  const { contactId } = input.request;
  if (contactId === null) return unreadable('Contact or Lead', 'say who it is.');
  const said = await consentIn(deps, input, 'member');
  if ('refusal' in said) return said.refusal;
  const found = await enrolled(deps, input, contactId, said.consent);
  if (found === null) return refused('no_such_contact', 'This contact is not there any more.');
  const { member, isNew } = found;
  const name = member.name ?? member.email ?? 'The contact';
  return done(
    isNew ? 'created' : 'existing',
    isNew ? `${name} is a member now.` : `${name} is a member.`,
    resultOf(deps, member),
  );
}

function resultOf({ publicUrl }: CrmActionsDeps, { id, code }: Member): CrmAnswer['result'] {
  return { memberId: id, referralCode: code, shareLink: shareLinkOf(publicUrl, code) };
}

async function enrolled({ act }: CrmActionsDeps, input: CrmActionInput, contactId: string, consent?: Consent) {
  const { id: connectionId, accountId } = input.connection;
  const person = await personOf(input, contactId);
  if (person === null) return null;
  const { id, name, email } = person;
  const made = await act.createMember(accountId, {
    name,
    email,
    contact: { connectionId, object: 'contact', id },
    consent,
  });
  if (made.kind === 'refused') return null;
  return { member: made.member, isNew: made.kind === 'created' || isSince(input, made.member.createdAt) };
}

interface Person {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
}

/** As the CRM told of them along with the request, or as it says now; null when there is nobody. */
async function personOf({ session, request }: CrmActionInput, contactId: string): Promise<Person | null> {
  if (request.seen && contactId === request.contactId) return { id: contactId, ...request.seen };
  const [facts] = await session.readContacts([contactId]);
  return facts?.presence === 'present' ? { id: facts.ref.id, name: facts.name, email: facts.email } : null;
}

function isSince({ since }: CrmActionInput, at: Instant): boolean {
  return since !== undefined && at >= since;
}

async function submit(deps: CrmActionsDeps, input: CrmActionInput): Promise<ActionAnswer> {
  const { store, act } = deps;
  const { connection, request } = input;
  const { accountId, id: connectionId } = connection;
  const parsed = submitSchema.safeParse(request.body);
  if (!parsed.success) return unreadable('Request', 'send an object with "member" and "friend".');
  const { member: of, friend } = parsed.data;
  const said = await consentIn(deps, input, 'friend');
  if ('refusal' in said) return said.refusal;
  const member = await memberFor();
  if (!member)
    return refused(
      'no_such_member',
      'Nobody is known by whom the friend was referred. Choose a member, or the contact who referred.',
    );
  // From a flow the look-up is the friend; from a page it may be the member's page.
  const isMembersPage = of?.recordId === request.contactId && !request.seen;
  const friendId = friend?.recordId ?? (isMembersPage ? null : request.contactId);
  const isTyped = friendId === null || (isOfMember(friendId) && !request.seen);
  const person = isTyped ? null : await personOf(input, friendId);
  if (!isTyped && person === null) return refused('no_such_contact', 'The friend’s record is not there any more.');
  const contact = person ? { connectionId, object: 'contact' as const, id: person.id } : null;
  const typedName = [friend?.firstName, friend?.lastName].filter((part) => part).join(' ');
  const result = await act.createReferral(accountId, {
    memberId: member.id,
    connectionId,
    friend: {
      name: person?.name ?? (typedName === '' ? null : typedName),
      email: person?.email ?? friend?.email ?? null,
      contact,
    },
    consent: said.consent,
  });
  if (result.kind === 'refused') return refused(result.code, SUBMIT_REFUSALS[result.code]);
  const isNew = result.kind === 'created' || isSince(input, result.referral.submittedAt);
  return done(
    isNew ? 'created' : 'existing',
    isNew
      ? `The referral by ${member.name ?? member.email ?? member.code} is recorded.`
      : 'This referral was known already.',
    { referralId: result.referral.id, memberId: member.id },
  );

  function isOfMember(id: string): boolean {
    return member?.contact?.connectionId === connectionId && member.contact.id === id;
  }

  async function memberFor(): Promise<Member | null> {
    if (request.memberKey !== null) return store.reads.member(accountId, request.memberKey);
    if (of?.code) return store.reads.memberByCode(accountId, of.code);
    return of?.recordId ? ((await enrolled(deps, input, of.recordId))?.member ?? null) : null;
  }
}

const SUBMIT_REFUSALS = {
  no_such_member: 'This member is not there any more.',
  no_program: 'No program is open here. An admin has to publish one, or to choose one for this CRM.',
  email_or_contact_required: 'Send the friend’s contact or lead, or an e-mail address.',
  person_erased: 'This person was forgotten on request. Who comes back needs a new contact.',
  self_referral: 'Nobody can refer themselves.',
  referred_by_another: 'The friend was referred by another member. Open a dispute if that is wrong.',
} as const;

/**
 * A flow's word on rewards that wait for one. Nothing is paid here that no rule grants: what waits for approval is approved, and what does
 * not wait says why it is not paid.
 */
async function issue(deps: CrmActionsDeps, input: CrmActionInput): Promise<ActionAnswer> {
  const { store, review } = deps;
  const { accountId } = input.connection;
  const { request, by } = input;
  const parsed = issueSchema.safeParse(request.body);
  if (!parsed.success) return unreadable('Request', 'send an object with "rule" and "note".');
  const { program, rule, note } = parsed.data;
  const referral = await referralOf(deps, input, program);
  if (referral === 'unnamed') return unreadable('Referral', 'say which referral it is.');
  if (referral === null) return refused('no_such_referral', 'Nobody of this record was referred.');
  const page = { limit: DECISIONS_MAX, cursor: null };
  const filter = { referralId: referral.id };
  const [{ items: allDecisions }, { items: allRewards }] = await Promise.all([
    store.reads.decisions(accountId, page, filter),
    store.reads.rewards(accountId, page, filter),
  ]);
  const awaited = {
    programId: program,
    ruleKey: rule,
    party: null,
    dealId: request.dealId,
    connectionId: input.connection.id,
  };
  const decisions = meantBy(awaited, allDecisions, (decision) => decision.program.id);
  const rewards = meantBy(awaited, allRewards, (reward) => reward.programId);
  const approved: Reward[] = rewards.filter((one) => one.reason.values.by === by);
  for (const reward of rewards.filter(awaitsPerson)) {
    const outcome = await review(accountId, reward.id, { isApproved: true, by, why: note ?? 'Approved by a flow.' });
    if (outcome.kind === 'decided') approved.push(outcome.reward);
  }
  if (approved.length > 0) {
    const sums = approved.map(({ money }) => textOf(money)).join(', ');
    return done('approved', `Approved: ${sums}.`, { rewardId: approved[0]?.id ?? null });
  }
  const newest: Decision | undefined = decisions.toSorted((a, b) => b.recordedAt - a.recordedAt)[0];
  if (!newest) return refused('nothing_decided', 'No rule has been decided on yet. Win a deal of the friend first.');
  const told = outlookOfDecision(
    newest,
    rewards.find(({ id }) => id === newest.rewardId),
    new Map(),
  );
  return refused('awaits_nobody', `${told.reason.text} ${told.wouldPay ?? told.next ?? ''}`.trim());
}

/**
 * A stage is what the friend's deals say, in the CRM where everybody sees it; nobody's word stands above that. While there are none it is what
 * somebody says.
 */
async function setStage(deps: CrmActionsDeps, input: CrmActionInput): Promise<ActionAnswer> {
  const parsed = stageSchema.safeParse(input.request.body);
  if (!parsed.success) return unreadable('Referral', 'say which referral it is, and the stage.');
  const referral = await referralOf(deps, input, null);
  if (referral === 'unnamed') return unreadable('Referral', 'say which referral it is, and the stage.');
  if (referral === null) return refused('no_such_referral', 'This referral is not there any more.');
  const { id: referralId } = referral;
  const wanted = LIFECYCLE_STAGES.find((one) => one === parsed.data.stage);
  if (!wanted) return unreadable('Stage', `send one of ${LIFECYCLE_STAGES.join(', ')}.`);
  const why = parsed.data.note ?? 'A workflow has set it.';
  const set = await deps.setStage(input.connection.accountId, referralId, { stage: wanted, by: input.by, why });
  if (set === null) return refused('no_such_referral', 'This referral is not there any more.');
  if (set.kind !== 'refused')
    return done('set', `The referral is in the stage "${wanted}".`, { referralId, stage: wanted });
  const { stage } = referral;
  if (set.code === 'declined_by_policy')
    return refused('declined_by_policy', `${reasonText(referral.reason)} The referral stays declined.`, {
      referralId,
      stage,
    });
  return refused(
    'follows_the_deal',
    `The referral is in the stage "${stage}", which follows the friend's deals. Move the deal to a stage that means "${wanted}".`,
    { referralId, stage },
  );
}

async function dispute(
  { store, desk }: CrmActionsDeps,
  { accountId }: Connection,
  request: CrmRequest,
): Promise<ActionAnswer> {
  const parsed = disputeSchema.safeParse(request.body);
  if (!parsed.success || request.referralKey === null)
    return unreadable('Request', `send a claim (${CLAIMS.join(', ')}) and a note, and say which referral it is.`);
  const { claim, note } = parsed.data;
  const referralId = request.referralKey;
  const result = await desk.dispute(accountId, {
    referralId,
    rewardId: await rewardOf(store, accountId, referralId, request.rewardKey),
    claim,
    memberId: request.memberKey,
    words: note,
    by: { role: 'rep', id: request.askedBy },
  });
  if (result.kind === 'refused') return refused(result.code, 'This referral, reward or member is not there any more.');
  return done(
    result.kind,
    result.kind === 'opened' ? 'A reviewer looks at it.' : 'A reviewer is looking at it already.',
    {
      caseId: result.case.id,
    },
  );
}

/** A row stands for a rule's decisions on a deal; the reward is that of the newest. */
async function rewardOf(
  store: Pick<Store, 'reads'>,
  accountId: string,
  referralId: string,
  rowKey: string | null,
): Promise<string | null> {
  if (rowKey === null) return null;
  const { items } = await store.reads.decisions(accountId, { limit: DECISIONS_MAX, cursor: null }, { referralId });
  const of = items.filter(({ deal, ruleKey }) => derivedId('row', referralId, deal.id, ruleKey) === rowKey);
  return of.toSorted((a, b) => b.sequence - a.sequence)[0]?.rewardId ?? null;
}
