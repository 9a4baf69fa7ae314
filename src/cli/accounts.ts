import { isoOf } from '../domain/time.ts';
import { onOrOff } from './input.ts';
import { type Result, type Terminal, table } from './output.ts';
import { accountOf, withServices } from './services.ts';

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

/** Whether what one person has written another one has to publish. */
export function askForSecondPerson(terminal: Terminal, account: string, answer: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const needsSecondPerson = onOrOff(answer) === 'on';
    const { id, name } = await accountOf(services, account);
    await services.store.accounts.setNeedsSecondPerson(id, needsSecondPerson);
    return {
      json: { id, needsSecondPerson },
      lines: [
        needsSecondPerson
          ? `A program of "${name}" is published by another person than those who wrote it.`
          : `Whoever writes a program of "${name}" can publish it.`,
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
