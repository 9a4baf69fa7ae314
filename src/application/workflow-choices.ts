import type { ProgramVersion } from '../domain/program.ts';
import { programsOffered } from '../domain/program-choice.ts';
import type { LifecycleStage } from '../domain/referral.ts';
import type { Clock } from '../platform/clock.ts';
import type { WorkflowChoices } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';

/** A list in a menu; who has more searches in it. */
const PAGE = 100;

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly description: string;
}

export interface ChoicePage {
  readonly choices: readonly Choice[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

/** What an admin can choose for the inputs of workflow actions, as it is published now; null for a list that there is not. */
export type ListChoices = (provider: string, list: string, asked: WorkflowChoices) => Promise<ChoicePage | null>;

export interface ListChoicesDeps {
  readonly store: Pick<Store, 'connections' | 'programs' | 'appSettings'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function createListChoices({ store, clock }: ListChoicesDeps): ListChoices {
  async function offeredIn({ accountId, id }: Connection): Promise<readonly ProgramVersion[]> {
    const [versions, choices] = await Promise.all([
      store.programs.versions(accountId),
      store.appSettings.choices(accountId),
    ]);
    return programsOffered(versions, choices, id, clock.now());
  }

  return async (provider, list, asked) => {
    const listed = Object.hasOwn(LISTS, list) ? LISTS[list] : undefined;
    if (listed === undefined) return null;
    const connection = await store.connections.findByExternalId(provider, asked.externalId);
    // Who is not connected has nothing to choose from.
    const versions = connection?.status === 'connected' ? await offeredIn(connection) : [];
    return pageOf(connection?.status === 'connected' ? listed(versions, asked) : [], asked);
  };
}

const LISTS: Readonly<
  Record<string, (versions: readonly ProgramVersion[], asked: WorkflowChoices) => readonly Choice[]>
> = {
  programs: (versions) =>
    inForce(versions).map(({ programId, name, version }) => ({
      value: programId,
      label: name,
      description: `Version ${version}`,
    })),
  rules: (versions, { inputs: { program } }) =>
    inForce(versions)
      .filter(({ programId }) => program === undefined || programId === program)
      .flatMap(({ name: programName, rules }) =>
        rules.map(({ key, name, party, review }) => ({
          value: key,
          label: name,
          description: `For the ${party}, of ${programName}${review ? ', after a review' : ''}`,
        })),
      ),
  stages: () => Object.entries(STAGES).map(([value, [label, description]]) => ({ value, label, description })),
};

const STAGES: Readonly<Record<LifecycleStage, readonly [string, string]>> = {
  submitted: ['Submitted', 'Somebody said so; no record is known yet'],
  accepted: ['Accepted', 'The friend has a record'],
  qualified: ['Qualified', 'A deal of the friend is qualified'],
  opportunity: ['Opportunity', 'A deal of the friend is open'],
  won: ['Won', 'A deal of the friend is won'],
  lost: ['Lost', 'All deals of the friend are lost'],
  declined: ['Declined', 'The referral does not count'],
  expired: ['Expired', 'The referral took too long'],
};

/** The newest version of each program that has not been retired. */
function inForce(versions: readonly ProgramVersion[]): ProgramVersion[] {
  const newest = new Map(versions.map((version) => [version.programId, version]));
  return [...newest.values()].filter(({ isRetired }) => !isRetired);
}

function pageOf(all: readonly Choice[], { search, after }: WorkflowChoices): ChoicePage {
  const wanted = search.toLowerCase();
  // Two programs may have rules of one key; a menu has each value once.
  const distinct = [...new Map(all.map((choice) => [choice.value, choice])).values()];
  const found = distinct.filter(
    ({ value, label }) => label.toLowerCase().includes(wanted) || value.toLowerCase().includes(wanted),
  );
  const start = after === null ? 0 : found.findIndex(({ value }) => value === after) + 1;
  const choices = found.slice(start, start + PAGE);
  return { choices, next: start + PAGE < found.length ? (choices.at(-1)?.value ?? null) : null };
}
