import { createTiers, type TierStanding } from '../application/tiers.ts';
import { textOf } from '../domain/money.ts';
import { reasonText } from '../domain/reason.ts';
import { amountText, type TierChange } from '../domain/tier.ts';
import { thresholdOf } from '../domain/tier-scheme.ts';
import { dayOf, isoOf } from '../domain/time.ts';
import { CliError, type Result, type Terminal, table } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** What a person reads at once. */
const SHOWN_MAX = 100;

const MS_PER_DAY = 86_400_000;

/** Tier changes of the account or of one member, newest first, each with what it rests on. */
export function listTierChanges(
  terminal: Terminal,
  account: string,
  { member }: { readonly member?: string | undefined },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    if (member !== undefined && !(await services.store.reads.member(id, member))) throw noSuchMember(member);
    const filter = member === undefined ? {} : { memberId: member };
    const { items, next } = await services.store.tiers.changes(id, { limit: SHOWN_MAX, cursor: null }, filter);
    return {
      json: { items: items.map(jsonOf), more: next !== null },
      lines: [
        ...(items.length === 0
          ? ['No tier was decided yet.']
          : table([
              ['when', 'member', 'program', 'move', 'from', 'to', 'evidence'],
              ...items.map((change) => [
                isoOf(change.recordedAt),
                change.memberId,
                `${change.program.id} ${change.program.version}`,
                change.move,
                change.from?.name ?? '-',
                change.to?.name ?? '-',
                evidenceOf(change),
              ]),
            ])),
        ...(next === null ? [] : [`The newest ${SHOWN_MAX} are shown.`]),
      ],
    };
  });
}

/** Where a member stands, what is missing to the next tier, and every decision that led there. */
export function showTier(terminal: Terminal, account: string, memberId: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const { store, now } = services;
    const standing = await createTiers({ store, clock: { now } }).standingOf(id, memberId);
    if (!standing) throw noSuchMember(memberId);
    const { program } = standing;
    const { items } = await store.tiers.changes(id, { limit: SHOWN_MAX, cursor: null }, { memberId });
    return {
      json: {
        memberId,
        programId: program?.programId ?? null,
        tier: program?.held?.to ?? null,
        since: program?.held?.to ? isoOf(program.held.recordedAt) : null,
        score: program && amountText(program.scheme, program.score),
        next: program && nextOf(program),
        changes: items.map(jsonOf),
      },
      lines: [
        ...(program ? linesOf(program) : ['The program has no tiers.']),
        ...items.map((change) => `${isoOf(change.recordedAt)}  ${change.move}: ${reasonText(change.reason)}`),
      ],
    };
  });
}

function linesOf(program: TierStanding): string[] {
  const { programId, scheme, held, score } = program;
  const next = nextOf(program);
  return [
    held?.to
      ? `${held.to.name} in ${programId} since ${isoOf(held.recordedAt)}: ${amountText(scheme, score)}`
      : `No tier in ${programId} yet: ${amountText(scheme, score)}`,
    next ? `to ${next.name}: ${next.missing} missing of ${next.needed}` : 'There is no tier above.',
  ];
}

function nextOf({ scheme, next, score }: TierStanding) {
  if (!next) return null;
  const needed = thresholdOf(next);
  return {
    key: next.key,
    name: next.name,
    needed: amountText(scheme, needed),
    missing: amountText(scheme, needed - score),
  };
}

const COUNTED: Readonly<Record<Exclude<TierChange['evidence']['by'], 'revenue'>, string>> = {
  won_referrals: 'won referrals',
  submissions: 'submissions',
  touches: 'touches',
};

/** "1250.00 EUR since 2026-01-31", "5 won referrals". */
function evidenceOf({ evidence: { by, score, currency, sinceDay } }: TierChange): string {
  const counted = by === 'revenue' ? textOf({ minor: score, currency }) : `${score} ${COUNTED[by]}`;
  return sinceDay === null ? counted : `${counted} since ${dayOf(sinceDay * MS_PER_DAY)}`;
}

function jsonOf(change: TierChange) {
  const { evidence, reason, recordedAt, ...rest } = change;
  return {
    ...rest,
    reason: reasonText(reason),
    evidence: {
      by: evidence.by,
      score: String(evidence.score),
      currency: evidence.currency || null,
      since: evidence.sinceDay === null ? null : dayOf(evidence.sinceDay * MS_PER_DAY),
    },
    recordedAt: isoOf(recordedAt),
  };
}

function noSuchMember(memberId: string): CliError {
  return new CliError(`There is no member "${memberId}".`, 'Name one of this account by its id, as the API shows it.');
}
