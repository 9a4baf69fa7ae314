import { describe, expect, test } from 'vitest';
import { REQUEST_TIMEOUT_MS } from '../../src/crm/hubspot/transport.ts';
import { PORTAL, startStack } from '../support/stack.ts';
import { createScene } from './scene.ts';

/** Each waits for a real time-out in a stack of its own, all at the same time. */
describe.concurrent('while a deal is won, HubSpot is silent for longer than anybody waits', () => {
  test.each([
    ['when deals are read', '*/deals/batch/read'],
    ['when contacts are read', '*/contacts/batch/read'],
    ['when associations are read', '/crm/associations/*'],
    ['when fields are written', '*/batch/update'],
    ['when a token is renewed', '/oauth/*'],
  ])(
    '%s: the deal is paid once all the same',
    async (_, path) => {
      const stack = await startStack();
      try {
        const scene = createScene(stack);
        await stack.install();
        const member = scene.person('Member');
        const deal = scene.deal([scene.friendOf(member)]);
        if (path.startsWith('/oauth')) scene.crm.expireAccessTokens(PORTAL);
        scene.crm.addFault({
          target: 'api',
          path,
          times: 1,
          effect: { kind: 'latency', latencyMs: REQUEST_TIMEOUT_MS + 2_000 },
        });
        scene.win(deal);
        await stack.sandbox.idle();
        await scene.rest();
        expect(scene.crm.listFaults()).toMatchObject([{ struck: 1 }]);
        expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
        expect(scene.show('contact', member).wonward_rewards_issued).toBe('100.00 EUR');
        await scene.expectNothingParked();
        await scene.expectNextDealPays();
      } finally {
        await stack.close();
      }
    },
    180_000,
  );
});
