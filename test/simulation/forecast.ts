import type { ShownForecastLine } from '../../src/application/forecasts.ts';
import type { Books } from './laws.ts';
import { type Published, type PublishedRule, payOf, wonByMetadata } from './oracle.ts';
import type { Calm } from './setup.ts';
import { isTerm } from './term-key.ts';

/*
 * What open deals may still cost, against a small sum over what is in the CRM: which deals are open, who is on them, how likely their stages are
 * and what the published rules make of their amounts.
 */

const MINUTE = 60_000;
const TRIES = 3;
/** More lines than any history has. */
const LINES_MAX = 500;
const WHOLE = 10_000n;

/** Of a whole of 10,000, rounded once, half to even. */
function weighted(parts: bigint): bigint {
  const [whole, rest] = [parts / WHOLE, (parts % WHOLE) * 2n];
  return rest > WHOLE || (rest === WHOLE && whole % 2n === 1n) ? whole + 1n : whole;
}

export async function forecastAgrees({
  accountId,
  books,
  published,
  calm,
}: {
  readonly accountId: string;
  readonly books: Books;
  readonly published: readonly Published[];
  readonly calm: Calm;
}): Promise<string[]> {
  const { portal, referrals, decisions } = books;
  const { forecasts } = calm.container();
  const before = (await calm.ask(forecasts.newest(accountId)))?.done?.id ?? null;
  let done: Awaited<ReturnType<typeof forecasts.newest>>['done'] = null;
  // Whoever counts the same at the same moment, by a schedule, may have both stop.
  for (let left = TRIES; left > 0 && (done === null || done.id === before); left -= 1) {
    await calm.ask(forecasts.count(accountId, 'analyst'));
    await calm.pass(5 * MINUTE);
    done = (await calm.ask(forecasts.newest(accountId)))?.done ?? null;
  }
  const sums = done?.forecast;
  if (!done || !sums || done.id === before) return ['forecast: it was asked for, and is not counted'];
  const lines: ShownForecastLine[] = [];
  for (const { currency, month } of [...sums.cells, { currency: null, month: null }]) {
    const page = { limit: LINES_MAX, cursor: null };
    lines.push(...((await calm.ask(forecasts.lines(accountId, done.id, { currency, month }, page)))?.items ?? []));
  }

  const problems: string[] = [];
  const open = new Map(
    wonByMetadata(portal)
      .filter(({ points }) => points.at(-1)?.meaning === 'open')
      .map((deal) => [deal.id, deal]),
  );
  const chanceOf = (dealId: string) => {
    const { pipeline, stage } = portal.deals.get(dealId)?.history ?? { pipeline: [], stage: [] };
    const stages = portal.pipelines.find(({ id }) => id === pipeline.at(-1)?.value)?.stages ?? [];
    const probability = stages.find(({ id }) => id === stage.at(-1)?.value)?.probability ?? null;
    return probability === null ? null : Math.round(probability * Number(WHOLE));
  };

  const [totals, parts, dealsOf] = [
    new Map<string, bigint>(),
    new Map<string, bigint>(),
    new Map<string, Set<string>>(),
  ];
  for (const { referralId, ruleKey, deal, money, chance, closesAt } of lines) {
    const name = `${ruleKey} for deal ${deal.id}`;
    const contactId = referrals.find(({ id }) => id === referralId)?.contact_id ?? null;
    const known = open.get(deal.id);
    if (!known) problems.push(`forecast: ${name} is expected, and the deal is not open`);
    else if (!known.contactIds.includes(contactId ?? ''))
      problems.push(`forecast: ${name} is expected for contact ${contactId}, who is not on it`);
    if (chance !== chanceOf(deal.id))
      problems.push(`forecast: ${name} has a chance of ${chance}, its stage says ${chanceOf(deal.id)}`);
    if (closesAt !== null) problems.push(`forecast: ${name} closes at ${closesAt}, and no deal here does`);
    if (!money) continue;
    const { minor, currency } = money;
    totals.set(currency, (totals.get(currency) ?? 0n) + minor);
    parts.set(currency, (parts.get(currency) ?? 0n) + minor * BigInt(chance ?? 0));
    dealsOf.set(currency, (dealsOf.get(currency) ?? new Set()).add(`${referralId} ${deal.id}`));
  }
  const told = sums.totals.map((one) => `${one.minor} ${one.weightedMinor} ${one.deals} ${one.currency}`).sort();
  const ought = [...totals]
    .map(
      ([currency, minor]) =>
        `${minor} ${weighted(parts.get(currency) ?? 0n)} ${dealsOf.get(currency)?.size} ${currency}`,
    )
    .sort();
  if (told.join() !== ought.join()) problems.push(`forecast: it comes to ${told.join()}, its lines to ${ought.join()}`);

  // Whose one deal is open, and on whom nothing was ever decided: every rule that would pay for it is expected to, with its amount.
  const [version] = published;
  if (!version || published.length > 1) return problems;
  const all = wonByMetadata(portal);
  for (const { id, contact_id } of referrals) {
    const own = all.filter(({ contactIds }) => contactIds.includes(contact_id ?? ''));
    const [deal] = own;
    const point = deal && open.get(deal.id)?.points.at(-1);
    if (!deal || !point || own.length > 1 || deal.contactIds.length > 1 || deal.former.length > 0) continue;
    if ((portal.contacts.get(contact_id ?? '')?.formerIds.length ?? 1) > 0) continue;
    if (decisions.some((one) => one.referral_id === id)) continue;
    for (const rule of version.rules.filter(({ key, amount }) => !isTerm(key) && isKnown(amount.kind))) {
      const pays = payOf(rule as PublishedRule, point);
      const line = lines.find(({ referralId, ruleKey }) => referralId === id && ruleKey === rule.key);
      const expected = line?.money ? `${line.money.minor} ${line.money.currency}` : null;
      if (pays !== null && pays !== expected)
        problems.push(`forecast: ${rule.key} for deal ${deal.id} is ${expected ?? 'not expected'}, should be ${pays}`);
    }
  }
  return problems;
}

function isKnown(kind: PublishedRule['amount']['kind']): boolean {
  return kind === 'percent' || kind === 'fixed';
}
