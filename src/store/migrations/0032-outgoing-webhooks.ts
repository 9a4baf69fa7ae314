import type { Dialect } from '../dialect.ts';

/**
 * What other systems are told: where to, what of, and what became of it. An event is written with the change that it tells of, and only where
 * somebody asks for its type. `attempts` counts failures since a person last asked for a delivery, `tries` all attempts.
 */
export const name = 'outgoing-webhooks';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `CREATE TABLE webhook_endpoints (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      url ${text} NOT NULL,
      description ${text} NOT NULL,
      event_types ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('enabled', 'off', 'failing', 'gone', 'removed')),
      secret ${text} NOT NULL,
      former_secret ${text},
      former_until ${int},
      failures ${int} NOT NULL,
      failing_since ${int},
      rests_until ${int} NOT NULL,
      succeeded_at ${int},
      created_by ${text} NOT NULL,
      created_at ${int} NOT NULL,
      updated_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    `CREATE TABLE webhook_events (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      type ${text} NOT NULL,
      subject ${text} NOT NULL,
      sequence ${int} NOT NULL,
      endpoint_id ${text},
      body ${text} NOT NULL,
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    'CREATE INDEX webhook_events_by_time ON webhook_events (account_id, at, id)',
    `CREATE TABLE webhook_deliveries (
      account_id ${text} NOT NULL,
      event_id ${text} NOT NULL,
      endpoint_id ${text} NOT NULL,
      type ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
      event_at ${int} NOT NULL,
      tries ${int} NOT NULL,
      attempted_at ${int},
      status ${int},
      duration_ms ${int},
      run_at ${int} NOT NULL,
      due_at ${int},
      claim ${text},
      attempts ${int} NOT NULL,
      parked ${int} NOT NULL CHECK (parked IN (0, 1)),
      error ${text},
      PRIMARY KEY (account_id, event_id, endpoint_id),
      FOREIGN KEY (account_id, event_id) REFERENCES webhook_events (account_id, id),
      FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id)
    ) ${table}`,
    'CREATE INDEX webhook_deliveries_due ON webhook_deliveries (account_id, endpoint_id, due_at) WHERE due_at IS NOT NULL',
    'CREATE INDEX webhook_deliveries_parked ON webhook_deliveries (account_id, endpoint_id) WHERE parked = 1',
    'CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (account_id, endpoint_id, event_at, event_id)',
    'CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (account_id, endpoint_id, state, event_at, event_id)',
    `CREATE TABLE webhook_attempts (
      account_id ${text} NOT NULL,
      event_id ${text} NOT NULL,
      endpoint_id ${text} NOT NULL,
      number ${int} NOT NULL,
      at ${int} NOT NULL,
      duration_ms ${int} NOT NULL,
      status ${int},
      problem ${text},
      answer ${text} NOT NULL,
      PRIMARY KEY (account_id, event_id, endpoint_id, number),
      FOREIGN KEY (account_id, event_id, endpoint_id) REFERENCES webhook_deliveries (account_id, event_id, endpoint_id)
    ) ${table}`,
  ];
}
