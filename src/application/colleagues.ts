import { countsCompanies, isInWindow } from '../domain/attribution-policy.ts';
import type { Plan, State } from '../domain/plan.ts';
import type { Referral } from '../domain/referral.ts';
import type { Gathered } from './gather.ts';
import type { Group } from './groups.ts';
import type { Colleagues } from './ports/store.ts';

/** Who is to be looked at beside what a group decides, where a friend's colleagues are the member's too. */
export function colleaguesOf(
  connectionId: string,
  { friends, facts }: Group,
  { contacts }: Pick<Gathered, 'contacts'>,
  { referrals, companies, attribution }: State,
  plan: Pick<Plan, 'referrals'>,
  now: number,
): Colleagues {
  const none = { connectionId, companyIds: [], unreferred: [] };
  const policy = attribution?.policy;
  if (!policy || !countsCompanies(policy)) return none;
  const byContact = new Map<string, Referral>();
  for (const referral of [...referrals, ...plan.referrals])
    if (referral.friend.contact?.connectionId === connectionId) byContact.set(referral.friend.contact.id, referral);
  const onDeals = facts.flatMap((fact) => ('contactIds' in fact ? fact.contactIds : []));
  const concerned = new Map([
    ...friends.map(({ contact }) => [contact.ref.id, contact] as const),
    ...onDeals.flatMap((id) => {
      const contact = contacts.get(id);
      return contact ? [[contact.ref.id, contact] as const] : [];
    }),
  ]);
  const companyIds = new Set<string>();
  const unreferred: Array<{ contactId: string; companyId: string }> = [];
  for (const [contactId, { company, presence }] of concerned) {
    if (!company || presence !== 'present') continue;
    const referral = byContact.get(contactId);
    // One that is too old for the policy is followed by nobody: looking at everybody again each time would change nothing.
    const isFollowed =
      referral !== undefined &&
      referral.source !== 'company' &&
      referral.stage !== 'declined' &&
      isInWindow(policy, referral.submittedAt, now);
    if (isFollowed) companyIds.add(company.id);
    if (!referral && !companies?.has(company.id)) unreferred.push({ contactId, companyId: company.id });
  }
  return { connectionId, companyIds: [...companyIds], unreferred };
}
