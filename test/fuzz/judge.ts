import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';
import type { TestService } from '../http/service.ts';
import type { Schema } from './from-schema.ts';
import type { WireAnswer } from './wire.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface FuzzedOperation {
  readonly operationId: string;
  readonly method: string;
  /** With {parameters}, below /api/v1. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
}

interface RawOperation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);

/** What would tell a stranger how we are built: frames of a stack, paths of files, names of our parts. */
const INTERNALS =
  /\bat (async )?[\w.<>]+ \(|node_modules|\bfile:\/\/|\.ts:[0-9]|\/src\/|SQLITE_|sqlite3|kysely|ZodError|TypeError|\[object Object\]/;

export type Judge = Awaited<ReturnType<typeof createJudge>>;

/** The served document, and who decides whether an answer is one that it describes. Everything that is wrong comes back as words. */
export async function createJudge({ url }: Pick<TestService, 'url'>) {
  const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Document;
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(document, 'openapi');
  // What comes in may be an address in any script; the format is a remark there, the pattern is the rule.
  const ajvForBodies = new Ajv2020({ strict: false, validateFormats: false });
  ajvForBodies.addSchema(document, 'openapi');
  const compiled = new Map<string, ValidateFunction | null>();

  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => METHODS.has(method))
      .map(
        ([method, { operationId, parameters = [], requestBody }]): FuzzedOperation => ({
          operationId,
          method,
          path,
          parameters,
          body: requestBody?.content['application/json']?.schema ?? null,
        }),
      ),
  );

  function resolve(ref: string): Schema {
    const schema = document.components.schemas[ref.replace('#/components/schemas/', '')];
    if (!schema) throw new Error(`${ref} leads nowhere`);
    return schema;
  }

  function validatorAt(parts: readonly string[], by = ajv): ValidateFunction | null {
    const pointer = parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const known = compiled.get(pointer);
    if (known !== undefined) return known;
    const exists = parts.reduce<unknown>(
      (node, part) => (node as Record<string, unknown> | undefined)?.[part],
      document,
    );
    const validate = exists === undefined ? null : by.compile({ $ref: `openapi#/${pointer}` });
    compiled.set(pointer, validate);
    return validate;
  }

  const isProblem = ajv.compile({ $ref: 'openapi#/components/schemas/Problem' });

  /** Whether the document allows this body. */
  function allowsBody(operation: FuzzedOperation, body: unknown): boolean {
    const { path, method } = operation;
    const parts = ['paths', path, method, 'requestBody', 'content', 'application/json', 'schema'];
    const validate = validatorAt(parts, ajvForBodies);
    return validate?.(body) === true;
  }

  /** Holds for every answer to anybody about anything. */
  function wrongAnyway({ status, headers, body }: WireAnswer): string[] {
    const wrong: string[] = [];
    const text = body.toString('utf8');
    if (status >= 500) wrong.push(`answers ${status}`);
    if (INTERNALS.test(text)) wrong.push(`shows internals: ${INTERNALS.exec(text)?.[0]}`);
    if (headers.get('x-request-id') === null) wrong.push('has no X-Request-Id');
    if (headers.get('x-content-type-options') !== 'nosniff') wrong.push('may be sniffed');
    if (headers.get('content-security-policy') === null) wrong.push('has no Content-Security-Policy');
    for (const name of ['x-powered-by', 'server', 'access-control-allow-origin', 'location']) {
      if (headers.get(name) !== null) wrong.push(`has the header ${name}`);
    }
    // A stranger is given no cookie, only the end of one.
    const cookie = headers.get('set-cookie');
    if (cookie !== null && !cookie.includes('Expires=Thu, 01 Jan 1970')) wrong.push('sets a cookie');
    return wrong;
  }

  /** A refusal has the form that is promised, and says the same in body and head. */
  function wrongProblem({ status, headers, body }: WireAnswer): string[] {
    if (typeOf(headers) !== 'application/problem+json') return [`is ${typeOf(headers)}, not a problem`];
    const parsed = jsonOf(body);
    if (!isProblem(parsed)) return [`is no Problem: ${ajv.errorsText(isProblem.errors)}`];
    const problem = parsed as { status: number; ref: string };
    if (problem.status !== status) return [`says ${problem.status} and is ${status}`];
    if (problem.ref !== headers.get('x-request-id')) return ['bears another reference than its header'];
    return [];
  }

  /** Whether the document has this answer of this operation, to the last field. */
  function wrongFor({ path, method }: FuzzedOperation, answer: WireAnswer): string[] {
    const { status, headers, body } = answer;
    const parts = ['paths', path, method, 'responses', String(status), 'content', typeOf(headers), 'schema'];
    const validate = validatorAt(parts);
    if (!validate) return [`answers ${status} as ${typeOf(headers)}, which the document does not have`];
    return validate(jsonOf(body)) ? [] : [`answers ${status} with ${ajv.errorsText(validate.errors)}`];
  }

  return { operations, resolve, allowsBody, wrongAnyway, wrongProblem, wrongFor };
}

export function typeOf(headers: Headers): string {
  return (headers.get('content-type') ?? '').split(';')[0] ?? '';
}

export function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
