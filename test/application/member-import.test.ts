import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemberImports, IMPORT_ROWS_MAX, type MemberImports } from '../../src/application/member-import.ts';
import type { Store } from '../../src/application/ports/store.ts';
import { createLog } from '../../src/platform/log.ts';
import { openStore } from '../../src/store/open.ts';
import { T0, tenant } from '../conformance/store-fixtures.ts';

let store: Store;
let imports: MemberImports;
const met: string[] = [];

beforeEach(async () => {
  store = await openStore({ url: 'sqlite::memory:' });
  await tenant(store).create();
  await tenant(store, 'acc_b', 'con_b').create();
  await tenant(store).writePair();
  met.length = 0;
  imports = createImports();
});
afterEach(() => store.close());

function createImports(memberImports = store.memberImports): MemberImports {
  return createMemberImports({
    store: { memberImports, connections: store.connections, privacy: store.privacy },
    openSession: () => {
      throw new Error('a file needs no CRM');
    },
    clock: { now: () => T0 },
    log: createLog({ level: 'silent' }),
    onMet: (_, emails) => void met.push(...emails),
    onStarted: () => {},
  });
}

const MAPPING = { email: 'E-Mail', firstName: 'Vorname', lastName: 'Nachname' };

/** As a spreadsheet of another country saves it: a byte order mark, semicolons, quotes, a formula. */
const FILE = [
  '\uFEFFvorname;Nachname;E-MAIL',
  'Ada;"Lovelace; Countess ""A""";ada@example.com',
  "'=HYPERLINK(1);Formula;FORMULA@example.com ",
  'Known;;mem_1@example.com',
  'Nobody;;',
  'Wrong;;not an address',
  'Twice;;ada@example.com',
].join('\r\n');

const linesOf = (csv: string) => csv.trimEnd().split('\r\n').slice(1);

async function carriedOut(id: string, csv = FILE, accountId = 'acc_a') {
  const started = await imports.start(accountId, { id, csv, mapping: MAPPING, by: 'an admin' });
  await imports.runAll();
  return started;
}

describe('an import of members', () => {
  test('says of each row what would come of it, and keeps nothing', async () => {
    const tried = await imports.dryRun('acc_a', { csv: FILE, mapping: MAPPING });
    if (!tried.ok) throw new Error(tried.problem);
    expect(tried.counts).toEqual({ created: 2, matched: 1, refused: 3 });
    expect(linesOf(tried.csv)).toEqual([
      '"2","created","",""',
      '"3","created","",""',
      '"4","matched","","mem_1"',
      '"5","refused","The address is missing.",""',
      '"6","refused","The address is no e-mail address.",""',
      '"7","refused","The address is that of line 2 too.",""',
    ]);
    expect(await store.reads.memberByEmail('acc_a', 'ada@example.com')).toBeNull();
  });

  test('creates who is new, matches who is there, and forgets what the rows said', async () => {
    expect(await carriedOut('imp_1')).toEqual({ kind: 'started' });
    expect(await store.reads.memberByEmail('acc_a', 'ada@example.com')).toMatchObject({
      name: 'Ada Lovelace; Countess "A"',
      contact: null,
    });
    expect(met.sort()).toEqual(['ada@example.com', 'formula@example.com']);
    expect(await store.memberImports.get('acc_a', 'imp_1')).toMatchObject({
      state: 'done',
      counts: { open: 0, created: 2, matched: 1, refused: 3 },
    });
    const rows = await store.memberImports.rows('acc_a', 'imp_1', { after: 0, limit: 99 });
    expect(rows.map(({ content }) => content)).toEqual(rows.map(() => null));
  });

  test('is the same under the same id, and of another file it is none', async () => {
    await carriedOut('imp_1');
    expect(await carriedOut('imp_1')).toEqual({ kind: 'existing' });
    expect(await carriedOut('imp_1', 'vorname,nachname,e-mail\nX,Y,x@example.com')).toEqual({
      kind: 'refused',
      code: 'other',
    });
    // Another account's import of that id is its own.
    expect(await imports.undo('acc_b', 'imp_1')).toBeNull();
    expect(await imports.report('acc_b', 'imp_1', 0, 9)).toBeNull();
    expect(await carriedOut('imp_1', FILE, 'acc_b')).toEqual({ kind: 'started' });
  });

  test('goes on where it was when it broke off in the middle, and creates nobody twice', async () => {
    const many = Array.from({ length: 500 }, (_, index) => `A,B,row-${index}@example.com`);
    const csv = ['vorname,nachname,e-mail', ...many].join('\n');
    await imports.start('acc_a', { id: 'imp_many', csv, mapping: MAPPING, by: 'an admin' });
    let steps = 0;
    const dying = createImports({
      ...store.memberImports,
      takeIn: async (...input) => {
        steps += 1;
        if (steps === 2) throw new Error('the process is gone');
        return store.memberImports.takeIn(...input);
      },
    });
    await dying.runAll();
    expect((await store.memberImports.get('acc_a', 'imp_many'))?.counts).toMatchObject({ created: 200, open: 300 });
    await imports.runAll();
    expect(await store.memberImports.get('acc_a', 'imp_many')).toMatchObject({
      state: 'done',
      counts: { created: 500, matched: 0, open: 0 },
    });
  });

  test('is stopped while it is carried out: nobody of it is left, and nothing of what its rows said', async () => {
    await imports.start('acc_a', { id: 'imp_1', csv: FILE, mapping: MAPPING, by: 'key' });
    const { takeIn } = store.memberImports;
    const outcomes: string[] = [];
    store.memberImports.takeIn = async (...input) => {
      // Between the judging of the rows and their transaction.
      expect(await imports.undo('acc_a', 'imp_1')).toBe(true);
      const outcome = await takeIn(...input);
      outcomes.push(outcome);
      return outcome;
    };
    try {
      await imports.runAll();
    } finally {
      store.memberImports.takeIn = takeIn;
    }
    expect(outcomes).toEqual(['stopped']);
    await imports.runAll();
    expect(await store.memberImports.get('acc_a', 'imp_1')).toMatchObject({
      state: 'undone',
      counts: { open: 0, created: 0, removed: 0 },
    });
    expect(await store.reads.memberByEmail('acc_a', 'ada@example.com')).toBeNull();
    const rows = await store.memberImports.rows('acc_a', 'imp_1', { after: 0, limit: 99 });
    expect(rows.map(({ content }) => content)).toEqual(rows.map(() => null));
    expect(rows[0]?.problem).toBe('The import was stopped before this line.');
  });

  test('is undone: who has done nothing goes, who has referred somebody stays and is named', async () => {
    await carriedOut('imp_1');
    const [ada, formula] = await Promise.all(
      ['ada@example.com', 'formula@example.com'].map((email) => store.reads.memberByEmail('acc_a', email)),
    );
    const a = tenant(store);
    await a.write({ referrals: [a.referral('ref_ada', ada?.id ?? '')] });
    expect(await imports.undo('acc_a', 'imp_1')).toBe(true);
    await imports.runAll();
    expect(await imports.undo('acc_a', 'imp_1')).toBe(true);
    expect(await store.reads.member('acc_a', formula?.id ?? '')).toBeNull();
    expect(await store.reads.member('acc_a', ada?.id ?? '')).not.toBeNull();
    // A member who was there before is none of the import's.
    expect(await store.reads.member('acc_a', 'mem_1')).not.toBeNull();
    const report = await imports.report('acc_a', 'imp_1', 0, 99);
    expect(linesOf(report?.csv ?? '').slice(0, 2)).toEqual([
      `"2","kept","The member has referred somebody.","${ada?.id}"`,
      `"3","removed","","${formula?.id}"`,
    ]);
    expect(await store.memberImports.get('acc_a', 'imp_1')).toMatchObject({
      state: 'undone',
      counts: { removed: 1, kept: 1, matched: 1 },
    });
  });

  test.each([
    ['without a column', 'name,mail\nA,a@example.com', /needs a first line with the columns/],
    ['with a column twice', 'vorname,nachname,e-mail,E-Mail\nA,B,a@example.com,b@example.com', /names a column twice/],
    ['with an open quote', 'vorname,nachname,e-mail\n"A,B,a@example.com', /quote that is not closed/],
    ['without a row', 'vorname,nachname,e-mail', /has no row/],
    ['of ten megabytes', `vorname,nachname,e-mail\n${'x'.repeat(10_000_000)}`, /at most 5000000 characters/],
    [
      'with too many rows',
      `vorname,nachname,e-mail\n${'A,B,a@example.com\n'.repeat(IMPORT_ROWS_MAX + 1)}`,
      /more than 50000 rows/,
    ],
  ])('a file %s is refused with what is wrong with it', async (_, csv, problem) => {
    expect(await imports.dryRun('acc_a', { csv, mapping: MAPPING })).toMatchObject({
      ok: false,
      problem: expect.stringMatching(problem),
    });
    expect(await carriedOut('imp_bad', csv)).toMatchObject({ kind: 'refused', code: 'unreadable' });
    expect(await store.memberImports.get('acc_a', 'imp_bad')).toBeNull();
  });
});
