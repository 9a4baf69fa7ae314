/**
 * Who may do what in an account: the one matrix. Every operation of the API names the permission that it needs
 * (`http/api/permissions.ts`), the console shows what the permissions of its user allow, and a test goes through every pair.
 */

/** What each permission lets a person do, as the screen that gives it away says it. */
export const PERMISSIONS = {
  'referrals.read': 'see members, referrals, rewards, decisions and cases',
  'referrals.write': 'enrol members, submit referrals, open disputes, comment on cases',
  'review.decide': 'approve and reject rewards, decide cases, move a referral to another member',
  'programs.read': 'see programs, policies and tiers',
  'programs.write': 'write drafts and try them over history',
  'programs.publish': 'publish and retire programs and policies, fill budgets',
  'money.read': 'see the ledger, payouts, batches, receivables and reports',
  'money.write':
    'cut, approve, export and settle batches, enter rates, refunds and coupons, write off, release history',
  'periods.reopen': 'take back the close of the last month',
  'connections.read': 'see connections, mappings and the health of the sync',
  'connections.write': 'connect and disconnect a CRM, map stages, start backfills and sweeps, mend drift',
  'content.write': 'set the brand and write what members and friends are told',
  'providers.write': 'set how rewards are paid: credentials and schedules of providers',
  'analytics.read': 'see figures and export them',
  'imports.write': 'import members from a file, and take an import out again',
  'audit.read': 'read and export the audit log',
  'settings.write': 'change the settings of the account and its API keys',
  'users.write': 'invite people, change their roles, take them out',
  'privacy.write': 'export and erase what is kept on a person',
} as const;

export type Permission = keyof typeof PERMISSIONS;

export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as Permission[];

const SEES_PEOPLE = ['referrals.read', 'programs.read'] as const;

/** A person can have several; they may do what any of them allows. */
export const ROLES = {
  owner: { title: 'Owner', may: PERMISSION_NAMES },
  architect: {
    title: 'Automation architect',
    may: [
      ...SEES_PEOPLE,
      'connections.read',
      'connections.write',
      'programs.write',
      'programs.publish',
      'imports.write',
      'analytics.read',
      'audit.read',
      'settings.write',
      'content.write',
    ],
  },
  manager: {
    title: 'Program manager',
    may: [
      ...SEES_PEOPLE,
      'referrals.write',
      'review.decide',
      'programs.write',
      'programs.publish',
      'imports.write',
      'connections.read',
      'analytics.read',
      'money.read',
      'content.write',
    ],
  },
  content: { title: 'Content strategist', may: ['programs.read', 'analytics.read', 'content.write'] },
  analyst: { title: 'Data analyst', may: [...SEES_PEOPLE, 'analytics.read', 'money.read', 'connections.read'] },
  reviewer: { title: 'Reviewer', may: [...SEES_PEOPLE, 'referrals.write', 'review.decide'] },
  finance: {
    title: 'Finance',
    may: [...SEES_PEOPLE, 'money.read', 'money.write', 'providers.write', 'analytics.read', 'audit.read'],
  },
  sales: { title: 'Sales rep', may: ['referrals.read', 'referrals.write'] },
} as const satisfies Record<string, { title: string; may: readonly Permission[] }>;

export type Role = keyof typeof ROLES;

export const ROLE_NAMES = Object.keys(ROLES) as Role[];

export function isRole(text: string): text is Role {
  return Object.hasOwn(ROLES, text);
}

export function permissionsOf(roles: readonly Role[]): ReadonlySet<Permission> {
  return new Set(roles.flatMap((role): readonly Permission[] => ROLES[role].may));
}
