import { isTestAccount } from '../domain/test-run.ts';

/** What the console has a page of. The id is ours, for a program its key, for `mapping` and `health` the connection's. */
export type ConsolePlace = 'referral' | 'member' | 'reward' | 'case' | 'program' | 'mapping' | 'health';

const PATHS: Readonly<Record<ConsolePlace, (id: string) => string>> = {
  referral: (id) => `referrals/${id}`,
  member: (id) => `members/${id}`,
  reward: (id) => `rewards/${id}`,
  case: (id) => `review/${id}`,
  program: (id) => `programs/${id}`,
  mapping: (id) => `connections/${id}/mapping`,
  health: (id) => `connections/${id}/health`,
};

/** As a property to spread. */
export type ConsoleLink = (place: ConsolePlace, id: string) => { readonly consoleUrl?: string };

/** Of one account: the console's addresses begin with it, so that a link never opens the account that somebody happened to look at last. */
export type ConsoleLinks = (accountId: string) => ConsoleLink;

/** Where people who are shown something outside of the console find it inside. The only place of the service that knows the console's paths. */
export function createConsoleLinks(publicUrl: string): ConsoleLinks {
  return (accountId) => (place, id) =>
    // A test's own account has no pages: it is seen as a whole where it was started.
    isTestAccount(accountId)
      ? {}
      : { consoleUrl: `${publicUrl}/console/${accountId}/${PATHS[place](encodeURIComponent(id))}` };
}
