import type {
  Member as CardMember,
  CardResponse,
  CardView,
  NextTier,
} from '../../contracts/hubspot-card/card-view.generated.ts';
import { sourceReason } from '../domain/attribution.ts';
import { USUAL_BRAND } from '../domain/brand.ts';
import { type CardUser, whyNotAct } from '../domain/card-actors.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { reasonText } from '../domain/reason.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { amountText } from '../domain/tier.ts';
import { thresholdOf } from '../domain/tier-scheme.ts';
import { isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { readStoryFacts, type ShownReferral } from './card-facts.ts';
import {
  moneyOf,
  NOT_CONNECTED,
  personOf,
  type RecordUrl,
  readStoryContext,
  readSyncTimes,
  storyOf,
} from './card-story.ts';
import { qrUrlOf, shareLinkOf } from './compose-mirror.ts';
import { friendWords } from './consent-texts.ts';
import type { ConsoleLinks } from './console-links.ts';
import { readDealNames } from './deal-names.ts';
import { askMessageOf, invitationOf } from './invitation.ts';
import type { NextAsks } from './next-asks.ts';
import { nameOf } from './outlooks.ts';
import type { Connection, PageCursor, Store } from './ports/store.ts';
import type { Tiers } from './tiers.ts';

/** What fits on a screen beside a record; the card asks for more when somebody wants it. */
const REFERRALS_PER_PAGE = 10;

export interface CardDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly publicUrl: string;
  readonly recordUrl: RecordUrl;
  readonly tiers: Pick<Tiers, 'standingOf'>;
  readonly nextAsks: Pick<NextAsks, 'about'>;
  readonly consoleLinks: ConsoleLinks;
}

export interface CardInput {
  /** The connection that the signed portal id names; null when it names none. */
  readonly connection: Connection | null;
  readonly contactId: string;
  /** Who looks, as the CRM signs it; null where it did not say. */
  readonly user: CardUser | null;
  readonly cursor: PageCursor | null;
  readonly encodeCursor: (cursor: PageCursor) => string;
}

/** The story of a contact as the card in the CRM tells it. Reads only what is stored: a card costs no call to the CRM. */
export function createCard({
  store,
  clock,
  publicUrl,
  recordUrl,
  tiers,
  nextAsks,
  consoleLinks,
}: CardDeps): (input: CardInput) => Promise<CardResponse> {
  return async ({ connection, contactId, user, cursor, encodeCursor }) => {
    if (connection?.status !== 'connected') return NOT_CONNECTED;
    const { accountId, id: connectionId } = connection;
    const consoleLink = consoleLinks(accountId);
    const contact: RecordRef = { connectionId, object: 'contact', id: contactId };
    const firstPage = { limit: REFERRALS_PER_PAGE, cursor: null };
    const context = await readStoryContext(store, connection, contact, { recordUrl, consoleLink }, clock.now());
    const { programs, linkTo } = context;
    const [[known], member, received, ask, words] = await Promise.all([
      store.cases.knownContacts(accountId, connectionId, [contactId]),
      store.reads.memberByContact(accountId, contact),
      receivedReferral(store, accountId, programs, contact),
      nextAsks.about(connection, contactId, user),
      friendWords(store, accountId),
    ]);
    const made = member
      ? await store.reads.referrals(accountId, { limit: REFERRALS_PER_PAGE, cursor }, { memberId: member.id })
      : { items: [], next: null };
    const assisted =
      member && cursor === null
        ? (await store.reads.referrals(accountId, firstPage, { assistMemberId: member.id })).items
        : [];
    const referrer = received ? await store.reads.member(accountId, received.memberId) : null;
    const shown: ShownReferral[] = [];
    if (received && referrer && cursor === null)
      shown.push({ referral: received, direction: 'received', member: referrer });
    for (const referral of made.items) if (member) shown.push({ referral, direction: 'made', member });
    for (const referral of assisted) {
      const other = await store.reads.member(accountId, referral.memberId);
      if (other) shown.push({ referral, direction: 'made', member: other });
    }
    const facts = await readStoryFacts(store, context, shown);
    const syncedOf = await readSyncTimes(store, accountId, [
      contact,
      ...facts.flatMap(({ deals }) => deals.map(({ ref }) => ref)),
    ]);
    const referrals = shown.flatMap((one, index) => {
      const own = facts[index];
      return own ? [storyOf({ ...context, syncedOf }, one, own)] : [];
    });
    const standing =
      member && programs.some((program) => program.tiers) ? await nextTier(tiers, accountId, member) : {};

    const whyNot = whyNotAct(connection.cardActors ?? null, user);
    const view: CardView = {
      version: 1,
      contact: {
        id: contactId,
        name: known?.facts.name ?? known?.facts.email ?? member?.name ?? `Contact ${contactId}`,
        ...syncedOf(contact),
      },
      role: member && received ? 'both' : member ? 'member' : received ? 'friend' : 'none',
      member: member && {
        ...(await memberOf(store, accountId, publicUrl, contact, member)),
        ...standing,
        ...consoleLink('member', member.id),
      },
      referredBy:
        received && referrer
          ? {
              referralId: received.id,
              ...personOf({ connection, linkTo }, nameOf(referrer), referrer.contact),
              source: received.source,
              reason: reasonText(sourceReason(received)),
            }
          : null,
      referrals,
      nextCursor: made.next === null ? null : encodeCursor(made.next),
      mayAct: whyNot === null,
      ...(whyNot === null ? {} : { whyNot }),
      ...(ask === null ? {} : { ask }),
      ...(words === null ? {} : { consent: words }),
      generatedAt: isoOf(clock.now()),
    };
    return { ok: true, data: view };
  };
}

/** The referral of a friend, in whichever program it is; in the newest one of several. */
async function receivedReferral(
  store: Store,
  accountId: string,
  programs: readonly ProgramVersion[],
  contact: RecordRef,
): Promise<Referral | null> {
  const programIds = [...new Set(programs.map(({ programId }) => programId).reverse())];
  const found = await Promise.all(
    programIds.map((programId) => store.reads.referralByFriend(accountId, programId, { email: null, contact })),
  );
  return found.find((referral) => referral !== null) ?? null;
}

async function nextTier(
  tiers: CardDeps['tiers'],
  accountId: string,
  member: Member,
): Promise<{ readonly nextTier?: NextTier }> {
  const program = (await tiers.standingOf(accountId, member.id))?.program;
  if (!program?.next) return {};
  const { scheme, score, next } = program;
  const needed = thresholdOf(next);
  return {
    nextTier: {
      name: next.name,
      score: amountText(scheme, score),
      needed: amountText(scheme, needed),
      percent: needed > 0n && score > 0n ? Number((100n * (score < needed ? score : needed)) / needed) : 0,
    },
  };
}

async function memberOf(
  store: Store,
  accountId: string,
  publicUrl: string,
  contact: RecordRef,
  member: Member,
): Promise<CardMember> {
  const [source] = await store.mirror.sources(accountId, [contact]);
  const states = [...new Set(source?.sums.map(({ state }) => state))];
  const last = source?.lastReward ?? null;
  const tier = source?.tier ?? null;
  const names = await readDealNames(store.reads, accountId, last ? [last.deal] : []);
  const shareLink = shareLinkOf(publicUrl, member.code);
  const [shown] = await store.brands.ofAccounts([accountId]);
  const whose = shown?.brand ?? USUAL_BRAND;
  return {
    memberId: member.id,
    code: member.code,
    shareLink,
    qrUrl: qrUrlOf(publicUrl, member.code),
    message: invitationOf(shareLink, whose),
    askMessage: askMessageOf(member.name, shareLink, whose),
    referrals: source?.referrals ?? 0,
    wonReferrals: source?.wonReferrals ?? 0,
    rewards: states.map((state) => {
      const sums = (source?.sums ?? []).filter((sum) => sum.state === state);
      return { state, count: sums.reduce((count, sum) => count + sum.count, 0), totals: sums.map(moneyOf) };
    }),
    lastReward: last && {
      ...moneyOf(last.money),
      state: last.state,
      reason: reasonText(last.reason, names),
      at: isoOf(last.updatedAt),
    },
    ...(tier?.to
      ? { tier: { name: tier.to.name, reason: reasonText(tier.reason), since: isoOf(tier.recordedAt) } }
      : {}),
  };
}
