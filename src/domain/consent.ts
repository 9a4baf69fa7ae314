import type { Language } from './brand.ts';
import type { Instant } from './time.ts';

/** Whom a text is for: a person who becomes a member, or a friend whose name and address somebody hands on. */
export const CONSENT_PURPOSES = ['member', 'friend'] as const;

export type ConsentPurpose = (typeof CONSENT_PURPOSES)[number];

/** What people are told and agree to, by language. A version is never changed: who was shown it was shown these words. */
export interface ConsentText {
  readonly purpose: ConsentPurpose;
  readonly version: number;
  readonly texts: Partial<Readonly<Record<Language, string>>>;
  readonly savedBy: string;
  readonly savedAt: Instant;
}

/** Where a person was shown a text; an import and a workflow say of their people that they were told before. */
export const CONSENT_PLACES = ['api', 'card', 'import', 'workflow'] as const;

export type ConsentPlace = (typeof CONSENT_PLACES)[number];

/** Which words somebody was shown when they were entered. `subject` is the id of their member, or of the referral that they are the friend of. */
export interface ShownConsent {
  readonly subject: string;
  readonly purpose: ConsentPurpose;
  readonly version: number;
  readonly language: Language;
  readonly place: ConsentPlace;
  readonly at: Instant;
}

/** In which language a text is shown: the wanted one where there is one, else the first there is. */
export function languageOf({ texts }: Pick<ConsentText, 'texts'>, wanted: Language): Language | null {
  if (texts[wanted] !== undefined) return wanted;
  return (Object.keys(texts) as Language[])[0] ?? null;
}
