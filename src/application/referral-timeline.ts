import type { AttributionDecision } from '../domain/attribution-policy.ts';
import type { Decision } from '../domain/decision.ts';
import type { Journal } from '../domain/ledger.ts';
import { findStage } from '../domain/mapping.ts';
import type { DealFacts, DealPoint, RecordRef } from '../domain/record.ts';
import type { LifecycleStage, Referral, Touch } from '../domain/referral.ts';
import { wordReason } from '../domain/stage-by-person.ts';
import type { Instant } from '../domain/time.ts';
import type { CaseFact, Page, PageCursor, PageInput, PayoutFact, Store } from './ports/store.ts';

/** A friend is on one deal or two; somebody who is on hundreds is told of the newest. */
const DEALS_MAX = 50;
/** Decisions that name deals which the friend is not on any more. */
const DECISIONS_LOOKED_AT_MAX = 200;

export const TIMELINE_KINDS = [
  'submitted',
  'stage',
  'touch',
  'attribution',
  'deal',
  'decision',
  'journal',
  'payout',
  'case',
] as const;
export type TimelineKind = (typeof TIMELINE_KINDS)[number];

/** A deal of the friend as it stood from a moment on. */
export interface DealMove {
  readonly deal: RecordRef;
  readonly name: string | null;
  readonly point: DealPoint;
  readonly pipelineLabel: string | null;
  readonly stageLabel: string;
  /** Null for a stage that the mapping does not know. */
  readonly stage: LifecycleStage | null;
}

export type TimelineFact =
  | { readonly kind: 'submitted'; readonly referral: Referral }
  | { readonly kind: 'stage'; readonly referral: Referral }
  | { readonly kind: 'touch'; readonly touch: Touch }
  | { readonly kind: 'attribution'; readonly attribution: AttributionDecision }
  | { readonly kind: 'deal'; readonly move: DealMove }
  | { readonly kind: 'decision'; readonly decision: Decision }
  | { readonly kind: 'journal'; readonly journal: Journal }
  | { readonly kind: 'payout'; readonly payout: PayoutFact }
  | { readonly kind: 'case'; readonly fact: CaseFact };

export type TimelineEvent = TimelineFact & { readonly id: string; readonly at: Instant };

export type ReferralTimeline = (
  accountId: string,
  referralId: string,
  page: PageInput,
  kinds: readonly TimelineKind[],
) => Promise<Page<TimelineEvent> | null>;

/**
 * Everything that is recorded of one referral, newest first: each kind of fact is asked for what lies before the cursor, and the newest of all
 * are the page. Nothing is kept for it. Null when the account has no such referral.
 */
export function createReferralTimeline(
  store: Pick<Store, 'reads' | 'timeline' | 'identity' | 'connections'>,
): ReferralTimeline {
  return async (accountId, referralId, page, kinds) => {
    const referral = await store.reads.referral(accountId, referralId);
    if (!referral) return null;
    // One more than is shown says whether there is another page.
    const asked = { limit: page.limit + 1, cursor: page.cursor };
    const contacts = async () => {
      const edges = await store.identity.edgesOf(accountId, referralId);
      const tied = edges.filter(({ until }) => until === null).map(({ record }) => record);
      return referral.friend.contact ? [referral.friend.contact, ...tied] : tied;
    };
    const { timeline, reads } = store;
    const sources: Readonly<Record<TimelineKind, () => Promise<readonly TimelineEvent[]>>> = {
      submitted: async () => [{ kind: 'submitted', id: referral.id, at: referral.submittedAt, referral }],
      stage: async () => [
        { kind: 'stage', id: `stg_${referral.id.slice('ref_'.length)}`, at: referral.stageSince, referral },
        // What people have said of it stays told when deals say something else by now.
        ...(referral.stageWords ?? [])
          .filter(({ at }) => referral.reason.code !== 'stage_by_person' || at !== referral.stageSince)
          .map((word) => ({
            kind: 'stage' as const,
            id: `stg_${referral.id.slice('ref_'.length)}_${word.at}`,
            at: word.at,
            referral: { ...referral, stage: word.stage, reason: wordReason(word), stageSince: word.at },
          })),
      ],
      touch: async () => {
        const found = await Promise.all(
          (await contacts()).map((contact) => timeline.touches(accountId, contact, asked)),
        );
        return found.flat().map((touch) => ({ kind: 'touch', id: touch.id, at: touch.at, touch }));
      },
      attribution: async () =>
        (await timeline.attributions(accountId, referralId, asked)).map((attribution) => ({
          kind: 'attribution',
          id: attribution.id,
          at: attribution.recordedAt,
          attribution,
        })),
      deal: async () => dealEvents(store, accountId, referralId, await contacts()),
      decision: async () =>
        (await reads.decisions(accountId, asked, { referralId })).items.map((decision) => ({
          kind: 'decision',
          id: decision.id,
          at: decision.recordedAt,
          decision,
        })),
      journal: async () =>
        (await timeline.journals(accountId, referralId, asked)).map((journal) => ({
          kind: 'journal',
          id: journal.id,
          at: journal.recordedAt,
          journal,
        })),
      payout: async () =>
        (await timeline.payouts(accountId, referralId, asked)).map((payout) => ({
          kind: 'payout',
          id: payout.id,
          at: payout.updatedAt,
          payout,
        })),
      case: async () =>
        (await timeline.caseEvents(accountId, referralId, asked)).map((fact) => ({
          kind: 'case',
          id: fact.id,
          at: fact.event.at,
          fact,
        })),
    };
    const found = (await Promise.all(kinds.map((kind) => sources[kind]()))).flat();
    const ahead = found.filter((event) => isBefore(event, page.cursor)).sort((a, b) => (isBefore(a, b) ? 1 : -1));
    const items = ahead.slice(0, page.limit);
    const last = items.at(-1);
    return { items, next: ahead.length > page.limit && last ? { at: last.at, id: last.id } : null };
  };
}

/** The same order as the database's: by time, then by the bytes of the id. */
function isBefore(event: PageCursor, cursor: PageCursor | null): boolean {
  return cursor === null || event.at < cursor.at || (event.at === cursor.at && event.id < cursor.id);
}

async function dealEvents(
  { reads, connections }: Pick<Store, 'reads' | 'connections'>,
  accountId: string,
  referralId: string,
  contacts: readonly RecordRef[],
): Promise<TimelineEvent[]> {
  const [ofContacts, decided] = await Promise.all([
    reads.dealsOfContacts(accountId, contacts, DEALS_MAX),
    reads.decisions(accountId, { limit: DECISIONS_LOOKED_AT_MAX, cursor: null }, { referralId }),
  ]);
  const deals = new Map<string, DealFacts>();
  for (const deal of [
    ...[...ofContacts.values()].flat(),
    ...(await reads.deals(
      accountId,
      decided.items.map(({ deal }) => deal),
    )),
  ])
    deals.set(`${deal.ref.connectionId} ${deal.ref.id}`, deal);
  const ids = [...new Set([...deals.values()].map(({ ref }) => ref.connectionId))];
  const mappings = new Map(
    await Promise.all(ids.map(async (id) => [id, await connections.mapping(accountId, id)] as const)),
  );
  return [...deals.values()].flatMap(({ ref, name, history }) =>
    history.map((point, place): TimelineEvent => {
      const mapped = findStage(
        mappings.get(ref.connectionId) ?? { version: '', entries: [] },
        point.pipelineId,
        point.stageId,
      );
      return {
        kind: 'deal',
        id: `pnt_${ref.connectionId.slice('con_'.length)}-${ref.id.toLowerCase()}-${place}`.slice(
          0,
          EVENT_ID_LENGTH_MAX,
        ),
        at: point.at,
        move: {
          deal: ref,
          name,
          point,
          pipelineLabel: mapped?.pipelineLabel ?? null,
          stageLabel: mapped?.stageLabel ?? point.stageId,
          stage: mapped?.stage ?? null,
        },
      };
    }),
  );
}

/** What a cursor takes. */
const EVENT_ID_LENGTH_MAX = 68;
