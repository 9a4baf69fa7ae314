import { type EventBody, type EventSchema, type EventType, eventSchema } from './event-schemas.ts';
import type { Faults, StreamEffect } from './faults.ts';
import { entityOfEvent, isCaptured, type Org } from './org.ts';
import type { Random } from './random.ts';
import type { Commit, RecordChange } from './records.ts';
import type { ObjectType } from './schema.ts';

/**
 * Keeps the change events of every org for three days and hands them to whoever listens. "Event Message Durability", Pub/Sub API Guide;
 * "Change Data Capture Developer Guide".
 */

/** "Change events are stored for three days." */
const RETENTION_MS = 72 * 3_600_000;
const REPLAY_BYTES = 8;
/** Stands for every record: "the recordIds field contains one value, 000000000000000AAA". */
const NO_RECORD = '000000000000000AAA';
/** Replay ids "are not guaranteed to be contiguous". */
const STEP_MAX = 5;

export interface BusEvent {
  replay: bigint;
  /** UUID of the event message. */
  id: string;
  entity: string;
  schemaId: string;
  payload: Buffer;
  at: number;
}

export interface EventBus {
  /** What a commit means for subscribers. */
  tell(org: Org, commit: Commit): void;
  /** After `replay`, and of these entities, oldest first. */
  after(orgId: string, replay: bigint, entities: ReadonlySet<string>): BusEvent[];
  /** The tip: only what comes later is after it. */
  latest(orgId: string): bigint;
  /** Before everything that is still kept. */
  earliest(orgId: string): bigint;
  /** A new replay id at the tip, as empty batches carry: it stays good while the topic is quiet. */
  mark(orgId: string): bigint;
  /** null when it was never given out, or is older than what is kept. */
  find(orgId: string, replay: Uint8Array): bigint | null;
  schema(id: string): EventSchema | null;
  /** The present schema of an object's events. */
  schemaOf(org: Org, object: ObjectType): EventSchema;
  /** Entities behind a topic's name; null when there is no such topic. */
  topic(org: Org, name: string): Set<string> | null;
  listen(listener: (orgId: string) => void): () => void;
  /** Nothing is on its way any more. */
  idle(): Promise<void>;
  clear(): void;
}

export interface EventBusDeps {
  clock: () => number;
  random: Random;
  faults: Faults;
  /** How long a change takes to become an event. */
  delayMs: number;
}

export function replayBytes(replay: bigint): Buffer {
  const bytes = Buffer.alloc(REPLAY_BYTES);
  bytes.writeBigInt64BE(replay);
  return bytes;
}

interface Stream {
  events: BusEvent[];
  /** Replay ids given out, and when: those of events and of empty batches. */
  given: Map<bigint, number>;
  last: bigint;
  commits: number;
}

interface Draft {
  object: ObjectType;
  type: EventType;
  ids: string[];
  body: EventBody;
}

/**
 * "If in one transaction the same change occurred in multiple records of the same object type, Salesforce merges the change notifications."
 */
function merged(changes: readonly RecordChange[]): Draft[] {
  const drafts = new Map<string, Draft>();
  for (const { object, id, type, row, changed } of changes) {
    const body: EventBody = type === 'DELETE' ? {} : type === 'UPDATE' ? { row, changed } : { row };
    const values = type === 'UPDATE' ? changed.map((name) => [name, row[name]]) : type === 'DELETE' ? [] : [id];
    const key = JSON.stringify([object.name, type, values]);
    const known = drafts.get(key);
    if (known) known.ids.push(id);
    else drafts.set(key, { object, type, ids: [id], body });
  }
  return [...drafts.values()];
}

export function createEventBus({ clock, random, faults, delayMs }: EventBusDeps): EventBus {
  const streams = new Map<string, Stream>();
  /** Old ones too: an event that was kept names the schema that it was written with. */
  const schemas = new Map<string, EventSchema>();
  const made = new WeakMap<Org, Map<string, EventSchema>>();
  const listeners = new Set<(orgId: string) => void>();
  const timers = new Set<NodeJS.Timeout>();
  const waiting: Array<() => void> = [];

  function streamOf(orgId: string): Stream {
    const stream = streams.get(orgId) ?? {
      events: [],
      given: new Map<bigint, number>(),
      last: BigInt(1_000_000 + random.integer(1_000_000)),
      commits: 0,
    };
    streams.set(orgId, stream);
    const from = clock() - RETENTION_MS;
    while (stream.events[0] && stream.events[0].at <= from) stream.events.shift();
    for (const [replay, at] of stream.given) {
      if (at > from) break;
      stream.given.delete(replay);
    }
    return stream;
  }

  function nextReplay(stream: Stream): bigint {
    stream.last += BigInt(1 + random.integer(STEP_MAX));
    stream.given.set(stream.last, clock());
    return stream.last;
  }

  function schemaOf(org: Org, object: ObjectType): EventSchema {
    // It encodes with the field-level security of the org that it was made for.
    const ofOrg = made.get(org) ?? new Map<string, EventSchema>();
    made.set(org, ofOrg);
    const key = `${object.name} ${[...object.fields.keys()].join()}`;
    const schema = ofOrg.get(key) ?? eventSchema(org, object);
    ofOrg.set(key, schema);
    if (!schemas.has(schema.id)) schemas.set(schema.id, schema);
    return schema;
  }

  function later(work: () => void, ms: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
      if (timers.size === 0) for (const done of waiting.splice(0)) done();
    }, ms);
    timers.add(timer);
  }

  function publish(org: Org, event: Omit<BusEvent, 'replay' | 'at'>): void {
    const stream = streamOf(org.id);
    stream.events.push({ ...event, replay: nextReplay(stream), at: clock() });
    for (const listener of listeners) listener(org.id);
  }

  function send(org: Org, commit: Commit, draft: Draft, sequenceNumber: number, commitNumber: bigint): void {
    const { object } = draft;
    const effects = faults.event({ orgId: org.id, entity: object.name, changeType: draft.type });
    const has = (kind: StreamEffect['kind']): boolean => effects.some((effect) => effect.kind === kind);
    if (has('drop')) return;
    const isOverflow = has('overflow');
    const isGap = has('gap');
    const schema = schemaOf(org, object);
    const payload = schema.encode(
      {
        entityName: object.name,
        recordIds: isOverflow ? [NO_RECORD] : draft.ids,
        changeType: isOverflow ? 'GAP_OVERFLOW' : isGap ? (`GAP_${draft.type}` as EventType) : draft.type,
        changeOrigin: commit.origin,
        transactionKey: commit.transactionKey,
        sequenceNumber,
        commitTimestamp: BigInt(commit.at),
        commitNumber,
        commitUser: commit.userId,
      },
      isOverflow || isGap ? {} : draft.body,
    );
    const event = {
      id: random.uuid(),
      entity: object.name,
      schemaId: has('unknownSchema') ? 'AAAAAAAAAAAAAAAAAAAAAA' : schema.id,
      payload: has('malformed') ? payload.subarray(0, Math.floor(payload.length / 2)) : payload,
    };
    const delay = effects.find((effect) => effect.kind === 'delay');
    const copies = has('duplicate') ? 2 : 1;
    later(
      () => {
        for (let copy = 0; copy < copies; copy += 1) publish(org, event);
      },
      delayMs + (delay?.kind === 'delay' ? delay.delayMs : 0),
    );
  }

  return {
    tell(org, commit) {
      const told = commit.changes.filter(({ object }) => object.changeEvents && isCaptured(org, object.name));
      const stream = streamOf(org.id);
      stream.commits += 1;
      const commitNumber = BigInt(commit.at) * 1_000_000n + BigInt(stream.commits % 1_000_000);
      merged(told).forEach((draft, index) => {
        send(org, commit, draft, index + 1, commitNumber);
      });
    },
    after(orgId, replay, entities) {
      const { events } = streamOf(orgId);
      // Replay ids only rise: a reader that keeps up looks at the last few.
      let low = 0;
      let high = events.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((events[middle]?.replay ?? replay) > replay) high = middle;
        else low = middle + 1;
      }
      return events.slice(low).filter((event) => entities.has(event.entity));
    },
    latest: (orgId) => streamOf(orgId).last,
    earliest: (orgId) => (streamOf(orgId).events[0]?.replay ?? streamOf(orgId).last + 1n) - 1n,
    mark: (orgId) => nextReplay(streamOf(orgId)),
    find(orgId, bytes) {
      if (bytes.length !== REPLAY_BYTES) return null;
      const replay = Buffer.from(bytes).readBigInt64BE();
      return streamOf(orgId).given.has(replay) ? replay : null;
    },
    schema: (id) => schemas.get(id) ?? null,
    schemaOf,
    topic(org, name) {
      const [, channel = ''] = /^\/data\/(\w+)$/.exec(name) ?? [];
      if (channel === 'ChangeEvents') return new Set(org.captured);
      const members = org.channels.get(channel);
      if (members) return new Set(members.map(entityOfEvent));
      if (!channel.endsWith('ChangeEvent')) return null;
      const entity = entityOfEvent(channel);
      return isCaptured(org, entity) && org.schema.objects.has(entity) ? new Set([entity]) : null;
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    idle: () =>
      timers.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push(resolve);
          }),
    clear() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      for (const done of waiting.splice(0)) done();
      streams.clear();
    },
  };
}
