import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Engine } from '../../src/store/dialect.ts';
import { createGroupCommit } from '../../src/store/group-commit.ts';
import { openSqlite } from '../../src/store/sqlite.ts';

let engine: Engine;
let statements: string[];

beforeEach(async () => {
  statements = [];
  engine = await openSqlite(':memory:', { onStatement: (text) => statements.push(text) });
  await engine.write(async ({ db }) => void (await sql`create table taken (name text primary key)`.execute(db)));
  statements.length = 0;
});
afterEach(() => engine.close());

const names = async () => {
  const { rows } = await engine.read(({ db }) =>
    sql<{ name: string }>`select name from taken order by name`.execute(db),
  );
  return rows.map(({ name }) => name);
};

test('writes that come at the same time share a flush, and one that is refused takes nothing of the others with it', async () => {
  const take = createGroupCommit(
    engine,
    async ({ db }, name: string) => {
      await sql`insert into taken values (${`${name} begins`})`.execute(db);
      await sql`insert into taken values (${name})`.execute(db);
      return 'taken';
    },
    (error) => (engine.dialect.isUniqueViolation(error) ? 'refused' : undefined),
  );
  expect(await Promise.all([take('a'), take('b')])).toEqual(['taken', 'taken']);
  expect(await engine.write(({ db }) => sql`delete from taken where name = 'a begins'`.execute(db))).toBeDefined();
  expect(await Promise.all([take('c'), take('a'), take('d')])).toEqual(['taken', 'refused', 'taken']);
  expect(await names()).toEqual(['a', 'b', 'b begins', 'c', 'c begins', 'd', 'd begins']);
  expect(statements.filter((text) => text === 'commit')).toHaveLength(3);
});

test('several are written by the same statements, and each by its own when that is refused or one cannot be written so', async () => {
  const take = createGroupCommit(
    engine,
    async ({ db }, name: string) => {
      await sql`insert into taken values (${name})`.execute(db);
      return `${name} alone`;
    },
    (error) => (engine.dialect.isUniqueViolation(error) ? 'refused' : undefined),
    async ({ db }, all) => {
      for (const name of all) await sql`insert into taken values (${name})`.execute(db);
      return all.includes('odd') ? null : all.map((name) => `${name} together`);
    },
  );
  expect(await Promise.all([take('a'), take('b')])).toEqual(['a together', 'b together']);
  expect(await Promise.all([take('c'), take('odd')])).toEqual(['c alone', 'odd alone']);
  expect(await Promise.all([take('d'), take('a')])).toEqual(['d alone', 'refused']);
  expect(await names()).toEqual(['a', 'b', 'c', 'd', 'odd']);
});

test('what the database cannot do is said to all of them, and nothing of it stays', async () => {
  const write = createGroupCommit(
    engine,
    async ({ db }, name: string) => {
      await sql`insert into taken values (${name})`.execute(db);
      if (name === 'broken') throw new Error('the disk is full');
    },
    () => undefined,
  );
  const outcomes = await Promise.allSettled([write('a'), write('broken'), write('b')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await names()).toEqual([]);
  await write('a');
  expect(await names()).toEqual(['a']);
});
