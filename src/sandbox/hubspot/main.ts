import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type SandboxOptions, startHubSpotSandbox } from './server.ts';

/**
 * The sandbox as a process of its own: `node src/sandbox/hubspot/main.ts --config sandbox.json [--port 4010]`.
 * The configuration is a `SandboxOptions` in JSON (without `clock` and `pages`), from `--config` or, as text, from
 * HUBSPOT_SANDBOX_CONFIG. Prints one JSON line with the URLs when it listens; ends on SIGTERM and SIGINT.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' }, port: { type: 'string' } } });
  const text = values.config === undefined ? process.env.HUBSPOT_SANDBOX_CONFIG : readFileSync(values.config, 'utf8');
  if (text === undefined) throw new Error('give --config FILE or HUBSPOT_SANDBOX_CONFIG');
  const port = values.port ?? process.env.HUBSPOT_SANDBOX_PORT;
  const options = JSON.parse(text) as SandboxOptions;
  const sandbox = await startHubSpotSandbox(port === undefined ? options : { ...options, port: Number(port) });
  process.stdout.write(`${JSON.stringify({ url: sandbox.url, authorizeUrl: sandbox.authorizeUrl })}\n`);
  const stop = (): void => {
    void sandbox.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

await main();
