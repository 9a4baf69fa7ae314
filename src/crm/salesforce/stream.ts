import { status as Status } from '@grpc/grpc-js';
import type { CrmAccess } from '../../application/ports/crm.ts';
import type { CrmStream, StreamBatch, StreamNews } from '../../application/ports/crm-stream.ts';
import { Fault } from '../../domain/errors.ts';
import type { Instant } from '../../domain/time.ts';
import { type ChangeEvent, type EventReader, eventReader, meaningOf } from './change-events.ts';
import { longId } from './ids.ts';
import {
  type FetchRequest,
  type FetchResponse,
  openPubSubChannel,
  type PubSubChannel,
  type ReceivedEvent,
  RpcFailure,
} from './pubsub-channel.ts';

/** Listens to an org's change events over the Pub/Sub API. "Pub/Sub API Guide"; reference in the comments beside each rule. */

export interface StreamLimits {
  /** Events that are asked for at a time. "The maximum is 100." */
  readonly fetchMax: number;
  /** "An empty batch is sent within 270 seconds", and some time for the network: nothing for longer, and the connection is dead. */
  readonly silenceMs: number;
  readonly callTimeoutMs: number;
  readonly backoffBaseMs: number;
  /** An outage of Salesforce is told of on its status page and takes an hour; nobody is helped by a call more than one in a minute. */
  readonly backoffMaxMs: number;
}

const LIMITS: StreamLimits = {
  fetchMax: 100,
  silenceMs: 270_000 + 30_000,
  callTimeoutMs: 30_000,
  backoffBaseMs: 1_000,
  backoffMaxMs: 60_000,
};

/** "Event messages are stored for 72 hours": nothing that comes can be older. */
const RETENTION_MS = 72 * 3_600_000;
/** A session that is refused though it is new: likelier a rule of the org that an admin is about to change than a passing state. */
const REFUSED_WAIT_MS = 60_000;
/** How often a schema is asked for that cannot be had for another reason than that there is none. */
const SCHEMA_ATTEMPTS_MAX = 3;
/** Readers kept; a schema changes when a field is added to an object. */
const READERS_MAX = 1_000;

const TEXT = {
  refused: 'Salesforce does not accept the authorisation for its change events. Wonward tries again by itself.',
  unknownHost: 'The address of the Salesforce org is not known yet. Wonward tries again by itself.',
  rejected: 'Salesforce refused to send change events. The details are in the log; the regular sweep goes on.',
} as const;

export interface StreamDeps {
  /** Host and port of the Pub/Sub API. */
  readonly endpoint: string;
  /** Names of channels, the first of which that the org has is listened to. */
  readonly topics: readonly string[];
  /** What our own calls name themselves in `Sforce-Call-Options`. */
  readonly clientName: string;
  readonly clock: () => Instant;
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly log?: { warn(fields: object, message: string): void };
  readonly limits?: Partial<StreamLimits>;
}

type Input = Parameters<CrmStream['listen']>[0];
type Reason = Extract<StreamNews, { kind: 'reconnecting' }>['reason'];
type Final = 'position_lost' | 'unavailable_here';

/** What one listening knows, across the connections that it opens. */
interface Course {
  position: string | null;
  /** The oldest change of the last batch that had any: what comes undecodable behind it is hardly older. */
  knownAt: Instant | null;
  /** Attempts since something was kept. */
  failures: number;
  isReauthorised: boolean;
  readonly schemaFailures: Map<string, number>;
}

export function createStream(deps: StreamDeps): CrmStream {
  const { endpoint, topics, clientName, clock, random, sleep, log } = deps;
  const limits = { ...LIMITS, ...deps.limits };
  const readers = new Map<string, EventReader>();

  async function topicOf(channel: PubSubChannel): Promise<string | null> {
    for (const topic of topics) {
      try {
        if (await channel.canSubscribe(topic)) return topic;
      } catch (error) {
        if (!isWithoutTopic(error)) throw error;
      }
    }
    return null;
  }

  /** Null when there is none. @throws RpcFailure when it cannot be had now. */
  async function readerOf(channel: PubSubChannel, id: string, access: CrmAccess, course: Course) {
    const key = `${access.externalId} ${id}`;
    const known = readers.get(key);
    if (known) return known;
    try {
      const reader = eventReader(await channel.schema(id));
      const [oldest] = readers.keys();
      if (readers.size >= READERS_MAX && oldest !== undefined) readers.delete(oldest);
      readers.set(key, reader);
      return reader;
    } catch (error) {
      if (!(error instanceof RpcFailure) || isAbsent(error)) return null;
      const failures = (course.schemaFailures.get(id) ?? 0) + 1;
      course.schemaFailures.set(id, failures);
      // One schema that cannot be had must not keep back all that comes behind it.
      if (failures >= SCHEMA_ATTEMPTS_MAX && error.status !== Status.UNAUTHENTICATED) return null;
      throw error;
    }
  }

  /** Null for what cannot be read. */
  async function decode(
    received: readonly ReceivedEvent[],
    channel: PubSubChannel,
    access: CrmAccess,
    course: Course,
  ): Promise<Array<ChangeEvent | null>> {
    const asked = new Map<string, EventReader | null>();
    for (const { event } of received)
      if (!asked.has(event.schema_id))
        asked.set(event.schema_id, await readerOf(channel, event.schema_id, access, course));
    return received.map(({ event }) => {
      try {
        return asked.get(event.schema_id)?.(event.payload) ?? null;
      } catch {
        return null;
      }
    });
  }

  async function batchOf(
    response: FetchResponse,
    topic: string,
    { access, told }: Input,
    channel: PubSubChannel,
    course: Course,
  ): Promise<StreamBatch> {
    const decoded = await decode(response.events, channel, access, course);
    const events = decoded.filter((event) => event !== null);
    const externalId = longId(access.externalId) ?? access.externalId;
    const meanings = events.map((event) => meaningOf(event, { externalId, clientName }));
    const sweeps = meanings.flatMap(({ sweepFrom }) => sweepFrom ?? []);
    const oldest = earliest(events.map(({ committedAt }) => committedAt));
    const undecodable = decoded.length - events.length;
    if (undecodable > 0) {
      // Nobody knows what they were about. The sweep finds it, from the earliest moment that they can be of.
      const known = [oldest, course.knownAt].filter((at) => at !== null);
      sweeps.push(earliest(known) ?? clock() - RETENTION_MS);
      told?.({ kind: 'undecodable', events: undecodable });
      log?.warn(
        { connection: access.connectionId, topic, undecodable, of: decoded.length },
        'change events could not be read: what changed meanwhile is looked for',
      );
    }
    course.knownAt = oldest ?? course.knownAt;
    // Empty batches carry one too, which stays good while the org is quiet.
    const replayId = response.events.at(-1)?.replay_id ?? response.latest_replay_id;
    return {
      hints: meanings.flatMap(({ hints }) => hints),
      position: replayId.length > 0 ? positionOf(topic, replayId) : null,
      sweepFrom: earliest(sweeps),
      hasRequests: meanings.some(({ hasRequests }) => hasRequests),
    };
  }

  async function follow(channel: PubSubChannel, input: Input, course: Course): Promise<Final | 'ended'> {
    const topic = await topicOf(channel);
    if (topic === null) return 'unavailable_here';
    const start = startAt(topic, course.position);
    if (start === null) return 'position_lost';
    const subscription = channel.subscribe(limits.silenceMs);
    subscription.ask({ topic_name: topic, num_requested: limits.fetchMax, ...start });
    let asked = limits.fetchMax;
    for (;;) {
      const response = await subscription.next();
      if (response === null) return 'ended';
      const batch = await batchOf(response, topic, input, channel, course);
      if (input.signal.aborted) return 'ended';
      await input.keep(batch);
      course.position = batch.position ?? course.position;
      course.failures = 0;
      course.isReauthorised = false;
      asked -= response.events.length;
      // Only what was kept makes room for more, so that never more waits here than fits.
      if (asked <= limits.fetchMax / 2) {
        subscription.ask({ topic_name: topic, num_requested: limits.fetchMax - asked });
        asked = limits.fetchMax;
      }
    }
  }

  /** What to do about a call that failed: a reason to open the stream anew, or the end. @throws Fault */
  function judge(failure: RpcFailure, course: Course): Reason | Final {
    if (failure.isSilence) return 'silent';
    if (failure.status === Status.UNAUTHENTICATED) {
      if (!course.isReauthorised) return 'unauthorised';
      const retry = { kind: 'retry', afterMs: REFUSED_WAIT_MS } as const;
      throw new Fault('crm_unavailable', retry, TEXT.refused, { message: failure.message, cause: failure });
    }
    if (isWithoutTopic(failure)) return 'unavailable_here';
    if (failure.status === Status.INVALID_ARGUMENT || failure.status === Status.UNIMPLEMENTED) {
      if (failure.code.includes('fetch.replayid.') && course.position !== null) return 'position_lost';
      throw new Fault('crm_rejected', { kind: 'never' }, TEXT.rejected, { message: failure.message, cause: failure });
    }
    return 'broken';
  }

  function backoffMs(failures: number): number {
    const whole = Math.min(limits.backoffBaseMs * 2 ** Math.min(failures - 1, 30), limits.backoffMaxMs);
    // Half of it by chance: all streams of a server break at once.
    return Math.ceil(whole / 2 + (whole / 2) * random());
  }

  return {
    async listen(input) {
      const { access, signal, told } = input;
      const instanceUrl = access.apiUrl;
      if (instanceUrl === undefined) throw new Fault('crm_unavailable', { kind: 'retry' }, TEXT.unknownHost);
      const tenantId = longId(access.externalId) ?? access.externalId;
      const course: Course = {
        position: input.position,
        knownAt: null,
        failures: 0,
        isReauthorised: false,
        schemaFailures: new Map(),
      };
      let rejected: string | undefined;
      while (!signal.aborted) {
        const accessToken = await access.accessToken(rejected);
        rejected = undefined;
        if (signal.aborted) break;
        const session = { accessToken, instanceUrl, tenantId };
        const channel = openPubSubChannel({ endpoint, session, timeoutMs: limits.callTimeoutMs });
        signal.addEventListener('abort', channel.close);
        let outcome: Reason | Final;
        try {
          outcome = await follow(channel, input, course);
        } catch (error) {
          if (!(error instanceof RpcFailure)) throw error;
          if (signal.aborted) break;
          outcome = judge(error, course);
        } finally {
          signal.removeEventListener('abort', channel.close);
          channel.close();
        }
        if (outcome === 'position_lost' || outcome === 'unavailable_here') return signal.aborted ? 'stopped' : outcome;
        if (signal.aborted) break;
        told?.({ kind: 'reconnecting', reason: outcome });
        if (outcome === 'unauthorised') {
          course.isReauthorised = true;
          rejected = accessToken;
          continue;
        }
        course.failures += 1;
        await sleep(backoffMs(course.failures), signal);
      }
      return 'stopped';
    },
  };
}

function earliest(times: readonly Instant[]): Instant | null {
  return times.length === 0 ? null : times.reduce((one, other) => Math.min(one, other));
}

/** The topic does not exist, is not selected, or may not be read by the user who connected. */
function isWithoutTopic(error: unknown): boolean {
  return (
    error instanceof RpcFailure && (error.status === Status.NOT_FOUND || error.status === Status.PERMISSION_DENIED)
  );
}

/** Salesforce says that there is no such schema, or none for us. */
function isAbsent({ status }: RpcFailure): boolean {
  return [Status.NOT_FOUND, Status.PERMISSION_DENIED, Status.INVALID_ARGUMENT].includes(status);
}

// A replay id means nothing in another topic, so a position names both.
function positionOf(topic: string, replayId: Uint8Array): string {
  return `${topic} ${Buffer.from(replayId).toString('base64')}`;
}

/** Null when the position is of another topic. */
function startAt(topic: string, position: string | null): Pick<FetchRequest, 'replay_preset' | 'replay_id'> | null {
  if (position === null) return { replay_preset: 'EARLIEST' };
  const [ofTopic, replayId = ''] = position.split(' ');
  if (ofTopic !== topic) return null;
  return { replay_preset: 'CUSTOM', replay_id: Buffer.from(replayId, 'base64') };
}
