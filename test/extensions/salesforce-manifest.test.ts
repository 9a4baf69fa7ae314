import { describe, expect, it } from 'vitest';
import {
  ACTION,
  CHANNEL,
  MEMBER,
  OBJECTS,
  PERSON_FIELDS,
  REFERRAL,
  REWARD,
} from '../../manifests/salesforce/package.ts';
import type { Outcome, RewardState } from '../../src/domain/decision.ts';
import type { Party } from '../../src/domain/program.ts';
import type { LifecycleStage } from '../../src/domain/referral.ts';
import { type Files, planted, readFiles, SOURCE, textOf } from './salesforce-files.ts';
import { packageModel } from './salesforce-package.ts';

const files = readFiles(SOURCE);

/**
 * In the package, and neither read nor written by the connector so far. The pages and flows of the org use them where somebody fills
 * them; a released field cannot be taken back, so each has a reason to be here.
 */
const OF_THE_ORG_ALONE: Readonly<Record<string, string>> = {
  'Referral_Action__c.Account__c': 'the record that a person stood on when they asked',
};

/** What connector and package do not agree on, each in a sentence. */
function drift(given: Files): string[] {
  const model = packageModel(given);
  /** Written by the parent's key, so they have to point where the manifest says. */
  const parents = [
    { object: REFERRAL.object, lookup: MEMBER.relationship.replace(/__r$/, '__c'), parent: MEMBER.object },
    { object: REWARD.object, lookup: REFERRAL.relationship.replace(/__r$/, '__c'), parent: REFERRAL.object },
  ];
  const declared = new Map<string, ReadonlySet<string>>([
    ...OBJECTS.map(({ object, key, fields }) => {
      const lookups = parents.filter((one) => one.object === object).map(({ lookup }) => lookup);
      return [object, new Set<string>([key, ...Object.values(fields), ...lookups])] as const;
    }),
    ...['Contact', 'Lead'].map((object) => [object, new Set<string>(Object.values(PERSON_FIELDS))] as const),
  ]);
  const packaged = new Map([...model.objects, ...model.onStandard]);
  const problems: string[] = [];
  for (const [object, fields] of declared) {
    for (const field of fields)
      if (!packaged.get(object)?.has(field)) problems.push(`the package lacks ${object}.${field}`);
  }
  for (const [object, fields] of packaged) {
    if (!declared.has(object)) problems.push(`the manifest does not name ${object}`);
    for (const name of fields.keys()) {
      if (declared.get(object)?.has(name) || `${object}.${name}` in OF_THE_ORG_ALONE) continue;
      problems.push(`the manifest does not name ${object}.${name}`);
    }
  }
  for (const { object, key } of OBJECTS) {
    const root = model.ofKind('field').get(`${object}.${key}`)?.root;
    const isKey = root && textOf(root, 'externalId') === 'true' && textOf(root, 'unique') === 'true';
    if (!isKey) problems.push(`${object}.${key} is no unique external id`);
  }
  for (const { object, lookup, parent } of parents) {
    if (packaged.get(object)?.get(lookup)?.referenceTo !== parent)
      problems.push(`${object}.${lookup} is not of ${parent}`);
  }
  if (!model.ofKind('platformEventChannel').has(CHANNEL)) problems.push(`there is no channel ${CHANNEL}`);
  return problems;
}

describe('the manifest and the package', () => {
  it('name the same objects, fields, keys and channel', () => {
    expect(drift(files)).toEqual([]);
  });

  it('are held together in both directions', () => {
    const without = (path: string): Files => new Map([...files].filter(([one]) => one !== path));
    const next = 'objects/Referral_Reward__c/fields/Next_Step__c.field-meta.xml';
    expect(drift(without(next))).toEqual(['the package lacks Referral_Reward__c.Next_Step__c']);
    const more = new Map(files).set(next.replace('Next_Step', 'Extra'), files.get(next) ?? '');
    expect(drift(more)).toEqual(['the manifest does not name Referral_Reward__c.Extra__c']);
    const own = 'objects/Lead/fields/Referral_Code_Used__c.field-meta.xml';
    expect(drift(without(own))).toEqual(['the package lacks Lead.Referral_Code_Used__c']);
    const key = 'objects/Referral__c/fields/External_Id__c.field-meta.xml';
    expect(drift(planted(files, key, '<unique>true', '<unique>false'))).toEqual([
      'Referral__c.External_Id__c is no unique external id',
    ]);
    const member = 'objects/Referral__c/fields/Member__c.field-meta.xml';
    expect(drift(planted(files, member, 'Referral_Member__c', 'Contact'))).toEqual([
      'Referral__c.Member__c is not of Referral_Member__c',
    ]);
    const channel = `platformEventChannels/${CHANNEL}.platformEventChannel-meta.xml`;
    expect(drift(without(channel))).toEqual([`there is no channel ${CHANNEL}`]);
  });

  it('keeps reasons only for fields that are there', () => {
    const model = packageModel(files);
    for (const name of Object.keys(OF_THE_ORG_ALONE)) {
      const [object = '', field = ''] = name.split('.');
      expect([name, model.objects.get(object)?.has(field)]).toEqual([name, true]);
    }
  });
});

describe('the values of a picklist', () => {
  const model = packageModel(files);
  const valuesOf = (object: string, field: string): string[] =>
    [...(model.objects.get(object)?.get(field)?.values ?? [])].sort();
  /** The compiler asks for every value of the domain's union; the test for every value of the file. */
  const words = (given: Readonly<Record<string, true>>): string[] => Object.keys(given).sort();

  it('are the states of a reward and the outcomes that pay nothing', () => {
    /** With these outcomes there is a reward, whose state is shown. */
    type WithReward = 'rewarded' | 'held' | 'in_review' | 'adjusted';
    /** History is shown as skipped, with its own reason. */
    type NotShown = WithReward | 'history';
    const states: Record<RewardState | Exclude<Outcome, NotShown>, true> = {
      held: true,
      in_review: true,
      approved: true,
      issuing: true,
      issued: true,
      redeemed: true,
      failed: true,
      voided: true,
      expired: true,
      clawed_back: true,
      waiting: true,
      skipped: true,
      capped: true,
      queued: true,
      reversed: true,
    };
    expect(valuesOf(REWARD.object, REWARD.fields.state)).toEqual(words(states));
  });

  it('are the stages of a referral and its parties', () => {
    const stages: Record<LifecycleStage, true> = {
      submitted: true,
      accepted: true,
      qualified: true,
      opportunity: true,
      won: true,
      lost: true,
      declined: true,
      expired: true,
    };
    const parties: Record<Party, true> = { member: true, friend: true, recruiter: true, assist: true };
    expect(valuesOf(REFERRAL.object, REFERRAL.fields.stage)).toEqual(words(stages));
    expect(valuesOf(REWARD.object, REWARD.fields.party)).toEqual(words(parties));
  });

  it('are what a person can ask for, and what came of it', () => {
    expect(valuesOf(ACTION.object, ACTION.fields.type)).toEqual([
      'enrol_member',
      'get_share_link',
      'issue_reward',
      'open_dispute',
      'set_stage',
      'submit_referral',
    ]);
    expect(valuesOf(ACTION.object, ACTION.fields.status)).toEqual(['done', 'failed', 'pending', 'refused']);
  });
});
