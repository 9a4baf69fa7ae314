import { readFile } from 'node:fs/promises';
import { run } from '../../src/cli/run.ts';

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One command line of the administration, as it would be typed, with this environment. */
export async function commandLine(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Answer> {
  let out = '';
  let err = '';
  const code = await run(args, {
    env,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readText: (path) => readFile(path, 'utf8'),
  });
  return { code, out, err };
}
