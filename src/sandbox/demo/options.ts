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
  /** What is made up beside the story; null for nothing. */
  readonly life: LifeSize | null;
}

export interface LifeSize {
  readonly seed: number;
  readonly members: number;
  readonly referrals: number;
}

/** Enough for full lists and charts, and made before somebody who has started it loses patience. */
const USUAL = { members: 200, referrals: 1_500 };
const FULL = { members: 5_000, referrals: 40_000 };
const SEED = 1;
/** More than this is minutes of memory and hours of time; `bench/` makes big stores in another way. */
const COUNT_MAX = 200_000;

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
    .option(
      '--members <number>',
      `members of the two made-up years beside the story; ${USUAL.members} if left out`,
      readCount,
    )
    .option('--referrals <number>', `their referrals; ${USUAL.referrals} if left out, 0 for the story alone`, readCount)
    .option('--full', `the same with ${FULL.members} members and ${FULL.referrals} referrals; it takes minutes`)
    .option('--seed <number>', 'another seed makes other years', readCount)
    .helpOption('--help', 'show this help')
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .showHelpAfterError();
  try {
    command.parse([...args], { from: 'user' });
    const parsed = command.opts<Parsed>();
    const ports = [parsed.port, parsed.crmPort, parsed.orgPort].filter((port) => port !== undefined);
    if (new Set(ports).size === ports.length) return { ...parsed, life: lifeOf(parsed) };
    return command.error(
      'error: Wonward, the local HubSpot and the local Salesforce need a port each: two of --port, --crm-port and --org-port are the same.',
    );
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE;
    throw thrown;
  }
}

interface Parsed extends Omit<DemoOptions, 'life'> {
  readonly members?: number;
  readonly referrals?: number;
  readonly full?: true;
  readonly seed?: number;
}

/** Whoever only wants to know whether the story holds (--exit) looks at nothing, and gets no years unless they ask for them. */
function lifeOf({ members, referrals, full, seed, exit }: Parsed): LifeSize | null {
  const isAsked = members !== undefined || referrals !== undefined || full === true || seed !== undefined;
  if ((exit && !isAsked) || referrals === 0) return null;
  const usual = full ? FULL : USUAL;
  return {
    seed: seed ?? SEED,
    members: Math.max(1, members ?? usual.members),
    referrals: referrals ?? usual.referrals,
  };
}

function readCount(text: string): number {
  const count = Number(text);
  if (/^[0-9]{1,6}$/.test(text) && count <= COUNT_MAX) return count;
  throw new InvalidArgumentError(`It must be a number from 0 to ${COUNT_MAX}.`);
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= 1 && port <= PORT_MAX) return port;
  throw new InvalidArgumentError(`It must be a number from 1 to ${PORT_MAX}.`);
}
