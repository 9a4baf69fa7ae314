import { writeFile } from 'node:fs/promises';
import type { StepResult } from './run-story.ts';

/** Writes what was seen, for programs. @throws when the file cannot be written. */
export async function writeReport(file: string, results: readonly StepResult[]): Promise<void> {
  const steps = results.map(({ name, verified, findings, problems }) => ({
    name,
    crm: 'hubspot',
    verified,
    evidence: {
      ...Object.fromEntries(findings.map(({ key, seen }) => [key, seen])),
      ...(problems.length > 0 ? { problems } : {}),
    },
  }));
  await writeFile(file, `${JSON.stringify({ steps }, null, 2)}\n`);
}
