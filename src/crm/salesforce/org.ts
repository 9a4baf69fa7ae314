import { OBJECTS } from '../../../manifests/salesforce/package.ts';
import { Fault } from '../../domain/errors.ts';
import type { OrgApi } from './call.ts';
import { faultOf } from './errors.ts';
import { type Part, partFailure, runParts } from './query.ts';
import { PATHS } from './version.ts';
import { describeSchema, objectsSchema } from './wire.ts';

/** What an org is like, as its descriptions say: an org has no two alike, and what a user may not see is not described to them. */
export interface OrgShape {
  /** `ns__`, or nothing: what names of our package's objects and fields begin with in this org. */
  readonly prefix: string;
  /** Fields by object, of the standard objects that we read and of our own; an object that is not there has none. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, FieldShape>>;
}

export interface FieldShape {
  readonly type: string;
  readonly length: number;
  readonly isWritable: boolean;
}

/** Descriptions change when an admin changes the org. A refusal ends this earlier. */
export const SHAPE_TTL_MS = 600_000;

/** Shapes of orgs that nobody has asked for; each has some thousand fields. */
const SHAPES_MAX = 500;

export const STANDARD_OBJECTS = [
  'Account',
  'Contact',
  'Lead',
  'Opportunity',
  'OpportunityContactRole',
  'OpportunityHistory',
] as const;

export interface OrgShapes {
  /** Several who ask at once share one call. @throws Fault */
  get(api: OrgApi): Promise<OrgShape>;
  forget(org: string): void;
}

export function createOrgShapes(clock: () => number): OrgShapes {
  const known = new Map<string, { readonly shape: Promise<OrgShape>; readonly until: number }>();
  return {
    get(api) {
      const now = clock();
      const entry = known.get(api.org);
      if (entry && now < entry.until) return entry.shape;
      const shape = readShape(api);
      const fresh = { shape, until: now + SHAPE_TTL_MS };
      if (known.size >= SHAPES_MAX) known.delete(known.keys().next().value ?? '');
      known.set(api.org, fresh);
      // A call that failed says nothing about the org.
      shape.catch(() => {
        if (known.get(api.org) === fresh) known.delete(api.org);
      });
      return shape;
    },
    forget: (org) => void known.delete(org),
  };
}

async function readShape(api: OrgApi): Promise<OrgShape> {
  const { data } = await api.data({ name: 'list objects', method: 'GET', path: PATHS.objects, schema: objectsSchema });
  const names = new Set(data.sobjects.map(({ name }) => name));
  const prefix = prefixAmong(names);
  const own = OBJECTS.map(({ object }) => prefix + object);
  const wanted = [...STANDARD_OBJECTS, ...own].filter((name) => names.has(name));
  const parts = wanted.map((name): Part => ({ method: 'GET', url: PATHS.describe(name) }));
  const { answers } = await runParts(api, 'describe objects', parts);
  const fields = new Map<string, ReadonlyMap<string, FieldShape>>();
  for (const [index, { status, body }] of answers.entries()) {
    if (status >= 400) throw faultOf('describe objects', partFailure(status, body));
    const described = describeSchema.safeParse(body);
    if (!described.success)
      throw new Fault(
        'crm_unreadable_answer',
        { kind: 'retry' },
        'Salesforce sent an answer that cannot be read. Wonward tries again by itself.',
        {
          message: `describe ${wanted[index]}: unexpected shape`,
        },
      );
    fields.set(
      described.data.name,
      new Map(
        described.data.fields.map(({ name, type, length, createable, updateable }) => [
          name,
          { type, length: length ?? 0, isWritable: createable === true && updateable === true },
        ]),
      ),
    );
  }
  return { prefix, fields };
}

/** Of the package: installed it has a namespace, deployed by hand it has none. */
function prefixAmong(names: ReadonlySet<string>): string {
  const [{ object }] = OBJECTS;
  if (names.has(object)) return '';
  const managed = [...names].find((name) => name.endsWith(`__${object}`) && name.split('__').length === 3);
  return managed === undefined ? '' : `${managed.split('__')[0]}__`;
}

export function hasField({ fields }: OrgShape, object: string, name: string): boolean {
  return fields.get(object)?.has(name) ?? false;
}

/** Those of the names that the org has and its user may read. */
export function readable(shape: OrgShape, object: string, names: readonly string[]): string[] {
  return names.filter((name) => hasField(shape, object, name));
}

/** @throws Fault naming what the user that connected may not see: to conclude anything without it would be to guess. */
export function requireFields(shape: OrgShape, object: string, names: readonly string[]): void {
  const missing = names.filter((name) => !hasField(shape, object, name));
  if (missing.length === 0) return;
  throw new Fault(
    'crm_forbidden',
    { kind: 'never' },
    `The user that connected Salesforce may not read ${missing.map((name) => `${object}.${name}`).join(', ')}. An admin has to give it the permission set "Referral Integration".`,
  );
}
