import { CliError, EXIT } from './output.ts';

/** A day as people write it, as the moment in which it begins in UTC. @throws CliError that names the option. */
export function dayOf(option: string, text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00.000Z`) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new CliError(`${option} "${text}" is no day.`, 'Write it as 2026-11-22; days are UTC.', {
    exitCode: EXIT.usage,
  });
}
