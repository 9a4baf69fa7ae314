import { connect } from 'node:net';

/** One request as bytes on a socket: what `fetch` would mend or refuse to send (paths, doubled headers, broken text) goes out as it is. */
export interface WireRequest {
  readonly method: string;
  readonly target: string;
  /** Values are latin1, as HTTP has them. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly tookMs: number;
}

/** A request of ours takes milliseconds; on a busy machine seconds. What takes longer hangs. */
const HANG_MS = 20_000;

/** @throws when the server does not answer in time, or closes without an answer. */
export async function exchange(port: number, request: WireRequest): Promise<WireAnswer> {
  const { method, target, headers, body } = request;
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
  if (!has('host')) lines.push('Host: wonward.example');
  if (!has('connection')) lines.push('Connection: close');
  if (body && !has('content-length') && !has('transfer-encoding')) lines.push(`Content-Length: ${body.length}`);
  return send(port, Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)]), {
    isHead: method === 'HEAD',
  });
}

/** Any bytes, and the first whole answer to them. */
export function send(port: number, bytes: Uint8Array, { isHead = false } = {}): Promise<WireAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>();
  const began = performance.now();
  const socket = connect(port, '127.0.0.1');
  let received = Buffer.alloc(0);
  const timer = setTimeout(() => {
    socket.destroy();
    reject(new Error(`no whole answer within ${HANG_MS} ms, only ${received.length} bytes`));
  }, HANG_MS);
  const settle = (isEnd: boolean) => {
    const answer = parseAnswer(received, isHead, isEnd);
    if (!answer && !isEnd) return;
    clearTimeout(timer);
    socket.destroy();
    if (answer) resolve({ ...answer, tookMs: performance.now() - began });
    else reject(new Error(`the connection was closed without a whole answer, after ${received.length} bytes`));
  };
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    settle(false);
  });
  // A server that has answered may close while we still send.
  socket.on('error', () => {});
  socket.on('close', () => settle(true));
  socket.write(bytes);
  return promise;
}

function parseAnswer(received: Buffer, isHead: boolean, isEnd: boolean): Omit<WireAnswer, 'tookMs'> | null {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [statusLine = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) throw new Error(`no HTTP: ${statusLine.slice(0, 100)}`);
  const rest = received.subarray(headEnd + 4);
  // "100 Continue" is followed by the answer.
  if (status < 200) return parseAnswer(rest, isHead, isEnd);
  const headers = new Headers();
  for (const line of lines) {
    const [name = '', value = ''] = line.split(/: ?(.*)/s);
    headers.append(name, value);
  }
  const length = headers.get('content-length');
  if (isHead || status === 204 || status === 304) return { status, headers, body: Buffer.alloc(0) };
  if (length !== null) {
    return rest.length < Number(length) ? null : { status, headers, body: rest.subarray(0, Number(length)) };
  }
  return isEnd ? { status, headers, body: rest } : null;
}
