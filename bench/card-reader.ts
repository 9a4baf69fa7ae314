import { createHmac } from 'node:crypto';
import { Agent, get } from 'node:http';
import { answerQuestions } from './processes.ts';

/*
 * Opens cards as HubSpot does for a rep: signed GETs at a rate that does not wait for answers. A process of its own, so that its work is
 * not taken for the service's.
 */

export interface CardQuestion {
  /** The service's address, as it is signed. */
  readonly url: string;
  readonly secret: string;
  readonly portalId: number;
  /** Contacts whose card is opened, in turns. */
  readonly contactIds: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
}

export interface CardReport {
  readonly asked: number;
  readonly shown: number;
  /** What was answered instead of a card. */
  readonly others: Readonly<Record<string, number>>;
  /** Milliseconds from the moment at which a card was due to be asked for, whenever it was, until it had arrived. */
  readonly latencies: Float64Array;
}

/** Browsers of a busy sales floor, behind HubSpot's proxy. */
const CONNECTIONS_MAX = 64;

const now = () => performance.timeOrigin + performance.now();

async function readCards(question: CardQuestion): Promise<CardReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  const total = Math.floor(question.perSecond * question.seconds);
  const latencies: number[] = [];
  const others: Record<string, number> = {};
  const startedAt = now();
  const dueAt = (index: number) => startedAt + (index * 1_000) / question.perSecond;
  let next = 0;
  await new Promise<void>((resolve) => {
    let ended = 0;
    const end = (index: number, outcome: string) => {
      if (outcome === 'shown') latencies.push(now() - dueAt(index));
      else others[outcome] = (others[outcome] ?? 0) + 1;
      ended += 1;
      if (ended < total) return;
      clearInterval(timer);
      resolve();
    };
    const timer = setInterval(() => {
      for (; next < total && dueAt(next) <= now(); next += 1) {
        const index = next;
        ask(agent, question, index).then(
          (outcome) => end(index, outcome),
          (error: unknown) => end(index, String(error)),
        );
      }
    }, 1);
  });
  agent.destroy();
  return { asked: total, shown: latencies.length, others, latencies: Float64Array.from(latencies) };
}

function ask(agent: Agent, { url, secret, portalId, contactIds }: CardQuestion, index: number): Promise<string> {
  const contactId = contactIds[index % contactIds.length];
  const address = `${url}/hubspot/cards/contact?objectId=${contactId}&objectTypeId=0-1&portalId=${portalId}&userId=1`;
  const at = String(Math.floor(now()));
  const signature = createHmac('sha256', secret).update(`GET${address}${at}`).digest('base64');
  const headers = { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': at };
  return new Promise((resolve, reject) => {
    const request = get(address, { agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(outcomeOf(response.statusCode ?? 0, Buffer.concat(chunks).toString())));
    });
    request.on('error', reject);
  });
}

/** HubSpot hides other answers than 200 from a card, so a card that is not shown says so inside. */
function outcomeOf(status: number, body: string): string {
  if (status !== 200) return `status ${status}`;
  const card = JSON.parse(body) as { ok: boolean; code?: string };
  return card.ok ? 'shown' : String(card.code);
}

answerQuestions<CardQuestion>(readCards);
