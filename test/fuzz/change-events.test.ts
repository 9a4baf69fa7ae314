import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AvroError, avroReader } from '../../src/crm/salesforce/avro.ts';
import { eventReader, meaningOf } from '../../src/crm/salesforce/change-events.ts';
import { readCorpus } from './corpus.ts';
import { awkwardJson, awkwardText, textOf } from './json-text.ts';
import { near } from './near.ts';
import { FUZZ_TIMEOUT_MS, runs } from './runs.ts';

const TIMEOUT = { timeout: FUZZ_TIMEOUT_MS };
/** What ends at once does so within this, on any machine. */
const AT_ONCE_MS = 5_000;
const ORG = { externalId: '00DHs1000000001MAA', clientName: 'wonward' };

/** As Salesforce's, with few fields. */
const SCHEMA = {
  type: 'record',
  name: 'ContactChangeEvent',
  namespace: 'com.sforce.eventbus',
  fields: [
    {
      name: 'ChangeEventHeader',
      type: {
        type: 'record',
        name: 'ChangeEventHeader',
        fields: [
          { name: 'entityName', type: 'string' },
          { name: 'recordIds', type: { type: 'array', items: 'string' } },
          { name: 'changeType', type: { type: 'enum', name: 'ChangeType', symbols: ['CREATE', 'UPDATE', 'DELETE'] } },
          { name: 'transactionKey', type: 'string' },
          { name: 'sequenceNumber', type: 'int' },
          { name: 'commitTimestamp', type: 'long' },
          { name: 'commitNumber', type: 'long' },
          { name: 'commitUser', type: 'string' },
          { name: 'changedFields', type: { type: 'array', items: 'string' } },
        ],
      },
    },
    { name: 'OpportunityId', type: ['null', 'string'], default: null },
    {
      name: 'Name',
      type: [
        'null',
        { type: 'record', name: 'PersonName', fields: [{ name: 'LastName', type: ['null', 'string'], default: null }] },
      ],
      default: null,
    },
    { name: 'Score', type: ['null', 'double', 'long', 'boolean'], default: null },
  ],
};

/** avsc, an Avro library that knows nothing of ours, is the judge of what the bytes mean. */
const bigLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer(value: bigint) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (one: bigint, other: bigint) => (one === other ? 0 : one < other ? -1 : 1),
});
const judge = (schema: unknown) =>
  avro.Type.forSchema(structuredClone(schema) as never, { registry: { long: bigLong }, wrapUnions: true });

const header = fc.record({
  entityName: fc.constantFrom(
    'Contact',
    'Lead',
    'Opportunity',
    'OpportunityContactRole',
    'Account',
    'x__Referral_Action__c',
  ),
  recordIds: fc.array(fc.oneof(fc.constantFrom('003Hs100000000AIAQ', '003Hs100000000A', '001*'), awkwardText), {
    maxLength: 3,
  }),
  changeType: fc.constantFrom('CREATE', 'UPDATE', 'DELETE'),
  transactionKey: fc.oneof(fc.uuid(), fc.constant('')),
  sequenceNumber: fc.integer({ min: 0 }),
  commitTimestamp: fc.bigInt({ min: 1n, max: 2n ** 43n }),
  commitNumber: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  commitUser: awkwardText,
  changedFields: fc.array(fc.oneof(fc.constantFrom('0x0C', '2-0x01', '9-0x01', '0x'), awkwardText), { maxLength: 3 }),
});
/** Without lone surrogates, which are no text in UTF-8. */
const toUtf8 = <T>(value: T): T =>
  typeof value === 'string'
    ? (Buffer.from(value).toString() as T)
    : Array.isArray(value)
      ? (value.map(toUtf8) as T)
      : typeof value === 'object' && value !== null
        ? (Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toUtf8(one)])) as T)
        : value;
const event = fc
  .record({
    ChangeEventHeader: header,
    OpportunityId: fc.oneof(fc.constant(null), fc.record({ string: awkwardText })),
    Name: fc.oneof(
      fc.constant(null),
      fc.record({ 'com.sforce.eventbus.PersonName': fc.record({ LastName: fc.record({ string: awkwardText }) }) }),
    ),
    Score: fc.oneof(
      fc.constant(null),
      fc.record({ double: fc.double() }),
      fc.record({ long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
      fc.record({ boolean: fc.boolean() }),
    ),
  })
  .map(toUtf8);

const read = eventReader(JSON.stringify(SCHEMA));

/** Reads as the stream does, and what it is must be something that can be kept. */
function keepable(reader: typeof read, payload: Uint8Array): boolean {
  let change: ReturnType<typeof read>;
  try {
    change = reader(payload);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    // Not the stack, not the memory: those would be somebody else's accident.
    expect(error).not.toBeInstanceOf(RangeError);
    return false;
  }
  const { hints, sweepFrom } = meaningOf(change, ORG);
  // Every record of it is asked for, or all that changed since is.
  if (hints.length < change.recordIds.length || hints.length === 0) expect(sweepFrom).toBe(change.committedAt);
  for (const { eventKey, records, occurredAt, payload: kept } of hints) {
    expect(eventKey.length).toBeGreaterThan(0);
    for (const { id } of records) expect(id).toMatch(/^[a-zA-Z0-9]{18}$/);
    expect(Number.isSafeInteger(occurredAt)).toBe(true);
    expect(JSON.parse(JSON.stringify(kept))).toEqual(kept);
  }
  return true;
}

describe('the corpus', () => {
  test.each(readCorpus('change-events'))('$why', ({ payload, readable }) => {
    const began = performance.now();
    expect(keepable(read, Buffer.from(payload, 'hex'))).toBe(readable);
    expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
  });
});

test('a change event of any values is read as another Avro library has written it', TIMEOUT, () => {
  const type = judge(SCHEMA);
  const readAll = avroReader(SCHEMA);
  const bare = (union: object | null) => (union === null ? null : Object.values(union)[0]);
  fc.assert(
    fc.property(event, (value) => {
      const bytes = type.toBuffer(value);
      const name = bare(value.Name) as { LastName: object } | null;
      expect(readAll(bytes)).toEqual({
        ...value,
        OpportunityId: bare(value.OpportunityId),
        Name: name === null ? null : { LastName: bare(name.LastName) },
        Score: bare(value.Score),
      });
      expect(keepable(read, bytes)).toBe(true);
    }),
    { numRuns: runs(1_000) },
  );
});

test('types that change events have not had yet are read too', () => {
  const schema = {
    type: 'record',
    name: 'All',
    namespace: 'a.b',
    fields: [
      { name: 'int', type: 'int' },
      { name: 'float', type: 'float' },
      { name: 'bytes', type: 'bytes' },
      { name: 'fixed', type: { type: 'fixed', name: 'Four', size: 4 } },
      { name: 'again', type: 'Four' },
      { name: 'full', type: 'a.b.Four' },
      { name: 'map', type: { type: 'map', values: 'long' } },
      { name: 'dated', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'self', type: ['null', 'All'], default: null },
    ],
  };
  const one = {
    int: -2_147_483_648,
    float: 1.5,
    bytes: Buffer.from([0, 255]),
    fixed: Buffer.from('abcd'),
    again: Buffer.from('efgh'),
    full: Buffer.from('ijkl'),
    map: { a: 1n, b: -(2n ** 63n) },
    // avsc writes a number here: the registry knows only the bare type.
    dated: 1_795_305_600_000,
  };
  const type = avro.Type.forSchema(structuredClone(schema) as never, { registry: { long: bigLong } });
  const got = avroReader(schema)(type.toBuffer({ ...one, self: { ...one, self: null } })) as Record<string, unknown>;
  const asBytes = (value: unknown) => (value instanceof Buffer ? Uint8Array.from(value) : value);
  const expected = Object.fromEntries(Object.entries(one).map(([name, value]) => [name, asBytes(value)]));
  expected.dated = BigInt(one.dated);
  expect(got).toEqual({ ...expected, self: { ...expected, self: null } });
});

test('a payload that is broken in any way is read or refused at once, never waited for', TIMEOUT, () => {
  const type = judge(SCHEMA);
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  let refused = 0;
  fc.assert(
    fc.property(event, fc.array(change, { maxLength: 4 }), fc.nat(), fc.boolean(), (value, changes, cut, isCut) => {
      const bytes = type.toBuffer(value);
      for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
      const payload = isCut ? bytes.subarray(0, cut % bytes.length) : bytes;
      const began = performance.now();
      if (!keepable(read, payload)) refused += 1;
      else expect(isCut && changes.length === 0).toBe(false);
      expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
    }),
    { numRuns: runs(3_000) },
  );
  expect(refused).toBeGreaterThan(0);
});

test('bytes of any kind under a schema of any kind are read or refused at once', TIMEOUT, () => {
  fc.assert(
    fc.property(
      fc.oneof(near(SCHEMA), awkwardJson.map(textOf), awkwardText),
      fc.uint8Array({ maxLength: 64 }),
      (schema, payload) => {
        const began = performance.now();
        let reader: typeof read | null = null;
        try {
          reader = eventReader(schema);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
        if (reader) keepable(reader, payload);
        expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
      },
    ),
    { numRuns: runs(2_000) },
  );
});

test('what takes no bytes cannot be had without end, and what names itself not without depth', () => {
  const endless = avroReader({ type: 'array', items: 'null' });
  const lots = Buffer.from('feffffffffffffffff01', 'hex');
  const began = performance.now();
  expect(() => endless(lots)).toThrow(AvroError);
  expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
  const self = { type: 'record', name: 'A', fields: [{ name: 'a', type: 'A' }] };
  expect(() => avroReader(self)(Buffer.alloc(8))).toThrow(AvroError);
  let deep: unknown = 'string';
  for (let depth = 0; depth < 5_000; depth += 1) deep = { type: 'array', items: deep };
  expect(() => avroReader(deep)).toThrow(AvroError);
});
