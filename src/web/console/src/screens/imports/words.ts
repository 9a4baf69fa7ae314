import type { components } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { crmName, useConnections } from '../connections/queries.ts';
import { importText } from './texts.ts';

export type Import = components['schemas']['MemberImport'];

export const STATE_COLOURS: Readonly<Record<Import['state'], string>> = {
  listing: 'blue',
  running: 'blue',
  done: 'teal',
  undoing: 'orange',
  undone: 'gray',
};

/** Still at work: looked at again by itself. */
export function isMoving({ state }: Pick<Import, 'state'>): boolean {
  return state !== 'done' && state !== 'undone';
}

/** Where the people of an import come from, in words. */
export function useSource(): (one: Pick<Import, 'list'>) => string {
  const t = useText(importText);
  const { may } = useAccount();
  const connections = useConnections(undefined, may('connections.read')).data ?? [];
  return ({ list }) => {
    if (!list) return t('file');
    const connection = connections.find(({ id }) => id === list.connectionId);
    return connection
      ? t('listOf', { list: list.listId, crm: `${crmName(connection)} ${connection.externalId}` })
      : `${t('list')} (${list.listId})`;
  };
}
