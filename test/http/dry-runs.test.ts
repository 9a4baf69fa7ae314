import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refreshMapping } from '../../src/application/refresh-mapping.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { readOpenApi } from './open-api.ts';
import { startHttp, type TestAccount, type TestService } from './service.ts';

let service: TestService;
let api: Awaited<ReturnType<typeof readOpenApi>>;
let account: TestAccount;
let connectionId: string;
let portals = 0;

beforeAll(async () => {
  service = await startHttp();
  api = await readOpenApi(service);
});
afterAll(() => service.close());

beforeEach(async () => {
  [account, connectionId] = await withConnection();
});

const SALES = { id: 'default', label: 'Sales' };
const STAGES = [
  { id: 'sent', label: 'Contract sent', isClosed: false, probability: 0.9 },
  { id: 'won', label: 'Closed Won', isClosed: true, probability: 1 },
];

async function withConnection(): Promise<[TestAccount, string]> {
  portals += 1;
  const made = await service.createAccount(`Account ${portals}`);
  const connection = await made.connect(String(portals));
  await readStages({ accountId: made.id, id: connection }, 'Contract sent');
  return [made, connection];
}

function readStages(connection: { accountId: string; id: string }, label: string) {
  const stages = STAGES.map((stage) => (stage.id === 'sent' ? { ...stage, label } : stage));
  const catalog = { pipelines: [{ ...SALES, stages }] };
  return refreshMapping(service.store, { stages: async () => catalog }, connection, systemClock.now());
}

interface Run {
  readonly id: string;
  readonly contentHash: string;
  readonly madeBy: string;
  readonly madeAt: string;
}

/** What can be tried: a draft and another one, where they are tried, and how one comes into force. */
interface Kind {
  readonly name: string;
  readonly path: () => string;
  readonly operations: {
    readonly try: string;
    readonly get: string;
    /** Absent: it cannot be exported. */
    readonly export?: string;
    readonly publish: string;
    readonly list: string;
  };
  readonly drafts: readonly [object, object];
  readonly triedWith: (draft: object) => object;
  readonly publish: (draft: object, dryRunId?: string) => Promise<Response>;
  /** The same draft as somebody else would have written it. */
  readonly rewritten: object;
}

const withRule = (holdDays: number) => ({
  programId: 'default',
  name: 'Friends',
  rules: [{ key: 'a', party: 'member', amount: { kind: 'percent', basisPoints: 500 }, holdDays, payout: 'credit' }],
});
const onQuery = (path: string, draft: object, id?: string) =>
  account.post(id === undefined ? path : `${path}?dryRunId=${id}`, draft);
const said = (...stages: readonly object[]) => ({ stages });
const SENT = { pipelineId: 'default', stageId: 'sent', stage: 'qualified' };
const WON = { stageId: 'won', pipelineId: 'default', stage: 'won' };

const KINDS: readonly Kind[] = [
  {
    name: 'a program',
    path: () => '/programs',
    operations: {
      try: 'tryProgram',
      get: 'getDryRun',
      export: 'exportDryRun',
      publish: 'publishProgram',
      list: 'listPrograms',
    },
    drafts: [withRule(7), withRule(8)],
    rewritten: { ...withRule(7), name: 'Our friends' },
    triedWith: (program) => ({ program }),
    publish: (draft, id) => onQuery('/programs', draft, id),
  },
  {
    name: 'an attribution policy',
    path: () => '/attribution-policies',
    operations: {
      try: 'tryAttributionPolicy',
      get: 'getAttributionDryRun',
      publish: 'publishAttributionPolicy',
      list: 'listAttributionPolicies',
    },
    drafts: [
      { windowDays: 30, touch: 'first' },
      { windowDays: 31, touch: 'first' },
    ],
    rewritten: { selfReferral: 'decline', windowDays: 30 },
    triedWith: (policy) => ({ policy }),
    publish: (draft, id) => onQuery('/attribution-policies', draft, id),
  },
  {
    name: 'a stage mapping',
    path: () => `/connections/${connectionId}/mapping`,
    operations: {
      try: 'tryStageMapping',
      get: 'getMappingDryRun',
      export: 'exportMappingDryRun',
      publish: 'setStageMapping',
      list: 'getStageMapping',
    },
    drafts: [said(SENT, WON), said(WON)],
    rewritten: said(WON, SENT),
    triedWith: (draft) => draft,
    publish: (draft, dryRunId) => account.put(`/connections/${connectionId}/mapping`, { ...draft, dryRunId }),
  },
];

async function triedOf({ path, operations, triedWith }: Kind, draft: object, by = account): Promise<Run> {
  const answer = await by.post(`${path()}/dry-run`, triedWith(draft));
  expect(answer.status).toBe(201);
  return api.judge<Run>(operations.try, answer);
}

async function inForce({ path, operations }: Kind): Promise<object> {
  const body = await api.judge<{ items?: object[] }>(operations.list, await account.call(path()));
  return body.items?.[0] ?? body;
}

describe.each(KINDS)('a dry run of $name', (kind) => {
  const [draft, other] = kind.drafts;

  test('is kept with who made it and when, and read back as it was answered', async () => {
    const ada = await account.callerAs('Ada');
    const asked = await ada.post(`${kind.path()}/dry-run`, kind.triedWith(draft));
    const run = await api.judge<Run>(kind.operations.try, asked);
    expect(run).toMatchObject({ id: expect.stringMatching(/^dry_/), madeBy: 'Ada' });
    expect(Date.parse(run.madeAt)).toBeLessThanOrEqual(systemClock.now());
    const read = await account.call(`${kind.path()}/dry-run/${run.id}`);
    expect(await api.judge(kind.operations.get, read)).toEqual(run);
    if (kind.operations.export === undefined) return;
    const file = await account.call(`${kind.path()}/dry-run/${run.id}/csv`);
    const { csv, next } = await api.judge<{ csv: string; next: null }>(kind.operations.export, file);
    expect([csv.split(',').slice(0, 2), next]).toEqual([['"kind"', '"referral"'], null]);
  });

  test('lets that very draft come into force, however it was written, and the version names it', async () => {
    const run = await triedOf(kind, draft);
    const published = await kind.publish(kind.rewritten, run.id);
    expect(published.status).toBe(200);
    expect(await api.judge(kind.operations.publish, published)).toMatchObject({ dryRunId: run.id });
    expect(await inForce(kind)).toMatchObject({ dryRunId: run.id });
    const unseen = await kind.publish(other);
    expect(await api.judge(kind.operations.publish, unseen)).toMatchObject({ dryRunId: null });
    expect(await inForce(kind)).toMatchObject({ dryRunId: null });
  });

  test('lets no other draft come into force, and the refusal names the field and the remedy', async () => {
    const before = await (await account.call(kind.path())).json();
    const run = await triedOf(kind, draft);
    const tryAt = kind.path().replace(connectionId, '{connectionId}');
    const refused = await kind.publish(other, run.id);
    expect(await api.judge(kind.operations.publish, refused)).toMatchObject({
      status: 409,
      code: 'other_draft',
      errors: [
        {
          field: 'dryRunId',
          problem: `must be of this very draft: try it with ${tryAt}/dry-run, and name the id that it answers`,
        },
      ],
    });
    const unknown = await kind.publish(draft, 'dry_nobody');
    expect(await api.judge(kind.operations.publish, unknown)).toMatchObject({
      status: 422,
      code: 'no_such_dry_run',
      errors: [{ field: 'dryRunId', problem: expect.stringContaining(`${tryAt}/dry-run`) }],
    });
    expect(await (await account.call(kind.path())).json()).toEqual(before);
  });

  test('is that of no other kind: it is neither read nor published on there', async () => {
    const run = await triedOf(kind, draft);
    for (const elsewhere of KINDS.filter((one) => one !== kind)) {
      const read = await account.call(`${elsewhere.path()}/dry-run/${run.id}`);
      expect(await api.judge(elsewhere.operations.get, read)).toMatchObject({ code: 'not_found' });
      const refused = await elsewhere.publish(elsewhere.drafts[0], run.id);
      expect(await api.judge(elsewhere.operations.publish, refused)).toMatchObject({ code: 'other_draft' });
    }
  });

  test('is the account’s own: another one neither reads it nor publishes on it', async () => {
    const run = await triedOf(kind, draft);
    [account, connectionId] = await withConnection();
    const read = await account.call(`${kind.path()}/dry-run/${run.id}`);
    expect(await api.judge(kind.operations.get, read)).toMatchObject({ code: 'not_found' });
    const refused = await kind.publish(draft, run.id);
    expect(await api.judge(kind.operations.publish, refused)).toMatchObject({ code: 'no_such_dry_run' });
  });
});

describe('a dry run of what stages mean', () => {
  const [, , kind] = KINDS as [Kind, Kind, Kind];

  test('is of one CRM: for another one of the account it is neither read nor published on', async () => {
    const run = await triedOf(kind, said(SENT));
    portals += 1;
    connectionId = await account.connect(String(portals));
    await readStages({ accountId: account.id, id: connectionId }, 'Contract sent');
    expect((await account.call(`${kind.path()}/dry-run/${run.id}`)).status).toBe(404);
    expect(await (await kind.publish(said(SENT), run.id)).json()).toMatchObject({ code: 'other_draft' });
  });

  test('stays with what was said when the stages are read anew, and ends with it', async () => {
    const run = await triedOf(kind, said(SENT));
    const { version } = (await (await kind.publish(said(SENT), run.id)).json()) as { version: string };
    const renamed = await readStages({ accountId: account.id, id: connectionId }, 'Sent for signature');
    expect(renamed.version).not.toBe(version);
    expect(await inForce(kind)).toMatchObject({ version: renamed.version, dryRunId: run.id });
    // Said again on what was seen, nothing is new.
    expect(await (await kind.publish(said(SENT), run.id)).json()).toMatchObject({ dryRunId: run.id });
    await kind.publish(said());
    expect(await inForce(kind)).toMatchObject({ dryRunId: null });
  });
});
