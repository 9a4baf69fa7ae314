import { z } from 'zod';
import { BACKFILLED_OBJECTS, type BackfillProgress, type Backfills, progressOf } from '../../application/backfill.ts';
import type { Backfill, BackfillStore } from '../../application/ports/store.ts';
import { isoOf } from '../../domain/time.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { given, idOf, listOf, moment, nextCursorOf, pageOf, pageParameters, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId } from './schemas.ts';

const backfillId = idOf('bfl', 'a backfill');

const object = z.enum(BACKFILLED_OBJECTS, { error: 'must be contact or deal' });

const backfillSchema = z
  .strictObject({
    id: backfillId,
    connectionId,
    state: z
      .enum(['running', 'paused', 'done', 'cancelled'])
      .meta({ description: 'done: everything was listed; what still waits is read when nothing of today is due.' }),
    since: time,
    objects: z.array(object),
    object: object.meta({ description: 'Which of them is being gone through.' }),
    found: z.int().meta({ description: 'Records that were listed.' }),
    asked: z.int().meta({ description: 'Of those, records that nobody had read since they were modified.' }),
    waiting: z.int().meta({ description: 'Of those, records that wait to be read. In a list 0: ask for the one.' }),
    read: z.int(),
    total: z.int().nullable().meta({
      description: 'About how many there are, of the objects begun so far; null where the CRM does not say.',
    }),
    perSecond: z.number().nullable().meta({ description: 'Records read in one second of work.' }),
    endsAt: time.nullable().meta({ description: 'About; null while that cannot be told.' }),
    problem: z.string().nullable().meta({ description: 'Why the last step was put off; null when it was not.' }),
    nextTryAt: time.nullable(),
    startedBy: z.string(),
    startedAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Backfill', description: 'What lay in a CRM before, and how far it has been read.' });

export interface BackfillsApiDeps {
  readonly backfills: Pick<Backfills, 'start' | 'progress' | 'turn'>;
  readonly storedBackfills: Pick<BackfillStore, 'list'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function backfills({ backfills: use, storedBackfills, clock }: BackfillsApiDeps): Operation[] {
  const turning = (name: 'pause' | 'resume' | 'cancel', to: 'paused' | 'running' | 'cancelled', summary: string) =>
    operation({
      id: `${name}Backfill`,
      tag: 'History',
      method: 'post',
      path: `/backfills/{backfillId}/${name}`,
      summary,
      params: z.strictObject({ backfillId }),
      body: z.strictObject({}),
      statuses: { 200: 'The backfill.' },
      answer: backfillSchema,
      problems: ['not_found', 'not_possible'],
      async handle({ accountId, params }) {
        const result = await use.turn(accountId, params.backfillId, to);
        if (!result) throw noSuchBackfill();
        if (!result.turned && result.backfill.state !== to)
          throw new HttpProblem('not_possible', `The backfill is ${result.backfill.state}.`);
        return { status: 200, body: await whole(accountId, params.backfillId) };
      },
    });

  async function whole(accountId: string, id: string): Promise<z.input<typeof backfillSchema>> {
    const found = await use.progress(accountId, id);
    if (!found) throw noSuchBackfill();
    return backfillView(found);
  }

  return [
    operation({
      id: 'listBackfills',
      tag: 'History',
      method: 'get',
      path: '/backfills',
      summary: 'List backfills, newest first',
      query: z.strictObject({ ...pageParameters, connectionId: connectionId.optional() }),
      statuses: { 200: 'A page of backfills.' },
      answer: listOf(backfillSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const of = given({ connectionId: query.connectionId });
        const { items, next } = await storedBackfills.list(accountId, pageOf('backfills', query), of);
        const views = items.map((one: Backfill) => backfillView(progressOf(one, 0, clock.now())));
        return { status: 200, body: { items: views, nextCursor: nextCursorOf('backfills', next) } };
      },
    }),
    operation({
      id: 'startBackfill',
      tag: 'History',
      method: 'post',
      path: '/backfills',
      summary: 'Read what lay in a CRM before Wonward came',
      description:
        'Contacts and deals modified since a moment, each read once, behind everything that happens today and with less than half of the calls that Wonward may make. Nothing is paid by it: what was won before the program or the connection began is listed under `/history`. One at a time for a connection.',
      body: z.strictObject({
        connectionId,
        since: moment.meta({ description: 'Records modified before are left out.' }),
        objects: z
          .array(object)
          .min(1, 'must not be empty')
          .max(BACKFILLED_OBJECTS.length, 'must name each once')
          .refine((named) => new Set(named).size === named.length, 'must name each once')
          .optional()
          .meta({ description: 'In the order in which they are read. Left out: contacts, then deals.' }),
      }),
      statuses: { 201: 'It has begun.' },
      answer: backfillSchema,
      problems: ['no_such_connection', 'connection_lost', 'backfill_open'],
      async handle({ accountId, actor, body }) {
        const started = await use.start(accountId, {
          connectionId: body.connectionId,
          since: Date.parse(body.since),
          objects: body.objects ?? BACKFILLED_OBJECTS,
          by: actor,
        });
        if (started.kind === 'started') return { status: 201, body: await whole(accountId, started.backfill.id) };
        switch (started.code) {
          case 'no_such_connection':
            throw new HttpProblem('no_such_connection', 'This account has no such connection.', {
              errors: [{ field: 'connectionId', problem: 'must be a connection of this account' }],
            });
          case 'not_connected':
            throw new HttpProblem('connection_lost', 'Connect the CRM again, and begin then.');
          case 'other_open':
            throw new HttpProblem(
              'backfill_open',
              `${started.backfill.id} is ${started.backfill.state}: let it end, or cancel it.`,
            );
        }
      },
    }),
    operation({
      id: 'getBackfill',
      tag: 'History',
      method: 'get',
      path: '/backfills/{backfillId}',
      summary: 'Get how far a backfill has come',
      params: z.strictObject({ backfillId }),
      statuses: { 200: 'The backfill.' },
      answer: backfillSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        return { status: 200, body: await whole(accountId, params.backfillId) };
      },
    }),
    turning('pause', 'paused', 'Pause a backfill; what was asked for is still read'),
    turning('resume', 'running', 'Go on with a paused backfill'),
    turning('cancel', 'cancelled', 'End a backfill; what was asked for is still read'),
  ];
}

function backfillView(backfill: BackfillProgress): z.input<typeof backfillSchema> {
  const { perSecond, endsAt, notBefore } = backfill;
  return {
    id: backfill.id,
    connectionId: backfill.connectionId,
    state: backfill.state,
    since: isoOf(backfill.since),
    objects: [...backfill.objects],
    object: backfill.object,
    found: backfill.found,
    asked: backfill.asked,
    waiting: backfill.waiting,
    read: backfill.read,
    total: backfill.total,
    perSecond: perSecond === null ? null : Math.round(perSecond * 10) / 10,
    endsAt: endsAt === null ? null : isoOf(endsAt),
    problem: backfill.error,
    nextTryAt: notBefore === 0 ? null : isoOf(notBefore),
    startedBy: backfill.startedBy,
    startedAt: isoOf(backfill.startedAt),
    updatedAt: isoOf(backfill.updatedAt),
  };
}

function noSuchBackfill(): HttpProblem {
  return new HttpProblem('not_found', 'This account has no such backfill.');
}
