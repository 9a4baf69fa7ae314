import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createSbom } from '../../scripts/sbom.ts';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly inBundle?: boolean;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly link?: boolean;
}

interface Manifest {
  readonly name: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const read = <T>(file: string): T => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')) as T;
const manifest = read<Manifest>('package.json');
const locked = Object.entries(read<{ packages: Record<string, Locked> }>('package-lock.json').packages).filter(
  ([path, { link }]) => path.includes('node_modules/') && link !== true,
);
const production = locked.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true);

/** Each lets a product that is not open use it, with its notice kept. */
const LICENCES = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Python-2.0',
]);

describe('what runs in production', () => {
  test('is under licences that allow it, every package of it', () => {
    expect(production.length).toBeGreaterThan(50);
    const wrong: string[] = [];
    for (const [path, { optional }] of production) {
      // Binaries for other machines than this one.
      if (optional === true && !existsSync(new URL(`../../${path}/package.json`, import.meta.url))) continue;
      const { license = 'none' } = read<Manifest>(`${path}/package.json`);
      const choices = String(license).replace(/[()]/g, '').split(' OR ');
      if (!choices.some((choice) => LICENCES.has(choice))) wrong.push(`${path}: ${license}`);
    }
    expect(wrong).toEqual([]);
  });

  test('is named to the exact version where we name it, and to the byte in the lockfile', () => {
    const named = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(named.filter(([, version]) => !/^[0-9]+\.[0-9]+\.[0-9]+(-[0-9a-z.]+)?$/.test(version))).toEqual([]);
    // What comes inside another package is in that one's bytes.
    const own = locked.filter(([, { inBundle }]) => inBundle !== true);
    expect(own.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? '')).map(([path]) => path)).toEqual([]);
  });

  test('comes from a registry over https, and never from a branch or a folder', () => {
    const wrong = locked.filter(([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://'));
    expect(wrong.map(([path, { resolved }]) => `${path}: ${resolved}`)).toEqual([]);
  });
});

test('npm run sbom lists it all as CycloneDX: every package with name, version, address and licence', {
  timeout: 180_000,
}, async () => {
  const sbom = await createSbom();
  expect(sbom).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: expect.stringMatching(/^1\.[5-9]$/),
    metadata: { component: { name: manifest.name, type: 'application' } },
  });
  const listed = new Map(sbom.components.map((component) => [component.purl, component]));
  for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    expect([name, listed.get(purl)?.version]).toEqual([name, version]);
  }
  // Every production package of the lockfile that is installed here, and none twice.
  const missing = production.filter(([path, { version, optional }]) => {
    const name = path.replace(/^.*node_modules\//, '');
    return optional !== true && !listed.has(`pkg:npm/${name.replace('@', '%40')}@${version}`);
  });
  expect(missing.map(([path]) => path)).toEqual([]);
  expect(listed.size).toBe(sbom.components.length);
  for (const { purl, licenses } of sbom.components) expect([purl, (licenses ?? []).length > 0]).toEqual([purl, true]);
  for (const name of Object.keys(manifest.devDependencies ?? {}).filter((one) =>
    /^(vitest|@biomejs|knip|playwright)/.test(one),
  )) {
    expect([name, sbom.components.some((component) => component.name === name)]).toEqual([name, false]);
  }
  expect(JSON.stringify(sbom)).not.toContain(process.cwd());
});
