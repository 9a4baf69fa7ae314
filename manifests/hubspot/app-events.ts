import type { AppEventDeclaration, AppEventProperty, ScopeDeclaration } from './manifest-type.ts';

/**
 * What timelines of contacts are told, for an app that HubSpot has approved for app events: nobody else may upload these, so they are no part
 * of the project that everybody uploads. HubSpot ties one definition to one kind of record; and what was sent cannot be changed or removed.
 */
export const TIMELINE_SCOPE = 'timeline';

export const APP_EVENT_SCOPES: readonly ScopeDeclaration[] = [
  {
    // HubSpot wants it among the required ones of an app that has app events.
    scope: TIMELINE_SCOPE,
    isOptional: false,
    reason: 'To tell on the timeline of a contact when a referral begins or is won, and what becomes of a reward.',
    calls: ['POST /integrators/timeline/events', 'POST /integrators/timeline/events/batch'],
  },
];

const text = (name: string, label: string): AppEventProperty => ({ name, label, type: 'string' });

const options = (of: Readonly<Record<string, string>>) =>
  Object.entries(of).map(([value, label]) => ({ value, label }));

const ROLES = options({
  member: 'Who referred',
  friend: 'Who was referred',
  recruiter: 'Recruiter',
  assist: 'Shares the credit',
});

const COMMON: readonly AppEventProperty[] = [
  text('headline', 'Headline'),
  text('program', 'Program'),
  { name: 'role', label: 'Role of this contact', type: 'enumeration', options: ROLES },
  text('reason', 'Reason'),
  text('link', 'In Wonward'),
];

/** A link of Markdown around a value that says where it leads, as HubSpot's own template has one. */
const HEADER = '[{{headline}}]({{link}})';
const DETAIL = '{{#if reason}}{{reason}}\n\n{{/if}}{{program}}';

export const APP_EVENTS: readonly AppEventDeclaration[] = [
  {
    uid: 'wonward_referral_event',
    name: 'Wonward referral',
    objectType: 'CONTACT',
    headerTemplate: HEADER,
    detailTemplate: DETAIL,
    properties: [
      { name: 'news', label: 'What happened', type: 'enumeration', options: options({ begun: 'Begun', won: 'Won' }) },
      ...COMMON,
    ],
  },
  {
    uid: 'wonward_reward_event',
    name: 'Wonward reward',
    objectType: 'CONTACT',
    headerTemplate: HEADER,
    detailTemplate: DETAIL,
    properties: [
      {
        name: 'news',
        label: 'What happened',
        type: 'enumeration',
        options: options({ granted: 'Granted', issued: 'Paid', taken_back: 'Taken back' }),
      },
      ...COMMON,
      { name: 'amount', label: 'Amount', type: 'number' },
      text('currency', 'Currency'),
    ],
  },
];
