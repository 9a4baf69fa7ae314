import { createHash } from 'node:crypto';
import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { AccountBrand } from '../application/account-brand.ts';
import type { ShownBrand, Store } from '../application/ports/store.ts';
import type { Opened, SignIn } from '../application/sign-in.ts';
import { permissionsOf } from '../domain/roles.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { OpenId, OpenIdState } from '../platform/open-id.ts';
import type { Seal } from '../platform/seal.ts';
import { logoPath } from './api/brand.ts';
import { parseInput } from './api/explain.ts';
import { email } from './api/fields.ts';
import { callerOf, type Limits } from './limits.ts';
import { html, sendPage } from './pages.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, refOf } from './problem.ts';
import { parsedJson } from './raw-body.ts';
import { createCookie, isFromConsole, type SessionCookie } from './session-cookie.ts';

/** An address or a token; nothing else is sent here. */
const BODY_BYTES_MAX = 2_048;
/** Passwords, second factors and consent at the provider take minutes at most. */
const OPENID_MS = 15 * 60_000;
const OPENID_CONTEXT = 'console openid state';

export const SESSION_COOKIE = 'wonward_session';

export interface ConsoleSessionDeps {
  readonly publicUrl: string;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  readonly limits: Limits;
  readonly signIn: SignIn;
  readonly accountBrand: Pick<AccountBrand, 'shownOf'>;
  readonly openId: OpenId | null;
  readonly seal: Pick<Seal, 'seal' | 'open'>;
  readonly users: Pick<Store['users'], 'saveOidcState' | 'takeOidcState'>;
}

const linkBody = z.strictObject({ email });
const tokenBody = z.strictObject({ token: z.string('must be text').max(200, 'must be the token of a link') });

/** Signing in to the console and out of it; by a link or by an OpenID provider. */
export function consoleSession(deps: ConsoleSessionDeps): Router {
  const { publicUrl, log, clock, limits, signIn, openId, seal, users, accountBrand } = deps;
  const session = createCookie(publicUrl, SESSION_COOKIE);
  const pending = createCookie(publicUrl, 'wonward_openid');
  const redirectUrl = `${publicUrl}/console/openid/callback`;

  const fromConsole: RequestHandler = (request, response, next) => {
    response.set('Cache-Control', 'no-store');
    if (request.method === 'GET' || isFromConsole(request, publicUrl)) return next();
    throw new HttpProblem('cross_site', 'Open the console and sign in there.');
  };
  const limited: RequestHandler = async (request, _response, next) => {
    const tooMany = await limits.signIns.take(callerOf(request));
    if (tooMany) throw tooMany;
    next();
  };

  const ways: RequestHandler = (_request, response) => {
    response.json({ byMail: signIn.byMail, openId: openId?.name ?? null });
  };

  const askForLink: RequestHandler = async (request, response) => {
    const body = parseInput(linkBody, request.body);
    const address = body.email.toLowerCase();
    const tooMany = await limits.letters.take(createHash('sha256').update(address).digest('base64url'));
    if (tooMany) throw tooMany;
    signIn.askForLink(address);
    response.status(202).json({});
  };

  const redeem: RequestHandler = async (request, response) => {
    const { token } = parseInput(tokenBody, request.body);
    const opened = await signIn.redeem(token);
    if (!opened) {
      throw new HttpProblem('sign_in_refused', 'The link was used before, or its time is over. Ask for a new one.');
    }
    // Somebody else's session in this browser ends with it.
    await endFormer(session, signIn, request);
    session.set(response, opened.secret, opened.expiresAt);
    response.status(201).json({});
  };

  const whoAmI: RequestHandler = async (request, response) => {
    const secret = session.read(request);
    const found = secret === null ? null : await signIn.session(secret);
    // No problem: whoever opens the console asks, and a browser would show a red line for it.
    if (!found) return void response.json({ user: null, accounts: [] });
    const brands = new Map(
      (await accountBrand.shownOf(found.seats.map(({ accountId }) => accountId))).map((one) => [one.accountId, one]),
    );
    response.json({
      user: { id: found.user.id, email: found.user.email, name: found.user.name },
      accounts: found.seats.map(({ accountId, accountName, roles }) => ({
        id: accountId,
        name: accountName,
        brand: brandOf(brands.get(accountId)),
        roles,
        permissions: [...permissionsOf(roles)],
      })),
      expiresAt: new Date(found.expiresAt).toISOString(),
    });
  };

  const end: RequestHandler = async (request, response) => {
    await endFormer(session, signIn, request);
    session.clear(response);
    response.status(204).end();
  };

  const begin: RequestHandler = async (_request, response) => {
    if (!openId) throw new HttpProblem('not_found', 'No OpenID provider is configured.');
    const { url, ...remembered } = await openId.begin(redirectUrl);
    const expiresAt = clock.now() + OPENID_MS;
    await users.saveOidcState(
      hashOf(remembered.state),
      seal.seal(JSON.stringify(remembered), OPENID_CONTEXT),
      expiresAt,
    );
    // The browser that comes back must be the one that went: otherwise a stranger's sign-in could be finished in it.
    pending.set(response, remembered.state, expiresAt);
    response.redirect(302, url);
  };

  const complete: RequestHandler = async (request, response) => {
    if (!openId) throw new HttpProblem('not_found', 'No OpenID provider is configured.');
    const state = typeof request.query.state === 'string' ? request.query.state : '';
    const isSameBrowser = state !== '' && pending.read(request) === state;
    pending.clear(response);
    const sealed = isSameBrowser ? await users.takeOidcState(hashOf(state), clock.now()) : null;
    if (sealed === null) throw new HttpProblem('sign_in_refused', 'Begin again from the sign-in page.');
    const remembered = JSON.parse(seal.open(sealed, OPENID_CONTEXT)) as OpenIdState;
    const identity = await openId.complete(new URL(request.originalUrl, publicUrl), remembered);
    const opened: Opened | string = await signIn.enter(identity);
    if (typeof opened === 'string') {
      throw new HttpProblem(
        'sign_in_refused',
        opened === 'unverified'
          ? `${openId.name} does not say that your e-mail address is yours. Ask your administrator there.`
          : 'You have no seat here. Ask an owner of the account to invite you.',
      );
    }
    await endFormer(session, signIn, request);
    session.set(response, opened.secret, opened.expiresAt);
    response.redirect(303, '/console/');
  };

  const showFailed: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    response.locals.problem = problem.code;
    sendPage(response, {
      status: problem.status,
      tone: 'bad',
      title: 'You could not be signed in',
      content: html`<p>${problem.message}</p><p><a class="go" href="/console/sign-in">To the sign-in page</a></p>`,
      ref: refOf(response),
    });
  };

  const router = Router();
  router.route('/console/session/ways').get(fromConsole, ways).all(onlyMethods('GET'));
  router
    .route('/console/session/link')
    .post(fromConsole, limited, parsedJson(BODY_BYTES_MAX), askForLink)
    .all(onlyMethods('POST'));
  router
    .route('/console/session')
    .get(fromConsole, whoAmI)
    .post(fromConsole, limited, parsedJson(BODY_BYTES_MAX), redeem)
    .delete(fromConsole, end)
    .all(onlyMethods('GET', 'POST', 'DELETE'));
  router.route('/console/openid').get(fromConsole, limited, begin, showFailed).all(onlyMethods('GET'));
  router.route('/console/openid/callback').get(limited, complete, showFailed).all(onlyMethods('GET'));
  return router;
}

/** By what somebody with several accounts tells them apart at a glance. */
function brandOf(shown: ShownBrand | undefined) {
  const { name = null, accent = null } = shown?.brand ?? {};
  return { name, accent, logo: shown?.logo ? logoPath(shown.logo) : null };
}

async function endFormer(
  cookie: SessionCookie,
  signIn: SignIn,
  request: Parameters<SessionCookie['read']>[0],
): Promise<void> {
  const former = cookie.read(request);
  if (former !== null) await signIn.end(former);
}

function hashOf(state: string): string {
  return createHash('sha256').update(state).digest('base64url');
}
