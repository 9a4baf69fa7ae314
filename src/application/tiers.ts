import { createDraft, type Draft, stateWith } from '../domain/plan.ts';
import type { ProgramVersion } from '../domain/program.ts';
import type { Member } from '../domain/referral.ts';
import {
  moveTier,
  restOnScore,
  type Scores,
  scoreAt,
  scoresByTally,
  type TierChange,
  type TierLook,
  tiersOf,
} from '../domain/tier.ts';
import { levelFor, rankOf, type TierLevel, type TierScheme } from '../domain/tier-scheme.ts';
import type { Clock } from '../platform/clock.ts';
import type { Store } from './ports/store.ts';

/** Members that are loaded and written together. */
const TOGETHER_MAX = 100;

/** In one run; the next one goes on. A program with new tiers makes all members of an account due at once. */
const RUN_MAX = 20_000;

export interface TiersDeps {
  readonly store: Pick<Store, 'tiers' | 'cases' | 'reads' | 'programs'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Where a member stands, and what is missing to the next tier. */
export interface TierStanding {
  readonly programId: string;
  readonly scheme: TierScheme;
  readonly held: TierChange | null;
  readonly score: bigint;
  readonly next: TierLevel | null;
}

export interface Tiers {
  /** Looks at everybody who is due, whatever the account: windows that have moved on, graces that have ended. Returns how many. */
  lookAtDue(signal?: AbortSignal): Promise<number>;
  /** Null for a member that the account does not have; `program` null where its program has no tiers. */
  standingOf(accountId: string, memberId: string): Promise<{ readonly program: TierStanding | null } | null>;
}

/** Tiers between two wins: time alone takes them away, and what is counted elsewhere brings them. */
export function createTiers({ store, clock }: TiersDeps): Tiers {
  async function loadFor(accountId: string, members: readonly Member[]) {
    return store.cases.load({
      accountId,
      connectionId: '',
      contactIds: [],
      dealIds: [],
      companies: [],
      emails: [],
      codes: members.map(({ code }) => code),
    });
  }

  async function scoresOf(draft: Draft, accountId: string, memberId: string, programId: string, tiers: TierScheme) {
    const byTally = scoresByTally(draft, memberId, tiers);
    if (byTally || tiers.by.kind !== 'engagement') return byTally;
    const days = await store.tiers.engagement(accountId, memberId, programId, tiers.by.counts);
    const scores: Scores = {
      life: BigInt([...days.values()].reduce((sum, count) => sum + count, 0)),
      on: (day) => BigInt(days.get(day) ?? 0),
    };
    return scores;
  }

  async function lookAt(accountId: string, looks: readonly TierLook[], programs: readonly ProgramVersion[]) {
    const found = await Promise.all(looks.map(({ memberId }) => store.reads.member(accountId, memberId)));
    const loaded = await loadFor(
      accountId,
      found.filter((member) => member !== null),
    );
    const now = clock.now();
    const state = stateWith(accountId, { ...loaded, programs });
    const draft = createDraft(state);
    for (const { memberId, programId } of looks) {
      draft.lookAtTier({ memberId, programId, lookedAt: now, at: null });
      const tiers = tiersOf(programs, programId)?.tiers;
      const scores = tiers && (await scoresOf(draft, accountId, memberId, programId, tiers));
      if (!tiers || !scores) continue;
      restOnScore(draft, memberId, tiers);
      moveTier(draft, state, { memberId, programId, now, scores });
    }
    const plan = draft.plan();
    const [result] = await store.cases.commit([
      { accountId, plan, snapshots: [], restsOn: [], settles: [], erase: [] },
    ]);
    return result === 'committed';
  }

  return {
    async lookAtDue(signal) {
      let looked = 0;
      while (looked < RUN_MAX && !signal?.aborted) {
        const due = await store.tiers.due(clock.now(), TOGETHER_MAX);
        if (due.length === 0) return looked;
        const before = looked;
        for (const [accountId, looks] of Map.groupBy(due, (look) => look.accountId)) {
          const programs = await store.programs.versions(accountId);
          // Somebody has won meanwhile: what stays due is looked at again, one by one so that one does not hold up the others.
          if (await lookAt(accountId, looks, programs)) looked += looks.length;
          else for (const look of looks) if (await lookAt(accountId, [look], programs)) looked += 1;
        }
        if (looked === before) return looked;
      }
      return looked;
    },

    async standingOf(accountId, memberId) {
      const member = await store.reads.member(accountId, memberId);
      if (!member) return null;
      const programs = await store.programs.versions(accountId);
      const programId = programs.at(-1)?.programId;
      const tiers = programId === undefined ? undefined : tiersOf(programs, programId)?.tiers;
      if (programId === undefined || !tiers) return { program: null };
      const loaded = await loadFor(accountId, [member]);
      const draft = createDraft(stateWith(accountId, loaded));
      const scores = await scoresOf(draft, accountId, memberId, programId, tiers);
      const score = scores ? scoreAt(scores, tiers, clock.now()) : 0n;
      const held = draft.tier(memberId, programId) ?? null;
      const rank = Math.max(rankOf(tiers, held?.to?.key ?? null), rankOf(tiers, levelFor(tiers, score)?.key ?? null));
      return { program: { programId, scheme: tiers, held, score, next: tiers.levels[rank + 1] ?? null } };
    },
  };
}
