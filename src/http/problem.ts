import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { Fault, type FaultCode } from '../domain/errors.ts';
import type { Log } from '../platform/log.ts';
import { inLanguageOf } from './language/language.ts';
import { type ProblemCode, statusOf, titleOf } from './problem-codes.ts';

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
    return statusOf(this.code);
  }

  get title(): string {
    return titleOf(this.code);
  }
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
    .send(JSON.stringify(inLanguageOf(response, bodyOf(problem, refOf(response)))));
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
