import type { z } from 'zod';
import type { CrmAccess } from '../../application/ports/crm.ts';
import type { Instant } from '../../domain/time.ts';
import { type CallLog, shapeProblems } from '../answers.ts';
import type { Budget, Lane } from './budget.ts';
import { type Failure, faultOf } from './errors.ts';
import { decideRetry } from './retry.ts';
import type { Transport, WireAnswer, WireRequest } from './transport.ts';
import type { HubSpotError } from './wire.ts';

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

export interface Call<T> extends Omit<WireRequest, 'token'> {
  /** What the log and a fault call it. Never contains a record's id. */
  readonly name: string;
  readonly schema: z.ZodType<T>;
  readonly lane?: Lane;
  /** Asked a single time when nobody knows what became of it: asked again, it would be done twice. */
  readonly isOnce?: true;
  /** Statuses from 400 on that are an answer to this call and not a fault, when HubSpot itself says so in the body. */
  readonly refusals?: readonly number[];
}

export type Reply<T> =
  /** `at` is the time of the answer by HubSpot's own clock. */
  | { readonly ok: true; readonly status: number; readonly data: T; readonly at: Instant }
  | { readonly ok: false; readonly status: number; readonly error: HubSpotError };

/** Talks to one portal: waits for the budget, carries the token, tries again, and checks the shape of what comes. */
export interface PortalApi {
  /** @throws Fault when there is no answer of the shape asked for. */
  call<T>(call: Call<T>): Promise<Reply<T>>;
  /** For calls that have no refusals. @throws Fault */
  data<T>(call: Omit<Call<T>, 'refusals'>): Promise<T>;
  /** The same, with the time of the answer by HubSpot's own clock. @throws Fault */
  timed<T>(call: Omit<Call<T>, 'refusals'>): Promise<{ readonly data: T; readonly at: Instant }>;
}

/** One attempt after another until there is a reply or `decideRetry` gives up. Used with a token and (for OAuth) without. */
export async function callUntilAnswered<T>(
  deps: CallDeps,
  call: Call<T>,
  hooks: {
    readonly portal?: string;
    readonly pace?: CrmAccess['pace'];
    readonly token?: () => Promise<string>;
    readonly renewedToken?: (rejected: string) => Promise<string>;
  } = {},
): Promise<Reply<T>> {
  const { portal } = hooks;
  const lane = call.lane ?? 'general';
  const startedAt = deps.clock();
  let token = await hooks.token?.();
  let renewed = false;
  const note = (attempts: number, outcome: string, level: 'debug' | 'warn') =>
    deps.log?.[level](
      { crm: 'hubspot', portal, call: call.name, attempts, outcome, tookMs: deps.clock() - startedAt },
      'hubspot call',
    );

  for (let attempt = 1; ; attempt += 1) {
    const { name: _name, schema: _schema, lane: _lane, refusals: _refusals, isOnce: _isOnce, ...request } = call;
    const answered = portal === undefined ? null : await deps.budget.take(portal, lane, hooks.pace);
    const answer = await deps.transport.send(token === undefined ? request : { ...request, token });
    answered?.();
    deps.onCall?.(call.method, statusOf(answer), portal);
    let failure: Failure;
    if (answer.ok) {
      const parsed = call.schema.safeParse(answer.body);
      if (parsed.success) {
        note(attempt, String(answer.status), 'debug');
        return { ok: true, status: answer.status, data: parsed.data, at: answer.at };
      }
      failure = { kind: 'unreadable', detail: `unexpected shape: ${shapeProblems(parsed.error)}`, transient: false };
    } else {
      failure = answer.failure;
    }

    if (failure.kind === 'status') {
      const { status, error } = failure;
      if (error !== null && call.refusals?.includes(status)) {
        note(attempt, String(status), 'debug');
        return { ok: false, status, error };
      }
      if (status === 401 && token !== undefined && hooks.renewedToken && !renewed) {
        renewed = true;
        const fresh = await hooks.renewedToken(token);
        if (fresh !== token) {
          token = fresh;
          // A refused token is no attempt of the policy's: it was never looked at.
          attempt -= 1;
          continue;
        }
      }
    }

    const decision = decideRetry(failure, attempt, deps.random());
    if (!decision.again || (call.isOnce && isUnsure(failure))) {
      const fault = faultOf(call.name, failure, decision.again ? null : decision.afterMs);
      note(attempt, fault.code, 'warn');
      throw fault;
    }
    if (portal !== undefined && failure.kind === 'status' && failure.status === 429) {
      deps.budget.pause(portal, lane, decision.delayMs);
    }
    await deps.sleep(decision.delayMs);
  }
}

export function createPortalApi(deps: CallDeps, access: CrmAccess): PortalApi {
  const hooks = {
    portal: access.externalId,
    pace: access.pace,
    token: () => access.accessToken(),
    renewedToken: (rejected: string) => access.accessToken(rejected),
  };
  const timed: PortalApi['timed'] = async (call) => {
    const reply = await callUntilAnswered(deps, call, hooks);
    if (!reply.ok) throw new Error(`${call.name} has no refusals`);
    return reply;
  };
  return {
    call: (call) => callUntilAnswered(deps, call, hooks),
    data: async (call) => (await timed(call)).data,
    timed,
  };
}

/** Whether HubSpot may have done what it was asked, though it did not say so. */
function isUnsure(failure: Failure): boolean {
  return failure.kind !== 'status' || failure.status >= 500 || failure.status === 408 || failure.error === null;
}

function statusOf(answer: WireAnswer): number | 'no_answer' {
  if (answer.ok) return answer.status;
  return answer.failure.kind === 'status' ? answer.failure.status : 'no_answer';
}
