import { z } from 'zod';
import type { AppSettingsDesk, AppSettingsSaved } from '../../application/app-settings.ts';
import type { KeptAppSettings } from '../../application/ports/store.ts';
import { OBJECTS_CHOICES } from '../../domain/app-settings.ts';
import { CHANNELS, NOTICES } from '../../domain/notice.ts';
import { HttpProblem } from '../problem.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId } from './schemas.ts';

export interface AppSettingsDeps {
  readonly appSettings: Pick<AppSettingsDesk, 'of' | 'save'>;
}

/** A team that administers a CRM has a handful of people. */
const MANAGERS_MAX = 100;
/** More than anybody runs at a time. */
const PROGRAMS_MAX = 1_000;
const PROGRAM_ID_MAX = 100;

const notice = z.enum(NOTICES).meta({
  description:
    'review_due: a reward or a dispute waits for a person · urgent_alert: any alert that is high or urgent · sync_trouble: nothing comes or goes any more · drift: somebody has changed what Wonward reads in the CRM · low_budget: a budget is spent, or will be within a week · payout_failed: several orders or write-backs wait for a person, or a provider gave back what somebody is owed',
});

const settings = {
  notifications: z
    .array(
      z.strictObject({
        notice,
        channel: z.enum(CHANNELS).meta({ description: 'crm_task: a task in the CRM.' }),
        to: z
          .string()
          .regex(/^[0-9A-Za-z]{1,40}$/, 'must be the CRM’s own id of an owner, such as 41629779')
          .nullable()
          .meta({ description: 'Whose task it is, by the CRM’s own id of an owner; null: nobody’s in particular.' }),
      }),
    )
    .max(NOTICES.length * CHANNELS.length)
    .meta({
      description:
        'Who is told of what. For each case of these kinds that is opened from then on there is one task; it is completed when the case ends, and to complete it decides nothing.',
    }),
  managers: z
    .array(z.string().regex(/^[0-9A-Za-z]{1,40}$/, 'must be the CRM’s own id of a user, such as 10202051'))
    .max(MANAGERS_MAX)
    .meta({ description: 'Who may change settings in the app inside the CRM, by the CRM’s own user ids.' }),
  programs: z.array(z.string().min(1).max(PROGRAM_ID_MAX)).max(PROGRAMS_MAX).nullable().meta({
    description:
      'Programs that apply in this CRM; null: every one that is published, also later. A change counts for referrals that are submitted from then on: those that are there go on by what was chosen when they were submitted. Without any, nothing new begins here.',
  }),
};

const OBJECTS_MEANING =
  'Whether referrals and rewards are rows of objects of their own in the CRM, beside the properties of its records; for HubSpot accounts whose subscription has custom objects.';

const EVENTS_MEANING =
  'Whether the timelines of contacts are told when a referral begins or is won and what becomes of a reward, from then on and never of what was before. Only for HubSpot, where it has approved the app for app events.';

const answer = z
  .strictObject({
    connectionId,
    version: z.int().min(0).meta({ description: '0: nobody has set anything yet.' }),
    ...settings,
    objects: z.enum(OBJECTS_CHOICES).meta({
      description: `${OBJECTS_MEANING} leaving: they were turned off, and the rows are being removed.`,
    }),
    events: z.enum(['off', 'on']).meta({ description: EVENTS_MEANING }),
  })
  .meta({ id: 'AppSettings', description: 'What is set in the app inside a CRM.' });

const none = () => new HttpProblem('not_found', 'This account has no such connection.');

function view(
  of: string,
  { version, settings: { managers, programs, notifications, objects, events } }: KeptAppSettings,
): z.input<typeof answer> {
  return {
    connectionId: of,
    version,
    managers: [...managers],
    programs: programs && [...programs],
    notifications: [...notifications],
    objects,
    events: events ?? 'off',
  };
}

function objectsProblem(saved: AppSettingsSaved): string | null {
  if (saved.kind === 'no_objects') return 'This CRM has no objects to turn on.';
  if (saved.kind === 'objects_impossible') return saved.why;
  if (saved.kind !== 'objects_not_granted') return null;
  return 'The CRM has not granted what they need. Connect it anew, by POST /connections; HubSpot leaves these permissions out where the subscription has no custom objects.';
}

function eventsProblem({ kind }: AppSettingsSaved): string | null {
  if (kind === 'no_events')
    return 'Timelines of this CRM take nothing of ours: HubSpot has to have approved the app for app events, and the service to know it.';
  if (kind !== 'events_not_granted') return null;
  return 'The CRM has not granted what telling timelines needs. Connect it anew, by POST /connections.';
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
      summary:
        'Say who may change settings in the app inside the CRM, which programs apply there, who is told of what, whether it has objects of ours, and whether timelines are told',
      description: 'Saved as the next version. What is not named stays as it is; the same again changes nothing.',
      params: z.strictObject({ connectionId }),
      body: z.strictObject({
        version: z.int().min(0).meta({ description: 'The version that you have read.' }),
        managers: settings.managers.optional(),
        programs: settings.programs.optional(),
        notifications: settings.notifications.optional(),
        objects: z.enum(['off', 'on']).optional().meta({ description: OBJECTS_MEANING }),
        events: z.enum(['off', 'on']).optional().meta({ description: EVENTS_MEANING }),
      }),
      statuses: { 200: 'What holds now.' },
      answer,
      problems: ['not_found', 'settings_changed', 'connection_lost', 'crm_refused', 'try_again'],
      async handle({ accountId, actor, params, body }) {
        const { version: basis, managers, programs, notifications, objects, events } = body;
        const said = {
          ...(managers === undefined ? {} : { managers }),
          ...(programs === undefined ? {} : { programs }),
          ...(notifications === undefined ? {} : { notifications }),
          ...(objects === undefined ? {} : { objects }),
          ...(events === undefined ? {} : { events }),
        };
        const saved = await desk.save(accountId, params.connectionId, said, { basis, by: actor });
        if (saved.kind === 'no_such_connection') throw none();
        if (saved.kind === 'no_tasks')
          throw new HttpProblem('invalid_request', 'People of this CRM cannot be told by tasks.', {
            errors: [{ field: 'notifications', problem: 'must be empty for a CRM without tasks' }],
          });
        const impossible = objectsProblem(saved);
        if (impossible !== null)
          throw new HttpProblem('invalid_request', impossible, {
            errors: [{ field: 'objects', problem: 'cannot be "on" for this connection' }],
          });
        const untold = eventsProblem(saved);
        if (untold !== null)
          throw new HttpProblem('invalid_request', untold, {
            errors: [{ field: 'events', problem: 'cannot be "on" for this connection' }],
          });
        if (saved.kind === 'no_such_programs')
          throw new HttpProblem('invalid_request', 'Some of the programs were never published.', {
            errors: saved.programs.map((id) => ({ field: 'programs', problem: `"${id}" is no published program` })),
          });
        if (saved.kind !== 'saved')
          throw new HttpProblem(
            'settings_changed',
            'The settings have changed since you read them. Read them again, and set yours on top of that.',
          );
        return { status: 200, body: view(params.connectionId, saved.kept) };
      },
    }),
  ];
}
