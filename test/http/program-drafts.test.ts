import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOpenApi } from './open-api.ts';
import { startHttp, type TestAccount, type TestService } from './service.ts';

let service: TestService;
let api: Awaited<ReturnType<typeof readOpenApi>>;
let account: TestAccount;
let accounts = 0;

beforeAll(async () => {
  service = await startHttp();
  api = await readOpenApi(service);
});
afterAll(() => service.close());

interface Draft {
  readonly revision: number;
  readonly editors: readonly string[];
  readonly contentHash: string;
  readonly program: object;
}
interface Version {
  readonly version: number;
  readonly publishedBy: string;
}
interface Problem {
  readonly code: string;
}

const DOCUMENT = {
  programId: 'default',
  name: 'Friends',
  openReferrals: 'keep',
  rules: [
    {
      key: 'member-won',
      name: 'Member won',
      party: 'member',
      amount: { kind: 'fixed', money: { amount: '50.00', currency: 'EUR' } },
      conditions: [],
      holdDays: 0,
      amountChanges: 'follow',
      payout: 'credit',
    },
  ],
};

async function newAccount(): Promise<TestAccount> {
  accounts += 1;
  return service.createAccount(`Account ${accounts}`);
}

describe('a draft', () => {
  test('is read back as it was written, and can be published from what was read', async () => {
    account = await newAccount();
    const saved = await api.judge<Draft>(
      'saveProgramDraft',
      await account.put('/programs/default/draft', { revision: 0, program: DOCUMENT }),
    );
    expect(saved).toMatchObject({ revision: 1, editors: ['test'], program: DOCUMENT });
    const tiered = {
      ...DOCUMENT,
      programId: 'tiered',
      tiers: {
        by: { kind: 'revenue' },
        down: { kind: 'never' },
        levels: [{ key: 'gold', name: 'Gold', from: { amount: '1000.00', currency: 'EUR' } }],
      },
      risk: { signals: [{ signal: 'same_email', weight: 80 }], reviewAt: 50 },
    };
    await account.put('/programs/tiered/draft', { revision: 0, program: tiered });
    const whole = await api.judge<Draft>('getProgramDraft', await account.call('/programs/tiered/draft'));
    expect(whole.program).toMatchObject(tiered);
    const read = await api.judge<Draft>('getProgramDraft', await account.call('/programs/default/draft'));
    expect(read).toEqual(saved);
    const again = await account.put('/programs/default/draft', { revision: 1, program: read.program });
    expect((await api.judge<Draft>('saveProgramDraft', again)).contentHash).toBe(saved.contentHash);
  });

  test('of two people who change it one is told that the other came first, and nothing is lost', async () => {
    account = await newAccount();
    const bob = await account.callerAs('Bob');
    await account.put('/programs/default/draft', { revision: 0, program: DOCUMENT });
    const named = (name: string) => ({ revision: 1, program: { ...DOCUMENT, name } });
    expect((await account.put('/programs/default/draft', named('Of Ada'))).status).toBe(200);
    const late = await bob.put('/programs/default/draft', named('Of Bob'));
    expect(await api.judge<Problem>('saveProgramDraft', late)).toMatchObject({ code: 'draft_changed' });
    expect(await (await bob.call('/programs/default/draft')).json()).toMatchObject({ program: { name: 'Of Ada' } });
    const thrown = await bob.post('/programs/default/draft/discard', { revision: 1 });
    expect(await api.judge<Problem>('discardProgramDraft', thrown)).toMatchObject({ code: 'draft_changed' });
  });

  test('is refused like a program: what nobody could pay, and what was changed since its dry run', async () => {
    account = await newAccount();
    const draft = { ...DOCUMENT, rules: [{ ...DOCUMENT.rules[0], payout: 'stripe' }] };
    await account.put('/programs/default/draft', { revision: 0, program: draft });
    const unpayable = await account.post('/programs/default/draft/publish', { revision: 1 });
    expect(await api.judge('publishProgramDraft', unpayable)).toMatchObject({
      code: 'invalid_request',
      errors: [{ field: 'rules[0].payout' }],
    });
    const { id } = await api.judge<{ id: string }>(
      'tryProgram',
      await account.post('/programs/dry-run', { program: { ...DOCUMENT, openReferrals: 'move' } }),
    );
    await account.put('/programs/default/draft', { revision: 1, program: DOCUMENT });
    const other = await account.post('/programs/default/draft/publish', { revision: 2, dryRunId: id });
    expect(await api.judge<Problem>('publishProgramDraft', other)).toMatchObject({ code: 'other_draft' });
  });
});

describe('an account that asks for a second person', () => {
  test('has nothing published by one who had a hand in it', async () => {
    account = await newAccount();
    await service.store.accounts.setNeedsSecondPerson(account.id, true);
    const [ada, bob, cem] = await Promise.all(['Ada', 'Bob', 'Cem'].map((label) => account.callerAs(label)));
    if (!ada || !bob || !cem) throw new Error('no callers');
    const alone = await ada.post('/programs', DOCUMENT);
    expect(await api.judge<Problem>('publishProgram', alone)).toMatchObject({ code: 'second_person' });
    await ada.put('/programs/default/draft', { revision: 0, program: DOCUMENT });
    await bob.put('/programs/default/draft', { revision: 1, program: { ...DOCUMENT, name: 'Ours' } });
    for (const writer of [ada, bob]) {
      const answer = await writer.post('/programs/default/draft/publish', { revision: 2 });
      expect(await api.judge<Problem>('publishProgramDraft', answer)).toMatchObject({ code: 'second_person' });
    }
    expect(await (await ada.call('/programs')).json()).toEqual({ items: [] });
    const published = await cem.post('/programs/default/draft/publish', { revision: 2 });
    expect(await api.judge<Version>('publishProgramDraft', published)).toMatchObject({
      version: 1,
      publishedBy: 'Cem',
      name: 'Ours',
    });
  });
});

describe('a program that has ended', () => {
  test('says when, by whom and why, and takes no new referrals until it is published again', async () => {
    account = await newAccount();
    const member = (await (await account.post('/members', { email: 'ada@example.com' })).json()) as { id: string };
    const refer = (email: string) => account.post('/referrals', { memberId: member.id, friend: { email } });
    await account.post('/programs', DOCUMENT);
    const ended = await api.judge<Version>(
      'retireProgram',
      await account.post('/programs/default/retire', { why: 'The season is over.' }),
    );
    expect(ended).toMatchObject({ version: 2, isRetired: true, note: 'The season is over.', rules: [] });
    const again = await account.post('/programs/default/retire', { why: 'Once more.' });
    expect(await api.judge('retireProgram', again)).toEqual(ended);
    expect(await api.judge<Problem>('createReferral', await refer('bob@example.com'))).toMatchObject({
      code: 'no_program',
    });
    await account.post('/programs', DOCUMENT);
    expect((await refer('bob@example.com')).status).toBe(201);
  });
});
