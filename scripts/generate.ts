/** Writes every generated file from its source; with --check it changes nothing and fails on drift. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const GENERATORS = [
  'hubspot-project.ts',
  'config-docs.ts',
  'program-schema.ts',
  'hubspot-listing.ts',
  'console-api.ts',
];

const failed = GENERATORS.filter((generator) => {
  const script = fileURLToPath(new URL(generator, import.meta.url));
  return spawnSync(process.execPath, [script, ...process.argv.slice(2)], { stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) process.exit(1);
