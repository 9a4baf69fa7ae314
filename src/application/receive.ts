import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Instant } from '../domain/time.ts';
import type { CrmInbound, HintsResult, RawRequest, SignatureVerdict } from './ports/crm.ts';
import type { Connection, ConnectionStore, InboxStore } from './ports/store.ts';

export interface ReceiveDeps {
  readonly provider: string;
  readonly inbound: CrmInbound;
  readonly connections: Pick<ConnectionStore, 'findByExternalId'>;
  readonly inbox: InboxStore;
  readonly now: () => Instant;
  /** Called after hints of a connection were kept, so that a worker need not wait for its next look. */
  readonly onAccepted: (connection: Connection) => void;
}

export type ReceiveResult =
  | {
      readonly kind: 'accepted';
      readonly accepted: number;
      readonly duplicates: number;
      readonly ignored: number;
      readonly echoes: number;
      readonly unknown: number;
    }
  | { readonly kind: 'unsigned'; readonly problem: Extract<SignatureVerdict, { ok: false }>['problem'] }
  | {
      readonly kind: 'malformed';
      readonly problem: Extract<HintsResult, { ok: false }>['problem'];
      readonly detail: string;
    };

/**
 * First hop: verify over the raw bytes, recognise what was seen before, keep the rest, and only then let the caller answer 200.
 * No CRM is called here and no rule is read. Events of portals that are not connected are counted and let go: there is nobody
 * they belong to.
 */
export function createReceive(deps: ReceiveDeps): (request: RawRequest) => Promise<ReceiveResult> {
  const connectionOf = createLookUp(deps);
  const tell = oncePerTurn(deps.onAccepted);
  return async (request) => {
    const now = deps.now();
    const verdict = deps.inbound.verify(request, now);
    if (!verdict.ok) return { kind: 'unsigned', problem: verdict.problem };
    const parsed = deps.inbound.parseHints(request.body);
    if (!parsed.ok) return { kind: 'malformed', problem: parsed.problem, detail: parsed.detail };

    const totals = { accepted: 0, duplicates: 0, ignored: 0, echoes: 0, unknown: 0 };
    for (const [externalId, hints] of Map.groupBy(parsed.hints, (hint) => hint.externalId)) {
      const connection = await connectionOf(externalId);
      if (connection?.status !== 'connected') {
        totals.unknown += hints.length;
        continue;
      }
      const { accepted, duplicates } = await deps.inbox.append(connection, hints, now);
      if (accepted > 0) tell(connection);
      totals.accepted += accepted;
      totals.duplicates += duplicates;
      totals.ignored += hints.filter(({ kind }) => kind === 'ignored').length;
      totals.echoes += hints.filter(({ echo }) => echo).length;
    }
    return { kind: 'accepted', ...totals };
  };
}

/**
 * Deliveries that came in the same turn of the event loop, for the same portal, ask the database once. It is asked after all of them
 * have come, so none is answered from before its own time.
 */
function createLookUp({ provider, connections }: ReceiveDeps): (externalId: string) => Promise<Connection | null> {
  const asked = new Map<string, Promise<Connection | null>>();
  return (externalId) => {
    const shared = asked.get(externalId);
    if (shared) return shared;
    const found = nextTurn().then(() => {
      asked.delete(externalId);
      return connections.findByExternalId(provider, externalId);
    });
    asked.set(externalId, found);
    return found;
  };
}

/** Deliveries that shared a commit wake the workers of their connection once, for all that came in one turn of the event loop. */
function oncePerTurn(act: (connection: Connection) => void): (connection: Connection) => void {
  const told = new Map<string, Connection>();
  return (connection) => {
    if (told.size === 0) {
      setImmediate(() => {
        const connections = [...told.values()];
        told.clear();
        for (const one of connections) act(one);
      });
    }
    told.set(connection.id, connection);
  };
}
