import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MEMBER, OAUTH_SCOPES, PERSON_FIELDS, REFERRAL, REWARD } from '../../manifests/salesforce/package.ts';
import { verify } from '../../src/application/verify.ts';
import type { FaultInput } from '../../src/sandbox/salesforce/faults.ts';
import { type SalesforceSandbox, startSalesforceSandbox } from '../../src/sandbox/salesforce/server.ts';
import { openStore } from '../../src/store/open.ts';
import { OWN_CONNECTION, until } from '../support/processes.ts';
import { PACKAGE } from '../support/salesforce.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import type { Json } from '../support/stack.ts';
import { type Database, held, letLeasesRunOut, sqliteDatabase } from './database.ts';
import { createRandom, firstSeed } from './random.ts';

/*
 * The service as a process beside a local Salesforce that loses events, tells some twice, breaks streams, answers late, not at all or half,
 * and locks rows; people who win, lose and reprice opportunities meanwhile; and a service that is killed in the middle of it. Afterwards
 * the ledger is asked what stands, against what the opportunities say by themselves.
 *
 *   CRASH_SEED=52 npx vitest run test/crash/salesforce.test.ts      the same deeds again; when they happen is the machine's affair
 */

/** Long enough for a busy machine. */
const WAIT_MS = 150_000;
const FRIENDS = 12;
const DEEDS = 60;
const KILLS = 4;

const APP = { clientId: '3MVG9.wonward.crash.key', clientSecret: 'D1B2C3D4E5F60718293A4B5C6D7E8F93' };
const seed = firstSeed();

const WEATHER: readonly FaultInput[] = [
  { target: 'event', probability: 0.15, effect: { kind: 'duplicate' } },
  { target: 'event', probability: 0.1, effect: { kind: 'drop' } },
  { target: 'event', probability: 0.05, effect: { kind: 'gap' } },
  { target: 'event', probability: 0.03, effect: { kind: 'malformed' } },
  { target: 'api', probability: 0.05, effect: { kind: 'status', status: 503, html: true } },
  { target: 'api', probability: 0.04, effect: { kind: 'reset', when: 'after' } },
  { target: 'api', probability: 0.03, effect: { kind: 'truncate' } },
  { target: 'api', probability: 0.05, path: '*/composite', effect: { kind: 'rows', code: 'UNABLE_TO_LOCK_ROW' } },
];

let directory: string;
let path: string;
let database: Database;
let salesforce: SalesforceSandbox;
let orgId: string;
let service: ServiceProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-crash-salesforce-'));
  path = join(directory, 'wonward.db');
  database = sqliteDatabase(path);
  const redirectUrls: string[] = [];
  salesforce = await startSalesforceSandbox({
    app: { ...APP, redirectUrls, scopes: [...OAUTH_SCOPES] },
    orgs: [{ package: { root: PACKAGE }, currencies: ['EUR'] }],
    // Sessions end in the middle of it: refresh tokens rotate while the service is killed.
    sessionLifetimeMs: 8_000,
    seed,
  });
  orgId = salesforce.control.orgs()[0]?.id ?? '';
  service = await startServiceProcess({
    databaseUrl: `sqlite:${path}`,
    environment: {
      SALESFORCE_CLIENT_ID: APP.clientId,
      SALESFORCE_CLIENT_SECRET: APP.clientSecret,
      SALESFORCE_LOGIN_URL: salesforce.url,
      SALESFORCE_PUBSUB_ENDPOINT: salesforce.pubSubEndpoint,
      SWEEP_SCHEDULE: '*/5 * * * * *',
    },
  });
  redirectUrls.push(`${service.publicUrl}/oauth/salesforce/callback`);
  await connect();
}, 2 * WAIT_MS);
afterAll(async () => {
  await service?.close();
  await salesforce?.close();
  if (directory) await rm(directory, { recursive: true, force: true });
});

async function connect(): Promise<void> {
  const { body } = await service.api('POST', '/connections/install', { provider: 'salesforce' });
  const asked = Object.fromEntries(new URL(body.url).searchParams);
  const { redirectUrl } = salesforce.control.install(orgId, {
    redirectUri: asked.redirect_uri ?? '',
    scope: asked.scope,
    state: asked.state,
    codeChallenge: asked.code_challenge,
    codeChallengeMethod: asked.code_challenge_method,
  });
  expect((await fetch(redirectUrl, { headers: OWN_CONNECTION })).status).toBe(200);
}

const rewardsOf = async (): Promise<Json[]> => {
  const items: Json[] = [];
  for (let cursor: string | null = null; ; ) {
    const { body }: { body: Json } = await service.api('GET', `/rewards?limit=100${cursor ? `&cursor=${cursor}` : ''}`);
    items.push(...body.items);
    cursor = body.nextCursor;
    if (cursor === null) return items;
  }
};

/** What stands for each opportunity, as `party amount`, by the API and by the org's own rows. */
async function standing(): Promise<{ api: Map<string, string[]>; org: Map<string, string[]> }> {
  const { control } = salesforce;
  const alive = (state: string) => state === 'issued' || state === 'approved' || state === 'issuing';
  const api = new Map<string, string[]>();
  for (const reward of await rewardsOf()) {
    if (!alive(reward.state)) continue;
    const id = reward.deal?.id ?? reward.dealId;
    api.set(id, [...(api.get(id) ?? []), `${reward.party} ${Number(reward.money.amount)}`].sort());
  }
  const org = new Map<string, string[]>();
  for (const row of control.list(orgId, REWARD.object, { limit: 2_000 })) {
    if (!alive(String(row[REWARD.fields.state]))) continue;
    const id = String(row[REWARD.fields.opportunity]);
    org.set(id, [...(org.get(id) ?? []), `${row[REWARD.fields.party]} ${row[REWARD.fields.amount]}`].sort());
  }
  return { api, org };
}

test('every law holds afterwards', { timeout: 6 * WAIT_MS }, async () => {
  const { control } = salesforce;
  const random = createRandom(seed, 'salesforce');
  console.log(`crash run with Salesforce, seed ${seed}`);
  const member = control.create(orgId, 'Contact', { LastName: 'Ada' });
  const deals = Array.from({ length: FRIENDS }, (_, index) => {
    const friend = control.create(orgId, 'Contact', { LastName: `F${index}`, [PERSON_FIELDS.referredBy]: member });
    const id = control.create(orgId, 'Opportunity', {
      Name: `Deal ${index}`,
      StageName: 'Prospecting',
      CloseDate: '2026-12-31',
      Amount: 1_000,
    });
    control.create(orgId, 'OpportunityContactRole', { OpportunityId: id, ContactId: friend, IsPrimary: true });
    return id;
  });
  for (const fault of WEATHER) control.addFault(fault);
  for (let deed = 1; deed <= DEEDS; deed += 1) {
    const id = random.pick(deals);
    const kind = random.pick(['win', 'win', 'lose', 'reopen', 'break', 'expire'] as const);
    if (kind === 'win') control.edit(orgId, id, { StageName: 'Closed Won' });
    if (kind === 'lose') control.edit(orgId, id, { StageName: 'Closed Lost' });
    if (kind === 'reopen') control.edit(orgId, id, { StageName: 'Prospecting' });
    if (kind === 'break') control.breakStreams(orgId);
    if (kind === 'expire') control.expireSessions(orgId);
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (deed % (DEEDS / KILLS) === 0) {
      await service.stop('SIGKILL');
      // A process killed in the middle of a sweep still holds its lease; the time is let pass.
      await letLeasesRunOut(database, await held(database));
      await service.start();
    }
  }
  control.clearFaults();

  // A grant that ended, since the answer to a rotation was lost with the process, is said so; an admin connects again.
  const { body } = await service.api('GET', '/connections');
  if (body.items.some((item: Json) => item.provider === 'salesforce' && item.status !== 'connected')) await connect();

  const expected = new Map(
    deals.flatMap((id) =>
      control.read(orgId, id)?.StageName === 'Closed Won' ? [[id, ['friend 50', 'member 100']]] : [],
    ),
  );
  await until('what stands is what the opportunities say, in the ledger and in the org', WAIT_MS, async () => {
    const { api, org } = await standing();
    const same = (found: Map<string, string[]>) =>
      JSON.stringify([...found].sort()) === JSON.stringify([...expected].sort());
    return same(api) && same(org);
  });
  const referrals = () => control.list(orgId, REFERRAL.object, { limit: 2_000 });
  await until('the org shows the referral of every friend', WAIT_MS, async () => referrals().length >= FRIENDS);
  expect(new Set(referrals().map((row) => row[REFERRAL.fields.friendContact])).size).toBe(FRIENDS);
  expect(referrals()).toHaveLength(FRIENDS);
  const wins = () => control.list(orgId, MEMBER.object).find((row) => row[MEMBER.fields.contact] === member);
  await until('the org counts what was won', WAIT_MS, async () => {
    return wins()?.[MEMBER.fields.wonReferrals] === expected.size;
  });

  await service.stop('SIGTERM');
  const store = await openStore({ url: `sqlite:${path}` });
  const { problems, accounts } = await store.audited(Date.now(), (audit) => verify(audit));
  await store.close();
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
});
