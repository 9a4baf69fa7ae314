import { Fault } from '../../domain/errors.ts';

/** `problem`: something is lost, late or unsafe until a person acts. `notice`: it will be, or might be. */
export type Severity = 'problem' | 'notice';

export interface Finding {
  readonly severity: Severity;
  readonly what: string;
  /** What follows from it for reps, finance or the operator. */
  readonly why: string;
  readonly remedy: string;
}

/** What one check found. `notChecked` says why there is no answer: that is not the same as being well. */
export interface Examined {
  /** What was seen, in a few words, also when nothing is wrong. */
  readonly summary: string;
  readonly findings: readonly Finding[];
  readonly notChecked?: string;
}

export interface Check {
  readonly name: string;
  run(): Promise<Examined>;
}

export const problem = (what: string, why: string, remedy: string): Finding => ({
  severity: 'problem',
  what,
  why,
  remedy,
});
export const notice = (what: string, why: string, remedy: string): Finding => ({
  severity: 'notice',
  what,
  why,
  remedy,
});

/** "90 s", "12 min", "3 h", "4 days": as long as a person would say it. */
export function spoken(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** The system's own word for it where there is one (ECONNREFUSED), for that is what a person searches for. */
export function causeOf(thrown: unknown): string {
  if (thrown instanceof Fault)
    return (thrown.code === 'storage' ? thrown.message : thrown.publicText).replace(/\.$/, '');
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  const code = 'code' in thrown ? String(thrown.code) : '';
  return [thrown.message, code && thrown.message.includes(code) ? '' : code].filter((word) => word !== '').join(' ');
}
