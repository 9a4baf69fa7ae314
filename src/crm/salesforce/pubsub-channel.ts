import { fileURLToPath } from 'node:url';
import {
  Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status as Status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** One connection to the Pub/Sub API, with one session: what can be said on it, without what it means. */

const PROTOCOL = fileURLToPath(new URL('../../../contracts/salesforce-pubsub/pubsub_api.proto', import.meta.url));
const CODE_PREFIX = 'sfdc.platform.eventbus.grpc.';
/** A hundred events of up to 1 MB may come together; gRPC takes 4 MB unless told. */
const MESSAGE_BYTES_MAX = 128 * 2 ** 20;
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

export interface PubSubSession {
  readonly accessToken: string;
  readonly instanceUrl: string;
  /** The org's id in 18 characters. */
  readonly tenantId: string;
}

/** A call ended otherwise than with an answer. `code` is Salesforce's own, without its prefix; empty when it came from elsewhere. */
export class RpcFailure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, details: string) {
    super(`${Status[status] ?? status} ${code} ${details}`.trim());
    this.name = 'RpcFailure';
    this.status = status;
    this.code = code;
  }

  /** Nothing came for longer than the vendor promises. */
  get isSilence(): boolean {
    return this.code === SILENCE;
  }
}

const SILENCE = 'silence';

export interface FetchRequest {
  readonly topic_name: string;
  readonly replay_preset?: 'LATEST' | 'EARLIEST' | 'CUSTOM';
  readonly replay_id?: Uint8Array;
  readonly num_requested: number;
}

export interface ReceivedEvent {
  readonly event: { readonly id: string; readonly schema_id: string; readonly payload: Buffer };
  readonly replay_id: Buffer;
}

export interface FetchResponse {
  readonly events: readonly ReceivedEvent[];
  readonly latest_replay_id: Buffer;
}

export interface Subscription {
  ask(request: FetchRequest): void;
  /** The next response; null when the other side has ended the stream. @throws RpcFailure */
  next(): Promise<FetchResponse | null>;
}

export interface PubSubChannel {
  /** @throws RpcFailure */
  canSubscribe(topic: string): Promise<boolean>;
  /** The schema's JSON. @throws RpcFailure */
  schema(id: string): Promise<string>;
  /** Fails when nothing comes for `silenceMs`. */
  subscribe(silenceMs: number): Subscription;
  /** Ends whatever is under way. */
  close(): void;
}

export interface ChannelOptions {
  /** Host and port. TLS, unless it is this machine. */
  readonly endpoint: string;
  readonly session: PubSubSession;
  /** Of a call that has one answer. */
  readonly timeoutMs: number;
}

const methods = loadMethods();

export function openPubSubChannel({ endpoint, session, timeoutMs }: ChannelOptions): PubSubChannel {
  const isLocal = LOOPBACK_HOST.test(endpoint);
  const client = new Client(endpoint, isLocal ? credentials.createInsecure() : credentials.createSsl(), {
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    // A connection that went dead must not be handed to the next attempt.
    'grpc.use_local_subchannel_pool': 1,
  });
  const running = new Set<{ cancel(): void }>();

  function unary<Answer>(method: 'GetTopic' | 'GetSchema', request: object): Promise<Answer> {
    const { path, requestSerialize, responseDeserialize } = methods[method];
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: object) => {
        clearTimeout(timer);
        running.delete(call);
        if (error) reject(failureOf(error));
        else resolve(answer as Answer);
      };
      const call: ClientUnaryCall = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadataOf(session),
        done,
      );
      const timer = setTimeout(() => {
        reject(new RpcFailure(Status.DEADLINE_EXCEEDED, '', `${method} had no answer within ${timeoutMs} ms`));
        call.cancel();
      }, timeoutMs);
      running.add(call);
    });
  }

  return {
    canSubscribe: async (topic) =>
      (await unary<{ can_subscribe: boolean }>('GetTopic', { topic_name: topic })).can_subscribe,
    schema: async (id) => (await unary<{ schema_json: string }>('GetSchema', { schema_id: id })).schema_json,
    subscribe(silenceMs) {
      const { path, requestSerialize, responseDeserialize } = methods.Subscribe;
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(session));
      running.add(call);
      return subscriptionOf(call as ClientDuplexStream<FetchRequest, FetchResponse>, silenceMs);
    },
    close() {
      for (const call of running) call.cancel();
      client.close();
    },
  };
}

/** No more waits here than was asked for: a hundred events. */
function subscriptionOf(call: ClientDuplexStream<FetchRequest, FetchResponse>, silenceMs: number): Subscription {
  const waiting: FetchResponse[] = [];
  let end: { readonly failure: RpcFailure | null } | null = null;
  let wake = () => {};
  const endWith = (failure: RpcFailure | null) => {
    end ??= { failure };
    clearTimeout(silence);
    wake();
  };
  const fallSilent = () => {
    endWith(new RpcFailure(Status.DEADLINE_EXCEEDED, SILENCE, `nothing came for ${silenceMs} ms`));
    call.cancel();
  };
  let silence = setTimeout(fallSilent, silenceMs);
  call.on('data', (response: FetchResponse) => {
    if (end) return;
    clearTimeout(silence);
    silence = setTimeout(fallSilent, silenceMs);
    waiting.push(response);
    wake();
  });
  call.on('end', () => endWith(null));
  call.on('error', (error: ServiceError) => endWith(failureOf(error)));

  return {
    ask(request) {
      if (!end) call.write(request);
    },
    async next() {
      for (;;) {
        const response = waiting.shift();
        if (response) return response;
        if (end?.failure) throw end.failure;
        if (end) return null;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

type Method = 'GetTopic' | 'GetSchema' | 'Subscribe';

function loadMethods(): Readonly<Record<Method, MethodDefinition<object, object>>> {
  const loaded = loadSync(PROTOCOL, { keepCase: true, longs: String, enums: String, defaults: true });
  return loaded['eventbus.v1.PubSub'] as unknown as Record<Method, MethodDefinition<object, object>>;
}

function metadataOf({ accessToken, instanceUrl, tenantId }: PubSubSession): Metadata {
  const metadata = new Metadata();
  metadata.set('accesstoken', accessToken);
  metadata.set('instanceurl', instanceUrl);
  metadata.set('tenantid', tenantId);
  return metadata;
}

function failureOf({ code, details, metadata }: ServiceError): RpcFailure {
  const given = String(metadata?.get('error-code')[0] ?? '');
  return new RpcFailure(code, given.startsWith(CODE_PREFIX) ? given.slice(CODE_PREFIX.length) : given, details);
}
