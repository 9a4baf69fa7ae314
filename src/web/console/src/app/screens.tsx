import {
  IconAffiliate,
  IconBuilding,
  IconChartBar,
  IconChecklist,
  IconCoins,
  IconFileCode,
  IconGift,
  IconGitMerge,
  IconHistory,
  IconHome,
  IconHourglass,
  IconKey,
  IconListCheck,
  IconPalette,
  IconPlugConnected,
  IconScale,
  IconStairsUp,
  IconUserShield,
  IconUsers,
  IconUsersGroup,
  IconWallet,
  IconWebhook,
} from '@tabler/icons-react';
import { type ComponentType, lazy } from 'react';
import type { shellText } from './texts.ts';

/** One screen: where it is, who may see it, and how the navigation names it. Each is loaded when it is first opened. */
export interface ScreenEntry {
  /** Below /console/{account}/. */
  readonly path: string;
  readonly permission: string;
  readonly component: ComponentType;
  /** Absent: it is reached from another screen. */
  readonly nav?: {
    readonly label: keyof (typeof shellText)['en'];
    readonly group: 'work' | 'program' | 'operations' | 'settings';
    readonly icon: ComponentType<{ size?: number; stroke?: number }>;
  };
}

/** In the order of the navigation; the first one that somebody may see is where they land. */
export const SCREENS: readonly ScreenEntry[] = [
  {
    path: 'home',
    permission: 'referrals.read',
    component: lazy(() => import('../screens/home/home.tsx')),
    nav: { label: 'home', group: 'work', icon: IconHome },
  },
  {
    path: 'review',
    permission: 'review.decide',
    component: lazy(() => import('../screens/review/review.tsx')),
    nav: { label: 'review', group: 'work', icon: IconScale },
  },
  {
    path: 'review/signals',
    permission: 'review.decide',
    component: lazy(() => import('../screens/review/signals.tsx')),
  },
  {
    path: 'review/escalation',
    permission: 'review.decide',
    component: lazy(() => import('../screens/review/escalation.tsx')),
  },
  {
    path: 'review/$caseId',
    permission: 'review.decide',
    component: lazy(() => import('../screens/review/case.tsx')),
  },
  {
    path: 'referrals',
    permission: 'referrals.read',
    component: lazy(() => import('../screens/work/referrals.tsx')),
    nav: { label: 'referrals', group: 'work', icon: IconAffiliate },
  },
  {
    path: 'referrals/$referralId',
    permission: 'referrals.read',
    component: lazy(() => import('../screens/work/referral.tsx')),
  },
  {
    path: 'rewards',
    permission: 'referrals.read',
    component: lazy(() => import('../screens/work/rewards.tsx')),
    nav: { label: 'rewards', group: 'work', icon: IconGift },
  },
  {
    path: 'rewards/$rewardId',
    permission: 'referrals.read',
    component: lazy(() => import('../screens/work/reward.tsx')),
  },
  {
    path: 'members',
    permission: 'referrals.read',
    component: lazy(() => import('../screens/work/members.tsx')),
    nav: { label: 'members', group: 'work', icon: IconUsers },
  },
  {
    path: 'members/$memberId',
    permission: 'referrals.read',
    component: lazy(() => import('../screens/work/member.tsx')),
  },
  {
    path: 'settings/account',
    permission: 'settings.write',
    component: lazy(() => import('../screens/settings/account.tsx')),
    nav: { label: 'accountSettings', group: 'settings', icon: IconBuilding },
  },
  {
    path: 'settings/users',
    permission: 'users.write',
    component: lazy(() => import('../screens/settings/users.tsx')),
    nav: { label: 'users', group: 'settings', icon: IconUsersGroup },
  },
  {
    path: 'settings/api-keys',
    permission: 'settings.write',
    component: lazy(() => import('../screens/settings/api-keys.tsx')),
    nav: { label: 'keys', group: 'settings', icon: IconKey },
  },
  {
    path: 'settings/brand',
    permission: 'content.write',
    component: lazy(() => import('../screens/settings/brand.tsx')),
    nav: { label: 'brand', group: 'settings', icon: IconPalette },
  },
  {
    path: 'settings/consent',
    permission: 'content.write',
    component: lazy(() => import('../screens/settings/consent.tsx')),
    nav: { label: 'consent', group: 'settings', icon: IconChecklist },
  },
  {
    path: 'settings/retention',
    permission: 'settings.write',
    component: lazy(() => import('../screens/settings/retention.tsx')),
    nav: { label: 'retention', group: 'settings', icon: IconHourglass },
  },
  {
    path: 'settings/escalation',
    permission: 'settings.write',
    component: lazy(() => import('../screens/review/escalation.tsx')),
    nav: { label: 'escalation', group: 'settings', icon: IconStairsUp },
  },
  {
    path: 'settings/configuration',
    permission: 'settings.write',
    component: lazy(() => import('../screens/settings/configuration.tsx')),
    nav: { label: 'configuration', group: 'settings', icon: IconFileCode },
  },
  {
    path: 'settings/audit-log',
    permission: 'audit.read',
    component: lazy(() => import('../screens/settings/audit-log.tsx')),
    nav: { label: 'audit', group: 'settings', icon: IconHistory },
  },
  {
    path: 'onboarding',
    permission: 'connections.read',
    component: lazy(() => import('../screens/onboarding/onboarding.tsx')),
    nav: { label: 'onboarding', group: 'program', icon: IconListCheck },
  },
  {
    path: 'programs',
    permission: 'programs.read',
    component: lazy(() => import('../screens/programs/list.tsx')),
    nav: { label: 'programs', group: 'program', icon: IconGift },
  },
  {
    path: 'programs/$programId',
    permission: 'programs.read',
    component: lazy(() => import('../screens/programs/program.tsx')),
  },
  {
    path: 'attribution',
    permission: 'programs.read',
    component: lazy(() => import('../screens/attribution/attribution.tsx')),
    nav: { label: 'attribution', group: 'program', icon: IconGitMerge },
  },
  {
    path: 'connections',
    permission: 'connections.read',
    component: lazy(() => import('../screens/connections/list.tsx')),
    nav: { label: 'connections', group: 'operations', icon: IconPlugConnected },
  },
  {
    path: 'connections/several',
    permission: 'connections.read',
    component: lazy(() => import('../screens/connections/several.tsx')),
  },
  {
    path: 'connections/$connectionId/settings',
    permission: 'connections.read',
    component: lazy(() => import('../screens/connections/app-settings.tsx')),
  },
  {
    path: 'connections/$connectionId/mapping',
    permission: 'connections.read',
    component: lazy(() => import('../screens/connections/mapping.tsx')),
  },
  {
    path: 'connections/$connectionId/health',
    permission: 'connections.read',
    component: lazy(() => import('../screens/connections/health.tsx')),
  },
  {
    path: 'money',
    permission: 'money.read',
    component: lazy(() => import('../screens/money/money.tsx')),
    nav: { label: 'money', group: 'work', icon: IconCoins },
  },
  {
    path: 'analytics',
    permission: 'analytics.read',
    component: lazy(() => import('../screens/analytics/analytics.tsx')),
    nav: { label: 'analytics', group: 'work', icon: IconChartBar },
  },
  {
    path: 'settings/webhooks',
    permission: 'settings.write',
    component: lazy(() => import('../screens/settings/webhooks.tsx')),
    nav: { label: 'webhooks', group: 'settings', icon: IconWebhook },
  },
  {
    path: 'settings/webhooks/$endpointId',
    permission: 'settings.write',
    component: lazy(() => import('../screens/settings/webhook.tsx')),
  },
  {
    path: 'settings/providers',
    permission: 'money.read',
    component: lazy(() => import('../screens/settings/providers.tsx')),
    nav: { label: 'providers', group: 'settings', icon: IconWallet },
  },
  {
    path: 'settings/providers/$provider',
    permission: 'money.read',
    component: lazy(() => import('../screens/settings/provider.tsx')),
  },
  {
    path: 'members/imports',
    permission: 'imports.write',
    component: lazy(() => import('../screens/imports/list.tsx')),
  },
  {
    path: 'members/imports/new',
    permission: 'imports.write',
    component: lazy(() => import('../screens/imports/new.tsx')),
  },
  {
    path: 'members/imports/$importId',
    permission: 'imports.write',
    component: lazy(() => import('../screens/imports/import.tsx')),
  },
  {
    path: 'settings/privacy',
    permission: 'privacy.write',
    component: lazy(() => import('../screens/people/privacy.tsx')),
    nav: { label: 'privacy', group: 'settings', icon: IconUserShield },
  },
];
