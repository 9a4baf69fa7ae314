import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readChanged, SEARCH_PAGE } from '../../../src/crm/hubspot/search.ts';
import { createHarness, faultFrom, NOW, portalApi } from './harness.ts';

interface Stored {
  id: string;
  at: number;
}

interface SearchBody {
  filterGroups: { filters: { propertyName: string; operator: string; value: string }[] }[];
  sorts: { propertyName: string }[];
  limit: number;
  after: string;
}

/** HubSpot's search as far as we use it, with its limit of one sort; among equals the order is any. */
function searchOver(records: readonly Stored[], modified: string) {
  return portalApi(({ json }) => {
    const { filterGroups, sorts, limit, after } = json as SearchBody;
    expect(sorts).toHaveLength(1);
    expect(after).toBe('0');
    const value = (record: Stored, name: string) => (name === modified ? record.at : Number(record.id));
    const compare: Record<string, (a: number, b: number) => boolean> = {
      GTE: (a, b) => a >= b,
      GT: (a, b) => a > b,
      EQ: (a, b) => a === b,
    };
    const found = records
      .filter((record) =>
        filterGroups.some(({ filters }) =>
          filters.every(({ propertyName, operator, value: bound }) =>
            compare[operator]?.(value(record, propertyName), Number(bound)),
          ),
        ),
      )
      .sort((a, b) => value(a, sorts[0]?.propertyName ?? '') - value(b, sorts[0]?.propertyName ?? ''));
    return {
      status: 200,
      body: {
        total: found.length,
        results: found
          .slice(0, limit)
          .map(({ id, at }) => ({ id, properties: { [modified]: new Date(at).toISOString() } })),
        ...(found.length > limit ? { paging: { next: { after: String(limit) } } } : {}),
      },
    };
  });
}

async function scan(api: ReturnType<typeof searchOver>, object: 'contact' | 'deal', since: number) {
  const records: { id: string; modifiedAt: number }[] = [];
  let pages = 0;
  for (let cursor: string | null = null; ; ) {
    const page = await readChanged(api, { object, since, cursor });
    pages += 1;
    records.push(...page.records);
    if (page.next === null) return { records, pages };
    cursor = page.next;
    if (pages > 10_000) throw new Error('the scan does not end');
  }
}

describe('the scan of changed records', () => {
  test('finds each record modified since then, exactly once, oldest first, however many share a millisecond', async () => {
    const bulk = fc.record({
      at: fc.integer({ min: -3, max: 12 }),
      size: fc.oneof(
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(SEARCH_PAGE - 1, SEARCH_PAGE, SEARCH_PAGE + 1, 2 * SEARCH_PAGE + 7),
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(bulk, { maxLength: 8 }),
        fc.constantFrom('contact' as const, 'deal' as const),
        async (bulks, object) => {
          const records = bulks
            .flatMap(({ at, size }) => Array.from({ length: size }, () => NOW + at))
            .map((at, index) => ({ id: String(((index * 7919) % 100_003) + 1), at }));
          const api = searchOver(records, object === 'contact' ? 'lastmodifieddate' : 'hs_lastmodifieddate');
          const { records: found } = await scan(api, object, NOW);
          const expected = records.filter(({ at }) => at >= NOW);
          expect(found.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
          for (const [index, { modifiedAt }] of found.entries()) {
            expect(modifiedAt).toBeGreaterThanOrEqual(found[index - 1]?.modifiedAt ?? NOW);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('ends beyond HubSpot’s 10,000 results of one query, also when an import stamped them all alike', async () => {
    const records = Array.from({ length: 12_345 }, (_, index) => ({ id: String(index + 1), at: NOW }));
    const { records: found, pages } = await scan(searchOver(records, 'hs_lastmodifieddate'), 'deal', NOW);
    expect(new Set(found.map(({ id }) => id)).size).toBe(12_345);
    expect(pages).toBeLessThan(12_345 / SEARCH_PAGE + 3);
  });

  test('refuses an answer in another order than asked for, since going on would skip records', async () => {
    const results = [2, 1].map((at) => ({
      id: String(at),
      properties: { hs_lastmodifieddate: new Date(NOW + at).toISOString() },
    }));
    const api = portalApi(() => ({ status: 200, body: { results, paging: { next: { after: '2' } } } }));
    const fault = await faultFrom(readChanged(api, { object: 'deal', since: NOW, cursor: null }));
    expect(fault).toMatchObject({ code: 'crm_unreadable_answer' });
  });

  test('refuses an empty page that is not the last, and a record without a time', async () => {
    const bodies = [{ results: [], paging: { next: { after: '2' } } }, { results: [{ id: '1', properties: {} }] }];
    for (const body of bodies) {
      const api = portalApi(() => ({ status: 200, body }));
      const fault = await faultFrom(readChanged(api, { object: 'deal', since: NOW, cursor: null }));
      expect(fault).toMatchObject({ code: 'crm_unreadable_answer' });
    }
  });
});

describe('the time of a page', () => {
  const page = { total: 0, results: [] };
  const from = { object: 'deal', since: NOW, cursor: null } as const;

  test("is HubSpot's own, however wrong our clock is", async () => {
    const { api, session } = createHarness();
    const theirs = NOW - 3_600_000;
    api.post('/crm/objects/2026-03/deals/search').reply(200, page, { Date: new Date(theirs).toUTCString() });
    expect((await session.changedSince(from)).asOf).toBe(Math.floor(theirs / 1_000) * 1_000);
  });

  test.each([undefined, 'yesterday'])('is ours when HubSpot says %s', async (date) => {
    const { api, session, time } = createHarness();
    api.post('/crm/objects/2026-03/deals/search').reply(200, page, date === undefined ? {} : { Date: date });
    expect((await session.changedSince(from)).asOf).toBe(time.clock());
  });
});
