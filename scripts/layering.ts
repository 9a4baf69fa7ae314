/**
 * Checks the layering rules and fails when too little was looked at: dependency-cruiser that cannot read a file reports no
 * violation, and a green tick over nothing is worse than none.
 */
import { readdirSync } from 'node:fs';
import { cruise, type IReporterOutput } from 'dependency-cruiser';
import { forbidden, options } from './layering-rules.ts';

export interface LayeringReport {
  readonly modules: number;
  readonly violations: ReadonlyArray<{ readonly rule: string; readonly from: string; readonly to: string }>;
}

export async function checkLayering(roots: readonly string[], baseDir = process.cwd()): Promise<LayeringReport> {
  const result: IReporterOutput = await cruise([...roots], {
    ...options,
    baseDir,
    validate: true,
    ruleSet: { forbidden },
  });
  if (typeof result.output === 'string') throw new Error('dependency-cruiser gave a text instead of a result');
  const own = result.output.modules.filter(({ source }) => source.startsWith('src/'));
  return {
    modules: own.length,
    violations: result.output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}

function countSources(dir: string): number {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('sandbox/web/client/') && !file.includes('node_modules/'),
  ).length;
}

if (import.meta.main) {
  const { modules, violations } = await checkLayering(['src']);
  const expected = countSources('src');
  for (const { rule, from, to } of violations) console.error(`${rule}: ${from} imports ${to}`);
  if (modules < expected) console.error(`only ${modules} of ${expected} source files were looked at`);
  if (violations.length > 0 || modules < expected) process.exit(1);
  console.log(`layering: ${modules} files, no violation`);
}
