import { Fault } from '../domain/errors.ts';
import { derivedId } from '../domain/ids.ts';
import { findStage, type MappedStage, mapCatalog, type StageCatalog, type StageMapping } from '../domain/mapping.ts';
import { CHANCE_WHOLE } from '../domain/prospect.ts';
import type { DealFacts } from '../domain/record.ts';
import type { Clock } from '../platform/clock.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Connection, StageChance, Store } from './ports/store.ts';

/** Others save another mapping of the same connection at the same moment rarely. */
const TRIES = 4;

/**
 * The mapping of a connection; read anew from the CRM's metadata when a deal stands, or stood, in a stage that it does not know.
 * A stage that the CRM does not know either was deleted before Wonward came, and is not asked for again.
 */
export function createMappingReader(store: Store, clock: Clock) {
  const unresolvable = new Set<string>();
  return async (session: CrmSession, connection: Connection, deals: readonly DealFacts[]): Promise<StageMapping> => {
    const stored = await store.connections.mapping(connection.accountId, connection.id);
    const unknown = (mapping: StageMapping) =>
      deals
        .flatMap(({ history }) => history)
        .filter(({ pipelineId, stageId }) => findStage(mapping, pipelineId, stageId) === undefined)
        .map(({ pipelineId, stageId }) => `${connection.id} ${pipelineId} ${stageId}`);
    if (stored && unknown(stored).every((key) => unresolvable.has(key))) return stored;
    const refreshed = await refreshMapping(store, session, connection, clock.now());
    for (const key of unknown(refreshed)) unresolvable.add(key);
    return refreshed;
  };
}

/** Reads the pipelines and keeps what they mean, as a new version if anything differs. What an admin has said of a stage stays. */
export async function refreshMapping(
  store: Pick<Store, 'connections'>,
  session: Pick<CrmSession, 'stages'>,
  connection: Pick<Connection, 'id' | 'accountId'>,
  now: number,
): Promise<StageMapping> {
  const { accountId, id } = connection;
  const catalog = await session.stages();
  for (let tries = 0; tries < TRIES; tries += 1) {
    const earlier = await store.connections.mapping(accountId, id);
    const mapping = mappingOf(mapCatalog(catalog, earlier?.entries ?? []));
    // What was said and stays was seen in that dry run.
    const grounds = { basis: earlier?.version ?? null, dryRunId: earlier?.dryRunId, chances: chancesIn(catalog) };
    if (await store.connections.saveMapping(accountId, id, mapping.version, mapping.entries, now, grounds))
      return mapping;
  }
  throw new Fault('busy', { kind: 'retry' }, 'Others changed the same mapping at the same time.');
}

/** What is only ever forecast by is no part of the mapping: decisions name its versions. */
function chancesIn({ pipelines }: StageCatalog): StageChance[] {
  return pipelines.flatMap(({ id: pipelineId, stages }) =>
    stages.flatMap(({ id: stageId, probability }) =>
      probability === null ? [] : [{ pipelineId, stageId, chance: Math.round(probability * CHANCE_WHOLE) }],
    ),
  );
}

/** A version of the mapping is a hash of what it says. */
export function mappingOf(entries: readonly MappedStage[]): StageMapping {
  return { version: derivedId('map', JSON.stringify(entries)), entries };
}
