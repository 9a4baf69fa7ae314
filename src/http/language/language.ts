import type { Request, Response } from 'express';
import { GERMAN } from './german/german.ts';
import type { Phrasebook } from './phrasebook.ts';
import { inWords } from './said.ts';

/** The first one is what everything is stored in, and what is said to whoever asks for none of them. */
export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

const BOOKS: Readonly<Record<Language, Phrasebook | null>> = { en: null, de: GERMAN };

/** What the request asks to be answered in (RFC 9110, 12.5.4). */
export function languageOf(request: Pick<Request, 'acceptsLanguages'>): Language {
  const asked = request.acceptsLanguages([...LANGUAGES]);
  return LANGUAGES.find((one) => one === asked) ?? 'en';
}

/** An answer with its sentences in the language of the request; codes, names and people's own words stay. */
export function inLanguageOf<T>(response: Response, body: T): T {
  const language = languageOf(response.req);
  response.vary('Accept-Language').set('Content-Language', language);
  const book = BOOKS[language];
  return book ? inWords(book, body) : body;
}
