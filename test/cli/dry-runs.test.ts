import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { T0, tenant } from '../conformance/store-fixtures.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('dry-runs'));
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  const entry = { pipelineId: 'p', pipelineLabel: 'Sales' } as const;
  const entries = [
    { ...entry, stageId: 'sent', stageLabel: 'Contract sent', stage: 'opportunity' },
    { ...entry, stageId: 'won', stageLabel: 'Closed Won', stage: 'won' },
  ] as const;
  try {
    for (const letter of ['a', 'b']) {
      await tenant(store, `acc_${letter}`, `con_${letter}`).create();
      await store.connections.saveMapping(`acc_${letter}`, `con_${letter}`, 'map_1', entries, T0);
    }
  } finally {
    await store.close();
  }
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

const withHold = (days: number) =>
  `{ programId: default, name: P, rules: [{ key: a, party: member, amount: { kind: percent, basisPoints: 500 }, holdDays: ${days}, payout: credit }] }`;

describe.each([
  {
    group: 'program',
    publish: 'publish',
    of: (letter: string) => [`acc_${letter}`],
    drafts: [withHold(7), withHold(8)],
    shown: null,
  },
  {
    group: 'attribution',
    publish: 'publish',
    of: (letter: string) => [`acc_${letter}`],
    drafts: ['windowDays: 30', 'windowDays: 31'],
    shown: ['list', 'acc_a'],
  },
  {
    group: 'mapping',
    publish: 'set',
    of: (letter: string) => [`acc_${letter}`, `con_${letter}`],
    drafts: ['stages: [{ pipelineId: p, stageId: sent, stage: qualified }]', 'stages: []'],
    shown: ['show', 'acc_a', 'con_a'],
  },
])('$group', ({ group, publish, of, drafts, shown }) => {
  const command = (name: string, letter: string, ...args: string[]) =>
    commandLine(env, group, name, ...of(letter), ...args);

  test('dry-run prints the id that it is kept under, and only that very draft comes into force with it', async () => {
    const [draft, other] = await Promise.all(drafts.map((text, index) => file(`${group}-${index}.yaml`, text)));
    const csv = join(directory, `${group}.csv`);
    const tried = await command('dry-run', 'a', draft ?? '', '--csv', csv);
    expect([tried.err, tried.code]).toEqual(['', 0]);
    expect(await readFile(csv, 'utf8')).toContain('"kind","referral"');
    const id = /Kept as (dry_\S+):/.exec(tried.out)?.[1] ?? '';
    const asJson = JSON.parse((await command('dry-run', 'b', draft ?? '', '--json')).out);
    expect(asJson).toMatchObject({ id: expect.stringMatching(/^dry_/), contentHash: expect.any(String) });

    for (const [path, dryRunId, why] of [
      [other, id, 'that was a dry run of another draft'],
      [draft, 'dry_nobody', 'that is no dry run of this account'],
      [draft, asJson.id, 'that is no dry run of this account'],
    ] as const) {
      const refused = await command(publish, 'a', path ?? '', '--dry-run', dryRunId);
      expect(refused.code).toBe(1);
      expect(refused.err).toContain(`--dry-run: ${why}. Nothing was changed.`);
      expect(refused.err).toContain(`Try the file with "${group} dry-run"`);
    }
    const published = await command(publish, 'a', draft ?? '', '--dry-run', id);
    expect([published.err, published.code]).toEqual(['', 0]);
    if (shown) expect((await commandLine(env, group, ...shown)).out).toContain(`on the dry run ${id}`);
  });
});
