import { longId } from './ids.ts';

/** "The maximum length of a SOQL statement" is 100,000 characters, that of an address 16,000: 200 ids have 4,200 and encoded 5,400. */
export const IDS_PER_QUERY = 200;

/** A text of somebody's, as a literal. Salesforce knows no parameters. */
export function literal(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t')}'`;
}

/** `IN ('…', '…')` of record ids. */
export function idList(ids: readonly string[]): string {
  return `(${ids.map((id) => literal(longId(id) ?? '')).join(',')})`;
}

export function textList(values: readonly string[]): string {
  return `(${values.map(literal).join(',')})`;
}

export function select(fields: readonly string[], from: string, rest: string): string {
  return `SELECT ${[...new Set(fields)].join(', ')} FROM ${from} ${rest}`;
}

export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
