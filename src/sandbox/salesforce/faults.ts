import type { Random } from './random.ts';

/** What goes wrong with an API call, OAuth among them. `reset after` and `truncate` apply the change and lose the answer. */
export type ApiEffect =
  | { kind: 'status'; status: 420 | 429 | 500 | 502 | 503 | 504; html?: boolean }
  /** One of Salesforce's own errors, as `{status: 403, code: 'REQUEST_LIMIT_EXCEEDED', message: '…'}`. */
  | { kind: 'error'; status: number; code: string; message: string }
  | { kind: 'latency'; latencyMs: number }
  | { kind: 'reset'; when: 'before' | 'after' }
  | { kind: 'truncate' }
  /** These rows (zero-based; all unless given) of what a call writes are refused, as with UNABLE_TO_LOCK_ROW. */
  | { kind: 'rows'; rows?: number[]; code: string; message?: string };

/** What goes wrong with the stream of changes. */
export type StreamEffect =
  /** The event comes again, with another replay id: at least once. */
  | { kind: 'duplicate' }
  | { kind: 'drop' }
  | { kind: 'delay'; delayMs: number }
  /** GAP_CREATE, GAP_UPDATE …: only the ids. */
  | { kind: 'gap' }
  /** GAP_OVERFLOW: not even the ids. */
  | { kind: 'overflow' }
  /** The payload is not what its schema says. */
  | { kind: 'malformed' }
  /** The event names a schema that nobody knows. */
  | { kind: 'unknownSchema' };

/** What goes wrong with a call of the Pub/Sub API itself. */
export type RpcEffect = { kind: 'error'; status: string; code: string } | { kind: 'silence' };

interface Terms {
  /** Only this org. */
  orgId?: string;
  /** How often it strikes; without it for ever. */
  times?: number;
  /** 0 to 1; without it always. */
  probability?: number;
}

export type FaultInput = Terms &
  (
    | {
        target: 'api';
        method?: string;
        /** Path with `*` for any characters, as `/services/data/v66.0/composite/*`. */
        path?: string;
        effect: ApiEffect;
      }
    | { target: 'event'; entity?: string; changeType?: string; effect: StreamEffect }
    | { target: 'rpc'; method?: 'Subscribe' | 'GetTopic' | 'GetSchema'; effect: RpcEffect }
  );
export type Fault = FaultInput & { id: number; struck: number };

export interface Faults {
  add(input: FaultInput): Fault;
  list(): Fault[];
  remove(id: number): boolean;
  clear(): void;
  /** The effects that strike this call, each counted. */
  api(call: { method: string; path: string; orgId: string | null }): ApiEffect[];
  event(event: { orgId: string; entity: string; changeType: string }): StreamEffect[];
  rpc(call: { orgId: string | null; method: string }): RpcEffect[];
}

function globMatches(pattern: string, path: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${expression}$`).test(path);
}

export function createFaults({ random }: { random: Random }): Faults {
  let faults: Fault[] = [];
  let nextId = 1;

  function strikes(fault: Fault, orgId: string | null): boolean {
    if (fault.orgId !== undefined && fault.orgId !== orgId) return false;
    if (fault.times !== undefined && fault.struck >= fault.times) return false;
    if (fault.probability !== undefined && !random.chance(fault.probability)) return false;
    fault.struck += 1;
    return true;
  }
  const is = (wanted: string | undefined, value: string): boolean => wanted === undefined || wanted === value;

  return {
    add(input) {
      const fault: Fault = { ...input, id: nextId, struck: 0 };
      nextId += 1;
      faults.push(fault);
      return fault;
    },
    list: () => faults,
    remove(id) {
      const before = faults.length;
      faults = faults.filter((fault) => fault.id !== id);
      return faults.length < before;
    },
    clear() {
      faults = [];
    },
    api: ({ method, path, orgId }) =>
      faults.flatMap((fault) => {
        if (fault.target !== 'api' || !is(fault.method?.toUpperCase(), method)) return [];
        if (fault.path !== undefined && !globMatches(fault.path, path)) return [];
        return strikes(fault, orgId) ? [fault.effect] : [];
      }),
    event: ({ orgId, entity, changeType }) =>
      faults.flatMap((fault) => {
        if (fault.target !== 'event' || !is(fault.entity, entity) || !is(fault.changeType, changeType)) return [];
        return strikes(fault, orgId) ? [fault.effect] : [];
      }),
    rpc: ({ orgId, method }) =>
      faults.flatMap((fault) => {
        if (fault.target !== 'rpc' || !is(fault.method, method)) return [];
        return strikes(fault, orgId) ? [fault.effect] : [];
      }),
  };
}
