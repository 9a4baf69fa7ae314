import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { GERMAN_PHRASES } from '../../../src/http/language/german/german.ts';

const GLOSSARY = 'src/http/language/german/README.md';
const CONSOLE = 'src/web/console/src/';
const WORKFLOW_ACTIONS = 'extensions/hubspot/src/app/workflow-actions/*.json';

interface Term {
  readonly english: string;
  readonly german: string;
  readonly refused: readonly string[];
}

interface Said {
  readonly where: string;
  readonly english: string;
  readonly german: string;
}

/** The table that translators read. */
const TERMS: readonly Term[] = [
  ...readFileSync(GLOSSARY, 'utf8').matchAll(/^\| (\w+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm),
].flatMap(([, english = '', german = '', not = '']) => {
  if (english === 'English') return [];
  return [
    { english, german: german.trim(), refused: not.trim() === '–' ? [] : not.split(',').map((word) => word.trim()) },
  ];
});

function isOf(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Texts of one shape in two languages, each with the other. */
function pairsOf(where: string, english: unknown, german: unknown): Said[] {
  if (typeof english === 'string' && typeof german === 'string') return [{ where, english, german }];
  if (!isOf(english) || !isOf(german)) return [];
  return Object.keys(german).flatMap((key) => pairsOf(`${where} ${key}`, english[key], german[key]));
}

/** All that the console says, from the catalogues themselves. */
async function saidInConsole(): Promise<Said[]> {
  const said: Said[] = [];
  for (const file of globSync(`${CONSOLE}**/{*texts,words}.ts`)) {
    const catalogues: Record<string, unknown> = await import(/* @vite-ignore */ resolve(file));
    for (const [name, one] of Object.entries(catalogues))
      if (isOf(one) && isOf(one.en) && isOf(one.de)) said.push(...pairsOf(`${file} ${name}`, one.en, one.de));
  }
  return said;
}

function saidInWorkflows(): Said[] {
  return globSync(WORKFLOW_ACTIONS).flatMap((file) => {
    const { labels } = JSON.parse(readFileSync(file, 'utf8')).config;
    return pairsOf(file, labels.en, labels.de);
  });
}

const saidByService = () =>
  Object.entries(GERMAN_PHRASES).map(([english, german]) => ({ where: 'service', english, german }));

/** What is said with a word that was not chosen for it; what stands for a value, such as "{friend}", is no word. */
function wrongIn({ where, english, german }: Said): string[] {
  const [from, to] = [english, german].map((text) => text.replaceAll(/\{[=+#!]?\w+\}|[“„"]\w+[”“"]/g, ''));
  const speaksOf = (term: Term) => new RegExp(`\\b${term.english}s?\\b`, 'i').test(from ?? '');
  return TERMS.flatMap((term) =>
    term.refused.flatMap((word) => {
      if (!new RegExp(`(?<!\\p{L})${word}`, 'u').test(to ?? '')) return [];
      const owners = TERMS.filter((other) => other.german === word);
      const isMeant = owners.length === 0 || (speaksOf(term) && !owners.some(speaksOf));
      return isMeant ? [`${where}: "${german}" says "${word}" for ${term.english}, which is "${term.german}"`] : [];
    }),
  );
}

test('the glossary names the terms that were once said in two ways', () => {
  expect(TERMS.map(({ english }) => english)).toEqual(['reward', 'friend', 'recruiter', 'tier', 'stage', 'step']);
  expect(TERMS.find(({ english }) => english === 'friend')?.refused).toContain('Freund');
});

test.each<[string, string, string]>([
  ['The reward is held.', 'Die Belohnung wartet.', 'reward'],
  ['Nothing of it.', 'Für Freunde.', 'friend'],
  ['The tier of the member', 'Die Stufe des Mitglieds', 'tier'],
  ['In this stage since', 'Auf dieser Stufe seit', 'stage'],
])('"%s" as "%s" is refused', (english, german, term) => {
  expect(wrongIn({ where: 'here', english, german })).toEqual([expect.stringContaining(`for ${term}, which is`)]);
});

test('a word that is another term’s is not refused to that', () => {
  expect(wrongIn({ where: 'here', english: 'more than the step before', german: 'mehr als die Stufe davor' })).toEqual(
    [],
  );
  expect(
    wrongIn({
      where: 'here',
      english: 'a higher tier than the step before',
      german: 'ein höherer Rang als die Stufe davor',
    }),
  ).toEqual([]);
});

test('service, console and workflow actions say each term with the word that was chosen', async () => {
  const console = await saidInConsole();
  const workflows = saidInWorkflows();
  expect(console.length).toBeGreaterThan(1_200);
  expect(workflows.length).toBeGreaterThan(80);
  expect([...saidByService(), ...console, ...workflows].flatMap(wrongIn)).toEqual([]);
});
