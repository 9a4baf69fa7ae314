import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LISTS_SCOPE } from '../../manifests/hubspot/app.ts';
import { commandLine } from '../support/command-line.ts';
import { type Json, PORTAL, type Stack, startStack } from '../support/stack.ts';
import { createScene, eventually, type Scene } from './scene.ts';

let directory: string;
let stack: Stack;
let scene: Scene;
let connectionId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-member-lists-'));
  stack = await startStack({ databaseUrl: `sqlite:${join(directory, 'wonward.db')}` });
  scene = createScene(stack);
  await stack.install();
  connectionId = (await scene.connection()).id;
}, 120_000);
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => commandLine({ ...stack.environment }, ...args);
const linesOf = (csv: string) => csv.trimEnd().split('\r\n').slice(1);

async function through(id: string, state = 'done'): Promise<Json> {
  const found = await eventually(
    async () => (await stack.api('GET', `/member-imports/${id}`)).body,
    (one) => one.state === state,
  );
  await stack.settle();
  return found;
}

async function reportOf(id: string): Promise<string[]> {
  return linesOf((await stack.api('GET', `/member-imports/${id}/report`)).body.csv);
}

test('a list is found, tried, imported once with what the contacts say, and taken out again', async () => {
  const [lin, max, ada, gone] = ['Lin', 'Max', 'Ada', 'Gone'].map((name) => scene.person(name)) as [
    string,
    string,
    string,
    string,
  ];
  scene.crm.createList(PORTAL, { name: 'Somebody else', recordIds: [lin] });
  const { id: listId } = scene.crm.createList(PORTAL, { name: 'Happy customers', recordIds: [max, gone, lin, ada] });
  // One is a member by an address alone, another one by what they have referred.
  const known = await stack.api('POST', '/members', { email: scene.show('contact', ada).email });
  scene.friendOf(max);
  await stack.settle();
  const max_ = await scene.memberOf(max);

  const lists = await stack.api('GET', `/connections/${connectionId}/lists?search=happy`);
  expect(lists.body.items).toEqual([{ id: listId, name: 'Happy customers', size: 4 }]);
  const tried = await stack.api('POST', '/member-imports/list/dry-run', { connectionId, listId });
  expect(tried).toMatchObject({
    status: 200,
    body: { isWhole: true, list: { name: 'Happy customers' }, counts: { created: 2, matched: 2, refused: 0 } },
  });
  expect(await scene.memberOf(lin)).toBeUndefined();

  scene.crm.deleteRecord(PORTAL, 'contact', gone);
  const input = { id: 'happy', connectionId, listId };
  const started = await stack.api('POST', '/member-imports/list', input);
  expect(started).toMatchObject({ status: 201, body: { id: 'imp_happy', list: { connectionId, listId } } });
  expect((await stack.api('POST', '/member-imports/list', input)).status).toBe(200);
  const done = await through('imp_happy');
  expect(done).toMatchObject({ rows: 3, counts: { open: 0, created: 1, matched: 2, refused: 0 } });
  const member = await scene.memberOf(lin);
  expect(member).toMatchObject({ name: 'Lin', email: scene.show('contact', lin).email });
  expect(await reportOf('imp_happy')).toEqual([
    `"1","created","","${member.id}"`,
    `"2","matched","","${max_.id}"`,
    `"3","matched","","${known.body.id}"`,
  ]);
  expect(scene.show('contact', lin).wonward_share_link).toContain('/r/');

  // Who joins later is no part of it; the same list under another key takes them.
  const late = scene.person('Late');
  scene.crm.joinList(PORTAL, listId, late);
  expect((await stack.api('POST', '/member-imports/list', input)).status).toBe(200);
  expect(await scene.memberOf(late)).toBeUndefined();
  await stack.api('POST', '/member-imports/list', { ...input, id: 'happy-again' });
  expect(await through('imp_happy-again')).toMatchObject({ counts: { created: 1, matched: 3 } });

  expect((await stack.api('POST', '/member-imports/imp_happy/undo', {})).status).toBe(200);
  expect(await through('imp_happy', 'undone')).toMatchObject({ counts: { removed: 1, matched: 2 } });
  expect(await scene.memberOf(lin)).toBeUndefined();
  expect(scene.show('contact', lin).wonward_share_link ?? '').toBe('');
  expect(await scene.memberOf(max)).toBeDefined();
});

test('a list can be left when its CRM is not connected any more: who was read is taken out, and the rest is not read', async () => {
  const people = Array.from({ length: 3 }, (_, index) => scene.person(`Left ${index}`));
  const { id: listId } = scene.crm.createList(PORTAL, { name: 'Left', recordIds: people });
  const { store } = stack.service;
  const list = { connectionId, listId, position: null };
  const at = stack.clock.now();
  const one = { accountId: stack.accountId, id: 'imp_left', contentHash: 'x', list, rows: 0, startedBy: 'key' };
  await store.connections.disconnect(stack.accountId, connectionId, 'gone', at);
  await store.memberImports.start({ ...one, state: 'listing', startedAt: at, updatedAt: at }, []);
  expect((await stack.api('POST', '/member-imports/imp_left/undo', {})).status).toBe(200);
  expect(await through('imp_left', 'undone')).toMatchObject({ rows: 0, counts: { created: 0, open: 0 } });
  await stack.install();
});

test('a list that is deleted while it is read says so in the report, and who was read is taken in', async () => {
  const people = Array.from({ length: 300 }, (_, index) => scene.person(`Reader ${index}`));
  const { id: listId } = scene.crm.createList(PORTAL, { name: 'Readers', recordIds: people });
  await stack.settle();
  const slow = scene.crm.addFault({
    target: 'api',
    path: '/crm/lists/*/memberships',
    effect: { kind: 'latency', latencyMs: 500 },
  });
  await stack.api('POST', '/member-imports/list', { id: 'readers', connectionId, listId });
  await eventually(
    async () => (await stack.api('GET', '/member-imports/imp_readers')).body,
    ({ rows }) => rows > 0,
  );
  scene.crm.deleteList(PORTAL, listId);
  scene.crm.removeFault(slow.id);
  expect(await through('imp_readers')).toMatchObject({ rows: 251, counts: { created: 250, refused: 1 } });
  expect((await reportOf('imp_readers')).at(-1)).toBe(
    '"251","refused","The list is gone: nobody behind this line was read.",""',
  );
  const anew = await stack.api('POST', '/member-imports/list', { id: 'anew', connectionId, listId });
  expect([anew.status, anew.body.errors[0].field]).toEqual([409, 'listId']);
});

test('contacts that were merged while they waited are one member', async () => {
  const [one, two] = [scene.person('One'), scene.person('One Again')];
  const { id: listId } = scene.crm.createList(PORTAL, { name: 'Twins', recordIds: [one, two] });
  await stack.settle();
  // Between the list and the reading of its people.
  const slow = scene.crm.addFault({
    target: 'api',
    path: '/crm/lists/*/memberships',
    effect: { kind: 'latency', latencyMs: 700 },
  });
  const started = await stack.api('POST', '/member-imports/list', { id: 'twins', connectionId, listId });
  expect(started.status).toBe(201);
  const held = scene.crm.addFault({
    target: 'api',
    path: '/crm/objects/*/contacts/batch/read',
    effect: { kind: 'status', status: 503 },
  });
  await eventually(
    async () => (await stack.api('GET', '/member-imports/imp_twins')).body,
    ({ rows }) => rows === 2,
  );
  scene.crm.mergeRecords(PORTAL, 'contact', { primaryObjectId: one, objectIdToMerge: two });
  for (const { id } of [slow, held]) scene.crm.removeFault(id);
  await stack.service.container.memberImports.runAll();
  expect(await through('imp_twins')).toMatchObject({ counts: { created: 1, matched: 1, refused: 0 } });
});

test('from the command line, with what is wrong in words', async () => {
  const of = [stack.accountId, connectionId] as const;
  const people = ['Cleo', 'Dora'].map((name) => scene.person(name));
  const { id: listId } = scene.crm.createList(PORTAL, { name: 'Members of the board', recordIds: people });
  expect((await run('members', 'lists', ...of, '--search', 'board')).out).toMatch(
    new RegExp(`^list +name +people\n${listId} +Members of the board +2$`, 'm'),
  );
  expect((await run('members', 'lists', ...of, '--search', 'nothing')).out).toContain('No such list.');
  const tried = await run('members', 'import-list', ...of, listId);
  expect(tried.out).toContain('2 would be created, 0 are members already, 0 are refused. Begin with --key.');
  expect(await scene.memberOf(people[0] ?? '')).toBeUndefined();
  expect((await run('members', 'import-list', ...of, '999')).err).toContain('The CRM has no such list of people.');
  expect((await run('members', 'import-list', stack.accountId, 'con_none', listId)).err).toContain(
    'There is no connection "con_none".',
  );
  expect((await run('members', 'import-list', ...of, listId, '--key', 'No Key')).err).toContain('is no key');
  const begun = await run('members', 'import-list', ...of, listId, '--key', 'board');
  expect([begun.code, begun.out]).toEqual([0, expect.stringContaining('imp_board is kept')]);
  // The service finds it at its next stroke.
  await stack.service.container.memberImports.runAll();
  await through('imp_board');
  const report = await run('members', 'report', stack.accountId, 'imp_board');
  expect(report.out).toMatch(/"1","created","","mem_\w+"\n"2","created","","mem_\w+"\nimp_board is done\./);
  expect((await run('members', 'undo', stack.accountId, 'imp_board')).code).toBe(0);
  await stack.service.container.memberImports.runAll();
  expect((await run('members', 'report', stack.accountId, 'imp_board')).out).toContain('imp_board is undone.');
  expect((await run('members', 'report', stack.accountId, 'imp_none')).err).toContain('There is no import "imp_none".');
});

test('a portal that has not allowed lists is told what to do', async () => {
  stack.sandbox.control.createPortal({ portalId: PORTAL + 1, unavailableScopes: [LISTS_SCOPE] });
  expect((await stack.install(PORTAL + 1)).status).toBe(200);
  const other = createScene(stack, { portalId: PORTAL + 1 });
  const { id } = await other.connection();
  for (const answer of [
    await stack.api('GET', `/connections/${id}/lists`),
    await stack.api('POST', '/member-imports/list', { id: 'x', connectionId: id, listId: '1' }),
  ])
    expect([answer.status, answer.body.detail]).toEqual([
      409,
      expect.stringContaining('connect it again and allow it, or import a file'),
    ]);
});
