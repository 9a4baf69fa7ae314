import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface SandboxClient {
  readonly pageScript: string;
  readonly workerScript: string;
  readonly style: string;
}

const CLIENT = fileURLToPath(new URL('client', import.meta.url));

let built: Promise<SandboxClient> | undefined;

/** The browser's side of the pages, bundled once per process and kept in memory. */
export function buildSandboxClient(): Promise<SandboxClient> {
  built ??= buildOnce();
  return built;
}

async function buildOnce(): Promise<SandboxClient> {
  const [pageScript, workerScript, style] = await Promise.all([
    bundle('page.tsx'),
    bundle('card-worker.ts'),
    readFile(`${CLIENT}/page.css`, 'utf8'),
  ]);
  return { pageScript, workerScript, style };
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${CLIENT}/${entry}`],
    bundle: true,
    write: false,
    // A classic script: the worker loads the card with importScripts, which a module worker does not have.
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return output.text;
}
