import type { RewardRule } from '../../src/domain/program.ts';
import type { Random } from '../crash/random.ts';
import type { DealValues, Portal } from './crm.ts';
import { type Counters, type FaultClass, isReviewed, ORG_THEME, type Theme, type Weather } from './faults.ts';
import { drawTraits } from './reviewers.ts';
import type { Scheduler } from './scheduler.ts';

/** Changes of one deal: the CRM keeps the last 20 values of a property, and with fewer nothing of the history is lost. */
const CHANGES_PER_DEAL_MAX = 12;

const AMOUNTS = ['120.00', '999.99', '1000.00', '1450.50', '7.10', '33333.33', '0', null, '12.345', '0.10', '0.29'];

/** What is asked about here is what becomes of an amount, not whether it is one. */
const KNOWN_AMOUNTS: ReadonlySet<Theme> = new Set(['debts', 'credit']);

const COMPANIES = ['c1', 'c1', 'c2', null] as const;

const LOST_STAGE = '72';
const WON_STAGE = '71';

const STAGES: Readonly<Record<'open' | 'won' | 'lost', ReadonlyArray<readonly [pipeline: string, stage: string]>>> = {
  open: [
    ['sales', 'talk'],
    ['renewals', 'open'],
  ],
  won: [
    ['sales', WON_STAGE],
    ['sales', WON_STAGE],
    ['renewals', 'closedwon'],
  ],
  lost: [['sales', LOST_STAGE]],
};

/** Made by an admin of the portal in the middle of some histories: a stage that no mapping knows yet. */
export const NEW_WON_STAGE = { id: '99', label: 'Countersigned', isClosed: true, probability: 1 } as const;

export function drawRules(random: Random, theme: Theme): RewardRule[] {
  const rules = drawPlainRules(random, theme);
  if (theme === 'credit') return rules.filter(({ party }) => party === 'friend');
  if (theme === 'console')
    return rules.map((rule) => ({
      ...rule,
      payout: random.pick(rule.party === 'member' ? ['manual', 'webhook'] : ['manual', 'webhook', 'credit']),
    }));
  if (theme !== 'news') return rules;
  return rules.map((rule) => ({
    ...rule,
    payout: 'webhook',
    ...(random.chance(0.6) ? { onReversal: 'cancel' as const } : {}),
  }));
}

function drawPlainRules(random: Random, theme: Theme): RewardRule[] {
  const hold = () => random.pick([0, 0, 0, 0, 1, 2]);
  return [
    {
      key: 'member-won',
      name: 'Member won',
      party: 'member',
      amount: { kind: 'percent', basisPoints: random.pick([500, 725, 1_000]) },
      conditions: [],
      holdDays: hold(),
      payout: 'webhook',
    },
    {
      key: 'friend-won',
      name: 'Friend won',
      party: 'friend',
      amount: { kind: 'fixed', money: { minor: random.pick([2_000n, 2_500n]), currency: 'EUR' } },
      conditions: [],
      holdDays: hold(),
      payout: random.pick(['credit', 'webhook']),
    },
    ...(random.chance(0.4)
      ? [
          {
            key: 'member-big',
            name: 'Member big',
            party: 'member',
            amount: { kind: 'fixed', money: { minor: 7_500n, currency: 'EUR' } },
            conditions: [{ fact: 'deal.amount', op: 'at_least', money: { minor: 100_000n, currency: 'EUR' } }],
            holdDays: 0,
            payout: 'credit',
          } as const,
        ]
      : []),
    // What is the friend's is not touched by a dispute, and this one shows it by its amount.
    ...(theme === 'disputes'
      ? [
          {
            key: 'friend-share',
            name: 'Friend share',
            party: 'friend',
            amount: { kind: 'percent', basisPoints: 300 },
            conditions: [],
            holdDays: 0,
            payout: 'webhook',
          } as const,
        ]
      : []),
  ];
}

type Act =
  | 'deal'
  | 'friend'
  | 'win'
  | 'loss'
  | 'amount'
  | 'detach'
  | 'attach'
  | 'delete'
  | 'restore'
  | 'merge'
  | 'rename'
  | 'stage'
  | 'properties'
  | 'colleague'
  | 'convert'
  | 'erase';

/** What people do more of when the history is about something. */
const BIAS: Readonly<Record<Theme, Partial<Record<Act, number>>>> = {
  mixed: { properties: 3, stage: 2 },
  webhooks: { properties: 3, stage: 2 },
  // What a customer deletes is shown again by whatever is shown next: of a test that may be nothing more.
  trial: { properties: 0 },
  reversals: { win: 2, loss: 4, detach: 3, amount: 2 },
  debts: {
    win: 2,
    loss: 1.5,
    amount: 3,
    deal: 2,
    friend: 0.5,
    detach: 0.1,
    delete: 0.1,
    merge: 0.1,
    properties: 0.1,
    stage: 0.1,
  },
  merges: { merge: 6, loss: 1.5, win: 1.5, stage: 2 },
  deletions: { delete: 6, restore: 2 },
  overtaking: {
    win: 2,
    loss: 4,
    amount: 4,
    deal: 0.2,
    friend: 0.2,
    merge: 0.1,
    delete: 0.1,
    attach: 0.2,
    detach: 0.2,
  },
  stalls: { win: 2, loss: 2 },
  disputes: { win: 2, loss: 2, amount: 2, deal: 1.5, attach: 0, detach: 0.3, delete: 0.2, restore: 0.2, merge: 0 },
  tiers: { win: 3, deal: 1.5, friend: 0.5, attach: 0, detach: 0, delete: 0, restore: 0, merge: 0, amount: 0.3 },
  risk: { win: 2, loss: 2, deal: 0, friend: 2, attach: 0, detach: 0, delete: 0, restore: 0, merge: 0 },
  news: { win: 2, loss: 3 },
  crms: {},
  setup: {},
  console: { win: 2, loss: 3, deal: 0, friend: 2, attach: 0, detach: 0, delete: 0, restore: 0, merge: 0, stage: 0 },
  workflows: { win: 2, deal: 1.5, delete: 0, restore: 0, merge: 0.3 },
  credit: {
    win: 2,
    loss: 2,
    friend: 2,
    colleague: 1,
    amount: 2,
    detach: 0,
    attach: 0,
    stage: 0,
    delete: 0,
    restore: 0,
    merge: 0,
  },
  tokens: { stage: 2 },
  // Nobody merges opportunities, and what a package brought is taken away with the package.
  org: { win: 2, loss: 1.5, friend: 2, merge: 4, restore: 0.5, properties: 0, stage: 0.5, convert: 1.5, erase: 1.5 },
};

/** How many times as often amounts are changed where rewards follow them. */
const AMOUNTS_MATTER = 5;

/** The share of readings that are out of date at once, or beside which another deal is won. */
const INTERFERES: Partial<Record<Theme, number>> = { overtaking: 0.3, tiers: 0.2 };

/** Somebody works in a portal: what they have done that has no history in the CRM is remembered for the oracle. */
export interface Staff {
  /** Members and a friend or two, before anything else happens. */
  begin(): void;
  act(): void;
  /** Deals were just read: where one overtakes another, somebody changes one before its reader has decided. */
  interfere(): void;
  /** Deletes some of the deals. */
  tidyUp(): void;
  /** Contacts about whom more was done than a CRM can tell afterwards, such as an association that was there for a while. */
  readonly disturbed: Set<string>;
  /** Friends whom two others have referred, from the start. */
  readonly ofTwo: ReadonlySet<string>;
}

export function createStaff(
  portal: Portal,
  scheduler: Scheduler,
  random: Random,
  weather: Weather,
  counters: Counters,
  /** Where rewards follow the amounts of deals, people change them more often. */
  amountsMatter: boolean,
  /** An admin is asked to forget this contact. */
  erase: (contactId: string) => void = () => {},
): Staff {
  const disturbed = new Set<string>();
  const ofTwo = new Set<string>();
  const members: string[] = [];
  const friends: string[] = [];
  const deals: string[] = [];
  const changes = new Map<string, number>();
  const endsAt = scheduler.now() + weather.spanMs;
  let hasNewStage = false;
  let people = 0;
  /** What was won once stays won. */
  const risesOnly = weather.theme === 'tiers' && random.chance(0.5);

  const isOrg = weather.theme === ORG_THEME;
  const erased = new Set<string>();

  const note = (what: string) => scheduler.note(`crm ${portal.externalId}`, what);
  const isThere = (id: string) => {
    const record = portal.contacts.get(id) ?? portal.deals.get(id);
    return record !== undefined && !record.isDeleted && record.mergedInto === null;
  };
  const presentDeals = () => deals.filter(isThere);
  const presentFriends = () => friends.filter((id) => isThere(id) && !erased.has(id));

  function disturbAround(dealId: string): void {
    for (const id of portal.deals.get(dealId)?.contactIds ?? []) disturbed.add(id);
  }

  /** Of what happens to a record whose associations the CRM forgets with it. */
  function disturbBy(object: 'deal' | 'contact', id: string): void {
    if (object === 'deal') {
      disturbAround(id);
      return;
    }
    disturbed.add(id);
    for (const deal of portal.deals.values()) if (deal.contactIds.has(id)) disturbAround(deal.id);
  }

  function stage(kind: keyof typeof STAGES): Pick<DealValues, 'pipeline' | 'stage'> {
    if (kind === 'won' && hasNewStage && random.chance(0.5)) return { pipeline: 'sales', stage: NEW_WON_STAGE.id };
    const [pipeline, name] = random.pick(STAGES[kind]);
    return { pipeline, stage: name };
  }

  /** What is owed in one currency is not kept from what is paid in another; what is known is what can be too much. */
  function currency(): string | null {
    return KNOWN_AMOUNTS.has(weather.theme) ? 'EUR' : random.pick(['EUR', 'EUR', 'USD', 'JPY', null]);
  }

  function otherCurrency(): string {
    return KNOWN_AMOUNTS.has(weather.theme) ? 'EUR' : random.pick(['EUR', 'USD', 'JPY']);
  }

  function amount(): string | null {
    return random.pick(KNOWN_AMOUNTS.has(weather.theme) ? ['120.00', '999.99', '1000.00', '1450.50'] : AMOUNTS);
  }

  function values(kind: keyof typeof STAGES): DealValues {
    return { ...stage(kind), amount: amount(), currency: currency() };
  }

  function person(more: { referrers?: readonly string[]; usedCode?: string | null } = {}): string {
    people += 1;
    const name = `Person ${people}`;
    const company = weather.theme === 'credit' ? random.pick(COMPANIES) : null;
    const { id } = portal.createContact({
      name,
      // Who refers others is no colleague of theirs here.
      company: more.referrers ? company : null,
      email: `person${people}@example.com`,
      usedCode: more.usedCode ?? null,
      referrers: more.referrers ?? [],
      traits: isReviewed(weather.theme) ? drawTraits(random, more.referrers === undefined) : undefined,
      isLead: isOrg && more.referrers !== undefined && random.chance(0.5),
    });
    return id;
  }

  function newFriend(referrer: string = random.pick(members.filter(isThere))): void {
    const second =
      weather.theme === 'credit' && random.chance(0.5) ? one(members.filter((id) => id !== referrer)) : null;
    const id = person({ referrers: second === null ? [referrer] : [referrer, second] });
    if (second !== null) ofTwo.add(id);
    friends.push(id);
    note(`contact ${id}, referred by ${referrer}`);
    // Which of two deals waits for a person, and which is paid meanwhile, is not what is asked about here.
    if (isReviewed(weather.theme)) newDeal(id);
  }

  /** Of whom nothing is said but whom they work for. */
  function newColleague(): void {
    const employers = presentFriends().flatMap((id) => portal.contacts.get(id)?.company ?? []);
    const company = one(employers);
    if (company === null) return;
    people += 1;
    const { id } = portal.createContact({
      name: `Person ${people}`,
      email: `person${people}@example.com`,
      usedCode: null,
      referrers: [],
      company,
    });
    friends.push(id);
    note(`contact ${id}, of ${company}`);
    // Somebody who does nothing is looked for by nobody.
    newDeal(id);
  }

  function newDeal(friend: string | null = one(presentFriends())): void {
    if (friend === null) {
      newFriend();
      return;
    }
    const isShared = weather.theme !== 'tiers' && !isReviewed(weather.theme) && random.chance(0.12);
    const other = isShared ? one(presentFriends()) : random.chance(0.1) ? one(members) : null;
    const of = [...new Set([friend, ...(other !== null && isThere(other) ? [other] : [])])].map(asContact);
    const drawn = values(random.chance(weather.theme === 'overtaking' ? 0.1 : 0.4) ? 'won' : 'open');
    const { id } = portal.createDeal(drawn, of);
    deals.push(id);
    note(`deal ${id} of ${of.join(', ')}: ${JSON.stringify(drawn)}`);
  }

  function edit(values: Partial<DealValues>, counted?: FaultClass): void {
    const id = toEdit('stage' in values);
    if (id === null || (changes.get(id) ?? 0) >= CHANGES_PER_DEAL_MAX) return;
    if (counted) counters[counted] += 1;
    change(id, values);
  }

  /** Where one overtakes another, the one deal is won and lost while what happens to the others is being read. */
  function toEdit(isStage: boolean): string | null {
    const present = presentDeals();
    // Of wins that come together none should be of a deal that is won already.
    const open = present.filter((id) => portal.deals.get(id)?.history.stage.at(-1)?.value !== WON_STAGE);
    if (weather.theme === 'tiers' && isStage && open.length > 0 && random.chance(0.6)) return one(open);
    if (weather.theme !== 'overtaking') return one(present);
    return isStage ? (present[0] ?? null) : one(present.slice(1));
  }

  function change(id: string, values: Partial<DealValues>): void {
    changes.set(id, (changes.get(id) ?? 0) + 1);
    note(`deal ${id}: ${JSON.stringify(values)}`);
    portal.editDeal(id, values);
  }

  const one = <T>(items: readonly T[]): T | null => (items.length === 0 ? null : random.pick(items));
  const two = (items: readonly string[]): readonly [string, string] | null => {
    const first = one(items);
    const second = one(items.filter((item) => item !== first));
    return first === null || second === null ? null : [first, second];
  };

  function reassociate(isOn: boolean): void {
    const id = one(presentDeals());
    const on = [...(portal.deals.get(id ?? '')?.contactIds ?? [])];
    const contactId = one(isOn ? [...presentFriends(), ...members.filter(isThere)] : on);
    if (id === null || contactId === null || on.includes(contactId) === isOn || isLead(contactId)) return;
    disturbAround(id);
    disturbed.add(contactId);
    counters[isOn ? 'deal attached' : 'deal detached'] += 1;
    note(`deal ${id} ${isOn ? 'with' : 'without'} contact ${contactId}`);
    portal.associate(id, contactId, isOn);
  }

  function restore(object: 'deal' | 'contact', id: string): void {
    const record = (object === 'deal' ? portal.deals : portal.contacts).get(id);
    if (record?.isDeleted !== true || record.mergedInto !== null || erased.has(id)) return;
    disturbBy(object, id);
    counters['record restored'] += 1;
    note(`${object} ${id} restored`);
    portal.restore(object, id);
  }

  function remove(object: 'deal' | 'contact', id: string): void {
    // KNOWN GAP: nobody looks again at a lost deal, so that its referral stays lost when it is deleted and nobody tells.
    // It may have been lost when it was read for the last time, whatever it is by now.
    const wasLost = portal.deals.get(id)?.history.stage.some(({ value }) => value === LOST_STAGE);
    if (object === 'deal' && wasLost && weather.losses > 0) return;
    disturbBy(object, id);
    counters['record deleted'] += 1;
    note(`${object} ${id} deleted`);
    portal.remove(object, id);
  }

  function removeOrRestore(object: 'deal' | 'contact', isBack: boolean): void {
    const records: ReadonlyMap<string, { isDeleted: boolean; mergedInto: string | null }> =
      object === 'deal' ? portal.deals : portal.contacts;
    const id = one(
      (object === 'deal' ? deals : friends).filter((candidate) => {
        const record = records.get(candidate);
        return record?.mergedInto === null && record.isDeleted === isBack;
      }),
    );
    if (id === null) return;
    if (isBack) {
      restore(object, id);
      return;
    }
    remove(object, id);
    if (!records.get(id)?.isDeleted) return;
    // Who has deleted something by mistake mostly notices soon, and while we still read what the deletion was about.
    if (!random.chance(weather.restored)) return;
    const ms = random.chance(0.5) ? random.integer(1, 5_000) : random.integer(1, weather.spanMs / 4);
    if (scheduler.now() + ms < endsAt) scheduler.after(ms, () => restore(object, id));
  }

  function merge(object: 'deal' | 'contact'): void {
    const pair = object === 'deal' ? (twins() ?? two(presentDeals())) : two(presentFriends());
    if (!pair) return;
    // Who merges deals often puts one of them right first: the merge then comes while that change is being read.
    if (object === 'contact' || random.chance(0.4)) {
      mergeNow(object, pair);
      return;
    }
    change(pair[0], random.chance(0.6) ? stage('won') : { amount: amount() });
    // Odd, so that it never falls into one millisecond with another act of this portal.
    const ms = 2 * random.integer(10, 700) + 1;
    if (scheduler.now() + ms < endsAt) scheduler.after(ms, () => mergeNow(object, pair));
  }

  /** Two deals of one customer, as most that are merged. */
  function twins(): readonly [string, string] | null {
    const first = random.chance(0.8) ? one(presentDeals()) : null;
    const contactIds = [...(portal.deals.get(first ?? '')?.contactIds ?? [])];
    const second = one(
      presentDeals().filter(
        (id) => id !== first && contactIds.some((contactId) => portal.deals.get(id)?.contactIds.has(contactId)),
      ),
    );
    return first === null || second === null ? null : [first, second];
  }

  function isLead(id: string): boolean {
    return portal.contacts.get(id)?.isLead === true;
  }

  /** A lead has no deal: it becomes a contact with its first one. */
  function asContact(id: string): string {
    return isLead(id) ? convert(id) : id;
  }

  function convert(id: string): string {
    counters['lead converted'] += 1;
    const contactId = portal.convert(id);
    note(`lead ${id} converted: now contact ${contactId}`);
    friends.push(contactId);
    return contactId;
  }

  /** Somebody who changes their mind before anybody has read of them. */
  function justEntered(): string | null {
    newFriend();
    const id = friends.at(-1);
    return id === undefined ? null : asContact(id);
  }

  /** Somebody wants to be forgotten: the CRM deletes them, before or after Wonward is told. */
  function forget(): void {
    const id = random.chance(0.4) ? justEntered() : one(presentFriends());
    if (id === null) return;
    erased.add(id);
    const ms = 2 * random.integer(1, 20_000);
    if (random.chance(0.5)) {
      erase(id);
      scheduler.after(ms, () => {
        if (isThere(id)) remove('contact', id);
      });
    } else {
      remove('contact', id);
      scheduler.after(ms, () => erase(id));
    }
    disturbBy('contact', id);
    counters['person erased'] += 1;
  }

  function mergeNow(object: 'deal' | 'contact', [first, second]: readonly [string, string]): void {
    if (![first, second].every(isThere)) return;
    // Who is a contact already stays one: the lead is converted into it.
    const pair = isLead(first) && !isLead(second) ? ([second, first] as const) : ([first, second] as const);
    const [primary, other] = pair;
    if (isOrg)
      counters[isLead(other) && !isLead(primary) ? 'lead converted into a contact that was there' : 'person merged'] +=
        1;
    for (const id of pair)
      if (object === 'deal') disturbAround(id);
      else for (const deal of portal.deals.values()) if (deal.contactIds.has(id)) disturbAround(deal.id);
    counters['record merged'] += 1;
    const merged = portal.merge(object, primary, other);
    if (merged !== primary) (object === 'deal' ? deals : friends).push(merged);
    if (object === 'contact') disturbed.add(merged);
    note(`${object} ${other} merged into ${primary}: now ${merged}`);
  }

  const acts: ReadonlyArray<readonly [name: Act, weight: number, act: () => void]> = [
    ['deal', 4, () => newDeal()],
    ['friend', 1, () => newFriend()],
    ['win', 5, () => edit(stage('won'))],
    ['loss', 3, () => edit(stage(random.chance(0.5) ? 'open' : 'lost'), 'deal lost or re-opened after a win')],
    ['amount', 1, () => edit({ amount: amount() }, 'amount or currency changed')],
    ['amount', 1, () => edit({ currency: otherCurrency() }, 'amount or currency changed')],
    ['detach', 1, () => reassociate(false)],
    ['attach', 1.5, () => reassociate(true)],
    ['delete', 0.7, () => removeOrRestore('deal', false)],
    ['restore', 0.7, () => removeOrRestore('deal', true)],
    ['delete', 0.4, () => removeOrRestore('contact', false)],
    ['restore', 0.4, () => removeOrRestore('contact', true)],
    ['merge', isOrg ? 0 : 0.9, () => merge('deal')],
    ['merge', 0.8, () => merge('contact')],
    ['rename', 0.5, renameMember],
    ['stage', 0.8, winByNewStage],
    ['properties', 1.4, removeProperties],
    ['colleague', weather.theme === 'credit' ? 1.5 : 0, newColleague],
    ['convert', isOrg ? 1 : 0, convertOne],
    ['erase', isOrg ? 0.6 : 0, forget],
  ];

  function convertOne(): void {
    const id = one(presentFriends().filter(isLead));
    if (id !== null) convert(id);
  }

  function renameMember(): void {
    const id = one(members.filter(isThere));
    if (id === null) return;
    people += 1;
    note(`contact ${id} renamed`);
    portal.editContact(id, { name: `Person ${people}` });
  }

  function winByNewStage(): void {
    if (!hasNewStage) {
      hasNewStage = true;
      counters['pipeline changed'] += 1;
      note(`stage ${NEW_WON_STAGE.id} added to pipeline sales`);
      portal.addStage('sales', NEW_WON_STAGE);
    }
    edit(stage('won'));
  }

  function removeProperties(): void {
    // Only a sweep repairs what has to be provisioned while nothing is to be written.
    if (!weather.sweeps) return;
    counters['property deleted by a customer'] += 1;
    note('our properties deleted');
    portal.removeProperty();
  }

  function weightOf(name: Act, weight: number): number {
    if (risesOnly && name === 'loss') return 0;
    return weight * (BIAS[weather.theme][name] ?? 1) * (amountsMatter && name === 'amount' ? AMOUNTS_MATTER : 1);
  }
  const weighed = acts.map(([name, weight, act]) => ({ weight: weightOf(name, weight), act }));
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);

  const hasSecond = () => random.chance(weather.theme === 'overtaking' ? 0 : isOrg ? 0.9 : 0.4);
  const friendsMore = () =>
    weather.theme === 'tiers' || isReviewed(weather.theme) ? random.integer(weather.theme === 'tiers' ? 2 : 1, 3) : 0;
  const firstDeals = () =>
    isReviewed(weather.theme) ? 0 : weather.theme === 'overtaking' ? 3 : weather.isBusy ? 2 : 1;

  return {
    disturbed,
    ofTwo,
    begin() {
      const { theme } = weather;
      const areRivals = theme === 'credit' || theme === 'disputes' || theme === 'tiers' || isReviewed(theme);
      for (let count = areRivals || random.chance(0.2) ? 2 : 1; count > 0; count -= 1) members.push(person());
      // Everybody whom somebody names is a member: it takes two to have a dispute.
      for (const member of areRivals ? members : []) newFriend(member);
      for (let count = areRivals ? friendsMore() : hasSecond() ? 2 : 1; count > 0; count -= 1)
        newFriend(theme === 'tiers' ? members[0] : undefined);
      for (let count = firstDeals(); count > 0; count -= 1) newDeal();
      for (const friend of theme === 'tiers' ? friends : []) newDeal(friend);
    },
    act() {
      let drawn = random.next() * total;
      const chosen = weighed.find(({ weight }) => {
        drawn -= weight;
        return drawn < 0;
      });
      chosen?.act();
    },
    interfere() {
      const share = INTERFERES[weather.theme];
      if (share === undefined || !random.chance(share)) return;
      // Odd, so that it never falls into one millisecond with another act of this portal.
      const ms = 2 * random.integer(1, 500) + 1;
      const isWon = risesOnly || random.chance(weather.theme === 'tiers' ? 0.7 : 0.4);
      if (scheduler.now() + ms < endsAt) scheduler.after(ms, () => edit(stage(isWon ? 'won' : 'lost')));
    },
    tidyUp() {
      const present = presentDeals();
      const some = random.chance(0.5) ? present.filter(() => random.chance(0.5)) : present.slice(-1);
      for (const id of some) remove('deal', id);
    },
  };
}
