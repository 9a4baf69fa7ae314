import { Command, CommanderError, InvalidArgumentError } from 'commander';

export interface DemoOptions {
  /** Ends after the story. */
  readonly exit?: true;
  /** Where to write what was seen. */
  readonly json?: string;
  /** Of Wonward; none: any free one. */
  readonly port?: number;
  /** Of the local HubSpot; none: any free one. */
  readonly crmPort?: number;
  /** Of the local Salesforce's pages; none: any free one. */
  readonly orgPort?: number;
}

interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const PORT_MAX = 65_535;
/** Where every shell and tool says "called wrongly". */
const EXIT_USAGE = 2;

/** The options, or the exit code of a command line that needs no demo: help, or a mistake that has been said. */
export function readOptions(args: readonly string[], { out, err }: Terminal): DemoOptions | number {
  const command = new Command('npm run demo --')
    .usage('[options]')
    .description(
      'Starts Wonward, a local HubSpot and a local Salesforce on this machine and plays the main job in both: a deal is ' +
        'won, both sides are rewarded once, the deal is re-opened, the reward is taken back. Every step is read back ' +
        'from outside.',
    )
    .option('--exit', 'end after the story: code 0 only if every step was verified')
    .option('--json <file>', 'write what was seen: {"steps":[{"name","crm","verified","evidence"}]}')
    .option('--port <number>', 'port of Wonward; any free one if left out', readPort)
    .option('--crm-port <number>', 'port of the local HubSpot; any free one if left out', readPort)
    .option('--org-port <number>', "port of the local Salesforce's pages; any free one if left out", readPort)
    .helpOption('--help', 'show this help')
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .showHelpAfterError();
  try {
    command.parse([...args], { from: 'user' });
    const options = command.opts<DemoOptions>();
    const ports = [options.port, options.crmPort, options.orgPort].filter((port) => port !== undefined);
    if (new Set(ports).size === ports.length) return options;
    return command.error(
      'error: Wonward, the local HubSpot and the local Salesforce need a port each: two of --port, --crm-port and --org-port are the same.',
    );
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE;
    throw thrown;
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= 1 && port <= PORT_MAX) return port;
  throw new InvalidArgumentError(`It must be a number from 1 to ${PORT_MAX}.`);
}
