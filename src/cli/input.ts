import { parse as parseYaml } from 'yaml';
import { CliError, EXIT, type Terminal } from './output.ts';

/** @throws {CliError} when the file cannot be read. */
export function readFileText({ readText }: Terminal, file: string): Promise<string> {
  return readText(file).catch(() => {
    throw new CliError(`${file} cannot be read.`, 'Name a file that exists, or - for what is piped in.', {
      exitCode: EXIT.usage,
    });
  });
}

/** What a file of YAML says, or of JSON, which is YAML too. @throws {CliError} when it cannot be read or is neither. */
export async function readYaml(terminal: Terminal, file: string): Promise<unknown> {
  const text = await readFileText(terminal, file);
  try {
    return parseYaml(text);
  } catch (cause) {
    throw new CliError(`${file} is not YAML: ${cause instanceof Error ? cause.message : ''}`, 'Correct it.');
  }
}

/** @throws {CliError} for any other word. */
export function onOrOff(answer: string): 'on' | 'off' {
  if (answer === 'on' || answer === 'off') return answer;
  throw new CliError(`"${answer}" is neither on nor off.`, 'Say "on" or "off".', { exitCode: EXIT.usage });
}
