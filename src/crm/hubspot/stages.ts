import type { StageCatalog } from '../../domain/mapping.ts';
import type { PortalApi } from './call.ts';
import { PATHS } from './version.ts';
import { pipelinesSchema } from './wire.ts';

export async function readStages(api: PortalApi): Promise<StageCatalog> {
  const { results } = await api.data({
    name: 'read pipelines',
    method: 'GET',
    path: PATHS.dealPipelines,
    schema: pipelinesSchema,
  });
  return {
    pipelines: inOrder(results)
      .filter(({ archived }) => archived !== true)
      .map(({ id, label, stages }) => ({
        id,
        label,
        stages: inOrder(stages)
          .filter(({ archived }) => archived !== true)
          .map((stage) => ({
            id: stage.id,
            label: stage.label,
            isClosed: String(stage.metadata.isClosed).toLowerCase() === 'true',
            probability: probabilityOf(stage.metadata.probability),
          })),
      })),
  };
}

/** As a person sees them; HubSpot does not say in which order it lists them, and two may share a place. */
function inOrder<T extends { id: string; displayOrder?: number | undefined }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => (a.displayOrder ?? 0) - (b.displayOrder ?? 0) || (a.id < b.id ? -1 : 1));
}

/** A decimal string ("0.2", "1.0"). Number('') is 0, which would make a stage without a probability a lost one. */
function probabilityOf(raw: string | number | undefined): number | null {
  const text = String(raw ?? '').trim();
  if (text === '') return null;
  const probability = Number(text);
  return probability >= 0 && probability <= 1 ? probability : null;
}
