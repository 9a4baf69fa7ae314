import { ORG_THEME, type Theme } from './faults.ts';
import type { Edit } from './hooks.ts';

/** A mistake that somebody could make. The simulation has to find each one. */
export interface Bug {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** What a history has to be about for it to show; absent: anything. */
  readonly theme?: Theme;
}

function bug(name: string, ...edits: ReadonlyArray<readonly [file: string, find: string, replace: string]>): Bug {
  return { name, edits: edits.map(([file, find, replace]) => ({ file, find, replace })) };
}

function inTheme(theme: Theme, bugs: readonly Bug[]): Bug[] {
  return bugs.map((one) => ({ ...one, theme }));
}

/**
 * Some are not among them as they are, for alone they would do no harm. "No AUTOINCREMENT": nothing reads the inbox by a cursor and nothing deletes from
 * it, so no number is given out again. "No claim fence when records are settled": who comes too late is refused by the versions of what was
 * read as well ("stale facts win"), and a decision that was made meanwhile has the same id. "No fence for an order": the receiver knows the
 * key and says the same twice, and a payout that is settled twice is refused by the key of its booking; so both guards are taken away. So are they for "no fence
 * for a write": whoever comes too late with an older one has it written once more, since more is wanted by then.
 */
export const BUGS: readonly Bug[] = [
  bug(
    'no dedupe in the inbox',
    ['store/inbox.ts', 'on conflict (account_id, connection_id, event_key) do nothing\n', ''],
    ['store/migrations/0001-start.ts', ',\n      UNIQUE (account_id, connection_id, event_key)', ''],
  ),
  bug('acknowledged before the commit', [
    'application/receive.ts',
    'const { accepted, duplicates } = await deps.inbox.append(connection, hints, now);',
    'const { accepted, duplicates } = { accepted: hints.length, duplicates: 0 }; void deps.inbox.append(connection, hints, now);',
  ]),
  bug('an echo is news', ['store/inbox.ts', "return kind !== 'ignored' && !echo;", "return kind !== 'ignored';"]),
  bug('one portal for all accounts', [
    'store/connections.ts',
    ".where('external_id', '=', externalId)\n          // The",
    '// The',
  ]),
  bug('settled though newer hints came', [
    'store/work.ts',
    'due_at = case when work.wanted = held.wanted then $' + '{NEXT_WAKE} else work.run_at end',
    'due_at = $' + '{NEXT_WAKE}',
  ]),
  bug(
    'no fence for an order, and no key for a booking',
    [
      'store/payouts.ts',
      'and id = $' + '{intent.id} and claim = $' + '{claim}`;',
      'and id = $' + '{intent.id} and $' + "{claim} <> ''`;",
    ],
    ['store/payouts.ts', "and intents.claim = held.claim and intents.state = 'pending'`", "and held.claim <> ''`"],
    [
      'domain/ledger.ts',
      'id: journalId(reward.id, kind, decisionId),',
      "id: derivedId('jrn', reward.id, kind, recordedAt),",
    ],
  ),
  bug(
    'no fence for a write, which answers for what was asked for meanwhile',
    ['store/mirror.ts', 'and mirror.claim is distinct from done.claim`', 'and 1 = 0`'],
    [
      'store/mirror.ts',
      'and mirror.record_id = done.record_id and mirror.claim = done.claim`',
      'and mirror.record_id = done.record_id`',
    ],
    [
      'store/mirror.ts',
      'due_at = case when mirror.wanted > done.wanted then mirror.run_at\n              when',
      'due_at = case when',
    ],
  ),
  bug('a claim has no end', ['store/queue.ts', 'due_at = $' + '{input.now + input.leaseMs}`;', 'due_at = null`;']),
  bug('a lease is over at once', [
    'store/queue.ts',
    'due_at = $' + '{input.now + input.leaseMs}`;',
    'due_at = $' + '{input.now}`;',
  ]),
  bug('stale facts win', ['store/commit.ts', "if (!isCurrent) return 'outdated';", '']),
  bug('lost optimistic version', ['store/commit.ts', ' and $' + '{table}.version = next.version - 1`', '`']),
  bug('an order is not withdrawn', [
    'store/commit.ts',
    'await cancelIntents(session, accountId, plan.cancelledIntentIds);',
    '',
  ]),
  bug('float money', [
    'domain/money.ts',
    'const product = base.minor * BigInt(basisPoints);',
    'return { minor: BigInt(Math.round((Number(base.minor) / 100) * (basisPoints / 10_000) * 100)), currency: base.currency };\n  const product = base.minor * BigInt(basisPoints);',
  ]),
  bug('postings unbalanced', ['domain/ledger.ts', 'minor: -minor, currency', 'minor: -minor + 1n, currency']),
  bug('a random key for each order', [
    'domain/plan.ts',
    "id: derivedId('pay', reward.id)",
    "id: derivedId('pay', reward.id, (globalThis.drawn = (globalThis.drawn ?? 0) + 1))",
  ]),
  bug('a new key for each attempt', [
    'application/deliver.ts',
    'key: intent.id,',
    'key: `$' + '{intent.id} $' + '{payout.attempts}`,',
  ]),
  bug('reversed while the provider is asked', [
    'domain/reward.ts',
    'draft.putReward({ ...reward, reversalPending: true, reason: decision.reason, updatedAt: times.recordedAt });',
    "end(draft, reward, 'voided', decision.reason, decision.id, times);",
  ]),
  bug('a reversal that waited is forgotten', [
    'domain/reward.ts',
    "if (pending) end(draft, issued, 'clawed_back', reward.reason, null, times);",
    '',
  ]),
  bug('the end of a hold is forgotten', [
    'domain/reward.ts',
    "if (state === 'held' && granted.releaseAt !== null) draft.wake({ record: granted.deal, at: granted.releaseAt });",
    '',
  ]),
  bug('a hold is not observed', [
    'domain/chains.ts',
    'const releaseAt = holdEnd(rule, since);',
    'const releaseAt: number | null = null;',
  ]),
  bug('only the present is read', [
    'domain/decide.ts',
    'const moments = momentsOf(deals).filter((at) => at > decidedUpTo);',
    'const moments: number[] = [];',
  ]),
  bug('nothing is taken back', [
    'domain/chains.ts',
    "return dealAt.stage !== null && dealAt.since[rule ? triggerOf(rule) : 'won'] === null;",
    'return false;',
  ]),
  bug('an unlinked deal is ignored', [
    'domain/chains.ts',
    "if (known) close(chain, reason(known.presence === 'present' ? 'deal_detached' : 'deal_deleted'), now);",
    "if (known && known.presence !== 'present') close(chain, reason('deal_deleted'), now);",
  ]),
  bug('a deleted deal is ignored', [
    'domain/chains.ts',
    "if (known) close(chain, reason(known.presence === 'present' ? 'deal_detached' : 'deal_deleted'), now);",
    "if (known && known.presence === 'present') close(chain, reason('deal_detached'), now);",
  ]),
  bug('paid for every deal', [
    'domain/chains.ts',
    'standingReward(other) !== undefined ||\n          hasExpired(other) ||',
    'hasExpired(other) ||',
  ]),
  bug('won is what is called won', [
    'domain/mapping.ts',
    "return probability === 1 ? 'won' : 'lost';",
    "return probability === 1 || /won/i.test(arguments[0].label) ? 'won' : 'lost';",
  ]),
  bug('everything is euros', [
    'domain/eligibility.ts',
    "function readPoint(point: DealPoint): OwnAmount {\n  const currency = point.currency?.trim().toUpperCase() ?? '';",
    "function readPoint(point: DealPoint): OwnAmount {\n  const currency = 'EUR';",
  ]),
  bug('a failed read is a missing record', [
    'application/gather.ts',
    'const found = await readFrom(ids);',
    'const found = await readFrom(ids).catch((): F[] => []);',
  ]),
  bug('the sweep asks for nothing', ['application/reconcile.ts', 'await store.work.ask(accountId, wakes);', '']),
  bug('mirror acknowledged whatever came of it', [
    'application/deliver.ts',
    "const written = changed.filter(({ item }) => outcomes.get(item.record.id)?.result === 'written');",
    'const written = changed;',
  ]),
  bug('mirror acknowledged before it is written', [
    'application/deliver.ts',
    'const [first] = changed;\n',
    'const [first] = changed;\n    await store.mirror.acknowledge(changed, clock.now());\n',
  ]),
  bug('mirror never marked for the member', [
    'domain/decide.ts',
    'draft.markMirror(draft.member(referral.memberId)?.contact ?? null);',
    '',
  ]),
  bug('token refresh not serialised', [
    'application/connect.ts',
    'if (await store.leases.acquire(lease, holder, clock.now(), clock.now() + REFRESH_LEASE_MS)) {',
    'if (lease) {',
  ]),
  bug('a merged deal is another deal', [
    'domain/chain-book.ts',
    '(ref.id === deal.id || formerIds.includes(deal.id)),',
    'ref.id === deal.id,',
  ]),
  bug('a decision recorded before the one it follows', [
    'domain/chains.ts',
    'recordedAt: Math.max(presentOf(referral, now), ...chain.decisions.map((earlier) => earlier.recordedAt)),',
    'recordedAt: presentOf(referral, now),',
  ]),
  bug('a deal merged away is judged beside its survivor', [
    'domain/decide.ts',
    'const open = friends.map(withoutMergedAway).sort(',
    'const open = [...friends].sort(',
  ]),
  bug('of two deals that became one only the newest decision counts', [
    'domain/chains.ts',
    'return rewards.findLast(',
    'return [newestReward(chain)].findLast(',
  ]),
  bug('what is remembered of a record outlives its merge', [
    'store/records.ts',
    'for (const facts of read) if (facts.formerIds.length > 0) await markMergedAway(session, accountId, facts);',
    '',
  ]),
  bug("a sweep remembers its node's own time", [
    'application/reconcile.ts',
    'upTo ??= page.asOf;',
    'upTo ??= clock.now();',
  ]),
  bug('of the referrals of a merged person only one runs on', [
    'domain/decide.ts',
    'for (const other of [...joined, ...once]) followUp(draft, state, other, friend, contacts, now);',
    '',
  ]),
  bug('open deals are not looked at again', [
    'domain/decide.ts',
    "if (stage === 'opportunity') look(",
    "if (stage === 'lost') look(",
  ]),
  bug('rewarded deals are not looked at again', [
    'domain/decide.ts',
    "if (referralId === referral.id && state !== 'held' && STANDING_STATES.includes(state)) look(",
    "if (referralId === '') look(",
  ]),
  bug('new properties stay empty', [
    'application/provision.ts',
    'await store.mirror.markAll(accountId, id, clock.now())',
    'await Promise.resolve()',
  ]),
  bug('a token that was renewed meanwhile ends the connection', [
    'application/connect.ts',
    "if (newer && newer.version !== version) return seal.open(newer.accessToken, tokenContext(accountId, 'access'));",
    '',
  ]),
  bug('the people of a deleted deal are forgotten', [
    'application/gather.ts',
    'const peopleOfGone = new Map([...known].filter(([id]) => isGone(id)));',
    'const peopleOfGone = new Map<string, string[]>();',
  ]),
  bug('a write that came too late is the last word', [
    'store/mirror.ts',
    'and mirror.claim is distinct from done.claim`',
    'and 1 = 0`',
  ]),
  bug('what was granted under a limit is never given back', [
    'domain/reward.ts',
    'updatedAt: recordedAt });\n  for (const change of givenBack(reward.uses)) draft.count(change);',
    'updatedAt: recordedAt });',
  ]),
  bug('a limit of money lets everything through that fits in part', [
    'domain/limit.ts',
    'if (isMet && left < money.minor) money = { minor: left, currency };',
    '',
  ]),
  bug('a grant is counted twice under a limit', [
    'domain/reward.ts',
    "for (const use of granted.uses) draft.count(use, 'rests');",
    "for (const use of granted.uses) { draft.count(use, 'rests'); if (use.count > 0 && state === 'approved') draft.count(use); }",
  ]),
  bug('room comes and nobody in the line is told', [
    'store/tallies.ts',
    'await wakeWaiting(session, accountId, all.filter(givesRoom), at);',
    '',
  ]),
  bug('the line is not kept', ['store/commit.ts', 'await keepWaiting(session, accountId, plan.waiting);', '']),
  bug('an entry in the budget that is sent twice counts twice', [
    'store/budgets.ts',
    'if (inserted.length === 0) {',
    'if (inserted.length < 0) {',
  ]),
  bug(
    'approved twice is paid twice',
    [
      'application/review.ts',
      "if (!awaitsPerson(reward)) return { kind: 'refused', code: 'awaits_nobody', reward };",
      '',
    ],
    ['domain/review.ts', 'if (!awaitsPerson(reward)) throw', 'if (!reward) throw'],
  ),
  bug('the end of a hold makes a person needless', [
    'domain/chains.ts',
    "const isToReview = reward.review === 'needed';",
    "const isToReview = reward.review === 'none' && reward.state !== 'held';",
  ]),
  bug('what a person rejected is granted again', [
    'domain/chains.ts',
    'if (standingReward(chain) || wasRejected(chain) || hasExpired(chain)) return;',
    'if (standingReward(chain) || hasExpired(chain)) return;',
  ]),
  bug('a cut is taken again by every look', [
    'domain/chains.ts',
    'const stands: Money = { minor: standingMinor(reward), currency: reward.money.currency };',
    'const stands: Money = { minor: reward.money.minor, currency: reward.money.currency };',
  ]),
  bug('what changes while the provider is asked is forgotten', [
    'domain/chains.ts',
    'draft.wake({ record: reward.deal, at: now + ASK_AGAIN_MS });',
    '',
  ]),
  bug('what was kept for a debt is sent all the same', [
    'application/deliver.ts',
    'const money = { minor: orderedMinor(reward), currency: reward.money.currency };',
    'const money = { minor: reward.money.minor, currency: reward.money.currency };',
  ]),
  bug('who had a referral before keeps what it brought', [
    'domain/re-attribute.ts',
    "chains.endForMember(reason('re_attributed', { by, why }));",
    '',
  ]),
  bug('nobody looks at the deals of a referral that was moved', [
    'domain/re-attribute.ts',
    'if (contact) draft.wake({ record: contact, at });',
    '',
  ]),
  bug("an order that is on its way to the former member is the new one's", [
    'domain/chains.ts',
    'if (pending?.reversalPending && pending.beneficiaryId === beneficiaryId) {',
    'if (pending?.reversalPending) {',
  ]),
  bug('a tier is kept without the wins for it', [
    'domain/tier.ts',
    'if (down.days === 0 || (isAtRisk',
    'if ((down.days === 0 && isAtRisk) || (isAtRisk',
  ]),
  bug('the reward for a tier is paid for each win above it', [
    'domain/program.ts',
    'return isOncePerMember(rule) ? [...limits, ONCE] : limits;',
    'return limits;',
  ]),
  bug('of two members in one plan one is looked at again', [
    'domain/plan.ts',
    'tierLooks.set(`$' + '{look.memberId} $' + '{look.programId}`, look)',
    "tierLooks.set('', look)",
  ]),
  bug('what a person has allowed is blocked again', [
    'domain/chains.ts',
    "return risk !== undefined && risk.verdict !== 'pass' && !isAllowed;",
    "return risk !== undefined && risk.verdict !== 'pass' && isAllowed !== null;",
  ]),
  bug('what is blocked is paid at the second look', [
    'domain/chains.ts',
    "if (risk?.verdict === 'block' && isDoubtful(chain, risk)) {",
    "if (risk?.verdict === 'block' && isDoubtful(chain, risk) && chain.decisions.length === 0) {",
  ]),
  bug('doubt is forgotten when the hold ends', [
    'domain/chains.ts',
    'isReviewed(rule, limited.money) ||\n      isDoubtful(chain, risk);',
    'isReviewed(rule, limited.money) ||\n      (releaseAt === null && isDoubtful(chain, risk));',
  ]),
  bug('a case outlives what it was about', [
    'domain/case.ts',
    'else settles.push({ dedupeKey, word: wordOn(reward) });',
    '',
  ]),
  bug('what is told before the answer is forgotten', [
    'domain/reward.ts',
    "if (reward.state === 'approved' || reward.state === 'issuing') return 'later';",
    "if (reward.state === 'approved' || reward.state === 'issuing') return 'nothing';",
  ]),
  bug('what came back is owed all the same', ['domain/reward.ts', 'owe(draft, settled, -minor);', '']),
  bug('what was to be undone is left with whoever has it', [
    'domain/reward.ts',
    "draft.addIntent({ ...intentFor(reward), kind: 'cancel', at: null });",
    'void 0;',
  ]),
  bug('what was used is taken for undone', [
    'application/deliver.ts',
    "isUndone: outcome === 'cancelled'",
    "isUndone: outcome !== 'cancelled'",
  ]),
  bug('a copy of a deal is decided on beside its source', [
    'domain/copies.ts',
    'if (!isCopy(state, deal, key, own)) return undefined;',
    'if (key !== null) return undefined;',
  ]),
  bug('nobody tells the other CRM what was decided in this one', [
    'domain/decide.ts',
    'if (state.elsewhere) tellElsewhere(draft, state, referral, friend, isNews, now);',
    '',
  ]),
  bug('what is known of a person in another CRM is not what is shown there', [
    'store/identity-edges.ts',
    'where account_id = $' + '{accountId} and until is null and $' + "{dialect.isIn('subject', people)}`.execute(db);",
    'where 1 = 0`.execute(db);',
  ]),
  bug('of a shared credit each part is rounded by itself', [
    'domain/amount.ts',
    'minor: money.minor - assists.minor }',
    'minor: (money.minor * BigInt(100 - share.percent) + 99n) / 100n }',
  ]),
  bug('the assist gets a part beside the whole', [
    'domain/chains.ts',
    "rule.party === 'assist' && !leavesPart(",
    "rule.key === '' && !leavesPart(",
  ]),
  bug('a colleague is nobody’s', [
    'domain/attribution-policy.ts',
    "return sources.includes('company');",
    'return sources.length === 0;',
  ]),
  bug('each of two who carry out a click has an answer of their own', [
    'application/card-actions.ts',
    '(await store.cardActions.answer(connection, key, made)) as ActionResponse',
    '((await store.cardActions.answer(connection, key, made)) as ActionResponse) && made',
  ]),
  bug('what happens to a referral makes no wait due', [
    'store/commit.ts',
    'await lookAtWaits(session, accountId, plan, at);',
    '',
  ]),
  bug('a workflow that does not know of its wait yet is given up at once', [
    'application/tell-workflows.ts',
    "return now - wait.begunAt > UNKNOWN_AT_FIRST_MS ? 'forgotten' : 'too_early';",
    "return wait.begunAt > 0 ? 'completed' : 'too_early';",
  ]),
  bug('two CRMs meet one person at once, and each opens a referral', [
    'store/commit.ts',
    'if (commit.isOneOfSeveral) await refuseDoubles(session, accountId, plan);',
    '',
  ]),
  bug('history is paid by itself', [
    'domain/eligibility.ts',
    "if (without.kind !== 'pays') return verdict;",
    'return without;',
  ]),
  bug('what a person has released is history still', [
    'domain/chains.ts',
    'isReleased: isReleased(chain),',
    'isReleased: false && isReleased(chain),',
  ]),
  bug('a program that was not chosen is joined', [
    'domain/program-choice.ts',
    'return inForce?.programIds?.includes(programId) ?? true;',
    'return inForce?.programIds?.includes(programId) !== undefined || true;',
  ]),
  bug('a choice is one for the past as well', [
    'domain/program-choice.ts',
    'choice.connectionId === connectionId && choice.at <= submittedAt);',
    'choice.connectionId === connectionId && submittedAt > 0);',
  ]),
  bug('a backfill remembers how far it has come and not what it found', [
    'application/backfill.ts',
    'store.backfills.advance(next, wakes)',
    'store.backfills.advance(next, [])',
  ]),
  bug('an alert outlives the drift that it tells of', [
    'application/drift-watch.ts',
    'gone.map(({ dedupeKey }) => ({ dedupeKey, word })),',
    '[],',
  ]),
  bug('what is seen in a look is what an admin has seen', [
    'application/drift-watch.ts',
    'baseline: { ...baseline, properties: withNewProperties(baseline.properties, observed) },',
    'baseline: baselineOf(observed, baseline),',
  ]),
  bug('a report has everything written again', [
    'application/reconciliation.ts',
    "if (outcome?.result === 'same') await say('mirrored', 'same', '');",
    "if (outcome?.result === 'same') { await say('mirrored', 'same', ''); again.push(record); }",
  ]),
  bug('a report leaves what differs as it is', [
    'application/reconciliation.ts',
    'if (again.length > 0) await store.syncReports.rewrite(accountId, again, at);',
    '',
  ]),
  bug('a report tells of a deal that was missed and has nobody look at it', [
    'application/reconciliation.ts',
    "if (verdict.list === 'unexplained') missing.push(deal.id);",
    '',
  ]),
  bug('a task without an answer is asked for again', [
    'application/case-tasks.ts',
    'if (task.askedAt !== null) {',
    'if (task.askedAt === -1) {',
  ]),
  bug('a task outlives its case', [
    'application/case-tasks.ts',
    'await each(() => caseTasks.over(clock.now(), PAGE), complete, signal);',
    '',
  ]),
  bug('who cuts a batch approves it', [
    'application/payout-batches.ts',
    "if (approval === 'four_eyes' && batch.cutBy === by) return { ok: false, why: 'same_person' };",
    '',
  ]),
  bug('an order does not wait for its batch', [
    'store/batches.ts',
    "if (rows[0] && rows[0].approved_at !== null) return 'go';",
    "if (rows[0]) return 'go';",
  ]),
  bug('an approved batch is sent by nobody', [
    'store/batches.ts',
    'if (numAffectedRows !== 1n) return false;\n        await releaseOrders(session, accountId, batchId, now);',
    'if (numAffectedRows !== 1n) return false;',
  ]),
  bug('what the bank has refused is booked as paid', [
    'payout/manual/provider.ts',
    "return { ok: false, why: item.why ?? 'refused by finance' };",
    'return { ok: true, reference: item.batchId, voucher: null };',
  ]),
  bug('of a debt that was paid in part all is written off', [
    'domain/write-off.ts',
    'const owed = claimed < debt ? claimed : debt;',
    'const owed = claimed < debt ? debt : claimed;',
  ]),
  bug('a version is as old as the clock of its node', [
    'store/programs.ts',
    'Math.max(now, before?.publishedAt ?? 0)',
    'now',
  ]),
  bug('what was refused is not told again', [
    'domain/webhook.ts',
    "pause === undefined ? { state: 'failed' } :",
    "pause !== undefined || now > 0 ? { state: 'failed' } :",
  ]),
  bug('no answer is taken for a yes', [
    'domain/webhook.ts',
    'if (attempt.problem === null) {',
    'if (attempt.problem === null || attempt.status === null) {',
  ]),
  bug('of a reward that is taken back nobody is told', [
    'domain/webhook-event.ts',
    'const moved = stood?.state !== state && ofState !== undefined ? [ofState] : [];',
    "const moved = stood?.state !== state && ofState !== undefined && state !== 'voided' ? [ofState] : [];",
  ]),
  bug('each attempt has an id of its own', [
    'application/send-webhooks.ts',
    'eventId: delivery.eventId, body: delivery.body });',
    'eventId: delivery.eventId + String(delivery.attempts || ""), body: delivery.body });',
  ]),
  ...inTheme('trial', [
    bug(
      'a test pays by what its rules say',
      [
        'domain/test-run.ts',
        'return { ...atOnce, holdDays: 0, payout: TEST_PROVIDER };',
        'return { ...atOnce, holdDays: 0 };',
      ],
      [
        'application/payout-accounts.ts',
        'isTestAccount(accountId) === (name === TEST_PROVIDER);',
        'isTestAccount(accountId) || name !== TEST_PROVIDER;',
      ],
    ),
    bug('what a test has shown stays in the CRM', [
      'store/test-runs.ts',
      'rows.map((row) => refOf(row)),\n    now,',
      '[],\n    now,',
    ]),
    bug('what a test has granted stands when it is over', [
      'application/test-runs.ts',
      'for (const reward of rewards.filter(canBeTakenBack)) await',
      'if (rewards.length >= 0) return true;\n    for (const reward of rewards.filter(canBeTakenBack)) await',
    ]),
    bug('what a test shows is not marked as one', [
      'application/compose-mirror.ts',
      'rewardState: marked(values.rewardState), ',
      '',
    ]),
    bug('a deal that was won for a test is revenue', [
      'domain/test-run.ts',
      'return wonAt + CLOCK_SKEW_ALLOWED_MS >= startedAt && (endedAt === null || wonAt <= endedAt);',
      'return wonAt + CLOCK_SKEW_ALLOWED_MS < startedAt && endedAt === null;',
    ]),
    bug('a late write of a test is the last word', [
      'store/test-runs.ts',
      'unsure_until = $' + '{unsureUntil} where',
      'unsure_until = null where cast($' + '{unsureUntil} as integer) > 0 and',
    ]),
  ]),
  bug('a lost deal is expected to be won', [
    'application/outlooks.ts',
    "since.won === null && stage !== 'lost') ?? null;",
    'since.won === null) ?? null;',
  ]),
  bug('a chance that nobody knows is one of a hundred', [
    'domain/forecast.ts',
    'chance: own ?? stageChance,',
    'chance: own ?? Math.min(stageChance ?? 100, 4_000),',
  ]),
  ...inTheme(ORG_THEME, [
    bug('the place in a stream is kept before what came with it', [
      'application/listen.ts',
      'const { accepted, duplicates } = await store.inbox.append(connection, hints, now, { position, sweepFrom });',
      'await store.inbox.append(connection, [], now, { position, sweepFrom });\n    const { accepted, duplicates } = await store.inbox.append(connection, hints, now);',
    ]),
    bug('a lost place is asked for again and again', [
      'application/listen.ts',
      'await store.connections.loseStreamPosition(accountId, id);',
      '',
    ]),
    bug('the row of a referral goes on naming a friend who was forgotten', [
      'application/compose-rows.ts',
      '...(referral.friendErasedAt === undefined ? {} : { isErased: true }),',
      '',
    ]),
    bug('what was decided for whose deal it was before ends in silence', [
      'application/compose-rows.ts',
      'toldOf(source, also.decisions, names).map((one) => rewardRow(one, also.referral, record.id, names)),',
      'toldOf(source, [], names).map((one) => rewardRow(one, also.referral, record.id, names)),',
    ]),
  ]),
];
