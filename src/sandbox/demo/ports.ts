import { createServer, type Server } from 'node:net';

const LOOPBACK = '127.0.0.1';

/**
 * Below the ports from which systems open connections of their own (32,768 on Linux): nothing takes one by chance before it is listened
 * on. Above those that developers' tools like to have.
 */
const CHOSEN_FROM = { from: 12_000, to: 32_000 };

/** Free ports, all different: each is held until the last one is found. */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  try {
    while (held.size < count) {
      const port = CHOSEN_FROM.from + Math.floor(Math.random() * (CHOSEN_FROM.to - CHOSEN_FROM.from));
      const server = await listen(port).catch(() => null);
      if (server !== null) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map(close));
  }
}

/** Why a port cannot be listened on; null when it can. */
export async function whyTaken(port: number): Promise<string | null> {
  try {
    await close(await listen(port));
    return null;
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code === 'EADDRINUSE') return 'is used by another program';
    if (code === 'EACCES') return 'may only be used by an administrator';
    throw thrown;
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
