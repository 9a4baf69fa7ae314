import { Fault } from '../../domain/errors.ts';
import type { Instant } from '../../domain/time.ts';
import type { Call, OrgApi } from './call.ts';
import { type Failure, faultOf } from './errors.ts';
import { errorsIn } from './transport.ts';
import { PATHS } from './version.ts';
import { compositeSchema, pageSchema, type QueryPage, type Row } from './wire.ts';

/** "Up to five can be query operations or sObject Collections operations." */
export const PARTS_MAX = 5;

/** Nothing that we ask for has more pages; a list that goes on for ever is a fault. */
const PAGES_MAX = 5_000;

export interface Query {
  readonly soql: string;
  /** `all` also gives what lies in the recycle bin and what was merged away. */
  readonly scope: 'live' | 'all';
}

export interface Part {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  readonly body?: unknown;
  /** Its own: of the call's headers a part inherits what it is told as and by whom, and no other. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type PartAnswer = { readonly status: number; readonly body: unknown };

/** All rows of each query, in the order of the queries. Five of them are one call to the org. */
export async function runQueries(
  api: OrgApi,
  name: string,
  queries: readonly Query[],
): Promise<{ rows: Row[][]; at: Instant }> {
  const parts = queries.map(({ soql, scope }): Part => ({ method: 'GET', url: PATHS.query(soql, scope) }));
  const { answers, at } = await runParts(api, name, parts);
  const rows: Row[][] = [];
  for (const { status, body } of answers) {
    if (status >= 400) throw faultOf(name, partFailure(status, body));
    const page = pageSchema.safeParse(body);
    if (!page.success) throw unreadable(name, 'a page of another shape');
    rows.push(await allRows(api, name, page.data));
  }
  return { rows, at };
}

export async function runQuery(api: OrgApi, name: string, query: Query): Promise<{ rows: Row[]; at: Instant }> {
  const { rows, at } = await runQueries(api, name, [query]);
  return { rows: rows[0] ?? [], at };
}

/** Requests that are carried out one after another within a few calls; each has an answer of its own. */
export async function runParts(
  api: OrgApi,
  name: string,
  parts: readonly Part[],
): Promise<{ answers: PartAnswer[]; at: Instant }> {
  const answers: PartAnswer[] = [];
  let at: Instant | null = null;
  for (let from = 0; from < parts.length; from += PARTS_MAX) {
    const some = parts.slice(from, from + PARTS_MAX);
    const { data, at: answeredAt } = await api.data(compositeCall(name, some));
    // Facts are as old as the first of them.
    at ??= answeredAt;
    const byReference = new Map(data.compositeResponse.map((part) => [part.referenceId, part]));
    for (const [index] of some.entries()) {
      const part = byReference.get(`part${index}`);
      if (!part) throw unreadable(name, 'an answer without one of its parts');
      answers.push({ status: part.httpStatusCode, body: part.body });
    }
  }
  if (at === null) throw new Error(`${name}: nothing was asked for`);
  return { answers, at };
}

function compositeCall(
  name: string,
  parts: readonly Part[],
): Omit<Call<ReturnType<typeof compositeSchema.parse>>, 'refusals'> {
  return {
    name,
    method: 'POST',
    path: PATHS.composite,
    json: {
      allOrNone: false,
      compositeRequest: parts.map(({ method, url, body, headers }, index) => ({
        method,
        url,
        referenceId: `part${index}`,
        ...(body === undefined ? {} : { body }),
        ...(headers === undefined ? {} : { httpHeaders: headers }),
      })),
    },
    schema: compositeSchema,
  };
}

/** Salesforce gives 2,000 rows at a time, fewer of wide ones, and says so only by `done`. */
async function allRows(api: OrgApi, name: string, first: QueryPage): Promise<Row[]> {
  const rows = [...first.records];
  let page = first;
  for (let pages = 1; !page.done; pages += 1) {
    if (page.nextRecordsUrl === undefined || pages > PAGES_MAX)
      throw unreadable(name, 'a page that is not the last and names no next one');
    // A locator that was dropped meanwhile is no answer: whoever asked begins anew.
    const { data } = await api.data({ name, method: 'GET', path: page.nextRecordsUrl, schema: pageSchema });
    page = data;
    rows.push(...page.records);
  }
  if (rows.length !== first.totalSize) throw unreadable(name, `${rows.length} of ${first.totalSize} rows came`);
  return rows;
}

export function partFailure(status: number, body: unknown): Failure {
  return { kind: 'status', status, errors: errorsIn(body) };
}

function unreadable(name: string, detail: string): Fault {
  return new Fault(
    'crm_unreadable_answer',
    { kind: 'retry' },
    'Salesforce sent an answer that cannot be read. Wonward tries again by itself.',
    { message: `${name}: ${detail}` },
  );
}
