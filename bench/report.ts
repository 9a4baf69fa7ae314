import type { Figure, Row, Target } from './row.ts';

export interface RowResult {
  readonly row: Pick<Row, 'name' | 'what' | 'target'>;
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
  readonly tookMs: number;
  /** Why it could not be measured; null when it was. */
  readonly failure: string | null;
}

/** What `--json` writes. A row that could not be measured has no figure and is named in `failed`. */
export function toJson(results: readonly RowResult[]) {
  return {
    figures: results
      .flatMap(({ figures }) => figures)
      .map(({ name, value, unit, target, ok }) => ({
        name,
        value,
        unit,
        target: target === null ? null : targetText(target),
        ok,
      })),
    notes: results.flatMap(({ row, notes }) => notes.map((note) => `${row.name}: ${note}`)),
    failed: results.flatMap(({ row, failure }) => (failure === null ? [] : [`${row.name}: ${failure}`])),
  };
}

export function toTable(results: readonly RowResult[]): string {
  const lines: string[] = [];
  for (const { row, figures, notes, failure, tookMs } of results) {
    lines.push('', `${row.name} (target ${row.target}; ${(tookMs / 1_000).toFixed(0)} s)`, `  ${row.what}`);
    const width = Math.max(0, ...figures.map(({ name }) => name.length));
    for (const { name, value, unit, target, ok } of figures) {
      const mark = ok === null ? '' : ok ? '  reached' : '  NOT REACHED';
      const goal = target === null ? '' : `  ${targetText(target)}${mark}`;
      lines.push(`  ${name.padEnd(width)}  ${valueText(value).padStart(10)} ${unit}${goal}`);
    }
    for (const note of notes) lines.push(`  - ${note}`);
    if (failure !== null) lines.push(`  COULD NOT BE MEASURED: ${failure}`);
  }
  return lines.join('\n');
}

function targetText(target: Target): string {
  return 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
}

/** Three digits that matter; thousands as they are. */
export function valueText(value: number): string {
  if (!Number.isFinite(value)) return 'none';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-GB');
  return Number(value.toPrecision(3)).toString();
}
