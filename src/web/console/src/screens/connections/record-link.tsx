import { Anchor } from '@mantine/core';
import { useText } from '../../i18n/text.ts';
import type { Connection } from './queries.ts';
import { connectionText } from './texts.ts';

/** HubSpot's numbers of the kinds of records that pages are addressed by. */
const HUBSPOT_TYPES: Readonly<Record<string, string>> = { contact: '0-1', deal: '0-3', company: '0-2' };

/** A record by its number; where the CRM's pages have an address, a link to it. */
export function RecordLink({
  connection: { provider, uiHost, externalId },
  object,
  id,
}: {
  connection: Connection;
  object: string;
  id: string;
}) {
  const t = useText(connectionText);
  const name = `${object === 'contact' ? t('contact') : object === 'deal' ? t('deal') : object} ${id}`;
  const type = HUBSPOT_TYPES[object];
  if (provider !== 'hubspot' || uiHost === null || type === undefined) return name;
  return (
    <Anchor
      size="sm"
      href={`https://${uiHost}/contacts/${externalId}/record/${type}/${id}`}
      target="_blank"
      rel="noopener noreferrer"
    >
      {name}
    </Anchor>
  );
}
