import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/platform/clock.ts';
import { finding } from '../../src/sandbox/demo/finding.ts';
import { writeReport } from '../../src/sandbox/demo/report.ts';
import { type Audience, runStory, type Step } from '../../src/sandbox/demo/run-story.ts';
import { createScreen } from '../../src/sandbox/demo/screen.ts';

interface Door {
  opened: number;
  looks: number;
}

const nobody: Audience = { onBegin: () => undefined, onEnd: () => undefined };

/** Sleeping is what moves it. */
function stillClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    random: () => 0,
  };
}

const open: Step<Door> = {
  name: 'open the door',
  async act(door) {
    door.opened += 1;
  },
  look: async (door) => [isOpen(door.opened > 0)],
};

function isOpen(open_: boolean) {
  return finding('HubSpot', 'door', {
    seen: { open: open_ },
    expected: { open: true },
    says: () => 'the door is open',
  });
}

const stuck: Step<Door> = {
  name: 'open what is stuck',
  act: () => Promise.resolve(),
  look: async (door) => {
    door.looks += 1;
    return [isOpen(false)];
  },
};

describe('a story', () => {
  test('is verified when every step is read back as it should be', async () => {
    const door = { opened: 0, looks: 0 };
    const results = await runStory([open, open], door, { clock: stillClock(), audience: nobody });
    expect(results.map(({ verified }) => verified)).toEqual([true, true]);
    expect(door.opened).toBe(2);
  });

  test('waits for what comes late, and acts only once', async () => {
    const door = { opened: 0, looks: 0 };
    const late: Step<Door> = {
      ...open,
      look: async (scene) => {
        scene.looks += 1;
        return [isOpen(scene.looks > 3)];
      },
    };
    const [result] = await runStory([late], door, { clock: stillClock(), audience: nobody });
    expect(result).toMatchObject({ verified: true, problems: [] });
    expect(door).toEqual({ opened: 1, looks: 4 });
  });

  test('with a step that cannot be verified says what was expected and seen, and plays no further', async () => {
    const door = { opened: 0, looks: 0 };
    const results = await runStory([stuck, open], door, { clock: stillClock(), audience: nobody, deadlineMs: 1_000 });
    expect(results).toMatchObject([
      { verified: false, problems: ['HubSpot door.open: expected true, seen false', 'waited 1 s for it'] },
      { verified: false, problems: ['not played, since "open what is stuck" was not verified'] },
    ]);
    expect(door.opened).toBe(0);
    expect(door.looks).toBeGreaterThan(2);
  });

  test('does not take a step for verified that looks at nothing', async () => {
    const blind = { ...open, look: async () => [] };
    const [result] = await runStory([blind], { opened: 0, looks: 0 }, { clock: stillClock(), audience: nobody });
    expect(result).toMatchObject({ verified: false, problems: ['nothing was read back', expect.any(String)] });
  });

  test.each(['act', 'look'] as const)('tells an error of %s as a problem of its step', async (part) => {
    const failing = { ...open, [part]: () => Promise.reject(new Error('no such door')) };
    const [result] = await runStory([failing], { opened: 0, looks: 0 }, { clock: stillClock(), audience: nobody });
    expect(result?.verified).toBe(false);
    expect(result?.problems[0]).toMatch(/^it could not be .*: no such door$/);
  });

  test('that failed is reported as not verified, with what was seen', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'demo-report-'));
    const file = join(directory, 'seen.json');
    const results = await runStory(
      [open, stuck, open],
      { opened: 0, looks: 0 },
      { clock: stillClock(), audience: nobody },
    );
    await writeReport(file, results);
    const report = JSON.parse(await readFile(file, 'utf8')) as unknown;
    await rm(directory, { recursive: true });
    expect(report).toEqual({
      steps: [
        { name: open.name, crm: 'hubspot', verified: true, evidence: { door: { open: true } } },
        {
          name: stuck.name,
          crm: 'hubspot',
          verified: false,
          evidence: { door: { open: false }, problems: [expect.stringContaining('expected true'), expect.any(String)] },
        },
        {
          name: open.name,
          crm: 'hubspot',
          verified: false,
          evidence: { problems: [expect.stringContaining('not played')] },
        },
      ],
    });
  });
});

describe('what was read back', () => {
  test.each([
    ['another value', { a: 2 }, { a: 1 }, ['key.a: expected 1, seen 2']],
    ['a list in another order', { a: ['x', 'y'] }, { a: ['y', 'x'] }, ['key.a: expected ["y","x"], seen ["x","y"]']],
    [
      'text that a pattern does not fit',
      { a: 'left' },
      { a: /^won/ },
      ['key.a: expected something like ^won, seen "left"'],
    ],
    ['nothing where a pattern is', { a: null }, { a: /x/ }, ['key.a: expected something like x, seen null']],
    ['what only informs', { a: 2 }, {}, []],
    ['the same', { a: 'x', b: null }, { a: /x/, b: null }, []],
  ])('differs from what must be there: %s', (_, seen: object, expected: object, problems) => {
    expect(finding('Wonward', 'key', { seen: { ...seen }, expected, says: () => 'fine' }).problems).toEqual(problems);
  });
});

describe('the screen', () => {
  const shown = (colours: boolean) => {
    let out = '';
    const write = (text: string) => {
      out += text;
    };
    const { audience } = createScreen({ write, colours, columns: 64 });
    audience.onBegin('A step', 2, 12);
    const long = finding('Card', 'key', {
      seen: {},
      expected: {},
      says: () => 'a sentence that is too long for one line of a narrow terminal',
    });
    audience.onEnd({
      name: 'A step',
      crm: 'hubspot',
      verified: false,
      findings: [long],
      problems: ['expected 1, seen 2'],
    });
    return out;
  };

  test('hangs what is long under its beginning, and marks what is wrong', () => {
    expect(shown(false)).toBe(
      [
        '[ 3/12] A step',
        '        ✓ Card        a sentence that is too long for one line',
        '                      of a narrow terminal',
        '        ✗ expected 1, seen 2',
        '',
        '',
      ].join('\n'),
    );
  });

  test('says the same in colours', () => {
    const painted = shown(true);
    expect(painted).toContain('\u001b[');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is the escape of a terminal that is taken out
    expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(shown(false));
  });
});
