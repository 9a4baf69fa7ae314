import { APP_EVENT_SCOPES, APP_EVENTS } from './app-events.ts';
import type {
  CrmSubscription,
  HubspotManifest,
  HubspotObject,
  ObjectEvent,
  PropertyDeclaration,
  ScopeDeclaration,
} from './manifest-type.ts';
import { WORKFLOW_ACTIONS } from './workflow-actions.ts';

/**
 * The one declared truth of Wonward on HubSpot. The service provisions from it, `scripts/hubspot-project.ts` writes HubSpot's
 * own files from it. Nothing of either is imported here, so both can use it as it is.
 */

const LIFECYCLE_EVENTS: readonly Exclude<ObjectEvent, 'object.propertyChange'>[] = [
  'object.creation',
  'object.deletion',
  'object.restore',
  'object.merge',
  'object.associationChange',
];

/** HubSpot has no wildcard: one subscription per property whose change can alter a decision. Our own mirror is not among them. */
const WATCHED_PROPERTIES: Readonly<Record<HubspotObject, readonly string[]>> = {
  contact: ['email', 'firstname', 'lastname', 'wonward_referral_code', 'wonward_recruiter'],
  deal: ['dealstage', 'pipeline', 'amount', 'deal_currency_code', 'dealname'],
};

function subscriptionsFor(objectType: HubspotObject): CrmSubscription[] {
  return [
    ...LIFECYCLE_EVENTS.map((subscriptionType): CrmSubscription => ({ subscriptionType, objectType })),
    ...WATCHED_PROPERTIES[objectType].map(
      (propertyName): CrmSubscription => ({ subscriptionType: 'object.propertyChange', objectType, propertyName }),
    ),
  ];
}

function mirrored(name: string, label: string, description: string): PropertyDeclaration {
  return { name, label, description, type: 'string', fieldType: 'text', owner: 'wonward' };
}

const CONTACT_PROPERTIES: readonly PropertyDeclaration[] = [
  {
    // Unique, so that a batch upsert can find the contact by it: HubSpot does not support partial upserts by e-mail.
    name: 'wonward_id',
    label: 'Wonward ID',
    description: 'Identifies this person in Wonward. Written by Wonward; do not edit.',
    type: 'string',
    fieldType: 'text',
    hasUniqueValue: true,
    owner: 'wonward',
  },
  {
    name: 'wonward_referral_code',
    label: 'Referral code used',
    description:
      'The code of the member who referred this person, as the person gave it. Use it in forms. Wonward reads it and never writes it.',
    type: 'string',
    fieldType: 'text',
    formField: true,
    owner: 'customer',
  },
  mirrored('wonward_code', 'Referral code', 'The code this member gives to friends.'),
  mirrored('wonward_share_link', 'Share link', 'The link this member gives to friends.'),
  {
    name: 'wonward_referrals',
    label: 'Referrals',
    description: 'How many friends this member has referred.',
    type: 'number',
    fieldType: 'number',
    owner: 'wonward',
  },
  {
    name: 'wonward_won_referrals',
    label: 'Won referrals',
    description: 'How many of this member’s referrals are won.',
    type: 'number',
    fieldType: 'number',
    owner: 'wonward',
  },
  mirrored('wonward_rewards_held', 'Rewards on hold', 'Sums per currency that wait for a hold or a review to end.'),
  mirrored('wonward_rewards_approved', 'Rewards approved', 'Sums per currency that are approved and not paid yet.'),
  mirrored('wonward_rewards_issued', 'Rewards paid', 'Sums per currency that were paid.'),
  mirrored(
    'wonward_rewards_reversed',
    'Rewards taken back',
    'Sums per currency that were voided, expired or clawed back.',
  ),
  mirrored('wonward_last_reward', 'Last reward', 'Amount and state of the newest reward.'),
  {
    name: 'wonward_last_reward_at',
    label: 'Last reward at',
    description: 'When the newest reward last changed.',
    type: 'datetime',
    fieldType: 'date',
    owner: 'wonward',
  },
  {
    name: 'wonward_last_reward_reason',
    label: 'Last reward reason',
    description: 'Why the newest reward is as it is.',
    type: 'string',
    fieldType: 'textarea',
    owner: 'wonward',
  },
  mirrored('wonward_tier', 'Tier', 'The tier this member has reached in the referral program.'),
  {
    name: 'wonward_recruiter',
    label: 'Recruiter',
    description:
      'Yes for your own people who refer: they are paid as recruiters. Wonward reads it and never writes it.',
    type: 'enumeration',
    fieldType: 'select',
    options: [
      { label: 'Yes', value: 'true', displayOrder: 0 },
      { label: 'No', value: 'false', displayOrder: 1 },
    ],
    owner: 'customer',
  },
  mirrored('wonward_referred_by', 'Referred by', 'The member who referred this person.'),
];

const DEAL_PROPERTIES: readonly PropertyDeclaration[] = [
  // Not unique: one referral may have several deals.
  mirrored(
    'wonward_referral_id',
    'Wonward referral ID',
    'The referral this deal belongs to. Written by Wonward; do not edit.',
  ),
  mirrored('wonward_stage', 'Referral stage', 'Where the referral stands.'),
  mirrored('wonward_reward_state', 'Reward state', 'What became of the rewards for this deal.'),
  {
    name: 'wonward_reward_reason',
    label: 'Reward reason',
    description: 'Why the rewards for this deal are as they are, and what is missing.',
    type: 'string',
    fieldType: 'textarea',
    owner: 'wonward',
  },
];

const CONTACTS = { name: 'CONTACT', typeId: '0-1' } as const;
const DEALS = { name: 'DEAL', typeId: '0-3' } as const;

function moment(name: string, label: string, description: string): PropertyDeclaration {
  return { ...mirrored(name, label, description), type: 'datetime', fieldType: 'date' };
}

function words(name: string, label: string, description: string): PropertyDeclaration {
  return { ...mirrored(name, label, description), fieldType: 'textarea' };
}

const ROW_KEY: PropertyDeclaration = {
  ...mirrored('wonward_key', 'Wonward key', 'Identifies this row in Wonward. Written by Wonward; do not edit.'),
  hasUniqueValue: true,
};

/** Rows name nobody: who a referral is about is said by its associations, which HubSpot takes away with the contact. */
const CUSTOM_OBJECTS: HubspotManifest['customObjects'] = {
  referral: {
    name: 'wonward_referral',
    labels: { singular: 'Wonward referral', plural: 'Wonward referrals' },
    description: 'One member bringing one friend into one program. Written by Wonward.',
    primaryProperty: 'wonward_name',
    keyProperty: ROW_KEY.name,
    associated: [CONTACTS, DEALS],
    properties: [
      ROW_KEY,
      mirrored('wonward_name', 'Name', 'The program and the day of the referral.'),
      mirrored('wonward_member_id', 'Member', 'The Wonward ID of the member, as the contact of the member shows it.'),
      mirrored('wonward_program', 'Program', 'The program that the referral belongs to.'),
      mirrored('wonward_stage', 'Stage', 'Where the referral stands.'),
      moment('wonward_stage_since', 'In this stage since', 'When the referral came to its stage.'),
      mirrored('wonward_source', 'Source', 'How the referral was made.'),
      moment('wonward_submitted_at', 'Submitted at', 'When the referral was made.'),
      words('wonward_next_step', 'Next step', 'What would take the referral further.'),
    ],
  },
  reward: {
    name: 'wonward_reward',
    labels: { singular: 'Wonward reward', plural: 'Wonward rewards' },
    description: 'What one rule of a program has decided on one deal, whether it pays or not. Written by Wonward.',
    primaryProperty: 'wonward_name',
    keyProperty: ROW_KEY.name,
    associated: [DEALS],
    properties: [
      ROW_KEY,
      mirrored('wonward_name', 'Name', 'The rule and what became of it.'),
      mirrored('wonward_party', 'For', 'Whose reward it is: the member’s or the friend’s.'),
      mirrored('wonward_rule', 'Rule', 'The rule that has decided.'),
      mirrored('wonward_state', 'State', 'What became of the reward.'),
      {
        ...mirrored(
          'wonward_amount',
          'Amount',
          'Empty where nothing is paid. The ledger of Wonward is where it is exact.',
        ),
        type: 'number',
        fieldType: 'number',
      },
      mirrored('wonward_currency', 'Currency', 'ISO 4217 code of the amount.'),
      mirrored('wonward_reason_code', 'Reason code', 'Why, for filters and reports.'),
      words('wonward_reason', 'Reason', 'Why, in words.'),
      words('wonward_next_step', 'Next step', 'What would make it pay.'),
      moment('wonward_decided_at', 'Decided at', 'When what was decided on happened.'),
      moment('wonward_release_at', 'On hold until', 'When the hold ends.'),
      moment('wonward_issued_at', 'Paid at', 'When the reward was paid.'),
    ],
  },
};

/** What completing a callback asks for, and nothing else that we do. */
export const AUTOMATION_SCOPE = 'automation';
/** What reading who owns deals asks for; HubSpot gives the list with the scope above, too. */
export const OWNERS_SCOPE = 'crm.objects.owners.read';
/** What reading a list asks for. */
export const LISTS_SCOPE = 'crm.lists.read';
/**
 * Each scope with the reason that the install page gives and the calls that HubSpot refuses without it, read off the `security` of each
 * 2026-03 endpoint (HubSpot's public OpenAPI specs, 2026-08-21). Pipelines and properties can be read with crm.objects.<type>.read, so
 * crm.schemas.<type>.read is not asked for: a listing is refused for a scope that no call needs. `test/stories/scopes.test.ts` holds the
 * table to what the service really calls.
 */
const SCOPES: readonly ScopeDeclaration[] = [
  {
    scope: 'oauth',
    isOptional: false,
    reason:
      'To know which account you connect, with its currency and time zone, and to uninstall the app when you disconnect.',
    calls: ['GET /account-info/details', 'DELETE /appinstalls/external-install'],
  },
  {
    scope: 'crm.objects.contacts.read',
    isOptional: false,
    reason: 'To see who was referred, by whom, and which code they used.',
    calls: [
      'GET /crm/associations/contacts/contacts/labels',
      'GET /crm/properties/contacts',
      'GET /crm/properties/contacts/groups',
      'POST /crm/associations/contacts/:ownObject/batch/read',
      'POST /crm/associations/contacts/contacts/batch/read',
      'POST /crm/associations/contacts/deals/batch/read',
      'POST /crm/objects/contacts/batch/read',
      'POST /crm/objects/contacts/search',
      'POST /crm/objects/tasks/search',
    ],
  },
  {
    scope: 'crm.objects.contacts.write',
    isOptional: false,
    reason:
      'To write totals, share link, last reward and its reason to Wonward’s own contact properties, to create the contact of a friend whom a rep names on a card, and to create and complete tasks where you want to be told by them.',
    calls: [
      'POST /crm/associations/contacts/:ownObject/batch/archive',
      'POST /crm/associations/contacts/:ownObject/batch/associate/default',
      'POST /crm/objects/contacts/batch/update',
      'POST /crm/objects/contacts/batch/upsert',
      'POST /crm/objects/tasks',
      'POST /crm/objects/tasks/batch/update',
    ],
  },
  {
    scope: 'crm.objects.deals.read',
    isOptional: false,
    reason: 'To see when a deal of a referred person is won, lost or changed, and in which pipeline and stage.',
    calls: [
      'GET /crm/pipelines/deals',
      'GET /crm/properties/deals',
      'GET /crm/properties/deals/groups',
      'POST /crm/associations/deals/:ownObject/batch/read',
      'POST /crm/associations/deals/contacts/batch/read',
      'POST /crm/objects/deals/batch/read',
      'POST /crm/objects/deals/search',
    ],
  },
  {
    scope: 'crm.objects.deals.write',
    isOptional: false,
    reason: 'To write what became of the rewards, and why, to Wonward’s own deal properties.',
    calls: ['POST /crm/associations/deals/:ownObject/batch/associate/default', 'POST /crm/objects/deals/batch/update'],
  },
  {
    scope: 'crm.schemas.contacts.write',
    isOptional: false,
    reason: 'To create Wonward’s own contact properties, so that you need not.',
    calls: ['POST /crm/properties/contacts', 'POST /crm/properties/contacts/groups'],
  },
  {
    scope: 'crm.schemas.deals.write',
    isOptional: false,
    reason: 'To create Wonward’s own deal properties, so that you need not.',
    calls: ['POST /crm/properties/deals', 'POST /crm/properties/deals/groups'],
  },
  {
    scope: 'crm.objects.companies.read',
    isOptional: true,
    reason: 'For rules that ask about the friend’s company, and for the card on companies. Without it all else works.',
    calls: ['GET /crm/properties/companies', 'POST /crm/objects/companies/batch/read'],
  },
  {
    // Not every plan has workflows: required, it would keep the others from installing.
    scope: AUTOMATION_SCOPE,
    isOptional: true,
    reason: 'To tell a workflow that waits for a reward what has become of it.',
    calls: ['POST /automation/actions/callbacks/complete'],
  },
  {
    // Most portals that have workflows grant the one above; this is for the others.
    scope: OWNERS_SCOPE,
    isOptional: true,
    reason:
      'To tell, when a mapping is proposed, who of your people own the deals, so that your own staff are not treated as customers. Without it all else works.',
    calls: ['GET /crm/owners'],
    alsoBy: AUTOMATION_SCOPE,
  },
  {
    scope: LISTS_SCOPE,
    isOptional: true,
    reason: 'To make members of the people on a list that you name. Without it they can be imported from a file.',
    calls: ['GET /crm/lists/:listId', 'GET /crm/lists/:listId/memberships', 'POST /crm/lists/search'],
  },
  {
    scope: 'crm.schemas.custom.write',
    isOptional: true,
    reason: 'To create the objects for referrals and rewards, where you choose them.',
    calls: ['POST /crm-object-schemas/schemas', 'POST /crm/properties/:ownObject'],
  },
  {
    scope: 'crm.objects.custom.read',
    isOptional: true,
    reason: 'To keep the rows of these objects equal to the ledger.',
    calls: [
      'GET /crm-object-schemas/schemas',
      'GET /crm/objects/:ownObject',
      'POST /crm/associations/:ownObject/:ownObject/batch/read',
      'POST /crm/objects/:ownObject/batch/read',
    ],
  },
  {
    scope: 'crm.objects.custom.write',
    isOptional: true,
    reason: 'To write the rows of these objects, and to remove them when you do not want them any more.',
    calls: [
      'POST /crm/associations/:ownObject/:ownObject/batch/associate/default',
      'POST /crm/objects/:ownObject/batch/archive',
      'POST /crm/objects/:ownObject/batch/upsert',
    ],
  },
];

/** What rows of our own objects ask for (their schemas are read with crm.objects.custom.read); a subscription without objects of its own leaves them out of the grant. */
export const OBJECT_SCOPES: readonly string[] = [
  'crm.schemas.custom.write',
  'crm.objects.custom.read',
  'crm.objects.custom.write',
];

export const hubspotManifest: HubspotManifest = {
  platformVersion: '2026.03',
  project: { name: 'wonward', srcDir: 'src' },
  app: {
    uid: 'wonward_app',
    name: 'Wonward',
    description:
      'A referral program inside HubSpot: Closed Won triggers the right rewards, exactly once, with the reason shown on the record.',
    support: {
      supportEmail: 'support@wonward.example',
      documentationUrl: 'https://wonward.example/docs/hubspot',
      supportUrl: 'https://wonward.example/support',
      supportPhone: '+18005555555',
    },
  },
  oauth: {
    ...scopesOf(SCOPES),
    redirectPath: '/oauth/hubspot/callback',
  },
  webhooks: {
    uid: 'wonward_webhooks',
    path: '/webhooks/hubspot',
    // HubSpot's own default per installed account; it refuses 5 and less.
    maxConcurrentRequests: 10,
    crmObjects: [...subscriptionsFor('contact'), ...subscriptionsFor('deal')],
    hubEvents: [{ subscriptionType: 'contact.privacyDeletion' }],
  },
  cards: [
    {
      uid: 'wonward_referral_card',
      name: 'Referrals',
      description: 'Who referred whom, what was rewarded and why, and what is still missing.',
      location: 'crm.record.tab',
      entry: 'referral-card.tsx',
      objectTypes: ['contacts'],
      apiPath: '/hubspot/cards/contact',
    },
    {
      uid: 'wonward_deal_card',
      name: 'Deal referral',
      description:
        'The referral behind this deal, the rewards that it triggers and when, and what keeps them from being paid.',
      location: 'crm.record.tab',
      entry: 'deal-card.tsx',
      objectTypes: ['deals'],
      apiPath: '/hubspot/cards/deal',
    },
    {
      uid: 'wonward_company_card',
      name: 'Company referrals',
      description: 'Every referral in and out of this company: who referred whom, and where it stands.',
      location: 'crm.record.tab',
      entry: 'company-card.tsx',
      objectTypes: ['companies'],
      apiPath: '/hubspot/cards/company',
    },
    {
      uid: 'wonward_contact_sidebar',
      name: 'Referrals at a glance',
      description: 'Role, stage, reward, next step, and whether to ask this contact for a referral now.',
      location: 'crm.record.sidebar',
      entry: 'contact-sidebar.tsx',
      objectTypes: ['contacts'],
      apiPath: '/hubspot/cards/contact',
    },
    {
      uid: 'wonward_deal_sidebar',
      name: 'Deal referral at a glance',
      description: 'The referral behind this deal, its reward, what comes next, and what is in the way.',
      location: 'crm.record.sidebar',
      entry: 'deal-sidebar.tsx',
      objectTypes: ['deals'],
      apiPath: '/hubspot/cards/deal',
    },
    {
      uid: 'wonward_company_sidebar',
      name: 'Company referrals at a glance',
      description: 'How many referrals in and out of this company, the newest, and whom to ask there.',
      location: 'crm.record.sidebar',
      entry: 'company-sidebar.tsx',
      objectTypes: ['companies'],
      apiPath: '/hubspot/cards/company',
    },
  ],
  workflowActions: {
    path: '/hubspot/actions',
    choicesPath: '/hubspot/actions/options',
    actions: WORKFLOW_ACTIONS,
  },
  pages: {
    uid: 'wonward_pages',
    type: 'page',
    folder: 'pages',
    name: 'Home',
    entry: 'pages.tsx',
    apiPath: '/hubspot/home',
  },
  settings: {
    uid: 'wonward_settings',
    type: 'settings',
    folder: 'settings',
    name: 'Settings',
    entry: 'settings-page.tsx',
    apiPath: '/hubspot/settings',
  },
  propertyGroup: { name: 'wonward', label: 'Wonward' },
  properties: { contact: CONTACT_PROPERTIES, deal: DEAL_PROPERTIES },
  alsoRead: {
    contact: {
      // A portal that lacks one of them leaves it out of its answer. The two dates are of older and newer portals.
      names: [
        'phone',
        'mobilephone',
        'hs_country_region_code',
        'address',
        'zip',
        'country',
        'hs_v2_date_entered_customer',
        'hs_lifecyclestage_customer_date',
        'hs_user_ids_of_all_owners',
        'hs_email_optout',
      ],
      why: 'to tell a self-referral and a person who was a customer before, and whom of their contacts a rep could ask next; numbers and addresses are compared, and shown to nobody',
    },
    deal: {
      names: ['hs_createdate', 'hs_deal_stage_probability', 'closedate'],
      why: 'to know when it began, and how likely and when it is to close: for the forecast of what will be owed',
    },
  },
  associationLabels: [
    {
      fromObjectType: 'contacts',
      toObjectType: 'contacts',
      name: 'referred_by',
      label: 'Referred by',
      inverseName: 'referred',
      inverseLabel: 'Referred',
    },
  ],
  customObjects: CUSTOM_OBJECTS,
  appEvents: [],
};

/** The same for an app that HubSpot has approved for app events, with what they ask for. */
export const manifestWithAppEvents: HubspotManifest = {
  ...hubspotManifest,
  oauth: {
    ...hubspotManifest.oauth,
    // Those that are always asked for come first, as people read them.
    ...scopesOf([
      ...SCOPES.filter(({ isOptional }) => !isOptional),
      ...APP_EVENT_SCOPES,
      ...SCOPES.filter(({ isOptional }) => isOptional),
    ]),
  },
  appEvents: APP_EVENTS,
};

function scopesOf(scopes: readonly ScopeDeclaration[]) {
  return {
    requiredScopes: scopes.filter(({ isOptional }) => !isOptional).map(({ scope }) => scope),
    optionalScopes: scopes.filter(({ isOptional }) => isOptional).map(({ scope }) => scope),
    scopes,
  };
}

/** The property names a record read has to ask for. */
export function propertyNames(object: HubspotObject): readonly string[] {
  return hubspotManifest.properties[object].map(({ name }) => name);
}
