import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemClock } from '../../src/platform/clock.ts';
import { TABLES, type Table } from '../../src/store/schema.ts';
import type { Schema } from '../fuzz/from-schema.ts';
import { createJudge, type FuzzedOperation } from '../fuzz/judge.ts';
import { type Story, startHttp, type TestAccount, type TestService, tellStory } from '../http/service.ts';

export interface Tenant {
  readonly account: TestAccount;
  readonly story: Story;
  /** By the prefix that the document's patterns ask for; dry runs of other drafts than programs by where they are made. */
  readonly ids: Readonly<Record<string, string>>;
}

/** Two customers of one service, each with a connection, a member, a referral, a decision and an issued reward. */
export async function twoAccounts() {
  const directory = mkdtempSync(join(tmpdir(), 'wonward-two-'));
  const file = join(directory, 'wonward.db');
  const wide = { points: 1e9, perSeconds: 1 };
  const service = await startHttp({
    databaseUrl: `sqlite:${file}`,
    deps: { limits: { apiCalls: wide, wrongKeys: wide, pages: wide, unsigned: wide, workflowCalls: wide } },
  });
  const [mine, other] = [await tenant(service, 'Mine', '48000001'), await tenant(service, 'Other', '48000002')];
  const database = new Database(file, { readonly: true });

  return {
    service,
    mine,
    other,
    judge: await createJudge(service),
    /** Every row of an account as it lies in the database; of all accounts without one. */
    dump: (accountId?: string) => dumpOf(database, accountId),
    async close() {
      database.close();
      await service.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function tenant(service: TestService, name: string, portal: string): Promise<Tenant> {
  const account = await service.createAccount(name);
  const connectionId = await account.connect(portal);
  const story = await tellStory(service, account.id, connectionId, systemClock.now());
  const rules = [{ key: 'a', party: 'member', amount: { kind: 'percent', basisPoints: 1 }, payout: 'credit' }];
  const program = { programId: 'default', name: 'Draft', rules };
  const tried = async (path: string, draft: object) =>
    ((await (await account.post(`${path}/dry-run`, draft)).json()) as { id: string }).id;
  // In its second revision, and not the program of the dry run: nothing that these tests guess publishes or discards it.
  // A key, a user and an invitation that nothing here is done with.
  const otherKey = await account.callerAs('another key');
  const inviteTo = (email: string) => service.signIn.invite({ accountId: account.id, roles: ['sales'] }, email, null);
  const { link } = await inviteTo(`rep-${account.id}@example.com`);
  await service.signIn.redeem(new URL(link).hash.slice(1));
  await inviteTo(`invited-${account.id}@example.com`);
  const [seated] = await service.store.users.ofAccount(account.id);
  const [invitation] = await service.store.users.invitations(account.id, systemClock.now());
  const draft = { ...program, openReferrals: 'keep' };
  for (const revision of [0, 1]) await account.put('/programs/default/draft', { revision, program: draft });
  for (const purpose of ['member', 'friend'])
    await account.post('/consent-texts', { purpose, version: 0, texts: { en: 'We write once.' } });
  const view = await account.post('/views', { list: 'referrals', name: 'Won', search: 'stage=won' });
  const { id: viewId } = (await view.json()) as { id: string };
  service.crm.contacts.set(`${portal} 901`, { name: 'Tessa', email: `tessa-${account.id}@example.com` });
  const test = { connectionId, programId: 'default', friendContactId: '901' };
  const { id: testRunId } = (await (await account.post('/test-runs', test)).json()) as { id: string };
  return {
    account,
    story,
    ids: {
      dry: await tried('/programs', { program }),
      '/attribution-policies/dry-run': await tried('/attribution-policies', { policy: {} }),
      '/connections/{connectionId}/mapping/dry-run': await tried(`/connections/${connectionId}/mapping`, {
        stages: [],
      }),
      '/connections/{connectionId}/drift': story.driftCaseId,
      cas: story.caseId,
      mem: story.memberId,
      ref: story.referralId,
      rwd: story.rewardId,
      dec: story.historyId,
      con: connectionId,
      acc: account.id,
      bat: story.batchId,
      pay: story.orderId,
      rep: story.reportId,
      bfl: story.backfillId,
      rel: story.releaseId,
      imp: story.importId,
      syn: story.syncReportId,
      per: story.periodId,
      key: otherKey.keyId,
      usr: seated?.user.id ?? '',
      inv: invitation?.id ?? '',
      viw: viewId,
      tst: testRunId,
      whe: story.endpointId,
      evt: story.eventId,
    },
  };
}

/** What is not a customer's: locks and the heartbeat of the service itself. */
const OF_NOBODY = new Set<string>(['leases', 'probe', 'migrations']);

function dumpOf(database: Database.Database, accountId?: string): Record<string, unknown[]> {
  return Object.fromEntries(
    (Object.keys(TABLES) as Table[])
      .filter((table) => !OF_NOBODY.has(table))
      // A user stands above accounts.
      .filter((table) => accountId === undefined || table === 'accounts' || 'account_id' in TABLES[table])
      .map((table) => {
        const owner = table === 'accounts' ? 'id' : 'account_id';
        const where = accountId === undefined ? '' : ` where ${owner} = ?`;
        const rows = database
          .prepare(`select * from ${table}${where}`)
          .all(...(accountId === undefined ? [] : [accountId]));
        return [table, rows];
      }),
  );
}

/** The prefix of the ids that a schema takes: "mem" of ^mem_…; null when it takes none of ours. */
export function prefixOf({ pattern }: Schema): string | null {
  return /^\^([a-z]{2,5})_/.exec(pattern ?? '')?.[1] ?? null;
}

type Example = null | number | string | boolean | Example[] | { [key: string]: Example };

function monthBefore(now: number): string {
  const at = new Date(now);
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

/** Where schemas say less than handlers ask for. */
const BY_NAME: Readonly<Record<string, string>> = {
  content: 'iVBORw0KGgoAAAANSUhEUgAA',
  basis: '0'.repeat(64),
  accent: '#0a6e5c',
  privacyUrl: 'https://acme.example/privacy',
  termsUrl: 'https://acme.example/terms',
  programId: 'default',
  provider: 'hubspot',
  key: 'a-rule',
  amount: '5',
  currency: 'EUR',
  id: '4711',
  name: 'A name',
  from: '2026-01-01T00:00:00.000Z',
  to: '2026-02-01T00:00:00.000Z',
  domains: 'example.com',
  field: 'prefix',
  value: 'THANKS',
  base: 'USD',
  day: '2026-01-02',
  until: '2026-01-04',
  postponeUntil: new Date(Date.now() + 7 * 86_400_000).toISOString(),
  perBase: '1.25',
  codes: 'A-CODE',
  csv: 'order,state,code,A name,Some text\npay_1,paid,A-CODE,Lin,lin@example.com',
  dealId: '77',
  at: '2026-01-01T00:00:00.000Z',
  since: '2026-01-01T00:00:00.000Z',
  ruleKey: 'member-won',
  friendContactId: '901',
  managers: '7001',
  programs: 'default',
  owner: 'role:reviewer',
  outcome: 'dismissed',
  property: 'purchase_checked',
  listId: '17',
  search: 'stage=won',
  url: 'https://example.com/hooks',
  // The one that comes next: closed once, before the story's own is asked to be taken back, which is then not the last.
  month: monthBefore(Date.now()),
  account: 'expense:*',
  country: 'US',
  countryProperty: 'hs_country_region_code',
};

/** Of parts that cannot all stand beside one another, one choice that can; null leaves the part out. */
const CHOICES: Readonly<Record<string, Example>> = {
  // HubSpot has one place to log in.
  site: null,
  friendEmail: null,
  memberEmail: null,
  skipsWaits: true,
  // Of a page before, which there is none of.
  cursor: null,
  notifications: [{ notice: 'drift', channel: 'crm_task', to: null }],
  stages: [{ pipelineId: 'default', stageId: 'closedwon', stage: 'won' }],
  limits: [{ per: 'member', across: 'rule', window: 'month', count: 5, money: null }],
  bestOf: null,
  blockAt: null,
  payout: 'credit',
  rounding: null,
  refundedProperty: null,
  payIn: null,
  // They go with one another, and with rules that look at them.
  tiers: null,
  tier: null,
};

let people = 0;
function nextAddress(): string {
  people += 1;
  return `person-${people}@example.com`;
}

/** A body with every field that there is, which succeeds. Ids are of `ids`. */
export function exampleOf(
  schema: Schema,
  ids: Readonly<Record<string, string>>,
  resolve: (ref: string) => Schema,
  name = '',
): Example {
  if (schema.$ref !== undefined) return exampleOf(resolve(schema.$ref), ids, resolve, name);
  const options = schema.oneOf ?? schema.anyOf;
  if (options?.[0]) return exampleOf(options[0], ids, resolve, name);
  const type = [schema.type ?? []].flat()[0];
  // Which connection decides takes two of them, and each account has one here.
  if (schema.properties?.decidedIn) return null;
  if (type === 'object') {
    return Object.fromEntries(
      Object.entries(schema.properties ?? {})
        .map(
          ([key, part]) => [key, key in CHOICES ? (CHOICES[key] ?? null) : exampleOf(part, ids, resolve, key)] as const,
        )
        .filter(([key, part]) => !(key in CHOICES && part === null)),
    );
  }
  if (type === 'array') return [exampleOf(schema.items ?? {}, ids, resolve, name)];
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return true;
  const prefix = prefixOf(schema);
  if (prefix !== null) {
    const id = ids[prefix];
    if (id === undefined) throw new Error(`no id of the kind ${prefix} is known to these tests: add one`);
    return id;
  }
  if (schema.format === 'email') return nextAddress();
  if (BY_NAME[name] !== undefined) return BY_NAME[name];
  if (schema.enum?.[0] !== undefined) return String(schema.enum[0]);
  if (schema.pattern !== undefined) throw new Error(`these tests do not know a ${name}: add one`);
  return 'Some text';
}

export type Path = readonly (string | number)[];

export function partsOf(value: unknown, path: Path = []): { path: Path; part: unknown }[] {
  const inner =
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, part]) =>
          partsOf(part, [...path, Array.isArray(value) ? Number(key) : key]),
        )
      : [];
  return [{ path, part: value }, ...inner];
}

export function withPart(value: unknown, [step, ...rest]: Path, change: (part: unknown) => unknown): unknown {
  if (step === undefined) return change(value);
  if (Array.isArray(value)) return value.map((part, index) => (index === step ? withPart(part, rest, change) : part));
  const object = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(object).map(([key, part]) => [key, key === step ? withPart(part, rest, change) : part]),
  );
}

/** What stands in paths and is nobody's: the same for every account. */
const IN_PATHS: Readonly<Record<string, string>> = {
  provider: 'coupon',
  programId: 'default',
  currency: 'USD',
  ledgerKind: 'payable',
  currencyOrNone: 'EUR',
  monthOrNone: '2026-12',
  year: '2026',
};

/** Whether a path names something that is one account's. */
export function namesOwn({ parameters }: FuzzedOperation): boolean {
  return parameters.some((parameter) => parameter.in === 'path' && IN_PATHS[parameter.name] === undefined);
}

/** The path with the ids of one account in it. */
export function pathFor({ path, parameters }: FuzzedOperation, ids: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (IN_PATHS[name] !== undefined) return IN_PATHS[name];
    const schema = parameters.find((parameter) => parameter.name === name)?.schema ?? {};
    const id = ids[path.slice(0, path.indexOf(`/{${name}}`))] ?? ids[prefixOf(schema) ?? ''];
    if (id === undefined) throw new Error(`no id for {${name}} is known to these tests: add one`);
    return id;
  });
}
