/**
 * The software bill of materials (CycloneDX, JSON) of what runs in production: `npm run sbom`, or `npm run sbom -- FILE`.
 * npm makes it from the installed packages; nothing is asked of a registry.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** A few hundred components are half a megabyte. */
const OUTPUT_BYTES_MAX = 33_554_432;

export interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly object[];
}

export interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: ReadonlyArray<{ readonly ref: string; readonly dependsOn?: readonly string[] }>;
}

interface Locked {
  readonly name?: string;
  readonly version?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly link?: boolean;
}

const read = <T>(file: string): T => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')) as T;

/** "name@version" of every package that the lockfile needs in production. */
function inProduction(): Set<string> {
  const { packages } = read<{ packages: Record<string, Locked> }>('package-lock.json');
  return new Set(
    Object.entries(packages)
      .filter(([path, { dev, devOptional, link }]) => path.includes('node_modules/') && !dev && !devOptional && !link)
      .map(([path, { name, version }]) => `${name ?? path.replace(/^.*node_modules\//, '')}@${version}`),
  );
}

/**
 * All packages by npm, then those of production by us: `npm sbom --omit dev` (11.19) also leaves out what production and a tool for
 * development both need, such as pg.
 */
export async function createSbom(): Promise<Sbom> {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const { stdout } = await promisify(execFile)('npm', args, { maxBuffer: OUTPUT_BYTES_MAX });
  const all = JSON.parse(stdout) as Sbom;
  const wanted = inProduction();
  const components = all.components.filter((component) => wanted.has(component['bom-ref']));
  const root = all.metadata.component;
  const refs = new Set([root['bom-ref'], ...components.map((component) => component['bom-ref'])]);
  return {
    ...all,
    // npm calls the program by the folder that it lies in.
    metadata: { ...all.metadata, component: { ...root, name: read<{ name: string }>('package.json').name } },
    components,
    dependencies: all.dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) })),
  };
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  const json = `${JSON.stringify(await createSbom(), null, 2)}\n`;
  if (file === undefined) process.stdout.write(json);
  else writeFileSync(file, json);
}
