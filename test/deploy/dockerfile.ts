export interface Instruction {
  readonly name: string;
  /** As written, with continued lines joined. */
  readonly value: string;
}

/** The instructions of each stage, in order. What stands before the first FROM belongs to the first stage. */
export function readDockerfile(text: string): Instruction[][] {
  const lines = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Instruction[][] = [[]];
  let hasFrom = false;
  for (const line of lines) {
    const [, name = '', value = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    if (name === '') throw new Error(`not an instruction: ${line}`);
    if (name === 'FROM' && hasFrom) stages.push([]);
    hasFrom ||= name === 'FROM';
    stages.at(-1)?.push({ name, value });
  }
  return stages;
}

/** What a stage takes from the build context: where from, and where to. */
export function copiesOf(stage: readonly Instruction[]): { sources: string[]; target: string }[] {
  return stages(stage, 'COPY')
    .filter(({ value }) => !value.startsWith('--from'))
    .map(({ value }) => {
      const words = value.split(/\s+/);
      return { sources: words.slice(0, -1), target: words.at(-1) ?? '' };
    });
}

export function stages(stage: readonly Instruction[], name: string): Instruction[] {
  return stage.filter((instruction) => instruction.name === name);
}

/** Whether a file of the context is sent to the builder: of the patterns that match it or a folder above it, the last one counts. */
export function isSent(path: string, dockerignore: string): boolean {
  let sent = true;
  for (const line of dockerignore.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const isException = line.startsWith('!');
    const pattern = isException ? line.slice(1) : line;
    const parents = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
    if (parents.some((parent) => expressionOf(pattern).test(parent))) sent = isException;
  }
  return sent;
}

/** As Go's filepath.Match, which Docker uses: `*` takes a leading dot too. */
function expressionOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('**/', '\0').replaceAll('*', '[^/]*').replaceAll('\0', '(?:.*/)?')}$`);
}
