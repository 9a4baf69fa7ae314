import type {
  Member as CardMember,
  Money as CardMoney,
  Referral as CardReferral,
  CardResponse,
  Reward as CardReward,
  CardView,
} from '../../contracts/hubspot-card/card-view.generated.ts';
import { sourceReason } from '../domain/attribution.ts';
import type { Decision, Reward } from '../domain/decision.ts';
import { type Outlook, outlookOfDecision, outlookOfRule } from '../domain/explain.ts';
import { findStage, type StageMapping } from '../domain/mapping.ts';
import { decimalOf, type Money, parseAmount } from '../domain/money.ts';
import { beginOf, firstRateDay, type Party, type ProgramVersion, publishedRule } from '../domain/program.ts';
import { type Rates, ratesOf } from '../domain/rates.ts';
import { type DealNames, reasonText } from '../domain/reason.ts';
import type { DealFacts, DealPoint, RecordRef } from '../domain/record.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { isoOf } from '../domain/time.ts';
import { dealsAt } from '../domain/timeline.ts';
import type { Clock } from '../platform/clock.ts';
import { type CardContext, readStoryFacts, type ShownReferral, type StoryFacts } from './card-facts.ts';
import { byParty, shareLinkOf } from './compose-mirror.ts';
import { readDealNames } from './deal-names.ts';
import type { Connection, PageCursor, Store } from './ports/store.ts';

/** What fits on a screen beside a record; the card asks for more when somebody wants it. */
const REFERRALS_PER_PAGE = 10;

export interface CardDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly publicUrl: string;
  readonly recordUrl: (connection: Connection, record: RecordRef) => string | null;
}

export interface CardInput {
  /** The connection that the signed portal id names; null when it names none. */
  readonly connection: Connection | null;
  readonly contactId: string;
  readonly cursor: PageCursor | null;
  readonly encodeCursor: (cursor: PageCursor) => string;
}

/** The story of a contact as the card in the CRM tells it. Reads only what is stored: a card costs no call to the CRM. */
export function createCard({
  store,
  clock,
  publicUrl,
  recordUrl,
}: CardDeps): (input: CardInput) => Promise<CardResponse> {
  return async ({ connection, contactId, cursor, encodeCursor }) => {
    if (connection?.status !== 'connected') {
      return {
        ok: false,
        code: 'not_connected',
        message: 'Wonward is not connected to this portal. An admin can connect it in Wonward.',
      };
    }
    const { accountId, id: connectionId } = connection;
    const contact: RecordRef = { connectionId, object: 'contact', id: contactId };
    const firstPage = { limit: REFERRALS_PER_PAGE, cursor: null };
    const programs = await store.programs.versions(accountId);
    const mapping = (await store.connections.mapping(accountId, connectionId)) ?? { version: '', entries: [] };
    const [[known], member, received] = await Promise.all([
      store.cases.knownContacts(accountId, connectionId, [contactId]),
      store.reads.memberByContact(accountId, contact),
      receivedReferral(store, accountId, programs, contact),
    ]);
    const made = member
      ? await store.reads.referrals(accountId, { limit: REFERRALS_PER_PAGE, cursor }, { memberId: member.id })
      : { items: [], next: null };
    const assisted =
      member && cursor === null
        ? (await store.reads.referrals(accountId, firstPage, { assistMemberId: member.id })).items
        : [];
    const referrer = received ? await store.reads.member(accountId, received.memberId) : null;
    const isHere = (record: RecordRef) => record.connectionId === connectionId;
    const linkTo = (record: RecordRef | null) => {
      // A record of another connection has no page in this one.
      const url = record && isHere(record) ? recordUrl(connection, record) : null;
      return url === null ? {} : { url };
    };
    const rateDay = firstRateDay(programs);
    const rates = rateDay === null ? undefined : ratesOf(await store.rates.all(accountId, rateDay));
    const now = clock.now();
    const context = { accountId, programs, mapping, connection, contact, rates, now, linkTo };
    const shown: ShownReferral[] = [];
    if (received && referrer && cursor === null)
      shown.push({ referral: received, direction: 'received', member: referrer });
    for (const referral of made.items) if (member) shown.push({ referral, direction: 'made', member });
    for (const referral of assisted) {
      const other = await store.reads.member(accountId, referral.memberId);
      if (other) shown.push({ referral, direction: 'made', member: other });
    }
    const facts = await readStoryFacts(store, context, shown);
    const referrals = shown.flatMap((one, index) => {
      const own = facts[index];
      return own ? [storyOf(context, one, own)] : [];
    });

    const view: CardView = {
      version: 1,
      contact: {
        id: contactId,
        name: known?.facts.name ?? known?.facts.email ?? member?.name ?? `Contact ${contactId}`,
      },
      role: member && received ? 'both' : member ? 'member' : received ? 'friend' : 'none',
      member: member && (await memberOf(store, accountId, publicUrl, contact, member)),
      referredBy:
        received && referrer
          ? {
              referralId: received.id,
              name: nameOf(referrer),
              contactId: referrer.contact && isHere(referrer.contact) ? referrer.contact.id : null,
              ...linkTo(referrer.contact),
              source: received.source,
              reason: reasonText(sourceReason(received)),
            }
          : null,
      referrals,
      nextCursor: made.next === null ? null : encodeCursor(made.next),
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

function nameOf({ name, email, code }: Member): string {
  return name ?? email ?? code;
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
  return {
    memberId: member.id,
    code: member.code,
    shareLink: shareLinkOf(publicUrl, member.code),
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

function moneyOf(money: Money): CardMoney {
  return { amount: decimalOf(money), currency: money.currency };
}

interface StoryContext extends CardContext {
  /** Absent where no rule pays in another currency than the deal's. */
  readonly rates: Rates | undefined;
  /** The address of a record, as a property to spread; nothing when there is none. */
  readonly linkTo: (record: RecordRef | null) => { readonly url?: string };
}

function storyOf(
  context: StoryContext,
  { referral, direction, member }: ShownReferral,
  facts: StoryFacts,
): CardReferral {
  const { programs, connection, linkTo } = context;
  const { decisions, rewards, deals, recruiter, assist, mappingOf } = facts;
  const isHere = (record: RecordRef) => record.connectionId === connection.id;
  const friendName = referral.friend.name ?? referral.friend.email ?? 'Friend';
  const beneficiaries: Readonly<Record<Party, string>> = {
    member: nameOf(member),
    friend: friendName,
    recruiter: recruiter ? nameOf(recruiter) : 'Recruiter',
    assist: assist ? nameOf(assist) : 'Another member',
  };
  const names: DealNames = new Map(deals.flatMap(({ ref, name }) => (name === null ? [] : [[ref.id, name] as const])));
  const outlooks = [
    ...newestOf(decisions).map((decision) => outlookOfDecision(decision, rewardOf(decision, rewards), names)),
    ...expected(context, referral, member, facts, names, beneficiaries),
  ].sort(byParty);
  const person =
    direction === 'made'
      ? { name: friendName, contact: referral.friend.contact }
      : { name: nameOf(member), contact: member.contact };
  return {
    referralId: referral.id,
    direction,
    person: {
      name: person.name,
      contactId: person.contact && isHere(person.contact) ? person.contact.id : null,
      ...linkTo(person.contact),
    },
    stage: referral.stage,
    stageReason: reasonText(referral.reason, names),
    since: isoOf(referral.stageSince),
    deals: deals.map((deal) => ({ ...dealOf(deal, mappingOf(deal.ref)), ...linkTo(deal.ref) })),
    rewards: outlooks.map((outlook) =>
      rewardRow(outlook, nameOfRule(programs, outlook.ruleKey), beneficiaries[outlook.party]),
    ),
  };
}

/** What rules that have decided nothing yet would make of the friend's furthest open deal. */
function expected(
  { programs, connection, mapping, rates, now }: StoryContext,
  referral: Referral,
  member: Member,
  { deals, version, undecided, recruiter, friend, wonReferrals, tier }: StoryFacts,
  names: DealNames,
  beneficiaries: Readonly<Record<Party, string>>,
): Outlook[] {
  if (undecided.length === 0) return [];
  const isPaidAsOne = recruiter?.id === member.id && version?.rules.some(({ party }) => party === 'recruiter');
  const here = deals.filter(({ ref }) => ref.connectionId === connection.id);
  const present = dealsAt(here, mapping, Number.POSITIVE_INFINITY);
  const open = present.find(({ since, stage }) => since.won === null && stage !== 'lost') ?? null;
  return (
    undecided
      // Nobody waits for what only a recruiter gets, where there is none.
      .filter(({ party }) => party !== 'recruiter' || recruiter !== null)
      .map((rule) =>
        outlookOfRule({
          rule,
          referral,
          friend: friend ?? {},
          dealAt: open,
          beneficiary: beneficiaries[rule.party],
          names,
          stageLabel: open ? stageLabelOf(open.point, mapping) : '',
          startsAt: Math.max(beginOf(programs, referral.programId), connection.connectedAt),
          wonReferrals: wonReferrals + (referral.stage === 'won' ? 0 : 1),
          tier: version?.tiers && { levels: version.tiers.levels, held: tier, reached: tier },
          recruiter: recruiter === null ? 'none' : isPaidAsOne ? 'member' : 'other',
          rates,
          now,
        }),
      )
  );
}

/** The newest decision of each rule on each deal: what holds now. */
function newestOf(decisions: readonly Decision[]): Decision[] {
  const newest = new Map<string, Decision>();
  for (const decision of decisions) {
    const key = `${decision.deal.id} ${decision.ruleKey}`;
    if ((newest.get(key)?.sequence ?? 0) < decision.sequence) newest.set(key, decision);
  }
  return [...newest.values()];
}

function rewardOf(decision: Decision, rewards: readonly Reward[]): Reward | undefined {
  return rewards.find(({ id }) => id === decision.rewardId);
}

function stageLabelOf({ pipelineId, stageId }: DealPoint, mapping: StageMapping): string {
  return findStage(mapping, pipelineId, stageId)?.stageLabel ?? stageId;
}

function dealOf(deal: DealFacts, mapping: StageMapping): CardReferral['deals'][number] {
  const point = deal.history.at(-1);
  const currency = point?.currency?.trim().toUpperCase() ?? '';
  // The card shows what can be read as money; what cannot is told by the reason beside it.
  const amount = parseAmount(point?.amount, currency);
  return {
    id: deal.ref.id,
    name: deal.name ?? `Deal ${deal.ref.id}`,
    stageLabel: point ? stageLabelOf(point, mapping) : 'unknown',
    amount: amount.ok ? decimalOf(amount.money) : null,
    currency: amount.ok ? currency : null,
  };
}

/** The name that the rule bears now; a rule that no version has any more is known by its key. */
function nameOfRule(programs: readonly ProgramVersion[], key: string): string {
  const rules = programs.toReversed().flatMap((program) => program.rules);
  return publishedRule(rules, key)?.name ?? key;
}

function rewardRow(outlook: Outlook, rule: string, beneficiary: string): CardReward {
  return {
    rewardId: outlook.rewardId,
    rule,
    party: outlook.party,
    beneficiary,
    state: outlook.state,
    money: outlook.money && moneyOf(outlook.money),
    reason: outlook.reason,
    conditions: outlook.conditions.map(({ condition, expected, actual, verdict }) => ({
      label: condition,
      expected,
      actual,
      met: verdict === 'unknown' ? null : verdict === 'met',
    })),
    wouldPay: outlook.wouldPay,
    next: outlook.next,
    ...(outlook.nextAt === null ? {} : { nextAt: isoOf(outlook.nextAt) }),
    at: isoOf(outlook.at),
  };
}
