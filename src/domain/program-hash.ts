import { createHash } from 'node:crypto';
import type { ProgramContent } from './program.ts';

/** The same for the same program and rules, in whatever order their fields were written; its name may change without it. */
export function programHash({ programId, rules, openReferrals, risk }: Omit<ProgramContent, 'name'>): string {
  return createHash('sha256').update(canonical({ programId, rules, openReferrals, risk })).digest('hex');
}

/** The same text for the same value. Amounts are written as text, apart from numbers; a field that is undefined is none. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return `${inner}n`;
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
