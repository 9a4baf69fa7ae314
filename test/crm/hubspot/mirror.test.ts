import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import { CONTACT_FIELDS, DEAL_FIELDS } from '../../../src/crm/hubspot/fields.ts';
import { propertiesOf, writeMirror } from '../../../src/crm/hubspot/mirror.ts';
import type { PropertyState } from '../../../src/crm/hubspot/provision.ts';
import type { ContactMirror, DealMirror } from '../../../src/domain/mirror.ts';
import { batchOf, hubspotError, portalApi, recordOf } from './harness.ts';

const DEAL: DealMirror = { kind: 'deal', referralId: 'ref_1', stage: 'won', rewardState: 'held', rewardReason: null };
const CONTACT: ContactMirror = {
  kind: 'contact',
  memberId: 'mem_1',
  shareLink: 'https://w.test/r/1',
  code: 'K7QF-93MX-P2RA',
  referrals: 3,
  wonReferrals: 0,
  rewardsHeld: null,
  rewardsApproved: '10.00 EUR',
  rewardsIssued: null,
  rewardsReversed: null,
  lastReward: null,
  lastRewardAt: null,
  lastRewardReason: null,
  tier: null,
  referredBy: null,
};
const COMPLETE: PropertyState = {
  writable: new Set([...Object.values(CONTACT_FIELDS), ...Object.values(DEAL_FIELDS)]),
  missing: [],
};

interface UpdateBody {
  inputs: { id: string; properties: Record<string, string> }[];
}

const INVALID = hubspotError('Property values were not valid: [{"error":"INVALID_OPTION","name":"wonward_stage"}]', {
  category: 'VALIDATION_ERROR',
});
const MISSING = hubspotError('resource not found', { category: 'OBJECT_NOT_FOUND' });

function rowsOf(ids: readonly string[]) {
  return ids.map((id) => ({ id, values: DEAL }));
}

/** HubSpot as it refuses a whole batch for one bad row. */
function refusingHubSpot(bad: ReadonlySet<string>) {
  const written: string[] = [];
  const api = portalApi(({ name, path, json }) => {
    if (name.startsWith('read')) return { status: 200, body: recordOf(path.split('/').at(-1) ?? '') };
    const { inputs } = json as UpdateBody;
    if (inputs.some(({ id }) => bad.has(id))) return { status: 400, body: INVALID };
    written.push(...inputs.map(({ id }) => id));
    return { status: 200, body: batchOf(inputs.map(({ id }) => ({ id }))) };
  });
  return { api, written };
}

describe('the mirror', () => {
  test('has a declared property for each of its fields, and every property that Wonward owns has a field', () => {
    for (const [object, fields] of [
      ['contact', CONTACT_FIELDS],
      ['deal', DEAL_FIELDS],
    ] as const) {
      const owned = hubspotManifest.properties[object]
        .filter(({ owner }) => owner === 'wonward')
        .map(({ name }) => name);
      expect(Object.values(fields).sort()).toEqual(owned.sort());
    }
  });

  test('writes plain strings, and an empty one where something ended', () => {
    expect(propertiesOf(DEAL, COMPLETE)).toEqual({
      wonward_referral_id: 'ref_1',
      wonward_stage: 'won',
      wonward_reward_state: 'held',
      wonward_reward_reason: '',
    });
    expect(propertiesOf(CONTACT, COMPLETE)).toMatchObject({
      wonward_referrals: '3',
      wonward_won_referrals: '0',
      wonward_rewards_held: '',
    });
    expect(Object.keys(propertiesOf(CONTACT, COMPLETE))).not.toContain('wonward_referral_code');
  });

  test('leaves out what belongs to a property of the customer', () => {
    const writable = new Set([...COMPLETE.writable].filter((name) => name !== 'wonward_stage'));
    expect(Object.keys(propertiesOf(DEAL, { writable, missing: [] }))).toEqual([
      'wonward_referral_id',
      'wonward_reward_state',
      'wonward_reward_reason',
    ]);
  });

  test('goes out in batches of 100, each record once and in its newest state', async () => {
    const sizes: number[] = [];
    const api = portalApi(({ json }) => {
      const { inputs } = json as UpdateBody;
      sizes.push(inputs.length);
      expect(new Set(inputs.map(({ id }) => id)).size).toBe(inputs.length);
      expect(inputs.find(({ id }) => id === '0')?.properties.wonward_stage ?? 'won').toBe('won');
      return { status: 200, body: batchOf(inputs.map(({ id }) => ({ id }))) };
    });
    const ids = Array.from({ length: 230 }, (_, index) => String(index));
    const outcomes = await writeMirror(api, 'deal', COMPLETE, [
      { id: '0', values: { ...DEAL, stage: 'lost' } },
      ...rowsOf(ids),
    ]);
    expect(sizes).toEqual([100, 100, 30]);
    expect(outcomes).toEqual(ids.map((id) => ({ id, result: 'written' })));
  });

  test('says of each row of a 207 what became of it, and of a row that is not named that it is to be written again', async () => {
    const error = (ids: string[], body: object) => ({ ...body, context: { ids } });
    const api = portalApi(({ name, path }) => {
      if (!name.startsWith('read')) {
        return {
          status: 207,
          body: batchOf(
            [{ id: '1' }],
            [
              error(['2'], MISSING),
              error(['3'], INVALID),
              error(['4'], hubspotError('Property "wonward_stage" does not exist', { category: 'VALIDATION_ERROR' })),
              error(['5'], hubspotError('slow', { category: 'RATE_LIMITS' })),
              error(['7'], hubspotError('cannot update', { category: 'VALIDATION_ERROR' })),
              { ...INVALID, context: { objectWriteTraceId: ['8'] } },
            ],
          ),
        };
      }
      // 7 was merged into 70.
      return { status: 200, body: recordOf(path.endsWith('/7') ? '70' : (path.split('/').at(-1) ?? '')) };
    });
    const outcomes = await writeMirror(api, 'deal', COMPLETE, rowsOf(['1', '2', '3', '4', '5', '6', '7', '8']));
    expect(outcomes.map(({ id, result }) => [id, result])).toEqual([
      ['1', 'written'],
      ['2', 'gone'],
      ['3', 'rejected'],
      ['4', 'unprovisioned'],
      ['5', 'retry'],
      ['6', 'retry'],
      ['7', 'gone'],
      ['8', 'rejected'],
    ]);
  });

  test('finds the one row that makes HubSpot refuse a hundred, and writes all the others', async () => {
    for (const position of [0, 1, 49, 50, 99]) {
      const ids = Array.from({ length: 100 }, (_, index) => String(index));
      const { api, written } = refusingHubSpot(new Set([String(position)]));
      const outcomes = await writeMirror(api, 'deal', COMPLETE, rowsOf(ids));
      expect(outcomes.filter(({ result }) => result !== 'written').map(({ id, result }) => [id, result])).toEqual([
        [String(position), 'rejected'],
      ]);
      expect(written).toHaveLength(99);
      // 1 whole batch, two calls per halving of log2(100), one look at the row itself.
      expect(api.calls.length).toBeLessThanOrEqual(1 + 2 * 7 + 1);
    }
  });

  test('never says "written" of a row that was not, whatever rows are bad, and bounds its calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), fc.uniqueArray(fc.nat(99)), async (size, badIndexes) => {
        const ids = Array.from({ length: size }, (_, index) => String(index));
        const bad = new Set(badIndexes.filter((index) => index < size).map(String));
        const { api, written } = refusingHubSpot(bad);
        const outcomes = await writeMirror(api, 'deal', COMPLETE, rowsOf(ids));
        expect(outcomes.map(({ id }) => id)).toEqual(ids);
        for (const { id, result } of outcomes) {
          if (result === 'written') expect(written).toContain(id);
          else expect(written).not.toContain(id);
          if (result === 'rejected') expect(bad).toContain(id);
        }
        const writes = api.calls.filter(({ name }) => name.startsWith('write'));
        expect(writes.length).toBeLessThanOrEqual(41);
        // Progress, so that writing again ends: a refused batch gives at least one final outcome.
        expect(outcomes.some(({ result }) => result !== 'retry')).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('asks for provisioning, without halving, when HubSpot does not know a property', async () => {
    const api = portalApi(() => ({
      status: 400,
      body: hubspotError('Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST","name":"wonward_stage"}]'),
    }));
    const outcomes = await writeMirror(api, 'deal', COMPLETE, rowsOf(['1', '2', '3']));
    expect(outcomes.map(({ result }) => result)).toEqual(['unprovisioned', 'unprovisioned', 'unprovisioned']);
    expect(api.calls).toHaveLength(1);
  });

  test('writes nothing when it is known before that a property is missing', async () => {
    const api = portalApi(() => ({ status: 500, body: {} }));
    const outcomes = await writeMirror(api, 'deal', { ...COMPLETE, missing: ['wonward_stage'] }, rowsOf(['1']));
    expect(outcomes).toEqual([{ id: '1', result: 'unprovisioned', detail: 'missing in the portal: wonward_stage' }]);
    expect(api.calls).toEqual([]);
  });
});
