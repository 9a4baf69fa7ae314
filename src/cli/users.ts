import { createSignIn, type SignIn } from '../application/sign-in.ts';
import { isRole, ROLE_NAMES, type Role } from '../domain/roles.ts';
import { isoOf } from '../domain/time.ts';
import { createLetters } from '../notify/email/letters.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

function signInOf({ config, store }: Services): SignIn {
  return createSignIn({
    store,
    clock: systemClock,
    log: createLog({ level: 'silent' }),
    publicUrl: config.publicUrl,
    sendLetter: config.mail && createLetters(config.mail),
  });
}

/** The first owner of an account gets in this way; so does whoever is invited where no mail server is. */
export function inviteUser(
  terminal: Terminal,
  account: string,
  email: string,
  given: readonly string[],
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const roles = rolesOf(given);
    if (!/^[^\s@]+@[^\s@]+$/.test(email)) {
      throw new CliError(`"${email}" is no e-mail address.`, 'Write one such as ada@example.com.', {
        exitCode: EXIT.usage,
      });
    }
    const { id, name } = await accountOf(services, account);
    const invited = await signInOf(services).invite({ accountId: id, roles }, email, null);
    return {
      json: { accountId: id, email, roles, ...invited, expiresAt: isoOf(invited.expiresAt) },
      lines: [
        `${email} is invited to "${name}" as ${roles.join(', ')}, until ${isoOf(invited.expiresAt)}.`,
        invited.isSent
          ? 'A letter is on its way; the link in it is this one:'
          : 'No letter was sent. Hand over this link; it works once:',
        '',
        `  ${invited.link}`,
      ],
    };
  });
}

export function linkUser(terminal: Terminal, email: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const link = await signInOf(services).linkFor(email);
    if (link === null) {
      throw new CliError(
        `${email} has no seat in any account.`,
        'Invite them: user invite <account> <e-mail> --role owner',
      );
    }
    return {
      json: { email, link },
      lines: [`A link for ${email}. It works once, for a quarter of an hour:`, '', `  ${link}`],
    };
  });
}

export function listUsers(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const users = await services.store.users.ofAccount(id);
    const invited = await services.store.users.invitations(id, services.now());
    return {
      json: {
        users: users.map(({ user, seat }) => ({ id: user.id, email: user.email, roles: seat.roles })),
        invitations: invited.map((one) => ({
          email: one.email,
          roles: one.seat?.roles ?? [],
          expiresAt: isoOf(one.expiresAt),
        })),
      },
      lines:
        users.length + invited.length === 0
          ? [`Nobody works in "${name}" yet. Invite an owner: npm run cli -- user invite ${id} <e-mail> --role owner`]
          : table([
              ['e-mail', 'roles', 'state'],
              ...users.map(({ user, seat }) => [user.email, seat.roles.join(', '), 'has a seat']),
              ...invited.map((one) => [
                one.email,
                (one.seat?.roles ?? []).join(', '),
                `invited until ${isoOf(one.expiresAt).slice(0, 10)}`,
              ]),
            ]),
    };
  });
}

function rolesOf(given: readonly string[]): Role[] {
  const wrong = given.find((role) => !isRole(role));
  if (wrong === undefined) return [...new Set(given.filter(isRole))];
  throw new CliError(`"${wrong}" is no role.`, `Roles are ${ROLE_NAMES.join(', ')}.`, { exitCode: EXIT.usage });
}
