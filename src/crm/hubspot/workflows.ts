import { z } from 'zod';
import { AUTOMATION_SCOPE } from '../../../manifests/hubspot/app.ts';
import { REFUSED } from '../../../manifests/hubspot/workflow-actions.ts';
import type {
  CallbackWord,
  CrmSession,
  CrmWorkflows,
  ReadWorkflow,
  WorkflowAnswer,
} from '../../application/ports/crm.ts';
import type { PortalApi } from './call.ts';
import { verifyWorkflowSignature } from './signature.ts';
import { PATHS } from './version.ts';
import { idSchema, parseJson } from './wire.ts';

/** HubSpot's own are under 60 characters; what is printed and kept must stay small. */
const callbackIdSchema = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 characters without spaces');
/** No action has a tenth of it. */
const INPUTS_MAX = 50;

const portalIdSchema = idSchema.pipe(z.string().regex(/^[0-9]{1,20}$/, 'must be a number'));

const originSchema = z.looseObject({ portalId: portalIdSchema });

/** Inputs and properties come as strings; an empty one is one that was left empty. Numbers and flags are taken as they are written. */
const valuesSchema = z
  .record(
    z.string(),
    z
      .union([z.string(), z.number(), z.boolean()])
      .nullish()
      .transform((value) => (value === null || value === undefined ? '' : String(value).trim())),
  )
  .refine((values) => Object.keys(values).length <= INPUTS_MAX, `must have at most ${INPUTS_MAX} entries`)
  .nullish()
  .transform((values) =>
    Object.fromEntries(Object.entries(values ?? {}).filter(([, value]) => value !== '' && !value.includes('\0'))),
  );

const callSchema = z.looseObject({
  callbackId: callbackIdSchema,
  origin: originSchema,
  context: z.looseObject({ source: z.string().max(40).optional(), workflowId: idSchema.optional() }).nullish(),
  object: z.looseObject({
    objectId: portalIdSchema,
    objectType: z.string().max(60),
    properties: valuesSchema,
  }),
  inputFields: valuesSchema,
});

const choicesSchema = z.looseObject({
  origin: originSchema,
  inputFields: z.record(z.string(), z.looseObject({ value: z.unknown() }).nullish()).nullish(),
  fetchOptions: z.looseObject({ q: z.string().max(200).nullish(), after: z.string().max(200).nullish() }).nullish(),
});

/** A map: what is sent must not reach what every object has. */
const OBJECTS: ReadonlyMap<string, 'contact' | 'deal'> = new Map([
  ['CONTACT', 'contact'],
  ['DEAL', 'deal'],
  ['0-1', 'contact'],
  ['0-3', 'deal'],
]);

export function createWorkflows(clientSecrets: readonly string[]): CrmWorkflows {
  return {
    verify: (request, now) => verifyWorkflowSignature(request, now, clientSecrets),
    parseCall(action, body) {
      const parsed = read(callSchema, body);
      if (!parsed.ok) return parsed;
      const { callbackId, origin, context, object, inputFields } = parsed.read;
      const known = OBJECTS.get(object.objectType) ?? 'other';
      const { email, firstname, lastname } = object.properties;
      const name = [firstname, lastname].filter((part) => part !== undefined).join(' ');
      return {
        ok: true,
        read: {
          provider: 'hubspot',
          externalId: origin.portalId,
          action,
          callbackId,
          askedBy: context?.workflowId === undefined ? 'workflow' : `workflow ${context.workflowId}`,
          record: { object: known, id: object.objectId },
          seen: known === 'contact' ? { name: name === '' ? null : name, email: email ?? null } : undefined,
          inputs: inputFields,
        },
      };
    },
    parseChoices(body) {
      const parsed = read(choicesSchema, body);
      if (!parsed.ok) return parsed;
      const { origin, inputFields, fetchOptions } = parsed.read;
      const chosen = Object.entries(inputFields ?? {}).flatMap(([name, field]) =>
        typeof field?.value === 'string' && field.value !== '' ? [[name, field.value] as const] : [],
      );
      return {
        ok: true,
        read: {
          externalId: origin.portalId,
          inputs: Object.fromEntries(chosen),
          search: fetchOptions?.q?.trim() ?? '',
          after: fetchOptions?.after || null,
        },
      };
    },
    answered: (answer) => ({ outputFields: outputsOf(answer) }),
  };
}

function read<T>(schema: z.ZodType<T>, body: Uint8Array): ReadWorkflow<T> {
  let json: unknown;
  try {
    json = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return { ok: false, detail: 'Send one JSON object, as UTF-8.' };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, read: parsed.data };
  const [first] = parsed.error.issues;
  // The field and what is wrong with it; never its value.
  return { ok: false, detail: `${first?.path.join('.') || 'body'}: ${first?.message ?? 'cannot be read'}` };
}

/** Answers of the use cases, by the names that the actions declare for their outputs. */
const OUTPUTS: Readonly<Record<string, string>> = {
  memberId: 'member_id',
  referralCode: 'referral_code',
  shareLink: 'share_link',
  referralId: 'referral_id',
  rewardId: 'reward_id',
  amount: 'amount',
  currency: 'currency',
  stage: 'stage',
};

const STATES = { done: 'SUCCESS', refused: 'FAIL_CONTINUE', waits: 'BLOCK' } as const;

/** All strings, as HubSpot wants them; an output that has no value is left out. */
function outputsOf({ state, code, words, result, days }: WorkflowAnswer): Record<string, string> {
  const named = Object.entries(result).flatMap(([name, value]) => {
    const output = OUTPUTS[name];
    return output === undefined || value === null ? [] : [[output, value] as const];
  });
  if (state === 'waits') return { hs_execution_state: STATES[state], hs_expiration_duration: `P${days}D` };
  return {
    ...Object.fromEntries(named),
    outcome: state === 'refused' ? REFUSED : code,
    reason: words,
    ...(state === 'refused' ? { errorCode: code.toUpperCase() } : {}),
    hs_execution_state: STATES[state],
  };
}

/** Undefined where the portal has not granted the scope. */
export function callbacksOf(api: PortalApi, scopes: readonly string[]): CrmSession['completeCallbacks'] {
  if (!scopes.includes(AUTOMATION_SCOPE)) return undefined;
  return async (words) => {
    const refusedWhole = await complete(api, words);
    if (!refusedWhole) return { unknown: new Set() };
    // HubSpot does not say which one it did not like: each is told by itself.
    if (words.length === 1) return { unknown: new Set(words.map(({ callbackId }) => callbackId)) };
    const unknown = new Set<string>();
    for (const word of words) if (await complete(api, [word])) unknown.add(word.callbackId);
    return { unknown };
  };
}

/** True when HubSpot knows none of them, or one of them not. */
async function complete(api: PortalApi, words: readonly CallbackWord[]): Promise<boolean> {
  const reply = await api.call({
    name: 'complete callbacks',
    method: 'POST',
    path: PATHS.completeCallbacks,
    json: {
      // The spec asks for typedOutputs, which the guide does not know.
      inputs: words.map(({ callbackId, answer }) => ({
        callbackId,
        outputFields: outputsOf(answer),
        typedOutputs: {},
      })),
    },
    schema: z.unknown(),
    refusals: [400, 404],
  });
  return !reply.ok;
}
