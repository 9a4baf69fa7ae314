import { ApiError } from './errors.ts';
import type { Answer, Call, Route } from './http.ts';
import { type Out, runQuery } from './query.ts';
import type { Random } from './random.ts';

/** `/query` and `/queryAll`, in pages. */

/** "Query locators expire after two days", and "up to 10 at a time a user". */
const LOCATOR_LIFETIME_MS = 2 * 86_400_000;
const LOCATORS_A_USER = 10;

interface Locator {
  id: string;
  userId: string;
  resource: string;
  records: Out[];
  pageSize: number;
  at: number;
}

export interface QueriesDeps {
  random: Random;
}

export interface Queries {
  routes: Route[];
  /** As the platform does now and then: every page that is still to come is lost. */
  forgetLocators(): void;
}

export function createQueries({ random }: QueriesDeps): Queries {
  let locators: Locator[] = [];

  function page(call: Call, locator: Locator, from: number): Answer {
    const to = from + locator.pageSize;
    const done = to >= locator.records.length;
    return {
      status: 200,
      body: {
        totalSize: locator.records.length,
        done,
        ...(done ? {} : { nextRecordsUrl: `/services/data/${call.version}/${locator.resource}/${locator.id}-${to}` }),
        records: locator.records.slice(from, to),
      },
    };
  }

  function start(call: Call, includeDeleted: boolean): Answer {
    const text = call.query.get('q');
    if (text === null || text.trim() === '') throw new ApiError(400, 'MALFORMED_QUERY', 'SOQL query is required');
    const { org, version, now } = call;
    const found = runQuery({ org, version, now, includeDeleted }, text);
    if (found.records.length === 0)
      return { status: 200, body: { totalSize: found.totalSize, done: true, records: [] } };
    const locator: Locator = {
      id: `01g${random.token(15).replace(/[^A-Za-z0-9]/g, '0')}`,
      userId: call.session.userId,
      resource: includeDeleted ? 'queryAll' : 'query',
      records: found.records,
      pageSize: call.batchSize,
      at: now,
    };
    if (found.records.length > locator.pageSize) {
      const own = locators.filter(({ userId }) => userId === locator.userId);
      const oldest = own.length >= LOCATORS_A_USER ? own[0] : undefined;
      locators = [...locators.filter((one) => one !== oldest), locator];
    }
    return page(call, locator, 0);
  }

  function next(call: Call, text: string): Answer {
    const [, id = '', from = ''] = /^(.+)-(\d+)$/.exec(text) ?? [];
    const locator = locators.find(
      (one) => one.id === id && one.userId === call.session.userId && call.now - one.at < LOCATOR_LIFETIME_MS,
    );
    if (!locator) throw new ApiError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
    return page(call, locator, Number(from));
  }

  return {
    routes: [
      { method: 'GET', path: /^\/query$/, query: ['q'], handle: (call) => start(call, false) },
      { method: 'GET', path: /^\/queryAll$/, query: ['q'], handle: (call) => start(call, true) },
      { method: 'GET', path: /^\/query(?:All)?\/([^/]+)$/, handle: (call, [text = '']) => next(call, text) },
    ],
    forgetLocators() {
      locators = [];
    },
  };
}
