/**
 * Reads Avro's binary form, within limits. A library would do for whole payloads; of a broken one avsc believes the length that an array
 * claims to have, and 2^50 items that are not there keep a process busy for good. Avro 1.12, "Binary Encoding".
 */

export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | AvroValue[]
  | { [name: string]: AvroValue };

/** What was given is not Avro, or not what its schema says. */
export class AvroError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AvroError';
  }
}

/** An event has 1 MB at most, and a value at least a byte, save for nulls: what has more of them is broken. */
const VALUES_MAX = 1_000_000;
/** Change events nest twice. */
const DEPTH_MAX = 32;
/** A 64-bit number in groups of seven. */
const VARINT_BYTES_MAX = 10;

interface Cursor {
  readonly bytes: Buffer;
  at: number;
  values: number;
  depth: number;
}

type Read = (cursor: Cursor) => AvroValue;

/** Whole numbers of 64 bits come as bigint, all others as number. @throws AvroError when the schema is none. */
export function avroReader(schema: unknown): (bytes: Uint8Array) => AvroValue {
  const read = compile(schema, { names: new Map(), namespace: '', depth: 0 });
  return (bytes) => {
    const cursor = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0, values: 0, depth: 0 };
    const value = read(cursor);
    if (cursor.at !== cursor.bytes.length)
      throw new AvroError(`${cursor.bytes.length - cursor.at} bytes are left over`);
    return value;
  };
}

// ── Schemas ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Scope {
  /** Types that were named so far, by full name. */
  readonly names: Map<string, Read>;
  /** Of the type around; empty for none. */
  readonly namespace: string;
  readonly depth: number;
}

const PRIMITIVES: Readonly<Record<string, Read>> = {
  null: () => null,
  boolean: (cursor) => {
    const byte = take(cursor, 1).readUInt8();
    if (byte > 1) throw new AvroError(`${byte} is no boolean`);
    return byte === 1;
  },
  int: (cursor) => {
    const value = readLong(cursor);
    if (value !== BigInt.asIntN(32, value)) throw new AvroError('a whole number has more than 32 bits');
    return Number(value);
  },
  long: readLong,
  float: (cursor) => take(cursor, 4).readFloatLE(),
  double: (cursor) => take(cursor, 8).readDoubleLE(),
  bytes: (cursor) => Uint8Array.from(take(cursor, readLength(cursor))),
  string: readText,
};

function compile(schema: unknown, scope: Scope): Read {
  if (scope.depth > DEPTH_MAX) throw new AvroError('the schema is nested too deep');
  if (typeof schema === 'string') {
    const known = Object.hasOwn(PRIMITIVES, schema) ? PRIMITIVES[schema] : scope.names.get(fullName(schema, scope));
    if (!known) throw new AvroError('the schema names a type that it does not have');
    return counted(known);
  }
  const inside = { ...scope, depth: scope.depth + 1 };
  if (Array.isArray(schema)) return counted(unionOf(schema.map((branch) => compile(branch, inside))));
  if (typeof schema !== 'object' || schema === null || !('type' in schema))
    throw new AvroError('a part of the schema is no type');
  return typeof schema.type === 'string' ? compileNamed(schema.type, schema, inside) : compile(schema.type, inside);
}

function compileNamed(type: string, schema: object, scope: Scope): Read {
  const { items, values, symbols, size } = schema as Readonly<Record<string, unknown>>;
  switch (type) {
    case 'record':
    case 'error':
      return recordOf(schema as Readonly<Record<string, unknown>>, scope);
    case 'enum':
      if (!Array.isArray(symbols)) throw new AvroError('an enumeration of the schema has no symbols');
      return named(schema, scope, (cursor) => symbolAt(symbols, readLength(cursor)));
    case 'fixed':
      if (!Number.isSafeInteger(size)) throw new AvroError('a type of fixed size has none');
      return named(schema, scope, (cursor) => Uint8Array.from(take(cursor, Number(size))));
    case 'array': {
      const item = compile(items, scope);
      return counted((cursor) => {
        const all: AvroValue[] = [];
        readBlocks(cursor, () => all.push(item(cursor)));
        return all;
      });
    }
    case 'map': {
      const value = compile(values, scope);
      return counted((cursor) => {
        const all: { [name: string]: AvroValue } = Object.create(null);
        readBlocks(cursor, () => {
          all[readText(cursor)] = value(cursor);
        });
        return all;
      });
    }
    default:
      return compile(type, scope);
  }
}

function recordOf(schema: Readonly<Record<string, unknown>>, scope: Scope): Read {
  if (!Array.isArray(schema.fields)) throw new AvroError('a record of the schema has no fields');
  const fields: Array<{ name: string; read: Read }> = [];
  // Before its fields, since they may name it.
  const read = named(schema, scope, (cursor) => {
    const record: { [name: string]: AvroValue } = Object.create(null);
    for (const field of fields) record[field.name] = field.read(cursor);
    return record;
  });
  const inside = { ...scope, namespace: namespaceIn(schema, scope.namespace) };
  for (const field of schema.fields as unknown[]) {
    const { name, type } = Object(field) as { name?: unknown; type?: unknown };
    if (typeof name !== 'string') throw new AvroError('a field of the schema has no name');
    fields.push({ name, read: compile(type, inside) });
  }
  return read;
}

function named(schema: object, { names, namespace }: Scope, read: Read): Read {
  const { name } = schema as { name?: unknown };
  if (typeof name !== 'string') throw new AvroError('a type of the schema has no name');
  const limited = counted(read);
  names.set(fullName(name, { namespace: namespaceIn(schema, namespace) }), limited);
  return limited;
}

function fullName(name: string, { namespace }: Pick<Scope, 'namespace'>): string {
  return namespace === '' || name.includes('.') ? name : `${namespace}.${name}`;
}

/** A type has the namespace of the one around it unless it says another, also by its name. */
function namespaceIn(schema: object, around: string): string {
  const { name, namespace } = schema as { name?: unknown; namespace?: unknown };
  const end = typeof name === 'string' ? name.lastIndexOf('.') : -1;
  if (typeof name === 'string' && end > 0) return name.slice(0, end);
  return typeof namespace === 'string' ? namespace : around;
}

function unionOf(branches: readonly Read[]): Read {
  return (cursor) => {
    const index = readLength(cursor);
    const branch = branches[index];
    if (!branch) throw new AvroError(`a union has no branch ${index}`);
    return branch(cursor);
  };
}

function symbolAt(symbols: readonly unknown[], index: number): string {
  const symbol = symbols[index];
  if (typeof symbol !== 'string') throw new AvroError(`an enumeration has no symbol ${index}`);
  return symbol;
}

// ── Bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function counted(read: Read): Read {
  return (cursor) => {
    cursor.values += 1;
    cursor.depth += 1;
    if (cursor.values > VALUES_MAX) throw new AvroError('there are more values than an event can have');
    if (cursor.depth > DEPTH_MAX * 2) throw new AvroError('values are nested too deep');
    const value = read(cursor);
    cursor.depth -= 1;
    return value;
  };
}

function take(cursor: Cursor, length: number): Buffer {
  if (length < 0 || length > cursor.bytes.length - cursor.at) throw new AvroError('the bytes end too early');
  const start = cursor.at;
  cursor.at += length;
  return cursor.bytes.subarray(start, cursor.at);
}

/** Zig-zag, the lowest seven bits first. */
function readLong(cursor: Cursor): bigint {
  let bits = 0n;
  for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
    const byte = take(cursor, 1).readUInt8();
    bits |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n));
  }
  throw new AvroError('a whole number has no end');
}

function readLength(cursor: Cursor): number {
  const length = readLong(cursor);
  if (length < 0n || length > BigInt(cursor.bytes.length) + BigInt(VALUES_MAX))
    throw new AvroError('a length is none that the bytes can have');
  return Number(length);
}

function readText(cursor: Cursor): string {
  return take(cursor, readLength(cursor)).toString('utf8');
}

/** A count and as many items, until the count is 0. A negative one is followed by the size of its items in bytes. */
function readBlocks(cursor: Cursor, readItem: () => void): void {
  for (;;) {
    let count = readLong(cursor);
    if (count === 0n) return;
    if (count < 0n) {
      count = -count;
      readLong(cursor);
    }
    // Items that take no bytes run into the limit of values.
    for (let left = count; left > 0n; left -= 1n) readItem();
  }
}
