import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCrmActions } from '../../src/application/crm-actions.ts';
import { createSetStage } from '../../src/application/set-stage.ts';
import { createTellWorkflows } from '../../src/application/tell-workflows.ts';
import { verify } from '../../src/application/verify.ts';
import { createWorkflowActions } from '../../src/application/workflow-actions.ts';
import { createLog } from '../../src/platform/log.ts';
import type { Execution, InputValue } from '../../src/sandbox/hubspot/workflows.ts';
import { PORTAL, quickClock, type Stack, startStack, TWO_SIDED } from '../support/stack.ts';
import { createScene, eventually, type Scene } from './scene.ts';

/** Workflows of the local HubSpot, which call with HubSpot's signatures and refuse an answer that the definition does not allow. */
let stack: Stack;
let scene: Scene;

const REVIEWED = {
  ...TWO_SIDED,
  rules: TWO_SIDED.rules.map((rule) => ({ ...rule, review: { when: 'always' as const } })),
};

beforeEach(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  await stack.install();
});
afterEach(() => stack.close());

const fixed = (value: string): InputValue => ({ type: 'STATIC_VALUE', value });
const property = (propertyName: string): InputValue => ({ type: 'OBJECT_PROPERTY', propertyName });

/** Runs one action for a record and waits until HubSpot needs nothing more of it for now. */
async function run(
  action: string,
  objectId: string,
  inputs: Record<string, InputValue> = {},
  objectType = 'contact',
): Promise<Execution> {
  const begun = scene.crm.enrolInAction(PORTAL, { uid: `wonward_${action}`, objectType, objectId, inputs });
  return ended(begun.callbackId);
}

async function ended(callbackId: string): Promise<Execution> {
  return eventually(
    async () => scene.crm.execution(callbackId),
    ({ state }) => state !== 'calling' && state !== 'waiting_for_retry',
  );
}

async function publish(program: typeof REVIEWED): Promise<void> {
  const { status, body } = await stack.api('POST', '/programs', program);
  expect(status, JSON.stringify(body)).toBeLessThan(300);
}

describe('a workflow', () => {
  test('enrols, submits and waits; the deal is won, and the workflow goes on with the reward', async () => {
    const ada = scene.person('Ada');
    const enrolled = await run('enrol_member', ada);
    expect(enrolled).toMatchObject({ state: 'succeeded', outputs: { outcome: 'created' }, message: 'Is a member now' });
    const { referral_code: code = '', share_link: link = '' } = enrolled.outputs;
    expect(link).toBe(`${stack.publicUrl}/r/${code}`);

    const bob = scene.person('Bob', { wonward_referral_code: code });
    const submitted = await run('submit_referral', bob, { referrer_code: property('wonward_referral_code') });
    expect(submitted).toMatchObject({ state: 'succeeded', message: expect.stringMatching(/Recorded|Known already/) });

    const deal = scene.deal([bob]);
    await stack.settle();
    const waiting = await run('wait_until_rewarded', bob, { party: fixed('member'), days: fixed('30') });
    expect(waiting).toMatchObject({ state: 'blocked', outputs: {} });
    expect((waiting.expiresAt ?? 0) - (waiting.attempts[0]?.at ?? 0)).toBeGreaterThan(29 * 86_400_000);

    scene.win(deal);
    const told = await eventually(
      async () => scene.crm.execution(waiting.callbackId),
      ({ state }) => state !== 'blocked',
    );
    const [reward] = (await scene.all('/rewards')).filter(({ party }) => party === 'member');
    expect(told).toMatchObject({
      state: 'succeeded',
      message: 'Issued',
      completions: 1,
      outputs: {
        outcome: 'rewarded',
        reward_id: reward.id,
        amount: '100.00',
        currency: 'EUR',
        referral_id: submitted.outputs.referral_id,
      },
    });
    await stack.settle();
    await scene.expectBalanced();

    // Who asks once it is there need not wait.
    const late = await run('wait_until_rewarded', deal, {}, 'deal');
    expect(late).toMatchObject({ state: 'succeeded', outputs: { outcome: 'rewarded' }, completions: 0 });
  });

  test('a wait for a deal that is lost ends, and says so', async () => {
    const bob = scene.friendOf(scene.person('Ada'), 'Bob');
    const deal = scene.deal([bob]);
    await stack.settle();
    const waiting = await run('wait_until_rewarded', deal, {}, 'deal');
    expect(waiting.state).toBe('blocked');
    scene.edit('deal', deal, { dealstage: 'closedlost' });
    const told = await eventually(
      async () => scene.crm.execution(waiting.callbackId),
      ({ state }) => state !== 'blocked',
    );
    expect(told).toMatchObject({
      state: 'succeeded',
      message: 'The deals are lost',
      outputs: { outcome: 'lost' },
      completions: 1,
    });
  });

  test('a wait that nobody ended is over with its time, and HubSpot is not called for it', async () => {
    const bob = scene.friendOf(scene.person('Ada'), 'Bob');
    await stack.settle();
    const waiting = await run('wait_until_rewarded', bob, { days: fixed('1') });
    expect(waiting.state).toBe('blocked');
    const { store, container } = stack.service;
    const connection = await store.connections.findByExternalId('hubspot', String(PORTAL));
    if (!connection) throw new Error('not connected');
    scene.crm.clearCalls();
    const tell = createTellWorkflows({
      store,
      clock: { ...stack.clock, now: () => stack.clock.now() + 86_400_001 },
      log: createLog({ level: 'silent' }),
      openSession: (one) => container.connect.openSession(one),
    });
    const shard = { accountId: connection.accountId, connectionId: connection.id };
    expect(await tell(shard)).toBe(1);
    expect(await tell(shard)).toBe(0);
    expect(await store.callbacks.nextDueAt()).toBeNull();
    const told = scene.crm.calls().flatMap(({ routes }) => routes.filter(({ path }) => path.includes('callbacks')));
    expect(told).toEqual([]);
  });

  test('gets the share link of a member who is one already', async () => {
    const ada = scene.person('Ada');
    const first = await run('get_share_link', ada);
    const second = await run('get_share_link', ada);
    expect(first.outputs.outcome).toBe('created');
    expect(second.outputs).toMatchObject({ outcome: 'existing', share_link: first.outputs.share_link });
    await stack.settle();
    expect(scene.show('contact', ada).wonward_share_link).toBe(first.outputs.share_link);
  });

  test('is told what HubSpot sent of the contact, without asking HubSpot for it', async () => {
    const ada = scene.person('Ada', { lastname: 'Lovelace' });
    await stack.settle();
    scene.crm.clearCalls();
    await run('enrol_member', ada);
    expect((await scene.memberOf(ada)).name).toBe('Ada Lovelace');
    const reads = scene.crm.calls().flatMap(({ routes }) => routes.filter(({ path }) => path.includes('batch/read')));
    expect(reads.length).toBeLessThanOrEqual(3);
  });

  test('approves a reward that waits for its word, with who said it, once', async () => {
    await publish(REVIEWED);
    const bob = scene.friendOf(scene.person('Ada'), 'Bob');
    const deal = scene.deal([bob]);
    await stack.settle();
    const early = await run('issue_reward', deal, {}, 'deal');
    expect(early).toMatchObject({
      state: 'continued',
      outputs: { outcome: 'refused', errorCode: 'NOTHING_DECIDED' },
      message: 'No rule has been decided on yet',
    });
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['friend in_review 50.00 EUR', 'member in_review 100.00 EUR']);
    const inputs = { program: fixed('default'), rule: fixed('member-won'), note: fixed('Contract is signed') };
    const issued = await run('issue_reward', deal, inputs, 'deal');
    expect(issued).toMatchObject({ state: 'succeeded', message: 'Approved', outputs: { outcome: 'approved' } });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['friend in_review 50.00 EUR', 'member issued 100.00 EUR']);
    const page = { limit: 100, cursor: null };
    const { items } = await stack.service.store.reads.decisions(stack.accountId, page, { dealId: deal });
    const approvals = items.filter(({ reason }) => reason.code === 'review_approved');
    expect(approvals.map(({ reason }) => reason.values)).toEqual([
      { by: `workflow 192814114 ${issued.callbackId}`, why: 'Contract is signed' },
    ]);
    expect((await run('issue_reward', deal, inputs, 'deal')).outputs).toMatchObject({ errorCode: 'AWAITS_NOBODY' });
    await scene.expectBalanced();
  });

  test('a stage is what the deals say: it is confirmed, or the workflow is told what to move', async () => {
    const bob = scene.friendOf(scene.person('Ada'), 'Bob');
    const deal = scene.deal([bob]);
    await stack.settle();
    expect(await run('set_stage', bob, { stage: fixed('opportunity') })).toMatchObject({
      state: 'succeeded',
      outputs: { outcome: 'set', stage: 'opportunity' },
    });
    expect(await run('set_stage', deal, { stage: fixed('won') }, 'deal')).toMatchObject({
      state: 'continued',
      outputs: { errorCode: 'FOLLOWS_THE_DEAL', stage: 'opportunity' },
      message: 'The stage follows the deal: move the deal to set it',
    });
  });

  test('sets the stage of a referral that has no deal, with its reason; a deal stands above that when it comes', async () => {
    const bob = scene.friendOf(scene.person('Ada'), 'Bob');
    await stack.settle();
    const set = (stage: string, note?: string) =>
      run('set_stage', bob, { stage: fixed(stage), ...(note ? { note: fixed(note) } : {}) });
    expect(await set('qualified', 'Called back.')).toMatchObject({
      state: 'succeeded',
      outputs: { outcome: 'set', stage: 'qualified' },
    });
    const referrals = await scene.all('/referrals');
    const of = referrals.find(({ friend }) => friend.contact?.id === bob);
    expect(of).toMatchObject({ stage: 'qualified', reason: { code: 'stage_by_person' } });
    expect(of.reason.text).toContain('Called back.');
    // Looked at again nothing is another thing; a stage that only a deal says is refused.
    scene.edit('contact', bob, { firstname: 'Robert' });
    await stack.settle();
    const referral = async () => (await stack.api('GET', `/referrals/${of.id}`)).body;
    expect(await referral()).toMatchObject({ stage: 'qualified' });
    expect((await set('won')).outputs).toMatchObject({ errorCode: 'FOLLOWS_THE_DEAL', stage: 'qualified' });
    expect((await set('declined', 'Not interested.')).outputs).toMatchObject({ outcome: 'set' });
    scene.edit('contact', bob, { firstname: 'Rob' });
    const deal = scene.deal([bob]);
    scene.win(deal);
    await stack.settle();
    expect(await referral()).toMatchObject({ stage: 'declined' });
    expect(await scene.all(`/rewards?referralId=${of.id}`)).toEqual([]);
    const report = async () => {
      const { accounts } = await stack.service.store.audited(stack.clock.now(), (audit) => verify(audit));
      return accounts.flatMap(({ problems }) => problems);
    };
    expect(await report()).toEqual([]);
    expect((await set('accepted', 'They came back.')).outputs).toMatchObject({ outcome: 'set' });
    await stack.settle();
    expect(await referral()).toMatchObject({ stage: 'won' });
    expect((await set('expired')).outputs).toMatchObject({ errorCode: 'FOLLOWS_THE_DEAL', stage: 'won' });
    const { items } = (await stack.api('GET', `/referrals/${of.id}/timeline?kinds=stage`)).body;
    expect(items.map(({ stage, reason }: { stage: string; reason: { text: string } }) => [stage, reason.text])).toEqual(
      [
        ['accepted', expect.stringContaining('They came back.')],
        // By the time of the deal.
        ['won', expect.any(String)],
        ['declined', expect.stringContaining('Not interested.')],
        ['qualified', expect.stringContaining('Called back.')],
      ],
    );
    expect(await report()).toEqual([]);
    await scene.expectBalanced();
  });

  test('what cannot be is said, with a label that a person understands', async () => {
    const ada = scene.person('Ada');
    const code = (await run('enrol_member', ada)).outputs.referral_code ?? '';
    const refused = async (inputs: Record<string, InputValue>, contact = scene.person('Friend')) =>
      (await run('submit_referral', contact, inputs)).outputs.errorCode;
    expect(await refused({})).toBe('NO_SUCH_MEMBER');
    expect(await refused({ referrer_code: fixed('AAAA-BBBB-CCCC') })).toBe('NO_SUCH_MEMBER');
    expect(await refused({ referrer_contact: fixed('99999999999') })).toBe('NO_SUCH_MEMBER');
    expect(await refused({ referrer_contact: fixed('not a number') })).toBe('NO_SUCH_MEMBER');
    expect(await refused({ referrer_code: fixed(code) }, ada)).toBe('SELF_REFERRAL');
    expect(await refused({ referrer_contact: fixed(ada) }, ada)).toBe('SELF_REFERRAL');
    const bob = scene.person('Bob');
    expect(await refused({ referrer_contact: fixed(ada) }, bob)).toBeUndefined();
    const other = (await run('enrol_member', scene.person('Other'))).outputs.referral_code ?? '';
    expect(await refused({ referrer_code: fixed(other) }, bob)).toBe('REFERRED_BY_ANOTHER');
    expect((await run('wait_until_rewarded', ada)).outputs.errorCode).toBe('NO_SUCH_REFERRAL');
    const badDays = await run('wait_until_rewarded', bob, { days: fixed('0') });
    expect(badDays.outputs).toMatchObject({
      errorCode: 'INVALID_REQUEST',
      reason: expect.stringContaining('1 to 365'),
    });
  });
});

describe('what people were told before a workflow entered them', () => {
  const options = (uid: string) => scene.crm.actionOptions(PORTAL, { uid, inputFieldName: 'consent_text' });
  const saved = async (purpose: string, version: number, texts: object) => {
    const { status, body } = await stack.api('POST', '/consent-texts', { purpose, version, texts });
    expect(status, JSON.stringify(body)).toBe(200);
  };

  test('is chosen from the texts that there are, and kept with the member and with the friend’s referral', async () => {
    await saved('member', 0, { en: 'We keep your name.' });
    await saved('member', 1, { en: 'We keep your name and address.', de: 'Wir speichern Name und Adresse.' });
    await saved('friend', 0, { en: 'A friend named you.' });
    expect((await options('wonward_enrol_member')).body).toMatchObject({
      options: [
        { value: '2:en', label: 'Version 2, English', description: 'We keep your name and address.' },
        { value: '2:de' },
        { value: '1:en' },
      ],
    });
    expect((await options('wonward_submit_referral')).body).toMatchObject({ options: [{ value: '1:en' }] });

    const enrolled = await run('enrol_member', scene.person('Ada'), { consent_text: fixed('1:en') });
    const member = await stack.api('GET', `/members/${enrolled.outputs.member_id}/consents`);
    expect(member.body.items).toMatchObject([
      { purpose: 'member', version: 1, language: 'en', place: 'workflow', text: 'We keep your name.' },
    ]);
    const submitted = await run('submit_referral', scene.person('Bob'), {
      referrer_code: fixed(enrolled.outputs.referral_code ?? ''),
      consent_text: fixed('1:en'),
    });
    const friend = await stack.api('GET', `/referrals/${submitted.outputs.referral_id}/consents`);
    expect(friend.body.items).toMatchObject([{ purpose: 'friend', version: 1, place: 'workflow' }]);
  });

  test('is nothing where the workflow says nothing, and refused where there was no such text', async () => {
    await saved('friend', 0, { en: 'A friend named you.' });
    const ada = await run('enrol_member', scene.person('Ada'));
    const silent = await stack.api('GET', `/members/${ada.outputs.member_id}/consents`);
    expect(silent.body.items).toEqual([]);
    const bob = scene.person('Bob');
    const said = async (consent_text: string) =>
      (
        await run('submit_referral', bob, {
          referrer_code: fixed(ada.outputs.referral_code ?? ''),
          consent_text: fixed(consent_text),
        })
      ).outputs.errorCode;
    expect(await said('2:en')).toBe('NO_SUCH_CONSENT_TEXT');
    expect(await said('1:de')).toBe('NO_SUCH_CONSENT_TEXT');
    expect(await said('yes')).toBe('INVALID_REQUEST');
    expect(await scene.all('/referrals')).toEqual([]);
    expect(await said('1:en')).toBeUndefined();
  });
});

describe('the same call', () => {
  test('is answered the same, and does nothing twice', async () => {
    const ada = scene.person('Ada');
    const first = await run('enrol_member', ada);
    const again = await scene.crm.repeatAction(first.callbackId);
    expect(again.status).toBe(200);
    expect(again.answer).toBe(first.attempts[0]?.answer);
    expect(await scene.all('/members')).toHaveLength(1);
  });

  test('that comes many times at one moment is carried out once, and all hear the same', async () => {
    scene.crm.addFault({ target: 'workflow', effect: { kind: 'duplicate', copies: 7 } });
    const ada = scene.person('Ada');
    const done = await run('enrol_member', ada);
    await eventually(
      async () => scene.crm.execution(done.callbackId),
      ({ attempts }) => attempts.filter(({ status }) => status === 200).length === 8,
    );
    expect(new Set(done.attempts.map(({ answer }) => answer)).size).toBe(1);
    expect(done.outputs.outcome).toBe('created');
  });

  test('whose answer was lost comes again, and the wait is one', async () => {
    const bob = scene.friendOf(scene.person('Ada'), 'Bob');
    const deal = scene.deal([bob]);
    await stack.settle();
    scene.crm.addFault({ target: 'workflow', times: 2, effect: { kind: 'lose_answer' } });
    const waiting = await run('wait_until_rewarded', bob);
    expect(waiting).toMatchObject({ state: 'blocked' });
    expect(waiting.attempts).toHaveLength(3);
    scene.win(deal);
    const told = await eventually(
      async () => scene.crm.execution(waiting.callbackId),
      ({ state }) => state === 'succeeded',
    );
    expect(told.completions).toBe(1);
  });

  test('with other inputs does nothing and says so', async () => {
    const bob = scene.friendOf(scene.person('Ada'), 'Bob');
    await stack.settle();
    const { callbackId, attempts } = await run('set_stage', bob, { stage: fixed('accepted') });
    const body = JSON.parse(attempts[0]?.body ?? '');
    const { runWorkflowAction } = stack.service.container;
    const call = {
      provider: 'hubspot',
      externalId: String(PORTAL),
      action: 'set_stage',
      callbackId,
      askedBy: 'workflow 1',
      record: { object: 'contact' as const, id: bob },
      seen: undefined,
      inputs: body.inputFields,
    };
    expect(await runWorkflowAction(call)).toMatchObject({ state: 'done', code: 'set' });
    const changed = { ...call, inputs: { stage: 'won' } };
    expect(await runWorkflowAction(changed)).toMatchObject({ state: 'refused', code: 'callback_reused' });
  });

  test('whose worker died between doing and answering goes on when its lease is over, and finds its work done', async () => {
    const ada = scene.person('Ada');
    const { container, store } = stack.service;
    const connection = await store.connections.findByExternalId('hubspot', String(PORTAL));
    if (!connection) throw new Error('not connected');
    let isDying = true;
    const dying: Stack['service']['store'] = {
      ...store,
      workflowCalls: {
        ...store.workflowCalls,
        answer: (...input) => {
          if (isDying) return new Promise(() => {});
          return store.workflowCalls.answer(...input);
        },
      },
    };
    const { act, review, desk, connect } = container;
    const run = createWorkflowActions({
      store: dying,
      clock: stack.clock,
      log: createLog({ level: 'silent' }),
      actions: createCrmActions({
        store,
        act,
        review,
        desk,
        setStage: createSetStage({ store, clock: stack.clock, onAsked: () => {} }),
        publicUrl: stack.publicUrl,
      }),
      openSession: (one) => connect.openSession(one),
    });
    const call = {
      provider: 'hubspot',
      externalId: String(PORTAL),
      action: 'enrol_member',
      callbackId: 'ap-1',
      askedBy: 'workflow 1',
      record: { object: 'contact' as const, id: ada },
      seen: { name: 'Ada', email: 'ada@example.com' },
      inputs: {},
    };
    void run(call);
    await eventually(
      async () => scene.memberOf(ada),
      (member) => member !== undefined,
    );
    isDying = false;
    // Its lease still holds: who comes now is asked to come again.
    await expect(run(call)).rejects.toMatchObject({ code: 'busy' });
    await stack.clock.sleep(30_000);
    expect(await run(call)).toMatchObject({ state: 'done', code: 'created' });
    expect(await run(call)).toMatchObject({ state: 'done', code: 'created' });
    expect(await scene.all('/members')).toHaveLength(1);
  });
});

describe('signatures', () => {
  test.each(['v2', 'v3', 'both'] as const)('%s alone is enough', async (signatures) => {
    scene.crm.setActionSignatures(signatures);
    expect((await run('enrol_member', scene.person('Ada'))).state).toBe('succeeded');
    const options = await scene.crm.actionOptions(PORTAL, { uid: 'wonward_issue_reward', inputFieldName: 'program' });
    expect(options.status).toBe(200);
  });
});

describe('what an admin can choose', () => {
  const options = (inputFieldName: string, more: object = {}, uid = 'wonward_issue_reward') =>
    scene.crm.actionOptions(PORTAL, { uid, inputFieldName, ...more });

  test('is what is published now', async () => {
    expect((await options('program')).body).toEqual({
      options: [{ value: 'default', label: 'Friends of Acme', description: 'Version 1' }],
      searchable: true,
    });
    const rules = (await options('rule', { inputs: { program: fixed('default') } })).body as Record<string, unknown>;
    expect(rules.options).toMatchObject([{ value: 'member-won' }, { value: 'friend-won' }]);
    expect((await options('rule', { inputs: { program: fixed('other') } })).body).toMatchObject({ options: [] });
    expect((await options('rule', { q: 'FRIEND' })).body).toMatchObject({ options: [{ value: 'friend-won' }] });
    expect((await options('stage', {}, 'wonward_set_stage')).body).toMatchObject({
      options: expect.arrayContaining([expect.objectContaining({ value: 'won', label: 'Won' })]),
    });
  });

  test('is nothing in a portal that is not connected', async () => {
    scene.crm.createPortal({ portalId: PORTAL + 1 });
    const page = await scene.crm.actionOptions(PORTAL + 1, { uid: 'wonward_issue_reward', inputFieldName: 'program' });
    expect(page).toMatchObject({ status: 200, body: { options: [] } });
  });
});

describe('other portals', () => {
  test('see nothing of this one’s people, also by their ids', async () => {
    const { apiKey } = await stack.newAccount('Other');
    scene.crm.createPortal({ portalId: PORTAL + 1 });
    await stack.install(PORTAL + 1, apiKey);
    const ada = scene.person('Ada');
    const code = (await run('enrol_member', ada)).outputs.referral_code ?? '';
    // Ids of two portals collide in the local HubSpot: the same number is another person there.
    const stranger = scene.crm.createRecord(PORTAL + 1, 'contact', { properties: { email: 's@example.com' } }).id;
    const friend = scene.crm.createRecord(PORTAL + 1, 'contact', { properties: { email: 'f@example.com' } }).id;
    const submit = async (inputs: Record<string, InputValue>) =>
      ended(
        scene.crm.enrolInAction(PORTAL + 1, {
          uid: 'wonward_submit_referral',
          objectType: 'contact',
          objectId: friend,
          inputs,
        }).callbackId,
      );
    expect((await submit({ referrer_code: fixed(code) })).outputs.errorCode).toBe('NO_SUCH_MEMBER');
    expect((await submit({ referrer_contact: fixed('30000000999') })).outputs.errorCode).toBe('NO_SUCH_MEMBER');
    expect(stranger).toBe(ada);
    expect((await submit({ referrer_contact: fixed(ada) })).state).toBe('succeeded');
    expect(await scene.all('/referrals')).toEqual([]);
  });

  test('and one that has uninstalled is told that it is not connected, whatever was asked before', async () => {
    const ada = scene.person('Ada');
    const before = await run('enrol_member', ada);
    await stack.settle();
    scene.crm.uninstall(PORTAL);
    // HubSpot tells nobody: the first action that has to ask it finds out.
    const found = await run('submit_referral', scene.person('Bob'), { referrer_contact: fixed('30000000999') });
    expect(found).toMatchObject({ state: 'continued', outputs: { errorCode: 'NOT_CONNECTED' } });
    const after = await run('enrol_member', ada);
    expect(after).toMatchObject({
      state: 'continued',
      outputs: { errorCode: 'NOT_CONNECTED', outcome: 'refused' },
      message: 'Wonward is not connected to this account any more',
    });
    expect(JSON.parse((await scene.crm.repeatAction(before.callbackId)).answer)).toMatchObject({
      outputFields: { hs_execution_state: 'FAIL_CONTINUE', errorCode: 'NOT_CONNECTED' },
    });
  });

  test('a portal that did not allow "automation" cannot wait, and is told why', async () => {
    scene.crm.createPortal({ portalId: PORTAL + 2, unavailableScopes: ['automation'] });
    const { apiKey } = await stack.newAccount('Starter plan');
    await stack.install(PORTAL + 2, apiKey);
    const other = createScene(stack, { portalId: PORTAL + 2, apiKey });
    const bob = other.friendOf(other.person('Ada'), 'Bob');
    await stack.settle();
    const { callbackId } = scene.crm.enrolInAction(PORTAL + 2, {
      uid: 'wonward_wait_until_rewarded',
      objectType: 'contact',
      objectId: bob,
    });
    expect((await ended(callbackId)).outputs.errorCode).toBe('MISSING_PERMISSION');
  });
});

describe('telling HubSpot', () => {
  async function waiting(): Promise<{ callbackId: string; deal: string }> {
    const bob = scene.friendOf(scene.person('Ada'), 'Bob');
    const deal = scene.deal([bob]);
    await stack.settle();
    const { callbackId, state } = await run('wait_until_rewarded', bob);
    expect(state).toBe('blocked');
    return { callbackId, deal };
  }

  test('happens once though the answer to it is lost, and what the CRM refused meanwhile comes again', async () => {
    const { callbackId, deal } = await waiting();
    const path = '/automation/actions/callbacks/*';
    scene.crm.addFault({ target: 'api', path, times: 3, effect: { kind: 'status', status: 503 } });
    scene.crm.addFault({ target: 'api', path, times: 1, effect: { kind: 'reset', when: 'after' } });
    scene.win(deal);
    const told = await eventually(
      async () => scene.crm.execution(callbackId),
      ({ state }) => state === 'succeeded',
    );
    expect(told.completions).toBe(1);
    const { store } = stack.service;
    await eventually(
      () => store.callbacks.nextDueAt(),
      (at) => at === null,
      60_000,
    );
    expect(scene.crm.execution(callbackId).completions).toBe(1);
  });

  test('happens once though the node dies between the call and writing it down', async () => {
    const { callbackId, deal } = await waiting();
    const { store } = stack.service;
    const connection = await store.connections.findByExternalId('hubspot', String(PORTAL));
    if (!connection) throw new Error('not connected');
    const shard = { accountId: connection.accountId, connectionId: connection.id };
    // A worker that never writes down what it did, as if its process had ended; it holds the wait before the service does.
    const dead = createTellWorkflows({
      store: { ...store, callbacks: { ...store.callbacks, end: () => new Promise(() => {}) } },
      clock: stack.clock,
      log: createLog({ level: 'silent' }),
      openSession: (one) => stack.service.container.connect.openSession(one),
    });
    const isTold = () => scene.crm.execution(callbackId).completions > 0;
    scene.win(deal);
    while (!isTold()) {
      void dead(shard);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(scene.crm.execution(callbackId)).toMatchObject({ state: 'succeeded', completions: 1 });
    // The service finds it after the lease, is told that it is over, and lets it be.
    await eventually(
      () => store.callbacks.nextDueAt(),
      (at) => at === null,
      90_000,
    );
    expect(scene.crm.execution(callbackId).completions).toBe(1);
  });

  test('leaves one that HubSpot does not know any more, and tells the others of the same batch', async () => {
    const first = await waiting();
    const second = await waiting();
    // HubSpot's own time is over for the first one.
    scene.crm.execution(first.callbackId).expiresAt = stack.clock.now();
    scene.win(first.deal);
    scene.win(second.deal);
    const told = await eventually(
      async () => scene.crm.execution(second.callbackId),
      ({ state }) => state === 'succeeded',
    );
    expect(told.completions).toBe(1);
    expect(scene.crm.execution(first.callbackId)).toMatchObject({ state: 'expired', completions: 0 });
  });
});
