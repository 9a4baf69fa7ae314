import { MEMBER, PERSON_FIELDS, REFERRAL } from '../../manifests/salesforce/package.ts';
import type { CrmObject } from '../../src/domain/record.ts';
import type { FaultInput } from '../../src/sandbox/salesforce/faults.ts';
import { startWorld } from '../crm/salesforce/world.ts';
import { type CrmUnderTest, type CrmUser, crmConformance, type Disturbance } from './crm.ts';

/** More than any test here writes. */
const ROWS_MAX = 1_000;

const MASTER = '012000000000000AAA';

const STAGES: CrmUser['stages'] = {
  open: { pipelineId: MASTER, stageId: 'Prospecting' },
  won: { pipelineId: MASTER, stageId: 'Closed Won' },
  lost: { pipelineId: MASTER, stageId: 'Closed Lost' },
};

const limit = (message: string): FaultInput => ({
  target: 'api',
  effect: { kind: 'error', status: 403, code: 'REQUEST_LIMIT_EXCEEDED', message },
});

const FAULTS: Readonly<Record<Disturbance, FaultInput>> = {
  outage: { target: 'api', effect: { kind: 'status', status: 503, html: true } },
  reset: { target: 'api', effect: { kind: 'reset', when: 'before' } },
  half_answer: { target: 'api', effect: { kind: 'truncate' } },
  lost_answer: { target: 'api', path: '*/composite', effect: { kind: 'reset', when: 'after' } },
  rate_limit: limit('ConcurrentRequests (Concurrent API Requests) Limit exceeded.'),
  long_rate_limit: limit('TotalRequests Limit exceeded.'),
  locked: {
    target: 'api',
    effect: { kind: 'error', status: 400, code: 'UNABLE_TO_LOCK_ROW', message: 'unable to obtain exclusive access' },
  },
};

async function start(): Promise<CrmUnderTest> {
  const OWN = 'Their_Own__c';
  const world = await startWorld({ org: { currencies: ['EUR'], trackedFields: ['StageName', 'Amount', OWN] } });
  const { control, orgId, connector, access, time } = world;
  const names: Readonly<Record<CrmObject, string>> = { contact: 'Contact', deal: 'Opportunity', company: 'Account' };
  const by = (object: string, field: string, id: string): Readonly<Record<string, unknown>> =>
    control.list(orgId, object, { limit: ROWS_MAX }).find((row) => row[field] === id) ?? {};
  const shownText = (value: unknown) => (value === null || value === undefined ? null : String(value));

  const user: CrmUser = {
    stages: STAGES,
    createContact: ({ name = 'Nameless', email, usedCode }) =>
      control.create(orgId, 'Contact', {
        LastName: name,
        ...(email === undefined ? {} : { Email: email }),
        ...(usedCode === undefined ? {} : { [PERSON_FIELDS.usedCode]: usedCode }),
      }),
    createCompany(contactId) {
      const id = control.create(orgId, 'Account', { Name: 'Acme' });
      control.edit(orgId, contactId, { AccountId: id });
      return id;
    },
    createList(Name, contactIds) {
      const CampaignId = control.create(orgId, 'Campaign', { Name });
      for (const ContactId of contactIds) control.create(orgId, 'CampaignMember', { CampaignId, ContactId });
      return CampaignId;
    },
    addProperty(object) {
      control.addField(orgId, names[object], { name: OWN, type: 'string', length: 80 });
      return OWN;
    },
    setProperty: (_object, id, { name, value, at }) =>
      control.edit(orgId, id, { [name]: value === '' ? null : value }, at === undefined ? {} : { at }),
    createDeal({ name = 'Deal', stage, amount, contactIds = [], at }) {
      const hand = at === undefined ? {} : { at };
      const id = control.create(
        orgId,
        'Opportunity',
        {
          Name: name,
          StageName: STAGES[stage].stageId,
          CloseDate: '2026-12-31',
          ...(amount === undefined ? {} : { Amount: Number(amount) }),
        },
        hand,
      );
      for (const ContactId of contactIds)
        control.create(orgId, 'OpportunityContactRole', { OpportunityId: id, ContactId }, hand);
      return id;
    },
    changeDeal(id, { stage, amount, at }) {
      const fields = {
        ...(stage === undefined ? {} : { StageName: STAGES[stage].stageId }),
        ...(amount === undefined ? {} : { Amount: Number(amount) }),
      };
      control.edit(orgId, id, fields, at === undefined ? {} : { at });
    },
    remove: (_object, id) => control.remove(orgId, id),
    restore: (_object, id) => control.undelete(orgId, id),
    merge(_object, primaryId, otherId) {
      control.merge(orgId, primaryId, [otherId]);
      return primaryId;
    },
    linkDeal: (OpportunityId, ContactId) =>
      void control.create(orgId, 'OpportunityContactRole', { OpportunityId, ContactId }),
    sayReferredBy: (friendId, memberId) => control.edit(orgId, friendId, { [PERSON_FIELDS.referredBy]: memberId }),
    linkContacts: (oneId, otherId) => control.edit(orgId, oneId, { ReportsToId: otherId }),
    mirrorOf(object, id) {
      if (object === 'contact') {
        const row = by(MEMBER.object, MEMBER.fields.contact, id);
        return {
          memberId: shownText(row[MEMBER.key]),
          referrals: shownText(row[MEMBER.fields.referrals]),
          rewardsHeld: shownText(row[MEMBER.fields.rewardsHeld]),
          lastRewardReason: shownText(row[MEMBER.fields.lastRewardReason]),
          referredBy: null,
        };
      }
      const row = by(REFERRAL.object, REFERRAL.fields.opportunity, id);
      return { referralId: shownText(row[REFERRAL.key]), stage: shownText(row[REFERRAL.fields.stage]) };
    },
    refuseMember: (memberId) =>
      control.setValidationRules(orgId, [
        { object: MEMBER.object, message: 'Not this one.', when: { field: MEMBER.key, is: 'equal', value: memberId } },
      ]),
    deleteProvisioned: () => Promise.reject(new Error('an admin installs the package')),
    squat: () => {
      throw new Error('an admin installs the package');
    },
    disturb: (kind, times) => void control.addFault({ ...FAULTS[kind], times }),
    expireToken: () => control.expireSessions(orgId),
    async uninstall() {
      control.uninstall(orgId);
    },
    rateRefusals: () => control.calls().reduce((sum, { statuses }) => sum + (statuses['403'] ?? 0), 0),
    deliveries: () => Promise.reject(new Error('Salesforce calls nobody')),
  };
  return {
    connector,
    access: { ...access, homeCurrency: 'EUR' },
    user,
    now: time.clock,
    pass: time.advance,
    close: world.close,
  };
}

crmConformance({
  name: 'Salesforce',
  start,
  traits: { tickMs: 1_000, merges: ['contact'], isProvisionedByUs: false, hasWebhooks: false, mirrors: 'rows' },
});
