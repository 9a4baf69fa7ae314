import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express, { type RequestHandler, Router } from 'express';
import { html, sendPage } from './pages.ts';
import { onlyMethods } from './problem.ts';

/** Their names hold a hash of what is in them. */
const ASSET_AGE_MS = 365 * 24 * 3_600_000;
const NONCE_BYTES = 16;
/** What the build writes where each answer's nonce goes; see src/web/console/index.html. */
const NONCE_MARK = '__NONCE__';

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
  router.use(
    '/console/assets',
    express.static(join(consoleFiles, 'assets'), {
      immutable: true,
      maxAge: ASSET_AGE_MS,
      index: false,
      redirect: false,
    }),
  );
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
