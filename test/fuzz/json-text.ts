import fc from 'fast-check';

/** JSON as text, where a part may be text that `JSON.stringify` would never write. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json } | RawJson;

const RAW = Symbol('raw');
interface RawJson {
  readonly [RAW]: string;
}

export function raw(text: string): RawJson {
  return { [RAW]: text };
}

export function isRaw(value: Json): value is RawJson {
  return typeof value === 'object' && value !== null && RAW in value;
}

export function textOf(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (isRaw(value)) return value[RAW];
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, part]) => `${JSON.stringify(key)}:${textOf(part)}`)
    .join(',')}}`;
}

/** Text that has broken parsers, screens, databases and logs before. */
export const AWKWARD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '\uffff',
  '\u202egnp.exe',
  '\u001b[2J\u001b]0;owned\u0007',
  'a\r\nSet-Cookie: x=1',
  '\u2028',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'constructor.toString',
  'object.constructor',
  '__proto__.valueOf',
  "' or 1=1 --",
  '%',
  '_',
  '"; drop table rewards; --',
  '{{7*7}}#{7*7}',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '=cmd|" /C calc"!A1',
  'NaN',
  '9'.repeat(400),
  'İ'.repeat(50),
  'ﷺ'.repeat(200),
  '👩‍👩‍👧‍👦'.repeat(30),
  `a@${'a.'.repeat(2_000)} `,
] as const;

/** JSON that `JSON.stringify` does not write: numbers past every limit, doubled and inherited names, nesting. */
const AWKWARD_JSON = [
  '1e999',
  '-1e999',
  '-0',
  '1E400',
  '9007199254740993',
  '0.1e-400',
  '1'.repeat(400),
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"isAdmin":true}}}',
  '{"a":1,"a":2}',
  '"\\ud800"',
  '"\\u0000"',
  '{"length":1e9}',
  '{"toString":1,"valueOf":1,"then":1}',
  `${'['.repeat(500)}${']'.repeat(500)}`,
  `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
].map(raw);

export const awkwardText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...AWKWARD_TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

export const awkwardJson: fc.Arbitrary<Json> = fc.oneof(
  { weight: 2, arbitrary: awkwardText },
  { weight: 2, arbitrary: fc.constantFrom(...AWKWARD_JSON) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Json>(null, true, 0, -1, 1.5, 2 ** 53, Number.MAX_VALUE, [], {}, [[]], [null]),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json> },
);
