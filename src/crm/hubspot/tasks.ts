import { z } from 'zod';
import type { CrmTasks, NewTask } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import type { CrmObject } from '../../domain/record.ts';
import { isoOf } from '../../domain/time.ts';
import type { PortalApi } from './call.ts';
import { saysNotFound } from './errors.ts';
import { PATHS } from './version.ts';
import { batchUpdateSchema, idSchema, searchSchema } from './wire.ts';

/** HubSpot's own types of association from a task ("Association type ID values" of its associations guide). */
const TASK_TO: Readonly<Record<CrmObject, number>> = { contact: 204, company: 192, deal: 216 };
/** Of one title there is one, or two when a second was made after all. */
const FOUND_MAX = 10;

const createdSchema = z.looseObject({ id: idSchema });

export function createTasks(api: PortalApi): CrmTasks {
  return {
    create: (task) => createTask(api, task),
    find: (title) => findTasks(api, title),
    complete: (id) => completeTask(api, id),
  };
}

async function createTask(
  api: PortalApi,
  { title, lines, dueAt, priority, assignee, about }: NewTask,
): Promise<string> {
  const { id } = await api.data({
    name: 'create task',
    method: 'POST',
    path: PATHS.objects('tasks'),
    isOnce: true,
    json: {
      properties: {
        hs_timestamp: isoOf(dueAt),
        hs_task_subject: title,
        // HubSpot shows it as HTML, and what a person wrote is in it.
        hs_task_body: lines.map((line) => `<p>${escaped(line)}</p>`).join(''),
        hs_task_status: 'NOT_STARTED',
        hs_task_priority: priority.toUpperCase(),
        hs_task_type: 'TODO',
        ...(assignee === null ? {} : { hubspot_owner_id: assignee }),
      },
      associations: about.map(({ object, id: to }) => ({
        to: { id: to },
        types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: TASK_TO[object] }],
      })),
    },
    schema: createdSchema,
  });
  return id;
}

/** By its title, which has the case's id in it. HubSpot's index lags behind its records by some seconds. */
async function findTasks(api: PortalApi, title: string): Promise<readonly string[]> {
  const { results } = await api.data({
    name: 'find tasks',
    method: 'POST',
    path: PATHS.search('tasks'),
    lane: 'search',
    json: {
      filterGroups: [{ filters: [{ propertyName: 'hs_task_subject', operator: 'EQ', value: title }] }],
      sorts: [{ propertyName: 'hs_createdate', direction: 'ASCENDING' }],
      properties: ['hs_task_subject'],
      limit: FOUND_MAX,
      after: '0',
    },
    schema: searchSchema,
  });
  return results.map(({ id }) => id);
}

async function completeTask(api: PortalApi, id: string): Promise<'completed' | 'gone'> {
  const reply = await api.call({
    name: 'complete task',
    method: 'POST',
    path: PATHS.batchUpdate('tasks'),
    json: { inputs: [{ id, properties: { hs_task_status: 'COMPLETED' } }] },
    schema: batchUpdateSchema,
    refusals: [404],
  });
  if (!reply.ok) return 'gone';
  if (reply.data.results.length > 0) return 'completed';
  const isGone = (reply.data.errors ?? []).some(saysNotFound);
  if (isGone) return 'gone';
  throw new Fault('crm_unavailable', { kind: 'retry' }, 'HubSpot did not say what became of the task.');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
