import { memberOfContact, REFERRAL_CHAIN_MAX } from './attribution.ts';
import { contactKeys, mailboxOf } from './contact-keys.ts';
import type { StageMapping } from './mapping.ts';
import type { Draft, State } from './plan.ts';
import { type ContactFacts, type ContactTraits, type DealFacts, normaliseEmail } from './record.ts';
import { isSubmitted, type Member, type Referral, type Touch } from './referral.ts';
import { CLOCK_SKEW_ALLOWED_MS } from './time.ts';
import { type DealAt, dealsAt } from './timeline.ts';

/**
 * What may speak against a referral. Each is switched on and weighed by the program's policy; what is not known raises nothing. A
 * finding says by which records it was seen and never repeats an address or a number: decisions are kept for ever.
 */
export const RISK_SIGNALS = [
  'same_email',
  'disposable_email',
  'relay_email',
  'same_company_domain',
  'same_phone',
  'same_household',
  'same_ip',
  'same_device',
  'velocity_member',
  'velocity_source',
  'duplicate_friend',
  'already_customer',
  'deal_before_referral',
  'purchase_unverified',
  'employee',
  'referral_cycle',
] as const;
export type RiskSignalKind = (typeof RISK_SIGNALS)[number];

/** In words that stand in a sentence. */
const SIGNAL_WORDS: Readonly<Record<RiskSignalKind, string>> = {
  same_email: 'same mailbox',
  disposable_email: 'throw-away e-mail address',
  relay_email: 'relayed e-mail address',
  same_company_domain: 'same company domain',
  same_phone: 'same phone number',
  same_household: 'same household',
  same_ip: 'same network',
  same_device: 'same device',
  velocity_member: 'many referrals by the member',
  velocity_source: 'many friends from one place',
  duplicate_friend: 'duplicate of another contact',
  already_customer: 'already a customer',
  deal_before_referral: 'deal older than the referral',
  purchase_unverified: 'purchase not verified',
  employee: 'own employee',
  referral_cycle: 'circle of referrals',
};

/** Where an admin gives no weight. Two middling ones, or one that leaves little doubt, reach a threshold of 50. */
export const DEFAULT_WEIGHTS: Readonly<Record<RiskSignalKind, number>> = {
  same_email: 80,
  disposable_email: 40,
  relay_email: 10,
  same_company_domain: 25,
  same_phone: 50,
  same_household: 40,
  same_ip: 25,
  same_device: 50,
  velocity_member: 40,
  velocity_source: 40,
  duplicate_friend: 30,
  already_customer: 50,
  deal_before_referral: 30,
  purchase_unverified: 50,
  employee: 50,
  referral_cycle: 50,
};

type WithSettings = 'velocity_member' | 'velocity_source' | 'purchase_unverified' | 'employee';

export type RiskSignalRule = { readonly weight: number } & (
  | { readonly signal: Exclude<RiskSignalKind, WithSettings> }
  /** More than `most` others within so many hours before this one. */
  | { readonly signal: 'velocity_member' | 'velocity_source'; readonly most: number; readonly hours: number }
  /** The deal's property in the CRM that tells whether the purchase was checked, and what it says then. */
  | { readonly signal: 'purchase_unverified'; readonly property: string; readonly verified: readonly string[] }
  /** Mail domains of the account's own people. */
  | { readonly signal: 'employee'; readonly domains: readonly string[] }
);

export interface RiskPolicy {
  readonly signals: readonly RiskSignalRule[];
  /** From this sum of weights on a person decides. */
  readonly reviewAt: number;
  /** From this sum on nothing is paid. Absent: never; doubt goes to a person. */
  readonly blockAt?: number | undefined;
}

export interface RiskFinding {
  readonly signal: RiskSignalKind;
  readonly weight: number;
  readonly evidence: string;
}

export interface RiskAssessment {
  readonly score: number;
  readonly verdict: 'pass' | 'review' | 'block';
  readonly raised: readonly RiskFinding[];
  /** Switched on and yet nothing could be said, for want of a fact. */
  readonly unknown: readonly RiskSignalKind[];
}

/** What is known beside the people and the deals themselves. */
export interface RiskKnowledge {
  /** How many other referrals a member had made in so many hours before a referral, or (for one that is new) before now. */
  readonly paces: ReadonlyMap<string, number>;
  /** Other contacts with the same mailbox or phone number, by `contactKeys`; a few of them where there are many. */
  readonly twins: ReadonlyMap<string, readonly string[]>;
  /** Touches that tell where they came from: of these friends, and of others who came from the same place. */
  readonly touches: readonly Touch[];
}

export function paceKey(of: 'referral' | 'member', id: string, hours: number): string {
  return `${of} ${id} ${hours}`;
}

/** The hours of every velocity signal on members in these policies. */
export function paceHours(policies: readonly (RiskPolicy | undefined)[]): number[] {
  const hours = policies.flatMap((policy) =>
    (policy?.signals ?? []).flatMap((rule) => (rule.signal === 'velocity_member' ? rule.hours : [])),
  );
  return [...new Set(hours)].sort((a, b) => a - b);
}

/** The deal properties that policies ask for. */
export function riskProperties(policies: readonly (RiskPolicy | undefined)[]): string[] {
  const names = policies.flatMap((policy) =>
    (policy?.signals ?? []).flatMap((rule) => (rule.signal === 'purchase_unverified' ? rule.property : [])),
  );
  return [...new Set(names)].sort();
}

/** The keys of several people, each once. */
export function keysOfPeople(accountId: string, people: readonly ContactFacts[]): { mail: string[]; phones: string[] } {
  const keys = people.map((person) => contactKeys(accountId, person));
  return {
    mail: [...new Set(keys.flatMap(({ mail }) => mail ?? []))],
    phones: [...new Set(keys.flatMap(({ phone }) => phone ?? []))],
  };
}

export interface RiskInput {
  readonly policy: RiskPolicy;
  readonly accountId: string;
  readonly referral: Referral;
  readonly member: Member | undefined;
  readonly friend: ContactFacts;
  /** The member's contact as it is remembered; undefined when it is not. */
  readonly memberContact: ContactFacts | undefined;
  readonly dealAt: DealAt;
  readonly deals: readonly DealFacts[];
  readonly mapping: StageMapping;
  /** Other referrals of the member within these hours before this one; null when nobody has counted. */
  readonly pace: (hours: number) => number | null;
  readonly knowledge: RiskKnowledge | undefined;
  readonly inCircle: boolean;
}

type Observation = { readonly raised: string } | 'clear' | 'unknown';

/** Looks for every signal of the policy and weighs what was found. */
export function assessRisk(input: RiskInput): RiskAssessment {
  const { policy } = input;
  const raised: RiskFinding[] = [];
  const unknown: RiskSignalKind[] = [];
  for (const rule of policy.signals) {
    const seen = observe(rule, input);
    if (seen === 'unknown') unknown.push(rule.signal);
    else if (seen !== 'clear') raised.push({ signal: rule.signal, weight: rule.weight, evidence: seen.raised });
  }
  return { ...weigh(policy, raised), raised, unknown };
}

/** The verdict on what was found. */
export function weigh(
  { reviewAt, blockAt }: RiskPolicy,
  raised: readonly Pick<RiskFinding, 'weight'>[],
): Pick<RiskAssessment, 'score' | 'verdict'> {
  const score = raised.reduce((sum, { weight }) => sum + weight, 0);
  const verdict = blockAt !== undefined && score >= blockAt ? 'block' : score >= reviewAt ? 'review' : 'pass';
  return { score, verdict };
}

/** "same phone number (50), same household (40)". */
export function findingsText(raised: readonly Pick<RiskFinding, 'signal' | 'weight'>[]): string {
  return raised.map(({ signal, weight }) => `${SIGNAL_WORDS[signal]} (${weight})`).join(', ');
}

function observe(rule: RiskSignalRule, input: RiskInput): Observation {
  const { referral, member, friend, memberContact, dealAt, deals, mapping, knowledge } = input;
  const [theirs, ours] = [friend.traits, memberContact?.traits];
  const people = `contacts ${friend.ref.id} and ${memberContact?.ref.id ?? 'unknown'}`;
  switch (rule.signal) {
    case 'same_email': {
      const memberMail = mailboxOf(memberContact?.email ?? member?.email ?? null);
      return both(
        mailboxOf(friend.email),
        memberMail,
        (a, b) => a === b && 'the friend and the member have one mailbox',
      );
    }
    case 'disposable_email':
      return ofMail('disposable', theirs, ours);
    case 'relay_email':
      return ofMail('relay', theirs, ours);
    case 'same_company_domain':
      return both(
        companyDomain(friend),
        memberContact && companyDomain(memberContact),
        (a, b) => a === b && a !== '' && `${people} have one company domain`,
      );
    case 'same_phone':
      return both(theirs?.phones, ours?.phones, (a, b) => {
        if (a.length === 0 || b.length === 0) return null;
        return a.some((phone) => b.includes(phone)) && `${people} have one phone number`;
      });
    case 'same_household':
      return both(theirs?.address, ours?.address, (a, b) => a === b && `${people} have one postal address`);
    case 'same_ip':
      return sameOrigin(input, ({ ipPrefix }) => ipPrefix);
    case 'same_device':
      return sameOrigin(input, ({ device }) => device);
    case 'velocity_member': {
      const others = input.pace(rule.hours);
      if (others === null) return 'unknown';
      return others > rule.most ? { raised: `${others} other referrals within ${rule.hours} hours` } : 'clear';
    }
    case 'velocity_source':
      return velocityOfSource(input, rule);
    case 'duplicate_friend': {
      if (!knowledge) return 'unknown';
      const { mail, phone } = contactKeys(input.accountId, friend);
      if (mail === null && phone === null) return 'unknown';
      const own = new Set([friend.ref.id, ...friend.formerIds, member?.contact?.id]);
      const twins = [mail, phone].flatMap((key) => (key === null ? [] : (knowledge.twins.get(key) ?? [])));
      const [other] = twins.filter((id) => !own.has(id));
      return other === undefined ? 'clear' : { raised: `contact ${other} has the same mailbox or phone number` };
    }
    case 'already_customer': {
      // A label or a code has no moment of its own that a purchase could be before.
      if (!isSubmitted(referral)) return 'unknown';
      const wonBefore = dealsAt(deals, mapping, referral.submittedAt - CLOCK_SKEW_ALLOWED_MS).find(
        ({ stage, deal }) => stage === 'won' && deal.ref.id !== dealAt.deal.ref.id,
      );
      if (wonBefore) return { raised: `deal ${wonBefore.deal.ref.id} was won before the referral` };
      if (theirs?.customerSince == null) return theirs ? 'clear' : 'unknown';
      return theirs.customerSince + CLOCK_SKEW_ALLOWED_MS < referral.submittedAt
        ? { raised: `contact ${friend.ref.id} became a customer before the referral` }
        : 'clear';
    }
    case 'deal_before_referral': {
      const createdAt = dealAt.deal.history[0]?.at;
      if (!isSubmitted(referral) || createdAt === undefined) return 'unknown';
      return createdAt + CLOCK_SKEW_ALLOWED_MS < referral.submittedAt
        ? { raised: `deal ${dealAt.deal.ref.id} was created before the referral` }
        : 'clear';
    }
    case 'purchase_unverified': {
      // Empty: nobody has said anything yet, or the CRM has no such property.
      const value = dealAt.point.properties?.[rule.property]?.trim().toLowerCase() ?? '';
      if (value === '') return 'unknown';
      return rule.verified.some((one) => one.toLowerCase() === value)
        ? 'clear'
        : { raised: `the deal's "${rule.property}" does not say that the purchase was verified` };
    }
    case 'employee': {
      const [friendDomain, memberDomain] = [
        domainOf(friend.email),
        domainOf(memberContact?.email ?? member?.email ?? null),
      ];
      const own = new Set(rule.domains);
      if (friendDomain !== null && own.has(friendDomain))
        return { raised: `the friend's address is one of the account's own` };
      if (memberDomain !== null && own.has(memberDomain))
        return { raised: `the member's address is one of the account's own` };
      return friendDomain === null && memberDomain === null ? 'unknown' : 'clear';
    }
    case 'referral_cycle':
      return input.inCircle ? { raised: 'the friend stands above the member in the chain of referrals' } : 'clear';
  }
}

/** `test` answers with the evidence, false, or null for "cannot tell". */
function both<T>(
  a: T | null | undefined,
  b: T | null | undefined,
  test: (a: T, b: T) => string | false | null,
): Observation {
  if (a == null || b == null) return 'unknown';
  const answer = test(a, b);
  if (answer === null) return 'unknown';
  return answer === false ? 'clear' : { raised: answer };
}

function ofMail(
  kind: 'disposable' | 'relay',
  theirs: ContactTraits | undefined,
  ours: ContactTraits | undefined,
): Observation {
  const who = [...(theirs?.mail === kind ? ['friend'] : []), ...(ours?.mail === kind ? ['member'] : [])];
  if (who.length > 0)
    return {
      raised: `the address of the ${who.join(' and of the ')} is ${kind === 'relay' ? 'relayed' : 'of a throw-away provider'}`,
    };
  return theirs?.mail == null ? 'unknown' : 'clear';
}

function domainOf(email: string | null): string | null {
  const address = normaliseEmail(email);
  const at = address?.lastIndexOf('@') ?? -1;
  return address && at > 0 ? address.slice(at + 1) : null;
}

/** Null when nothing is known of it; empty for one that says nothing about a company, such as a public mail provider's. */
function companyDomain({ email, traits }: ContactFacts): string | null {
  if (traits?.mail == null) return null;
  return traits.mail === 'company' ? domainOf(email) : '';
}

interface Origin {
  readonly ipPrefix: string | null;
  readonly device: string | null;
}

/** The friend came from where another friend of the member came from, or from where the member came as a friend. */
function sameOrigin({ referral, member, knowledge }: RiskInput, of: (origin: Origin) => string | null): Observation {
  const known = (knowledge?.touches ?? []).flatMap((touch) => {
    const value = touch.origin ? of(touch.origin) : null;
    return value === null ? [] : [{ touch, value }];
  });
  const own = known.filter(({ touch }) => touch.friend?.id === referral.friend.contact?.id && touch.friend !== null);
  if (own.length === 0) return 'unknown';
  const other = known.find(
    ({ touch, value }) =>
      touch.friend?.id !== referral.friend.contact?.id &&
      (touch.memberId === referral.memberId || touch.friend?.id === member?.contact?.id) &&
      own.some((one) => one.value === value),
  );
  return other ? { raised: `as touch ${other.touch.id}` } : 'clear';
}

function velocityOfSource(
  { referral, knowledge }: RiskInput,
  { most, hours }: { readonly most: number; readonly hours: number },
): Observation {
  const known = (knowledge?.touches ?? []).filter(({ origin, friend }) => origin && friend);
  const own = known.filter(({ friend }) => friend?.id === referral.friend.contact?.id);
  if (own.length === 0) return 'unknown';
  const isNear = (a: Touch, b: Touch) =>
    b.at <= a.at &&
    a.at - b.at <= hours * 3_600_000 &&
    ((a.origin?.ipPrefix != null && a.origin.ipPrefix === b.origin?.ipPrefix) ||
      (a.origin?.device != null && a.origin.device === b.origin?.device));
  const others = new Set(
    known.filter((touch) => own.some((one) => isNear(one, touch))).map(({ friend }) => friend?.id ?? ''),
  );
  others.delete(referral.friend.contact?.id ?? '');
  return others.size > most ? { raised: `${others.size} other friends from there within ${hours} hours` } : 'clear';
}

/** Other referrals of the member before this one: those that are stored, and those that this very plan has made. */
export function paceOf(draft: Draft, state: State, referral: Referral): (hours: number) => number | null {
  return (hours) => {
    const { risk } = state;
    if (!risk) return null;
    const isKnown = (id: string, entities: readonly { id: string }[]) => entities.some((one) => one.id === id);
    const stored = isKnown(referral.id, state.referrals)
      ? risk.paces.get(paceKey('referral', referral.id, hours))
      : isKnown(referral.memberId, state.members)
        ? risk.paces.get(paceKey('member', referral.memberId, hours))
        : 0;
    if (stored === undefined) return null;
    const alongside = isKnown(referral.id, state.referrals)
      ? []
      : draft
          .referrals()
          .filter(
            ({ id, memberId }) => id !== referral.id && memberId === referral.memberId && !isKnown(id, state.referrals),
          );
    return stored + alongside.length;
  };
}

/** The friend stands above the member in the chain of who referred whom, whichever of the two referrals was refused for it. */
export function isInCircle(draft: Draft, referral: Referral, friend: ContactFacts): boolean {
  const friendAsMember = memberOfContact(draft, friend);
  let memberId = referral.memberId;
  for (let depth = 0; friendAsMember && depth < REFERRAL_CHAIN_MAX; depth += 1) {
    const contact = draft.member(memberId)?.contact;
    const above = contact
      ? draft
          .referrals()
          .find(
            ({ id, friend: { contact: of } }) =>
              id !== referral.id && of?.connectionId === contact.connectionId && of.id === contact.id,
          )
      : undefined;
    if (!above) return false;
    if (above.memberId === friendAsMember.id) return true;
    memberId = above.memberId;
  }
  return false;
}
