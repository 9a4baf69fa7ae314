import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MappedStage, StageCatalog, StageMetadata } from '../../src/domain/mapping.ts';
import {
  coveragePercent,
  type DealSample,
  draftOf,
  proposeMapping,
  type SampledDeal,
} from '../../src/domain/mapping-proposal.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 23);

const open = (id: string, label = id, probability: number | null = 0.5): StageMetadata => {
  return { id, label, isClosed: false, probability };
};
const won = (id: string, label = id): StageMetadata => ({ id, label, isClosed: true, probability: 1 });
const lost = (id: string, label = id): StageMetadata => ({ id, label, isClosed: true, probability: 0 });
const catalogOf = (pipelines: Record<string, readonly StageMetadata[]>): StageCatalog => ({
  pipelines: Object.entries(pipelines).map(([id, stages]) => ({ id, label: `Pipeline ${id}`, stages })),
});

let deals = 0;
/** A deal that went through these stages of a pipeline, two days in each, and came to the last one some days ago. */
function deal(pipelineId: string, stageIds: readonly string[], daysAgo = 10): SampledDeal {
  deals += 1;
  const begin = NOW - (daysAgo + 2 * (stageIds.length - 1)) * DAY;
  const history = stageIds.map((stageId, index) => ({ at: begin + index * 2 * DAY, pipelineId, stageId }));
  return { id: String(deals), history };
}
const times = (count: number, make: () => SampledDeal) => Array.from({ length: count }, make);
const sampleOf = (of: readonly SampledDeal[]): DealSample => {
  return { from: NOW - 365 * DAY, to: NOW, deals: of, isComplete: true, total: of.length };
};
const meaningsOf = (proposal: ReturnType<typeof proposeMapping>) =>
  Object.fromEntries(
    proposal.pipelines.flatMap(({ stages }) =>
      stages.map(({ stageId, stage, confidence }) => [stageId, `${stage} ${confidence}`]),
    ),
  );
const doubtsOf = (proposal: ReturnType<typeof proposeMapping>) =>
  proposal.uncertain.map(({ code, pipelineId, stageId, deals: of }) => `${code} ${pipelineId} ${stageId ?? '-'} ${of}`);

const SALES = [open('new', 'New', 0.1), open('offer', 'Offer', 0.5), won('w', 'Closed Won'), lost('l', 'Closed Lost')];

describe('a proposal', () => {
  test('of a usual pipeline tells how far along open stages are, by what became of deals', () => {
    const past = [
      ...times(12, () => deal('p', ['new', 'offer', 'w'])),
      ...times(8, () => deal('p', ['new', 'offer', 'l'])),
      ...times(40, () => deal('p', ['new', 'l'])),
      ...times(3, () => deal('p', ['new'])),
    ];
    const proposal = proposeMapping(catalogOf({ p: SALES }), [], sampleOf(past));
    expect(meaningsOf(proposal)).toEqual({
      new: 'qualified likely',
      offer: 'opportunity likely',
      w: 'won sure',
      l: 'lost sure',
    });
    expect(proposal.coverage).toEqual({
      ...{ deals: 63, throughMapped: 63, clear: 63, won: 12, lost: 48, open: 3, throughGone: 0 },
    });
    expect(proposal.pipelines[0]?.stages.map(({ figures }) => figures)).toMatchObject([
      { position: 1, of: 4, deals: 63, present: 3, won: 12, lost: 48, medianHours: 48, resting: 0 },
      { position: 2, deals: 20, present: 0, won: 12, lost: 8, medianHours: 48 },
      { position: 3, deals: 12, present: 12, won: 12, lost: 0, medianHours: null },
      { position: 4, deals: 48, present: 48, won: 0, lost: 48, medianHours: null },
    ]);
    expect(proposal.pipelines[0]?.stages[1]?.evidence.map(({ text }) => text)).toEqual([
      'The CRM says that it is open.',
      'Of 20 decided deals that were in it 12 were won (60 %), at least 33 in a hundred.',
      'Half of the deals leave it within 2 days.',
    ]);
    expect(draftOf(proposal)).toEqual([{ pipelineId: 'p', stageId: 'new', stage: 'qualified' }]);
    expect(proposal.uncertain).toEqual([]);
  });

  test('of two pipelines counts the deals of each by where they stand, and one without deals is said to be so', () => {
    const moved = deal('p', ['new']);
    const past = [
      ...times(10, () => deal('p', ['new', 'w'])),
      { ...moved, history: [...moved.history, { at: NOW - DAY, pipelineId: 'q', stageId: 'qw' }] },
    ];
    const catalog = catalogOf({ p: SALES, q: [open('qo'), won('qw'), lost('ql')], r: [open('ro'), won('rw')] });
    const proposal = proposeMapping(catalog, [], sampleOf(past));
    expect(proposal.pipelines.map(({ coverage }) => [coverage.deals, coverage.won])).toEqual([
      [10, 10],
      [1, 1],
      [0, 0],
    ]);
    expect(doubtsOf(proposal)).toEqual(['few_decided q - 1', 'no_deals r - 0']);
  });

  test('knows a won stage by its metadata, whatever it is called, and says where a name disagrees', () => {
    const catalog = catalogOf({ p: [open('closedwon', 'Closed won?'), won('x17', 'Kunde'), lost('x18', 'Verloren')] });
    const past = times(10, () => deal('p', ['closedwon', 'x17']));
    const proposal = proposeMapping(catalog, [], sampleOf(past));
    expect(meaningsOf(proposal)).toEqual({ closedwon: 'opportunity likely', x17: 'won sure', x18: 'lost sure' });
    expect(doubtsOf(proposal)).toEqual(['name_disagrees p closedwon 10']);
    const agreed = proposal.pipelines[0]?.stages[2]?.evidence.map(({ code }) => code);
    expect(agreed).toEqual(['metadata_lost', 'name_agrees']);
  });

  test('of a portal in which nobody closes deals says that none is won, where they rest, and wins nothing by itself', () => {
    const past = [...times(12, () => deal('p', ['new', 'offer'], 90)), ...times(3, () => deal('p', ['new']))];
    const proposal = proposeMapping(catalogOf({ p: SALES }), [], sampleOf(past));
    expect(doubtsOf(proposal)).toEqual(['won_never_reached p - 15', 'maybe_won p offer 12']);
    expect(meaningsOf(proposal).offer).toBe('opportunity likely');
    expect(draftOf(proposal)).toEqual([]);
  });

  test('of a pipeline without any won stage says that nothing could ever pay', () => {
    const catalog = catalogOf({ p: [open('new'), { id: 'done', label: 'Done', isClosed: true, probability: 0.8 }] });
    const proposal = proposeMapping(catalog, [], sampleOf(times(20, () => deal('p', ['new', 'done']))));
    expect(doubtsOf(proposal)).toEqual(['no_won_stage p - 20', 'closed_by_halves p done 20']);
    expect(meaningsOf(proposal)).toEqual({ new: 'qualified likely', done: 'lost unsure' });
    // All have passed "new", and of none it is clear what became of it.
    expect(proposal.coverage).toMatchObject({ deals: 20, throughMapped: 20, clear: 0, won: 0, lost: 0, open: 0 });
  });

  test('says when deals come back out of a stage that the CRM calls won', () => {
    const past = [...times(8, () => deal('p', ['new', 'w'])), ...times(5, () => deal('p', ['new', 'w', 'l']))];
    const proposal = proposeMapping(catalogOf({ p: SALES }), [], sampleOf(past));
    expect(meaningsOf(proposal).w).toBe('won likely');
    expect(doubtsOf(proposal)).toEqual(['often_left p w 5']);
  });

  test('does not when a few of very many do', () => {
    const past = [...times(500, () => deal('p', ['new', 'w'])), ...times(5, () => deal('p', ['new', 'w', 'l']))];
    expect(doubtsOf(proposeMapping(catalogOf({ p: SALES }), [], sampleOf(past)))).toEqual([]);
  });

  test('says that several stages are won, and how many deals have reached one', () => {
    const catalog = catalogOf({ p: [open('new'), won('w'), won('paid'), lost('l')] });
    const past = [
      ...times(9, () => deal('p', ['new', 'w'])),
      ...times(4, () => deal('p', ['new', 'paid'])),
      deal('p', ['new', 'l']),
    ];
    expect(doubtsOf(proposeMapping(catalog, [], sampleOf(past)))).toEqual(['several_won p - 13']);
  });

  test('says how many deals went through stages that are no more', () => {
    const past = [
      ...times(47, () => deal('p', ['new', 'w'])),
      ...times(2, () => deal('p', ['old', 'w'])),
      deal('p', ['old']),
      deal('gone', ['x']),
    ];
    const proposal = proposeMapping(catalogOf({ p: SALES }), [], sampleOf(past));
    expect(proposal.pipelines[0]?.coverage).toMatchObject({ deals: 50, throughMapped: 49, clear: 49, throughGone: 3 });
    expect(proposal.coverage).toMatchObject({ deals: 51, throughMapped: 49 });
    expect(coveragePercent(proposal.coverage)).toBe(96);
    expect(doubtsOf(proposal)).toEqual(['stage_gone p - 3']);
  });

  test('leaves what an admin has said, and says it again', () => {
    const said: MappedStage[] = [
      {
        ...{ pipelineId: 'p', pipelineLabel: 'P', stageId: 'offer', stageLabel: 'Offer' },
        stage: 'won',
        byMetadata: 'opportunity',
      },
    ];
    const proposal = proposeMapping(
      catalogOf({ p: SALES }),
      said,
      sampleOf(times(10, () => deal('p', ['new', 'offer']))),
    );
    expect(meaningsOf(proposal)).toMatchObject({ new: 'opportunity likely', offer: 'won sure' });
    expect(proposal.pipelines[0]?.coverage.won).toBe(10);
    expect(draftOf(proposal)).toEqual([{ pipelineId: 'p', stageId: 'offer', stage: 'won' }]);
  });

  test('of the record types of an org, which share their stages, is one for each', () => {
    const stages = [open('Prospecting'), won('Closed Won'), lost('Closed Lost')];
    const catalog = catalogOf({ '012000000000000AAA': stages, '012gK0000000001QAA': stages });
    const past = [
      ...times(10, () => deal('012gK0000000001QAA', ['Prospecting', 'Closed Won'])),
      ...times(10, () => deal('012000000000000AAA', ['Prospecting', 'Closed Lost'])),
    ];
    const proposal = proposeMapping(catalog, [], sampleOf(past));
    expect(proposal.pipelines.map(({ stages: of }) => of.map(({ stage }) => stage))).toEqual([
      ['qualified', 'won', 'lost'],
      ['opportunity', 'won', 'lost'],
    ]);
    expect(doubtsOf(proposal)).toEqual(['won_never_reached 012000000000000AAA - 10']);
  });

  test('of nothing says that nothing is known', () => {
    const proposal = proposeMapping(catalogOf({ p: SALES }), [], sampleOf([]));
    expect(meaningsOf(proposal)).toMatchObject({ new: 'opportunity likely', w: 'won sure' });
    expect(coveragePercent(proposal.coverage)).toBeNull();
    expect(doubtsOf(proposal)).toEqual(['no_deals p - 0']);
  });
});

describe('whatever a portal is like', () => {
  const stage = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    label: fc.constantFrom('New', 'Closed Won', 'Verloren', 'Gewonnen', 'Perdu', 'x'),
    isClosed: fc.boolean(),
    probability: fc.constantFrom(null, 0, 0.3, 0.5, 1),
  });
  const pipeline = fc.record({
    id: fc.constantFrom('p', 'q'),
    label: fc.string(),
    stages: fc.uniqueArray(stage, { selector: ({ id }) => id, minLength: 1 }),
  });
  const catalogs = fc.record({ pipelines: fc.uniqueArray(pipeline, { selector: ({ id }) => id, minLength: 1 }) });
  const point = fc.record({
    at: fc.integer({ min: NOW - 300 * DAY, max: NOW }),
    pipelineId: fc.constantFrom('p', 'q', 'gone'),
    stageId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'gone'),
  });
  const past = fc.uniqueArray(
    fc.record({
      id: fc.nat({ max: 500 }).map(String),
      history: fc.array(point, { maxLength: 5 }).map((points) => points.toSorted((a, b) => a.at - b.at)),
    }),
    { selector: ({ id }) => id, maxLength: 60 },
  );

  test('the order in which deals come changes nothing, and a deal that comes twice counts once', () => {
    fc.assert(
      fc.property(catalogs, past, (catalog, of) => {
        const twice = [...of.toReversed(), ...of];
        const again = proposeMapping(catalog, [], { ...sampleOf(twice), total: of.length });
        expect(again).toEqual(proposeMapping(catalog, [], sampleOf(of)));
      }),
    );
  });

  test('names decide nothing: with others the stages mean the same, as surely', () => {
    fc.assert(
      fc.property(catalogs, past, (catalog, of) => {
        const renamed = {
          pipelines: catalog.pipelines.map((one) => ({
            ...one,
            stages: one.stages.map((each) => ({ ...each, label: each.id })),
          })),
        };
        const [before, after] = [catalog, renamed].map((one) => proposeMapping(one, [], sampleOf(of)));
        expect(before && meaningsOf(before)).toEqual(after && meaningsOf(after));
        expect(before?.coverage).toEqual(after?.coverage);
      }),
    );
  });

  test('nothing is proposed as won but what the metadata says is won', () => {
    fc.assert(
      fc.property(catalogs, past, (catalog, of) => {
        const proposal = proposeMapping(catalog, [], sampleOf(of));
        for (const { pipelineId, stages } of proposal.pipelines)
          for (const { stageId, stage: meaning } of stages) {
            const meta = catalog.pipelines.find(({ id }) => id === pipelineId)?.stages.find(({ id }) => id === stageId);
            expect(meaning === 'won').toBe(meta?.isClosed === true && meta.probability === 1);
          }
      }),
    );
  });

  test('the coverage is what counting by hand gives', () => {
    fc.assert(
      fc.property(catalogs, past, (catalog, of) => {
        const proposal = proposeMapping(catalog, [], sampleOf(of));
        const isClear = (pipelineId: string, stageId: string) => {
          const stages = catalog.pipelines.find(({ id }) => id === pipelineId)?.stages ?? [];
          const meta = stages.find(({ id }) => id === stageId);
          return meta !== undefined && (!meta.isClosed || meta.probability === 0 || meta.probability === 1);
        };
        const counted = { deals: 0, throughMapped: 0, clear: 0 };
        for (const { history } of of) {
          const last = history.at(-1);
          if (!last) continue;
          counted.deals += 1;
          const here = history.filter(({ pipelineId }) => pipelineId === last.pipelineId);
          if (here.some(({ pipelineId, stageId }) => isClear(pipelineId, stageId))) counted.throughMapped += 1;
          if (isClear(last.pipelineId, last.stageId)) counted.clear += 1;
        }
        expect(proposal.coverage).toMatchObject(counted);
        const { won: ofWon, lost: ofLost, open: ofOpen, clear } = proposal.coverage;
        expect(ofWon + ofLost + ofOpen).toBe(clear);
      }),
    );
  });
});
