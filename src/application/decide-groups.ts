import { sharedKeyOf } from '../domain/connections-policy.ts';
import { decide } from '../domain/decide.ts';
import type { State } from '../domain/plan.ts';
import type { RecordRef } from '../domain/record.ts';
import { addTo } from '../domain/tally.ts';
import type { Instant } from '../domain/time.ts';
import { colleaguesOf } from './colleagues.ts';
import type { Gathered } from './gather.ts';
import { type createParts, type Group, isDecidedOn } from './groups.ts';
import { elsewhereState, type OtherConnections } from './other-connections.ts';
import type { Commit, Connection, LoadedCase, RecordSnapshot } from './ports/store.ts';

/** What all groups of a batch are judged by. */
export interface Batch {
  readonly connection: Pick<Connection, 'id' | 'accountId' | 'connectedAt'>;
  /** What the account has published and chosen, and what its stages mean. */
  readonly rules: Pick<State, 'programs' | 'choices' | 'mapping' | 'attribution' | 'rates'>;
  readonly isProgramOpen: boolean;
  readonly others: OtherConnections | null;
  /** The CRM shows rows of ours, also of deals that nothing was decided on. */
  readonly keepsRows: boolean;
  readonly gathered: Gathered;
  /** When the first of the records was asked for. */
  readonly readAt: Instant;
}

export interface GroupWithPart {
  readonly group: Group;
  readonly part: ReturnType<ReturnType<typeof createParts>>;
}

export interface DecidedGroup {
  readonly group: Group;
  readonly commit: Commit;
}

/** Decides on one group after the other, as if each had been written before the next: what one takes from a limit is gone for the others. */
export function decideGroups(
  batch: Batch,
  groups: readonly GroupWithPart[],
  loaded: LoadedCase,
  now: Instant,
): DecidedGroup[] {
  const { connection, rules, others, gathered } = batch;
  const elsewhere = elsewhereState(others, loaded.others);
  const rowsOf = createRowsOf(batch, loaded);
  const tallies = new Map(loaded.tallies);
  let tiers = loaded.tiers ?? [];
  return groups.map(({ group, part }) => {
    const { accountId, connectedAt } = connection;
    const shared = { tallies, tiers, risk: loaded.risk, companies: loaded.companies };
    const state: State = { accountId, connectedAt, ...rules, ...elsewhere, ...part, ...shared };
    const plan = decide({ friends: group.friends, contacts: gathered.contacts, state, now });
    addTo(tallies, plan.tallies);
    tiers = [...tiers, ...plan.tierChanges];
    const commit: Commit = {
      accountId,
      plan: { ...plan, mirror: [...plan.mirror, ...rowsOf(group)] },
      snapshots: snapshotsOf(batch, group),
      restsOn: group.restsOn.map((ref) => ({ ref, basis: gathered.basisOf(ref) })),
      settles: group.items,
      erase: erasedIn(group),
      ...(others ? { isOneOfSeveral: true } : {}),
      choicesSeen: rules.choices?.length ?? 0,
      ...(batch.isProgramOpen ? {} : { programsMissed: rules.programs.length }),
      ...(loaded.companies ? { colleagues: colleaguesOf(connection.id, group, gathered, state, plan, now) } : {}),
    };
    return { group, commit };
  });
}

function snapshotsOf({ gathered, others, rules, readAt }: Batch, group: Group): RecordSnapshot[] {
  const judgedBy = { policy: others?.policy?.version ?? null, mapping: rules.mapping.version };
  return group.facts.map((facts) => {
    const basis = gathered.basisOf(facts.ref);
    const key = others?.policy ? { sharedKey: sharedKeyOf(others.policy.policy, facts) } : {};
    if (isDecidedOn(facts, group)) return { facts, readAt, basis, judgedBy, ...key };
    const { modifiedAt: _, ...unseen } = facts;
    return { facts: unseen, readAt: 0, basis, ...key };
  });
}

/** Whom the CRM was told to forget, also where a record has become one with theirs. */
function erasedIn({ items, facts }: Group): RecordRef[] {
  return [
    ...items.filter(({ erase }) => erase).map(({ record }) => record),
    ...facts.filter((one) => 'isErased' in one).map(({ ref }) => ref),
  ];
}

/** What a rule would make of an open deal changes with the deal, decided or not; a row of ours tells it. */
function createRowsOf({ keepsRows }: Batch, { referrals }: LoadedCase): (group: Group) => RecordRef[] {
  if (!keepsRows) return () => [];
  const friendIds = new Set(referrals.flatMap(({ friend }) => friend.contact?.id ?? []));
  return ({ facts }) =>
    facts.flatMap((one) =>
      'contactIds' in one && one.presence === 'present' && one.contactIds.some((id) => friendIds.has(id))
        ? [one.ref]
        : [],
    );
}
