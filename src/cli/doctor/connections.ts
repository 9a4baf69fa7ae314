import type { CrmConnector, CrmSession } from '../../application/ports/crm.ts';
import type { Connection, ConnectionStore, ReadStore } from '../../application/ports/store.ts';
import { Fault } from '../../domain/errors.ts';
import { type MappedStage, mapCatalog } from '../../domain/mapping.ts';
import { type Finding, notice, problem, spoken } from './finding.ts';

/** Three of the default sweeps in a row that did not come through, and then some. */
export const SWEEP_LATE_MS = 30 * 60_000;
/** A portal in which nobody touches a contact or a deal for a day is rare. */
const SILENT_MS = 24 * 60 * 60_000;
/** Written by `disconnect`; an admin who did that knows. */
const BY_AN_ADMIN = /^Disconnected by an admin/;

export interface ConnectionDeps {
  readonly connectors: ReadonlyMap<string, CrmConnector>;
  readonly connections: Pick<ConnectionStore, 'mapping'>;
  readonly reads: Pick<ReadStore, 'health'>;
  readonly openSession: (connection: Connection) => CrmSession;
  readonly sweepSchedule: string;
  readonly now: number;
}

/** What is wrong between us and one connected CRM, and in its mapping. */
export async function examineConnection(
  deps: ConnectionDeps,
  connection: Connection,
): Promise<{ connection: Finding[]; mapping: Finding[] }> {
  const called = `${connection.provider} ${connection.externalId}`;
  const reconnect = `Let an admin of the CRM open a new link: npm run cli -- connect ${connection.accountId} --provider ${connection.provider}`;
  if (connection.status !== 'connected') {
    const reason = connection.statusReason ?? 'no reason is known';
    if (BY_AN_ADMIN.test(reason)) return { connection: [], mapping: [] };
    return {
      connection: [
        problem(
          `${called} is disconnected: ${reason}`,
          'Its deals are not seen, so nothing is paid for them; what happens meanwhile is found by the sweep after it is connected again.',
          reconnect,
        ),
      ],
      mapping: [],
    };
  }
  const connector = deps.connectors.get(connection.provider);
  if (!connector) {
    return {
      connection: [
        problem(
          `${called} is connected, but the CRM "${connection.provider}" is not configured here.`,
          'Its webhooks are refused and nothing is read from it.',
          'Set the variables of this CRM; "npm run cli -- config check" shows them.',
        ),
      ],
      mapping: [],
    };
  }
  const found: Finding[] = [
    ...missingScopes(connector, connection, called, reconnect),
    ...(await syncFindings(deps, connection, called)),
  ];
  try {
    const session = deps.openSession(connection);
    await session.account();
    return { connection: found, mapping: await mappingDrift(deps, session, connection, called) };
  } catch (thrown) {
    return { connection: [...found, refused(thrown, called, reconnect)], mapping: [] };
  }
}

/** The scopes are those that the install link asks for, whatever the CRM. */
function missingScopes(connector: CrmConnector, connection: Connection, called: string, reconnect: string): Finding[] {
  const consent = connector.oauth.authorizeUrl({ state: 'none', redirectUri: 'https://localhost/' });
  if (consent === null) return [];
  const link = new URL(consent);
  const wanted = (link.searchParams.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  const missing = wanted.filter((scope) => !connection.scopes.includes(scope));
  if (missing.length === 0) return [];
  return [
    problem(
      `${called} was installed without ${missing.join(', ')}.`,
      'Whatever needs these permissions is refused by the CRM: reading deals, or writing the state of rewards back.',
      reconnect,
    ),
  ];
}

async function syncFindings({ reads, sweepSchedule, now }: ConnectionDeps, connection: Connection, called: string) {
  const { lastReceivedAt, sweptTo } = await reads.health(connection.accountId, connection.id, now);
  const findings: Finding[] = [];
  const swept = Math.min(...sweptTo.map(({ upTo }) => upTo));
  const sweptAt = Number.isFinite(swept) ? swept : connection.connectedAt;
  if (now - sweptAt > SWEEP_LATE_MS) {
    findings.push(
      problem(
        `${called} was last swept ${spoken(now - sweptAt)} ago.`,
        'Changes whose webhooks were lost stay unseen until the next sweep, and so do the rewards that hang on them.',
        `Look for "sweep put off" in the service's log. SWEEP_SCHEDULE is ${sweepSchedule}: if it is meant to be rarer than this, nothing is wrong.`,
      ),
    );
  }
  const heardAt = lastReceivedAt ?? connection.connectedAt;
  if (now - heardAt > SILENT_MS) {
    findings.push(
      notice(
        `${called} has sent no webhook for ${spoken(now - heardAt)}.`,
        'If deals changed in that time, webhooks do not arrive, and everything waits for the sweep.',
        "Compare the app's webhook address in the CRM with PUBLIC_URL, and look at the CRM's delivery log.",
      ),
    );
  }
  return findings;
}

function refused(thrown: unknown, called: string, reconnect: string): Finding {
  if (!(thrown instanceof Fault)) throw thrown;
  const said = `${called} cannot be read: ${thrown.publicText}`;
  const why = 'While that is so, nothing of this CRM is decided on and nothing is written back to it.';
  if (thrown.code === 'crm_forbidden' || thrown.retry.kind === 'reconnect') return problem(said, why, reconnect);
  if (thrown.code === 'unsealable') return problem(said, why, 'See the check "keys".');
  if (thrown.code === 'app_misconfigured')
    return problem(
      said,
      why,
      "Compare the client id, the client secret and PUBLIC_URL with the app's page in the CRM.",
    );
  return problem(
    said,
    why,
    "It is tried again by itself. If it lasts, look at the CRM's status page and at the firewall.",
  );
}

/** The stored mapping against the pipelines as they are now. */
async function mappingDrift(
  { connections }: ConnectionDeps,
  session: CrmSession,
  connection: Connection,
  called: string,
): Promise<Finding[]> {
  const stored = await connections.mapping(connection.accountId, connection.id);
  const current = mapCatalog(await session.stages(), []);
  const findings: Finding[] = [];
  const before = new Map((stored?.entries ?? []).map((entry) => [keyOf(entry), entry]));
  const after = new Map(current.map((entry) => [keyOf(entry), entry]));
  const nextSweep =
    'The next sweep takes this over by itself. If it stays, the sweep does not run: see the check "connections".';

  const added = current.filter((entry) => !before.has(keyOf(entry)));
  if (added.length > 0) {
    findings.push(
      notice(
        `${called} has stages that the mapping does not know: ${named(added)}.`,
        'A deal in one of them makes the mapping be read again, so nothing is lost, but no sweep has been through since they were made.',
        nextSweep,
      ),
    );
  }
  const changed = current.filter((entry) => (before.get(keyOf(entry))?.stage ?? entry.stage) !== entry.stage);
  if (changed.length > 0) {
    findings.push(
      problem(
        `${called} has stages that mean something else than the mapping says: ${changed
          .map((entry) => `${named([entry])} was ${before.get(keyOf(entry))?.stage}, is ${entry.stage}`)
          .join('; ')}.`,
        'Deals in these stages are won or lost by another rule from the next sweep on: rewards can be paid or taken back.',
        `Ask an admin of the CRM whether this was meant. ${nextSweep}`,
      ),
    );
  }
  const gone = [...before.values()].filter((entry) => !after.has(keyOf(entry)));
  if (gone.length > 0) {
    findings.push(
      notice(
        `${called} no longer has these stages: ${named(gone)}.`,
        'The mapping keeps what they meant, since deals carry them in their history.',
        'Nothing is to be done unless they were deleted by mistake.',
      ),
    );
  }
  const pipelines = Map.groupBy(current, ({ pipelineId }) => pipelineId);
  const unwinnable = [...pipelines.values()].filter((stages) => !stages.some(({ stage }) => stage === 'won'));
  if (unwinnable.length > 0) {
    findings.push(
      notice(
        `${called} has pipelines without a won stage: ${unwinnable.map(([first]) => `"${first?.pipelineLabel}"`).join(', ')}.`,
        'No deal in them can ever pay a reward. A stage is won when it is closed with a probability of 1.',
        'Set the probability of the winning stage in the CRM, if these pipelines are meant to sell.',
      ),
    );
  }
  return findings;
}

function keyOf({ pipelineId, stageId }: MappedStage): string {
  return `${pipelineId}\n${stageId}`;
}

function named(entries: readonly MappedStage[]): string {
  return entries.map(({ pipelineLabel, stageLabel }) => `"${stageLabel}" of "${pipelineLabel}"`).join(', ');
}
