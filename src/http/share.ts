import { type ErrorRequestHandler, type Request, type RequestHandler, Router } from 'express';
import { shareLinkOf } from '../application/compose-mirror.ts';
import { normaliseCode } from '../domain/ids.ts';
import type { Log } from '../platform/log.ts';
import { qrPng } from '../platform/qr-code.ts';
import { callerOf, type Limits } from './limits.ts';
import { html, sendPage } from './pages.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, refOf } from './problem.ts';

/** A code is its member's for good, and so is its picture. */
const QR_CACHE = 'public, max-age=86400';

export interface ShareDeps {
  readonly publicUrl: string;
  readonly log: Log;
  readonly limits: Limits;
  /** Whether a member has this code, written as `normaliseCode` writes it. */
  readonly codeExists: (code: string) => Promise<boolean>;
}

/** What a friend sees who follows a share link. Nothing is counted or set; the page names the code and nobody. */
export function share({ publicUrl, log, limits, codeExists }: ShareDeps): Router {
  async function codeIn(request: Request): Promise<string> {
    const tooMany = await limits.pages.take(callerOf(request));
    if (tooMany) throw tooMany;
    const code = normaliseCode(String(request.params.code));
    if (code === null || !(await codeExists(code))) throw new HttpProblem('not_found', 'No member has this code.');
    return code;
  }

  const open: RequestHandler = async (request, response) => {
    const code = await codeIn(request);
    sendPage(response, {
      status: 200,
      tone: 'good',
      title: 'You were referred',
      content: html`<p>Your referral code is valid:</p>
<p><code>${code}</code></p>
<p>Give it to the person you talk to, or enter it where a form asks for a referral code. That is how it is known who referred you.</p>`,
    });
  };

  const qr: RequestHandler = async (request, response) => {
    const png = qrPng(shareLinkOf(publicUrl, await codeIn(request)));
    if (!png) throw new HttpProblem('not_found', 'The address of this service is too long for a QR code.');
    // A record's page in the CRM shows it, which is another site.
    response.set({ 'Cache-Control': QR_CACHE, 'Cross-Origin-Resource-Policy': 'cross-origin' });
    response.type('png').send(png);
  };

  const failed: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    response.locals.problem = problem.code;
    response.set(problem.headers);
    const isUnknown = problem.code === 'not_found' || problem.code === 'invalid_path';
    sendPage(response, {
      status: isUnknown ? 404 : problem.status,
      tone: isUnknown ? 'plain' : 'bad',
      title: isUnknown ? 'This referral link is not valid' : 'Not possible just now',
      content: isUnknown
        ? html`<p>No member has this code. Perhaps a character is missing: ask your friend for the link again.</p>`
        : html`<p>${problem.message}</p>`,
      ...(isUnknown ? {} : { ref: refOf(response) }),
    });
  };

  const router = Router();
  router.route('/r/:code/qr.png').get(qr, failed).all(onlyMethods('GET'));
  router.route('/r/:code').get(open, failed).all(onlyMethods('GET'));
  return router;
}
