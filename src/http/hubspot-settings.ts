import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { SettingsResponse } from '../../contracts/hubspot-settings/settings-view.generated.ts';
import { mappingDocument } from '../application/mapping-document.ts';
import type { SettingsCaller, SettingsPage } from '../application/settings-page.ts';
import type { Log } from '../platform/log.ts';
import {
  answerPerson,
  askedBy,
  expectSigned,
  failedWith,
  jsonOf,
  refusePerson,
  type SignedDeps,
  signedByHubSpot,
} from './hubspot-signed.ts';
import { onlyMethods } from './problem.ts';
import { readRawJson } from './raw-body.ts';

/** As the API takes: a mapping of a hundred pipelines with a hundred stages each has less. */
const BODY_BYTES_MAX = 1_048_576;

export interface HubspotSettingsDeps extends SignedDeps {
  readonly log: Log;
  readonly settingsPage: SettingsPage;
}

const mappingBody = mappingDocument.extend({ version: z.string() });
const nothing = z.strictObject({});

/** What an admin sees and sets in the app's settings in HubSpot. Portal and user are those that HubSpot has signed. */
export function hubspotSettings(deps: HubspotSettingsDeps): Router {
  const { settingsPage } = deps;
  const failed = failedWith(deps.log, 'Wonward could not do this just now.');

  const show: RequestHandler = async (request, response) => {
    const { portalId, connection, user } = await askedBy(deps, request, response);
    if (portalId === null) return refusePerson(response, 'HubSpot did not say which portal this is.');
    answerPerson(response, await settingsPage.show({ connection, userId: user?.id ?? null }));
  };

  const change =
    <T>(schema: z.ZodType<T>, run: (caller: SettingsCaller, body: T) => Promise<SettingsResponse>): RequestHandler =>
    async (request, response) => {
      const bytes = await readRawJson(request, BODY_BYTES_MAX);
      await expectSigned(deps, request, response, bytes);
      const { portalId, connection, user } = await askedBy(deps, request, response);
      if (portalId === null) return refusePerson(response, 'HubSpot did not say which portal this is.');
      const body = schema.safeParse(jsonOf(bytes));
      if (!body.success) return refusePerson(response, 'The page sent something that it should not. Reload it.');
      answerPerson(response, await run({ connection, userId: user?.id ?? null }, body.data));
    };

  const router = Router();
  router.route('/hubspot/settings').get(signedByHubSpot(deps), show, failed).all(onlyMethods('GET'));
  const post = (name: string, handler: RequestHandler) =>
    router.route(`/hubspot/settings/${name}`).post(handler, failed).all(onlyMethods('POST'));
  post(
    'mapping',
    change(mappingBody, (caller, { stages, version }) => settingsPage.sayMapping(caller, stages, version)),
  );
  post(
    'reconnect',
    change(nothing, (caller) => settingsPage.reconnect(caller)),
  );
  return router;
}
