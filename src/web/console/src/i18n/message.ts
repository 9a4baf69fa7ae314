/**
 * Messages as ICU writes them, as far as the catalogues go: `{name}`, `{count, number}`, `{count, plural, =0 {…} one {…} other {# …}}` and
 * `{kind, select, a {…} other {…}}`, in one another. A library for all of ICU is ten times as long, and everybody loads it first;
 * test/web/console/message.test.ts holds the two against each other over every catalogue.
 */
export type Values = Readonly<Record<string, string | number | Date | boolean>>;

type Part =
  | string
  | { readonly kind: 'value'; readonly name: string }
  | { readonly kind: 'number'; readonly name: string }
  | { readonly kind: 'count' }
  | {
      readonly kind: 'plural' | 'select';
      readonly name: string;
      readonly choices: Readonly<Record<string, readonly Part[]>>;
    };

export type Message = readonly Part[];

/** @throws Error for what is none of the above; each message of the catalogues is read by a test. */
export function parseMessage(text: string): Message {
  let at = 0;

  function parts(isNested: boolean): Part[] {
    const found: Part[] = [];
    let words = '';
    const flush = () => {
      if (words !== '') found.push(words);
      words = '';
    };
    while (at < text.length) {
      const sign = text[at];
      if (sign === '}' && isNested) break;
      at += 1;
      if (sign === '{') {
        flush();
        found.push(argument());
      } else if (sign === '#' && isNested) {
        flush();
        found.push({ kind: 'count' });
      } else words += sign;
    }
    flush();
    return found;
  }

  function argument(): Part {
    const [, name = '', kind, end] = taken(/\s*(\w+)\s*(?:,\s*(number|plural|select)\s*)?([,}])/y);
    if (end === '}') return kind === 'number' ? { kind, name } : { kind: 'value', name };
    if (kind !== 'plural' && kind !== 'select') throw wrong();
    const choices: Record<string, Part[]> = {};
    for (;;) {
      const [, key, isOver] = taken(/\s*(?:([=\w]+)\s*\{|(\}))/y);
      if (isOver !== undefined) break;
      choices[key ?? ''] = parts(true);
      at += 1;
    }
    if (!choices.other) throw wrong();
    return { kind, name, choices };
  }

  function taken(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) throw wrong();
    at = pattern.lastIndex;
    return found;
  }

  const wrong = () => new Error(`The message cannot be read at ${at}: ${text}`);
  return parts(false);
}

const numbers = new Map<string, Intl.NumberFormat>();
const plurals = new Map<string, Intl.PluralRules>();

function numberIn(locale: string): Intl.NumberFormat {
  const format = numbers.get(locale) ?? new Intl.NumberFormat(locale);
  numbers.set(locale, format);
  return format;
}

function pluralIn(locale: string): Intl.PluralRules {
  const rules = plurals.get(locale) ?? new Intl.PluralRules(locale);
  plurals.set(locale, rules);
  return rules;
}

export function formatMessage(message: Message, locale: string, values: Values, count = 0): string {
  return message
    .map((part) => {
      if (typeof part === 'string') return part;
      if (part.kind === 'count') return numberIn(locale).format(count);
      const value = values[part.name];
      if (part.kind === 'value') return value === undefined ? '' : String(value);
      if (part.kind === 'number') return numberIn(locale).format(Number(value));
      const { choices } = part;
      if (part.kind === 'select')
        return formatMessage(choices[String(value)] ?? choices.other ?? [], locale, values, count);
      const many = Number(value);
      const chosen = choices[`=${many}`] ?? choices[pluralIn(locale).select(many)] ?? choices.other ?? [];
      return formatMessage(chosen, locale, values, many);
    })
    .join('');
}
