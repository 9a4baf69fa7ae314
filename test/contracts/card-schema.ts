import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';

const SCHEMA = new URL('../../contracts/hubspot-card/card.schema.json', import.meta.url);

/** What is wrong with a card answer by the contract, one sentence each; the service's own tests use it too. */
export function cardContractViolations(body: unknown, definition = 'CardResponse'): readonly string[] {
  const validate = definition === 'CardResponse' ? contact : ajv.getSchema(`${schema.$id}#/$defs/${definition}`);
  if (!validate) return [`the contract has no ${definition}`];
  if (validate(body)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
  );
}

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
addFormats.default(ajv);
const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as { readonly $id: string };
const contact = ajv.compile(schema);
