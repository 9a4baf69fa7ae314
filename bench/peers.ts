import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers } from './bare.ts';
import { freePort, startChild, until } from './processes.ts';
import type { Context } from './row.ts';

/** What a user would put in our place: it receives the event, branches on closedwon, and answers when a durable sink has it. */
export interface Peer {
  readonly name: string;
  /** How many times as fast we have to be. */
  readonly target: number;
  readonly port: number;
  readonly url: string;
  /** What the sink has on its disk. */
  delivered(): Promise<number>;
}

const NODE_RED = 'node-red@5.0.7';
const N8N = 'n8n@2.41.1';
const INSTALL_TIMEOUT_MS = 20 * 60_000;
const START_TIMEOUT_MS = 180_000;

/** Installs and starts them. One that cannot be run is left out, and named in the row's notes. */
export async function startPeers(context: Context): Promise<Peer[]> {
  const peers: Peer[] = [];
  const variants = [
    { name: 'Node-RED', start: () => startNodeRed(context) },
    { name: 'n8n tuned', start: () => startN8n(context, 'n8n tuned', 55, N8N_TUNED) },
    { name: 'n8n default', start: () => startN8n(context, 'n8n default', 150, {}) },
  ];
  const isAsked = (name: string) =>
    context.peerNames.length === 0 || context.peerNames.includes(name.toLowerCase().replace(' ', '-'));
  for (const { name, start } of variants.filter((variant) => isAsked(variant.name))) {
    try {
      peers.push(await start());
      context.say(`${name} runs`);
    } catch (error) {
      const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
      context.note(`${name} was left out: ${why}`);
    }
  }
  return peers;
}

async function startSink(context: Context): Promise<{ url: string; delivered: () => Promise<number> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/sink`;
  const child = await startChild(context, 'bench/baselines/durable-sink.ts', {
    env: { SINK_PORT: String(port), SINK_FILE: join(await context.directory(), 'sink') },
  });
  await until('the sink listens', () => answers(url), { child });
  return { url, delivered: () => child.ask<number>({ kind: 'delivered' }) };
}

/** npm's own client, into a folder of its own that is kept for the next run. */
async function install(
  context: Context,
  what: string,
  extra: object = {},
  args: readonly string[] = [],
): Promise<string> {
  const directory = join(context.cacheDirectory, what.replace('@', '-'));
  if (existsSync(join(directory, 'installed'))) return directory;
  mkdirSync(directory, { recursive: true });
  const [name = '', version = ''] = what.split('@');
  const manifest = { name: 'bench-peer', private: true, dependencies: { [name]: version }, ...extra };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  context.say(`installing ${what} from npm, once`);
  await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...args], directory);
  return directory;
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_TIMEOUT_MS });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-2_000);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${text}`);
}

async function startNodeRed(context: Context): Promise<Peer> {
  const directory = await install(context, NODE_RED);
  writeFileSync(join(directory, 'installed'), '');
  const sink = await startSink(context);
  const port = await freePort();
  const user = await context.directory();
  const flow = [
    { id: 'tab', type: 'tab', label: 'closed won' },
    { id: 'in', type: 'http in', z: 'tab', url: '/webhooks/hubspot', method: 'post', wires: [['branch']] },
    {
      id: 'branch',
      type: 'switch',
      z: 'tab',
      property: 'payload[0].propertyValue',
      propertyType: 'msg',
      rules: [{ t: 'eq', v: 'closedwon', vt: 'str' }, { t: 'else' }],
      checkall: 'false',
      outputs: 2,
      wires: [['sink'], ['out']],
    },
    {
      id: 'sink',
      type: 'http request',
      z: 'tab',
      method: 'POST',
      ret: 'txt',
      url: sink.url,
      persist: true,
      wires: [['out']],
    },
    { id: 'out', type: 'http response', z: 'tab', statusCode: '200', wires: [] },
  ];
  writeFileSync(join(user, 'flows.json'), JSON.stringify(flow));
  writeFileSync(
    join(user, 'settings.js'),
    `module.exports = { uiPort: ${port}, uiHost: '127.0.0.1', flowFile: 'flows.json', httpAdminRoot: false, logging: { console: { level: 'warn' } } };`,
  );
  const child = await startChild(context, join(directory, 'node_modules/node-red/red.js'), {
    args: ['--userDir', user],
    cwd: directory,
  });
  const url = `http://127.0.0.1:${port}/webhooks/hubspot`;
  await until('Node-RED answers', () => takesEvents(url), { child, timeoutMs: START_TIMEOUT_MS, everyMs: 200 });
  return { name: 'Node-RED', target: 2, port, url, delivered: sink.delivered };
}

/** The fastest settings that were found: no isolate per expression, nothing of an execution kept. */
const N8N_TUNED = {
  N8N_EXPRESSION_ENGINE: 'legacy',
  EXECUTIONS_DATA_SAVE_ON_SUCCESS: 'none',
  EXECUTIONS_DATA_SAVE_ON_ERROR: 'none',
  EXECUTIONS_DATA_SAVE_ON_PROGRESS: 'false',
};

async function startN8n(context: Context, name: string, target: number, tuning: Record<string, string>): Promise<Peer> {
  const directory = await install(context, N8N, { overrides: { linkedom: '0.18.12' } }, ['--ignore-scripts']);
  if (!existsSync(join(directory, 'installed'))) {
    await run('npm', ['rebuild', 'sqlite3', 'isolated-vm'], directory);
    writeFileSync(join(directory, 'installed'), '');
  }
  const sink = await startSink(context);
  const port = await freePort();
  const env = {
    N8N_USER_FOLDER: await context.directory(),
    N8N_PORT: String(port),
    N8N_LISTEN_ADDRESS: '127.0.0.1',
    N8N_DIAGNOSTICS_ENABLED: 'false',
    N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
    N8N_RUNNERS_BROKER_PORT: String(await freePort()),
    N8N_LOG_LEVEL: 'warn',
    ...tuning,
  };
  const workflow = join(await context.directory(), 'workflow.json');
  writeFileSync(workflow, JSON.stringify(n8nWorkflow(sink.url)));
  const bin = join(directory, 'node_modules/n8n/bin/n8n');
  for (const args of [
    ['import:workflow', `--input=${workflow}`],
    ['update:workflow', '--all', '--active=true'],
  ]) {
    const step = await startChild(context, bin, { args, env, cwd: directory });
    await step.exited;
  }
  const child = await startChild(context, bin, { args: ['start'], env, cwd: directory });
  const url = `http://127.0.0.1:${port}/webhook/hubspot`;
  await until(`${name} answers`, () => takesEvents(url), { child, timeoutMs: START_TIMEOUT_MS, everyMs: 500 });
  return { name, target, port, url, delivered: sink.delivered };
}

function n8nWorkflow(sinkUrl: string): object {
  const condition = {
    id: 'c',
    leftValue: '={{ $json.body[0].propertyValue }}',
    rightValue: 'closedwon',
    operator: { type: 'string', operation: 'equals' },
  };
  const options = { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 };
  const node = (name: string, type: string, typeVersion: number, parameters: object, more: object = {}) => ({
    id: name,
    name,
    type: `n8n-nodes-base.${type}`,
    typeVersion,
    position: [0, 0],
    parameters,
    ...more,
  });
  const to = (next: string) => ({ main: [[{ node: next, type: 'main', index: 0 }]] });
  return {
    id: 'closedwon00000001',
    name: 'closed won',
    active: true,
    settings: { executionOrder: 'v1' },
    nodes: [
      node(
        'in',
        'webhook',
        2,
        { httpMethod: 'POST', path: 'hubspot', responseMode: 'lastNode' },
        { webhookId: 'hubspot' },
      ),
      node('branch', 'if', 2.2, { conditions: { options, conditions: [condition], combinator: 'and' }, options: {} }),
      node('sink', 'httpRequest', 4.2, {
        method: 'POST',
        url: sinkUrl,
        sendBody: true,
        specifyBody: 'json',
        jsonBody: '={{ JSON.stringify($json.body) }}',
        options: {},
      }),
    ],
    connections: { in: to('branch'), branch: to('sink') },
  };
}

async function takesEvents(url: string): Promise<boolean> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ propertyValue: 'closedwon' }]),
  }).catch(() => null);
  await response?.arrayBuffer();
  return response?.status === 200;
}
