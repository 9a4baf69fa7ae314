import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Decision, Reward } from '../domain/decision.ts';
import { Fault } from '../domain/errors.ts';
import { outlookOfDecision } from '../domain/explain.ts';
import { derivedId } from '../domain/ids.ts';
import { textOf } from '../domain/money.ts';
import type { Member } from '../domain/referral.ts';
import { awaitsPerson } from '../domain/review.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Act } from './act.ts';
import { shareLinkOf } from './compose-mirror.ts';
import { CLAIMS, type Desk } from './desk.ts';
import type { CrmAnswer, CrmRequest, CrmSession } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';
import type { Review } from './review.ts';

/** As one call of a CRM takes back. */
const REQUESTS_AT_ONCE = 200;

/** A flow over every contact of an org asks for tens of thousands; the next sweep goes on. */
const ROUNDS_MAX = 50;

/** Longer than a round of answers takes; a node that died is followed after it. */
const LEASE_MS = 60_000;
const LEASE_POLL_MS = 200;

/** Of one referral; no rule set decides more. */
const DECISIONS_MAX = 100;

export interface CrmRequestsDeps {
  readonly store: Pick<Store, 'reads' | 'leases'>;
  readonly clock: Clock;
  readonly act: Pick<Act, 'createMember' | 'createReferral'>;
  readonly review: Review;
  readonly desk: Pick<Desk, 'dispute'>;
  readonly log: Log;
  readonly publicUrl: string;
  readonly openSession: (connection: Connection) => CrmSession;
}

/**
 * Answers what people and flows wrote down in a CRM; returns how many were answered. Each is carried out by the same use case that the API
 * has, and is the same when it comes again: what was done and not yet answered is found done.
 */
export type AnswerRequests = (connection: Connection) => Promise<number>;

export function createAnswerRequests(deps: CrmRequestsDeps): AnswerRequests {
  const { store, clock, log, openSession } = deps;
  const owner = randomUUID();

  async function answerOne(
    connection: Connection,
    session: CrmSession,
    request: CrmRequest,
  ): Promise<CrmAnswer | null> {
    try {
      return { id: request.id, ...(await carryOut(deps, connection, session, request)) };
    } catch (fault) {
      if (fault instanceof Fault && fault.retry.kind !== 'never') {
        log.warn({ err: fault, connection: connection.id, type: request.type }, 'request of the CRM put off');
        return null;
      }
      log.error({ err: fault, connection: connection.id, type: request.type }, 'request of the CRM failed');
      const words =
        fault instanceof Fault
          ? fault.publicText
          : 'Something went wrong in Wonward. Its operator has the details in the log.';
      return { id: request.id, status: 'failed', code: 'failed', words, result: {} };
    }
  }

  async function answerAll(connection: Connection): Promise<number> {
    const session = openSession(connection);
    if (!session.requests) return 0;
    let answered = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const open = await session.requests.open(REQUESTS_AT_ONCE);
      const answers: CrmAnswer[] = [];
      for (const request of open) {
        const answer = await answerOne(connection, session, request);
        if (answer) answers.push(answer);
      }
      if (answers.length === 0) break;
      const refused = await session.requests.answer(answers);
      answered += answers.length - refused.length;
      // What stays open would come again at once.
      if (refused.length > 0 || open.length < REQUESTS_AT_ONCE) break;
    }
    if (answered > 0) log.info({ connection: connection.id, answered }, 'requests of the CRM answered');
    return answered;
  }

  /** One at a time, here and on the other nodes: two would answer each request twice, and the second finds the first one's work done. */
  async function alone(connection: Connection): Promise<number> {
    const lease = `requests ${connection.id}`;
    const until = clock.now() + LEASE_MS;
    while (!(await store.leases.acquire(lease, owner, clock.now(), clock.now() + LEASE_MS))) {
      if (clock.now() > until) return 0;
      await clock.sleep(LEASE_POLL_MS);
    }
    try {
      return await answerAll(connection);
    } finally {
      await store.leases.release(lease, owner);
    }
  }

  /** By connection: the last one that was asked for, and whether it has begun. */
  const asked = new Map<string, { readonly run: Promise<number>; begun: boolean }>();
  return (connection) => {
    const last = asked.get(connection.id);
    // One that has not begun sees all that was written down until now.
    if (last && !last.begun) return last.run;
    const next = { begun: false } as { run: Promise<number>; begun: boolean };
    next.run = (last?.run ?? Promise.resolve(0))
      .catch(() => 0)
      .then(() => {
        next.begun = true;
        return alone(connection);
      })
      .finally(() => {
        if (asked.get(connection.id) === next) asked.delete(connection.id);
      });
    asked.set(connection.id, next);
    return next.run;
  };
}

type Answer = Omit<CrmAnswer, 'id'>;

const done = (code: string, words: string, result: CrmAnswer['result'] = {}): Answer => ({
  status: 'done',
  code,
  words,
  result,
});
const refused = (code: string, words: string): Answer => ({ status: 'refused', code, words, result: {} });

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

const submitSchema = z.looseObject({
  member: z.looseObject({ recordId: optionalId, code: optionalText }).nullish(),
  friend: z
    .looseObject({ recordId: optionalId, firstName: optionalText, lastName: optionalText, email: optionalText })
    .nullish(),
});
const issueSchema = z.looseObject({ rule: optionalText, note: optionalText });
const stageSchema = z.looseObject({ stage: z.string().max(40) });
const disputeSchema = z.looseObject({ claim: z.enum(CLAIMS), note: z.string().trim().min(1).max(2_000) });

async function carryOut(
  deps: CrmRequestsDeps,
  connection: Connection,
  session: CrmSession,
  request: CrmRequest,
): Promise<Answer> {
  switch (request.type) {
    case 'enrol_member':
    case 'get_share_link':
      return enrol(deps, connection, session, request.contactId);
    case 'submit_referral':
      return submit(deps, connection, session, request);
    case 'issue_reward':
      return issue(deps, connection, request);
    case 'set_stage':
      return setStage(deps, connection, request);
    case 'open_dispute':
      return dispute(deps, connection, request);
    default:
      return refused('unknown_type', `Wonward knows no action "${request.type}". Upgrade the package, or Wonward.`);
  }
}

function unreadable(field: string, remedy: string): Answer {
  return refused('invalid_request', `${field}: ${remedy}`);
}

async function enrol(
  deps: CrmRequestsDeps,
  connection: Connection,
  session: CrmSession,
  contactId: string | null,
): Promise<Answer> {
  if (contactId === null) return unreadable('Contact or Lead', 'say who it is.');
  const found = await enrolled(deps, connection, session, contactId);
  if (found === null) return refused('no_such_contact', 'This contact is not there any more.');
  const { member, isNew } = found;
  const name = member.name ?? member.email ?? 'The contact';
  return done(
    isNew ? 'created' : 'existing',
    isNew ? `${name} is a member now.` : `${name} is a member.`,
    resultOf(deps, member),
  );
}

function resultOf({ publicUrl }: CrmRequestsDeps, { id, code }: Member): CrmAnswer['result'] {
  return { memberId: id, referralCode: code, shareLink: shareLinkOf(publicUrl, code) };
}

async function enrolled(
  { act }: CrmRequestsDeps,
  { id: connectionId, accountId }: Connection,
  session: CrmSession,
  contactId: string,
) {
  const [facts] = await session.readContacts([contactId]);
  if (facts?.presence !== 'present') return null;
  const contact = { connectionId, object: 'contact' as const, id: facts.ref.id };
  const made = await act.createMember(accountId, { name: facts.name, email: facts.email, contact });
  return made.kind === 'refused' ? null : { member: made.member, isNew: made.kind === 'created' };
}

async function submit(
  deps: CrmRequestsDeps,
  connection: Connection,
  session: CrmSession,
  request: CrmRequest,
): Promise<Answer> {
  const { store, act } = deps;
  const { accountId, id: connectionId } = connection;
  const parsed = submitSchema.safeParse(request.body);
  if (!parsed.success) return unreadable('Request', 'send an object with "member" and "friend".');
  const { member: of, friend } = parsed.data;
  const member = await memberFor();
  if (!member)
    return refused(
      'no_such_member',
      'Nobody is known by whom the friend was referred. Choose a member, or the contact who referred.',
    );
  // From a flow the look-up is the friend; from a page it may be the member's page.
  const friendId = friend?.recordId ?? (of?.recordId === request.contactId ? null : request.contactId);
  const [facts] = friendId === null || isOfMember(friendId) ? [] : await session.readContacts([friendId]);
  if (friendId !== null && facts !== undefined && facts.presence !== 'present')
    return refused('no_such_contact', 'The friend’s record is not there any more.');
  const contact = facts ? { connectionId, object: 'contact' as const, id: facts.ref.id } : null;
  const typedName = [friend?.firstName, friend?.lastName].filter((part) => part).join(' ');
  const result = await act.createReferral(accountId, {
    memberId: member.id,
    friend: {
      name: facts?.name ?? (typedName === '' ? null : typedName),
      email: facts?.email ?? friend?.email ?? null,
      contact,
    },
  });
  if (result.kind === 'refused') return refused(result.code, SUBMIT_REFUSALS[result.code]);
  return done(
    result.kind,
    result.kind === 'created'
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
    return of?.recordId ? ((await enrolled(deps, connection, session, of.recordId))?.member ?? null) : null;
  }
}

const SUBMIT_REFUSALS = {
  no_such_member: 'This member is not there any more.',
  no_program: 'There is no open program. An admin has to publish one first.',
  email_or_contact_required: 'Send the friend’s contact or lead, or an e-mail address.',
  self_referral: 'Nobody can refer themselves.',
  referred_by_another: 'The friend was referred by another member. Open a dispute if that is wrong.',
} as const;

/**
 * A flow's word on rewards that wait for one. Nothing is paid here that no rule grants: what waits for approval is approved, and what does
 * not wait says why it is not paid.
 */
async function issue(
  { store, review }: CrmRequestsDeps,
  { accountId }: Connection,
  request: CrmRequest,
): Promise<Answer> {
  const parsed = issueSchema.safeParse(request.body);
  if (!parsed.success || request.referralKey === null) return unreadable('Referral', 'say which referral it is.');
  const { rule, note } = parsed.data;
  const page = { limit: DECISIONS_MAX, cursor: null };
  const filter = { referralId: request.referralKey };
  const [{ items: decisions }, { items: rewards }] = await Promise.all([
    store.reads.decisions(accountId, page, filter),
    store.reads.rewards(accountId, page, filter),
  ]);
  const isMeant = (one: Pick<Reward | Decision, 'ruleKey' | 'deal'>) =>
    (rule === null || one.ruleKey === rule) && (request.dealId === null || one.deal.id === request.dealId);
  const by = `flow ${request.id}`;
  const approved: Reward[] = rewards.filter((one) => isMeant(one) && one.reason.values.by === by);
  for (const reward of rewards.filter((one) => isMeant(one) && awaitsPerson(one))) {
    const outcome = await review(accountId, reward.id, { isApproved: true, by, why: note ?? 'Approved by a flow.' });
    if (outcome.kind === 'decided') approved.push(outcome.reward);
  }
  if (approved.length > 0) {
    const sums = approved.map(({ money }) => textOf(money)).join(', ');
    return done('approved', `Approved: ${sums}.`, { rewardId: approved[0]?.id ?? null });
  }
  const newest = decisions.filter(isMeant).toSorted((a, b) => b.recordedAt - a.recordedAt)[0];
  if (!newest) return refused('nothing_decided', 'No rule has been decided on yet. Win a deal of the friend first.');
  const told = outlookOfDecision(
    newest,
    rewards.find(({ id }) => id === newest.rewardId),
    new Map(),
  );
  return refused('awaits_nobody', `${told.reason.text} ${told.wouldPay ?? told.next ?? ''}`.trim());
}

/** A stage is what the friend's deals say, in the CRM where everybody sees it; nobody's word stands above that. */
async function setStage({ store }: CrmRequestsDeps, { accountId }: Connection, request: CrmRequest): Promise<Answer> {
  const parsed = stageSchema.safeParse(request.body);
  if (!parsed.success || request.referralKey === null)
    return unreadable('Referral', 'say which referral it is, and the stage.');
  const referral = await store.reads.referral(accountId, request.referralKey);
  if (!referral) return refused('no_such_referral', 'This referral is not there any more.');
  if (referral.stage === parsed.data.stage)
    return done('set', `The referral is in the stage "${referral.stage}".`, { stage: referral.stage });
  return refused(
    'follows_the_deal',
    `The referral is in the stage "${referral.stage}", which follows the friend's deals. Move the deal to a stage that means "${parsed.data.stage}".`,
  );
}

async function dispute(
  { store, desk }: CrmRequestsDeps,
  { accountId }: Connection,
  request: CrmRequest,
): Promise<Answer> {
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
