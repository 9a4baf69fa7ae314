import { z } from 'zod';

/**
 * Workflow actions as an app's project files define them, judged by the rules of HubSpot's custom action guide and of `PublicActionDefinitionEgg`
 * in its specs: what the upload would refuse is refused here, and what it might let through half-made as well.
 */

const FIELD_TYPES = [
  'bool',
  'date',
  'datetime',
  'enumeration',
  'json',
  'number',
  'object_coordinates',
  'phone_number',
  'string',
] as const;
const CONTROLS = [
  'booleancheckbox',
  'calculation_equation',
  'checkbox',
  'date',
  'file',
  'html',
  'number',
  'phonenumber',
  'radio',
  'select',
  'text',
  'textarea',
] as const;
/** "Supported object types"; without any an action is offered in no workflow of records. */
const OBJECT_TYPES = ['CONTACT', 'COMPANY', 'DEAL', 'TICKET', 'QUOTE', 'LEAD'] as const;
const STATES = ['SUCCESS', 'FAIL_CONTINUE', 'BLOCK', 'ASYNC'] as const;

const nameSchema = z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/);
const optionSchema = z.strictObject({
  value: z.string().min(1),
  label: z.string().min(1),
  description: z.string().optional(),
  displayOrder: z.int().optional(),
});
const urlSchema = z.url().refine((text) => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || hostname === '127.0.0.1' || hostname === 'localhost';
}, 'must be https');
const typeDefinitionSchema = z.strictObject({
  name: nameSchema,
  type: z.enum(FIELD_TYPES),
  fieldType: z.enum(CONTROLS).optional(),
  options: z.array(optionSchema).optional(),
  optionsUrl: urlSchema.optional(),
  description: z.string().optional(),
  label: z.string().optional(),
  helpText: z.string().optional(),
  referencedObjectType: z.literal('OWNER').optional(),
});
const wordsSchema = z.record(z.string(), z.string().min(1));
const labelsSchema = z.strictObject({
  actionName: z.string().min(1),
  actionDescription: z.string().optional(),
  actionCardContent: z.string().optional(),
  appDisplayName: z.string().optional(),
  inputFieldLabels: wordsSchema.optional(),
  inputFieldDescriptions: wordsSchema.optional(),
  inputFieldOptionLabels: z.record(z.string(), wordsSchema).optional(),
  outputFieldLabels: wordsSchema.optional(),
  executionRules: wordsSchema.optional(),
});
const definitionSchema = z.strictObject({
  actionUrl: urlSchema,
  isPublished: z.boolean(),
  supportedClients: z.array(z.strictObject({ client: z.enum(['WORKFLOWS', 'AGENTS']) })).min(1),
  objectTypes: z.array(z.enum(OBJECT_TYPES)).min(1),
  inputFields: z.array(
    z.strictObject({
      typeDefinition: typeDefinitionSchema,
      supportedValueTypes: z.array(z.enum(['STATIC_VALUE', 'OBJECT_PROPERTY'])).min(1),
      isRequired: z.boolean(),
    }),
  ),
  inputFieldDependencies: z
    .array(
      z.discriminatedUnion('dependencyType', [
        z.strictObject({
          dependencyType: z.literal('SINGLE_FIELD'),
          controllingFieldName: z.string(),
          dependentFieldNames: z.array(z.string()).min(1),
        }),
        z.strictObject({
          dependencyType: z.literal('CONDITIONAL_SINGLE_FIELD'),
          controllingFieldName: z.string(),
          controllingFieldValue: z.string(),
          dependentFieldNames: z.array(z.string()).min(1),
        }),
      ]),
    )
    .optional(),
  outputFields: z.array(z.strictObject({ typeDefinition: typeDefinitionSchema })).optional(),
  objectRequestOptions: z.strictObject({ properties: z.array(z.string().min(1)).min(1) }).optional(),
  executionRules: z
    .array(
      z.strictObject({
        labelName: z.string().min(1),
        // Strings, or several of them; the spec's "object" is not what the guide shows and the runtime compares.
        conditions: z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)])),
      }),
    )
    .optional(),
  labels: z.record(z.string().regex(/^[a-z]{2}(-[a-z]{2})?$/), labelsSchema),
});

export type ActionDefinition = z.infer<typeof definitionSchema>;

export interface UploadedAction {
  uid: string;
  /** As in the `config` of its -hsmeta.json, with the profile's variables filled in. */
  config: unknown;
}

/** @throws Error that names every problem of the definition. */
export function readActionDefinition({ uid, config }: UploadedAction): ActionDefinition {
  const parsed = definitionSchema.safeParse(config);
  if (!parsed.success) {
    throw new Error(`workflow action ${uid}: ${parsed.error.issues.map(issueText).join('; ')}`);
  }
  const problems = problemsOf(parsed.data);
  if (problems.length > 0) throw new Error(`workflow action ${uid}: ${problems.join('; ')}`);
  return parsed.data;
}

function issueText({ path, message }: { path: PropertyKey[]; message: string }): string {
  return `${path.join('.') || 'config'}: ${message}`;
}

function problemsOf(definition: ActionDefinition): string[] {
  const problems: string[] = [];
  const inputs = definition.inputFields.map(({ typeDefinition }) => typeDefinition);
  const outputs = (definition.outputFields ?? []).map(({ typeDefinition }) => typeDefinition);
  for (const [kind, fields] of [
    ['input', inputs],
    ['output', outputs],
  ] as const) {
    const names = fields.map(({ name }) => name);
    for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index)))
      problems.push(`${kind} ${name} is there twice`);
    for (const { name, type, options, optionsUrl } of fields) {
      if (name.startsWith('hs_')) problems.push(`${kind} ${name}: hs_ is HubSpot's own`);
      const isChosen = options !== undefined || optionsUrl !== undefined;
      if (type === 'enumeration' && !isChosen) problems.push(`${kind} ${name} has nothing to choose from`);
      if (type !== 'enumeration' && isChosen) problems.push(`${kind} ${name} has options and is no enumeration`);
      if (options && optionsUrl) problems.push(`${kind} ${name} has options and an optionsUrl`);
    }
  }
  const isInput = (name: string) => inputs.some((input) => input.name === name);
  for (const { controllingFieldName, dependentFieldNames } of definition.inputFieldDependencies ?? []) {
    for (const name of [controllingFieldName, ...dependentFieldNames])
      if (!isInput(name)) problems.push(`a dependency names the input ${name}, which is not there`);
    if (dependentFieldNames.includes(controllingFieldName)) problems.push(`${controllingFieldName} depends on itself`);
  }
  for (const { labelName, conditions } of definition.executionRules ?? []) {
    for (const [name, wanted] of Object.entries(conditions)) {
      const output = outputs.find((one) => one.name === name);
      if (!output) problems.push(`rule ${labelName} asks for the output ${name}, which is not there`);
      for (const value of [wanted].flat())
        if (output?.options && !output.options.some((option) => option.value === value))
          problems.push(`rule ${labelName} asks for ${value}, which ${name} cannot be`);
    }
  }
  if (!definition.labels.en) problems.push('labels.en is missing');
  for (const [language, labels] of Object.entries(definition.labels)) {
    const same = (what: string, given: object | undefined, wanted: readonly string[]) => {
      const names = Object.keys(given ?? {});
      for (const name of wanted) if (!names.includes(name)) problems.push(`labels.${language}: no ${what} of ${name}`);
      for (const name of names)
        if (!wanted.includes(name)) problems.push(`labels.${language}: ${what} of ${name}, which is not there`);
    };
    same(
      'inputFieldLabels',
      labels.inputFieldLabels,
      inputs.map(({ name }) => name),
    );
    same(
      'outputFieldLabels',
      labels.outputFieldLabels,
      outputs.map(({ name }) => name),
    );
    same('executionRules', labels.executionRules, [
      ...new Set((definition.executionRules ?? []).map(({ labelName }) => labelName)),
    ]);
    for (const name of Object.keys(labels.inputFieldDescriptions ?? {}))
      if (!isInput(name)) problems.push(`labels.${language}: description of ${name}, which is not there`);
    for (const [, name] of (labels.actionCardContent ?? '').matchAll(/\{\{\s*([^}\s]+)\s*\}\}/g))
      if (name === undefined || !isInput(name)) problems.push(`labels.${language}: the card names the input ${name}`);
  }
  return problems;
}

/** What an answer or a completed callback says. */
export interface Outputs {
  state: (typeof STATES)[number];
  /** Milliseconds that a BLOCK or ASYNC waits at most; HubSpot's default is a week. */
  expiresInMs: number;
  fields: Record<string, string>;
}

const WEEK_MS = 604_800_000;

/** @throws Error for outputs that the definition does not have, or not like that. */
export function readOutputs(definition: ActionDefinition, given: unknown): Outputs {
  const values = z.record(z.string(), z.string()).parse(given, { error: () => 'every output is a string' });
  const { hs_execution_state: state = 'SUCCESS', hs_expiration_duration: duration, ...fields } = values;
  if (!(STATES as readonly string[]).includes(state)) throw new Error(`hs_execution_state cannot be ${state}`);
  for (const [name, value] of Object.entries(fields)) {
    const output = definition.outputFields?.find(({ typeDefinition }) => typeDefinition.name === name)?.typeDefinition;
    if (!output) throw new Error(`the output ${name} is not defined`);
    if (output.options && !output.options.some((option) => option.value === value))
      throw new Error(`the output ${name} cannot be ${value}`);
    if (output.type === 'number' && !Number.isFinite(Number(value || 'x')))
      throw new Error(`the output ${name} is no number`);
  }
  return {
    state: state as Outputs['state'],
    expiresInMs: duration === undefined ? WEEK_MS : durationMs(duration),
    fields,
  };
}

/** ISO 8601 with weeks, days, hours, minutes and seconds, as `P1WT1H`. @throws Error */
function durationMs(text: string): number {
  const match = /^P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (!match) throw new Error(`hs_expiration_duration ${text} is no duration`);
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const allDays = (weeks ?? 0) * 7 + (days ?? 0);
  return (((allDays * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1_000;
}

/** The label that the workflow's history shows for these outputs, if a rule applies. */
export function ruleText({ executionRules, labels }: ActionDefinition, fields: Record<string, string>): string | null {
  const rule = (executionRules ?? []).find(({ conditions }) =>
    Object.entries(conditions).every(([name, wanted]) => [wanted].flat().includes(fields[name] ?? '')),
  );
  if (!rule) return null;
  const text = labels.en?.executionRules?.[rule.labelName] ?? rule.labelName;
  return text.replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, name: string) => fields[name] ?? '');
}
