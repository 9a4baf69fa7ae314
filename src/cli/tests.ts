import { randomUUID } from 'node:crypto';
import { createCrmRecords } from '../application/crm-records.ts';
import type { TestRun } from '../application/ports/store.ts';
import { createTestRuns, TEST_STEPS, type TestRefusal, type TestRunView } from '../application/test-runs.ts';
import { textOf } from '../domain/money.ts';
import { reasonText } from '../domain/reason.ts';
import { isoOf } from '../domain/time.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { CliError, type Result, type Terminal } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** An account has few, and looks for the newest. */
const LISTED_MAX = 20;

const REMEDIES: Readonly<Record<TestRefusal, readonly [string, string]>> = {
  no_such_connection: ['There is no such connection.', '"state" shows those there are.'],
  not_connected: ['The CRM is not connected.', 'Connect it again with "connect".'],
  other_open: ['A test of this connection is not over.', 'End it with "test end".'],
  no_program: ['There is no such draft, and no such program in force.', '"program list" shows those there are.'],
  no_such_contact: ['The CRM has no such contact.', 'Create it there first.'],
  several_contacts: ['Several contacts of the CRM have this address.', 'Name one by its id.'],
  friend_is_referred: ['This contact was really referred.', 'Name another one: what their deals pay is no test.'],
  no_such_member: ['This account has no such member.', 'Leave it out for a test member.'],
  self_referral: ['The member and the friend have the same e-mail address.', 'Name another contact.'],
};

/** Begins a test; the running service does the work. */
export function startTest(
  terminal: Terminal,
  account: string,
  connectionId: string,
  friend: string,
  { program: programId, member, wait, by }: { program: string; member?: string; wait?: boolean; by: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const started = await testsOf(services).start(id, {
      ...{ connectionId, programId, by },
      friend: friend.includes('@') ? { email: friend } : { contactId: friend },
      member: member === undefined ? { kind: 'test' } : { kind: 'member', email: member },
      skipsWaits: wait !== true,
    });
    if (started.kind === 'refused') throw new CliError(...REMEDIES[started.code]);
    return told([started.run]);
  });
}

export function listTests(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const { items } = await services.store.testRuns.list(id, { limit: LISTED_MAX, cursor: null });
    return told(items);
  });
}

export function showTest(terminal: Terminal, account: string, runId: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const view = await testsOf(services).view(id, runId);
    if (!view) throw unknownTest();
    return shown(view);
  });
}

export function endTest(terminal: Terminal, account: string, runId: string, { by }: { by: string }): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const run = await testsOf(services).end(id, runId, by);
    if (!run) throw unknownTest();
    return told([run]);
  });
}

function unknownTest(): CliError {
  return new CliError('There is no such test.', '"test list" shows those there are.');
}

function told(runs: readonly TestRun[]): Result {
  return {
    json: runs.map((run) => ({ ...run, startedAt: isoOf(run.startedAt), endsAt: isoOf(run.endsAt) })),
    lines:
      runs.length === 0
        ? ['No program was tried out yet.']
        : runs.map(
            ({ id, state, programName, startedAt, startedBy }) =>
              `${id} is ${state}: "${programName}", begun ${isoOf(startedAt)} by ${startedBy}`,
          ),
  };
}

function shown({ run, steps, rewards, decisions }: TestRunView): Result {
  const granted = rewards.map(({ reward, provider }) => ({
    party: reward.party,
    money: textOf(reward.money),
    state: reward.state,
    wouldOrderFrom: provider,
  }));
  const refused = decisions.flatMap(({ rewardId, party, reason }) =>
    rewardId === null ? [{ party, why: reasonText(reason) }] : [],
  );
  return {
    json: { id: run.id, state: run.state, steps, rewards: granted, refused },
    lines: [
      `${run.id} is ${run.state}: "${run.programName}"`,
      ...TEST_STEPS.map((step) => `  ${step.padEnd(10)} ${steps[step] === null ? '-' : isoOf(steps[step])}`),
      ...granted.map(
        ({ party, money, state, wouldOrderFrom }) =>
          `  ${money} for the ${party}, ${state}; in real life from ${wouldOrderFrom ?? '-'}`,
      ),
      ...refused.map(({ party, why }) => `  nothing for the ${party}: ${why}`),
    ],
  };
}

function testsOf({ store, connect }: Services) {
  return createTestRuns({
    ...{ store, clock: systemClock, log: createLog({ level: 'silent' }), newId: randomUUID },
    openSession: connect.openSession,
    crmRecords: createCrmRecords({ store, recordUrl: () => null }),
    onAsked: () => {},
  });
}
