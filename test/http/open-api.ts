import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';
import { expect } from 'vitest';
import type { TestService } from './service.ts';

export interface Documented {
  readonly operationId: string;
  readonly method: string;
  /** With {parameters}. */
  readonly path: string;
  readonly statuses: readonly string[];
}

interface Document {
  readonly paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
}

/** The served document, and a judge of answers by it. */
export async function readOpenApi({ url }: TestService) {
  const response = await fetch(`${url}/api/v1/openapi.json`);
  expect(response.status).toBe(200);
  const document = (await response.json()) as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'openapi');
  const compiled = new Map<string, ValidateFunction>();

  const operations: Documented[] = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, responses }]) => ({
      operationId,
      method,
      path,
      statuses: Object.keys(responses),
    })),
  );

  /** Fails unless the document describes this answer: its status, its content type and its whole body. Returns the body. */
  async function judge<T>(operationId: string, answer: Response): Promise<T> {
    const operation = operations.find((candidate) => candidate.operationId === operationId);
    if (!operation) throw new Error(`${operationId} is not documented`);
    const { method, path } = operation;
    const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
    const parts = ['paths', path, method, 'responses', String(answer.status), 'content', type, 'schema'];
    const pointer = parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `openapi#/${pointer}` });
    compiled.set(pointer, validate);
    const body = await answer.json();
    validate(body);
    expect({ operationId, status: answer.status, errors: validate.errors ?? [] }).toEqual({
      operationId,
      status: answer.status,
      errors: [],
    });
    return body as T;
  }

  return { document, operations, judge };
}
