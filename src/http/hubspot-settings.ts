import { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import type { SettingsResponse } from '../../contracts/hubspot-settings/settings-view.generated.ts';
import { mappingDocument } from '../application/mapping-document.ts';
import type { ConnectionStore } from '../application/ports/store.ts';
import type { SettingsCaller, SettingsPage } from '../application/settings-page.ts';
import type { Log } from '../platform/log.ts';
import { signedByHubSpot, signedCaller } from './hubspot-signed.ts';
import { logFault, onlyMethods, problemOf, refOf, sendProblem } from './problem.ts';
import { readRawJson } from './raw-body.ts';
import { PROVIDER, type SignedDeps } from './signed-card.ts';

/** As the API takes: a mapping of a hundred pipelines with a hundred stages each has less. */
const BODY_BYTES_MAX = 1_048_576;

export interface HubspotSettingsDeps extends SignedDeps {
  readonly log: Log;
  readonly connections: Pick<ConnectionStore, 'findByExternalId'>;
  readonly settingsPage: SettingsPage;
}

const mappingBody = mappingDocument.extend({ version: z.string() });
const nothing = z.strictObject({});

/** What an admin sees and sets in the app's settings in HubSpot. Portal and user are those that HubSpot has signed. */
export function hubspotSettings(deps: HubspotSettingsDeps): Router {
  const { publicUrl, log, connections, settingsPage } = deps;

  const answering =
    <T>(run: (caller: SettingsCaller, body: T) => Promise<SettingsResponse>, schema?: z.ZodType<T>): RequestHandler =>
    async (request, response) => {
      const signed = signedCaller(new URL(request.originalUrl, publicUrl).searchParams);
      if (signed === null) return refuse(response, 'HubSpot did not say which portal this is.');
      const body = schema === undefined ? undefined : read(schema, response.locals.signedBody as Uint8Array);
      if (body !== undefined && !body.success)
        return refuse(response, 'The page sent something that it should not. Reload it.');
      const connection = await connections.findByExternalId(PROVIDER, signed.portalId);
      response.locals.account = connection?.accountId;
      answer(response, await run({ connection, userId: signed.userId }, body?.data as T));
    };

  /** As for the cards: what a person should read comes with 200, or HubSpot hides it. */
  const failed: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const problem = problemOf(thrown);
    logFault(log, response, thrown, problem);
    if (problem.status < 500) return sendProblem(response, problem);
    answer(response, { ok: false, code: 'unavailable', message: 'Wonward could not do this just now.' });
  };

  const withBody = signedByHubSpot(deps, (request) => readRawJson(request, BODY_BYTES_MAX));
  const router = Router();
  router
    .route('/hubspot/settings')
    .get(
      signedByHubSpot(deps),
      answering((caller) => settingsPage.show(caller)),
      failed,
    )
    .all(onlyMethods('GET'));
  const post = (name: string, handler: RequestHandler) =>
    router.route(`/hubspot/settings/${name}`).post(withBody, handler, failed).all(onlyMethods('POST'));
  post(
    'mapping',
    answering((caller, { stages, version }) => settingsPage.sayMapping(caller, stages, version), mappingBody),
  );
  post(
    'reconnect',
    answering((caller) => settingsPage.reconnect(caller), nothing),
  );
  return router;
}

function read<T>(schema: z.ZodType<T>, bytes: Uint8Array) {
  try {
    return schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return schema.safeParse(undefined);
  }
}

function refuse(response: Response, message: string): void {
  answer(response, { ok: false, code: 'invalid_request', message });
}

function answer(response: Response, body: SettingsResponse): void {
  if (!body.ok) response.locals.problem = body.code;
  response.status(200).json(body.ok ? body : { ...body, ref: refOf(response) });
}
