/** Each version is supported for three years at least; this is the only place that names ours. */
export const API_VERSION = '66.0';

const BASE = `/services/data/v${API_VERSION}`;

export const PATHS = {
  authorize: '/services/oauth2/authorize',
  token: '/services/oauth2/token',
  revoke: '/services/oauth2/revoke',
  soap: `/services/Soap/u/${API_VERSION}`,
  objects: `${BASE}/sobjects`,
  describe: (object: string) => `${BASE}/sobjects/${object}/describe`,
  deleted: (object: string, start: string, end: string) =>
    `${BASE}/sobjects/${object}/deleted?${new URLSearchParams({ start, end })}`,
  /** `queryAll` also gives what lies in the recycle bin and what was merged away. */
  query: (soql: string, scope: 'live' | 'all') =>
    `${BASE}/${scope === 'all' ? 'queryAll' : 'query'}?q=${encodeURIComponent(soql)}`,
  composite: `${BASE}/composite`,
  upsert: (object: string, key: string) => `${BASE}/composite/sobjects/${object}/${key}`,
  update: `${BASE}/composite/sobjects`,
} as const;
