import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ContractSchema, typesFromSchema } from '../contracts/types-from-schema.ts';
import { hubspotManifest, manifestWithAppEvents } from '../manifests/hubspot/app.ts';
import { hubspotProjectFiles } from '../manifests/hubspot/project.ts';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const PROJECT = 'extensions/hubspot';
/** Beside what is uploaded by everybody: laid over it for an app that HubSpot has approved for app events. */
const OVERLAY = `${PROJECT}/with-app-events`;
/** By schema: the service takes the types from beside it; each folder that is uploaded needs its own copy, as no other is with it. */
const CONTRACT_TYPES: Readonly<Record<string, readonly string[]>> = {
  'contracts/hubspot-card/card.schema.json': [
    'contracts/hubspot-card/card-view.generated.ts',
    `${PROJECT}/src/app/cards/card-view.generated.ts`,
  ],
  'contracts/hubspot-home/home.schema.json': [
    'contracts/hubspot-home/home-view.generated.ts',
    `${PROJECT}/src/app/pages/home-view.generated.ts`,
  ],
  'contracts/hubspot-settings/settings.schema.json': [
    'contracts/hubspot-settings/settings-view.generated.ts',
    `${PROJECT}/src/app/settings/settings-view.generated.ts`,
  ],
};
const CARDS = `${PROJECT}/src/app/cards`;
/** By copy, what the other folders cannot take from the cards': HubSpot builds each folder by itself. */
const COPIES: ReadonlyArray<readonly [copy: string, source: string, edit: (text: string) => string]> = [
  [`${PROJECT}/src/app/pages/format.generated.ts`, `${CARDS}/format.ts`, withoutConditions],
  [`${PROJECT}/src/app/pages/ask-wonward.generated.ts`, `${CARDS}/ask-wonward.ts`, (text) => text],
  [`${PROJECT}/src/app/pages/ask-row.generated.tsx`, `${CARDS}/ask-row.tsx`, ofThePages],
  [`${PROJECT}/src/app/settings/ask-wonward.generated.ts`, `${CARDS}/ask-wonward.ts`, (text) => text],
];

/** Every file that is made from a declared truth, by path in the repository. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const usual = hubspotProjectFiles(hubspotManifest);
  for (const [path, text] of usual) files.set(`${PROJECT}/${path}`, text);
  for (const [path, text] of hubspotProjectFiles(manifestWithAppEvents))
    if (usual.get(path) !== text) files.set(`${OVERLAY}/${path}`, text);
  for (const [source, copies] of Object.entries(CONTRACT_TYPES)) {
    const schema = JSON.parse(readFileSync(join(REPOSITORY, source), 'utf8')) as ContractSchema;
    for (const path of copies) files.set(path, typesFromSchema(schema, source));
  }
  for (const [copy, source, edit] of COPIES) {
    const text = edit(readFileSync(join(REPOSITORY, source), 'utf8'));
    files.set(
      copy,
      `// Copied by scripts/hubspot-project.ts from ${source}. Change that one, then run it again.\n\n${text}`,
    );
  }
  return files;
}

function ofThePages(text: string): string {
  return text
    .replace('./card-view.generated.ts', './home-view.generated.ts')
    .replace('./format.ts', './format.generated.ts');
}

/** Conditions are the card's alone. */
function withoutConditions(text: string): string {
  return text
    .replace(
      "import type { ConditionValue, Money } from './card-view.generated.ts';",
      "import type { Money } from './home-view.generated.ts';",
    )
    .replace('  value(value: ConditionValue): string;\n', '')
    .replace("    value: (value) => (typeof value === 'string' ? value : money(value)),\n", '');
}

/** What differs below `root`, one sentence each. A vendor file that nothing generates is drift too: HubSpot would upload it. */
export function findDrift(root: string): readonly string[] {
  const files = generatedFiles();
  const drift: string[] = [];
  for (const [path, expected] of files) {
    const actual = readIfPresent(join(root, path));
    if (actual === null) drift.push(`${path} is missing`);
    else if (actual !== expected) drift.push(`${path} differs from the manifest`);
  }
  for (const path of vendorFiles(join(root, PROJECT))) {
    const inRepository = relative(root, path);
    if (!files.has(inRepository)) drift.push(`${inRepository} is declared nowhere in manifests/hubspot`);
  }
  return drift;
}

/** The whole project as an approved app uploads it, into a folder of its own. */
export function writeWithAppEvents(target: string): void {
  const project = join(REPOSITORY, PROJECT);
  const isLeftOut = (path: string) => path.includes('node_modules') || path === join(REPOSITORY, OVERLAY);
  cpSync(project, target, { recursive: true, filter: (path) => !isLeftOut(path) });
  cpSync(join(REPOSITORY, OVERLAY), target, { recursive: true });
}

export function writeGenerated(root: string): void {
  for (const [path, text] of generatedFiles()) {
    const target = join(root, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function vendorFiles(project: string): string[] {
  return readdirSync(project, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.split('/').includes('node_modules') && path.endsWith('-hsmeta.json'))
    .map((path) => join(project, path));
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const drift = findDrift(REPOSITORY);
    for (const line of drift) console.error(line);
    if (drift.length > 0) {
      console.error('Run: node scripts/hubspot-project.ts');
      process.exitCode = 1;
    }
  } else if (process.argv[2] === '--with-app-events') {
    const [, , , target] = process.argv;
    if (target === undefined) {
      console.error(
        'Name the folder to write the project into: node scripts/hubspot-project.ts --with-app-events <folder>',
      );
      process.exitCode = 1;
    } else writeWithAppEvents(target);
  } else {
    writeGenerated(REPOSITORY);
  }
}
