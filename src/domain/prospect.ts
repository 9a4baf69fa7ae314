import type { Instant } from './time.ts';

/** All of a probability: it is kept in parts of ten thousand, so that money is only ever multiplied by a whole number. */
export const CHANCE_WHOLE = 10_000;

/** HubSpot lets a date be in any year; one beyond this is a placeholder, as no date is. */
const CLOSES_BEFORE = Date.UTC(2200, 0, 1);

/** A probability as a CRM writes it, of a whole of `whole`: 1 or 100. Null for what is none. `Number('')` is 0, and no probability is not 0. */
export function chanceOf(raw: string | null | undefined, whole: 1 | 100): number | null {
  const text = raw?.trim() ?? '';
  if (!/^[0-9]+([.][0-9]+)?$/.test(text)) return null;
  const chance = Math.round((Number(text) * CHANCE_WHOLE) / whole);
  return chance <= CHANCE_WHOLE ? chance : null;
}

/** A day or a moment as a CRM writes it; null for none. */
export function closingOf(raw: string | null | undefined): Instant | null {
  const at = Date.parse(raw?.trim() ?? '');
  return at >= 0 && at < CLOSES_BEFORE ? at : null;
}
