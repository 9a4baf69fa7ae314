import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { SettingsResponse } from '../../contracts/hubspot-settings/settings-view.generated.ts';
import { mappingDocument } from '../application/mapping-document.ts';
import type { SettingsCaller, SettingsPage } from '../application/settings-page.ts';
import { NOTICES } from '../domain/notice.ts';
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
/** Longer than any id, and more than anybody runs at a time. */
const PROGRAM_ID_MAX = 100;
const PROGRAMS_MAX = 1_000;

export interface HubspotSettingsDeps extends SignedDeps {
  readonly log: Log;
  readonly settingsPage: SettingsPage;
}

const mappingBody = mappingDocument.extend({ version: z.string() });
const programsBody = z.strictObject({
  version: z.int().min(0),
  programs: z.array(z.string().max(PROGRAM_ID_MAX)).max(PROGRAMS_MAX).nullable(),
});
const noticesBody = z.strictObject({
  version: z.int().min(0),
  notices: z
    .array(
      z.strictObject({
        notice: z.enum(NOTICES),
        ownerId: z
          .string()
          .regex(/^[0-9]{1,20}$/)
          .nullable(),
      }),
    )
    .max(NOTICES.length),
});
const objectsBody = z.strictObject({ version: z.int().min(0), isOn: z.boolean() });
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
    'programs',
    change(programsBody, (caller, { programs, version }) => settingsPage.choosePrograms(caller, programs, version)),
  );
  post(
    'notices',
    change(noticesBody, (caller, { notices, version }) =>
      settingsPage.chooseNotices(
        caller,
        notices.map(({ notice, ownerId }) => ({ notice, channel: 'crm_task', to: ownerId })),
        version,
      ),
    ),
  );
  post(
    'objects',
    change(objectsBody, (caller, { isOn, version }) => settingsPage.chooseObjects(caller, isOn, version)),
  );
  post(
    'reconnect',
    change(nothing, (caller) => settingsPage.reconnect(caller)),
  );
  return router;
}
