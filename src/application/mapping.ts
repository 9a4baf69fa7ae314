import { MAPPABLE_STAGES, type MappedStage, type SaidStage, saidHash, withSaid } from '../domain/mapping.ts';
import { policyDryRun } from './dry-run.ts';
import { createDryRuns, type DryRunRefusal, type DryRunsDeps, type Period } from './keep-dry-run.ts';
import { createLookAgain } from './look-again.ts';
import { type MappingProblem, mappingProblems } from './mapping-document.ts';
import type { KeptDryRun, KeptMapping, Store, TriedMapping } from './ports/store.ts';
import { mappingOf } from './refresh-mapping.ts';

/** A sweep may read the stages anew at the same moment; then what was said is put on top of that. */
const TRIES = 5;

export interface MappingDeps extends Omit<DryRunsDeps, 'store'> {
  readonly store: Pick<Store, 'connections' | 'reads' | 'work' | 'attribution' | 'dryRuns' | 'audited'>;
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

/** On what an admin says what stages mean, where that matters. */
export interface SaidOn {
  /** The version that the admin has read. */
  readonly basis?: string | undefined;
  /** What the admin has seen; of other words than those that are said, it is refused. */
  readonly dryRunId?: string | undefined;
}

/** What the stages of a CRM mean: by its metadata, and where an admin has said so otherwise. */
export interface Mappings {
  /** Null for a connection that the account does not have; without entries before the stages were read. */
  of(accountId: string, connectionId: string): Promise<KeptMapping | null>;
  /**
   * What is said here holds from now on, and what was said before and is not among it holds no more. Everybody with a referral in this
   * CRM is looked at again.
   */
  say(
    accountId: string,
    connectionId: string,
    said: readonly SaidStage[],
    on?: SaidOn,
  ): Promise<{ readonly kind: 'said'; readonly mapping: KeptMapping } | MappingRefusal | DryRunRefusal>;
  /** What it would change about what is paid, over all that is recorded. Changes nothing. */
  tryOut(
    accountId: string,
    connectionId: string,
    said: readonly SaidStage[],
    period: Period,
    by: string,
  ): Promise<{ readonly kind: 'tried'; readonly run: KeptDryRun<TriedMapping> } | MappingRefusal>;
}

export function createMappings({ store, clock, newId, onAsked }: MappingDeps): Mappings {
  const dryRuns = createDryRuns({ store, clock, newId });
  const lookAgain = createLookAgain({ store, clock, onAsked });

  async function drafted(accountId: string, connectionId: string, said: readonly SaidStage[]) {
    if (!(await store.connections.get(accountId, connectionId))) return { kind: 'no_such_connection' } as const;
    const inForce = await store.connections.mapping(accountId, connectionId);
    if (!inForce) return { kind: 'not_read_yet' } as const;
    const problems = mappingProblems(inForce.entries, said);
    if (problems.length > 0) return { kind: 'wrong', problems } as const;
    return { kind: 'drafted', inForce, mapping: mappingOf(withSaid(inForce.entries, said)) } as const;
  }

  return {
    async of(accountId, connectionId) {
      if (!(await store.connections.get(accountId, connectionId))) return null;
      return (await store.connections.mapping(accountId, connectionId)) ?? { version: '', entries: [] };
    },

    async say(accountId, connectionId, said, { basis, dryRunId } = {}) {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const draft = await drafted(accountId, connectionId, said);
        if (draft.kind !== 'drafted') return draft;
        const refusal = await dryRuns.refusalOf(accountId, dryRunId ?? null, saidHash(connectionId, said));
        if (refusal) return refusal;
        const { inForce, mapping } = draft;
        if (basis !== undefined && basis !== inForce.version && mapping.version !== inForce.version)
          return { kind: 'changed' };
        const { version, entries } = mapping;
        const saved = await store.connections.saveMapping(accountId, connectionId, version, entries, clock.now(), {
          basis: inForce.version,
          dryRunId,
        });
        if (!saved) continue;
        // Also when it was in force before: whoever said it may have died before everybody was asked for.
        await lookAgain(accountId, connectionId);
        const saidAnew = dryRunId === undefined ? mapping : { ...mapping, dryRunId };
        return { kind: 'said', mapping: mapping.version === inForce.version ? inForce : saidAnew };
      }
      return { kind: 'changed' };
    },

    async tryOut(accountId, connectionId, said, period, by) {
      const draft = await drafted(accountId, connectionId, said);
      if (draft.kind !== 'drafted') return draft;
      const { mapping } = draft;
      const attributionInForce = await store.attribution.newest(accountId);
      const input = { accountId, ...period, attributionInForce, mapping: { connectionId, mapping } };
      const of = { kind: 'stage_mapping', connectionId } as const;
      const run = await dryRuns.keep(accountId, { of, contentHash: saidHash(connectionId, said), by }, (audit) =>
        policyDryRun(audit, input),
      );
      return { kind: 'tried', run };
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
