import type { Meaning } from './mapping-proposal.ts';

/*
 * Who of the customer's own people owns the deals that a program is about, and what follows from that: who would be judged as a customer
 * though they are staff, and who could be given the tasks of cases. It is told with its reason; nothing of it is set by anybody but an admin.
 */

/** More are counted together: an admin looks at those who own most. */
const OWNERS_SHOWN_MAX = 25;
/** Fewer open deals than this make nobody the one who should look after them. */
const OPEN_MIN = 3;

/** Somebody of the customer's own people, as the CRM knows them. */
export interface DealOwner {
  readonly id: string;
  readonly name: string | null;
  readonly isActive: boolean;
  /** The member with the same e-mail address, where there is one. */
  readonly member: { readonly id: string; readonly isStaff: boolean } | null;
}

/** A past deal with who owns it now, and what the proposal says of where it stands. */
export interface OwnedDeal {
  readonly pipelineId: string;
  readonly ownerId: string | null;
  /** Null where the CRM has the stage no more. */
  readonly stage: Meaning | null;
}

export interface OwnerFigures {
  readonly ownerId: string;
  /** Null for one who is a member: the member tells, and is forgotten like any other. */
  readonly name: string | null;
  readonly memberId: string | null;
  readonly isActive: boolean;
  readonly deals: number;
  readonly open: number;
  readonly won: number;
  readonly pipelines: ReadonlyArray<{ readonly pipelineId: string; readonly deals: number }>;
}

export const OWNER_SUGGESTIONS = ['staff', 'tasks'] as const;

export interface OwnerSuggestion {
  /** `staff`: say that this member is one of the account's own. `tasks`: let them have the tasks of cases. */
  readonly kind: (typeof OWNER_SUGGESTIONS)[number];
  readonly ownerId: string;
  readonly memberId: string | null;
  readonly text: string;
}

export interface OwnersProposal {
  /** Deals in pipelines of which some stage is won. */
  readonly deals: number;
  readonly withoutOwner: number;
  /** Those who own most, most first. */
  readonly owners: readonly OwnerFigures[];
  /** How many more there are. */
  readonly others: number;
  readonly suggestions: readonly OwnerSuggestion[];
}

/** `hasTasks`: the CRM can be given tasks, and nobody has said yet whose they are. */
export function proposeOwners(
  deals: readonly OwnedDeal[],
  owners: readonly DealOwner[],
  { hasTasks }: { readonly hasTasks: boolean },
): OwnersProposal {
  const known = new Map(owners.map((owner) => [owner.id, owner]));
  const owned = Map.groupBy(
    deals.filter(({ ownerId }) => ownerId !== null),
    ({ ownerId }) => String(ownerId),
  );
  const figures = [...owned]
    .map(([ownerId, own]) => figuresOf(ownerId, known.get(ownerId), own))
    .sort((a, b) => b.deals - a.deals || (a.ownerId < b.ownerId ? -1 : 1));
  const staff = figures.filter(({ ownerId }) => known.get(ownerId)?.member?.isStaff === false);
  return {
    deals: deals.length,
    withoutOwner: deals.filter(({ ownerId }) => ownerId === null).length,
    owners: figures.slice(0, OWNERS_SHOWN_MAX),
    others: Math.max(0, figures.length - OWNERS_SHOWN_MAX),
    suggestions: [...staff.map(asStaff), ...(hasTasks ? forTasks(figures) : [])],
  };
}

function figuresOf(ownerId: string, owner: DealOwner | undefined, own: readonly OwnedDeal[]): OwnerFigures {
  const member = owner?.member ?? null;
  return {
    ownerId,
    name: member === null ? (owner?.name ?? null) : null,
    memberId: member?.id ?? null,
    isActive: owner?.isActive ?? false,
    deals: own.length,
    open: own.filter(({ stage }) => stage !== null && stage !== 'won' && stage !== 'lost').length,
    won: own.filter(({ stage }) => stage === 'won').length,
    pipelines: [...Map.groupBy(own, ({ pipelineId }) => pipelineId)]
      .map(([pipelineId, here]) => ({ pipelineId, deals: here.length }))
      .sort((a, b) => b.deals - a.deals || (a.pipelineId < b.pipelineId ? -1 : 1)),
  };
}

function asStaff({ ownerId, memberId, deals }: OwnerFigures): OwnerSuggestion {
  return {
    kind: 'staff',
    ownerId,
    memberId,
    text: `Owns ${deals} of these deals and is a member by the same e-mail address, so a reward for a friend’s deal would go to somebody who works on deals. Say that they are a recruiter: the rules for your own people then apply to them.`,
  };
}

/** The one who looks after most of what is open; nobody where two look after as much. */
function forTasks(figures: readonly OwnerFigures[]): OwnerSuggestion[] {
  const active = figures.filter(({ isActive }) => isActive).toSorted((a, b) => b.open - a.open);
  const [first, second] = active;
  if (!first || first.open < OPEN_MIN || first.open === second?.open) return [];
  const open = figures.reduce((sum, one) => sum + one.open, 0);
  return [
    {
      kind: 'tasks',
      ownerId: first.ownerId,
      memberId: first.memberId,
      text: `Owns ${first.open} of the ${open} open deals that have an owner, more than anybody else. Tasks about reviews and disputes could be theirs: nobody is chosen for them yet.`,
    },
  ];
}
