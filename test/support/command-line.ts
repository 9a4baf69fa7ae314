import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** A database of their own for the commands of one test file, brought to this version. Whoever asks for it removes the directory. */
export async function migratedDatabase(name: string): Promise<{ directory: string; env: Record<string, string> }> {
  const directory = await mkdtemp(join(tmpdir(), `wonward-cli-${name}-`));
  const env = {
    DATABASE_URL: `sqlite:${join(directory, 'wonward.db')}`,
    ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 3).toString('base64')}`,
  };
  await commandLine(env, 'migrate');
  return { directory, env };
}
