import { fileURLToPath } from 'node:url';
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  status as Status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Calls } from './calls.ts';
import { type EventBus, replayBytes } from './event-bus.ts';
import type { Faults } from './faults.ts';
import { accessTo, type Org } from './org.ts';
import type { Random } from './random.ts';
import type { Tokens } from './tokens.ts';

/** The Pub/Sub API over gRPC, from Salesforce's own protocol file: GetTopic, GetSchema and Subscribe. "Pub/Sub API Guide". */

const PROTOCOL = fileURLToPath(new URL('../../../contracts/salesforce-pubsub/pubsub_api.proto', import.meta.url));
/** "The maximum number of events to be requested is 100"; more counts as 100. */
const REQUESTED_MAX = 100;
const CODE_PREFIX = 'sfdc.platform.eventbus.grpc.';

interface FetchRequest {
  topic_name: string;
  replay_preset: 'LATEST' | 'EARLIEST' | 'CUSTOM';
  replay_id: Buffer;
  num_requested: number;
}

interface FetchResponse {
  events: Array<{ event: { id: string; schema_id: string; payload: Buffer }; replay_id: Buffer }>;
  latest_replay_id: Buffer;
  rpc_id: string;
  pending_num_requested: number;
}

export interface PubSubDeps {
  bus: EventBus;
  tokens: Tokens;
  orgs: ReadonlyMap<string, Org>;
  faults: Faults;
  calls: Calls;
  random: Random;
  instanceUrl: (org: Org) => string;
  /** "An empty batch is sent within 270 seconds." */
  keepAliveMs: number;
  /** "Within 60 seconds of the last event that was asked for, ask for more", or the stream ends. */
  askAgainMs: number;
}

export interface PubSub {
  /** Port that it listens on. */
  start(host: string, port: number): Promise<number>;
  /** Breaks every stream of an org, as a release or a network does. */
  breakStreams(orgId: string): void;
  /** How many streams are open. */
  streams(): number;
  stop(): void;
}

class RpcError extends Error {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
  constructor(code: number, errorCode: string, words: string, rpcId: string) {
    const details = `${words} rpcId: ${rpcId}`;
    super(details);
    this.name = 'RpcError';
    this.code = code;
    this.details = details;
    this.metadata = new Metadata();
    this.metadata.set('error-code', CODE_PREFIX + errorCode);
    this.metadata.set('rpc-id', rpcId);
  }
}

export function createPubSub(deps: PubSubDeps): PubSub {
  const { bus, tokens, orgs, faults, calls, random } = deps;
  const open = new Set<{ orgId: string; end: (error: RpcError) => void; stop: () => void }>();
  let server: Server | null = null;

  const refuse = (code: number, errorCode: string, words: string, rpcId: string): RpcError =>
    new RpcError(code, errorCode, words, rpcId);

  /** @throws {RpcError} */
  function authenticate(metadata: Metadata, rpcId: string): Org {
    const [accessToken, instanceUrl, tenantId] = ['accesstoken', 'instanceurl', 'tenantid'].map((name) =>
      String(metadata.get(name)[0] ?? ''),
    ) as [string, string, string];
    const hasAll = accessToken !== '' && instanceUrl !== '' && /^[a-zA-Z0-9]{18}$/.test(tenantId);
    if (!hasAll)
      throw refuse(
        Status.UNAUTHENTICATED,
        'service.auth.headers.invalid',
        'Authentication headers are invalid or blank.',
        rpcId,
      );
    const org = orgs.get(tenantId);
    const session = tokens.find(accessToken);
    if (!org || session?.orgId !== org.id || instanceUrl !== deps.instanceUrl(org) || !org.settings.apiEnabled)
      throw refuse(Status.UNAUTHENTICATED, 'service.auth.error', 'An authentication exception occurred.', rpcId);
    return org;
  }

  /** @throws {RpcError} */
  function topicOf(org: Org, name: string, rpcId: string): Set<string> {
    if (name === '') throw refuse(Status.INVALID_ARGUMENT, 'topic.validation.empty', 'The topic name is blank.', rpcId);
    const entities = bus.topic(org, name);
    if (!entities) throw refuse(Status.NOT_FOUND, 'topic.not.found', `The topic ${name} does not exist.`, rpcId);
    const readable = [...entities].filter((entity) => {
      const object = org.schema.objects.get(entity);
      return object !== undefined && accessTo(org, object) !== 'none';
    });
    if (readable.length === 0)
      throw refuse(
        Status.PERMISSION_DENIED,
        'subscription.topic.cannot.subscribe',
        'No permission for the topic.',
        rpcId,
      );
    return new Set(readable);
  }

  /** @throws {RpcError} */
  function strike(method: 'Subscribe' | 'GetTopic' | 'GetSchema', metadata: Metadata, rpcId: string): boolean {
    const orgId = String(metadata.get('tenantid')[0] ?? '') || null;
    const effects = faults.rpc({ orgId, method });
    const error = effects.find((effect) => effect.kind === 'error');
    if (error?.kind === 'error') {
      const code = Status[error.status as keyof typeof Status] ?? Status.UNAVAILABLE;
      throw refuse(code, error.code, 'as asked for.', rpcId);
    }
    return effects.some((effect) => effect.kind === 'silence');
  }

  function unary<Request, Response>(
    method: 'GetTopic' | 'GetSchema',
    answer: (org: Org, request: Request, rpcId: string) => Response,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const rpcId = random.uuid();
      try {
        if (strike(method, call.metadata, rpcId)) return;
        const org = authenticate(call.metadata, rpcId);
        callback(null, answer(org, call.request, rpcId));
        calls.record(org.id, 'RPC', method, Status.OK);
      } catch (thrown) {
        if (!(thrown instanceof RpcError)) throw thrown;
        calls.record(null, 'RPC', method, thrown.code);
        callback(thrown);
      }
    };
  }

  const getTopic = unary<{ topic_name: string }, object>('GetTopic', (org, request, rpcId) => {
    const entities = topicOf(org, request.topic_name, rpcId);
    const [only = ''] = entities;
    const object = org.schema.objects.get(only);
    return {
      topic_name: request.topic_name,
      tenant_guid: `core/local/${org.id}`,
      can_publish: false,
      can_subscribe: true,
      // A channel of several entities has no schema of its own: every event names its own.
      schema_id: entities.size === 1 && object ? bus.schemaOf(org, object).id : '',
      rpc_id: rpcId,
    };
  });

  const getSchema = unary<{ schema_id: string }, object>('GetSchema', (_org, request, rpcId) => {
    if (request.schema_id === '')
      throw refuse(Status.INVALID_ARGUMENT, 'schema.validation.failed', 'The schema ID is blank.', rpcId);
    const schema = bus.schema(request.schema_id);
    if (!schema) throw refuse(Status.NOT_FOUND, 'schema.meta.permission', 'The schema cannot be had.', rpcId);
    return { schema_json: schema.json, schema_id: schema.id, rpc_id: rpcId };
  });

  function startOf(org: Org, request: FetchRequest, rpcId: string): bigint {
    if (request.replay_preset === 'EARLIEST') return bus.earliest(org.id);
    if (request.replay_preset !== 'CUSTOM') return bus.latest(org.id);
    if (request.replay_id.length === 0) {
      throw refuse(
        Status.INVALID_ARGUMENT,
        'subscription.fetch.replayid.validation.failed',
        'The Replay ID validation failed.',
        rpcId,
      );
    }
    const replay = bus.find(org.id, request.replay_id);
    if (replay !== null) return replay;
    throw refuse(
      Status.INVALID_ARGUMENT,
      'subscription.fetch.replayid.corrupted',
      'The Replay ID validation failed.',
      rpcId,
    );
  }

  const subscribe: handleBidiStreamingCall<FetchRequest, FetchResponse> = (call) => {
    const rpcId = random.uuid();
    let org: Org | null = null;
    let topic = '';
    let entities = new Set<string>();
    let position = 0n;
    let pending = 0;
    let isOver = false;
    let isSilent = false;
    let askAgain: NodeJS.Timeout | undefined;
    let keepAlive: NodeJS.Timeout | undefined;
    let unlisten = (): void => undefined;

    const entry = { orgId: '', end: fail, stop };

    function stop(): void {
      isOver = true;
      clearTimeout(askAgain);
      clearTimeout(keepAlive);
      unlisten();
      open.delete(entry);
    }
    function fail(error: RpcError): void {
      if (isOver) return;
      calls.record(org?.id ?? null, 'RPC', 'Subscribe', error.code);
      stop();
      call.emit('error', error);
    }
    function write(events: FetchResponse['events'], latest: bigint): void {
      call.write({
        events,
        latest_replay_id: replayBytes(latest),
        rpc_id: rpcId,
        pending_num_requested: pending,
      });
      clearTimeout(keepAlive);
      keepAlive = setTimeout(() => {
        // The position follows the mark, which is behind everything that was sent.
        if (org) write([], markOf(org));
      }, deps.keepAliveMs);
    }
    function markOf(one: Org): bigint {
      const isCaughtUp = bus.after(one.id, position, entities).length === 0;
      if (isCaughtUp) position = bus.mark(one.id);
      return position;
    }
    function drain(): void {
      if (isOver || isSilent || !org) return;
      while (pending > 0) {
        const ready = bus.after(org.id, position, entities);
        if (ready.length === 0) break;
        // How many come together is not promised.
        const batch = ready.slice(0, 1 + random.integer(Math.min(pending, ready.length)));
        pending -= batch.length;
        position = batch.at(-1)?.replay ?? position;
        write(
          batch.map((event) => ({
            event: { id: event.id, schema_id: event.schemaId, payload: event.payload },
            replay_id: replayBytes(event.replay),
          })),
          position,
        );
      }
      clearTimeout(askAgain);
      if (pending > 0) return;
      askAgain = setTimeout(() => {
        stop();
        call.end();
      }, deps.askAgainMs);
    }

    call.on('data', (request: FetchRequest) => {
      if (isOver) return;
      try {
        if (!org) {
          isSilent = strike('Subscribe', call.metadata, rpcId);
          const found = authenticate(call.metadata, rpcId);
          topic = request.topic_name;
          entities = topicOf(found, topic, rpcId);
          position = startOf(found, request, rpcId);
          org = found;
          entry.orgId = found.id;
          open.add(entry);
          unlisten = bus.listen((orgId) => {
            if (orgId === entry.orgId) drain();
          });
          calls.record(found.id, 'RPC', 'Subscribe', Status.OK);
          if (!isSilent) keepAlive = setTimeout(() => write([], markOf(found)), deps.keepAliveMs);
        } else if (request.topic_name !== '' && request.topic_name !== topic) {
          throw refuse(Status.INVALID_ARGUMENT, 'subscription.fetch.topic.mismatch', 'The topic name changed.', rpcId);
        }
        if (request.num_requested <= 0) {
          throw refuse(
            Status.INVALID_ARGUMENT,
            'subscription.fetch.requested.events.invalid',
            'The number of requested events must be greater than zero.',
            rpcId,
          );
        }
        pending = Math.min(REQUESTED_MAX, pending + request.num_requested);
        drain();
      } catch (thrown) {
        if (!(thrown instanceof RpcError)) throw thrown;
        fail(thrown);
      }
    });
    call.on('end', () => {
      stop();
      call.end();
    });
    call.on('cancelled', stop);
    call.on('error', stop);
  };

  const unimplemented = (call: ServerDuplexStream<unknown, unknown>): void => {
    call.emit('error', { code: Status.UNIMPLEMENTED, details: 'the local org does not know this method' });
  };

  return {
    start(host, port) {
      const definition = loadSync(PROTOCOL, { keepCase: true, longs: String, enums: String, defaults: true });
      const service = definition['eventbus.v1.PubSub'] as unknown as ServiceDefinition;
      const started = new Server();
      server = started;
      const handlers: Record<string, unknown> = {
        Subscribe: subscribe,
        GetTopic: getTopic,
        GetSchema: getSchema,
        PublishStream: unimplemented,
        ManagedSubscribe: unimplemented,
        Publish: ((_call, callback) => {
          callback({ code: Status.UNIMPLEMENTED, details: 'the local org does not know this method' });
        }) satisfies handleUnaryCall<unknown, unknown>,
      };
      for (const name of Object.keys(service)) {
        if (!handlers[name])
          throw new Error(`no handler for ${(service[name] as MethodDefinition<object, object>).path}`);
      }
      started.addService(service, handlers as never);
      return new Promise((resolve, reject) => {
        started.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
          if (error) reject(error);
          else resolve(bound);
        });
      });
    },
    breakStreams(orgId) {
      for (const one of [...open]) {
        if (one.orgId === orgId)
          one.end(refuse(Status.UNAVAILABLE, 'service.unavailable', 'The service is unavailable.', random.uuid()));
      }
    },
    streams: () => open.size,
    stop() {
      for (const one of [...open]) one.stop();
      server?.forceShutdown();
      server = null;
    },
  };
}
