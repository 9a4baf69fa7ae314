import type { Random } from './random.ts';

/** What goes wrong with an API call. `reset after` and `truncate` apply the change and lose the answer. */
export type ApiEffect =
  | { kind: 'status'; status: 423 | 429 | 477 | 500 | 502 | 503 | 504; retryAfterSeconds?: number; html?: boolean }
  | { kind: 'latency'; latencyMs: number }
  | { kind: 'reset'; when: 'before' | 'after' }
  | { kind: 'truncate' }
  /** The named rows (zero-based; default the last) of a batch write are refused, the others are done: 207. */
  | { kind: 'rows'; rows?: number[]; category?: string };

/** What goes wrong with a webhook event on its way. */
export type WebhookEffect =
  /** The event comes `copies` more times, in later requests, with the same eventId. */
  | { kind: 'duplicate'; copies: number }
  | { kind: 'drop' }
  | { kind: 'delay'; delayMs: number }
  /** Events that wait together leave in a shuffled order, one request each. */
  | { kind: 'reorder' };

interface Terms {
  /** Only this portal. */
  portalId?: number;
  /** How often it strikes; without it for ever. */
  times?: number;
  /** 0 to 1; without it always. */
  probability?: number;
}

export type ApiFault = Terms & {
  target: 'api';
  method?: string;
  /** Path with `*` for any characters, as `/crm/objects/2026-03/deals/*`; without it every API route. */
  path?: string;
  effect: ApiEffect;
};

export type WebhookFault = Terms & {
  target: 'webhook';
  /** As `object.propertyChange`; without it every type. */
  subscriptionType?: string;
  effect: WebhookEffect;
};

/** What goes wrong with a call of a workflow action. */
export type WorkflowEffect =
  /** The same call comes `copies` more times at the same moment. */
  | { kind: 'duplicate'; copies: number }
  /** The app has answered and HubSpot never hears it, so it calls again. */
  | { kind: 'lose_answer' };

export type WorkflowFault = Terms & {
  target: 'workflow';
  /** Of the action; without it every one. */
  uid?: string;
  effect: WorkflowEffect;
};

export type FaultInput = ApiFault | WebhookFault | WorkflowFault;
export type Fault = FaultInput & { id: number; struck: number };

export interface Faults {
  add(input: FaultInput): Fault;
  list(): Fault[];
  remove(id: number): boolean;
  clear(): void;
  /** The effects that strike this call, each counted. */
  api(call: { method: string; path: string; portalId: number | undefined }): ApiEffect[];
  webhook(event: { portalId: number; subscriptionType: string }): WebhookEffect[];
  workflow(call: { portalId: number; uid: string }): WorkflowEffect[];
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

  function strikes(fault: Fault, portalId: number | undefined): boolean {
    if (fault.portalId !== undefined && fault.portalId !== portalId) return false;
    if (fault.times !== undefined && fault.struck >= fault.times) return false;
    if (fault.probability !== undefined && !random.chance(fault.probability)) return false;
    fault.struck += 1;
    return true;
  }

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
    api({ method, path, portalId }) {
      return faults.flatMap((fault) => {
        if (fault.target !== 'api') return [];
        if (fault.method !== undefined && fault.method.toUpperCase() !== method) return [];
        if (fault.path !== undefined && !globMatches(fault.path, path)) return [];
        return strikes(fault, portalId) ? [fault.effect] : [];
      });
    },
    workflow({ portalId, uid }) {
      return faults.flatMap((fault) => {
        if (fault.target !== 'workflow') return [];
        if (fault.uid !== undefined && fault.uid !== uid) return [];
        return strikes(fault, portalId) ? [fault.effect] : [];
      });
    },
    webhook({ portalId, subscriptionType }) {
      return faults.flatMap((fault) => {
        if (fault.target !== 'webhook') return [];
        if (fault.subscriptionType !== undefined && fault.subscriptionType !== subscriptionType) return [];
        return strikes(fault, portalId) ? [fault.effect] : [];
      });
    },
  };
}
