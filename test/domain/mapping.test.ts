import { expect, test } from 'vitest';
import { mapCatalog, type StageCatalog, withSaid } from '../../src/domain/mapping.ts';

const stage = (id: string, changes: Partial<StageCatalog['pipelines'][number]['stages'][number]> = {}) => ({
  id,
  label: id.toUpperCase(),
  isClosed: false,
  probability: 0.5,
  ...changes,
});
const catalog = (...stages: ReturnType<typeof stage>[]): StageCatalog => ({
  pipelines: [{ id: 'p', label: 'Sales', stages }],
});
const WON = stage('won', { isClosed: true, probability: 1 });
const meansOf = (entries: ReturnType<typeof mapCatalog>) =>
  Object.fromEntries(entries.map(({ stageId, stage: means, byMetadata }) => [stageId, [means, byMetadata]]));

const SENT = { pipelineId: 'p', stageId: 'sent', stage: 'qualified' } as const;

test('what an admin said of a stage stays when the catalogue is read anew, with its new label and what the metadata says now', () => {
  const said = withSaid(mapCatalog(catalog(stage('sent'), WON), []), [SENT]);
  expect(meansOf(said)).toEqual({ sent: ['qualified', 'opportunity'], won: ['won', undefined] });
  const closed = stage('sent', { label: 'Signed', isClosed: true, probability: 1 });
  const again = mapCatalog(catalog(closed, WON), said);
  expect(meansOf(again)).toEqual({ sent: ['qualified', 'won'], won: ['won', undefined] });
  expect(again.find(({ stageId }) => stageId === 'sent')?.stageLabel).toBe('Signed');
});

test('what was not said again goes by the metadata, and leaves nothing behind', () => {
  const plain = mapCatalog(catalog(stage('sent'), WON), []);
  expect(withSaid(withSaid(plain, [SENT]), [])).toEqual(plain);
});

test('a word that agrees with the metadata is a word all the same: it stays when the metadata changes', () => {
  const said = withSaid(mapCatalog(catalog(stage('sent'), WON), []), [{ ...SENT, stage: 'opportunity' }]);
  const lost = stage('sent', { isClosed: true, probability: 0 });
  expect(meansOf(mapCatalog(catalog(lost, WON), said)).sent).toEqual(['opportunity', 'lost']);
});

test('a stage that has left the CRM keeps what was said of it, and gets it back when it returns', () => {
  const said = withSaid(mapCatalog(catalog(stage('sent'), WON), []), [SENT]);
  const without = mapCatalog(catalog(WON), said);
  expect(meansOf(without).sent).toEqual(['qualified', 'opportunity']);
  expect(mapCatalog(catalog(stage('sent'), WON), without)).toEqual(said);
});

test('stages stand in the order in which the CRM has them, and those that have left it behind them', () => {
  const gone = mapCatalog(catalog(stage('old'), stage('aged')), []);
  const now = mapCatalog(catalog(stage('sent'), stage('called'), WON), gone);
  expect(now.map(({ stageId }) => stageId)).toEqual(['sent', 'called', WON.id, 'aged', 'old']);
});
