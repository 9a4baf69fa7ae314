import { createHash } from 'node:crypto';
import type { Response } from 'express';
import { OWN_BRAND, type PageBrand } from './page-brand.ts';

/**
 * The few pages that the service itself shows. One file, no script, nothing from elsewhere: the style is inline and allowed by its
 * hash, so the strictest policy holds.
 */
const STYLE = `
:root{color-scheme:light dark;--ink:#1d2433;--soft:#566076;--line:#d9deea;--paper:#fff;--ground:#f4f6fb;--good:#0b6b4f;--bad:#9d2033}
@media(prefers-color-scheme:dark){:root{--ink:#eef1f8;--soft:#a9b3c8;--line:#333c50;--paper:#1a202c;--ground:#11151e;--good:#5fd3a9;--bad:#ff9cab}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--ground);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}
main{width:100%;max-width:36rem;padding:2rem;background:var(--paper);border:1px solid var(--line);border-top:4px solid var(--accent,var(--soft));border-radius:.75rem}
.good{--accent:var(--good)}.bad{--accent:var(--bad)}
.brand{margin:0 0 1.25rem;color:var(--soft);font-weight:600}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}
h2{margin:1.75rem 0 .5rem;font-size:1rem}
p{margin:0 0 .75rem}ul,ol{margin:0;padding-left:1.25rem}li{margin:.25rem 0;overflow-wrap:anywhere}
code{font:600 1.35rem ui-monospace,monospace;letter-spacing:.04em;overflow-wrap:anywhere}
.go{display:inline-block;margin-top:1rem;padding:.6rem 1rem;border-radius:.5rem;background:var(--ink);color:var(--paper);font-weight:600}
.brand img{display:block;max-width:100%;max-height:3rem}
.foot{margin:1.75rem 0 0;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem;overflow-wrap:anywhere}
.foot a{margin-right:1rem;color:inherit}
.ref{margin:1.75rem 0 0;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem;overflow-wrap:anywhere}
`;

/** The colour of an account, which is six hexadecimal digits and nothing else. */
function styleWith({ accent }: PageBrand): string {
  if (!accent) return STYLE;
  return `${STYLE}main.branded{--accent:${accent.onLight}}.branded h1{color:var(--accent)}
@media(prefers-color-scheme:dark){main.branded{--accent:${accent.onDark}}}
`;
}

/** The style is let in by its hash, and of pictures those of our own. */
function policyFor(style: string, { logo }: PageBrand): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    ...(logo === null ? [] : ["img-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Markup that was escaped where it was made. Only `html` makes it. */
export interface Markup {
  readonly markup: string;
}

type Insert = string | number | Markup | readonly Markup[];

/** Every value that is not markup already is escaped, so a name such as "<script>" stays a name. */
export function html(parts: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  return { markup: parts.map((part, index) => part + textOf(inserts[index])).join('') };
}

function textOf(insert: Insert | undefined): string {
  if (insert === undefined) return '';
  if (typeof insert === 'string' || typeof insert === 'number') return escaped(String(insert));
  return 'markup' in insert ? insert.markup : insert.map(({ markup }) => markup).join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? '');
}

export interface PageInput {
  readonly status: number;
  readonly tone: 'good' | 'bad' | 'plain';
  readonly title: string;
  readonly content: Markup;
  /** Shown small, for support. */
  readonly ref?: string;
  /** Whose page it is; absent: the service's own. */
  readonly brand?: PageBrand;
}

export function sendPage(
  response: Response,
  { status, tone, title, content, ref, brand = OWN_BRAND }: PageInput,
): void {
  const { name, language, logo, links, postalAddress } = brand;
  const style = styleWith(brand);
  const hasFoot = links.length > 0 || postalAddress !== null;
  const page = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · ${name}</title>
<style>${{ markup: style }}</style>
</head>
<body>
<main class="${brand.accent ? `${tone} branded` : tone}">
<p class="brand">${logo === null ? name : html`<img src="${logo}" alt="${name}">`}</p>
<h1>${title}</h1>
${content}
${hasFoot ? html`<p class="foot">${links.map(({ label, url }) => html`<a href="${url}" rel="noopener noreferrer">${label}</a>`)}${postalAddress === null ? '' : html`<br>${postalAddress.replaceAll('\n', ', ')}`}</p>` : ''}
${ref ? html`<p class="ref">Reference: ${ref}</p>` : ''}
</main>
</body>
</html>
`;
  response
    .status(status)
    .set('Content-Security-Policy', policyFor(style, brand))
    .set('Cache-Control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(page.markup);
}
