import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type CardActors, normaliseActors } from '../domain/card-actors.ts';
import { Fault } from '../domain/errors.ts';
import { derivedId } from '../domain/ids.ts';
import { isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Seal } from '../platform/seal.ts';
import { createAppSettings } from './app-settings.ts';
import { onlyOfTest } from './only-of-test.ts';
import type {
  CrmAccess,
  CrmConnector,
  CrmGrant,
  CrmPermission,
  CrmSession,
  DuplicateRules,
  ProvisionReport,
} from './ports/crm.ts';
import type { Connection, ConnectionEvent, SealedTokens, Store } from './ports/store.ts';
import { provision } from './provision.ts';
import { refreshMapping } from './refresh-mapping.ts';
import { withoutErased } from './without-erased.ts';

/** An admin reads the consent page, perhaps asks a colleague; longer than this and the link is likelier stolen than slow. */
const STATE_LIFETIME_MS = 15 * 60_000;
/** 32 bytes, for a CRM that has one place to log in. */
const STATE = /^[A-Za-z0-9_-]{43}$/;
/** A token is renewed this long before it ends, so that none runs out between the check and the call. */
const RENEW_BEFORE_MS = 120_000;
/** Longer than a token call with its retries. */
export const REFRESH_LEASE_MS = 60_000;
/** How often somebody who waits for another's refresh looks again. */
const REFRESH_POLL_MS = 100;

/** Why a connection ended that nobody has to be told of. */
export const DISCONNECTED_BY_ADMIN = 'Disconnected by an admin.';

/**
 * What the CRM was told: that the app is uninstalled, that its authorisation is given back, or nothing, as it could not be reached. We have
 * left all the same.
 */
export type Leaving = 'uninstalled' | 'revoked' | 'not_told';

const LEAVING_WORDS: Readonly<Record<Leaving, string>> = {
  uninstalled: 'The app was uninstalled there.',
  revoked: 'The authorisation was given back.',
  not_told: 'The CRM could not be told: an admin has to remove the app there.',
};

export interface ConnectDeps {
  readonly store: Store;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly log: Log;
  readonly publicUrl: string;
  readonly connectors: ReadonlyMap<string, CrmConnector>;
}

export type CompleteResult =
  | {
      readonly kind: 'connected';
      readonly connection: Connection;
      readonly provisioned: ProvisionReport | { readonly problem: string };
    }
  /** The state is unknown, used or too old: start the install again. */
  | { readonly kind: 'bad_state' }
  /** The portal belongs to another account of Wonward. */
  | { readonly kind: 'foreign_portal' }
  /** The CRM did not accept the code. */
  | { readonly kind: 'refused'; readonly why: string };

export interface Connect {
  /**
   * Null when no such CRM or account exists; a null `url` when `site`, where the admin logs in, is none of the vendor's. `page` is ours, in
   * front of the vendor's.
   */
  begin(
    accountId: string,
    provider: string,
    site?: string,
  ): Promise<{ url: string | null; page: string | null } | null>;
  /**
   * What an install link leads to, for a page in front of it; null for a CRM without one, and for text that is no state of ours. Whether the
   * state still works is only told when the admin comes back.
   */
  consentOf(provider: string, state: string): { url: string; permissions: readonly CrmPermission[] } | null;
  /** @throws Fault `app_misconfigured` or `crm_unavailable` when the code could not be tried. */
  complete(input: { provider: string; code: string; state: string }): Promise<CompleteResult>;
  /** Null when the account has no such connection. Tokens are given back to the CRM; what was recorded stays. */
  disconnect(accountId: string, connectionId: string): Promise<Leaving | null>;
  /** Null when the account has no such connection; false when its CRM has no such rules to allow. What they refused is written anew. */
  setDuplicateRules(accountId: string, connectionId: string, rules: DuplicateRules): Promise<boolean | null>;
  /**
   * Percent of the CRM's API calls of a day; null: the service's usual share. Null when the account has no such connection; false when its CRM
   * gives each app a limit of its own.
   */
  setCallShare(accountId: string, connectionId: string, percent: number | null): Promise<boolean | null>;
  /** False when the account has no such connection. Null: everyone who sees a card. */
  setCardActors(accountId: string, connectionId: string, actors: CardActors): Promise<boolean>;
  /** Null when the account has no such connection. */
  provision(accountId: string, connectionId: string): Promise<ProvisionReport | null>;
  /** What a connector needs to talk to the connected CRM. */
  accessOf(connection: Connection): CrmAccess;
  /** `background`: for what can wait; it leaves most of the CRM's calls to others. */
  openSession(connection: Connection, pace?: CrmAccess['pace']): CrmSession;
}

export function redirectUriOf(publicUrl: string, provider: string): string {
  return `${publicUrl}/oauth/${provider}/callback`;
}

/** Installs, tokens and what has to be there in a CRM before records can be mirrored. */
export function createConnect(deps: ConnectDeps): Connect {
  const { store, seal, clock, log, publicUrl, connectors } = deps;
  const owner = randomUUID();
  const appSettings = createAppSettings({
    store,
    clock,
    hasTasks: (provider) => connectors.get(provider)?.hasTasks === true,
    objectScopes: (provider) => connectors.get(provider)?.objectScopes,
    appEventScopes: (provider) => connectors.get(provider)?.appEventScopes,
    openSession: (connection) => openSession(connection),
  });

  function connectorOf(provider: string): CrmConnector {
    const connector = connectors.get(provider);
    if (!connector)
      throw new Fault('app_misconfigured', { kind: 'never' }, `The CRM "${provider}" is not configured here.`);
    return connector;
  }

  function sealed(accountId: string, grant: CrmGrant) {
    return {
      accessToken: seal.seal(grant.accessToken, tokenContext(accountId, 'access')),
      refreshToken: seal.seal(grant.refreshToken, tokenContext(accountId, 'refresh')),
      expiresAt: grant.expiresAt,
    };
  }

  /**
   * One refresh at a time per connection, also across processes: a lease in the database decides who asks the CRM, the others wait
   * and read what it stored.
   */
  let asked = 0;
  async function accessToken(connection: Connection, rejected?: string): Promise<string> {
    const { accountId, id } = connection;
    const lease = refreshLease(id);
    // Its own for each who asks: two of one node are not one, and the first to be done must not give back what the other holds.
    asked += 1;
    const holder = `${owner} ${asked}`;
    const giveUpAt = clock.now() + REFRESH_LEASE_MS;
    for (;;) {
      const tokens = await store.connections.tokens(accountId, id);
      if (!tokens) throw new Fault('authorisation_revoked', { kind: 'reconnect' }, 'The CRM is not connected.');
      const current = seal.open(tokens.accessToken, tokenContext(accountId, 'access'));
      const isFresh = tokens.expiresAt - RENEW_BEFORE_MS > clock.now();
      if (isFresh && current !== rejected) return current;
      if (await store.leases.acquire(lease, holder, clock.now(), clock.now() + REFRESH_LEASE_MS)) {
        try {
          const again = await store.connections.tokens(accountId, id);
          if (again && again.version !== tokens.version) continue;
          return await refresh(connection, tokens.refreshToken, tokens.version);
        } finally {
          await store.leases.release(lease, holder);
        }
      }
      if (clock.now() > giveUpAt)
        throw new Fault('crm_unavailable', { kind: 'retry' }, 'The authorisation is being renewed.');
      await clock.sleep(REFRESH_POLL_MS);
    }
  }

  async function noteGranted(connection: Connection, scopes: readonly string[]): Promise<void> {
    await store.connections.granted(connection.accountId, connection.id, scopes);
    await writeObjectsAgain(connection, { ...connection, scopes });
  }

  /** What was written while rows of our objects could not be is acknowledged without them. */
  async function writeObjectsAgain(before: Connection | null, after: Connection): Promise<void> {
    const isRegained = appSettings.areObjectsGranted(after) && !(before && appSettings.areObjectsGranted(before));
    if (!isRegained) return;
    const kept = await appSettings.of(after.accountId, after.id);
    if (kept?.settings.objects === 'on') await store.mirror.markAll(after.accountId, after.id, clock.now());
  }

  async function refresh(connection: Connection, sealedRefreshToken: string, version: number): Promise<string> {
    const { accountId, id, provider } = connection;
    try {
      const grant = await connectorOf(provider).oauth.refresh({
        refreshToken: seal.open(sealedRefreshToken, tokenContext(accountId, 'refresh')),
        apiUrl: connection.apiUrl,
      });
      await store.connections.replaceTokens(accountId, id, version, sealed(accountId, grant));
      if (grant.apiUrl !== undefined && grant.apiUrl !== connection.apiUrl)
        await store.connections.moved(accountId, id, grant.apiUrl);
      // An admin, or the plan of the portal, may have taken something away since. A vendor that tells none has changed none.
      if (grant.scopes.length > 0 && !isSameSet(grant.scopes, connection.scopes))
        await noteGranted(connection, grant.scopes);
      log.info({ connection: id }, 'authorisation renewed');
      return grant.accessToken;
    } catch (fault) {
      if (fault instanceof Fault && fault.retry.kind === 'reconnect') {
        // Whoever was paused for longer than the lease comes with a token that another node has used meanwhile.
        const newer = await store.connections.tokens(accountId, id);
        if (newer && newer.version !== version) return seal.open(newer.accessToken, tokenContext(accountId, 'access'));
        await store.connections.disconnect(accountId, id, fault.publicText, clock.now());
        await note(connection, 'lost', fault.publicText);
        log.warn({ connection: id, err: fault }, 'connection lost: an admin has to connect again');
      }
      throw fault;
    }
  }

  function note({ accountId, id }: Connection, kind: ConnectionEvent['kind'], detail: string): Promise<void> {
    return store.sync.note(accountId, id, { id: `cev_${randomUUID()}`, kind, detail, at: clock.now() });
  }

  /** One that comes back goes on where it was: what waited is kept, and the next sweep begins where the last one ended. */
  async function noteArrival(connection: Connection, isBack: boolean, now: number): Promise<void> {
    if (!isBack) return note(connection, 'connected', 'Connected.');
    const { accountId, id } = connection;
    const marks = await store.connections.sweepMarks(accountId, id);
    const from = Math.min(...marks.map(({ upTo }) => upTo), now);
    const { decisions, mirror } = await store.sync.signs(accountId, id, now, now);
    return note(
      connection,
      'reconnected',
      `Connected again. ${decisions.waiting} records that waited are decided on now and ${mirror.waiting} are written; what changed since ${isoOf(marks.length === 0 ? connection.connectedAt : from)} is searched for.`,
    );
  }

  /** Within one process the waiters share one promise, so that only one of them polls the lease. */
  const refreshing = new Map<string, Promise<string>>();
  function sharedAccessToken(connection: Connection, rejected?: string): Promise<string> {
    const key = `${connection.id} ${rejected ?? ''}`;
    const running = refreshing.get(key) ?? accessToken(connection, rejected).finally(() => refreshing.delete(key));
    refreshing.set(key, running);
    return running;
  }

  function accessOf(connection: Connection): CrmAccess {
    return {
      connectionId: connection.id,
      externalId: connection.externalId,
      apiUrl: connection.apiUrl,
      homeCurrency: connection.homeCurrency,
      scopes: connection.scopes,
      duplicateRules: connection.duplicateRules,
      callShare: connection.callShare,
      accessToken: (rejected) => sharedAccessToken(connection, rejected),
    };
  }

  function openSession(connection: Connection, pace?: CrmAccess['pace']): CrmSession {
    const { testOf } = connection;
    const own = testOf === undefined ? connection : { ...connection, accountId: testOf };
    const session = withoutErased(connectorOf(own.provider).open({ ...accessOf(own), pace }), store.privacy, own);
    return testOf === undefined ? session : onlyOfTest(session, store.testRuns, connection);
  }

  /** What a new connection needs. A part that fails now is done by the next sweep; the install itself stands. */
  async function settleIn(connection: Connection): Promise<ProvisionReport | { problem: string }> {
    const session = openSession(connection);
    try {
      const { homeCurrency, timeZone, uiHost } = await session.account();
      await store.connections.describe(connection.accountId, connection.id, { homeCurrency, timeZone, uiHost });
      await refreshMapping(store, session, connection, clock.now());
      return await provision({ store, clock }, session, connection);
    } catch (fault) {
      log.warn({ connection: connection.id, err: fault }, 'connection not fully set up yet');
      return {
        problem: fault instanceof Fault ? fault.publicText : 'The CRM could not be set up yet; it is tried again.',
      };
    }
  }

  /** Never throws: an admin who wants to leave is not kept by a CRM that does not answer. */
  async function leave({ id, accountId, provider, apiUrl }: Connection, tokens: SealedTokens): Promise<Leaving> {
    try {
      const { oauth } = connectorOf(provider);
      let refreshToken = seal.open(tokens.refreshToken, tokenContext(accountId, 'refresh'));
      if (oauth.uninstall) {
        try {
          let accessToken = seal.open(tokens.accessToken, tokenContext(accountId, 'access'));
          if (tokens.expiresAt - RENEW_BEFORE_MS <= clock.now()) {
            const grant = await oauth.refresh({ refreshToken, apiUrl });
            ({ accessToken, refreshToken } = grant);
          }
          await oauth.uninstall({ accessToken });
          return 'uninstalled';
        } catch (err) {
          log.warn({ connection: id, err }, 'app not uninstalled; its authorisation is given back');
        }
      }
      await oauth.revoke({ refreshToken, apiUrl });
      return 'revoked';
    } catch (err) {
      log.warn({ connection: id, err }, 'authorisation could not be given back');
      return 'not_told';
    }
  }

  return {
    async begin(accountId, provider, site) {
      const connector = connectors.get(provider);
      if (!connector || !(await store.accounts.get(accountId))) return null;
      const state = stateFor(site);
      const url = connector.oauth.authorizeUrl({ state, redirectUri: redirectUriOf(publicUrl, provider), site });
      if (url === null) return { url, page: null };
      await store.connections.saveState({
        stateHash: hashOf(state),
        accountId,
        provider,
        expiresAt: clock.now() + STATE_LIFETIME_MS,
      });
      const hasPage = connector.oauth.permissions !== undefined;
      return { url, page: hasPage ? `${publicUrl}/install/${provider}?state=${encodeURIComponent(state)}` : null };
    },

    consentOf(provider, state) {
      const oauth = connectors.get(provider)?.oauth;
      if (!oauth?.permissions || !STATE.test(state)) return null;
      const url = oauth.authorizeUrl({ state, redirectUri: redirectUriOf(publicUrl, provider) });
      return url === null ? null : { url, permissions: oauth.permissions };
    },

    async complete({ provider, code, state }) {
      const known = await store.connections.takeState(hashOf(state), clock.now());
      if (known?.provider !== provider) return { kind: 'bad_state' };
      const connector = connectorOf(provider);
      let grant: CrmGrant;
      try {
        const redirectUri = redirectUriOf(publicUrl, provider);
        grant = await connector.oauth.exchangeCode({ code, redirectUri, state, site: siteOf(state) });
      } catch (fault) {
        if (fault instanceof Fault && fault.code === 'authorisation_revoked')
          return { kind: 'refused', why: fault.publicText };
        throw fault;
      }
      const { accountId } = known;
      const now = clock.now();
      const before = await store.connections.get(accountId, derivedId('con', accountId, provider, grant.externalId));
      const outcome = await store.connections.connect(
        {
          id: derivedId('con', accountId, provider, grant.externalId),
          accountId,
          provider,
          externalId: grant.externalId,
          status: 'connected',
          statusReason: null,
          homeCurrency: null,
          timeZone: null,
          uiHost: null,
          scopes: grant.scopes,
          apiUrl: grant.apiUrl,
          connectedAt: now,
        },
        sealed(accountId, grant),
      );
      if (outcome.result === 'foreign') return { kind: 'foreign_portal' };
      if (before?.status !== 'connected') await noteArrival(outcome.connection, before !== null, now);
      if (grant.userId !== undefined) await appSettings.welcome(outcome.connection, grant.userId);
      await writeObjectsAgain(before, outcome.connection);
      const provisioned = await settleIn(outcome.connection);
      const connection = (await store.connections.get(accountId, outcome.connection.id)) ?? outcome.connection;
      log.info({ connection: connection.id, provider }, 'connected');
      return { kind: 'connected', connection, provisioned };
    },

    async disconnect(accountId, connectionId) {
      const connection = await store.connections.get(accountId, connectionId);
      if (!connection) return null;
      const tokens = await store.connections.tokens(accountId, connectionId);
      // Nothing is called any more from here on, whatever the CRM says to it.
      await store.connections.disconnect(accountId, connectionId, DISCONNECTED_BY_ADMIN, clock.now());
      const leaving = tokens ? await leave(connection, tokens) : 'not_told';
      await note(connection, 'disconnected', `${DISCONNECTED_BY_ADMIN} ${LEAVING_WORDS[leaving]}`);
      log.info({ connection: connectionId, leaving }, 'disconnected');
      return leaving;
    },

    async setDuplicateRules(accountId, connectionId, rules) {
      const connection = await store.connections.get(accountId, connectionId);
      if (!connection) return null;
      if (rules === (connection.duplicateRules ?? 'respect')) return true;
      if (connectorOf(connection.provider).hasDuplicateRules !== true) return false;
      await store.connections.setDuplicateRules(accountId, connectionId, rules);
      await store.mirror.markAll(accountId, connectionId, clock.now());
      log.info({ connection: connectionId, duplicateRules: rules }, 'setting of a connection changed');
      return true;
    },

    async setCallShare(accountId, connectionId, percent) {
      const connection = await store.connections.get(accountId, connectionId);
      if (!connection) return null;
      if (percent === (connection.callShare ?? null)) return true;
      if (connectorOf(connection.provider).hasDailyCalls !== true) return false;
      await store.connections.setCallShare(accountId, connectionId, percent);
      log.info({ connection: connectionId, callShare: percent ?? 'usual' }, 'setting of a connection changed');
      return true;
    },

    async setCardActors(accountId, connectionId, actors) {
      const isSet = await store.connections.setCardActors(accountId, connectionId, normaliseActors(actors));
      if (isSet) log.info({ connection: connectionId, users: actors?.length ?? 'everyone' }, 'card actors changed');
      return isSet;
    },

    async provision(accountId, connectionId) {
      const connection = await store.connections.get(accountId, connectionId);
      if (!connection) return null;
      const report = await provision({ store, clock }, openSession(connection), connection);
      await store.mirror.markAll(accountId, connectionId, clock.now());
      return report;
    },

    accessOf,
    openSession,
  };
}

/** What a sealed token is bound to. */
export function tokenContext(accountId: string, column: 'access' | 'refresh'): string {
  return `${accountId} connections.${column}`;
}

/** Whoever replaces the tokens of a connection holds this, so that no refresh is lost under another's write. */
export function refreshLease(connectionId: string): string {
  return `refresh ${connectionId}`;
}

/** Nobody can guess it, and it names the site that the consent was asked for at: only its hash is kept, so nobody can change it either. */
function stateFor(site: string | undefined): string {
  const secret = randomBytes(32).toString('base64url');
  return site === undefined ? secret : `${secret}.${Buffer.from(site).toString('base64url')}`;
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join(' ') === b.toSorted().join(' ');
}

function siteOf(state: string): string | undefined {
  const [, site] = state.split('.');
  return site === undefined ? undefined : Buffer.from(site, 'base64url').toString();
}

function hashOf(state: string): string {
  return createHash('sha256').update(state).digest('base64url');
}
