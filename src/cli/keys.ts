import { randomBytes } from 'node:crypto';
import { isoOf } from '../domain/time.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { accountOf, withServices } from './services.ts';

const ENCRYPTION_KEY_BYTES = 32;

export function createKey(terminal: Terminal, account: string, label: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const created = await services.accounts.createApiKey(id, label);
    if (!created) throw new CliError(`There is no account "${account}".`, '"account list" shows those there are.');
    const { key, apiKey } = created;
    return {
      json: { id: apiKey.id, accountId: id, label, createdAt: isoOf(apiKey.createdAt), key },
      lines: [
        `API key ${apiKey.id} of "${name}". It is shown this once and cannot be shown again:`,
        '',
        `  ${key}`,
        '',
        `Revoke it with: npm run cli -- key revoke ${id} ${apiKey.id}`,
      ],
    };
  });
}

export function listKeys(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const keys = (await services.store.accounts.listApiKeys(id)).map(({ createdAt, revokedAt, ...key }) => ({
      id: key.id,
      label: key.label,
      createdAt: isoOf(createdAt),
      revokedAt: revokedAt === null ? null : isoOf(revokedAt),
    }));
    return {
      json: keys,
      lines:
        keys.length === 0
          ? [`"${name}" has no API key. Create one: npm run cli -- key create ${id} --label "first key"`]
          : table([
              ['id', 'created', 'state', 'label'],
              ...keys.map((key) => [
                key.id,
                key.createdAt.slice(0, 10),
                key.revokedAt === null ? 'live' : `revoked ${key.revokedAt.slice(0, 10)}`,
                key.label,
              ]),
            ]),
    };
  });
}

export function revokeKey(terminal: Terminal, account: string, keyId: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    if (!(await services.store.accounts.revokeApiKey(id, keyId, services.now()))) {
      throw new CliError(`"${name}" has no live API key ${keyId}.`, `"key list ${id}" shows those there are.`);
    }
    return { json: { id: keyId, revoked: true }, lines: [`API key ${keyId} of "${name}" is revoked.`] };
  });
}

/** Alone on its line, so that a shell can put it where it belongs. */
export function generateKey(keyId: string): Result {
  if (!/^[a-z0-9_-]{1,16}$/.test(keyId)) {
    throw new CliError(`"${keyId}" cannot be a key's id.`, 'Use up to 16 lower case letters, digits, dashes: k2', {
      exitCode: EXIT.usage,
    });
  }
  const key = `${keyId}:${randomBytes(ENCRYPTION_KEY_BYTES).toString('base64')}`;
  return { json: { ENCRYPTION_KEY: key }, lines: [key] };
}
