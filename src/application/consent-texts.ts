import { type Language, USUAL_BRAND } from '../domain/brand.ts';
import {
  type ConsentPlace,
  type ConsentPurpose,
  type ConsentText,
  languageOf,
  type ShownConsent,
} from '../domain/consent.ts';
import type { Clock } from '../platform/clock.ts';
import type { ConsentWords } from './ports/crm.ts';
import type { Store } from './ports/store.ts';

export interface ConsentTextsDeps {
  readonly store: Pick<Store, 'consents'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** What whoever enters a person says that this person was shown. */
export interface SaidConsent {
  readonly version: number;
  readonly language: Language;
}

/** The words that somebody was shown, with where and when. */
export interface ConsentOnRecord extends ShownConsent {
  readonly text: string;
}

export interface ConsentTexts {
  /** Newest first. */
  list(accountId: string): Promise<ConsentText[]>;
  inForce(accountId: string, purpose: ConsentPurpose): Promise<ConsentText | null>;
  /** Null when another version is the newest than the one that was read. */
  save(
    accountId: string,
    purpose: ConsentPurpose,
    texts: ConsentText['texts'],
    as: { readonly basis: number; readonly by: string },
  ): Promise<ConsentText | null>;
  /** Whether there is such a text in that language. */
  has(accountId: string, purpose: ConsentPurpose, said: SaidConsent): Promise<boolean>;
  /** What a member, or the friend of a referral, was shown. */
  shownTo(accountId: string, subject: string): Promise<ConsentOnRecord[]>;
}

/** What people are told when they are entered, in versions that stay as they are. */
export function createConsentTexts({ store: { consents }, clock }: ConsentTextsDeps): ConsentTexts {
  return {
    list: (accountId) => consents.texts(accountId),
    inForce: async (accountId, purpose) =>
      (await consents.inForce(accountId)).find((text) => text.purpose === purpose) ?? null,
    save: (accountId, purpose, texts, { basis, by }) =>
      consents.save(accountId, { purpose, texts, savedBy: by, savedAt: clock.now() }, basis),
    async has(accountId, purpose, { version, language }) {
      return (await consents.text(accountId, purpose, version))?.texts[language] !== undefined;
    },
    async shownTo(accountId, subject) {
      const shown = await consents.shown(accountId, [subject]);
      const texts = shown.length === 0 ? [] : await consents.texts(accountId);
      return shown.map((one) => ({
        ...one,
        text:
          texts.find(({ purpose, version }) => purpose === one.purpose && version === one.version)?.texts[
            one.language
          ] ?? '',
      }));
    },
  };
}

/**
 * What is read out to a friend before they are entered: the text in force, in the account's language where there is one in it. Null where the
 * account has written nothing.
 */
export async function friendWords(
  { consents, brands }: Pick<Store, 'consents' | 'brands'>,
  accountId: string,
): Promise<ConsentWords | null> {
  const text = (await consents.inForce(accountId)).find(({ purpose }) => purpose === 'friend');
  if (!text) return null;
  const [shown] = await brands.ofAccounts([accountId]);
  const language = languageOf(text, (shown?.brand ?? USUAL_BRAND).language);
  const words = language && text.texts[language];
  return language && words ? { version: text.version, language, text: words } : null;
}

/** To be kept with the person who is entered. */
export function consentFor(
  subject: string,
  purpose: ConsentPurpose,
  said: (SaidConsent & { readonly place: ConsentPlace }) | undefined,
  at: number,
): ShownConsent[] {
  return said ? [{ subject, purpose, version: said.version, language: said.language, place: said.place, at }] : [];
}
