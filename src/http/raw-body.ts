import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { HttpProblem } from './problem.ts';

const tooLarge = () => new HttpProblem('body_too_large', 'Send less in one request.');
const aborted = () => new HttpProblem('aborted', 'Send the whole body.');

/**
 * The body as the bytes that came, for a signature over them. Read here and not by body-parser, which reads a body that is too
 * large to its end before it says so, and so lets anybody hold a request for as long as it may take.
 */
export async function readRawJson(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  expectPlainJson(request);
  const bytes = await readBytes(request, bytesMax);
  if (bytes.length === 0) throw new HttpProblem('empty_body', 'Send a JSON body.');
  return bytes;
}

/** The body as what its JSON says. */
export function parsedJson(bytesMax: number): RequestHandler {
  return async (request, _response, next) => {
    const bytes = await readRawJson(request, bytesMax);
    try {
      request.body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      throw new HttpProblem('invalid_json', 'Send one JSON object, as UTF-8.');
    }
    next();
  };
}

/** Nothing is inflated: a sender signs what it sends, and a small body must not become a large one. */
function expectPlainJson({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (type.trim() !== 'application/json') {
    throw new HttpProblem('unsupported_media_type', 'Send the body with Content-Type: application/json.');
  }
  const charset = parameters.map((part) => /^\s*charset="?([^"]*)"?\s*$/.exec(part)?.[1]).find((name) => name);
  if (charset !== undefined && charset !== 'utf-8') {
    throw new HttpProblem('unsupported_media_type', 'Send the body as UTF-8.');
  }
  if (!['', 'identity'].includes(headers['content-encoding'] ?? '')) {
    throw new HttpProblem('unsupported_media_type', 'Send the body without Content-Encoding.');
  }
}

/** What comes after the limit is thrown away by Node, so that the sender can read the answer, until the request's time is over. */
function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isWhole = false;
  // Every request is closed in the end; the error, with its stack, is made only for one whose body had not come to its end.
  const breakOff = () => {
    if (!isWhole) reject(aborted());
  };
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      request.off('data', onData).pause();
      reject(tooLarge());
    } else chunks.push(chunk);
  };
  request
    .on('data', onData)
    .once('end', () => {
      isWhole = true;
      resolve(Buffer.concat(chunks));
    })
    .once('error', breakOff)
    .once('close', breakOff);
  return promise;
}
