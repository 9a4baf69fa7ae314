/** Counts API calls per org and route, so that a test can say how many calls a piece of work cost. */

export interface CallCount {
  /** null: no org was named, as with a bad token. */
  orgId: string | null;
  method: string;
  /** The route, without ids. */
  route: string;
  count: number;
  statuses: Record<string, number>;
}

export interface Calls {
  record(orgId: string | null, method: string, route: string, status: number): void;
  list(): CallCount[];
  clear(): void;
}

export function createCalls(): Calls {
  const counts = new Map<string, CallCount>();
  return {
    record(orgId, method, route, status) {
      const key = `${orgId} ${method} ${route}`;
      const found = counts.get(key) ?? { orgId, method, route, count: 0, statuses: {} };
      counts.set(key, found);
      found.count += 1;
      found.statuses[status] = (found.statuses[status] ?? 0) + 1;
    },
    list: () => [...counts.values()],
    clear: () => counts.clear(),
  };
}
