import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const at = (file: string) => new URL(`../../${file}`, import.meta.url);
const model = readFileSync(at('docs/threat-model.md'), 'utf8');

/** Rows of the tables with a proof: their last cell. */
const rows = model
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => cells.length === 5 && cells[1] !== 'threat' && !/^-+$/.test(cells[1] ?? ''));
const threats = rows.map((cells) => ({ threat: cells[1] ?? '', proof: cells[3] ?? '' }));

/** What has no proof, and may have none for the reason that its row gives. */
const WITHOUT_PROOF: readonly string[] = [];

const proofs = threats.flatMap(({ threat, proof }) =>
  proof.split('; `test/').map((part, index) => {
    const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(index === 0 ? part : `\`test/${part}`) ?? [];
    return { threat, file, title };
  }),
);

describe('the threat model', () => {
  test('names a test for every threat', () => {
    expect(threats.length).toBeGreaterThan(40);
    const unproven = threats.filter(({ proof }) => !proof.startsWith('`test/')).map(({ threat }) => threat);
    expect(unproven).toEqual(WITHOUT_PROOF);
  });

  test.each(proofs.filter(({ threat }) => !WITHOUT_PROOF.includes(threat)))(
    'has its proof: $threat: $title',
    ({ file, title }) => {
      expect([file, existsSync(at(file))]).toEqual([file, true]);
      expect(title.length).toBeGreaterThan(10);
      // As a whole title or the beginning of one, not as words in a comment.
      const source = readFileSync(at(file), 'utf8');
      expect([title, source.includes(`'${title}`)]).toEqual([title, true]);
    },
  );

  test('names every file of tests about security', () => {
    const named = new Set(proofs.map(({ file }) => file));
    for (const name of [
      'foreign-ids',
      'authentication',
      'mass-assignment',
      'consumption',
      'replay',
      'request-forgery',
    ]) {
      expect([name, named.has(`test/security/${name}.test.ts`)]).toEqual([name, true]);
    }
    for (const name of ['hostile-answers', 'exposure', 'leaks', 'key-rotation', 'dependencies']) {
      expect([name, named.has(`test/security/${name}.test.ts`)]).toEqual([name, true]);
    }
  });
});
