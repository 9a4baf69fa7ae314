import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { config as uiExtensionsRules } from '@hubspot/eslint-config-ui-extensions';
import { parseProjectConfig } from '@hubspot/project-parsing-lib/projects';
import { transform } from 'esbuild';
import { ESLint } from 'eslint';
import nock from 'nock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hubspotManifest } from '../../manifests/hubspot/app.ts';
import { APP_EVENTS } from '../../manifests/hubspot/app-events.ts';
import { writeWithAppEvents } from '../../scripts/hubspot-project.ts';
import { buildCardBundle, buildPageBundle } from '../../src/sandbox/web/card-bundle.ts';

const PROJECT = fileURLToPath(new URL('../../extensions/hubspot', import.meta.url));
const FOLDERS = ['cards', 'pages', 'settings'].map((folder) => join(PROJECT, 'src/app', folder));
const PAGES = [hubspotManifest.pages, hubspotManifest.settings];
const ACCOUNT = 1;

const scratch = mkdtempSync(join(tmpdir(), 'wonward-judges-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A copy of what would be uploaded, without installed packages. */
function copyOfProject(name: string): string {
  const copy = join(scratch, name);
  cpSync(PROJECT, copy, { recursive: true, filter: (path) => !path.includes('node_modules') });
  return copy;
}

async function translate(project: string, options: { skipValidation: boolean; profile?: string }) {
  const { translate: official } = await import('@hubspot/project-parsing-lib/translate');
  const { srcDir, platformVersion } = parseProjectConfig(project);
  return official({ projectSourceDir: join(project, srcDir), platformVersion, accountId: ACCOUNT }, options);
}

describe('HubSpot’s project parser', () => {
  beforeAll(() => {
    writeFileSync(
      join(scratch, 'hubspot.config.yml'),
      `defaultAccount: ${ACCOUNT}
accounts:
  - name: offline
    accountId: ${ACCOUNT}
    env: prod
    authType: personalaccesskey
    personalAccessKey: offline
    auth:
      tokenInfo:
        accessToken: offline
        expiresAt: '2099-01-01T00:00:00.000Z'
`,
    );
    process.env.HUBSPOT_CONFIG_PATH = join(scratch, 'hubspot.config.yml');
    nock.disableNetConnect();
    // The parser fetches a JSON schema per component with an account's token; with one that allows anything its structural
    // rules still run. The real schemas need `hs project validate` with an account.
    const schemas = Object.fromEntries(
      ['APPLICATION', 'CARD', 'PAGE', 'SETTINGS', 'WEBHOOKS', 'WORKFLOW_ACTION', 'APP_EVENT'].map((kind) => [
        kind,
        { type: 'object' },
      ]),
    );
    for (const host of ['https://api.hubapi.com', 'https://api.hubspot.com']) {
      nock(host)
        .persist()
        .get(/project-schemas\/v3\//)
        .query(true)
        .reply(200, schemas);
    }
  });
  afterAll(() => {
    nock.cleanAll();
    nock.enableNetConnect();
    delete process.env.HUBSPOT_CONFIG_PATH;
  });

  it('reads every component, and fills the public URL from the profile', async () => {
    const { intermediateRepresentation, skippedHsMetaFiles } = await translate(PROJECT, {
      skipValidation: true,
      profile: 'example',
    });
    const nodes = intermediateRepresentation.intermediateNodesIndexedByUid;
    expect(skippedHsMetaFiles).toEqual([]);
    expect(
      Object.values(nodes)
        .map(({ uid, componentType }) => [uid, componentType])
        .sort(),
    ).toEqual([
      ['wonward_app', 'APPLICATION'],
      ['wonward_company_card', 'CARD'],
      ['wonward_company_sidebar', 'CARD'],
      ['wonward_contact_sidebar', 'CARD'],
      ['wonward_deal_card', 'CARD'],
      ['wonward_deal_sidebar', 'CARD'],
      ['wonward_enrol_member', 'WORKFLOW_ACTION'],
      ['wonward_get_share_link', 'WORKFLOW_ACTION'],
      ['wonward_issue_reward', 'WORKFLOW_ACTION'],
      ['wonward_pages', 'PAGE'],
      ['wonward_referral_card', 'CARD'],
      ['wonward_set_stage', 'WORKFLOW_ACTION'],
      ['wonward_settings', 'SETTINGS'],
      ['wonward_submit_referral', 'WORKFLOW_ACTION'],
      ['wonward_wait_until_rewarded', 'WORKFLOW_ACTION'],
      ['wonward_webhooks', 'WEBHOOKS'],
    ]);
    expect(nodes.wonward_app?.config).toMatchObject({
      auth: { redirectUrls: ['https://wonward.example.com/oauth/hubspot/callback'] },
      permittedUrls: { fetch: ['https://wonward.example.com'], img: ['https://wonward.example.com'] },
    });
    expect(nodes.wonward_webhooks?.config).toMatchObject({
      settings: { targetUrl: 'https://wonward.example.com/webhooks/hubspot' },
    });
    expect(nodes.wonward_issue_reward?.config).toMatchObject({
      actionUrl: 'https://wonward.example.com/hubspot/actions/issue-reward',
      inputFields: [
        { typeDefinition: { optionsUrl: 'https://wonward.example.com/hubspot/actions/options/programs' } },
        { typeDefinition: { optionsUrl: 'https://wonward.example.com/hubspot/actions/options/rules' } },
        {},
      ],
    });
    expect(JSON.stringify(nodes)).not.toContain('${');
  });

  it('finds nothing against the structure', async () => {
    await expect(translate(PROJECT, { skipValidation: false, profile: 'example' })).resolves.toBeDefined();
  });

  it('reads the app events of an app that is approved for them, and finds none in what everybody uploads', async () => {
    const project = join(scratch, 'with-app-events');
    writeWithAppEvents(project);
    const read = async (from: string) => {
      const { intermediateRepresentation, skippedHsMetaFiles } = await translate(from, {
        skipValidation: false,
        profile: 'example',
      });
      expect(skippedHsMetaFiles).toEqual([]);
      return intermediateRepresentation.intermediateNodesIndexedByUid;
    };
    const [usual, more] = [await read(PROJECT), await read(project)];
    const own = APP_EVENTS.map(({ uid }) => uid);
    expect(Object.keys(more).filter((uid) => !(uid in usual))).toEqual(own);
    for (const { uid, ...config } of APP_EVENTS)
      expect(more[uid]).toMatchObject({ componentType: 'APP_EVENT', config });
    const requiredScopes = [...hubspotManifest.oauth.requiredScopes, 'timeline'];
    expect(more.wonward_app?.config).toMatchObject({ auth: { requiredScopes } });
  });

  it.each<[string, (project: string) => void]>([
    [
      'an app event among the cards',
      (project) => {
        writeWithAppEvents(project);
        plant(project, 'app/cards/referral-card-hsmeta.json', { type: 'app-event' });
      },
    ],
    [
      'a component type that does not exist',
      (project) => plant(project, 'app/cards/referral-card-hsmeta.json', { type: 'kard' }),
    ],
    ['a uid twice', (project) => plant(project, 'app/cards/referral-card-hsmeta.json', { uid: 'wonward_app' })],
    ['a key nobody knows at the top', (project) => plant(project, 'app/app-hsmeta.json', { scopes: [] })],
    [
      'a card in the folder of the webhooks',
      (project) => plant(project, 'app/webhooks/webhooks-hsmeta.json', { type: 'card', uid: 'other' }),
    ],
  ])('would have caught %s', async (name, breakIt) => {
    const project = copyOfProject(name);
    breakIt(project);
    await expect(translate(project, { skipValidation: false, profile: 'example' })).rejects.toThrow();
  });
});

function plant(project: string, file: string, change: object): void {
  const path = join(project, 'src', file);
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change }));
}

describe('HubSpot’s production build', () => {
  it.each([
    ...hubspotManifest.cards.map(({ uid }) => ({ uid, build: () => buildCardBundle(uid) })),
    ...PAGES.map((page) => ({ uid: page.uid, build: () => buildPageBundle(page) })),
  ])('makes $uid a small script that brings no React and no markup of its own', async ({ build }) => {
    const { code } = await build();
    expect(code.length).toBeLessThan(100_000);
    expect(code).toMatch(/RemoteUI\)/);
    expect(code).not.toMatch(/document\.|window\.|localStorage|XMLHttpRequest/);
    expect(() => new Function(code)).not.toThrow();
  });
});

describe('HubSpot’s lint rules', () => {
  /** The rules are about JSX and globals; types are taken off first, since ESLint reads no TypeScript by itself. */
  async function lint(path: string, source: string) {
    const [cwd, file] = [dirname(path), basename(path)];
    const eslint = new ESLint({ overrideConfigFile: true, overrideConfig: uiExtensionsRules, cwd });
    const { code } = await transform(source, {
      loader: file.endsWith('x') ? 'tsx' : 'ts',
      jsx: 'preserve',
      target: 'esnext',
    });
    const [result] = await eslint.lintText(code, { filePath: join(cwd, file.replace(/\.ts(x?)$/, '.js$1')) });
    return (result?.messages ?? []).map(({ ruleId, message }) => `${ruleId ?? 'parse'}: ${message}`);
  }

  const sources = FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => join(folder, file)),
  );

  it.each(sources.map((path) => [relative(PROJECT, path), path] as const))('find nothing in %s', async (_, path) => {
    expect(await lint(path, readFileSync(path, 'utf8'))).toEqual([]);
  });

  it('read every source of the cards and pages', () => {
    expect(sources.map((path) => basename(path))).toEqual(
      expect.arrayContaining(['referral-card.tsx', 'home-page.tsx']),
    );
    expect(sources.length).toBeGreaterThan(10);
  });

  it.each<[string, string, string]>([
    ['no-html-elements', 'planted.tsx', 'export const A = () => <div>no</div>;'],
    ['no-native-http', 'planted.ts', "export const a = () => fetch('https://example.com');"],
    ['no-browser-dialogs', 'planted.ts', "export const a = () => alert('no');"],
    ['no-dom-access', 'planted.ts', "export const a = () => document.querySelector('a');"],
    ['no-parent-imports', 'planted.ts', "import { a } from '../outside.ts';\nexport const b = a;"],
  ])('would have caught what %s forbids', async (rule, file, source) => {
    expect((await lint(join(FOLDERS[0] ?? '', file), source)).join()).toContain(rule);
  });
});
