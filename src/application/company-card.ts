import type { CompanyCardResponse, CompanyCardView } from '../../contracts/hubspot-card/card-view.generated.ts';
import type { CardUser } from '../domain/card-actors.ts';
import { reasonText } from '../domain/reason.ts';
import type { RecordRef } from '../domain/record.ts';
import { isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { NOT_CONNECTED, personOf, type RecordUrl } from './card-story.ts';
import type { ConsoleLinks } from './console-links.ts';
import { dealsNamedBy, readDealNames } from './deal-names.ts';
import type { NextAsks } from './next-asks.ts';
import { friendNameOf, nameOf } from './outlooks.ts';
import type { Connection, PageCursor, Store } from './ports/store.ts';

const REFERRALS_PER_PAGE = 10;

/** Optional: without it a company that others were merged into is not known to be one with them. */
const COMPANIES_SCOPE = 'crm.objects.companies.read';

export interface CompanyCardDeps {
  readonly store: Pick<Store, 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly recordUrl: RecordUrl;
  readonly nextAsks: Pick<NextAsks, 'of'>;
  readonly consoleLinks: ConsoleLinks;
}

export interface CompanyCardInput {
  /** The connection that the signed portal id names; null when it names none. */
  readonly connection: Connection | null;
  readonly companyId: string;
  /** Who looks, as the CRM signs it; null where it did not say. */
  readonly user: CardUser | null;
  readonly cursor: PageCursor | null;
  readonly encodeCursor: (cursor: PageCursor) => string;
}

/** Every referral in and out of a company's people, by the company that the CRM names first for each of them when they were last read. */
export function createCompanyCard({
  store,
  clock,
  recordUrl,
  nextAsks,
  consoleLinks,
}: CompanyCardDeps): (input: CompanyCardInput) => Promise<CompanyCardResponse> {
  return async ({ connection, companyId, user, cursor, encodeCursor }) => {
    if (connection?.status !== 'connected') return NOT_CONNECTED;
    const { accountId, id: connectionId } = connection;
    const company: RecordRef = { connectionId, object: 'company', id: companyId };
    const [contacts, page, asks] = await Promise.all([
      store.reads.contactsOfCompany(accountId, company),
      store.reads.referralsOfCompany(accountId, company, { limit: REFERRALS_PER_PAGE, cursor }),
      nextAsks.of(connection, user, companyId),
    ]);
    const referrals = page.items.map(({ referral }) => referral);
    const memberIds = [...new Set(referrals.map(({ memberId }) => memberId))];
    const [members, names] = await Promise.all([
      Promise.all(memberIds.map(async (id) => [id, await store.reads.member(accountId, id)] as const)),
      readDealNames(store.reads, accountId, referrals.flatMap(dealsNamedBy)),
    ]);
    const memberOf = new Map(members);
    const linkTo = (record: RecordRef | null) => {
      const url = record?.connectionId === connectionId ? recordUrl(connection, record) : null;
      return url === null ? {} : { url };
    };
    const person = (name: string, contact: RecordRef | null) => personOf({ connection, linkTo }, name, contact);

    const view: CompanyCardView = {
      version: 1,
      companyId,
      contacts,
      notice: connection.scopes.includes(COMPANIES_SCOPE)
        ? null
        : 'This portal has not let Wonward read companies, so people of a company that was merged into this one may be missing. An admin can allow it by connecting Wonward again.',
      referrals: page.items.map(({ referral, direction }) => {
        const member = memberOf.get(referral.memberId) ?? null;
        return {
          referralId: referral.id,
          direction,
          member: person(member ? nameOf(member) : 'Member', member?.contact ?? null),
          friend: person(friendNameOf(referral), referral.friend.contact),
          stage: referral.stage,
          stageReason: reasonText(referral.reason, names),
          since: isoOf(referral.stageSince),
          submittedAt: isoOf(referral.submittedAt),
          ...consoleLinks(connection.accountId)('referral', referral.id),
        };
      }),
      ...(asks === null ? {} : { asks }),
      nextCursor: page.next === null ? null : encodeCursor(page.next),
      generatedAt: isoOf(clock.now()),
    };
    return { ok: true, data: view };
  };
}
