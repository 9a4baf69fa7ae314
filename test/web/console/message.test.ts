import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';
import { expect, test } from 'vitest';
import { formatMessage, type Message, parseMessage, type Values } from '../../../src/web/console/src/i18n/message.ts';

const SOURCE = new URL('../../../src/web/console/src/', import.meta.url).pathname;

type Catalogue = Readonly<Record<'en' | 'de', Readonly<Record<string, string>>>>;

function isCatalogue(value: unknown): value is Catalogue {
  return typeof value === 'object' && value !== null && 'en' in value && 'de' in value;
}

async function catalogues(): Promise<Catalogue[]> {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(texts|words)\.ts$/.test(file),
  );
  const modules = await Promise.all(
    files.map((file) => import(join(SOURCE, file)) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((one) => Object.values(one).filter(isCatalogue));
}

function namesIn(message: Message): string[] {
  return message.flatMap((part) => {
    if (typeof part === 'string' || part.kind === 'count') return [];
    return 'choices' in part ? [part.name, ...Object.values(part.choices).flatMap(namesIn)] : [part.name];
  });
}

test('every message says the same values in both languages, and what it says is what a library for all of ICU makes of it', async () => {
  const all = await catalogues();
  expect(all.length).toBeGreaterThan(15);
  const wrong = all.flatMap((one) =>
    Object.keys(one.en).flatMap((key) => {
      const [asked, said] = (['en', 'de'] as const).map((locale) => [
        ...new Set(namesIn(parseMessage(one[locale][key] ?? ''))),
      ]);
      const names = asked ?? [];
      const others = (['en', 'de'] as const).flatMap((locale) => {
        const text = one[locale][key] ?? '';
        return [0, 1, 2, 12_345].flatMap((value) => {
          const values: Values = Object.fromEntries(names.map((name) => [name, value]));
          const own = names.length === 0 ? text : formatMessage(parseMessage(text), locale, values);
          const theirs = names.length === 0 ? text : String(new IntlMessageFormat(text, locale).format({ ...values }));
          return own === theirs ? [] : [`${locale} ${key}: "${own}", not "${theirs}"`];
        });
      });
      return asked?.sort().join() === said?.sort().join() ? others : [...others, `${key}: ${asked} and ${said}`];
    }),
  );
  expect(wrong).toEqual([]);
});

test('values, numbers, plurals and choices are said as the language says them, in one another too', () => {
  const say = (text: string, locale: string, values: Record<string, string | number>) =>
    formatMessage(parseMessage(text), locale, values);
  expect(say('{who} has {count, number}', 'de', { who: 'Ada', count: 1234.5 })).toBe('Ada has 1.234,5');
  const rows = '{count, plural, =0 {none} one {# row} other {# rows{more, plural, =0 {} other { and #}}}}';
  expect([0, 1, 2_000].map((count) => say(rows, 'en', { count, more: 0 }))).toEqual(['none', '1 row', '2,000 rows']);
  expect(say(rows, 'de', { count: 2_000, more: 7 })).toBe('2.000 rows and 7');
  const whom = '{party, select, friend {the friend} other {{name}}}';
  expect([
    say(whom, 'en', { party: 'friend', name: 'x' }),
    say(whom, 'en', { party: 'member', name: 'Grace' }),
  ]).toEqual(['the friend', 'Grace']);
  expect(say('# of {all}', 'en', { all: 3 })).toBe('# of 3');
  for (const broken of ['{', '{a', '{a, plural, one {x}}', '{a, date}']) expect(() => parseMessage(broken)).toThrow();
});
