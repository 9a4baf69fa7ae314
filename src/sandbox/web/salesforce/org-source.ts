import type { ApexAnswer } from './apex-stand-in.ts';

/** What the pages need of a local org. The pages know this and nothing of how the local Salesforce is made. */

export interface OrgName {
  readonly id: string;
  readonly name: string;
}

export interface RecordLink {
  readonly id: string;
  readonly name: string;
  /** What a list shows beside the name. */
  readonly note: string;
}

export interface RecordList {
  /** API name, as `Opportunity`. */
  readonly object: string;
  readonly label: string;
  readonly records: readonly RecordLink[];
}

export interface OrgHome {
  readonly org: OrgName;
  readonly lists: readonly RecordList[];
}

export interface OrgStage {
  readonly name: string;
  readonly label: string;
  readonly outcome: 'open' | 'won' | 'lost';
}

export interface FieldView {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  /** Of a look-up: the record that it names. */
  readonly record: RecordLink | null;
}

export interface RecordView {
  readonly org: OrgName;
  readonly id: string;
  readonly object: string;
  readonly objectLabel: string;
  readonly name: string;
  /** Where the package is installed and its component may be put. */
  readonly hasComponent: boolean;
  readonly fields: readonly FieldView[];
  /** Of an opportunity: its stage, and those it may move to. */
  readonly path: { readonly current: string; readonly stages: readonly OrgStage[] } | null;
  readonly related: readonly RecordList[];
}

export interface OrgSource {
  orgs(): Promise<readonly OrgName[]>;
  /** null here and below: there is no such org or record. */
  home(orgId: string): Promise<OrgHome | null>;
  record(orgId: string, id: string): Promise<RecordView | null>;
  /** As a person in Salesforce would. A sentence when Salesforce refuses the change. */
  update(orgId: string, id: string, fields: Readonly<Record<string, string>>): Promise<string | null>;
  apex(
    orgId: string,
    className: string,
    method: string,
    params: Readonly<Record<string, unknown>>,
  ): Promise<ApexAnswer>;
}
