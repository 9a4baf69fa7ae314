import { startHubSpotSandbox } from '../src/sandbox/hubspot/server.ts';
import { answerQuestions } from './processes.ts';
import type { CrmQuestion, Seeded } from './world.ts';

/*
 * The local HubSpot as a process of its own, with what a bench needs beside HubSpot's protocol: many records at once, which would
 * take minutes over HTTP. It sends no webhooks by itself (world.ts switches the subscriptions off); the load generator does.
 */

const sandbox = await startHubSpotSandbox(JSON.parse(process.env.BENCH_SANDBOX ?? '{}'));
const { control } = sandbox;

/** Over all questions, since no two contacts of a portal can have one address. */
let seededSoFar = 0;

/** Members, and friends referred by them, each with an open deal. */
function seed({ portalId, deals, friendsPerMember }: Extract<CrmQuestion, { kind: 'seed' }>): Seeded {
  const seeded: Seeded = { dealIds: [], friendIds: [], memberIds: [] };
  let memberId = '';
  for (let index = 0; index < deals; index += 1) {
    const person = `${portalId}-${seededSoFar}`;
    seededSoFar += 1;
    if (index % friendsPerMember === 0) {
      const properties = { firstname: 'Grace', lastname: `Hopper ${person}`, email: `grace-${person}@example.com` };
      memberId = control.createRecord(portalId, 'contact', { properties }).id;
      seeded.memberIds.push(memberId);
    }
    const { id: friendId } = control.createRecord(portalId, 'contact', {
      properties: { firstname: 'Ada', lastname: `Lovelace ${person}`, email: `ada-${person}@example.com` },
      associations: [{ toType: 'contact', toId: memberId, labels: ['Referred by'] }],
    });
    const { id: dealId } = control.createRecord(portalId, 'deal', {
      properties: { dealname: `Engine ${person}`, dealstage: 'appointmentscheduled', amount: '1200.50' },
      associations: [{ toType: 'contact', toId: friendId }],
    });
    seeded.friendIds.push(friendId);
    seeded.dealIds.push(dealId);
  }
  return seeded;
}

answerQuestions<CrmQuestion>((question) => {
  switch (question.kind) {
    case 'where':
      return { url: sandbox.url, authorizeUrl: sandbox.authorizeUrl };
    case 'install':
      return control.install(question.portalId, { state: question.state }).redirectUrl;
    case 'seed':
      return seed(question);
    case 'edit':
      for (const id of question.dealIds)
        control.editRecord(question.portalId, 'deal', id, { properties: question.properties });
      return null;
    case 'slow':
      control.clearFaults();
      if (question.latencyMs > 0) {
        control.addFault({ target: 'api', effect: { kind: 'latency', latencyMs: question.latencyMs } });
      }
      return null;
    case 'calls':
      return control.calls().reduce((sum, { total }) => sum + total, 0);
  }
});
