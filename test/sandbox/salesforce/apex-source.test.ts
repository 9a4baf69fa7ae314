import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  readNumbers,
  readQueries,
  readViews,
  restSoql,
  viewOf,
} from '../../../src/sandbox/web/salesforce/apex-source.ts';

const CLASSES = 'extensions/salesforce/force-app/main/default/classes';
const controller = readFileSync(`${CLASSES}/ReferralHistoryController.cls`, 'utf8');

describe('what is read from the text of a class', () => {
  it('is every query of the controller, so that none is answered by hand', () => {
    const queries = readQueries(controller);
    expect([...queries.keys()].sort()).toEqual([
      'actions',
      'found',
      'members',
      'referrals',
      'rewards',
      'roles',
      'texts',
    ]);
    expect(queries.size).toBe([...controller.matchAll(/\[\s*SELECT\b/g)].length);
    for (const { object, soql } of queries.values()) expect(soql).toContain(` FROM ${object} WHERE `);
  });

  it('is each limit that a query has', () => {
    const numbers = readNumbers(controller);
    expect(numbers.get('ROWS_MAX')).toBe(200);
    const bound = [...controller.matchAll(/LIMIT :(\w+)/g)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'rowsMax');
    expect(bound.length).toBeGreaterThan(3);
    for (const name of bound) expect(numbers.get(name), name).toBeGreaterThan(0);
  });

  it('is no list that two queries fill, and no view that does more than copy', () => {
    const twice = 'List<A> a = [SELECT Id FROM A]; List<A> a = [SELECT Id FROM A];';
    expect(() => readQueries(twice)).toThrow('two queries fill a list called a');
    expect(() => readViews('public A(B row) { this.c = row.D + 1; }')).toThrow(
      'A does more than copy: this.c = row.D + 1',
    );
  });

  it('copies a row as the view would, and null where a record is missing', () => {
    const copies = readViews('public A(B row) { this.c = row.D__c; this.e = row.F__r?.G; }').get('A') ?? new Map();
    expect(viewOf(copies, { D__c: 1, F__r: { G: 'h' } })).toEqual({ c: 1, e: 'h' });
    expect(viewOf(copies, { D__c: null, F__r: null })).toEqual({ c: null, e: null });
  });
});

describe('a query for REST', () => {
  it('has its binds written out, quoted', () => {
    const soql = 'SELECT Id FROM A WHERE B = :b AND C IN :c AND D LIKE :d WITH USER_MODE LIMIT :e';
    expect(restSoql(soql, { b: "O'H\\", c: ['1', '2'], d: '%\\_%', e: 3 })).toBe(
      "SELECT Id FROM A WHERE B = 'O\\'H\\\\' AND C IN ('1','2') AND D LIKE '%\\\\_%' LIMIT 3",
    );
  });

  it('finds nothing in an empty set, as Apex does', () => {
    expect(restSoql('SELECT Id FROM A WHERE B IN :b OR C = :c', { b: [], c: 'x' })).toBe(
      "SELECT Id FROM A WHERE Id = NULL OR C = 'x'",
    );
  });

  it('is refused without a value for a bind', () => {
    expect(() => restSoql('SELECT Id FROM A WHERE B = :b', {})).toThrow(':b');
  });
});
