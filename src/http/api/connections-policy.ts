import { z } from 'zod';
import { connectionsDocument, connectionsNamed, connectionsProblems } from '../../application/connections-document.ts';
import type { ConnectionStore, IdentityStore, ReadStore } from '../../application/ports/store.ts';
import type { ConnectionsPolicyVersion } from '../../domain/connections-policy.ts';
import { EVIDENCE, type IdentityEdge } from '../../domain/identity.ts';
import type { RecordRef } from '../../domain/record.ts';
import { isoOf } from '../../domain/time.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { memberId, referralId } from './schemas.ts';

export interface ConnectionsPolicyDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly connections: Pick<ConnectionStore, 'get' | 'list'>;
  readonly identity: Pick<IdentityStore, 'publish' | 'versions' | 'edgesOf'>;
  readonly reads: Pick<ReadStore, 'member' | 'referral'>;
}

const source = z.strictObject({ decidedIn: z.string(), keys: z.record(z.string(), z.string()) }).nullable();

const policySchema = z
  .strictObject({
    version: z.int().min(1),
    contentHash: z.string(),
    publishedAt: time,
    publishedBy: z.string(),
    policy: z.strictObject({ deals: source, contacts: source, twinDays: z.int() }),
  })
  .meta({
    id: 'ConnectionsPolicyVersion',
    description: 'One published version of what holds for an account with several connections. Never changed.',
  });

const contactsSchema = z.strictObject({
  home: z
    .strictObject({ connectionId: z.string(), id: z.string() })
    .nullable()
    .meta({ description: 'The contact that the person was first known by; null before there is one.' }),
  items: z.array(
    z.strictObject({
      contact: z.strictObject({ connectionId: z.string(), id: z.string() }),
      evidence: z.enum(EVIDENCE).meta({ description: 'What says that the contact is the same person.' }),
      since: time,
      until: time.nullable().meta({ description: 'Null while it is so.' }),
    }),
  ),
});

function policyView({ policy, publishedAt, ...rest }: ConnectionsPolicyVersion): z.input<typeof policySchema> {
  const copied = (one: typeof policy.deals) => one && { decidedIn: one.decidedIn, keys: { ...one.keys } };
  const { deals, contacts, twinDays } = policy;
  return {
    ...rest,
    publishedAt: isoOf(publishedAt),
    policy: { deals: copied(deals), contacts: copied(contacts), twinDays },
  };
}

function contactsView(home: RecordRef | null, edges: readonly IdentityEdge[]): z.input<typeof contactsSchema> {
  return {
    home: home && { connectionId: home.connectionId, id: home.id },
    items: edges
      .toSorted((a, b) => a.since - b.since || a.sequence - b.sequence)
      .map(({ record, evidence, since, until }) => ({
        contact: { connectionId: record.connectionId, id: record.id },
        evidence,
        since: isoOf(since),
        until: until === null ? null : isoOf(until),
      })),
  };
}

export function connectionsPolicy({ clock, connections, identity, reads }: ConnectionsPolicyDeps): Operation[] {
  return [
    operation({
      id: 'listConnectionsPolicies',
      tag: 'Connections',
      method: 'get',
      path: '/connections-policies',
      summary: 'List the published policies for several connections, newest first',
      query: z.strictObject({}),
      statuses: { 200: 'All versions; none: deals that look like one go to a person.' },
      answer: z.strictObject({ items: z.array(policySchema) }),
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: { items: (await identity.versions(accountId)).map(policyView).reverse() } };
      },
    }),
    operation({
      id: 'publishConnectionsPolicy',
      tag: 'Connections',
      method: 'post',
      path: '/connections-policies',
      summary: 'Publish a policy for several connections',
      description:
        'Says which connection decides on deals and on contacts that stand in several of them, and by which key they are told to be one. In force from now on: a reward that stands is not moved. Publishing what is in force already adds nothing and returns it.',
      body: connectionsDocument,
      statuses: { 200: 'The version in force.' },
      answer: policySchema,
      problems: ['no_such_connection'],
      async handle({ accountId, actor, body }) {
        const own = await connections.list(accountId);
        const errors = connectionsProblems(body, own);
        if (errors.length > 0) {
          const isForeign = connectionsNamed(body).some((id) => !own.some((one) => one.id === id));
          const code = isForeign ? 'no_such_connection' : 'invalid_request';
          throw new HttpProblem(code, 'The policy cannot hold for this account.', { errors });
        }
        return { status: 200, body: policyView(await identity.publish(accountId, body, actor, clock.now())) };
      },
    }),
    operation({
      id: 'listReferralContacts',
      tag: 'Connections',
      method: 'get',
      path: '/referrals/{referralId}/contacts',
      summary: 'Tell by which contacts of which connections a friend is known',
      params: z.strictObject({ referralId }),
      statuses: { 200: 'The contacts, the oldest first, also those that are no longer so.' },
      answer: contactsSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const referral = await reads.referral(accountId, params.referralId);
        if (!referral) throw new HttpProblem('not_found', 'This account has no such referral.');
        const edges = await identity.edgesOf(accountId, referral.id);
        return { status: 200, body: contactsView(referral.friend.contact, edges) };
      },
    }),
    operation({
      id: 'listMemberContacts',
      tag: 'Connections',
      method: 'get',
      path: '/members/{memberId}/contacts',
      summary: 'Tell by which contacts of which connections a member is known',
      params: z.strictObject({ memberId }),
      statuses: { 200: 'The contacts, the oldest first, also those that are no longer so.' },
      answer: contactsSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const member = await reads.member(accountId, params.memberId);
        if (!member) throw new HttpProblem('not_found', 'This account has no such member.');
        return { status: 200, body: contactsView(member.contact, await identity.edgesOf(accountId, member.id)) };
      },
    }),
  ];
}
