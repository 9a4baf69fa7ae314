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
  const isThere = ({ object, field }: { object: string; field: string }) => hasField(shape, object, field);
  const nameOf = ({ object, field }: { object: string; field: string }) => `${object}.${field}`;
  return {
    created: [],
    existing: wanted.filter(isThere).map(nameOf),
    conflicts: wanted
      .filter((one) => !isThere(one))
      .map((one) => ({
        name: nameOf(one),
        problem: 'is missing, or not allowed to the user that connected; what belongs there is not written',
      })),
  };
}
