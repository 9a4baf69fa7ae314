/** How an account shows itself to members and friends, on pages and in letters. What is null falls back to what the service has. */
export interface Brand {
  /** As members know the company; null: the account's own name. */
  readonly name: string | null;
  /** "#1a2b3c"; null: the service's own colours. */
  readonly accent: string | null;
  /** Who letters are from, beside the service's own address, and where answers go. */
  readonly senderName: string | null;
  readonly replyTo: string | null;
  /** At the end of letters; lines as they are written on an envelope. */
  readonly postalAddress: string | null;
  readonly privacyUrl: string | null;
  readonly termsUrl: string | null;
  readonly language: Language;
}

export const LANGUAGES = ['en', 'de'] as const;

/** What members and friends are written to in, where nothing says otherwise. */
export type Language = (typeof LANGUAGES)[number];

export const USUAL_BRAND: Brand = {
  name: null,
  accent: null,
  senderName: null,
  replyTo: null,
  postalAddress: null,
  privacyUrl: null,
  termsUrl: null,
  language: 'en',
};

export const ACCENT = /^#[0-9a-f]{6}$/;

/** WCAG 2.2, 1.4.3: text against what is behind it. */
export const TEXT_CONTRAST_MIN = 4.5;

/** What text of the accent's colour stands on; the pages of the service have these two grounds. */
export const GROUNDS = { light: '#ffffff', dark: '#1a202c' } as const;

const BLACK = '#000000';
const WHITE = '#ffffff';

/** The accent as it is used: near to what was asked for, and readable in each place. */
export interface AccentUse {
  readonly asked: string;
  /** For text and lines on a light and on a dark ground. */
  readonly onLight: string;
  readonly onDark: string;
  /** For text on the accent itself: black or white, whichever is further from it; one of them always suffices. */
  readonly textOn: string;
  /** Of what was asked for, to two digits. */
  readonly contrast: { readonly onLight: number; readonly onDark: number; readonly textOn: number };
}

export function accentUse(asked: string): AccentUse {
  const textOn = contrastOf(asked, WHITE) >= contrastOf(asked, BLACK) ? WHITE : BLACK;
  return {
    asked,
    onLight: readableOn(asked, GROUNDS.light, BLACK),
    onDark: readableOn(asked, GROUNDS.dark, WHITE),
    textOn,
    contrast: {
      onLight: shown(contrastOf(asked, GROUNDS.light)),
      onDark: shown(contrastOf(asked, GROUNDS.dark)),
      textOn: shown(contrastOf(asked, textOn)),
    },
  };
}

/** Never rounded up: 4.499 is not enough. */
function shown(ratio: number): number {
  return Math.floor(ratio * 100) / 100;
}

/** From 1 to 21, as WCAG defines it. */
export function contrastOf(a: string, b: string): number {
  const [dark, light] = [luminanceOf(a), luminanceOf(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Steps from the colour to black or white; a hundredth more or less is not seen. */
const STEPS = 100;

function readableOn(colour: string, ground: string, towards: string): string {
  for (let step = 0; step <= STEPS; step += 1) {
    const mixed = mix(colour, towards, step / STEPS);
    if (contrastOf(mixed, ground) >= TEXT_CONTRAST_MIN) return mixed;
  }
  return towards;
}

function partsOf(colour: string): [number, number, number] {
  const part = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}

function mix(from: string, to: string, share: number): string {
  const target = partsOf(to);
  const parts = partsOf(from).map((part, index) => Math.round(part + ((target[index] ?? 0) - part) * share));
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function luminanceOf(colour: string): number {
  const [red, green, blue] = partsOf(colour).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

// ── Logo ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * No SVG: it is a document that can hold scripts, links and fonts from elsewhere, and whoever opens its address runs it under the service's
 * own name. What is a picture by its bytes can do none of that.
 */
export const LOGO_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;

export type LogoType = (typeof LOGO_TYPES)[number];

/** A logo is shown a few dozen pixels high. Mails and pages load it each time, and a database row holds it. */
export const LOGO_BYTES_MAX = 100 * 1024;

/** By what the bytes are, whatever a name or a header says. Null for anything else. */
export function logoTypeOf(bytes: Uint8Array): LogoType | null {
  const begins = (at: number, ...wanted: readonly number[]) =>
    wanted.every((byte, index) => bytes[at + index] === byte);
  if (begins(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a) && begins(12, 0x49, 0x48, 0x44, 0x52))
    return 'image/png';
  if (begins(0, 0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (begins(0, 0x52, 0x49, 0x46, 0x46) && begins(8, 0x57, 0x45, 0x42, 0x50)) return 'image/webp';
  return null;
}
