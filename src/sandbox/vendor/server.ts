import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * What the local reward providers have in common: a strict little HTTP server, trouble on demand, and signed calls to somebody's webhook.
 * Each provider's own behaviour stands in its folder, from its vendor's documentation.
 */

const BODY_BYTES_MAX = 1_048_576;
/** A webhook's receiver has this long, as most vendors give. */
const DELIVERY_TIMEOUT_MS = 10_000;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as it came. */
  readonly text: string;
  readonly params: readonly string[];
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Groups are the call's `params`. */
  readonly path: RegExp;
  readonly handle: (call: Call) => Answer;
}

/**
 * What goes wrong with a call.
 * - `down`: 503, nothing happens · `refuse`: the connection is closed before anything happens
 * - `lost`: everything happens, and the connection is closed instead of an answer · `late`: everything happens, and no answer comes
 */
export type FaultKind = 'down' | 'refuse' | 'lost' | 'late';

export interface FaultInput {
  readonly kind: FaultKind;
  /** How often it strikes; without it until it is cleared. */
  readonly times?: number;
  readonly method?: string;
  /** Only paths that begin with this. */
  readonly path?: string;
}

export interface Delivery {
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface VendorControl {
  fault(input: FaultInput): void;
  clearFaults(): void;
  /** Every call that was let in, oldest first, as "POST /path". */
  readonly calls: readonly string[];
  /** Every webhook that was sent, oldest first. */
  readonly deliveries: readonly Delivery[];
  /** Where webhooks go; null: nowhere, they are only listed. */
  webhookUrl: string | null;
}

export interface VendorOptions {
  /** 0 or nothing: any free port. */
  readonly port?: number;
  /** A loopback address; 127.0.0.1 unless given. */
  readonly host?: string;
  readonly now?: () => number;
  /** Calls within one second; more are answered as the vendor answers them. None unless given. */
  readonly callsPerSecond?: number;
}

export interface VendorDefinition {
  readonly routes: readonly Route[];
  /** Without a valid credential: what to answer instead. Null lets the call in. */
  readonly authenticate: (call: Call) => Answer | null;
  readonly tooMany: Answer;
  readonly unavailable: Answer;
  readonly unknownPath: Answer;
  /** What a handler threw; null when it is no error of the vendor's. */
  readonly errorOf: (thrown: unknown) => Answer | null;
  /** `POST /sandbox/<name>` with a JSON body: what a person does at the vendor. */
  readonly actions: Readonly<Record<string, (input: Record<string, unknown>) => unknown>>;
}

export interface VendorServer {
  readonly url: URL;
  readonly control: VendorControl;
  /** Sends a signed call and notes what came back. Never throws: a receiver that is away is what vendors expect. */
  deliver(headers: Readonly<Record<string, string>>, body: string): Promise<Delivery>;
  stop(): Promise<void>;
}

export async function startVendor(
  { port = 0, host = '127.0.0.1', now = Date.now, callsPerSecond }: VendorOptions,
  definition: VendorDefinition,
): Promise<VendorServer> {
  if (!/^(127\.|::1$|localhost$)/.test(host)) throw new RangeError('a local provider listens on this machine only');
  const faults: Array<FaultInput & { left: number }> = [];
  const calls: string[] = [];
  const deliveries: Delivery[] = [];
  const recent: number[] = [];
  const control: VendorControl = {
    fault: (input) => void faults.push({ ...input, left: input.times ?? Number.POSITIVE_INFINITY }),
    clearFaults: () => void faults.splice(0),
    calls,
    deliveries,
    webhookUrl: null,
  };

  function faultFor({ method, path }: Call): FaultKind | null {
    const found = faults.find(
      (fault) =>
        fault.left > 0 && (fault.method === undefined || fault.method === method) && path.startsWith(fault.path ?? '/'),
    );
    if (!found) return null;
    found.left -= 1;
    return found.kind;
  }

  function isTooMany(): boolean {
    if (callsPerSecond === undefined) return false;
    const at = now();
    while (recent[0] !== undefined && recent[0] <= at - 1_000) recent.shift();
    if (recent.length >= callsPerSecond) return true;
    recent.push(at);
    return false;
  }

  function judge(call: Call): Answer {
    const refused = definition.authenticate(call);
    if (refused) return refused;
    if (isTooMany()) return definition.tooMany;
    for (const route of definition.routes) {
      const match = route.method === call.method ? route.path.exec(call.path) : null;
      if (match) return route.handle({ ...call, params: match.slice(1).map(decodeURIComponent) });
    }
    return definition.unknownPath;
  }

  function act(call: Call): Answer {
    const name = call.path.slice('/sandbox/'.length);
    const input = call.text === '' ? {} : (JSON.parse(call.text) as Record<string, unknown>);
    if (name === 'faults' && call.method === 'POST') {
      control.fault(input as unknown as FaultInput);
      return { status: 204, body: undefined };
    }
    if (name === 'faults' && call.method === 'DELETE') {
      control.clearFaults();
      return { status: 204, body: undefined };
    }
    const action = call.method === 'POST' ? definition.actions[name] : undefined;
    if (!action)
      return {
        status: 404,
        body: { error: `no such action; there are faults, ${Object.keys(definition.actions).join(', ')}` },
      };
    return { status: 200, body: action(input) ?? {} };
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
    const method = incoming.method ?? '';
    const call: Call = {
      method,
      path: pathname,
      query: searchParams,
      headers: incoming.headers,
      text: await textOf(incoming),
      params: [],
    };
    const isControl = pathname.startsWith('/sandbox/');
    const fault = isControl ? null : faultFor(call);
    if (fault === 'refuse') return void incoming.socket.resetAndDestroy();
    if (fault === 'down') return write(response, definition.unavailable);
    if (!isControl) calls.push(`${method} ${pathname}`);
    let answer: Answer;
    try {
      answer = isControl ? act(call) : judge(call);
    } catch (thrown) {
      const known = definition.errorOf(thrown);
      if (!known) throw thrown;
      answer = known;
    }
    if (fault === 'lost') return void incoming.socket.resetAndDestroy();
    if (fault === 'late') return;
    write(response, answer);
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((thrown: unknown) => {
      write(response, { status: 500, body: { sandbox: thrown instanceof Error ? thrown.message : 'unknown' } });
    });
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const url = new URL(`http://${host}:${(server.address() as AddressInfo).port}`);

  return {
    url,
    control,
    async deliver(headers, body) {
      const status = control.webhookUrl === null ? null : await post(control.webhookUrl, headers, body);
      const delivery = { status, headers, body };
      deliveries.push(delivery);
      return delivery;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function write(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { ...(text === '' ? {} : { 'Content-Type': 'application/json' }), ...headers }).end(text);
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<number | null> {
  return new Promise((resolve) => {
    const outgoing = request(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
      signal: AbortSignal.timeout(DELIVERY_TIMEOUT_MS),
    });
    outgoing.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? null);
    });
    outgoing.once('error', () => resolve(null));
    outgoing.end(body);
  });
}
