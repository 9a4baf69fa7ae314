import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { signV2 } from '../../src/crm/hubspot/signature.ts';
import { Fault } from '../../src/domain/errors.ts';
import type { AppDeps } from '../../src/http/app.ts';
import { MEMBER_RULE } from '../domain/world.ts';
import { OLD_SECRET, PUBLIC_URL, SECRET, signed, startHttp, type TestService } from './service.ts';

const PORTAL = '48000001';
const PATH = '/hubspot/actions/enrol-member';

let service: TestService;
afterEach(() => service.close());

async function start(deps: Partial<AppDeps> = {}): Promise<void> {
  service = await startHttp({ deps });
  const account = await service.createAccount('Acme');
  await account.connect(PORTAL);
}

let calls = 0;
function callOf(changes: object = {}): string {
  calls += 1;
  return JSON.stringify({
    callbackId: `ap-${calls}`,
    origin: { portalId: Number(PORTAL), actionDefinitionId: 1, actionDefinitionVersion: 1 },
    context: { source: 'WORKFLOWS', workflowId: 7 },
    object: { objectId: 904, objectType: 'CONTACT', properties: { email: 'ada@example.com', firstname: 'Ada' } },
    inputFields: {},
    ...changes,
  });
}

async function post(body: string, { path = PATH, headers = signed('POST', path, body) } = {}) {
  const response = await fetch(`${service.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  expect(response.headers.get('cache-control')).toBe('no-store');
  return { status: response.status, response, body: (await response.json()) as Record<string, Record<string, string>> };
}

describe('a call of a workflow', () => {
  beforeEach(() => start());

  test('is taken with v2 alone, with v3 alone, with both, and with the former secret while secrets are rotated', async () => {
    const v2 = (body: string, secret = SECRET) => ({
      'x-hubspot-signature-version': 'v2',
      'x-hubspot-signature': signV2({ secret, method: 'POST', uri: `${PUBLIC_URL}${PATH}`, body: Buffer.from(body) }),
    });
    for (const headersOf of [
      (body: string) => v2(body),
      (body: string) => v2(body, OLD_SECRET),
      (body: string) => signed('POST', PATH, body),
      (body: string) => signed('POST', PATH, body, { secret: OLD_SECRET }),
      (body: string) => ({ ...v2(body), ...signed('POST', PATH, body) }),
    ]) {
      const body = callOf();
      expect((await post(body, { headers: headersOf(body) })).status).toBe(200);
    }
    const body = callOf();
    expect((await post(body, { headers: v2(body, 'guess') })).status).toBe(401);
  });

  test('is signed over the bytes that came: another spelling of the same JSON is another one', async () => {
    const body = callOf();
    const headers = signed('POST', PATH, body);
    expect((await post(JSON.stringify(JSON.parse(body), null, 1), { headers })).status).toBe(401);
    const spaced = `{ "callbackId" : "ap-spaced", ${body.slice(body.indexOf('"origin"'))}`;
    expect((await post(spaced)).status).toBe(200);
  });

  test('is taken with an address that was signed raw or decoded', async () => {
    const path = `${PATH}?from=a%3Ab`;
    for (const signedPath of [path, `${PATH}?from=a:b`]) {
      const body = callOf();
      expect((await post(body, { path, headers: signed('POST', signedPath, body) })).status).toBe(200);
    }
  });

  test('says whose it is in its signed body alone: headers and query name no portal', async () => {
    const path = `${PATH}?portalId=${PORTAL}`;
    const body = callOf({ origin: { portalId: 1 } });
    const headers = { ...signed('POST', path, body), 'x-hubspot-portal-id': PORTAL };
    expect((await post(body, { path, headers })).body).toMatchObject({
      outputFields: { hs_execution_state: 'FAIL_CONTINUE', errorCode: 'NOT_CONNECTED' },
    });
  });

  test.each<[string, object, string]>([
    ['no callback id', { callbackId: undefined }, 'callbackId'],
    ['a callback id with a line in it', { callbackId: 'ap\n1' }, 'callbackId'],
    ['no portal', { origin: {} }, 'origin.portalId'],
    ['a portal that is no number', { origin: { portalId: 'x' } }, 'origin.portalId'],
    ['no record', { object: undefined }, 'object'],
    ['inputs that are no values', { inputFields: { note: ['x'] } }, 'inputFields'],
  ])('with %s is refused, and told which field it is', async (_, changes, field) => {
    const { status, body } = await post(callOf(changes));
    expect([status, body.code]).toEqual([400, 'malformed_delivery']);
    expect(String(body.detail)).toContain(field);
  });

  test('of an action that is gone, or for a record of another kind, goes on with a code', async () => {
    const path = '/hubspot/actions/make-coffee';
    expect((await post(callOf(), { path })).body).toMatchObject({ outputFields: { errorCode: 'UNKNOWN_ACTION' } });
    const company = callOf({ object: { objectId: 1, objectType: 'COMPANY', properties: {} } });
    expect((await post(company)).body).toMatchObject({ outputFields: { errorCode: 'INVALID_REQUEST' } });
  });

  test('answers, keeps and logs nobody’s name or address', async () => {
    const body = callOf();
    await post(body);
    const kept = await post(body);
    expect(kept.body).toMatchObject({ outputFields: { outcome: 'created' } });
    expect(JSON.stringify(kept.body)).not.toMatch(/ada/i);
    expect(service.logText()).not.toMatch(/ada@example\.com/);
  });
});

describe('what HubSpot is to try again', () => {
  const failing = (fault: unknown) => start({ runWorkflowAction: () => Promise.reject(fault) });

  test('too much at once: 429 with milliseconds', async () => {
    await start({ limits: { workflowCalls: { points: 2, perSeconds: 5 } } });
    const answers = [await post(callOf()), await post(callOf()), await post(callOf())];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    const wait = Number(answers[2]?.response.headers.get('retry-after'));
    expect(wait).toBeGreaterThanOrEqual(1_000);
    expect(wait).toBeLessThanOrEqual(5_000);
    const other = callOf({ origin: { portalId: 48_000_002 } });
    expect((await post(other)).status).toBe(200);
  });

  test.each<[string, unknown, number, string | null]>([
    ['HubSpot’s own limit', new Fault('crm_rate_limited', { kind: 'retry', afterMs: 3_000 }, 'x'), 429, '3000'],
    ['the same call under way', new Fault('busy', { kind: 'retry', afterMs: 1_500 }, 'x'), 429, '2000'],
    ['HubSpot away', new Fault('crm_unavailable', { kind: 'retry' }, 'x'), 503, '5000'],
    ['the database in trouble', new Fault('storage', { kind: 'retry' }, 'x'), 503, '5000'],
    ['a mistake of ours', new Error('secret internals'), 500, null],
  ])('%s', async (_, fault, status, retryAfter) => {
    await failing(fault);
    const answer = await post(callOf());
    expect([answer.status, answer.response.headers.get('retry-after')]).toEqual([status, retryAfter]);
    expect(JSON.stringify(answer.body)).not.toContain('secret internals');
  });
});

describe('lists to choose from', () => {
  beforeEach(() => start());
  const ask = (list: string, changes: object = {}) =>
    post(JSON.stringify({ origin: { portalId: Number(PORTAL) }, objectTypeId: '0-1', inputFields: {}, ...changes }), {
      path: `/hubspot/actions/options/${list}`,
    });

  test('have the programs that apply in the portal, and no other', async () => {
    const values = async () => (await ask('programs')).body.options as unknown as { value: string }[];
    const connection = await service.store.connections.findByExternalId('hubspot', PORTAL);
    if (!connection) throw new Error('not connected');
    const { accountId, id } = connection;
    const rules = [MEMBER_RULE];
    await service.store.programs.publish(accountId, { programId: 'default', name: 'Customers', rules }, Date.now());
    expect((await values()).map(({ value }) => value)).toEqual(['default']);
    const kept = await service.store.appSettings.newest(accountId, id);
    const said = { managers: [], programs: [], notifications: [], objects: 'off' as const };
    const as = { basis: kept?.version ?? 0, by: 'key', now: Date.now() };
    await service.store.appSettings.save(accountId, id, said, as);
    expect(await values()).toEqual([]);
    expect((await ask('rules')).body.options).toEqual([]);
  });

  test('are given to whoever signs, and are none for a list that there is not', async () => {
    expect(await ask('stages')).toMatchObject({ status: 200, body: { searchable: true } });
    expect((await ask('constructor')).status).toBe(404);
    expect((await ask('stages', { origin: {} })).status).toBe(400);
    const unsigned = await fetch(`${service.url}/hubspot/actions/options/stages`, { method: 'POST' });
    expect(unsigned.status).toBeGreaterThanOrEqual(400);
  });

  test('go on where a page ended and find what is searched for', async () => {
    const all = (await ask('stages')).body.options as unknown as { value: string }[];
    expect(all.map(({ value }) => value)).toContain('won');
    const rest = (await ask('stages', { fetchOptions: { after: all[2]?.value } })).body.options;
    expect(rest).toEqual(all.slice(3));
    const found = (await ask('stages', { fetchOptions: { q: 'QUAL' } })).body.options;
    expect(found).toMatchObject([{ value: 'qualified' }]);
  });
});
