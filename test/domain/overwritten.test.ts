import { describe, expect, test } from 'vitest';
import { overwrittenIn, type ReportedChange } from '../../src/domain/overwritten.ts';

const deal = (id: string, ...fields: string[]): ReportedChange => ({ object: 'deal', id, fields });
const contact = (id: string, ...fields: string[]): ReportedChange => ({ object: 'contact', id, fields });

describe('a field that is set back', () => {
  test('is one that the same record showed changed in three reports in a row', () => {
    const reports = [[deal('1', 'stage', 'state')], [deal('1', 'state')], [deal('1', 'stage', 'state')]];
    expect(overwrittenIn(reports)).toEqual([{ object: 'deal', field: 'state', ids: ['1'] }]);
  });

  test('is named once with all of its records, apart for contacts and deals', () => {
    const report = [contact('1', 'a'), deal('1', 'a'), deal('2', 'a')];
    expect(overwrittenIn([report, report, report])).toEqual([
      { object: 'contact', field: 'a', ids: ['1'] },
      { object: 'deal', field: 'a', ids: ['1', '2'] },
    ]);
  });

  test.each([
    ['two reports', [[deal('1', 'a')], [deal('1', 'a')]]],
    ['no report', []],
    ['another record each time', [[deal('1', 'a')], [deal('2', 'a')], [deal('3', 'a')]]],
    ['a report between that found it as it should be', [[deal('1', 'a')], [], [deal('1', 'a')]]],
    ['a newest report that found it as it should be', [[], [deal('1', 'a')], [deal('1', 'a')]]],
    ['a deal and a contact of one id', [[deal('1', 'a')], [contact('1', 'a')], [deal('1', 'a')]]],
  ])('is none after %s', (_, reports) => {
    expect(overwrittenIn(reports)).toEqual([]);
  });
});
