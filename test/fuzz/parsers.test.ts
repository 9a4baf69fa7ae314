import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCard } from '../../src/application/card.ts';
import { createNextAsks } from '../../src/application/next-asks.ts';
import { parseProgram, programDocument } from '../../src/application/program-document.ts';
import { createTiers } from '../../src/application/tiers.ts';
import { PROGRAM_EXAMPLE, withoutComments } from '../../src/cli/program-file.ts';
import { readConfig } from '../../src/config.ts';
import { parseHints } from '../../src/crm/hubspot/hints.ts';
import { verifySignature } from '../../src/crm/hubspot/signature.ts';
import { normaliseCode } from '../../src/domain/ids.ts';
import { parseAmount } from '../../src/domain/money.ts';
import { decodeCursor, encodeCursor } from '../../src/http/cursor.ts';
import { createSeal, parseSealKeys } from '../../src/platform/seal.ts';
import { openStore } from '../../src/store/open.ts';
import { AWKWARD_TEXTS, awkwardJson, awkwardText, type Json, textOf } from './json-text.ts';
import { near } from './near.ts';
import { FUZZ_TIMEOUT_MS, runs } from './runs.ts';

const TIMEOUT = { timeout: FUZZ_TIMEOUT_MS };
/** What is linear reads the longest body that is let in within this, on any machine. */
const AT_ONCE_MS = 5_000;

test('a program document that is nearly right is read or refused with the fields named', TIMEOUT, () => {
  const example: unknown = JSON.parse(withoutComments(PROGRAM_EXAMPLE));
  let accepted = 0;
  fc.assert(
    fc.property(near(example), (text) => {
      const result = parseProgram(JSON.parse(text));
      if (!result.ok) {
        expect(result.problems.length).toBeGreaterThan(0);
        for (const problem of result.problems) expect(problem).toMatch(/^[^:]+: ./s);
        return;
      }
      accepted += 1;
      const { rules } = result.program;
      for (const { amount } of rules)
        for (const flat of 'steps' in amount ? amount.steps.map((step) => step.amount) : [amount]) {
          if (flat.kind === 'fixed') expect(flat.money.minor > 0n).toBe(true);
          else expect(flat.basisPoints).toBeLessThanOrEqual(100_000);
        }
      expect(Object.getPrototypeOf(result.program)).toBe(Object.prototype);
    }),
    { numRuns: runs(2_000) },
  );
  expect(accepted).toBeGreaterThan(0);
  expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
});

test('a program file of any text ends as JSON or as an error, at once', TIMEOUT, () => {
  const pieces = fc.constantFrom('"', '\\', '/', '//', '/*', '*/', '\n', '{', '}', ':', ',', 'a', '\\"', '/**/');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
      const text = parts.join('');
      expect(withoutComments(text).length).toBeLessThanOrEqual(text.length);
    }),
    { numRuns: runs(2_000) },
  );
  for (const piece of ['/*', '"\\', '//', '"', '/', '*/']) {
    const began = performance.now();
    withoutComments(piece.repeat(20_000));
    expect([piece, performance.now() - began < AT_ONCE_MS]).toEqual([piece, true]);
  }
});

test('a signed webhook body of anything is a list of hints or a refusal', TIMEOUT, () => {
  const event = {
    eventId: 1,
    portalId: 48_000_001,
    occurredAt: 1_795_305_600_000,
    subscriptionType: 'object.associationChange',
    objectId: 5,
    objectTypeId: '0-3',
    fromObjectId: 1,
    toObjectId: 2,
    mergedObjectIds: [1, 2],
    propertyName: 'dealstage',
    propertyValue: 'closedwon',
  };
  fc.assert(
    fc.property(fc.oneof(near([event, event]), awkwardJson.map(textOf), awkwardText), (text) => {
      const result = parseHints(Buffer.from(text), 4_242);
      if (!result.ok) {
        expect(result.detail).toEqual(expect.any(String));
        return;
      }
      for (const { externalId, records, occurredAt, payload } of result.hints) {
        expect(externalId).toEqual(expect.any(String));
        for (const { object, id } of records) expect([typeof object, typeof id]).toEqual(['string', 'string']);
        expect(occurredAt === null || Number.isSafeInteger(occurredAt)).toBe(true);
        expect(payload).not.toHaveProperty('propertyValue');
      }
    }),
    { numRuns: runs(3_000) },
  );
});

test('a signature of anything is refused with its reason, and never throws', TIMEOUT, () => {
  const header = fc.oneof(awkwardText, fc.constant(undefined), fc.array(awkwardText, { maxLength: 2 }));
  fc.assert(
    fc.property(header, header, awkwardText, fc.uint8Array(), (signature, timestamp, url, body) => {
      const headers = { 'x-hubspot-signature-v3': signature, 'X-HubSpot-Request-Timestamp': timestamp };
      const verdict = verifySignature({ method: 'POST', url, headers, body }, 1_795_305_600_000, ['secret']);
      expect(verdict).toEqual({ ok: false, problem: expect.any(String) });
    }),
    { numRuns: runs(1_000) },
  );
});

test('a cursor is one that was given out, or none', TIMEOUT, () => {
  const cursor = fc.record({ at: fc.nat(), id: fc.stringMatching(/^mem_[a-z0-9-]{1,64}$/) });
  fc.assert(
    fc.property(cursor, (given) => {
      expect(decodeCursor('members', encodeCursor('members', given))).toEqual(given);
    }),
  );
  fc.assert(
    fc.property(fc.oneof(awkwardText, fc.base64String(), fc.string()), (text) => {
      const decoded = decodeCursor('members', text);
      if (decoded) expect(encodeCursor('members', decoded)).toBe(text);
    }),
    { numRuns: runs(2_000) },
  );
});

test('a share code is read the same however often it is read, or is none', TIMEOUT, () => {
  fc.assert(
    fc.property(fc.oneof(awkwardText, fc.string({ unit: 'binary' })), (text) => {
      const code = normaliseCode(text);
      if (code !== null) expect(normaliseCode(code)).toBe(code);
    }),
    { numRuns: runs(2_000) },
  );
});

test('an amount of any text is exact or refused, at once', TIMEOUT, () => {
  fc.assert(
    fc.property(
      fc.oneof(awkwardText, fc.string(), fc.double().map(String)),
      fc.constantFrom('EUR', 'JPY', 'BHD'),
      (text, currency) => {
        const parsed = parseAmount(text, currency);
        if (parsed.ok) expect(typeof parsed.money.minor).toBe('bigint');
      },
    ),
    { numRuns: runs(2_000) },
  );
  for (const piece of ['1', '0', '.', '-', ' ', '1.', '1,']) {
    const began = performance.now();
    parseAmount(piece.repeat(50_000), 'EUR');
    expect([piece, performance.now() - began < AT_ONCE_MS]).toEqual([piece, true]);
  }
});

test('a stored secret of any text opens or is a fault', TIMEOUT, () => {
  const seal = createSeal([{ id: 'k1', key: Buffer.alloc(32, 1) }]);
  fc.assert(
    fc.property(
      fc.oneof(
        awkwardText,
        fc.base64String().map((text) => `v1.k1.${text}`),
      ),
      (text) => {
        expect(() => seal.open(text, 'acc_1 connections.access')).toThrow(
          expect.objectContaining({ code: 'unsealable' }),
        );
      },
    ),
    { numRuns: runs(500) },
  );
});

test('an environment of anything is a configuration or a list of what to correct, without the secret', TIMEOUT, () => {
  const names = [
    'ENCRYPTION_KEY',
    'DATABASE_URL',
    'PUBLIC_URL',
    'REWARD_WEBHOOK_URL',
    'TRUST_PROXY',
    'PORT',
    'METRICS_TOKEN',
  ];
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), awkwardText), (env) => {
      const read = readConfig(env);
      if (!read.ok) expect(read.problems.length).toBeGreaterThan(0);
      expect(typeof parseSealKeys(env.ENCRYPTION_KEY ?? '')).toBe('string');
    }),
    { numRuns: runs(300) },
  );
});

test('a card that is asked for with any record or cursor is answered', TIMEOUT, async () => {
  const store = await openStore({ url: 'sqlite::memory:' });
  await store.accounts.create({ id: 'acc_a', name: 'A', createdAt: 0 });
  const connection = {
    id: 'con_a',
    accountId: 'acc_a',
    provider: 'hubspot',
    externalId: '1',
    status: 'connected' as const,
    statusReason: null,
    homeCurrency: null,
    timeZone: null,
    uiHost: null,
    scopes: [],
    connectedAt: 0,
  };
  await store.connections.connect(connection, { accessToken: 'a', refreshToken: 'b', expiresAt: 1 });
  const clock = { now: () => 1, random: () => 0.5, sleep: async () => {} };
  const card = createCard({
    store,
    clock,
    publicUrl: 'https://wonward.example',
    recordUrl: () => null,
    nextAsks: createNextAsks({ store, clock, recordUrl: () => null }),
    consoleLinks: () => () => ({}),
    tiers: createTiers({ store, clock }),
  });
  await fc.assert(
    fc.asyncProperty(awkwardText, awkwardText, fc.integer(), async (contactId, id, at) => {
      const answer = await card({ connection, contactId, user: null, cursor: { at, id }, encodeCursor: () => 'next' });
      expect(answer).toMatchObject({ ok: true, data: { role: 'none' } });
    }),
    { numRuns: runs(200) },
  );
  await store.close();
});

test('the schema of programs reads the longest and strangest texts at once', () => {
  for (const text of [...AWKWARD_TEXTS, 'a'.repeat(90_000), 'a-'.repeat(45_000), '1.'.repeat(45_000)] as Json[]) {
    const money = { amount: text, currency: 'EUR' };
    const rule = { key: text, name: text, party: 'member', amount: { kind: 'fixed', money }, payout: text };
    const began = performance.now();
    expect(programDocument.safeParse({ programId: text, name: text, rules: [rule] }).success).toBe(false);
    expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
  }
});
