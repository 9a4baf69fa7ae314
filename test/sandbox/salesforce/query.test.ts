import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, type Json, startWorld, type World } from './harness.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld({ queryPageSize: 3 });
});
afterEach(() => world.close());

const create = (object: string, body: Record<string, unknown>, at?: number): string =>
  world.control.create(world.orgId, object, body, at === undefined ? {} : { at });
const names = async (soql: string, resource: 'query' | 'queryAll' = 'query'): Promise<string[]> => {
  const { status, body } = await world.query(soql, resource);
  expect([status, status === 200 ? '' : JSON.stringify(body)]).toEqual([200, '']);
  return body.records.map((row: Json) => row.Name ?? row.LastName);
};
const opportunity = (name: string, more: Record<string, unknown> = {}, at?: number): string =>
  create('Opportunity', { Name: name, StageName: 'Prospecting', CloseDate: '2026-12-31', ...more }, at);

describe('WHERE', () => {
  it('compares numbers, days, moments, texts and truth', async () => {
    opportunity('A', { Amount: 10.5 }, Date.parse('2026-11-01T00:00:00Z'));
    opportunity('B', { Amount: 20, CloseDate: '2027-01-15', StageName: 'Closed Won' });
    opportunity('C');
    const where = async (text: string): Promise<string[]> =>
      (await names(`SELECT Name FROM Opportunity WHERE ${text}`)).sort();
    expect(await where('Amount > 10.4')).toEqual(['A', 'B']);
    expect(await where('Amount <= 10.5')).toEqual(['A']);
    expect(await where('Amount = null')).toEqual(['C']);
    expect(await where('Amount != 20')).toEqual(['A', 'C']);
    expect(await where('CloseDate > 2026-12-31')).toEqual(['B']);
    expect(await where('CreatedDate < 2026-11-02T00:00:00Z')).toEqual(['A']);
    expect(await where('CreatedDate <= 2026-11-01T02:00:00+02:00')).toEqual(['A']);
    expect(await where('CreatedDate = TODAY')).toEqual(['B', 'C']);
    expect(await where('CreatedDate = LAST_N_DAYS:30')).toEqual(['A', 'B', 'C']);
    expect(await where('IsWon = true')).toEqual(['B']);
    expect(await where("name = 'a'")).toEqual(['A']);
    expect(await where("Name IN ('a','B') AND (Amount > 15 OR Amount < 5)")).toEqual(['B']);
    expect(await where("NOT (Name = 'A' OR Name = 'B')")).toEqual(['C']);
    expect(await where("NOT Name LIKE 'a%'")).toEqual(['B', 'C']);
    expect(await where("Name NOT IN ('A')")).toEqual(['B', 'C']);
  });

  it('takes quotes and backslashes when they are escaped', async () => {
    create('Contact', { LastName: "O'Neil\\x" });
    expect(await names("SELECT LastName FROM Contact WHERE LastName = 'O\\'Neil\\\\x'")).toEqual(["O'Neil\\x"]);
    expect(errorOf(await world.query("SELECT Id FROM Contact WHERE LastName = 'O'Neil'"))).toEqual([
      400,
      'MALFORMED_QUERY',
    ]);
  });

  it('finds records by the case of their ids, in 15 and 18 characters, and through other records', async () => {
    const contact = create('Contact', { LastName: 'Berg', Email: 'Ann@Example.com' });
    const deal = opportunity('A', { ContactId: contact });
    opportunity('B');
    expect(await names(`SELECT Name FROM Opportunity WHERE Id = '${deal.slice(0, 15)}'`)).toEqual(['A']);
    expect(
      await names(
        "SELECT Name FROM Opportunity WHERE Id IN (SELECT OpportunityId FROM OpportunityContactRole WHERE Contact.Email = 'ann@example.com')",
      ),
    ).toEqual(['A']);
    const { body } = await world.query(
      'SELECT Id, (SELECT Contact.Name, IsPrimary FROM OpportunityContactRoles) FROM Opportunity ORDER BY Name',
    );
    expect(body.records[0].OpportunityContactRoles).toMatchObject({
      totalSize: 1,
      done: true,
      records: [{ IsPrimary: true, Contact: { Name: 'Berg' } }],
    });
    expect(body.records[1].OpportunityContactRoles).toBeNull();
  });

  it.each([
    ['an unknown field', 'SELECT Nope FROM Contact', 'INVALID_FIELD'],
    ['an unknown field in WHERE', "SELECT Id FROM Contact WHERE Nope = 'x'", 'INVALID_FIELD'],
    ['an unknown relation', 'SELECT Nope.Name FROM Contact', 'INVALID_FIELD'],
    ['an unknown object', 'SELECT Id FROM Nope__c', 'INVALID_TYPE'],
    ['an unknown child relation', 'SELECT Id, (SELECT Id FROM Nopes) FROM Contact', 'INVALID_TYPE'],
    ['a quoted number', "SELECT Id FROM Opportunity WHERE Amount > '5'", 'INVALID_FIELD'],
    ['a quoted moment', "SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01T00:00:00Z'", 'INVALID_FIELD'],
    ['a day for a moment', 'SELECT Id FROM Contact WHERE SystemModstamp > 2026-01-01', 'INVALID_FIELD'],
    ['a text without quotes', 'SELECT Id FROM Contact WHERE LastName = 5', 'INVALID_FIELD'],
    ['a long text', "SELECT Id FROM Contact WHERE Description = 'x'", 'INVALID_FIELD'],
    ['a long text to sort by', 'SELECT Id FROM Contact ORDER BY Description', 'INVALID_FIELD'],
    ['no id', "SELECT Id FROM Contact WHERE Id = 'x'", 'INVALID_QUERY_FILTER_OPERATOR'],
    ['AND beside OR', "SELECT Id FROM Contact WHERE Title = 'a' AND Title = 'b' OR Title = 'c'", 'MALFORMED_QUERY'],
    ['what only Apex knows', 'SELECT Id FROM Contact WITH USER_MODE', 'MALFORMED_QUERY'],
    ['security that only Apex knows', 'SELECT Id FROM Contact WITH SECURITY_ENFORCED', 'MALFORMED_QUERY'],
    ['no query', '', 'MALFORMED_QUERY'],
    ['nonsense', 'SELECT FROM', 'MALFORMED_QUERY'],
    ['all fields without a limit', 'SELECT FIELDS(ALL) FROM Contact', 'MALFORMED_QUERY'],
    ['a far offset', 'SELECT Id FROM Contact OFFSET 2001', 'NUMBER_OUTSIDE_VALID_RANGE'],
    ['a field that is not grouped', 'SELECT Name, COUNT(Id) FROM Contact GROUP BY Title', 'MALFORMED_QUERY'],
  ])('%s is refused', async (_name, soql, code) => {
    expect(errorOf(await world.query(soql))).toEqual([400, code]);
  });

  it('says where the mistake stands', async () => {
    const { body } = await world.query('SELECT Id, Nope FROM Contact');
    expect(body[0].message).toContain('ERROR at Row:1:Column:12');
    expect(body[0].message).toContain("No such column 'Nope' on entity 'Contact'");
  });
});

describe('what comes back', () => {
  it('has counts and groups', async () => {
    opportunity('A', { Amount: 1 });
    opportunity('B', { Amount: 2, StageName: 'Closed Won' });
    opportunity('C', { Amount: 4, StageName: 'Closed Won' });
    expect((await world.query('SELECT COUNT() FROM Opportunity')).body).toEqual({
      totalSize: 3,
      done: true,
      records: [],
    });
    const { body } = await world.query(
      'SELECT StageName, COUNT(Id) n, SUM(Amount), MAX(Amount) FROM Opportunity GROUP BY StageName',
    );
    expect(body.records.find((row: Json) => row.StageName === 'Closed Won')).toMatchObject({
      n: 2,
      expr0: 6,
      expr1: 4,
    });
  });

  it('is sorted as asked, empty values first unless asked otherwise, and in no order that was not asked for', async () => {
    for (const [name, title] of [
      ['A', 'z'],
      ['B', undefined],
      ['C', 'y'],
      ['D', 'x'],
    ] as const)
      create('Contact', { LastName: name, ...(title === undefined ? {} : { Title: title }) });
    expect(await names('SELECT LastName FROM Contact ORDER BY Title LIMIT 3')).toEqual(['B', 'D', 'C']);
    expect(await names('SELECT LastName FROM Contact ORDER BY Title DESC NULLS LAST LIMIT 2 OFFSET 1')).toEqual([
      'C',
      'D',
    ]);
    for (let count = 0; count < 40; count += 1) create('Lead', { LastName: `L${count}`, Company: 'x' });
    const { records } = await world.conn.query('SELECT LastName FROM Lead', { autoFetch: true });
    const seen = records.map((row) => Number(String(row.LastName).slice(1)));
    expect([...seen].sort((one, other) => one - other)).toEqual(Array.from({ length: 40 }, (_none, index) => index));
    expect(seen).not.toEqual([...seen].sort((one, other) => one - other));
  });

  it('a keyset by SystemModstamp and Id passes every record once, however many share a second', async () => {
    for (let count = 0; count < 8; count += 1) create('Contact', { LastName: `N${count}` });
    world.now.value += 1_000;
    for (let count = 8; count < 11; count += 1) create('Contact', { LastName: `N${count}` });
    const seen: string[] = [];
    let after = '';
    for (let page = 0; page < 10; page += 1) {
      const { body } = await world.query(
        `SELECT Id, LastName, SystemModstamp FROM Contact ${after} ORDER BY SystemModstamp, Id LIMIT 2`,
      );
      seen.push(...body.records.map((row: Json) => row.LastName));
      const last = body.records.at(-1);
      if (!last) break;
      const stamp = last.SystemModstamp.replace('+0000', 'Z');
      after = `WHERE SystemModstamp > ${stamp} OR (SystemModstamp = ${stamp} AND Id > '${last.Id}')`;
    }
    expect(seen.sort()).toEqual(Array.from({ length: 11 }, (_none, index) => `N${index}`).sort());
  });

  it('comes in pages; what is not followed is not seen, and a lost page is an error', async () => {
    for (let count = 0; count < 8; count += 1) create('Contact', { LastName: `N${count}` });
    const first = (await world.query('SELECT LastName FROM Contact')).body;
    expect([first.totalSize, first.done, first.records.length]).toEqual([8, false, 3]);
    const all = await world.conn.query('SELECT LastName FROM Contact', { autoFetch: true });
    expect(all.records).toHaveLength(8);
    const rest = await world.conn.request<Json>(first.nextRecordsUrl);
    expect(rest.records).toHaveLength(3);
    world.control.forgetLocators();
    await expect(world.conn.request(rest.nextRecordsUrl)).rejects.toMatchObject({ errorCode: 'INVALID_QUERY_LOCATOR' });
    const other = (await world.query('SELECT LastName FROM Contact')).body;
    world.now.value += 2 * 86_400_000;
    await world.sandbox.control.idle();
    const late = await fetch(`${world.tokens.instance_url}${other.nextRecordsUrl}`, {
      headers: { Authorization: `Bearer ${world.tokens.access_token}` },
    });
    expect(late.status).toBe(401);
  });

  it('an eleventh open query ends the first', async () => {
    for (let count = 0; count < 4; count += 1) create('Contact', { LastName: `N${count}` });
    const first = (await world.query('SELECT Id FROM Contact')).body.nextRecordsUrl;
    for (let count = 0; count < 10; count += 1) await world.query('SELECT Id FROM Contact');
    await expect(world.conn.request(first)).rejects.toMatchObject({ errorCode: 'INVALID_QUERY_LOCATOR' });
  });

  it('has the deleted only where it was asked for them', async () => {
    const id = create('Contact', { LastName: 'gone' });
    world.control.remove(world.orgId, id);
    expect(await names('SELECT LastName FROM Contact')).toEqual([]);
    expect(await names('SELECT LastName FROM Contact WHERE IsDeleted = true', 'queryAll')).toEqual(['gone']);
    world.control.purge(world.orgId);
    expect(await names('SELECT LastName FROM Contact', 'queryAll')).toEqual([]);
  });
});

describe('what changed in a span of time', () => {
  const span = (from: string, to: string): string => `?start=${encodeURIComponent(from)}&end=${encodeURIComponent(to)}`;

  it('lists the changed and the deleted, and how far it has seen', async () => {
    const kept = create('Contact', { LastName: 'kept' });
    const gone = create('Contact', { LastName: 'gone' });
    const back = create('Contact', { LastName: 'back' });
    world.control.remove(world.orgId, gone);
    world.control.remove(world.orgId, back);
    world.control.undelete(world.orgId, back);
    const asked = span('2026-11-22T09:00:00+00:00', '2026-11-22T11:00:00+00:00');
    const updated = (await world.call('GET', `/sobjects/Contact/updated${asked}`)).body;
    expect(updated.ids.sort()).toEqual([kept, back].sort());
    expect(updated.latestDateCovered).toBe('2026-11-22T10:00:00.000+0000');
    const deleted = (await world.call('GET', `/sobjects/Contact/deleted${asked}`)).body;
    expect(deleted.deletedRecords).toEqual([{ id: gone, deletedDate: '2026-11-22T10:00:00.000+0000' }]);
    world.control.purge(world.orgId);
    expect((await world.call('GET', `/sobjects/Contact/deleted${asked}`)).body.deletedRecords).toHaveLength(1);
  });

  it.each([
    ['too long ago', 'updated', '2026-10-01T00:00:00Z', '2026-11-22T00:00:00Z'],
    ['too long ago for deletions', 'deleted', '2026-11-01T00:00:00Z', '2026-11-22T00:00:00Z'],
    ['a span of nothing', 'updated', '2026-11-22T09:00:00Z', '2026-11-22T09:00:30Z'],
    ['no date', 'updated', 'yesterday', '2026-11-22T09:00:30Z'],
  ])('%s is refused', async (_name, resource, from, to) => {
    expect(errorOf(await world.call('GET', `/sobjects/Contact/${resource}${span(from, to)}`))).toEqual([
      400,
      'INVALID_REPLICATION_DATE',
    ]);
  });

  it('a plus that nobody encoded is no date', async () => {
    const path = '/sobjects/Contact/updated?start=2026-11-22T09:00:00+00:00&end=2026-11-22T10:00:00Z';
    expect(errorOf(await world.call('GET', path))).toEqual([400, 'INVALID_REPLICATION_DATE']);
  });
});
