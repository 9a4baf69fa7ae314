/** Counts API calls per portal, so that a test can say how many calls a piece of work cost. */

export interface CallCount {
  method: string;
  /** The route, as `/crm/objects/2026-03/:objectType/batch/read`. */
  path: string;
  count: number;
  statuses: Record<string, number>;
}

export interface PortalCalls {
  /** null: the call had no token that names a portal (OAuth, bad credentials). */
  portalId: number | null;
  total: number;
  routes: CallCount[];
}

export interface Calls {
  record(portalId: number | undefined, method: string, path: string, status: number): void;
  list(): PortalCalls[];
  clear(): void;
}

export function createCalls(): Calls {
  const counts = new Map<number | null, Map<string, CallCount>>();
  return {
    record(portalId, method, path, status) {
      const key = portalId ?? null;
      const routes = counts.get(key) ?? new Map<string, CallCount>();
      counts.set(key, routes);
      const route = routes.get(`${method} ${path}`) ?? { method, path, count: 0, statuses: {} };
      routes.set(`${method} ${path}`, route);
      route.count += 1;
      route.statuses[status] = (route.statuses[status] ?? 0) + 1;
    },
    list() {
      return [...counts].map(([portalId, routes]) => ({
        portalId,
        total: [...routes.values()].reduce((sum, route) => sum + route.count, 0),
        routes: [...routes.values()],
      }));
    },
    clear: () => counts.clear(),
  };
}
