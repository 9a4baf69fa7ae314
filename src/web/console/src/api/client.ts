import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from './schema.generated.ts';

/** What the service says when it does not do something (RFC 9457). */
export interface Problem {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** What support finds the request by. */
  readonly ref: string;
  readonly errors?: readonly { readonly field: string; readonly problem: string }[];
}

export class ApiProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ApiProblem';
    this.problem = problem;
  }
}

/** Found by a page itself, before it publishes: somebody else has, since it was read. The page tells it in its own words. */
export const PUBLISHED_MEANWHILE: Problem = { code: 'changed', status: 409, title: '', detail: '', ref: '' };

/** Fired when the service does not know the session any more. */
export const SIGNED_OUT = 'wonward:signed-out';

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail' in value;
}

export function problemFrom(status: number, body: unknown): Problem {
  if (isProblem(body)) return body;
  return { code: 'unreachable', status, title: '', detail: '', ref: '' };
}

/** The service's own sentences come in the language that the page is in. */
function inLanguage(): { 'Accept-Language': string } {
  return { 'Accept-Language': document.documentElement.lang };
}

const failing: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(inLanguage())) request.headers.set(name, value);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return undefined;
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => null);
    if (response.status === 401) window.dispatchEvent(new Event(SIGNED_OUT));
    throw new ApiProblem(problemFrom(response.status, body));
  },
  onError() {
    return new ApiProblem({ code: 'unreachable', status: 0, title: '', detail: '', ref: '' });
  },
};

export type Api = ReturnType<typeof createClient<paths>>;

/** Of one account: what this page shows and what it changes are the same account, whatever another tab is looking at. */
export function apiOf(accountId: string): Api {
  const client = createClient<paths>({ baseUrl: '/api/v1', headers: { 'Wonward-Account': accountId } });
  client.use(failing);
  return client;
}

/** The few calls that are about no account: who is signed in. @throws ApiProblem */
export async function sessionCall<T>(path: string, init: { method?: string; body?: unknown } = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/console/session${path}`, {
      method: init.method ?? 'GET',
      headers: { ...inLanguage(), ...(init.body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
  } catch {
    throw new ApiProblem(problemFrom(0, null));
  }
  const body: unknown = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new ApiProblem(problemFrom(response.status, body));
  return body as T;
}
