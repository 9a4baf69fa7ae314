import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { qrPng } from '../../src/platform/qr-code.ts';
import { type Json, PORTAL, type Stack, startStack } from '../support/stack.ts';
import { accessibilityViolations, launchBrowser, openPage } from './browser.ts';
import { expectSoundPage, visiting } from './console.ts';

/** Another portal of the same company. */
const SECOND_PORTAL = PORTAL + 1;
const PORTALS = [
  { portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR' },
  { portalId: SECOND_PORTAL, name: 'Acme US', companyCurrency: 'USD' },
];

const SCRIPT = '<img src=x onerror="document.title=1">';

let stack: Stack;
let browser: Browser;
let member: Json;
const { enter, at, alsoClose } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startStack({ sandbox: { portals: PORTALS }, environment: { HUBSPOT_APP_EVENTS: 'true' } }),
    launchBrowser(),
  ]);
  member = (await stack.api('POST', '/members', { name: 'Grace Hopper', email: 'grace@example.com' })).body;
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

test('an owner brands the account and sees it on the share page', async () => {
  const one = await enter('olga@acme.test', ['owner']);
  const { page } = one;
  await page.getByRole('link', { name: 'Brand' }).click();
  await page.getByLabel('Name that members know').fill('Acme Instruments');
  await page.getByLabel('Colour', { exact: true }).fill('#ffdd00');
  await page.getByText(/Text in #ffdd00 cannot be read on white: its contrast is 1\.34 to 1/).waitFor();
  await page
    .getByRole('region', { name: 'Preview' })
    .getByText('You were referred to Acme Instruments')
    .first()
    .waitFor();
  await page.getByLabel('Privacy notice').fill('http://acme.example');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('must be an address that begins with https://').waitFor();
  // What was typed is still there.
  expect(await page.getByLabel('Name that members know').inputValue()).toBe('Acme Instruments');
  await expectSoundPage(one, 'brand-refused', { mayBeRefused: true });

  await page.getByLabel('Privacy notice').fill('https://acme.example/privacy');
  await page.getByLabel('Postal address').fill('Acme GmbH\nHauptstr. 1, Berlin');
  await page.getByRole('button', { name: 'Save' }).dblclick();
  await page.getByText('Saved. Pages show it from now on.').waitFor();

  const svg = { name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from('<svg><script>1</script></svg>') };
  const file = page.locator('input[type=file]');
  await file.setInputFiles(svg);
  await page.getByText(/an SVG can hold scripts and is not taken/).waitFor();
  await file.setInputFiles({ ...svg, buffer: Buffer.alloc(200 * 1_024) });
  await page.getByText('The picture has 200 kB. Choose one of at most 100 kB.').waitFor();
  await file.setInputFiles({ ...svg, buffer: Buffer.from(qrPng('acme') ?? []) });
  await page.getByRole('img', { name: 'Acme Instruments' }).first().waitFor();
  expect((await stack.api('GET', '/brand')).body.version).toBe(1);
  await page.getByRole('button', { name: 'Remove' }).waitFor();
  await expectSoundPage(one, 'brand', { mayBeRefused: true });

  const friend = await openPage(browser, `${stack.publicUrl}/r/${member.code}`, { width: 375, height: 760 });
  alsoClose(friend);
  await friend.page.getByRole('heading', { name: 'You were referred to Acme Instruments' }).waitFor();
  await friend.page.getByRole('img', { name: 'Acme Instruments' }).waitFor();
  expect(await friend.page.evaluate("document.querySelector('img').naturalWidth > 0")).toBe(true);
  expect(await friend.page.getByRole('link', { name: 'Privacy' }).getAttribute('href')).toBe(
    'https://acme.example/privacy',
  );
  if (process.env.SCREENSHOTS) await friend.page.screenshot({ path: `${process.env.SCREENSHOTS}/share-page.png` });
  expect(await accessibilityViolations(friend.page)).toEqual([]);
  expect(friend.complaints).toEqual([]);
});

test('two people who change the brand at once are told, and nothing is lost', async () => {
  const { page } = await enter('ada@acme.test', ['content']);
  await page.goto(at('settings/brand'));
  await page.getByLabel('Name of the sender').fill('Ada');
  const { version, logo, colours, ...before } = (await stack.api('GET', '/brand')).body;
  await stack.api('PUT', '/brand', { ...before, version, senderName: 'Bob' });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/Somebody has changed the brand since you read it/).waitFor();
  expect(await page.getByLabel('Name of the sender').inputValue()).toBe('Ada');
  expect((await stack.api('GET', '/brand')).body.senderName).toBe('Bob');
});

test('a content strategist writes a new consent text; a referral entered after it bears its version', async () => {
  const one = await enter('cleo@acme.test', ['content']);
  const { page } = one;
  await page.getByRole('link', { name: 'Consent texts' }).click();
  const friends = page.getByRole('region', { name: 'Friends' });
  await friends.getByText('No text yet.').waitFor();
  await friends.getByRole('button', { name: 'Write the first version' }).click();
  await friends.getByRole('button', { name: 'Put version 1 in force' }).click();
  await friends.getByText('Write the text in at least one language').waitFor();
  await friends.getByLabel('Words in English').fill(`We write to you once. ${SCRIPT}`);
  await friends.getByRole('button', { name: 'Put version 1 in force' }).dblclick();
  await friends.getByText('Version 1 is in force.').waitFor();
  const refer = async (name: string, version: number) => {
    const friend = { name, email: `${name.toLowerCase()}@example.com` };
    const consent = { version, language: 'en' };
    return (await stack.api('POST', '/referrals', { memberId: member.id, friend, consent })).body;
  };
  const before = await refer('Ada', 1);
  await friends.getByRole('button', { name: 'Write the next version' }).click();
  await friends.getByLabel('Words in English').fill('We write to you twice a year.');
  await friends.getByLabel('Words in German').fill('Wir schreiben Ihnen zweimal im Jahr.');
  await friends.getByRole('button', { name: 'Put version 2 in force' }).click();
  await friends.getByText('Version 2 is in force.').waitFor();
  await friends.getByRole('button', { name: /Earlier versions/ }).click();
  await friends.getByText(`We write to you once. ${SCRIPT}`).waitFor();
  await expectSoundPage(one, 'consent');
  const after = await refer('Alan', 2);

  const two = await enter('max@acme.test', ['manager']);
  await two.page.goto(at(`referrals/${after.id}`));
  await two.page.getByRole('button', { name: /Version 2, in a form/ }).click();
  await two.page.getByText('We write to you twice a year.').waitFor();
  await expectSoundPage(two, 'referral-consent');
  await two.page.goto(at(`referrals/${before.id}`));
  await two.page.getByRole('button', { name: /Version 1, in a form/ }).click();
  await two.page.getByText(`We write to you once. ${SCRIPT}`).waitFor();
  expect(await two.page.title()).toBe('Ada · Wonward');
  const share = await fetch(`${stack.publicUrl}/r/${member.code}`);
  expect(await share.text()).toContain('We write to you twice a year.');
});

test('retention is said within its bounds, with what it means, and each thing says how far it was forgotten', async () => {
  const one = await enter('arno@acme.test', ['architect']);
  const { page } = one;
  await page.getByRole('link', { name: 'Retention' }).click();
  const inbox = page.getByRole('region', { name: 'Deliveries of the CRM' });
  await inbox.getByLabel('Days').fill('3');
  await page.getByText(/What is older than this is forgotten within the hour/).waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await inbox.getByText('must be a whole number of days from 30 to 3650, or null for ever').waitFor();
  await expectSoundPage(one, 'retention-refused', { mayBeRefused: true });
  await inbox.getByLabel('Days').fill('45');
  await page.getByRole('region', { name: 'Audit log' }).getByLabel('For ever').uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await page.reload();
  await expect.poll(() => inbox.getByLabel('Days').inputValue(), { timeout: 15_000 }).toBe('45');
  await expectSoundPage(one, 'retention', { mayBeRefused: true });
  const { items } = (await stack.api('GET', '/retention')).body;
  expect(items.map(({ item, days }: Json) => [item, days])).toEqual([
    ['inbox', 45],
    ['workflowCalls', 30],
    ['reportLists', 35],
    ['reports', 400],
    ['auditLog', 400],
  ]);
});

test('a configuration is shown, compared by its places and applied; too much at once is refused in words', async () => {
  const one = await enter('cora@acme.test', ['owner']);
  const { page } = one;
  await page.getByRole('link', { name: 'Configuration' }).click();
  const own = page.getByRole('textbox', { name: 'As it is now' });
  await expect.poll(() => own.inputValue()).toContain('name: Acme Instruments');
  const field = page.getByLabel('YAML or JSON');
  await field.focus();
  await page.evaluate(`{
    const clipboardData = new DataTransfer();
    clipboardData.setData('text', 'x'.repeat(10_000_000));
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }`);
  await page.getByText(/This text has 10,000,000 characters; at most 700,000 are taken/).waitFor();
  const look = page.getByRole('button', { name: 'Show what would change' });
  await field.fill('a: [');
  await look.click();
  await page.getByText(/This is no YAML/).waitFor();
  await field.fill('format: 1\nretention:\n  inbox: 1\nprograms:\n  - programId: Default\n');
  await look.click();
  await page.getByText('These places are not as they should be. Nothing was changed.').waitFor();
  await page.getByText('retention.inbox').waitFor();
  await page.getByText('programs[0].programId').waitFor();
  await expectSoundPage(one, 'configuration-refused', { mayBeRefused: true });

  const program = [
    '  - programId: spring',
    `    name: '${SCRIPT}'`,
    '    rules:',
    '      - key: member-won',
    '        party: member',
    '        amount: { kind: percent, basisPoints: 500 }',
    '        payout: credit',
  ];
  await field.fill(['format: 1', 'retention:', '  inbox: 60', 'programs:', ...program, ''].join('\n'));
  await look.click();
  await page.getByText('inbox: 45 → 60').waitFor();
  await page.getByText(`name: nothing → "${SCRIPT.replaceAll('"', '\\"')}"`).waitFor();
  await expectSoundPage(one, 'configuration', { mayBeRefused: true });
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
  await page.getByText('Version 1 is in force.').waitFor();
  await expectSoundPage(one, 'configuration-applied', { mayBeRefused: true });
  await expect.poll(() => own.inputValue()).toContain('programId: spring');
  expect(await page.title()).toBe('Configuration · Wonward');
  const { items } = (await stack.api('GET', '/programs')).body;
  expect(items.find(({ programId }: Json) => programId === 'spring')?.name).toBe(SCRIPT);
});

test('an architect says who may act in a CRM, which programs apply and who is told; of two who save at once the second is told', async () => {
  await stack.install();
  await stack.install(SECOND_PORTAL);
  const { items } = (await stack.api('GET', '/connections')).body;
  const id: string = items.find(({ externalId }: Json) => externalId === String(PORTAL)).id;
  const held = async () => (await stack.api('GET', `/connections/${id}/app-settings`)).body;
  const one = await enter('arno@acme.test', ['architect']);
  const { page } = one;
  await page.goto(at('connections'));
  await page
    .getByRole('region', { name: `HubSpot ${PORTAL}` })
    .getByRole('link', { name: 'Settings' })
    .click();
  const part = (name: string) => page.getByRole('region', { name, exact: true });
  const save = (name: string) => part(name).getByRole('button', { name: 'Save' }).click();

  await part('Who may act on cards').getByLabel('Only these people').check();
  await page.getByRole('combobox', { name: 'People' }).fill('dana@acme.example');
  await page.keyboard.press('Enter');
  await save('Who may act on cards');
  await part('Who may act on cards').getByText('Saved.').waitFor();
  expect((await stack.api('GET', `/connections/${id}`)).body.cardActors).toEqual(['dana@acme.example']);

  const told = part('Who is told of what');
  await told.getByLabel('A budget runs low').check();
  await told.getByLabel('Whose task: A budget runs low').fill('nobody@acme');
  await save('Who is told of what');
  await told.getByText(/must be the CRM’s own id of an owner/).waitFor();
  await expectSoundPage(one, 'app-settings-refused', { mayBeRefused: true });
  await told.getByLabel('Whose task: A budget runs low').fill('41629779');
  await save('Who is told of what');
  await told.getByText('Saved.').waitFor();
  await part('Timelines of contacts').getByRole('combobox').selectOption({ label: 'Are told' });
  await save('Timelines of contacts');
  await part('Timelines of contacts').getByText('Saved.').waitFor();
  expect(await held()).toMatchObject({
    notifications: [{ notice: 'low_budget', channel: 'crm_task', to: '41629779' }],
    events: 'on',
  });

  // Somebody else saves another part meanwhile; what is written here goes on top of it when it is saved again.
  await part('Programs').getByLabel('Only these').check();
  await part('Programs').getByLabel('Friends of Acme (default)').check();
  const { version, managers } = await held();
  const others = { version, managers: [...managers, '10202099'] };
  expect((await stack.api('PUT', `/connections/${id}/app-settings`, others)).status).toBe(200);
  await save('Programs');
  await part('Programs')
    .getByText(/The settings have changed since you read them/)
    .waitFor();
  await part('Who may change settings inside the CRM').getByText('10202099').waitFor();
  expect(await part('Programs').getByLabel('Friends of Acme (default)').isChecked()).toBe(true);
  await save('Programs');
  await part('Programs').getByText('Saved.').waitFor();
  expect(await held()).toMatchObject({ programs: ['default'], managers: expect.arrayContaining(['10202099']) });
  await expectSoundPage(one, 'app-settings', { mayBeRefused: true });
});

test('of two CRMs it is said which one decides; what cannot tell records to be one is refused beside its field', async () => {
  const one = await enter('arno@acme.test', ['architect']);
  const { page } = one;
  await page.goto(at('connections'));
  await page.getByRole('link', { name: 'Which CRM decides' }).click();
  await page.getByText('Deals of several CRMs are told to be one by no key.').waitFor();
  await page.getByLabel('Deals are copied from one CRM into another').check();
  await page.getByLabel('The CRM that decides on deals').selectOption({ label: `HubSpot ${PORTAL}` });
  await page.getByLabel(`Key in HubSpot ${PORTAL}`).fill('id');
  await page.getByLabel(`Key in HubSpot ${SECOND_PORTAL}`).fill('');
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByText('must name two connections at least: a key ties records').waitFor();
  await expectSoundPage(one, 'several-refused', { mayBeRefused: true });
  await page.getByLabel(`Key in HubSpot ${SECOND_PORTAL}`).fill('source_deal_id');
  await page.getByLabel('Deals without a key').fill('3');
  expect((await stack.api('POST', '/connections-policies', { twinDays: 5 })).body.version).toBe(1);
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByText(/Somebody else has published meanwhile/).waitFor();
  await page.getByText(/won within 5 days in two CRMs/).waitFor();
  await page.getByRole('button', { name: 'Publish' }).dblclick();
  await page.getByText('Version 2 is in force.').waitFor();
  await page.getByText(new RegExp(`On deals decides HubSpot ${PORTAL}; copies bear the same key`)).waitFor();
  await expectSoundPage(one, 'several', { mayBeRefused: true });
  const { items } = (await stack.api('GET', '/connections-policies')).body;
  expect(items).toMatchObject([
    { version: 2, publishedBy: 'arno@acme.test', policy: { contacts: null, twinDays: 3 } },
    { version: 1, policy: { deals: null, twinDays: 5 } },
  ]);
  expect(Object.values(items[0].policy.deals.keys).sort()).toEqual(['id', 'source_deal_id']);
});

test('an owner says who has a case after whom; a reviewer only sees it', async () => {
  const one = await enter('olga@acme.test', ['owner']);
  const { page } = one;
  await page.getByRole('link', { name: 'Escalation' }).click();
  await page.getByText('Reviewer: 48 hours').waitFor();
  await page.getByRole('button', { name: 'Add somebody' }).click();
  await page.getByLabel('3. Who has it').selectOption({ label: 'Finance' });
  await page.getByLabel('Hours').nth(2).fill('9999');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/1464/).waitFor();
  await page.getByLabel('Hours').nth(2).fill('24');
  await page.getByRole('button', { name: 'Remove step 2: Owner of the account' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved. It holds for cases that are opened from now on.').waitFor();
  await expectSoundPage(one, 'escalation', { mayBeRefused: true });
  expect((await stack.api('GET', '/case-chain')).body.chain).toEqual([
    { owner: 'role:reviewer', hours: 48 },
    { owner: 'role:finance', hours: 24 },
  ]);
  const other = await enter('rita@acme.test', ['reviewer']);
  await other.page.goto(at('review'));
  await other.page.getByRole('link', { name: 'Escalation' }).click();
  await other.page.getByText('Finance: 24 hours').waitFor();
  await other.page.getByText('To change it you need the permission “settings.write”.').waitFor();
  expect(await other.page.getByRole('button', { name: 'Save' }).count()).toBe(0);
});

test('finance says when a provider’s batch is cut and who approves it, and enters a rate behind the newest', async () => {
  const one = await enter('fay@acme.test', ['finance']);
  const { page } = one;
  await page.goto(at('settings/providers/manual'));
  const batches = page.getByRole('region', { name: 'Payout batches' });
  await batches.getByText('A batch is cut by hand, and nobody has to approve it.').waitFor();
  await batches.getByLabel('When it is cut').selectOption({ label: 'Friday' });
  await batches.getByLabel('Who has to approve it').selectOption({ label: 'somebody else than who cut it' });
  await batches.getByRole('button', { name: 'Save' }).click();
  await batches.getByText(/Cut every Friday\. Somebody else than who cut it has to approve it\. Next: /).waitFor();
  await batches.getByText('Saved.').waitFor();
  await expectSoundPage(one, 'batching');
  expect((await stack.api('GET', '/payout-schedules')).body.items).toMatchObject([
    { provider: 'manual', schedule: { kind: 'weekday', weekday: 'friday' }, approval: 'four_eyes' },
  ]);

  await page.goto(at('money?tab=rates'));
  await page.getByText('No rates of USD').waitFor();
  const form = page.getByRole('form', { name: 'Add a rate' });
  await form.getByLabel('Day').fill('2026-03-27');
  await form.getByLabel('Rate').fill('1,08');
  await form.getByLabel('Source').fill('ECB');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('must be a decimal in quotes, such as "1.0832"').waitFor();
  expect(await form.getByLabel('Source').inputValue()).toBe('ECB');
  await form.getByLabel('Rate').fill('1.0832');
  await form.getByRole('button', { name: 'Save' }).dblclick();
  await page.getByRole('row', { name: 'Mar 27, 2026 Mar 29, 2026 1.0832 USD for 1 EUR ECB' }).waitFor();
  await form.getByText('Entered for Mar 27, 2026.').waitFor();
  // The next one begins behind it, and what was entered is never changed.
  expect(await form.getByLabel('Day').inputValue()).toBe('2026-03-30');
  await form.getByLabel('Day').fill('2026-03-27');
  await form.getByLabel('Rate').fill('1.09');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText(/must be 1\.0832, as it was entered before/).waitFor();
  await expectSoundPage(one, 'rates', { mayBeRefused: true });
  await page.getByLabel('Up to the day').fill('2026-03-26');
  await page.getByText('No rates of USD').waitFor();
  expect((await stack.api('GET', '/rates/USD')).body.items).toHaveLength(1);
});

test('a rep is refused all of it, and the screens fit a phone', async () => {
  const { page } = await enter('rex@acme.test', ['sales']);
  for (const path of ['brand', 'consent', 'retention', 'configuration']) {
    await page.goto(at(`settings/${path}`));
    await page.getByText('Your roles do not include this').waitFor();
  }
  for (const path of ['review/escalation', 'connections/several', 'money?tab=rates', 'attribution']) {
    await page.goto(at(path));
    await page.getByText('Your roles do not include this').waitFor();
  }
  const phone = await enter('otto@acme.test', ['owner'], 375);
  for (const path of ['brand', 'consent', 'retention', 'configuration']) {
    await phone.page.goto(at(`settings/${path}`));
    await phone.page.getByRole('heading', { level: 1 }).waitFor();
    await phone.page.getByRole('heading', { level: 2 }).first().waitFor();
    expect(await phone.page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true);
    await expectSoundPage(phone, `${path}-phone`);
  }
  await phone.page.emulateMedia({ colorScheme: 'dark' });
  await phone.page.evaluate("localStorage.setItem('wonward.locale', 'de')");
  const { id } = (await stack.api('GET', '/connections')).body.items[0];
  for (const [path, title] of [
    ['settings/escalation', 'Eskalation von Fällen'],
    [`connections/${id}/settings`, /^Einstellungen von HubSpot/],
    ['connections/several', 'Welches CRM entscheidet'],
    ['settings/providers/manual', /./],
    ['money?tab=rates', 'Geld'],
    ['attribution', 'Zuordnung'],
  ] as const) {
    await phone.page.goto(at(path));
    await phone.page.getByRole('heading', { level: 1, name: title }).waitFor();
    await phone.page.getByRole('heading', { level: 2 }).first().waitFor();
    await phone.page.waitForLoadState('networkidle');
    const beside = await phone.page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    expect(beside, `${path} is wider than the screen`).toBe(0);
    await expectSoundPage(phone, `de-${path.replaceAll(/[^a-z]+/g, '-').slice(0, 30)}`);
  }
}, 120_000);
