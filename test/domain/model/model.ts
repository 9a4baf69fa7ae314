/*
 * What a program ought to do, said a second time: written from docs/programs.md and without a line of src/. It is naive where the product is
 * quick. It keeps no totals (it adds up all rewards each time it is asked), has no journals (what the books hold follows from what state each
 * reward is in), and knows one CRM, no store, no retries. Two programs that agree by copying each other prove nothing.
 */

interface Money {
  readonly minor: bigint;
  readonly currency: string;
}

type Flat =
  | { readonly kind: 'fixed'; readonly money: Money }
  | { readonly kind: 'percent'; readonly basisPoints: number };

type Condition =
  | { readonly fact: 'deal.amount'; readonly op: 'at_least' | 'at_most'; readonly money: Money }
  | { readonly fact: 'deal.pipeline'; readonly op: 'in' | 'not_in'; readonly pipelineIds: readonly string[] }
  | { readonly fact: 'deal.currency'; readonly op: 'in' | 'not_in'; readonly currencies: readonly string[] };

interface Limit {
  readonly per: 'member' | 'friend' | 'program';
  readonly across: 'rule' | 'program';
  readonly window: 'life' | 'day' | 'week' | 'month' | 'quarter' | 'year';
  readonly count: number | null;
  readonly money: Money | null;
}

/** As much of a rule as the model knows. */
export interface ModelRule {
  readonly key: string;
  readonly party: 'member' | 'friend';
  readonly trigger: 'qualified' | 'opportunity' | 'won';
  readonly deals:
    | { readonly kind: 'first' | 'every' }
    | { readonly kind: 'up_to'; readonly count: number; readonly withinDays: number | null };
  readonly amount:
    | Flat
    | { readonly kind: 'by_amount'; readonly steps: ReadonlyArray<{ readonly from: Money; readonly amount: Flat }> }
    | { readonly kind: 'by_count'; readonly steps: ReadonlyArray<{ readonly from: number; readonly amount: Flat }> };
  readonly rounding: { readonly mode: 'half_even' | 'half_up' | 'up' | 'down'; readonly toMinor: number };
  readonly minimum: Money | undefined;
  readonly maximum: Money | undefined;
  readonly conditions: readonly Condition[];
  readonly holdDays: number;
  readonly payOnDay: number | undefined;
  readonly limits: readonly Limit[];
  readonly usesBudget: boolean;
  readonly review: { readonly when: 'always' } | { readonly when: 'over'; readonly money: Money } | undefined;
  readonly amountChanges: 'follow' | 'ignore';
  readonly bestOf: string | undefined;
  readonly payout: string;
}

/** What the CRM shows of a deal from one moment on. `unknown` is a stage that nobody has mapped. */
export interface Point {
  readonly at: number;
  readonly meaning: 'open' | 'won' | 'lost' | 'unknown';
  readonly pipelineId: string;
  readonly amount: string | null;
  readonly currency: string | null;
}

interface Deal {
  readonly id: string;
  readonly friendId: string;
  readonly points: Point[];
  isLinked: boolean;
  isDeleted: boolean;
}

interface Friend {
  readonly id: string;
  readonly memberId: string;
  stage: string;
}

export interface ModelReward {
  readonly name: string;
  readonly deal: Deal;
  readonly rule: ModelRule;
  readonly money: Money;
  readonly releaseAt: number | null;
  /** What it takes from each limit: its name, and whether it is one of a number or an amount. */
  readonly takes: ReadonlyArray<{ readonly limit: string; readonly isAmount: boolean }>;
  readonly isCut: boolean;
  readonly wonCount: number | null;
  state: 'held' | 'in_review' | 'approved' | 'issuing' | 'issued' | 'redeemed' | 'failed' | 'voided' | 'clawed_back';
  review: 'none' | 'needed' | 'approved';
  orderAt: number | null;
  /** To be taken back as soon as its provider has answered. */
  isDoomed: boolean;
  /** Kept for what was owed back. */
  kept: bigint;
  /** Taken back after it went out, while the rest stands. */
  back: bigint;
  /** The provider has given it back. */
  cameBack: boolean;
}

interface Entry {
  readonly dealId: string;
  readonly friendId: string;
  readonly ruleKey: string;
  readonly number: number;
  readonly outcome: string;
  readonly code: string;
  /** Beside the code, what makes the same thing said again no news. */
  readonly detail: string;
  readonly money: Money | null;
  readonly at: number;
  readonly saidAt: number;
  /** Which win of the member it was, where that was asked and answered. */
  readonly wonCount: number | null;
}

interface Why {
  readonly code: string;
  readonly detail?: string;
  readonly wonCount?: number;
}

type Verdict =
  | { readonly kind: 'pays'; readonly money: Money; readonly wonCount: number | null }
  | ({ readonly kind: 'no' | 'not_yet' } & Why);

interface Seen {
  readonly deal: Deal;
  readonly point: Point;
  /** Since when it has been at the stage or beyond without a break. */
  readonly since: (stage: ModelRule['trigger']) => number | null;
}

const DAY_MS = 86_400_000;
const DECIMALS: Readonly<Record<string, number>> = { EUR: 2, USD: 2, JPY: 0, BHD: 3 };
const MOST_MINOR = 10n ** 15n;
const STAGES = ['qualified', 'opportunity', 'won'] as const;
const ENDED = ['voided', 'clawed_back'];

export function createModel(
  rules: readonly ModelRule[],
  friends: ReadonlyArray<readonly [id: string, memberId: string]>,
) {
  const people = new Map<string, Friend>(friends.map(([id, memberId]) => [id, { id, memberId, stage: 'accepted' }]));
  const deals = new Map<string, Deal>();
  const rewards: ModelReward[] = [];
  const story: Entry[] = [];
  const filled = new Map<string, bigint>();
  let hadDoomed = false;
  /** Who waits for room in what, since when. */
  const line = new Map<string, { readonly room: string; readonly dealId: string; readonly since: number }>();
  let wakes: ReadonlyArray<{ readonly at: number; readonly friendId: string }> = [];

  // ── What is there, added up ──

  const stands = (reward: ModelReward) => !ENDED.includes(reward.state) && !reward.isDoomed;
  const chain = (deal: Deal, rule: ModelRule) =>
    story.filter((entry) => entry.dealId === deal.id && entry.ruleKey === rule.key);
  const standing = (deal: Deal, rule: ModelRule) =>
    rewards.find((reward) => reward.deal === deal && reward.rule === rule && stands(reward));
  const friendOf = (deal: Deal) => people.get(deal.friendId) as Friend;
  const beneficiaryOf = ({ deal, rule }: Pick<ModelReward, 'deal' | 'rule'>) =>
    rule.party === 'member' ? `member ${friendOf(deal).memberId}` : `friend ${deal.friendId}`;

  function used(limit: string): bigint {
    return rewards
      .filter(({ state }) => !ENDED.includes(state))
      .flatMap((reward) =>
        reward.takes.filter((take) => take.limit === limit).map(({ isAmount }) => ({ reward, isAmount })),
      )
      .reduce((sum, { reward, isAmount }) => sum + (isAmount ? reward.money.minor - reward.back : 1n), 0n);
  }

  function budgetLeft(currency: string): bigint {
    return rewards
      .filter(({ state, rule, money }) => !ENDED.includes(state) && rule.usesBudget && money.currency === currency)
      .reduce((left, { money, back }) => left - (money.minor - back), filled.get(currency) ?? 0n);
  }

  /** What a beneficiary owes back because of one reward; less than nothing where something was kept for another one's debt. */
  function owedFor({ state, money, kept, back, cameBack, rule }: ModelReward): bigint {
    if (rule.payout === 'credit' || state === 'voided') return 0n;
    if (state === 'clawed_back') return cameBack ? 0n : money.minor - kept;
    return back - kept;
  }

  function owed(beneficiary: string, currency: string): bigint {
    return rewards
      .filter((reward) => beneficiaryOf(reward) === beneficiary && reward.money.currency === currency)
      .reduce((sum, reward) => sum + owedFor(reward), 0n);
  }

  function wonReferrals(memberId: string): number {
    return [...people.values()].filter((friend) => friend.memberId === memberId && friend.stage === 'won').length;
  }

  /** What is left in each limit and each budget that somebody waits for. */
  function rooms(): Map<string, bigint> {
    return new Map(
      [...line.values()].map(({ room }) => [
        room,
        room.startsWith('budget ') ? budgetLeft(room.slice(7)) : -used(room),
      ]),
    );
  }

  // ── Looking at a friend ──

  function seenAt(deal: Deal, at: number): Seen | undefined {
    const points = deal.points.filter((point) => point.at <= at);
    const point = points.at(-1);
    if (!point) return undefined;
    const isAt = ({ meaning }: Point, stage: ModelRule['trigger']) =>
      meaning === 'won' || (meaning === 'open' && stage !== 'won');
    return {
      deal,
      point,
      since: (stage) => {
        const before = points.findLastIndex((one) => !isAt(one, stage));
        return points[before + 1]?.at ?? null;
      },
    };
  }

  function own(friendId: string): Deal[] {
    return [...deals.values()].filter((deal) => deal.friendId === friendId && deal.isLinked && !deal.isDeleted);
  }

  function look(friendId: string, now: number): void {
    const friend = people.get(friendId) as Friend;
    const all = own(friendId);
    const view = (at: number) => all.flatMap((deal) => seenAt(deal, at) ?? []);
    const known = view(now)
      .map(({ point }) => point.meaning)
      .filter((meaning) => meaning !== 'unknown');
    friend.stage = known.includes('won')
      ? 'won'
      : known.includes('open')
        ? 'opportunity'
        : known.length > 0
          ? 'lost'
          : 'accepted';
    const saidUpTo = Math.max(
      Number.NEGATIVE_INFINITY,
      ...story.filter((one) => one.friendId === friendId).map(({ at }) => at),
    );
    const moments = [...new Set(all.flatMap(({ points }) => points.map(({ at }) => at)))]
      .filter((at) => at > saidUpTo)
      .sort((a, b) => a - b);
    for (const at of moments) {
      endHolds(friend, at - 1, now);
      for (const one of chains(friendId)) {
        const seen = view(at).find(({ deal }) => deal === one.deal);
        if (seen) takeBackIfLeft(one, seen, at, now);
      }
      endHolds(friend, at, now);
      follow(friend, view(at), now);
      judge(friend, view(at), at, now);
    }
    for (const one of chains(friendId)) {
      const seen = view(now).find(({ deal }) => deal === one.deal);
      if (seen) takeBackIfLeft(one, seen, seen.point.at, now);
      else close(one, { code: one.deal.isDeleted ? 'deal_deleted' : 'deal_detached' }, now, now);
    }
    endHolds(friend, now, now);
    follow(friend, view(now), now);
    judge(friend, view(now), null, now);
  }

  /** Each rule that was ever judged on each deal, in the order in which that began. */
  function chains(friendId: string): Array<{ deal: Deal; rule: ModelRule }> {
    const begun = story.filter((entry) => entry.friendId === friendId && entry.number === 1);
    return begun.map(({ dealId, ruleKey }) => ({
      deal: deals.get(dealId) as Deal,
      rule: rules.find(({ key }) => key === ruleKey) as ModelRule,
    }));
  }

  function say(
    { deal, rule }: { deal: Deal; rule: ModelRule },
    outcome: string,
    { code, detail = '' }: Why,
    money: Money | null,
    at: number,
    now: number,
    wonCount: number | null = null,
  ): void {
    const { length } = chain(deal, rule);
    story.push({
      dealId: deal.id,
      friendId: deal.friendId,
      ruleKey: rule.key,
      number: length + 1,
      outcome,
      code,
      detail,
      money,
      at,
      saidAt: now,
      wonCount,
    });
  }

  function takeBackIfLeft(one: { deal: Deal; rule: ModelRule }, seen: Seen, at: number, now: number): void {
    if (seen.point.meaning === 'unknown' || seen.since(one.rule.trigger) !== null) return;
    close(one, { code: one.rule.trigger === 'won' ? 'left_won' : 'left_stage' }, at, now);
  }

  function close(one: { deal: Deal; rule: ModelRule }, why: Why, at: number, now: number): void {
    const reward = standing(one.deal, one.rule);
    const last = chain(one.deal, one.rule).at(-1);
    if (reward) {
      say(one, 'reversed', why, reward.money, at, now);
      takeBack(reward);
    } else if (last && ['waiting', 'capped', 'queued'].includes(last.outcome)) say(one, 'skipped', why, null, at, now);
  }

  function takeBack(reward: ModelReward): void {
    if (reward.state === 'issuing') {
      reward.isDoomed = true;
      hadDoomed = true;
    } else if (reward.state === 'issued' || reward.state === 'redeemed') reward.state = 'clawed_back';
    else {
      reward.state = 'voided';
      reward.back = 0n;
    }
  }

  function endHolds(friend: Friend, upTo: number, now: number): void {
    for (const one of chains(friend.id)) {
      const reward = standing(one.deal, one.rule);
      if (reward?.state !== 'held' || reward.releaseAt === null || reward.releaseAt > upTo) continue;
      reward.orderAt = orderDay(one.rule, now);
      if (reward.review === 'needed') {
        reward.state = 'in_review';
        say(one, 'in_review', { code: 'review_needed' }, reward.money, reward.releaseAt, now, reward.wonCount);
      } else {
        say(one, 'rewarded', { code: 'hold_ended' }, reward.money, reward.releaseAt, now, reward.wonCount);
        order(reward);
      }
    }
  }

  /** It is owed now: what the beneficiary owes back is kept from it, and the rest is ordered. */
  function order(reward: ModelReward): void {
    reward.state = 'approved';
    if (reward.rule.payout === 'credit') return;
    const debt = owed(beneficiaryOf(reward), reward.money.currency);
    reward.kept = debt <= 0n ? 0n : debt > reward.money.minor ? reward.money.minor : debt;
    if (reward.kept === reward.money.minor) reward.state = 'issued';
  }

  /** Rewards that follow the amount of their deal. */
  function follow(friend: Friend, view: readonly Seen[], now: number): void {
    for (const one of chains(friend.id)) {
      const reward = standing(one.deal, one.rule);
      const seen = view.find(({ deal }) => deal === one.deal);
      if (!reward || !seen || one.rule.amountChanges === 'ignore' || seen.since(one.rule.trigger) === null) continue;
      const { at } = seen.point;
      const verdict = verdictOnDeal(one.rule, seen, reward.wonCount ?? wonAs(friend));
      if (verdict.kind === 'no') close(one, verdict, at, now);
      if (verdict.kind !== 'pays') continue;
      const is = reward.money.minor - reward.back;
      const wanted = verdict.money.minor;
      const isSameCurrency = verdict.money.currency === reward.money.currency;
      if (isSameCurrency && (wanted === is || (reward.isCut && wanted > is && reward.back === 0n))) continue;
      if (reward.state === 'issuing') {
        wakes = [...wakes, { at: now + 60_000, friendId: friend.id }];
        continue;
      }
      const hasLeft = reward.state === 'issued' || reward.state === 'redeemed';
      if (!hasLeft || !isSameCurrency) {
        close(one, { code: 'amount_changed' }, at, now);
        continue;
      }
      if (wanted < is) {
        reward.back += is - wanted;
        say(one, 'adjusted', { code: 'amount_shrank' }, { ...reward.money, minor: wanted }, at, now, reward.wonCount);
      } else if (reward.back > 0n) {
        const again = wanted - is < reward.back ? wanted - is : reward.back;
        reward.back -= again;
        say(
          one,
          'adjusted',
          { code: 'amount_restored' },
          { ...reward.money, minor: is + again },
          at,
          now,
          reward.wonCount,
        );
      }
    }
  }

  /** This referral among the won ones of its member. */
  function wonAs(friend: Friend): number {
    return wonReferrals(friend.memberId) + (friend.stage === 'won' ? 0 : 1);
  }

  // ── Judging ──

  function judge(friend: Friend, view: readonly Seen[], at: number | null, now: number): void {
    const reached = view
      .flatMap((seen) => rules.map((rule) => ({ seen, rule, since: seen.since(rule.trigger) })))
      .filter(({ since }) => since !== null)
      .sort(
        (a, b) =>
          (a.since as number) - (b.since as number) ||
          Number(a.seen.deal.id) - Number(b.seen.deal.id) ||
          STAGES.indexOf(a.rule.trigger) - STAGES.indexOf(b.rule.trigger) ||
          rules.indexOf(a.rule) - rules.indexOf(b.rule),
      );
    for (let before = -1; before < story.length; ) {
      before = story.length;
      for (const { seen, rule } of reached) judgeOne(friend, seen, rule, reached, at ?? seen.point.at, now);
    }
  }

  function judgeOne(
    friend: Friend,
    seen: Seen,
    rule: ModelRule,
    reached: ReadonlyArray<{ seen: Seen; rule: ModelRule }>,
    at: number,
    now: number,
  ): void {
    const { deal } = seen;
    const told = chain(deal, rule);
    if (standing(deal, rule) || told.some(({ code }) => code === 'review_rejected')) return;
    const news = (outcome: string, why: Why) => {
      const last = told.at(-1);
      const isTold = last?.outcome === outcome || last?.outcome === 'reversed';
      if (!isTold || last.code !== why.code || last.detail !== (why.detail ?? ''))
        say({ deal, rule }, outcome, why, null, at, now, why.wonCount ?? null);
    };
    const verdict = verdictOn(friend, seen, rule);
    if (verdict.kind !== 'pays') {
      news(verdict.kind === 'no' ? 'skipped' : 'waiting', verdict);
      return;
    }
    const better = reached.find(
      (other, index) =>
        other.seen.deal === deal &&
        other.rule !== rule &&
        rule.bestOf !== undefined &&
        other.rule.bestOf === rule.bestOf &&
        isBetter(
          friend,
          other,
          verdict.money,
          index < reached.findIndex((one) => one.rule === rule && one.seen.deal === deal),
        ),
    );
    if (better) {
      news('skipped', { code: 'other_rule_better', detail: better.rule.key });
      return;
    }
    const doomed = rewards.findLast((reward) => reward.deal === deal && reward.rule === rule);
    if (doomed?.isDoomed) {
      // Its provider has the order still: that order stands after all.
      doomed.isDoomed = false;
      say({ deal, rule }, 'rewarded', { code: 'rewarded' }, doomed.money, at, now, doomed.wonCount);
      return;
    }
    grant(friend, seen, rule, verdict, at, now, news);
  }

  function isBetter(friend: Friend, other: { seen: Seen; rule: ModelRule }, than: Money, comesFirst: boolean): boolean {
    if (standing(other.seen.deal, other.rule)) return true;
    const verdict = verdictOn(friend, other.seen, other.rule);
    if (verdict.kind !== 'pays' || verdict.money.currency !== than.currency) return false;
    return verdict.money.minor > than.minor || (verdict.money.minor === than.minor && comesFirst);
  }

  function grant(
    friend: Friend,
    seen: Seen,
    rule: ModelRule,
    verdict: Extract<Verdict, { kind: 'pays' }>,
    at: number,
    now: number,
    news: (outcome: string, why: Why) => void,
  ): void {
    const { deal } = seen;
    const since = seen.since(rule.trigger) as number;
    let { money } = verdict;
    let isFull = false;
    const takes = new Map<string, boolean>();
    for (const limit of rule.limits) {
      const name = nameOf(limit, rule, friend, since);
      const was = used(name);
      if (limit.count !== null) isFull ||= was >= BigInt(limit.count);
      else if (limit.money) {
        const left = limit.money.minor - was;
        if (limit.money.currency !== money.currency || left <= 0n) isFull = true;
        else if (left < money.minor) money = { ...money, minor: left };
      }
      takes.set(name, limit.count === null);
    }
    const isSpent = rule.usesBudget && budgetLeft(money.currency) < money.minor;
    if (isFull || isSpent) {
      const last = chain(deal, rule).at(-1);
      const waiting = last && ['capped', 'queued'].includes(last.outcome) ? last.saidAt : now;
      const budget = `budget ${money.currency}`;
      for (const room of isFull ? [...takes.keys(), ...(rule.usesBudget ? [budget] : [])] : [budget]) {
        const key = `${room}\n${deal.id}`;
        const place = Math.min(waiting, line.get(key)?.since ?? waiting);
        line.set(key, { room, dealId: deal.id, since: place });
      }
      const { wonCount } = verdict;
      news(isFull ? 'capped' : 'queued', {
        code: isFull ? 'limit_reached' : 'budget_spent',
        ...(wonCount === null ? {} : { wonCount }),
      });
      return;
    }
    const releaseAt = rule.holdDays > 0 ? since + rule.holdDays * DAY_MS : null;
    const isReviewed =
      rule.review !== undefined &&
      (rule.review.when === 'always' ||
        rule.review.money.currency !== money.currency ||
        rule.review.money.minor < money.minor);
    const isWon = rule.trigger === 'won';
    const [outcome, code] =
      releaseAt !== null
        ? ['held', isWon ? 'held' : 'stage_held']
        : isReviewed
          ? ['in_review', 'review_needed']
          : ['rewarded', isWon ? 'rewarded' : 'stage_reached'];
    const reward: ModelReward = {
      name: `${deal.id}/${rule.key}#${chain(deal, rule).length + 1}`,
      deal,
      rule,
      money,
      releaseAt,
      takes: [...takes].map(([limit, isAmount]) => ({ limit, isAmount })),
      isCut: money.minor !== verdict.money.minor,
      wonCount: verdict.wonCount,
      state: releaseAt !== null ? 'held' : 'in_review',
      review: isReviewed ? 'needed' : 'none',
      orderAt: orderDay(rule, now),
      isDoomed: false,
      kept: 0n,
      back: 0n,
      cameBack: false,
    };
    say({ deal, rule }, outcome as string, { code: code as string }, money, at, now, verdict.wonCount);
    rewards.push(reward);
    if (releaseAt !== null) wakes = [...wakes, { at: releaseAt, friendId: friend.id }];
    else if (!isReviewed) order(reward);
  }

  function verdictOn(friend: Friend, seen: Seen, rule: ModelRule): Verdict {
    const since = seen.since(rule.trigger) as number;
    const others = rewards.filter(
      (reward) =>
        reward.rule === rule && reward.deal !== seen.deal && reward.deal.friendId === friend.id && stands(reward),
    );
    const { deals: policy } = rule;
    if (policy.kind === 'first' && others.length > 0) return { kind: 'no', code: 'other_deal_rewarded' };
    if (policy.kind === 'up_to') {
      const starts = others.map(({ deal }) => chain(deal, rule)[0]?.at ?? since);
      const isLate =
        policy.withinDays !== null && starts.length > 0 && since > Math.min(...starts) + policy.withinDays * DAY_MS;
      if (others.length >= policy.count || isLate) return { kind: 'no', code: 'deals_limit' };
    }
    // Others that are won later do not change which win this one is.
    const told = chain(seen.deal, rule).find(({ at, wonCount }) => at >= since && wonCount !== null);
    return verdictOnDeal(rule, whenItQualified(seen, rule, since), told?.wonCount ?? wonAs(friend));
  }

  /** Of a win that has found no room since it had a reward last, under a rule that ignores what comes after. */
  function whenItQualified(seen: Seen, rule: ModelRule, since: number): Seen {
    if (rule.amountChanges === 'follow') return seen;
    const told = chain(seen.deal, rule).filter(({ at }) => at >= since);
    const waits = told
      .slice(1 + told.findLastIndex(({ money }) => money !== null))
      .find(({ outcome }) => outcome === 'capped' || outcome === 'queued');
    return (waits && seenAt(seen.deal, waits.at)) ?? seen;
  }

  function verdictOnDeal(rule: ModelRule, { point, deal }: Seen, wonCount: number): Verdict {
    const base = amountOf(point);
    const flats = 'steps' in rule.amount ? rule.amount.steps.map(({ amount }) => amount) : [rule.amount];
    const needsAmount =
      rule.amount.kind === 'by_amount' ||
      flats.some(({ kind }) => kind === 'percent') ||
      rule.conditions.some(({ fact }) => fact === 'deal.amount');
    const currency = (point.currency ?? '').trim();
    let notYet: Why | undefined =
      needsAmount && 'code' in base
        ? { code: base.code, detail: `${deal.id} ${point.amount} ${point.currency}` }
        : undefined;
    for (const [index, condition] of rule.conditions.entries()) {
      if (condition.fact === 'deal.amount') {
        if ('code' in base) continue;
        const isMet =
          base.currency === condition.money.currency &&
          (condition.op === 'at_least' ? base.minor >= condition.money.minor : base.minor <= condition.money.minor);
        if (!isMet) return { kind: 'no', code: 'condition_unmet', detail: `${index} ${base.minor} ${base.currency}` };
      } else if (condition.fact === 'deal.currency') {
        if (currency === '') notYet ??= { code: 'condition_unknown', detail: `${index}` };
        else if (condition.currencies.includes(currency) !== (condition.op === 'in'))
          return { kind: 'no', code: 'condition_unmet', detail: `${index} ${currency}` };
      } else if (condition.pipelineIds.includes(point.pipelineId) !== (condition.op === 'in'))
        return { kind: 'no', code: 'condition_unmet', detail: `${index} ${point.pipelineId}` };
    }
    if (notYet) return { kind: 'not_yet', ...notYet };
    const flat = flatOf(rule, base, wonCount);
    if (!flat) return { kind: 'no', code: 'no_step', wonCount };
    let money = flat.kind === 'fixed' ? flat.money : shareOf(base as Money, flat.basisPoints, rule.rounding);
    const { minimum, maximum } = rule;
    if (minimum?.currency === money.currency && minimum.minor > money.minor) money = minimum;
    if (maximum?.currency === money.currency && maximum.minor < money.minor) money = maximum;
    if (money.minor === 0n) return { kind: 'no', code: 'amount_zero' };
    return { kind: 'pays', money, wonCount: rule.amount.kind === 'by_count' ? wonCount : null };
  }

  // ── What somebody or something does ──

  /** Does it, and then has everybody looked at who waits for room that came free by it, the longest first, until nothing moves any more. */
  function step(now: number, act: () => void): void {
    const queue = [act];
    for (let next = queue.shift(); next; next = queue.shift()) {
      const before = rooms();
      const waiting = new Set(line.keys());
      next();
      const after = rooms();
      const roomy = [...before.keys()].filter((room) => (after.get(room) as bigint) > (before.get(room) as bigint));
      // Who joins the line now has been looked at with the room that there is.
      const woken = [...line].filter(([key, { room }]) => waiting.has(key) && roomy.includes(room));
      for (const [key] of woken) line.delete(key);
      const inOrder = woken.map(([, one]) => one).sort((a, b) => a.since - b.since || (a.dealId < b.dealId ? -1 : 1));
      for (const { dealId } of inOrder) queue.push(() => look((deals.get(dealId) as Deal).friendId, now));
    }
  }

  return {
    friends: [...people.keys()],
    deals: deals as ReadonlyMap<string, Deal>,
    hadDoomed: () => hadDoomed,
    rewards: rewards as readonly ModelReward[],
    change(dealId: string, friendId: string, values: Omit<Point, 'at'>, now: number): void {
      const deal = deals.get(dealId) ?? { id: dealId, friendId, points: [], isLinked: true, isDeleted: false };
      deals.set(dealId, deal);
      deal.points.push({ ...values, at: now });
      step(now, () => look(deal.friendId, now));
    },
    place(dealId: string, place: Partial<Pick<Deal, 'isLinked' | 'isDeleted'>>, now: number): void {
      const deal = deals.get(dealId) as Deal;
      Object.assign(deal, place);
      step(now, () => look(deal.friendId, now));
    },
    lookAt: (friendId: string, now: number) => step(now, () => look(friendId, now)),
    /** The moments at which somebody has to be looked at again. */
    wakes: () => wakes,
    forgetWakes(upTo: number): void {
      wakes = wakes.filter(({ at }) => at > upTo);
    },
    fill: (currency: string, minor: bigint, now: number) =>
      step(now, () => filled.set(currency, (filled.get(currency) ?? 0n) + minor)),
    ask(reward: ModelReward): void {
      reward.state = 'issuing';
    },
    answer: (reward: ModelReward, isPaid: boolean, now: number) =>
      step(now, () => {
        if (isPaid) reward.state = reward.isDoomed ? 'clawed_back' : 'issued';
        else reward.state = reward.isDoomed ? 'voided' : 'failed';
        reward.isDoomed = false;
      }),
    giveBack(reward: ModelReward): void {
      reward.cameBack = true;
      if (reward.state !== 'clawed_back') reward.state = 'failed';
    },
    redeem(reward: ModelReward): void {
      reward.state = 'redeemed';
    },
    decide: (reward: ModelReward, isApproved: boolean, now: number) =>
      step(now, () => {
        const { at } = chain(reward.deal, reward.rule).at(-1) as Entry;
        if (!isApproved) {
          say(reward, 'reversed', { code: 'review_rejected' }, reward.money, at, now);
          takeBack(reward);
          return;
        }
        const isHeld = reward.state === 'held';
        reward.review = 'approved';
        say(reward, isHeld ? 'held' : 'rewarded', { code: 'review_approved' }, reward.money, at, now, reward.wonCount);
        if (!isHeld) order(reward);
      }),
    story: () =>
      story
        .map(
          ({ dealId, ruleKey, number, outcome, code, at, money }) =>
            `${dealId}/${ruleKey}#${number} ${outcome} ${code} ${at} ${money ? `${money.minor} ${money.currency}` : '-'}`,
        )
        .sort(),
    standings: () =>
      rewards
        .map(
          ({ name, state, money, kept, back, isDoomed, review, orderAt }) =>
            `${name} ${state} ${money.minor} ${money.currency} kept ${kept} back ${back} ${review} ${orderAt}${isDoomed ? ' doomed' : ''}`,
        )
        .sort(),
    /** What the books hold, each account in each currency; nothing is left out but zeros. */
    balances(): Record<string, string> {
      const sums = new Map<string, bigint>();
      for (const reward of rewards) {
        const { money, state, kept, back, rule, cameBack } = reward;
        const post = (account: string, minor: bigint) =>
          sums.set(`${account} ${money.currency}`, (sums.get(`${account} ${money.currency}`) ?? 0n) + minor);
        const whose = beneficiaryOf(reward);
        const isCredit = rule.payout === 'credit';
        const out = isCredit ? `credit ${whose}` : `provider ${rule.payout}`;
        const claimed = isCredit ? `credit ${whose}` : `receivable ${whose}`;
        if (state === 'voided') continue;
        if (state === 'held' || state === 'in_review') post(`held ${whose}`, -money.minor);
        else if (state === 'issued' || state === 'redeemed') post(out, kept - money.minor);
        else if (state === 'clawed_back') post(out, cameBack ? 0n : kept - money.minor);
        else post(`payable ${whose}`, kept - money.minor);
        if (state === 'clawed_back') post(claimed, cameBack ? 0n : money.minor - kept);
        else {
          post(claimed, back - kept);
          post('expense', money.minor - back);
        }
      }
      return Object.fromEntries(
        [...sums]
          .filter(([, sum]) => sum !== 0n)
          .map(([key, sum]) => [key, String(sum)] as const)
          .sort(),
      );
    },
    tallies(): Record<string, string> {
      const all = new Map<string, bigint>();
      for (const { takes } of rewards) for (const { limit } of takes) all.set(limit, used(limit));
      for (const currency of [...filled.keys(), ...rewards.map(({ money }) => money.currency)])
        all.set(`budget ${currency}`, budgetLeft(currency));
      for (const reward of rewards) {
        const { currency } = reward.money;
        all.set(`owed ${beneficiaryOf(reward)} ${currency}`, owed(beneficiaryOf(reward), currency));
      }
      for (const { memberId } of people.values()) all.set(`won member ${memberId}`, BigInt(wonReferrals(memberId)));
      return Object.fromEntries(
        [...all]
          .filter(([, sum]) => sum !== 0n)
          .map(([key, sum]) => [key, String(sum)] as const)
          .sort(),
      );
    },
    stages: () => [...people.values()].map(({ id, stage }) => `${id} ${stage}`).sort(),
  };
}

export type Model = ReturnType<typeof createModel>;

/** Of the rule, or of all rules that have such a limit; of somebody; within the window that the event falls into. */
function nameOf({ per, across, window, money }: Limit, rule: ModelRule, friend: Friend, at: number): string {
  const whose = per === 'member' ? `member ${friend.memberId}` : per === 'friend' ? `friend ${friend.id}` : 'program';
  const which = across === 'rule' ? `rule ${rule.key}` : 'program default';
  return ['limit', whose, which, window, windowOf(at, window), money?.currency ?? ''].join(' ');
}

function windowOf(at: number, window: Limit['window']): string {
  const days = Math.floor(at / DAY_MS);
  // 1 January 1970 was a Thursday: the fourth day of a week that began on a Monday.
  const first = window === 'week' ? days - ((days + 3) % 7) : days;
  const date = new Date(first * DAY_MS);
  const two = (number: number) => String(number).padStart(2, '0');
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (window === 'life') return '';
  if (window === 'year') return String(year);
  if (window === 'quarter') return `${year}-Q${Math.floor(month / 3) + 1}`;
  if (window === 'month') return `${year}-${two(month + 1)}`;
  return `${year}-${two(month + 1)}-${two(date.getUTCDate())}`;
}

function orderDay({ payOnDay }: ModelRule, now: number): number | null {
  if (payOnDay === undefined) return null;
  for (let midnight = Math.ceil(now / DAY_MS) * DAY_MS; ; midnight += DAY_MS)
    if (new Date(midnight).getUTCDate() === payOnDay) return midnight;
}

function amountOf({ amount, currency: raw }: Point): Money | { readonly code: string } {
  const currency = (raw ?? '').trim();
  if ((amount ?? '').trim() === '') return { code: 'amount_missing' };
  if (currency === '') return { code: 'currency_missing' };
  const decimals = DECIMALS[currency];
  if (decimals === undefined) return { code: 'currency_unknown' };
  const match = /^(\d+)(?:\.(\d+))?$/.exec(amount as string);
  if (!match) return { code: 'amount_invalid' };
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > decimals) return { code: 'amount_too_precise' };
  const minor = BigInt(match[1] as string) * 10n ** BigInt(decimals) + BigInt(`0${fraction.padEnd(decimals, '0')}`);
  return minor > MOST_MINOR ? { code: 'amount_too_large' } : { minor, currency };
}

function flatOf({ amount }: ModelRule, base: Money | { readonly code: string }, wonCount: number): Flat | undefined {
  if (amount.kind === 'by_count') return amount.steps.filter(({ from }) => from <= wonCount).at(-1)?.amount;
  if (amount.kind !== 'by_amount') return amount;
  const { minor, currency } = base as Money;
  return amount.steps.filter(({ from }) => from.currency === currency && from.minor <= minor).at(-1)?.amount;
}

function shareOf({ minor, currency }: Money, basisPoints: number, { mode, toMinor }: ModelRule['rounding']): Money {
  const unit = 10_000n * BigInt(toMinor);
  const exact = minor * BigInt(basisPoints);
  const below = exact - (exact % unit);
  const above = below + unit;
  const [down, up] = [exact - below, above - exact];
  const isUp =
    down !== 0n &&
    (mode === 'up' ||
      (mode !== 'down' && (up < down || (up === down && (mode === 'half_up' || (below / unit) % 2n === 1n)))));
  return { minor: (isUp ? above : below) / 10_000n, currency };
}
