import type {
  Deal as CardDeal,
  CardError,
  Money as CardMoney,
  Person as CardPerson,
  Referral as CardReferral,
  Reward as CardReward,
} from '../../contracts/hubspot-card/card-view.generated.ts';
import type { Decision, Reward } from '../domain/decision.ts';
import { type Outlook, outlookOfDecision } from '../domain/explain.ts';
import type { StageMapping } from '../domain/mapping.ts';
import { decimalOf, type Money, parseAmount } from '../domain/money.ts';
import { firstRateDay, type Party, type ProgramVersion, publishedRule } from '../domain/program.ts';
import { ratesOf } from '../domain/rates.ts';
import { reasonText } from '../domain/reason.ts';
import { type DealFacts, type RecordRef, recordKey } from '../domain/record.ts';
import { type Instant, isoOf } from '../domain/time.ts';
import type { ShownReferral, StoryFacts } from './card-facts.ts';
import { byParty } from './compose-mirror.ts';
import type { ConsoleLink } from './console-links.ts';
import {
  beneficiariesOf,
  friendNameOf,
  nameOf,
  namesOf,
  type OutlookContext,
  outlooksOfReferral,
  stageLabelOf,
} from './outlooks.ts';
import type { Connection, Store } from './ports/store.ts';

export const NOT_CONNECTED: CardError = {
  ok: false,
  code: 'not_connected',
  message: 'Wonward is not connected to this portal. An admin can connect it in Wonward.',
};

export type RecordUrl = (connection: Connection, record: RecordRef) => string | null;

export interface StoryContext extends OutlookContext {
  /** The address of a record, as a property to spread; nothing when there is none. */
  readonly linkTo: (record: RecordRef | null) => { readonly url?: string };
  /** When a record was last read from the CRM, as a property to spread; nothing when it was not. */
  readonly syncedOf: (record: RecordRef) => { readonly syncedAt?: string };
  readonly consoleLink: ConsoleLink;
}

/** What every card needs of an account. */
export async function readStoryContext(
  store: Store,
  connection: Connection,
  contact: RecordRef | null,
  { recordUrl, consoleLink }: { readonly recordUrl: RecordUrl; readonly consoleLink: ConsoleLink },
  now: Instant,
): Promise<Omit<StoryContext, 'syncedOf'>> {
  const { accountId } = connection;
  const [programs, choices, mapping, batchings] = await Promise.all([
    store.programs.versions(accountId),
    store.appSettings.choices(accountId),
    store.connections.mapping(accountId, connection.id),
    store.batches.batchings(accountId),
  ]);
  const rateDay = firstRateDay(programs);
  return {
    accountId,
    programs,
    choices,
    mapping: mapping ?? { version: '', entries: [] },
    connection,
    contact,
    batchings,
    rates: rateDay === null ? undefined : ratesOf(await store.rates.all(accountId, rateDay)),
    now,
    consoleLink,
    linkTo(record) {
      // A record of another connection has no page in this one.
      const url = record?.connectionId === connection.id ? recordUrl(connection, record) : null;
      return url === null ? {} : { url };
    },
  };
}

/** When records were last read, each kind of each connection in one query. */
export async function readSyncTimes(
  store: Store,
  accountId: string,
  records: readonly RecordRef[],
): Promise<StoryContext['syncedOf']> {
  const groups = Map.groupBy(records, ({ connectionId, object }) => `${connectionId} ${object}`);
  const read = await Promise.all(
    [...groups.values()].map(async (group) => {
      const [first] = group;
      if (!first) return [];
      const { connectionId, object } = first;
      const times = await store.reads.readTimes(
        accountId,
        connectionId,
        object,
        group.map(({ id }) => id),
      );
      return [...times].map(([id, { at }]) => [recordKey({ connectionId, object, id }), at] as const);
    }),
  );
  const times = new Map(read.flat());
  return (record) => {
    const at = times.get(recordKey(record));
    return at === undefined ? {} : { syncedAt: isoOf(at) };
  };
}

export function storyOf(context: StoryContext, shown: ShownReferral, facts: StoryFacts): CardReferral {
  const { programs, linkTo, syncedOf, consoleLink } = context;
  const { referral, direction, member } = shown;
  const { decisions, rewards, deals, mappingOf } = facts;
  const told = { referral, member, facts };
  const beneficiaries = beneficiariesOf(told);
  const names = namesOf(deals);
  const outlooks = [
    ...newestOf(decisions).map((decision) => outlookOfDecision(decision, rewardOf(decision, rewards), names)),
    ...outlooksOfReferral(context, told),
  ].sort(byParty);
  return {
    referralId: referral.id,
    direction,
    person:
      direction === 'made'
        ? personOf(context, friendNameOf(referral), referral.friend.contact)
        : personOf(context, nameOf(member), member.contact),
    stage: referral.stage,
    stageReason: reasonText(referral.reason, names),
    since: isoOf(referral.stageSince),
    deals: deals.map((deal) => ({
      ...dealOf(deal, mappingOf(deal.ref)),
      ...linkTo(deal.ref),
      ...syncedOf(deal.ref),
    })),
    rewards: rewardRows(outlooks, programs, beneficiaries),
    ...consoleLink('referral', referral.id),
  };
}

/** A person who is known here by another connection's contact has no record on the page. */
export function personOf(
  { connection, linkTo }: Pick<StoryContext, 'connection' | 'linkTo'>,
  name: string,
  contact: RecordRef | null,
): CardPerson {
  return { name, contactId: contact?.connectionId === connection.id ? contact.id : null, ...linkTo(contact) };
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

export function dealOf(deal: DealFacts, mapping: StageMapping): CardDeal {
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

export function rewardRows(
  outlooks: readonly Outlook[],
  programs: readonly ProgramVersion[],
  beneficiaries: Readonly<Record<Party, string>>,
): CardReward[] {
  return outlooks.map((outlook) =>
    rewardRow(outlook, nameOfRule(programs, outlook.ruleKey), beneficiaries[outlook.party]),
  );
}

/** The name that the rule bears now; a rule that no version has any more is known by its key. */
export function nameOfRule(programs: readonly ProgramVersion[], key: string): string {
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

export function moneyOf(money: Money): CardMoney {
  return { amount: decimalOf(money), currency: money.currency };
}
