import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import type { Connect } from '../application/connect.ts';
import type { Log } from '../platform/log.ts';
import { callerOf, type Limits } from './limits.ts';
import { html, sendPage } from './pages.ts';
import { HttpProblem, logFault, onlyMethods, problemOf, refOf } from './problem.ts';

export interface InstallPageDeps {
  readonly log: Log;
  readonly limits: Limits;
  readonly connect: Pick<Connect, 'consentOf'>;
}

/**
 * What an admin reads before the CRM asks for consent: what will happen, why each permission is asked for, and how to undo it. Changes
 * nothing; the link behind it works once.
 */
export function installPage({ log, limits, connect }: InstallPageDeps): Router {
  const show: RequestHandler = async (request, response) => {
    const tooMany = await limits.pages.take(callerOf(request));
    if (tooMany) throw tooMany;
    const { state } = request.query;
    const consent = typeof state === 'string' ? connect.consentOf(String(request.params.provider), state) : null;
    if (consent === null) throw new HttpProblem('not_found', 'This is not an install link of Wonward.');
    const asked = (isOptional: boolean) => consent.permissions.filter((one) => one.isOptional === isOptional);
    sendPage(response, {
      status: 200,
      tone: 'plain',
      title: 'Connect HubSpot to Wonward',
      content: html`<p>Five minutes, and nothing is paid by it. You need to be a Super Admin of the HubSpot account, or have App Marketplace Access.</p>
<h2>What will happen</h2>
<ol>
<li>HubSpot asks for your consent to the permissions below.</li>
<li>Wonward creates a group <strong>Wonward</strong> of contact and deal properties and the association label <strong>Referred by</strong>. It changes none of your own properties.</li>
<li>It reads your deal pipelines and proposes what each stage means. You can change that in the app’s settings.</li>
<li>From then on it sees changes of contacts and deals. Deals that were won before are not paid.</li>
</ol>
<h2>What Wonward asks for, and why</h2>
<ul>${asked(false).map(({ name, reason }) => html`<li><strong>${name}</strong><br>${reason}</li>`)}</ul>
<h2>What you may leave out</h2>
<ul>${asked(true).map(({ name, reason }) => html`<li><strong>${name}</strong><br>${reason}</li>`)}</ul>
<h2>How to undo it</h2>
<p>Disconnect in Wonward, or uninstall the app in HubSpot under Connected Apps. Wonward’s properties keep their last values until you delete them.</p>
<p><a class="go" href="${consent.url}">Continue to HubSpot’s consent page</a></p>
<p>The link works once, for a quarter of an hour.</p>`,
    });
  };

  const failed: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    response.locals.problem = problem.code;
    response.set(problem.headers);
    sendPage(response, {
      status: problem.status,
      tone: 'bad',
      title: 'This page cannot be shown',
      content: html`<p>${problem.message}</p><p>Make a new install link in Wonward and open that one.</p>`,
      ref: refOf(response),
    });
  };

  const router = Router();
  router.route('/install/:provider').get(show, failed).all(onlyMethods('GET'));
  return router;
}
