import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { Linter, type Rule } from 'eslint';

type Placed<T> = T & Rule.NodeParentExtension;
type Node = Rule.Node;
type Literal = Extract<Node, { type: 'Literal' }>;
type TemplateLiteral = Extract<Node, { type: 'TemplateLiteral' }>;
type Expression = TemplateLiteral['expressions'][number];

/** Stands where a sentence says a value. */
const VALUE = 'Xyz 1';
/** More parts than any sentence has. */
const VARIANTS_MAX = 256;

/** What is written for programmers, and for the document of the API. */
const NOT_SAID: ReadonlySet<string> = new Set(['description', 'summary', 'statuses', 'example', 'sql']);
const THROWN: ReadonlySet<string> = new Set(['Error', 'RangeError', 'TypeError']);

/** A text of a source file as people read it: in each of its wordings, of which every value may be there or be left out. */
export interface SaidText {
  readonly file: string;
  readonly line: number;
  readonly wordings: ReadonlyArray<{ readonly text: string; readonly isBare: boolean }[]>;
}

/** All texts with more than one word in the TypeScript files of a folder, but for what `NOT_SAID` and `THROWN` name. */
export function textsIn(folder: string, isWanted: (file: string) => boolean): SaidText[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.filter(isWanted).flatMap((file) => textsOf(join(folder, file)));
}

function textsOf(file: string): SaidText[] {
  const found: SaidText[] = [];
  const note = (node: Placed<Literal | TemplateLiteral>) => {
    if (isInside(node)) return;
    const wordings = wordingsOf(node);
    if (wordings.length > 0) found.push({ file, line: node.loc?.start.line ?? 0, wordings });
  };
  const rule: Rule.RuleModule = {
    create: () => ({
      Literal: (node) => note(node as Placed<Literal>),
      TemplateLiteral: (node) => note(node as Placed<TemplateLiteral>),
    }),
  };
  const messages = new Linter().verify(stripTypeScriptTypes(readFileSync(file, 'utf8')), {
    files: ['**'],
    languageOptions: { ecmaVersion: 'latest', sourceType: 'module' },
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    plugins: { own: { rules: { texts: rule } } },
    rules: { 'own/texts': 'error' },
  });
  const broken = messages.find(({ fatal }) => fatal);
  if (broken) throw new Error(`${file} cannot be read: ${broken.message}`);
  return found;
}

/** Within a text that is looked at as a whole, within what is not said, or where no text is. */
function isInside(node: Placed<Node>): boolean {
  for (let at = node as Placed<Node>; at.parent; at = at.parent as Placed<Node>) {
    const { parent } = at;
    if (parent.type === 'TemplateLiteral' || parent.type === 'ImportDeclaration') return true;
    if (parent.type === 'TaggedTemplateExpression') return true;
    if (parent.type === 'Property' && parent.key === at && !parent.computed) return true;
    if (parent.type === 'Property' && parent.key.type === 'Identifier' && NOT_SAID.has(parent.key.name)) return true;
    if (parent.type === 'VariableDeclarator' && parent.id.type === 'Identifier' && NOT_SAID.has(parent.id.name))
      return true;
    if (parent.type === 'NewExpression' && parent.callee.type === 'Identifier' && THROWN.has(parent.callee.name))
      return true;
  }
  return false;
}

function wordingsOf(node: Expression): Array<{ text: string; isBare: boolean }[]> {
  // Of a choice between words each has to be known; a value may be a part of the sentence that is not always there.
  let wordings: Array<{ text: string; isBare: boolean }[]> = [[{ text: '', isBare: true }]];
  const add = (choices: readonly string[], mayBeLeftOut: boolean) => {
    wordings = choices.flatMap((choice) =>
      wordings.map((variants) =>
        variants.flatMap(({ text, isBare }) =>
          mayBeLeftOut
            ? [
                { text: text + choice, isBare: false },
                { text, isBare: false },
              ]
            : [{ text: text + choice, isBare }],
        ),
      ),
    );
    if (wordings.length * (wordings[0]?.length ?? 0) > VARIANTS_MAX) throw new Error('too many parts of one text');
  };
  if (node.type === 'Literal') {
    if (typeof node.value !== 'string') return [];
    add([node.value], false);
  } else if (node.type === 'TemplateLiteral') {
    node.quasis.forEach((quasi, index) => {
      add([quasi.value.cooked ?? ''], false);
      const expression = node.expressions[index];
      if (!expression) return;
      const choices = choicesOf(expression);
      if (choices) add(choices, false);
      else add([VALUE], true);
    });
  }
  return wordings.filter((variants) => variants.some(({ text }) => /[a-z]\S* \S/.test(text.replaceAll(VALUE, ''))));
}

/** The words between which a condition chooses; null where it is a value. */
function choicesOf(node: Expression): string[] | null {
  if (node.type === 'Literal') return typeof node.value === 'string' ? [node.value] : null;
  if (node.type === 'ConditionalExpression') {
    const [one, other] = [choicesOf(node.consequent), choicesOf(node.alternate)];
    return one && other ? [...one, ...other] : null;
  }
  return null;
}
