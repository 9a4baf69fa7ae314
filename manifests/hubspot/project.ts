import type { HubspotManifest, Words, WorkflowActionDeclaration, WorkflowField } from './manifest-type.ts';
import { REFUSED } from './workflow-actions.ts';

/** A profile variable: HubSpot fills it from src/hsprofile.<name>.json at upload, cards read it from context.variables. */
export const PUBLIC_URL_VARIABLE = 'API';

const PUBLIC_URL = `\${${PUBLIC_URL_VARIABLE}}`;

/** HubSpot's files, by path below extensions/hubspot, as text. */
export function hubspotProjectFiles(manifest: HubspotManifest): ReadonlyMap<string, string> {
  const src = manifest.project.srcDir;
  const files = new Map<string, unknown>([
    ['hsproject.json', { name: manifest.project.name, srcDir: src, platformVersion: manifest.platformVersion }],
    // Named "example" and not a real profile: the account id and the URL are the operator's.
    [
      `${src}/hsprofile.example.json`,
      { accountId: 1, variables: { [PUBLIC_URL_VARIABLE]: 'https://wonward.example.com' } },
    ],
    [`${src}/app/app-hsmeta.json`, appMeta(manifest)],
    [`${src}/app/webhooks/webhooks-hsmeta.json`, webhooksMeta(manifest)],
  ]);
  for (const card of manifest.cards) {
    const { uid, name, description, location, entry, objectTypes } = card;
    files.set(`${src}/app/cards/${entry.replace(/\.tsx$/, '')}-hsmeta.json`, {
      uid,
      type: 'card',
      config: { name, description, location, entrypoint: `/app/cards/${entry}`, objectTypes },
    });
  }
  for (const { name, uid, config } of uploadedActions(manifest, PUBLIC_URL))
    files.set(`${src}/app/workflow-actions/${name}-hsmeta.json`, { uid, type: 'workflow-action', config });
  for (const { uid, type, folder, entry } of [manifest.pages, manifest.settings]) {
    files.set(`${src}/app/${folder}/${folder}-hsmeta.json`, {
      uid,
      type,
      config: { entrypoint: `/app/${folder}/${entry}` },
    });
  }
  for (const { uid, ...config } of manifest.appEvents)
    files.set(`${src}/app/app-events/${uid.replaceAll('_', '-')}-hsmeta.json`, { uid, type: 'app-event', config });
  return new Map([...files].map(([path, value]) => [path, `${formatJson(value)}\n`]));
}

function appMeta({ app, oauth }: HubspotManifest): unknown {
  return {
    uid: app.uid,
    type: 'app',
    config: {
      name: app.name,
      description: app.description,
      distribution: 'marketplace',
      auth: {
        type: 'oauth',
        redirectUrls: [`${PUBLIC_URL}${oauth.redirectPath}`],
        requiredScopes: oauth.requiredScopes,
        optionalScopes: oauth.optionalScopes,
        conditionallyRequiredScopes: [],
      },
      permittedUrls: { fetch: [PUBLIC_URL], iframe: [], img: [PUBLIC_URL] },
      support: app.support,
    },
  };
}

function webhooksMeta({ webhooks }: HubspotManifest): unknown {
  // HubSpot's template has `active: false`; uploaded like that no webhook is ever sent.
  return {
    uid: webhooks.uid,
    type: 'webhooks',
    config: {
      settings: { targetUrl: `${PUBLIC_URL}${webhooks.path}`, maxConcurrentRequests: webhooks.maxConcurrentRequests },
      subscriptions: {
        crmObjects: webhooks.crmObjects.map((subscription) => ({ ...subscription, active: true })),
        legacyCrmObjects: [],
        hubEvents: webhooks.hubEvents.map((subscription) => ({ ...subscription, active: true })),
      },
    },
  };
}

const LANGUAGES = ['en', 'de'] as const;

/** The workflow actions at a public URL, as HubSpot has them after an upload. */
export function uploadedActions(manifest: HubspotManifest, publicUrl: string) {
  return manifest.workflowActions.actions.map((action) => ({
    name: action.name,
    uid: `wonward_${action.name.replaceAll('-', '_')}`,
    config: workflowActionConfig(manifest, action, publicUrl),
  }));
}

/** The definition of a workflow action with its addresses, as HubSpot's project files have it. */
function workflowActionConfig(
  { workflowActions }: HubspotManifest,
  action: WorkflowActionDeclaration,
  publicUrl: string,
): Readonly<Record<string, unknown>> {
  const { name, objectTypes, inputs, outputs, dependencies, properties, refusals } = action;
  const choicesUrl = (list: string) => `${publicUrl}${workflowActions.choicesPath}/${list}`;
  return {
    actionUrl: `${publicUrl}${workflowActions.path}/${name}`,
    isPublished: true,
    supportedClients: [{ client: 'WORKFLOWS' }],
    objectTypes,
    inputFields: inputs.map((input) => ({
      typeDefinition: typeDefinition(input, choicesUrl),
      supportedValueTypes: ['STATIC_VALUE', ...(input.fromProperty ? ['OBJECT_PROPERTY'] : [])],
      isRequired: input.isRequired ?? false,
    })),
    inputFieldDependencies: dependencies.map(({ on, of }) => ({
      dependencyType: 'SINGLE_FIELD',
      controllingFieldName: on,
      dependentFieldNames: of,
    })),
    outputFields: outputs.map((output) => ({ typeDefinition: typeDefinition(output, choicesUrl) })),
    ...(properties.length > 0 ? { objectRequestOptions: { properties } } : {}),
    executionRules: [
      ...Object.keys(refusals).map((code) => ({ labelName: code, conditions: { errorCode: code.toUpperCase() } })),
      ...outcomesOf(action).map(({ value }) => ({ labelName: `outcome_${value}`, conditions: { outcome: value } })),
    ],
    labels: Object.fromEntries(LANGUAGES.map((language) => [language, labelsOf(action, language)])),
  };
}

function typeDefinition(field: WorkflowField, choicesUrl: (list: string) => string): unknown {
  const { name, type, fieldType, options, choices } = field;
  return {
    name,
    type,
    fieldType,
    ...(options
      ? { options: options.map(({ value, label }, displayOrder) => ({ value, label: label.en, displayOrder })) }
      : {}),
    ...(choices ? { optionsUrl: choicesUrl(choices) } : {}),
  };
}

function outcomesOf({ outputs }: WorkflowActionDeclaration) {
  const all = outputs.find(({ name }) => name === 'outcome')?.options ?? [];
  // A refusal has a rule of its own, which says more.
  return all.filter(({ value }) => value !== REFUSED);
}

function labelsOf(action: WorkflowActionDeclaration, language: (typeof LANGUAGES)[number]): unknown {
  const { label, description, cardContent, inputs, outputs, refusals } = action;
  const of = (text: Words) => text[language];
  const withOptions = inputs.filter(({ options }) => options !== undefined);
  const described = inputs.filter((input) => input.description !== undefined);
  return {
    actionName: of(label),
    actionDescription: of(description),
    actionCardContent: of(cardContent),
    inputFieldLabels: Object.fromEntries(inputs.map((input) => [input.name, of(input.label)])),
    ...(described.length > 0
      ? {
          inputFieldDescriptions: Object.fromEntries(
            described.flatMap((input) => (input.description ? [[input.name, of(input.description)]] : [])),
          ),
        }
      : {}),
    ...(withOptions.length > 0
      ? {
          inputFieldOptionLabels: Object.fromEntries(
            withOptions.map((input) => [
              input.name,
              Object.fromEntries((input.options ?? []).map((option) => [option.value, of(option.label)])),
            ]),
          ),
        }
      : {}),
    outputFieldLabels: Object.fromEntries(outputs.map((output) => [output.name, of(output.label)])),
    executionRules: Object.fromEntries([
      ...Object.entries(refusals).map(([code, text]) => [code, of(text)]),
      ...outcomesOf(action).map((option) => [`outcome_${option.value}`, of(option.label)]),
    ]),
  };
}

const LINE_WIDTH = 120;

/** JSON as our formatter writes it, so that a generated file is also a formatted one: short lists of scalars stay on a line. */
export function formatJson(value: unknown, indent = '', used = 0): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const line = `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
    const scalars = value.every((item) => item === null || typeof item !== 'object');
    if (scalars && used + line.length < LINE_WIDTH) return line;
    return `[\n${value.map((item) => `${inner}${formatJson(item, inner, inner.length)}`).join(',\n')}\n${indent}]`;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value);
    if (entries.length === 0) return '{}';
    const lines = entries.map(([key, item]) => {
      const start = `${inner}${JSON.stringify(key)}: `;
      return `${start}${formatJson(item, inner, start.length)}`;
    });
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  return JSON.stringify(value);
}
