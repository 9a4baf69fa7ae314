import type { Language } from '../domain/brand.ts';
import type { ConsentPurpose, ConsentText } from '../domain/consent.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { programsOffered } from '../domain/program-choice.ts';
import type { LifecycleStage } from '../domain/referral.ts';
import type { Clock } from '../platform/clock.ts';
import type { WorkflowChoices } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';

/** A list in a menu; who has more searches in it. */
const PAGE = 100;

/** Between the version of a consent text and its language, in the value that a workflow keeps: both are part of the interface. */
export const CONSENT_SEPARATOR = ':';
/** As much of a text as tells it from the one before. */
const WORDS_SHOWN = 120;

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
  readonly store: Pick<Store, 'connections' | 'programs' | 'appSettings' | 'consents'>;
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
    if (connection?.status !== 'connected') return pageOf([], asked);
    const [versions, texts] = await Promise.all([offeredIn(connection), store.consents.texts(connection.accountId)]);
    return pageOf(listed({ versions, texts }, asked), asked);
  };
}

interface Published {
  readonly versions: readonly ProgramVersion[];
  /** Newest first. */
  readonly texts: readonly ConsentText[];
}

const LISTS: Readonly<Record<string, (published: Published, asked: WorkflowChoices) => readonly Choice[]>> = {
  programs: ({ versions }) =>
    inForce(versions).map(({ programId, name, version }) => ({
      value: programId,
      label: name,
      description: `Version ${version}`,
    })),
  rules: ({ versions }, { inputs: { program } }) =>
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
  'member-consents': ({ texts }) => consentsFor('member', texts),
  'friend-consents': ({ texts }) => consentsFor('friend', texts),
};

const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', de: 'German' };

/** Every version, the newest first: people who are entered today may have been shown an older one. */
function consentsFor(wanted: ConsentPurpose, all: readonly ConsentText[]): Choice[] {
  return all
    .filter(({ purpose }) => purpose === wanted)
    .flatMap(({ version, texts }) =>
      (Object.entries(texts) as [Language, string][]).map(([language, words]) => ({
        value: `${version}${CONSENT_SEPARATOR}${language}`,
        label: `Version ${version}, ${LANGUAGE_NAMES[language]}`,
        description: words.length <= WORDS_SHOWN ? words : `${words.slice(0, WORDS_SHOWN - 1)}…`,
      })),
    );
}

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
