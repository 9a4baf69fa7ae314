export const PRESETS = [
  'last30',
  'last90',
  'thisMonth',
  'lastMonth',
  'thisQuarter',
  'lastQuarter',
  'thisYear',
] as const;
export type Preset = (typeof PRESETS)[number];

export interface Period {
  readonly from: string;
  readonly to: string;
}

const MS_PER_DAY = 86_400_000;

/** So many days, today the last of them. */
export function lastDays(days: number, now = Date.now()): Period {
  return { from: dayOf(now - (days - 1) * MS_PER_DAY), to: dayOf(now) };
}

/** The days of a preset, in UTC, as the figures count them. */
export function periodOf(preset: Preset, now = Date.now()): Period {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const quarter = month - (month % 3);
  const between = (from: number, to: number): Period => ({ from: dayOf(from), to: dayOf(to) });
  switch (preset) {
    case 'last30':
      return lastDays(30, now);
    case 'last90':
      return lastDays(90, now);
    case 'thisMonth':
      return between(Date.UTC(year, month, 1), now);
    case 'lastMonth':
      return between(Date.UTC(year, month - 1, 1), Date.UTC(year, month, 0));
    case 'thisQuarter':
      return between(Date.UTC(year, quarter, 1), now);
    case 'lastQuarter':
      return between(Date.UTC(year, quarter - 3, 1), Date.UTC(year, quarter, 0));
    case 'thisYear':
      return between(Date.UTC(year, 0, 1), now);
  }
}

/** A curve has at most some sixty points: more are noise. */
export function stepFor({ from, to }: Period): 'day' | 'week' | 'month' {
  const days = (Date.parse(to) - Date.parse(from)) / MS_PER_DAY + 1;
  if (days <= 62) return 'day';
  return days <= 400 ? 'week' : 'month';
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
