import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import express, { type RequestHandler, Router } from 'express';
import { html, sendPage } from './pages.ts';
import { notFound, onlyMethods } from './problem.ts';

/** Their names hold a hash of what is in them. */
const ASSET_AGE_MS = 365 * 24 * 3_600_000;
const NONCE_BYTES = 16;
/** What the build writes where each answer's nonce goes; see src/web/console/index.html. */
const NONCE_MARK = '__NONCE__';

/** What the build lays beside a file, by how a browser names it; the smallest first. */
const PACKED_ENDINGS: ReadonlyMap<string, string> = new Map([
  ['br', '.br'],
  ['gzip', '.gz'],
]);
const ENCODINGS = [...PACKED_ENDINGS.keys()];
/** Of files that the build packs. */
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface ConsolePagesDeps {
  /** What `npm run build` made. */
  readonly consoleFiles: string;
}

/** The console itself: one page and its files; everything that it shows comes from the API. */
export function consolePages({ consoleFiles }: ConsolePagesDeps): Router {
  let page: string | null = null;
  const pageFile = () => {
    try {
      page ??= readFileSync(join(consoleFiles, 'index.html'), 'utf8');
    } catch (thrown) {
      // Somebody may build it while the service runs.
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
    }
    return page;
  };

  const show: RequestHandler = (_request, response) => {
    const text = pageFile();
    if (text === null) {
      sendPage(response, {
        status: 503,
        tone: 'bad',
        title: 'The console is not built',
        content: html`<p>Run <strong>npm run build</strong> in the service’s directory and load this page again.</p>`,
      });
      return;
    }
    const nonce = randomBytes(NONCE_BYTES).toString('base64');
    response
      .set('Content-Security-Policy', policyWith(nonce))
      .set('Cache-Control', 'no-store')
      .set('Cross-Origin-Opener-Policy', 'same-origin')
      .type('text/html; charset=utf-8')
      .send(text.replaceAll(NONCE_MARK, nonce));
  };

  const router = Router();
  const assets = join(consoleFiles, 'assets');
  const asAsset = { immutable: true, maxAge: ASSET_AGE_MS, index: false, redirect: false } as const;
  const packed = express.static(assets, { ...asAsset, setHeaders: sayPacked });
  router.use('/console/assets', (request, response, next) => {
    response.vary('Accept-Encoding');
    // In our order: browsers name them in the order in which they learned them.
    const encoding = ENCODINGS.find((one) => request.acceptsEncodings(one) === one);
    if (encoding === undefined || request.url.includes('?')) return next();
    const plain = request.url;
    request.url = `${plain}${PACKED_ENDINGS.get(encoding)}`;
    // A file that was not packed, since it would not have become smaller, is sent as it is.
    packed(request, response, (error?: unknown) => {
      request.url = plain;
      next(error);
    });
  });
  router.use('/console/assets', express.static(assets, asAsset));
  // A page that was loaded from an older build asks for what is gone: the console's page, taken for its script, would hide that.
  router.use('/console/assets', notFound);
  router.route('/console').get(show).all(onlyMethods('GET'));
  router.route('/console/*path').get(show).all(onlyMethods('GET'));
  return router;
}

/** Scripts and styles are our own files; the styles that the components make are let in by the nonce of the page. */
function policyWith(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Of what kind it is when it is unpacked. */
function sayPacked(response: ServerResponse, path: string): void {
  const ending = extname(path);
  const encoding = ENCODINGS.find((one) => PACKED_ENDINGS.get(one) === ending);
  if (encoding === undefined) return;
  response.setHeader('Content-Encoding', encoding);
  response.setHeader('Content-Type', TYPES[extname(path.slice(0, -ending.length))] ?? 'application/octet-stream');
}
