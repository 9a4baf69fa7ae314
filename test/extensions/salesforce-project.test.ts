import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT, readFiles, SOURCE } from './salesforce-files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wonward-salesforce-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const API_VERSION = (
  JSON.parse(readFileSync(join(PROJECT, 'sfdx-project.json'), 'utf8')) as { sourceApiVersion: string }
).sourceApiVersion;

describe('Salesforce’s own converter', () => {
  type Tools = typeof import('@salesforce/source-deploy-retrieve');
  let tools: Tools;
  beforeAll(async () => {
    // It keeps a log in the home folder unless told not to.
    process.env.SF_DISABLE_LOG_FILE = 'true';
    tools = await import('@salesforce/source-deploy-retrieve');
  });
  afterAll(() => {
    delete process.env.SF_DISABLE_LOG_FILE;
  });

  async function convert(root: string, to: string) {
    const set = tools.ComponentSet.fromSource(root);
    // Otherwise it asks Salesforce for the newest version.
    set.sourceApiVersion = API_VERSION;
    set.apiVersion = API_VERSION;
    const { packagePath = '' } = await new tools.MetadataConverter().convert(set, 'metadata', {
      type: 'directory',
      outputDirectory: join(scratch, to),
    });
    const members = new Map<string, string[]>();
    for (const component of set.getSourceComponents())
      members.set(component.type.name, [...(members.get(component.type.name) ?? []), component.fullName]);
    const covered = new Set(
      set
        .getSourceComponents()
        .toArray()
        .flatMap((component) => [component, ...component.getChildren()])
        .flatMap((component) => [component.xml ?? '', ...component.walkContent()]),
    );
    return { members, covered, packageXml: readFileSync(join(packagePath, 'package.xml'), 'utf8') };
  }

  it('knows every file of the package, and makes of it what is deployed', async () => {
    const { members, covered, packageXml } = await convert(join(PROJECT, SOURCE), 'all');
    expect(members.get('CustomObject')?.sort()).toEqual([
      'Referral_Action__c',
      'Referral_Consent_Text__c',
      'Referral_Member__c',
      'Referral_Reward__c',
      'Referral__c',
    ]);
    expect(members.get('PermissionSet')?.sort()).toEqual(['Referral_Integration', 'Referral_Manager', 'Referral_User']);
    expect(members.get('ReportType')).toHaveLength(5);
    expect(members.get('Report')).toContain('Wonward/Rewards_by_State');
    expect(members.get('Dashboard')).toContain('Wonward/Referral_Program');
    expect(members.get('PlatformEventChannelMember')).toHaveLength(6);
    expect(members.get('ExternalClientApplication')).toEqual(['Wonward']);
    expect(members.get('ExtlClntAppOauthSettings')).toEqual(['Wonward_oauth']);
    expect(packageXml).toContain(`<version>${API_VERSION}</version>`);
    expect(packageXml).toContain('<members>Contact.Referred_By__c</members>');
    const ignore = tools.ForceIgnore.findAndCreate(join(PROJECT, SOURCE));
    const paths = [...readFiles(SOURCE).keys()].map((path) => join(PROJECT, SOURCE, path));
    expect(paths.filter((path) => !covered.has(path) && !ignore.denies(path))).toEqual([]);
    // What would be left out: unit tests, and what holds a secret.
    expect(
      ['lwc/card/__tests__/card.test.js', 'extlClntAppGlobalOauthSets/Wonward_glbloauth.ecaGlblOauth-meta.xml'].map(
        (path) => ignore.denies(join(PROJECT, SOURCE, path)),
      ),
    ).toEqual([true, true]);
    expect(ignore.denies(join(PROJECT, SOURCE, 'lwc/card/card.js'))).toBe(false);
  });

  it('knows what an admin adds', async () => {
    const { members } = await convert(join(PROJECT, 'org-setup'), 'setup');
    expect([...members]).toEqual([['PermissionSet', ['Referral_Integration_Records']]]);
  });

  it('would have refused a file with another ending', () => {
    const root = join(scratch, 'broken');
    mkdirSync(join(root, 'permissionsets'), { recursive: true });
    cpSync(
      join(PROJECT, SOURCE, 'permissionsets/Referral_User.permissionset-meta.xml'),
      join(root, 'permissionsets/Referral_User.permission-meta.xml'),
    );
    expect(() => tools.ComponentSet.fromSource(root)).toThrow(/permissionset/);
  });
});

describe('the script for a scratch org', () => {
  const SCRIPT = 'scripts/try-in-scratch-org.sh';

  /** Runs it in a copy of the project, with a Salesforce CLI that only says what it was asked. */
  function run(withClasses: boolean, failing = ''): { status: number | null; calls: string[][]; stderr: string } {
    const root = mkdtempSync(join(scratch, 'run-'));
    cpSync(PROJECT, root, { recursive: true, filter: (path) => !path.includes('node_modules') });
    if (withClasses) {
      mkdirSync(join(root, SOURCE, 'classes'), { recursive: true });
      writeFileSync(join(root, SOURCE, 'classes/Planted.cls'), 'public with sharing class Planted {}');
    } else {
      rmSync(join(root, SOURCE, 'classes'), { recursive: true, force: true });
    }
    const bin = join(root, 'bin');
    const log = join(root, 'calls');
    mkdirSync(bin);
    writeFileSync(log, '');
    writeFileSync(
      join(bin, 'sf'),
      `#!/usr/bin/env bash\n(IFS='|'; echo "$*") >> '${log}'\n[[ -n '${failing}' && "$*" == *'${failing}'* ]] && exit 1\nexit 0\n`,
    );
    chmodSync(join(bin, 'sf'), 0o755);
    const { status, stderr } = spawnSync('bash', [join(root, SCRIPT), 'judge'], {
      encoding: 'utf8',
      env: { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) },
    });
    const calls = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('|'));
    return { status, calls, stderr };
  }
  const valuesAfter = (call: string[] | undefined, flag: string): string[] =>
    (call ?? []).filter((_, index) => call?.[index - 1] === flag);

  it('creates the org, deploys all but the client app, assigns the sets and runs the Apex tests', () => {
    const { status, calls, stderr } = run(true);
    expect([status, stderr]).toEqual([0, '']);
    expect(calls.map((call) => call.slice(0, 3).join(' '))).toEqual([
      'org create scratch',
      'project deploy start',
      'org assign permset',
      'apex run test',
    ]);
    const deployed = valuesAfter(calls[1], '--source-dir');
    expect(deployed).toEqual(expect.arrayContaining([`${SOURCE}/objects`, `${SOURCE}/classes`, 'org-setup']));
    expect(deployed.filter((folder) => /ext|external/.test(folder))).toEqual([]);
    expect(valuesAfter(calls[2], '--name')).toEqual([
      'Referral_Manager',
      'Referral_Integration',
      'Referral_Integration_Records',
    ]);
    for (const call of calls.slice(1)) expect(valuesAfter(call, '--target-org')).toEqual(['judge']);
  });

  it('says so when there is nothing to test, and stops at the first thing that fails', () => {
    expect(run(false).calls).toHaveLength(3);
    const broken = run(true, 'deploy');
    expect(broken.status).toBe(1);
    expect(broken.calls).toHaveLength(2);
  });
});
