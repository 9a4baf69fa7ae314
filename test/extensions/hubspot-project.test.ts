import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { hubspotManifest, manifestWithAppEvents, propertyNames } from '../../manifests/hubspot/app.ts';
import { findDrift, generatedFiles, writeGenerated } from '../../scripts/hubspot-project.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const copies: string[] = [];

afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true });
});

/** The generated files, somewhere they may be broken. */
function copyOfProject(): string {
  const root = mkdtempSync(join(tmpdir(), 'wonward-project-'));
  copies.push(root);
  for (const path of generatedFiles().keys()) cpSync(join(REPOSITORY, path), join(root, path));
  return root;
}

describe('HubSpot’s files', () => {
  it('are what the manifest says', () => {
    expect(findDrift(REPOSITORY)).toEqual([]);
  });

  it.each([...generatedFiles().keys()])('are watched one by one: a change in %s is caught and named', (path) => {
    const root = copyOfProject();
    writeFileSync(join(root, path), `${readFileSync(join(root, path), 'utf8')} `);
    expect(findDrift(root)).toEqual([`${path} differs from the manifest`]);
    rmSync(join(root, path));
    expect(findDrift(root)).toEqual([`${path} is missing`]);
    writeGenerated(root);
    expect(findDrift(root)).toEqual([]);
  });

  it('cannot be joined by one that nothing declares', () => {
    const root = copyOfProject();
    const stray = 'extensions/hubspot/src/app/cards/stray-hsmeta.json';
    writeFileSync(join(root, stray), '{}');
    expect(findDrift(root)).toEqual([`${stray} is declared nowhere in manifests/hubspot`]);
  });
});

describe('the manifest', () => {
  it('asks for each scope once, and for none by habit', () => {
    const { requiredScopes, optionalScopes } = hubspotManifest.oauth;
    expect(new Set([...requiredScopes, ...optionalScopes]).size).toBe(requiredScopes.length + optionalScopes.length);
    expect(requiredScopes).toEqual(
      expect.arrayContaining(['oauth', 'crm.objects.contacts.write', 'crm.schemas.deals.write']),
    );
  });

  it('subscribes to nothing that Wonward itself writes, so that a write-back raises no webhook', () => {
    const watched = hubspotManifest.webhooks.crmObjects.flatMap((item) =>
      'propertyName' in item ? [item.propertyName] : [],
    );
    const written = Object.values(hubspotManifest.properties)
      .flat()
      .filter(({ owner }) => owner === 'wonward');
    expect(written.map(({ name }) => name).filter((name) => watched.includes(name))).toEqual([]);
    expect(watched).toContain('wonward_referral_code');
  });

  it('names each subscription once', () => {
    const keys = hubspotManifest.webhooks.crmObjects.map((item) => JSON.stringify(item));
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toHaveLength(20);
  });

  it.each(['contact', 'deal'] as const)(
    'gives every %s property our prefix, a name of its own and a description',
    (object) => {
      expect(new Set(propertyNames(object)).size).toBe(propertyNames(object).length);
      for (const property of hubspotManifest.properties[object]) {
        expect(property.name).toMatch(/^wonward_[a-z_]+$/);
        expect(property.description.length).toBeGreaterThan(20);
      }
    },
  );

  it('keeps app events, and the permission that they need, out of what everybody uploads', () => {
    const { appEvents, oauth } = manifestWithAppEvents;
    expect(hubspotManifest.appEvents).toEqual([]);
    expect(hubspotManifest.oauth.requiredScopes).not.toContain('timeline');
    expect(oauth.requiredScopes).toEqual([...hubspotManifest.oauth.requiredScopes, 'timeline']);
    const uploaded = [...generatedFiles().keys()].filter((path) => path.startsWith('extensions/hubspot/src/'));
    expect(uploaded.filter((path) => path.includes('app-event'))).toEqual([]);
    // As HubSpot's own template names its fields, and as its guide limits them.
    for (const { uid, headerTemplate, detailTemplate, properties, ...others } of appEvents) {
      expect(uid).toMatch(/^wonward_[a-z_]{1,50}$/);
      expect(Object.keys(others).sort()).toEqual(['name', 'objectType']);
      expect([headerTemplate.length <= 1_000, detailTemplate.length <= 10_000]).toEqual([true, true]);
      expect(new Set(properties.map(({ name }) => name)).size).toBe(properties.length);
      for (const [, name] of `${headerTemplate}${detailTemplate}`.matchAll(/\{\{(?:#if )?(\w+)\}\}/g))
        expect(properties.map((property) => property.name)).toContain(name);
    }
  });

  it('points every card at a file that is there', () => {
    for (const { entry } of hubspotManifest.cards) {
      const file = join(REPOSITORY, 'extensions/hubspot/src/app/cards', entry);
      expect(readFileSync(file, 'utf8')).toContain('hubspot.extend');
      expect(dirname(entry)).toBe('.');
    }
  });
});
