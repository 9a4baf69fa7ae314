import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type SandboxOptions, startSalesforceSandbox } from './server.ts';

/**
 * The local Salesforce as a process of its own: `node src/sandbox/salesforce/main.ts --config sandbox.json [--port 4020]`.
 * The configuration is a `SandboxOptions` in JSON (without `clock`), from `--config` or, as text, from SALESFORCE_SANDBOX_CONFIG.
 * Prints one JSON line with the addresses when it listens; ends on SIGTERM and SIGINT.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' }, port: { type: 'string' } } });
  const text =
    values.config === undefined ? process.env.SALESFORCE_SANDBOX_CONFIG : readFileSync(values.config, 'utf8');
  if (text === undefined) throw new Error('give --config FILE or SALESFORCE_SANDBOX_CONFIG');
  const options = JSON.parse(text) as SandboxOptions;
  const sandbox = await startSalesforceSandbox(
    values.port === undefined ? options : { ...options, port: Number(values.port) },
  );
  const { url, pubSubEndpoint, control } = sandbox;
  const orgs = control.orgs().map(({ id, name, instanceUrl }) => ({ id, name, instanceUrl }));
  process.stdout.write(`${JSON.stringify({ url, pubSubEndpoint, orgs })}\n`);
  const stop = (): void => {
    void sandbox.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

await main();
