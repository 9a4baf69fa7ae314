import { type RequestHandler, Router } from 'express';
import type {
  CardResponse,
  CompanyCardResponse,
  DealCardResponse,
} from '../../contracts/hubspot-card/card-view.generated.ts';
import type { CardInput } from '../application/card.ts';
import type { CompanyCardInput } from '../application/company-card.ts';
import type { DealCardInput } from '../application/deal-card.ts';
import type { PageCursor } from '../application/ports/store.ts';
import type { Log } from '../platform/log.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import {
  type Asked,
  answerPerson,
  askedBy,
  failedWith,
  only,
  RECORD_ID,
  refusePerson,
  type SignedDeps,
  signedByHubSpot,
} from './hubspot-signed.ts';
import { onlyMethods } from './problem.ts';

type AnyResponse = CardResponse | DealCardResponse | CompanyCardResponse;

export interface CardDeps extends SignedDeps {
  readonly log: Log;
  readonly card: (input: CardInput) => Promise<CardResponse>;
  readonly dealCard: (input: DealCardInput) => Promise<DealCardResponse>;
  readonly companyCard: (input: CompanyCardInput) => Promise<CompanyCardResponse>;
}

interface Shown {
  /** HubSpot's number for the object; ids of others would be looked up as if they were of this one. */
  readonly objectTypeId: string;
  readonly noun: string;
  readonly answer: (asked: Asked, objectId: string, page: Page) => Promise<AnyResponse>;
}

interface Page {
  readonly cursor: PageCursor | null;
  readonly encodeCursor: (cursor: PageCursor) => string;
}

/**
 * What the cards in HubSpot's records show. HubSpot signs the whole address and adds the portal's number to its query, and that
 * number alone says whose data is read: what a card's own code sends could be anybody's.
 */
export function cards(deps: CardDeps): Router {
  const { log, card, dealCard, companyCard } = deps;
  const shown: Readonly<Record<string, Shown>> = {
    contact: {
      objectTypeId: '0-1',
      noun: 'contact',
      answer: ({ connection, user }, contactId, page) => card({ connection, user, contactId, ...page }),
    },
    deal: {
      objectTypeId: '0-3',
      noun: 'deal',
      answer: ({ connection, user }, dealId) => dealCard({ connection, user, dealId }),
    },
    company: {
      objectTypeId: '0-2',
      noun: 'company',
      answer: ({ connection, user }, companyId, page) => companyCard({ connection, user, companyId, ...page }),
    },
  };

  const signed = signedByHubSpot(deps);
  const show =
    (list: string, { objectTypeId, noun, answer: answerOf }: Shown): RequestHandler =>
    async (request, response) => {
      const refuse = (message: string) => refusePerson(response, message);
      const asked = await askedBy(deps, request, response);
      const { query, portalId } = asked;
      if (portalId === null) return refuse('HubSpot did not say which portal this is.');
      const objectId = only(query, 'objectId') ?? '';
      if (only(query, 'objectTypeId') !== objectTypeId) return refuse(`This card is for a ${noun}.`);
      if (!RECORD_ID.test(objectId)) return refuse(`The card did not say which ${noun} it is in.`);
      const cursor = query.has('cursor') ? decodeCursor(list, only(query, 'cursor') ?? '') : null;
      if (query.has('cursor') && cursor === null) return refuse('The list has changed. Reload the card.');
      const page: Page = { cursor, encodeCursor: (next) => encodeCursor(list, next) };
      answerPerson(response, await answerOf(asked, objectId, page));
    };

  const router = Router();
  for (const [name, one] of Object.entries(shown)) {
    // The contact's card came first, and its cursors are on open pages.
    const list = name === 'contact' ? 'card' : `card-${name}`;
    router
      .route(`/hubspot/cards/${name}`)
      .get(signed, show(list, one), failedWith(log, `Wonward could not read this ${one.noun} just now.`))
      .all(onlyMethods('GET'));
  }
  return router;
}
