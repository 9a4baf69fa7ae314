/**
 * The one declared truth of Wonward in Salesforce: what the package has, as the connector reads and writes it. The package's own files
 * are held to it by a test, in both directions. Names are without a namespace; an installed managed package adds its own.
 */

/** `Referral_Sync__chn`: the changes that the connector listens to. */
export const CHANNEL = 'Referral_Sync__chn';

/** On the customer's own people. Written by people, flows and forms; read by the connector. */
export const PERSON_FIELDS = {
  usedCode: 'Referral_Code_Used__c',
  referredBy: 'Referred_By__c',
} as const;

export const MEMBER = {
  object: 'Referral_Member__c',
  key: 'External_Id__c',
  relationship: 'Member__r',
  /** The platform's own field for what a record is called. */
  nameField: 'Name',
  fields: {
    contact: 'Contact__c',
    lead: 'Lead__c',
    account: 'Account__c',
    program: 'Program__c',
    code: 'Referral_Code__c',
    shareLink: 'Share_Link__c',
    referrals: 'Referrals__c',
    wonReferrals: 'Won_Referrals__c',
    tier: 'Tier__c',
    rewardsHeld: 'Rewards_Held__c',
    rewardsApproved: 'Rewards_Approved__c',
    rewardsIssued: 'Rewards_Issued__c',
    rewardsReversed: 'Rewards_Reversed__c',
    lastReward: 'Last_Reward__c',
    lastRewardAt: 'Last_Reward_At__c',
    lastRewardReason: 'Last_Reward_Reason__c',
  },
} as const;

export const REFERRAL = {
  object: 'Referral__c',
  key: 'External_Id__c',
  relationship: 'Referral__r',
  fields: {
    friendContact: 'Friend_Contact__c',
    friendLead: 'Friend_Lead__c',
    account: 'Account__c',
    opportunity: 'Opportunity__c',
    program: 'Program__c',
    stage: 'Stage__c',
    stageSince: 'Stage_Changed_At__c',
    source: 'Source__c',
    submittedAt: 'Submitted_At__c',
    nextStep: 'Next_Step__c',
  },
} as const;

export const REWARD = {
  object: 'Referral_Reward__c',
  key: 'External_Id__c',
  fields: {
    opportunity: 'Opportunity__c',
    party: 'Party__c',
    rule: 'Rule__c',
    state: 'State__c',
    amount: 'Amount__c',
    currency: 'Currency__c',
    reasonCode: 'Reason_Code__c',
    reason: 'Reason__c',
    nextStep: 'Next_Step__c',
    decidedAt: 'Decided_At__c',
    releaseAt: 'Release_At__c',
    issuedAt: 'Issued_At__c',
  },
} as const;

/** What a person or a flow asks for: written by the org, answered by the connector. */
export const ACTION = {
  object: 'Referral_Action__c',
  key: 'Idempotency_Key__c',
  fields: {
    type: 'Type__c',
    status: 'Status__c',
    request: 'Request__c',
    contact: 'Contact__c',
    lead: 'Lead__c',
    opportunity: 'Opportunity__c',
    referral: 'Referral__c',
    member: 'Member__c',
    outcomeCode: 'Outcome_Code__c',
    outcome: 'Outcome__c',
    result: 'Result__c',
    completedAt: 'Completed_At__c',
  },
} as const;

/** What a rep reads out to a friend, for pages that ask nobody; one row for each whom a text is for. */
export const CONSENT_TEXT = {
  object: 'Referral_Consent_Text__c',
  key: 'External_Id__c',
  fields: {
    version: 'Version__c',
    language: 'Language__c',
    text: 'Text__c',
  },
} as const;

export const OBJECTS = [MEMBER, REFERRAL, REWARD, ACTION, CONSENT_TEXT] as const;

/** What the app asks for: the API, and to go on while nobody is there. */
export const OAUTH_SCOPES = ['api', 'refresh_token'] as const;
