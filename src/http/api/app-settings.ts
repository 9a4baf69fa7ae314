import { z } from 'zod';
import type { AppSettingsDesk } from '../../application/app-settings.ts';
import type { KeptAppSettings } from '../../application/ports/store.ts';
import { HttpProblem } from '../problem.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId } from './schemas.ts';

export interface AppSettingsDeps {
  readonly appSettings: Pick<AppSettingsDesk, 'of' | 'save'>;
}

/** A team that administers a CRM has a handful of people. */
const MANAGERS_MAX = 100;

const settings = {
  managers: z
    .array(z.string().regex(/^[0-9A-Za-z]{1,40}$/, 'must be the CRM’s own id of a user, such as 10202051'))
    .max(MANAGERS_MAX)
    .meta({ description: 'Who may change settings in the app inside the CRM, by the CRM’s own user ids.' }),
};

const answer = z
  .strictObject({
    connectionId,
    version: z.int().min(0).meta({ description: '0: nobody has set anything yet.' }),
    ...settings,
  })
  .meta({ id: 'AppSettings', description: 'What is set in the app inside a CRM.' });

const none = () => new HttpProblem('not_found', 'This account has no such connection.');

function view(of: string, { version, settings: { managers } }: KeptAppSettings): z.input<typeof answer> {
  return {
    connectionId: of,
    version,
    managers: [...managers],
  };
}

export function appSettings({ appSettings: desk }: AppSettingsDeps): Operation[] {
  return [
    operation({
      id: 'getAppSettings',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}/app-settings',
      summary: 'Get what is set in the app inside the CRM',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'What holds.' },
      answer,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const kept = await desk.of(accountId, params.connectionId);
        if (!kept) throw none();
        return { status: 200, body: view(params.connectionId, kept) };
      },
    }),
    operation({
      id: 'setAppSettings',
      tag: 'Connections',
      method: 'put',
      path: '/connections/{connectionId}/app-settings',
      summary: 'Say who may change settings in the app inside the CRM',
      description: 'Saved as the next version; the same again changes nothing.',
      params: z.strictObject({ connectionId }),
      body: z.strictObject({
        version: z.int().min(0).meta({ description: 'The version that you have read.' }),
        ...settings,
      }),
      statuses: { 200: 'What holds now.' },
      answer,
      problems: ['not_found', 'settings_changed'],
      async handle({ accountId, actor, params, body }) {
        const { version, managers } = body;
        const saved = await desk.save(accountId, params.connectionId, { managers }, { basis: version, by: actor });
        if (saved.kind === 'no_such_connection') throw none();
        if (saved.kind === 'changed')
          throw new HttpProblem(
            'settings_changed',
            'The settings have changed since you read them. Read them again, and set yours on top of that.',
          );
        return { status: 200, body: view(params.connectionId, saved.kept) };
      },
    }),
  ];
}
