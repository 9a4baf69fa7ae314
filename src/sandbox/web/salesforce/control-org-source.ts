import { ApiError, RowError } from '../../salesforce/errors.ts';
import type { Control, ExternalClientApp, Shown } from '../../salesforce/server.ts';
import { type ApexStandIn, createApexStandIn } from './apex-stand-in.ts';
import { createOrgSession } from './org-session.ts';
import type { OrgSource, OrgStage, RecordLink, RecordList, RecordView } from './org-source.ts';

/** Objects with a list on the org's page, in its order. */
const LISTED: Readonly<Record<string, string>> = {
  Opportunity: 'Opportunities',
  Contact: 'Contacts',
  Lead: 'Leads',
  Account: 'Accounts',
  Referral_Member__c: 'Referral Members',
  Referral__c: 'Referrals',
  Referral_Reward__c: 'Referral Rewards',
  Referral_Action__c: 'Referral Actions',
  Referral_Consent_Text__c: 'Referral Consent Texts',
};
/** What a person looks at, of the fields that Salesforce has. */
const SHOWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Opportunity: {
    StageName: 'Stage',
    Amount: 'Amount',
    CloseDate: 'Close Date',
    Type: 'Type',
    LeadSource: 'Lead Source',
  },
  Contact: { Email: 'Email', Phone: 'Phone', Title: 'Title', LeadSource: 'Lead Source' },
  Lead: { Company: 'Company', Email: 'Email', Phone: 'Phone', Status: 'Status' },
  Account: { Phone: 'Phone', Website: 'Website', Industry: 'Industry', Type: 'Type' },
};
/** Where the package's component may be put, as its js-meta.xml says. */
const WITH_COMPONENT = ['Contact', 'Lead', 'Account', 'Opportunity'];
const RECORD_ID = /^[0-9A-Za-z]{18}$/;
/** A list on a page is to be looked at, not searched. */
const LIST_MAX = 50;

export interface ControlOrgSourceDeps {
  readonly control: Control;
  readonly app: ExternalClientApp;
  readonly loginUrl: string;
}

/** The pages' view of a local Salesforce. */
export function createControlOrgSource({ control, app, loginUrl }: ControlOrgSourceDeps): OrgSource {
  const standIns = new Map<string, ApexStandIn>();
  function standInOf(orgId: string): ApexStandIn {
    const found = standIns.get(orgId);
    if (found !== undefined) return found;
    const made = createApexStandIn(createOrgSession({ control, app, loginUrl }, orgId));
    standIns.set(orgId, made);
    return made;
  }

  function list(orgId: string, object: string): RecordList | null {
    try {
      const records = control.list(orgId, object, { limit: LIST_MAX }).map(linkOf);
      return { object, label: LISTED[object] ?? object, records };
    } catch (error) {
      // An org without the package has none of its objects.
      if (error instanceof ApiError) return null;
      throw error;
    }
  }

  function stages(orgId: string): OrgStage[] {
    return control
      .stages(orgId)
      .filter(({ IsActive }) => IsActive === true)
      .map(({ ApiName, MasterLabel, IsClosed, IsWon }) => ({
        name: String(ApiName),
        label: String(MasterLabel),
        outcome: IsWon === true ? 'won' : IsClosed === true ? 'lost' : 'open',
      }));
  }

  function related(orgId: string, record: Shown): RecordList[] {
    const named = (object: string, label: string, ids: readonly unknown[]): RecordList => ({
      object,
      label,
      records: ids.flatMap((id) => {
        const found = typeof id === 'string' ? control.read(orgId, id) : null;
        return found === null ? [] : [linkOf(found)];
      }),
    });
    const roles = control.list(orgId, 'OpportunityContactRole');
    const { Id, AccountId } = record;
    const lists: Readonly<Record<string, () => RecordList[]>> = {
      Opportunity: () => [
        named('Account', 'Account', [AccountId]),
        named(
          'Contact',
          'Contact Roles',
          roles.filter((role) => role.OpportunityId === Id).map((role) => role.ContactId),
        ),
      ],
      Contact: () => [
        named('Account', 'Account', [AccountId]),
        named(
          'Opportunity',
          'Opportunities',
          roles.filter((role) => role.ContactId === Id).map((role) => role.OpportunityId),
        ),
      ],
      Account: () =>
        ['Contact', 'Opportunity'].map((object) =>
          named(
            object,
            LISTED[object] ?? object,
            control
              .list(orgId, object)
              .filter((one) => one.AccountId === Id)
              .map((one) => one.Id),
          ),
        ),
    };
    return lists[record.attributes.type]?.() ?? [];
  }

  function recordNamed(orgId: string, value: string): RecordLink | null {
    if (!RECORD_ID.test(value)) return null;
    const found = control.read(orgId, value);
    return found === null ? null : linkOf(found);
  }

  const orgOf = (orgId: string) => {
    const { id, name } = control.org(orgId);
    return { id, name };
  };

  return {
    orgs: async () => control.orgs().map(({ id, name }) => ({ id, name })),
    home: async (orgId) =>
      unlessMissing(() => ({
        org: orgOf(orgId),
        lists: Object.keys(LISTED).flatMap((object) => list(orgId, object) ?? []),
      })),
    record: async (orgId, id) =>
      unlessMissing((): RecordView | null => {
        const record = control.read(orgId, id);
        if (record === null) return null;
        const object = record.attributes.type;
        return {
          org: orgOf(orgId),
          id: String(record.Id),
          object,
          objectLabel: (LISTED[object] ?? object).replace(/ies$/, 'y').replace(/s$/, ''),
          name: linkOf(record).name,
          hasComponent: WITH_COMPONENT.includes(object) && list(orgId, 'Referral__c') !== null,
          fields: fieldsOf(object, record, (value) => recordNamed(orgId, value)),
          path: object === 'Opportunity' ? { current: String(record.StageName), stages: stages(orgId) } : null,
          related: related(orgId, record),
        };
      }),
    async update(orgId, id, fields) {
      try {
        control.edit(orgId, id, fields);
        return null;
      } catch (error) {
        if (error instanceof ApiError || error instanceof RowError) return error.message;
        throw error;
      }
    },
    apex: (orgId, className, method, params) => standInOf(orgId).invoke(className, method, params),
  };
}

function unlessMissing<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

function linkOf(record: Shown): RecordLink {
  const person = [record.FirstName, record.LastName].filter(Boolean).join(' ');
  const name = person || record.Name || record.Id;
  const { StageName, Email, Status, Stage__c, State__c, Status__c, Tier__c } = record;
  const notes = [StageName, Email, Status, Stage__c, State__c, Status__c, Tier__c];
  return { id: String(record.Id), name: String(name), note: notes.filter(Boolean).map(String).join(' · ') };
}

const AMOUNT = new Intl.NumberFormat('en', { minimumFractionDigits: 2 });

function textOf(name: string, value: unknown): string {
  if (typeof value === 'number' && /^Amount(__c)?$/.test(name)) return AMOUNT.format(value);
  return value === null || value === undefined ? '' : String(value);
}

/** Of a standard object what a person looks at, of ours every field. */
function fieldsOf(
  object: string,
  record: Shown,
  recordNamed: (value: string) => RecordLink | null,
): RecordView['fields'] {
  const shown = SHOWN[object] ?? {};
  const own = Object.keys(record).filter((name) => name.endsWith('__c'));
  return [...Object.keys(shown), ...own].map((name) => {
    const value = textOf(name, record[name]);
    return {
      name,
      label: shown[name] ?? name.replace(/__c$/, '').replaceAll('_', ' '),
      value,
      record: recordNamed(value),
    };
  });
}
