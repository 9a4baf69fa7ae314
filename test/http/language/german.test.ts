import { describe, expect, test } from 'vitest';
import { REASON_SENTENCES, type ReasonCode, reason, reasonText } from '../../../src/domain/reason.ts';
import { GERMAN, GERMAN_PHRASES } from '../../../src/http/language/german/german.ts';
import { createPhrasebook, parametersOf } from '../../../src/http/language/phrasebook.ts';
import { inWords } from '../../../src/http/language/said.ts';
import { type SaidText, textsIn } from '../../support/said-in-source.ts';

/** Names of products and the like, which are the same in both. */
const THE_SAME: ReadonlySet<string> = new Set([
  'Codes',
  'Client-ID',
  'Secret',
  'Name',
  'Tremendous › Team settings › Developers › Add API key.',
  '{=signal} ({weight})',
  '{score}: {+findings}',
  '{=state}, {=money}',
]);

describe('the catalogue', () => {
  test('every sentence says the same values in both languages, and none was left in English', () => {
    const wrong = Object.entries(GERMAN_PHRASES).flatMap(([english, german]) => {
      const [asked, said] = [english, german].map((phrase) => [...new Set(parametersOf(phrase))].sort());
      if (asked?.join() !== said?.join()) return [`${english}: ${asked} and ${said}`];
      if (german.trim() === '') return [`${english}: nothing`];
      return english === german && !THE_SAME.has(german) && !/^[a-z ]*\{/.test(german) ? [english] : [];
    });
    expect(wrong).toEqual([]);
    expect(Object.keys(GERMAN_PHRASES).length).toBeGreaterThan(700);
  });

  test('each reason is found again by its words, whatever it says', () => {
    const codes = Object.keys(REASON_SENTENCES) as ReasonCode[];
    const wrong = codes.flatMap((code) => {
      const values = Object.fromEntries(parametersOf(REASON_SENTENCES[code]).map((name) => [name, `<${name}>`]));
      const said = GERMAN.say(reasonText(reason(code, values)));
      const lost = Object.values(values).filter((value) => !said.includes(value));
      return lost.length > 0 || said === reasonText(reason(code, values)) ? [`${code}: ${said}`] : [];
    });
    expect(wrong).toEqual([]);
  });
});

/** What is shown in a CRM, written in letters, for the command line or for the document of the API: not in the console. */
const SHOWN_ELSEWHERE = [
  /^(card|deal-card|company-card|home|settings-page|next-asks|invitation|case-tasks|sign-in)/,
  /^(crm-actions|crm-requests|workflow-actions|workflow-choices|verify|compose-)/,
  /^(card-actors|deal-warning|next-ask|roles|tax)\.ts$/,
];

function unknown(texts: readonly SaidText[], isSentence: (text: string) => boolean): string[] {
  return texts.flatMap(({ file, line, wordings }) =>
    wordings.flatMap((variants) => {
      const sentences = variants.filter(({ text }) => isSentence(text));
      if (sentences.length === 0 || variants.some(({ text }) => GERMAN.knows(text.trim()))) return [];
      return [`${file}:${line} ${sentences[0]?.text}`];
    }),
  );
}

const notShownElsewhere = (file: string) => !SHOWN_ELSEWHERE.some((pattern) => pattern.test(file));
/** Of the document of the API, where they stand apart from what they describe. */
const OF_THE_DOCUMENT =
  /^(Whether referrals and rewards are rows|Whether the timelines of contacts are told|By whom: the|What: the|Of what: an|By another person than|What was released already|What (a|the friend's) name or|The first thousand of them)/;
const endsAsASentence = (text: string) => /^["A-Z{\d]/.test(text) && /[.?]$/.test(text) && !text.startsWith('/');
const tellsAField = (text: string) =>
  /^(must|has|needs|is missing|cannot|can|names|pays|asks?|leaves|looks|goes) /.test(text);

describe('what the service says', () => {
  test('every sentence of the domain and of the use cases is in the catalogue', () => {
    const texts = ['domain', 'application'].flatMap((room) => textsIn(`src/${room}`, notShownElsewhere));
    expect(texts.length).toBeGreaterThan(500);
    expect(unknown(texts, endsAsASentence)).toEqual([]);
  });

  test('so is everything that a rule can ask for, find and suspect', () => {
    const files = ['condition.ts', 'eligibility.ts', 'limit.ts', 'property.ts', 'risk.ts'];
    const texts = textsIn('src/domain', (file) => files.includes(file));
    expect(texts.length).toBeGreaterThan(60);
    expect(unknown(texts, () => true)).toEqual([]);
  });

  test('and what the API refuses, and what a field should be', () => {
    const texts = [
      ...textsIn(
        'src/http',
        (file) =>
          /^(api\/|problem|limits|overload|raw-body|console-session)/.test(file) && !/webhook-events/.test(file),
      ),
      ...textsIn('src/application', (file) => /-(document|problems|endpoints|read|accounts|import)\.ts$/.test(file)),
    ];
    expect(
      unknown(texts, (text) => (endsAsASentence(text) && !OF_THE_DOCUMENT.test(text)) || tellsAField(text)),
    ).toEqual([]);
  });

  test('and what is said of CRMs, of reward providers and of webhooks', () => {
    const texts = ['crm', 'payout', 'notify/webhook'].flatMap((room) => textsIn(`src/${room}`, () => true));
    expect(unknown(texts, (text) => endsAsASentence(text) && !/^(SELECT|WHERE|Bearer)/.test(text))).toEqual([]);
  });
});

describe('an answer in German', () => {
  const say = (body: unknown) => inWords(GERMAN, body);

  test('a reason that names what a rule asked for is German to the last word, amounts and days included', () => {
    const why = reason('condition_unmet', {
      condition: 'deal amount',
      expected: 'at least 5000.00 EUR',
      actual: '1234.50 EUR',
    });
    expect(GERMAN.say(reasonText(why))).toBe(
      'Nicht belohnt: Betrag des Deals, verlangt ist mindestens 5.000,00\u00a0€, es ist 1.234,50\u00a0€.',
    );
    const held = reason('held_until', {
      deal: 'Analytical engine',
      condition: 'one of',
      expected: 'deal property invoice_status paid or deal amount at least 100.00 EUR',
    });
    expect(GERMAN.say(reasonText(held))).toBe(
      'Der Deal „Analytical engine“ wurde gewonnen; zurückgehalten, bis es heißt: eine von Eigenschaft invoice_status des Deals paid oder Betrag des Deals mindestens 100,00\u00a0€.',
    );
  });

  test('sentences in a row are said one by one, and what was never said stays as it is', () => {
    expect(GERMAN.say('Not rewarded: the deal was won on 2026-03-31, before the referral was submitted. Hm.')).toMatch(
      /^Nicht belohnt: Der Deal wurde am 31\.03\.2026 gewonnen, .* Hm\.$/,
    );
    expect(GERMAN.say('Anything that nobody wrote down here.')).toBe('Anything that nobody wrote down here.');
  });

  test('a decision in the words of finance, and what was seen of two people, are German whatever stands before', () => {
    const told =
      'A person has to approve this reward: something speaks against it: same phone number (60). Amount: 50.00 EUR. A fixed 50.00 EUR. Counts from 2026-11-23, recorded 2026-11-24.';
    expect(GERMAN.say(told)).toBe(
      'Ein Mensch muss diese Prämie freigeben: etwas spricht dagegen: dieselbe Telefonnummer (60). Betrag: 50,00\u00a0€. Fest 50,00\u00a0€. Zählt ab dem 23.11.2026, aufgezeichnet am 24.11.2026.',
    );
    expect(GERMAN.say('contacts 4 and 3 have one phone number')).toBe('die Kontakte 4 und 3 haben eine Telefonnummer');
  });

  test('a person’s own words, names and what a CRM says stay, also where they sound like ours', () => {
    const words = 'The deal was deleted in the CRM.';
    const body = {
      name: words,
      note: words,
      label: words,
      cases: [
        { kind: 'dispute', summary: words, decidedBy: 'ada@acme.test', decidedWhy: words },
        { by: 'ada@acme.test', words },
      ],
      reason: { code: 'review_approved', text: `Approved by ada@acme.test: ${words}` },
      conditions: [{ condition: 'deal property plan', expected: 'none or yes', actual: 'none', verdict: 'met' }],
    };
    expect(say(body)).toEqual({
      ...body,
      reason: { code: 'review_approved', text: `Freigegeben von ada@acme.test: ${words}` },
      conditions: [
        { condition: 'Eigenschaft plan des Deals', expected: 'none oder yes', actual: 'none', verdict: 'met' },
      ],
    });
  });

  test('the service’s own words in the same fields are said in German', () => {
    const words = 'The deal was deleted in the CRM.';
    expect(
      say({
        kind: 'review',
        summary: words,
        decidedBy: 'wonward',
        decidedWhy: words,
        reason: { code: 'x', text: words },
      }),
    ).toMatchObject({ summary: 'Der Deal wurde im CRM gelöscht.', decidedWhy: 'Der Deal wurde im CRM gelöscht.' });
  });

  test('a text as long as a file is not looked through, and no pattern takes long over a hostile one', () => {
    const long = `Not rewarded: ${'should be, it is '.repeat(230)}`;
    const begun = performance.now();
    for (let times = 0; times < 20; times += 1) GERMAN.say(long);
    expect(performance.now() - begun).toBeLessThan(2_000);
    const book = createPhrasebook({ 'a {b}': 'b {b}' }, () => null);
    expect(book.say(`a ${'x'.repeat(5_000)}`)).toMatch(/^a x/);
  });
});
