/** As much as the service takes in one file. */
export const FILE_CHARACTERS_MAX = 5_000_000;
/** A letter is four bytes at most. */
const FILE_BYTES_MAX = 4 * FILE_CHARACTERS_MAX;

export type FileRead =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'large' | 'workbook' | 'unreadable' | 'empty' };

/** The text of a file. What is no UTF-8 is taken for what Excel writes in Western Europe, so that an umlaut stays one. */
export async function readFile(file: File): Promise<FileRead> {
  if (file.size > FILE_BYTES_MAX) return { kind: 'large' };
  let bytes: ArrayBuffer;
  try {
    bytes = await file.arrayBuffer();
  } catch {
    return { kind: 'unreadable' };
  }
  const text = textOf(bytes);
  // A workbook and a picture have what no text has.
  if (text.includes('\0')) return { kind: 'workbook' };
  if (text.length > FILE_CHARACTERS_MAX) return { kind: 'large' };
  return text.trim() === '' ? { kind: 'empty' } : { kind: 'text', text };
}

function textOf(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Rows of a CSV as far as they are wanted, by the separator that its first line has more of: as the service reads it. */
export function rowsOf(text: string, max = Number.POSITIVE_INFINITY): string[][] {
  const plain = text.replace(/^\uFEFF/, '');
  const first = plain.slice(0, plain.indexOf('\n') + 1 || undefined);
  const separator = first.split(';').length > first.split(',').length ? ';' : ',';
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let isQuoted = false;
  const endRow = () => {
    row.push(field);
    field = '';
    if (row.some((one) => one.trim() !== '')) rows.push(row);
    row = [];
  };
  for (let index = 0; index < plain.length && rows.length < max; index += 1) {
    const char = plain[index] ?? '';
    if (isQuoted) {
      if (char !== '"') field += char;
      else if (plain[index + 1] === '"') {
        field += '"';
        index += 1;
      } else isQuoted = false;
    } else if (char === '"' && field === '') isQuoted = true;
    else if (char === separator) {
      row.push(field);
      field = '';
    } else if (char === '\n') endRow();
    else if (char !== '\r') field += char;
  }
  if (rows.length < max && (field !== '' || row.length > 0)) endRow();
  return rows;
}

export const FIELDS = ['email', 'name', 'firstName', 'lastName'] as const;
export type Field = (typeof FIELDS)[number];
/** Which column holds what; a field that no column holds is empty. */
export type Columns = Readonly<Record<Field, string>>;

/** How the columns are called where people keep addresses, in the order in which a name is believed. */
const USUAL: Readonly<Record<Field, RegExp>> = {
  email: /^(e-?mail|mail)|e-?mail/i,
  firstName: /^(first|given|vor)[ _-]?name$/i,
  lastName: /^(last|family|sur|nach|familien)[ _-]?name$/i,
  name: /^((full|display|vollständiger)[ _-]?)?name$/i,
};

/** What the columns most likely hold, by their names. */
export function guessColumns(names: readonly string[]): Columns {
  const of = (field: Field) => names.find((name) => USUAL[field].test(name.trim())) ?? '';
  const name = of('name');
  return {
    email: of('email'),
    name,
    // Together they would be said twice.
    firstName: name === '' ? of('firstName') : '',
    lastName: name === '' ? of('lastName') : '',
  };
}

export interface ReportRow {
  readonly line: number;
  readonly outcome: string;
  readonly problem: string;
  readonly memberId: string;
}

/** What became of the rows, as the service's report tells it. */
export function reportOf(csv: string): ReportRow[] {
  return rowsOf(csv)
    .slice(1)
    .map(([line = '', outcome = '', problem = '', memberId = '']) => ({
      line: Number(line),
      outcome,
      problem,
      memberId,
    }));
}
