import { createDesk } from '../application/desk.ts';
import { createReattribute } from '../application/re-attribute.ts';
import { createReview } from '../application/review.ts';
import { type Case, type CaseOutcome, OUTCOMES } from '../domain/case.ts';
import { textOf } from '../domain/money.ts';
import { isoOf } from '../domain/time.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** What a person reads at once. */
const SHOWN_MAX = 100;

/** Open cases, or all of them, newest first. */
export function listCases(
  terminal: Terminal,
  account: string,
  { all, owner }: { readonly all?: boolean | undefined; readonly owner?: string | undefined },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const page = { limit: SHOWN_MAX, cursor: null };
    const filter = { ...(all ? {} : { state: 'open' as const }), ...(owner === undefined ? {} : { owner }) };
    const { items, next } = await services.store.desk.list(id, page, filter);
    const rows = items.map((one) => [
      one.id,
      one.kind,
      one.topic,
      one.severity,
      one.outcome ?? (one.isOverdue ? 'overdue' : 'open'),
      one.owner,
      one.dueAt === null ? '-' : isoOf(one.dueAt),
      one.value ? textOf(one.value) : '-',
    ]);
    return {
      json: { items: items.map(jsonOf), more: next !== null },
      lines: [
        ...table([['case', 'kind', 'topic', 'severity', 'state', 'owner', 'due', 'value'], ...rows]),
        ...(next === null ? [] : [`The newest ${SHOWN_MAX} are shown.`]),
      ],
    };
  });
}

/** One case with everything that happened to it. */
export function showCase(terminal: Terminal, account: string, caseId: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const found = await services.store.desk.get(id, caseId);
    if (!found) throw noSuchCase(caseId);
    const { case: one, events } = found;
    return {
      json: {
        ...jsonOf(one),
        facts: one.facts,
        events: events.map(({ at, ...event }) => ({ ...event, at: isoOf(at) })),
      },
      lines: [
        `${one.kind} ${one.topic} (${one.severity}): ${one.summary}`,
        `with ${one.owner}${one.dueAt === null ? '' : `, due ${isoOf(one.dueAt)}`}${one.isOverdue ? ', overdue' : ''}`,
        ...(one.referralId === null ? [] : [`referral ${one.referralId}`]),
        ...(one.rewardId === null ? [] : [`reward ${one.rewardId}${one.value ? ` of ${textOf(one.value)}` : ''}`]),
        `facts ${JSON.stringify(one.facts)}`,
        ...events.map(({ at, kind, by, words }) => `${isoOf(at)}  ${kind} by ${by}: ${words}`),
      ],
    };
  });
}

/** A person's word on a case, with what follows from it. */
export function decideCase(
  terminal: Terminal,
  account: string,
  caseId: string,
  outcome: string,
  { why, by, member: memberId }: { readonly why: string; readonly by: string; readonly member?: string | undefined },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    if (!(OUTCOMES as readonly string[]).includes(outcome))
      throw new CliError(`"${outcome}" is no outcome.`, `Those there are: ${OUTCOMES.join(', ')}.`, {
        exitCode: EXIT.usage,
      });
    if (why.trim() === '')
      throw new CliError('A decision needs a reason.', 'Give one with --why.', { exitCode: EXIT.usage });
    const result = await deskOf(services).decide(id, caseId, { outcome: outcome as CaseOutcome, by, why, memberId });
    if (result.kind === 'decided') {
      const { case: one } = result;
      return { json: jsonOf(one), lines: [`${one.id} is decided: ${one.outcome}`] };
    }
    switch (result.code) {
      case 'no_such_case':
        throw noSuchCase(caseId);
      case 'no_such_member':
        throw new CliError(`There is no member "${memberId}".`, 'Give the id of one of the account, mem_….');
      case 'awaits_nobody':
        throw new CliError(`The case is decided already: ${result.case.outcome}.`, '"cases show" tells by whom.');
      case 'not_for_this_case':
        throw new CliError(`This case does not end that way now.`, `It can be: ${result.allowed.join(', ')}.`);
    }
  });
}

/** What is ordered or asked for is found by the service at its next look. */
function deskOf({ store, now }: Services) {
  const clock = { now };
  const nobody = () => {};
  const review = createReview({ store, clock, onDecided: nobody });
  const reattribute = createReattribute({ store, clock, onAsked: nobody });
  return createDesk({ store, clock, review, reattribute, newId: () => '', onAsked: nobody });
}

function noSuchCase(caseId: string): CliError {
  return new CliError(`There is no case "${caseId}".`, '"cases list --all" shows those there are.');
}

function jsonOf(one: Case) {
  const { id, kind, topic, severity, state, owner, isOverdue, outcome, referralId, rewardId, summary } = one;
  return {
    id,
    kind,
    topic,
    severity,
    state,
    owner,
    overdue: isOverdue,
    outcome,
    referralId,
    rewardId,
    summary,
    value: one.value && textOf(one.value),
    openedAt: isoOf(one.openedAt),
    dueAt: one.dueAt === null ? null : isoOf(one.dueAt),
  };
}
