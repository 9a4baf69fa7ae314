import { describe, expect, test } from 'vitest';
import {
  changeOf,
  customerEntries,
  dealFigure,
  type FigureEntry,
  referralEntries,
  type StageMoment,
  type WonFigure,
} from '../../src/domain/figures.ts';
import { mapCatalog } from '../../src/domain/mapping.ts';
import type { DealFacts, DealPoint } from '../../src/domain/record.ts';
import type { Referral } from '../../src/domain/referral.ts';
import { CLOCK_SKEW_ALLOWED_MS, dayNumber } from '../../src/domain/time.ts';
import { type DealAt, dealsAt } from '../../src/domain/timeline.ts';
import { CATALOG, CONNECTION, DAY, dealOf, OPEN_REFERRAL, pointOf, T0 } from './world.ts';

const MAPPING = { version: 'map_1', entries: mapCatalog(CATALOG, []) };
const TODAY = dayNumber(T0);

/** An entry as a line: measure, label, day after that of T0, program, and money where there is some. */
function told({ measure, label, day, programId, currency, n, minor }: FigureEntry): string {
  const money = currency === '' && minor === 0n ? '' : ` ${minor} ${currency}`;
  return `${measure} ${label} +${day - TODAY} ${programId || '-'} ${n}${money}`;
}

const day = (days: number, more = 0) => T0 + days * DAY + more;
const was = (stage: string, since: number): StageMoment => ({ stage, since });

const SUBMITTED: Referral = { ...OPEN_REFERRAL, stage: 'submitted' };
const wonOn = (at: number): Referral => ({ ...OPEN_REFERRAL, stage: 'won', stageSince: at });

describe('a referral counts for', () => {
  test.each<[string, Referral, readonly StageMoment[], readonly string[]]>([
    [
      'its submission, when nothing else has come of it',
      SUBMITTED,
      [],
      ['submitted label +0 default 1', 'standing submitted +0 default 1', 'brought mem_1 +0 default 1'],
    ],
    [
      'every stage up to the one that it has come to, all on the day of its submission, and the day of each step',
      { ...OPEN_REFERRAL, stage: 'opportunity', stageSince: day(9) },
      [was('accepted', day(2)), was('qualified', day(5, 1))],
      [
        'submitted label +0 default 1',
        'standing opportunity +0 default 1',
        'reached accepted +0 default 1',
        'reached qualified +0 default 1',
        'reached opportunity +0 default 1',
        'brought mem_1 +0 default 1',
        'tookAccepted 2 +2 default 1',
        'tookQualified 3 +5 default 1',
        'tookOpportunity 3 +9 default 1',
      ],
    ],
    [
      'the stages that it passed over too, which are a part of no step',
      wonOn(day(7)),
      [],
      [
        'submitted label +0 default 1',
        'standing won +0 default 1',
        'reached accepted +0 default 1',
        'reached qualified +0 default 1',
        'reached opportunity +0 default 1',
        'reached won +0 default 1',
        'brought mem_1 +0 default 1',
        'converted label +0 default 1',
        'matured 0 +0 default 1',
        'won label +7 default 1',
        'memberWon mem_1 +7 default 1',
        'tookAll 7 +7 default 1',
      ],
    ],
    [
      'the step to the win, when it was open before',
      wonOn(day(7)),
      [was('opportunity', day(3)), was('won', day(7))],
      [
        'submitted label +0 default 1',
        'standing won +0 default 1',
        'reached accepted +0 default 1',
        'reached qualified +0 default 1',
        'reached opportunity +0 default 1',
        'reached won +0 default 1',
        'brought mem_1 +0 default 1',
        'converted label +0 default 1',
        'matured 0 +0 default 1',
        'won label +7 default 1',
        'memberWon mem_1 +7 default 1',
        'tookWon 4 +7 default 1',
        'tookAll 7 +7 default 1',
      ],
    ],
    [
      'the first time at a stage, and the last win',
      wonOn(day(20)),
      [was('won', day(6)), was('opportunity', day(8)), was('opportunity', day(4))],
      [
        'submitted label +0 default 1',
        'standing won +0 default 1',
        'reached accepted +0 default 1',
        'reached qualified +0 default 1',
        'reached opportunity +0 default 1',
        'reached won +0 default 1',
        'brought mem_1 +0 default 1',
        'converted label +0 default 1',
        'matured 0 +0 default 1',
        'won label +20 default 1',
        'memberWon mem_1 +20 default 1',
        'tookWon 16 +20 default 1',
        'tookAll 20 +20 default 1',
      ],
    ],
    [
      'an open one, when it was won and is open again',
      { ...OPEN_REFERRAL, stageSince: day(9) },
      [was('won', day(5))],
      [
        'submitted label +0 default 1',
        'standing opportunity +0 default 1',
        'reached accepted +0 default 1',
        'reached qualified +0 default 1',
        'reached opportunity +0 default 1',
        'brought mem_1 +0 default 1',
      ],
    ],
    [
      'as far as it had come, when it was lost',
      { ...OPEN_REFERRAL, stage: 'lost', stageSince: day(9) },
      [was('accepted', day(1)), was('qualified', day(1))],
      [
        'submitted label +0 default 1',
        'standing lost +0 default 1',
        'reached accepted +0 default 1',
        'reached qualified +0 default 1',
        'brought mem_1 +0 default 1',
        'tookAccepted 1 +1 default 1',
        'tookQualified 0 +1 default 1',
      ],
    ],
    [
      'nothing but its submission, when it was declined at once',
      { ...OPEN_REFERRAL, stage: 'declined', source: 'code' },
      [],
      ['submitted code +0 default 1', 'standing declined +0 default 1', 'brought mem_1 +0 default 1'],
    ],
  ])('%s', (_, referral, moments, entries) => {
    expect(referralEntries(referral, moments).map(told)).toEqual(entries);
  });

  test.each([
    ['2026-01-31T23:59:59Z', '2026-02-01T00:00:00Z', '1'],
    ['2026-01-01T00:00:00Z', '2026-01-31T23:59:59Z', '0'],
    ['2025-11-15T00:00:00Z', '2027-02-01T00:00:00Z', '15'],
    ['2026-03-01T00:00:00Z', '2026-01-31T00:00:00Z', '0'],
  ])('submitted at %s and won at %s, a win of month %s', (submitted, won, months) => {
    const referral = { ...wonOn(Date.parse(won)), submittedAt: Date.parse(submitted) };
    const matured = referralEntries(referral, []).filter(({ measure }) => measure === 'matured');
    expect(matured.map(({ label }) => label)).toEqual([months]);
  });
});

function dealAtOf(history: readonly DealPoint[], more: Partial<DealFacts> = {}, contacts = ['2']): DealAt {
  const [dealAt] = dealsAt([dealOf('9', contacts, history, more)], MAPPING, day(1_000));
  if (!dealAt) throw new Error('the deal is not there');
  return dealAt;
}

const WON = [pointOf(day(1)), pointOf(day(11), { stageId: '4711' })];

const refund = (amount: string, currency = 'EUR') => ({
  source: 'shop',
  id: amount,
  at: day(12),
  amount,
  currency,
  undoneAt: null,
});

interface Counted {
  readonly customerId: string | null;
  readonly won: WonFigure;
  readonly entries: readonly string[];
}

function counted(dealAt: DealAt, candidates: readonly Referral[]): Counted | null {
  const figure = dealFigure(dealAt, candidates);
  return figure && { ...figure, entries: figure.entries.map(told) };
}

describe('a deal counts for', () => {
  test.each<[string, readonly DealPoint[]]>([
    ['open', [pointOf(day(1))]],
    ['lost', [pointOf(day(1)), pointOf(day(2), { stageId: 'gone' })]],
    ['won and opened again', [...WON, pointOf(day(12))]],
    ['at a stage that the mapping does not know', [...WON, pointOf(day(12), { stageId: 'new' })]],
  ])('nothing while it is %s', (_, history) => {
    expect(dealFigure(dealAtOf(history), [OPEN_REFERRAL])).toBeNull();
  });

  test('nothing while its stage is not known, whatever was known before', () => {
    expect(dealFigure({ ...dealAtOf(WON), stage: null }, [OPEN_REFERRAL])).toBeNull();
  });

  const referred = (more: Partial<WonFigure> = {}): WonFigure => ({
    ...{ who: 'referred', programId: 'default', day: TODAY + 11, currency: 'EUR', netMinor: 100_000n },
    ...more,
  });
  const other = (more: Partial<WonFigure> = {}): WonFigure => referred({ who: 'other', programId: '', ...more });
  const AS_REFERRED = [
    'deals referred +11 default 1 100000 EUR',
    'closeReferred 10 +11 default 1',
    'revenue label +11 default 1 100000 EUR',
    'memberRevenue mem_1 +11 default 1 100000 EUR',
    'yielded label +0 default 1 100000 EUR',
  ];
  const [DEALS, CLOSE, ...REVENUE] = AS_REFERRED as [string, string, string, string, string];

  test.each<[string, DealAt, readonly Referral[], Counted]>([
    [
      "a referred customer and the member, on the days of the win and of the referral's submission",
      dealAtOf(WON),
      [OPEN_REFERRAL],
      { customerId: '2', won: referred(), entries: AS_REFERRED },
    ],
    [
      'another customer, when no referral is known',
      dealAtOf(WON),
      [],
      {
        customerId: '2',
        won: other(),
        entries: ['deals other +11 - 1 100000 EUR', 'closeOther 10 +11 - 1'],
      },
    ],
    [
      'nobody, when no contact is on it',
      dealAtOf(WON, {}, []),
      [],
      {
        customerId: null,
        won: other(),
        entries: ['deals other +11 - 1 100000 EUR', 'closeOther 10 +11 - 1'],
      },
    ],
    [
      'less, by what was given back',
      dealAtOf(WON, { refunds: [refund('250.00')] }),
      [OPEN_REFERRAL],
      {
        customerId: '2',
        won: referred({ netMinor: 75_000n }),
        entries: [DEALS, CLOSE, 'refunded referred +11 default 1 25000 EUR', ...REVENUE],
      },
    ],
    [
      'no less than nothing, when more was given back than it cost',
      dealAtOf(WON, { refunds: [refund('1000.01')] }),
      [],
      {
        customerId: '2',
        won: other({ netMinor: 0n }),
        entries: ['deals other +11 - 1 100000 EUR', 'closeOther 10 +11 - 1', 'refunded other +11 - 1 100000 EUR'],
      },
    ],
    [
      'all of it, when what was given back cannot be compared with it',
      dealAtOf(WON, { refunds: [refund('10.00', 'USD')] }),
      [OPEN_REFERRAL],
      { customerId: '2', won: referred(), entries: AS_REFERRED },
    ],
    [
      'a deal without money, when its amount cannot be read',
      dealAtOf([pointOf(day(11), { stageId: '4711', amount: 'ten' })], { refunds: [refund('10.00')] }),
      [OPEN_REFERRAL],
      {
        customerId: '2',
        won: referred({ currency: '', netMinor: 0n }),
        entries: [
          'deals referred +11 default 1',
          'closeReferred 0 +11 default 1',
          'unread referred +11 default 1',
          'revenue label +11 default 1',
          'memberRevenue mem_1 +11 default 1',
          'yielded label +0 default 1',
        ],
      },
    ],
    [
      'the friend of its referral, whoever else is on it',
      dealAtOf(WON, {}, ['10', '2', '1']),
      [OPEN_REFERRAL],
      { customerId: '2', won: referred(), entries: AS_REFERRED },
    ],
    [
      'the first of its contacts by id, when the friend is not on it',
      dealAtOf(WON, {}, ['30', '10', '20']),
      [OPEN_REFERRAL],
      { customerId: '10', won: referred(), entries: AS_REFERRED },
    ],
    [
      'the first of its contacts, when the friend is a contact of another connection with the same id',
      dealAtOf(WON, {}, ['1', '2']),
      [
        {
          ...OPEN_REFERRAL,
          friend: { ...OPEN_REFERRAL.friend, contact: { connectionId: 'con_2', object: 'contact', id: '2' } },
        },
      ],
      { customerId: '1', won: referred(), entries: AS_REFERRED },
    ],
    [
      'the first of its contacts, when the friend has no contact yet',
      dealAtOf(WON, {}, ['1', '2']),
      [{ ...OPEN_REFERRAL, friend: { ...OPEN_REFERRAL.friend, contact: null } }],
      { customerId: '1', won: referred(), entries: AS_REFERRED },
    ],
  ])('%s', (_, dealAt, candidates, figure) => {
    expect(dealAt.deal.ref.connectionId).toBe(CONNECTION);
    expect(counted(dealAt, candidates)).toEqual(figure);
  });

  test('its first moment, when its history does not go back so far', () => {
    const dealAt = dealAtOf(WON);
    const withoutHistory = { ...dealAt, deal: { ...dealAt.deal, history: [] } };
    expect(counted(withoutHistory, [])?.entries).toEqual(['deals other +11 - 1 100000 EUR', 'closeOther 0 +11 - 1']);
  });

  const submitted = (id: string, submittedAt: number, more: Partial<Referral> = {}): Referral => ({
    ...{ ...OPEN_REFERRAL, id, programId: id, submittedAt },
    ...more,
  });
  test.each<[string, readonly Referral[], string]>([
    ['of the one who was submitted first', [submitted('b', day(2)), submitted('a', day(3))], 'b'],
    ['of the one with the lower id at the same moment', [submitted('b', day(2)), submitted('a', day(2))], 'a'],
    ['whichever is asked first', [submitted('a', day(2)), submitted('b', day(2))], 'a'],
    ['not of one that is declined', [submitted('a', day(2), { stage: 'declined' }), submitted('b', day(3))], 'b'],
    ['not of one submitted after the win', [submitted('a', day(12), { source: 'explicit' })], ''],
    [
      'of one submitted after the win by as much as clocks differ',
      [submitted('a', day(11, CLOCK_SKEW_ALLOWED_MS), { source: 'explicit' })],
      'a',
    ],
    ['not by more', [submitted('a', day(11, CLOCK_SKEW_ALLOWED_MS + 1), { source: 'explicit' })], ''],
    ['of one whom the CRM names, at whatever time', [submitted('a', day(12), { source: 'label' })], 'a'],
  ])('the referral %s', (_, candidates, program) => {
    expect(dealFigure(dealAtOf(WON), candidates)?.won.programId).toBe(program);
  });
});

describe('a customer counts', () => {
  const won = (days: number, more: Partial<WonFigure> = {}): WonFigure => ({
    ...{ who: 'referred', programId: 'default', day: TODAY + days, currency: 'EUR', netMinor: 1_000n },
    ...more,
  });
  const other = (days: number, more: Partial<WonFigure> = {}) => won(days, { who: 'other', programId: '', ...more });

  test.each<[string, readonly WonFigure[], readonly string[]]>([
    ['for nothing without a won deal', [], []],
    [
      'once, for what the one deal came to',
      [won(3)],
      ['customers referred +3 default 1', 'lifetime referred +3 default 1 1000 EUR'],
    ],
    [
      'as one who came back, with the sum of each currency, on the day of the first win',
      [won(9, { netMinor: 50n }), won(3), won(5, { currency: 'USD', netMinor: 7n })],
      [
        'customers referred +3 default 1',
        'repeated referred +3 default 1',
        'lifetime referred +3 default 1 1050 EUR',
        'lifetime referred +3 default 1 7 USD',
      ],
    ],
    [
      "as another customer, when the first deal was nobody's",
      [won(9), other(3)],
      ['customers other +3 - 1', 'repeated other +3 - 1', 'lifetime other +3 - 1 2000 EUR'],
    ],
    [
      'as a referred one, when a referred deal was won on the same day',
      [other(3), won(3)],
      ['customers referred +3 default 1', 'repeated referred +3 default 1', 'lifetime referred +3 default 1 2000 EUR'],
    ],
    [
      'as a referred one, in whatever order the deals of a day come',
      [won(3), other(3)],
      ['customers referred +3 default 1', 'repeated referred +3 default 1', 'lifetime referred +3 default 1 2000 EUR'],
    ],
    [
      'for the first program by name of two on the same day',
      [won(3, { programId: 'spring' }), won(3, { programId: 'autumn' })],
      ['customers referred +3 autumn 1', 'repeated referred +3 autumn 1', 'lifetime referred +3 autumn 1 2000 EUR'],
    ],
    [
      'for the first program by name, in whatever order they come',
      [won(3, { programId: 'autumn' }), won(3, { programId: 'spring' })],
      ['customers referred +3 autumn 1', 'repeated referred +3 autumn 1', 'lifetime referred +3 autumn 1 2000 EUR'],
    ],
    [
      'without money, when no amount can be read',
      [won(3, { currency: '', netMinor: 0n })],
      ['customers referred +3 default 1'],
    ],
  ])('%s', (_, deals, entries) => {
    expect(customerEntries(deals).map(told)).toEqual(entries);
  });
});

describe('what is added to the sums', () => {
  const entry = (more: Partial<FigureEntry> = {}): FigureEntry => ({
    ...{ measure: 'deals', day: TODAY, programId: 'default', label: 'referred', currency: 'EUR', n: 1, minor: 500n },
    ...more,
  });

  test.each<[string, readonly FigureEntry[], readonly FigureEntry[], readonly FigureEntry[]]>([
    ['is nothing where nothing changed', [entry(), entry({ day: 1 })], [entry({ day: 1 }), entry()], []],
    ['is what is new', [], [entry()], [entry()]],
    ['is what is gone, with the sign turned', [entry()], [], [entry({ n: -1, minor: -500n })]],
    ['is the difference of the money alone', [entry()], [entry({ minor: 700n })], [entry({ n: 0, minor: 200n })]],
    ['is the difference of the count alone', [entry()], [entry({ n: 3 })], [entry({ n: 2, minor: 0n })]],
    ['is one entry for two of a kind', [], [entry(), entry({ minor: 1n })], [entry({ n: 2, minor: 501n })]],
    ...(
      [
        { measure: 'revenue' },
        { day: TODAY + 1 },
        { programId: 'spring' },
        { label: 'other' },
        { currency: 'USD' },
      ] as const
    ).map((more): [string, FigureEntry[], FigureEntry[], FigureEntry[]] => [
      `is two sums where the ${Object.keys(more)} is another`,
      [entry()],
      [entry(more)],
      [entry({ n: -1, minor: -500n }), entry(more)],
    ]),
  ])('%s', (_, before, after, change) => {
    expect(changeOf(before, after)).toEqual(change);
  });
});
