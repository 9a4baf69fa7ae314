import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Calls } from './calls.ts';
import { ApiError, PageError, RowError, SandboxError, unparsable } from './errors.ts';
import type { ApiEffect, Faults } from './faults.ts';
import type { Limits } from './limits.ts';
import type { Org } from './org.ts';
import type { Actor, Records, Tx } from './records.ts';
import type { Session, Tokens } from './tokens.ts';

/** "Each request or response can be up to 50 MB" of a query; what a connector sends is far below. */
const BODY_BYTES_MAX = 6 * 1024 * 1024;
/** "The combined length of the URI and headers must not exceed 16,384 bytes." */
const ADDRESS_BYTES_MAX = 16_384;
/** The releases that an org of today answers: everything before is retired. */
const VERSION_MIN = 31;
const VERSION_MAX = 68;

export interface Answer {
  status: number;
  /** undefined: no body. A string goes out as it is, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Call {
  org: Org;
  session: Session;
  /** As `v66.0`. */
  version: string;
  method: string;
  /** Behind the version: `/sobjects/Contact`. */
  path: string;
  query: URLSearchParams;
  body: unknown;
  actor: Actor;
  now: number;
  /** From `Sforce-Query-Options`. */
  batchSize: number;
  /** What a fault wants of this row of what is written. */
  refusedRow(index: number): RowError | null;
  /** The transaction of a composite that is all or nothing. */
  tx?: Tx;
  /** Makes another call within this one, with the headers that are its own. */
  dispatch(method: string, path: string, body: unknown, within?: { tx?: Tx; headers?: Headers }): Answer;
}

/** By their names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: RegExp;
  /** Names of the query parameters; any other is a mistake of the caller's. */
  query?: readonly string[];
  handle(call: Call, params: string[]): Answer;
}

export async function readRaw(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > BODY_BYTES_MAX) throw new PageError(413, 'Request Entity Too Large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string, contentType: string | undefined): unknown {
  if (text === '') return undefined;
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? '')) {
    throw new ApiError(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Type '${contentType ?? ''}' is not supported on this resource`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw unparsable(thrown instanceof Error ? thrown.message : 'Unexpected character');
  }
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const WORDS: Record<number, string> = {
  420: 'Enhance your calm',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

const page = (status: number, words: string): Answer => ({
  status,
  headers: { 'Content-Type': 'text/html;charset=utf-8' },
  body: `<html><head><title>${words}</title></head><body><h1>${words}</h1></body></html>`,
});

function statusAnswer(effect: Extract<ApiEffect, { kind: 'status' }>): Answer {
  const words = WORDS[effect.status] ?? 'Error';
  if (effect.html) return page(effect.status, words);
  const code = effect.status === 500 ? 'UNKNOWN_EXCEPTION' : 'SERVER_UNAVAILABLE';
  return { status: effect.status, body: [{ errorCode: code, message: words }] };
}

/** Before anything is done: latency, a broken connection, an error. Returns the status when the call is already over. */
export async function strikeBefore(
  response: ServerResponse,
  effects: readonly ApiEffect[],
): Promise<number | undefined> {
  for (const effect of effects) if (effect.kind === 'latency') await wait(effect.latencyMs);
  if (effects.some((effect) => effect.kind === 'reset' && effect.when === 'before')) {
    response.socket?.resetAndDestroy();
    return 0;
  }
  const status = effects.find((effect) => effect.kind === 'status');
  const error = effects.find((effect) => effect.kind === 'error');
  if (!status && !error) return undefined;
  const answer: Answer = status
    ? statusAnswer(status)
    : { status: error?.status ?? 400, body: [{ message: error?.message, errorCode: error?.code }] };
  send(response, answer);
  return answer.status;
}

/** Sends an answer whole, or as a fault wants it: not at all, or cut in half. */
export function send(response: ServerResponse, answer: Answer, effects: readonly ApiEffect[] = []): void {
  const socket = response.socket;
  if (effects.some((effect) => effect.kind === 'reset')) {
    socket?.resetAndDestroy();
    return;
  }
  const text =
    answer.body === undefined ? '' : typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  const bytes = Buffer.from(text, 'utf8');
  response.statusCode = answer.status;
  if (bytes.length > 0) response.setHeader('Content-Type', 'application/json;charset=UTF-8');
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (answer.status !== 204) response.setHeader('Content-Length', bytes.length);
  if (effects.some((effect) => effect.kind === 'truncate') && bytes.length > 1) {
    response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => socket?.destroy());
    return;
  }
  response.end(bytes.length > 0 ? bytes : undefined);
}

export function errorAnswer(thrown: unknown): Answer {
  if (thrown instanceof ApiError) return { status: thrown.status, body: thrown.body, headers: thrown.headers };
  if (thrown instanceof PageError) return page(thrown.status, thrown.message);
  if (thrown instanceof RowError) return { status: thrown.status, body: thrown.body };
  if (thrown instanceof SandboxError) {
    // Not an answer of Salesforce's: a fault of the sandbox must not look like one that was asked for.
    return { status: 501, body: [{ errorCode: 'SANDBOX', message: thrown.message }] };
  }
  throw thrown;
}

/** `client=wonward, defaultNamespace=x`: pairs of a header of Salesforce's. */
function pairs(header: string | string[] | undefined): Map<string, string> {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  return new Map(
    text
      .split(/[,;]/)
      .map((pair) => pair.trim().split(/=(.*)/s))
      .flatMap(
        ([name = '', value]): Array<[string, string]> =>
          value === undefined ? [] : [[name.toLowerCase(), value.trim()]],
      ),
  );
}

/** "This header is available in API version 52.0 and later." */
const DUPLICATE_RULE_HEADER_SINCE = 52;

function allowsDuplicates(version: string, headers: Headers): boolean {
  const allowSave = pairs(headers['sforce-duplicate-rule-header']).get('allowsave');
  return Number(version.slice(1)) >= DUPLICATE_RULE_HEADER_SINCE && allowSave?.toLowerCase() === 'true';
}

export interface ApiDeps {
  clock: () => number;
  tokens: Tokens;
  limits: Limits;
  faults: Faults;
  calls: Calls;
  queryPageSize: number;
}

export interface Api {
  /** Answers a request to `/services/data/vNN.0/…` on the host of this org. */
  serve(org: Org, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

const VERSIONED = /^\/services\/data\/(v(\d{2})\.0)(\/.*)?$/;
const QUERY_BATCH_MIN = 200;

export function versionList(): object[] {
  const names = ['Spring', 'Summer', 'Winter'];
  return Array.from({ length: VERSION_MAX - VERSION_MIN + 1 }, (_none, index) => {
    const version = VERSION_MIN + index;
    const season = names[version % 3] ?? '';
    const year = 14 + Math.floor((version - 30) / 3) + (season === 'Winter' ? 1 : 0);
    return { label: `${season} '${year}`, url: `/services/data/v${version}.0`, version: `${version}.0` };
  });
}

/** The order is Salesforce's: session, then whether the org may, then the limit, then the resource. */
export function createApi(routes: readonly Route[], deps: ApiDeps): Api {
  const { clock, tokens, limits, faults, calls } = deps;

  function route(method: string, path: string): { route: Route; params: string[] } {
    const matching = routes.flatMap((one) => {
      const match = one.path.exec(path);
      return match ? [{ route: one, params: match.slice(1).map(decodeURIComponent) }] : [];
    });
    if (matching.length === 0) throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist');
    const found = matching.find((one) => one.route.method === method);
    if (found) return found;
    const allowed = matching.map((one) => one.route.method).join(',');
    throw new ApiError(405, 'METHOD_NOT_ALLOWED', `HTTP Method '${method}' not allowed. Allowed are ${allowed}`, {
      headers: { Allow: allowed },
    });
  }

  function handle(call: Omit<Call, 'dispatch'>, seen: (route: string) => void): Answer {
    const { route: found, params } = route(call.method, call.path);
    seen(
      found.path.source
        .replace(/\\\//g, '/')
        .replace(/\(\[\^\/\]\+\)/g, ':')
        .replace(/[\^$]/g, ''),
    );
    for (const name of call.query.keys()) {
      if (!found.query?.includes(name)) throw new SandboxError(`this resource has no parameter ${name}`);
    }
    return found.handle(
      {
        ...call,
        dispatch(method, path, body, { tx, headers = {} } = {}) {
          const [, version = '', , rest = ''] = VERSIONED.exec(path.split('?')[0] ?? '') ?? [];
          const query = new URLSearchParams(path.split('?')[1] ?? '');
          // A part inherits three headers of the whole (Accept, Authorization, Content-Type) and no other.
          const actor = { ...call.actor, allowDuplicates: allowsDuplicates(version, headers) };
          const inner = { ...call, version, method, path: rest, query, body, actor, ...(tx ? { tx } : {}) };
          try {
            return handle(inner, () => undefined);
          } catch (thrown) {
            return errorAnswer(thrown);
          }
        },
      },
      params,
    );
  }

  function refusing(effects: readonly ApiEffect[]): (index: number) => RowError | null {
    return (index) => {
      for (const effect of effects) {
        if (effect.kind !== 'rows' || (effect.rows && !effect.rows.includes(index))) continue;
        const words =
          effect.code === 'UNABLE_TO_LOCK_ROW' ? 'unable to obtain exclusive access to this record' : effect.code;
        return new RowError(effect.code, effect.message ?? words);
      }
      return null;
    };
  }

  return {
    async serve(org, request, response) {
      const url = new URL(request.url ?? '/', 'http://local');
      const method = request.method ?? '';
      const effects = faults.api({ method, path: url.pathname, orgId: org.id });
      const struck = await strikeBefore(response, effects);
      if (struck !== undefined) {
        calls.record(org.id, method, '(fault)', struck);
        return;
      }
      let answer: Answer;
      let headers: Record<string, string> = {};
      let name = '(unknown)';
      try {
        const text = await readRaw(request);
        const size = (request.url ?? '').length + request.rawHeaders.join(': ').length;
        if (size > ADDRESS_BYTES_MAX) throw new PageError(414, 'URI Too Long');
        const [, version = '', number = '', path = ''] = VERSIONED.exec(url.pathname) ?? [];
        if (version === '' || Number(number) < VERSION_MIN || Number(number) > VERSION_MAX) {
          throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist');
        }
        const session = tokens.session(org, request.headers.authorization);
        if (!org.settings.apiEnabled) {
          throw new ApiError(403, 'API_DISABLED_FOR_ORG', 'The REST API is not enabled for this Organization.');
        }
        headers = limits.admit(org);
        const options = pairs(request.headers['sforce-query-options']);
        const client = pairs(request.headers['sforce-call-options']).get('client');
        const wanted = Number(options.get('batchsize') ?? deps.queryPageSize);
        answer = handle(
          {
            org,
            session,
            version,
            method,
            path: path.replace(/\/$/, ''),
            query: url.searchParams,
            body: parseJson(text, request.headers['content-type']),
            actor: {
              userId: session.userId,
              origin: `com/salesforce/api/rest/${version.slice(1)}${client === undefined ? '' : `;client=${client}`}`,
              allowDuplicates: allowsDuplicates(version, request.headers),
            },
            now: clock(),
            batchSize: Math.min(Math.max(wanted, Math.min(QUERY_BATCH_MIN, deps.queryPageSize)), deps.queryPageSize),
            refusedRow: refusing(effects),
          },
          (found) => {
            name = found;
          },
        );
      } catch (thrown) {
        answer = errorAnswer(thrown);
      }
      calls.record(org.id, method, name, answer.status);
      const date = new Date(clock()).toUTCString();
      send(response, { ...answer, headers: { Date: date, ...headers, ...answer.headers } }, effects);
    },
  };
}

/** Runs within the transaction of a composite, or in one of its own. */
export function inTransaction<T>(records: Records, call: Call, work: (tx: Tx) => T): T {
  const { tx } = call;
  return tx ? tx.savepoint(() => work(tx)) : records.transaction(call.org, call.actor, work);
}
