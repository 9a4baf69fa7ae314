import { expect } from 'vitest';
import { run } from '../../src/cli/run.ts';

/** Every `npm run cli -- …` in a text is a command that there is, with options that it has. */
export async function expectCommandsExist(text: string): Promise<void> {
  for (const [, command = ''] of text.matchAll(/npm run (?:--silent )?cli -- ([^\n`"|)]+)/g)) {
    if (command.startsWith('<')) continue;
    const words = command.trim().split(/\s+/);
    const options = words.filter((word) => word.startsWith('--'));
    // What follows an option is its value.
    const path = words.filter(
      (word, index) => /^[a-z]+$/.test(word) && !(index > 0 && /^--(?!json)/.test(words[index - 1] ?? '')),
    );
    const printed: string[] = [];
    const out = (line: string) => void printed.push(line);
    const terminal = { env: {}, out, err: out, readText: () => Promise.reject(new Error('no input')) };
    expect(await run([...path, '--help'], terminal), command).toBe(0);
    expect(printed.join(''), command).toContain(`Usage: wonward ${path.join(' ')}`);
    for (const option of options) expect(printed.join(''), command).toContain(option);
  }
}
