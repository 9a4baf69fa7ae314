import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What passes between two processes, noticed from outside of both. Bytes go through as they are. */
export interface Gate {
  readonly url: string;
  close(): Promise<void>;
}

export interface Passing {
  readonly method: string;
  readonly path: string;
  /** To whom it was handed on. */
  readonly port: number;
}

export interface GateDeps {
  /** Where the next request goes on to. Nobody there looks to the caller as it would without the gate: no answer. */
  readonly targetPort: () => number;
  readonly onRequest?: (passing: Passing) => void;
  /** Before the caller hears anything of the answer. */
  readonly onAnswer?: (passing: Passing, status: number) => void;
}

export async function openGate(deps: GateDeps): Promise<Gate> {
  const agent = new Agent({ keepAlive: false });
  const server = createServer((request, response) => pass(deps, agent, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pass(deps: GateDeps, agent: Agent, request: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', url = '/' } = request;
  const port = deps.targetPort();
  const passing = { method, path: url, port };
  const cut = () => void response.socket?.destroy();
  deps.onRequest?.(passing);
  const onward = httpRequest(
    { host: '127.0.0.1', port, method, path: url, headers: request.headers, agent },
    (answer) => {
      deps.onAnswer?.(passing, answer.statusCode ?? 0);
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
      // Half an answer stays half an answer.
      answer.once('aborted', cut);
      answer.once('error', cut);
    },
  );
  onward.once('error', cut);
  request.pipe(onward);
  request.once('aborted', () => onward.destroy());
}
