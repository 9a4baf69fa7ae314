import { MAPPABLE_STAGES, type MappedStage, type SaidStage, type StageMapping, withSaid } from '../domain/mapping.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { type DryRunReport, policyDryRun } from './dry-run.ts';
import { type MappingProblem, mappingProblems } from './mapping-document.ts';
import type { Page, PageCursor, Store } from './ports/store.ts';
import { mappingOf } from './process.ts';

/** Rows that one query should read, and one write should ask for. */
const REFERRALS_PER_PAGE = 500;

/** A sweep may read the stages anew at the same moment; then what was said is put on top of that. */
const TRIES = 5;

export interface MappingDeps {
  readonly store: Pick<Store, 'connections' | 'reads' | 'work' | 'attribution' | 'audited'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Told when records were asked for. */
  readonly onAsked: () => void;
}

export type MappingRefusal =
  | { readonly kind: 'no_such_connection' }
  /** The stages were never read from the CRM. */
  | { readonly kind: 'not_read_yet' }
  | { readonly kind: 'wrong'; readonly problems: readonly MappingProblem[] }
  /** Another version is in force than the one that the admin has read. */
  | { readonly kind: 'changed' };

/** What the stages of a CRM mean: by its metadata, and where an admin has said so otherwise. */
export interface Mappings {
  /** Null for a connection that the account does not have; without entries before the stages were read. */
  of(accountId: string, connectionId: string): Promise<StageMapping | null>;
  /**
   * What is said here holds from now on, and what was said before and is not among it holds no more. Everybody with a referral in this
   * CRM is looked at again. `basis`: the version that the admin has read, if that matters.
   */
  say(
    accountId: string,
    connectionId: string,
    said: readonly SaidStage[],
    basis?: string,
  ): Promise<{ readonly kind: 'said'; readonly mapping: StageMapping } | MappingRefusal>;
  /** What it would change about what is paid, over all that is recorded. Changes nothing. */
  tryOut(
    accountId: string,
    connectionId: string,
    said: readonly SaidStage[],
    period: { readonly from: Instant; readonly to: Instant },
  ): Promise<{ readonly kind: 'tried'; readonly report: DryRunReport } | MappingRefusal>;
}

export function createMappings({ store, clock, onAsked }: MappingDeps): Mappings {
  async function drafted(accountId: string, connectionId: string, said: readonly SaidStage[]) {
    if (!(await store.connections.get(accountId, connectionId))) return { kind: 'no_such_connection' } as const;
    const inForce = await store.connections.mapping(accountId, connectionId);
    if (!inForce) return { kind: 'not_read_yet' } as const;
    const problems = mappingProblems(inForce.entries, said);
    if (problems.length > 0) return { kind: 'wrong', problems } as const;
    return { kind: 'drafted', inForce, mapping: mappingOf(withSaid(inForce.entries, said)) } as const;
  }

  /** A deal may mean something else now, also one of which no news comes. */
  async function lookAgain(accountId: string, connectionId: string): Promise<void> {
    const at = clock.now();
    let cursor: PageCursor | null = null;
    do {
      const page: Page<Referral> = await store.reads.referrals(accountId, { limit: REFERRALS_PER_PAGE, cursor }, {});
      const friends: RecordRef[] = page.items.flatMap(({ friend: { contact } }) =>
        contact?.connectionId === connectionId ? [contact] : [],
      );
      if (friends.length > 0)
        await store.work.ask(
          accountId,
          friends.map((record) => ({ record, at })),
        );
      cursor = page.next;
    } while (cursor !== null);
    onAsked();
  }

  return {
    async of(accountId, connectionId) {
      if (!(await store.connections.get(accountId, connectionId))) return null;
      return (await store.connections.mapping(accountId, connectionId)) ?? { version: '', entries: [] };
    },

    async say(accountId, connectionId, said, basis) {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const draft = await drafted(accountId, connectionId, said);
        if (draft.kind !== 'drafted') return draft;
        const { inForce, mapping } = draft;
        if (basis !== undefined && basis !== inForce.version && mapping.version !== inForce.version)
          return { kind: 'changed' };
        const { version, entries } = mapping;
        const saved = await store.connections.saveMapping(
          accountId,
          connectionId,
          version,
          entries,
          clock.now(),
          inForce.version,
        );
        if (!saved) continue;
        // Also when it was in force before: whoever said it may have died before everybody was asked for.
        await lookAgain(accountId, connectionId);
        return { kind: 'said', mapping };
      }
      return { kind: 'changed' };
    },

    async tryOut(accountId, connectionId, said, period) {
      const draft = await drafted(accountId, connectionId, said);
      if (draft.kind !== 'drafted') return draft;
      const { mapping } = draft;
      const attributionInForce = await store.attribution.newest(accountId);
      const input = { accountId, ...period, attributionInForce, mapping: { connectionId, mapping } };
      return { kind: 'tried', report: await store.audited(clock.now(), (audit) => policyDryRun(audit, input)) };
    },
  };
}

/** What an admin has said, as it would be said again. */
export function saidIn(entries: readonly MappedStage[]): SaidStage[] {
  return entries.flatMap(({ pipelineId, stageId, stage, byMetadata }) => {
    const meant = MAPPABLE_STAGES.find((one) => one === stage);
    return byMetadata && meant ? [{ pipelineId, stageId, stage: meant }] : [];
  });
}
