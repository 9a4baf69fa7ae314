import { type ErrorRequestHandler, type Request, type RequestHandler, Router } from 'express';
import type { AccountBrand } from '../application/account-brand.ts';
import { shareLinkOf } from '../application/compose-mirror.ts';
import type { ConsentTexts } from '../application/consent-texts.ts';
import type { ShownBrand } from '../application/ports/store.ts';
import { languageOf } from '../domain/consent.ts';
import { normaliseCode } from '../domain/ids.ts';
import type { Log } from '../platform/log.ts';
import { qrPng } from '../platform/qr-code.ts';
import { callerOf, type Limits } from './limits.ts';
import { pageBrand } from './page-brand.ts';
import { html, type Markup, sendPage } from './pages.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, refOf } from './problem.ts';

/** A code is its member's for good, and so is its picture. */
const QR_CACHE = 'public, max-age=86400';

export interface ShareDeps {
  readonly publicUrl: string;
  readonly log: Log;
  readonly limits: Limits;
  readonly accountBrand: Pick<AccountBrand, 'behindCode' | 'logo'>;
  readonly consentTexts: Pick<ConsentTexts, 'inForce'>;
}

const WORDS = {
  en: {
    title: 'You were referred',
    titleBy: (name: string) => `You were referred to ${name}`,
    valid: 'Your referral code is valid:',
    use: 'Give it to the person you talk to, or enter it where a form asks for a referral code. That is how it is known who referred you.',
    consent: 'What happens with your data',
  },
  de: {
    title: 'Sie wurden empfohlen',
    titleBy: (name: string) => `Sie wurden ${name} empfohlen`,
    valid: 'Ihr Empfehlungscode ist gültig:',
    use: 'Nennen Sie ihn der Person, mit der Sie sprechen, oder tragen Sie ihn ein, wo ein Formular nach einem Empfehlungscode fragt. So ist bekannt, wer Sie empfohlen hat.',
    consent: 'Was mit Ihren Daten geschieht',
  },
} as const;

/** A logo's address holds what it is: another one has another address. */
const LOGO_CACHE = 'public, max-age=31536000, immutable';
/** SHA-256 in Base64 for addresses. */
const LOGO_HASH = /^[A-Za-z0-9_-]{43}$/;

/** What a friend sees who follows a share link. Nothing is counted or set; the page names the code and nobody. */
export function share({ publicUrl, log, limits, accountBrand, consentTexts }: ShareDeps): Router {
  async function codeIn(request: Request): Promise<{ code: string; whose: ShownBrand }> {
    const tooMany = await limits.pages.take(callerOf(request));
    if (tooMany) throw tooMany;
    const code = normaliseCode(String(request.params.code));
    const whose = code === null ? null : await accountBrand.behindCode(code);
    if (code === null || !whose) throw new HttpProblem('not_found', 'No member has this code.');
    return { code, whose };
  }

  const open: RequestHandler = async (request, response) => {
    const { code, whose } = await codeIn(request);
    const { language, name } = whose.brand;
    const words = WORDS[language];
    const consent = await consentTexts.inForce(whose.accountId, 'friend');
    const told = consent?.texts[languageOf(consent, language) ?? language];
    sendPage(response, {
      status: 200,
      tone: 'good',
      title: name === null ? words.title : words.titleBy(name),
      brand: pageBrand(whose),
      content: html`<p>${words.valid}</p>
<p><code>${code}</code></p>
<p>${words.use}</p>
${told === undefined ? '' : html`<h2>${words.consent}</h2>${paragraphsOf(told)}`}`,
    });
  };

  const qr: RequestHandler = async (request, response) => {
    const { code } = await codeIn(request);
    const png = qrPng(shareLinkOf(publicUrl, code));
    if (!png) throw new HttpProblem('not_found', 'The address of this service is too long for a QR code.');
    // A record's page in the CRM shows it, which is another site.
    response.set({ 'Cache-Control': QR_CACHE, 'Cross-Origin-Resource-Policy': 'cross-origin' });
    response.type('png').send(png);
  };

  /** Its bytes were looked at when it was set, and a browser takes them for nothing else than what they are. */
  const logo: RequestHandler = async (request, response) => {
    const tooMany = await limits.pages.take(callerOf(request));
    if (tooMany) throw tooMany;
    const hash = String(request.params.hash);
    const found = LOGO_HASH.test(hash) ? await accountBrand.logo(hash) : null;
    if (!found) throw new HttpProblem('not_found', 'There is no such picture.');
    response.set({
      'Cache-Control': LOGO_CACHE,
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'X-Content-Type-Options': 'nosniff',
    });
    response.type(found.type).send(found.bytes);
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
  router.route('/logos/:hash').get(logo).all(onlyMethods('GET'));
  return router;
}

/** Words that a person wrote, with the empty lines that they put between them. */
function paragraphsOf(text: string): Markup[] {
  return text.split(/\n\s*\n/).map((one) => html`<p>${one}</p>`);
}
