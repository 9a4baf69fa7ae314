import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Socket } from 'node:net';

/**
 * What a network does to bytes. It can change at any time, also for connections that are open.
 *
 * - `latency`: everything comes, each piece so much later.
 * - `trickle`: everything comes, so many bytes a second.
 * - `reset`: connections that are open end at once, new ones as soon as they say something.
 * - `silent`: connections stay open and bytes disappear, as when a cable is pulled or a firewall has forgotten. One that has lost bytes
 *   never speaks again, whatever the weather.
 * - `cut`: an answer ends in its middle, after so many bytes of it.
 */
export type Weather =
  | { readonly kind: 'clear' }
  | { readonly kind: 'latency'; readonly ms: number }
  | { readonly kind: 'trickle'; readonly bytesPerSecond: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'cut'; readonly afterBytes: number };

export interface ChaosProxy {
  readonly port: number;
  become(weather: Weather): void;
  /** Connections that were struck since the weather was last changed, of those the weather strikes. */
  struck(): number;
  close(): Promise<void>;
}

/** Slices of a trickle in a second. */
const TRICKLE_STEPS = 20;

/** A way between two programs that is as bad as it is told to be. It reads no protocol. */
export async function openChaosProxy(targetPort: () => number): Promise<ChaosProxy> {
  let weather: Weather = { kind: 'clear' };
  let struck = 0;
  const pairs = new Set<Pair>();

  function open(client: Socket): void {
    const target = dial(targetPort(), '127.0.0.1');
    const pair: Pair = { client, target, isDead: false, answered: 0 };
    pairs.add(pair);
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        // The other end of a dead connection hears of nothing, not even of its end.
        if (pair.isDead) return;
        pairs.delete(pair);
        client.destroy();
        target.destroy();
      });
    }
    carry(pair, client, target, false);
    carry(pair, target, client, true);
  }

  function carry(pair: Pair, from: Socket, to: Socket, isAnswer: boolean): void {
    from.on('data', (chunk: Buffer) => {
      from.pause();
      void forward(pair, to, chunk, isAnswer).then(() => from.resume());
    });
    from.once('end', () => {
      if (!pair.isDead) to.end();
    });
  }

  async function forward(pair: Pair, to: Socket, chunk: Buffer, isAnswer: boolean): Promise<void> {
    const now = weather;
    if (pair.isDead) return;
    switch (now.kind) {
      case 'silent':
        struck += 1;
        pair.isDead = true;
        return;
      case 'reset':
        return reset(pair);
      case 'cut': {
        if (!isAnswer) break;
        const left = now.afterBytes - pair.answered;
        pair.answered += chunk.length;
        if (chunk.length < left) break;
        to.write(chunk.subarray(0, Math.max(0, left)), () => reset(pair));
        return;
      }
      case 'latency':
        await sleep(now.ms);
        break;
      case 'trickle': {
        const size = Math.max(1, Math.floor(now.bytesPerSecond / TRICKLE_STEPS));
        for (let start = 0; start < chunk.length; start += size) {
          to.write(chunk.subarray(start, start + size));
          await sleep(1_000 / TRICKLE_STEPS);
          // Better weather is for the rest of a long answer, too.
          if (weather.kind === 'trickle') continue;
          to.write(chunk.subarray(start + size));
          return;
        }
        return;
      }
      case 'clear':
        break;
    }
    if (!to.destroyed) to.write(chunk);
  }

  function reset({ client, target }: Pair): void {
    struck += 1;
    client.resetAndDestroy();
    target.resetAndDestroy();
  }

  const server = createServer({ allowHalfOpen: true }, open);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    become(next) {
      weather = next;
      struck = 0;
      if (next.kind === 'reset') for (const pair of pairs) if (!pair.isDead) reset(pair);
    },
    struck: () => struck,
    async close() {
      for (const { client, target } of pairs) {
        client.destroy();
        target.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
  isDead: boolean;
  /** Bytes of answers that went through. */
  answered: number;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
