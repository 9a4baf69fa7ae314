import { type ErrorRequestHandler, type Request, type RequestHandler, Router } from 'express';
import type { CrmConnector, CrmWorkflows, ReadWorkflow } from '../application/ports/crm.ts';
import type { RunWorkflowAction } from '../application/workflow-actions.ts';
import type { ListChoices } from '../application/workflow-choices.ts';
import { Fault } from '../domain/errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { callerOf, type Limits } from './limits.ts';
import { answeredInTime } from './overload.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, sendProblem } from './problem.ts';
import { publicUrlOf } from './public-url.ts';
import { readRawJson } from './raw-body.ts';
import { SIGNATURE_PROBLEMS } from './webhooks.ts';

const PROVIDER = 'hubspot';

/** A record's properties and what an admin typed; HubSpot's longest text has 64 kB. */
const BODY_BYTES_MAX = 262_144;

/**
 * HubSpot documents no limit; partners saw calls ended after twenty seconds. What takes longer is answered with 503 in time, goes on, and is
 * found done when HubSpot comes again.
 */
const ANSWER_TIMEOUT_MS = 15_000;
const WAITED_MAX_MS = 10_000;

export interface HubSpotActionDeps {
  readonly publicUrl: string;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  readonly limits: Limits;
  readonly connectors: ReadonlyMap<string, Pick<CrmConnector, 'inbound' | 'workflows'>>;
  readonly runWorkflowAction: RunWorkflowAction;
  readonly listChoices: ListChoices;
}

/**
 * What HubSpot's workflows ask of Wonward. The portal that HubSpot has signed says whose data it is, and nothing else does. HubSpot takes 4xx
 * for "failed for ever" and comes again after 429 and 5xx, for three days; so what cannot be done is an answer with 200 that a workflow can
 * branch by, and only what may be otherwise later is an error.
 */
export function hubspotActions(deps: HubSpotActionDeps): Router {
  const { publicUrl, log, clock, limits, connectors, listChoices } = deps;
  const run = answeredInTime(deps.runWorkflowAction, { timeoutMs: ANSWER_TIMEOUT_MS, waitedMaxMs: WAITED_MAX_MS });

  async function signedBody(request: Request): Promise<{ workflows: CrmWorkflows; body: Uint8Array }> {
    const workflows = connectors.get(PROVIDER)?.workflows;
    if (!workflows) throw new HttpProblem('not_found', 'HubSpot is not configured here.');
    const body = await readRawJson(request, BODY_BYTES_MAX);
    const url = publicUrlOf(publicUrl, request);
    const verdict = workflows.verify({ method: request.method, url, headers: request.headers, body }, clock.now());
    if (verdict.ok) return { workflows, body };
    const tooMany = await limits.unsigned.take(callerOf(request));
    throw tooMany ?? new HttpProblem('unsigned', SIGNATURE_PROBLEMS[verdict.problem]);
  }

  /** One portal that enrols a hundred thousand contacts must not slow the others; HubSpot waits as long as it is told. */
  async function admit(portal: string): Promise<void> {
    const tooMany = await limits.workflowCalls.take(portal);
    if (tooMany) throw tooMany;
  }

  const act: RequestHandler = async (request, response) => {
    const { workflows, body } = await signedBody(request);
    const call = readOr400(workflows.parseCall(String(request.params.action).replaceAll('-', '_'), body));
    await admit(call.externalId);
    const { accountId, ...answer } = await run(call);
    response.locals.account = accountId;
    if (answer.state === 'refused') response.locals.problem = answer.code;
    response.status(200).json(workflows.answered(answer));
  };

  const choose: RequestHandler = async (request, response) => {
    const { workflows, body } = await signedBody(request);
    const asked = readOr400(workflows.parseChoices(body));
    await admit(asked.externalId);
    const page = await listChoices(PROVIDER, String(request.params.list), asked);
    if (page === null) throw new HttpProblem('not_found', 'There is no such list.');
    response.status(200).json({
      options: page.choices,
      ...(page.next === null ? {} : { after: page.next }),
      searchable: true,
    });
  };

  /** Too much at once is 429, so that HubSpot waits for as long as it is told; it reads Retry-After in milliseconds. */
  const failed: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    sendProblem(response, forWorkflows(thrown, problem));
  };

  const noStore: RequestHandler = (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  };

  const router = Router();
  router.route('/hubspot/actions/options/:list').post(noStore, choose, failed).all(onlyMethods('POST'));
  router.route('/hubspot/actions/:action').post(noStore, act, failed).all(onlyMethods('POST'));
  return router;
}

function readOr400<T>(result: ReadWorkflow<T>): T {
  if (result.ok) return result.read;
  throw new HttpProblem('malformed_delivery', result.detail);
}

function forWorkflows(thrown: unknown, problem: HttpProblem): HttpProblem {
  const isTooMuch = problem.code === 'busy' || (thrown instanceof Fault && thrown.code === 'crm_rate_limited');
  const seconds = Number(problem.headers['Retry-After']);
  const headers = Number.isFinite(seconds) ? { ...problem.headers, 'Retry-After': String(seconds * 1_000) } : {};
  return new HttpProblem(isTooMuch ? 'too_many_requests' : problem.code, problem.message, { headers });
}
