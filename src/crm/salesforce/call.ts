import type { z } from 'zod';
import type { CrmAccess } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import type { Instant } from '../../domain/time.ts';
import { type CallLog, shapeProblems } from '../answers.ts';
import type { Budget } from './budget.ts';
import { type Failure, faultOf } from './errors.ts';
import { retryDelayMs } from './retry.ts';
import type { Transport, WireAnswer, WireRequest } from './transport.ts';
import type { SalesforceError } from './wire.ts';

export interface CallDeps {
  readonly transport: Transport;
  readonly budget: Budget;
  readonly clock: () => number;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly log?: CallLog | undefined;
  /** Told of every request that left, retries included. */
  readonly onCall?: ((method: string, status: number | 'no_answer', externalId?: string) => void) | undefined;
}

export interface Call<T> extends Omit<WireRequest, 'token' | 'origin'> {
  /** What the log and a fault call it. Never contains a record's id. */
  readonly name: string;
  readonly schema: z.ZodType<T>;
  /** Statuses from 400 on that are an answer to this call and not a fault, when Salesforce itself says so in the body. */
  readonly refusals?: readonly number[];
}

export type Reply<T> =
  /** `at` is the time of the answer by Salesforce's own clock. */
  | { readonly ok: true; readonly data: T; readonly at: Instant }
  | { readonly ok: false; readonly status: number; readonly errors: readonly SalesforceError[] };

/** Talks to one org: waits for the budget, carries the token, tries again, and checks the shape of what comes. */
export interface OrgApi {
  /** Which org; a key for what is remembered of it. */
  readonly org: string;
  /** @throws Fault when there is no answer of the shape asked for. */
  call<T>(call: Call<T>): Promise<Reply<T>>;
  /** For calls that have no refusals. @throws Fault */
  data<T>(call: Omit<Call<T>, 'refusals'>): Promise<{ readonly data: T; readonly at: Instant }>;
}

export interface CallHooks {
  readonly org?: string;
  readonly token?: (rejected?: string) => Promise<string>;
  readonly pace?: CrmAccess['pace'];
  readonly callShare?: CrmAccess['callShare'];
}

/** One attempt after another until there is a reply or the policy gives up. Used with a token and (for OAuth) without. */
export async function callUntilAnswered<T>(
  deps: CallDeps,
  origin: string,
  call: Call<T>,
  { org, token: tokenOf, pace, callShare }: CallHooks = {},
): Promise<Reply<T>> {
  const { name, schema, refusals = [], ...request } = call;
  const startedAt = deps.clock();
  let token = await tokenOf?.();
  let isRenewed = false;
  const note = (attempts: number, outcome: string, level: 'debug' | 'warn') =>
    deps.log?.[level](
      { crm: 'salesforce', org, call: name, attempts, outcome, tookMs: deps.clock() - startedAt },
      'salesforce call',
    );

  for (let attempt = 1; ; attempt += 1) {
    const answered =
      org === undefined
        ? null
        : await deps.budget.take(org, { pace, share: callShare === undefined ? undefined : callShare / 100 });
    const answer = await deps.transport.send({ ...request, origin, ...(token === undefined ? {} : { token }) });
    answered?.(answer.usage);
    deps.onCall?.(request.method, statusOf(answer), org);
    let failure: Failure;
    if (answer.ok) {
      const parsed = schema.safeParse(answer.body);
      if (parsed.success) {
        note(attempt, String(answer.status), 'debug');
        return { ok: true, data: parsed.data, at: answer.at };
      }
      failure = { kind: 'unreadable', detail: `unexpected shape: ${shapeProblems(parsed.error)}`, transient: false };
    } else {
      failure = answer.failure;
    }

    if (failure.kind === 'status') {
      const { status, errors } = failure;
      // One renewal for each call: an org whose policy refuses every session would else be asked for tokens without an end.
      if (status === 401 && token !== undefined && tokenOf && !isRenewed) {
        isRenewed = true;
        const fresh = await tokenOf(token);
        if (fresh !== token) {
          token = fresh;
          // A refused session is no attempt of the policy's: it was never looked at.
          attempt -= 1;
          continue;
        }
      }
      if (errors.length > 0 && refusals.includes(status) && retryDelayMs(failure, 1, 0) === null) {
        note(attempt, String(status), 'debug');
        return { ok: false, status, errors };
      }
    }

    const delayMs = retryDelayMs(failure, attempt, deps.random());
    if (delayMs === null) {
      const fault = faultOf(name, failure);
      note(attempt, fault.code, 'warn');
      throw fault;
    }
    await deps.sleep(delayMs);
  }
}

export function createOrgApi(deps: CallDeps, access: CrmAccess): OrgApi {
  const { apiUrl, externalId } = access;
  const hooks: CallHooks = {
    org: externalId,
    token: (rejected) => access.accessToken(rejected),
    pace: access.pace,
    callShare: access.callShare,
  };
  const call: OrgApi['call'] = async (one) => {
    if (apiUrl === undefined)
      throw new Fault(
        'authorisation_revoked',
        { kind: 'reconnect' },
        'It is not known where this org is. An admin has to connect it again.',
      );
    return callUntilAnswered(deps, apiUrl, one, hooks);
  };
  return {
    org: externalId,
    call,
    async data(one) {
      const reply = await call(one);
      if (!reply.ok) throw new Error(`${one.name} has no refusals`);
      return reply;
    },
  };
}

function statusOf(answer: WireAnswer): number | 'no_answer' {
  if (answer.ok) return answer.status;
  return answer.failure.kind === 'status' ? answer.failure.status : 'no_answer';
}
