import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApexErrorListener, ApexParserFactory } from '@apexdevtools/apex-parser';
import { parseQuery } from '@jetstreamapp/soql-parser-js';
import { CodeAnalyzer, CodeAnalyzerConfig, type Violation } from '@salesforce/code-analyzer-core';
import { createEnginePlugin as createPmd } from '@salesforce/code-analyzer-pmd-engine';
import { createEnginePlugin as createRegex } from '@salesforce/code-analyzer-regex-engine';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createScratch,
  hasJava,
  PACKAGE,
  PROJECT,
  readClasses,
  readSchema,
  type SalesforceField,
} from './salesforce-code.ts';

/**
 * Judges of the package's Apex. It cannot be run without an org: what is executed nowhere here is parsed, checked for meaning by apex-ls and
 * PMD, and kept small.
 */

const scratch = createScratch();
afterAll(() => scratch.remove());

const classes = readClasses(PROJECT);
const isTest = (text: string): boolean => /^@IsTest/im.test(text);
/** A class as it would stand in the package, for a planted break. */
const planted = (body: string): Map<string, string> => new Map([['Planted', body]]);

function syntaxErrors(source: string): string[] {
  const errors: string[] = [];
  class Listener extends ApexErrorListener {
    apexSyntaxError(line: number, column: number, message: string): void {
      errors.push(`${line}:${column} ${message}`);
    }
  }
  ApexParserFactory.createLexerAndParser(source, new Listener()).parser.compilationUnit();
  return errors;
}

describe('the syntax of the Apex classes', () => {
  it.each([...classes.keys()])('holds in %s', (name) => {
    expect(syntaxErrors(classes.get(name) ?? '')).toEqual([]);
  });

  it('is judged: a forgotten bracket is found', () => {
    expect(syntaxErrors('public with sharing class A { void b() { Integer c = (1 + 2; } }')).not.toEqual([]);
  });
});

/** Every query in square brackets, in one line. */
const soqlOf = (source: string): string[] =>
  [...source.matchAll(/\[\s*(SELECT\b[\s\S]*?)\]/g)].map(([, soql = '']) => soql.replace(/\s+/g, ' ').trim());

type Schema = ReadonlyMap<string, ReadonlyMap<string, SalesforceField>>;

/** Field paths that a parsed query names, wherever they stand. */
function pathsOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(pathsOf);
  if (typeof node !== 'object' || node === null) return [];
  const { field, relationships = [] } = node as { field?: unknown; relationships?: string[] };
  const own = typeof field === 'string' ? [[...relationships, field].join('.')] : [];
  return [...own, ...Object.values(node).flatMap(pathsOf)];
}

/** What is wrong with the queries of these classes. */
function soqlProblems(sources: ReadonlyMap<string, string>, schema: Schema): string[] {
  return [...sources].flatMap(([name, source]) =>
    soqlOf(source).flatMap((soql) => {
      const problems = soql.includes(' WITH USER_MODE') ? [] : [`${name}: not in user mode: ${soql}`];
      const query = parseQuery(soql.replace(' WITH USER_MODE', '').replace(/ LIMIT :\w+/, ''), {
        allowApexBindVariables: true,
      });
      return [
        ...problems,
        ...unknownFields(query.sObject ?? '', pathsOf(query), schema).map((text) => `${name}: ${text}`),
      ];
    }),
  );
}

function unknownFields(object: string, paths: readonly string[], schema: Schema): string[] {
  if (!schema.has(object)) return [`there is no object ${object}`];
  return paths.flatMap((path) => {
    const steps = path.split('.');
    let at: string | null = object;
    for (const [index, step] of steps.entries()) {
      const isLast = index === steps.length - 1;
      const field: string = isLast ? step : step.endsWith('__r') ? step.replace(/__r$/, '__c') : `${step}Id`;
      const found: SalesforceField | undefined = at === null ? undefined : schema.get(at)?.get(field);
      if (found === undefined) return [`${at} has no ${field} (${path})`];
      at = found.target;
    }
    return [];
  });
}

describe('the queries', () => {
  const schema = readSchema(PROJECT);

  it('read only fields that the package declares or Salesforce has, all of them in user mode', () => {
    expect([...classes.values()].flatMap(soqlOf).length).toBeGreaterThan(6);
    expect(soqlProblems(classes, schema)).toEqual([]);
  });

  it.each([
    ['a field that nothing declares', 'SELECT Id, Gone__c FROM Referral__c WITH USER_MODE', 'has no Gone__c'],
    [
      'a field of a related record',
      'SELECT Member__r.Gone__c FROM Referral__c WITH USER_MODE',
      'Referral_Member__c has no Gone__c',
    ],
    ['a field in a condition', 'SELECT Id FROM Referral__c WHERE Gone__c = :a WITH USER_MODE', 'has no Gone__c'],
    ['a field to sort by', 'SELECT Id FROM Referral__c WITH USER_MODE ORDER BY Gone__c', 'has no Gone__c'],
    ['an object that is not there', 'SELECT Id FROM Gone__c WITH USER_MODE', 'there is no object Gone__c'],
    ['a query in system mode', 'SELECT Id FROM Referral__c', 'not in user mode'],
  ])('are judged: %s is found', (_, soql, problem) => {
    expect(soqlProblems(planted(`Object a = [${soql}];`), schema).join()).toContain(problem);
  });
});

/** Laws of this package that no other judge knows. */
function lawsBroken(sources: ReadonlyMap<string, string>): string[] {
  return [...sources].flatMap(([name, source]) => [
    ...(/^(?:@IsTest\s+)?(?:public|private|global) with sharing class /m.test(source)
      ? []
      : [`${name} does not say "with sharing"`]),
    ...[...source.matchAll(/^ +(?:public|private|global) (?:without|inherited) sharing class (\w+)/gm)].map(
      ([, inner]) => `${name}.${inner} leaves the user's sharing`,
    ),
    ...(/\b(HttpRequest|Http|WebServiceCallout|callout:|@future)\b/.test(source) ? [`${name} calls out`] : []),
    ...(/callout\s*=\s*true/.test(source) ? [`${name} says that it calls out`] : []),
    ...(/\bDatabase\.(query|countQuery)\b/.test(source) ? [`${name} puts a query together at run time`] : []),
    ...[...source.matchAll(/^\s*(insert|update|upsert|delete|undelete) (?!as user )/gm)].map(
      ([, word]) => `${name} has a "${word}" in system mode`,
    ),
    ...[...source.matchAll(/Database\.(?:insert|update|upsert|delete)\(([^;]*)\);/g)]
      .filter(([, args = '']) => !args.includes('AccessLevel.USER_MODE'))
      .map(() => `${name} has a Database call in system mode`),
    ...(isTest(source) || sources.has(`${name}Test`) ? [] : [`${name} has no test class`]),
    ...(isTest(source) ||
    !/@AuraEnabled(?!\(cacheable=true\))\s+public static (?!Id (?:submitReferral|openDispute))/.test(source)
      ? []
      : [`${name} has a method that is neither cacheable nor a known write`]),
  ]);
}

describe('the package’s laws', () => {
  it('are kept by every class', () => {
    expect(lawsBroken(classes)).toEqual([]);
  });

  it.each([
    ['without sharing', 'public class Planted {}', 'with sharing'],
    ['an inner class without', 'public with sharing class Planted {\n  public without sharing class B {}\n}', 'leaves'],
    ['a callout', 'public with sharing class Planted { Http a; }', 'calls out'],
    ['a query from text', "public with sharing class Planted { Object a = Database.query('x'); }", 'at run time'],
    ['a write in system mode', 'public with sharing class Planted { void a() {\n insert b; } }', 'system mode'],
    [
      'one of Database in system mode',
      'public with sharing class Planted { void a() { Database.insert(b, false); } }',
      'system mode',
    ],
    ['a class without a test', 'public with sharing class Planted {}', 'no test class'],
    ['a write under another name', '@AuraEnabled\npublic static void pay() {}', 'neither cacheable'],
  ])('are judged: %s is found', (_, source, problem) => {
    expect(lawsBroken(planted(source)).join()).toContain(problem);
  });

  it('hold for every flow action: global, in lists, with a required key, told as safe to retry', () => {
    const actions = [...classes].filter(([, source]) => source.includes('@InvocableMethod'));
    expect(actions.map(([name]) => name).sort()).toEqual([
      'EnrolReferralMember',
      'GetReferralShareLink',
      'IssueReferralReward',
      'SetReferralStage',
      'SubmitReferral',
    ]);
    for (const [name, source] of actions) {
      expect(source, name).toMatch(/global static List<ReferralActionResult> \w+\(List<Request> requests\)/);
      expect(source, name).toMatch(/callout=false/);
      expect(source, name).toMatch(/Safe to retry with the same key/);
      expect(source, name).toMatch(/label='Idempotency Key'\s+required=true/);
    }
  });
});

const ENGINE = fileURLToPath(new URL('../../node_modules/@salesforce/code-analyzer-pmd-engine', import.meta.url));
const run = promisify(execFile);

interface SemanticIssue {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** apex-ls over a whole project: types, methods, variables, labels and the fields of records. */
async function semanticIssues(project: string): Promise<SemanticIssue[]> {
  const { stdout } = await run(
    'java',
    [
      '-cp',
      join(ENGINE, 'dist/java-lib/*'),
      'io.github.apexdevtools.apexls.CheckForIssues',
      '-w',
      project,
      '-d',
      'warnings',
      '-n',
    ],
    { maxBuffer: 16 * 1024 * 1024 },
  ).catch((error: { code?: number; stdout?: string; stderr?: string }) => {
    // It ends with 4 when it has found something.
    if (error.code !== 4 || error.stdout === undefined) throw error;
    return { stdout: error.stdout };
  });
  const issues: SemanticIssue[] = [];
  let file = '';
  for (const line of stdout.split('\n')) {
    const [, at, message] = /^\w+: line (\d+) [^:]*: (.*)$/.exec(line) ?? [];
    if (message !== undefined) issues.push({ file, line: Number(at), message });
    else if (line.startsWith('/')) file = line.trim().split('/').at(-1) ?? '';
  }
  return issues;
}

const BROKEN = `public class Planted {
    public static void bad(String name) {
        Referral__c row = new Referral__c(Gone__c = name);
        Integer wrong = name.toLowerCas();
        List<Referral__c> found = Database.query('SELECT Id FROM Referral__c WHERE Name = \\'' + name + '\\'');
        update found;
    }
}
`;

/** Each starts a virtual machine of its own and takes ten seconds, or a minute on a machine that has other work. */
const JAVA_TIMEOUT_MS = 300_000;

describe('apex-ls and PMD', { timeout: JAVA_TIMEOUT_MS }, () => {
  // Both take seconds to start: each runs once, over the package with a class that breaks their rules.
  const project = scratch.copy({
    'classes/Planted.cls': BROKEN,
    'classes/Planted.cls-meta.xml':
      '<?xml version="1.0" encoding="UTF-8"?>\n<ApexClass xmlns="http://soap.sforce.com/2006/04/metadata"><apiVersion>66.0</apiVersion><status>Active</status></ApexClass>\n',
  });

  it.skipIf(!hasJava())('find nothing in the package’s meaning, and the planted mistakes (needs Java)', async () => {
    const issues = await semanticIssues(project);
    expect(issues.filter(({ file }) => file !== 'Planted.cls')).toEqual([]);
    const found = issues.map(({ message }) => message).join('\n');
    expect(found).toContain('Gone__c');
    expect(found).toContain('toLowerCas');
  });

  it.skipIf(!hasJava())(
    'find nothing that AgentExchange’s review forbids, and the planted mistakes (needs Java)',
    async () => {
      const analyzer = new CodeAnalyzer(CodeAnalyzerConfig.fromObject({}));
      await Promise.all([analyzer.addEnginePlugin(createPmd()), analyzer.addEnginePlugin(createRegex())]);
      const workspace = await analyzer.createWorkspace([join(project, PACKAGE)]);
      const rules = await analyzer.selectRules(['AppExchange', 'Recommended:Security'], { workspace });
      expect(rules.getCount()).toBeGreaterThan(40);
      const results = await analyzer.run(rules, { workspace });
      const told = results.getViolations().map(sentenceOf);
      expect(told.filter((text) => !text.includes('Planted.cls') && !ACCEPTED.includes(text))).toEqual([]);
      const mistakes = told.filter((text) => text.includes('Planted.cls')).map((text) => text.split(' ')[0]);
      expect(mistakes).toEqual(
        expect.arrayContaining(['ApexSOQLInjection', 'ApexCRUDViolation', 'ApexSharingViolations']),
      );
    },
  );
});

/** Found by name, and not so: the reviewers get the same list. */
const ACCEPTED = [
  // The key says which action it is; nobody is let in by it.
  'ProtectSensitiveData Idempotency_Key__c.field-meta.xml',
];

function sentenceOf(violation: Violation): string {
  const file = violation.getPrimaryLocation().getFile() ?? '';
  return `${violation.getRule().getName()} ${file.split('/').at(-1)}`;
}
