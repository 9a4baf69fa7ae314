import { Fault } from '../domain/errors.ts';
import { derivedId } from '../domain/ids.ts';
import { PARTIES, type Party, type ProgramVersion } from '../domain/program.ts';
import { addDays, type Instant } from '../domain/time.ts';
import { factsOf, resultOfWait, type WaitResult } from '../domain/wait.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { CrmActionInput, CrmActions } from './crm-actions.ts';
import type { CrmRequest, CrmSession, WorkflowAnswer, WorkflowCall } from './ports/crm.ts';
import type { Connection, NewWait, Store, WorkflowCallKey } from './ports/store.ts';
import { CONSENT_SEPARATOR } from './workflow-choices.ts';

/** Longer than a call takes with all that it asks of the CRM; a node that died with one is followed after it. */
const LEASE_MS = 30_000;
/** How long the second of two equal calls waits for the first one's answer before its caller is asked to come again. */
const FOLLOW_MS = 8_000;
const FOLLOW_POLL_MS = 100;

/** What a workflow that says nothing waits for; HubSpot's own default is as long. */
const WAIT_DAYS = 7;
/** A deal may take a year to be won; a workflow that waits for longer has been forgotten. */
export const WAIT_DAYS_MAX = 365;

/** Rewards of one referral that a wait looks at; no rule set makes more. */
const REWARDS_MAX = 100;

export const WORKFLOW_ACTIONS = [
  'enrol_member',
  'get_share_link',
  'submit_referral',
  'issue_reward',
  'set_stage',
  'wait_until_rewarded',
] as const;
export type WorkflowAction = (typeof WORKFLOW_ACTIONS)[number];

export interface WorkflowActionsDeps {
  readonly store: Pick<Store, 'connections' | 'programs' | 'reads' | 'workflowCalls'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly actions: CrmActions;
  readonly openSession: (connection: Connection) => CrmSession;
}

/**
 * Carries out what a workflow asks for, once for each call id: who calls again gets the very same answer. What cannot be is an answer with a
 * reason; a fault is thrown only for what may be otherwise in a moment.
 */
export type RunWorkflowAction = (call: WorkflowCall) => Promise<WorkflowAnswer & { readonly accountId?: string }>;

export function createWorkflowActions(deps: WorkflowActionsDeps): RunWorkflowAction {
  const { store, clock, log } = deps;

  async function begun(connection: Connection, call: WorkflowCall, key: WorkflowCallKey) {
    const { action, record, inputs } = call;
    // What the CRM says of the record may change between two tries; what the workflow wishes does not.
    const wish = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
    const inputHash = derivedId('in', action, record.object, record.id, JSON.stringify(wish));
    const giveUpAt = clock.now() + FOLLOW_MS;
    for (;;) {
      const now = clock.now();
      const leasedUntil = now + LEASE_MS;
      const found = await store.workflowCalls.begin({ ...key, action, inputHash, now, leasedUntil });
      if (found.kind === 'begun') return { ...found, leasedUntil };
      if (found.kind !== 'under_way') return found;
      if (now >= giveUpAt) {
        log.info({ connection: connection.id, action }, 'call of a workflow is under way elsewhere');
        throw new Fault('busy', { kind: 'retry', afterMs: found.until - now }, 'The same call is being carried out.');
      }
      await clock.sleep(FOLLOW_POLL_MS);
    }
  }

  return async (call) => {
    const connection = await store.connections.findByExternalId(call.provider, call.externalId);
    if (connection?.status !== 'connected') {
      return NOT_CONNECTED;
    }
    const { accountId, id: connectionId } = connection;
    if (!isKnown(call.action)) {
      return { ...refused('unknown_action', 'Wonward does not offer this action any more.'), accountId };
    }
    const key = { accountId, connectionId, callbackId: call.callbackId };
    const first = await begun(connection, call, key);
    if (first.kind === 'answered') return { ...first.answer, accountId };
    if (first.kind === 'other') {
      const words = 'This call came before with other inputs, and was answered then. Nothing was done.';
      return { ...refused('callback_reused', words), accountId };
    }
    try {
      const { answer, wait } = await carryOut(deps, connection, call, first.begunAt);
      const kept = await store.workflowCalls.answer(key, answer, wait, clock.now());
      log.info(
        { connection: connectionId, action: call.action, state: kept.state, code: kept.code },
        'workflow action answered',
      );
      return { ...kept, accountId };
    } catch (fault) {
      // Nobody has to wait for the lease of one who knows that it failed.
      await store.workflowCalls
        .giveUp(key, first.leasedUntil)
        .catch((err: unknown) => log.warn({ err }, 'call of a workflow not given up'));
      throw fault;
    }
  };
}

function isKnown(action: string): action is WorkflowAction {
  return (WORKFLOW_ACTIONS as readonly string[]).includes(action);
}

interface CarriedOut {
  readonly answer: WorkflowAnswer;
  readonly wait: NewWait | null;
}

async function carryOut(
  deps: WorkflowActionsDeps,
  connection: Connection,
  call: WorkflowCall,
  since: Instant,
): Promise<CarriedOut> {
  const session = deps.openSession(connection);
  const { object, id } = call.record;
  const request: CrmRequest = {
    id: call.callbackId,
    type: call.action,
    askedBy: call.askedBy,
    contactId: object === 'contact' ? id : null,
    dealId: object === 'deal' ? id : null,
    seen: call.seen,
    referralKey: null,
    memberKey: null,
    rewardKey: null,
    body: bodyOf(call.inputs),
  };
  const input: CrmActionInput = { connection, session, request, by: `${call.askedBy} ${call.callbackId}`, since };
  try {
    if (call.action === 'wait_until_rewarded') return await wait(deps, input, call.inputs);
    const { status, code, words, result } = await deps.actions.carryOut(input);
    const isDone = status === 'done';
    // What is kept with a call names nobody; the words for people may.
    const told = (isDone ? DONE_WORDS[`${call.action} ${code}`] : undefined) ?? words;
    return { answer: { state: isDone ? 'done' : 'refused', code, words: told, result, days: 0 }, wait: null };
  } catch (fault) {
    if (!(fault instanceof Fault) || fault.retry.kind === 'retry') throw fault;
    if (fault.retry.kind === 'reconnect') return { answer: NOT_CONNECTED, wait: null };
    // No number of tries mends it: the workflow is told, and goes on.
    return { answer: refused('failed', fault.publicText), wait: null };
  }
}

const DONE_WORDS: Readonly<Record<string, string>> = {
  'enrol_member created': 'The contact is a member now.',
  'enrol_member existing': 'The contact was a member already.',
  'get_share_link created': 'The contact is a member now and has a link.',
  'get_share_link existing': 'The contact has a link.',
  'submit_referral created': 'The referral is recorded.',
  'submit_referral existing': 'This referral was known already.',
};

/** Inputs as the use cases know them; what a workflow does not say is not there. */
function bodyOf({ referrer_code, referrer_contact, program, rule, note, stage, consent_text }: WorkflowCall['inputs']) {
  return {
    member: { code: referrer_code ?? null, recordId: referrer_contact ?? null },
    program: program ?? null,
    rule: rule ?? null,
    note: note ?? null,
    ...(stage === undefined ? {} : { stage }),
    ...(consent_text === undefined ? {} : { consent: consentOf(consent_text) }),
  };
}

/** As the menu of an action's input gives it; what is not of that form is refused by whoever reads it. */
function consentOf(value: string): { readonly version: string; readonly language: string } {
  const [version = '', language = ''] = value.split(CONSENT_SEPARATOR);
  return { version, language };
}

function refused(code: string, words: string): WorkflowAnswer {
  return { state: 'refused', code, words, result: {}, days: 0 };
}

/** A workflow that was built goes on calling when the app is gone from its portal. */
const NOT_CONNECTED = refused(
  'not_connected',
  'Wonward is not connected to this portal. An admin has to install it again.',
);

async function wait(
  { store, clock, actions }: WorkflowActionsDeps,
  input: CrmActionInput,
  inputs: WorkflowCall['inputs'],
): Promise<CarriedOut> {
  const { accountId } = input.connection;
  const no = (code: string, words: string): CarriedOut => ({ answer: refused(code, words), wait: null });
  const days = daysOf(inputs.days);
  if (days === null) return no('invalid_request', `Days to wait: enter a whole number from 1 to ${WAIT_DAYS_MAX}.`);
  const party = partyOf(inputs.party);
  if (party === 'unknown') return no('invalid_request', `Whose reward: choose one of ${PARTIES.join(', ')}.`);
  const programId = inputs.program ?? null;
  const ruleKey = inputs.rule ?? null;
  if (!isPublished(await store.programs.versions(accountId), programId, ruleKey))
    return no('no_such_rule', 'This program or rule is not published. Choose another one in the workflow.');
  const referral = await actions.referralOf(input, programId);
  if (referral === null || referral === 'unnamed')
    return no('no_such_referral', 'Nobody of this record was referred, so no reward can come.');
  const { dealId } = input.request;
  const awaited = { programId, ruleKey, party, dealId, connectionId: input.connection.id };
  const page = { limit: REWARDS_MAX, cursor: null };
  const { items } = await store.reads.rewards(accountId, page, { referralId: referral.id });
  const result = resultOfWait(awaited, referral, items);
  if (result) return { answer: answerOf(result, referral.id), wait: null };
  if (!input.session.completeCallbacks)
    return no(
      'missing_permission',
      'Wonward may not tell workflows that they can go on. An admin has to connect again and allow "automation".',
    );
  return {
    answer: {
      state: 'waits',
      code: 'waiting',
      words: 'Waits for the reward.',
      result: { referralId: referral.id },
      days,
    },
    wait: { ...awaited, referralId: referral.id, expiresAt: addDays(clock.now(), days) },
  };
}

/** What a workflow is told at the end of its wait, at once or by a callback. */
export function answerOf(result: WaitResult, referralId: string): WorkflowAnswer {
  return {
    state: 'done',
    code: result.outcome,
    words: OUTCOME_WORDS[result.outcome],
    result: { referralId, ...factsOf(result) },
    days: 0,
  };
}

const OUTCOME_WORDS: Readonly<Record<WaitResult['outcome'], string>> = {
  rewarded: 'The reward was issued.',
  rejected: 'A reviewer rejected the reward.',
  taken_back: 'The reward was issued and taken back.',
  expired: 'The reward expired unused.',
  lost: 'The friend’s deals are lost.',
  declined: 'The referral was declined.',
  gone: 'The referral is not there any more.',
};

function daysOf(text: string | undefined): number | null {
  if (text === undefined) return WAIT_DAYS;
  // A number property may come as "7" or "7.0".
  if (!/^[0-9]{1,3}(\.0+)?$/.test(text)) return null;
  const days = Number(text);
  return days >= 1 && days <= WAIT_DAYS_MAX ? days : null;
}

function partyOf(text: string | undefined): Party | 'unknown' | null {
  if (text === undefined) return null;
  return PARTIES.find((party) => party === text) ?? 'unknown';
}

function isPublished(versions: readonly ProgramVersion[], programId: string | null, ruleKey: string | null): boolean {
  const own = versions.filter((version) => programId === null || version.programId === programId);
  if (own.length === 0) return programId === null && ruleKey === null;
  return ruleKey === null || own.some(({ rules }) => rules.some(({ key }) => key === ruleKey));
}
