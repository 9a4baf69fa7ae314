import { Validator } from '@seriousme/openapi-schema-validator';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROGRAM_EXAMPLE, withoutComments } from '../../src/cli/program-file.ts';
import { USUAL_BRAND } from '../../src/domain/brand.ts';
import { Fault } from '../../src/domain/errors.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type Documented, readOpenApi } from './open-api.ts';
import { CRM_LIST, type Story, startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

let service: TestService;
let acme: TestAccount;
let other: TestAccount;
let acmeStory: Story;
let otherStory: Story;
let acmeConnection: string;
let otherConnection: string;
let api: Awaited<ReturnType<typeof readOpenApi>>;
/** How the addresses begin at which a draft can be tried. */
const TRIED_AT = ['/programs', '/attribution-policies', '/connections'] as const;
type TriedAt = (typeof TRIED_AT)[number];
/** A dry run of each account at each of them, by the member of its story. */
const dryRuns = new Map<string, Record<TriedAt, string>>();
/** Of each account one that runs, by the member of its story. */
const testRuns = new Map<string, string>();
const testOf = (connectionId: string, contactId = '901') => ({
  ...{ connectionId, programId: 'default', friendContactId: contactId, member: 'test' },
});
const DRAFT = {
  programId: 'default',
  name: 'Draft',
  rules: [{ key: 'a', party: 'member', amount: { kind: 'percent', basisPoints: 1 }, payout: 'credit' }],
};

beforeAll(async () => {
  // More operations than wrong keys are let through in a minute are asked without one.
  service = await startHttp({ deps: { limits: { wrongKeys: { points: 1_000, perSeconds: 60 } } } });
  api = await readOpenApi(service);
  acme = await service.createAccount('Acme');
  other = await service.createAccount('Other');
  acmeConnection = await acme.connect('1');
  otherConnection = await other.connect('2');
  acmeStory = await tellStory(service, acme.id, acmeConnection, systemClock.now());
  otherStory = await tellStory(service, other.id, otherConnection, systemClock.now());
  for (const [account, { memberId }, connectionId] of [
    [acme, acmeStory, acmeConnection],
    [other, otherStory, otherConnection],
  ] as const) {
    const tried = async (path: string, draft: object) =>
      ((await (await account.post(`${path}/dry-run`, draft)).json()) as { id: string }).id;
    dryRuns.set(memberId, {
      '/programs': await tried('/programs', { program: DRAFT }),
      '/attribution-policies': await tried('/attribution-policies', { policy: { touch: 'last' } }),
      '/connections': await tried(`/connections/${connectionId}/mapping`, { stages: [] }),
    });
    await account.put('/programs/default/draft', { revision: 0, program: DRAFT });
    for (const portal of ['1', '2'])
      service.crm.contacts.set(`${portal} 901`, { name: 'Tessa', email: 't@example.com' });
    const begun = await account.post('/test-runs', testOf(connectionId));
    testRuns.set(memberId, ((await begun.json()) as { id: string }).id);
  }
});
afterAll(() => service.close());

const TAX_SETTINGS = {
  version: 0,
  countryProperty: 'hs_country_region_code',
  warnAtPercent: 80,
  thresholds: [
    { country: 'US', fromYear: 2026, amount: '2000.00', currency: 'USD', form: 'Form 1099-NEC', source: 'The code.' },
  ],
};
const CHART_ENTRY = { account: 'expense:*', number: '6300', label: 'Referral rewards' };

function monthBack(months: number): string {
  const at = new Date();
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - months, 1)).toISOString().slice(0, 7);
}

interface Problem {
  readonly code: string;
  readonly errors?: readonly { field: string; problem: string }[];
}
interface List {
  readonly items: readonly { id: string }[];
  readonly nextCursor: string | null;
}

function dryRunAt(path: string, { memberId }: Story): string {
  const at = TRIED_AT.find((start) => path.startsWith(start));
  return (at && dryRuns.get(memberId)?.[at]) ?? '';
}

/** The ids that stand in a path, of one account. */
function pathOf(path: string, story: Story, connectionId: string): string {
  return path
    .replace('{memberId}', story.memberId)
    .replace('{referralId}', story.referralId)
    .replace('{rewardId}', story.rewardId)
    .replace('{batchId}', story.batchId)
    .replace('{reportId}', story.reportId)
    .replace('/drift/{caseId}', `/drift/${story.driftCaseId}`)
    .replace('{syncReportId}', story.syncReportId)
    .replace('{caseId}', story.caseId)
    .replace('{backfillId}', story.backfillId)
    .replace('{releaseId}', story.releaseId)
    .replace('{importId}', story.importId)
    .replace('{endpointId}', story.endpointId)
    .replace('{eventId}', story.eventId)
    .replace('{connectionId}', connectionId)
    .replace('{dryRunId}', dryRunAt(path, story))
    .replace('{programId}', 'default')
    .replace('{currency}', 'USD')
    .replace('{periodId}', story.periodId)
    .replace('{year}', '2026')
    .replace('{ledgerKind}', 'payable')
    .replace('{currencyOrNone}', 'EUR')
    .replace('{monthOrNone}', '2026-12')
    .replace('{testRunId}', testRuns.get(story.memberId) ?? '');
}

const RECEIVER = { url: 'https://example.com/hooks', description: '', eventTypes: ['referral.won'] };
const REPLAY = { since: '2026-01-01T00:00:00.000Z', onlyUndelivered: true };
const SPAN = { from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z' };
const REFUND = { id: 're_77', dealId: '77', money: { amount: '5.00', currency: 'EUR' }, at: SPAN.from };

const SOON = new Date(Date.now() + 7 * 86_400_000).toISOString();
const driftAt = (connectionId: string) => `/connections/${connectionId}/drift`;
const RELEASE = { id: 'a', programId: 'default', ruleKey: 'member-won', why: 'A gift.' };
const listOf = (connectionId: string) => ({ connectionId, listId: CRM_LIST.id });
const IMPORT = { csv: 'mail\nlin2@example.com\nnobody', mapping: { email: 'Mail' } };

/** Of ids that do not begin as their names do. */
const NOBODYS: Readonly<Record<string, string>> = { rew: 'rwd', bac: 'bfl', end: 'whe', eve: 'evt', tes: 'tst' };

const gets = () => api.operations.filter(({ method }) => method === 'get');

/** On top of what the install has set. */
const APP_SETTINGS = { version: 1, managers: ['7001', '7002'] };

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1, by a judge that is not ours', async () => {
    const result = await new Validator().validate(structuredClone(api.document) as unknown as Record<string, unknown>);
    expect(result).toMatchObject({ valid: true });
    expect(api.document).toMatchObject({ openapi: '3.1.0' });
  });

  test('has every route that the app serves under /api/v1, and no other', () => {
    const served = service.app.router.stack
      .flatMap((layer) => {
        const { stack } = (layer.handle ?? {}) as unknown as { stack?: readonly (typeof layer)[] };
        return stack ?? [];
      })
      .flatMap(({ route }) => {
        const { path, methods } = (route ?? { path: '', methods: {} }) as unknown as {
          path: string;
          methods: Record<string, boolean>;
        };
        return Object.keys(methods)
          .filter((method) => method !== '_all' && path.startsWith('/api/v1/') && !path.endsWith('/openapi.json'))
          .map((method) => `${method} ${path.replace('/api/v1', '').replace(/:(\w+)/g, '{$1}')}`);
      });
    expect(served.length).toBeGreaterThan(10);
    expect(served.sort()).toEqual(api.operations.map(({ method, path }) => `${method} ${path}`).sort());
  });

  test('describes every real answer, of success and of refusal', { timeout: 240_000 }, async () => {
    const judged = new Set<string>();
    for (const { operationId, path } of gets()) {
      await api.judge(operationId, await acme.call(pathOf(path, acmeStory, acmeConnection)));
      await api.judge(operationId, await fetch(`${service.url}/api/v1${path}`));
      await api.judge(operationId, await acme.call(path, { headers: { accept: 'text/html' } }));
      judged.add(operationId);
    }
    const DISPUTE = {
      referralId: acmeStory.referralId,
      claim: 'fraud',
      words: 'Both are one household.',
      by: { role: 'rep', id: '77' },
    };
    const entry = { pipelineId: 'p', stageId: 's', pipelineLabel: 'Sales', stageLabel: 'Won', stage: 'won' } as const;
    const ofConnection = (id: string) => `/connections/${id}/mapping`;
    await service.store.connections.saveMapping(acme.id, acmeConnection, 'map_x', [entry], 1);
    const ownRun = (at: TriedAt) => dryRuns.get(acmeStory.memberId)?.[at];
    const ON_OWN_RUN = `/attribution-policies?dryRunId=${ownRun('/attribution-policies')}`;
    const verdicts = (...rewardIds: string[]) => ({ rewardIds, verdict: 'approve', why: 'Known.' });
    const posts: [string, string, unknown, number][] = [
      ['setStageMapping', ofConnection(acmeConnection), { stages: [], version: 'map_x' }, 200],
      ['setStageMapping', ofConnection(acmeConnection), { stages: [{ ...entry }] }, 400],
      ['setStageMapping', ofConnection(otherConnection), { stages: [] }, 404],
      ['setStageMapping', ofConnection(acmeConnection), { stages: [], dryRunId: 'dry_nobody' }, 422],
      ['setStageMapping', ofConnection(acmeConnection), { stages: [], dryRunId: ownRun('/programs') }, 409],
      ['setStageMapping', ofConnection(acmeConnection), { stages: [], dryRunId: ownRun('/connections') }, 200],
      ['tryStageMapping', `${ofConnection(acmeConnection)}/dry-run`, { stages: [] }, 201],
      ['tryStageMapping', `${ofConnection(otherConnection)}/dry-run`, { stages: [] }, 404],
      ['proposeStageMapping', `${ofConnection(acmeConnection)}/proposal`, undefined, 201],
      ['proposeStageMapping', `${ofConnection(otherConnection)}/proposal`, undefined, 404],
      ['acceptMappingProposal', `${ofConnection(acmeConnection)}/proposal/accept`, {}, 201],
      ['acceptMappingProposal', `${ofConnection(acmeConnection)}/proposal/accept`, { stages: [{ ...entry }] }, 400],
      ['acceptMappingProposal', `${ofConnection(otherConnection)}/proposal/accept`, {}, 404],
      ['postponeMappingProposal', `${ofConnection(acmeConnection)}/proposal/postpone`, { postponeUntil: SOON }, 200],
      [
        'postponeMappingProposal',
        `${ofConnection(acmeConnection)}/proposal/postpone`,
        { postponeUntil: SPAN.from },
        400,
      ],
      ['fixDrift', `${driftAt(acmeConnection)}/${acmeStory.driftCaseId}/fix`, { fix: 'provision' }, 400],
      ['fixDrift', `${driftAt(acmeConnection)}/${acmeStory.driftCaseId}/fix`, { fix: 'accept' }, 200],
      ['fixDrift', `${driftAt(acmeConnection)}/${otherStory.driftCaseId}/fix`, { fix: 'accept' }, 404],
      ['fixDrift', `${driftAt(otherConnection)}/${otherStory.driftCaseId}/fix`, { fix: 'accept' }, 404],
      ['validateProgram', '/programs/validate', DRAFT, 200],
      ['validateProgram', '/programs/validate', { programId: 'default' }, 400],
      ['diffProgram', '/programs/diff', DRAFT, 200],
      ['validateRiskPolicy', '/risk/validate', { signals: [{ signal: 'same_phone' }] }, 200],
      ['validateRiskPolicy', '/risk/validate', { signals: [] }, 400],
      ['diffRiskPolicy', '/programs/none/risk/diff', { signals: [{ signal: 'same_phone' }] }, 404],
      ['validateAttributionPolicy', '/attribution-policies/validate', { touch: 'last' }, 200],
      ['validateAttributionPolicy', '/attribution-policies/validate', { touch: 'middle' }, 400],
      ['diffAttributionPolicy', '/attribution-policies/diff', { touch: 'last' }, 200],
      ['tryAttributionPolicy', '/attribution-policies/dry-run', { policy: { touch: 'last' } }, 201],
      ['tryAttributionPolicy', '/attribution-policies/dry-run', { policy: { touch: 'middle' } }, 400],
      ['createMember', '/members', { name: 'Lin', email: 'lin@example.com' }, 201],
      ['createMember', '/members', { name: 'Lin', email: 'LIN@example.com ' }, 200],
      ['createMember', '/members', {}, 400],
      ['createMember', '/members', { contact: { connectionId: otherConnection, id: '1' } }, 422],
      ['createReferral', '/referrals', { memberId: acmeStory.memberId, friend: { email: 'new@example.com' } }, 201],
      ['createReferral', '/referrals', { memberId: acmeStory.memberId, friend: { email: 'NEW@example.com' } }, 200],
      ['createReferral', '/referrals', { memberId: acmeStory.memberId, friend: {} }, 400],
      ['createReferral', '/referrals', { memberId: otherStory.memberId, friend: { email: 'x@example.com' } }, 422],
      [
        'createReferral',
        '/referrals',
        { memberId: acmeStory.memberId, friend: { email: `grace-${acme.id}@example.com` } },
        422,
      ],
      ['publishProgram', '/programs', JSON.parse(withoutComments(PROGRAM_EXAMPLE)), 200],
      ['publishProgram', '/programs', { programId: 'default' }, 400],
      ['tryProgram', '/programs/dry-run', { program: DRAFT }, 201],
      [
        'tryProgram',
        '/programs/dry-run',
        { program: DRAFT, from: '2026-01-02T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z' },
        400,
      ],
      ['startBackfill', '/backfills', { connectionId: acmeConnection, since: SPAN.from }, 201],
      ['startBackfill', '/backfills', { connectionId: acmeConnection, since: SPAN.from }, 409],
      ['startBackfill', '/backfills', { connectionId: otherConnection, since: SPAN.from }, 422],
      ['startBackfill', '/backfills', { connectionId: acmeConnection, since: 'long ago' }, 400],
      ['pauseBackfill', `/backfills/${acmeStory.backfillId}/pause`, {}, 409],
      ['pauseBackfill', `/backfills/${otherStory.backfillId}/pause`, {}, 404],
      ['resumeBackfill', `/backfills/${otherStory.backfillId}/resume`, {}, 404],
      ['cancelBackfill', `/backfills/${otherStory.backfillId}/cancel`, {}, 404],
      ['releaseHistory', '/history/releases', RELEASE, 201],
      ['releaseHistory', '/history/releases', RELEASE, 200],
      ['releaseHistory', '/history/releases', { ...RELEASE, decisionIds: [acmeStory.historyId] }, 409],
      ['releaseHistory', '/history/releases', { ...RELEASE, id: 'b', ruleKey: 'other' }, 422],
      ['releaseHistory', '/history/releases', { ...RELEASE, id: 'c', decisionIds: [otherStory.historyId] }, 422],
      ['releaseHistory', '/history/releases', { ...RELEASE, id: 'd', decisionIds: [] }, 400],
      ['approveHistoryRelease', `/history/releases/${acmeStory.releaseId}/approve`, {}, 200],
      ['approveHistoryRelease', `/history/releases/${acmeStory.releaseId}/approve`, {}, 409],
      ['approveHistoryRelease', `/history/releases/${otherStory.releaseId}/approve`, {}, 404],
      ['cancelHistoryRelease', `/history/releases/${acmeStory.releaseId}/cancel`, {}, 200],
      ['cancelHistoryRelease', `/history/releases/${otherStory.releaseId}/cancel`, {}, 404],
      ['tryMemberImport', '/member-imports/dry-run', IMPORT, 200],
      ['tryMemberImport', '/member-imports/dry-run', { ...IMPORT, mapping: { email: 'none' } }, 400],
      ['startMemberImport', '/member-imports', { id: 'a', ...IMPORT }, 201],
      ['startMemberImport', '/member-imports', { id: 'a', ...IMPORT }, 200],
      ['startMemberImport', '/member-imports', { id: 'a', ...IMPORT, csv: 'mail\nx@example.com' }, 409],
      ['startMemberImport', '/member-imports', { id: 'b', ...IMPORT, csv: 'mail' }, 400],
      ['tryListImport', '/member-imports/list/dry-run', listOf(acmeConnection), 200],
      ['tryListImport', '/member-imports/list/dry-run', { ...listOf(acmeConnection), listId: '18' }, 409],
      ['startListImport', '/member-imports/list', { id: 'l', ...listOf(acmeConnection) }, 201],
      ['startListImport', '/member-imports/list', { id: 'l', ...listOf(acmeConnection) }, 200],
      ['startListImport', '/member-imports/list', { id: 'l', ...listOf(acmeConnection), listId: '18' }, 409],
      ['startListImport', '/member-imports/list', { id: 'm', ...listOf(otherConnection) }, 422],
      ['undoMemberImport', '/member-imports/imp_a/undo', {}, 200],
      ['undoMemberImport', `/member-imports/${acmeStory.importId}/undo`, {}, 200],
      ['undoMemberImport', `/member-imports/${otherStory.importId}/undo`, {}, 404],
      ['publishProgram', '/programs?dryRunId=dry_nobody', DRAFT, 422],
      ['publishProgram', `/programs?dryRunId=${ownRun('/programs')}`, { ...DRAFT, programId: 'x' }, 409],
      ['setMemberRecruiter', `/members/${acmeStory.memberId}/recruiter`, { isRecruiter: true }, 200],
      ['setMemberRecruiter', `/members/${otherStory.memberId}/recruiter`, { isRecruiter: true }, 404],
      ['setMemberRecruiter', `/members/${acmeStory.memberId}/recruiter`, { isRecruiter: 'yes' }, 400],
      [
        'setReferralRecruiter',
        `/referrals/${acmeStory.referralId}/recruiter`,
        { recruiterId: acmeStory.memberId },
        200,
      ],
      [
        'setReferralRecruiter',
        `/referrals/${acmeStory.referralId}/recruiter`,
        { recruiterId: otherStory.memberId },
        422,
      ],
      ['setReferralRecruiter', `/referrals/${otherStory.referralId}/recruiter`, { recruiterId: null }, 404],
      ['publishAttributionPolicy', '/attribution-policies', { windowDays: 90, existingCustomer: 'review' }, 200],
      ['publishAttributionPolicy', '/attribution-policies', { sources: [] }, 400],
      ['publishAttributionPolicy', '/attribution-policies?dryRunId=dry_nobody', { touch: 'last' }, 422],
      ['publishAttributionPolicy', ON_OWN_RUN, { touch: 'first' }, 409],
      ['publishAttributionPolicy', ON_OWN_RUN, { touch: 'last' }, 200],
      ['publishConnectionsPolicy', '/connections-policies', { twinDays: 3 }, 200],
      ['publishConnectionsPolicy', '/connections-policies', { twinDays: -1 }, 400],
      [
        'publishConnectionsPolicy',
        '/connections-policies',
        { deals: { decidedIn: otherConnection, keys: { [otherConnection]: 'id' } } },
        422,
      ],
      [
        'reattributeReferral',
        `/referrals/${acmeStory.referralId}/re-attribute`,
        { memberId: acmeStory.memberId, why: 'x' },
        200,
      ],
      [
        'reattributeReferral',
        `/referrals/${acmeStory.referralId}/re-attribute`,
        { memberId: otherStory.memberId, why: 'x' },
        422,
      ],
      [
        'reattributeReferral',
        `/referrals/${otherStory.referralId}/re-attribute`,
        { memberId: acmeStory.memberId, why: 'x' },
        404,
      ],
      ['reattributeReferral', `/referrals/${acmeStory.referralId}/re-attribute`, { memberId: acmeStory.memberId }, 400],
      ['saveProgramDraft', '/programs/default/draft', { revision: 1, program: DRAFT }, 200],
      ['saveProgramDraft', '/programs/default/draft', { revision: 7, program: DRAFT }, 409],
      ['saveProgramDraft', '/programs/other/draft', { revision: 0, program: DRAFT }, 400],
      ['publishProgramDraft', '/programs/default/draft/publish', { revision: 1 }, 409],
      ['publishProgramDraft', '/programs/default/draft/publish', { revision: 2 }, 200],
      ['discardProgramDraft', '/programs/default/draft/discard', { revision: 2 }, 404],
      ['saveProgramDraft', '/programs/default/draft', { revision: 0, program: DRAFT }, 200],
      ['discardProgramDraft', '/programs/default/draft/discard', { revision: 1 }, 200],
      [
        'enterRates',
        '/rates',
        { rates: [{ currency: 'USD', base: 'EUR', day: '2026-01-02', perBase: '1.1', source: 'ECB' }] },
        200,
      ],
      [
        'enterRates',
        '/rates',
        { rates: [{ currency: 'USD', base: 'EUR', day: '2026-01-03', perBase: '1.1', source: 'ECB' }] },
        400,
      ],
      ['retireProgram', '/programs/none/retire', { why: 'x' }, 404],
      ['approveReward', `/rewards/${acmeStory.rewardId}/approve`, { why: 'x' }, 409],
      ['openDispute', '/disputes', DISPUTE, 201],
      ['openDispute', '/disputes', DISPUTE, 200],
      ['openDispute', '/disputes', { ...DISPUTE, referralId: otherStory.referralId }, 422],
      ['commentOnCase', `/cases/${acmeStory.caseId}/comments`, { words: 'Asked the rep.' }, 200],
      ['commentOnCase', `/cases/${otherStory.caseId}/comments`, { words: 'x' }, 404],
      ['assignCase', `/cases/${acmeStory.caseId}/assign`, { owner: 'person:77' }, 200],
      ['assignCase', `/cases/${acmeStory.caseId}/assign`, { owner: 'Ada Lovelace' }, 400],
      ['decideCase', `/cases/${acmeStory.caseId}/decide`, { outcome: 'approved', why: 'x' }, 400],
      ['tryCaseDecision', `/cases/${acmeStory.caseId}/effects`, { outcome: 'dismissed' }, 200],
      ['tryCaseDecision', `/cases/${acmeStory.caseId}/effects`, { outcome: 'approved' }, 400],
      [
        'tryCaseDecision',
        `/cases/${acmeStory.caseId}/effects`,
        { outcome: 'dismissed', memberId: otherStory.memberId },
        422,
      ],
      ['decideCase', `/cases/${acmeStory.caseId}/decide`, { outcome: 'dismissed', why: 'Known.' }, 200],
      ['decideCase', `/cases/${acmeStory.caseId}/decide`, { outcome: 'dismissed', why: 'Known.' }, 409],
      ['assignCase', `/cases/${acmeStory.caseId}/assign`, { owner: 'role:x' }, 409],
      ['setCaseChain', '/case-chain', { chain: [{ owner: 'person:77', hours: 4 }] }, 200],
      ['setCaseChain', '/case-chain', { chain: [] }, 400],
      ['tryCaseDecision', `/cases/${acmeStory.caseId}/effects`, { outcome: 'dismissed' }, 409],
      ['tryCaseDecision', `/cases/${otherStory.caseId}/effects`, { outcome: 'dismissed' }, 404],
      ['decideCases', '/case-decisions', { caseIds: [acmeStory.caseId], outcome: 'dismissed', why: 'Known.' }, 200],
      ['decideCases', '/case-decisions', { caseIds: [otherStory.caseId], outcome: 'dismissed', why: 'Known.' }, 422],
      ['decideCases', '/case-decisions', { caseIds: [], outcome: 'dismissed', why: 'Known.' }, 400],
      ['rejectReward', `/rewards/${acmeStory.rewardId}/reject`, {}, 400],
      ['fillBudget', '/programs/default/budget', { id: 'a', money: { amount: '1', currency: 'EUR' }, note: 'n' }, 201],
      ['fillBudget', '/programs/none/budget', { id: 'a', money: { amount: '1', currency: 'EUR' }, note: 'n' }, 404],
      ['setAccount', '/account', { name: 'Acme', needsSecondPerson: false }, 200],
      ['setAccount', '/account', { name: '', needsSecondPerson: false }, 400],
      ['createApiKey', '/api-keys', { label: 'Zapier', roles: ['sales'] }, 201],
      ['createApiKey', '/api-keys', { label: 'Zapier', roles: ['king'] }, 400],
      ['revokeApiKey', '/api-keys/key_nobodys', undefined, 404],
      ['inviteUser', '/users/invitations', { email: 'rex@example.com', roles: ['sales'] }, 201],
      ['inviteUser', '/users/invitations', { email: 'rex@example.com', roles: [] }, 400],
      ['withdrawInvitation', '/users/invitations/inv_nobodys', undefined, 404],
      ['setUserRoles', '/users/usr_nobody/roles', { roles: ['sales'], version: 1 }, 404],
      ['removeUser', '/users/usr_nobody', undefined, 404],
      ['judgeRewards', '/rewards/verdicts', verdicts(acmeStory.rewardId, otherStory.rewardId), 200],
      ['judgeRewards', '/rewards/verdicts', { ...verdicts(acmeStory.rewardId), verdict: 'maybe' }, 400],
      ['saveView', '/views', { list: 'rewards', name: 'Held', search: 'state=held' }, 200],
      ['saveView', '/views', { list: 'cases', name: 'Mine', search: '' }, 400],
      ['removeView', '/views/viw_nobody', undefined, 404],
      ['createWebhookEndpoint', '/webhook-endpoints', RECEIVER, 201],
      ['createWebhookEndpoint', '/webhook-endpoints', { ...RECEIVER, url: 'http://10.0.0.1/' }, 400],
      ['createWebhookEndpoint', '/webhook-endpoints', { ...RECEIVER, eventTypes: [] }, 400],
      ['setWebhookEndpoint', '/webhook-endpoints/whe_nobody', { ...RECEIVER, enabled: true, version: 1 }, 404],
      ['rotateWebhookSecret', '/webhook-endpoints/whe_nobody/rotate-secret', {}, 404],
      ['testWebhookEndpoint', '/webhook-endpoints/whe_nobody/test', {}, 404],
      ['replayWebhookEvents', '/webhook-endpoints/whe_nobody/replay', REPLAY, 404],
      ['retryWebhookDelivery', '/webhook-endpoints/whe_nobody/deliveries/evt_nobody/retry', {}, 404],
      ['removeWebhookEndpoint', '/webhook-endpoints/whe_nobody', undefined, 404],
      ['installConnection', '/connections/install', { provider: 'hubspot' }, 201],
      ['installConnection', '/connections/install', { provider: 'pipedrive' }, 400],
      ['provisionConnection', `/connections/${acmeConnection}/provision`, undefined, 200],
      ['provisionConnection', `/connections/${otherConnection}/provision`, undefined, 404],
      ['setConnection', `/connections/${acmeConnection}/settings`, { duplicateRules: 'respect' }, 200],
      ['setConnection', `/connections/${acmeConnection}/settings`, { duplicateRules: 'allow' }, 400],
      ['setConnection', `/connections/${acmeConnection}/settings`, { duplicateRules: 'yes' }, 400],
      ['setConnection', `/connections/${acmeConnection}/settings`, { callShare: null }, 200],
      ['setConnection', `/connections/${acmeConnection}/settings`, { callShare: 30 }, 400],
      ['setConnection', `/connections/${acmeConnection}/settings`, { callShare: 0 }, 400],
      ['setConnection', `/connections/${acmeConnection}/settings`, {}, 400],
      ['setConnection', `/connections/${otherConnection}/settings`, { duplicateRules: 'respect' }, 404],
      ['setCardActors', `/connections/${acmeConnection}/card-actors`, { users: ['Rep@acme.example', '7'] }, 200],
      ['setCardActors', `/connections/${acmeConnection}/card-actors`, { users: null }, 200],
      ['setCardActors', `/connections/${acmeConnection}/card-actors`, { users: 'everyone' }, 400],
      ['setCardActors', `/connections/${acmeConnection}/card-actors`, { users: [' '] }, 400],
      ['setCardActors', `/connections/${otherConnection}/card-actors`, { users: [] }, 404],
      ['setAppSettings', `/connections/${acmeConnection}/app-settings`, APP_SETTINGS, 200],
      ['setAppSettings', `/connections/${acmeConnection}/app-settings`, APP_SETTINGS, 200],
      ['setAppSettings', `/connections/${acmeConnection}/app-settings`, { ...APP_SETTINGS, managers: [] }, 409],
      ['setAppSettings', `/connections/${acmeConnection}/app-settings`, { version: 1, programs: ['none'] }, 400],
      ['setAppSettings', `/connections/${acmeConnection}/app-settings`, { version: 1, programs: 'all' }, 400],
      [
        'setAppSettings',
        `/connections/${acmeConnection}/app-settings`,
        { version: 1, notifications: [{ notice: 'drift', channel: 'slack', to: null }] },
        400,
      ],
      ['setAppSettings', `/connections/${acmeConnection}/app-settings`, { ...APP_SETTINGS, managers: ['a b'] }, 400],
      ['setAppSettings', `/connections/${otherConnection}/app-settings`, APP_SETTINGS, 404],
      ['retryConnection', `/connections/${acmeConnection}/retry`, undefined, 200],
      ['retryConnection', `/connections/${otherConnection}/retry`, undefined, 404],
      ['sweepConnection', `/connections/${acmeConnection}/sweep`, { full: true }, 202],
      ['sweepConnection', `/connections/${acmeConnection}/sweep`, { full: 'yes' }, 400],
      ['sweepConnection', `/connections/${otherConnection}/sweep`, {}, 404],
      ['makeSyncReport', `/connections/${acmeConnection}/reports`, undefined, 201],
      ['makeSyncReport', `/connections/${otherConnection}/reports`, undefined, 404],
      ['disconnectConnection', `/connections/${otherConnection}/disconnect`, undefined, 404],
      [
        'setProviderCredentials',
        '/providers/coupon/credentials',
        { values: [{ field: 'prefix', value: 'THANKS' }] },
        200,
      ],
      ['setProviderCredentials', '/providers/coupon/credentials', { values: [{ field: 'other', value: 'x' }] }, 400],
      ['setProviderCredentials', '/providers/nobodys/credentials', { values: [] }, 404],
      ['testProvider', '/providers/coupon/test', undefined, 200],
      ['testProvider', '/providers/nobodys/test', undefined, 404],
      ['deleteProviderCredentials', '/providers/coupon/credentials', undefined, 200],
      ['deleteProviderCredentials', '/providers/nobodys/credentials', undefined, 404],
      ['addCoupons', '/coupons', { codes: ['A-1', 'a-1 ', 'A-2'], value: { amount: '25.00', currency: 'EUR' } }, 200],
      ['addCoupons', '/coupons', { codes: ['A-1'], value: { amount: '0', currency: 'EUR' } }, 400],
      ['redeemCoupons', '/coupons/redeemed', { codes: ['A-1'] }, 200],
      ['redeemCoupons', '/coupons/redeemed', { codes: [] }, 400],
      ['importCouponRedemptions', '/coupons/redemptions/csv', { csv: 'code\nA-1\nNOBODYS' }, 200],
      ['importCouponRedemptions', '/coupons/redemptions/csv', { csv: 'what' }, 400],
      ['setTaxSettings', '/tax/settings', TAX_SETTINGS, 200],
      ['setTaxSettings', '/tax/settings', { ...TAX_SETTINGS, warnAtPercent: 70 }, 409],
      ['setTaxSettings', '/tax/settings', { ...TAX_SETTINGS, version: 1, warnAtPercent: 0 }, 400],
      [
        'setTaxSettings',
        '/tax/settings',
        { ...TAX_SETTINGS, version: 1, thresholds: [{ ...TAX_SETTINGS.thresholds[0], amount: '1.001' }] },
        400,
      ],
      ['startTaxReport', '/tax/2026/report', undefined, 202],
      ['startTaxReport', '/tax/twenty/report', undefined, 404],
      ['startForecast', '/forecast', undefined, 202],
      ['startForecast', '/forecast', undefined, 202],
      ['closePeriod', '/periods', { month: '2026-13' }, 400],
      ['closePeriod', '/periods', { month: monthBack(3) }, 409],
      ['closePeriod', '/periods', { month: monthBack(1), reason: ' ' }, 400],
      ['closePeriod', '/periods', { month: monthBack(1), reason: 'The rest is small.' }, 201],
      ['closePeriod', '/periods', { month: monthBack(0), reason: 'Now.' }, 409],
      ['reopenPeriod', `/periods/${acmeStory.periodId}/reopen`, { reason: 'Too early.' }, 409],
      ['reopenPeriod', `/periods/${otherStory.periodId}/reopen`, { reason: 'Too early.' }, 404],
      ['reopenPeriod', `/periods/${acmeStory.periodId}/reopen`, {}, 400],
      ['setChartOfAccounts', '/chart-of-accounts', { version: 0, entries: [CHART_ENTRY] }, 200],
      ['setChartOfAccounts', '/chart-of-accounts', { version: 0, entries: [] }, 409],
      ['setChartOfAccounts', '/chart-of-accounts', { version: 1, entries: [CHART_ENTRY, CHART_ENTRY] }, 400],
      ['setChartOfAccounts', '/chart-of-accounts', { version: 1, entries: [{ ...CHART_ENTRY, account: 'x:*' }] }, 400],
      ['setBatching', '/providers/manual/batching', { schedule: null, approval: 'required' }, 200],
      [
        'setBatching',
        '/providers/manual/batching',
        { schedule: { kind: 'month_day', day: 31 }, approval: 'required' },
        400,
      ],
      ['setBatching', '/providers/credit/batching', { schedule: null, approval: 'none' }, 422],
      ['deleteBatching', '/providers/manual/batching', undefined, 409],
      ['exportPayoutBatch', `/payout-batches/${acmeStory.batchId}/export`, undefined, 409],
      ['cutPayoutBatch', `/payout-batches/${acmeStory.batchId}/cut`, {}, 200],
      ['cutPayoutBatch', `/payout-batches/${otherStory.batchId}/cut`, {}, 404],
      ['approvePayoutBatch', `/payout-batches/${acmeStory.batchId}/approve`, {}, 200],
      ['approvePayoutBatch', `/payout-batches/${acmeStory.batchId}/approve`, {}, 409],
      ['deleteBatching', '/providers/manual/batching', undefined, 200],
      ['importPayoutBatchMarks', `/payout-batches/${acmeStory.batchId}/marks/csv`, { csv: 'order,state\nx,paid' }, 200],
      ['importPayoutBatchMarks', `/payout-batches/${otherStory.batchId}/marks/csv`, { csv: 'order,state' }, 404],
      ['writeOffReward', `/rewards/${acmeStory.rewardId}/write-off`, { authorisedBy: 'Finance', why: 'x' }, 409],
      ['writeOffReward', `/rewards/${otherStory.rewardId}/write-off`, { authorisedBy: 'Finance', why: 'x' }, 404],
      ['writeOffReward', `/rewards/${acmeStory.rewardId}/write-off`, { why: 'x' }, 400],
      ['createReconciliation', '/reconciliations', { provider: 'manual', ...SPAN }, 201],
      ['createReconciliation', '/reconciliations', { provider: 'nobodys', ...SPAN }, 422],
      ['createReconciliation', '/reconciliations', { provider: 'manual', from: SPAN.to, to: SPAN.from }, 400],
      ['tellRefund', '/refunds', REFUND, 201],
      ['tellRefund', '/refunds', REFUND, 200],
      ['tellRefund', '/refunds', { ...REFUND, dealId: '78' }, 409],
      ['tellRefund', '/refunds', { ...REFUND, connectionId: otherConnection }, 422],
      ['exportPayoutBatch', `/payout-batches/${acmeStory.batchId}/export`, undefined, 200],
      ['exportPayoutBatch', `/payout-batches/${otherStory.batchId}/export`, undefined, 404],
      [
        'markPayoutBatch',
        `/payout-batches/${acmeStory.batchId}/marks`,
        { items: [{ orderId: acmeStory.orderId, state: 'paid' }] },
        200,
      ],
      [
        'markPayoutBatch',
        `/payout-batches/${acmeStory.batchId}/marks`,
        { items: [{ orderId: otherStory.orderId, state: 'paid' }] },
        422,
      ],
      ['exportPerson', '/people/export', { memberId: acmeStory.memberId }, 200],
      ['exportPerson', '/people/export', { memberId: otherStory.memberId }, 422],
      ['exportPerson', '/people/export', { email: 'nobody@example.com' }, 404],
      ['exportPerson', '/people/export', { memberId: acmeStory.memberId, email: 'nobody@example.com' }, 400],
      ['erasePerson', '/people/erase', { referralId: otherStory.referralId }, 422],
      ['erasePerson', '/people/erase', { contact: { connectionId: otherConnection, id: '7' } }, 422],
      ['erasePerson', '/people/erase', { email: 'nobody@example.com' }, 200],
      ['setBrand', '/brand', { version: 0, ...USUAL_BRAND, name: 'Acme', accent: '#ffdd00' }, 200],
      ['setBrand', '/brand', { version: 0, ...USUAL_BRAND, name: 'Other' }, 409],
      ['setBrand', '/brand', { version: 1, ...USUAL_BRAND, accent: 'red' }, 400],
      ['setLogo', '/brand/logo', { content: 'iVBORw0KGgoAAAANSUhEUgAA' }, 200],
      ['setLogo', '/brand/logo', { content: 'PHN2Zy8+' }, 400],
      ['removeLogo', '/brand/logo', undefined, 200],
      ['saveConsentText', '/consent-texts', { purpose: 'friend', version: 0, texts: { en: 'We write once.' } }, 200],
      ['saveConsentText', '/consent-texts', { purpose: 'friend', version: 0, texts: { en: 'We write twice.' } }, 409],
      ['saveConsentText', '/consent-texts', { purpose: 'friend', version: 1, texts: {} }, 400],
      ['setRetention', '/retention', { version: 0, days: { inbox: 90 } }, 200],
      ['setRetention', '/retention', { version: 0, days: { inbox: 91 } }, 409],
      ['setRetention', '/retention', { version: 1, days: { inbox: 3 } }, 400],
      ['startTestRun', '/test-runs', testOf(acmeConnection), 200],
      ['startTestRun', '/test-runs', testOf(acmeConnection, '902'), 422],
      ['startTestRun', '/test-runs', testOf(otherConnection), 422],
      ['startTestRun', '/test-runs', { ...testOf(acmeConnection), skipsWaits: false }, 409],
      ['startTestRun', '/test-runs', { ...testOf(acmeConnection), programId: 'nobodys' }, 409],
      ['startTestRun', '/test-runs', { ...testOf(acmeConnection), friendEmail: 'x@example.com' }, 400],
      ['endTestRun', `/test-runs/${testRuns.get(otherStory.memberId)}/end`, {}, 404],
      ['endTestRun', `/test-runs/${testRuns.get(acmeStory.memberId)}/end`, {}, 200],
      ['startTestRun', '/test-runs', testOf(acmeConnection), 201],
      ['checkConfiguration', '/configuration/check', { format: 1, retention: { inbox: 60 } }, 200],
      ['checkConfiguration', '/configuration/check', { format: 2 }, 400],
      ['applyConfiguration', '/configuration/apply', { basis: '0'.repeat(64), configuration: { format: 1 } }, 409],
    ];
    for (const [operationId, path, body, status] of posts) {
      const method = api.operations.find((operation) => operation.operationId === operationId)?.method ?? '';
      const answer = await acme.call(path, {
        method: method.toUpperCase(),
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      expect([operationId, body, answer.status]).toEqual([operationId, body, status]);
      await api.judge(operationId, answer);
      judged.add(operationId);
    }
    const { basis } = (await (await acme.post('/configuration/check', { format: 1 })).json()) as { basis: string };
    const configuration = { format: 1, retention: { inbox: 60 } };
    await api.judge('applyConfiguration', await acme.post('/configuration/apply', { basis, configuration }));
    expect([...judged].sort()).toEqual(api.operations.map(({ operationId }) => operationId).sort());
  });
});

describe('money, times and reasons', () => {
  test('are exact text: an amount keeps its currency’s decimals, and a journal visibly adds up to zero', async () => {
    const rewards = await api.judge<{ items: unknown[] }>('listRewards', await acme.call('/rewards'));
    expect(rewards.items).toMatchObject([{ money: { amount: '150.00', currency: 'EUR' }, state: 'issued' }]);
    const journals = await api.judge<{ items: { postings: { amount: string }[] }[] }>(
      'listJournals',
      await acme.call(`/journals?rewardId=${acmeStory.rewardId}`),
    );
    expect(journals.items).toHaveLength(2);
    for (const journal of journals.items) {
      expect(journal.postings.map(({ amount }) => amount).sort()).toEqual(['-150.00', '150.00']);
      expect(journal).toMatchObject({ totals: [{ currency: 'EUR', amount: '0.00' }] });
    }
    const balances = await api.judge('listBalances', await acme.call('/balances'));
    expect(balances).toMatchObject({ totals: [{ currency: 'EUR', amount: '0.00' }] });
    const programs = await api.judge<{ items: unknown[] }>('listPrograms', await other.call('/programs'));
    expect(programs.items).toMatchObject([
      { rules: [{ conditions: [{ money: { amount: '1.005', currency: 'BHD' } }] }] },
    ]);
  });

  test('of a decision name the reason as a code and as a sentence', async () => {
    const { items } = await api.judge<{ items: unknown[] }>('listDecisions', await acme.call('/decisions?dealId=9001'));
    expect(items).toMatchObject([
      {
        id: acmeStory.decisionId,
        reason: {
          code: 'rewarded',
          text: 'The deal "Analytical engine" reached Closed Won and every condition is met.',
        },
        conditions: [{ verdict: 'met' }],
      },
    ]);
  });
});

describe('one account', () => {
  test('finds nothing under another’s ids, on every GET with a parameter, word for word as if nobody had them', async () => {
    // A program's name is an account's own choice: both have one that is called "default". A currency is everybody's.
    const withParameters = gets().filter(
      ({ path }) => path.includes('{') && !/\{(programId|currency|ledgerKind|year|currencyOrNone)\}/.test(path),
    );
    expect(withParameters.length).toBeGreaterThan(3);
    for (const { path, operationId } of withParameters) {
      const own = await acme.call(pathOf(path, acmeStory, acmeConnection));
      expect([operationId, own.status]).toEqual([operationId, 200]);
      const foreign = await acme.call(pathOf(path, otherStory, otherConnection));
      const unknown = await acme.call(
        path.replace(/\{(\w{3})\w*\}/g, (_, prefix) => `${NOBODYS[prefix] ?? prefix}_nobody`),
      );
      expect([operationId, foreign.status, unknown.status]).toEqual([operationId, 404, 404]);
      const [a, b] = [await foreign.json(), await unknown.json()] as [object, object];
      expect({ ...a, ref: '' }).toEqual({ ...b, ref: '' });
    }
  });

  test('never sees another’s rows, on every list and with every filter', async () => {
    const filters = [
      '',
      `?memberId=${otherStory.memberId}`,
      `?referralId=${otherStory.referralId}`,
      `?rewardId=${otherStory.rewardId}`,
      '?dealId=9001',
    ];
    const foreign = [...Object.values(otherStory), otherConnection, other.id];
    for (const { path } of gets().filter((operation) => !operation.path.includes('{'))) {
      // It holds what the account itself has asked for, the ids of others among it.
      if (path.startsWith('/audit-log')) continue;
      for (const filter of filters) {
        const text = await (await acme.call(`${path}${filter}`)).text();
        // The refusal of an unknown parameter names the parameter, never its value.
        for (const id of foreign) expect(text).not.toContain(id);
      }
    }
  });

  test('cannot name another’s member or connection in what it creates', async () => {
    const bodies: [string, unknown, string][] = [
      ['/referrals', { memberId: otherStory.memberId, friend: { email: 'x@example.com' } }, 'no_such_member'],
      ['/members', { contact: { connectionId: otherConnection, id: '5' } }, 'no_such_connection'],
      [
        '/referrals',
        { memberId: acmeStory.memberId, friend: { contact: { connectionId: otherConnection, id: '5' } } },
        'no_such_connection',
      ],
    ];
    for (const [path, body, code] of bodies) {
      const answer = await acme.post(path, body);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ code });
    }
  });

  test('cannot provision or disconnect another’s connection', async () => {
    for (const action of ['provision', 'disconnect']) {
      expect((await acme.post(`/connections/${otherConnection}/${action}`, {})).status).toBe(404);
    }
    expect(await service.store.connections.get(other.id, otherConnection)).toMatchObject({ status: 'connected' });
    expect(service.crm.revoked).toEqual([]);
  });

  test('is asked for a valid key on every operation', async () => {
    const headers: Record<string, string>[] = [
      {},
      { authorization: 'Bearer' },
      { authorization: 'Bearer wk_guess' },
      { authorization: `Basic ${acme.key}` },
      { authorization: acme.key },
      { cookie: `key=${acme.key}` },
    ];
    const strict = await startHttp({ deps: { limits: { wrongKeys: { points: 10_000, perSeconds: 60 } } } });
    for (const { method, path, operationId } of api.operations) {
      for (const header of headers) {
        const answer = await fetch(`${strict.url}/api/v1${path}?key=${acme.key}`, {
          method: method.toUpperCase(),
          headers: header,
        });
        expect([operationId, header, answer.status]).toEqual([operationId, header, 401]);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
    }
    await strict.close();
  });

  test('is not let in by a revoked key', async () => {
    const gone = await service.createAccount('Gone');
    expect((await gone.call('/members')).status).toBe(200);
    await service.store.accounts.revokeApiKey(gone.id, gone.keyId, systemClock.now());
    expect((await gone.call('/members')).status).toBe(401);
  });
});

describe('guessing keys', () => {
  test('is stopped per address, also with a right one among them, and the right one works again later', async () => {
    const strict = await startHttp({ deps: { limits: { wrongKeys: { points: 3, perSeconds: 1 } } } });
    const account = await strict.createAccount('A');
    const guess = (key: string) =>
      fetch(`${strict.url}/api/v1/members`, { headers: { authorization: `Bearer ${key}` } });
    const statuses = [];
    for (const key of ['wk_1', 'wk_2', 'wk_3', 'wk_4', account.key]) statuses.push((await guess(key)).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect((await guess(account.key)).status).toBe(200);
    await strict.close();
  });

  test('by one account’s busy program does not slow another', async () => {
    const strict = await startHttp({ deps: { limits: { apiCalls: { points: 2, perSeconds: 60 } } } });
    const [a, b] = [await strict.createAccount('A'), await strict.createAccount('B')];
    const statuses = [];
    for (const account of [a, a, a, b]) statuses.push((await account.call('/members')).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
    await strict.close();
  });
});

describe('paging', () => {
  test('shows every row once, newest first, at any page size, and ends', async () => {
    const busy = await service.createAccount('Busy');
    for (let index = 0; index < 23; index += 1) await busy.post('/members', { email: `m${index}@example.com` });
    const all = ((await (await busy.call('/members?limit=100')).json()) as List).items.map(({ id }) => id);
    expect(all).toHaveLength(23);
    for (const limit of [1, 5, 22, 23]) {
      const seen: string[] = [];
      let cursor = '';
      do {
        const page = await api.judge<List>('listMembers', await busy.call(`/members?limit=${limit}${cursor}`));
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
      } while (cursor !== '');
      expect(seen).toEqual(all);
    }
  });

  test.each([
    ['garbage', '%00%ff'],
    ['empty', ''],
    ['another list’s', Buffer.from('rewards 1 rwd_a').toString('base64url')],
    ['forged with a quote', Buffer.from("members 1 mem_' or 1=1").toString('base64url')],
    ['with an enormous time', Buffer.from(`members ${'9'.repeat(30)} mem_a`).toString('base64url')],
    ['written another way', Buffer.from('members 01 mem_a').toString('base64url')],
    ['padded', `${Buffer.from('members 1 mem_a').toString('base64url')}=`],
  ])('with a cursor that is %s is 400 invalid_cursor', async (_, cursor) => {
    const answer = await acme.call(`/members?cursor=${cursor}`);
    expect(answer.status).toBe(400);
    expect(await api.judge<Problem>('listMembers', answer)).toMatchObject({
      code: 'invalid_cursor',
      errors: [{ field: 'cursor' }],
    });
  });

  test.each(['0', '101', '-1', '1e1', '1.5', '', 'ten', '１'])(
    'with a limit of "%s" names the limit',
    async (limit) => {
      const answer = await acme.call(`/members?limit=${encodeURIComponent(limit)}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: 'invalid_request',
        errors: [{ field: 'limit', problem: 'must be a number from 1 to 100' }],
      });
    },
  );
});

describe('input that is not as it should be', () => {
  test.each<[string, unknown, string]>([
    ['an unknown field', { email: 'a@example.com', admin: true }, 'admin'],
    ['a number as a name', { name: 1, email: 'a@example.com' }, 'name'],
    ['an empty name', { name: '  ', email: 'a@example.com' }, 'name'],
    ['a name with a NUL', { name: 'a\u0000b', email: 'a@example.com' }, 'name'],
    ['a name of broken Unicode', { name: 'a\ud800', email: 'a@example.com' }, 'name'],
    ['a name of 201 characters', { name: 'a'.repeat(201), email: 'a@example.com' }, 'name'],
    ['an address without a domain', { email: 'ada@' }, 'email'],
    ['two addresses', { email: 'a@example.com,b@example.com' }, 'email'],
    ['an address with a header in it', { email: 'a@example.com\r\nBcc: b@example.com' }, 'email'],
    ['a contact that is text', { contact: '101' }, 'contact'],
    ['a contact without an id', { contact: { connectionId: 'con_a' } }, 'contact.id'],
    ['a contact with a path as its id', { contact: { connectionId: 'con_a', id: '../1' } }, 'contact.id'],
    ['neither address nor contact', { name: 'Ada' }, 'email'],
    ['a list', [], 'body'],
    ['null', null, 'body'],
    ['a number', 7, 'body'],
  ])('names the field and what it should be: %s', async (_, body, field) => {
    const answer = await acme.post('/members', body);
    expect(answer.status).toBe(400);
    const problem = await api.judge<Problem>('createMember', answer);
    expect(problem.code).toBe('invalid_request');
    expect(problem.errors?.map((error) => error.field)).toContain(field);
    for (const error of problem.errors ?? []) expect(error.problem).toMatch(/must|leave it out/);
  });

  test('names all wrong fields at once', async () => {
    const answer = await acme.post('/members', { name: 1, email: 'x', contact: {}, extra: 1 });
    const { errors } = (await answer.json()) as Problem;
    expect(errors?.map(({ field }) => field).sort()).toEqual([
      'contact.connectionId',
      'contact.id',
      'email',
      'extra',
      'name',
    ]);
  });

  test.each([
    ['not JSON', '{"email":', 'application/json', 400, 'invalid_json'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'application/json', 400, 'invalid_json'],
    ['empty', '', 'application/json', 400, 'empty_body'],
    ['a form', 'email=a@example.com', 'application/x-www-form-urlencoded', 415, 'unsupported_media_type'],
    ['UTF-16', '{}', 'application/json; charset=utf-16', 415, 'unsupported_media_type'],
    ['300 kB', `{"name":"${'a'.repeat(300_000)}"}`, 'application/json', 413, 'body_too_large'],
  ])('is answered clearly: a body that is %s', async (_, body, type, status, code) => {
    const answer = await acme.call('/members', { method: 'POST', headers: { 'content-type': type }, body });
    expect(answer.status).toBe(status);
    expect(await api.judge<Problem>('createMember', answer)).toMatchObject({ code });
  });

  test.each([
    ['?admin=1', 'admin'],
    ['?limit=1&limit=2', 'limit'],
    ['?memberId=x', 'memberId'],
    ['?stage=closedwon', 'stage'],
    ['?constructor=1', 'constructor'],
  ])('names the parameter: %s', async (query, field) => {
    const answer = await acme.call(`/referrals${query}`);
    expect(answer.status).toBe(400);
    expect((await api.judge<Problem>('listReferrals', answer)).errors).toMatchObject([{ field }]);
  });

  test('of a program names each field as deep as it stands', async () => {
    const answer = await acme.post('/programs', {
      programId: 'default',
      name: 'P',
      rules: [
        {
          key: 'a',
          party: 'member',
          amount: { kind: 'fixed', money: { amount: '12.345', currency: 'EUR' } },
          payout: 'credit',
        },
        { key: 'b', party: 'boss', amount: { kind: 'percent', basisPoints: 0.5 }, payout: 'cash' },
      ],
    });
    const { errors } = await api.judge<Problem>('publishProgram', answer);
    expect(errors?.map(({ field }) => field)).toEqual([
      'rules[0].amount.money',
      'rules[1].party',
      'rules[1].amount.basisPoints',
      'rules[1].payout',
    ]);
  });

  test.each([
    ['PUT', '/members', 405, 'GET, POST, HEAD, OPTIONS'],
    ['DELETE', '/members/mem_a', 405, 'GET, HEAD, OPTIONS'],
    ['OPTIONS', '/members', 204, 'GET, POST, HEAD, OPTIONS'],
  ])('%s %s is answered with what is allowed', async (method, path, status, allow) => {
    const answer = await acme.call(path, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test('of an unknown operation is a 404 problem', async () => {
    for (const path of ['/nothing', '/members/mem_a/b', '/../members']) {
      expect([path, (await acme.call(path)).status]).toEqual([path, 404]);
    }
  });
});

describe('creating', () => {
  test('the same person again, also at the same time, gives the same member', async () => {
    const body = { name: 'Kay', email: 'kay@example.com' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => acme.post('/members', body)));
    const members = (await Promise.all(answers.map((answer) => answer.json()))) as { id: string }[];
    expect(new Set(members.map(({ id }) => id)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
  });

  test('a member and a friend by their contacts in a connection of one’s own', async () => {
    const contact = (id: string) => ({ connectionId: acmeConnection, id });
    const answer = await acme.post('/members', { contact: contact('777') });
    expect(answer.status).toBe(201);
    const member = await api.judge<{ id: string }>('createMember', answer);
    expect(member).toMatchObject({ contact: contact('777'), email: null });
    const referred = await acme.post('/referrals', { memberId: member.id, friend: { contact: contact('778') } });
    expect(referred.status).toBe(201);
    expect(await referred.json()).toMatchObject({ friend: { contact: contact('778') }, stage: 'accepted' });
  });

  test('a friend of another member is refused and stays where they are', async () => {
    const second = (await (await acme.post('/members', { email: 'second@example.com' })).json()) as { id: string };
    const friend = { email: `ada-${acme.id}@example.com` };
    const answer = await acme.post('/referrals', { memberId: second.id, friend });
    expect(answer.status).toBe(409);
    expect(await api.judge<Problem>('createReferral', answer)).toMatchObject({ code: 'referred_by_another' });
  });

  test('a referral before there is a program says what to do', async () => {
    const fresh = await service.createAccount('Fresh');
    const member = (await (await fresh.post('/members', { email: 'm@example.com' })).json()) as { id: string };
    const answer = await fresh.post('/referrals', { memberId: member.id, friend: { email: 'f@example.com' } });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({
      code: 'no_program',
      detail: expect.stringContaining('/api/v1/programs'),
    });
  });

  test('the same program twice adds no version', async () => {
    const fresh = await service.createAccount('Publisher');
    const document = JSON.parse(withoutComments(PROGRAM_EXAMPLE));
    const first = await (await fresh.post('/programs', document)).json();
    expect(await (await fresh.post('/programs', document)).json()).toEqual(first);
    expect(((await (await fresh.call('/programs')).json()) as List).items).toHaveLength(1);
  });
});

describe('connections', () => {
  test('show their sync state, and are given back to the CRM when they are disconnected', async () => {
    const fresh = await service.createAccount('Leaver');
    const id = await fresh.connect('33');
    const connection = await api.judge('getConnection', await fresh.call(`/connections/${id}`));
    expect(connection).toMatchObject({ status: 'connected', sync: { waiting: 0, parked: [] }, homeCurrency: 'EUR' });
    const gone = await api.judge('disconnectConnection', await fresh.post(`/connections/${id}/disconnect`, undefined));
    expect(gone).toMatchObject({ status: 'disconnected', statusReason: 'Disconnected by an admin.' });
    expect(service.crm.revoked).toEqual(['refresh-token-of-33']);
    expect(JSON.stringify(gone)).not.toContain('token');
  });

  test.each([
    ['crm_unavailable', { kind: 'retry', afterMs: 7_000 }, 503, 'try_again', '7'],
    ['authorisation_revoked', { kind: 'reconnect' }, 409, 'connection_lost', null],
    ['crm_rejected', { kind: 'never' }, 502, 'crm_refused', null],
  ] as const)('say what the CRM said when it fails with %s', async (code, rule, status, expected, retryAfter) => {
    const broken = await startHttp();
    const account = await broken.createAccount('A');
    const id = await account.connect('1');
    broken.crm.provision = () =>
      Promise.reject(new Fault(code, rule, 'For people.', { message: 'GET /internals 10.0.0.7' }));
    const answer = await account.post(`/connections/${id}/provision`, undefined);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    const body = await api.judge<Problem>('provisionConnection', answer);
    expect(body).toMatchObject({ code: expected, detail: 'For people.' });
    expect(JSON.stringify(body)).not.toMatch(/internals|10\.0/);
    await broken.close();
  });
});

describe('whatever comes in', () => {
  const RUNS = Number(process.env.FUZZ_RUNS ?? 300);

  test('no request makes a 5xx, and every answer is one that the document has', { timeout: 300_000 }, async () => {
    const wide = await startHttp({
      deps: { limits: { apiCalls: { points: 1e9, perSeconds: 1 }, pages: { points: 1e9, perSeconds: 1 } } },
    });
    const account = await wide.createAccount('A');
    const connectionId = await account.connect('1');
    const story = await tellStory(wide, account.id, connectionId, systemClock.now());
    const awkward = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\u0000',
        '\ud800',
        '__proto__',
        "' or 1=1 --",
        '9'.repeat(40),
        story.memberId,
        story.rewardId,
        connectionId,
        '%',
        '../',
      ),
    );
    const json = fc.oneof(
      fc.jsonValue(),
      fc.record({ name: awkward, email: awkward }, { requiredKeys: [] }),
      fc.record({
        memberId: fc.constant(story.memberId),
        friend: fc.record({ email: awkward, name: fc.option(awkward) }),
      }),
      fc.record({ contact: fc.record({ connectionId: fc.constant(connectionId), id: awkward }) }),
      fc.record({ programId: fc.constant('default'), name: awkward, rules: fc.array(fc.jsonValue()) }),
    );
    const safe = (text: string) => encodeURIComponent(text.toWellFormed());
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...api.operations.filter(({ operationId }) => operationId !== 'disconnectConnection')),
        fc.array(awkward, { minLength: 1, maxLength: 2 }),
        fc.dictionary(
          fc.oneof(fc.constantFrom('limit', 'cursor', 'memberId', 'stage', 'dealId', 'rewardId'), awkward),
          awkward,
          { maxKeys: 3 },
        ),
        json,
        async ({ operationId, method, path }: Documented, ids, query, body) => {
          const filled = path.replace(/\{\w+\}/g, () => safe(ids[0] || 'x'));
          const search = Object.entries(query)
            .map(([name, value]) => `${safe(name)}=${safe(value)}`)
            .join('&');
          const answer =
            method !== 'get'
              ? await account.call(filled, {
                  method: method.toUpperCase(),
                  headers: { 'content-type': 'application/json' },
                  body: JSON.stringify(body),
                })
              : await account.call(`${filled}${search === '' ? '' : `?${search}`}`);
          expect(answer.status).toBeLessThan(500);
          // "." and ".." are resolved by the client, so the request is one for another path.
          if (!ids.some((id) => /^\.{1,2}$/.test(id)) && answer.status !== 404) await api.judge(operationId, answer);
        },
      ),
      { numRuns: RUNS },
    );
    await wide.close();
  });

  test('nor on the public routes', async () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('%', '\u0000', '__proto__', '..', 'hubspot'));
    const wide = await startHttp({
      deps: { limits: { pages: { points: 1e9, perSeconds: 1 }, unsigned: { points: 1e9, perSeconds: 1 } } },
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/r/', '/oauth/', '/webhooks/', '/hubspot/cards/contact?', '/'),
        text,
        fc.constantFrom('', '/callback'),
        fc.dictionary(fc.constantFrom('code', 'state', 'error', 'portalId', 'objectId', 'cursor'), text),
        fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'OPTIONS'),
        async (prefix, middle, suffix, query, method) => {
          const search = new URLSearchParams(
            Object.entries(query).map(([name, value]): [string, string] => [name, value.toWellFormed()]),
          );
          const answer = await fetch(
            `${wide.url}${prefix}${encodeURIComponent(middle.toWellFormed())}${suffix}${prefix.endsWith('?') ? '&' : '?'}${search}`,
            { method, ...(method === 'POST' ? { body: middle, headers: { 'content-type': 'application/json' } } : {}) },
          );
          expect(answer.status).toBeLessThan(500);
          await answer.arrayBuffer();
        },
      ),
      { numRuns: RUNS },
    );
    await wide.close();
  });
});
