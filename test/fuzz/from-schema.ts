import fc from 'fast-check';
import { awkwardJson, awkwardText, isRaw, type Json } from './json-text.ts';

/** As much of JSON Schema as the document uses. What it does not know it refuses, so that nothing is fuzzed by halves in silence. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly Json[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly default?: Json;
  readonly description?: string;
  readonly example?: Json;
}

const KNOWN = new Set<string>([
  '$ref',
  'type',
  'enum',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'oneOf',
  'anyOf',
  'default',
  'description',
  'example',
]);

/** More would only make a request longer, not stranger. */
const ITEMS_MAX = 3;
const TEXT_MAX = 60;

export interface Source {
  /** Where `$ref` leads. */
  readonly resolve: (ref: string) => Schema;
  /** Texts that exist here: where one of them fits the schema, it is used often, so that requests get past the first look-up. */
  readonly known: readonly string[];
}

/** Made once for each part of the document: a program's conditions stand within one another, and all in many places. */
const made = new WeakMap<Source, WeakMap<Schema, fc.Arbitrary<Json>>>();

/** Values that the schema allows. */
export function validOf(schema: Schema, source: Source): fc.Arbitrary<Json> {
  const ofSource = made.get(source) ?? new WeakMap<Schema, fc.Arbitrary<Json>>();
  made.set(source, ofSource);
  const arbitrary = ofSource.get(schema) ?? makeValid(schema, source);
  ofSource.set(schema, arbitrary);
  return arbitrary;
}

function makeValid(schema: Schema, source: Source): fc.Arbitrary<Json> {
  if (schema.$ref !== undefined) return validOf(source.resolve(schema.$ref), source);
  const unknown = Object.keys(schema).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) throw new Error(`the fuzzer does not know ${unknown.join(', ')} yet: teach it`);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const options = schema.oneOf ?? schema.anyOf;
  if (options) return fc.oneof(...options.map((option) => validOf(option, source)));
  const types = [schema.type ?? []].flat();
  if (types.length === 0) throw new Error(`a schema without a type: ${JSON.stringify(schema)}`);
  return fc.oneof(...types.map((type) => validOfType(type, schema, source)));
}

function validOfType(type: string, schema: Schema, source: Source): fc.Arbitrary<Json> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000_000 });
    case 'string':
      return textFor(schema, source);
    case 'array':
      return fc.array(validOf(schema.items ?? {}, source), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? ITEMS_MAX, Math.max(schema.minItems ?? 0, ITEMS_MAX)),
      });
    case 'object': {
      const required = new Set(schema.required);
      const parts = Object.entries(schema.properties ?? {}).map(
        ([name, part]) => [name, validOf(part, source)] as const,
      );
      const all = fc.record(Object.fromEntries(parts), { requiredKeys: [...required] });
      // Fields that are all right by themselves often are not beside others, so the fewest there can be are tried as often.
      const least = fc.record(Object.fromEntries(parts.filter(([name]) => required.has(name))));
      return fc.oneof(all, least) as fc.Arbitrary<Json>;
    }
    default:
      throw new Error(`the fuzzer does not know the type ${type} yet: teach it`);
  }
}

/** Patterns that a text was found for, with its length: a program's document has some hundred fields, each in many places. */
const FOLLOWED = new Set<string>();

function textFor(
  { pattern, minLength = 0, maxLength = pattern === undefined ? TEXT_MAX : Number.POSITIVE_INFINITY }: Schema,
  { known }: Source,
): fc.Arbitrary<string> {
  const isRight = (text: string) =>
    (pattern === undefined || new RegExp(pattern, 'u').test(text)) &&
    [...text].length >= minLength &&
    [...text].length <= maxLength;
  const fitting = known.filter(isRight);
  const free =
    pattern === undefined
      ? fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, TEXT_MAX) })
      : fc.stringMatching(new RegExp(pattern), { size: 'small' });
  // A pattern that nothing follows would be searched for ever.
  const key = `${pattern} ${minLength} ${maxLength}`;
  if (!FOLLOWED.has(key) && !fc.sample(free, 200).some(isRight))
    throw new Error(`no text follows ${pattern} in ${minLength} to ${maxLength}`);
  FOLLOWED.add(key);
  const filtered = free.filter(isRight);
  return fitting.length === 0
    ? filtered
    : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fitting) }, { weight: 1, arbitrary: filtered });
}

type Change = 'replace' | 'remove' | 'add' | 'wrap' | 'whole';

/** Values near those that the schema allows, with one thing about them wrong, or perhaps right after all. */
export function hostileOf(schema: Schema, source: Source): fc.Arbitrary<Json> {
  return fc
    .record({
      value: validOf(schema, source),
      change: fc.constantFrom<Change[]>('replace', 'replace', 'remove', 'add', 'wrap', 'whole'),
      at: fc.nat(),
      name: fc.oneof(awkwardText, fc.constantFrom('id', 'accountId', 'account_id', '__proto__', 'role', 'version')),
      poison: awkwardJson,
    })
    .map(({ value, change, at, name, poison }) => {
      const paths = pathsIn(value);
      const path = paths[at % paths.length] ?? [];
      if (change === 'whole') return poison;
      if (change === 'wrap') return changeAt(value, path, (part) => [part]);
      if (change === 'replace') return changeAt(value, path, () => poison);
      if (change === 'remove') return changeAt(value, path, () => undefined);
      return changeAt(value, path, (part) =>
        isObject(part) ? withEntry(part, name, poison) : Array.isArray(part) ? [...part, poison] : poison,
      );
    });
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRaw(value);
}

function withEntry(value: { readonly [key: string]: Json }, name: string, part: Json): Json {
  // Not by assignment, which would set the prototype instead of adding "__proto__".
  return Object.fromEntries([...Object.entries(value), [name, part]]);
}

type Path = readonly (string | number)[];

function pathsIn(value: Json, path: Path = []): Path[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((part, index) => pathsIn(part, [...path, index]))];
  if (isObject(value)) {
    return [path, ...Object.entries(value).flatMap(([name, part]) => pathsIn(part, [...path, name]))];
  }
  return [path];
}

/** `undefined` takes the part away. */
function changeAt(value: Json, path: Path, change: (part: Json) => Json | undefined): Json {
  const [step, ...rest] = path;
  if (step === undefined) return change(value) ?? null;
  if (Array.isArray(value)) {
    return value.flatMap((part, index) => (index === step ? keep(part, rest, change) : [part]));
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) =>
      name === step ? keep(part, rest, change).map((kept): [string, Json] => [name, kept]) : [[name, part]],
    ),
  );
}

function keep(part: Json, rest: Path, change: (part: Json) => Json | undefined): Json[] {
  if (rest.length > 0) return [changeAt(part, rest, change)];
  const changed = change(part);
  return changed === undefined ? [] : [changed];
}
