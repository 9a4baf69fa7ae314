import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { tenant } from '../conformance/store-fixtures.ts';
import { commandLine, migratedDatabase } from '../support/command-line.ts';

let directory: string;
let env: Record<string, string>;
const account = 'acc_a';

beforeAll(async () => {
  ({ directory, env } = await migratedDatabase('privacy'));
  const store = await openStore({ url: env.DATABASE_URL ?? '' });
  const a = tenant(store);
  await a.create();
  await store.connections.disconnect('acc_a', 'con_a', 'gone', 0);
  await a.writePair();
  await a.write(a.granted(a.reward('rwd_1', 'ref_1')));
  await store.close();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const privacy = (...args: string[]) => commandLine(env, 'privacy', ...args);

describe('at the command line', () => {
  test('a person is exported as one document', async () => {
    const { code, out, err } = await privacy('export', account, '--member', 'mem_1');
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({
      members: [{ id: 'mem_1', name: 'Name mem_1', email: 'mem_1@example.com' }],
      asMember: [{ id: 'ref_1', friend: { name: null, email: null } }],
      rewards: [{ id: 'rwd_1' }],
    });
    expect(out).not.toContain('Friend ref_1');
  });

  test('nobody is erased before the same is typed once more', async () => {
    const asked = await privacy('erase', account, '--email', 'mem_1@example.com');
    expect(asked.code).toBe(2);
    expect(asked.err).toContain('Nothing was erased yet.');
    expect(asked.err).toContain('--confirm mem_1@example.com');
    expect(asked.err).toContain('1 members');
    const other = await privacy('erase', account, '--email', 'mem_1@example.com', '--confirm', 'mem_2@example.com');
    expect([other.code, other.err.includes('the confirmation names somebody else')]).toEqual([2, true]);
    expect((await privacy('export', account, '--member', 'mem_1')).out).toContain('Name mem_1');
  });

  test('and then is: what stays and what could not be asked is said', async () => {
    const erase = () => privacy('erase', account, '--email', 'mem_1@example.com', '--confirm', 'mem_1@example.com');
    const { code, out } = await erase();
    // The CRM is disconnected, so nobody could look there for the address.
    expect(code).toBe(1);
    expect(out).toMatch(/^Erased \(era_[0-9a-f-]+\): 1 contacts, 1 members\./);
    expect(out).toContain('1 journals');
    expect(out).toContain('Goes on: 1 rewards, 1 orders, 0 cases.');
    expect(out).toContain('con_a could not be searched for the address: The CRM is not connected.');
    expect((await erase()).out).toContain('Was erased before (era_');
    const told = await privacy('export', account, '--member', 'mem_1');
    expect(JSON.parse(told.out)).toMatchObject({
      members: [{ name: null, email: null }],
      contacts: [{ isErased: true }],
    });
    const gone = await privacy('export', account, '--email', 'mem_1@example.com');
    expect([gone.code, gone.err.includes('They were erased on')]).toEqual([1, true]);
  });

  test.each([
    [['export'], 'Name one person.'],
    [['erase', '--email', 'a@b.example', '--member', 'mem_1'], 'Name one person.'],
    [['erase', '--member', 'mem_9'], 'There is no member "mem_9".'],
    [['erase', '--referral', 'ref_9'], 'There is no referral "ref_9".'],
    [['erase', '--contact', '7'], 'Give --connection with --contact'],
    [['export', '--email', 'nobody@example.com'], 'Nothing is kept about such a person.'],
  ])('privacy %j says what is wrong and what to do', async ([command = '', ...rest], what) => {
    const { code, err } = await privacy(command, account, ...rest);
    expect(code).not.toBe(0);
    expect(err).toContain(what);
  });

  test('a connection is left only when its id is typed once more', async () => {
    const leave = (...more: string[]) => commandLine(env, 'connection', 'disconnect', account, 'con_a', ...more);
    const asked = await leave();
    expect([asked.code, asked.err.includes('--confirm con_a')]).toEqual([2, true]);
    const left = await leave('--confirm', 'con_a');
    // Nothing that could be sealed with our key was stored for it: we leave, and say that the CRM was not told.
    expect([left.code, left.out.includes('con_a is disconnected')]).toEqual([1, true]);
    expect((await commandLine(env, 'connection', 'disconnect', account, 'con_9')).err).toContain('no connection con_9');
  });
});
