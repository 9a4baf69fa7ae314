import { randomUUID } from 'node:crypto';
import { parse as parseYaml, stringify as stringifyYaml } from 'yaml';
import { programDiff } from '../application/program-diff.ts';
import { contentDocument, parseProgram, pathText } from '../application/program-document.ts';
import { createPublish, type Publish } from '../application/publish.ts';
import { decimalOf, type Money } from '../domain/money.ts';
import type { ProgramContent, ProgramVersion } from '../domain/program.ts';
import { programHash } from '../domain/program-hash.ts';
import { isoOf } from '../domain/time.ts';
import { dryRunRefused, periodFrom, tellDryRun } from './dry-run-table.ts';
import { readFileText } from './input.ts';
import { CliError, type Result, type Terminal, table } from './output.ts';
import { accountOf, payoutsOf, type Services, withServices } from './services.ts';

/** Who is said to have published from here. */
const COMMAND_LINE = 'command line';

/** Publishable as it stands; the comments are allowed in the file. */
export const PROGRAM_EXAMPLE = `{
  // Part of the key that keeps a reward from being paid twice: never change it later.
  "programId": "default",
  "name": "Customer referrals",
  "rules": [
    {
      // Stable too. A rule with another key is another rule, and pays on its own.
      "key": "member-won",
      // Who is paid: "member" (who referred) or "friend" (who was referred).
      "party": "member",
      // 5 % of the deal, in the deal's currency: hundredths of a percent.
      "amount": { "kind": "percent", "basisPoints": 500 },
      // Every condition has to be met. What is not is told in the card, with what would make it pay.
      "conditions": [
        { "fact": "deal.amount", "op": "at_least", "money": { "amount": "1000.00", "currency": "EUR" } }
      ],
      // Paid this many days after the win, if the deal is still won then. 0 pays at once.
      "holdDays": 14,
      // "credit" books it as account credit; "webhook" orders it from REWARD_WEBHOOK_URL.
      "payout": "credit"
    },
    {
      "key": "friend-welcome",
      "party": "friend",
      "amount": { "kind": "fixed", "money": { "amount": "50.00", "currency": "EUR" } },
      "conditions": [],
      "holdDays": 0,
      "payout": "credit"
    }
  ]
}
`;

export function programExample(): Result {
  return { json: JSON.parse(withoutComments(PROGRAM_EXAMPLE)), lines: [PROGRAM_EXAMPLE.trimEnd()] };
}

/** Reads a file and says everything that is wrong with it; changes nothing. */
export async function validateProgram(terminal: Terminal, file: string): Promise<Result> {
  const content = await programOf(terminal, file);
  const { programId, name, rules } = content;
  return {
    json: { programId, name, rules: rules.length, contentHash: programHash(content) },
    lines: [`"${name}" can be published: ${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}.`],
  };
}

export function publishProgram(
  terminal: Terminal,
  account: string,
  file: string,
  { dryRun = null }: { dryRun?: string | null },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const program = await programOf(terminal, file);
    return published(await publishAs(services, id, program, dryRun), name);
  });
}

/** What publishing the file would change, field by field. Ends with 0 whether there is a difference or not. */
export function diffProgram(terminal: Terminal, account: string, file: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const program = await programOf(terminal, file);
    const inForce = await newestOf(services, id, program.programId);
    const differences = programDiff(inForce ? documentOf(inForce) : {}, documentOf(program));
    return {
      json: { inForce: inForce?.version ?? null, differences },
      lines: differences.length === 0 ? ['Nothing would change.'] : differences,
    };
  });
}

/** A published version as a file that can be published again. */
export function exportProgram(
  terminal: Terminal,
  account: string,
  options: { version?: string; program: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const document = documentOf(await versionOf(services, id, options.program, options.version));
    return { json: document, lines: [stringifyYaml(document).trimEnd()] };
  });
}

/** Publishes an earlier version once more, as the next one: versions are never changed, and none is taken back. */
export function rollBackProgram(
  terminal: Terminal,
  account: string,
  version: string,
  programId: string,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const program = contentOf(await versionOf(services, id, programId, version));
    return published(await publishAs(services, id, program, null), name);
  });
}

/** Ends a program. What was granted before runs on as its own version says. */
export function retireProgram(terminal: Terminal, account: string, programId: string, why: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const { retire } = await publishOf(services);
    const version = await retire(id, programId, COMMAND_LINE, why);
    if (!version)
      throw new CliError(`No program "${programId}" was published.`, '"program list" shows those there are.');
    return {
      json: { programId, version: version.version, retiredAt: isoOf(version.publishedAt) },
      lines: [
        `"${version.name}" has ended for "${name}", since ${isoOf(version.publishedAt)}. What was granted before is still paid.`,
      ],
    };
  });
}

/** The newest version of each program of an account, and how it stands. */
export function listPrograms(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const versions = await services.store.programs.versions(id);
    const newest = [...new Map(versions.map((version) => [version.programId, version])).values()];
    return {
      json: newest.map(({ programId, name: called, version, publishedAt, isRetired }) => ({
        programId,
        name: called,
        version,
        since: isoOf(publishedAt),
        state: isRetired ? 'retired' : 'published',
      })),
      lines:
        newest.length === 0
          ? [`"${name}" has no program yet. "program example" shows a whole one.`]
          : table(
              newest.map((one) => [
                one.programId,
                `version ${one.version}`,
                `${one.isRetired ? 'retired' : 'in force'} since ${isoOf(one.publishedAt).slice(0, 10)}`,
                one.name,
              ]),
            ),
    };
  });
}

/** What the file would have paid over all that is recorded. Pays and changes nothing; `csv` takes every difference. */
export function tryProgram(
  terminal: Terminal,
  account: string,
  file: string,
  { from, to, csv }: { from?: string; to?: string; csv?: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const draft = await programOf(terminal, file);
    const { tryOut } = await publishOf(services);
    return tellDryRun(await tryOut(id, draft, periodFrom({ from, to }, services.now()), COMMAND_LINE), csv);
  });
}

async function publishOf(services: Services): Promise<Publish> {
  const { accounts } = await payoutsOf(services);
  return createPublish({
    store: services.store,
    clock: services,
    newId: randomUUID,
    payableBy: accounts.ready,
    openSession: services.connect.openSession,
  });
}

/** By the same way as the API: what nobody could pay is refused, and so is what another person has to publish. */
async function publishAs(
  services: Services,
  accountId: string,
  content: ProgramContent,
  dryRunId: string | null,
): Promise<ProgramVersion> {
  const { publish } = await publishOf(services);
  const result = await publish(accountId, content, { by: COMMAND_LINE, dryRunId });
  if (result.kind === 'published') return result.version;
  if (result.kind === 'unpayable')
    throw new CliError(
      'A rule could never be paid.',
      `Give the provider its credentials (for "webhook" REWARD_WEBHOOK_URL and REWARD_WEBHOOK_SECRET), or use one of ${result.rules[0]?.ready.join(', ')}.`,
      {
        problems: result.rules.map(
          ({ index, payout }) => `rules[${index}].payout: ${payout} is not set up for this account`,
        ),
      },
    );
  if (result.kind === 'unknown_properties')
    throw new CliError('A rule asks about what the CRM does not have.', 'Correct these fields:', {
      problems: result.problems.map(({ path, problem }) => `${pathText(path)}: ${problem}`),
    });
  if (result.code === 'no_such_dry_run' || result.code === 'other_draft')
    throw dryRunRefused(result, 'program dry-run');
  throw new CliError(
    'Another person has to publish this: the account asks for two.',
    'Keep it as a draft by the API (PUT /api/v1/programs/{programId}/draft); somebody else publishes that.',
  );
}

function published(version: ProgramVersion, account: string): Result {
  const since = isoOf(version.publishedAt);
  return {
    json: { programId: version.programId, version: version.version, publishedAt: since },
    lines: [`"${version.name}", version ${version.version}, is in force for "${account}" since ${since}.`],
  };
}

async function newestOf({ store }: Pick<Services, 'store'>, accountId: string, programId: string) {
  const versions = await store.programs.versions(accountId);
  return versions.findLast((version) => version.programId === programId);
}

async function versionOf(
  { store }: Pick<Services, 'store'>,
  accountId: string,
  programId: string,
  version: string | undefined,
): Promise<ProgramVersion> {
  const versions = (await store.programs.versions(accountId)).filter((one) => one.programId === programId);
  const found = version === undefined ? versions.at(-1) : versions.find((one) => String(one.version) === version);
  if (found) return found;
  const known = versions.map((one) => one.version).join(', ');
  throw new CliError(
    version === undefined
      ? `No program "${programId}" was published.`
      : `There is no version ${version} of "${programId}".`,
    known === '' ? 'Publish one first; "program example" shows a whole one.' : `There are: ${known}.`,
  );
}

function documentOf(content: ProgramContent) {
  return contentDocument(content, (money: Money) => ({ amount: decimalOf(money), currency: money.currency }));
}

function contentOf({ programId, name, rules, tiers, openReferrals, risk }: ProgramVersion): ProgramContent {
  return { programId, name, rules, tiers, openReferrals, risk };
}

async function programOf(terminal: Terminal, file: string) {
  const parsed = parseProgram(await readDocument(terminal, file));
  if (parsed.ok) return parsed.program;
  throw new CliError(`${file} cannot be published.`, 'Correct these fields ("program example" shows a whole one):', {
    problems: parsed.problems,
  });
}

async function readDocument(terminal: Terminal, file: string): Promise<unknown> {
  const text = await readFileText(terminal, file);
  const isYaml =
    /\.ya?ml$/.test(file) || (file === '-' && !text.trimStart().startsWith('{') && !text.trimStart().startsWith('/'));
  try {
    return isYaml ? parseYaml(text) : JSON.parse(withoutComments(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    throw new CliError(
      `${file} is not ${isYaml ? 'YAML' : 'JSON'}: ${why}`,
      '"program example" shows one; comments are allowed.',
    );
  }
}

/** JSON as people write it in files. What stands inside a string is not a comment, nor behind one that never ends. */
export function withoutComments(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\])*"?)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, string: string | undefined) => string ?? '',
  );
}
