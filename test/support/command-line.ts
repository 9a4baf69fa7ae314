import { readFile } from 'node:fs/promises';
import { run } from '../../src/cli/run.ts';

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Environment = Readonly<Record<string, string>>;

/** One command line of the administration, as it would be typed, with this environment. */
export function commandLine(env: Environment, ...args: string[]): Promise<Answer> {
  return commandLineOf(undefined, env, ...args);
}

/** The same, typed by whom the operating system knows by this name. */
export async function commandLineOf(user: string | undefined, env: Environment, ...args: string[]): Promise<Answer> {
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
    user,
  });
  return { code, out, err };
}
