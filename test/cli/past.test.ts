import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScene, eventually, type Scene } from '../stories/scene.ts';
import { commandLine } from '../support/command-line.ts';
import { type Stack, startStack } from '../support/stack.ts';

/* What an admin does at the command line with what lay in a CRM before, and to see that nothing of today is missed. */

const DAY_MS = 86_400_000;

let directory: string;
let stack: Stack;
let scene: Scene;
let connection: string;
let past: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-cli-past-'));
  stack = await startStack({ databaseUrl: `sqlite:${join(directory, 'wonward.db')}` });
  scene = createScene(stack);
  await stack.install();
  connection = (await scene.connection()).id;
  const speak = scene.silence();
  const at = Date.now() - 400 * DAY_MS;
  past = scene.deal([scene.friendOf(scene.person('Ada'))], { dealstage: 'closedwon' }, at);
  await stack.settle();
  speak();
}, 120_000);
afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => commandLine({ ...stack.environment }, ...args);
const of = () => [stack.accountId, connection] as const;
const dayAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

describe('what lay in the CRM before', () => {
  test('is read by a backfill that is begun, paused, resumed and shown', async () => {
    expect((await run('backfill', 'start', ...of(), '--since', 'once')).err).toContain('"once" is no day.');
    expect((await run('backfill', 'start', stack.accountId, 'con_none', '--since', dayAgo(500))).err).toContain(
      'There is no connection "con_none".',
    );
    const begun = await run('backfill', 'start', ...of(), '--since', dayAgo(500), '--json');
    expect(begun.err).toBe('');
    const { id } = JSON.parse(begun.out);
    expect((await run('backfill', 'start', ...of(), '--since', dayAgo(500))).err).toContain(`${id} of this connection`);
    expect((await run('backfill', 'pause', stack.accountId, id)).out).toContain(`${id} is paused: 0 found`);
    expect((await run('backfill', 'resume', stack.accountId, id)).out).toContain(`${id} is running`);
    // The service finds it at its next stroke.
    await stack.service.container.backfills.runAll();
    const shown = await eventually(
      async () => (await run('backfill', 'show', stack.accountId, id)).out,
      (out) => out.includes('is done') && out.includes(' 0 waiting'),
    );
    expect(shown).toMatch(/is done: \d+ found of about \d+, \d+ read, 0 waiting/);
    expect((await run('backfill', 'cancel', stack.accountId, id)).err).toContain('The backfill is done.');
    expect((await run('backfill', 'show', stack.accountId, 'bfl_none')).err).toContain('There is no such backfill.');
    await stack.settle();
  });

  test('is summed up, written into a table, released for one rule, and paid once', async () => {
    const file = join(directory, 'history.csv');
    const shown = await run('history', 'show', stack.accountId, '--csv', file);
    expect(shown.out).toMatch(/default +friend-won +1 +50\.00 EUR/);
    expect(shown.out).toMatch(/default +member-won +1 +100\.00 EUR/);
    expect((await readFile(file, 'utf8')).trimEnd().split('\r\n')).toHaveLength(3);
    expect((await run('history', 'show', stack.accountId, '--rule', 'other')).out).toContain('Nothing.');

    const release = (rule: string, name: string) =>
      run('history', 'release', stack.accountId, rule, '--name', name, '--why', 'A gift.', '--by', 'finance');
    expect((await release('other', 'spring')).err).toContain('Nothing of the rule "other" would have been paid.');
    expect((await release('member-won', 'No Name')).err).toContain('is no name');
    expect((await release('member-won', 'spring')).out).toContain('rel_spring is running (1 decisions, 100.00 EUR).');
    expect((await release('friend-won', 'spring')).err).toContain('"spring" stands for another release.');
    await stack.service.container.history.carryOutAll();
    await stack.settle();
    expect(await scene.rewardsOn(past)).toEqual(['member issued 100.00 EUR']);
    expect((await run('history', 'cancel', stack.accountId, 'rel_spring')).err).toContain('The release is done.');
    expect((await run('history', 'cancel', stack.accountId, 'rel_none')).err).toContain(
      'There is no release "rel_none".',
    );
  });

  test('is not released by one person alone where the account wants two', async () => {
    await stack.service.store.accounts.setNeedsSecondPerson(stack.accountId, true);
    const asked = ['--name', 'eyes', '--why', 'A gift.', '--by', 'finance'];
    const begun = await run('history', 'release', stack.accountId, 'friend-won', ...asked);
    expect(begun.out).toContain('rel_eyes is asked: another person has to approve it');
    const approve = (by: string) => run('history', 'approve', stack.accountId, 'rel_eyes', '--by', by);
    expect((await approve('finance')).err).toContain('Who asked for it does not approve it.');
    expect((await approve('owner')).out).toContain('rel_eyes is running');
    await stack.service.store.accounts.setNeedsSecondPerson(stack.accountId, false);
  });
});

describe('members from a file', () => {
  test('are tried, taken in, told row by row and taken out again', async () => {
    const file = join(directory, 'members.csv');
    await writeFile(file, 'Mail,Vorname\nlin@example.com,Lin\nnobody,Nobody\n');
    const columns = ['--email', 'mail', '--first-name', 'vorname'];
    const tried = await run('members', 'import', stack.accountId, file, ...columns);
    expect(tried.out).toContain('1 would be created, 0 are members already, 1 are refused. Begin with --key.');
    expect((await run('members', 'import', stack.accountId, file, '--email', 'none')).err).toContain(
      'needs a first line with the columns',
    );
    const begun = await run('members', 'import', stack.accountId, file, ...columns, '--key', 'customers');
    expect(begun.out).toContain('imp_customers is kept');
    await writeFile(file, 'mail\nmax@example.com\n');
    const other = await run('members', 'import', stack.accountId, file, '--email', 'mail', '--key', 'customers');
    expect(other.err).toContain('"customers" stands for an import of another file.');
    await stack.service.container.memberImports.runAll();
    const report = await run('members', 'report', stack.accountId, 'imp_customers');
    expect(report.out).toMatch(
      /"2","created","","mem_\w+"\n"3","refused","The address is no e-mail address\.",""\nimp_customers is done\./,
    );
    expect((await run('members', 'undo', stack.accountId, 'imp_customers')).code).toBe(0);
    await stack.service.container.memberImports.runAll();
    expect((await run('members', 'report', stack.accountId, 'imp_customers')).out).toContain('"2","removed"');
    expect((await run('members', 'undo', stack.accountId, 'imp_none')).err).toContain('There is no import "imp_none".');
  });
});

describe('that nothing is missed', () => {
  test('is compared, listed and verified; what differs ends the command with 1 and is written again', async () => {
    expect((await run('reconcile', 'list', ...of())).out).toContain('No comparison was made yet.');
    await scene.sweep();
    scene.edit('deal', past, { wonward_stage: 'theirs' });
    const first = await run('reconcile', 'report', ...of());
    expect([first.code, first.out]).toEqual([1, expect.stringContaining(`deal ${past}: changed; wonward_stage`)]);
    expect(first.out).toMatch(/1 qualifying, 1 decided, 0 explained, 0 unexplained; \d+ mirrored, 1 different/);
    await stack.settle();
    const second = await run('reconcile', 'report', ...of());
    expect([second.code, second.out]).toEqual([0, expect.stringContaining('0 unexplained')]);
    expect((await run('reconcile', 'list', ...of())).out.trimEnd().split('\n')).toHaveLength(2);
    expect((await run('reconcile', 'verify', ...of())).out).toContain('2 reports are as they were made');
    expect((await run('reconcile', 'report', stack.accountId, 'con_none')).err).toContain(
      'has no connection "con_none"',
    );
  });

  test('is told by the health of a connection, and a search is asked for', async () => {
    const health = await run('connection', 'health', ...of());
    expect([health.code, health.out]).toEqual([0, expect.stringContaining('event to decision:')]);
    expect((await run('connection', 'sweep', ...of(), '--full')).out).toContain(
      'searches everything since the install',
    );
    scene.crm.uninstall(Number((await scene.connection()).externalId));
    await scene.sweep().catch(() => {});
    expect((await run('connection', 'sweep', ...of())).err).toContain('The CRM is not connected.');
    expect((await run('reconcile', 'report', ...of())).err).toContain('The CRM cannot be compared now.');
    const broken = await run('connection', 'health', ...of());
    expect([broken.code, broken.out]).toEqual([1, expect.stringContaining('broken')]);
  });
});
