import { z } from 'zod';
import type { SeatChanged, Store } from '../../application/ports/store.ts';
import type { SignIn } from '../../application/sign-in.ts';
import { type Permission, permissionsOf, ROLE_NAMES, type Role } from '../../domain/roles.ts';
import { isoOf } from '../../domain/time.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { email, idOf, personName, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';

export interface UsersDeps {
  readonly users: Pick<Store['users'], 'ofAccount' | 'invitations' | 'setRoles' | 'removeSeat' | 'withdrawInvitation'>;
  readonly signIn: Pick<SignIn, 'invite'>;
  readonly clock: Pick<Clock, 'now'>;
}

const userId = idOf('usr', 'a user');

export const roles = z
  .array(z.enum(ROLE_NAMES, `must be one of ${ROLE_NAMES.join(', ')}`))
  .min(1, 'must name at least one role')
  .max(ROLE_NAMES.length, 'must name each role once')
  .refine((given) => new Set(given).size === given.length, 'must name each role once')
  .meta({ description: 'A user may do what any of the roles allows.', example: ['manager'] });

const userSchema = z.strictObject({
  id: z.string(),
  email: z.string(),
  name: personName.nullable(),
  roles: z.array(z.enum(ROLE_NAMES)),
  version: z.int().meta({ description: 'Rises with each change of the roles; hand it back with the next one.' }),
  since: time,
});

const invitationSchema = z.strictObject({
  id: z.string(),
  email: z.string(),
  roles: z.array(z.enum(ROLE_NAMES)),
  invitedBy: z.string().nullable(),
  expiresAt: time,
});

const teamSchema = z.strictObject({ users: z.array(userSchema), invitations: z.array(invitationSchema) });

/** @throws HttpProblem when somebody would give away more than they have. */
export function onlyWhatOneHas(given: readonly Role[], may: ReadonlySet<Permission>): void {
  const beyond = [...permissionsOf(given)].filter((permission) => !may.has(permission));
  if (beyond.length > 0) {
    throw new HttpProblem('not_allowed', `You cannot give what you do not have yourself: ${beyond.join(', ')}.`);
  }
}

export function users({ users: stored, signIn, clock }: UsersDeps): Operation[] {
  async function team(accountId: string) {
    const [seated, invited] = await Promise.all([
      stored.ofAccount(accountId),
      stored.invitations(accountId, clock.now()),
    ]);
    return {
      users: seated.map(({ user, seat }) => ({
        id: user.id,
        email: user.email,
        name: user.name,
        roles: [...seat.roles],
        version: seat.version,
        since: isoOf(seat.createdAt),
      })),
      invitations: invited.map((one) => ({
        id: one.id,
        email: one.email,
        roles: [...(one.seat?.roles ?? [])],
        invitedBy: one.madeBy,
        expiresAt: isoOf(one.expiresAt),
      })),
    };
  }

  return [
    operation({
      id: 'listUsers',
      tag: 'Users',
      method: 'get',
      path: '/users',
      summary: 'List who works in the account, and who is invited',
      query: z.strictObject({}),
      statuses: { 200: 'Users by e-mail address, and invitations that can still be used.' },
      answer: teamSchema,
      problems: [],
      handle: async ({ accountId }) => ({ status: 200, body: await team(accountId) }),
    }),
    operation({
      id: 'inviteUser',
      tag: 'Users',
      method: 'post',
      path: '/users/invitations',
      summary: 'Invite somebody',
      description:
        'Sends a letter with a link that works once, for seven days, where a mail server is configured. The link is in the answer as well, this once: hand it over where no letter is sent. Whoever uses it has the seat, so send it to nobody else.',
      body: z.strictObject({ email, roles }),
      statuses: { 201: 'The invitation, with its link.' },
      answer: z.strictObject({ link: z.string(), expiresAt: time, isSent: z.boolean() }),
      problems: [],
      async handle({ accountId, actor, may, body }) {
        onlyWhatOneHas(body.roles, may);
        const invited = await signIn.invite({ accountId, roles: body.roles }, body.email, actor);
        return { status: 201, body: { ...invited, expiresAt: isoOf(invited.expiresAt) } };
      },
    }),
    operation({
      id: 'withdrawInvitation',
      tag: 'Users',
      method: 'delete',
      path: '/users/invitations/{invitationId}',
      summary: 'Withdraw an invitation',
      params: z.strictObject({ invitationId: idOf('inv', 'an invitation') }),
      statuses: { 200: 'Its link works no more.' },
      answer: z.strictObject({ withdrawn: z.boolean() }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        if (!(await stored.withdrawInvitation(accountId, params.invitationId))) {
          throw new HttpProblem('not_found', 'This account has no such invitation; it may have been used.');
        }
        return { status: 200, body: { withdrawn: true } };
      },
    }),
    operation({
      id: 'setUserRoles',
      tag: 'Users',
      method: 'put',
      path: '/users/{userId}/roles',
      summary: "Set a user's roles",
      params: z.strictObject({ userId }),
      body: z.strictObject({
        roles,
        version: z
          .int('must be the version that you have read')
          .min(1)
          .max(2 ** 31),
      }),
      statuses: { 200: 'As it is now.' },
      answer: teamSchema,
      problems: ['not_found', 'user_changed', 'last_owner'],
      async handle({ accountId, may, params, body }) {
        onlyWhatOneHas(body.roles, may);
        refuse(await stored.setRoles(accountId, params.userId, body.roles, body.version));
        return { status: 200, body: await team(accountId) };
      },
    }),
    operation({
      id: 'removeUser',
      tag: 'Users',
      method: 'delete',
      path: '/users/{userId}',
      summary: 'Take somebody out of the account',
      description: 'At once, also where they are signed in. What they did stays under their name.',
      params: z.strictObject({ userId }),
      statuses: { 200: 'As it is now.' },
      answer: teamSchema,
      problems: ['not_found', 'last_owner'],
      async handle({ accountId, params }) {
        refuse(await stored.removeSeat(accountId, params.userId));
        return { status: 200, body: await team(accountId) };
      },
    }),
  ];
}

function refuse(result: SeatChanged): void {
  switch (result) {
    case 'changed':
      return;
    case 'no_such_user':
      throw new HttpProblem('not_found', 'This account has no such user.');
    case 'stale':
      throw new HttpProblem('user_changed', 'Somebody changed the roles meanwhile. Read them and decide again.');
    case 'last_owner':
      throw new HttpProblem('last_owner', 'Make somebody else an owner first.');
  }
}
