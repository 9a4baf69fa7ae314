import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import scratchSchema from '@salesforce/schemas/project-scratch-def.schema.json' with { type: 'json' };
import projectSchema from '@salesforce/schemas/sfdx-project.schema.json' with { type: 'json' };
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { metadataProblems, readMetadataTypes } from './metadata-types.ts';
import { type Files, ORG_SETUP, PROJECT, planted, readFiles, SOURCE } from './salesforce-files.ts';

const files = readFiles(SOURCE);
const setup = readFiles(ORG_SETUP);
const types = readMetadataTypes();

const problemsOf = (given: Files): string[] =>
  [...given]
    .filter(([path]) => path.endsWith('-meta.xml'))
    .flatMap(([path, text]) => metadataProblems(types, text).map((problem) => `${path}: ${problem}`));

describe('Salesforce’s metadata types', () => {
  it('have what the package uses, as the platform’s WSDL says it', () => {
    expect(types.structures.size).toBeGreaterThan(1500);
    expect(types.enums.get('DeleteConstraint')).toEqual(new Set(['Cascade', 'Restrict', 'SetNull']));
    expect(types.structures.get('CustomField')?.own.get('referenceTo')?.type).toBe('string');
    const unknown = [...types.structures.values()]
      .flatMap(({ own }) => [...own.values()])
      .map(({ type }) => type)
      .filter((type) => !types.structures.has(type) && !types.enums.has(type) && !types.aliases.has(type));
    expect([...new Set(unknown)].sort()).toEqual(['Date', 'any', 'boolean', 'number', 'string']);
  });

  it('find nothing in any file of the package, nor in what an admin adds', () => {
    expect(problemsOf(files)).toEqual([]);
    expect(problemsOf(setup)).toEqual([]);
    expect([...files.keys()].filter((path) => path.endsWith('-meta.xml')).length).toBeGreaterThan(100);
  });

  const STATE = 'objects/Referral_Reward__c/fields/State__c.field-meta.xml';
  it.each<[string, string, string | RegExp, string, string]>([
    ['an element that no type has', STATE, /label>State<\/label/, 'lable>State</lable', 'no element <lable>'],
    [
      'one deep inside',
      STATE,
      '<restricted>true</restricted>',
      '<strict>true</strict>',
      'valueSet has no element <strict>',
    ],
    [
      'an element that has to be there',
      'permissionsets/Referral_User.permissionset-meta.xml',
      /<label>.*<\/label>/,
      '',
      'lacks <label>',
    ],
    ['an element twice', STATE, '<type>Picklist</type>', '<type>Picklist</type><type>Text</type>', '<type> twice'],
    [
      'repeated elements apart from each other',
      'permissionsets/Referral_User.permissionset-meta.xml',
      '<tabSettings>',
      '<fieldPermissions><editable>false</editable><field>x</field></fieldPermissions><tabSettings>',
      'in two places',
    ],
    ['a value that no enumeration has', STATE, '>Picklist<', '>PickList<', 'is no FieldType'],
    ['a truth value in another language', STATE, '<required>false', '<required>no', 'not true or false'],
    ['a number in words', 'objects/Referral__c/fields/Program__c.field-meta.xml', '>80<', '>eighty<', 'not a number'],
    ['an element without a value', STATE, '<label>State</label>', '<label></label>', '<label> is empty'],
    ['elements where a value belongs', STATE, '<label>State</label>', '<label><b>State</b></label>', 'takes a value'],
    ['text between elements', STATE, '<label>State', 'State<label>State', 'holds the text "State"'],
    ['another type’s root', STATE, /CustomField/g, 'CustomFeld', 'no metadata type CustomFeld'],
    ['another namespace', STATE, '2006/04/metadata', '2007/04/metadata', 'not in the namespace'],
    ['broken XML', STATE, '</label>', '</lable>', 'not XML'],
  ])('would have caught %s', (_, path, from, to, problem) => {
    const problems = problemsOf(planted(files, path, from, to));
    expect(problems).not.toEqual([]);
    expect(problems[0]).toContain(path);
    expect(problems.join('\n')).toContain(problem);
  });
});

describe('Salesforce’s JSON schemas', () => {
  const json = (path: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(PROJECT, path), 'utf8')) as Record<string, unknown>;

  const PROJECT_FILE = 'sfdx-project.json';
  const SCRATCH_FILE = 'config/project-scratch-def.json';
  it.each<[string, Record<string, unknown>, object]>([
    [PROJECT_FILE, { sourceApiVerzion: '66.0' }, projectSchema],
    [PROJECT_FILE, { replacements: [{ filename: 'x', stringToReplace: 'y' }] }, projectSchema],
    [SCRATCH_FILE, { edition: undefined }, scratchSchema],
    [SCRATCH_FILE, { features: ['NoSuchFeature'] }, scratchSchema],
  ])('find nothing in %s, and would have with %j', (path, broken, schema) => {
    const ajv = new Ajv({ strict: false });
    addFormats(ajv);
    const validate = ajv.compile(schema);
    const project = json(path);
    validate(project);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ ...project, ...broken })).toBe(false);
  });
});
