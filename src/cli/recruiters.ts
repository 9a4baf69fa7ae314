import { type Act, createAct } from '../application/act.ts';
import type { Member } from '../domain/referral.ts';
import { systemClock } from '../platform/clock.ts';
import { CliError, type Result, type Terminal, table } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Members are looked through this many at a time: few of them are the account's own people. */
const MEMBERS_PER_PAGE = 500;

/** The account's own people. */
export function listRecruiters(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const found: Member[] = [];
    for (let cursor = null; ; ) {
      const { items, next } = await services.store.reads.members(id, { limit: MEMBERS_PER_PAGE, cursor });
      found.push(...items.filter(({ isStaff }) => isStaff));
      if (next === null) break;
      cursor = next;
    }
    return {
      json: found.map(({ id: memberId, name, email, code }) => ({ id: memberId, name, email, code })),
      lines:
        found.length === 0
          ? ['No member is a recruiter yet.']
          : table([
              ['member', 'name', 'code'],
              ...found.map(({ id: memberId, name, code }) => [memberId, name ?? '-', code]),
            ]),
    };
  });
}

/** Says whether a member is one of the account's own people. */
export function setRecruiter(
  terminal: Terminal,
  account: string,
  memberId: string,
  isRecruiter: boolean,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    if (!(await actOf(services).setStaff(id, memberId, isRecruiter)))
      throw new CliError(
        `There is no member "${memberId}".`,
        'Name one of this account by its id, as the API shows it.',
      );
    return {
      json: { memberId, isRecruiter },
      lines: [
        isRecruiter ? `${memberId} is a recruiter.` : `${memberId} is no recruiter.`,
        'The property "Recruiter" of the contact in the CRM outweighs this.',
      ],
    };
  });
}

/** Names the recruiter who owns a referral; null for nobody beside the member. */
export function assignRecruiter(
  terminal: Terminal,
  account: string,
  referral: string,
  recruiterId: string | null,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const result = await actOf(services).setRecruiter(id, referral, recruiterId);
    if (result === 'no_such_referral')
      throw new CliError(
        `There is no referral "${referral}".`,
        'Name one of this account by its id, as the API shows it.',
      );
    if (result === 'no_such_recruiter')
      throw new CliError(
        `"${recruiterId}" is no recruiter of this account.`,
        '"recruiters list" shows those there are; "recruiters add" makes a member one.',
      );
    return {
      json: { referralId: referral, recruiterId },
      lines: [
        recruiterId === null
          ? `Nobody beside the member owns ${referral}.`
          : `${recruiterId} owns ${referral}: what is decided from now on goes to them.`,
      ],
    };
  });
}

/** The running service finds what comes up by itself. */
function actOf({ store }: Services): Act {
  return createAct({ store, clock: systemClock, onAsked: () => {}, onUnplaced: () => {} });
}
