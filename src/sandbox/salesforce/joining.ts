import { RowError } from './errors.ts';
import { type Row, rowsPointingAt, tableOf, type Value } from './org.ts';
import type { Tx } from './records.ts';
import { childRelationships, type ObjectType } from './schema.ts';

/** Merging records and converting leads: Salesforce offers both in its pages and in SOAP, not in REST. What REST sees of them is here. */

/** "Merge up to three records": a master and two others. */
const MERGED_MAX = 2;

/**
 * The others are deleted and bear the master's id; what pointed at them points at the master. The stream of changes tells an update of the
 * master and a deletion of each other, and nothing of the merge.
 */
export function merge(
  tx: Tx,
  object: ObjectType,
  masterId: string,
  otherIds: readonly string[],
  values: Readonly<Record<string, Value>> = {},
): void {
  if (!object.mergeable) throw new RowError('INVALID_TYPE', `${object.name} cannot be merged`);
  if (otherIds.length === 0 || otherIds.length > MERGED_MAX || otherIds.includes(masterId)) {
    throw new RowError('INVALID_OPERATION', `give one or ${MERGED_MAX} other records to merge`);
  }
  for (const otherId of otherIds) {
    const other = tx.row(object, otherId);
    if (!other || other.IsDeleted === true) throw new RowError('ENTITY_IS_DELETED', 'entity is deleted', [], 404);
    for (const { child, field } of childRelationships(tx.org.schema, object)) {
      if (field.name === 'MasterRecordId') continue;
      for (const row of rowsPointingAt(tx.org, child, field, otherId)) {
        if (row.IsDeleted !== true) tx.patch(child, String(row.Id), { [field.name]: masterId });
      }
    }
    tx.remove(object, otherId);
    tx.patch(object, otherId, { MasterRecordId: masterId });
  }
  tx.update(object, masterId, values);
}

export interface Conversion {
  /** Existing records to convert into; new ones unless given. */
  accountId?: string | undefined;
  contactId?: string | undefined;
  /** null: no opportunity. Named as the company unless given. */
  opportunityName?: string | null | undefined;
}

export interface Converted {
  accountId: string;
  contactId: string;
  opportunityId: string | null;
}

const CONVERTED_STATUS = 'Closed - Converted';
const DAYS_TO_CLOSE = 90;
const DAY_MS = 86_400_000;

const pick = (row: Row, ...names: string[]): Record<string, Value> =>
  Object.fromEntries(names.map((name) => [name, row[name] ?? null]));

export function convertLead(tx: Tx, leadId: string, conversion: Conversion): Converted {
  const lead = tx.object('Lead');
  const row = tx.row(lead, leadId);
  if (!row || row.IsDeleted === true) throw new RowError('ENTITY_IS_DELETED', 'entity is deleted', [], 404);
  if (row.IsConverted === true) throw new RowError('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead');
  const accountId =
    conversion.accountId ??
    tx.insert(tx.object('Account'), { Name: row.Company ?? null, ...pick(row, 'Phone', 'Website', 'Industry') });
  const contactId =
    conversion.contactId ??
    tx.insert(tx.object('Contact'), {
      AccountId: accountId,
      ...pick(row, 'Salutation', 'FirstName', 'LastName', 'Title', 'Phone', 'MobilePhone', 'Email', 'LeadSource'),
    });
  const firstStage = [...tableOf(tx.org, 'OpportunityStage').rows.values()]
    .filter((stage) => stage.IsActive === true)
    .sort((one, other) => Number(one.SortOrder) - Number(other.SortOrder))[0];
  const opportunityId =
    conversion.opportunityName === null
      ? null
      : tx.insert(tx.object('Opportunity'), {
          Name: conversion.opportunityName ?? `${row.Company}-`,
          AccountId: accountId,
          ContactId: contactId,
          StageName: firstStage?.ApiName ?? null,
          CloseDate: new Date(tx.at + DAYS_TO_CLOSE * DAY_MS).toISOString().slice(0, 10),
          ...pick(row, 'LeadSource'),
        });
  tx.update(lead, leadId, {
    Status: CONVERTED_STATUS,
    IsConverted: true,
    ConvertedDate: new Date(tx.at).toISOString().slice(0, 10),
    ConvertedAccountId: accountId,
    ConvertedContactId: contactId,
    ConvertedOpportunityId: opportunityId,
  });
  const members = tx.object('CampaignMember');
  const ofLead = members.fields.get('LeadId');
  for (const member of ofLead ? rowsPointingAt(tx.org, members, ofLead, leadId) : [])
    tx.patch(members, String(member.Id), { ContactId: contactId });
  tx.hideLastModified(leadId);
  return { accountId, contactId, opportunityId };
}
