import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deliver, startHttp, type TestService } from './service.ts';

let service: TestService;
beforeEach(async () => {
  service = await startHttp({ timeouts: { headersTimeoutMs: 300, requestTimeoutMs: 2_000, checkEveryMs: 50 } });
});
afterEach(() => service.close());

/** Everything that came until the server closed, and how long that took. */
async function talk(write: (socket: Socket) => void): Promise<{ answer: string; ms: number }> {
  const socket = connectSocket(service.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'connect');
  const began = performance.now();
  write(socket);
  await new Promise((resolve) => socket.once('close', resolve));
  return { answer: Buffer.concat(chunks).toString(), ms: performance.now() - began };
}

/** Sends one byte after the other for as long as anybody listens. */
function drip(socket: Socket, byte: string): void {
  const timer = setInterval(() => (socket.writable ? socket.write(byte) : clearInterval(timer)), 20);
  socket.once('close', () => clearInterval(timer));
}

describe('a client that holds its request back', () => {
  test('is cut off when its headers drip', async () => {
    const { answer, ms } = await talk((socket) => {
      socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ');
      drip(socket, 'a');
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(ms).toBeLessThan(1_500);
  });

  test('is cut off when its body drips', async () => {
    const { ms } = await talk((socket) => {
      socket.write(
        'POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n',
      );
      drip(socket, ' ');
    });
    expect(ms).toBeLessThan(4_000);
  });

  test('does not keep others waiting', async () => {
    const slow = Array.from({ length: 50 }, () => talk((socket) => drip(socket, 'G')));
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    await Promise.all(slow);
  });
});

describe('what is no HTTP', () => {
  test.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['headers of 32 kB', `GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(32_768)}\r\n\r\n`, 431],
    [
      'two lengths, as in request smuggling',
      'POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('is answered and closed: %s', async (_, bytes, status) => {
    const { answer } = await talk((socket) => socket.write(bytes));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('Connection: close');
    expect((await deliver(service, [])).status).toBe(200);
  });
});
