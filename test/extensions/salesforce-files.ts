import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** The Salesforce package as its judges see it: text by path, so that a break can be planted without touching a file. */

export const PROJECT = fileURLToPath(new URL('../../extensions/salesforce', import.meta.url));
export const SOURCE = 'force-app/main/default';
/** What an admin adds in the org because a managed package cannot carry it. */
export const ORG_SETUP = 'org-setup/main/default';

export type Files = ReadonlyMap<string, string>;

/** Every file of a folder of the project, by its path in there. */
export function readFiles(folder: string): Map<string, string> {
  const root = join(PROJECT, folder);
  const files = new Map<string, string>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(root, path), readFileSync(path, 'utf8'));
  }
  return new Map([...files].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The same files with one of them changed; the change has to find what it changes. */
export function planted(files: Files, path: string, from: string | RegExp, to: string): Files {
  const text = files.get(path);
  if (text === undefined) throw new Error(`no file ${path} to plant in`);
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${path} has nothing like ${String(from)}`);
  return new Map(files).set(path, changed);
}

export interface Node {
  readonly name: string;
  readonly children: readonly Node[];
  /** Of a leaf; the empty string where there is none. */
  readonly text: string;
  readonly xmlns: string | null;
}

type Ordered = Record<string, unknown> & { ':@'?: Record<string, string> };

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  trimValues: true,
});

function nodeOf(ordered: Ordered): Node {
  const name = Object.keys(ordered).find((key) => key !== ':@') ?? '';
  const inner = (ordered[name] ?? []) as Ordered[];
  return {
    name,
    children: inner.filter((one) => !('#text' in one)).map(nodeOf),
    text: inner.map((one) => String(one['#text'] ?? '')).join(''),
    xmlns: ordered[':@']?.xmlns ?? null,
  };
}

/** By text: a planted break changes one file of more than a hundred. */
const parsed = new Map<string, Node>();

/** @throws when it is not XML. */
export function parseXml(text: string): Node {
  const known = parsed.get(text);
  if (known) return known;
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new Error(`not XML: ${valid.err.msg} in line ${valid.err.line}`);
  const roots = (parser.parse(text) as Ordered[]).filter((one) => !('?xml' in one) && !('#text' in one));
  const [root] = roots;
  if (!root || roots.length > 1) throw new Error('not one root element');
  const node = nodeOf(root);
  parsed.set(text, node);
  return node;
}

export const all = (node: Node, name: string): Node[] => node.children.filter((child) => child.name === name);
export const one = (node: Node, name: string): Node | undefined => node.children.find((child) => child.name === name);
export const textOf = (node: Node, name: string): string | undefined => one(node, name)?.text;
export const textsOf = (node: Node, name: string): string[] => all(node, name).map(({ text }) => text);
