import { z } from 'zod';
import { callJson } from './call.ts';

/** What the demo reads of the local Salesforce's control API; it is JSON over HTTP and described in ../salesforce/README.md. */
const summary = z.object({ id: z.string(), name: z.string() });
const row = z.record(z.string(), z.unknown());
/** What the package's class hands its component, of which only this is looked at. */
const history = z.object({
  members: z.array(z.object({ name: z.string(), code: z.string().nullable() })),
  referrals: z.array(
    z.object({ stage: z.string(), memberName: z.string().nullable(), friendContactName: z.string().nullable() }),
  ),
  rewards: z.array(
    z.object({
      party: z.string(),
      state: z.string(),
      amount: z.number().nullable(),
      reason: z.string().nullable(),
    }),
  ),
});
/** As many referrals as the component asks for unless an admin chose otherwise. */
const ROWS = 10;

export type OrgRow = z.output<typeof row>;
export type Org = ReturnType<typeof createOrg>;

/** An org as the people in it use it, over HTTP: its records, and its pages with the package's component. */
export function createOrg(url: string, orgId: string, pagesUrl: string) {
  const here = `${url}/_sandbox/api/orgs/${orgId}`;
  const nothing = z.unknown();
  return {
    url,
    orgId,
    recordPage: (id: string) => `${pagesUrl}/orgs/${orgId}/records/${id}`,
    /** What the component on a record's page is given. */
    history: (recordId: string) =>
      callJson(history, `${pagesUrl}/_local/data/${orgId}/apex/ReferralHistoryController/getHistory`, {
        method: 'POST',
        body: { recordId, maxRows: ROWS },
      }),
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
