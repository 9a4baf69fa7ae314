import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { USUAL_BRAND } from '../../src/domain/brand.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CRM_LIST, startHttp, type TestAccount, type TestService, tellStory } from '../http/service.ts';
import { readCorpus } from './corpus.ts';
import { hostileOf, type Source, validOf } from './from-schema.ts';
import { awkwardText, type Json, textOf } from './json-text.ts';
import { createJudge, type FuzzedOperation, type Judge, jsonOf } from './judge.ts';
import { FUZZ_TIMEOUT_MS, runs } from './runs.ts';
import { exchange, type WireRequest } from './wire.ts';

/** Per operation: valid requests, and requests with something wrong about them. */
const VALID_RUNS = runs(30);
const HOSTILE_RUNS = runs(120);

/**
 * What the document says in words and JSON Schema cannot: a request may follow every schema and still be refused for one of these.
 */
const IN_WORDS = [
  /^must be given when there is no contact$/,
  /^must not be empty$/,
  /^must name each type once$/,
  /^must name a setting: duplicateRules or callShare$/,
  /^must (begin with https:\/\/|be a web address, such as .+|be reachable from the internet|name a host, not an IP address)$/,
  /^must name each role once$/,
  /^must be given, or friendEmail instead$/,
  /^must be given with member "member", and with no other$/,
  /^give exactly one of contact, memberId, referralId and email$/,
  /^must not be empty; leave it out/,
  /^must not contain control characters or broken Unicode$/,
  /^every rule needs a key of its own$/,
  /must be a decimal above zero with no more decimals than [A-Z]{3} has$/,
  /^must be the CRM’s own id of (a user, such as 10202051|an owner, such as 41629779)$/,
  /^".*" is no published program$/s,
  /^must be empty for a CRM without tasks$/,
  /^must be [0-9]{4}-[0-9]{2}$/,
  /^must be a month, such as 2026-10$/,
  /^must name each ledger account once$/,
  /^must be a country as ISO 3166 has it, such as US$/,
  /^must be a currency as ISO 4217 has it, such as EUR$/,
  /^must have one entry for a country and year$/,
  /^must be a CRM that this service is configured for/,
  /^must be an address of the CRM itself, /,
  /^must be an e-mail address or a user id of the CRM$/,
  /^must be one of credit, as configured here$/,
  // Of a provider's fields.
  /^must be one of [a-zA-Z, ]+$/,
  /^must be given$/,
  /^must be this list's nextCursor, unchanged$/,
  /^pays more than 100 % of the deal; set "allowOverWhole": true if that is meant$/,
  /^must be [A-Z]{3}( or [A-Z]{3})*, (in which the rule pays|as the conditions ask of the deal)$/,
  /^must be at least the minimum, .+, in its currency$/,
  /^must be (in [A-Z]{3} like the first step|more than the step before, .+)$/,
  /^needs exactly one of count and money$/,
  /^must be a day that there is, such as 2026-03-31$/,
  /^must be a time in UTC, such as 2026-01-31T00:00:00Z$/,
  /^must be before "to"$/,
  /^must be the whole address of a page, such as https:/,
  /^must be a PNG, JPEG or WebP picture; an SVG can hold scripts and is not taken$/,
  /^must be a picture of at most [0-9]+ kB$/,
  /^must be a (whole )?number of days from [0-9]+ to [0-9]+(, or null for ever)?$/,
  /^must have words in one language at least$/,
  /^must be a version of the text for a (member|friend) that has words in "(en|de)"; see GET \/consent-texts$/,
  /^must be (after from|at most [0-9]+ days after from)$/,
  /^needs a first line with the columns .+$/,
  /^has (a quote that is not closed|more than [0-9]+ rows; send it in parts)$/,
  /^names a column twice in its first line$/,
  /^can never be (met together with the others|reached): .+$/,
  /^no other rule is in this group; leave it out/,
  /^can only ask about the deal, not about .+$/,
  /^ask about .+(can be read|check its internal name)$/,
  /^"[^"]+" is no property of the CRM's deals; check its internal name$/,
  /^what [a-z]+ gave cannot be (made worthless|undone there); /,
  /^credit is always taken back from the credit itself; leave it out$/,
  /^a rule that ignores what the deal is worth cannot follow its refunds; /,
  /^is asked by no rule that ignores refunds; leave it out$/,
  /^has nothing to convert: the rule never looks at the amount; leave it out$/,
  /^must ask for the amount in [A-Z]{3}, in which the rule pays$/,
  /^must be (more than zero|of another currency than the base|for one [A-Z]{3}, as the rates before it)$/,
  /^must (not end before its day|be [0-9.]+, as it was entered before: what was decided by it stands|be of a day after .+, where the newest one ends)$/,
  /^must be one of ([a-z_]+, )*[a-z_]+$/,
  /^must name everybody once$/,
  /^"[a-z_]+" is named twice; keep one of them$/,
  /^must be above reviewAt, /,
  /^every source counts once: leave out the second$/,
  /^has nothing to round: every amount of the rule is fixed; leave it out$/,
  /^the other rules of the group pay somebody else than the [a-z]+; /,
  /^asks about the deal property "[^"]+", which the CRM does not have; /,
  // Of tiers.
  /^must be (an amount of money|a whole number|in [A-Z]{3} like the first tier|more than the tier before, .+)$/,
  /^must be (a higher tier than the step before, .+|another word: "none" is no tier)$/,
  /^must name the tier that the reward is for$/,
  /^every tier needs a key of its own$/,
  /^a score for life has no window that could end; /,
  /^goes with "trigger": "tier_reached" only; leave it out$/,
  /^looks at tiers, and the program has none: add "tiers"$/,
  /^".*" is not one of the program's tiers: /,
  // Of several connections.
  /^must be the id of one of your connections$/,
  /^must name (the key of the connection that decides, too|two connections at least: a key ties records)$/,
  /^must be a property that holds the id of the other connection's record: /,
  /^can be set for Salesforce only$/,
  /^must be the number of the last row that was read$/,
  // Of stages.
  /^must be the id of a (pipeline of this CRM|stage of this pipeline): /,
  /^names a stage a second time; keep one of them$/,
  /^leaves the pipeline .+ without any stage that means "won": /,
  /^must be within a year from now$/,
  // Of drift.
  /^must be one of its own: /,
  /^has to be said for this fix$/,
  // Of a line of blanks.
  /^must not be empty$/,
  // Of users and keys.
  /^must name each role once$/,
  // Of imports.
  /^has no row below its first line$/,
  /^must name each once$/,
  // Of the ledger.
  /^must be given when there is a currency$/,
  // Of figures.
  /^must be given: amounts in two currencies are not compared$/,
  /^must (not be after "to"|not be before 1970|be within [0-9]+ days of "to"|be a longer step for so long a period)$/,
];

const PROGRAM = {
  programId: 'default',
  name: 'Friends',
  rules: [{ key: 'a', party: 'member', amount: { kind: 'percent', basisPoints: 500 }, payout: 'credit' }],
};

const ENDPOINT = { url: 'https://example.com/hooks', description: '', eventTypes: ['referral.won'] };

/** Of the story, which is told before the tests run. */
let sureOfStory: Readonly<Record<string, { params: Record<string, string>; body?: Json }>> = {};

const SURE: Readonly<Record<string, { params?: Record<string, string>; body?: Json }>> = {
  publishProgram: { body: PROGRAM },
  listErasures: {},
  erasePerson: { body: { email: 'nobody@example.com' } },
  tryProgram: { body: { program: PROGRAM } },
  getRiskSignals: {},
  listReferrals: {},
  listJournals: {},
  exportJournals: {},
  exportReferrals: {},
  sumLedger: {},
  getFiguresOverview: {},
  exportFiguresOverview: {},
  getFiguresTrend: {},
  exportFiguresTrend: {},
  getFiguresFunnel: {},
  exportFiguresFunnel: {},
  getFiguresTimes: {},
  exportFiguresTimes: {},
  getFiguresChannels: {},
  exportFiguresChannels: {},
  getFiguresMembers: {},
  exportFiguresMembers: {},
  getFiguresCohorts: {},
  exportFiguresCohorts: {},
  getFiguresReturns: {},
  exportFiguresReturns: {},
  getFiguresComparison: {},
  exportFiguresComparison: {},
  listLedgerAccounts: { params: { ledgerKind: 'payable', currency: 'EUR' } },
  setBrand: { body: { version: 0, ...USUAL_BRAND } },
  getColours: {},
  setLogo: { body: { content: 'iVBORw0KGgoAAAANSUhEUgAA' } },
  setRetention: { body: { version: 0, days: {} } },
  checkConfiguration: { body: { format: 1 } },
  saveConsentText: { body: { purpose: 'friend', version: 0, texts: { en: 'We write once.' } } },
  closePeriod: { body: { month: monthBefore(systemClock.now()), reason: 'The rest is small.' } },
  getTaxReport: { params: { year: '2026' } },
  listTaxRows: { params: { year: '2026' } },
  exportTaxRows: { params: { year: '2026' } },
  startTaxReport: { params: { year: '2026' } },
  getForecast: {},
  startForecast: {},
  exportForecast: {},
  listForecastLines: { params: { currencyOrNone: 'EUR', monthOrNone: '2026-12' } },
  exportForecastLines: { params: { currencyOrNone: 'none', monthOrNone: 'none' } },
  getForecastTrend: {},
  exportForecastTrend: {},
  setTaxSettings: {
    body: {
      version: 0,
      countryProperty: 'hs_country_region_code',
      warnAtPercent: 80,
      thresholds: [
        {
          country: 'US',
          fromYear: 2026,
          amount: '2000.00',
          currency: 'USD',
          form: 'Form 1099-NEC',
          source: 'The code.',
        },
      ],
    },
  },
  setChartOfAccounts: {
    body: { version: 0, entries: [{ account: 'expense:*', number: '6300', label: 'Referral rewards' }] },
  },
  validateProgram: { body: PROGRAM },
  diffProgram: { body: PROGRAM },
  enterRates: {
    body: { rates: [{ currency: 'USD', base: 'EUR', day: '2026-01-02', perBase: '1.1', source: 'ECB' }] },
  },
  getProgramDraft: { params: { programId: 'drafted' } },
  saveProgramDraft: { params: { programId: 'default' }, body: { revision: 0, program: PROGRAM } },
  discardProgramDraft: { params: { programId: 'drafted' }, body: { revision: 1 } },
  publishProgramDraft: { params: { programId: 'finished' }, body: { revision: 1 } },
  installConnection: { body: { provider: 'hubspot' } },
  addCoupons: { body: { codes: ['A-1'], value: { amount: '25.00', currency: 'EUR' } } },
  importCouponRedemptions: { body: { csv: 'code\nA-1' } },
  setBatching: { params: { provider: 'manual' }, body: { schedule: null, approval: 'required' } },
  deleteBatching: { params: { provider: 'manual' } },
  createReconciliation: {
    body: { provider: 'manual', from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z' },
  },
  tellRefund: {
    body: {
      id: 're_77',
      dealId: '77',
      money: { amount: '5.00', currency: 'EUR' },
      at: '2026-01-01T00:00:00.000Z',
    },
  },
  releaseHistory: {
    body: { id: 'spring', programId: 'default', ruleKey: 'member-won', why: 'A gift to our first members.' },
  },
  tryMemberImport: { body: { csv: 'mail\nlin@example.com', mapping: { email: 'mail' } } },
  startMemberImport: { body: { id: 'spring', csv: 'mail\nlin@example.com', mapping: { email: 'mail' } } },
  getBudget: { params: { programId: 'default' } },
  publishConnectionsPolicy: { body: { twinDays: 3 } },
  setCaseChain: { body: { chain: [{ owner: 'role:reviewer', hours: 48 }] } },
  fillBudget: {
    params: { programId: 'default' },
    body: { id: 'q1', money: { amount: '50', currency: 'EUR' }, note: 'First quarter' },
  },
};

function monthBefore(now: number): string {
  const at = new Date(now);
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

const VERDICT = { outcome: 'dismissed', why: 'Known.' };

let service: TestService;
let account: TestAccount;
let judge: Judge;
let source: Source;
let connectionId: string;
let story: Awaited<ReturnType<typeof tellStory>>;

beforeAll(async () => {
  const wide = { points: 1e9, perSeconds: 1 };
  service = await startHttp({ deps: { limits: { apiCalls: wide, pages: wide, unsigned: wide, wrongKeys: wide } } });
  account = await service.createAccount('Acme');
  connectionId = await account.connect('1');
  story = await tellStory(service, account.id, connectionId, systemClock.now());
  const cursor = Buffer.from(`members 1795305600000 ${story.memberId}`).toString('base64url');
  judge = await createJudge(service);
  const tried = async (path: string, draft: object) =>
    ((await (await account.post(`${path}/dry-run`, draft)).json()) as { id: string }).id;
  // Of a connection of its own: one is open at a time.
  const behind = { connectionId: await account.connect('2'), since: '2026-01-01T00:00:00.000Z' };
  const begun = await account.post('/backfills', behind);
  const { id: backfillId } = (await begun.json()) as { id: string };
  const mapping = `/connections/${connectionId}/mapping`;
  const [ofProgram, ofPolicy, ofMapping] = [
    await tried('/programs', { program: PROGRAM }),
    await tried('/attribution-policies', { policy: {} }),
    await tried(mapping, { stages: [] }),
  ];
  // None of these is an id that the drawn requests know.
  for (const programId of ['drafted', 'finished'])
    await account.put(`/programs/${programId}/draft`, { revision: 0, program: { ...PROGRAM, programId } });
  const kept = await account.post('/views', { list: 'rewards', name: 'Held', search: 'state=held' });
  const { id: viewId } = (await kept.json()) as { id: string };
  const endpoint = async () => {
    const made = await account.post('/webhook-endpoints', ENDPOINT);
    return ((await made.json()) as { endpoint: { id: string } }).endpoint.id;
  };
  const [endpointId, endpointToRemove] = [await endpoint(), await endpoint()];
  const sent = await account.post(`/webhook-endpoints/${endpointId}/test`, {});
  const { eventId } = (await sent.json()) as { eventId: string };
  const enter = async (email: string) => {
    const { link } = await service.signIn.invite({ accountId: account.id, roles: ['sales'] }, email, null);
    await service.signIn.redeem(new URL(link).hash.slice(1));
  };
  for (const email of ['goes@example.com', 'stays@example.com']) await enter(email);
  await service.signIn.invite({ accountId: account.id, roles: ['sales'] }, 'invited@example.com', null);
  const [goes, stays] = (await service.store.users.ofAccount(account.id)).map(({ user }) => user.id);
  const [invitation] = await service.store.users.invitations(account.id, Date.now());
  service.crm.contacts.set('1 901', { name: 'Tessa', email: 'tessa@example.com' });
  service.crm.contacts.set('2 901', { name: 'Tessa', email: 'tessa@example.com' });
  const begunTest = await account.post('/test-runs', {
    ...{ connectionId: behind.connectionId, programId: 'default', friendContactId: '901' },
  });
  const { id: testRunId } = (await begunTest.json()) as { id: string };
  const { keyId } = await account.callerAs('to be revoked');
  sureOfStory = {
    createWebhookEndpoint: { params: {}, body: ENDPOINT },
    getWebhookEndpoint: { params: { endpointId } },
    setWebhookEndpoint: { params: { endpointId }, body: { ...ENDPOINT, enabled: true, version: 1 } },
    removeWebhookEndpoint: { params: { endpointId: endpointToRemove } },
    rotateWebhookSecret: { params: { endpointId }, body: {} },
    testWebhookEndpoint: { params: { endpointId }, body: {} },
    replayWebhookEvents: {
      params: { endpointId },
      body: { since: '2026-01-01T00:00:00.000Z', onlyUndelivered: true },
    },
    listWebhookDeliveries: { params: { endpointId } },
    getWebhookDelivery: { params: { endpointId, eventId } },
    retryWebhookDelivery: { params: { endpointId, eventId }, body: {} },
    removeUser: { params: { userId: goes ?? '' } },
    setUserRoles: { params: { userId: stays ?? '' }, body: { roles: ['reviewer'], version: 1 } },
    withdrawInvitation: { params: { invitationId: invitation?.id ?? '' } },
    revokeApiKey: { params: { keyId } },
    exportPerson: { params: {}, body: { memberId: story.memberId } },
    getDryRun: { params: { dryRunId: ofProgram } },
    getAttributionDryRun: { params: { dryRunId: ofPolicy } },
    getMappingDryRun: { params: { connectionId, dryRunId: ofMapping } },
    exportDryRun: { params: { dryRunId: ofProgram } },
    exportMappingDryRun: { params: { connectionId, dryRunId: ofMapping } },
    setAppSettings: {
      params: { connectionId },
      body: { version: 1, managers: ['7001', '7002'] },
    },
    listCrmLists: { params: { connectionId } },
    tryListImport: { params: {}, body: { connectionId, listId: CRM_LIST.id } },
    startListImport: { params: {}, body: { id: 'of-a-list', connectionId, listId: CRM_LIST.id } },
    setStageMapping: { params: { connectionId }, body: { stages: [], dryRunId: ofMapping } },
    tryStageMapping: { params: { connectionId }, body: { stages: [] } },
    proposeStageMapping: { params: { connectionId } },
    acceptMappingProposal: { params: { connectionId }, body: { stages: [] } },
    postponeMappingProposal: {
      params: { connectionId },
      body: { postponeUntil: new Date(Date.now() + 86_400_000).toISOString() },
    },
    createApiKey: { params: {}, body: { label: 'Fuzz', roles: ['sales'] } },
    startTestRun: { params: {}, body: { connectionId, programId: 'default', friendContactId: '901' } },
    getTestRun: { params: { testRunId } },
    endTestRun: { params: { testRunId }, body: {} },
    inviteUser: { params: {}, body: { email: 'rex@example.com', roles: ['sales'] } },
    setAccount: { params: {}, body: { name: 'Acme', needsSecondPerson: false } },
    fixDrift: { params: { connectionId, caseId: story.driftCaseId }, body: { fix: 'accept' } },
    judgeRewards: { params: {}, body: { rewardIds: [story.rewardId], verdict: 'approve', why: 'Known.' } },
    pauseBackfill: { params: { backfillId }, body: {} },
    resumeBackfill: { params: { backfillId }, body: {} },
    cancelBackfill: { params: { backfillId }, body: {} },
    startBackfill: { params: {}, body: { connectionId, since: '2026-01-01T00:00:00.000Z' } },
    removeView: { params: { viewId } },
    listPeriodAccounts: { params: { periodId: story.periodId, ledgerKind: 'payable', currency: 'EUR' } },
    importPayoutBatchMarks: { params: { batchId: story.batchId }, body: { csv: 'order,state\npay_1,paid' } },
  };
  source = {
    resolve: judge.resolve,
    known: [
      ...Object.values(story),
      ...[ofProgram, ofPolicy, ofMapping, connectionId],
      ...['hubspot', 'default', 'coupon', 'prefix', cursor, '50'],
    ],
  };
}, 120_000);
afterAll(() => service.close());

async function openCase(referralId: string): Promise<string> {
  const dispute = { referralId, claim: 'other', words: 'Wrong member.', by: { role: 'rep', id: '77' } };
  return ((await (await account.post('/disputes', dispute)).json()) as { id: string }).id;
}

const JSON_HEADERS = [['Content-Type', 'application/json']] as const;

function request(
  { method, path }: FuzzedOperation,
  {
    params = {},
    query = '',
    body,
    headers = [],
  }: {
    params?: Readonly<Record<string, string>>;
    query?: string;
    body?: string | undefined;
    headers?: WireRequest['headers'];
  },
): WireRequest {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '');
  return {
    method: method.toUpperCase(),
    target: `/api/v1${filled}${query === '' ? '' : `?${query}`}`,
    headers: [['Authorization', `Bearer ${account.key}`], ...(body === undefined ? [] : JSON_HEADERS), ...headers],
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  };
}

const encoded = (text: string) => encodeURIComponent(text.toWellFormed());

function queryOf(parameters: ReadonlyArray<readonly [string, string]>): string {
  return parameters.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
}

/** What stands in the path and in the query, of what the document allows. */
function validParameters({ parameters }: FuzzedOperation, from: Source = source) {
  const of = (where: 'path' | 'query') =>
    fc.record(
      Object.fromEntries(
        parameters
          .filter((parameter) => parameter.in === where)
          .map(({ name, schema }) => [name, validOf(schema, from).map(String)]),
      ),
      where === 'path' ? {} : { requiredKeys: [] },
    ) as fc.Arbitrary<Record<string, string>>;
  return { params: of('path'), query: of('query') };
}

describe('an operation that is asked as the document says', () => {
  test('answers as the document says, and refuses nothing that it allows', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const refusedInWords = new Set<string>();
    const succeeded = new Set<string>();
    // Last, since they take away what the others need: the connection, the batches that orders wait in, the close that is exported.
    const isLast = ({ operationId }: FuzzedOperation) =>
      /^(disconnectConnection|deleteBatching|reopenPeriod)$/.test(operationId);
    const inOrder = judge.operations.toSorted((a, b) => Number(isLast(a)) - Number(isLast(b)));
    for (const [index, operation] of inOrder.entries()) {
      const known = [...source.known];
      if (/^(approve|reject)Reward$/.test(operation.operationId)) {
        // What is decided once cannot be decided again: each of them needs one of its own.
        const now = systemClock.now();
        known.push((await tellStory(service, account.id, connectionId, now, 'in_review', String(index))).rewardId);
      }
      if (operation.operationId === 'writeOffReward') {
        const now = systemClock.now();
        known.push((await tellStory(service, account.id, connectionId, now, 'owed', String(index))).rewardId);
      }
      // So does a case that is decided, and a dispute that another run has opened is the same one.
      const caseId = /Case(Decision)?$/.test(operation.operationId) ? await openCase(story.referralId) : '';
      if (caseId !== '') known.push(caseId);
      if (operation.operationId === 'reopenPeriod') {
        const periodId = (await service.store.periods.newestStanding(account.id))?.id ?? '';
        sureOfStory = { ...sureOfStory, reopenPeriod: { params: { periodId }, body: { reason: 'Too early.' } } };
      }
      if (operation.operationId === 'applyConfiguration') {
        // Whose basis is that of the moment.
        const checked = await account.post('/configuration/check', { format: 1 });
        const { basis } = (await checked.json()) as { basis: string };
        sureOfStory = {
          ...sureOfStory,
          applyConfiguration: { params: {}, body: { basis, configuration: { format: 1 } } },
        };
      }
      // One that gets in for certain, beside those that are drawn: a program has many ways of being refused in words.
      const sure = /^(decide|assign)Case$/.test(operation.operationId)
        ? { params: { caseId }, body: operation.operationId === 'assignCase' ? { owner: 'role:finance' } : VERDICT }
        : operation.operationId === 'tryCaseDecision'
          ? { params: { caseId }, body: { outcome: VERDICT.outcome } }
          : (SURE[operation.operationId] ?? sureOfStory[operation.operationId]);
      const { params, query } = validParameters(operation, { ...source, known });
      const body: fc.Arbitrary<Json | undefined> = operation.body
        ? validOf(operation.body, source)
        : fc.constant(undefined);
      await fc.assert(
        fc.asyncProperty(params, query, body, async (inPath, inQuery, value) => {
          const sent = request(operation, {
            params: inPath,
            query: queryOf(Object.entries(inQuery)),
            body: value === undefined ? undefined : textOf(value),
          });
          const answer = await exchange(service.port, sent);
          expect([...judge.wrongAnyway(answer), ...judge.wrongFor(operation, answer)]).toEqual([]);
          if (answer.status < 300) succeeded.add(operation.operationId);
          if (answer.status !== 400) return;
          const { errors = [] } = jsonOf(answer.body) as { errors?: { problem: string }[] };
          const unexplained = errors.filter(({ problem }) => !IN_WORDS.some((words) => words.test(problem)));
          expect({ unexplained, of: errors.length > 0 }).toEqual({ unexplained: [], of: true });
          refusedInWords.add(operation.operationId);
        }),
        // Of what can be wrong with amounts and rules most is said in words, and few drawn texts are an amount.
        {
          numRuns: /^(publishProgram|fillBudget)$/.test(operation.operationId) ? VALID_RUNS * 10 : VALID_RUNS,
          examples: sure ? [[sure.params ?? {}, {}, sure.body]] : [],
        },
      );
    }
    // A fuzzer that never gets in has tested the door only.
    expect([...succeeded].sort()).toEqual(judge.operations.map(({ operationId }) => operationId).sort());
  });
});

/** What the checks do before they judge: spaces around names and addresses are no mistake. */
function trimmed(value: unknown): unknown {
  if (typeof value === 'string') return value.trim();
  if (Array.isArray(value)) return value.map(trimmed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, trimmed(part)]));
}

describe('an operation that is asked otherwise', () => {
  test('refuses a body that the document does not allow, as the document says', {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    const withBody = judge.operations.filter(({ body }) => body !== null);
    expect(withBody.length).toBeGreaterThan(3);
    for (const operation of withBody) {
      let refused = 0;
      const { params } = validParameters(operation);
      await fc.assert(
        fc.asyncProperty(params, hostileOf(operation.body ?? {}, source), async (inPath, value) => {
          const body = textOf(value);
          const answer = await exchange(service.port, request(operation, { params: inPath, body }));
          expect([...judge.wrongAnyway(answer), ...judge.wrongFor(operation, answer)]).toEqual([]);
          if (judge.allowsBody(operation, trimmed(JSON.parse(body)))) return;
          expect(answer.status).toBeGreaterThanOrEqual(400);
          refused += 1;
        }),
        { numRuns: HOSTILE_RUNS },
      );
      expect([operation.operationId, refused > HOSTILE_RUNS / 3]).toEqual([operation.operationId, true]);
    }
  });

  test('answers any path, query, header and method with something that is documented', {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    const headerValue = fc.oneof(awkwardText, fc.string({ unit: 'binary-ascii' })).map((text) =>
      Buffer.from(text)
        .toString('latin1')
        // Control characters are refused before there is a request.
        .replace(/\p{Cc}/gu, ' '),
    );
    const headers = fc.array(
      fc.tuple(
        fc.constantFrom(
          'Accept',
          'Accept-Encoding',
          'Accept-Language',
          'Content-Type',
          'Content-Encoding',
          'Cookie',
          'Forwarded',
          'Host',
          'If-None-Match',
          'Origin',
          'Range',
          'X-Forwarded-For',
          'X-Forwarded-Host',
          'X-HTTP-Method-Override',
          'X-Original-URL',
          'X-Request-Id',
        ),
        headerValue,
      ),
      { maxLength: 2 },
    );
    for (const operation of judge.operations.filter(({ operationId }) => operationId !== 'disconnectConnection')) {
      const names = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
      const query = fc.array(
        fc.tuple(fc.oneof(fc.constantFrom('limit', 'cursor', 'accountId', 'key', ...names), awkwardText), awkwardText),
        { maxLength: 3 },
      );
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(awkwardText, fc.constantFrom(...source.known)),
          query,
          headers,
          fc.constantFrom(operation.method.toUpperCase(), 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE'),
          async (id, parameters, extra, method) => {
            const params = Object.fromEntries(operation.parameters.map(({ name }) => [name, encoded(id)]));
            const sent = {
              ...request(operation, { params, query: queryOf(parameters), headers: extra }),
              method,
              ...(operation.body ? { body: Buffer.from('{}') } : {}),
            };
            const answer = await exchange(service.port, sent);
            const isRoute = !operation.path.includes('{') || encoded(id) !== '';
            expect([...judge.wrongAnyway(answer), ...wrongAbout(operation, method, answer, isRoute)]).toEqual([]);
          },
        ),
        { numRuns: HOSTILE_RUNS },
      );
    }
  });

  function wrongAbout(
    operation: FuzzedOperation,
    method: string,
    answer: Awaited<ReturnType<typeof exchange>>,
    isRoute: boolean,
  ): string[] {
    const known = judge.operations.filter(({ path }) => path === operation.path).map((one) => one.method.toUpperCase());
    if (!isRoute) {
      // Without its last part a path can be that of a list.
      const list = operation.path.replace(/\/\{\w+\}$/, '');
      const isList = answer.status < 500 && judge.operations.some(({ path }) => path === list);
      return answer.status === 404 || known.includes('GET') || isList ? [] : [`answers ${answer.status} nowhere`];
    }
    if (method === 'OPTIONS') return answer.status === 204 ? [] : [`answers ${answer.status} to OPTIONS`];
    if (method === 'HEAD') return answer.status < 500 ? [] : [`answers ${answer.status} to HEAD`];
    if (method === operation.method.toUpperCase()) return judge.wrongFor(operation, answer);
    const other = judge.operations.find((one) => one.path === operation.path && one.method.toUpperCase() === method);
    if (other) return judge.wrongFor(other, answer);
    return answer.status === 405 ? judge.wrongProblem(answer) : [`answers ${answer.status} to ${method}`];
  }

  test('answers a body of any bytes', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => Buffer.from(text).subarray(0, -1)),
      fc.json().map((text) => Buffer.from(`\ufeff${text}`)),
      fc.json().map((text) => Buffer.from(text, 'utf16le')),
      fc.constant(Buffer.from('{"email":"a@example.com"} {"email":"b@example.com"}')),
      fc.constant(Buffer.from('['.repeat(100_000))),
    );
    for (const operation of judge.operations.filter(({ body }) => body !== null)) {
      const [params = {}] = fc.sample(validParameters(operation).params, { numRuns: 1, seed: 1 });
      await fc.assert(
        fc.asyncProperty(bytes, async (body) => {
          const sent = request(operation, { params, body: '' });
          const answer = await exchange(service.port, { ...sent, body });
          expect([...judge.wrongAnyway(answer), ...judge.wrongFor(operation, answer)]).toEqual([]);
          expect(answer.status).toBe(400);
        }),
        { numRuns: HOSTILE_RUNS / 4 },
      );
    }
  });
});

describe('the corpus of the API', () => {
  test.each(readCorpus('api').map((entry) => [entry.why, entry] as const))('%s', async (_, entry) => {
    const fill = (text: string) => text.replaceAll('{memberId}', source.known[0] ?? '');
    const body = entry.body === undefined ? undefined : fill(entry.body);
    const operation = judge.operations.find(({ operationId }) => operationId === entry.operation);
    if (!operation) throw new Error(`the corpus names an operation that is gone: ${entry.operation}`);
    const sent = request(operation, { ...entry, body, params: entry.params ?? {}, query: entry.query ?? '' });
    const answer = await exchange(service.port, sent);
    expect([...judge.wrongAnyway(answer), ...judge.wrongFor(operation, answer)]).toEqual([]);
    expect(answer.status).toBe(entry.status);
    expect(answer.tookMs).toBeLessThan(entry.withinMs ?? 10_000);
  });
});
