import { Command, CommanderError } from 'commander';
import { Fault } from '../domain/errors.ts';
import { ROLE_NAMES } from '../domain/roles.ts';
import { askForSecondPerson, createAccount, listAccounts } from './accounts.ts';
import { ATTRIBUTION, moveAttribution, tryAttributionFile, validateAttribution } from './attribution.ts';
import { acceptProposal, postponeProposal, proposeMapping, showProposal } from './autopilot.ts';
import { showBackfill, startBackfill, turnBackfill } from './backfill.ts';
import { backupDatabase } from './backup.ts';
import { decideCase, listCases, showCase } from './cases.ts';
import { createCommandLog } from './command-log.ts';
import { checkConfig } from './config-check.ts';
import {
  appEvents,
  appManagers,
  appNotices,
  appObjects,
  appPrograms,
  callShare,
  disconnect,
  installLink,
  setCardActors,
  setDuplicateRules,
} from './connect.ts';
import { doctor } from './doctor.ts';
import { fixDrift, listDrift } from './drift.ts';
import { rebuildFigures, verifyFigures } from './figures.ts';
import { countForecast, showForecast } from './forecast.ts';
import { releaseHistory, showHistory, turnRelease } from './history.ts';
import { createKey, generateKey, listKeys, revokeKey } from './keys.ts';
import { setMapping, showMapping, tryMapping } from './mapping.ts';
import { importList, importMembers, listLists, reportImport, undoImport } from './members.ts';
import { migrateDatabase } from './migrate.ts';
import { moveDatabase } from './move.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { exportBatch, listBatches, markBatch, reconcilePayouts, stepBatch, writeOffReward } from './payouts.ts';
import { closePeriod, exportPeriod, listPeriods, reopenPeriod, showPeriod, verifyClosedPeriods } from './periods.ts';
import { diffPolicy, listPolicies, publishPolicy } from './policies.ts';
import { erasePerson, exportPerson, type WhoOptions } from './privacy.ts';
import {
  diffProgram,
  exportProgram,
  listPrograms,
  programExample,
  publishProgram,
  retireProgram,
  rollBackProgram,
  tryProgram,
  validateProgram,
} from './program-file.ts';
import { importRates } from './rates.ts';
import { askForSweep, listReports, makeReport, showHealth, verifyReports } from './reconcile.ts';
import { assignRecruiter, listRecruiters, setRecruiter } from './recruiters.ts';
import { restoreDatabase } from './restore.ts';
import { retryParked } from './retry.ts';
import { rotateKey } from './rotate.ts';
import { showState } from './state.ts';
import { endTest, listTests, showTest, startTest } from './tests.ts';
import { listTierChanges, showTier } from './tiers.ts';
import { TWO_CRMS } from './two-crms.ts';
import { inviteUser, linkUser, listUsers } from './users.ts';
import { verifyDatabase } from './verify.ts';
import { listWebhooks, replayWebhook } from './webhooks.ts';

/** Of what brings a draft into force. */
const ON_DRY_RUN = ['--dry-run <id>', 'only if it is the very draft that this dry run was of'] as const;

/** Runs one command line and returns its exit code. Nothing is thrown: what went wrong is said, with what to do about it. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const asJson = args.includes('--json');
  let exitCode: number = EXIT.ok;
  let result: Result | null = null;
  const print = (found: Result) => {
    result = found;
    exitCode = found.exitCode ?? EXIT.ok;
    const { json, lines } = found;
    for (const line of asJson ? [JSON.stringify(json, null, 2)] : lines) terminal.out(`${printable(line)}\n`);
  };
  const program = commands(terminal, print);
  const commandLog = createCommandLog(terminal, program);
  program
    .hook('preAction', (_program, command) => commandLog.begin(command))
    .hook('postAction', () => commandLog.done(result));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    await commandLog.failed(thrown);
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const error = errorOf(thrown);
    terminal.err(asJson ? `${JSON.stringify(jsonOf(error), null, 2)}\n` : printable(textOf(error)));
    return error.exitCode;
  }
}

/** Every command, with what it does to the terminal. */
export function commands(terminal: Terminal, print: (result: Result) => void): Command {
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
  add(account, 'four-eyes <account> <on|off>', 'whether what one person has written another one has to publish').action(
    async (of: string, answer: string) => print(await askForSecondPerson(terminal, of, answer)),
  );

  const user = program.command('user').description('who works with the console');
  add(user, 'invite <account> <email>', 'a link that gives somebody a seat, once; the first owner gets in this way')
    .option('--role <role...>', `one or more of ${ROLE_NAMES.join(', ')}`, ['owner'])
    .action(async (of: string, email: string, { role }: { role: string[] }) =>
      print(await inviteUser(terminal, of, email, role)),
    );
  add(user, 'link <email>', 'a link to sign in with, for who has a seat').action(async (email: string) =>
    print(await linkUser(terminal, email)),
  );
  add(user, 'list <account>', 'who has a seat, and who is invited').action(async (of: string) =>
    print(await listUsers(terminal, of)),
  );

  const key = program.command('key').description('API keys, and the key that encrypts the database');
  add(key, 'create <account>', 'create an API key; it is shown this once')
    .requiredOption('--label <label>', 'what the key is for')
    .action(async (of: string, { label }: { label: string }) => print(await createKey(terminal, of, label)));
  add(key, 'list <account>', 'list API keys, live and revoked').action(async (of: string) =>
    print(await listKeys(terminal, of)),
  );
  add(key, 'revoke <account> <key>', 'revoke an API key, by its id').action(async (of: string, id: string) =>
    print(await revokeKey(terminal, of, id)),
  );
  add(key, 'generate', 'print a fresh ENCRYPTION_KEY')
    .option('--id <id>', 'name of the key, another one for each rotation', 'k1')
    .action(({ id }: { id: string }) => print(generateKey(id)));
  add(key, 'rotate', 'seal the stored tokens anew with the first key of ENCRYPTION_KEY; may be repeated').action(
    async () => print(await rotateKey(terminal)),
  );

  const webhook = program.command('webhook').description('where other systems are told of what happens');
  add(webhook, 'list <account>', 'list webhooks, and how they do').action(async (of: string) =>
    print(await listWebhooks(terminal, of)),
  );
  add(webhook, 'replay <account> <webhook>', 'send again what has happened since a day, under the same ids')
    .requiredOption('--since <day>', 'events from this day on, such as 2026-01-31; they are kept for 30 days')
    .option('--all', 'also those that were delivered')
    .action(async (of: string, id: string, options: { since: string; all?: boolean }) =>
      print(await replayWebhook(terminal, of, id, options)),
    );

  add(program, 'connect <account>', 'print an install link for a CRM')
    .requiredOption('--provider <provider>', 'which CRM, such as hubspot')
    .option(
      '--site <address>',
      'where the admin logs in, for Salesforce: https://test.salesforce.com or the My Domain of the org',
    )
    .action(async (of: string, { provider, site }: { provider: string; site?: string }) =>
      print(await installLink(terminal, of, provider, site)),
    );

  const connection = program.command('connection').description('how Wonward writes into a CRM');
  add(
    connection,
    'duplicate-rules <account> <connection> <respect|allow>',
    'whether a row that a duplicate rule of the org warns of waits for a person or is saved all the same',
  ).action(async (of: string, id: string, answer: string) => print(await setDuplicateRules(terminal, of, id, answer)));
  add(
    connection,
    'call-share <account> <connection> [percent]',
    'how many percent of the API calls of a day are taken at most; "usual" for what the service is configured to',
  ).action(async (of: string, id: string, percent: string | undefined) =>
    print(await callShare(terminal, of, id, percent)),
  );
  add(
    connection,
    'managers <account> <connection> [users...]',
    'who may change settings in the app inside the CRM; with the ids of users these, and nobody else',
  ).action(async (of: string, id: string, users: string[]) => print(await appManagers(terminal, of, id, users)));

  add(
    connection,
    'programs <account> <connection> [programs...]',
    'which programs apply in a CRM: with ids these, for referrals that begin from now on; "every" for all that are published, "none" for none',
  ).action(async (of: string, id: string, programs: string[]) => print(await appPrograms(terminal, of, id, programs)));

  add(
    connection,
    'notices <account> <connection> [notices...]',
    'what a CRM gets tasks for: kinds such as review_due, each with the CRM’s id of an owner if it is to be theirs (review_due=41629779), or "none"',
  ).action(async (of: string, id: string, notices: string[]) => print(await appNotices(terminal, of, id, notices)));

  add(
    connection,
    'objects <account> <connection> [on|off]',
    'whether referrals and rewards are rows of objects of their own in a CRM, for HubSpot accounts that have custom objects',
  ).action(async (of: string, id: string, answer?: string) => print(await appObjects(terminal, of, id, answer)));

  add(
    connection,
    'events <account> <connection> [on|off]',
    'whether the timelines of contacts in a CRM are told what happens, for a HubSpot app that is approved for app events',
  ).action(async (of: string, id: string, answer?: string) => print(await appEvents(terminal, of, id, answer)));

  add(
    connection,
    'card-actors <account> <connection> <users...>',
    'who may act from the cards in a CRM: e-mail addresses or user ids of the CRM, "everyone" who sees a card, or "nobody"',
  ).action(async (of: string, id: string, users: string[]) => print(await setCardActors(terminal, of, id, users)));
  add(
    connection,
    'disconnect <account> <connection>',
    'leave a CRM: uninstall the app there, or give the authorisation back; what was recorded stays',
  )
    .option('--confirm <connection>', 'the id of the connection, typed once more; without it nothing is done')
    .action(async (of: string, id: string, { confirm }: { confirm?: string }) =>
      print(await disconnect(terminal, of, id, confirm)),
    );
  add(connection, 'health <account> <connection>', 'say how a connection does, and what needs attention').action(
    async (of: string, id: string) => print(await showHealth(terminal, of, id)),
  );
  add(connection, 'sweep <account> <connection>', 'have the CRM searched for changes that no event told of')
    .option('--full', 'through everything since the install, instead of since the last search')
    .action(async (of: string, id: string, { full = false }: { full?: boolean }) =>
      print(await askForSweep(terminal, of, id, full)),
    );

  const reconcile = program
    .command('reconcile')
    .description('comparisons of a CRM with the decisions and with what it should show');
  add(
    reconcile,
    'report <account> <connection>',
    'compare now; ends with 1 when anything is unexplained or differs',
  ).action(async (of: string, id: string) => print(await makeReport(terminal, of, id)));
  add(reconcile, 'list <account> <connection>', 'list the comparisons that were made').action(
    async (of: string, id: string) => print(await listReports(terminal, of, id)),
  );
  add(reconcile, 'verify <account> <connection>', 'say whether the comparisons are as they were made').action(
    async (of: string, id: string) => print(await verifyReports(terminal, of, id)),
  );

  const programs = program.command('program').description('referral programs');
  add(programs, 'publish <account> <file>', 'publish a program from a JSON or YAML file, or from - for standard input')
    .option(...ON_DRY_RUN)
    .action(async (of: string, file: string, options: { dryRun?: string }) =>
      print(await publishProgram(terminal, of, file, options)),
    );
  add(programs, 'validate <file>', 'say what is wrong with a file; changes nothing').action(async (file: string) =>
    print(await validateProgram(terminal, file)),
  );
  add(programs, 'diff <account> <file>', 'say what publishing a file would change').action(
    async (of: string, file: string) => print(await diffProgram(terminal, of, file)),
  );
  add(programs, 'dry-run <account> <file>', 'say what a file would have paid over all that is recorded; pays nothing')
    .option('--from <day>', 'events from this day on, such as 2026-01-31')
    .option('--to <day>', 'events before this day')
    .option('--csv <file>', 'write every difference into this file')
    .action(async (of: string, file: string, options: { from?: string; to?: string; csv?: string }) =>
      print(await tryProgram(terminal, of, file, options)),
    );
  add(programs, 'export <account>', 'print a published version, as YAML')
    .option('--version <version>', 'another one than the newest')
    .option('--program <program>', 'which program', 'default')
    .action(async (of: string, options: { version?: string; program: string }) =>
      print(await exportProgram(terminal, of, options)),
    );
  add(programs, 'rollback <account> <version>', 'publish an earlier version once more, as the next one')
    .option('--program <program>', 'which program', 'default')
    .action(async (of: string, version: string, { program: id }: { program: string }) =>
      print(await rollBackProgram(terminal, of, version, id)),
    );
  add(programs, 'list <account>', 'list programs, and whether they are in force').action(async (of: string) =>
    print(await listPrograms(terminal, of)),
  );
  add(programs, 'retire <account> <program>', 'end a program; what was granted before is still paid')
    .requiredOption('--why <why>', 'the reason, for those who come after')
    .action(async (of: string, id: string, { why }: { why: string }) =>
      print(await retireProgram(terminal, of, id, why)),
    );
  add(programs, 'example', 'print an example with comments').action(() => print(programExample()));

  const rates = program.command('rates').description('exchange rates, for rules that pay in one currency');
  add(rates, 'import <account> <file>', 'enter a table as the European Central Bank publishes it (eurofxref-hist.csv)')
    .option('--base <currency>', 'the currency that one of is paid for', 'EUR')
    .option('--source <source>', 'who published it', 'ECB')
    .action(async (of: string, file: string, options: { base: string; source: string }) =>
      print(await importRates(terminal, of, file, options)),
    );

  const attribution = program.command('attribution').description('whose a referral is');
  add(attribution, 'publish <account> <file>', 'publish a policy from a JSON or YAML file')
    .option(...ON_DRY_RUN)
    .action(async (of: string, file: string, options: { dryRun?: string }) =>
      print(await publishPolicy(ATTRIBUTION, terminal, of, file, options)),
    );
  add(attribution, 'validate <file>', 'say what is wrong with a file; changes nothing').action(async (file: string) =>
    print(await validateAttribution(terminal, file)),
  );
  add(attribution, 'diff <account> <file>', 'say what publishing a file would change').action(
    async (of: string, file: string) => print(await diffPolicy(ATTRIBUTION, terminal, of, file)),
  );
  add(
    attribution,
    'dry-run <account> <file>',
    'say what a file would change about whose referrals are and what is paid; pays nothing',
  )
    .option('--from <day>', 'events from this day on, such as 2026-01-31')
    .option('--to <day>', 'events before this day')
    .option('--csv <file>', 'write every difference into this file')
    .action(async (of: string, file: string, options: { from?: string; to?: string; csv?: string }) =>
      print(await tryAttributionFile(terminal, of, file, options)),
    );
  add(attribution, 'list <account>', 'print the policy that is in force').action(async (of: string) =>
    print(await listPolicies(ATTRIBUTION, terminal, of)),
  );
  add(attribution, 'move <account> <referral> <member>', 'give a referral to another member')
    .requiredOption('--why <why>', 'a sentence for the books')
    .action(async (of: string, referral: string, member: string, { why }: { why: string }) =>
      print(await moveAttribution(terminal, of, referral, member, why)),
    );

  const twoCrms = program.command('two-crms').description('which connection decides on what stands in several of them');
  add(twoCrms, 'publish <account> <file>', 'publish a policy from a JSON or YAML file').action(
    async (of: string, file: string) => print(await publishPolicy(TWO_CRMS, terminal, of, file)),
  );
  add(twoCrms, 'diff <account> <file>', 'say what publishing a file would change, or what is wrong with it').action(
    async (of: string, file: string) => print(await diffPolicy(TWO_CRMS, terminal, of, file)),
  );
  add(twoCrms, 'list <account>', 'print the connections and the policy that is in force').action(async (of: string) =>
    print(await listPolicies(TWO_CRMS, terminal, of)),
  );

  const mapping = program.command('mapping').description('what the stages of a CRM mean');
  add(mapping, 'show <account> <connection>', 'show what each stage means, and who has said so').action(
    async (of: string, connection: string) => print(await showMapping(terminal, of, connection)),
  );
  add(mapping, 'set <account> <connection> <file>', 'say what stages mean, by a JSON or YAML file, or -')
    .option(...ON_DRY_RUN)
    .action(async (of: string, connection: string, file: string, options: { dryRun?: string }) =>
      print(await setMapping(terminal, of, connection, file, options)),
    );
  add(mapping, 'dry-run <account> <connection> <file>', 'say what a file would change about what is paid; pays nothing')
    .option('--from <day>', 'events from this day on, such as 2026-01-31')
    .option('--to <day>', 'events before this day')
    .option('--csv <file>', 'write every difference into this file')
    .action(
      async (of: string, connection: string, file: string, options: { from?: string; to?: string; csv?: string }) =>
        print(await tryMapping(terminal, of, connection, file, options)),
    );

  for (const [step, what, run] of [
    ['propose', 'read the pipelines and a year of deals, and propose what each stage means', proposeMapping],
    ['proposal', 'show what was proposed last', showProposal],
  ] as const)
    add(mapping, `${step} <account> <connection>`, what).action(async (of: string, connection: string) =>
      print(await run(terminal, of, connection)),
    );
  add(mapping, 'accept <account> <connection>', 'accept what was proposed, and try it on all that is recorded')
    .option('--file <file>', 'what is to hold instead, as "mapping set" reads it')
    .option('--from <day>', 'events from this day on, such as 2026-01-31')
    .option('--to <day>', 'events before this day')
    .option('--csv <file>', 'write every difference into this file')
    .action(
      async (of: string, connection: string, options: { file?: string; from?: string; to?: string; csv?: string }) =>
        print(await acceptProposal(terminal, of, connection, options)),
    );
  add(mapping, 'postpone <account> <connection>', 'put what was proposed off')
    .requiredOption('--until <day>', 'until this day, such as 2026-01-31')
    .action(async (of: string, connection: string, options: { until: string }) =>
      print(await postponeProposal(terminal, of, connection, options)),
    );

  const drift = program.command('drift').description('what has changed in a CRM since somebody looked at it');
  add(drift, 'list <account> <connection>', 'list open alerts, with what mends each').action(
    async (of: string, connection: string) => print(await listDrift(terminal, of, connection)),
  );
  add(drift, 'fix <account> <connection> <alert> <fix>', 'mend one of them')
    .option('--means <stage>', 'for "map": what the stage means')
    .option('--pipeline <id>', 'for "map": where another stage is meant')
    .option('--stage <id>', 'for "map": which one, where another stage is meant')
    .action(
      async (
        of: string,
        connection: string,
        alert: string,
        how: string,
        options: { means?: string; pipeline?: string; stage?: string },
      ) => print(await fixDrift(terminal, of, connection, alert, how, options)),
    );

  const tiers = program.command('tiers').description('tiers of members');
  add(tiers, 'list <account>', 'list tier changes with what they rest on, the newest first')
    .option('--member <member>', 'of one member only')
    .action(async (of: string, options: { member?: string }) => print(await listTierChanges(terminal, of, options)));
  add(tiers, 'show <account> <member>', 'show where a member stands, and what is missing to the next tier').action(
    async (of: string, member: string) => print(await showTier(terminal, of, member)),
  );

  const recruiters = program.command('recruiters').description("members who are the account's own people");
  add(recruiters, 'list <account>', 'list recruiters').action(async (of: string) =>
    print(await listRecruiters(terminal, of)),
  );
  for (const [step, what, isRecruiter] of [
    ['add', 'make a member a recruiter', true],
    ['remove', 'a member is no recruiter any more', false],
  ] as const)
    add(recruiters, `${step} <account> <member>`, what).action(async (of: string, member: string) =>
      print(await setRecruiter(terminal, of, member, isRecruiter)),
    );
  add(recruiters, 'assign <account> <referral> <member>', 'name the recruiter who owns a referral').action(
    async (of: string, referral: string, member: string) =>
      print(await assignRecruiter(terminal, of, referral, member)),
  );
  add(recruiters, 'unassign <account> <referral>', 'nobody beside the member owns a referral').action(
    async (of: string, referral: string) => print(await assignRecruiter(terminal, of, referral, null)),
  );

  const config = program.command('config').description('configuration');
  add(config, 'check', 'say what the service would start with').action(() => print(checkConfig(terminal)));

  add(program, 'state', 'show connections, their sync state and the queues')
    .option('--account <account>', 'of one account only')
    .action(async ({ account: of }: { account?: string }) => print(await showState(terminal, of)));

  add(program, 'retry <account>', 'try again what is parked: records, write-backs and payouts').action(
    async (of: string) => print(await retryParked(terminal, of)),
  );

  const cases = program.command('cases').description('what waits for a person: reviews, disputes, alerts');
  add(cases, 'list <account>', 'list open cases, the newest first')
    .option('--all', 'decided ones too')
    .option('--owner <owner>', 'of one owner, such as role:reviewer')
    .action(async (of: string, options: { all?: boolean; owner?: string }) =>
      print(await listCases(terminal, of, options)),
    );
  add(cases, 'show <account> <case>', 'show a case with everything that happened to it').action(
    async (of: string, id: string) => print(await showCase(terminal, of, id)),
  );
  add(cases, 'decide <account> <case> <outcome>', 'decide a case; what follows from it is done at once')
    .requiredOption('--why <why>', 'the reason, kept for ever')
    .requiredOption('--by <who>', 'who decides, by a role or an id')
    .option('--member <member>', 'of "reattributed": to whom, where the dispute does not say')
    .action(async (of: string, id: string, outcome: string, options: { why: string; by: string; member?: string }) =>
      print(await decideCase(terminal, of, id, outcome, options)),
    );

  const periods = program.command('periods').description('months of the books');
  add(periods, 'list <account>', 'list closed months, and what to look at before the next one is closed').action(
    async (of: string) => print(await listPeriods(terminal, of)),
  );
  add(periods, 'close <account> <month>', 'close a month, as 2026-10; nothing is booked in it afterwards')
    .requiredOption('--by <who>', 'who closes it, by name or role')
    .option('--reason <why>', 'why in spite of what there is to look at')
    .action(async (of: string, month: string, options: { by: string; reason?: string }) =>
      print(await closePeriod(terminal, of, month, options)),
    );
  add(periods, 'show <account> <close>', 'show what was kept of a month, and what was booked later about it').action(
    async (of: string, id: string) => print(await showPeriod(terminal, of, id)),
  );
  add(periods, 'reopen <account> <close>', 'take the close of the last month back')
    .requiredOption('--by <who>', 'who takes it back, by name or role')
    .requiredOption('--reason <why>', 'why, kept for ever')
    .action(async (of: string, id: string, options: { by: string; reason: string }) =>
      print(await reopenPeriod(terminal, of, id, options)),
    );
  add(periods, 'export <account> <close>', 'print the totals of a closed month by your own chart, as CSV').action(
    async (of: string, id: string) => print(await exportPeriod(terminal, of, id)),
  );
  add(periods, 'verify <account>', 'say whether closed months still come to what was kept of them').action(
    async (of: string) => print(await verifyClosedPeriods(terminal, of)),
  );

  const forecast = program.command('forecast').description('what open deals may still cost');
  add(forecast, 'show <account>', 'print it as it was counted last, by month and currency').action(async (of: string) =>
    print(await showForecast(terminal, of)),
  );
  add(forecast, 'count <account>', 'count it now; the CRM is not asked for anything')
    .option('--by <who>', 'who asks for it, by name or role', 'command line')
    .action(async (of: string, { by }: { by: string }) => print(await countForecast(terminal, of, by)));

  const payouts = program.command('payouts').description('what left through reward providers');
  add(payouts, 'reconcile <account>', 'compare what a provider says it gave with the ledger, and keep the report')
    .requiredOption('--provider <provider>', 'which one, such as stripe')
    .option('--from <day>', 'first day, as 2026-11-01, in UTC')
    .option('--to <day>', 'the day after the last one')
    .action(async (of: string, options: { provider: string; from?: string; to?: string }) =>
      print(await reconcilePayouts(terminal, of, options)),
    );
  add(payouts, 'batches <account>', 'list batches, and when those of each provider are cut').action(
    async (of: string) => print(await listBatches(terminal, of)),
  );
  for (const [step, what] of [
    ['cut', 'close a batch to what comes later'],
    ['approve', 'let the orders of a batch go out'],
  ] as const)
    add(payouts, `${step} <account> <batch>`, what)
      .requiredOption('--by <who>', 'who decides it, by name or role')
      .action(async (of: string, batch: string, options: { by: string }) =>
        print(await stepBatch(terminal, step, of, batch, options)),
      );
  add(payouts, 'export <account> <batch>', 'write what is to be paid by hand into a CSV')
    .requiredOption('--by <who>', 'who pays it, by name or role')
    .option('--file <file>', 'where to')
    .action(async (of: string, batch: string, options: { by: string; file?: string }) =>
      print(await exportBatch(terminal, of, batch, options)),
    );
  add(payouts, 'mark <account> <batch> <file>', 'read from the filled-in CSV, or from -, what was paid and refused')
    .requiredOption('--by <who>', 'who has paid it, by name or role')
    .action(async (of: string, batch: string, file: string, options: { by: string }) =>
      print(await markBatch(terminal, of, batch, file, options)),
    );
  add(payouts, 'write-off <account> <reward>', 'give up what is owed back of a reward')
    .requiredOption('--by <who>', 'who has authorised it, by name or role')
    .requiredOption('--why <why>', 'on which ground; kept for ever')
    .action(async (of: string, reward: string, options: { by: string; why: string }) =>
      print(await writeOffReward(terminal, of, reward, options)),
    );

  const backfill = program.command('backfill').description('what lay in a CRM before Wonward came; pays nothing');
  add(backfill, 'start <account> <connection>', 'read contacts and deals, behind everything that happens today')
    .requiredOption('--since <day>', 'those modified from this day on, such as 2024-01-31')
    .option('--by <who>', 'who asks for it, by name or role', 'command line')
    .action(async (of: string, connection: string, options: { since: string; by: string }) =>
      print(await startBackfill(terminal, of, connection, options)),
    );
  add(backfill, 'show <account> <backfill>', 'show how far it has come').action(async (of: string, id: string) =>
    print(await showBackfill(terminal, of, id)),
  );
  for (const [step, what, to] of [
    ['pause', 'ask for nothing more until it is resumed', 'paused'],
    ['resume', 'go on', 'running'],
    ['cancel', 'end it; what was asked for is still read', 'cancelled'],
  ] as const)
    add(backfill, `${step} <account> <backfill>`, what).action(async (of: string, id: string) =>
      print(await turnBackfill(terminal, to, of, id)),
    );

  const history = program.command('history').description('what would have been paid for what was won before');
  add(history, 'show <account>', 'sum it up by rule and currency')
    .option('--rule <rule>', 'of one rule only')
    .option('--csv <file>', 'write every row into this file')
    .action(async (of: string, options: { csv?: string; rule?: string }) =>
      print(await showHistory(terminal, of, options)),
    );
  add(history, 'release <account> <rule>', 'let what a rule would have paid be paid, by everything else it asks for')
    .requiredOption('--name <name>', 'a name for it; the same one again is the same release')
    .requiredOption('--why <why>', 'the reason, kept for ever')
    .requiredOption('--by <who>', 'who decides it, by name or role')
    .option('--program <program>', 'which program', 'default')
    .action(async (of: string, rule: string, options: { program: string; name: string; why: string; by: string }) =>
      print(await releaseHistory(terminal, of, rule, options)),
    );
  add(history, 'approve <account> <release>', 'as another person than the one who asked for it')
    .requiredOption('--by <who>', 'who approves it, by name or role')
    .action(async (of: string, id: string, options: { by: string }) =>
      print(await turnRelease(terminal, of, id, options)),
    );
  add(history, 'cancel <account> <release>', 'end a release; what was released stays').action(
    async (of: string, id: string) => print(await turnRelease(terminal, of, id, { by: null })),
  );

  const members = program.command('members').description('members that are taken over from a file or a list');
  add(members, 'import <account> <file>', 'say what would come of a CSV, or of -; with --key it is carried out')
    .requiredOption('--email <column>', 'the column of addresses')
    .option('--name <column>', 'the column of names')
    .option('--first-name <column>', 'the column of first names')
    .option('--last-name <column>', 'the column of last names')
    .option('--key <key>', 'a key for it; the same one again is the same import')
    .option('--by <who>', 'who imports it, by name or role', 'command line')
    .action(async (of: string, file: string, options: Parameters<typeof importMembers>[3]) =>
      print(await importMembers(terminal, of, file, options)),
    );
  add(members, 'lists <account> <connection>', 'list the lists of people in a CRM')
    .option('--search <text>', 'those whose name holds this')
    .action(async (of: string, connection: string, options: { search?: string }) =>
      print(await listLists(terminal, of, connection, options)),
    );
  add(
    members,
    'import-list <account> <connection> <list>',
    'say what would come of a list in a CRM; with --key it is carried out',
  )
    .option('--key <key>', 'a key for it; the same one again is the same import')
    .option('--by <who>', 'who imports it, by name or role', 'command line')
    .action(async (of: string, connection: string, list: string, options: { key?: string; by: string }) =>
      print(await importList(terminal, of, connection, list, options)),
    );
  add(members, 'report <account> <import>', 'print what became of each row').action(async (of: string, id: string) =>
    print(await reportImport(terminal, of, id)),
  );
  add(members, 'undo <account> <import>', 'take out who has done nothing since').action(
    async (of: string, id: string) => print(await undoImport(terminal, of, id)),
  );

  const privacy = program.command('privacy').description('what a person may ask of whoever keeps something about them');
  const naming = (command: Command) =>
    command
      .option('--email <address>', 'everybody who is known by it, also in CRMs that are connected')
      .option('--member <member>', 'a member, by the id')
      .option('--referral <referral>', 'the friend of a referral, by its id')
      .option('--contact <id>', 'a contact in a CRM, by its id there; with --connection')
      .option('--connection <connection>', 'which CRM the contact is in');
  naming(add(privacy, 'export <account>', 'print everything that is kept about a person, as JSON')).action(
    async (of: string, options: WhoOptions) => print(await exportPerson(terminal, of, options)),
  );
  naming(add(privacy, 'erase <account>', 'forget a person; the ledger stays under ids. It cannot be undone'))
    .option('--confirm <word>', 'what names the person, typed once more; without it nothing is done')
    .option('--by <who>', 'who asks for it, by name or role', 'command line')
    .action(async (of: string, options: WhoOptions & { confirm?: string; by: string }) =>
      print(await erasePerson(terminal, of, options)),
    );

  add(program, 'doctor', 'find what is wrong around the service: clock, disk, database, address, permissions, queues')
    .option('--account <account>', 'look at the connections of one account only')
    .action(async ({ account: of }: { account?: string }) => print(await doctor(terminal, of)));
  add(program, 'migrate', 'bring the database to this version').action(async () =>
    print(await migrateDatabase(terminal)),
  );

  add(program, 'verify', 'rebuild from what is stored what else is stored, and tell every difference; changes nothing')
    .option('--account <account>', 'of one account only, by its id')
    .action(async ({ account: of }: { account?: string }) => print(await verifyDatabase(terminal, of)));
  const tests = program.command('test').description('a program tried out for real, of which nobody gets anything');
  add(tests, 'start <account> <connection> <friend>', 'begin one, with a contact by its e-mail address or its id')
    .requiredOption('--program <program>', 'the program; its draft where there is one')
    .requiredOption('--by <name>', 'who begins it')
    .option('--member <email>', 'a member who refers; without it a test member')
    .option('--wait', 'let holds, days of payment, reviews and risk be as the rules have them')
    .action(
      async (
        of: string,
        connection: string,
        friend: string,
        options: { program: string; by: string; member?: string; wait?: boolean },
      ) => print(await startTest(terminal, of, connection, friend, options)),
    );
  add(tests, 'list <account>', 'the newest ones').action(async (of: string) => print(await listTests(terminal, of)));
  add(tests, 'show <account> <test>', 'how far it is, and what it shows').action(async (of: string, id: string) =>
    print(await showTest(terminal, of, id)),
  );
  add(tests, 'end <account> <test>', 'take all of it back')
    .requiredOption('--by <name>', 'who ends it')
    .action(async (of: string, id: string, options: { by: string }) => print(await endTest(terminal, of, id, options)));
  const figures = program.command('figures').description('the sums that analysts and finance read');
  add(figures, 'verify', 'add everything up anew and tell the first figure that does not agree')
    .option('--account <account>', 'of one account only')
    .action(async ({ account: of }: { account?: string }) => print(await verifyFigures(terminal, of)));
  add(figures, 'rebuild', 'make every figure anew from what is stored, and compare; the service may go on')
    .option('--account <account>', 'of one account only')
    .action(async ({ account: of }: { account?: string }) => print(await rebuildFigures(terminal, of)));
  add(program, 'backup <file>', 'copy the database as it is at this moment, while the service goes on')
    .option('--format <format>', 'sqlite (the file itself) or portable (for either database)')
    .action(async (file: string, { format }: { format?: string }) =>
      print(await backupDatabase(terminal, file, format)),
    );
  add(program, 'restore <file>', 'put a backup where DATABASE_URL leads; nothing is overwritten').action(
    async (file: string) => print(await restoreDatabase(terminal, file)),
  );
  add(program, 'move', 'copy everything into another, empty database and take this one out of service')
    .requiredOption('--to <url>', 'postgres://… or sqlite:…')
    .option('--force', 'also when it looks as if the service were running', false)
    .action(async (options: { to: string; force: boolean }) => print(await moveDatabase(terminal, options)));
  return program;
}

/** Every command takes --json, so that it can stand behind the command as well as before it. */
function add(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description).option('--json', 'print the result as JSON');
}

/** Names and reasons come from CRMs and providers: what they hold must not command the terminal they are shown in. */
function printable(line: string): string {
  return line.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd');
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
