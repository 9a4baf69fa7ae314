import { json, type Response, Router } from 'express';
import type { CardBundle } from './card-bundle.ts';
import type { CardFetchRequest } from './client/card-protocol.ts';
import { sameOriginOnly } from './same-origin.ts';
import type { SandboxClient } from './sandbox-client.ts';
import type { RecordKind, SandboxSource } from './source.ts';

export type AppPath = 'app' | 'settings';

export interface SandboxPagesDeps {
  readonly source: SandboxSource;
  /** By the kind of record that shows them. */
  readonly cards: Readonly<Record<CardKind, CardBundle>>;
  /** The same for the sidebar. */
  readonly sidebars: Readonly<Record<CardKind, CardBundle>>;
  /** The pages that HubSpot places by itself, by their path below the portal. */
  readonly apps: Readonly<Record<AppPath, CardBundle>>;
  readonly client: SandboxClient;
  /** What the card gets as the profile variable API: where the service says it is. */
  readonly apiUrl: string;
  readonly appId: number;
}

/** Everything is local, and the browser is told so. Images come from where the app's permittedUrls.img says: the service. */
function contentSecurityPolicy(apiUrl: string): string {
  return `default-src 'self'; img-src 'self' data: ${new URL(apiUrl).origin}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'`;
}

export type CardKind = 'contact' | 'deal' | 'company';

const ASSETS = '/_sandbox/pages/assets';
const DATA = '/_sandbox/pages/data';
const PAGES = [
  '/',
  '/portals/:portalId',
  '/portals/:portalId/contacts/:id',
  '/portals/:portalId/deals/:id',
  '/portals/:portalId/companies/:id',
  '/portals/:portalId/:app',
];

export interface PageConfig {
  readonly assets: string;
  readonly data: string;
  readonly apiUrl: string;
  readonly appId: number;
  readonly cardNames: Readonly<Record<CardKind, string>>;
  readonly sidebarNames: Readonly<Record<CardKind, string>>;
}

/** The local HubSpot's pages. Mount at "/". */
export function createSandboxPages({ source, cards, sidebars, apps, client, apiUrl, appId }: SandboxPagesDeps): Router {
  const router = Router();
  const namesOf = ({ contact, deal, company }: SandboxPagesDeps['cards']) => ({
    contact: contact.name,
    deal: deal.name,
    company: company.name,
  });
  const cardNames = namesOf(cards);
  const sidebarNames = namesOf(sidebars);
  const policy = contentSecurityPolicy(apiUrl);
  const shell = pageShell({ assets: ASSETS, data: DATA, apiUrl, appId, cardNames, sidebarNames });

  router.get(PAGES, (_request, response) => {
    response.set('content-security-policy', policy).type('html').send(shell);
  });
  const assets: Readonly<Record<string, readonly [type: string, text: string]>> = {
    'page.js': ['text/javascript', client.pageScript],
    'page.css': ['text/css', client.style],
    'card-worker.js': ['text/javascript', client.workerScript],
    'contact-card.js': ['text/javascript', cards.contact.code],
    'deal-card.js': ['text/javascript', cards.deal.code],
    'company-card.js': ['text/javascript', cards.company.code],
    'contact-sidebar.js': ['text/javascript', sidebars.contact.code],
    'deal-sidebar.js': ['text/javascript', sidebars.deal.code],
    'company-sidebar.js': ['text/javascript', sidebars.company.code],
    ...Object.fromEntries(
      Object.entries(apps).map(([path, { code }]) => [`${path}.js`, ['text/javascript', code] as const]),
    ),
  };
  for (const [name, [type, text]] of Object.entries(assets)) {
    router.get(`${ASSETS}/${name}`, (_request, response) => {
      response.set('cache-control', 'no-cache').type(type).send(text);
    });
  }

  router.use(DATA, sameOriginOnly);
  router.get(`${DATA}/portals`, async (_request, response) => {
    response.json(await source.portals());
  });
  router.get(`${DATA}/portals/:portalId`, async ({ params }, response) => {
    answer(response, await source.home(Number(params.portalId)));
  });
  router.get(`${DATA}/portals/:portalId/contacts/:id`, async ({ params }, response) => {
    answer(response, await source.contact(Number(params.portalId), params.id));
  });
  router.get(`${DATA}/portals/:portalId/deals/:id`, async ({ params }, response) => {
    answer(response, await source.deal(Number(params.portalId), params.id));
  });
  router.get(`${DATA}/portals/:portalId/companies/:id`, async ({ params }, response) => {
    answer(response, await source.company(Number(params.portalId), params.id));
  });
  router.get(`${DATA}/portals/:portalId/deliveries`, async ({ params }, response) => {
    response.json(await source.deliveries(Number(params.portalId)));
  });
  // A form of another site cannot send JSON without asking first, so a page elsewhere cannot move a deal here.
  router.use(DATA, json({ type: 'application/json', limit: '1mb' }));
  router.patch(`${DATA}/portals/:portalId/:kind/:id`, async ({ params, body }, response) => {
    const properties = textProperties(body);
    if (!isKind(params.kind) || properties === null) {
      response.status(400).json({ message: 'Send property values as text.' });
      return;
    }
    const refusal = await source.update(Number(params.portalId), params.kind, params.id, properties);
    if (refusal === null) response.json({ ok: true });
    else response.status(400).json({ message: refusal });
  });
  router.post(`${DATA}/portals/:portalId/deliveries/:id/send-again`, async ({ params, body }, response) => {
    if (body === undefined) {
      response.status(415).json({ message: 'Send JSON.' });
      return;
    }
    await source.sendAgain(Number(params.portalId), params.id);
    response.json({ ok: true });
  });
  router.post(`${DATA}/portals/:portalId/fetch`, async ({ params, body }, response) => {
    response.json(await source.fetchAsCard(Number(params.portalId), body as CardFetchRequest));
  });
  return router;
}

function answer(response: Response, view: object | null): void {
  if (view === null) response.status(404).json({ message: 'There is no such record in this portal.' });
  else response.json(view);
}

function isKind(kind: string): kind is RecordKind {
  return kind === 'contacts' || kind === 'deals';
}

function textProperties(body: unknown): Record<string, string> | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  return Object.values(body).every((value) => typeof value === 'string') ? (body as Record<string, string>) : null;
}

function pageShell(config: PageConfig): string {
  // "<" is the one character that could end the script element early.
  const data = JSON.stringify(config).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Local CRM</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${ASSETS}/page.css">
<script type="application/json" id="config">${data}</script>
<script defer src="${ASSETS}/page.js"></script>
</head>
<body><div id="app"></div></body>
</html>
`;
}
