import { readConfig, type VariableDoc, variableDocs } from '../config.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';

/** Says of every variable what the service would start with, without showing a secret. */
export function checkConfig({ env }: Terminal): Result {
  const result = readConfig(env);
  if (!result.ok) {
    throw new CliError('The service would not start.', 'Correct these variables in the environment or in .env:', {
      exitCode: EXIT.usage,
      problems: result.problems.map(({ variable, problem }) => `${variable} ${problem}`),
    });
  }
  const values = variableDocs().map((doc) => ({ variable: doc.name, ...shown(doc, env) }));
  return {
    json: { ok: true, variables: values },
    lines: [
      `The configuration is complete (${result.config.environment}).`,
      '',
      ...table(values.map(({ variable, value, from }) => [variable, value ?? 'not set', from])),
    ],
  };
}

function shown(
  { name, secret, mayHoldPassword, defaultValue }: VariableDoc,
  env: Terminal['env'],
): { value: string | null; from: 'environment' | 'file' | 'default' | 'nowhere' } {
  const given = env[name]?.trim();
  if (given) return { value: secret ? '(secret)' : mayHoldPassword ? masked(given) : given, from: 'environment' };
  if (env[`${name}_FILE`]?.trim()) return { value: '(secret)', from: 'file' };
  return { value: defaultValue, from: defaultValue === null ? 'nowhere' : 'default' };
}

/** Whatever stands between "//" and "@", and every query, since drivers take passwords there too. */
function masked(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@').replace(/\?.*$/s, '?***');
}
