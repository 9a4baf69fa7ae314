import type { MirrorComparison, MirrorRow } from '../../application/ports/crm.ts';
import { isSameValue } from '../answers.ts';
import type { PortalApi } from './call.ts';
import { type MirroredObject, PATH_OF } from './fields.ts';
import { propertiesOf } from './mirror.ts';
import type { PropertyState } from './provision.ts';
import { readRecords } from './records.ts';

/** What records show in our properties now, against what they should: 100 a call. What belongs to the customer's own properties is not looked at. */
export async function compareMirror(
  api: PortalApi,
  object: MirroredObject,
  state: PropertyState,
  rows: readonly MirrorRow[],
): Promise<MirrorComparison[]> {
  const properties = [...state.writable].filter((name) => name !== '');
  const found = await readRecords(
    api,
    { object: PATH_OF[object], properties },
    rows.map(({ id }) => id),
  );
  const byId = new Map(found.map((one) => [one.id, one]));
  return rows.map(({ id, values }): MirrorComparison => {
    if (values.kind === 'rows') throw new Error('HubSpot shows properties, not rows');
    const record = byId.get(id)?.record;
    if (!record) return { id, result: 'gone' };
    const fields = Object.entries(propertiesOf(values, state)).flatMap(([name, wanted]) => {
      const shown = record.properties[name] ?? '';
      return isSameValue(wanted, shown) ? [] : [name];
    });
    return fields.length === 0 ? { id, result: 'same' } : { id, result: 'different', fields };
  });
}
