import { z } from 'zod';
import type { Accounts } from '../../application/accounts.ts';
import type { AccountStore } from '../../application/ports/store.ts';
import { ROLE_NAMES } from '../../domain/roles.ts';
import { isoOf } from '../../domain/time.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { idOf, sentence, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { onlyWhatOneHas, roles } from './users.ts';

const NAME_LENGTH_MAX = 100;

export interface AccountDeps {
  readonly accounts: Pick<Accounts, 'createApiKey'>;
  readonly storedAccounts: Pick<
    AccountStore,
    'get' | 'rename' | 'setNeedsSecondPerson' | 'listApiKeys' | 'revokeApiKey'
  >;
  readonly clock: Pick<Clock, 'now'>;
}

const accountSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  createdAt: time,
  needsSecondPerson: z
    .boolean()
    .meta({ description: 'Whether what one person has written another one has to publish.' }),
});

const apiKeySchema = z.strictObject({
  id: z.string(),
  label: z.string(),
  roles: z.array(z.enum(ROLE_NAMES)),
  createdAt: time,
  revokedAt: time.nullable(),
});

/** The account itself: its name, its rule of two people, its API keys. */
export function account({ accounts, storedAccounts, clock }: AccountDeps): Operation[] {
  async function present(accountId: string) {
    const found = await storedAccounts.get(accountId);
    if (!found) throw new HttpProblem('not_found', 'There is no such account.');
    const { id, name, createdAt, needsSecondPerson } = found;
    return { id, name, createdAt: isoOf(createdAt), needsSecondPerson };
  }
  const keys = async (accountId: string) => ({
    items: (await storedAccounts.listApiKeys(accountId)).map((key) => ({
      id: key.id,
      label: key.label,
      roles: [...key.roles],
      createdAt: isoOf(key.createdAt),
      revokedAt: key.revokedAt === null ? null : isoOf(key.revokedAt),
    })),
  });

  return [
    operation({
      id: 'getAccount',
      tag: 'Account',
      method: 'get',
      path: '/account',
      summary: 'Get the account',
      query: z.strictObject({}),
      statuses: { 200: 'The account.' },
      answer: accountSchema,
      problems: ['not_found'],
      handle: async ({ accountId }) => ({ status: 200, body: await present(accountId) }),
    }),
    operation({
      id: 'setAccount',
      tag: 'Account',
      method: 'put',
      path: '/account',
      summary: "Set the account's name and its rule of two people",
      body: z.strictObject({
        name: sentence(NAME_LENGTH_MAX),
        needsSecondPerson: z.boolean('must be true or false'),
      }),
      statuses: { 200: 'As it is now.' },
      answer: accountSchema,
      problems: ['not_found'],
      async handle({ accountId, body }) {
        await storedAccounts.rename(accountId, body.name);
        await storedAccounts.setNeedsSecondPerson(accountId, body.needsSecondPerson);
        return { status: 200, body: await present(accountId) };
      },
    }),
    operation({
      id: 'listApiKeys',
      tag: 'Account',
      method: 'get',
      path: '/api-keys',
      summary: 'List API keys, live and revoked, the oldest first',
      query: z.strictObject({}),
      statuses: { 200: 'The keys, without their secrets.' },
      answer: z.strictObject({ items: z.array(apiKeySchema) }),
      problems: [],
      handle: async ({ accountId }) => ({ status: 200, body: await keys(accountId) }),
    }),
    operation({
      id: 'createApiKey',
      tag: 'Account',
      method: 'post',
      path: '/api-keys',
      summary: 'Make an API key',
      description: 'The key is in the answer this once; only its hash is kept.',
      body: z.strictObject({ label: sentence(NAME_LENGTH_MAX), roles }),
      statuses: { 201: 'The key.' },
      answer: z.strictObject({ id: z.string(), key: z.string() }),
      problems: ['not_found'],
      async handle({ accountId, may, body }) {
        onlyWhatOneHas(body.roles, may);
        const created = await accounts.createApiKey(accountId, body.label, body.roles);
        if (!created) throw new HttpProblem('not_found', 'There is no such account.');
        return { status: 201, body: { id: created.apiKey.id, key: created.key } };
      },
    }),
    operation({
      id: 'revokeApiKey',
      tag: 'Account',
      method: 'delete',
      path: '/api-keys/{keyId}',
      summary: 'Revoke an API key',
      params: z.strictObject({ keyId: idOf('key', 'an API key') }),
      statuses: { 200: 'It works no more.' },
      answer: z.strictObject({ items: z.array(apiKeySchema) }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        if (!(await storedAccounts.revokeApiKey(accountId, params.keyId, clock.now()))) {
          throw new HttpProblem('not_found', 'This account has no such live key.');
        }
        return { status: 200, body: await keys(accountId) };
      },
    }),
  ];
}
