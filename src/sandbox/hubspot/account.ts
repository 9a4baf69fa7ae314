import { notFound } from './errors.ts';
import type { Route } from './http.ts';
import type { Owner, Portal } from './portal.ts';

/** The spec's default page of owners. */
const OWNER_PAGE = 100;
const MAX_OWNER_PAGE = 500;

/** Offset of a time zone at an instant, as "-05:00" and in milliseconds. */
function offsetOf(timeZone: string, at: number): { utcOffset: string; utcOffsetMilliseconds: number } {
  const name = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(at)
    .find((part) => part.type === 'timeZoneName')?.value;
  const match = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name ?? 'GMT');
  const [sign, hours, minutes] = [match?.[1] ?? '+', match?.[2] ?? '00', match?.[3] ?? '00'];
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return { utcOffset: `${sign}${hours}:${minutes}`, utcOffsetMilliseconds: sign === '-' ? -size : size };
}

function ownerView(owner: Owner): object {
  return {
    id: owner.id,
    email: owner.email,
    type: 'PERSON',
    firstName: owner.firstName,
    lastName: owner.lastName,
    ...(owner.archived ? {} : { userId: owner.userId }),
    userIdIncludingInactive: owner.userId,
    createdAt: new Date(owner.createdAt).toISOString(),
    updatedAt: new Date(owner.createdAt).toISOString(),
    archived: owner.archived,
  };
}

export interface AccountDeps {
  /** Takes the app out of a portal with all its tokens. */
  uninstall(portal: Portal): void;
}

export function createAccountRoutes({ uninstall }: AccountDeps): Route[] {
  const ownerScopes = (): string[][] => [['crm.objects.owners.read', 'automation']];
  return [
    {
      method: 'GET',
      path: '/account-info/2026-03/details',
      scopes: () => [['oauth']],
      handle: ({ portal, at }) => ({
        status: 200,
        body: {
          portalId: portal.id,
          accountType: portal.accountType,
          timeZone: portal.timeZone,
          companyCurrency: portal.companyCurrency,
          additionalCurrencies: portal.additionalCurrencies,
          ...offsetOf(portal.timeZone, at),
          uiDomain: portal.uiDomain,
          dataHostingLocation: portal.dataHostingLocation,
        },
      }),
    },
    {
      method: 'GET',
      path: '/crm/owners/2026-03',
      query: ['after', 'archived', 'email', 'limit'],
      scopes: ownerScopes,
      handle({ portal, query }) {
        const limit = query.integer('limit', OWNER_PAGE, 1, MAX_OWNER_PAGE);
        const email = query.text('email')?.toLowerCase();
        const start = query.integer('after', 0, 0, Number.MAX_SAFE_INTEGER);
        const matching = portal.owners
          .filter((owner) => owner.archived === query.flag('archived'))
          .filter((owner) => email === undefined || owner.email.toLowerCase() === email);
        const next = start + limit;
        return {
          status: 200,
          body: {
            results: matching.slice(start, next).map(ownerView),
            ...(next < matching.length ? { paging: { next: { after: String(next) } } } : {}),
          },
        };
      },
    },
    {
      method: 'GET',
      path: '/crm/owners/2026-03/:ownerId',
      query: ['archived', 'idProperty'],
      scopes: ownerScopes,
      handle({ portal, params, query }) {
        const byUser = query.text('idProperty') === 'userId';
        const owner = portal.owners.find(
          (one) => (byUser ? String(one.userId) : one.id) === params.ownerId && one.archived === query.flag('archived'),
        );
        if (!owner) throw notFound({ ownerId: [params.ownerId ?? ''] });
        return { status: 200, body: ownerView(owner) };
      },
    },
    {
      method: 'DELETE',
      path: '/appinstalls/2026-03/external-install',
      // "an OAuth access token that includes the `oauth` scope"
      scopes: () => [['oauth']],
      handle({ portal }) {
        uninstall(portal);
        return { status: 204 };
      },
    },
  ];
}
