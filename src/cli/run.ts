import { Command, CommanderError } from 'commander';
import { Fault } from '../domain/errors.ts';
import { createAccount, listAccounts } from './accounts.ts';
import { checkConfig } from './config-check.ts';
import { installLink } from './connect.ts';
import { createKey, generateKey, revokeKey } from './keys.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { programExample, publishProgram } from './program-file.ts';
import { retryParked } from './retry.ts';
import { showState } from './state.ts';

/** Runs one command line and returns its exit code. Nothing is thrown: what went wrong is said, with what to do about it. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const asJson = args.includes('--json');
  const print = ({ json, lines }: Result) => {
    for (const line of asJson ? [JSON.stringify(json, null, 2)] : lines) terminal.out(`${line}\n`);
  };
  try {
    await commands(terminal, print).parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const error = errorOf(thrown);
    terminal.err(asJson ? `${JSON.stringify(jsonOf(error), null, 2)}\n` : textOf(error));
    return error.exitCode;
  }
}

function commands(terminal: Terminal, print: (result: Result) => void): Command {
  const program = new Command('wonward')
    .description('Administer Wonward. Reads the same environment as the service, and .env where it is started.')
    .option('--json', 'print the result as JSON')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('Add --help to see how.');

  const account = program.command('account').description('customers of Wonward');
  add(account, 'create <name>', 'create an account').action(async (name: string) =>
    print(await createAccount(terminal, name)),
  );
  add(account, 'list', 'list accounts').action(async () => print(await listAccounts(terminal)));

  const key = program.command('key').description('API keys, and the key that encrypts the database');
  add(key, 'create <account>', 'create an API key; it is shown this once')
    .requiredOption('--label <label>', 'what the key is for')
    .action(async (of: string, { label }: { label: string }) => print(await createKey(terminal, of, label)));
  add(key, 'revoke <account> <key>', 'revoke an API key, by its id').action(async (of: string, id: string) =>
    print(await revokeKey(terminal, of, id)),
  );
  add(key, 'generate', 'print a fresh ENCRYPTION_KEY')
    .option('--id <id>', 'name of the key, another one for each rotation', 'k1')
    .action(({ id }: { id: string }) => print(generateKey(id)));

  add(program, 'connect <account>', 'print an install link for a CRM')
    .requiredOption('--provider <provider>', 'which CRM, such as hubspot')
    .action(async (of: string, { provider }: { provider: string }) => print(await installLink(terminal, of, provider)));

  const programs = program.command('program').description('referral programs');
  add(programs, 'publish <account> <file>', 'publish a program from a JSON file, or from - for standard input').action(
    async (of: string, file: string) => print(await publishProgram(terminal, of, file)),
  );
  add(programs, 'example', 'print an example with comments').action(() => print(programExample()));

  const config = program.command('config').description('configuration');
  add(config, 'check', 'say what the service would start with').action(() => print(checkConfig(terminal)));

  add(program, 'state', 'show connections, their sync state and the queues')
    .option('--account <account>', 'of one account only')
    .action(async ({ account: of }: { account?: string }) => print(await showState(terminal, of)));

  add(program, 'retry <account>', 'try again what is parked: records, write-backs and payouts').action(
    async (of: string) => print(await retryParked(terminal, of)),
  );
  return program;
}

/** Every command takes --json, so that it can stand behind the command as well as before it. */
function add(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description).option('--json', 'print the result as JSON');
}

function errorOf(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  if (thrown instanceof Fault) return new CliError(thrown.publicText, 'Nothing else was done.');
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new CliError(`That failed: ${why}`, 'If the database is there and writable, this is a mistake of ours.');
}

function jsonOf({ message, remedy, problems }: CliError) {
  return { error: { message, remedy, problems } };
}

function textOf({ message, remedy, problems }: CliError): string {
  return `${message}\n${remedy}\n${problems.map((problem) => `  - ${problem}\n`).join('')}`;
}
