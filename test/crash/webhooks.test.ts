import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';

/** A lease of a delivery ends by itself after a minute, and both processes have to start. */
const PATIENCE_MS = 150_000;

let directory: string;
let service: ServiceProcess;
const asked: { id: string; body: string; response: ServerResponse }[] = [];
let isSilent = true;
const receiver = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    asked.push({ id: String(request.headers['webhook-id']), body: Buffer.concat(parts).toString(), response });
    if (!isSilent) response.writeHead(204).end();
  });
});

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wonward-webhooks-'));
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  service = await startServiceProcess({ databaseUrl: `sqlite:${join(directory, 'wonward.db')}` });
}, PATIENCE_MS);
afterAll(async () => {
  await service?.close();
  receiver.closeAllConnections();
  receiver.close();
  rmSync(directory, { recursive: true, force: true });
});

test('a service that is killed while it tells of something tells it again, under the same id, and nothing is lost', {
  timeout: PATIENCE_MS,
}, async () => {
  const { port } = receiver.address() as AddressInfo;
  const endpoint = { url: `http://127.0.0.1:${port}/`, description: '', eventTypes: ['member.enrolled'] };
  expect((await service.api('POST', '/webhook-endpoints', endpoint)).status).toBe(201);
  const emails = ['ada@example.com', 'grace@example.com', 'lin@example.com'];
  const members: string[] = [];
  for (const email of emails.slice(0, 2)) {
    const { body } = await service.api('POST', '/members', { name: 'Somebody', email });
    members.push(body.id);
  }
  // It was asked and has not answered: nobody knows whether it has taken them.
  await expect.poll(() => new Set(asked.map(({ id }) => id)).size, { timeout: 20_000 }).toBe(2);
  // Committed and answered, and not yet sent.
  const { body } = await service.api('POST', '/members', { name: 'Somebody', email: emails[2] });
  members.push(body.id);
  await service.stop('SIGKILL');
  const before = asked.splice(0);
  isSilent = false;
  await service.start();
  await expect.poll(() => new Set(asked.map(({ id }) => id)).size, { timeout: 120_000, interval: 500 }).toBe(3);
  for (const { id, body: first } of before) expect(asked.find((one) => one.id === id)?.body).toBe(first);
  const told = asked.map(({ body: text }) => JSON.parse(text));
  expect(told.map(({ subject }) => subject).sort()).toEqual(members.sort());
});
