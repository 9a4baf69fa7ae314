import type { CrmOwners } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import type { OrgApi } from './call.ts';
import { isOf, longId } from './ids.ts';
import { runQueries } from './query.ts';
import { chunksOf, IDS_PER_QUERY, idList, select } from './soql.ts';
import { text } from './wire.ts';

/** Who owns opportunities. A queue owns none: an opportunity's owner is always a user. */
export function createOwners(api: OrgApi): CrmOwners {
  const rowsOf = async (name: string, object: string, fields: readonly string[], ids: readonly string[]) => {
    const chunks = chunksOf([...new Set(ids)], IDS_PER_QUERY);
    const queries = chunks.map((chunk) => ({
      soql: select([...fields], object, `WHERE Id IN ${idList(chunk)}`),
      scope: 'live' as const,
    }));
    return queries.length === 0 ? [] : (await runQueries(api, name, queries)).rows.flat();
  };
  return async (dealIds) => {
    try {
      const ids = dealIds.filter((id) => isOf(id, 'opportunity') && longId(id) !== null);
      const deals = await rowsOf('read owners of opportunities', 'Opportunity', ['Id', 'OwnerId'], ids);
      const byDeal = new Map(
        deals.flatMap(({ Id, OwnerId }) => {
          const owner = text(OwnerId);
          return owner === null ? [] : [[String(Id), owner] as const];
        }),
      );
      const users = await rowsOf('read users', 'User', ['Id', 'Name', 'Email', 'IsActive'], [...byDeal.values()]);
      const owners = users.map(({ Id, Name, Email, IsActive }) => ({
        id: String(Id),
        name: text(Name),
        email: text(Email),
        isActive: IsActive === true,
      }));
      return { byDeal, owners };
    } catch (fault) {
      // An org may keep its users from the one that connected: then nothing is said of them.
      if (fault instanceof Fault && fault.code === 'crm_forbidden') return null;
      throw fault;
    }
  };
}
