import type { ProgramContent, ProgramVersion } from '../domain/program.ts';
import { programHash } from '../domain/program-hash.ts';
import { propertyFactsOf } from '../domain/property.ts';
import type { CrmObject } from '../domain/record.ts';
import { riskProperties } from '../domain/risk.ts';
import { dryRun } from './dry-run.ts';
import { createDryRuns, type DryRunRefusal, type DryRunsDeps, type Period, type Publisher } from './keep-dry-run.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Connection, KeptDryRun, NewVersion, Store, TriedProgram } from './ports/store.ts';
import { type RuleProblem, unknownProperties } from './program-problems.ts';
import { unknownRiskProperties } from './risk-document.ts';

/** A rule that nobody could pay, where it stands, and what can pay here. */
export interface UnpayableRule {
  readonly index: number;
  readonly payout: string;
  readonly ready: readonly string[];
}

export type PublishResult =
  | { readonly kind: 'published'; readonly version: ProgramVersion }
  | { readonly kind: 'unpayable'; readonly rules: readonly UnpayableRule[] }
  | { readonly kind: 'unknown_properties'; readonly problems: readonly RuleProblem[] }
  | DryRunRefusal
  | { readonly kind: 'refused'; readonly code: 'second_person' | 'no_draft' | 'draft_changed' };

export interface PublishDeps extends Omit<DryRunsDeps, 'store'> {
  readonly store: Pick<Store, 'programs' | 'programDrafts' | 'accounts' | 'connections' | 'dryRuns' | 'audited'>;
  /** Names of the providers that this account can pay through now. */
  readonly payableBy: (accountId: string) => Promise<readonly string[]>;
  /** Opens a connected CRM, to ask it which properties it has. */
  readonly openSession: (connection: Connection) => Pick<CrmSession, 'propertyNames'>;
}

/** From a draft to a version: tried on all of history, published on what was seen then, by another person where the account asks for one. */
export interface Publish {
  /** What it would have paid, over all that is recorded. Pays and changes nothing. */
  tryOut(accountId: string, content: ProgramContent, period: Period, by: string): Promise<KeptDryRun<TriedProgram>>;
  /** What its writer publishes at once; not where the account asks for a second person. */
  publish(accountId: string, content: ProgramContent, publisher: Publisher): Promise<PublishResult>;
  /** The kept draft in the revision that the publisher has read. Where a second person is asked for, nobody who had a hand in it. */
  publishDraft(accountId: string, programId: string, revision: number, publisher: Publisher): Promise<PublishResult>;
  /** Ends a program: its next version has no rules. Null for one that was never published; one that has ended stays as it is. */
  retire(accountId: string, programId: string, by: string, why: string): Promise<ProgramVersion | null>;
}

export function createPublish({ store, clock, newId, payableBy, openSession }: PublishDeps): Publish {
  const dryRuns = createDryRuns({ store, clock, newId });

  async function refusalOf(accountId: string, content: ProgramContent, dryRunId: string | null) {
    const ready = await payableBy(accountId);
    // A reward that nobody can pay would wait for ever; the rule is refused while somebody is there to read why.
    const rules = content.rules.flatMap(({ payout }, index) =>
      ready.includes(payout) ? [] : [{ index, payout, ready }],
    );
    if (rules.length > 0) return { kind: 'unpayable', rules } as const;
    const problems = await strangersOf(accountId, content);
    if (problems.length > 0) return { kind: 'unknown_properties', problems } as const;
    return dryRuns.refusalOf(accountId, dryRunId, programHash(content));
  }

  /** A rule that asks for what no CRM has would wait for ever. Before there is a CRM nothing is known, and nothing is refused. */
  async function strangersOf(accountId: string, { rules, risk }: ProgramContent): Promise<RuleProblem[]> {
    const asksNothing = rules.every(
      (rule) => propertyFactsOf(rule).length === 0 && rule.refundedProperty === undefined,
    );
    if (asksNothing && riskProperties([risk]).length === 0) return [];
    const connections = (await store.connections.list(accountId)).filter(({ status }) => status === 'connected');
    if (connections.length === 0) return [];
    const namesOf = async (object: CrmObject) => {
      const found = await Promise.all(connections.map((connection) => openSession(connection).propertyNames(object)));
      return new Set(found.flatMap((names) => [...(names ?? [])]));
    };
    const [deal, contact, company] = await Promise.all([namesOf('deal'), namesOf('contact'), namesOf('company')]);
    const ofRules = unknownProperties(rules, {
      'deal.property': deal,
      'friend.property': contact,
      'company.property': company,
    });
    return [...ofRules, ...unknownRiskProperties(risk, deal)];
  }

  async function needsSecondPerson(accountId: string): Promise<boolean> {
    return (await store.accounts.get(accountId))?.needsSecondPerson ?? false;
  }

  return {
    tryOut(accountId, draft, period, by) {
      const of = { kind: 'program', programId: draft.programId } as const;
      return dryRuns.keep(accountId, { of, contentHash: programHash(draft), by }, (audit) =>
        dryRun(audit, { accountId, draft, ...period }),
      );
    },

    async publish(accountId, content, publisher) {
      const refusal = await refusalOf(accountId, content, publisher.dryRunId);
      if (refusal) return refusal;
      if (await needsSecondPerson(accountId)) return { kind: 'refused', code: 'second_person' };
      return {
        kind: 'published',
        version: await store.programs.publish(accountId, versionOf(content, publisher), clock.now()),
      };
    },

    async publishDraft(accountId, programId, revision, publisher) {
      const { dryRunId } = publisher;
      if (dryRunId !== null && !(await store.dryRuns.get(accountId, dryRunId)))
        return { kind: 'refused', code: 'no_such_dry_run' };
      const draft = await store.programDrafts.get(accountId, programId);
      if (!draft) return { kind: 'refused', code: 'no_draft' };
      if (draft.revision !== revision) return { kind: 'refused', code: 'draft_changed' };
      const refusal = await refusalOf(accountId, draft.content, publisher.dryRunId);
      if (refusal) return refusal;
      if (draft.editors.includes(publisher.by) && (await needsSecondPerson(accountId)))
        return { kind: 'refused', code: 'second_person' };
      const version = versionOf(draft.content, publisher);
      const published = await store.programs.publishDraft(accountId, version, revision, clock.now());
      return published ? { kind: 'published', version: published } : { kind: 'refused', code: 'draft_changed' };
    },

    async retire(accountId, programId, by, why) {
      const newest = (await store.programs.versions(accountId)).findLast((version) => version.programId === programId);
      if (!newest) return null;
      const { name } = newest;
      const ended: NewVersion = { programId, name, rules: [], isRetired: true, publishedBy: by, note: why };
      return newest.isRetired ? newest : store.programs.publish(accountId, ended, clock.now());
    },
  };
}

function versionOf(content: ProgramContent, { by, dryRunId }: Publisher): NewVersion {
  return { ...content, publishedBy: by, ...(dryRunId === null ? {} : { dryRunId }) };
}
