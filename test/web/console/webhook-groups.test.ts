import { expect, test } from 'vitest';
import { WEBHOOK_EVENT_TYPES } from '../../../src/domain/webhook.ts';
import { GROUPS } from '../../../src/web/console/src/screens/settings/webhook-groups.ts';

test('each event that others can be told of stands in one group of the form', () => {
  expect(GROUPS.flatMap(({ types }) => types).toSorted()).toEqual([...WEBHOOK_EVENT_TYPES].toSorted());
});
