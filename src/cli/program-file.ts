import { writeFile } from 'node:fs/promises';
import { parse as parseYaml, stringify as stringifyYaml } from 'yaml';
import { csvOf } from '../application/csv.ts';
import { type DryRunReport, dryRun } from '../application/dry-run.ts';
import { programDiff } from '../application/program-diff.ts';
import { parseProgram, ruleDocument } from '../application/program-document.ts';
import { decimalOf, type Money, textOf } from '../domain/money.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { programHash } from '../domain/program-hash.ts';
import { isoOf } from '../domain/time.ts';
import { dayOf } from './day.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, payoutsOf, type Services, withServices } from './services.ts';

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
  const { programId, name, rules, tiers } = await programOf(terminal, file);
  return {
    json: { programId, name, rules: rules.length, contentHash: programHash({ programId, rules, tiers }) },
    lines: [`"${name}" can be published: ${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}.`],
  };
}

export function publishProgram(terminal: Terminal, account: string, file: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const program = await programOf(terminal, file);
    await assertPayable(services, id, program);
    return published(await services.store.programs.publish(id, program, services.now()), name);
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
    const { rules, tiers, ...earlier } = await versionOf(services, id, programId, version);
    const program = { programId: earlier.programId, name: earlier.name, tiers, rules };
    await assertPayable(services, id, program);
    return published(await services.store.programs.publish(id, program, services.now()), name);
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
    const now = services.now();
    const period = {
      from: from === undefined ? 0 : dayOf('--from', from),
      to: to === undefined ? now : dayOf('--to', to),
    };
    const report = await services.store.audited(now, (audit) => dryRun(audit, { accountId: id, draft, ...period }));
    if (csv !== undefined) await writeFile(csv, tableOf(report));
    return { json: jsonOf(report), lines: linesOf(report, csv) };
  });
}

/** A reward that nobody can pay would wait for ever; the rule is refused while somebody is there to read why. */
async function assertPayable(
  services: Services,
  accountId: string,
  { rules }: Pick<ProgramVersion, 'rules'>,
): Promise<void> {
  const { accounts } = await payoutsOf(services);
  const ready = (await accounts.list(accountId)).flatMap(({ name, configured }) => (configured ? [name] : []));
  const problems = rules.flatMap(({ payout }, index) =>
    ready.includes(payout) ? [] : [`rules[${index}].payout: ${payout} is not set up for this account`],
  );
  if (problems.length === 0) return;
  throw new CliError(
    'A rule could never be paid.',
    `Give the provider its credentials (for "webhook" REWARD_WEBHOOK_URL and REWARD_WEBHOOK_SECRET), or use one of ${ready.join(', ')}.`,
    { problems },
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

function documentOf({ programId, name, rules, tiers }: Pick<ProgramVersion, 'programId' | 'name' | 'rules' | 'tiers'>) {
  const moneyOf = (money: Money) => ({ amount: decimalOf(money), currency: money.currency });
  return {
    programId,
    name,
    ...(tiers ? { tiers: ruleDocument(tiers, moneyOf) } : {}),
    rules: rules.map((rule) => ruleDocument(rule, moneyOf)),
  };
}

function jsonOf(report: DryRunReport): unknown {
  return JSON.parse(
    JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
  );
}

function linesOf(
  { counts, totals, referrals, unknown, toReview, limited, differences }: DryRunReport,
  csv: string | undefined,
) {
  const of = (minor: bigint, currency: string) => textOf({ minor, currency });
  return [
    `${referrals} referrals: ${counts.same} rewards as they are, ${counts.new} new, ${counts.lost} lost, ${counts.changed} changed.`,
    ...totals.map(
      ({ currency, before, after }) =>
        `${of(before, currency)} stand, the draft gives ${of(after, currency)}: ${of(after - before, currency)} more.`,
    ),
    ...(toReview > 0 ? [`${toReview} of them a person would have to approve.`] : []),
    ...(limited > 0 ? [`${limited} a limit keeps back, whole or in part.`] : []),
    ...(unknown > 0 ? [`${unknown} referrals are left out: their contact was deleted or merged away.`] : []),
    ...(csv === undefined ? [] : [`${differences.length} differences are in ${csv}.`]),
  ];
}

/** One line for each difference. */
function tableOf({ differences }: DryRunReport): string {
  const rows = differences.map(({ kind, referralId, deal, ruleKey, party, before, after, why }) => [
    kind,
    referralId,
    deal.connectionId,
    deal.id,
    ruleKey,
    party,
    before ? decimalOf(before) : '',
    after ? decimalOf(after) : '',
    (after ?? before)?.currency ?? '',
    why,
  ]);
  const head = ['kind', 'referral', 'connection', 'deal', 'rule', 'party', 'before', 'after', 'currency', 'why'];
  return csvOf(head, rows);
}

async function programOf(terminal: Terminal, file: string) {
  const parsed = parseProgram(await readDocument(terminal, file));
  if (parsed.ok) return parsed.program;
  throw new CliError(`${file} cannot be published.`, 'Correct these fields ("program example" shows a whole one):', {
    problems: parsed.problems,
  });
}

async function readDocument({ readText }: Terminal, file: string): Promise<unknown> {
  const text = await readText(file).catch(() => {
    throw new CliError(`${file} cannot be read.`, 'Name a file that exists, or - for what is piped in.', {
      exitCode: EXIT.usage,
    });
  });
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
