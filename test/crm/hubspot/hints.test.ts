import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVENTS_MAX, parseHints } from '../../../src/crm/hubspot/hints.ts';
import { APP_ID } from './harness.ts';

const STAGE_CHANGE = {
  eventId: 4_101_286_121,
  subscriptionId: 7_562_680,
  portalId: 247_187_887,
  appId: APP_ID,
  occurredAt: 1_787_843_156_000,
  subscriptionType: 'object.propertyChange',
  attemptNumber: 0,
  objectId: 541_935_488_729,
  objectTypeId: '0-3',
  propertyName: 'dealstage',
  propertyValue: 'closedwon',
  changeSource: 'CRM_UI',
  sourceId: 'userId:10202051',
};

function parse(events: unknown) {
  return parseHints(Buffer.from(typeof events === 'string' ? events : JSON.stringify(events)), APP_ID);
}

const { propertyValue: _, ...WITHOUT_VALUE } = STAGE_CHANGE;

function hintOf(event: object) {
  const result = parse([event]);
  if (!result.ok) throw new Error(`${result.problem}: ${result.detail}`);
  const [hint] = result.hints;
  if (!hint) throw new Error('no hint');
  return hint;
}

describe('a webhook event', () => {
  test('says which deal to read again, when it happened and in which portal', () => {
    expect(hintOf(STAGE_CHANGE)).toEqual({
      eventKey: expect.any(String),
      externalId: '247187887',
      kind: 'change',
      records: [{ object: 'deal', id: '541935488729' }],
      occurredAt: 1_787_843_156_000,
      echo: false,
      payload: WITHOUT_VALUE,
    });
  });

  test.each([
    ['object.creation', '0-1', 'change', 'contact'],
    ['object.restore', '0-3', 'change', 'deal'],
    ['object.deletion', '0-3', 'deletion', 'deal'],
    ['object.propertyChange', '0-2', 'change', 'company'],
    ['contact.creation', undefined, 'change', 'contact'],
    ['deal.propertyChange', undefined, 'change', 'deal'],
    ['deal.deletion', undefined, 'deletion', 'deal'],
    ['contact.privacyDeletion', undefined, 'erasure', 'contact'],
  ])('%s of %s is a %s of a %s', (subscriptionType, objectTypeId, kind, object) => {
    expect(hintOf({ ...STAGE_CHANGE, subscriptionType, objectTypeId })).toMatchObject({
      kind,
      records: [{ object, id: '541935488729' }],
    });
  });

  test('may carry its type as eventType, as samples of the documentation do', () => {
    const { subscriptionType, ...rest } = STAGE_CHANGE;
    expect(hintOf({ ...rest, eventType: subscriptionType })).toMatchObject({ kind: 'change' });
  });

  test('of a merge names the new record, the primary and every merged one, each once', () => {
    const merge = {
      ...STAGE_CHANGE,
      subscriptionType: 'object.merge',
      objectTypeId: '0-1',
      objectId: 789,
      primaryObjectId: 123,
      mergedObjectIds: [456, 123],
      newObjectId: 789,
    };
    const { kind, records } = hintOf(merge);
    expect(kind).toBe('merge');
    expect(records.map(({ id }) => id).sort()).toEqual(['123', '456', '789']);
  });

  test.each([
    [
      'CONTACT_TO_DEAL',
      [
        { object: 'contact', id: '1' },
        { object: 'deal', id: '2' },
      ],
    ],
    [
      'DEAL_TO_CONTACT',
      [
        { object: 'deal', id: '1' },
        { object: 'contact', id: '2' },
      ],
    ],
    [
      'CONTACT_TO_CONTACT',
      [
        { object: 'contact', id: '1' },
        { object: 'contact', id: '2' },
      ],
    ],
    ['DEAL_TO_LINE_ITEM', [{ object: 'deal', id: '1' }]],
  ])('of an association change %s names the ends that we know', (associationType, records) => {
    const { objectId: _objectId, ...rest } = STAGE_CHANGE;
    const event = {
      ...rest,
      subscriptionType: 'object.associationChange',
      associationType,
      fromObjectId: 1,
      toObjectId: 2,
    };
    expect(hintOf(event)).toMatchObject({ kind: 'association', records });
  });

  test('of an association change may name its ends by object type ids', () => {
    const event = {
      ...STAGE_CHANGE,
      subscriptionType: 'object.associationChange',
      fromObjectTypeId: '0-3',
      toObjectTypeId: '0-1',
      fromObjectId: 1,
      toObjectId: 2,
    };
    expect(hintOf(event).records).toEqual([
      { object: 'deal', id: '1' },
      { object: 'contact', id: '2' },
    ]);
  });

  test.each([
    { subscriptionType: 'conversation.newMessage', objectId: 5 },
    { subscriptionType: 'conversation.privacyDeletion', objectId: 5 },
    { subscriptionType: 'object.creation', objectTypeId: '2-98765', objectId: 5 },
    { subscriptionType: 'ticket.deletion', objectId: 5 },
    {
      subscriptionType: 'object.associationChange',
      associationType: 'TICKET_TO_LINE_ITEM',
      fromObjectId: 1,
      toObjectId: 2,
    },
    { subscriptionType: 'something.new' },
  ])('that we do not know is ignored and never an error: $subscriptionType', (event) => {
    expect(hintOf({ portalId: 1, ...event })).toMatchObject({ kind: 'ignored', records: [] });
  });

  test('keeps no value in the inbox, where nobody could be forgotten', () => {
    const { payload } = hintOf({ ...STAGE_CHANGE, propertyName: 'email', propertyValue: 'bob@example.com' });
    expect(JSON.stringify(payload)).not.toContain('bob@example.com');
  });

  test('is an echo only when our own app wrote one of our own fields', () => {
    const own = {
      ...STAGE_CHANGE,
      propertyName: 'wonward_stage',
      changeSource: 'INTEGRATION',
      sourceId: String(APP_ID),
    };
    expect(hintOf({ ...own, propertyName: 'dealstage' }).echo).toBe(false);
    expect(hintOf({ ...own, subscriptionType: 'object.creation', propertyName: undefined }).echo).toBe(false);
    expect(hintOf(own).echo).toBe(true);
    expect(hintOf({ ...own, sourceId: APP_ID }).echo).toBe(true);
    expect(hintOf({ ...own, sourceId: '1' }).echo).toBe(false);
    expect(hintOf({ ...own, changeSource: 'CRM_UI' }).echo).toBe(false);
    expect(hintOf({ ...own, sourceId: null }).echo).toBe(false);
  });

  test('keeps every digit of an id beyond 2^53', () => {
    const result = parse(
      '[{"portalId":1,"subscriptionType":"deal.creation","objectId":9007199254740993,"eventId":90071992547409931}]',
    );
    expect(result).toMatchObject({ ok: true, hints: [{ records: [{ id: '9007199254740993' }] }] });
  });
});

describe('the key of an event', () => {
  test('is the same for every delivery of it', () => {
    const again = { ...STAGE_CHANGE, attemptNumber: 7, subscriptionId: 8 };
    expect(hintOf(again).eventKey).toBe(hintOf(STAGE_CHANGE).eventKey);
  });

  test.each([
    ['portalId', 5],
    ['subscriptionType', 'object.creation'],
    ['objectId', 5],
    ['eventId', 5],
    ['occurredAt', 5],
    ['propertyName', 'amount'],
  ])('differs when %s differs', (field, value) => {
    expect(hintOf({ ...STAGE_CHANGE, [field]: value }).eventKey).not.toBe(hintOf(STAGE_CHANGE).eventKey);
  });

  test('differs for the two sides of an association, its labels, its being primary and its removal', () => {
    const side = {
      portalId: 1,
      eventId: 1,
      occurredAt: 1,
      subscriptionType: 'object.associationChange',
      associationType: 'CONTACT_TO_CONTACT',
      associationTypeId: 449,
      fromObjectId: 1,
      toObjectId: 2,
      associationRemoved: false,
      isPrimaryAssociation: false,
    };
    const others = [
      side,
      { ...side, fromObjectId: 2, toObjectId: 1 },
      { ...side, associationRemoved: true },
      { ...side, associationTypeId: 37 },
      { ...side, isPrimaryAssociation: true },
    ];
    expect(new Set(others.map((event) => hintOf(event).eventKey)).size).toBe(others.length);
  });

  test('cannot be forged by a value that contains a separator', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (type1, property1, type2, property2) => {
        fc.pre(type1 !== '' && type2 !== '' && (type1 !== type2 || property1 !== property2));
        const event = { portalId: 1, objectId: 1, eventId: 1 };
        const one = hintOf({ ...event, subscriptionType: type1, propertyName: property1 });
        const two = hintOf({ ...event, subscriptionType: type2, propertyName: property2 });
        // Types that we know need a record, which is given, so both parse.
        expect(one.eventKey).not.toBe(two.eventKey);
      }),
    );
  });
});

describe('a delivery', () => {
  test('of any number of events up to HubSpot’s hundred gives one hint per event, in order', () => {
    const events = Array.from({ length: EVENTS_MAX }, (_, index) => ({ ...STAGE_CHANGE, eventId: index }));
    const result = parse(events);
    expect(result.ok && result.hints.map(({ payload }) => payload)).toEqual(
      events.map(({ eventId }) => ({ ...WITHOUT_VALUE, eventId })),
    );
    expect(parse([])).toEqual({ ok: true, hints: [] });
  });

  test.each([
    ['not JSON', '[{', 'not_json'],
    ['not UTF-8', Buffer.from('[{"portalId":1,"subscriptionType":"x","name":"\xff"}]', 'latin1'), 'not_json'],
    ['an object', '{}', 'not_an_array'],
    ['too many events', JSON.stringify(Array(EVENTS_MAX + 1).fill(STAGE_CHANGE)), 'too_many_events'],
    ['an event without a portal', '[{"subscriptionType":"deal.creation","objectId":1}]', 'malformed_event'],
    ['an event without a type', '[{"portalId":1,"objectId":1}]', 'malformed_event'],
    [
      'an event of a deal that does not say which',
      '[{"portalId":1,"subscriptionType":"deal.creation"}]',
      'malformed_event',
    ],
    ['something else than events', '[1]', 'malformed_event'],
  ])('that is %s is refused with the reason', (_name, body, problem) => {
    expect(parseHints(Buffer.from(body), APP_ID)).toMatchObject({ ok: false, problem });
  });

  test('of anything at all never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const result = parse([value]);
        expect(typeof result.ok).toBe('boolean');
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (body) => typeof parseHints(body, APP_ID).ok === 'boolean'));
  });
});
