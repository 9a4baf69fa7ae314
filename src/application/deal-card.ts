import type { DealCardResponse, DealCardView, DealReferral } from '../../contracts/hubspot-card/card-view.generated.ts';
import { sourceReason } from '../domain/attribution.ts';
import { type CardUser, whyNotAct } from '../domain/card-actors.ts';
import { warningsOf } from '../domain/deal-warning.ts';
import { outlookOfDecision } from '../domain/explain.ts';
import { findStage } from '../domain/mapping.ts';
import { rulesNow } from '../domain/program.ts';
import { appliesIn, openProgramIn } from '../domain/program-choice.ts';
import { reasonText } from '../domain/reason.ts';
import type { RecordRef } from '../domain/record.ts';
import { isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { readStoryFacts } from './card-facts.ts';
import {
  dealOf,
  NOT_CONNECTED,
  personOf,
  type RecordUrl,
  readStoryContext,
  readSyncTimes,
  rewardRows,
  type StoryContext,
} from './card-story.ts';
import { byParty, rewardOfDecision } from './compose-mirror.ts';
import type { ConsoleLinks } from './console-links.ts';
import { beneficiariesOf, friendNameOf, nameOf, namesOf, outlooksOfDeal, type Told } from './outlooks.ts';
import type { Connection, Store } from './ports/store.ts';

export interface DealCardDeps {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now'>;
  readonly recordUrl: RecordUrl;
  readonly consoleLinks: ConsoleLinks;
}

export interface DealCardInput {
  /** The connection that the signed portal id names; null when it names none. */
  readonly connection: Connection | null;
  readonly dealId: string;
  readonly user: CardUser | null;
}

/**
 * The referral behind a deal, what was decided on it, and what each rule in force would make of it. Reads only what is stored: a card costs
 * no call to the CRM.
 */
export function createDealCard({
  store,
  clock,
  recordUrl,
  consoleLinks,
}: DealCardDeps): (input: DealCardInput) => Promise<DealCardResponse> {
  return async ({ connection, dealId, user }) => {
    if (connection?.status !== 'connected') return NOT_CONNECTED;
    const { accountId, id: connectionId } = connection;
    const consoleLink = consoleLinks(accountId);
    const ref: RecordRef = { connectionId, object: 'deal', id: dealId };
    const now = clock.now();
    const [[deal], [source], read, syncedOf] = await Promise.all([
      store.reads.deals(accountId, [ref]),
      store.mirror.sources(accountId, [ref]),
      readStoryContext(store, connection, null, { recordUrl, consoleLink }, now),
      readSyncTimes(store, accountId, [ref]),
    ]);
    if (!deal || deal.presence === 'deleted' || !source) {
      return { ok: false, code: 'not_found', message: 'Wonward has not read this deal yet, or it was deleted.' };
    }
    const context: StoryContext = { ...read, syncedOf };
    const { programs, choices, mapping, rates, linkTo } = context;
    const { referral, referrer } = source;
    const shown = referral && referrer ? [{ referral, direction: 'made' as const, member: referrer }] : [];
    const [facts] = await readStoryFacts(store, context, shown, true);
    const told: Told | null = referral && referrer && facts ? { referral, member: referrer, facts } : null;
    const names = namesOf([deal]);
    const decided = source.decisions.map((decision) =>
      outlookOfDecision(decision, rewardOfDecision(decision, source.rewards), names),
    );
    const decidedRules = new Set(source.decisions.map(({ ruleKey }) => ruleKey));
    const outlooks = told ? [...decided, ...outlooksOfDeal(context, told, deal, decidedRules)].sort(byParty) : [];
    const point = deal.history.at(-1);
    // Of nobody's deal only what the program that is open asks for can be said.
    const open = openProgramIn(programs, choices, connectionId, now);
    const inForce = told
      ? rulesNow(told.facts.version?.rules ?? [], told.referral, now)
      : (programs.findLast(({ programId }) => programId === open)?.rules ?? []);

    const whyNot = whyNotAct(connection.cardActors ?? null, user);
    const view: DealCardView = {
      version: 1,
      deal: { ...dealOf(deal, mapping), ...linkTo(ref), ...syncedOf(ref) },
      stage: (point && findStage(mapping, point.pipelineId, point.stageId)?.stage) ?? null,
      referral: told && referralOf(context, told),
      rewards: told ? rewardRows(outlooks, programs, beneficiariesOf(told)) : [],
      warnings: warningsOf({
        deal,
        mapping,
        rules: inForce,
        rates,
        now,
        isChosen: told === null || appliesIn(choices, connectionId, told.referral),
      }),
      mayAct: whyNot === null,
      ...(whyNot === null ? {} : { whyNot }),
      generatedAt: isoOf(now),
    };
    return { ok: true, data: view };
  };
}

function referralOf(context: StoryContext, { referral, member, facts }: Told): DealReferral {
  return {
    referralId: referral.id,
    stage: referral.stage,
    stageReason: reasonText(referral.reason, namesOf(facts.deals)),
    since: isoOf(referral.stageSince),
    source: referral.source,
    reason: reasonText(sourceReason(referral)),
    member: personOf(context, nameOf(member), member.contact),
    friend: personOf(context, friendNameOf(referral), referral.friend.contact),
    ...context.consoleLink('referral', referral.id),
  };
}
