import { z } from 'zod';
import { callJson } from './call.ts';

/** What the demo reads of the local Salesforce's control API; it is JSON over HTTP and described in ../salesforce/README.md. */
const summary = z.object({ id: z.string(), name: z.string() });
const row = z.record(z.string(), z.unknown());

export type OrgRow = z.output<typeof row>;
export type Org = ReturnType<typeof createOrg>;

/** An org as the people in it use it, over HTTP. */
export function createOrg(url: string, orgId: string) {
  const here = `${url}/_sandbox/api/orgs/${orgId}`;
  const nothing = z.unknown();
  return {
    url,
    orgId,
    summary: () => callJson(summary, here),
    rows: (object: string) => callJson(z.array(row), `${here}/objects/${object}?limit=100`),
    create: async (object: string, fields: Readonly<Record<string, unknown>>) =>
      (await callJson(z.object({ id: z.string() }), `${here}/objects/${object}`, { method: 'POST', body: { fields } }))
        .id,
    edit: (id: string, fields: Readonly<Record<string, unknown>>) =>
      callJson(nothing, `${here}/records/${id}`, { method: 'PATCH', body: { fields } }),
    convert: (leadId: string, opportunityName: string) =>
      callJson(z.object({ contactId: z.string(), opportunityId: z.string() }), `${here}/convert`, {
        method: 'POST',
        body: { leadId, opportunityName },
      }),
  };
}
