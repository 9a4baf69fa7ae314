import { describe, expect, test } from 'vitest';
import { type DealOwner, type OwnedDeal, proposeOwners } from '../../src/domain/owner-proposal.ts';

const owner = (id: string, more: Partial<DealOwner> = {}): DealOwner => {
  return { id, name: `Owner ${id}`, isActive: true, member: null, ...more };
};
const deals = (ownerId: string | null, stages: readonly OwnedDeal['stage'][], pipelineId = 'p'): OwnedDeal[] =>
  stages.map((stage) => ({ pipelineId, ownerId, stage }));
const OPEN = 'opportunity';

describe('the owners of past deals', () => {
  test('are told with what is open and won, those who own most first', () => {
    const found = proposeOwners(
      [
        ...deals('1', [OPEN, 'won', 'lost']),
        ...deals('2', ['won', 'won', 'qualified', null]),
        ...deals('1', ['lost'], 'q'),
        ...deals(null, [OPEN]),
      ],
      [owner('1'), owner('2', { isActive: false })],
      { hasTasks: false },
    );
    expect(found).toMatchObject({ deals: 9, withoutOwner: 1, others: 0, suggestions: [] });
    expect(found.owners).toEqual([
      {
        ...{ ownerId: '1', name: 'Owner 1', memberId: null, isActive: true, deals: 4, open: 1, won: 1 },
        pipelines: [
          { pipelineId: 'p', deals: 3 },
          { pipelineId: 'q', deals: 1 },
        ],
      },
      {
        ...{ ownerId: '2', name: 'Owner 2', memberId: null, isActive: false, deals: 4, open: 1, won: 2 },
        pipelines: [{ pipelineId: 'p', deals: 4 }],
      },
    ]);
  });

  test('stand in one order, however the deals come: by how many they own, then by id', () => {
    const found = proposeOwners([...deals('b', [OPEN]), ...deals('c', [OPEN, 'won']), ...deals('a', [OPEN])], [], {
      hasTasks: false,
    });
    expect(found.owners.map(({ ownerId }) => ownerId)).toEqual(['c', 'a', 'b']);
  });

  test('beyond those that are shown are counted, and one whom the CRM does not name is told by the id', () => {
    const many = Array.from({ length: 30 }, (_, index) => deals(String(index), [OPEN])).flat();
    const found = proposeOwners(many, [], { hasTasks: true });
    expect([found.owners.length, found.others]).toEqual([25, 5]);
    expect(found.owners[0]).toMatchObject({ name: null, isActive: false });
    // Nobody who is not known to be active is given work.
    expect(found.suggestions).toEqual([]);
  });
});

describe('what is suggested', () => {
  test('says of a member who owns deals that they are the account’s own, unless that is said; no name of theirs is kept', () => {
    const found = proposeOwners(
      [...deals('1', ['won']), ...deals('2', ['won'])],
      [owner('1', { member: { id: 'mem_1', isStaff: false } }), owner('2', { member: { id: 'mem_2', isStaff: true } })],
      { hasTasks: true },
    );
    expect(found.suggestions).toMatchObject([{ kind: 'staff', ownerId: '1', memberId: 'mem_1' }]);
    expect(found.owners.map(({ name }) => name)).toEqual([null, null]);
  });

  test('gives the tasks to whoever looks after most that is open: active, ahead of the others, and with some of it', () => {
    const three = [...deals('1', [OPEN, OPEN, OPEN]), ...deals('2', [OPEN, OPEN])];
    const both = [owner('1'), owner('2')];
    expect(proposeOwners(three, both, { hasTasks: true }).suggestions).toMatchObject([{ kind: 'tasks', ownerId: '1' }]);
    expect(proposeOwners(three, both, { hasTasks: false }).suggestions).toEqual([]);
    expect(proposeOwners([...three, ...deals('2', [OPEN])], both, { hasTasks: true }).suggestions).toEqual([]);
    expect(proposeOwners(deals('1', [OPEN, OPEN]), both, { hasTasks: true }).suggestions).toEqual([]);
    const left = [owner('1', { isActive: false }), owner('2')];
    const more = [...three, ...deals('2', [OPEN])];
    expect(proposeOwners(more, left, { hasTasks: true }).suggestions).toMatchObject([{ ownerId: '2' }]);
  });
});
