import { credentials, loadPackageDefinition, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import avro from 'avsc';
import type { Json, World } from './harness.ts';

/** A bare client of the Pub/Sub API: Salesforce's protocol file, a generic gRPC library and a generic Avro library, nothing of ours. */

const PROTOCOL = 'contracts/salesforce-pubsub/pubsub_api.proto';

const bigLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: () => Buffer.alloc(8),
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (one: bigint, other: bigint) => Number(one - other),
});

export interface Received {
  events: Array<{ event: { id: string; schema_id: string; payload: Buffer }; replay_id: Buffer }>;
  latest_replay_id: Buffer;
  pending_num_requested: number;
}

export interface Decoded {
  header: Json;
  body: Json;
  /** Names behind the bits of changedFields. */
  changed: string[];
  nulled: string[];
  replay: Buffer;
}

export interface Subscription {
  responses: Received[];
  error: ServiceError | undefined;
  isEnded: boolean;
  fetch(request: Json): void;
  /** Resolves when the condition holds. */
  until(condition: () => boolean): Promise<void>;
  events(): Received['events'];
  close(): void;
}

export interface StreamClient {
  subscribe(first: Json, headers?: Record<string, string>): Subscription;
  decode(event: Received['events'][number]): Promise<Decoded>;
  topic(name: string): Promise<Json>;
  schema(id: string): Promise<Json>;
  close(): void;
}

/** Bits as "Event Deserialization Considerations" has them: the lowest last, the place that in the schema. */
function places(bitmap: string): number[] {
  const bits = BigInt(bitmap);
  return Array.from({ length: 200 }, (_none, index) => index).filter((index) => (bits >> BigInt(index)) & 1n);
}

function names(fields: Json[], bitmaps: string[]): string[] {
  return bitmaps.flatMap((text) => {
    const [parent, nested] = text.split('-');
    if (nested === undefined) return places(text).map((place) => fields[place].name as string);
    const field = fields[Number(parent)];
    const record = field.type.find((one: Json) => one?.type === 'record') as Json;
    return places(nested).map((place) => `${field.name}.${record.fields[place].name}`);
  });
}

export function createStreamClient(world: World): StreamClient {
  const definition = loadSync(PROTOCOL, { keepCase: true, longs: String, enums: String, defaults: true });
  const { PubSub } = (loadPackageDefinition(definition) as Json).eventbus.v1;
  const stub = new PubSub(world.sandbox.pubSubEndpoint, credentials.createInsecure());
  const schemas = new Map<string, Promise<Json>>();

  const metadataOf = (headers: Record<string, string> = {}): Metadata => {
    const metadata = new Metadata();
    const all = {
      accesstoken: world.tokens.access_token,
      instanceurl: world.tokens.instance_url,
      tenantid: world.orgId,
      ...headers,
    };
    for (const [name, value] of Object.entries(all)) metadata.set(name, value);
    return metadata;
  };
  const unary = (method: string, request: Json): Promise<Json> =>
    new Promise((resolve, reject) => {
      stub[method](request, metadataOf(), (error: ServiceError | null, answer: Json) => {
        if (error) reject(error);
        else resolve(answer);
      });
    });

  return {
    subscribe(first, headers) {
      const responses: Received[] = [];
      let wake: Array<() => void> = [];
      const stream = stub.Subscribe(metadataOf(headers));
      const tell = (): void => {
        for (const one of wake.splice(0)) one();
      };
      const subscription: Subscription = {
        responses,
        error: undefined,
        isEnded: false,
        fetch: (request) => stream.write(request),
        async until(condition) {
          while (!condition()) await new Promise<void>((resolve) => wake.push(resolve));
        },
        events: () => responses.flatMap((response) => response.events),
        close() {
          wake = [];
          stream.cancel();
        },
      };
      stream.on('data', (response: Received) => {
        responses.push(response);
        tell();
      });
      stream.on('error', (error: ServiceError) => {
        if (error.code !== status.CANCELLED) subscription.error = error;
        tell();
      });
      stream.on('end', () => {
        subscription.isEnded = true;
        tell();
      });
      stream.write(first);
      return subscription;
    },
    async decode({ event, replay_id }) {
      const pending = schemas.get(event.schema_id) ?? unary('GetSchema', { schema_id: event.schema_id });
      schemas.set(event.schema_id, pending);
      const schema = JSON.parse((await pending).schema_json);
      const type = avro.Type.forSchema(schema, { registry: { long: bigLong } });
      const { ChangeEventHeader: header, ...body } = type.fromBuffer(event.payload);
      return {
        header,
        body,
        changed: names(schema.fields, header.changedFields),
        nulled: names(schema.fields, header.nulledFields),
        replay: replay_id,
      };
    },
    topic: (name) => unary('GetTopic', { topic_name: name }),
    schema: (id) => unary('GetSchema', { schema_id: id }),
    close: () => stub.close(),
  };
}

export const errorCode = (error: ServiceError | undefined): string =>
  String(error?.metadata.get('error-code')[0] ?? '').replace('sfdc.platform.eventbus.grpc.', '');
