import { z } from 'zod';
import {
  type ActionDefinition,
  readActionDefinition,
  readOutputs,
  ruleText,
  type UploadedAction,
} from './action-definitions.ts';
import { HubSpotError, notFound, validationError } from './errors.ts';
import type { Faults } from './faults.ts';
import { type Call, type Route, readBody, requireInputs } from './http.ts';
import { requireObjectType } from './objects.ts';
import { type Portal, resolveRecord } from './portal.ts';
import type { Random } from './random.ts';
import { signatureHeaders } from './signature.ts';

/** Partners saw calls ended after twenty seconds; the guide gives no number. */
const CALL_TIMEOUT_MS = 20_000;
/** "5xx: retried with an exponential back-off for up to three days": from one minute doubled, that is a dozen attempts. */
const ATTEMPTS_MAX = 13;
/** The units of one delay never grow beyond this: half a day. */
const RETRY_UNITS_MAX = 720;
/** Not documented; every other batch of HubSpot takes as many. */
const COMPLETIONS_MAX = 100;
const FIRST_DEFINITION_ID = 10_646_377;
const DEFAULT_WORKFLOW = 192_814_114;

/** What an admin filled in for one input. */
export type InputValue = { type: 'STATIC_VALUE'; value: string } | { type: 'OBJECT_PROPERTY'; propertyName: string };

export interface EnrolInput {
  /** The action's uid in the project. */
  uid: string;
  objectType: string;
  objectId: string;
  inputs?: Record<string, InputValue> | undefined;
  workflowId?: number | undefined;
}

export interface ActionAttempt {
  /** Milliseconds since the epoch, also the signed time. */
  at: number;
  body: string;
  /** null: no answer. */
  status: number | null;
  answer: string;
  error?: string;
}

/**
 * `blocked`: waits for its callback · `succeeded` · `continued`: the action failed and the workflow goes on · `failed`: it failed and the record
 * leaves the workflow · `expired`: no callback came in time, and the workflow goes on.
 */
export interface Execution {
  callbackId: string;
  portalId: number;
  uid: string;
  state: 'calling' | 'waiting_for_retry' | 'blocked' | 'succeeded' | 'continued' | 'failed' | 'expired';
  outputs: Record<string, string>;
  /** What the workflow's history shows. */
  message: string | null;
  expiresAt: number | null;
  attempts: ActionAttempt[];
  /** How often it was completed, refused calls not counted. */
  completions: number;
}

export interface OptionsInput {
  uid: string;
  inputFieldName: string;
  objectTypeId?: string | undefined;
  inputs?: Record<string, InputValue> | undefined;
  q?: string | undefined;
  after?: string | undefined;
}

export interface WorkflowsDeps {
  clock: () => number;
  random: Random;
  faults: Faults;
  clientSecret: string;
  actions: readonly UploadedAction[];
  /** Unit of the retry schedule, in milliseconds. */
  retryBaseMs: number;
}

export interface Workflows {
  enrol(portal: Portal, input: EnrolInput): Execution;
  /** Calls a finished action once more under its own id, as HubSpot does when it lost the answer. */
  repeat(callbackId: string): Promise<ActionAttempt>;
  executions(portalId?: number): Execution[];
  options(portal: Portal, input: OptionsInput): Promise<{ status: number; body: unknown }>;
  routes: Route[];
  /** Which signature headers go out; both unless changed. */
  settings: { signatures: 'both' | 'v2' | 'v3' };
  /** Resolves when no action is called or waits for a retry. */
  idle(): Promise<void>;
  reset(): void;
}

const completionSchema = {
  outputFields: z.record(z.string(), z.string()),
  // Required by the published spec, whatever the guide shows.
  typedOutputs: z.record(z.string(), z.unknown()),
  failureReasonType: z.string().optional(),
  requestContext: z.unknown().optional(),
};
const singleSchema = z.strictObject(completionSchema);
const batchSchema = z.strictObject({
  inputs: z.array(z.strictObject({ callbackId: z.string().min(1), ...completionSchema })),
});

const optionsSchema = z.strictObject({
  options: z.array(
    z.strictObject({ label: z.string().min(1), value: z.string().min(1), description: z.string().optional() }),
  ),
  after: z.string().optional(),
  searchable: z.boolean().optional(),
});

/** Runs single actions of workflows: calls the app as HubSpot does, and takes its callbacks. */
export function createWorkflows(deps: WorkflowsDeps): Workflows {
  const { clock, random, faults, clientSecret } = deps;
  const actions = new Map(
    deps.actions.map((action, index) => [
      action.uid,
      { id: FIRST_DEFINITION_ID + index, definition: readActionDefinition(action) },
    ]),
  );
  const executions = new Map<string, Execution>();
  const requests = new Map<string, { url: string; body: string; definition: ActionDefinition }>();
  const timers = new Set<NodeJS.Timeout>();
  const settings: Workflows['settings'] = { signatures: 'both' };
  let calling = 0;
  let epoch = 0;
  let nextEnrolment = 56_776_413_549;
  let idlers: Array<() => void> = [];

  function actionOf(uid: string) {
    const action = actions.get(uid);
    if (!action) throw notFound({ uid: [uid] }, `The app has no workflow action ${uid}`);
    return action;
  }

  function settle(): void {
    if (calling > 0 || timers.size > 0) return;
    const waiting = idlers;
    idlers = [];
    for (const resolve of waiting) resolve();
  }

  function headersFor(url: string, rawBody: string): Record<string, string> {
    const all = signatureHeaders({
      clientSecret,
      method: 'POST',
      uri: url,
      rawBody,
      timestamp: clock(),
      older: 'v2',
    });
    return Object.fromEntries(
      Object.entries(all).filter(([name]) => {
        if (settings.signatures === 'v3') return name.endsWith('-v3') || name.endsWith('Timestamp');
        return settings.signatures === 'both' || !name.endsWith('-v3');
      }),
    );
  }

  async function post(url: string, body: string): Promise<Response> {
    return fetch(url, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', ...headersFor(url, body) },
      redirect: 'manual',
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
  }

  async function attempt(execution: Execution, isLost: boolean): Promise<{ made: ActionAttempt; retryMs?: number }> {
    const request = requests.get(execution.callbackId);
    if (!request) throw new Error('an execution without its request');
    const made: ActionAttempt = { at: clock(), body: request.body, status: null, answer: '' };
    execution.attempts.push(made);
    try {
      const response = await post(request.url, request.body);
      const text = await response.text();
      if (isLost) throw new Error('the answer was lost on its way');
      made.status = response.status;
      made.answer = text;
      const retryAfter = Number(response.headers.get('retry-after') ?? '');
      // "The value is in milliseconds": HubSpot's page on errors of custom actions.
      if (response.status === 429)
        return { made, retryMs: Number.isFinite(retryAfter) ? retryAfter : deps.retryBaseMs };
    } catch (error) {
      made.error = error instanceof Error ? error.message : String(error);
    }
    return { made };
  }

  async function call(execution: Execution): Promise<void> {
    const started = epoch;
    const effects = faults.workflow({ portalId: execution.portalId, uid: execution.uid });
    const isLost = effects.some(({ kind }) => kind === 'lose_answer');
    const copies = effects.reduce((sum, effect) => sum + (effect.kind === 'duplicate' ? effect.copies : 0), 0);
    execution.state = 'calling';
    calling += 1;
    try {
      const [first] = await Promise.all(
        Array.from({ length: copies + 1 }, (_, index) => attempt(execution, index === 0 && isLost)),
      );
      if (started === epoch && first) take(execution, first.made, first.retryMs);
    } finally {
      calling -= 1;
      settle();
    }
  }

  function take(execution: Execution, { status, answer, error }: ActionAttempt, retryMs: number | undefined): void {
    if (status !== null && status >= 200 && status < 300) {
      accept(execution, answer);
      return;
    }
    const isForEver = status !== null && status < 500 && status !== 429;
    if (isForEver || execution.attempts.length >= ATTEMPTS_MAX) {
      execution.state = 'failed';
      execution.message = error ?? `The app answered ${status}`;
      return;
    }
    const units = Math.min(2 ** (execution.attempts.length - 1), RETRY_UNITS_MAX);
    execution.state = 'waiting_for_retry';
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        void call(execution);
      },
      retryMs ?? units * deps.retryBaseMs,
    );
    timers.add(timer);
  }

  function accept(execution: Execution, answer: string): void {
    try {
      const body = z.looseObject({ outputFields: z.unknown() }).parse(JSON.parse(answer));
      finish(execution, body.outputFields);
    } catch (error) {
      execution.state = 'failed';
      execution.message = error instanceof Error ? error.message : String(error);
    }
  }

  function finish(execution: Execution, given: unknown): void {
    const { definition } = actionOf(execution.uid);
    const { state, expiresInMs, fields } = readOutputs(definition, given);
    execution.outputs = fields;
    execution.message = ruleText(definition, fields);
    if (state === 'BLOCK' || state === 'ASYNC') {
      execution.state = 'blocked';
      execution.expiresAt = clock() + expiresInMs;
      return;
    }
    execution.expiresAt = null;
    execution.state = state === 'SUCCESS' ? 'succeeded' : 'continued';
  }

  /** Time alone ends a wait. */
  function asOfNow(execution: Execution): Execution {
    if (execution.state === 'blocked' && execution.expiresAt !== null && execution.expiresAt <= clock())
      execution.state = 'expired';
    return execution;
  }

  function filledIn(portal: Portal, input: EnrolInput, name: string, value: InputValue): string | undefined {
    const { definition } = actionOf(input.uid);
    const field = definition.inputFields.find(({ typeDefinition }) => typeDefinition.name === name);
    if (!field) throw validationError(`The action has no input ${name}`);
    if (!field.supportedValueTypes.includes(value.type))
      throw validationError(`The input ${name} cannot be a ${value.type}`);
    const type = requireObjectType(input.objectType);
    const given =
      value.type === 'STATIC_VALUE'
        ? value.value
        : resolveRecord(portal, type.typeId, input.objectId)?.properties.get(value.propertyName);
    const { options } = field.typeDefinition;
    if (given && options && !options.some((option) => option.value === given))
      throw validationError(`The input ${name} cannot be ${given}`);
    return given;
  }

  function complete(portal: Portal, given: readonly { callbackId: string; outputFields: Record<string, string> }[]) {
    // All or nothing: the documentation names no answer for a part of them.
    const found = given.map(({ callbackId, outputFields }) => {
      const known = executions.get(callbackId);
      const execution = known && asOfNow(known);
      if (execution?.portalId !== portal.id || execution.state !== 'blocked')
        throw notFound({ callbackId: [callbackId] }, 'No blocked execution of this id');
      const { definition } = actionOf(execution.uid);
      try {
        const { state } = readOutputs(definition, outputFields);
        if (state === 'BLOCK' || state === 'ASYNC') throw new Error(`a callback cannot end in ${state}`);
      } catch (error) {
        throw validationError(error instanceof Error ? error.message : String(error));
      }
      return { execution, outputFields };
    });
    for (const { execution, outputFields } of found) {
      execution.completions += 1;
      finish(execution, outputFields);
    }
  }

  const scopes = () => [['automation']];
  const routes: Route[] = [
    {
      method: 'POST',
      path: '/automation/actions/callbacks/2026-03/complete',
      scopes,
      handle({ portal, body }: Call) {
        const { inputs } = readBody(batchSchema, body);
        requireInputs(inputs, COMPLETIONS_MAX);
        complete(portal, inputs);
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/automation/actions/callbacks/2026-03/:callbackId/complete',
      scopes,
      handle({ portal, params, body }: Call) {
        const { outputFields } = readBody(singleSchema, body);
        complete(portal, [{ callbackId: params.callbackId ?? '', outputFields }]);
        return { status: 204 };
      },
    },
  ];

  return {
    routes,
    settings,
    /** Also in a portal that has uninstalled the app: workflows that were built keep on calling. */
    enrol(portal, input) {
      const { id, definition } = actionOf(input.uid);
      const type = requireObjectType(input.objectType);
      const objectType = type.singular.toUpperCase();
      if (!definition.isPublished) throw validationError(`${input.uid} is not published`);
      if (!(definition.objectTypes as readonly string[]).includes(objectType))
        throw validationError(`${input.uid} is not for ${objectType}`);
      const record = resolveRecord(portal, type.typeId, input.objectId);
      if (!record || record.archived) throw notFound({ id: [input.objectId] }, `No ${type.singular} ${input.objectId}`);
      const inputFields: Record<string, string> = {};
      for (const [name, value] of Object.entries(input.inputs ?? {})) {
        const given = filledIn(portal, input, name, value);
        if (given !== undefined) inputFields[name] = given;
      }
      for (const { typeDefinition, isRequired } of definition.inputFields)
        if (isRequired && !inputFields[typeDefinition.name])
          throw validationError(`The input ${typeDefinition.name} is required`);
      const workflowId = input.workflowId ?? DEFAULT_WORKFLOW;
      nextEnrolment += 1 + Math.floor(random.next() * 100);
      const callbackId = `ap-${portal.id}-${nextEnrolment}-7-0`;
      const requested = definition.objectRequestOptions?.properties ?? [];
      const body = JSON.stringify({
        callbackId,
        origin: {
          portalId: portal.id,
          actionDefinitionId: id,
          actionDefinitionVersion: 1,
          extensionDefinitionId: id,
          extensionDefinitionVersionId: 1,
        },
        context: { source: 'WORKFLOWS', workflowId },
        object: {
          objectId: Number(record.id),
          objectType,
          properties: Object.fromEntries(
            requested.flatMap((name) => {
              const value = record.properties.get(name);
              return value === undefined ? [] : [[name, value]];
            }),
          ),
        },
        inputFields,
      });
      const execution: Execution = {
        callbackId,
        portalId: portal.id,
        uid: input.uid,
        state: 'calling',
        outputs: {},
        message: null,
        expiresAt: null,
        attempts: [],
        completions: 0,
      };
      executions.set(callbackId, execution);
      requests.set(callbackId, { url: definition.actionUrl, body, definition });
      void call(execution);
      return execution;
    },
    async repeat(callbackId) {
      const execution = executions.get(callbackId);
      if (!execution) throw notFound({ callbackId: [callbackId] });
      return (await attempt(execution, false)).made;
    },
    executions: (portalId) =>
      [...executions.values()].filter((one) => portalId === undefined || one.portalId === portalId).map(asOfNow),
    async options(portal, { uid, inputFieldName, objectTypeId = '0-1', inputs = {}, q, after }) {
      const { id, definition } = actionOf(uid);
      const field = definition.inputFields.find(({ typeDefinition }) => typeDefinition.name === inputFieldName);
      const url = field?.typeDefinition.optionsUrl;
      if (url === undefined) throw validationError(`The input ${inputFieldName} has no optionsUrl`);
      const response = await post(
        url,
        JSON.stringify({
          origin: { portalId: portal.id, actionDefinitionId: id, actionDefinitionVersion: 1 },
          objectTypeId,
          inputFieldName,
          inputFields: inputs,
          fetchOptions: { ...(q === undefined ? {} : { q }), ...(after === undefined ? {} : { after }) },
        }),
      );
      const body: unknown = await response.json();
      if (response.status === 200) {
        const parsed = optionsSchema.safeParse(body);
        if (!parsed.success)
          throw new HubSpotError(502, { message: 'The options cannot be read', category: 'BAD_GATEWAY' });
      }
      return { status: response.status, body };
    },
    idle: () =>
      calling === 0 && timers.size === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(() => resolve())),
    reset() {
      epoch += 1;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      executions.clear();
      requests.clear();
      settings.signatures = 'both';
      settle();
    },
  };
}
