import { type Verification, verify } from '../application/verify.ts';
import { systemClock } from '../platform/clock.ts';
import { createAudit } from '../store/audit.ts';
import { assertCurrent, atOneMoment, openExisting } from '../store/transfer.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { refusalsSaid } from './refusals.ts';
import { configOf } from './services.ts';

/** Reads everything and changes nothing, while the service goes on. Ends with 1 when anything does not agree. */
export function verifyDatabase(terminal: Terminal, account: string | undefined): Promise<Result> {
  return refusalsSaid(async () => {
    const engine = await openExisting(configOf(terminal).databaseUrl);
    try {
      const result = await atOneMoment(engine, async (session) => {
        await assertCurrent(session);
        const audit = createAudit(session, systemClock.now());
        if (account !== undefined && !(await audit.accountIds()).includes(account))
          throw new CliError(
            `There is no account "${account}".`,
            'Name it by its id; "account list" shows those there are.',
          );
        return verify(audit, account === undefined ? {} : { accountId: account });
      });
      return { json: result, lines: linesOf(result), exitCode: result.ok ? EXIT.ok : EXIT.failed };
    } finally {
      await engine.close();
    }
  });
}

export function linesOf(result: Verification): string[] {
  return [
    ...result.problems,
    ...result.accounts.flatMap(
      ({ accountId, rows, derived, underivable, waiting, closes, ledger, problemCount, problems }) => [
        `${accountId}: ${rows.referrals} referrals, ${rows.decisions} decisions, ${rows.rewards} rewards, ${rows.journals} journals, ${ledger.accounts} balances`,
        `  derived again from the stored facts: ${derived.decisions} decisions, the rewards of ${derived.referrals} referrals`,
        ...(closes > 0 ? [`  ${closes} closes of months were added up again`] : []),
        ...(waiting > 0 ? [`  ${waiting} referrals have a record that is still to be looked at`] : []),
        ...underivable.map(
          ({ why, count, examples }) => `  not derivable, ${count} times: ${why} (${examples.join(', ')})`,
        ),
        ...problems.map((problem) => `  WRONG ${problem}`),
        ...(problemCount > problems.length ? [`  WRONG and ${problemCount - problems.length} more`] : []),
      ],
    ),
    result.ok ? 'Everything that is stored agrees.' : 'Something does not agree; see the lines above.',
  ];
}
