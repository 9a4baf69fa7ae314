import { isoOf } from '../domain/time.ts';
import { type Result, type Terminal, table } from './output.ts';
import { withServices } from './services.ts';

export function createAccount(terminal: Terminal, name: string): Promise<Result> {
  return withServices(terminal, async ({ accounts }) => {
    const account = await accounts.create(name);
    return {
      json: { id: account.id, name: account.name, createdAt: isoOf(account.createdAt) },
      lines: [
        `Account "${account.name}" is created: ${account.id}`,
        '',
        'Next: an API key, and a CRM.',
        `  npm run cli -- key create ${account.id} --label "first key"`,
        `  npm run cli -- connect ${account.id} --provider hubspot`,
      ],
    };
  });
}

export function listAccounts(terminal: Terminal): Promise<Result> {
  return withServices(terminal, async ({ store }) => {
    const accounts = await store.accounts.list();
    return {
      json: accounts.map(({ id, name, createdAt }) => ({ id, name, createdAt: isoOf(createdAt) })),
      lines:
        accounts.length === 0
          ? ['No accounts yet. Create one: npm run cli -- account create "Acme"']
          : table(accounts.map(({ id, name, createdAt }) => [id, isoOf(createdAt).slice(0, 10), name])),
    };
  });
}
