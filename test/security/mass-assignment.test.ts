import { afterAll, beforeAll, expect, test } from 'vitest';
import { TABLES } from '../../src/store/schema.ts';
import { exampleOf, partsOf, pathFor, twoAccounts, withPart } from './two-accounts.ts';

/** OWASP API3:2023, properties that a caller may not set. */

let world: Awaited<ReturnType<typeof twoAccounts>>;
beforeAll(async () => {
  world = await twoAccounts();
}, 120_000);
afterAll(() => world.close());

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Every column there is, as the database and as our own code call it, and what frameworks and objects have beside. */
const INTERNAL = [
  ...new Set(Object.values(TABLES).flatMap((columns) => Object.keys(columns).flatMap((name) => [name, camel(name)]))),
  'isAdmin',
  'admin',
  'role',
  'roles',
  'permissions',
  '_id',
  '$where',
  '__proto__',
  'constructor',
  'prototype',
  'publishedAt',
];

function isObject(part: unknown): part is Record<string, unknown> {
  return typeof part === 'object' && part !== null && !Array.isArray(part);
}

test('a field that is not described is refused by name, in every object of every body, and nothing is changed', async () => {
  const before = world.dump();
  let objects = 0;
  for (const operation of world.judge.operations.filter(({ body }) => body !== null)) {
    const example = exampleOf(operation.body ?? {}, world.mine.ids, world.judge.resolve);
    for (const { path, part } of partsOf(example).filter((place) => isObject(place.part))) {
      const own = Object.keys(part as object);
      const added = INTERNAL.filter((name) => !own.includes(name));
      const body = withPart(example, path, (object) =>
        Object.fromEntries([...Object.entries(object as object), ...added.map((name) => [name, 'x'])]),
      );
      const answer = await world.mine.account.call(pathFor(operation, world.mine.ids), {
        method: operation.method.toUpperCase(),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect([operation.operationId, path, answer.status]).toEqual([operation.operationId, path, 400]);
      const { errors } = (await answer.json()) as { errors: { field: string; problem: string }[] };
      const where = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
      const refused = new Set(errors.map(({ field }) => field));
      const missing = added.filter((name) => !refused.has(`${where}.${name}`.replace(/^\./, '')));
      expect([operation.operationId, path, missing]).toEqual([operation.operationId, path, []]);
      objects += 1;
    }
  }
  expect(objects).toBeGreaterThan(5);
  expect(world.dump()).toEqual(before);
});

test('a parameter that is not described is refused by name, on every list, and does not narrow or widen it', async () => {
  for (const operation of world.judge.operations.filter(
    ({ method, path }) => method === 'get' && !path.includes('{'),
  )) {
    const known = operation.parameters.map(({ name }) => name);
    for (const name of [
      'accountId',
      'account_id',
      'include',
      'fields',
      'sort',
      'offset',
      'filter[accountId]',
      '__proto__',
    ]) {
      const answer = await world.mine.account.call(`${operation.path}?${encodeURIComponent(name)}=x`);
      expect([operation.operationId, name, known, answer.status]).toEqual([operation.operationId, name, known, 400]);
    }
  }
});

test('no object of the service inherits what a caller sent', async () => {
  const poisons = ['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'];
  for (const body of poisons) {
    for (const operation of world.judge.operations.filter((one) => one.body !== null)) {
      await world.mine.account.call(pathFor(operation, world.mine.ids), {
        method: operation.method.toUpperCase(),
        headers: { 'content-type': 'application/json' },
        body,
      });
    }
    await world.mine.account.call('/members?__proto__[polluted]=1&constructor[prototype][polluted]=1');
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
