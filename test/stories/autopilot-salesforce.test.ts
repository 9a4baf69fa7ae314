import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEMBER, PERSON_FIELDS, REWARD } from '../../manifests/salesforce/package.ts';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { type Json, quickClock } from '../support/stack.ts';

/* The same port on the other CRM: record types are pipelines, and share their stages. */

const DAY_MS = 86_400_000;
const MASTER = '012000000000000AAA';

let org: SalesforceStack;
let partners: string;
let path: string;

beforeAll(async () => {
  org = await startSalesforceStack({
    clock: quickClock(),
    org: { recordTypes: [{ developerName: 'Partners', name: 'Partners', sobjectType: 'Opportunity' }] },
  });
  const { control } = org.salesforce;
  const types = control.list(org.orgId, 'RecordType', { limit: 50 }) as Json[];
  partners = types.find(({ Name }) => Name === 'Partners').Id;
  const now = org.clock.now();
  for (let index = 0; index < 30; index += 1) {
    const at = now - (340 - index * 10) * DAY_MS;
    const fields = {
      Name: 'Past',
      StageName: 'Prospecting',
      CloseDate: '2026-12-31',
      Amount: 10,
      RecordTypeId: partners,
    };
    const id = control.create(org.orgId, 'Opportunity', fields, { at });
    const end = index % 3 === 0 ? 'Closed Won' : 'Closed Lost';
    control.edit(org.orgId, id, { StageName: end }, { at: at + DAY_MS });
  }
  const { status, page } = await org.install();
  expect(status, page).toBe(200);
  path = `/connections/${(await org.connection()).id}`;
  await org.sweep();
}, 120_000);
afterAll(() => org.close());

async function drifts(): Promise<Json[]> {
  const { status, body } = await org.stack.api('GET', `${path}/drift`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.items;
}
const fix = async (of: Json, body: Json) => (await org.stack.api('POST', `${path}/drift/${of.caseId}/fix`, body)).body;

async function theDrift(kind: string): Promise<Json> {
  await org.sweep();
  await org.sweep();
  const items = await drifts();
  expect(items.map((one) => one.kind)).toEqual([kind]);
  return items[0];
}

describe('an org that was just connected', () => {
  test('gets a mapping proposed for each record type, by its own opportunities', async () => {
    const { status, body } = await org.stack.api('POST', `${path}/mapping/proposal`);
    expect(status, JSON.stringify(body)).toBe(201);
    expect(body.sample).toMatchObject({ deals: 30, total: 30, complete: true });
    const of = (id: string) => body.pipelines.find((one: Json) => one.id === id);
    expect(of(partners).coverage).toMatchObject({ deals: 30, throughMapped: 30, percent: 100, won: 10, lost: 20 });
    expect(of(MASTER).coverage).toMatchObject({ deals: 0, percent: null });
    const meaning = (id: string, stage: string) => of(id).stages.find((one: Json) => one.id === stage).stage;
    expect([meaning(partners, 'Prospecting'), meaning(MASTER, 'Prospecting')]).toEqual(['opportunity', 'opportunity']);
    expect([meaning(partners, 'Closed Won'), meaning(partners, 'Closed Lost')]).toEqual(['won', 'lost']);
    expect(body.uncertain.map(({ code, pipelineId }: Json) => [code, pipelineId])).toEqual([['no_deals', MASTER]]);
    const [user] = org.rows('User');
    expect(body.owners).toMatchObject({ deals: 30, withoutOwner: 0, suggestions: [] });
    expect(body.owners.owners).toMatchObject([
      { id: user.Id, name: user.Name, isActive: true, deals: 30, open: 0, won: 10 },
    ]);
  });

  test('accepts it, and the first opportunity that is won pays', async () => {
    const { body } = await org.stack.api('POST', `${path}/mapping/proposal/accept`, {});
    const { draft, dryRunId } = body.proposal;
    expect((await org.stack.api('PUT', `${path}/mapping`, { stages: draft, dryRunId })).status).toBe(200);
    const ada = org.create('Contact', { LastName: 'Ada', Email: 'ada@member.example' });
    const friend = org.create('Contact', { LastName: 'Bob', [PERSON_FIELDS.referredBy]: ada });
    const id = org.create('Opportunity', {
      ...{ Name: 'New', StageName: 'Prospecting', CloseDate: '2026-12-31', Amount: 1_000, RecordTypeId: partners },
    });
    org.create('OpportunityContactRole', { OpportunityId: id, ContactId: friend, IsPrimary: true });
    await org.sweep();
    org.edit(id, { StageName: 'Closed Won' });
    await org.sweep();
    await org.sweep();
    expect(org.rows(REWARD.object).filter((row) => row[REWARD.fields.opportunity] === id)).toHaveLength(2);
    expect(await drifts()).toEqual([]);
  });
});

describe('drift in an org', () => {
  test('a new stage, which all record types share, is one alert; one call says for all of them what it means', async () => {
    org.salesforce.control.addStage(org.orgId, { name: 'Signed', isClosed: true, isWon: true, probability: 100 });
    const found = await theDrift('stage_new');
    expect(found).toMatchObject({ stageId: 'Signed', means: 'won', severity: 'high' });
    expect(found.pipelineIds.toSorted()).toEqual([MASTER, partners].toSorted());
    expect(await fix(found, { fix: 'map', stage: 'opportunity' })).toMatchObject({ mended: true });
    const { body } = await org.stack.api('GET', `${path}/mapping`);
    const signed = body.pipelines.flatMap(({ stages }: Json) => stages.filter(({ id }: Json) => id === 'Signed'));
    expect(signed.map(({ stage, isSaid }: Json) => [stage, isSaid])).toEqual([
      ['opportunity', true],
      ['opportunity', true],
    ]);
  });

  test('a stage whose type was changed, one that was renamed and one that was deleted', async () => {
    const { control } = org.salesforce;
    control.editStage(org.orgId, 'Closed Lost', { isClosed: false, probability: 10 });
    const changed = await theDrift('stage_meaning');
    expect(changed).toMatchObject({ stageId: 'Closed Lost', meant: 'lost', means: 'opportunity' });
    control.editStage(org.orgId, 'Closed Lost', { isClosed: true, probability: 0 });
    await org.sweep();
    expect(await drifts()).toEqual([]);
    control.editStage(org.orgId, 'Prospecting', { label: 'First talks' });
    const renamed = await theDrift('stage_renamed');
    expect(renamed.summary).toContain('The stage "Prospecting" of 2 pipelines is called "First talks" now.');
    expect(await fix(renamed, { fix: 'accept' })).toMatchObject({ mended: true });
    control.deleteStage(org.orgId, 'Signed');
    const gone = await theDrift('stage_gone');
    expect(await fix(gone, { fix: 'accept' })).toMatchObject({ mended: true });
  });

  test('a new record type is a new pipeline', async () => {
    org.salesforce.control.addRecordType(org.orgId, {
      ...{ developerName: 'Renewals', name: 'Renewals', sobjectType: 'Opportunity' },
    });
    const found = await theDrift('pipeline_new');
    expect(found.summary).toContain('The pipeline "Renewals" is new in the CRM.');
    expect(await fix(found, { fix: 'accept' })).toMatchObject({ mended: true });
  });

  test('a field of the package that its user may see no more is told, and ends when it is given back', async () => {
    const { control } = org.salesforce;
    control.setAccess(org.orgId, MEMBER.object, MEMBER.fields.tier, 'none');
    const found = await theDrift('property_conflict');
    expect(found).toMatchObject({ name: `${MEMBER.object}.${MEMBER.fields.tier}`, fixes: ['provision'] });
    control.setAccess(org.orgId, MEMBER.object, MEMBER.fields.tier, 'edit');
    expect(await fix(found, { fix: 'provision' })).toMatchObject({ mended: true });
  });
});
