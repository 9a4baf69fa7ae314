import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import lwc from '@lwc/rollup-plugin';
import { XMLParser } from 'fast-xml-parser';
import { type OutputChunk, type Plugin, rollup } from 'rollup';

/**
 * The package's components as Salesforce would serve them: compiled by the platform's compiler, with the real Lightning base components and
 * the synthetic shadow that Lightning Experience has. What the platform answers itself is answered by the files in `platform/`.
 */

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PROJECT = fileURLToPath(new URL('../../../..', import.meta.url));
const PACKAGE = join(PROJECT, 'extensions/salesforce/force-app/main/default');
const BASE_COMPONENTS = join(PROJECT, 'node_modules/lightning-base-components/src/lightning');
const CACHE = join(PROJECT, 'node_modules/.cache/wonward-lightning');
const ENTRY = '\0lightning-entry';
/** As the package's sourceApiVersion. */
const API_VERSION = 66;
const PARTS = ['lwc', '@lwc/rollup-plugin', '@lwc/synthetic-shadow', 'lightning-base-components', 'rollup'] as const;

let built: Promise<string> | undefined;

/**
 * One classic script, made once: fifteen seconds and six megabytes. It is kept on disk until a source or a package changes. Made in a thread
 * of its own, which keeps nobody from ending.
 */
export function buildLightningBundle(): Promise<string> {
  built ??= fromCache();
  return built;
}

async function fromCache(): Promise<string> {
  const file = cacheFile();
  if (!existsSync(file)) {
    const worker = new Worker(new URL('./lightning-worker.ts', import.meta.url));
    worker.unref();
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => resolve());
    });
  }
  return readFileSync(file, 'utf8');
}

const cacheFile = (): string => join(CACHE, `${fingerprint()}.js`);

/** Compiles the components in this thread, and keeps them on disk. */
export async function cacheLightningBundle(): Promise<void> {
  const file = cacheFile();
  const code = await bundle(PACKAGE);
  await mkdir(CACHE, { recursive: true });
  // Two processes may build at once: each writes a file of its own, and the last one's name wins.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, code);
  await rename(draft, file);
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function fingerprint(): string {
  const hash = createHash('sha256');
  const sources = [
    ...filesUnder(join(PACKAGE, 'lwc')),
    ...filesUnder(join(PACKAGE, 'labels')),
    ...filesUnder(join(HERE, 'platform')),
  ];
  const parts = PARTS.map((name) => join(PROJECT, 'node_modules', name, 'package.json'));
  for (const file of [...sources, ...parts, fileURLToPath(import.meta.url)]) {
    hash.update(file.slice(PROJECT.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 32);
}

async function bundle(root: string): Promise<string> {
  const base = { npm: 'lightning-base-components' };
  const own = readdirSync(join(root, 'lwc')).map((name) => ({
    name: `c/${name}`,
    path: join(root, 'lwc', name, `${name}.js`),
  }));
  const build = await rollup({
    input: ENTRY,
    plugins: [
      platformModules(root),
      iconTemplates(root),
      lwc({
        rootDir: join(root, 'lwc'),
        modules: [...own, base],
        apiVersion: API_VERSION,
        enableDynamicComponents: true,
        exclude: [join(HERE, 'platform/**'), '\0*'],
      }),
      constants(),
    ],
    onwarn(warning, warn) {
      // Between base components; harmless there, and not ours to change.
      if (warning.code === 'CIRCULAR_DEPENDENCY' || warning.message.includes('lightning-base-components')) return;
      warn(warning);
    },
  });
  try {
    const { output } = await build.generate({ format: 'iife', name: 'wonward', inlineDynamicImports: true });
    const chunk = output.find((part): part is OutputChunk => part.type === 'chunk');
    if (chunk === undefined) throw new Error('rollup made nothing of the components');
    return chunk.code;
  } finally {
    await build.close();
  }
}

/** The page's entry, the labels from the package's file, and what else stands behind `@salesforce/`. */
function platformModules(root: string): Plugin {
  const labels = readLabels(root);
  const LABEL = '@salesforce/label/c.';
  const APEX = '@salesforce/apex/';
  const platform: Readonly<Record<string, string>> = {
    '@salesforce/apex': 'apex.js',
    'lightning/navigation': 'navigation.js',
    'lightning/refresh': 'refresh.js',
    '@salesforce/i18n/locale': 'locale.js',
    '@salesforce/i18n/timeZone': 'time-zone.js',
  };
  return {
    name: 'salesforce-platform',
    resolveId(id) {
      const file = platform[id];
      if (file !== undefined) return join(HERE, 'platform', file);
      if (id === ENTRY || id.startsWith(LABEL) || id.startsWith(APEX)) return id.startsWith('\0') ? id : `\0${id}`;
      return null;
    },
    load(id) {
      if (id === ENTRY) {
        return `import '@lwc/synthetic-shadow';
import { createElement } from 'lwc';
import ReferralHistory from 'c/referralHistory';
export const create = () => createElement('c-referral-history', { is: ReferralHistory });`;
      }
      if (id.startsWith(`\0${LABEL}`)) {
        const name = id.slice(LABEL.length + 1);
        const text = labels.get(name);
        if (text === undefined) throw new Error(`the package has no label ${name}`);
        return `export default ${JSON.stringify(text)};`;
      }
      if (id.startsWith(`\0${APEX}`)) {
        const [className, method] = id.slice(APEX.length + 1).split('.');
        return `import { apexMethod } from '@salesforce/apex';
export default apexMethod(${JSON.stringify(className)}, ${JSON.stringify(method)});`;
      }
      return null;
    },
  };
}

/** The libraries of icons are two thousand templates: only those that a component names are compiled, which takes a third of the time. */
function iconTemplates(root: string): Plugin {
  const LIBRARY = /^lightning\/iconSvgTemplates(\w+?)(Rtl)?$/;
  const sources = [
    ...filesUnder(join(root, 'lwc')),
    ...filesUnder(BASE_COMPONENTS).filter((file) => /\.(js|html)$/.test(file) && !file.includes('iconSvg')),
  ];
  const named = new Set(
    sources.flatMap((file) => readFileSync(file, 'utf8').match(/\b(?:utility|standard):[a-z0-9_]+/g) ?? []),
  );
  return {
    name: 'icon-templates',
    resolveId: (id) => (LIBRARY.test(id) ? `\0${id}` : null),
    load(id) {
      const [, library] = LIBRARY.exec(id.slice(1)) ?? [];
      if (library === undefined) return null;
      const category = library.toLowerCase();
      const folder = join(BASE_COMPONENTS, `iconSvgTemplates${library}/buildTemplates/${category}`);
      const icons = [...named]
        .map((name) => name.split(':'))
        .filter(([kind, name]) => kind === category && existsSync(join(folder, `${name}.html`)))
        .map(([, name]) => name);
      const imports = icons.map(
        (name) => `import ${category}_${name} from ${JSON.stringify(join(folder, `${name}.html`))};`,
      );
      return `${imports.join('\n')}\nexport default { ${icons.map((name) => `${category}_${name}`).join(', ')} };`;
    },
  };
}

/** What Salesforce's own build puts in place of these. */
function constants(): Plugin {
  return {
    name: 'constants',
    transform: (code) => ({
      code: code.replaceAll('process.env.NODE_ENV', '"production"').replaceAll('import.meta.env.SSR', 'false'),
      map: null,
    }),
  };
}

export function readLabels(root: string): ReadonlyMap<string, string> {
  const parser = new XMLParser({ parseTagValue: false, isArray: (name) => name === 'labels' });
  const parsed = parser.parse(readFileSync(join(root, 'labels/CustomLabels.labels-meta.xml'), 'utf8')) as {
    CustomLabels: { labels: ReadonlyArray<{ fullName: string; value: string }> };
  };
  return new Map(parsed.CustomLabels.labels.map(({ fullName, value }) => [fullName, value]));
}
