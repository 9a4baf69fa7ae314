import { z } from 'zod';
import { CURRENCIES } from '../domain/money.ts';
import { RATE, type Rate, type RateProblem, SOURCE_LENGTH_MAX, usualUntil } from '../domain/rates.ts';

const currency = z.enum(CURRENCIES as [string, ...string[]], { error: 'must be an ISO 4217 code such as EUR' });
const day = z.iso.date({ error: 'must be a day that there is, such as 2026-03-31' });

/** A rate as somebody writes it. */
export const rateDocument = z
  .strictObject({
    currency,
    base: currency,
    day,
    until: day.optional().meta({
      description: 'Through which day it holds. Left out: that day alone, and for a Friday the weekend.',
    }),
    perBase: z
      .string()
      .regex(RATE, 'must be a decimal in quotes, such as "1.0832"')
      .meta({ description: 'So many of the currency for one of the base.', example: '1.0832' }),
    source: z.string().trim().min(1).max(SOURCE_LENGTH_MAX).meta({ example: 'ECB' }),
  })
  .transform((rate): Rate => ({ ...rate, until: rate.until ?? usualUntil(rate.day) }));

export function rateProblemText(problem: RateProblem, newest: Rate | null): string {
  switch (problem) {
    case 'zero':
      return 'must be more than zero';
    case 'base_itself':
      return 'must be of another currency than the base';
    case 'ends_before':
      return 'must not end before its day';
    case 'other_base':
      return `must be for one ${newest?.base}, as the rates before it`;
    case 'known_otherwise':
      return `must be ${newest?.perBase}, as it was entered before: what was decided by it stands`;
    case 'not_after':
      return `must be of a day after ${newest?.until}, where the newest one ends`;
  }
}

/** What central banks write for a day on which a currency was not quoted. */
const NOT_QUOTED = new Set(['', 'N/A', '-']);

/**
 * A table as the European Central Bank publishes it (eurofxref-hist.csv): a line for each day, "Date" and then the currencies in the head, in
 * any order of days. Nothing in it may be quoted, since nothing in it is a text.
 */
export function readRateTable(
  text: string,
  base: string,
  source: string,
): { readonly rates: readonly Rate[] } | { readonly problems: readonly string[] } {
  const [head = '', ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const [first = '', ...columns] = head.split(',').map((cell) => cell.trim());
  if (first.toLowerCase() !== 'date') return { problems: ['line 1: must begin with "Date", then the currencies'] };
  const problems: string[] = [];
  const rates: Rate[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    const [of = '', ...cells] = line.split(',').map((cell) => cell.trim());
    columns.forEach((code, column) => {
      const cell = cells[column] ?? '';
      if (code === '' || NOT_QUOTED.has(cell)) return;
      const parsed = rateDocument.safeParse({ currency: code, base, day: of, perBase: cell, source });
      if (parsed.success) rates.push(parsed.data);
      else problems.push(`line ${index + 2}, ${code}: ${parsed.error.issues[0]?.message}`);
    });
  });
  if (problems.length > 0) return { problems };
  return { rates: rates.toSorted((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0)) };
}
