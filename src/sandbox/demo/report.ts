import { writeFile } from 'node:fs/promises';
import { DemoError } from './demo-error.ts';
import type { StepResult } from './run-story.ts';

/** Writes what was seen, for programs. @throws {DemoError} when the file cannot be written. */
export async function writeReport(file: string, results: readonly StepResult[]): Promise<void> {
  const steps = results.map(({ name, crm, verified, findings, problems }) => ({
    name,
    crm,
    verified,
    evidence: {
      ...Object.fromEntries(findings.map(({ key, seen }) => [key, seen])),
      ...(problems.length > 0 ? { problems } : {}),
    },
  }));
  try {
    await writeFile(file, `${JSON.stringify({ steps }, null, 2)}\n`);
  } catch (thrown) {
    throw new DemoError(`The report cannot be written: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
