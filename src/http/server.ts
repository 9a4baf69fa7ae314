import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

/** All headers have to be here by then. Ours are a few hundred bytes; who needs longer holds a socket on purpose. */
const HEADERS_TIMEOUT_MS = 10_000;
/** The whole request: the largest body, a megabyte, over a slow mobile line. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the 60 s after which common load balancers drop an idle connection, so that they are the ones who do. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often the two limits above are looked at. */
const CHECK_EVERY_MS = 2_000;
/** HubSpot's headers have about 2 kB. */
const HEADER_BYTES_MAX = 16_384;
/** An answer that nobody reads ends here too. */
const SOCKET_TIMEOUT_MS = 120_000;

export interface ServerTimeouts {
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly checkEveryMs?: number;
}

/** An HTTP server that slow and broken clients cannot hold. `timeouts` are for tests. */
export function createHttpServer(app: RequestListener, timeouts: ServerTimeouts = {}): Server {
  const server = createServer(
    {
      headersTimeout: timeouts.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      requestTimeout: timeouts.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: timeouts.checkEveryMs ?? CHECK_EVERY_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    app,
  );
  server.setTimeout(SOCKET_TIMEOUT_MS);
  server.on('clientError', answerBroken);
  return server;
}

const STATUS_BY_ERROR: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** What cannot be read as HTTP never reaches the app; its answer is written by hand. */
function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_BY_ERROR[error.code ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ type: 'about:blank', title, status });
  socket.write(
    [
      `HTTP/1.1 ${status} ${title}`,
      'Connection: close',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
  // An end alone would leave the other half open to whoever goes on sending.
  socket.destroySoon();
}

/**
 * Stops taking connections and waits for the answers under way; what is idle is closed at once, what is still open after
 * `graceMs` is cut.
 */
export async function closeHttpServer(server: Server, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await promise;
  clearTimeout(timer);
}
