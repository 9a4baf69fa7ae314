import { createContext, useContext, useMemo } from 'react';
import { formatMessage, type Message, parseMessage, type Values } from './message.ts';

export const LOCALES = ['en', 'de'] as const;
export type Locale = (typeof LOCALES)[number];

/** Messages of one screen in every language, as ICU writes them; a key that one language lacks does not compile. */
export interface Catalogue<K extends string> {
  readonly en: Readonly<Record<K, string>>;
  readonly de: Readonly<Record<K, string>>;
}

export function catalogue<K extends string>(messages: Catalogue<K>): Catalogue<K> {
  return messages;
}

const STORED = 'wonward.locale';

export function initialLocale(): Locale {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'de') return stored;
  return navigator.language.toLowerCase().startsWith('de') ? 'de' : 'en';
}

export function rememberLocale(locale: Locale): void {
  localStorage.setItem(STORED, locale);
}

/** What the page is in: for the browser, and for what asks the service for its sentences. */
export function showIn(locale: Locale): void {
  document.documentElement.lang = locale;
}

export const LocaleContext = createContext<{ locale: Locale; setLocale: (locale: Locale) => void }>({
  locale: 'en',
  setLocale: () => {},
});

export function useLocale(): Locale {
  return useContext(LocaleContext).locale;
}

export type Text<K extends string> = (key: K, values?: Values) => string;

const made = new Map<string, Message>();

/** `useText(messages)('title')`: numbers, dates and plurals by the user's language. */
export function useText<K extends string>(messages: Catalogue<K>): Text<K> {
  const locale = useLocale();
  return useMemo(() => {
    const inLocale = messages[locale];
    return (key, values) => {
      const text = inLocale[key];
      if (values === undefined && !text.includes('{')) return text;
      const message = made.get(text) ?? parseMessage(text);
      made.set(text, message);
      return formatMessage(message, locale, values ?? {});
    };
  }, [messages, locale]);
}
