import { createServer } from 'node:net';

/**
 * Below the ports from which systems open connections of their own and answer `listen(0)` (32,768 on Linux): between the moment a port
 * is found and the moment it is listened on, and while a process that had it is down, nothing takes one of these by chance.
 */
const PORTS = { from: 12_000, to: 32_000 };

/** A port that was free a moment ago, and that nobody takes by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
