import { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express';
import type { CompleteResult, Connect } from '../application/connect.ts';
import type { ProvisionReport } from '../application/ports/crm.ts';
import type { Log } from '../platform/log.ts';
import { callerOf, type Limits } from './limits.ts';
import { html, type Markup, sendPage } from './pages.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, refOf } from './problem.ts';

/** HubSpot's codes and our states have under 100 characters; a longer one is not theirs and is not looked up. */
const PARAMETER_LENGTH_MAX = 1_024;

/** How people call a CRM; one that is not named here is called by its provider's name. */
const CRM_NAMES: Readonly<Record<string, string>> = { hubspot: 'HubSpot', salesforce: 'Salesforce' };

export interface OAuthDeps {
  readonly log: Log;
  readonly limits: Limits;
  readonly connect: Pick<Connect, 'complete'>;
  readonly providers: ReadonlySet<string>;
}

/** Where an admin's browser comes back to after the CRM's consent page. Nothing of the query is shown, logged or followed. */
export function oauth({ log, limits, connect, providers }: OAuthDeps): Router {
  const complete: RequestHandler = async (request, response) => {
    const tooMany = await limits.pages.take(callerOf(request));
    if (tooMany) throw tooMany;
    const provider = String(request.params.provider);
    if (!providers.has(provider)) throw new HttpProblem('not_found', 'No CRM is configured under this name.');
    const { code, state, error } = request.query;
    if (error !== undefined) return showDeclined(response, provider, error === 'access_denied');
    if (!isParameter(code) || !isParameter(state)) {
      throw new HttpProblem('invalid_request', 'The CRM sent the browser back without what is needed.');
    }
    show(response, provider, await connect.complete({ provider, code, state }));
  };

  const failed: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    response.locals.problem = problem.code;
    response.set(problem.headers);
    sendPage(response, {
      status: problem.status,
      tone: 'bad',
      title: problem.status >= 500 ? 'The connection could not be made' : 'This page cannot be shown',
      content: html`<p>${problem.message}</p>
<p>Nothing was changed in your CRM. Make a new install link in Wonward and start again.</p>`,
      ref: refOf(response),
    });
  };

  const router = Router();
  router.route('/oauth/:provider/callback').get(complete, failed).all(onlyMethods('GET'));
  return router;
}

function isParameter(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= PARAMETER_LENGTH_MAX;
}

function nameOf(provider: string): string {
  return CRM_NAMES[provider] ?? provider;
}

function showDeclined(response: Response, provider: string, byPerson: boolean): void {
  const crm = nameOf(provider);
  sendPage(response, {
    status: byPerson ? 403 : 400,
    tone: 'plain',
    title: byPerson ? 'You did not connect' : `${crm} did not connect`,
    content: html`<p>${byPerson ? 'You declined the consent' : `${crm} ended the install`}, so nothing was connected and nothing was changed.</p>
<p>When you want to connect, open the same install link again; after a quarter of an hour make a new one.</p>`,
    ref: refOf(response),
  });
}

function show(response: Response, provider: string, result: CompleteResult): void {
  const ref = refOf(response);
  const crm = nameOf(provider);
  switch (result.kind) {
    case 'connected':
      sendPage(response, {
        status: 200,
        tone: 'good',
        title: `${crm} is connected`,
        content: connectedContent(crm, result),
        ref,
      });
      return;
    case 'bad_state':
      response.locals.problem = result.kind;
      sendPage(response, {
        status: 400,
        tone: 'bad',
        title: 'This install link no longer works',
        content: html`<p>A link works once and for a quarter of an hour. If you have just connected, all is well and there is nothing to do.</p>
<p>Otherwise make a new install link in Wonward and start again.</p>`,
        ref,
      });
      return;
    case 'foreign_portal':
      response.locals.problem = result.kind;
      sendPage(response, {
        status: 409,
        tone: 'bad',
        title: `This ${crm} account belongs to another Wonward account`,
        content: html`<p>It is connected already, in an account that you did not start from. Nothing was changed.</p>
<p>Disconnect it there first, or start the install from that account.</p>`,
        ref,
      });
      return;
    case 'refused':
      response.locals.problem = result.kind;
      sendPage(response, {
        status: 400,
        tone: 'bad',
        title: `${crm} did not confirm the connection`,
        content: html`<p>${result.why}</p>
<p>Make a new install link in Wonward and start again.</p>`,
        ref,
      });
      return;
  }
}

function connectedContent(
  crm: string,
  { connection, provisioned }: Extract<CompleteResult, { kind: 'connected' }>,
): Markup {
  return html`<p>Account <strong>${connection.externalId}</strong> of ${crm} is connected. From now on Wonward sees its deals and contacts.</p>
${'problem' in provisioned ? unfinished(crm, provisioned.problem) : setUp(crm, provisioned)}
<h2>What to do next</h2>
<ol>
${placing(connection.provider)}
<li>Open Wonward’s settings in ${crm} and look whether each deal stage means what it should.</li>
<li>Publish a program in Wonward: it says who gets what when a deal is won.</li>
<li>Label one contact as <em>Referred by</em> another, and watch the card.</li>
</ol>`;
}

/** Neither CRM places what an app brings along by itself. */
function placing(provider: string): Markup {
  if (provider !== 'hubspot')
    return html`<li>On a contact, lead, account or opportunity choose <em>Edit Page</em> (the gear), drag <strong>Referral History</strong> onto
the page, save and activate it.</li>`;
  return html`<li>Open a contact in HubSpot, choose <em>Customize record</em> and add the card <strong>Referrals</strong> of Wonward to a tab; on
deals <strong>Deal referral</strong>, on companies <strong>Company referrals</strong>. Do the same in each view that your teams use: HubSpot never does it
by itself.</li>`;
}

function unfinished(crm: string, problem: string): Markup {
  return html`<h2>Not finished yet</h2>
<p>${problem}</p>
<p>What is missing in ${crm} is set up by the next sweep, within minutes. You need not do anything.</p>`;
}

function setUp(crm: string, { created, existing, conflicts }: ProvisionReport): Markup {
  return html`<h2>What was set up in ${crm}</h2>
${
  created.length > 0
    ? html`<ul>${created.map((name) => html`<li>${name}</li>`)}</ul>`
    : html`<p>Everything was there already (${existing.length} parts).</p>`
}
${
  conflicts.length > 0
    ? html`<h2>What was left alone</h2>
<ul>${conflicts.map(({ name, problem }) => html`<li>${name}: ${problem}</li>`)}</ul>`
    : ''
}`;
}
