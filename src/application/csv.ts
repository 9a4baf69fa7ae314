/**
 * Begins a formula in Excel, LibreOffice or Sheets (owasp.org/www-community/attacks/CSV_Injection), also behind blanks, which they leave
 * out. A name that begins so must not make the spreadsheet of whoever pays call anybody.
 */
const BEGINS_FORMULA = /^[\s\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20|%]|^[\t\r\n]/u;

/** Of ours, and never anything but a number: the minus stays a minus. */
const IS_NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;

/** RFC 4180, every field in quotes; what a spreadsheet would take for a formula gets an apostrophe in front. */
export function csvOf(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return [header, ...rows].map((row) => `${row.map(fieldOf).join(',')}\r\n`).join('');
}

function fieldOf(text: string): string {
  const isSafe = IS_NUMBER.test(text) || !BEGINS_FORMULA.test(text);
  return `"${(isSafe ? text : `'${text}`).replaceAll('"', '""').replace(/[\r\n]+/g, ' ')}"`;
}
