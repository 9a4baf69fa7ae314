import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Hint } from '../../src/application/ports/crm.ts';
import type { Connection } from '../../src/application/ports/store.ts';
import { createReceive } from '../../src/application/receive.ts';

const NOW = 1_795_305_600_000;
const CONNECTION: Connection = {
  id: 'con_1',
  accountId: 'acc_1',
  provider: 'hubspot',
  externalId: '147',
  status: 'connected',
  statusReason: null,
  homeCurrency: 'EUR',
  timeZone: null,
  uiHost: null,
  scopes: [],
  connectedAt: NOW,
};

/** The bytes of a request are the portal's name here. */
function hintsOf(body: Uint8Array): Hint[] {
  const externalId = Buffer.from(body).toString('utf8');
  const records = [{ object: 'deal' as const, id: '1' }];
  return [{ eventKey: externalId, externalId, kind: 'change', records, occurredAt: NOW, echo: false, payload: null }];
}

function setUp() {
  const asked: string[] = [];
  const woken: string[] = [];
  let connection: Connection | null = CONNECTION;
  const receive = createReceive({
    provider: 'hubspot',
    inbound: { verify: () => ({ ok: true }), parseHints: (body) => ({ ok: true, hints: hintsOf(body) }) },
    connections: {
      findByExternalId: async (_, externalId) => {
        asked.push(externalId);
        return connection && { ...connection, id: `con_${externalId}`, externalId };
      },
    },
    inbox: { append: async (_, hints) => ({ accepted: hints.length, duplicates: 0 }) },
    now: () => NOW,
    onAccepted: ({ id }) => void woken.push(id),
  });
  return {
    asked,
    woken,
    disconnect: () => {
      connection = null;
    },
    deliver: (portal: string) => receive({ method: 'POST', url: '', headers: {}, body: Buffer.from(portal) }),
  };
}

test('deliveries of one portal that come together ask for its connection once, and wake its workers once', async () => {
  const { asked, woken, deliver } = setUp();
  const results = await Promise.all(Array.from({ length: 30 }, (_, index) => deliver(index < 20 ? '147' : '148')));
  expect(results.every((result) => result.kind === 'accepted' && result.accepted === 1)).toBe(true);
  expect(asked).toEqual(['147', '148']);
  await nextTurn();
  expect(woken).toEqual(['con_147', 'con_148']);
  await deliver('147');
  await nextTurn();
  expect(woken).toEqual(['con_147', 'con_148', 'con_147']);
});

test('a delivery is never answered from a look-up that was made before it came', async () => {
  const { asked, deliver, disconnect } = setUp();
  expect(await deliver('147')).toMatchObject({ accepted: 1, unknown: 0 });
  disconnect();
  expect(await deliver('147')).toMatchObject({ accepted: 0, unknown: 1 });
  expect(asked).toEqual(['147', '147']);
});
