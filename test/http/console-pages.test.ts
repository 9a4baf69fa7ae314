import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consolePages } from '../../src/http/console-pages.ts';
import { errorHandler } from '../../src/http/problem.ts';
import { createLog } from '../../src/platform/log.ts';

const CODE = 'export const answer = 42;\n'.repeat(200);
const SMALL = 'export {};\n';
const PAGE = '<!doctype html><title>Console</title>';

let directory: string;
const app = express();
const server = createServer(app);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-console-'));
  await mkdir(join(directory, 'assets'));
  const put = (name: string, text: string | Buffer) => writeFile(join(directory, 'assets', name), text);
  await put('app.js', CODE);
  await put('app.js.br', brotliCompressSync(CODE));
  await put('app.js.gz', gzipSync(CODE));
  await put('small.js', SMALL);
  await writeFile(join(directory, 'index.html'), PAGE);
  app.use(consolePages({ consoleFiles: directory }));
  app.use(errorHandler(createLog({ level: 'silent' })));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterAll(async () => {
  server.close();
  await rm(directory, { recursive: true, force: true });
});

/** As it goes over the wire: `fetch` would unpack it. */
async function load(path: string, encodings?: string): Promise<{ answer: IncomingMessage; body: Buffer }> {
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = encodings === undefined ? {} : { 'accept-encoding': encodings };
    get({ port, host: '127.0.0.1', path: `/console/${path}`, headers }, resolve).on('error', reject);
  });
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return { answer, body: Buffer.concat(parts) };
}

test.each([
  ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
  ['gzip, deflate', 'gzip', gunzipSync],
  ['br;q=0, gzip;q=0.5', 'gzip', gunzipSync],
])('a browser that reads %s gets a script in fewer bytes, as %s', async (encodings, expected, unpack) => {
  const { answer, body } = await load('assets/app.js', encodings);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({
    'content-encoding': expected,
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'Accept-Encoding',
  });
  expect(body.length).toBeLessThan(CODE.length / 10);
  expect(unpack(body).toString()).toBe(CODE);
});

test.each([undefined, 'identity', 'zstd'])(
  'one that reads %s gets it as it is, and caches keep the two apart',
  async (encodings) => {
    const { answer, body } = await load('assets/app.js', encodings);
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.headers.vary).toBe('Accept-Encoding');
    expect(body.toString()).toBe(CODE);
  },
);

test('what was not packed is sent as it is', async () => {
  const { answer, body } = await load('assets/small.js', 'br, gzip');
  expect([answer.statusCode, answer.headers['content-encoding'], body.toString()]).toEqual([200, undefined, SMALL]);
});

test.each(['assets/gone.js', 'assets/gone.css?v=1', 'assets/', 'assets'])(
  'a file that is not there, %s, is told as missing and not answered with the page, nor kept by a cache',
  async (path) => {
    for (const encodings of [undefined, 'br, gzip']) {
      const { answer, body } = await load(path, encodings);
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
      ]);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(JSON.parse(body.toString())).toMatchObject({ code: 'not_found' });
    }
  },
);

test('every other address of the console is its page, which knows the rest', async () => {
  const { answer, body } = await load('acc_1/assets/gone.js');
  expect([answer.statusCode, body.toString()]).toEqual([200, PAGE]);
});
