import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '@lwc/sfdc-lwc-compiler';
import type { ESLint as ESLintClass } from 'eslint';
import { afterAll, describe, expect, it } from 'vitest';
import { createScratch, PACKAGE, PROJECT, readClasses } from './salesforce-code.ts';

/** Judges of the package's Lightning web components: what a deployment and a review would say. How they look is in test/browser. */

const scratch = createScratch();
afterAll(() => scratch.remove());

const API_VERSION = 66;
const BASE = fileURLToPath(new URL('../../node_modules/lightning-base-components/src/lightning', import.meta.url));
/** Modules of the platform that are no base components. */
const PLATFORM = [
  'lwc',
  '@salesforce/apex',
  'lightning/refresh',
  '@salesforce/i18n/locale',
  '@salesforce/i18n/timeZone',
];

const componentsOf = (project: string): string[] => readdirSync(join(project, PACKAGE, 'lwc')).sort();

function filesOf(project: string, name: string): Record<string, string> {
  const folder = join(project, PACKAGE, 'lwc', name);
  return Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}

interface Compiled {
  readonly problems: readonly string[];
  /** What it imports, from the compiler's own report. */
  readonly imports: readonly string[];
}

async function compileComponent(project: string, name: string): Promise<Compiled> {
  const { diagnostics, results } = await compile({
    bundle: {
      type: 'platform',
      name,
      namespace: 'c',
      namespaceMapping: { c: 'c' },
      files: filesOf(project, name),
      options: { apiVersion: API_VERSION },
    },
  });
  return {
    problems: diagnostics.map(({ code, message }) => `${code} ${message}`),
    imports: (results ?? []).flatMap(({ imports = [] }) => imports.map(({ specifier }) => specifier)),
  };
}

const labelsOf = (project: string): string[] =>
  [
    ...readFileSync(join(project, PACKAGE, 'labels/CustomLabels.labels-meta.xml'), 'utf8').matchAll(
      /<fullName>(\w+)<\/fullName>/g,
    ),
  ].map(([, name = '']) => name);

/** What the components import and neither the package nor the platform has. */
function danglingImports(project: string, imports: readonly string[]): string[] {
  const classes = readClasses(project);
  const labels = labelsOf(project);
  return imports.filter((specifier) => {
    const [, label] = /^@salesforce\/label\/c\.(\w+)$/.exec(specifier) ?? [];
    if (label !== undefined) return !labels.includes(label);
    const [, className = '', method] = /^@salesforce\/apex\/c\.(\w+)\.(\w+)$/.exec(specifier) ?? [];
    if (method !== undefined) {
      return !new RegExp(`@AuraEnabled(\\(cacheable=true\\))?\\s+public static [\\w.<>]+ ${method}\\(`).test(
        classes.get(className) ?? '',
      );
    }
    const [, own] = /^c\/(\w+)$/.exec(specifier) ?? [];
    if (own !== undefined) return !componentsOf(project).includes(own);
    const [, base = ''] = /^lightning\/(\w+)$/.exec(specifier) ?? [];
    return !PLATFORM.includes(specifier) && !existsSync(join(BASE, base, `${base}.js`));
  });
}

async function judge(project: string, names = componentsOf(project)): Promise<string[]> {
  const compiled = await Promise.all(names.map((name) => compileComponent(project, name)));
  return [
    ...compiled.flatMap(({ problems }) => problems),
    ...danglingImports(
      project,
      compiled.flatMap(({ imports }) => imports),
    ),
  ];
}

/** The package's component with a piece of its text exchanged. */
function broken(file: string, from: string, to: string): string {
  const path = `lwc/${file.split('.')[0]}/${file}`;
  const text = readFileSync(join(PROJECT, PACKAGE, path), 'utf8');
  expect(text).toContain(from);
  return scratch.copy({ [path]: text.replace(from, to) });
}

describe('the platform’s compiler', () => {
  it('takes every component, and all that they import is there', async () => {
    expect(await judge(PROJECT)).toEqual([]);
  });

  it.each([
    ['a decorator that is none', 'referralItem.js', '@api referral;', '@wired referral;', /LWC\d+|1\d{3}/],
    ['a template that is not closed', 'referralItem.html', '</article>', '', /child-elements/],
    [
      'an Apex method that is not there',
      'referralHistory.js',
      'Controller.getHistory',
      'Controller.getHistories',
      /getHistories/,
    ],
    [
      'a method that is not for components',
      'referralHistory.js',
      'Controller.getHistory',
      'Controller.problem',
      /problem/,
    ],
    ['a label that is not there', 'referralHistory.js', 'c.Referral_Title', 'c.Referral_Titel', /Referral_Titel/],
    ['a base component that is not there', 'referralHistory.html', '<lightning-spinner', '<lightning-spiner', /spin/],
  ])('is asked: %s is found', async (_, file, from, to, problem) => {
    expect((await judge(broken(file, from, to), [file.replace(/\.\w+$/, '')])).join('\n')).toMatch(problem);
  });
});

describe('the words', () => {
  /** Text that stands in a template as it is, and could not be translated. */
  const literalText = (template: string): string =>
    template
      .replace(/<[^>]*>/g, ' ')
      .replace(/\{[^}]*\}/g, ' ')
      .trim();

  it('are custom labels: no template has text of its own', () => {
    for (const name of componentsOf(PROJECT)) {
      for (const [file, text] of Object.entries(filesOf(PROJECT, name))) {
        if (file.endsWith('.html')) expect(literalText(text), file).toBe('');
      }
    }
    expect(literalText('<p>{name} owes</p>')).toBe('owes');
  });

  it('are all used, so that nobody translates what nobody reads', () => {
    const sources = [
      ...componentsOf(PROJECT).flatMap((name) => Object.values(filesOf(PROJECT, name))),
      ...readClasses(PROJECT).values(),
    ].join('\n');
    expect(labelsOf(PROJECT).filter((label) => !new RegExp(`\\b(?:c|Label)\\.${label}\\b`).test(sources))).toEqual([]);
  });

  it('are not put into the page as HTML, and no script comes from elsewhere', () => {
    for (const name of componentsOf(PROJECT)) {
      const text = Object.values(filesOf(PROJECT, name)).join('\n');
      expect(text, name).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|lwc:dom|loadScript|<script|eval\(/);
    }
  });
});

describe('the component for record pages', () => {
  const meta = filesOf(PROJECT, 'referralHistory')['referralHistory.js-meta.xml'] ?? '';

  it('is for the four objects, on desktop and phone', () => {
    expect([...meta.matchAll(/<object>(\w+)</g)].map(([, object]) => object).sort()).toEqual([
      'Account',
      'Contact',
      'Lead',
      'Opportunity',
    ]);
    expect([...meta.matchAll(/type="(Large|Small)"/g)].map(([, factor]) => factor)).toEqual(['Large', 'Small']);
  });

  it('declares only properties that it has, and is the only one in the builder', () => {
    for (const [, property] of meta.matchAll(/<property name="(\w+)"/g)) {
      expect(filesOf(PROJECT, 'referralHistory')['referralHistory.js']).toMatch(new RegExp(`@api ${property}\\b`));
    }
    const exposed = componentsOf(PROJECT).filter((name) =>
      filesOf(PROJECT, name)[`${name}.js-meta.xml`]?.includes('<isExposed>true<'),
    );
    expect(exposed).toEqual(['referralHistory']);
  });

  it('has one API version with everything beside it', () => {
    for (const name of componentsOf(PROJECT)) {
      expect(filesOf(PROJECT, name)[`${name}.js-meta.xml`], name).toContain(`<apiVersion>${API_VERSION}.0<`);
    }
  });
});

describe('Salesforce’s ESLint rules', () => {
  // Its packages want a Babel of their own, so they live in the package's folder.
  const local = createRequire(join(PROJECT, 'package.json'));
  const { ESLint } = local('eslint') as { ESLint: typeof ESLintClass };
  const config = local('@salesforce/eslint-config-lwc/recommended') as object[];

  async function complaints(project: string): Promise<string[]> {
    const eslint = new ESLint({ cwd: project, overrideConfigFile: true, overrideConfig: config });
    const results = await eslint.lintFiles([`${PACKAGE}/lwc/**/*.js`]);
    expect(results).toHaveLength(componentsOf(project).length);
    return results.flatMap(({ messages }) =>
      messages.map(({ ruleId, message }) => `${ruleId ?? 'syntax'}: ${message}`),
    );
  }

  it('find nothing', async () => {
    expect(await complaints(PROJECT)).toEqual([]);
  });

  it.each([
    ['HTML from a text', "this.template.querySelector('p').innerHTML = 'a';", 'no-inner-html'],
    ['a timer without a reason', 'setTimeout(() => {}, 1);', 'no-async-operation'],
    ['a look outside of the component', "document.querySelector('p');", 'no-document-query'],
  ])('are asked: %s is found', async (_, statement, rule) => {
    const project = broken(
      'referralReward.js',
      'labels = { NEXT_STEP };',
      `labels = { NEXT_STEP };\n    connectedCallback() { ${statement} }`,
    );
    expect((await complaints(project)).join('\n')).toContain(rule);
  });
});
