import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { builtinModules } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startPostgres } from '../support/postgres.ts';

import { copiesOf, isSent, readDockerfile, stages } from './dockerfile.ts';

const execute = promisify(execFile);
const dockerfile = readDockerfile(readFileSync('Dockerfile', 'utf8'));
const dockerignore = readFileSync('.dockerignore', 'utf8');
const [dependencies = [], consoleBuild = [], image = []] = dockerfile;
const packageFile = JSON.parse(readFileSync('package.json', 'utf8'));

const copied = copiesOf(image).flatMap(({ sources }) => sources);
const isInImage = (path: string) =>
  isSent(path, dockerignore) && copied.some((source) => path === source || path.startsWith(`${source}/`));
const lastOf = (name: string) => stages(image, name).at(-1)?.value ?? '';

/** Everything that the two programs can reach, types aside. esbuild follows `import("./" + folder + …)` into every folder there is. */
async function reachable(): Promise<{ files: string[]; packages: string[] }> {
  const { metafile } = await build({
    entryPoints: ['src/start.js', 'src/cli.ts'],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outdir: 'unused',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const outside = imports.filter(({ external }) => external).map(({ path }) => path);
  const packages = outside.filter(
    (path) => !path.startsWith('node:') && !path.startsWith('.') && !builtinModules.includes(path),
  );
  const nameOf = (path: string) =>
    path
      .split('/')
      .slice(0, path.startsWith('@') ? 2 : 1)
      .join('/');
  return { files: Object.keys(metafile.inputs), packages: [...new Set(packages.map(nameOf))] };
}

describe('the image', () => {
  test('holds every file that the service and the command line can reach', async () => {
    const { files } = await reachable();
    expect(files.length).toBeGreaterThan(150);
    // Found by their folders and named nowhere.
    expect(files).toContain('src/crm/hubspot/connector.ts');
    expect(files).toContain('src/payout/webhook/provider.ts');
    expect(files.filter((path) => !isInImage(path))).toEqual([]);
  });

  test('installs every package that they import', async () => {
    const { packages } = await reachable();
    expect(packages).toContain('better-sqlite3');
    expect(packages.filter((name) => packageFile.dependencies[name] === undefined)).toEqual([]);
    expect(copiesOf(dependencies).flatMap(({ sources }) => sources)).toEqual(['package.json', 'package-lock.json']);
    expect(stages(dependencies, 'RUN')[0]?.value).toMatch(/^npm ci --omit=dev .*--ignore-scripts/);
  });

  test('builds the console from its own workspace, and holds what that made where the service looks for it', () => {
    const sources = copiesOf(consoleBuild).flatMap((copy) => copy.sources);
    expect(sources).toEqual(['package.json', 'package-lock.json', 'src/web/console/package.json', 'src/web/console']);
    expect(packageFile.workspaces).toContain('src/web/console');
    expect(stages(consoleBuild, 'RUN')[0]?.value).toMatch(/^npm ci --workspace src\/web\/console --ignore-scripts/);
    expect(stages(image, 'COPY').map(({ value }) => value)).toContain(
      '--from=console /app/dist/console ./dist/console',
    );
    expect(isSent('src/web/console/vite.config.ts', dockerignore)).toBe(true);
    expect(isSent('src/web/console/node_modules/react/index.js', dockerignore)).toBe(false);
  });

  test('holds neither tests nor the local CRMs nor anything that is not asked for', () => {
    for (const path of [
      '.env',
      '.git/config',
      'test/cli.test.ts',
      'src/sandbox/demo.ts',
      'data/wonward.db',
      'node_modules/x/y.js',
    ])
      expect(isSent(path, dockerignore), path).toBe(false);
    expect(dockerfile.flat().filter(({ name }) => name === 'ADD')).toEqual([]);
  });

  test('runs as a numbered user who may write to /data alone, on the Node that the tests run on', () => {
    expect(lastOf('USER')).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
    expect(lastOf('RUN')).toBe(`mkdir /data && chown ${lastOf('USER')} /data`);
    expect(lastOf('VOLUME')).toBe('/data');
    expect(lastOf('ENV')).toContain('DATABASE_URL=sqlite:/data/');
    expect(lastOf('ENV')).toContain('NODE_ENV=production');
    expect(lastOf('ENV')).toContain(`HOME=${lastOf('WORKDIR')}`);
    expect(lastOf('STOPSIGNAL')).toBe('SIGTERM');
    const startedByHand = packageFile.scripts.start.split(' ').filter((word: string) => !word.includes('.env'));
    expect([...JSON.parse(lastOf('ENTRYPOINT')), ...JSON.parse(lastOf('CMD'))]).toEqual(startedByHand);
    expect(stages(dependencies, 'ARG')[0]?.value).toBe(`NODE_VERSION=${packageFile.devDependencies.node}`);
    expect(stages(image, 'ARG')[0]?.value).toBe(`VERSION=${packageFile.version}`);
    const order = image.map(({ name }) => name);
    expect(order.lastIndexOf('COPY')).toBeLessThan(order.indexOf('USER'));
  });

  test('says that it is well exactly when the service is ready', async () => {
    const command: string[] = JSON.parse(lastOf('HEALTHCHECK').replace(/^.*?CMD /, ''));
    expect(command[0]).toBe('node');
    let status = 200;
    let asked = '';
    const server = createServer(({ url = '' }, response) => {
      asked = url;
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const check = () =>
      execute(process.execPath, command.slice(1), { env: { PORT: String(port) } }).then(
        () => 0,
        ({ code }) => code,
      );
    expect(await check()).toBe(0);
    expect(asked).toBe('/readyz');
    status = 503;
    expect(await check()).toBe(1);
    await new Promise((resolve) => server.close(resolve));
    expect(await check()).toBe(1);
  });
});

/** Installs from the registry and takes a minute, and needs root to run as somebody else: asked for by hand and before a release. */
const isAskedFor = process.env.TEST_IMAGE === '1';

test.skipIf(!isAskedFor)(
  'TEST_IMAGE=1: what the Dockerfile copies and installs serves on SQLite and on PostgreSQL as a stranger who may write to /data alone',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'wonward-image-'));
    const [app, data] = [join(root, 'app'), join(root, 'data')];
    const [uid = 0, gid = 0] = lastOf('USER').split(':').map(Number);
    chmodSync(root, 0o755);
    mkdirSync(app);
    mkdirSync(data);
    chownSync(data, uid, gid);
    let child: ChildProcess | undefined;
    const server = await startPostgres();
    try {
      for (const { sources, target } of [...copiesOf(dependencies), ...copiesOf(image)]) {
        for (const source of sources) {
          cpSync(source, join(app, target, target === './' ? source : ''), {
            recursive: true,
            filter: (path) => statSync(path).isDirectory() || isSent(relative('.', path), dockerignore),
          });
        }
      }
      const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
      const installing = stages(dependencies, 'RUN')[0]?.value.replace('npm ci', 'npm ci --prefer-offline') ?? '';
      await execute('sh', ['-c', installing], { cwd: app, env: { ...process.env, PATH }, maxBuffer: 1e8 });

      const files = readdirSync(app, { recursive: true });
      expect(files.some((name) => String(name).includes('sandbox/demo.ts'))).toBe(false);
      for (const databaseUrl of [`sqlite:${data}/wonward.db`, await server.freshDatabase()]) {
        const port = await freePort();
        const env = {
          ...Object.fromEntries([...lastOf('ENV').matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value])),
          HOME: app,
          HOST: '127.0.0.1',
          PORT: String(port),
          PUBLIC_URL: 'https://referrals.example.com',
          DATABASE_URL: databaseUrl,
          ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
          HUBSPOT_CLIENT_ID: 'id',
          HUBSPOT_CLIENT_SECRET: 'secret',
          HUBSPOT_APP_ID: '1',
        };
        const start = (...args: string[]) => spawn(process.execPath, args, { cwd: app, env, uid, gid });
        let log = '';
        child = start(...JSON.parse(lastOf('CMD')));
        for (const stream of [child.stdout, child.stderr])
          stream?.on('data', (chunk) => {
            log += chunk;
          });
        const answer = (path: string) =>
          fetch(`http://127.0.0.1:${port}${path}`).then(
            ({ status }) => status,
            () => log,
          );
        await expect.poll(() => answer('/readyz'), { timeout: 60_000, interval: 250 }).toBe(200);
        expect(await answer('/metrics')).toBe(200);

        // The same tree, as that user: not one file of it can be written.
        const probe = "try { require('fs').writeFileSync('src/x', ''); process.exit(0) } catch { process.exit(3) }";
        expect(await ended(start('-e', probe))).toBe(3);
        expect(await ended(start('src/cli.ts', 'account', 'create', 'Acme'))).toBe(0);

        child.kill(lastOf('STOPSIGNAL') as NodeJS.Signals);
        expect(await ended(child)).toBe(0);
      }
      expect(readdirSync(data)).toContain('wonward.db');
    } finally {
      child?.kill('SIGKILL');
      await server.stop();
      rmSync(root, { recursive: true, force: true });
    }
  },
  600_000,
);

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}
