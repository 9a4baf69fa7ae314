import type { Edit } from './hooks.ts';

/** A mistake that somebody could make. The simulation has to find each one. */
export interface Bug {
  readonly name: string;
  readonly edits: readonly Edit[];
}

function bug(name: string, ...edits: ReadonlyArray<readonly [file: string, find: string, replace: string]>): Bug {
  return { name, edits: edits.map(([file, find, replace]) => ({ file, find, replace })) };
}

/**
 * "No AUTOINCREMENT" is not among them: nothing here reads the inbox by a cursor and nothing deletes from it, so a number that is given
 * out again would do no harm.
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
    'due_at = case when work.wanted = held.wanted then $' + '{nextWake} else work.run_at end',
    'due_at = $' + '{nextWake}',
  ]),
  bug('no claim fence when settling', ['store/work.ts', 'if (rows.length < items.length) return false;', '']),
  bug('a claim has no end', ['store/queue.ts', 'due_at = $' + '{input.now + input.leaseMs}`;', 'due_at = null`;']),
  bug('a lease is over at once', [
    'store/queue.ts',
    'due_at = $' + '{input.now + input.leaseMs}`;',
    'due_at = $' + '{input.now}`;',
  ]),
  bug('stale facts win', ['store/commit.ts', "if (!(await areCurrent(session, commit))) return 'outdated';", '']),
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
    "id: derivedId('pay', reward.id, reward.version)",
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
    'if (isHeld && granted.releaseAt !== null) draft.wake({ record: granted.deal, at: granted.releaseAt });',
    '',
  ]),
  bug('a hold is not observed', [
    'domain/decide.ts',
    'const releaseAt = rule.holdDays > 0 ? addDays(dealAt.wonSince, rule.holdDays) : null;',
    'const releaseAt: number | null = null;',
  ]),
  bug('only the present is read', [
    'domain/decide.ts',
    'const moments = momentsOf(deals).filter((at) => at > decidedUpTo);',
    'const moments: number[] = [];',
  ]),
  bug('nothing is taken back', ['domain/decide.ts', 'return stage !== null && wonSince === null;', 'return false;']),
  bug('an unlinked deal is ignored', [
    'domain/decide.ts',
    "if (known) close(chain, reason(known.presence === 'present' ? 'deal_detached' : 'deal_deleted'), now);",
    "if (known && known.presence !== 'present') close(chain, reason('deal_deleted'), now);",
  ]),
  bug('a deleted deal is ignored', [
    'domain/decide.ts',
    "if (known) close(chain, reason(known.presence === 'present' ? 'deal_detached' : 'deal_deleted'), now);",
    "if (known && known.presence === 'present') close(chain, reason('deal_detached'), now);",
  ]),
  bug('paid for every deal', [
    'domain/decide.ts',
    'standingReward(other) !== undefined,',
    'standingReward(other) !== undefined && other.dealIds.length > 99,',
  ]),
  bug('won is what is called won', [
    'domain/mapping.ts',
    "return probability === 1 ? 'won' : 'lost';",
    "return probability === 1 || /won/i.test(arguments[0].label) ? 'won' : 'lost';",
  ]),
  bug('everything is euros', [
    'domain/eligibility.ts',
    "const currency = point.currency?.trim().toUpperCase() ?? '';",
    "const currency = 'EUR';",
  ]),
  bug('a failed read is a missing record', [
    'application/gather.ts',
    'const found = await readFrom(ids);',
    'const found = await readFrom(ids).catch((): F[] => []);',
  ]),
  bug('the sweep asks for nothing', ['application/reconcile.ts', 'await store.work.ask(accountId, wakes);', '']),
  bug('mirror acknowledged whatever came of it', [
    'application/deliver.ts',
    "changed.filter(({ item }) => outcomes.get(item.record.id)?.result === 'written'),",
    'changed,',
  ]),
  bug('mirror acknowledged before it is written', [
    'application/deliver.ts',
    'const session = openSession(connection);\n',
    'const session = openSession(connection);\n    await store.mirror.acknowledge(changed, clock.now());\n',
  ]),
  bug('mirror never marked for the member', [
    'domain/decide.ts',
    'draft.markMirror(draft.member(referral.memberId)?.contact ?? null);',
    '',
  ]),
  bug('token refresh not serialised', [
    'application/connect.ts',
    'if (await store.leases.acquire(lease, owner, clock.now(), clock.now() + REFRESH_LEASE_MS)) {',
    'if (lease) {',
  ]),
  bug('a merged deal is another deal', [
    'domain/decide.ts',
    'const current = friend.deals.find(({ ref, formerIds }) => ref.id === deal.id || formerIds.includes(deal.id));',
    'const current = friend.deals.find(({ ref }) => ref.id === deal.id);',
  ]),
];
