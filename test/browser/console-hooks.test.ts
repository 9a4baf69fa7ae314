import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { startTremendous } from '../../src/sandbox/tremendous/server.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { expectSoundPage, visiting } from './console.ts';

const KEY = 'TEST_local';

/** One rule pays with Tremendous, the other one with credit. */
const PROGRAM: ProgramDocument = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [
    { key: 'member-won', party: 'member', amount: { kind: 'percent', basisPoints: 1_000 }, payout: 'credit' },
    {
      key: 'friend-gift',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '25.00', currency: 'EUR' } },
      payout: 'tremendous',
    },
  ],
};

let stack: Stack;
let scene: Scene;
let browser: Browser;
let tremendous: Awaited<ReturnType<typeof startTremendous>>;
let receiver: Receiver;
const { enter, at } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  tremendous = await startTremendous({ apiKey: KEY, webhookKey: 'TEST_webhook_key' });
  [stack, browser, receiver] = await Promise.all([
    startStack({
      program: PROGRAM,
      environment: { LOCAL_PAYOUT_PROVIDERS: `tremendous=${tremendous.url.href}` },
    }),
    launchBrowser(),
    startReceiver(),
  ]);
  scene = createScene(stack);
  await stack.install();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
  await tremendous?.stop();
  await receiver?.close();
});

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** What it answers from now on. */
  answer: { status: number; text: string };
  close(): Promise<unknown>;
}

/** A server of the customer's, as real as any. */
async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const one = { answer: { status: 204, text: '' } };
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      response.statusCode = one.answer.status;
      response.end(one.answer.text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(one, {
    url: `http://127.0.0.1:${port}/hooks`,
    received,
    close: () => new Promise((resolve) => server.close(resolve)),
  });
}

/** As the specification says it, with nothing of ours and nothing of the library that signs. */
function isSignedWith(secret: string, { headers, body }: Received): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const wanted = createHmac('sha256', key).update(text).digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .some((signature) => {
      const [version, value = ''] = signature.split(',');
      const given = Buffer.from(value, 'base64');
      return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted);
    });
}

describe('webhooks', () => {
  test('an admin adds a webhook and sees the test event arrive; it fails, is tried again, and recovers', {
    timeout: 120_000,
  }, async () => {
    const one = await enter('ada@acme.test', ['architect']);
    const { page } = one;
    await page.goto(at('settings/webhooks'));
    await page.getByText('No webhook yet').waitFor();
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    const form = page.getByRole('form', { name: 'Add a webhook' });
    await form.getByRole('button', { name: 'Add a webhook' }).click();
    await form.getByText('Give the address.').waitFor();
    await form.getByLabel('Address').fill('ftp://example.com/hooks');
    await form.getByLabel('What it is for').fill('Warehouse');
    await form.getByRole('button', { name: 'Add a webhook' }).click();
    // Named at its field, and what was typed is still there.
    await form.getByText('must begin with https://').waitFor();
    expect(await form.getByLabel('What it is for').inputValue()).toBe('Warehouse');
    await expectSoundPage(one, 'webhooks-form', { mayBeRefused: true });
    await form.getByLabel('Address').fill(receiver.url);
    await form.getByRole('checkbox', { name: 'referral.submitted' }).check();
    await form.getByRole('button', { name: 'Add a webhook' }).click();
    const secret = await page.getByText(/^whsec_/).innerText();
    await page.getByRole('link', { name: receiver.url }).waitFor();
    await expectSoundPage(one, 'webhooks-added', { mayBeRefused: true });
    await page.reload();
    await page.getByRole('link', { name: receiver.url }).waitFor();
    expect(await page.getByText(/^whsec_/).count()).toBe(0);

    // The test event arrives where it should, signed with the secret that was shown.
    await page.getByRole('link', { name: receiver.url }).click();
    await page.getByText('Nothing was sent yet').waitFor();
    await page.getByRole('button', { name: 'Send a test event' }).click();
    await expect.poll(() => receiver.received.length, { timeout: 15_000 }).toBe(1);
    const [first] = receiver.received;
    expect(first && isSignedWith(secret, first)).toBe(true);
    expect(first && isSignedWith(`whsec_${Buffer.alloc(32).toString('base64')}`, first)).toBe(false);
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ type: 'webhook.test', id: first?.headers['webhook-id'] });
    const table = page.getByRole('table', { name: 'Deliveries' });
    await table.getByRole('row').filter({ hasText: 'webhook.test' }).filter({ hasText: 'Delivered' }).waitFor();

    // The server has a bad day: what it says is shown, the event is tried again by itself and at once when asked for, under its id.
    receiver.answer = { status: 503, text: 'The warehouse is being moved.' };
    await page.getByRole('button', { name: 'Send a test event' }).click();
    await page.getByText('This webhook does not take events').waitFor();
    const failing = table.getByRole('row').filter({ hasText: '503' });
    await failing.getByRole('button', { name: /Details/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Details' });
    await dialog.getByText('The warehouse is being moved.').first().waitFor();
    await expectSoundPage(one, 'webhook-failing', { mayBeRefused: true });
    await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(3);
    receiver.answer = { status: 200, text: 'ok' };
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await dialog.getByText('Delivered').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await expect.poll(() => page.getByText('This webhook does not take events').count(), { timeout: 30_000 }).toBe(0);
    const [, ...later] = receiver.received;
    expect(later.length).toBeGreaterThanOrEqual(2);
    expect(new Set(later.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(later.map(({ body }) => body)).size).toBe(1);

    // What happens in the CRM is told, and nothing that it does not need.
    const memberId = scene.person('Grace');
    const friendId = scene.friendOf(memberId, 'Lin');
    const dealId = scene.deal([friendId], { dealname: 'Engine' });
    await stack.settle();
    scene.win(dealId);
    await stack.settle();
    const told = () =>
      receiver.received.filter(({ body }) => body.includes('"referral.won"')).map(({ body }) => JSON.parse(body));
    await expect.poll(told, { timeout: 20_000 }).toMatchObject([{ data: { stage: 'won' } }]);
    expect(receiver.received.some(({ body }) => /Grace|Lin|@/.test(body))).toBe(false);
    await table.getByText('referral.won').first().waitFor();
    await expectSoundPage(one, 'webhook-detail', { mayBeRefused: true });

    // A new secret: both hold for a day.
    await page.getByRole('button', { name: 'New secret' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'New secret' }).click();
    const next = await page.getByText(/^whsec_/).innerText();
    const before = receiver.received.length;
    await page.getByRole('button', { name: 'Send a test event' }).click();
    await expect.poll(() => receiver.received.length, { timeout: 15_000 }).toBeGreaterThan(before);
    const last = receiver.received.at(-1);
    expect(last && [isSignedWith(secret, last), isSignedWith(next, last)]).toEqual([true, true]);

    // Everything of today once more.
    const won = told().length;
    await page.getByLabel('Only what was not delivered').uncheck();
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText(/events are on their way/).waitFor();
    await expect.poll(() => told().length, { timeout: 20_000 }).toBe(won + 1);
    expect(new Set(told().map(({ id }) => id)).size).toBe(1);

    // Switched off it is told nothing, and says so.
    await page.getByRole('button', { name: 'Switch off' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
    await page.getByText('Nothing is sent to this webhook').waitFor();
    await expectSoundPage(one, 'webhook-off', { mayBeRefused: true });
  });

  test('they are read in German on a telephone, by day and in the dark', { timeout: 120_000 }, async () => {
    const [endpoint] = (await stack.api('GET', '/webhook-endpoints')).body.items;
    const { body } = await stack.api('GET', `/webhook-endpoints/${endpoint.id}/deliveries`);
    const [delivery] = body.items;
    const one = await enter('gerd@acme.test', ['architect'], 375);
    const { page } = one;
    await page.evaluate("localStorage.setItem('wonward.locale', 'de')");
    const look = async (name: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await expectSoundPage(one, `de-${name}-${colorScheme}`, { mayBeRefused: true });
      }
      const beside = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect(beside, `${name} is wider than the screen`).toBe(0);
    };
    await page.goto(at('settings/webhooks'));
    await page.getByRole('link', { name: receiver.url }).waitFor();
    await look('webhooks');
    await page.getByRole('button', { name: 'Webhook hinzufügen' }).click();
    await page.getByRole('form', { name: 'Webhook hinzufügen' }).waitFor();
    await look('webhooks-form');
    await page.goto(at(`settings/webhooks/${endpoint.id}`));
    await page.getByRole('table', { name: 'Zustellungen' }).getByText('Zugestellt').first().waitFor();
    await look('webhook');
    await page.goto(at(`settings/webhooks/${endpoint.id}?event=${delivery.id}`));
    await page.getByRole('dialog').getByText('Versuche').first().waitFor();
    await look('webhook-delivery');
  });

  test('who may not change settings is told so', async () => {
    const one = await enter('rita@acme.test', ['reviewer']);
    await one.page.goto(at('settings/webhooks'));
    await one.page.getByText('Your roles do not include this').waitFor();
    await expectSoundPage(one, 'webhooks-refused', { mayBeRefused: true });
  });
});

describe('reward providers', () => {
  test('finance connects Tremendous by a form; a wrong key is named at its field', { timeout: 60_000 }, async () => {
    const one = await enter('finn@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('settings/providers'));
    const row = page.getByRole('row').filter({ hasText: 'Tremendous' });
    await row.getByText('Not set up, and rules pay with it').waitFor();
    await expectSoundPage(one, 'providers');
    await row.getByRole('link', { name: 'Tremendous' }).click();
    await page.getByRole('cell', { name: 'friend-gift' }).waitFor();
    const form = page.getByRole('form', { name: 'Access' });
    await form.getByLabel('Campaign (optional)').fill('CAMPAIGN1');
    await form.getByRole('button', { name: 'Save and test' }).click();
    await form.getByText('must be given').waitFor();
    expect(await form.getByLabel('Campaign (optional)').inputValue()).toBe('CAMPAIGN1');

    await form.getByLabel('API key', { exact: true }).fill('TEST_wrong');
    await form.getByRole('button', { name: 'Save and test' }).click();
    await form.getByText('It does not work yet').waitFor();
    const key = form.getByLabel('API key', { exact: true });
    await expect.poll(() => key.getAttribute('aria-invalid')).toBe('true');
    expect(await form.getByText('Tremendous does not know this API key.').count()).toBe(2);
    // A secret never comes back.
    expect(await key.inputValue()).toBe('');
    await expectSoundPage(one, 'provider-wrong-key', { mayBeRefused: true });

    await key.fill(KEY);
    await form.getByRole('button', { name: 'Save and test' }).click();
    await form.getByText('It works', { exact: true }).waitFor();
    await page.getByText('Set up', { exact: true }).waitFor();
    await page.reload();
    await page.getByText('Set up', { exact: true }).waitFor();
    expect(await page.content()).not.toContain(KEY);
    expect(await form.getByLabel('Campaign (optional)').inputValue()).toBe('CAMPAIGN1');
    await expectSoundPage(one, 'provider-ready', { mayBeRefused: true });

    await form.getByRole('button', { name: 'Forget its access' }).click();
    await page.getByRole('dialog').getByText('1 rule pays with Tremendous').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget its access' }).click();
    await page.getByText('Not set up', { exact: true }).waitFor();
  });

  test('an analyst sees how rewards are paid and cannot change it', async () => {
    const one = await enter('anna@acme.test', ['analyst']);
    await one.page.goto(at('settings/providers/tremendous'));
    await one.page.getByText('Finance or an owner can change this.').waitFor();
    await expectSoundPage(one, 'provider-read-only', { mayBeRefused: true });
  });
});
