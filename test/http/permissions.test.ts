import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permissionsOf, ROLE_NAMES, type Role } from '../../src/domain/roles.ts';
import { listedOperations } from '../../src/http/api/listed-operations.ts';
import type { Operation } from '../../src/http/api/operation.ts';
import { permissionsByOperation } from '../../src/http/api/permissions.ts';
import { startHttp, type TestAccount, type TestService } from './service.ts';

const all = listedOperations();
const needs = permissionsByOperation(all);

let service: TestService;
let account: TestAccount;
const keys = new Map<Role, string>();

beforeAll(async () => {
  service = await startHttp({ deps: { limits: { apiCalls: { points: 1_000_000, perSeconds: 1 } } } });
  account = await service.createAccount('Acme');
  for (const role of ROLE_NAMES) {
    const response = await account.post('/api-keys', { label: role, roles: [role] });
    keys.set(role, ((await response.json()) as { key: string }).key);
  }
});
afterAll(() => service.close());

/** Asks for it without anything sensible in it: who may not is refused before that is looked at. */
async function isRefused({ method, path, body }: Operation, role: Role): Promise<boolean> {
  const response = await fetch(`${service.url}/api/v1${path.replace(/\{\w+\}/g, 'nothing')}`, {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${keys.get(role)}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: '{"not":"known"}' } : {}),
  });
  const { code } = (await response.json()) as { code?: string };
  return response.status === 403 && code === 'not_allowed';
}

describe('the matrix', () => {
  test.each(ROLE_NAMES)('%s may do over the API exactly what the matrix says, operation by operation', async (role) => {
    const may = permissionsOf([role]);
    const refused: string[] = [];
    for (const operation of all) if (await isRefused(operation, role)) refused.push(operation.id);
    const expected = all.filter(({ id }) => !may.has(needs.get(id) ?? 'users.write')).map(({ id }) => id);
    expect(refused).toEqual(expected);
  });

  test('an operation that nobody gave a permission stops the start, and so does a name that is no operation', () => {
    const [first] = all;
    expect(() => permissionsByOperation([...all, { ...first, id: 'newOne' } as Operation])).toThrow(/newOne/);
    expect(() => permissionsByOperation(all.filter(({ id }) => id !== 'listMembers'))).toThrow(/listMembers/);
  });

  test('money, users and settings are out of reach of a sales rep, a reviewer and an analyst', () => {
    for (const role of ['sales', 'reviewer', 'analyst'] as const) {
      const may = permissionsOf([role]);
      for (const permission of [
        'money.write',
        'users.write',
        'settings.write',
        'programs.publish',
        'privacy.write',
      ] as const)
        expect(may.has(permission)).toBe(false);
    }
  });
});
