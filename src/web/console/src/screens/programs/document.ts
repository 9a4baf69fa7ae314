import type { operations } from '../../api/schema.generated.ts';

type Answer<K extends keyof operations, S extends number> = operations[K] extends {
  responses: Record<S, { content: { 'application/json': infer T } }>;
}
  ? T
  : never;

export type Version = Answer<'listPrograms', 200>['items'][number];
export type Draft = Answer<'getProgramDraft', 200>;
export type DryRun = Answer<'getDryRun', 200>;
/** A program as a person writes it. While it is being written anything may be missing; the service says what. */
export type ProgramDocument = operations['validateProgram']['requestBody']['content']['application/json'];

/** Where something stands in a document: `['rules', 0, 'amount', 'money']`. */
export type Path = readonly (string | number)[];

/** As the service names a place: "rules[0].amount.money". */
export function placeOf(path: Path): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at > 0 ? '.' : ''}${part}`)).join('');
}

export function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** The document with another value at one place; undefined takes the field, or the row of a list, out. */
export function withValue(document: unknown, path: Path, value: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  const inner = rest.length === 0 ? value : withValue(valueAt(document, [part]), rest, value);
  if (typeof part === 'number') {
    const list = Array.isArray(document) ? [...document] : [];
    if (inner === undefined) list.splice(part, 1);
    else list[part] = inner;
    return list;
  }
  const fields = typeof document === 'object' && document !== null ? { ...document } : {};
  if (inner === undefined) {
    const { [part]: _, ...others } = fields as Record<string, unknown>;
    return others;
  }
  return { ...fields, [part]: inner };
}

export function textAt(document: unknown, path: Path): string {
  const value = valueAt(document, path);
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

export function listAt(document: unknown, path: Path): readonly unknown[] {
  const value = valueAt(document, path);
  return Array.isArray(value) ? value : [];
}

const WHOLE_BASIS_POINTS = 10_000;

/** A published version as a document that can be changed and published again. */
export function documentOf({ programId, name, openReferrals, tiers, rules, risk }: Version): ProgramDocument {
  const document = {
    programId,
    name,
    // Absent it means the same, and most programs say nothing.
    ...(openReferrals === 'move' ? {} : { openReferrals }),
    ...(tiers === null ? {} : { tiers }),
    rules: rules.map((rule) => (paysOverWhole(rule.amount) ? { ...rule, allowOverWhole: true } : rule)),
    ...(risk === undefined ? {} : { risk }),
  };
  return document as ProgramDocument;
}

export function documentOfDraft({ program }: Draft): ProgramDocument {
  const rules = program.rules.map((rule) => (paysOverWhole(rule.amount) ? { ...rule, allowOverWhole: true } : rule));
  return { ...program, rules } as ProgramDocument;
}

/** What was published above the whole deal was meant so; a version does not repeat that it was said. */
function paysOverWhole(amount: Version['rules'][number]['amount']): boolean {
  const flats = 'steps' in amount ? amount.steps.map((step) => step.amount) : [amount];
  return flats.some((flat) => flat.kind === 'percent' && flat.basisPoints > WHOLE_BASIS_POINTS);
}

/** The currency that the document speaks of first, for what is added to it. */
export function currencyOf(document: unknown): string {
  return /"currency":"([A-Z]{3})"/.exec(JSON.stringify(document) ?? '')?.[1] ?? 'EUR';
}

/** A key that no other one of the list has: "member-won-2". */
export function freeKey(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  let number = 2;
  while (taken.includes(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
}

export function newRule(taken: readonly string[]): object {
  return {
    key: freeKey('member-won', taken),
    party: 'member',
    amount: { kind: 'percent', basisPoints: 500 },
    conditions: [],
    holdDays: 14,
    payout: 'credit',
  };
}

const STEPPED = ['by_amount', 'by_count', 'per_tier'] as const;
type Stepped = (typeof STEPPED)[number];

/** Whether an amount has steps, each with its own. */
export function isStepped(kind: string): kind is Stepped {
  return (STEPPED as readonly string[]).includes(kind);
}
