import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import type { z } from 'zod';
import { type ProblemCode, statusOf, titleOf } from '../problem-codes.ts';
import type { Operation } from './operation.ts';
import { problemSchema } from './schemas.ts';
import { webhookDocuments } from './webhook-events.ts';

export const API_PATH = '/api/v1';

const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';

/** What every operation may answer, and what those that take something may answer beside. */
const ALWAYS: readonly ProblemCode[] = [
  'unauthenticated',
  'not_allowed',
  'cross_site',
  'not_acceptable',
  'too_many_requests',
  'internal',
  'busy',
  'storage',
];
const WITH_INPUT: readonly ProblemCode[] = ['invalid_request'];
const WITH_BODY: readonly ProblemCode[] = [
  'empty_body',
  'invalid_json',
  'aborted',
  'body_too_large',
  'unsupported_media_type',
];

const INTRODUCTION = `
What Wonward knows and does, for programs. Every call carries an API key of one account and sees that account only.

- Amounts are decimal text with an ISO 4217 currency, never floating-point numbers. Times are ISO 8601 in UTC.
- Lists are paged by \`limit\` and \`cursor\`; hand \`nextCursor\` back as it came.
- Whatever is not known is refused: an unknown field or parameter is an error, not ignored.
- Problems are \`application/problem+json\` (RFC 9457) with a stable \`code\`; every answer carries its reference in \`X-Request-Id\`.
- Creating what exists returns what exists. There is no \`Idempotency-Key\`: repeating a call is safe without one.
`.trim();

/** The OpenAPI 3.1 document of the operations, made from the schemas that check requests. */
export function openApiDocument(operations: readonly Operation[], publicUrl: string) {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key of an account: `npm run cli -- key create <account>`.',
  });
  for (const operation of operations) registry.registerPath(routeOf(operation));
  for (const { type, summary, description, body } of webhookDocuments()) {
    registry.registerWebhook({
      path: type,
      method: 'post',
      tags: ['Webhooks'],
      summary,
      description,
      security: [],
      request: { body: { required: true, content: { [JSON_TYPE]: { schema: body } } } },
      responses: { 204: { description: 'It was taken. Any other 2xx says the same; everything else is tried again.' } },
    });
  }
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Wonward API',
      version: '1',
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `${publicUrl}${API_PATH}` }],
    security: [{ apiKey: [] }],
  });
}

function routeOf(operation: Operation): RouteConfig {
  const { id, tag, method, path, summary, description, params, query, body, statuses, answer } = operation;
  return {
    operationId: id,
    tags: [tag],
    method,
    path,
    summary,
    ...(description === undefined ? {} : { description }),
    request: {
      ...(params ? { params: params as z.ZodObject } : {}),
      ...(query ? { query: query as z.ZodObject } : {}),
      ...(body ? { body: { required: true, content: { [JSON_TYPE]: { schema: body } } } } : {}),
    },
    responses: {
      ...Object.fromEntries(
        Object.entries(statuses).map(([status, text]) => [
          status,
          { description: text, content: { [JSON_TYPE]: { schema: answer } } },
        ]),
      ),
      ...problemResponses(operation),
    },
  };
}

/** One response per status, naming every code that can come with it. */
function problemResponses({ params, query, body, problems }: Operation): RouteConfig['responses'] {
  const codes = new Set([
    ...(query || body ? WITH_INPUT : []),
    ...(params ? (['invalid_path'] as const) : []),
    ...(body ? WITH_BODY : []),
    ...problems,
    ...ALWAYS,
  ]);
  const byStatus = Map.groupBy(codes, statusOf);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      String(status),
      {
        description: group.map((code) => `\`${code}\`: ${titleOf(code)}`).join('\n\n'),
        content: { [PROBLEM_TYPE]: { schema: problemSchema } },
      },
    ]),
  );
}
