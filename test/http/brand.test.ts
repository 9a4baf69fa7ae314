import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPrune } from '../../src/application/prune.ts';
import { type Brand, LOGO_BYTES_MAX, USUAL_BRAND } from '../../src/domain/brand.ts';
import { createLog } from '../../src/platform/log.ts';
import { startHttp, type TestAccount, type TestService } from './service.ts';

const DAY = 86_400_000;
/** The first bytes of a picture, which is what it is judged by. */
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');

let service: TestService;
let acme: TestAccount;
beforeEach(async () => {
  service = await startHttp();
  acme = await service.createAccount('Acme (production)');
});
afterEach(() => service.close());

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
const json = async (answer: Promise<Response> | Response): Promise<any> => (await answer).json();
const setBrand = (changes: Partial<Brand>, version = 0) => acme.put('/brand', { version, ...USUAL_BRAND, ...changes });
const setLogo = (bytes: Buffer) => acme.put('/brand/logo', { content: bytes.toString('base64') });
const sharePage = async () => {
  const { code } = await json(acme.post('/members', { email: 'ada@example.com' }));
  return fetch(`${service.url}/r/${code}`);
};

describe('the brand', () => {
  test('is on the page that a friend opens, in its language and with the words that friends are told', async () => {
    const plain = await (await sharePage()).text();
    expect(plain).toContain('<p class="brand">Wonward</p>');
    // What the account is called among its staff is nobody else's business.
    expect(plain).not.toContain('production');
    await setBrand({
      name: 'Acme & Söhne <b>',
      accent: '#ffdd00',
      language: 'de',
      privacyUrl: 'https://acme.example/privacy?a=1&b=2',
      postalAddress: 'Acme GmbH\nHauptstr. 1',
    });
    await acme.post('/consent-texts', {
      purpose: 'friend',
      version: 0,
      texts: { en: 'We write to you once.', de: 'Wir schreiben Ihnen einmal.\r\n\r\n<script>alert(1)</script>' },
    });
    const answer = await sharePage();
    const page = await answer.text();
    expect(page).toContain('<html lang="de">');
    expect(page).toContain('Sie wurden Acme &amp; Söhne &lt;b&gt; empfohlen');
    expect(page).toContain('href="https://acme.example/privacy?a=1&amp;b=2"');
    expect(page).toContain('Acme GmbH, Hauptstr. 1');
    expect(page).toContain('<p>Wir schreiben Ihnen einmal.</p><p>&lt;script&gt;alert(1)&lt;/script&gt;</p>');
    expect(page).not.toContain('We write to you once.');
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base/,
    );
    expect(page).toContain('main.branded{--accent:#');
  });

  test('has a colour that can be read wherever it is used, and says what it was made of', async () => {
    const { colours } = await json(setBrand({ accent: '#ffdd00' }));
    expect(colours.contrast).toEqual({ onLight: 1.34, onDark: 12.11, textOn: 15.59 });
    expect(colours.onDark).toBe('#ffdd00');
    expect(colours.onLight).not.toBe('#ffdd00');
    expect(colours.textOn).toBe('#000000');
    const refused = await json(setBrand({ accent: 'javascript:alert(1)' }, 1));
    expect(refused.errors).toEqual([{ field: 'accent', problem: 'must be a colour such as #0a6e5c' }]);
  });

  test.each([
    ['privacyUrl', 'javascript:alert(1)'],
    ['privacyUrl', 'http://acme.example'],
    ['termsUrl', 'https://user:secret@acme.example'],
    ['termsUrl', 'https://localhost'],
    ['replyTo', 'ada@acme.example\r\nBcc: eve@evil.test'],
    ['senderName', 'Acme\r\nBcc: eve@evil.test'],
    ['language', 'xx'],
  ])('refuses %s as %j and names the field', async (field, value) => {
    const answer = await setBrand({ [field]: value });
    expect(answer.status).toBe(400);
    const fields = (await json(answer)).errors.map((error: { field: string }) => error.field);
    expect([...new Set(fields)]).toEqual([field]);
  });

  test('a logo is what its bytes are, has the address of its content, and is nothing that a browser runs', async () => {
    const { logo } = await json(setLogo(PNG));
    const served = await fetch(`${service.url}${logo.url}`);
    expect(Buffer.from(await served.arrayBuffer())).toEqual(PNG);
    expect(served.headers.get('content-type')).toBe('image/png');
    expect(served.headers.get('x-content-type-options')).toBe('nosniff');
    expect(served.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
    expect(served.headers.get('cache-control')).toContain('immutable');
    const page = await sharePage();
    expect(await page.text()).toContain(`<img src="${logo.url}" alt="Wonward">`);
    expect(page.headers.get('content-security-policy')).toContain("img-src 'self'");

    const refusals = [
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
      Buffer.from('<!doctype html><script>alert(1)</script>'),
      Buffer.concat([Buffer.from('GIF89a'), PNG]),
    ];
    for (const bytes of refusals)
      expect((await json(setLogo(bytes))).errors).toEqual([
        { field: 'content', problem: 'must be a PNG, JPEG or WebP picture; an SVG can hold scripts and is not taken' },
      ]);
    const large = await setLogo(Buffer.concat([PNG, Buffer.alloc(LOGO_BYTES_MAX)]));
    expect(large.status).toBe(400);
    expect((await json(large)).errors[0].problem).toBe('must be a picture of at most 100 kB');
    expect((await json(acme.call('/brand'))).logo).toEqual(logo);

    await acme.call('/brand/logo', { method: 'DELETE' });
    expect((await fetch(`${service.url}${logo.url}`)).status).toBe(404);
    expect((await fetch(`${service.url}/logos/..%2f..%2fetc`)).status).toBe(404);
  });

  test('is on the letters, whose address stays the service’s own', async () => {
    await setBrand({
      name: 'Acme',
      senderName: 'Acme Referrals',
      replyTo: 'care@acme.example',
      postalAddress: 'Here 1',
    });
    await acme.post('/users/invitations', { email: 'new@acme.example', roles: ['sales'] });
    expect(service.letters.at(-1)).toMatchObject({
      subject: 'You are invited to Acme on Wonward',
      senderName: 'Acme Referrals',
      replyTo: 'care@acme.example',
      text: expect.stringContaining('--\nAcme\nHere 1\n'),
    });
  });
});

describe('consent texts', () => {
  const text = (en: string, version: number) =>
    acme.post('/consent-texts', { purpose: 'friend', version, texts: { en } });
  const refer = async (consent?: object) => {
    const member = await json(acme.post('/members', { email: 'ada@example.com' }));
    const friend = { email: `f${Math.random()}@example.com` };
    return json(acme.post('/referrals', { memberId: member.id, friend, ...(consent ? { consent } : {}) }));
  };
  const told = async (id: string) => (await json(acme.call(`/referrals/${id}/consents`))).items;

  beforeEach(async () => {
    const rules = [{ key: 'a', party: 'member', amount: { kind: 'percent', basisPoints: 1 }, payout: 'credit' }];
    await acme.post('/programs', { programId: 'default', name: 'P', rules });
  });

  test('a referral bears the version that its friend was shown, also when there is a newer one', async () => {
    await text('We write to you once.', 0);
    const first = await refer({ version: 1, language: 'en' });
    await text('We write to you twice.', 1);
    const second = await refer({ version: 2, language: 'en' });
    const third = await refer();
    expect(await told(first.id)).toMatchObject([
      { purpose: 'friend', version: 1, language: 'en', place: 'api', text: 'We write to you once.' },
    ]);
    expect(await told(second.id)).toMatchObject([{ version: 2, text: 'We write to you twice.' }]);
    expect(await told(third.id)).toEqual([]);
    const person = await json(acme.post('/people/export', { referralId: first.id }));
    expect(person.consents).toMatchObject([{ subject: first.id, version: 1 }]);
    const other = await service.createAccount('Other');
    expect((await other.call(`/referrals/${first.id}/consents`)).status).toBe(404);
  });

  test('what nobody ever wrote was shown to nobody', async () => {
    await text('We write to you once.', 0);
    for (const consent of [
      { version: 2, language: 'en' },
      { version: 1, language: 'de' },
    ]) {
      const refused = await refer(consent);
      expect(refused.status).toBe(400);
      expect(refused.errors[0].field).toBe('consent.version');
    }
    expect((await json(acme.call('/referrals'))).items).toEqual([]);
  });

  test('members bear theirs, and so do those of an import', async () => {
    await acme.post('/consent-texts', { purpose: 'member', version: 0, texts: { de: 'Sie werben.' } });
    const consent = { version: 1, language: 'de' };
    const member = await json(acme.post('/members', { email: 'grace@example.com', consent }));
    expect((await json(acme.call(`/members/${member.id}/consents`))).items).toMatchObject([
      { purpose: 'member', version: 1, place: 'api', text: 'Sie werben.' },
    ]);
    const file = { csv: 'email\nlinus@example.com\ngrace@example.com\n', mapping: { email: 'email' } };
    const wrong = await acme.post('/member-imports', { id: 'i', ...file, consent: { version: 9, language: 'de' } });
    expect(wrong.status).toBe(400);
    await acme.post('/member-imports', { id: 'i', ...file, consent });
    await service.memberImports.runAll();
    const { items } = await json(acme.call('/members?search=linus'));
    expect((await json(acme.call(`/members/${items[0].id}/consents`))).items).toMatchObject([
      { version: 1, place: 'import', text: 'Sie werben.' },
    ]);
    // Who was a member before keeps what they were shown then.
    expect((await json(acme.call(`/members/${member.id}/consents`))).items).toHaveLength(1);
  });
});

describe('retention', () => {
  const pruneAt = (now: number) => {
    const { store } = service;
    return createPrune({
      store,
      reconciliation: { prune: async () => {} },
      clock: { now: () => now },
      log: createLog({ level: 'silent' }),
    })();
  };

  test('is within bounds that say why, and what lies behind it is forgotten and nothing else', async () => {
    const before = await json(acme.call('/retention'));
    expect(before.items.map(({ item, days }: { item: string; days: number }) => [item, days])).toEqual([
      ['inbox', 180],
      ['workflowCalls', 30],
      ['reportLists', 35],
      ['reports', 400],
      ['auditLog', null],
    ]);
    const refused = await json(acme.put('/retention', { version: 0, days: { inbox: 29, reports: null } }));
    expect(refused.errors).toEqual([
      { field: 'days.inbox', problem: 'must be a whole number of days from 30 to 3650, or null for ever' },
      { field: 'days.reports', problem: 'must be a whole number of days from 400 to 3650' },
    ]);
    const connectionId = await acme.connect('48000001');
    const origin = { id: connectionId, accountId: acme.id };
    const now = Date.now();
    const hint = (eventKey: string) => ({
      ...{
        eventKey,
        externalId: '1',
        kind: 'change' as const,
        records: [],
        occurredAt: now,
        echo: false,
        payload: null,
      },
    });
    for (const days of [100, 60, 31, 0]) await service.store.inbox.append(origin, [hint(`e${days}`)], now - days * DAY);
    await acme.put('/retention', { version: 0, days: { inbox: 45 } });
    await pruneAt(now);
    // Those that were forgotten would be taken as new; those within the time are still known.
    const again = await service.store.inbox.append(origin, ['e100', 'e60', 'e31', 'e0'].map(hint), now);
    expect(again).toEqual({ accepted: 2, duplicates: 2 });
    const after = await json(acme.call('/retention'));
    expect(after.items[0]).toMatchObject({ item: 'inbox', days: 45, forgotten: { rows: 2 } });
    const lines = (await json(acme.call('/audit-log'))).items;
    expect(lines.map(({ operation }: { operation: string }) => operation)).toContain('setRetention');
  });
});

describe('configuration as code', () => {
  const rules = [{ key: 'a', party: 'member', amount: { kind: 'percent', basisPoints: 500 }, payout: 'credit' }];
  const program = { programId: 'default', name: '<script>alert(1)</script>', rules };
  const check = (document: object) => acme.post('/configuration/check', document);
  const apply = async (document: object) => {
    const { basis } = await json(check(document));
    return json(acme.post('/configuration/apply', { basis, configuration: document }));
  };
  const outcomes = ({ parts }: { parts: { kind: string; outcome: string }[] }) =>
    parts.map(({ kind, outcome }) => [kind, outcome]);

  test('what is exported can be applied as it stands, here without a difference and elsewhere with all of it', async () => {
    await acme.post('/programs', {
      ...program,
      rules: [{ ...rules[0], amount: { kind: 'percent', basisPoints: 12_000 }, allowOverWhole: true }],
    });
    await setBrand({ name: 'Acme', accent: '#0a6e5c' });
    await acme.post('/consent-texts', { purpose: 'friend', version: 0, texts: { en: 'Once.' } });
    const document = await json(acme.call('/configuration'));
    const { parts } = await json(check(document));
    expect(parts.map(({ kind, differences }: { kind: string; differences: string[] }) => [kind, differences])).toEqual([
      ['program', []],
      ['brand', []],
      ['consent', []],
      ['retention', []],
    ]);
    const other = await service.createAccount('Other');
    const { basis } = await json(other.post('/configuration/check', document));
    const done = await json(other.post('/configuration/apply', { basis, configuration: document }));
    expect(outcomes(done)).toEqual([
      ['program', 'applied'],
      ['brand', 'applied'],
      ['consent', 'applied'],
      ['retention', 'unchanged'],
    ]);
    expect(await json(other.call('/configuration'))).toEqual(document);
  });

  test('what is wrong is told by its place, and nothing of it is applied', async () => {
    const wrong = {
      format: 1,
      programs: [{ ...program, rules: [{ ...rules[0], holdDays: -1 }] }],
      retention: { inbox: 1 },
    };
    const answer = await check(wrong);
    expect(answer.status).toBe(400);
    expect((await json(answer)).errors.map(({ field }: { field: string }) => field)).toEqual([
      'programs[0].rules[0].holdDays',
      'retention.inbox',
    ]);
    const twice = await json(check({ format: 1, programs: [program, program] }));
    expect(twice.errors).toEqual([{ field: 'programs', problem: 'must name each program once' }]);
    const huge = await check({ format: 1, brand: 'x'.repeat(10_000_000) });
    expect([huge.status, (await json(huge)).code]).toEqual([413, 'body_too_large']);
  });

  test('where two people publish, a program becomes a draft that somebody else publishes', async () => {
    await acme.put('/account', { name: 'Acme', needsSecondPerson: true });
    expect(outcomes(await apply({ format: 1, programs: [program] }))).toEqual([['program', 'draft']]);
    expect((await json(acme.call('/programs'))).items).toEqual([]);
    expect((await acme.post('/programs/default/draft/publish', { revision: 1 })).status).toBe(409);
  });

  test('what one may not do is refused part by part, and what was compared with something else as a whole', async () => {
    const { basis } = await json(check({ format: 1 }));
    await setBrand({ name: 'Meanwhile' });
    const late = await acme.post('/configuration/apply', {
      basis,
      configuration: { format: 1, retention: { inbox: 60 } },
    });
    expect(late.status).toBe(409);
    const unpayable = { ...program, rules: [{ ...rules[0], payout: 'webhook' }] };
    const done = await apply({ format: 1, programs: [unpayable], retention: { inbox: 60 } });
    expect(outcomes(done)).toEqual([
      ['program', 'refused'],
      ['retention', 'applied'],
    ]);
    expect(done.parts[0].words).toContain('rules[0].payout must be one of');
  });
});
