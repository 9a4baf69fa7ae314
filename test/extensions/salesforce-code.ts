import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the judges of the Salesforce package have in common. */

export const PROJECT = fileURLToPath(new URL('../../extensions/salesforce', import.meta.url));
export const PACKAGE = 'force-app/main/default';

export interface Scratch {
  /** A copy of the project; `planted` are files within the package, by their path, that are put into it or over another. */
  copy(planted?: Readonly<Record<string, string>>): string;
  remove(): void;
}

export function createScratch(): Scratch {
  const root = mkdtempSync(join(tmpdir(), 'wonward-salesforce-'));
  let copies = 0;
  return {
    copy(planted = {}) {
      copies += 1;
      const copy = join(root, String(copies));
      cpSync(PROJECT, copy, { recursive: true, filter: (path) => !path.includes('node_modules') });
      for (const [path, text] of Object.entries(planted)) writeFileSync(join(copy, PACKAGE, path), text);
      return copy;
    },
    remove: () => rmSync(root, { recursive: true }),
  };
}

/** Texts of the Apex classes by name. */
export function readClasses(project: string): Map<string, string> {
  const folder = join(project, PACKAGE, 'classes');
  return new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.cls'))
      .map((name) => [name.replace(/\.cls$/, ''), readFileSync(join(folder, name), 'utf8')]),
  );
}

export interface SalesforceField {
  /** The object that a look-up names; null for any other field. */
  readonly target: string | null;
}

/** Fields of the package's objects, and those of standard objects that its queries may use. */
export function readSchema(project: string): Map<string, Map<string, SalesforceField>> {
  const plain: SalesforceField = { target: null };
  const system: [string, SalesforceField][] = [
    ['Id', plain],
    ['Name', plain],
    ['CreatedDate', plain],
    ['CreatedById', { target: 'User' }],
    ['OwnerId', { target: 'User' }],
  ];
  const schema = new Map<string, Map<string, SalesforceField>>([
    ['Contact', new Map([...system, ['Email', plain], ['AccountId', { target: 'Account' }]])],
    ['Lead', new Map([...system, ['Email', plain], ['Company', plain]])],
    ['Account', new Map(system)],
    ['Opportunity', new Map([...system, ['StageName', plain], ['AccountId', { target: 'Account' }]])],
    [
      'OpportunityContactRole',
      new Map([
        ...system,
        ['OpportunityId', { target: 'Opportunity' }],
        ['ContactId', { target: 'Contact' }],
        ['IsPrimary', plain],
      ]),
    ],
    ['User', new Map(system)],
  ]);
  const objects = join(project, PACKAGE, 'objects');
  for (const object of readdirSync(objects)) {
    const fields = schema.get(object) ?? new Map(system);
    schema.set(object, fields);
    const folder = join(objects, object, 'fields');
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      const [, target = null] = /<referenceTo>(\w+)</.exec(readFileSync(join(folder, file), 'utf8')) ?? [];
      fields.set(file.replace('.field-meta.xml', ''), { target });
    }
  }
  return schema;
}

export function hasJava(): boolean {
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
