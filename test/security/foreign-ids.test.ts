import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FuzzedOperation } from '../fuzz/judge.ts';
import { exampleOf, namesOwn, partsOf, pathFor, prefixOf, twoAccounts, withPart } from './two-accounts.ts';

/** OWASP API1:2023, broken object level authorisation: every place of the OpenAPI document where an id can stand. */

let world: Awaited<ReturnType<typeof twoAccounts>>;
let before: Record<string, unknown[]>;
beforeAll(async () => {
  world = await twoAccounts();
  before = world.dump(world.other.account.id);
}, 120_000);
afterAll(() => world.close());

/** What would show that an answer holds something of the other account. */
function tracesOf(text: string, { path }: Pick<FuzzedOperation, 'path'> = { path: '' }): string[] {
  // It holds what this account itself has asked for, and so the ids of the other one that these tests have named.
  if (path.startsWith('/audit-log')) return [];
  const { account, story, ids } = world.other;
  const secrets = [...Object.values(ids), ...Object.values(story), account.key, '48000002', `grace-${account.id}`];
  return secrets.filter((secret) => text.includes(secret));
}

function ask({ method }: FuzzedOperation, path: string, body?: unknown, headers: Record<string, string> = {}) {
  return world.mine.account.call(path, {
    method: method.toUpperCase(),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Items of a list, lines of a file without the one that names the columns. */
function rowsIn(body: unknown): number {
  const { items, csv } = body as { items?: unknown[]; csv?: string };
  return items ? items.length : (csv ?? '').trimEnd().split('\r\n').length - 1;
}

/** Those that take away what the others need come last. */
const inOrder = () =>
  world.judge.operations.toSorted(
    (a, b) => Number(a.path.endsWith('/disconnect')) - Number(b.path.endsWith('/disconnect')),
  );

/** Where exactly one of several fields may be given, or not every CRM has all of them. */
const ONLY: Readonly<Record<string, string>> = {
  exportPerson: 'memberId',
  erasePerson: 'referralId',
  setConnection: 'duplicateRules',
};

const bodyOf = (operation: FuzzedOperation) => {
  if (!operation.body) return undefined;
  const example = exampleOf(operation.body, world.mine.ids, world.judge.resolve);
  const only = ONLY[operation.operationId];
  return only === undefined ? example : { [only]: (example as Record<string, unknown>)[only] };
};

describe('another account’s id', () => {
  test('in a path is answered as one that nobody has, word for word', async () => {
    const withPath = inOrder().filter(namesOwn);
    expect(withPath.length).toBeGreaterThan(4);
    const nobodys = Object.fromEntries(
      Object.entries(world.mine.ids).map(([key, id]) => [key, `${id.slice(0, id.indexOf('_'))}_nobody`]),
    );
    for (const operation of withPath) {
      const foreign = await ask(operation, pathFor(operation, world.other.ids), bodyOf(operation));
      const unknown = await ask(operation, pathFor(operation, nobodys), bodyOf(operation));
      expect([operation.operationId, foreign.status, unknown.status]).toEqual([operation.operationId, 404, 404]);
      const [a, b] = [await foreign.json(), await unknown.json()] as [object, object];
      expect({ ...a, ref: '' }).toEqual({ ...b, ref: '' });
    }
  });

  test('in a query finds nothing, whichever parameter it stands in', async () => {
    let asked = 0;
    for (const operation of world.judge.operations.filter(({ method }) => method === 'get')) {
      for (const { name, schema } of operation.parameters.filter((parameter) => parameter.in === 'query')) {
        const prefix = prefixOf(schema);
        if (prefix === null) continue;
        const own = await ask(operation, `${operation.path}?${name}=${world.mine.ids[prefix]}`);
        expect([operation.operationId, name, own.status]).toEqual([operation.operationId, name, 200]);
        expect(rowsIn(await own.json())).toBeGreaterThan(0);
        const foreign = await ask(operation, `${operation.path}?${name}=${world.other.ids[prefix]}`);
        expect([operation.operationId, name, rowsIn(await foreign.json())]).toEqual([operation.operationId, name, 0]);
        asked += 1;
      }
    }
    expect(asked).toBeGreaterThan(3);
  });

  test('in a query is refused as one that nobody has, word for word, by what changes something', async () => {
    let asked = 0;
    for (const operation of inOrder().filter(({ method }) => method !== 'get')) {
      const path = pathFor(operation, world.mine.ids);
      for (const { name, schema } of operation.parameters.filter((parameter) => parameter.in === 'query')) {
        const prefix = prefixOf(schema);
        if (prefix === null) continue;
        const unknown = await (await ask(operation, `${path}?${name}=${prefix}_nobody`, bodyOf(operation))).json();
        const foreignIds = Object.values(world.other.ids).filter((id) => id.startsWith(`${prefix}_`));
        for (const id of foreignIds) {
          const foreign = await ask(operation, `${path}?${name}=${id}`, bodyOf(operation));
          expect([operation.operationId, foreign.status]).toEqual([operation.operationId, 422]);
          expect({ ...((await foreign.json()) as object), ref: '' }).toEqual({ ...(unknown as object), ref: '' });
          asked += 1;
        }
      }
    }
    // Three dry runs of the other account, for what publishes a program and what publishes a policy.
    expect(asked).toBeGreaterThanOrEqual(6);
  });

  test('in a body is refused, wherever in it an id can stand, and the same body with one’s own is not', async () => {
    let asked = 0;
    for (const operation of world.judge.operations.filter(({ body }) => body !== null)) {
      const path = pathFor(operation, world.mine.ids);
      const own = await ask(operation, path, bodyOf(operation));
      const told = own.ok ? '' : await own.text();
      // A reward that is not in review any more is one's own all the same; so are a draft in another revision, a batch at another point and a key that was used.
      const isOwn =
        own.ok ||
        /"(awaits_nobody|other_entry|draft_changed|settings_changed|mapping_changed|other_draft|nothing_owed|nothing_to_release|not_possible|same_person|batch_state|period_state|not_batched|no_such_provider)"/.test(
          told,
        );
      expect([operation.operationId, own.status, isOwn ? '' : told]).toEqual([operation.operationId, own.status, '']);
      const mine = Object.entries(world.mine.ids);
      const places = partsOf(bodyOf(operation)).filter(({ part }) => mine.some(([, id]) => id === part));
      for (const place of places) {
        const prefix = mine.find(([, id]) => id === place.part)?.[0] ?? '';
        const foreign = await ask(
          operation,
          path,
          withPart(bodyOf(operation), place.path, () => world.other.ids[prefix]),
        );
        const text = await foreign.text();
        if (operation.operationId === 'judgeRewards') {
          // It tells of each reward by itself.
          const nothing = { rewardId: world.other.ids[prefix], result: 'not_found', reward: null };
          expect(JSON.parse(text)).toEqual({ items: [nothing] });
        } else {
          expect([operation.operationId, place.path, foreign.status]).toEqual([operation.operationId, place.path, 422]);
          expect(tracesOf(text)).toEqual([]);
        }
        asked += 1;
      }
    }
    expect(asked).toBeGreaterThanOrEqual(3);
  });

  test('of the account itself is nowhere asked for, and changes nothing where it is given all the same', async () => {
    const { id } = world.other.account;
    for (const operation of inOrder().filter(({ method }) => method === 'get')) {
      const path = pathFor(operation, world.mine.ids);
      const headers = { 'x-account-id': id, 'x-tenant-id': id, cookie: `accountId=${id}`, 'x-forwarded-user': id };
      const answer = await ask(operation, path, undefined, headers);
      expect([operation.operationId, answer.status]).toEqual([operation.operationId, 200]);
      expect(tracesOf(await answer.text(), operation)).toEqual([]);
      const asked = await ask(operation, `${path}?accountId=${id}`);
      expect(tracesOf(await asked.text(), operation)).toEqual([]);
    }
  });

  test('in a cursor shows no row of that account', async () => {
    const lists = world.judge.operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'cursor'));
    expect(lists.length).toBeGreaterThan(4);
    for (const operation of lists) {
      // A file is a page of its list.
      const list = operation.path
        .replace(/\/csv$/, '')
        .split('/')
        .at(-1);
      for (const id of Object.values(world.other.ids)) {
        const cursor = Buffer.from(`${list} 99999999999999 ${id}`).toString('base64url');
        const answer = await ask(operation, `${pathFor(operation, world.mine.ids)}?cursor=${cursor}`);
        expect([operation.operationId, answer.status]).toEqual([operation.operationId, 200]);
        expect(tracesOf(await answer.text(), operation)).toEqual([]);
      }
    }
  });
});

test('after all of that the other account’s data is to the last column what it was', () => {
  expect(Object.values(before).flat().length).toBeGreaterThan(10);
  expect(world.dump(world.other.account.id)).toEqual(before);
  expect(world.service.crm.revoked).toEqual([]);
});
