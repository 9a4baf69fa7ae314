import { MEMBER, OBJECTS, PERSON_FIELDS } from '../../../manifests/salesforce/package.ts';
import type { ProvisionReport } from '../../application/ports/crm.ts';
import { hasField, type OrgShape } from './org.ts';

/** What the package has, by the names that it has in this org. Nothing is created: an admin installs the package. */
export function provisionReport(shape: OrgShape): ProvisionReport {
  const { prefix } = shape;
  const wanted = [
    ...OBJECTS.flatMap(({ object, key, fields }) =>
      [key, ...Object.values(fields)].map((field) => ({ object: prefix + object, field: prefix + field })),
    ),
    ...['Contact', 'Lead'].flatMap((object) =>
      Object.values(PERSON_FIELDS).map((field) => ({ object, field: prefix + field })),
    ),
  ];
  if (!shape.fields.has(prefix + MEMBER.object)) {
    const problem =
      'is not installed in this org, or not allowed to the user that connected; install it and assign the permission set "Referral Integration"';
    return { created: [], existing: [], conflicts: [{ name: 'The Wonward package', problem }] };
  }
  // One word for an object that is not there at all, as with a package of before it had it.
  const objects = OBJECTS.map(({ object }) => prefix + object).filter((object) => !shape.fields.has(object));
  const isThere = ({ object, field }: { object: string; field: string }) => hasField(shape, object, field);
  const nameOf = ({ object, field }: { object: string; field: string }) => `${object}.${field}`;
  return {
    created: [],
    existing: wanted.filter(isThere).map(nameOf),
    conflicts: [
      ...objects.map((name) => ({
        name,
        problem:
          'is missing, or not allowed to the user that connected; upgrade the package, and assign the permission set "Referral Integration" to that user. What belongs there is not written',
      })),
      ...wanted
        .filter((one) => !isThere(one) && !objects.includes(one.object))
        .map((one) => ({
          name: nameOf(one),
          problem: 'is missing, or not allowed to the user that connected; what belongs there is not written',
        })),
    ],
  };
}
