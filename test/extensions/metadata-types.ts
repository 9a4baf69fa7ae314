import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Node, parseXml } from './salesforce-files.ts';

/**
 * Salesforce's metadata types, as `@salesforce/types` has them from the platform's own WSDL, and a check of a file against them, element by
 * element. Salesforce's converter sees neither malformed XML nor an element that no type has.
 */

interface Property {
  readonly optional: boolean;
  readonly repeated: boolean;
  readonly type: string;
}

interface Structure {
  readonly base: string | null;
  readonly own: ReadonlyMap<string, Property>;
}

export interface MetadataTypes {
  readonly structures: ReadonlyMap<string, Structure>;
  /** Values of an enumeration, by its name. */
  readonly enums: ReadonlyMap<string, ReadonlySet<string>>;
  /** `ReportFolder = Folder`, `Language = string`. */
  readonly aliases: ReadonlyMap<string, string>;
}

const NAMESPACE = 'http://soap.sforce.com/2006/04/metadata';

/** Base64 in the WSDL, a document of its own in a file: `LightningComponentBundle.targetConfigs`. */
const OPAQUE: ReadonlySet<string> = new Set(['LightningComponentBundle.targetConfigs']);

export function readMetadataTypes(): MetadataTypes {
  const require = createRequire(import.meta.url);
  const text = readFileSync(require.resolve('@salesforce/types/metadata').replace(/\.js$/, '.d.ts'), 'utf8');
  const structures = new Map<string, Structure>();
  const enums = new Map<string, ReadonlySet<string>>();
  const aliases = new Map<string, string>();
  for (const [, name = '', body = ''] of text.matchAll(/^export type (\w+) = ([\s\S]*?);\n(?=export |$)/gm)) {
    const structure = /^(?:(\w+) & )?\{([\s\S]*)\}$/.exec(body);
    if (structure) {
      const own = new Map<string, Property>();
      for (const [, key = '', question, type = '', array] of (structure[2] ?? '').matchAll(
        /^ {4}(\w+)(\?)?: ([^;[]+)(\[\])?;$/gm,
      )) {
        own.set(key, { optional: question === '?', repeated: array === '[]', type });
      }
      structures.set(name, { base: structure[1] ?? null, own });
    } else if (body.startsWith("'")) {
      enums.set(name, new Set([...body.matchAll(/'([^']*)'/g)].map(([, value = '']) => value)));
    } else {
      aliases.set(name, body);
    }
  }
  return { structures, enums, aliases };
}

function propertiesOf(types: MetadataTypes, name: string): ReadonlyMap<string, Property> {
  const structure = types.structures.get(name);
  if (!structure) return new Map();
  return new Map([...(structure.base ? propertiesOf(types, structure.base) : []), ...structure.own]);
}

function leafProblem(types: MetadataTypes, type: string, node: Node): string | null {
  if (node.children.length > 0) return `<${node.name}> takes a value, not elements`;
  const values = types.enums.get(type);
  if (values) return values.has(node.text) ? null : `<${node.name}> is "${node.text}", which is no ${type}`;
  if (node.text === '') return `<${node.name}> is empty`;
  if (type === 'boolean' && !/^(true|false)$/.test(node.text)) {
    return `<${node.name}> is "${node.text}", not true or false`;
  }
  if (type === 'number' && !/^-?\d+(\.\d+)?$/.test(node.text)) return `<${node.name}> is "${node.text}", not a number`;
  return null;
}

function structureProblems(types: MetadataTypes, type: string, node: Node, where: string): string[] {
  const properties = propertiesOf(types, type);
  const problems: string[] = [];
  if (node.text !== '') problems.push(`${where} holds the text "${node.text}" between its elements`);
  const counts = new Map<string, number>();
  let before = '';
  for (const child of node.children) {
    const property = properties.get(child.name);
    if (!property) {
      problems.push(`${where} has no element <${child.name}>`);
      continue;
    }
    const count = (counts.get(child.name) ?? 0) + 1;
    counts.set(child.name, count);
    if (count === 2 && !property.repeated) problems.push(`${where} has <${child.name}> twice`);
    // "Element … is duplicated at this location": what is repeated stands together.
    if (count > 1 && property.repeated && before !== child.name)
      problems.push(`${where} has its <${child.name}> in two places`);
    before = child.name;
    if (OPAQUE.has(`${type}.${child.name}`)) continue;
    const named = types.aliases.get(property.type) ?? property.type;
    if (types.structures.has(named)) problems.push(...structureProblems(types, named, child, `${where}.${child.name}`));
    else {
      const problem = leafProblem(types, named, child);
      if (problem) problems.push(`${where}: ${problem}`);
    }
  }
  for (const [name, { optional, repeated }] of properties) {
    if (!optional && !repeated && !counts.has(name)) problems.push(`${where} lacks <${name}>`);
  }
  return problems;
}

/** What is wrong with one file, in words; empty when nothing is. */
export function metadataProblems(types: MetadataTypes, text: string): string[] {
  let root: Node;
  try {
    root = parseXml(text);
  } catch (thrown) {
    return [(thrown as Error).message];
  }
  if (root.xmlns !== NAMESPACE) return [`<${root.name}> is not in the namespace ${NAMESPACE}`];
  const type = types.aliases.get(root.name) ?? root.name;
  if (!types.structures.has(type)) return [`there is no metadata type ${root.name}`];
  return structureProblems(types, type, root, root.name);
}
