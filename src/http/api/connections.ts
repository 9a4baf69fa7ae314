import { z } from 'zod';
import type { Connect } from '../../application/connect.ts';
import type { Connection, ConnectionStore, ReadStore } from '../../application/ports/store.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { type Operation, operation } from './operation.ts';
import {
  callShare,
  cardActors,
  connectionId,
  connectionSchema,
  duplicateRules,
  installSchema,
  provisionSchema,
} from './schemas.ts';
import { connectionView } from './views.ts';

export interface ConnectionsDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly connect: Pick<
    Connect,
    'begin' | 'provision' | 'disconnect' | 'setDuplicateRules' | 'setCallShare' | 'setCardActors'
  >;
  readonly reads: Pick<ReadStore, 'health'>;
  readonly connections: Pick<ConnectionStore, 'get' | 'list'>;
}

/** A host name has at most 253 characters. */
const SITE_LENGTH_MAX = 300;

const SITE_PROBLEM =
  'must be an address of the CRM itself, such as https://test.salesforce.com or https://acme.my.salesforce.com; leave it out for a CRM that has one only';

const none = () => new HttpProblem('not_found', 'This account has no such connection.');

export function connections({ clock, connect, reads, connections: stored }: ConnectionsDeps): Operation[] {
  const view = async (connection: Connection) =>
    connectionView(connection, await reads.health(connection.accountId, connection.id, clock.now()));

  return [
    operation({
      id: 'listConnections',
      tag: 'Connections',
      method: 'get',
      path: '/connections',
      summary: 'List connections with their sync state',
      query: z.strictObject({}),
      statuses: { 200: 'All connections.' },
      answer: z.strictObject({ items: z.array(connectionSchema) }),
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: { items: await Promise.all((await stored.list(accountId)).map(view)) } };
      },
    }),
    operation({
      id: 'getConnection',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}',
      summary: 'Get a connection with its sync state',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'The connection.' },
      answer: connectionSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const connection = await stored.get(accountId, params.connectionId);
        if (!connection) throw none();
        return { status: 200, body: await view(connection) };
      },
    }),
    operation({
      id: 'installConnection',
      tag: 'Connections',
      method: 'post',
      path: '/connections/install',
      summary: 'Make an install link',
      description: 'An admin of the CRM opens it in a browser. It works once, for a quarter of an hour.',
      body: z.strictObject({
        provider: z.string().min(1).max(40).meta({ example: 'hubspot' }),
        site: z.string().max(SITE_LENGTH_MAX).optional().meta({
          description:
            'Where the admin logs in, for Salesforce: https://login.salesforce.com (the usual one), https://test.salesforce.com for a sandbox, or the My Domain of the org.',
          example: 'https://test.salesforce.com',
        }),
      }),
      statuses: { 201: 'The link.' },
      answer: installSchema,
      problems: [],
      async handle({ accountId, body }) {
        const begun = await connect.begin(accountId, body.provider, body.site);
        if (begun?.url === null)
          throw new HttpProblem('invalid_request', 'Nobody logs in to this CRM there.', {
            errors: [{ field: 'site', problem: SITE_PROBLEM }],
          });
        if (begun) return { status: 201, body: { url: begun.url, page: begun.page } };
        throw new HttpProblem('invalid_request', 'No such CRM is configured here.', {
          errors: [
            { field: 'provider', problem: 'must be a CRM that this service is configured for, such as hubspot' },
          ],
        });
      },
    }),
    operation({
      id: 'provisionConnection',
      tag: 'Connections',
      method: 'post',
      path: '/connections/{connectionId}/provision',
      summary: 'Repair what Wonward needs in the CRM',
      description: 'Makes the properties and association labels that are missing. May be called at any time.',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'What was made and what was there.' },
      answer: provisionSchema,
      problems: ['not_found', 'connection_lost', 'crm_refused', 'try_again'],
      async handle({ accountId, params }) {
        const report = await connect.provision(accountId, params.connectionId);
        if (!report) throw none();
        const { created, existing, conflicts } = report;
        return {
          status: 200,
          body: {
            created: [...created],
            existing: [...existing],
            conflicts: conflicts.map(({ name, problem }) => ({ name, problem })),
          },
        };
      },
    }),
    operation({
      id: 'setConnection',
      tag: 'Connections',
      method: 'put',
      path: '/connections/{connectionId}/settings',
      summary: 'Say how Wonward writes into a CRM, and how much of its API it takes',
      description:
        'Holds from the next call on, and what was refused before is written anew. What is not named stays as it is.',
      params: z.strictObject({ connectionId }),
      body: z
        .strictObject({ duplicateRules: duplicateRules.optional(), callShare: callShare.optional() })
        .refine((body) => Object.keys(body).length > 0, 'must name a setting: duplicateRules or callShare'),
      statuses: { 200: 'The connection.' },
      answer: connectionSchema,
      problems: ['not_found'],
      async handle({ accountId, params, body }) {
        const { connectionId: id } = params;
        const said = [
          [
            'duplicateRules',
            body.duplicateRules !== undefined &&
              (await connect.setDuplicateRules(accountId, id, body.duplicateRules)) === false,
            'This CRM has no duplicate rules.',
          ],
          [
            'callShare',
            body.callShare !== undefined && (await connect.setCallShare(accountId, id, body.callShare)) === false,
            'This CRM gives each app a limit of its own; there is nothing to share.',
          ],
        ] as const;
        for (const [field, isRefused, words] of said)
          if (isRefused)
            throw new HttpProblem('invalid_request', words, {
              errors: [{ field, problem: 'can be set for Salesforce only' }],
            });
        const connection = await stored.get(accountId, params.connectionId);
        if (!connection) throw none();
        return { status: 200, body: await view(connection) };
      },
    }),
    operation({
      id: 'setCardActors',
      tag: 'Connections',
      method: 'put',
      path: '/connections/{connectionId}/card-actors',
      summary: 'Say who may act from cards in a CRM',
      description: 'Holds from the next click on. Everybody who sees a card goes on seeing it.',
      params: z.strictObject({ connectionId }),
      body: z.strictObject({ users: cardActors }),
      statuses: { 200: 'The connection.' },
      answer: connectionSchema,
      problems: ['not_found'],
      async handle({ accountId, params, body }) {
        if (!(await connect.setCardActors(accountId, params.connectionId, body.users))) throw none();
        const connection = await stored.get(accountId, params.connectionId);
        if (!connection) throw none();
        return { status: 200, body: await view(connection) };
      },
    }),
    operation({
      id: 'disconnectConnection',
      tag: 'Connections',
      method: 'post',
      path: '/connections/{connectionId}/disconnect',
      summary: 'Disconnect',
      description:
        'Uninstalls the app where the CRM lets us (HubSpot, which tells its admins by e-mail), or gives the authorisation back (Salesforce). A CRM that does not answer keeps nobody: the connection ends all the same, and its events tell what the CRM was told. What was recorded stays, and a later install continues it.',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'The connection, which is disconnected now.' },
      answer: connectionSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        if (!(await connect.disconnect(accountId, params.connectionId))) throw none();
        const connection = await stored.get(accountId, params.connectionId);
        if (!connection) throw none();
        return { status: 200, body: await view(connection) };
      },
    }),
  ];
}
