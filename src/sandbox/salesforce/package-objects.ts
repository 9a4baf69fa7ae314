import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import { SandboxError } from './errors.ts';
import { type Field, type FieldType, field, type ObjectType, type OnDelete } from './schema.ts';
import { objectType, systemFields, values } from './standard-objects.ts';

/**
 * Reads a package in source format (`objects/X__c/X__c.object-meta.xml`, `fields/*.field-meta.xml`) as an org would install it: the local
 * org then has those objects and fields and no others. What is not understood is refused, so that nothing is tested against a guess.
 */

type Xml = Record<string, unknown>;

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => ['referenceTo', 'value'].includes(name),
});

function read(file: string, root: string): Xml {
  const parsed = parser.parse(readFileSync(file, 'utf8')) as Record<string, Xml | undefined>;
  const found = parsed[root];
  if (!found) throw new SandboxError(`${basename(file)} has no <${root}>`);
  return found;
}

const text = (xml: Xml, name: string): string | undefined =>
  xml[name] === undefined ? undefined : String(xml[name]).trim();
const flag = (xml: Xml, name: string): boolean => text(xml, name) === 'true';
const number = (xml: Xml, name: string, fallback: number): number => Number(text(xml, name) ?? fallback);

/** Lengths that the platform gives itself: Metadata API Developer Guide, CustomField. */
const TEXT_AREA_LENGTH = 255;
const PHONE_LENGTH = 40;
const EMAIL_LENGTH = 80;
const URL_LENGTH = 255;
const PICKLIST_LENGTH = 255;

/** `ns__X__c`: how a subscriber's org calls what a managed package brought. */
const prefixed = (namespace: string, name: string): string => (namespace === '' ? name : `${namespace}__${name}`);

function simple(xml: Xml, file: string): { type: FieldType; more: Partial<Field> } {
  const type = text(xml, 'type');
  const scale = number(xml, 'scale', 0);
  const precision = number(xml, 'precision', 18);
  switch (type) {
    case 'Text':
      return { type: 'string', more: { length: number(xml, 'length', 0) } };
    case 'TextArea':
      return { type: 'textarea', more: { length: TEXT_AREA_LENGTH } };
    case 'LongTextArea':
    case 'Html':
      return { type: 'textarea', more: { length: number(xml, 'length', 0), filterable: false } };
    case 'Email':
      return { type: 'email', more: { length: EMAIL_LENGTH } };
    case 'Phone':
      return { type: 'phone', more: { length: PHONE_LENGTH } };
    case 'Url':
      return { type: 'url', more: { length: URL_LENGTH } };
    case 'Checkbox':
      return { type: 'boolean', more: { defaultValue: flag(xml, 'defaultValue') } };
    case 'Number':
      return { type: 'double', more: { precision, scale } };
    case 'Currency':
      return { type: 'currency', more: { precision, scale } };
    case 'Percent':
      return { type: 'percent', more: { precision, scale } };
    case 'Date':
      return { type: 'date', more: {} };
    case 'DateTime':
      return { type: 'datetime', more: {} };
    case 'AutoNumber':
      return {
        type: 'string',
        more: {
          length: 30,
          createable: false,
          updateable: false,
          nillable: false,
          autoNumber: text(xml, 'displayFormat') ?? '{0}',
        },
      };
    default:
      throw new SandboxError(`${basename(file)}: the local org does not know the type ${type}`);
  }
}

function picklistOf(xml: Xml, file: string): Partial<Field> {
  const set = xml.valueSet as Xml | undefined;
  const definition = set?.valueSetDefinition as Xml | undefined;
  if (!set || !definition)
    throw new SandboxError(`${basename(file)}: a picklist needs its own valueSetDefinition here`);
  const rows = (definition.value ?? []) as Xml[];
  return {
    length: PICKLIST_LENGTH,
    restrictedPicklist: flag(set, 'restricted'),
    picklist: rows.map((row) => ({
      ...(values(text(row, 'fullName') ?? '')[0] as Field['picklist'][number]),
      label: text(row, 'label') ?? '',
      active: text(row, 'isActive') !== 'false',
      isDefault: flag(row, 'default'),
    })),
  };
}

function referenceOf(xml: Xml, namespace: string, own: ReadonlySet<string>, onDelete: OnDelete): Partial<Field> {
  const targets = (xml.referenceTo ?? []) as string[];
  const name = text(xml, 'fullName') ?? '';
  const children = text(xml, 'relationshipName');
  return {
    referenceTo: targets.map((target) => (own.has(target) ? prefixed(namespace, target) : target)),
    relationshipName: prefixed(namespace, name.replace(/__c$/, '__r')),
    childRelationshipName: children === undefined ? null : prefixed(namespace, `${children}__r`),
    onDelete,
  };
}

const DELETE_CONSTRAINTS: Record<string, OnDelete> = { SetNull: 'setNull', Restrict: 'restrict', Cascade: 'cascade' };

function customField(file: string, namespace: string, own: ReadonlySet<string>): Field {
  const xml = read(file, 'CustomField');
  const fullName = text(xml, 'fullName') ?? '';
  const type = text(xml, 'type');
  if (basename(file) !== `${fullName}.field-meta.xml`)
    throw new SandboxError(`${basename(file)} declares the field ${fullName}`);
  const name = prefixed(namespace, fullName);
  const common: Partial<Field> = {
    label: text(xml, 'label') ?? fullName,
    custom: true,
    externalId: flag(xml, 'externalId'),
    unique: flag(xml, 'unique'),
    caseSensitive: flag(xml, 'caseSensitive'),
  };
  const required: Partial<Field> = flag(xml, 'required') ? { nillable: false } : {};
  if (text(xml, 'formula') !== undefined) {
    throw new SandboxError(`${basename(file)}: the local org computes no formulas`);
  }
  if (type === 'Picklist')
    return field(name, 'picklist', { ...common, ...picklistOf(xml, file), ...defaultOf(xml, file), ...required });
  if (type === 'MasterDetail') {
    const parent: Partial<Field> = {
      masterDetail: true,
      nillable: false,
      updateable: flag(xml, 'reparentableMasterDetail'),
    };
    return field(name, 'reference', { ...common, ...referenceOf(xml, namespace, own, 'cascade'), ...parent });
  }
  if (type === 'Lookup') {
    const onDelete = DELETE_CONSTRAINTS[text(xml, 'deleteConstraint') ?? 'SetNull'] ?? 'setNull';
    return field(name, 'reference', { ...common, ...referenceOf(xml, namespace, own, onDelete), ...required });
  }
  const { type: fieldType, more } = simple(xml, file);
  return field(name, fieldType, { ...common, ...more, ...required });
}

function defaultOf(xml: Xml, file: string): Partial<Field> {
  const chosen = picklistOf(xml, file).picklist?.find((value) => value.isDefault);
  return chosen ? { defaultValue: chosen.value } : {};
}

/** The folder's files of one kind, sorted so that two machines read them in one order. */
function files(folder: string, suffix: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .sort()
    .map((file) => join(folder, file));
}

export interface Package {
  objects: ObjectType[];
  /** Custom fields that it puts on standard objects, by object. */
  fields: Map<string, Field[]>;
  /** Names of the channels of change events, with the entities selected for them. */
  channels: Map<string, string[]>;
}

/**
 * A folder that is not of a custom object has fields for a standard one: they get the namespace, the object does not.
 * @throws {SandboxError} when a file says something that the local org would have to guess.
 */
export function readPackage(root: string, namespace: string): Package {
  const objectsFolder = join(root, 'objects');
  const folders = existsSync(objectsFolder) ? readdirSync(objectsFolder).sort() : [];
  const own = new Set(folders.filter((name) => name.endsWith('__c')));
  const objects: ObjectType[] = [];
  const onStandard = new Map<string, Field[]>();
  let index = 0;
  for (const folder of folders) {
    const fields = files(join(objectsFolder, folder, 'fields'), '.field-meta.xml').map((file) =>
      customField(file, namespace, own),
    );
    if (!own.has(folder)) {
      const detail = fields.find((one) => one.masterDetail);
      if (detail) throw new SandboxError(`${folder}.${detail.name}: a standard object cannot be a detail`);
      onStandard.set(folder, fields);
      continue;
    }
    const xml = read(join(objectsFolder, folder, `${folder}.object-meta.xml`), 'CustomObject');
    const nameField = (xml.nameField ?? {}) as Xml;
    const isAutoNumber = text(nameField, 'type') === 'AutoNumber';
    const name = field('Name', 'string', {
      label: text(nameField, 'label') ?? 'Name',
      length: 80,
      ...(isAutoNumber
        ? {
            createable: false,
            updateable: false,
            nillable: false,
            autoNumber: text(nameField, 'displayFormat') ?? '{0}',
          }
        : // The record's id stands in when no name is given.
          {}),
    });
    const isDetail = fields.some((one) => one.masterDetail);
    const owner = isDetail
      ? []
      : [
          field('OwnerId', 'reference', {
            referenceTo: ['User'],
            relationshipName: 'Owner',
            nillable: false,
            defaultValue: 'USER',
          }),
        ];
    objects.push(
      objectType(
        prefixed(namespace, folder),
        // Custom objects' prefixes are given out by each org, from a00 on; another org has others.
        `a0${index.toString(36)}`,
        [...owner, name, ...systemFields(), ...fields],
        {
          label: text(xml, 'label') ?? folder,
          labelPlural: text(xml, 'pluralLabel') ?? folder,
          custom: true,
          changeEvents: true,
        },
      ),
    );
    index += 1;
  }
  const channels = new Map<string, string[]>();
  for (const file of files(join(root, 'platformEventChannelMembers'), '.platformEventChannelMember-meta.xml')) {
    const xml = read(file, 'PlatformEventChannelMember');
    const channel = prefixed(namespace, text(xml, 'eventChannel') ?? '');
    const entity = text(xml, 'selectedEntity') ?? '';
    const custom = /__ChangeEvent$/.test(entity);
    const members = channels.get(channel) ?? [];
    members.push(custom ? prefixed(namespace, entity) : entity);
    channels.set(channel, members);
  }
  return { objects, fields: onStandard, channels };
}
