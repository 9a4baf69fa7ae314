import express, { type Request, type RequestHandler } from 'express';
import { HttpProblem } from './problem.ts';

/** The media type without its parameters, in lower case; empty when there is none. */
function mediaTypeOf(request: Request): string {
  return (request.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

const onlyJson: RequestHandler = (request, _response, next) => {
  const given = mediaTypeOf(request);
  if (given !== 'application/json') {
    throw new HttpProblem('unsupported_media_type', 'Send the body with Content-Type: application/json.');
  }
  next();
};

/**
 * The body as the bytes that came, for a signature over them. Nothing is inflated: the sender signed what it sent, and a small
 * body must not become a large one.
 */
export function rawJson(limitBytes: number): RequestHandler[] {
  const notEmpty: RequestHandler = (request, _response, next) => {
    if (!(request.body instanceof Buffer) || request.body.length === 0) {
      throw new HttpProblem('empty_body', 'Send a JSON body.');
    }
    next();
  };
  return [onlyJson, express.raw({ type: () => true, limit: limitBytes, inflate: false }), notEmpty];
}

/** The body as what its JSON says; undefined when it is empty. */
export function parsedJson(limitBytes: number): RequestHandler[] {
  return [onlyJson, express.json({ type: () => true, limit: limitBytes, inflate: false, strict: true })];
}
