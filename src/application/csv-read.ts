/** Longer than any export of ours of one batch, and read in a moment. */
const ROWS_MAX = 5_000;

export type CsvRead =
  | {
      readonly ok: true;
      readonly rows: ReadonlyArray<{ readonly line: number; readonly fields: ReadonlyMap<string, string> }>;
    }
  | { readonly ok: false; readonly problem: string };

/**
 * A CSV as people save it: RFC 4180, commas or semicolons, with or without a byte order mark. The first line names the columns, in any case; a
 * field loses the apostrophe that keeps a spreadsheet from taking it for a formula.
 */
export function readCsv(text: string, needed: readonly string[], rowsMax = ROWS_MAX): CsvRead {
  const plain = text.replace(/^\uFEFF/, '');
  const separator = separatorOf(plain);
  const lines = splitLines(plain, separator);
  if (lines === null) return { ok: false, problem: 'has a quote that is not closed' };
  const [header, ...rest] = lines.filter(({ fields }) => fields.some((field) => field.trim() !== ''));
  const names = header?.fields.map((field) => field.trim().toLowerCase()) ?? [];
  const missing = needed.filter((name) => !names.includes(name));
  if (missing.length > 0) return { ok: false, problem: `needs a first line with the columns ${needed.join(', ')}` };
  if (new Set(names).size < names.length) return { ok: false, problem: 'names a column twice in its first line' };
  if (rest.length > rowsMax) return { ok: false, problem: `has more than ${rowsMax} rows; send it in parts` };
  return {
    ok: true,
    rows: rest.map(({ line, fields }) => ({
      line,
      fields: new Map(names.map((name, index) => [name, (fields[index] ?? '').trim().replace(/^'/, '')])),
    })),
  };
}

/** A spreadsheet writes what its country takes for a list: the one that the first line has more of. */
function separatorOf(text: string): ',' | ';' {
  const first = text.split(/\r?\n/, 1)[0] ?? '';
  return first.split(';').length > first.split(',').length ? ';' : ',';
}

/** Null when a quote stays open. `line` counts from 1, as an editor shows it. */
function splitLines(text: string, separator: string): { line: number; fields: string[] }[] | null {
  const lines: { line: number; fields: string[] }[] = [];
  let fields: string[] = [];
  let field = '';
  let isQuoted = false;
  let line = 1;
  let startedAt = 1;
  const endField = () => {
    fields.push(field);
    field = '';
  };
  const endLine = () => {
    endField();
    lines.push({ line: startedAt, fields });
    fields = [];
    startedAt = line;
  };
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] ?? '';
    if (char === '\n') line += 1;
    if (isQuoted) {
      if (char !== '"') field += char;
      else if (text[index + 1] === '"') {
        field += '"';
        index += 1;
      } else isQuoted = false;
    } else if (char === '"' && field === '') isQuoted = true;
    else if (char === separator) endField();
    else if (char === '\n') endLine();
    else if (char !== '\r') field += char;
  }
  if (isQuoted) return null;
  if (field !== '' || fields.length > 0) endLine();
  return lines;
}
