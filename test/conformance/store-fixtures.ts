import type { Hint } from '../../src/application/ports/crm.ts';
import type {
  Commit,
  Connection,
  KeptDryRun,
  NewWait,
  RecordSnapshot,
  Store,
  Tried,
} from '../../src/application/ports/store.ts';
import type { Decision, Reward } from '../../src/domain/decision.ts';
import { type Journal, type JournalKind, journalFor } from '../../src/domain/ledger.ts';
import { EMPTY_PLAN, intentFor, type Plan } from '../../src/domain/plan.ts';
import type { ContactFacts, CrmObject, DealFacts, RecordRef } from '../../src/domain/record.ts';
import type { Member, Referral, Touch } from '../../src/domain/referral.ts';

/** 2026-11-22, in milliseconds; every time in these tests is told from here. */
export const T0 = 1_795_305_600_000;
export const DAY = 86_400_000;

type Reading = Omit<RecordSnapshot, 'basis'>;

/** One account with one connected CRM, and builders for what belongs to it. */
export function tenant(store: Store, accountId = 'acc_a', connectionId = 'con_a') {
  const ref = (object: CrmObject, id: string): RecordRef => ({ connectionId, object, id });

  const connection = (changes: Partial<Connection> = {}): Connection => ({
    id: connectionId,
    accountId,
    provider: 'hubspot',
    externalId: `portal of ${connectionId}`,
    status: 'connected',
    statusReason: null,
    homeCurrency: 'EUR',
    timeZone: 'Europe/Berlin',
    uiHost: 'app.hubspot.com',
    scopes: ['crm.objects.deals.read', 'oauth'],
    connectedAt: T0,
    ...changes,
  });

  const tokens = { accessToken: 'sealed access', refreshToken: 'sealed refresh', expiresAt: T0 + DAY };

  const member = (id: string, changes: Partial<Member> = {}): Member => ({
    id,
    name: `Name ${id}`,
    email: `${id}@example.com`,
    code: `CODE-${id}`,
    contact: ref('contact', `contact-${id}`),
    createdAt: T0,
    version: 1,
    ...changes,
  });

  const referral = (id: string, memberId: string, changes: Partial<Referral> = {}): Referral => ({
    id,
    programId: 'prg',
    memberId,
    friend: { name: `Friend ${id}`, email: `${id}@friends.example`, contact: ref('contact', `friend-${id}`) },
    source: 'label',
    stage: 'accepted',
    reason: { code: 'attributed_label', values: {} },
    stageSince: T0,
    submittedAt: T0,
    version: 1,
    ...changes,
  });

  const reward = (id: string, referralId: string, changes: Partial<Reward> = {}): Reward => ({
    id,
    referralId,
    deal: ref('deal', `deal-${id}`),
    ruleKey: 'member-reward',
    party: 'member',
    beneficiaryId: 'mem_1',
    money: { minor: 5000n, currency: 'EUR' },
    state: 'approved',
    reason: { code: 'rewarded', values: { deal: 'A deal' } },
    payout: 'credit',
    programId: 'prg',
    releaseAt: null,
    reversalPending: false,
    orderAt: null,
    review: 'none',
    netted: 0n,
    clawedBack: 0n,
    uses: [],
    createdAt: T0,
    updatedAt: T0,
    version: 1,
    ...changes,
  });

  const decision = (id: string, referralId: string, changes: Partial<Decision> = {}): Decision => ({
    id,
    referralId,
    deal: ref('deal', 'deal-1'),
    ruleKey: 'member-reward',
    party: 'member',
    sequence: 1,
    outcome: 'skipped',
    reason: { code: 'amount_zero', values: {} },
    conditions: [{ condition: 'deal amount', expected: 'some', actual: 'none', verdict: 'unmet' }],
    calculation: [],
    money: null,
    rewardId: null,
    releaseAt: null,
    effectiveAt: T0,
    program: { id: 'prg', version: 1 },
    mappingVersion: 'map_1',
    recordedAt: T0,
    ...changes,
  });

  const callKey = (callbackId: string) => ({ accountId, connectionId, callbackId });

  const waitFor = (referralId: string, changes: Partial<NewWait> = {}): NewWait => ({
    referralId,
    programId: null,
    ruleKey: null,
    party: null,
    dealId: null,
    expiresAt: T0 + 7 * DAY,
    ...changes,
  });

  const journal = (of: Reward, kind: JournalKind, changes: Partial<Journal> = {}): Journal => ({
    ...journalFor({ reward: of, kind, decisionId: null, effectiveAt: T0, recordedAt: T0 }),
    ...changes,
  });

  const touch = (id: string, changes: Partial<Touch> = {}): Touch => ({
    id,
    kind: 'label',
    memberId: 'mem_1',
    friend: ref('contact', 'friend-1'),
    evidence: 'contact 1',
    at: T0,
    ...changes,
  });

  const deal = (id: string, changes: Partial<DealFacts> = {}): DealFacts => ({
    ref: ref('deal', id),
    presence: 'present',
    name: `Deal ${id}`,
    history: [{ at: T0, pipelineId: 'p', stageId: 's', amount: '100.00', currency: 'EUR' }],
    contactIds: [],
    formerIds: [],
    ...changes,
  });

  const contact = (id: string, changes: Partial<ContactFacts> = {}): ContactFacts => ({
    ref: ref('contact', id),
    presence: 'present',
    name: `Contact ${id}`,
    email: `${id}@example.com`,
    usedCode: null,
    referredByIds: [],
    formerIds: [],
    ...changes,
  });

  const commit = (plan: Partial<Plan>, rest: Partial<Commit> = {}): Commit => ({
    accountId,
    plan: planOf(plan),
    snapshots: [],
    restsOn: [],
    settles: [],
    erase: [],
    ...rest,
  });

  /** As somebody reads them who has asked for what is kept just before. */
  const readAfterAsking = (snapshots: readonly Reading[]): Promise<RecordSnapshot[]> =>
    Promise.all(
      snapshots.map(async (reading) => {
        const { object, id } = reading.facts.ref;
        const versions = await store.cases.recordVersions(accountId, connectionId, object, [id]);
        return { ...reading, basis: versions.get(id) ?? 0 };
      }),
    );

  /** A reward as `decide` writes it: with its decision, its journal and its order. */
  const granted = (of: Reward): Partial<Plan> => ({
    rewards: [of],
    decisions: [
      decision(`dec_${of.id}`, of.referralId, {
        deal: of.deal,
        ruleKey: of.ruleKey,
        outcome: 'rewarded',
        money: of.money,
        rewardId: of.id,
      }),
    ],
    journals: [journal(of, 'accrue', { decisionId: `dec_${of.id}` })],
    intents: [intentFor(of)],
  });

  return {
    callKey,
    waitFor,
    accountId,
    connectionId,
    of: { id: connectionId, accountId },
    ref,
    connection,
    tokens,
    member,
    referral,
    reward,
    decision,
    journal,
    touch,
    deal,
    contact,
    commit,
    granted,
    async create(): Promise<void> {
      await store.accounts.create({ id: accountId, name: `Account ${accountId}`, createdAt: T0 });
      await store.connections.connect(connection(), tokens);
    },
    /** Commits one plan and insists on it. */
    async write(
      plan: Partial<Plan>,
      { snapshots = [], ...rest }: Partial<Omit<Commit, 'snapshots'>> & { snapshots?: readonly Reading[] } = {},
    ): Promise<void> {
      const [result] = await store.cases.commit([
        commit(plan, { ...rest, snapshots: await readAfterAsking(snapshots) }),
      ]);
      if (result !== 'committed') throw new Error(`the fixture's commit was a ${result}`);
    },
    /** Member `mem_1` who referred friend `ref_1`. */
    async writePair(): Promise<{ member: Member; referral: Referral }> {
      const pair = { member: member('mem_1'), referral: referral('ref_1', 'mem_1') };
      await this.write({ members: [pair.member], referrals: [pair.referral] });
      return pair;
    },
    load: (keys: Partial<Parameters<Store['cases']['load']>[0]>) =>
      store.cases.load({
        accountId,
        connectionId,
        contactIds: [],
        dealIds: [],
        emails: [],
        codes: [],
        companies: [],
        ...keys,
      }),
  };
}

export type Tenant = ReturnType<typeof tenant>;

export function planOf(plan: Partial<Plan> = {}): Plan {
  return { ...EMPTY_PLAN, ...plan };
}

/** Of a draft that would pay one reward of more than a float holds. */
export function dryRunOf(of: Tried, id = 'dry_1'): KeptDryRun {
  const money = { minor: 9_007_199_254_740_993n, currency: 'EUR' };
  return {
    id,
    of,
    contentHash: `hash of ${of.kind}`,
    report: {
      from: 0,
      to: T0,
      referrals: 1,
      unknown: 0,
      counts: { same: 0, new: 1, lost: 0, changed: 0 },
      totals: [{ currency: 'EUR', before: 0n, after: money.minor }],
      toReview: 0,
      limited: 0,
      budget: [money],
      differences: [
        {
          kind: 'new',
          referralId: 'ref_1',
          deal: { connectionId: 'con_a', object: 'deal', id: '7' },
          ruleKey: 'member-reward',
          party: 'member',
          before: null,
          after: money,
          memberBefore: null,
          memberAfter: 'mem_1',
          why: 'Ünï',
        },
      ],
    },
    by: 'an admin',
    at: T0,
  };
}

/** One of each kind of what can be tried. */
export const TRIED: readonly Tried[] = [
  { kind: 'program', programId: 'prg' },
  { kind: 'attribution_policy' },
  { kind: 'stage_mapping', connectionId: 'con_a' },
];

export function hint(eventKey: string, recordIds: readonly string[], changes: Partial<Hint> = {}): Hint {
  return {
    eventKey,
    externalId: '1',
    kind: 'change',
    records: recordIds.map((id) => ({ object: 'deal', id })),
    occurredAt: T0,
    echo: false,
    payload: { eventKey, text: 'a payload with "quotes", ümlauts and \u0000' },
    ...changes,
  };
}

/** A claim made now for a minute. */
export function claiming(claim: string, now = T0, limit = 100) {
  return { now, leaseMs: 60_000, limit, claim };
}
