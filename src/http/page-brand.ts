import type { ShownBrand } from '../application/ports/store.ts';
import { accentUse, type Language } from '../domain/brand.ts';
import { logoPath } from './api/brand.ts';

/** How a page for everybody shows whose it is. */
export interface PageBrand {
  readonly name: string;
  readonly language: Language;
  readonly logo: string | null;
  /** As text and lines, on a light and on a dark ground; null: the service's own. */
  readonly accent: { readonly onLight: string; readonly onDark: string } | null;
  readonly links: readonly { readonly label: string; readonly url: string }[];
  readonly postalAddress: string | null;
}

const LINKS = {
  en: { privacy: 'Privacy', terms: 'Terms' },
  de: { privacy: 'Datenschutz', terms: 'Bedingungen' },
} as const;

/** The service's own name where an account has said none: what the account is called among its staff is nobody else's business. */
const OWN_NAME = 'Wonward';

export function pageBrand({ brand, logo }: ShownBrand): PageBrand {
  const { name, accent, language, privacyUrl, termsUrl, postalAddress } = brand;
  const words = LINKS[language];
  return {
    name: name ?? OWN_NAME,
    language,
    logo: logo === null ? null : logoPath(logo),
    accent: accent === null ? null : accentUse(accent),
    links: [
      ...(privacyUrl === null ? [] : [{ label: words.privacy, url: privacyUrl }]),
      ...(termsUrl === null ? [] : [{ label: words.terms, url: termsUrl }]),
    ],
    postalAddress,
  };
}

export const OWN_BRAND: PageBrand = {
  name: OWN_NAME,
  language: 'en',
  logo: null,
  accent: null,
  links: [],
  postalAddress: null,
};
