import { RowError } from './errors.ts';
import { type Row, rowsPointingAt, tableOf, type Value } from './org.ts';
import type { Tx } from './records.ts';
import type { ObjectType } from './schema.ts';

/** What Salesforce does by itself with leads, opportunities, their contact roles and person accounts when one of them is saved. */

type Draft = Record<string, Value>;

function stageNamed(tx: Tx, name: Value): Row | undefined {
  return [...tableOf(tx.org, 'OpportunityStage').rows.values()].find((stage) => stage.ApiName === name);
}

function badPicklist(label: string, field: string, value: Value): RowError {
  return new RowError(
    'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    `${label}: bad value for restricted picklist field: ${value}`,
    [field],
  );
}

function opportunity(tx: Tx, before: Row | undefined, next: Draft, given: ReadonlySet<string>): void {
  const stage = stageNamed(tx, next.StageName ?? null);
  const isNewStage = before?.StageName !== next.StageName;
  if (isNewStage && next.StageName !== null) {
    // The API of an org is said to take any text here. Refusing is the stricter way.
    if (stage?.IsActive !== true) throw badPicklist('Stage', 'StageName', next.StageName ?? null);
    const offered = tx.org.recordTypeStages.get(String(next.RecordTypeId ?? ''));
    if (offered && !offered.includes(String(next.StageName)))
      throw badPicklist('Stage', 'StageName', next.StageName ?? null);
  }
  if (stage && isNewStage) {
    Object.assign(next, {
      IsClosed: stage.IsClosed ?? false,
      IsWon: stage.IsWon ?? false,
      ForecastCategory: stage.ForecastCategory ?? null,
    });
    if (!given.has('ForecastCategoryName')) next.ForecastCategoryName = stage.ForecastCategoryName ?? null;
    if (!given.has('Probability')) next.Probability = stage.DefaultProbability ?? null;
    if (before) next.LastStageChangeDate = tx.at;
  }
  const amount = next.Amount ?? null;
  next.ExpectedRevenue = typeof amount === 'number' ? Math.round(amount * Number(next.Probability ?? 0)) / 100 : null;
}

function lead(tx: Tx, before: Row | undefined, next: Draft): void {
  if (before?.IsConverted === true && next.IsConverted === true) {
    throw new RowError('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead');
  }
  if (before?.Status !== next.Status && next.Status !== null) {
    const status = [...tableOf(tx.org, 'LeadStatus').rows.values()].find((row) => row.ApiName === next.Status);
    if (!status) throw badPicklist('Lead Status', 'Status', next.Status ?? null);
    if (status.IsConverted === true && next.IsConverted !== true) {
      throw new RowError('FIELD_INTEGRITY_EXCEPTION', 'cannot set a converted status on a lead that is not converted', [
        'Status',
      ]);
    }
  }
}

function campaignMember(tx: Tx, before: Row | undefined, next: Draft): void {
  const [leadId, contactId] = [next.LeadId ?? null, next.ContactId ?? null];
  if (leadId === null && contactId === null)
    throw new RowError('REQUIRED_FIELD_MISSING', 'Required fields are missing: [LeadId or ContactId]', ['LeadId']);
  if (before) return;
  if (leadId !== null && contactId !== null)
    throw new RowError('INVALID_FIELD_FOR_INSERT_UPDATE', 'A campaign member is a lead or a contact, not both', [
      'LeadId',
    ]);
  const members = tx.object('CampaignMember');
  const [name, id] = leadId === null ? ['ContactId', contactId] : ['LeadId', leadId];
  const pointing = members.fields.get(name);
  const others = pointing ? rowsPointingAt(tx.org, members, pointing, String(id)) : [];
  if (others.some((row) => row.IsDeleted !== true && row.CampaignId === next.CampaignId))
    throw new RowError('DUPLICATE_VALUE', 'Already a campaign member.', []);
}

const fullName = (draft: Draft): string => [draft.FirstName, draft.LastName].filter((part) => part !== null).join(' ');

/** Changes `next` before the record is checked and written. */
export function beforeSave(
  tx: Tx,
  object: ObjectType,
  before: Row | undefined,
  next: Draft,
  given: ReadonlySet<string>,
): void {
  if (object.name === 'Opportunity') opportunity(tx, before, next, given);
  if (object.name === 'Lead') lead(tx, before, next);
  if (object.name === 'CampaignMember') campaignMember(tx, before, next);
  if (object.name === 'Lead' || object.name === 'Contact') next.Name = fullName(next);
  if (object.name === 'Task') next.IsClosed = next.Status === 'Completed';
  if (object.name === 'Account' && tx.org.features.personAccounts) {
    next.IsPersonAccount = (next.LastName ?? null) !== null;
    if (next.IsPersonAccount) next.Name = fullName(next);
  }
}

const HISTORY_FIELDS = ['StageName', 'Amount', 'Probability', 'CloseDate', 'ForecastCategory'];

function keepHistory(tx: Tx, before: Row | undefined, after: Row): void {
  const isNews = !before || HISTORY_FIELDS.some((name) => before[name] !== after[name]);
  if (isNews) {
    const history = tx.object('OpportunityHistory');
    const values = ['StageName', 'Amount', 'ExpectedRevenue', 'CloseDate', 'Probability', 'ForecastCategory'];
    // A row is in the currency that the opportunity had then; that this became another one makes no row.
    if (tx.org.features.multiCurrency) values.push('CurrencyIsoCode');
    tx.insert(history, {
      OpportunityId: after.Id ?? null,
      ...Object.fromEntries(values.map((name) => [name, after[name] ?? null])),
    });
  }
  const fieldHistory = tx.object('OpportunityFieldHistory');
  const text = (value: Value | undefined): Value => (value === null || value === undefined ? null : String(value));
  if (!before) {
    tx.insert(fieldHistory, { OpportunityId: after.Id ?? null, Field: 'created', DataType: 'Text' });
    return;
  }
  for (const name of tx.org.trackedFields) {
    if (before[name] === after[name]) continue;
    // The history of a lookup is without its Id.
    tx.insert(fieldHistory, {
      OpportunityId: after.Id ?? null,
      Field: name.replace(/Id$/, ''),
      DataType: name.endsWith('Id') ? 'EntityId' : 'Text',
      OldValue: text(before[name]),
      NewValue: text(after[name]),
    });
  }
}

function keepOnePrimary(tx: Tx, after: Row): void {
  if (after.IsPrimary !== true) return;
  const roles = tx.object('OpportunityContactRole');
  const opportunityId = roles.fields.get('OpportunityId');
  if (!opportunityId) return;
  for (const row of rowsPointingAt(tx.org, roles, opportunityId, String(after.OpportunityId))) {
    const isOther = row.Id !== after.Id && row.IsDeleted !== true;
    if (isOther && row.IsPrimary === true) tx.update(roles, String(row.Id), { IsPrimary: false });
  }
  tx.patch(tx.object('Opportunity'), String(after.OpportunityId), { ContactId: after.ContactId ?? null });
}

function createPersonContact(tx: Tx, after: Row): void {
  const contactId = tx.insert(tx.object('Contact'), {
    AccountId: after.Id ?? null,
    FirstName: after.FirstName ?? null,
    LastName: after.LastName ?? null,
    Email: after.PersonEmail ?? null,
    MobilePhone: after.PersonMobilePhone ?? null,
    IsPersonAccount: true,
  });
  tx.patch(tx.object('Account'), String(after.Id), { PersonContactId: contactId });
}

/** What else is written in the same transaction. */
export function afterSave(tx: Tx, object: ObjectType, before: Row | undefined, after: Row): void {
  if (object.name === 'Opportunity') {
    keepHistory(tx, before, after);
    if (!before && (after.ContactId ?? null) !== null) {
      tx.insert(tx.object('OpportunityContactRole'), {
        OpportunityId: after.Id ?? null,
        ContactId: after.ContactId ?? null,
        IsPrimary: true,
      });
    }
  }
  if (object.name === 'OpportunityContactRole') keepOnePrimary(tx, after);
  if (object.name === 'Account' && !before && after.IsPersonAccount === true) createPersonContact(tx, after);
}
