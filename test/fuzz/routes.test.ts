import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { cardContractViolations } from '../contracts/card-schema.ts';
import { contractJudge } from '../contracts/contract-schema.ts';
import { signed, stageChange, startHttp, type TestService, tellStory } from '../http/service.ts';
import { readCorpus } from './corpus.ts';
import { hostileOf, type Schema, type Source } from './from-schema.ts';
import { awkwardJson, awkwardText, type Json, textOf } from './json-text.ts';
import { createJudge, type Judge, jsonOf, typeOf } from './judge.ts';
import { near } from './near.ts';
import { FUZZ_TIMEOUT_MS, runs } from './runs.ts';
import { exchange, send, type WireAnswer, type WireRequest } from './wire.ts';

const RUNS = runs(200);
const PORTAL = '48000001';

let service: TestService;
let judge: Judge;
let story: Awaited<ReturnType<typeof tellStory>>;
const rejections: unknown[] = [];
const onRejection = (reason: unknown) => void rejections.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', onRejection);
  const wide = { points: 1e9, perSeconds: 1 };
  service = await startHttp({
    deps: { limits: { apiCalls: wide, pages: wide, unsigned: wide, wrongKeys: wide, workflowCalls: wide } },
  });
  const account = await service.createAccount('Acme');
  story = await tellStory(service, account.id, await account.connect(PORTAL), systemClock.now());
  judge = await createJudge(service);
}, 120_000);
afterAll(async () => {
  await service.close();
  process.off('unhandledRejection', onRejection);
  expect(rejections).toEqual([]);
});

const encoded = (text: string) => encodeURIComponent(text.toWellFormed());
const search = (pairs: ReadonlyArray<readonly [string, string]>) =>
  pairs.length === 0 ? '' : `?${pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')}`;
const pairsOf = (...names: string[]) =>
  fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), awkwardText), awkwardText), { maxLength: 5 });

function get(target: string, headers: Record<string, string> = {}): WireRequest {
  return { method: 'GET', target, headers: Object.entries(headers) };
}

/** An event as HubSpot's documentation describes it; what is around it is made hostile from here. */
const EVENT: Schema = {
  type: 'object',
  required: ['eventId', 'portalId', 'occurredAt', 'subscriptionType', 'objectId'],
  properties: {
    eventId: { type: 'integer' },
    portalId: { type: 'integer', minimum: Number(PORTAL), maximum: Number(PORTAL) },
    appId: { type: 'integer' },
    occurredAt: { type: 'integer', minimum: 1_700_000_000_000, maximum: 1_800_000_000_000 },
    subscriptionType: {
      type: 'string',
      enum: [
        'object.propertyChange',
        'object.merge',
        'object.associationChange',
        'object.deletion',
        'contact.privacyDeletion',
      ],
    },
    attemptNumber: { type: 'integer', minimum: 0, maximum: 9 },
    objectId: { type: 'integer', minimum: 1 },
    objectTypeId: { type: 'string', enum: ['0-1', '0-2', '0-3'] },
    propertyName: { type: 'string' },
    propertyValue: { type: 'string' },
    changeSource: { type: 'string' },
    primaryObjectId: { type: 'integer' },
    mergedObjectIds: { type: 'array', items: { type: 'integer' } },
    fromObjectId: { type: 'integer' },
    toObjectId: { type: 'integer' },
    associationType: { type: 'string', enum: ['CONTACT_TO_DEAL', 'DEAL_TO_CONTACT'] },
  },
};
const NOTHING: Source = {
  known: [],
  resolve: (ref) => {
    throw new Error(ref);
  },
};

function deliveryOf(body: Uint8Array): WireRequest {
  const text = Buffer.from(body);
  const headers = signed('POST', '/webhooks/hubspot', text.toString('latin1'));
  return {
    method: 'POST',
    target: '/webhooks/hubspot',
    headers: Object.entries({ 'Content-Type': 'application/json', ...headers }),
    body: text,
  };
}

/** A call of an action, or for its choices, as HubSpot documents them; what is around it is made hostile from here. */
const workflowCalls = fc
  .tuple(
    near({
      callbackId: 'ap-48000001-56776413549-7-0',
      origin: { portalId: Number(PORTAL), actionDefinitionId: 1, actionDefinitionVersion: 1 },
      context: { source: 'WORKFLOWS', workflowId: 192_814_114 },
      object: { objectId: 102, objectType: 'CONTACT', properties: { email: 'ada@example.com', firstname: 'Ada' } },
      inputFields: { referrer_code: 'AAAA-BBBB-CCCC', program: 'default', rule: 'member-won', stage: 'won', days: '7' },
      fetchOptions: { q: 'mem', after: 'member-won' },
    }),
    fc.nat(),
  )
  // Each a call of its own; the same one again would only be told what it was told before.
  .map(([text, number]) => text.replace('56776413549', String(number)));

/** All outputs are strings, and HubSpot knows the state; or a list to choose from. */
function wrongAction(answer: WireAnswer): string[] {
  const body = jsonOf(answer.body) as { outputFields?: Record<string, unknown>; options?: unknown };
  if (Array.isArray(body.options)) return [];
  const { hs_execution_state: state, ...outputs } = body.outputFields ?? {};
  const isKnown = ['SUCCESS', 'FAIL_CONTINUE', 'BLOCK'].includes(String(state));
  const isText = Object.values(outputs).every((value) => typeof value === 'string');
  return isKnown && isText ? [] : [`not what HubSpot reads: ${answer.body.toString('utf8').slice(0, 200)}`];
}

interface Fuzzed {
  /** Path templates as the app declares them. */
  readonly routes: readonly string[];
  readonly requests: fc.Arbitrary<WireRequest>;
  readonly wrong: (answer: WireAnswer, request: WireRequest) => string[];
}

/** A page for browsers: its own words, and nothing of what was sent. */
function wrongPage(answer: WireAnswer): string[] {
  if (typeOf(answer.headers) !== 'text/html') return judge.wrongProblem(answer);
  const page = answer.body.toString('utf8');
  return /<script|onerror|javascript:/i.test(page) ? ['has a script'] : [];
}

const CONSOLE = readFileSync(new URL('../../dist/console/index.html', import.meta.url), 'utf8');

/** The page as it was built, with the nonce of its own policy and nothing of what was asked. */
function wrongConsole({ headers, body }: WireAnswer): string[] {
  const nonce = /'nonce-([A-Za-z0-9+/=]+)'/.exec(headers.get('content-security-policy') ?? '')?.[1] ?? '';
  return body.toString('utf8') === CONSOLE.replaceAll('__NONCE__', nonce) ? [] : ['is another page'];
}

function wrongCard(answer: WireAnswer, { target }: WireRequest): string[] {
  if (answer.status !== 200) return judge.wrongProblem(answer);
  return cardContractViolations(jsonOf(answer.body), DEFINITIONS[target.split('?')[0] ?? '']).map(String);
}

/** What the contract calls the answers of the cards' routes. */
const DEFINITIONS: Readonly<Record<string, string>> = {
  '/hubspot/cards/contact': 'CardResponse',
  '/hubspot/cards/deal': 'DealCardResponse',
  '/hubspot/cards/company': 'CompanyCardResponse',
  '/hubspot/cards/people': 'PeopleResponse',
  '/hubspot/cards/actions/refer': 'ActionResponse',
  '/hubspot/cards/actions/dispute': 'ActionResponse',
  '/hubspot/cards/actions/share-link': 'ActionResponse',
  '/hubspot/cards/actions/asked': 'ActionResponse',
};

const homeViolations = contractJudge('hubspot-home/home.schema.json');
const settingsViolations = contractJudge('hubspot-settings/settings.schema.json');

/** A home or a settings page by its contract. */
function wrongAppPage(answer: WireAnswer, { target }: WireRequest): string[] {
  if (answer.status !== 200) return judge.wrongProblem(answer);
  const violations = target.startsWith('/hubspot/home') ? homeViolations : settingsViolations;
  return [...violations(jsonOf(answer.body))];
}

/** Who asks, as HubSpot puts it into an address, and what is around it. */
const askers = (...names: string[]) =>
  fc
    .tuple(
      fc.oneof(
        { weight: 4, arbitrary: fc.constant([['portalId', PORTAL]] as [string, string][]) },
        { weight: 1, arbitrary: fc.constant<[string, string][]>([]) },
      ),
      fc.oneof(
        { weight: 2, arbitrary: fc.constant([['userId', '7001']] as [string, string][]) },
        { weight: 1, arbitrary: fc.constant<[string, string][]>([]) },
      ),
      pairsOf('portalId', 'userId', 'userEmail', ...names),
    )
    .map((parts) => parts.flat());

const mostlySigned = fc.oneof(
  { weight: 5, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
);

/** A POST as HubSpot's proxy sends it. */
function post(target: string, body: string, isSigned: boolean): WireRequest {
  const bytes = Buffer.from(body);
  return {
    method: 'POST',
    target,
    headers: [
      ['Content-Type', 'application/json'],
      ...(isSigned ? Object.entries(signed('POST', target, bytes.toString())) : []),
    ],
    body: bytes,
  };
}

/** What is public and not in the OpenAPI document: everybody of these has a way of being fuzzed here. */
const OTHERS: readonly Fuzzed[] = [
  {
    routes: ['/webhooks/:provider'],
    requests: fc.oneof(
      {
        weight: 4,
        arbitrary: fc
          .array(hostileOf(EVENT, NOTHING), { maxLength: 3 })
          .map((events) => deliveryOf(Buffer.from(textOf(events)))),
      },
      { weight: 2, arbitrary: awkwardJson.map((value) => deliveryOf(Buffer.from(textOf(value)))) },
      {
        weight: 1,
        arbitrary: fc.string({ unit: 'binary-ascii', minLength: 1 }).map((text) => deliveryOf(Buffer.from(text))),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(awkwardText, awkwardText).map(([provider, body]) => ({
          ...deliveryOf(Buffer.from(body)),
          target: `/webhooks/${encoded(provider)}`,
        })),
      },
    ),
    wrong: (answer) => (answer.status === 200 ? [] : judge.wrongProblem(answer)),
  },
  {
    routes: ['/webhooks/payouts/:provider/:accountId'],
    requests: fc
      .record({
        provider: fc.oneof(fc.constantFrom('coupon', 'credit', 'manual', 'stripe'), awkwardText),
        account: fc.oneof(fc.constant('acc_nobody'), awkwardText),
        signature: awkwardText,
        body: fc.oneof(awkwardJson.map(textOf), awkwardText),
      })
      .map(({ provider, account, signature, body }) => ({
        method: 'POST',
        target: `/webhooks/payouts/${encoded(provider)}/${encoded(account)}`,
        headers: [
          ['Content-Type', 'application/json'],
          ['Stripe-Signature', signature.replace(/[^\x20-\x7e]/g, ' ')],
        ] as const,
        body: Buffer.from(body),
      })),
    wrong: (answer) => judge.wrongProblem(answer),
  },
  {
    routes: ['/hubspot/cards/contact'],
    requests: fc
      .record({
        pairs: fc.oneof(
          pairsOf('portalId', 'objectId', 'objectTypeId', 'cursor', 'userEmail'),
          awkwardText.map((text): [string, string][] => [
            ['portalId', PORTAL],
            ['objectTypeId', '0-1'],
            ['objectId', text],
          ]),
          awkwardText.map((text): [string, string][] => [
            ['portalId', PORTAL],
            ['objectTypeId', '0-1'],
            ['objectId', '101'],
            ['cursor', text],
          ]),
        ),
        isSigned: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
      })
      .map(({ pairs, isSigned }) => {
        const target = `/hubspot/cards/contact${search(pairs)}`;
        return get(target, isSigned ? signed('GET', target) : {});
      }),
    wrong: wrongCard,
  },
  {
    routes: ['/hubspot/cards/deal', '/hubspot/cards/company', '/hubspot/cards/people'],
    requests: fc
      .record({
        path: fc.constantFrom('deal', 'company', 'people'),
        type: fc.constantFrom('0-1', '0-2', '0-3', ''),
        pairs: askers('objectId', 'objectTypeId', 'cursor', 'q', 'search'),
        id: fc.oneof(fc.constantFrom('102', '201', '301'), awkwardText),
        isSigned: mostlySigned,
      })
      .map(({ path, type, pairs, id, isSigned }) => {
        const own: [string, string][] = [
          ['objectTypeId', type],
          [path === 'people' ? 'q' : 'objectId', id],
        ];
        const target = `/hubspot/cards/${path}${search([...own, ...pairs])}`;
        return get(target, isSigned ? signed('GET', target) : {});
      }),
    wrong: wrongCard,
  },
  {
    routes: ['refer', 'dispute', 'share-link', 'asked'].map((action) => `/hubspot/cards/actions/${action}`),
    requests: fc
      .record({
        path: fc.constantFrom('refer', 'dispute', 'share-link', 'asked'),
        pairs: askers(),
        body: fc.oneof(
          {
            weight: 3,
            arbitrary: fc
              .tuple(
                near({
                  key: 'click-00000001',
                  contactId: '102',
                  as: 'member',
                  other: { firstName: 'Lin', lastName: 'Chen', email: 'lin@example.com' },
                  claim: 'other',
                  note: 'Wrong member.',
                }),
                fc.nat(),
              )
              .map(([text, number]) => text.replace('00000001', String(number))),
          },
          {
            weight: 1,
            arbitrary: fc
              .tuple(near({ key: 'click-00000001', contactId: '102', way: 'copied' }), fc.nat())
              .map(([text, number]) => text.replace('00000001', String(number))),
          },
          { weight: 1, arbitrary: awkwardJson.map(textOf) },
          { weight: 1, arbitrary: awkwardText },
        ),
        isSigned: mostlySigned,
      })
      .map(({ path, pairs, body, isSigned }) => post(`/hubspot/cards/actions/${path}${search(pairs)}`, body, isSigned)),
    wrong: wrongCard,
  },
  {
    routes: ['/hubspot/home', '/hubspot/settings'],
    requests: fc
      .record({ path: fc.constantFrom('home', 'settings'), pairs: askers('cursor'), isSigned: mostlySigned })
      .map(({ path, pairs, isSigned }) => {
        const target = `/hubspot/${path}${search(pairs)}`;
        return get(target, isSigned ? signed('GET', target) : {});
      }),
    wrong: wrongAppPage,
  },
  {
    routes: [
      '/hubspot/settings/mapping',
      '/hubspot/settings/reconnect',
      '/hubspot/settings/programs',
      '/hubspot/settings/notices',
      '/hubspot/settings/objects',
    ],
    requests: fc
      .record({
        path: fc.constantFrom('mapping', 'reconnect', 'programs', 'notices', 'objects'),
        pairs: askers(),
        body: fc.oneof(
          {
            weight: 3,
            arbitrary: near({ basis: 'map_0', pipelineId: 'default', stageId: 'closedwon', stage: 'won' }),
          },
          {
            weight: 1,
            arbitrary: near({ basis: 0, programs: ['default'], notices: [{ notice: 'drift', ownerId: null }] }),
          },
          { weight: 1, arbitrary: near({ version: 0, isOn: true }) },
          { weight: 1, arbitrary: awkwardJson.map(textOf) },
          { weight: 1, arbitrary: awkwardText },
        ),
        isSigned: mostlySigned,
      })
      .map(({ path, pairs, body, isSigned }) => post(`/hubspot/settings/${path}${search(pairs)}`, body, isSigned)),
    wrong: wrongAppPage,
  },
  {
    routes: ['/console/session', '/console/session/link', '/console/session/ways'],
    requests: fc
      .record({
        path: fc.constantFrom('', '/link', '/ways'),
        method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT'),
        cookie: awkwardText.map((text) => text.replace(/[^\x20-\x7e]/g, ' ')),
        site: fc.constantFrom('same-origin', 'cross-site', 'none', ''),
        body: fc.oneof(
          { weight: 3, arbitrary: near({ token: 'a'.repeat(43), email: 'ada@example.com' }) },
          { weight: 1, arbitrary: awkwardJson.map(textOf) },
          { weight: 1, arbitrary: awkwardText },
        ),
      })
      .map(({ path, method, cookie, site, body }) => ({
        method,
        target: `/console/session${path}`,
        headers: [
          ['Content-Type', 'application/json'],
          ['Cookie', `__Host-wonward_session=${cookie}`],
          ...(site === '' ? [] : [['Sec-Fetch-Site', site] as const]),
        ] as const,
        ...(method === 'GET' ? {} : { body: Buffer.from(body) }),
      })),
    wrong: (answer) => (answer.status < 300 ? [] : judge.wrongProblem(answer)),
  },
  {
    routes: ['/console/openid', '/console/openid/callback', '/console', '/console/*path'],
    requests: fc
      .tuple(
        fc.oneof(
          fc.constantFrom('', '/openid', '/openid/callback'),
          awkwardText.map((text) => `/${encoded(text)}`),
        ),
        pairsOf('code', 'state', 'error', 'iss', 'returnUrl'),
      )
      .map(([path, pairs]) => get(`/console${path}${search(pairs)}`)),
    wrong: (answer) => (answer.status === 200 ? wrongConsole(answer) : wrongPage(answer)),
  },
  {
    routes: ['/install/:provider'],
    requests: fc
      .tuple(
        fc.oneof({ weight: 3, arbitrary: fc.constant('hubspot') }, { weight: 1, arbitrary: awkwardText }),
        pairsOf('to', 'state', 'url', 'redirect_uri'),
      )
      .map(([provider, pairs]) => get(`/install/${encoded(provider)}${search(pairs)}`)),
    wrong: wrongPage,
  },
  {
    routes: ['/hubspot/actions/:action', '/hubspot/actions/options/:list'],
    requests: fc
      .record({
        path: fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom('enrol-member', 'submit-referral', 'issue-reward', 'set-stage') },
          {
            weight: 2,
            arbitrary: fc.constantFrom(
              'wait-until-rewarded',
              'options/programs',
              'options/rules',
              'options/constructor',
            ),
          },
          { weight: 1, arbitrary: awkwardText.map(encoded) },
        ),
        body: fc.oneof(
          { weight: 4, arbitrary: workflowCalls },
          { weight: 1, arbitrary: awkwardJson.map(textOf) },
          { weight: 1, arbitrary: awkwardText },
        ),
        isSigned: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
      })
      .map(({ path, body, isSigned }) => {
        const target = `/hubspot/actions/${path}`;
        const bytes = Buffer.from(body);
        return {
          method: 'POST',
          target,
          headers: [
            ['Content-Type', 'application/json'],
            ...(isSigned ? Object.entries(signed('POST', target, bytes.toString())) : []),
          ] as const,
          body: bytes,
        };
      }),
    wrong: (answer) => (answer.status === 200 ? wrongAction(answer) : judge.wrongProblem(answer)),
  },
  {
    routes: ['/oauth/:provider/callback'],
    requests: fc
      .tuple(
        fc.oneof({ weight: 3, arbitrary: fc.constant('hubspot') }, { weight: 1, arbitrary: awkwardText }),
        pairsOf('code', 'state', 'error', 'error_description', 'returnUrl', 'redirect_uri'),
      )
      .map(([provider, pairs]) => get(`/oauth/${encoded(provider)}/callback${search(pairs)}`)),
    wrong: wrongPage,
  },
  {
    routes: ['/r/:code', '/r/:code/qr.png'],
    requests: fc
      .tuple(
        fc.oneof(awkwardText, fc.string({ unit: 'grapheme-ascii' })),
        fc.constantFrom('', '/qr.png'),
        pairsOf('to', 'url', 'next', 'returnUrl'),
      )
      .map(([code, rest, pairs]) => get(`/r/${encoded(code)}${rest}${search(pairs)}`)),
    wrong: (answer) => (typeOf(answer.headers) === 'image/png' ? [] : wrongPage(answer)),
  },
  {
    routes: ['/logos/:hash'],
    requests: fc
      .tuple(fc.oneof(awkwardText, fc.stringMatching(/^[0-9a-f]{64}$/)), pairsOf('w', 'url'))
      .map(([hash, pairs]) => get(`/logos/${encoded(hash)}${search(pairs)}`)),
    wrong: (answer) => judge.wrongProblem(answer),
  },
  {
    routes: ['/livez', '/readyz', '/metrics', '/api/v1/openapi.json'],
    requests: fc
      .record({
        path: fc.constantFrom('/livez', '/readyz', '/metrics', '/api/v1/openapi.json'),
        pairs: pairsOf('verbose', 'token'),
        authorization: awkwardText.map((text) =>
          Buffer.from(text)
            .toString('latin1')
            .replace(/\p{Cc}/gu, ''),
        ),
      })
      .map(({ path, pairs, authorization }) => get(`${path}${search(pairs)}`, { Authorization: authorization })),
    wrong: (answer) => (answer.status === 200 ? [] : judge.wrongProblem(answer)),
  },
];

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle?: { readonly stack?: readonly Layer[] };
}

/** Every path that the app declares, however deep it is mounted. */
function routesOf(stack: readonly Layer[]): string[] {
  return stack.flatMap(({ route, handle }) => [...(route ? [route.path] : []), ...routesOf(handle?.stack ?? [])]);
}

describe('no route is forgotten', () => {
  const declared = () => [...new Set(routesOf(service.app.router.stack as unknown as readonly Layer[]))];
  const inDocument = () => judge.operations.map(({ path }) => `/api/v1${path.replace(/\{(\w+)\}/g, ':$1')}`);

  test('every route of the app is in the OpenAPI document or has a fuzzer of its own, and the other way round', () => {
    const fuzzed = [...inDocument(), ...OTHERS.flatMap(({ routes }) => routes)];
    expect(declared().length).toBeGreaterThan(15);
    expect(declared().sort()).toEqual([...new Set(fuzzed)].sort());
  });

  test('every route that is not in the OpenAPI document stands in the table of its room', () => {
    const table = readFileSync(new URL('../../src/http/README.md', import.meta.url), 'utf8');
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    for (const route of OTHERS.flatMap(({ routes }) => routes)) {
      expect([route, rows.some((row) => row.split('|')[1]?.includes(route))]).toEqual([route, true]);
    }
  });

  test('nothing else answers: no admin door, no file, no debugger, no other version', async () => {
    const guesses = ['/', '/admin', '/api', '/api/v0/members', '/api/v2/members', '/api/v1', '/.env', '/.git/config'];
    const more = [
      '/debug/pprof',
      '/actuator/env',
      '/graphql',
      '/package.json',
      '/src/main.ts',
      '/server-status',
      '/favicon.ico',
    ];
    for (const target of [...guesses, ...more, '/api/v1/../../.env', '/%2e%2e/%2e%2e/etc/passwd', '//evil.example/']) {
      for (const method of ['GET', 'POST']) {
        const answer = await exchange(service.port, { method, target, headers: [] });
        expect([target, method, answer.status, judge.wrongProblem(answer)]).toEqual([target, method, 404, []]);
      }
    }
  });
});

describe('the corpus of the other routes', () => {
  test.each(readCorpus('routes').map((entry) => [entry.why, entry] as const))('%s', async (_, entry) => {
    const { method, target, body, headers = [] } = entry;
    const given = entry.signed ? Object.entries(signed(method, target, body ?? '')) : [];
    const answer = await exchange(service.port, {
      method,
      target,
      headers: [...given, ...headers, ...(body === undefined ? [] : [['Content-Type', 'application/json'] as const])],
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });
    expect(judge.wrongAnyway(answer)).toEqual([]);
    expect(answer.status).toBe(entry.status);
  });
});

describe.each(OTHERS)('$routes', ({ requests, wrong }) => {
  test('answers whatever comes with what it promises, and nothing else', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const answer = await exchange(service.port, request);
        expect([...judge.wrongAnyway(answer), ...wrong(answer, request)]).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test('answers every other method with what is allowed', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    await fc.assert(
      fc.asyncProperty(
        requests,
        fc.constantFrom('PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'OPTIONS', 'HEAD', 'SEARCH'),
        async (request, method) => {
          const answer = await exchange(service.port, { ...request, method });
          expect(judge.wrongAnyway(answer)).toEqual([]);
          if (method === 'OPTIONS') expect([204, 404]).toContain(answer.status);
          else if (method !== 'HEAD') expect([404, 405]).toContain(answer.status);
        },
      ),
      { numRuns: RUNS / 5 },
    );
  });
});

describe('what is hardly HTTP', () => {
  test('gets an answer and an end, or an end, and the next caller is served', {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    const line = fc.oneof(
      fc.constantFrom(
        'GET / HTTP/1.1',
        'GET / HTTP/9.9',
        'GET http://169.254.169.254/latest HTTP/1.1',
        'CONNECT evil.example:443 HTTP/1.1',
        'PRI * HTTP/2.0',
        'OPTIONS * HTTP/1.1',
        'GET /r/x HTTP/1.0',
        'POST /webhooks/hubspot HTTP/1.1',
      ),
      fc.string({ unit: 'binary-ascii', maxLength: 60 }),
    );
    const header = fc.oneof(
      fc.constantFrom(
        'Host: x',
        'Host: x\r\nHost: y',
        'Content-Length: -1',
        'Content-Length: 99999999999999999999',
        'Content-Length: 5\r\nContent-Length: 6',
        'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
        'Transfer-Encoding: xchunked',
        'Expect: 100-continue',
        'Expect: the unexpected',
        'Connection: upgrade\r\nUpgrade: websocket',
        'Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        ' folded: x',
        'no colon',
        'X: a\u0000b',
        'Authorization: Bearer \u00ff',
      ),
      fc.string({ unit: 'binary-ascii', maxLength: 60 }),
    );
    await fc.assert(
      fc.asyncProperty(
        line,
        fc.array(header, { maxLength: 3 }),
        fc.string({ maxLength: 20 }),
        async (first, more, rest) => {
          const bytes = Buffer.from([first, 'Connection: close', ...more, '', rest, '', ''].join('\r\n'), 'latin1');
          const status = await send(service.port, bytes).then(
            (answer) => answer.status,
            (problem: Error) => (/was closed|no HTTP/.test(problem.message) ? 0 : problem.message),
          );
          expect([0, 204, 400, 401, 404, 405, 408, 411, 413, 415, 417, 426, 431, 501]).toContain(status);
        },
      ),
      { numRuns: runs(60), interruptAfterTimeLimit: FUZZ_TIMEOUT_MS / 2, markInterruptAsFailure: false },
    );
    expect((await exchange(service.port, get('/livez'))).status).toBe(200);
  });
});

describe('memory', () => {
  /** Twice 120 refused bodies of 90 kB are 22 MB: were they kept, or one in three of them, it would show. */
  const REQUESTS = 120;
  const BODY_BYTES = 90_000;
  const GROWTH_BYTES_MAX = 7_000_000;

  test('does not grow with what was refused', { timeout: 300_000 }, async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const own = await startHttp({
      deps: { limits: { unsigned: { points: 1e9, perSeconds: 1 }, wrongKeys: { points: 1e9, perSeconds: 1 } } },
    });
    const account = await own.createAccount('A');
    const filler = 'x'.repeat(BODY_BYTES);
    const refused = async (index: number) => {
      const headers = { 'content-type': 'application/json' };
      const invalid = JSON.stringify({ name: `${index}${filler}` });
      const answers = [
        await account.call('/members', { method: 'POST', headers, body: invalid }),
        await fetch(`${own.url}/webhooks/hubspot`, { method: 'POST', headers, body: invalid }),
        await fetch(`${own.url}/r/${index}${filler.slice(0, 10_000)}`, { headers: { cookie: `${index}` } }),
        await fetch(`${own.url}/api/v1/members`, { headers: { authorization: `Bearer wk_${index}` } }),
      ];
      for (const answer of answers) {
        await answer.arrayBuffer();
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
    };
    /** The least of several looks: closed sockets give their buffers back a little later. What is kept stays in every look. */
    const used = async () => {
      let least = Number.POSITIVE_INFINITY;
      for (let looks = 0; looks < 10; looks += 1) {
        collect();
        const { heapUsed, external } = process.memoryUsage();
        least = Math.min(least, heapUsed + external);
        await new Promise((wake) => setTimeout(wake, 50));
      }
      return least;
    };
    for (let index = 0; index < REQUESTS / 5; index += 1) await refused(index);
    const before = await used();
    for (let index = 0; index < REQUESTS; index += 1) await refused(index);
    const grown = (await used()) - before;
    await own.close();
    expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
  });
});

test('a signed delivery beside all this is still kept', async () => {
  const body = JSON.stringify([stageChange(Number(PORTAL), 7)] satisfies Json[] | unknown[]);
  const answer = await exchange(service.port, deliveryOf(Buffer.from(body)));
  expect([answer.status, jsonOf(answer.body)]).toMatchObject([200, { accepted: 1 }]);
  expect(story.code).not.toBe('');
});
