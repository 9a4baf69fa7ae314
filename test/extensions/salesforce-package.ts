import { basename } from 'node:path';
import { standardObjects } from '../../src/sandbox/salesforce/standard-objects.ts';
import { all, type Files, type Node, one, parseXml, textOf } from './salesforce-files.ts';

/** The package read into objects and fields, for the judges that ask whether one file names what another has. */

export interface PackagedField {
  readonly object: string;
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly required: boolean;
  readonly isMasterDetail: boolean;
  readonly referenceTo: string | null;
  readonly relationshipName: string | null;
  /** Of a picklist; empty for any other type. */
  readonly values: readonly string[];
}

export interface PackageModel {
  readonly files: Files;
  /** The package's own objects, with their fields by name. */
  readonly objects: ReadonlyMap<string, ReadonlyMap<string, PackagedField>>;
  /** What the package puts on standard objects. */
  readonly onStandard: ReadonlyMap<string, ReadonlyMap<string, PackagedField>>;
  /** Files of one kind, by the name that their file has. */
  ofKind(suffix: string): ReadonlyMap<string, { path: string; root: Node }>;
}

const SYSTEM_FIELDS = ['Name', 'CreatedById', 'CreatedDate', 'LastModifiedById', 'LastModifiedDate'];

export function packageModel(files: Files): PackageModel {
  const ofKind = (suffix: string): ReadonlyMap<string, { path: string; root: Node }> =>
    new Map(
      [...files]
        .filter(([path]) => path.endsWith(`.${suffix}-meta.xml`))
        .map(([path, text]) => [
          // Two objects may have a list view of one name.
          path.startsWith('objects/')
            ? `${path.split('/')[1]}.${basename(path, `.${suffix}-meta.xml`)}`
            : basename(path, `.${suffix}-meta.xml`),
          { path, root: parseXml(text) },
        ]),
    );
  const objects = new Map<string, Map<string, PackagedField>>();
  const onStandard = new Map<string, Map<string, PackagedField>>();
  for (const { path } of ofKind('object').values()) objects.set(path.split('/')[1] ?? '', new Map());
  for (const { path, root } of ofKind('field').values()) {
    const object = path.split('/')[1] ?? '';
    const home = objects.get(object) ?? onStandard.get(object) ?? new Map<string, PackagedField>();
    if (!objects.has(object)) onStandard.set(object, home);
    const name = basename(path, '.field-meta.xml');
    const definition = one(one(root, 'valueSet') ?? root, 'valueSetDefinition');
    home.set(name, {
      object,
      name,
      type: textOf(root, 'type') ?? '',
      label: textOf(root, 'label') ?? '',
      required: textOf(root, 'required') === 'true',
      isMasterDetail: textOf(root, 'type') === 'MasterDetail',
      referenceTo: textOf(root, 'referenceTo') ?? null,
      relationshipName: textOf(root, 'relationshipName') ?? null,
      values: definition ? all(definition, 'value').map((value) => textOf(value, 'fullName') ?? '') : [],
    });
  }
  return { files, objects, onStandard, ofKind };
}

/** Fields that no permission set may name: they are always there for who sees the object. */
export const isAlwaysThere = ({ required, isMasterDetail }: PackagedField): boolean => required || isMasterDetail;

export const packagedFields = (model: PackageModel): PackagedField[] =>
  [...model.objects.values(), ...model.onStandard.values()].flatMap((fields) => [...fields.values()]);

export const isDetail = (fields: ReadonlyMap<string, PackagedField> | undefined): boolean =>
  [...(fields?.values() ?? [])].some(({ isMasterDetail }) => isMasterDetail);

const STANDARD = new Map(
  standardObjects({ multiCurrency: false, personAccounts: false, nativeReferral: false }).map((object) => [
    object.name,
    new Set(object.fields.keys()),
  ]),
);

export function hasObject(model: PackageModel, object: string): boolean {
  return model.objects.has(object) || STANDARD.has(object);
}

/** As layouts, compact layouts and report types name a field: an object of ours has the system's fields too. */
export function hasField(model: PackageModel, object: string, field: string): boolean {
  const own = model.objects.get(object);
  if (own) return own.has(field) || SYSTEM_FIELDS.includes(field) || (field === 'OwnerId' && !isDetail(own));
  const standard = STANDARD.get(object);
  // Report types call a standard look-up by its relationship: Account, not AccountId.
  return (
    (standard?.has(field) ?? false) ||
    (standard?.has(`${field}Id`) ?? false) ||
    (model.onStandard.get(object)?.has(field) ?? false)
  );
}

/** The object at the other end of `Rewards__r`, seen from its parent. */
export function childOf(model: PackageModel, parent: string, relationship: string): string | undefined {
  const name = relationship.replace(/__r$/, '');
  return packagedFields(model).find((field) => field.referenceTo === parent && field.relationshipName === name)?.object;
}
