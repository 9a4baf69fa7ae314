import { z } from 'zod';
import { csvOf } from '../../application/csv.ts';
import type { Finance } from '../../application/finance.ts';
import type { KeptTaxReport } from '../../application/ports/store.ts';
import type { KeptTaxSettings, ShownTaxRow } from '../../application/tax.ts';
import { exponentOf, parseAmount } from '../../domain/money.ts';
import { countryOf, TAX_STATES } from '../../domain/tax.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { csvPage, listOf, nextCursorOf, pageOf, pageParameters, sentence, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { moneyView } from './views.ts';

const FORM_LENGTH_MAX = 120;
const SOURCE_LENGTH_MAX = 400;
/** Every country, with some years each. */
const THRESHOLDS_MAX = 1_000;
const YEAR_MIN = 1900;
const YEAR_MAX = 9999;

const year = z
  .string('must be given once')
  .regex(/^(19|[2-9][0-9])[0-9]{2}$/, 'must be a year, such as 2026')
  .meta({ description: 'A calendar year in UTC, by the time of booking.', example: '2026' });

const state = z.enum(TAX_STATES).meta({
  description:
    'above: at the threshold or beyond · near: from the share on that the account warns at · unknown_country · other_currency: given in another currency than the threshold’s, which is not converted · no_threshold: none was entered for the country · below',
});

const moneySchema = z.strictObject({ amount: z.string(), currency: z.string() });

const thresholdShape = {
  country: z
    .string('must be text')
    .refine(
      (text) => /^[A-Z]{2}$/.test(text) && countryOf(text) !== null,
      'must be a country as ISO 3166 has it, such as US',
    )
    .meta({ example: 'US', pattern: '^[A-Z]{2}$' }),
  fromYear: z
    .int('must be a whole number')
    .min(YEAR_MIN, `must be ${YEAR_MIN} or later`)
    .max(YEAR_MAX, `must be ${YEAR_MAX} or earlier`)
    .meta({ description: 'Holds from this year on, until the next entry for the country.', example: 2026 }),
  amount: z.string('must be text').meta({ description: 'At this amount and beyond.', example: '2000.00' }),
  currency: z
    .string('must be text')
    .refine((code) => exponentOf(code) !== undefined, 'must be a currency as ISO 4217 has it, such as EUR')
    .meta({ example: 'USD' }),
  form: sentence(FORM_LENGTH_MAX).meta({ description: 'What is to be filed.', example: 'Form 1099-NEC' }),
  source: sentence(SOURCE_LENGTH_MAX).meta({ description: 'Where it stands.', example: '26 U.S.C. § 6041(a)' }),
};

const settingsShape = {
  version: z.int('must be a whole number').min(0, 'must be 0 or more'),
  countryProperty: z
    .string('must be text or null')
    .regex(
      /^[A-Za-z][A-Za-z0-9_]{0,99}$/,
      'must be the internal name of a contact property, such as hs_country_region_code',
    )
    .nullable()
    .meta({
      description:
        'The CRM’s own name of the contact property that holds a person’s country, as a code of two letters or an English name. Read with each contact from then on.',
      example: 'hs_country_region_code',
    }),
  warnAtPercent: z
    .int('must be a whole number')
    .min(1, 'must be from 1 to 100')
    .max(100, 'must be from 1 to 100')
    .meta({ example: 80 }),
  thresholds: z
    .array(z.strictObject(thresholdShape), 'must be a list of thresholds')
    .max(THRESHOLDS_MAX, `must have at most ${THRESHOLDS_MAX} entries`)
    .refine(
      (all) => new Set(all.map(({ country, fromYear }) => `${country} ${fromYear}`)).size === all.length,
      'must have one entry for a country and year',
    ),
};

const settingsSchema = z
  .strictObject(settingsShape)
  .meta({ id: 'TaxSettings', description: 'No advice: figures that somebody has entered, with where they stand.' });

const reportSchema = z.strictObject({
  id: z.string(),
  year: z.int(),
  state: z.enum(['running', 'done']),
  journals: z.int().meta({ description: 'Looked at so far.' }),
  counts: z
    .strictObject(Object.fromEntries(TAX_STATES.map((one) => [one, z.int()])))
    .meta({ description: 'Beneficiaries and currencies in each list.' }),
  settingsVersion: z.int(),
  startedAt: time,
  startedBy: z.string(),
  finishedAt: time.nullable(),
});

const rowSchema = z
  .strictObject({
    id: z.string(),
    beneficiaryId: z.string().meta({ description: 'The member’s id, or the referral’s whose friend it is.' }),
    name: z.string().nullable(),
    email: z.string().nullable(),
    country: z.string().nullable(),
    given: moneySchema.meta({ description: 'Given in the year, less what was taken back in it.' }),
    threshold: z.strictObject({ amount: z.string(), currency: z.string(), form: z.string() }).nullable(),
    missing: z
      .array(z.enum(['country', 'name', 'email']))
      .meta({ description: 'Not known here. Tax numbers and signed forms are never kept here.' }),
  })
  .meta({ id: 'TaxRow' });

const inYear = z.strictObject({ year });

export interface TaxApiDeps {
  readonly finance: Pick<Finance, 'tax'>;
}

export function tax({ finance: { tax: desk } }: TaxApiDeps): Operation[] {
  const query = z.strictObject({ ...pageParameters, list: state.optional() });

  async function pageOfRows(
    accountId: string,
    inWhich: string,
    { list = 'above', ...asked }: z.output<typeof query>,
  ): Promise<{ items: ShownTaxRow[]; nextCursor: string | null }> {
    const { limit, cursor } = pageOf('rows', asked);
    const { done } = await desk.ofYear(accountId, Number(inWhich));
    if (!done) return { items: [], nextCursor: null };
    const found = await desk.rows(accountId, done.id, list, cursor ? cursor.at : -1, limit + 1);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next = found.length > limit && last ? { at: last.number, id: last.beneficiaryId } : null;
    return { items, nextCursor: nextCursorOf('rows', next) };
  }

  return [
    operation({
      id: 'getTaxSettings',
      tag: 'Tax',
      method: 'get',
      path: '/tax/settings',
      summary: 'Get the thresholds, and where a person’s country is read from',
      query: z.strictObject({}),
      statuses: { 200: 'The newest version; version 0 is what is there from the start.' },
      answer: settingsSchema,
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: settingsView(await desk.settings(accountId)) };
      },
    }),
    operation({
      id: 'setTaxSettings',
      tag: 'Tax',
      method: 'put',
      path: '/tax/settings',
      summary: 'Set the thresholds, and where a person’s country is read from',
      description:
        'Every version is kept. Reports that were made before stay as they are until the year is added up again. No advice: what has to be filed, and for whom, is for a tax adviser.',
      body: settingsSchema,
      statuses: { 200: 'The settings as they are now.' },
      answer: settingsSchema,
      problems: ['settings_changed'],
      async handle({ accountId, actor, body: { version, thresholds, ...rest } }) {
        const settings = {
          ...rest,
          thresholds: thresholds.map(({ amount, currency, ...one }, index) => {
            const parsed = parseAmount(amount, currency);
            if (!parsed.ok || parsed.money.minor === 0n)
              throw new HttpProblem('invalid_request', 'A threshold is not an amount.', {
                errors: [
                  {
                    field: `thresholds.${index}.amount`,
                    problem: `must be a decimal above zero with no more decimals than ${currency} has`,
                  },
                ],
              });
            return { ...one, amount: parsed.money };
          }),
        };
        const saved = await desk.saveSettings(accountId, settings, { basis: version, by: actor });
        if (!saved)
          throw new HttpProblem('settings_changed', 'Read the settings again, and make your change to them.', {
            errors: [{ field: 'version', problem: 'must be the newest one' }],
          });
        return { status: 200, body: settingsView(saved) };
      },
    }),
    operation({
      id: 'startTaxReport',
      tag: 'Tax',
      method: 'post',
      path: '/tax/{year}/report',
      summary: 'Add up what beneficiaries were given in a year',
      description:
        'In the background; one that is under way is not begun again. Given is what providers and credit gave, less what was taken back, by the time of booking, in each currency by itself.',
      params: inYear,
      statuses: { 202: 'The report that was begun, or is under way.' },
      answer: reportSchema,
      problems: ['not_found'],
      async handle({ accountId, actor, params }) {
        return { status: 202, body: reportView(await desk.start(accountId, Number(params.year), actor)) };
      },
    }),
    operation({
      id: 'getTaxReport',
      tag: 'Tax',
      method: 'get',
      path: '/tax/{year}/report',
      summary: 'Get how a year stands against the thresholds',
      params: inYear,
      statuses: { 200: 'The newest report that is done and the one that is under way; null for none.' },
      answer: z.strictObject({ done: reportSchema.nullable(), running: reportSchema.nullable() }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const { done, running } = await desk.ofYear(accountId, Number(params.year));
        return { status: 200, body: { done: done && reportView(done), running: running && reportView(running) } };
      },
    }),
    operation({
      id: 'listTaxRows',
      tag: 'Tax',
      method: 'get',
      path: '/tax/{year}/rows',
      summary: 'List beneficiaries of a year in one list of the newest report, those with the most first',
      params: inYear,
      query,
      statuses: { 200: 'A page of beneficiaries; empty while there is no report.' },
      answer: listOf(rowSchema),
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params, query: asked }) {
        const { items, nextCursor } = await pageOfRows(accountId, params.year, asked);
        return { status: 200, body: { items: items.map(rowView), nextCursor } };
      },
    }),
    operation({
      id: 'exportTaxRows',
      tag: 'Tax',
      method: 'get',
      path: '/tax/{year}/rows/csv',
      summary: 'A page of beneficiaries of a year as CSV',
      description: 'Safe to open in a spreadsheet: no field is taken for a formula.',
      params: inYear,
      query,
      statuses: { 200: 'The page, with a first line that names the columns.' },
      answer: csvPage,
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params, query: asked }) {
        const { items, nextCursor } = await pageOfRows(accountId, params.year, asked);
        const columns = ['year', 'list', 'beneficiary', 'name', 'email', 'country', 'given', 'currency'];
        const rows = items
          .map(rowView)
          .map(({ beneficiaryId, name, email, country, given, threshold, missing }) => [
            ...[params.year, asked.list ?? 'above', beneficiaryId, name ?? '', email ?? '', country ?? ''],
            ...[given.amount, given.currency],
            ...[threshold?.amount ?? '', threshold?.currency ?? '', threshold?.form ?? '', missing.join(' ')],
          ]);
        const csv = csvOf([...columns, 'threshold', 'threshold_currency', 'form', 'missing'], rows);
        return { status: 200, body: { csv, nextCursor } };
      },
    }),
  ];
}

function settingsView({ version, settings: { thresholds, countryProperty, warnAtPercent } }: KeptTaxSettings) {
  return {
    version,
    countryProperty,
    warnAtPercent,
    thresholds: thresholds.map(({ country, fromYear, amount, form, source }) => ({
      ...{ country, fromYear },
      ...moneyView(amount),
      ...{ form, source },
    })),
  };
}

function reportView({ counts, startedAt, finishedAt, ...report }: KeptTaxReport) {
  return {
    ...report,
    counts: Object.fromEntries(TAX_STATES.map((one) => [one, counts[one] ?? 0])) as Record<string, number>,
    startedAt: isoOf(startedAt),
    finishedAt: finishedAt === null ? null : isoOf(finishedAt),
  };
}

function rowView({ number, beneficiaryId, name, email, country, money, threshold, missing }: ShownTaxRow) {
  return {
    id: `${number}`,
    ...{ beneficiaryId, name, email, country },
    given: moneyView(money),
    threshold: threshold && { ...moneyView(threshold.money), form: threshold.form },
    missing: [...missing],
  };
}
