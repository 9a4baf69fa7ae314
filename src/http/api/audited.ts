import { HttpProblem } from '../problem.ts';
import { parseInput } from './explain.ts';
import type { Operation } from './operation.ts';

/** Sent, but nothing is changed by them: they judge or count, and what they keep is only their answer. */
const ONLY_ASK: readonly string[] = [
  'validateProgram',
  'diffProgram',
  'validateRiskPolicy',
  'diffRiskPolicy',
  'validateAttributionPolicy',
  'diffAttributionPolicy',
  'tryProgram',
  'tryAttributionPolicy',
  'tryStageMapping',
  'tryMemberImport',
  'tryListImport',
  // How somebody looks at a list changes nothing for anybody else.
  'saveView',
  'removeView',
  'tryCaseDecision',
  'checkConfiguration',
  // Counts what is there.
  'startForecast',
];

/** What is sent, and what is answered, that whoever reads the log must not read. */
const SECRET = {
  sent: ['setProviderCredentials', 'addCoupons'] as readonly string[],
  seen: [
    'createApiKey',
    'exportPerson',
    'inviteUser',
    'installConnection',
    'createWebhookEndpoint',
    'rotateWebhookSecret',
  ] as readonly string[],
};

/** The log is read by people; a file that was imported is not. Characters of JSON. */
const VALUE_LENGTH_MAX = 20_000;

/**
 * Whom it is about is told by ids: what names a person would have to be found here again when they ask to be forgotten. Users of the
 * console are no part of that; who did what is what the log is for.
 */
const PERSONAL = new Set(['email', 'phone', 'csv', 'words', 'name']);
/** Of what is set up, names and sentences are what was changed; elsewhere they name people, or are what people wrote of them. */
const OF_SET_UP = new Set(['Programs', 'Connections', 'Providers', 'Account', 'Attribution', 'Webhooks']);
const OF_USERS = new Set(['inviteUser', 'setUserRoles', 'removeUser', 'withdrawInvitation']);

type Input = Parameters<Operation['handle']>[0];

export interface Audited {
  /** False for what only asks. */
  isChange(operation: Operation): boolean;
  /** The reading of the same thing, for what it was before and is after; null where there is none. */
  readingOf(operation: Operation): Operation | null;
  /** How that reading shows it now, as it is kept; null where there is no reading, or nothing to see. */
  seen(operation: Operation, input: Input): Promise<unknown>;
  /** As it is kept. */
  kept(operation: Operation, part: 'sent' | 'seen', value: unknown): unknown;
}

export function createAudited(operations: readonly Operation[]): Audited {
  const ids = new Set(operations.map(({ id }) => id));
  const unknown = [...ONLY_ASK, ...SECRET.sent, ...SECRET.seen].filter((id) => !ids.has(id));
  if (unknown.length > 0) throw new Error(`No operation is called ${unknown.join(', ')}, named in http/api/audited.ts`);
  const readings = new Map(operations.flatMap((one) => (one.method === 'get' ? [[one.path, one] as const] : [])));
  const audited: Audited = {
    isChange: ({ method, id }) => method !== 'get' && !ONLY_ASK.includes(id),
    readingOf({ method, path, params }) {
      // What is posted to a list becomes a part of it, and is shown by its own answer.
      const own = method === 'post' ? path.slice(0, path.lastIndexOf('/')) : path;
      if (!params) return method === 'post' ? null : (readings.get(path) ?? null);
      // "/rewards/{rewardId}/approve" changes what "/rewards/{rewardId}" shows.
      for (let at = own; at.includes('{'); at = at.slice(0, at.lastIndexOf('/'))) {
        const reading = readings.get(at);
        if (reading && at.split('{').length === path.split('{').length) return reading;
      }
      return null;
    },
    async seen(operation, input) {
      const reading = audited.readingOf(operation);
      if (!reading) return null;
      const query = reading.query ? parseInput(reading.query, {}) : undefined;
      try {
        const { body } = await reading.handle({ ...input, query, body: undefined });
        return audited.kept(operation, 'seen', body);
      } catch (thrown) {
        // There is nothing to see of what is not there; why it cannot be changed is the operation's to say.
        if (thrown instanceof HttpProblem && thrown.status < 500) return null;
        throw thrown;
      }
    },
    kept({ id, tag, path }, part, value) {
      if (value === undefined || value === null) return null;
      if (SECRET[part].includes(id)) return { omitted: 'secret' };
      const isSetUp = OF_SET_UP.has(tag) && !/\{(member|referral|reward|case)Id\}/.test(path);
      const plain = isSetUp || OF_USERS.has(id) ? value : withoutPeople(value);
      const { length } = JSON.stringify(plain);
      return length <= VALUE_LENGTH_MAX ? plain : { omitted: `${length} characters` };
    },
  };
  return audited;
}

/** Ids, states, amounts and times; no name, no address, no sentence. */
function withoutPeople(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPeople).filter((part) => part !== undefined);
  if (typeof value === 'string') return /[\s@]/.test(value) ? undefined : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const plain = PERSONAL.has(key) ? undefined : withoutPeople(inner);
      return plain === undefined ? [] : [[key, plain]];
    }),
  );
}
