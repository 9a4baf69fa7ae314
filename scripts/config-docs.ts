/**
 * Writes what src/config.ts says of every variable into .env.example and into the README's table.
 *   node scripts/config-docs.ts           writes
 *   node scripts/config-docs.ts --check   fails when what is written differs
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type VariableDoc, variableDocs } from '../src/config.ts';

export const BEGIN = '<!-- config -->';
export const END = '<!-- /config -->';

/** Comments are broken here, so that the file reads well in an editor beside a browser. */
const LINE_LENGTH = 100;

export function envExample(docs: readonly VariableDoc[] = variableDocs()): string {
  const parts = docs.map((doc) =>
    [...wrapped(plain(descriptionOf(doc))).map((line) => `# ${line}`), assignmentOf(doc)].join('\n'),
  );
  const head = [
    '# Configuration of Wonward. Generated from src/config.ts by scripts/config-docs.ts: change it there.',
    '# Copy to .env and fill in. What is commented out has the value shown, or is not needed.',
  ];
  return `${[head.join('\n'), ...parts].join('\n\n')}\n`;
}

export function configTable(docs: readonly VariableDoc[] = variableDocs()): string {
  const rows = docs.map(
    (doc) => `| \`${doc.name}\` | ${defaultCell(doc)} | ${descriptionOf(doc).replaceAll('|', '\\|')} |`,
  );
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** The text with its table renewed; as it is when it has no place for one. */
export function withTable(markdown: string, table: string): string {
  const begin = markdown.indexOf(BEGIN);
  if (begin === -1) return markdown;
  const end = markdown.indexOf(END, begin);
  if (end === -1) throw new Error(`${BEGIN} has no ${END} behind it`);
  return `${markdown.slice(0, begin + BEGIN.length)}\n${table}\n${markdown.slice(end)}`;
}

function descriptionOf({ name, description, secret, mayHoldPassword, needed }: VariableDoc): string {
  const needs = { always: ' Needed.', production: ' Needed in production.' };
  const file = secret || mayHoldPassword ? ` \`${name}_FILE\` may name a file that holds it.` : '';
  return `${description}${needed ? needs[needed] : ''}${file}`;
}

function defaultCell({ defaultValue, needed }: VariableDoc): string {
  if (defaultValue !== null) return `\`${defaultValue}\``;
  return needed === 'always' ? '**none**' : 'none';
}

/** What has to be filled in stands open and empty; what has a default, or may be left out, is commented out. */
function assignmentOf({ name, defaultValue, example, needed }: VariableDoc): string {
  if (needed === 'always') return `${name}=`;
  return `# ${name}=${defaultValue ?? example ?? ''}`;
}

function plain(markdown: string): string {
  return markdown.replaceAll('`', '');
}

function wrapped(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= LINE_LENGTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function main(check: boolean): void {
  const root = new URL('../', import.meta.url);
  const files = [
    { path: '.env.example', make: () => envExample() },
    { path: 'README.md', make: (present: string) => withTable(present, configTable()) },
  ];
  for (const { path, make } of files) {
    const url = new URL(path, root);
    const present = existsSync(url) ? readFileSync(url, 'utf8') : '';
    const wanted = make(present);
    if (wanted === present) continue;
    if (check) {
      console.error(`${path} differs from src/config.ts. Run: node scripts/config-docs.ts`);
      process.exitCode = 1;
    } else {
      writeFileSync(url, wanted);
      console.log(`${path} written`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.includes('--check'));
