import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../support/processes.ts';
import type { Random } from './random.ts';

/** What the service says of a reward that it orders. */
export interface Order {
  readonly key: string;
  readonly accountId: string;
  readonly rewardId: string;
  readonly beneficiary: { readonly id: string };
  readonly amount: string;
  readonly currency: string;
}

export interface Accepted {
  readonly order: Order;
  /** How often it was ordered; it was given once. */
  calls: number;
}

/** A reward program of somebody else's: gives a reward once per key, and is as unreliable as such programs are. */
export interface RewardReceiver {
  readonly url: string;
  readonly secret: string;
  /** By idempotency key. */
  readonly accepted: ReadonlyMap<string, Accepted>;
  /** Every call, also those that were not answered. */
  calls(): number;
  /** What no honest caller does: another order under a key that is used, a wrong signature. */
  readonly violations: readonly string[];
  /** From now on everything is answered at once. */
  becomeReliable(): void;
  close(): Promise<void>;
}

/** `path` is what it was called at: each node is given an address of its own, `<url>?node=<n>`. */
export interface ReceiverHooks {
  onAsked(path: string): void;
  /** The order is accepted, and not answered yet. */
  onAccepted(path: string): void;
}

export async function openRewardReceiver(random: Random, hooks: ReceiverHooks): Promise<RewardReceiver> {
  const key = randomBytes(32);
  const accepted = new Map<string, Accepted>();
  const given = new Map<string, string>();
  const violations: string[] = [];
  let calls = 0;
  let isReliable = false;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    calls += 1;
    const path = request.url ?? '';
    hooks.onAsked(path);
    const idempotencyKey = String(request.headers['idempotency-key']);
    // standardwebhooks.com: HMAC-SHA256 over id, timestamp and body.
    const signed = `${request.headers['webhook-id']}.${request.headers['webhook-timestamp']}.${body}`;
    const signature = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
    if (request.headers['webhook-signature'] !== signature) violations.push(`order ${idempotencyKey} is not signed`);
    const { data: order } = JSON.parse(body) as { data: Order };
    // A provider refuses a used key with another order. Names and the reason in words may be newer in a later attempt.
    const gives = JSON.stringify([order.accountId, order.rewardId, order.beneficiary.id, order.amount, order.currency]);
    const before = given.get(idempotencyKey);
    if (order.key !== idempotencyKey || (before !== undefined && before !== gives))
      violations.push(`order ${idempotencyKey} was changed between two attempts: ${before} ${gives}`);
    given.set(idempotencyKey, gives);

    const draw = isReliable ? 1 : random.next();
    if (draw < 0.12) return void response.writeHead(500).end('{"message":"later"}');
    if (draw < 0.2) return void response.writeHead(429, { 'Retry-After': '1' }).end();
    if (draw < 0.24) return void response.writeHead(429).end();
    if (draw < 0.28) return void request.socket.destroy();
    const known = accepted.get(idempotencyKey);
    if (known) known.calls += 1;
    else accepted.set(idempotencyKey, { order, calls: 1 });
    hooks.onAccepted(path);
    if (draw < 0.45) return void request.socket.destroy();
    if (draw < 0.6) await sleep(60);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  }

  const server = createServer((request, response) => {
    take(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/rewards`,
    secret: `whsec_${key.toString('base64')}`,
    accepted,
    calls: () => calls,
    violations,
    becomeReliable() {
      isReliable = true;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
