import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TEST_RUN_DAYS_MAX, TEST_START_MS_MAX } from '../../src/domain/test-run.ts';
import { commandLine } from '../support/command-line.ts';
import { postgresForThisFile } from '../support/postgres.ts';
import { type Json, PORTAL, type Stack, startStack } from '../support/stack.ts';
import { createScene } from './scene.ts';

const server = await postgresForThisFile();

const DRAFT = {
  programId: 'default',
  name: 'Friends of Acme, doubled',
  rules: [
    {
      key: 'member-won',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 2_000 },
      holdDays: 30,
      payout: 'manual',
    },
    {
      key: 'friend-won',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '75.00', currency: 'EUR' } },
      payout: 'credit',
    },
  ],
};

/**
 * They tell of tests themselves, who did what, how much the CRM was asked and heard, or up to this very moment: the CRM is asked for a test as for
 * real life.
 */
const NOT_OF_REAL_LIFE = [
  'listTestRuns',
  'listAuditEntries',
  'exportAuditEntries',
  'listConnections',
  'getConnection',
  'getSyncHealth',
  'getRiskSignals',
];

/** When the sums were last brought up to date, and the reference of a request. */
const TIMES = /^(foldedAt|ref)$/;

function withoutTimes(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !TIMES.test(key))
      .map(([key, inner]) => [key, withoutTimes(inner)]),
  );
}

/** Everything that the API tells of an account without being asked about one thing, and what it tells of the things that are there. */
async function allOf(stack: Stack, ids: Readonly<Record<string, string>>): Promise<Map<string, Json>> {
  await stack.service.container.figures.foldAll(new AbortController().signal);
  const { paths } = (await (await fetch(`${stack.publicUrl}/api/v1/openapi.json`)).json()) as Json;
  const told = new Map<string, Json>();
  for (const [path, { get }] of Object.entries<Json>(paths)) {
    if (!get || NOT_OF_REAL_LIFE.includes(get.operationId)) continue;
    const own = path.replace(/\{(\w+)\}/g, (whole, name) => ids[name] ?? whole);
    if (own.includes('{')) continue;
    const { status, body } = await stack.api('GET', own.replace(/^\/api\/v1/, ''));
    told.set(get.operationId, { status, body: withoutTimes(body) });
  }
  return told;
}

function differences(before: ReadonlyMap<string, Json>, after: ReadonlyMap<string, Json>): Json[] {
  return [...before].flatMap(([operation, was]) => {
    const is = after.get(operation);
    return JSON.stringify(is) === JSON.stringify(was) ? [] : [{ operation, was: was.body, is: is?.body }];
  });
}

async function scenery(databaseUrl: string) {
  const stack = await startStack({ databaseUrl });
  onTestFinished(() => stack.close());
  await stack.install();
  const scene = createScene(stack);
  const run = async (id: string) => (await stack.api('GET', `/test-runs/${id}`)).body;
  const [connection] = (await stack.api('GET', '/connections')).body.items;
  return { stack, scene, run, connectionId: connection.id as string };
}

const begin = (stack: Stack, connectionId: string, friend: Json, more: Json = {}) =>
  stack.api('POST', '/test-runs', { connectionId, programId: 'default', ...friend, ...more });

describe.each([
  ['SQLite', async () => 'sqlite::memory:'],
  ['PostgreSQL', () => server.freshDatabase()],
])('a test of a program on %s', (_name, database) => {
  test('runs for real and is nowhere in real life: before, during and after it everything that the API tells is the same', async () => {
    const { stack, scene, run, connectionId } = await scenery(await database());
    const { crm } = scene;
    // Real life: a referral that was rewarded, one that goes on, a customer who came by themselves.
    const real = scene.pair();
    scene.pair(false, ['Eve', 'Fay']);
    scene.win(real.dealId);
    scene.win(scene.deal([scene.person('Gus')]));
    await stack.api('PUT', '/programs/default/draft', { revision: 0, program: DRAFT });
    const friendId = scene.person('Tessa');
    const dealId = scene.deal([friendId], { dealname: 'A trial' });
    await stack.settle();
    const { id: referralId, memberId } = await scene.referralOf(real.friendId);
    const [{ id: rewardId }] = (await stack.api('GET', `/rewards?referralId=${referralId}`)).body.items;
    const ids = { referralId, memberId, rewardId, programId: 'default', connectionId };
    const before = await allOf(stack, ids);
    expect(before.size).toBeGreaterThan(70);
    // Nothing was proposed, and credit leaves nothing behind.
    const refused = [...before].flatMap(([operation, { status }]) => (status === 200 ? [] : [operation]));
    expect(refused).toEqual(['getMappingProposal', 'getRewardPayout']);
    const untouched = { deal: scene.show('deal', dealId), contact: scene.show('contact', friendId) };

    const begun = await begin(stack, connectionId, { friendContactId: friendId });
    expect(begun).toMatchObject({ status: 201, body: { state: 'running', origin: 'draft', revision: 1 } });
    const { id } = begun.body;
    await stack.settle();
    expect(await run(id)).toMatchObject({
      member: { name: 'Test: member' },
      referral: { friend: { name: 'Tessa' }, stage: 'opportunity' },
    });
    const during = await allOf(stack, ids);
    expect(differences(before, during)).toEqual([]);

    scene.win(dealId);
    await stack.settle();
    const won = await run(id);
    expect(won.referral.stage).toBe('won');
    expect(
      won.rewards
        .map((one: Json) => [one.reward.party, one.reward.state, one.reward.money.amount, one.wouldOrderFrom])
        .sort(),
    ).toEqual([
      ['friend', 'issued', '75.00', 'credit'],
      ['member', 'issued', '200.00', 'manual'],
    ]);
    expect(won.steps.filter((one: Json) => one.at === null)).toEqual([]);
    expect(scene.show('deal', dealId)).toMatchObject({
      wonward_stage: 'won',
      wonward_reward_state: 'Test: member: issued, friend: issued',
    });
    expect(scene.show('contact', friendId).wonward_referred_by).toBe('Test: Test: member');
    const card = await scene.cardView(friendId);
    expect(JSON.stringify(card)).toContain('Test: ');
    expect(card.mayAct).toBe(false);
    const whileWon = await allOf(stack, ids);
    expect(differences(before, whileWon)).toEqual([]);

    expect(await stack.api('POST', `/test-runs/${id}/end`, {})).toMatchObject({
      status: 200,
      body: { state: 'ended' },
    });
    await stack.settle();
    const after = await allOf(stack, ids);
    expect(differences(before, after)).toEqual([]);
    const over = await run(id);
    expect(over.rewards.map(({ reward }: Json) => reward.state)).toEqual(['clawed_back', 'clawed_back']);
    expect(over).toMatchObject({ endReason: 'person', endedBy: 'test' });
    // The deal is won still, and shows nothing of it any more.
    const ours = (properties: Record<string, string>) =>
      Object.entries(properties).filter(([name, value]) => name.startsWith('wonward_') && value !== '');
    expect(ours(scene.show('deal', dealId))).toEqual(ours(untouched.deal));
    expect(ours(scene.show('contact', friendId))).toEqual(ours(untouched.contact));
    expect((await scene.cardView(friendId)).role).toBe('none');

    // What follows in the CRM is nobody's test any more.
    scene.reopen(dealId);
    await stack.settle();
    scene.win(dealId);
    await stack.settle();
    expect((await run(id)).rewards.map(({ reward }: Json) => reward.state)).toEqual(['clawed_back', 'clawed_back']);
    expect(crm.deliveries().length).toBeGreaterThan(0);
    const { accounts, ok, problems } = await stack.service.store.audited(stack.clock.now(), async (audit) => {
      const { verify } = await import('../../src/application/verify.ts');
      return verify(audit);
    });
    expect({ ok, problems, told: accounts.flatMap((one) => one.problems) }).toEqual({
      ok: true,
      problems: [],
      told: [],
    });
    expect(accounts).toHaveLength(2);
  }, 180_000);

  test('what is won for it is never revenue, whoever its friend becomes, and neither figures nor auditor contradict themselves on the way', async () => {
    const { stack, scene, connectionId } = await scenery(await database());
    const friendId = scene.person('Tessa');
    const deals = [scene.deal([friendId]), scene.deal([friendId])];
    scene.win(deals[0] as string);
    await stack.settle();
    const { container, store } = stack.service;
    const revenue = async () => {
      await stack.settle();
      await container.figures.foldAll(new AbortController().signal);
      expect(await store.figures.verify(stack.accountId)).toEqual({ kind: 'equal' });
      const sums = { measures: ['deals'], from: 0, to: 1_000_000, currency: 'EUR', by: [] } as const;
      return (await store.figures.sums(stack.accountId, sums)).reduce((count, { n }) => count + n, 0);
    };
    const merge = (one: string, other: string) =>
      scene.crm.mergeRecords(PORTAL, 'contact', { primaryObjectId: one, objectIdToMerge: other }).id;
    expect(await revenue()).toBe(1);
    // The CRM's clock may be behind: what was won a moment ago may have been won for the test.
    const { body } = await begin(stack, connectionId, { friendContactId: friendId });
    expect(await revenue()).toBe(0);
    scene.win(deals[1] as string);
    expect(await revenue()).toBe(0);
    const merged = merge(friendId, scene.person('Tess'));
    expect(await revenue()).toBe(0);
    await stack.api('POST', `/test-runs/${body.id}/end`, {});
    expect(await revenue()).toBe(0);
    const again = merge(merged, scene.person('Theresa'));
    for (const deal of deals) scene.edit('deal', deal, { dealname: 'Seen again' });
    expect(await revenue()).toBe(0);
    // Won after the test it is a deal like any other.
    scene.win(scene.deal([again]));
    expect(await revenue()).toBe(1);

    const { verify } = await import('../../src/application/verify.ts');
    const { problems, accounts } = await store.audited(stack.clock.now(), (audit) => verify(audit));
    expect([...problems, ...accounts.flatMap((one) => one.problems)]).toEqual([]);
  }, 180_000);
});

describe('a test of a program', () => {
  test('is refused for who was really referred, twice at a time, without a contact, and for a program that is not there', async () => {
    const { stack, scene, connectionId } = await scenery('sqlite::memory:');
    const { friendId } = scene.pair();
    const alone = scene.person('Tessa');
    const other = scene.person('Ursa');
    await stack.settle();
    const code = async (friend: Json, more: Json = {}) => (await begin(stack, connectionId, friend, more)).body.code;
    expect(await code({ friendContactId: friendId })).toBe('no_such_friend');
    expect(await code({ friendContactId: '999999' })).toBe('no_such_friend');
    expect(await code({ friendEmail: 'nobody@example.com' })).toBe('no_such_friend');
    expect(await code({ friendContactId: alone }, { programId: 'another' })).toBe('no_program');
    expect(await code({ friendContactId: alone }, { origin: 'draft' })).toBe('no_program');
    expect(await code({ friendContactId: alone }, { connectionId: 'con_nobody' })).toBe('no_such_connection');
    expect(await code({ friendContactId: alone }, { member: 'member', memberEmail: 'x@example.com' })).toBe(
      'no_such_member',
    );
    const { email } = scene.show('contact', alone);
    const [first, second] = await Promise.all([
      begin(stack, connectionId, { friendEmail: email }),
      begin(stack, connectionId, { friendContactId: other }),
    ]);
    expect([first.status, second.status].sort()).toEqual([201, 409]);
    const mine = first.status === 201 ? { friendEmail: email } : { friendContactId: other };
    expect((await begin(stack, connectionId, mine)).status).toBe(200);
    expect((await stack.api('GET', '/test-runs')).body.items).toHaveLength(1);
  }, 60_000);

  test('goes by the rules as they are where somebody wants that: a hold holds, and the end takes it back', async () => {
    const { stack, scene, run, connectionId } = await scenery('sqlite::memory:');
    await stack.api('PUT', '/programs/default/draft', { revision: 0, program: DRAFT });
    const friendId = scene.person('Tessa');
    const dealId = scene.deal([friendId]);
    await stack.settle();
    const { body } = await begin(
      stack,
      connectionId,
      { friendContactId: friendId },
      { skipsWaits: false, member: 'test' },
    );
    await stack.settle();
    scene.win(dealId);
    await stack.settle();
    const states = async () =>
      (await run(body.id)).rewards.map(({ reward }: Json) => `${reward.party} ${reward.state}`).sort();
    expect(await states()).toEqual(['friend issued', 'member held']);
    await stack.api('POST', `/test-runs/${body.id}/end`, {});
    expect(await states()).toEqual(['friend clawed_back', 'member voided']);
  }, 60_000);

  test('a deal that a real friend is on as well is decided on in real life as ever, and shows that', async () => {
    const { stack, scene, run, connectionId } = await scenery('sqlite::memory:');
    const { friendId, dealId } = scene.pair();
    const tester = scene.person('Tessa');
    await stack.settle();
    const { body } = await begin(stack, connectionId, { friendContactId: tester });
    const shared = scene.deal([tester, friendId], { dealname: 'Shared' });
    await stack.settle();
    scene.win(shared);
    scene.win(dealId);
    await stack.settle();
    expect(await scene.rewardsOn(shared, dealId)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
    expect((await run(body.id)).rewards).toHaveLength(2);
    expect(scene.show('deal', shared).wonward_reward_state).not.toContain('Test');
  }, 60_000);

  test('ends by itself: after a week, with its program, with its connection, and where its start broke off', async () => {
    let ahead = 0;
    const { systemClock } = await import('../../src/platform/clock.ts');
    const stack = await startStack({ clock: { ...systemClock, now: () => Date.now() + ahead } });
    onTestFinished(() => stack.close());
    await stack.install();
    const scene = createScene(stack);
    const [connection] = (await stack.api('GET', '/connections')).body.items;
    const friendId = scene.person('Tessa');
    await stack.settle();
    const { testRuns } = stack.service.container;
    const started = async () => (await begin(stack, connection.id, { friendContactId: friendId })).body.id as string;
    const ended = async (id: string) => {
      await testRuns.lookAfterAll();
      const { state, endReason } = (await stack.api('GET', `/test-runs/${id}`)).body;
      return `${state} ${endReason}`;
    };
    const first = await started();
    expect(await ended(first)).toBe('running null');
    ahead += TEST_RUN_DAYS_MAX * 86_400_000;
    expect(await ended(first)).toBe('ended time');

    const broken = {
      ...{ id: 'tst_broken', accountId: stack.accountId, connectionId: connection.id, programId: 'default' },
      ...({ programName: 'x', origin: 'published', revision: 1, payouts: {}, skipsWaits: true } as const),
      ...{
        friendContactId: friendId,
        startedBy: 'test',
        startedAt: stack.clock.now(),
        endsAt: stack.clock.now() + 1e9,
      },
    };
    await stack.service.store.testRuns.begin(broken, { programId: 'default', name: 'x', rules: [] });
    expect(await ended('tst_broken')).toBe('running null');
    ahead += TEST_START_MS_MAX;
    expect(await ended('tst_broken')).toBe('ended broken');

    const second = await started();
    await stack.api('POST', '/programs/default/retire', { why: 'Over.' });
    expect(await ended(second)).toBe('ended program');
    await stack.api('PUT', '/programs/default/draft', { revision: 0, program: DRAFT });
    const third = await started();
    await stack.api('POST', `/connections/${connection.id}/disconnect`, {});
    expect(await ended(third)).toBe('ended connection');
  }, 60_000);

  test('shows itself on a deal that an earlier one was shown on, and a comparison leaves what it shows alone', async () => {
    const { stack, scene, connectionId } = await scenery('sqlite::memory:');
    const friendId = scene.person('Tessa');
    const dealId = scene.deal([friendId]);
    await stack.settle();
    const first = (await begin(stack, connectionId, { friendContactId: friendId })).body.id;
    await stack.settle();
    await stack.api('POST', `/test-runs/${first}/end`, {});
    await stack.settle();
    await begin(stack, connectionId, { friendContactId: friendId });
    await stack.settle();
    scene.win(dealId);
    await stack.settle();
    const shows = () => scene.show('deal', dealId).wonward_reward_state;
    expect(shows()).toBe('Test: member: issued, friend: issued');
    // The account writes nothing over it, whatever it means to mend.
    await stack.service.store.mirror.markAll(stack.accountId, connectionId, stack.clock.now());
    await stack.settle();
    expect(shows()).toBe('Test: member: issued, friend: issued');
    const made = await stack.api('POST', `/connections/${connectionId}/reports`, {});
    expect(made.body).toMatchObject({ counts: { different: 0 } });
  }, 60_000);

  test('misses nothing when the service is stopped while it runs, and ends though it was stopped while it ended', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'wonward-test-run-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const { stack, scene, run, connectionId } = await scenery(`sqlite:${join(directory, 'wonward.db')}`);
    const friendId = scene.person('Tessa');
    const dealId = scene.deal([friendId]);
    await stack.settle();
    const { body } = await begin(stack, connectionId, { friendContactId: friendId });
    scene.win(dealId);
    await stack.stop();
    await stack.start();
    await scene.sweep();
    await stack.settle();
    const states = async () => (await run(body.id)).rewards.map(({ reward }: Json) => reward.state);
    expect(await states()).toEqual(['issued', 'issued']);
    const as = { by: 'Ada', reason: 'person', now: stack.clock.now() } as const;
    await stack.service.store.testRuns.beginEnd(stack.accountId, body.id, as);
    await stack.stop();
    await stack.start();
    await stack.service.container.testRuns.lookAfterAll();
    await stack.settle();
    expect(await run(body.id)).toMatchObject({ state: 'ended', endedBy: 'Ada' });
    expect(await states()).toEqual(['clawed_back', 'clawed_back']);
    expect(scene.show('deal', dealId).wonward_reward_state ?? '').toBe('');
  }, 90_000);

  test('is begun, looked at and ended from the command line as well', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'wonward-test-cli-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const { stack, scene, connectionId } = await scenery(`sqlite:${join(directory, 'wonward.db')}`);
    const friendId = scene.person('Tessa');
    const dealId = scene.deal([friendId]);
    await stack.settle();
    const on = async (...args: string[]) => {
      const { code, out, err } = await commandLine(stack.environment, 'test', ...args);
      return `${code} ${out}${err}`;
    };
    const named = ['--program', 'default', '--by', 'Ada'];
    expect(await on('start', stack.accountId, connectionId, '999999', ...named)).toMatch(/^1 .*no such contact/s);
    expect(await on('start', stack.accountId, connectionId, friendId, ...named)).toMatch(/^0 tst_\S+ is running/);
    const { id } = (await stack.api('GET', '/test-runs')).body.items[0];
    scene.win(dealId);
    await stack.settle();
    expect(await on('show', stack.accountId, id)).toMatch(
      /100\.00 EUR for the member, issued; in real life from credit/,
    );
    expect(await on('end', stack.accountId, 'tst_nobody', '--by', 'Ada')).toMatch(/^1 .*no such test/s);
    expect(await on('end', stack.accountId, id, '--by', 'Ada')).toMatch(/ is ended/);
    expect(await on('list', stack.accountId)).toMatch(/^0 tst_\S+ is ended: "Friends of Acme", begun .* by Ada/);
  }, 90_000);

  test('forgets whom the account has to forget, also when it is over', async () => {
    const { stack, scene, run, connectionId } = await scenery('sqlite::memory:');
    const friendId = scene.person('Tessa');
    await stack.settle();
    const { body } = await begin(stack, connectionId, { friendContactId: friendId });
    await stack.settle();
    await stack.api('POST', `/test-runs/${body.id}/end`, {});
    expect((await run(body.id)).referral.friend.name).toBe('Tessa');
    const contact = { connectionId, id: friendId };
    expect(JSON.stringify((await stack.api('POST', '/people/export', { contact })).body)).toContain('Tessa');
    await stack.api('POST', '/people/erase', { contact });
    expect((await run(body.id)).referral.friend).toEqual({ name: null, email: null });

    const other = scene.person('Ursa');
    await stack.settle();
    const again = (await begin(stack, connectionId, { friendContactId: other })).body;
    await stack.settle();
    await stack.api('POST', `/test-runs/${again.id}/end`, {});
    scene.crm.privacyDelete(PORTAL, 'contact', other);
    await stack.settle();
    expect((await run(again.id)).referral.friend).toEqual({ name: null, email: null });
  }, 60_000);
});
