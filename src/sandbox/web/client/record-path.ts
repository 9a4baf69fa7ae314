/** HubSpot's record URLs: https://<uiDomain>/contacts/<portal>/record/<objectTypeId>/<id>. */
const RECORD_URL = /^https?:\/\/[^/]+\/contacts\/(\d+)\/record\/(0-[123])\/(\d+)/;

const KINDS: Readonly<Record<string, string>> = { '0-1': 'contacts', '0-2': 'companies', '0-3': 'deals' };

/** Where this sandbox shows the record that a HubSpot URL points to; null for every other URL. */
export function localRecordPath(url: string): string | null {
  const [, portalId, objectTypeId, id] = RECORD_URL.exec(url) ?? [];
  if (portalId === undefined || id === undefined) return null;
  return `/portals/${portalId}/${KINDS[objectTypeId ?? '']}/${id}`;
}
