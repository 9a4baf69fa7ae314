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
      'Starts Wonward and a local HubSpot on this machine and plays the main job: a deal is won, both sides are ' +
        'rewarded once, the deal is re-opened, the reward is taken back. Every step is read back from outside.',
    )
    .option('--exit', 'end after the story: code 0 only if every step was verified')
    .option('--json <file>', 'write what was seen: {"steps":[{"name","crm","verified","evidence"}]}')
    .option('--port <number>', 'port of Wonward; any free one if left out', readPort)
    .option('--crm-port <number>', 'port of the local HubSpot; any free one if left out', readPort)
    .helpOption('--help', 'show this help')
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .showHelpAfterError();
  try {
    command.parse([...args], { from: 'user' });
    const options = command.opts<DemoOptions>();
    if (options.port === undefined || options.port !== options.crmPort) return options;
    return command.error('error: Wonward and the local HubSpot need a port each: --port and --crm-port are the same.');
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
