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

/** As a property to spread; nothing where no console is configured. */
export type ConsoleLink = (place: ConsolePlace, id: string) => { readonly consoleUrl?: string };

/** Where people who are shown something outside of the console find it inside. The only place that knows the console's paths. */
export function createConsoleLink(consoleUrl: string | null): ConsoleLink {
  return (place, id) =>
    consoleUrl === null ? {} : { consoleUrl: `${consoleUrl}/${PATHS[place](encodeURIComponent(id))}` };
}
