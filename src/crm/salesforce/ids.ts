/**
 * Record ids have 15 characters in which case matters, or the same 15 with three more that make them safe where case is lost. Only the
 * long form is compared or kept. "What Are ID Field Types", Salesforce Object Reference.
 */
const SHORT = /^[A-Za-z0-9]{15}$/;
const LONG = /^[A-Za-z0-9]{18}$/;
const CHECKS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/** The long form; null for what is no id. A wrong checksum is no id either: it may be another record's with its case lost. */
export function longId(id: string): string | null {
  if (SHORT.test(id)) return id + checkOf(id);
  return LONG.test(id) && checkOf(id.slice(0, 15)) === id.slice(15) ? id : null;
}

function checkOf(short: string): string {
  return [0, 5, 10]
    .map((start) => {
      const bits = [...short.slice(start, start + 5)].reduce(
        (sum, letter, place) => sum + (letter >= 'A' && letter <= 'Z' ? 2 ** place : 0),
        0,
      );
      return CHECKS[bits];
    })
    .join('');
}

/** The first three characters say what a standard record is. */
export const PREFIXES = { contact: '003', lead: '00Q', opportunity: '006', role: '00K' } as const;

export function isOf(id: string, kind: keyof typeof PREFIXES): boolean {
  return id.startsWith(PREFIXES[kind]);
}
