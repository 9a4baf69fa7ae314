/**
 * The service's sentences in another language. What is stored, hashed, mirrored and compared is English, and stays so: a sentence is made
 * anew only on its way out. An entry is the English sentence with its parameters, and the same in the other language:
 *
 *     'Not rewarded: {condition} should be {expected}, it is {actual}.': 'Nicht belohnt: {=condition} …'
 *
 * What stands for a parameter goes over as it is, since it may be a name or somebody's own words. `{=name}` says that it is the service's
 * own words too and is said in the other language, amounts and days included; `{+name}` that it is a list of such, and in an English
 * sentence `{#name}` that it is a number, `{!name}` one word. A word that means something only where it stands is entered with that place:
 * `'state: paid'`.
 */
export type Phrases = Readonly<Record<string, string>>;

export interface Phrasebook {
  /** The same in the other language; what the service has never said stays as it is. `place`: the name of what bears it. */
  say(text: string, place?: string): string;
  /** What stands between values, as " or " does, and those of them that the service says. */
  sayList(text: string): string;
  /** Only what stands between the values of a list. */
  sayJoints(text: string): string;
  /** Whether all of it is something that the service says. */
  knows(text: string): boolean;
}

interface Pattern {
  /** What has more words of its own comes first. */
  readonly rank: number;
  readonly source: RegExp;
  /** Of sentences; one that ends with somebody's words would take all that comes after for these. */
  readonly count: number;
  readonly isOpenEnded: boolean;
  readonly names: readonly string[];
  readonly target: string;
}

/** Sentences that were put together: few, and all of them short. */
const SENTENCES_MAX = 12;
/** A name in a name; more is no sentence of the service. */
const DEPTH_MAX = 6;
/** Longer than anything that the service says; somebody's file or letter is not looked through. */
const TEXT_LENGTH_MAX = 4_000;

const PARAMETER = /\{[=+#!]?(\w+)\}/g;

/** @param values how amounts, days and the like are written, where the service says them; null for what is none */
export function createPhrasebook(phrases: Phrases, values: (text: string) => string | null): Phrasebook {
  const whole = new Map<string, string>();
  const patterns: Pattern[] = [];
  // What has more words of its own is tried first: "Not rewarded: {because}" would fit nearly all.
  const byWords = Object.entries(phrases).toSorted(([a], [b]) => wordsIn(b) - wordsIn(a));
  for (const [source, target] of byWords) {
    const names = parametersOf(source);
    if (names.length === 0) whole.set(source, target);
    else
      patterns.push({
        rank: patterns.length,
        source: patternOf(source),
        count: sentencesIn(source).length,
        isOpenEnded: /\{\w+\}$/.test(source),
        names,
        target,
      });
  }
  // Nearly all patterns begin with words of their own; only those that could fit are tried.
  const beginnings = Map.groupBy(patterns, ({ source }) => beginningOf(source.source));
  const open = beginnings.get('') ?? [];

  /**
   * `isPlaced`: patterns that do not begin with words of their own are not tried, or a place would be taken for a value. `isLoose`: a value
   * may be of more sentences than the pattern is.
   */
  function translated(text: string, depth: number, { isPlaced = false, isLoose = false } = {}): string | null {
    if (text.length > TEXT_LENGTH_MAX || depth > DEPTH_MAX) return null;
    const exact = whole.get(text);
    if (exact !== undefined) return exact;
    const count = sentencesIn(text).length;
    const begun = beginnings.get(text.slice(0, BEGINNING)) ?? [];
    const candidates = isPlaced ? begun : [...begun, ...open].sort((a, b) => a.rank - b.rank);
    for (const { source, names, target, isOpenEnded, count: own } of candidates) {
      if (count > own && (isOpenEnded || !isLoose)) continue;
      const found = source.exec(text);
      if (found) return filled(target, new Map(names.map((name, at) => [name, found[at + 1] ?? ''])), depth);
    }
    return null;
  }

  function filled(target: string, found: ReadonlyMap<string, string>, depth: number): string {
    return target.replace(PARAMETER, (mark: string, name: string) => {
      const value = found.get(name) ?? '';
      if (mark.startsWith('{=')) return said(value, depth + 1, name);
      if (mark.startsWith('{+')) return listSaid(value, depth + 1);
      return value;
    });
  }

  function said(text: string, depth: number, place = ''): string {
    const here = place === '' ? null : translated(`${place}: ${text}`, depth, { isPlaced: true });
    return here ?? known(text, depth) ?? (depth === 0 ? text : partsSaid(text, depth));
  }

  function known(text: string, depth: number): string | null {
    const strict = translated(text, depth) ?? values(text);
    if (strict !== null) return strict;
    const sequence = sequenceSaid(text, depth);
    if (sequence?.isWhole) return sequence.text;
    return translated(text, depth, { isLoose: true }) ?? sequence?.text ?? null;
  }

  function jointsSaid(text: string): string {
    return text.replace(/^not | or /g, (joint) => whole.get(joint) ?? joint);
  }

  function listSaid(text: string, depth: number): string {
    return translated(text, depth) ?? partsSaid(text, depth);
  }

  function partsSaid(text: string, depth: number): string {
    return text
      .split(/(, | and | or |; )/)
      .map((part, at) => (at % 2 === 1 ? (whole.get(part) ?? part) : (known(part, depth + 1) ?? part)))
      .join('');
  }

  /** Several sentences in a row; each is said as far as it is known, the longest first. Null when none is. */
  function sequenceSaid(text: string, depth: number): { text: string; isWhole: boolean } | null {
    const sentences = sentencesIn(text);
    if (sentences.length < 2 || sentences.length > SENTENCES_MAX) return null;
    const parts: string[] = [];
    let unknown = 0;
    for (let at = 0; at < sentences.length; ) {
      const found = longestFrom(sentences, at, depth);
      parts.push(found?.text ?? sentences[at] ?? '');
      if (!found) unknown += 1;
      at = found?.end ?? at + 1;
    }
    return unknown === parts.length ? null : { text: parts.join(' '), isWhole: unknown === 0 };
  }

  function longestFrom(sentences: readonly string[], at: number, depth: number): { text: string; end: number } | null {
    for (let end = sentences.length; end > at; end -= 1) {
      const text = translated(sentences.slice(at, end).join(' '), depth);
      if (text !== null) return { text, end };
    }
    return null;
  }

  return {
    say: (text, place) => said(text, 0, place),
    sayList: (text) => listSaid(text, 0),
    sayJoints: jointsSaid,
    knows: (text) =>
      translated(text, 0) !== null ||
      (sequenceSaid(text, 0)?.isWhole ?? false) ||
      translated(text, 0, { isLoose: true }) !== null,
  };
}

export function parametersOf(phrase: string): string[] {
  return [...phrase.matchAll(PARAMETER)].map(([, name = '']) => name);
}

/** How many characters of a pattern's beginning it is looked up by. */
const BEGINNING = 5;

function beginningOf(pattern: string): string {
  const literal = /^\^((?:\\.|[^\\(])*)/.exec(pattern)?.[1] ?? '';
  const plain = literal.replace(/\\(.)/g, '$1');
  return plain.length < BEGINNING ? '' : plain.slice(0, BEGINNING);
}

function sentencesIn(text: string): string[] {
  return text.split(/(?<=[.?!]) (?=\S)/);
}

function patternOf(phrase: string): RegExp {
  const parts = phrase.split(/(\{[=+#!]?\w+\})/).map((part) => {
    if (/^\{!\w+\}$/.test(part)) return '(\\S+)';
    if (/^\{#\w+\}$/.test(part)) return '(-?\\d+(?:[.,]\\d+)?)';
    if (/^\{[=+]?\w+\}$/.test(part)) return '(.*?)';
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 's');
}

function wordsIn(phrase: string): number {
  return phrase.replace(PARAMETER, '').length;
}
