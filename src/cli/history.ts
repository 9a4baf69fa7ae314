import { writeFile } from 'node:fs/promises';
import { createHistory } from '../application/history.ts';
import type { HistoryRelease } from '../application/ports/store.ts';
import { textOf } from '../domain/money.ts';
import { createLog } from '../platform/log.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** What would have been paid for what was won before, by rule and currency; every row of it as a table. */
export function showHistory(
  terminal: Terminal,
  account: string,
  { csv: file, rule }: { csv?: string; rule?: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const of = rule === undefined ? {} : { ruleKey: rule };
    const totals = await services.store.history.totals(id, of);
    const whole = file === undefined ? null : await historyOf(services).table(id, of);
    if (file !== undefined && whole) await writeFile(file, whole.csv);
    const rows = totals.map(({ programId, ruleKey, count, money }) => [
      programId,
      ruleKey,
      String(count),
      textOf(money),
    ]);
    return {
      json: { totals: rows.map(([programId, ruleKey, count, sum]) => ({ programId, ruleKey, count, sum })) },
      lines: [
        ...(rows.length === 0 ? ['Nothing.'] : table([['program', 'rule', 'decisions', 'would have paid'], ...rows])),
        ...(whole ? [`${file} was written${whole.isWhole ? '' : '; there is more than a table holds'}.`] : []),
      ],
    };
  });
}

/** Lets history of one rule be paid; the running service carries it out, within a minute. */
export function releaseHistory(
  terminal: Terminal,
  account: string,
  rule: string,
  { program, name, why, by }: { program: string; name: string; why: string; by: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    if (!/^[a-z0-9][a-z0-9-]{0,59}$/.test(name))
      throw new CliError(`"${name}" is no name.`, 'Use lower case letters, digits and dashes.', {
        exitCode: EXIT.usage,
      });
    const asked = await historyOf(services).release(id, {
      id: `rel_${name}`,
      programId: program,
      ruleKey: rule,
      decisionIds: null,
      why,
      by,
    });
    if (asked.kind === 'refused')
      throw asked.code === 'other'
        ? new CliError(`"${name}" stands for another release.`, 'Choose another name.')
        : new CliError(`Nothing of the rule "${rule}" would have been paid.`, '"history show" lists what would.');
    return shown(asked.release);
  });
}

export function turnRelease(
  terminal: Terminal,
  account: string,
  releaseId: string,
  { by }: { by: string | null },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const history = historyOf(services);
    const turned = by === null ? await history.cancel(id, releaseId) : await history.approve(id, releaseId, by);
    if (turned.kind === 'turned') return shown(turned.release);
    switch (turned.code) {
      case 'no_such_release':
        throw new CliError(`There is no release "${releaseId}".`, 'Name it by its id, such as rel_spring-2026.');
      case 'same_person':
        throw new CliError('Who asked for it does not approve it.', 'Another person has to.');
      case 'not_possible':
        throw new CliError(`The release is ${turned.release.state}.`, 'That does not change any more.');
    }
  });
}

function shown({ id, state, released, askedFor }: HistoryRelease): Result {
  const sums = askedFor.map(({ count, money }) => `${count} decisions, ${textOf(money)}`);
  return {
    json: { id, state, released, askedFor: sums },
    lines: [`${id} is ${state}${state === 'asked' ? ': another person has to approve it' : ''} (${sums.join('; ')}).`],
  };
}

/** The service does the work; what a person asks for is found by it. */
function historyOf({ store, now }: Services) {
  const nobody = () => {};
  return createHistory({
    store,
    clock: { now },
    log: createLog({ level: 'silent' }),
    onAsked: nobody,
    onReleased: nobody,
  });
}
