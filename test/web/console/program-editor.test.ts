import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseProgram, pathText } from '../../../src/application/program-document.ts';
import { programHash } from '../../../src/domain/program-hash.ts';
import { programView } from '../../../src/http/api/views.ts';
import {
  documentOf,
  freeKey,
  newRule,
  placeOf,
  type Version,
  valueAt,
  withValue,
} from '../../../src/web/console/src/screens/programs/document.ts';

const FOLDER = new URL('../../../programs/', import.meta.url);
const TEMPLATES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));

function contentOf(document: unknown) {
  const parsed = parseProgram(document);
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  return parsed.program;
}

/** As it comes over the wire. */
function answered(content: ReturnType<typeof contentOf>): Version {
  return JSON.parse(JSON.stringify(programView({ ...content, version: 1, publishedAt: 0 })));
}

const ABOVE_THE_DEAL = {
  programId: 'double',
  name: 'Double',
  rules: [
    {
      key: 'member-won',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 15_000 },
      allowOverWhole: true,
      payout: 'credit',
    },
  ],
};

describe('a published version', () => {
  test.each(TEMPLATES)('of %s can be changed and published again with nothing lost', (name) => {
    const content = contentOf(parse(readFileSync(new URL(name, FOLDER), 'utf8')));
    expect(programHash(contentOf(documentOf(answered(content))))).toBe(programHash(content));
  });

  test('that pays more than the deal, as was meant, still does', () => {
    const content = contentOf(ABOVE_THE_DEAL);
    expect(programHash(contentOf(documentOf(answered(content))))).toBe(programHash(content));
  });
});

describe('the document that is being written', () => {
  test('names places as the service does, so that what is wrong lands beside its field', () => {
    for (const path of [['name'], ['rules', 0], ['rules', 12, 'conditions', 1, 'any', 0, 'money', 'amount']])
      expect(placeOf(path)).toBe(pathText(path));
  });

  test('changes at one place and nowhere else', () => {
    const document = { name: 'A', rules: [{ key: 'a' }, { key: 'b' }] };
    const changed = withValue(document, ['rules', 1, 'amount', 'kind'], 'fixed');
    expect(changed).toEqual({ name: 'A', rules: [{ key: 'a' }, { key: 'b', amount: { kind: 'fixed' } }] });
    expect(document).toEqual({ name: 'A', rules: [{ key: 'a' }, { key: 'b' }] });
    expect(withValue(changed, ['rules', 0], undefined)).toEqual({
      name: 'A',
      rules: [{ key: 'b', amount: { kind: 'fixed' } }],
    });
    expect(withValue(changed, ['rules', 1, 'amount'], undefined)).toEqual(document);
  });

  test('bears whatever a file has in it', () => {
    for (const odd of [null, 7, 'text', [], { rules: 'none' }, { rules: [null, 3] }]) {
      expect(valueAt(odd, ['rules', 1, 'amount', 'kind'])).toBeUndefined();
      expect(valueAt(withValue(odd, ['rules', 0, 'key'], 'a'), ['rules', 0, 'key'])).toBe('a');
    }
  });

  test('begins a rule under a key of its own, which can be published as it stands', () => {
    const rules = [newRule([]), newRule(['member-won']), newRule(['member-won', 'member-won-2'])];
    expect(contentOf({ programId: 'new', name: 'New', rules }).rules.map(({ key }) => key)).toEqual([
      'member-won',
      'member-won-2',
      'member-won-3',
    ]);
    expect(freeKey('gold', ['silver'])).toBe('gold');
  });
});
