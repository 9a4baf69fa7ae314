import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';

const CONTRACTS = new URL('../../contracts/', import.meta.url);

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
addFormats.default(ajv);

/** What is wrong with an answer by a contract, one sentence each. @param schema below contracts/ */
export function contractJudge(schema: string): (body: unknown) => readonly string[] {
  const validate = ajv.compile(JSON.parse(readFileSync(new URL(schema, CONTRACTS), 'utf8')) as object);
  return (body) => {
    if (validate(body)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
    );
  };
}

/** The examples of a contract, by name. */
export function examplesOf<T>(contract: string): Readonly<Record<string, T>> {
  const folder = new URL(`${contract}/examples/`, CONTRACTS);
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return Object.fromEntries(
    files.map((file) => [file.replace(/\.json$/, ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as T]),
  );
}
