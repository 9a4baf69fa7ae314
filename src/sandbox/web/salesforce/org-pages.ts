import { fileURLToPath } from 'node:url';
import express, { json, Router } from 'express';
import { sameOriginOnly } from '../same-origin.ts';
import { html, type Markup, raw } from './markup.ts';
import type { OrgHome, OrgName, OrgSource, RecordList, RecordView } from './org-source.ts';

export interface OrgPagesDeps {
  readonly source: OrgSource;
  /** The package's components as one script; asked for when a page first needs it. */
  readonly bundle: () => Promise<string>;
  /** The page's own script. */
  readonly script: string;
  readonly style: string;
}

const DESIGN_SYSTEM = fileURLToPath(
  new URL('../../../../node_modules/@salesforce-ux/design-system/assets', import.meta.url),
);
/** Synthetic shadow puts the components' styles into the page as elements; everything is local all the same. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const OWN = '/_local';
const ICONS: Readonly<Record<string, string>> = {
  Opportunity: 'opportunity',
  Contact: 'contact',
  Lead: 'lead',
  Account: 'account',
};

/** The local orgs' pages. Mount at "/". */
export function createOrgPages({ source, bundle, script, style }: OrgPagesDeps): Router {
  const router = Router();
  const send = (response: express.Response, title: string, body: Markup, head: Markup = raw('')): void => {
    response
      .set('content-security-policy', CONTENT_SECURITY_POLICY)
      .type('html')
      .send(pageShell(title, body, head));
  };
  const missing = (response: express.Response): void => {
    response.status(404);
    send(response, 'Not found', html`<h1 class="slds-text-heading_large">There is no such page in this org.</h1>`);
  };

  router.get('/', async (_request, response) => {
    send(response, 'Orgs', orgListPage(await source.orgs()));
  });
  router.get('/orgs/:orgId', async ({ params }, response) => {
    const home = await source.home(params.orgId);
    if (home === null) missing(response);
    else send(response, home.org.name, homePage(home));
  });
  router.get('/orgs/:orgId/records/:id', async ({ params }, response) => {
    const view = await source.record(params.orgId, params.id);
    if (view === null) missing(response);
    else send(response, view.name, recordPage(view), recordHead(view));
  });

  router.use('/assets', express.static(DESIGN_SYSTEM, { index: false, maxAge: '1h' }));
  router.get(`${OWN}/page.js`, (_request, response) => {
    response.type('text/javascript').send(script);
  });
  router.get(`${OWN}/page.css`, (_request, response) => {
    response.type('text/css').send(style);
  });
  router.get(`${OWN}/lightning.js`, async (_request, response) => {
    response.type('text/javascript').send(await bundle());
  });

  router.use(`${OWN}/data`, sameOriginOnly, json({ type: 'application/json', limit: '1mb' }));
  router.post(`${OWN}/data/:orgId/apex/:className/:method`, async ({ params, body }, response) => {
    if (!isFields(body)) {
      response.status(415).json({ message: 'Send JSON.' });
      return;
    }
    const { status, body: answer } = await source.apex(params.orgId, params.className, params.method, body);
    response.status(status).json(answer);
  });
  router.patch(`${OWN}/data/:orgId/records/:id`, async ({ params, body }, response) => {
    if (!isFields(body) || !Object.values(body).every((value) => typeof value === 'string')) {
      response.status(400).json({ message: 'Send field values as text.' });
      return;
    }
    const refusal = await source.update(params.orgId, params.id, body as Record<string, string>);
    if (refusal === null) response.json({ ok: true });
    else response.status(400).json({ message: refusal });
  });
  return router;
}

function isFields(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

function orgListPage(orgs: readonly OrgName[]): Markup {
  return html`
    <h1 class="slds-text-heading_large slds-m-bottom_medium">Orgs</h1>
    <ul class="slds-has-dividers_around-space">
      ${orgs.map(({ id, name }) => html`<li class="slds-item"><a href="/orgs/${id}">${name}</a> <span class="quiet">${id}</span></li>`)}
    </ul>`;
}

function homePage({ org, lists }: OrgHome): Markup {
  return html`
    <h1 class="slds-text-heading_large slds-m-bottom_medium">${org.name}</h1>
    <div class="columns">${lists.map((list) => listCard(org.id, list))}</div>`;
}

function listCard(orgId: string, { label, records }: RecordList): Markup {
  const rows = records.map(
    ({ id, name, note }) =>
      html`<li class="row"><a href="/orgs/${orgId}/records/${id}">${name}</a> <span class="quiet">${note}</span></li>`,
  );
  return html`
    <section class="slds-card slds-p-around_medium" aria-label="${label}">
      <h2 class="slds-text-heading_small slds-m-bottom_x-small">${label} (${records.length})</h2>
      ${records.length === 0 ? html`<p class="quiet">None.</p>` : html`<ul>${rows}</ul>`}
    </section>`;
}

function recordHead({ org, id, object, hasComponent }: RecordView): Markup {
  return html`
    <meta name="apex" content="${OWN}/data/${org.id}/apex">
    <meta name="records" content="/orgs/${org.id}/records">
    <meta name="record" content="${OWN}/data/${org.id}/records/${id}" data-id="${id}" data-object="${object}">
    ${hasComponent ? html`<script defer src="${OWN}/lightning.js"></script>` : raw('')}
    <script defer src="${OWN}/page.js"></script>`;
}

function recordPage(view: RecordView): Markup {
  const { org, object, objectLabel, hasComponent, name, fields, path, related } = view;
  const icon = ICONS[object] ?? 'record';
  return html`
    <div class="slds-page-header slds-page-header_record-home slds-m-bottom_small">
      <div class="slds-media">
        <div class="slds-media__figure">
          <span class="slds-icon_container slds-icon-standard-${icon}">
            <svg class="slds-icon" aria-hidden="true"><use href="/assets/icons/standard-sprite/svg/symbols.svg#${icon}"></use></svg>
          </span>
        </div>
        <div class="slds-media__body">
          <p>${objectLabel} in <a class="in-text" href="/orgs/${org.id}">${org.name}</a></p>
          <h1 class="slds-page-header__title">${name}</h1>
        </div>
      </div>
    </div>
    ${path === null ? raw('') : stagePath(path)}
    <p id="said" role="status" class="slds-m-bottom_x-small"></p>
    <div class="record">
      <div class="main">
        ${
          hasComponent
            ? html`<div id="component"><p class="quiet" role="status">The component is being compiled: half a minute, the first time.</p></div>
              <p class="quiet notice">
                <strong>Real:</strong> the package’s component, compiled as Salesforce does, with Salesforce’s own base components and styles.
                <strong>Not real:</strong> Apex. This page runs the queries of its classes against the local org.
              </p>`
            : raw('')
        }
      </div>
      <div class="side">
        <section class="slds-card slds-p-around_medium" aria-label="Details">
          <h2 class="slds-text-heading_small slds-m-bottom_x-small">Details</h2>
          <dl>${fields.map(
            ({ label, value, record }) =>
              html`<div class="field"><dt class="quiet">${label}</dt><dd>${
                record === null
                  ? value || '–'
                  : html`<a class="in-text" href="/orgs/${org.id}/records/${record.id}">${record.name}</a>`
              }</dd></div>`,
          )}</dl>
        </section>
        ${related.map((list) => listCard(org.id, list))}
      </div>
    </div>`;
}

function stagePath({ current, stages }: NonNullable<RecordView['path']>): Markup {
  return html`
    <ol class="stages" aria-label="Stage">
      ${stages.map(
        ({ name, label, outcome }) => html`<li>
          <button type="button" class="slds-button slds-button_neutral stage is-${outcome}" data-stage="${name}"
            ${name === current ? raw('aria-current="step"') : raw('')}>${label}</button></li>`,
      )}
    </ol>`;
}

function pageShell(title: string, body: Markup, head: Markup): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Local Salesforce</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/styles/salesforce-lightning-design-system.min.css">
<link rel="stylesheet" href="${OWN}/page.css">
${head}
</head>
<body>
<header class="top"><a class="brand" href="/">Local Salesforce</a> <span class="sandbox-badge">Sandbox · no Salesforce account</span></header>
<main>${body}</main>
</body>
</html>
`.text;
}
