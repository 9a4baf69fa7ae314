import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { Fault, type FaultCode } from '../domain/errors.ts';
import type { Log } from '../platform/log.ts';

/** Every problem we answer with. The code is what programs read; it and the status are part of the interface and stay. */
const PROBLEMS = {
  invalid_json: { status: 400, title: 'The body is not JSON.' },
  invalid_request: { status: 400, title: 'Something in the request is not as it should be.' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this list gave out.' },
  invalid_path: { status: 400, title: 'The address cannot be read.' },
  empty_body: { status: 400, title: 'The body is empty.' },
  malformed_delivery: { status: 400, title: 'The delivery cannot be read.' },
  aborted: { status: 400, title: 'The request ended before its body did.' },
  unauthenticated: { status: 401, title: 'A valid API key is needed.' },
  unsigned: { status: 401, title: 'The signature does not hold.' },
  forbidden: { status: 403, title: 'This may not be read from here.' },
  not_allowed: { status: 403, title: 'Your roles do not allow this.' },
  cross_site: { status: 403, title: 'The request does not come from the console.' },
  not_found: { status: 404, title: 'There is nothing here.' },
  method_not_allowed: { status: 405, title: 'This address does not know the method.' },
  not_acceptable: { status: 406, title: 'The answer is JSON, which the request does not accept.' },
  second_person: { status: 409, title: 'Another person has to publish this.' },
  draft_changed: { status: 409, title: 'The draft has changed since it was read.' },
  settings_changed: { status: 409, title: 'The settings have changed since they were read.' },
  mapping_changed: { status: 409, title: 'The mapping has changed since it was read.' },
  other_draft: { status: 409, title: 'The dry run was of another draft.' },
  other_entry: { status: 409, title: 'The id stands for another entry.' },
  referred_by_another: { status: 409, title: 'Another member referred this friend before.' },
  person_erased: { status: 409, title: 'The person was erased on request.' },
  no_program: { status: 409, title: 'The account has no program yet.' },
  awaits_nobody: { status: 409, title: 'The reward does not wait for anybody.' },
  not_possible: { status: 409, title: 'That cannot be.' },
  batch_state: { status: 409, title: 'The batch is not at that point.' },
  period_state: { status: 409, title: 'The month is not at that point.' },
  batch_waits: { status: 409, title: 'Orders wait in a batch.' },
  same_person: { status: 409, title: 'Somebody else has to do it.' },
  nothing_owed: { status: 409, title: 'Nothing is owed back.' },
  backfill_open: { status: 409, title: 'Another backfill of this connection is not over.' },
  other_refund: { status: 409, title: 'The id stands for another refund.' },
  connection_lost: { status: 409, title: 'The CRM is not connected.' },
  body_too_large: { status: 413, title: 'The body is too large.' },
  unsupported_media_type: { status: 415, title: 'The content type is not one that is read here.' },
  user_changed: { status: 409, title: 'The user has changed since they were read.' },
  last_owner: { status: 409, title: 'An account needs an owner.' },
  no_such_member: { status: 422, title: 'No such member.' },
  no_such_friend: { status: 422, title: 'No contact that could be a friend.' },
  no_such_referral: { status: 422, title: 'No such referral.' },
  no_such_reward: { status: 422, title: 'No such reward.' },
  no_such_dry_run: { status: 422, title: 'No such dry run.' },
  no_such_case: { status: 422, title: 'No such case.' },
  no_such_order: { status: 422, title: 'No such order.' },
  not_batched: { status: 422, title: 'No such provider pays in batches.' },
  no_such_provider: { status: 422, title: 'No such provider.' },
  no_such_connection: { status: 422, title: 'No such connection.' },
  nothing_to_release: { status: 422, title: 'There is nothing that could be released.' },
  self_referral: { status: 422, title: 'The member and the friend are the same person.' },
  too_many_requests: { status: 429, title: 'Too many requests.' },
  internal: { status: 500, title: 'Something went wrong on our side.' },
  misconfigured: { status: 500, title: 'Wonward is not configured correctly.' },
  sign_in_refused: { status: 401, title: 'You could not be signed in.' },
  provider_refused: { status: 409, title: 'The reward provider does not take the credentials.' },
  crm_refused: { status: 502, title: 'The CRM did not do what was asked.' },
  busy: { status: 503, title: 'Too much at once.' },
  storage: { status: 503, title: 'The database cannot do it just now.' },
  try_again: { status: 503, title: 'Not possible just now.' },
  stopping: { status: 503, title: 'The service is stopping.' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

/** Where a problem's code is explained; an identifier more than an address, as RFC 9457 has it. */
const TYPE_BASE = 'https://wonward.dev/problems/';

/** After a fault of ours or of a database, a caller that comes back at once finds it as it was. */
const RETRY_AFTER_S = 5;

export interface FieldError {
  readonly field: string;
  /** What it should be: "must be …". */
  readonly problem: string;
}

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  /** The request's reference, which the log carries too. */
  readonly ref: string;
  readonly errors?: readonly FieldError[];
}

interface ProblemOptions {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a caller is told, with the status to tell it with. Thrown by handlers; anything else that is thrown is our own mistake. */
export class HttpProblem extends Error {
  readonly code: ProblemCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` is for the caller: it says what to do, and holds nothing that the caller may not know. */
  constructor(code: ProblemCode, detail: string, { errors, headers = {} }: ProblemOptions = {}) {
    super(detail);
    this.name = 'HttpProblem';
    this.code = code;
    this.errors = errors;
    this.headers = headers;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  get title(): string {
    return PROBLEMS[this.code].title;
  }
}

export function statusOf(code: ProblemCode): number {
  return PROBLEMS[code].status;
}

export function titleOf(code: ProblemCode): string {
  return PROBLEMS[code].title;
}

type PassingCode = 'try_again' | 'busy' | 'storage';

export function tryAgain(detail: string, afterS = RETRY_AFTER_S, code: PassingCode = 'try_again'): HttpProblem {
  return new HttpProblem(code, detail, { headers: { 'Retry-After': String(afterS) } });
}

function isPassing(code: ProblemCode): code is PassingCode {
  return code === 'try_again' || code === 'busy' || code === 'storage';
}

/** What the world around us failed at, as a caller of ours should hear it. */
const FAULTS: Readonly<Record<FaultCode, ProblemCode>> = {
  storage: 'storage',
  busy: 'busy',
  crm_unavailable: 'try_again',
  crm_rate_limited: 'try_again',
  crm_locked: 'try_again',
  crm_rejected: 'crm_refused',
  crm_forbidden: 'crm_refused',
  crm_unreadable_answer: 'crm_refused',
  authorisation_revoked: 'connection_lost',
  app_misconfigured: 'misconfigured',
  payout_unavailable: 'try_again',
  payout_rejected: 'internal',
  payout_credentials: 'provider_refused',
  payout_news_unsigned: 'unsigned',
  payout_news_malformed: 'malformed_delivery',
  destination_refused: 'internal',
  mail_unavailable: 'try_again',
  sign_in_unavailable: 'try_again',
  sign_in_refused: 'sign_in_refused',
  unsealable: 'misconfigured',
  ledger_unbalanced: 'internal',
};

/** Whatever was thrown, as a problem. Nothing of an unknown error reaches the caller. */
export function problemOf(thrown: unknown): HttpProblem {
  if (thrown instanceof HttpProblem) return thrown;
  if (thrown instanceof Fault) {
    const afterMs = thrown.retry.kind === 'retry' ? thrown.retry.afterMs : undefined;
    const code = FAULTS[thrown.code];
    if (!isPassing(code)) return new HttpProblem(code, thrown.publicText);
    return tryAgain(thrown.publicText, afterMs === undefined ? RETRY_AFTER_S : Math.ceil(afterMs / 1_000), code);
  }
  // Express cannot decode a path such as "/r/%zz".
  if (thrown instanceof URIError) return new HttpProblem('invalid_path', 'Encode it as UTF-8.');
  return new HttpProblem('internal', 'The mistake was logged. Name the reference when you report it.');
}

export function refOf(response: Response): string {
  return String(response.locals.ref ?? '');
}

export function bodyOf(problem: HttpProblem, ref: string): ProblemBody {
  return {
    type: `${TYPE_BASE}${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    ref,
    ...(problem.errors ? { errors: problem.errors } : {}),
  };
}

export function sendProblem(response: Response, problem: HttpProblem): void {
  response.locals.problem = problem.code;
  response
    .status(problem.status)
    .set(problem.headers)
    .set('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(bodyOf(problem, refOf(response))));
}

/** Logs what is ours to mend, and only that: a caller's mistake is in the request line. */
export function logFault(log: Log, response: Response, thrown: unknown, problem: HttpProblem): void {
  if (problem.status >= 500) log.error({ err: thrown, ref: refOf(response), problem: problem.code }, 'request failed');
}

/** Last in the chain. `show` lets pages answer with a page. */
export function errorHandler(
  log: Log,
  show: (response: Response, problem: HttpProblem) => void = sendProblem,
): ErrorRequestHandler {
  return (thrown, _request, response, next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    if (response.headersSent) next(thrown);
    else show(response, problem);
  };
}

export const notFound: RequestHandler = () => {
  throw new HttpProblem('not_found', 'No such address.');
};

/** For `route.all` behind the methods that a route knows. */
export function onlyMethods(...methods: readonly string[]): RequestHandler {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (request, response) => {
    if (request.method === 'OPTIONS') response.status(204).set('Allow', allow).end();
    else throw new HttpProblem('method_not_allowed', `Use ${methods.join(' or ')}.`, { headers: { Allow: allow } });
  };
}
